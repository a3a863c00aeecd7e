// rival_duckdb.mjs FILE BY TALLY: DuckDB (two threads, warm, start-up not counted) sums the same exact cost from the same file. Prints the best
// of three in ms, and the total. The price book reaches it as one price per model and hour: all changes of these 60 days fall on whole hours, and
// an equality join was faster than an ASOF join over the periods.
import { DuckDBInstance } from '@duckdb/node-api';
import { execFileSync } from 'node:child_process';

const [file, byList, tally, parquet] = process.argv.slice(2); // parquet: copied there first, and read from there
const models = ['deepseek-v4-flash', 'deepseek-v4-pro', 'claude-sonnet-4-6', 'claude-haiku-4-5', 'glm-5.1'];
const pico = s => BigInt(Math.round(Number(s) * 1e9)) / 1000n; // six decimals per million are whole pico-dollars per token
const c = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
await c.run('create table price(model varchar, hour timestamp, pin bigint, pcr bigint, pout bigint)');
for (const m of models) {
	const values = [];
	let until = '', r;
	for (let h = Date.UTC(2026, 7, 1); h < Date.UTC(2026, 9, 1); h += 3600e3) {
		const at = new Date(h).toISOString().slice(0, 19) + 'Z';
		if (at >= until) {
			const a = JSON.parse(execFileSync(tally, ['cost', '--model', m, '--at', at, '--input', '1', '--cache-read', '1', '--output', '1', '--json']));
			r = Object.fromEntries(a.lines.map(l => [l.bucket, pico(l.per_million)]));
			until = a.price.until ?? '9999';
		}
		values.push(`('${m}', '${at}', ${r.input}, ${r.cache_read}, ${r.output})`);
	}
	await c.run('insert into price values ' + values.join(','));
}
const columns = "columns={'time':'TIMESTAMP','model':'VARCHAR','customer':'VARCHAR','task':'VARCHAR','input':'BIGINT','cache_read':'BIGINT','output':'BIGINT'}";
const source = /\.jsonl/.test(file) ? `read_json('${file}', format='newline_delimited', ${columns})` : `read_csv('${file}', header=true, ${columns})`;
if (parquet) await c.run(`copy (select * from ${source}) to '${parquet}' (format parquet)`);
const rows = parquet ? `read_parquet('${parquet}')` : source;
const by = byList.split(',').map(k => 'r.' + k).join(',');
let best = Infinity, total;
for (let i = 0; i < 3; i++) {
	const began = performance.now();
	const r = await c.runAndReadAll(`select ${by}, count(*), sum(r.input), sum(r.cache_read), sum(r.output), sum(r.input::hugeint * pin + r.cache_read::hugeint * pcr + r.output::hugeint * pout)
		from ${rows} r join price p on p.model = r.model and p.hour = date_trunc('hour', r.time) group by ${by} order by ${by}`);
	best = Math.min(best, performance.now() - began);
	total = r.getRows().reduce((s, row) => s + BigInt(row[row.length - 1]), 0n);
}
console.log(`${best.toFixed(0)} ${total}`);
