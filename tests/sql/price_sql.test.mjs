// price_sql.test.mjs TALLY MODULES [CSV]: the SQL of `tally price sql` in SQLite, DuckDB, PostgreSQL and ClickHouse, each against `tally replay`
// of the same rows, group by group. Prints TAP; an engine that does not exist is skipped. MODULES holds @duckdb/node-api and chdb.
// With a CSV of native columns (times in UTC), that is priced instead of generated rows, and comments tell how long each engine took.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { end, test } from './tap.mjs';

const [tally, modules] = process.argv.slice(2).map(p => resolve(p));
const require = createRequire(join(modules, 'node_modules', 'x.js'));
const dir = mkdtempSync(join(tmpdir(), 'tally-sql-'));
const card = resolve('tests/cases/sql_card.json');
const run = (program, args, input) => execFileSync(program, args, { encoding: 'utf8', input, maxBuffer: 1 << 28 });

// --- usage: every kind of name, and instants beside the edges at which prices change ---
let seed = 20260615;
const random = n => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff, Math.floor(seed / 65536) % n);
const pick = list => list[random(list.length)];
const models = [['', 'deepseek-v4-flash'], ['', 'DeepSeek-V4-Pro'], ['deepseek', 'deepseek-chat'], ['', 'deepseek-reasoner'], ['TokenHub', 'deepseek-v4-pro'],
	['', 'tokenhub/deepseek-v4-flash'], ['', 'claude-sonnet-4-6'], ['anthropic', 'claude-opus-4-6'], ['', 'kimi-k2.6'], ['', 'glm-5.1'],
	['', 'acme-large'], ['acme', 'Acme-Large'], ['', 'acme-small'], ['', 'acme-latest'], ['acme', 'acme-latest'], ['', 'no-such-model'], ['nobody', 'acme-small'], ['', "o'hara\\n"]];
const edges = ['2026-04-26T12:15:00Z', '2026-05-31T15:59:00Z', '2026-08-16T16:00:00Z', '2026-08-24T01:00:00Z', '2026-08-24T04:00:00Z', '2026-08-24T06:00:00Z', '2026-08-24T10:00:00Z',
	'2026-10-01T01:00:00Z', '2026-02-02T21:00:00Z', '2026-02-03T01:30:00Z', '2026-04-06T20:00:00Z', '2026-03-29T00:30:00Z', '2026-05-05T05:05:05Z', '2026-05-10T00:00:00Z',
	'2026-06-01T00:00:00Z', '2026-09-01T12:34:56Z', '2026-01-01T00:00:00Z', '2025-09-05T16:00:00Z', '2024-12-31T23:00:00Z'].map(t => Date.parse(t));
function instant() {
	const ms = random(3) ? pick(edges) + pick([-1000, -1, 0, 0, 1, 1000, 3600e3, -3600e3]) : Date.UTC(2025, 10, 1) + random(30000) * 1800e3 + random(1000) * 1000;
	const micro = String(random(2) ? 0 : random(1000)).padStart(3, '0');
	return new Date(ms).toISOString().replace('Z', micro + 'Z');
}
const columns = ['time', 'task', 'provider', 'model', 'service_tier', 'region', 'input', 'cache_read', 'cache_write_5m', 'output', 'reasoning', 'requests'];
const rows = [];
for (let i = 0; i < 20000; i++) {
	const [provider, model] = pick(models), output = random(3000);
	rows.push([instant(), `t${i % 97}`, provider, model, pick(['', '', 'standard', 'batch', 'flex']), pick(['', '', 'eu', 'mars', 'venus']),
		pick([random(900), 1000, 999, 4999, 5000, random(400000), 499999999]), pick([0, 0, 1, random(20000)]), pick([0, 0, 0, random(500)]), output, pick([0, 0, random(output + 1)]), pick([1, 1, 1, 2])]);
}
const given = process.argv[4];
const csv = given ? resolve(given) : join(dir, 'usage.csv');
if (given) columns.splice(0, columns.length, ...run('head', ['-n', '1', csv]).trim().split(','));
const count = n => !['time', 'id', 'task', 'provider', 'model', 'service_tier', 'region', 'customer', 'project', 'workload'].includes(n);
if (!given) writeFileSync(csv, columns.join(',') + '\n' + rows.map(r => r.map(v => /[",\\]/.test(v) ? `"${String(v).replace(/"/g, '""')}"` : v).join(',')).join('\n') + '\n');

const plain = s => s.includes('.') ? s.replace(/\.?0+$/, '') : s;
const line = (task, model, records, unpriced, total) => [task, model, records, unpriced, plain(String(total ?? '0'))].join('|');
const started = Date.now();
const replay = spawnSync(tally, ['replay', csv, '--prices', card, '--by', 'task,model', '--json'], { encoding: 'utf8', maxBuffer: 1 << 28 });
const replayed = Date.now() - started;
const said = JSON.parse(replay.stdout);
const expected = said.groups.map(g => line(g.task, g.model, g.records, g.unpriced ?? 0, g.total)).sort();

// resellers are in the SQL where their models are named
const named = given ? [] : [...new Set(models.map(([, m]) => m.replace(/^tokenhub\//, '')))].filter(m => !['no-such-model', "o'hara\\n"].includes(m));
const script = (dialect, ...more) => run(tally, ['price', 'sql', '--dialect', dialect, '--prices', card, '--columns', columns.join(','), ...more, ...named]);
const grouped = total => `SELECT task,model,count(*) AS records,sum(CASE WHEN tally_reason='' THEN 0 ELSE 1 END) AS unpriced,${total} AS total FROM tally_priced GROUP BY task,model`;
const sqliteTotal = "printf('%d.%09d%09d',(sum(tally_nano)+sum(tally_rest)/1000000000)/1000000000,(sum(tally_nano)+sum(tally_rest)/1000000000)%1000000000,sum(tally_rest)%1000000000)";

// A PostgreSQL of our own, on a socket in `home`; null where there is none.
function postgres() {
	const server = resolve('tests/support/postgres_server'), home = mkdtempSync(join(tmpdir(), 'tally-pg-'));
	chmodSync(home, 0o755);
	if (spawnSync(server, ['start', home], { env: { ...process.env, POSTGRES_OPTIONS: '-c fsync=off' } }).status !== 0) return null;
	return {
		psql: input => run('psql', ['-h', home, '-U', 'tally', '-d', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1'], input),
		stop() { run(server, ['stop', home]); rmSync(home, { recursive: true, force: true }); },
	};
}
const module = name => { try { return require(name); } catch { return null; } };

const engines = {
	sqlite() {
		if (spawnSync('sqlite3', ['--version']).status !== 0) return null;
		const file = join(dir, 'x.sqlite');
		const out = input => run('sqlite3', ['-bail', file], input);
		out(script('sqlite'));
		out(`.mode csv\n.import --skip 1 ${csv} loaded\n`.replace('loaded', 'usage'));
		return {
			groups: () => out(`.mode json\n${grouped(sqliteTotal)};`),
			query: sql => out(`.mode json\n${sql};`) || '[]',
		};
	},
	async duckdb() {
		const duck = module('@duckdb/node-api');
		if (!duck) return null;
		const c = await (await duck.DuckDBInstance.create(':memory:')).connect();
		const json = async sql => JSON.stringify((await c.runAndReadAll(sql)).getRowObjectsJson());
		for (const s of script('duckdb').split(';\n')) if (s.trim()) await c.run(s);
		await c.run(`INSERT INTO usage BY NAME SELECT * FROM read_csv('${csv}',header=true,columns={${columns.map(n => `'${n}':'${n === 'time' ? 'TIMESTAMPTZ' : count(n) ? 'BIGINT' : 'TEXT'}'`)}})`);
		return { groups: () => json(grouped('tally_amount(sum(tally_atto))::VARCHAR')), query: json };
	},
	postgres() {
		const pg = postgres();
		if (!pg) return null;
		pg.psql(script('postgres'));
		pg.psql(`\\copy usage(${columns}) FROM '${csv}' CSV HEADER\n`);
		const json = sql => pg.psql(`SELECT coalesce(json_agg(x),'[]') FROM (${sql}) x;`);
		return { groups: () => json(grouped('(sum(tally_atto)*0.000000000000000001)::text')), query: json, stop: () => pg.stop() };
	},
	clickhouse() {
		const chdb = module('chdb');
		if (!chdb) return null;
		const s = new chdb.Session(join(dir, 'ch'));
		for (const q of script('clickhouse').split(';\n')) if (q.trim()) s.query(q);
		s.query(`INSERT INTO usage(${columns}) SELECT ${columns} FROM file('${csv}','CSVWithNames') SETTINGS date_time_input_format='best_effort'`);
		const json = sql => JSON.stringify(s.query(sql, 'JSONEachRow').split('\n').filter(Boolean).map(JSON.parse));
		return { groups: () => json(grouped("toString(sum(tally_atto)/toDecimal256('1000000000000000000',18))")), query: json, stop: () => s.cleanup() };
	},
};

const equal = (got, want, what) => { if (String(got) !== String(want)) throw new Error(`${what}: got ${got}, expected ${want}`); };

await test('the rows have prices and reasons of many kinds', () => {
	if (given) return void console.log(`# tally replay: ${replayed} ms`);
	equal(said.records, rows.length, 'records');
	if (said.unpriced < 1000 || said.unpriced > 15000) throw new Error(`${said.unpriced} unpriced`);
});
for (const [name, open] of Object.entries(engines)) {
	let engine;
	await test(`${name} gives the totals of the replay, group by group`, async () => {
		engine = await open();
		if (!engine) return 'the engine is not there';
		const start = Date.now(), out = await engine.groups();
		if (given) console.log(`# ${name}: ${Date.now() - start} ms for ${said.records} rows`);
		const got = JSON.parse(out).map(g => line(g.task, g.model, g.records, g.unpriced, g.total)).sort();
		equal(got.length, expected.length, 'groups');
		for (let i = 0; i < got.length; i++) equal(got[i], expected[i], 'group');
	});
	if (!engine) continue;
	await test(`${name} says why a row has no price`, async () => {
		const reasons = JSON.parse(await engine.query("SELECT tally_reason AS why,count(*) AS n FROM tally_priced WHERE tally_reason<>'' GROUP BY tally_reason"));
		const known = new Set(said.unpriced_reasons.map(r => r.reason));
		for (const r of reasons) if (!known.has(r.why) && !/^no price (card knows|is stated)/.test(r.why)) throw new Error(`${r.why}: not a reason of the replay (${[...known].join('; ')})`);
		if (!given && reasons.length < 8) throw new Error(`only ${reasons.length} reasons`);
	});
	await engine.stop?.();
}
rmSync(dir, { recursive: true, force: true });
end();
