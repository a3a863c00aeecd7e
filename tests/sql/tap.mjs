// Tests as TAP: test(NAME, BODY) in turn, then end(). A body that returns a text was skipped for that reason.
let number = 0, failed = 0;
export async function test(name, body) {
	number++;
	try {
		const skipped = await body();
		console.log(`ok ${number} ${name}${skipped ? ` # skip ${skipped}` : ''}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${number} ${name}\n${String(e.message ?? e).slice(0, 4000).replace(/^/gm, '# ')}`);
	}
}
export function end() {
	console.log(`1..${number}`);
	process.exit(failed ? 1 : 0);
}
