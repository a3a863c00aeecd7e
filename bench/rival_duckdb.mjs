// rival_duckdb.mjs FILE BY TALLY: DuckDB (two threads, warm, start-up not counted) sums the same exact cost from the same file. Prints the best
// of three in ms. The price book reaches it as segments per model, made from `tally price show`'s own answers at every change.
import { DuckDBInstance } from '@duckdb/node-api';
import { execFileSync } from 'node:child_process';

const [file, byList, tally] = process.argv.slice(2);
const models = ['deepseek-v4-flash', 'deepseek-v4-pro', 'claude-sonnet-4-6', 'claude-haiku-4-5', 'glm-5.1'];
const pico = s => BigInt(Math.round(Number(s) * 1e9)) / 1000n; // six decimals per million are whole pico-dollars per token
const c = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
await c.run('create table price(model varchar, f timestamp, t timestamp, pin bigint, pcr bigint, pout bigint)');
for (const m of models)
	for (let at = '2026-08-01T00:00:00Z'; at && at < '2026-10-01'; ) {
		const a = JSON.parse(execFileSync(tally, ['cost', '--model', m, '--at', at, '--input', '1', '--cache-read', '1', '--output', '1', '--json']));
		const r = Object.fromEntries(a.lines.map(l => [l.bucket, pico(l.per_million)]));
		const until = a.price.until ?? '2027-01-01T00:00:00Z';
		await c.run(`insert into price values ('${m}', '${at}', '${until}', ${r.input}, ${r.cache_read}, ${r.output})`);
		at = until;
	}
const columns = "columns={'time':'TIMESTAMP','model':'VARCHAR','customer':'VARCHAR','task':'VARCHAR','input':'BIGINT','cache_read':'BIGINT','output':'BIGINT'}";
const source = /\.jsonl/.test(file) ? `read_json('${file}', format='newline_delimited', ${columns})` : `read_csv('${file}', header=true, ${columns})`;
const by = byList.split(',').map(k => 'r.' + k).join(',');
let best = Infinity, total;
for (let i = 0; i < 3; i++) {
	const began = performance.now();
	// a range join finds the one price of each row; sums are exact 128-bit integers
	const r = await c.runAndReadAll(`select ${by}, count(*), sum(r.input), sum(r.cache_read), sum(r.output), sum(r.input::hugeint * pin + r.cache_read::hugeint * pcr + r.output::hugeint * pout)
		from ${source} r asof join price p on p.model = r.model and r.time >= p.f group by ${by} order by ${by}`);
	best = Math.min(best, performance.now() - began);
	total = r.getRows().reduce((s, row) => s + BigInt(row[row.length - 1]), 0n);
}
console.log(`${best.toFixed(0)} ${total}`);
