// every_way.mjs TALLY SEED [CALLS]: random calls over random cards, with every dimension that decides a price, through every command that prices.
// A reference of its own (whole numbers of 1e-18) says what each call costs; every command must say the same to the last digit. Works in the
// current directory, prints each disagreement, and ends with 1 if there is one.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

const [tally, seedText, callsText] = process.argv.slice(2);
let state = (Number(seedText) >>> 0) || 1;
const random = n => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return (state >>> 0) % n; };
const pick = list => list[random(list.length)];
const maybe = (one_in, value, otherwise) => random(one_in) ? otherwise : value();
const run = (...args) => {
	const p = spawnSync(tally, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, TZ: 'UTC' } });
	if (p.status !== 0 && p.status !== 3) throw new Error(`tally ${args.join(' ')}: status ${p.status}: ${p.stderr}`);
	return p.stdout;
};
const json = (...args) => JSON.parse(run(...args, '--json'));

// --- cards ---
const buckets = ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output', 'reasoning', 'input_audio', 'input_image', 'cache_read_audio', 'output_audio', 'output_image', 'citation'];
const prompts = new Set(['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'input_audio', 'input_image', 'cache_read_audio']);
const price = () => pick([() => `${random(30)}`, () => `${random(9)}.${1 + random(9)}`, () => `0.${String(random(1e6)).padStart(6, '0')}`, () => '0'])();
const rates = () => Object.fromEntries(buckets.filter((b, i) => i < 2 || b === 'output' || random(b === 'reasoning' ? 3 : 5) > (b === 'reasoning' ? 1 : 0)).map(b => [b, price()]));
const day = Date.UTC(2026, 5, 1), rise = day + 10 * 86400e3 + 12 * 3600e3, iso = ms => new Date(ms).toISOString();
const names = ['m-a', 'm-b', 'm-c', 'm-d'], tiers = ['', 'batch', 'priority'], regions = ['', 'eu'];
const prices = [];
for (const model of names)
	for (const service_tier of tiers)
		for (const region of regions) {
			if ((service_tier || region) && random(2)) continue;
			const bounds = maybe(2, () => [day - 86400e3 * 40, rise, day + 86400e3 * 60], [day - 86400e3 * 40, day + 86400e3 * 60]);
			for (let i = 0; i + 1 < bounds.length; i++) {
				const p = { model, currency: 'USD', from: iso(bounds[i]), to: iso(bounds[i + 1]), source: 'drawn', sure: 'yes', rates: rates() };
				if (service_tier) p.service_tier = service_tier;
				if (region) p.region = region;
				if (!random(3)) p.context = [{ above: 1000 + random(3000), inclusive: !random(2), rates: rates() }];
				if (!random(3)) p.fees = { request: { amount: `0.${String(random(300)).padStart(3, "0")}`, per: pick([1, 1000]) } };
				if (!random(2)) p.windows = [{ window: 'peak', calendar: 'peak', rates: rates(), ...(p.context ? { context: [{ ...p.context[0], rates: rates() }] } : {}) }];
				prices.push(p);
			}
		}
/* where a price without a region holds too; what is not said is not known */
const said = [{ same: pick([[], ['*'], ['mars']]) }, { models: ['m-a', 'm-b'], same: pick([[], ['*'], ['mars'], ['*', 'mars']]) }].slice(0, random(3));
const same = (model, region) => {
	const rule = said.find(r => r.models?.includes(model)) || said.find(r => !r.models);
	return !!rule && (rule.same.includes(region) || (rule.same.includes('*') && !prices.some(p => p.model === model && p.region)));
};
const card = { schema: 'tally.card/1', provider: 'drawn', title: 'drawn', regions: said, calendars: { peak: { zone: '+08:00', hours: ['09:00-12:00', '14:00-18:00'] } }, prices };
writeFileSync('card.json', JSON.stringify(card));
writeFileSync('plan.json', JSON.stringify({ schema: 'tally.plans/1', tables: {}, plans: [{ plan: 'ours', title: 'drawn', source: 'drawn', rule: 'ratio', currency: 'USD', credits_per_unit: '1000',
	rounding: pick([{ scope: 'none' }, { scope: 'record', mode: 'up' }, { scope: 'record', mode: 'half-even' }]), tables: [] }] }));

// --- calls ---
const edges = [rise, day + 3600e3, day + 4 * 3600e3, day + 6 * 3600e3, day + 10 * 3600e3, day + 86400e3 * 10 + 4 * 3600e3];
const when = () => random(2) ? day + random(20 * 86400) * 1000 + random(1000) : pick(edges) + pick([-1000, -1, 0, 1, 1000]);
const calls = [];
for (let i = 0; i < Number(callsText || 300); i++) {
	const time = when(), c = { id: `c${i}`, time, completed: maybe(2, () => time + random(5400) * 1000, null), model: pick([...names, maybe(4, () => 'unknown', 'm-a')]), service_tier: pick(tiers),
		region: pick([...regions, 'mars']), customer: pick(['x', 'y']), session: `s${random(40)}`, requests: pick([1, 1, 1, 2, 5]), n: {} };
	for (const b of buckets)
		c.n[b] = b === 'reasoning' ? 0 : ['input', 'output'].includes(b) ? random(2500) : ['cache_read', 'cache_write_5m'].includes(b) ? maybe(3, () => random(3000), 0) : maybe(8, () => random(900), 0);
	if (!random(3)) c.n.reasoning = random(c.n.output + 1);
	calls.push(c);
}
const columns = ['id', 'task', 'time', 'completed', 'model', 'service_tier', 'region', 'customer', 'session', 'requests', ...buckets];
const row = c => columns.map(k => k === 'task' ? c.id : k === 'time' ? iso(c.time) : k === 'completed' ? c.completed === null ? '' : iso(c.completed) : c[k] ?? c.n[k]).join(',');
writeFileSync('calls.csv', [columns.join(','), ...calls.map(row)].join('\n') + '\n');

// --- the reference ---
const atto = text => { const [w, f = ''] = text.split('.'); return BigInt(w + f.padEnd(18, '0')); };
const text = a => { const s = String(a).padStart(19, '0'); return `${s.slice(0, -18)}.${s.slice(-18)}`.replace(/\.?0+$/, ''); };
function worth(c, at) {
	const of = tier => {
		const fits = p => p.model === c.model && (p.service_tier || '') === tier && at >= Date.parse(p.from) && at < Date.parse(p.to);
		return prices.find(q => fits(q) && q.region && q.region === c.region) || prices.find(q => fits(q) && !q.region && (!c.region || same(c.model, c.region)));
	};
	/* what the standard price says of long prompts is taken from that of no region, too */
	const anywhere = prices.find(q => q.model === c.model && !q.service_tier && !q.region && at >= Date.parse(q.from) && at < Date.parse(q.to));
	const p = of(c.service_tier), standard = c.service_tier && (of('') || anywhere);
	if (!p) return null;
	const hour = new Date(at + 8 * 3600e3).getUTCHours(), peak = (hour >= 9 && hour < 12) || (hour >= 14 && hour < 18);
	const window = peak && p.windows ? p.windows[0] : null;
	let r = { ...p.rates, ...(window ? window.rates : {}) };
	const context = (window ? window.context : p.context)?.[0], longer = standard && (window && standard.windows ? standard.windows[0].context : standard.context)?.[0];
	const prompt = buckets.filter(b => prompts.has(b)).reduce((sum, b) => sum + c.n[b], 0);
	const is_beyond = x => prompt > x.above || (x.inclusive && prompt === x.above);
	// what costs more in the standard tier has no price where the service tier's says nothing of it
	if (longer && longer.above > (context ? context.above : -1) && is_beyond(longer)) return null;
	if (context && is_beyond(context)) {
		if (c.requests > 1) return null;
		r = { ...r, ...context.rates };
	}
	let sum = 0n;
	for (const b of buckets) {
		let n = BigInt(c.n[b]);
		if (b === 'output' && 'reasoning' in r) n -= BigInt(c.n.reasoning);
		if ((b === 'reasoning' && !('reasoning' in r)) || n === 0n) continue;
		if (!(b in r)) return null;
		sum += n * atto(r[b]) / 1000000n;
	}
	const fee = p.fees?.request;
	if (fee) sum += BigInt(c.requests) * atto(fee.amount) / BigInt(fee.per);
	return sum;
}
let wrong = 0;
const differ = (what, said, want) => { if (String(said) !== String(want) && ++wrong <= 10) console.log(`${what}: ${said}, and not ${want}`); };
const own = ['--prices', 'card.json'];

for (const boundary of ['start', 'completion']) {
	const by = ['--boundary', boundary], cost = new Map(calls.map(c => [c.id, worth(c, boundary === 'start' || c.completed === null ? c.time : c.completed)]));
	const want = id => cost.get(id) === null ? 'none' : text(cost.get(id));
	const each = (what, groups, unpriced) => {
		const seen = new Map(groups.map(g => [g.task, unpriced(g) ? 'none' : g.total]));
		for (const c of calls) differ(`${what} by ${boundary}, ${row(c)}`, seen.get(c.id), want(c.id));
	};
	const sum = list => text(list.reduce((s, c) => s + (cost.get(c.id) ?? 0n), 0n));
	const replayed = json('replay', 'calls.csv', ...own, '--by', 'task', ...by);
	each('replay', replayed.groups, g => g.unpriced);
	each('replay --reference', json('replay', 'calls.csv', ...own, '--by', 'task', '--reference', ...by).groups, g => g.unpriced);
	rmSync('m.db', { force: true, recursive: true });
	for (const x of ['-wal', '-shm']) rmSync('m.db' + x, { force: true });
	for (const c of ['x', 'y']) run('credit', 'account', c, '--db', 'm.db', '--plan', 'plan.json:ours', '--since', '2026-01-01', '--overage', 'debt', '-q');
	run('ingest', 'calls.csv', '--db', 'm.db', ...own, ...by, '-q');
	each('usage', json('usage', '--db', 'm.db', '--by', 'task').groups, g => g.unpriced);
	differ('usage in all', json('usage', '--db', 'm.db', '--by', 'model').total, sum(calls));
	const rerated = json('rerate', '--db', 'm.db', ...own, '--dry-run');
	differ(`rerate by ${boundary}`, rerated.records, 0);
	for (const c of ['x', 'y']) {
		const credits = json('replay', 'calls.csv', ...own, '--plan', 'plan.json:ours', '--by', 'customer', ...by).groups.find(g => g.customer === c).credits;
		differ(`credits of ${c} by ${boundary}`, json('credit', 'balance', c, '--db', 'm.db').owed, credits.total ?? credits);
	}
	for (const c of ['x', 'y']) {
		run('budget', 'set', c, '--customer', c, '--amount', '1000000', '--period', 'ever', '--db', 'm.db', '-q');
		differ(`budget of ${c} by ${boundary}`, json('budget', 'status', c, '--db', 'm.db').budgets[0].spent, sum(calls.filter(k => k.customer === c)));
	}
	/* of the database what-ifs keep the metered price; of the others the start decides */
	const whole = (what, source) => differ(`whatif ${what} by ${boundary}`, json('whatif', ...source, ...own, '-s', 'recorded', '--resamples', '0').scenarios[0].total, sum(calls));
	whole('--db', ['--db', 'm.db']);
	if (boundary === 'completion') continue;
	whole('of the trace', ['calls.csv']);
	whole('without a cache', ['calls.csv', '--cache', 'none']);
	run('pack', 'calls.csv', '-o', 'p', '-q');
	each('replay of a pack', json('replay', 'p', ...own, '--by', 'task').groups, g => g.unpriced);
	whole('of a pack', ['p']);
	/* every model answers itself: the identity as a route */
	writeFileSync('rules.json', JSON.stringify({ rules: names.map(m => ({ when: { model: m }, model: m })) }));
	differ('whatif of the identity', json('whatif', 'calls.csv', ...own, '-s', 'same=rules:rules.json', '--resamples', '0').scenarios[0].total, sum(calls));
	/* on one model: what was written is input where that model bills no writes */
	for (const m of names) {
		const one = json('replay', 'calls.csv', ...own, '--remodel', m);
		differ(`replay of a pack on ${m}`, json('replay', 'p', ...own, '--remodel', m).total, one.total);
		const route = json('whatif', 'calls.csv', ...own, '-s', m, '--cache', 'none', '--resamples', '0').scenarios[0];
		differ(`whatif on ${m}`, `${route.total} ${route.unpriced ?? 0}`, `${one.total} ${one.unpriced}`);
	}
	for (const c of calls.slice(0, 60)) {
		if (c.requests > 1) continue; /* cost takes the counts of one */
		const args = ['cost', '-m', c.model, '--at', iso(c.time), ...own, '--region', c.region || 'none', '--service-tier', c.service_tier || 'standard'];
		if (!c.region) args.splice(args.indexOf('--region'), 2);
		const options = { input: '--input', cache_read: '--cache-read', cache_write_5m: '--cache-write', cache_write_1h: '--cache-write-1h', output: '--output', reasoning: '--reasoning' };
		for (const b of buckets) if (options[b]) args.push(options[b], c.n[b]); else if (c.n[b]) args.push('--tokens', `${b}=${c.n[b]}`);
		const p = spawnSync(tally, [...args.map(String), '--json'], { encoding: 'utf8' });
		differ(`cost, ${row(c)}`, p.status === 0 ? JSON.parse(p.stdout).total : 'none', want(c.id));
	}
	const priced = columns.filter(k => !['id', 'completed', 'customer', 'session'].includes(k)), of_row = c => Object.fromEntries(columns.map((k, i) => [k, row(c).split(',')[i]]));
	writeFileSync('sql.csv', calls.map(c => priced.map(k => of_row(c)[k]).join(',')).join('\n') + '\n');
	const script = run('price', 'sql', '--dialect', 'sqlite', ...own, ...names, '--columns', priced.join(','), '--table', 'calls');
	const sql = spawnSync('sqlite3', [':memory:'], { encoding: 'utf8', maxBuffer: 1 << 28, input: `${script}\n.mode csv\n.import sql.csv calls\n.mode list\nSELECT task, tally_nano, tally_rest, tally_reason FROM tally_priced;\n` });
	if (sql.error?.code !== 'ENOENT') {
		const lines = new Map(sql.stdout.split('\n').map(l => l.split('|')).filter(l => /^c\d+$/.test(l[0])).map(l => [l[0], l[1] === '' ? 'none' : text(BigInt(l[1]) * 1000000000n + BigInt(l[2]))]));
		for (const c of calls) differ(`price sql, ${row(c)}`, lines.get(c.id), want(c.id));
	}
}
/* Calls of common buckets alone are added up by column, those of a long prompt too; many rows of a column are zero. */
{
	const common = buckets.slice(0, 5), columns = ['task', 'time', 'model', 'service_tier', 'region', ...common];
	const plain = calls.map(c => ({ ...c, requests: 1, n: Object.fromEntries(buckets.map(b => [b, common.includes(b) && (c.n[b] < 2000 || !random(3)) ? c.n[b] : 0])) }));
	const cost = new Map(plain.map(c => [c.id, worth(c, c.time)]));
	writeFileSync('plain.csv', [columns.join(','), ...plain.map(c => [c.id, iso(c.time), c.model, c.service_tier, c.region, ...common.map(b => c.n[b])].join(','))].join('\n') + '\n');
	run('pack', 'plain.csv', '-o', 'plain', '-q');
	for (const source of ['plain.csv', 'plain']) {
		const of = (...args) => json('replay', source, ...own, ...args), seen = new Map(of('--by', 'task').groups.map(g => [g.task, g.unpriced ? 'none' : g.total]));
		for (const c of plain) differ(`${source}, ${c.id}`, seen.get(c.id), cost.get(c.id) === null ? 'none' : text(cost.get(c.id)));
		for (const by of ['task', 'model', 'window', 'day,model']) differ(`${source} by ${by}`, of('--by', by).total, text([...cost.values()].reduce((s, c) => s + (c ?? 0n), 0n)));
	}
}
console.log(wrong ? `${wrong} disagreements, seed ${seedText}` : `${calls.length} calls by every way, ${[...calls].filter(c => worth(c, c.time) === null).length} of them without a price`);
process.exit(wrong ? 1 : 0);
