/* How the figures of a scope are asked for: one place, whatever the server calls them. */

const tokensOf = t => t ? exact(t.input) + exact(t.cache_read) + exact(t.cache_write_5m) + exact(t.cache_write_1h) + exact(t.output) : 0n;
const promptOf = t => t ? exact(t.input) + exact(t.cache_read) + exact(t.cache_write_5m) + exact(t.cache_write_1h) : 0n;
const hitShare = t => promptOf(t) ? toNumber(exact(t.cache_read)) / toNumber(promptOf(t)) : null;
const measures = {
	cost: {name: 'Cost', ask: 'cost', lacks: ['unpriced', 'placeholders']},
	tokens: {name: 'Tokens', ask: 'tokens'},
	calls: {name: 'Calls', ask: 'calls'},
	hits: {name: 'Cache hits', ask: 'hit_share', ratio: true},
	credits: {name: 'Credits', ask: 'credits', lacks: ['uncovered']},
};
const keys = {model: 'Model', customer: 'Customer', project: 'Project', workload: 'Workload', provider: 'Provider', effort: 'Effort', window: 'Tariff window'};
const scopeQuery = (scope, time = scope) => ({since: time.since, until: time.until, z: scope.zone, ...scope.filters});
const usageUrl = (by, scope, time) => '/v1/usage?' + query({by, ...scopeQuery(scope, time)});
const seriesUrl = (settings, scope, time) => '/v1/series?' + query({...settings, ...scopeQuery(scope, time)});

/* The grain that a scope is drawn in. Credits are drawn by the days of each account, not by hour. */
const grainOf = (days, measure) => days <= 2 && measure !== 'credits' ? 'hour' : days <= 100 ? 'day' : days <= 400 ? 'week' : 'month';
const exactly = list => list.map(v => v === null ? null : exact(v));
/* An answer's key, with exact values; `low` names the buckets whose value is a lower bound. */
function rowOf(k, measure) {
	const lacks = measures[measure].lacks || [], low = k.values.map((_, i) => lacks.some(l => k[l] && k[l][i] > 0));
	return {key: k.key ?? '', other: k.other ? k.keys : 0, values: exactly(k.values), total: k.value === null ? null : exact(k.value), low, lacking: k.sums ? lacks.reduce((n, l) => n + (k.sums[l] || 0), 0) : 0, sums: k.sums, records: k.records};
}
/* The seven largest, and the others as one. */
function largest(rows) {
	const rest = rows.slice(7), add = list => list.reduce((n, v) => v === null ? n : (n ?? 0n) + v, null);
	return !rest.length || rest[0].other ? rows : [...rows.slice(0, 7), {...rest[0], key: '', other: rest.reduce((n, r) => n + (r.other || 1), 0), values: rest[0].values.map((_, i) => add(rest.map(r => r.values[i]))),
		low: rest[0].low.map((_, i) => rest.some(r => r.low[i])), total: add(rest.map(r => r.total)), lacking: rest.reduce((n, r) => n + r.lacking, 0)}];
}
/* A scope's series by a key, with the period before: {buckets, grain, rows, each, all, before, currency}; each: more rows than are drawn */
function useSeries(scope, key, measure, compare) {
	const rough = useDoc(scope.days ? null : seriesUrl({grain: 'month', top: 0}, scope));
	const first = rough.data && rough.data.buckets.length ? Date.parse(rough.data.buckets[0].from) : null;
	const days = scope.days || (first ? Math.ceil((Date.now() - first) / 864e5) : 30), ready = scope.days || rough.data;
	const grain = grainOf(days, measure), by = measures[measure].ratio ? null : key;
	const base = {measure: measures[measure].ask, grain};
	const now = useDoc(ready ? seriesUrl({...base, by, top: by ? 25 : 0}, scope) : null);
	const past = useDoc(compare && scope.before && ready ? seriesUrl({...base, top: 0}, scope, scope.before) : null);
	return useMemo(() => {
		const d = now.data;
		if (!d) return {error: now.error || rough.error};
		/* the answer that is still shown may be one to another question */
		if (d.measure !== base.measure || d.grain !== grain) return {waiting: true};
		const buckets = d.buckets.map(b => ({at: Date.parse(b.from), to: Date.parse(b.until), label: b.label}));
		const all = rowOf(d.total, measure), each = d.keys.map(k => rowOf(k, measure));
		const old = past.data && past.data.measure === base.measure && past.data.grain === grain ? rowOf(past.data.total, measure) : null;
		const before = old && {...old, values: buckets.map((b, i) => old.values[i] ?? null), low: buckets.map((b, i) => Boolean(old.low[i]))};
		return {rows: largest(each), each, all, buckets, grain, before, currency: d.currency, keyCount: d.key_count, error: now.error};
	}, [now.data, now.error, past.data, rough.error, measure, grain]);
}
