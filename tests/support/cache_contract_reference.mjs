// What contracts of caches make of conversations of which only counts are known, the slow way: at each call every earlier one of the
// conversation is looked at. Reads a CSV (time,model,session,input,output), prints "scenario total" for each scenario of the command line
// (NAME=MODEL or NAME=every:K:A:B). Prices are picodollars a token, of June 2026.
import { readFileSync } from "node:fs";
const [file, ...scenarios] = process.argv.slice(2);
const anthropic = { quantum: 1, ttl: 300, bills: true };
const models = {
	"claude-sonnet-4-6": { ...anthropic, minimum: 1024, input: 3000000n, read: 300000n, write: 3750000n, output: 15000000n },
	"claude-haiku-4-5": { ...anthropic, minimum: 4096, input: 1000000n, read: 100000n, write: 1250000n, output: 5000000n },
	"gpt-4o": { quantum: 128, ttl: 300, minimum: 1024, last: 1, input: 2500000n, read: 1250000n, output: 10000000n },
	"deepseek-v4-flash": { quantum: 64, ttl: 7200, minimum: 64, input: 140000n, read: 2800n, output: 280000n },
};
const calls = readFileSync(file, "utf8").trim().split("\n").slice(1).map((l) => {
	const [time, , session, input, output] = l.split(",");
	return { at: Date.parse(time) / 1000, session, prompt: +input, output: +output };
});
for (const scenario of scenarios) {
	const [name, route] = scenario.split("=");
	const [kind, k, a, b] = route.split(":");
	const place = {};
	let pico = 0n;
	const answered = calls.map((c) => {
		const n = (place[c.session] ??= 0);
		place[c.session]++;
		return kind === "every" ? (n % +k === +k - 1 ? a : b) : route;
	});
	calls.forEach((c, i) => {
		const m = models[answered[i]];
		const own = calls.map((d, j) => j).filter((j) => j < i && calls[j].session === c.session);
		const last = own.filter((j) => answered[j] === answered[i]).pop();
		let hit = 0;
		if (last !== undefined && c.at - calls[last].at <= m.ttl && !(m.bills && calls[last].prompt < m.minimum)) {
			// the prompts in between, and this one, begin alike as far as the shortest goes
			hit = Math.min(...own.filter((j) => j >= last).map((j) => calls[j].prompt), c.prompt - (m.last ?? 0));
			hit -= hit % m.quantum;
			if (hit < m.minimum) hit = 0;
		}
		const rest = BigInt(c.prompt - hit);
		pico += BigInt(hit) * m.read + rest * (m.bills && c.prompt >= m.minimum ? m.write : m.input) + BigInt(c.output) * m.output;
	});
	// prices are picodollars a token, so the sum has twelve decimals
	const digits = pico.toString().padStart(13, "0");
	console.log(name, `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, ""));
}
