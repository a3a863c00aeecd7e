// reported_payloads.mjs TALLY FILE: each line of FILE is a payload as a public report of a token counter shows it, rebuilt small, with what it
// used: {"name", "about", "file", "text", "records", "tokens", "told"}. Replayed and ingested it gives these tokens; told: and exit status 3, for
// something in it has no price. least: and exit status 3, for its cost is a lower bound (its cache writes have no lifetime, its region is not told), and nothing else is told. refused: and exit status 3, for the id of one of its calls was given before.
// total: and comes to this. tokens may be missing where none can be told.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, rmSync } from 'node:fs';

const [tally, file] = process.argv.slice(2);
const at = ['--at', '2026-06-15T10:00:00Z'];
const run = (...args) => {
	const p = spawnSync(tally, args, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
	let said = null;
	try { said = JSON.parse(p.stdout); } catch { }
	return { status: p.status, said, why: p.stderr.slice(0, 300) };
};
let cases = 0, wrong = 0;
const complain = what => { wrong++; console.log(what); };
for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
	const c = JSON.parse(line), want = Object.entries(c.tokens || {});
	cases++;
	writeFileSync(c.file, c.text);
	const check = (way, r, status) => {
		const got = { ...r.said?.tokens, ...r.said?.other_tokens };
		if (c.tokens) {
			for (const [bucket, n] of want) if ((got[bucket] ?? 0) !== n) complain(`${c.name}, ${way}: ${bucket} ${got[bucket] ?? 0}, and not ${n} ${r.why}`);
			for (const [bucket, n] of Object.entries(got)) if (n && bucket !== 'reasoning' && !(bucket in c.tokens)) complain(`${c.name}, ${way}: ${bucket} ${n}, and not 0`);
			if (r.said?.records !== (c.records ?? 1)) complain(`${c.name}, ${way}: ${r.said?.records} records, and not ${c.records ?? 1}`);
		}
		if (c.total && r.said?.total !== c.total) complain(`${c.name}, ${way}: ${r.said?.total}, and not ${c.total}`);
		if (c.least && !(r.said?.placeholders > 0 && r.said?.unpriced === 0)) complain(`${c.name}, ${way}: no lower bound`);
		if (c.told || c.least || c.refused ? status !== 3 : status !== 0) complain(`${c.name}, ${way}: exit status ${status} ${r.why}`);
	};
	const replayed = run('replay', c.file, ...at, '--json');
	check('replay', replayed, replayed.status);
	// by whatever it is grouped, and whether its calls have an instant or not, it comes to the same or is refused
	for (const by of ['model,window', 'customer,day']) {
		const grouped = run('replay', c.file, ...at, '--by', by, '--json'), undated = run('replay', c.file, '--by', by, '--json');
		if (grouped.status !== replayed.status || grouped.said?.total !== replayed.said?.total) complain(`${c.name}, by ${by}: ${grouped.said?.total} (${grouped.status}), and not ${replayed.said?.total} (${replayed.status})`);
		if (undated.status === null) complain(`${c.name}, by ${by}, without an instant: ended by a signal`);
	}
	for (const x of ['p.db', 'p.db-wal', 'p.db-shm', 'p.db-ids']) rmSync(x, { force: true, recursive: true });
	const ingested = run('ingest', c.file, '--db', 'p.db', ...at, '-q');
	const used = run('usage', '--db', 'p.db', '--json');
	check('usage', used, ingested.status || used.status);
	if (c.tokens && replayed.said?.total !== used.said?.total) complain(`${c.name}: replay ${replayed.said?.total}, usage ${used.said?.total}`);
	rmSync(c.file, { force: true });
}
console.log(wrong ? `${wrong} disagreements` : `${cases} payloads as reported`);
process.exit(wrong ? 1 : 0);
