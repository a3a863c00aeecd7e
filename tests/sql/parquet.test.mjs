// parquet.test.mjs TALLY MODULES: what `tally export parquet` writes, read by DuckDB and ClickHouse, against `tally usage` and `tally export csv` of the
// same database. Prints TAP; an engine that does not exist is skipped. MODULES holds @duckdb/node-api and chdb.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import zlib from 'node:zlib';
import { end, test } from './tap.mjs';

const [tally, modules] = process.argv.slice(2).map(p => resolve(p));
const require = createRequire(join(modules, 'node_modules', 'x.js'));
const module = name => { try { return require(name); } catch { return null; } };
const dir = mkdtempSync(join(tmpdir(), 'tally-parquet-'));
const at = name => join(dir, name);
const run = (...args) => spawnSync(tally, [...args, '--db', at('x.db'), '-q'], { encoding: 'utf8', maxBuffer: 1 << 28 });

// --- more than one group of rows; texts that repeat and texts that do not, none, one for all, and more than 256 of them; wide numbers; no price ---
let seed = 20261130;
const random = n => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff, Math.floor(seed / 65536) % n);
const pick = list => list[random(list.length)];
const models = ['deepseek-v4-flash', 'deepseek-v4-pro', 'claude-sonnet-4-6', 'gpt-5', 'no-such-model'];
const rows = ['id,time,completed,model,customer,task,session,input,cache_read,cache_write_1h,output,reasoning,requests,broken_off'];
for (let i = 0; i < 140000; i++) {
	const ms = Date.UTC(2026, 4, 1) + random(30000) * 300e3 + random(1000), output = random(3000);
	rows.push([`call-${i.toString(36)}-${random(32768)}`, new Date(ms).toISOString().replace('Z', `${100 + random(900)}Z`), random(3) ? '' : new Date(ms + 5000).toISOString(), pick(models), random(4) ? `c${random(700)}` : '', 'Übersetzung 翻訳', i < 70000 ? '' : `s${random(9)}`,
		pick([0, random(900), 999999999999]), pick([0, random(20000)]), pick([0, 0, 0, random(500)]), output, random(output + 1), pick([1, 1, 2]), i % 1000 ? '' : 'true'].join(','));
}
writeFileSync(at('x.csv'), rows.join('\n') + '\n');
run('ingest', at('x.csv'));
run('void', rows[5].split(',')[0], '--why', 'a test');
const said = JSON.parse(run('usage', '--by', 'model,customer', '--json').stdout);
const exported = run('export', 'parquet', '-o', at('x.parquet'));
run('export', 'csv', '-o', at('again.csv'));

const equal = (got, want, what) => { if (String(got) !== String(want)) throw new Error(`${what}: got ${String(got).slice(0, 500)}, expected ${String(want).slice(0, 500)}`); };
const plain = s => s === null || s === '' ? '0' : String(s).includes('.') ? String(s).replace(/\.?0+$/, '') : String(s);
const expected = said.groups.map(g => [g.model, g.customer ?? '', g.records, g.tokens.input, g.tokens.output, plain(g.total), g.unpriced ?? 0].join('|')).sort();
const grouped = (file, text) => `SELECT model,coalesce(customer,'') AS customer,count(*) AS n,${text('sum(input)')} AS input,${text('sum(output)')} AS output,coalesce(${text('sum(cost)')},'0') AS cost,count(unpriced) AS unpriced FROM ${file} GROUP BY model,customer`;
const compare = list => equal(list.map(g => [g.model, g.customer, g.n, g.input, g.output, plain(g.cost), g.unpriced].join('|')).sort().join('\n'), expected.join('\n'), 'groups');

await test('what has no price and what is a part are told', () => {
	equal(exported.status, 3, 'status');
	if (!/no price/.test(exported.stderr) || !/140 records have only/.test(exported.stderr)) throw new Error(exported.stderr);
	equal(said.records ?? said.groups.reduce((n, g) => n + g.records, 0), 139999, 'records');
});
await test('each page carries its CRC-32', () => {
	if (!zlib.crc32) return 'this node has no zlib.crc32';
	const file = readFileSync(at('x.parquet'));
	equal(file.toString('latin1', 0, 4) + file.toString('latin1', file.length - 4), 'PAR1PAR1', 'magic');
	let p = 4;
	const varint = () => { let v = 0n, s = 0n; for (;; s += 7n) { const b = file[p++]; v |= BigInt(b & 127) << s; if (b < 128) return Number(v >> 1n ^ -(v & 1n)); } };
	// the first page: kind, bytes, packed bytes and sum, each a number, then what kind of page it is
	const [, , packed, sum] = [0, 0, 0, 0].map(() => { equal(file[p++], 0x15, 'a number follows'); return varint(); });
	p++;
	while (file[p] !== 0) { p++; varint(); }
	p += 2;
	equal(zlib.crc32(file.subarray(p, p + packed)) | 0, sum, 'sum');
});
await test('DuckDB reads every row as the CSV has it, and the groups of tally usage', async () => {
	const duck = module('@duckdb/node-api');
	if (!duck) return 'DuckDB is not installed';
	const c = await (await duck.DuckDBInstance.create(':memory:')).connect();
	const query = async sql => (await c.runAndReadAll(sql)).getRowObjectsJson();
	const parquet = `'${at('x.parquet')}'`, csv = `read_csv('${at('again.csv')}',header=true,all_varchar=true)`;
	compare(await query(grouped(parquet, x => `${x}::VARCHAR`)));
	const both = 'id,model,customer,task,session,input,cache_read,cache_write_1h,output,reasoning,requests';
	const cast = both.split(',').map(n => `${n}::VARCHAR`).join(',');
	for (const [a, b] of [[parquet, csv], [csv, parquet]])
		equal((await query(`SELECT count(*) AS n FROM (SELECT ${cast},epoch_us(time::TIMESTAMPTZ),epoch_us(completed::TIMESTAMPTZ) FROM ${a} EXCEPT SELECT ${cast},epoch_us(time::TIMESTAMPTZ),epoch_us(completed::TIMESTAMPTZ) FROM ${b})`))[0].n, 0, 'rows that differ');
	// readers skip groups by the least and the most
	const [{ n }] = await query(`SELECT count(*) AS n FROM ${parquet} WHERE time>='2026-06-01' AND time<'2026-06-02'`);
	equal(n, (await query(`SELECT count(*) AS n FROM ${csv} WHERE time>='2026-06-01' AND time<'2026-06-02'`))[0].n, 'rows of a day');
});
await test('ClickHouse reads the groups of tally usage', () => {
	const chdb = module('chdb');
	if (!chdb) return 'ClickHouse is not installed';
	compare(chdb.query(grouped(`file('${at('x.parquet')}','Parquet')`, x => `toString(${x})`), 'JSONEachRow').split('\n').filter(Boolean).map(JSON.parse));
});
await test('what is exported as CSV and read again keeps what is a part only', () => {
	const again = (...args) => spawnSync(tally, [...args, '--db', at('y.db'), '-q'], { encoding: 'utf8', maxBuffer: 1 << 28 });
	again('ingest', at('again.csv'));
	const got = JSON.parse(again('usage', '--by', 'model,customer', '--json').stdout);
	equal(JSON.stringify(got.lower_bound), JSON.stringify(said.lower_bound), 'lower bound');
	equal(got.total, said.total, 'total');
});
await test('DuckDB prices archived months as tally usage does, exactly', async () => {
	const duck = module('@duckdb/node-api');
	if (!duck) return 'DuckDB is not installed';
	const z = (...args) => spawnSync(tally, [...args, '--db', at('z.db'), '-q'], { encoding: 'utf8', maxBuffer: 1 << 28 });
	const lines = [];
	for (let i = 0; i < 3000; i++) {
		const output = random(3000);
		lines.push(JSON.stringify({ id: `r${i}`, time: new Date(Date.UTC(2026, 5, 1) + random(8700) * 600e3).toISOString(), model: pick(models.slice(0, 4)), customer: `c${i % 7}`, input: random(300000), cache_read: random(20000), output, reasoning: random(output + 1) }));
	}
	writeFileSync(at('z.jsonl'), lines.join('\n') + '\n');
	z('ingest', at('z.jsonl'));
	z('amend', 'r7', '--set', 'output=0', '--why', 'a test');
	z('void', 'r8', '--why', 'a test');
	equal(z('db', 'archive', '--before', '2026-08', '--to', at('months')).status, 0, 'status');
	const usage = JSON.parse(z('usage', '--until', '2026-07-31', '-z', 'UTC', '--json').stdout);
	const sql = execFileSync(tally, ['price', 'sql', '--dialect', 'duckdb', '--columns', 'time,provider,model,service_tier,region,input,cache_read,output,reasoning,requests', ...models.slice(0, 4)], { encoding: 'utf8', maxBuffer: 1 << 28 });
	const c = await (await duck.DuckDBInstance.create(':memory:')).connect();
	for (const s of sql.split(';\n')) if (s.trim()) await c.run(s);
	const columns = 'time,provider,model,service_tier,region,input,cache_read,output,reasoning,requests';
	await c.run(`INSERT INTO usage BY NAME SELECT ${columns} FROM '${at('months')}/*.parquet' WHERE stands=1`);
	const [row] = (await c.runAndReadAll(`SELECT count(*)::VARCHAR AS n,tally_amount(sum(tally_atto))::VARCHAR AS total,(SELECT sum(cost)::VARCHAR FROM '${at('months')}/*.parquet') AS cost FROM tally_priced`)).getRowObjectsJson();
	equal([row.n, plain(row.total), plain(row.cost)].join(' '), [usage.records, plain(usage.total), plain(usage.total)].join(' '), 'records, total and cost');
});
rmSync(dir, { recursive: true, force: true });
end();
