/* What if: scenarios as cards, the verdict first, the assumptions beside it. */

/* Kinds of routes: what each asks for, and how it is written. */
const routes = {
	recorded: {name: 'as it was', take: []},
	model: {name: 'one model for all', take: ['a'], write: r => r.a},
	share: {name: 'a share to another model', take: ['n', 'a', 'b'], n: 'Share to the first', hint: '20%', write: r => `share:${r.n}:${r.a}:${r.b}`},
	every: {name: 'every Nth call', take: ['n', 'a', 'b'], n: 'Every', hint: '5', write: r => `every:${r.n}:${r.a}:${r.b}`},
	conversation: {name: 'every Nth conversation', take: ['n', 'a', 'b'], n: 'Every', hint: '5', write: r => `conversation:${r.n}:${r.a}:${r.b}`},
	from: {name: 'from the Nth call of a conversation', take: ['n', 'a', 'b'], n: 'From call', hint: '10', write: r => `from:${r.n}:${r.a}:${r.b}`},
	offpeak: {name: 'wait for cheaper hours', take: ['n', 'a'], n: 'At most', hint: '6h', write: r => `offpeak:${r.n}:${r.a}`},
};
function parseScenario(line, kinds = routes) {
	const [, name, spec] = line.match(/^(?:([^=]*)=)?(.*)$/s), [kind, ...rest] = spec.split(':');
	if (spec === 'recorded') return {name: name || 'recorded', kind: 'recorded'};
	const r = kinds[kind];
	if (r && rest.length === r.take.length && r.take[0] === 'n') return {name: name ?? '', kind, n: rest[0], a: rest[1], b: rest[2]};
	if (r && rest.length === 1 && kind !== 'model') return {name: name ?? '', kind, a: rest[0]};
	return {name: name ?? '', kind: 'model', a: spec};
}
const writeScenario = (s, kinds = routes) => s.kind === 'recorded' ? (s.name && s.name !== 'recorded' ? `${s.name}=recorded` : 'recorded') : `${s.name}=${kinds[s.kind].write(s)}`;
function scenarioFault(s, all, kinds = routes) {
	if (!s.name.trim() || /[=\n]/.test(s.name)) return 'needs a name';
	if (all.filter(x => x.name === s.name).length > 1) return 'this name is used twice';
	const r = kinds[s.kind];
	if ((s.kind === 'share' || s.kind === 'escalate') && !/^\d+(\.\d+)?%?$/.test(s.n || '')) return 'a share is written like 20%';
	if (['every', 'conversation', 'from'].includes(s.kind) && !(Number.isInteger(Number(s.n)) && Number(s.n) > 0)) return 'a whole number from 1 on';
	if (s.kind === 'offpeak' && !/^\d+[smhd]$/.test(s.n || '')) return 'a time such as 6h';
	if (r.take.includes('a') && !s.a) return 'needs a model';
	if (r.take.includes('b') && !s.b) return 'needs the other model';
	return null;
}
const starting = 'recorded\nflash=deepseek-v4-flash\npro=deepseek-v4-pro';
/* nothing of it has a price */
const lost = s => s.unpriced > 0 && !exact(s.total);
/* What a scenario comes to against the baseline, in one sentence. */
function verdictOf(s, base) {
	const fits = s.by_model.reduce((n, m) => n + (m.over_context || 0), 0), a = exact(base.total), b = exact(s.total);
	const tail = [fits ? `${many(fits, 'call does', 'calls do')} not fit its context` : '', s.unpriced ? `${many(s.unpriced, 'call has', 'calls have')} no price in it` : '', s.placeholders ? `${many(s.placeholders, 'call has', 'calls have')} only the start of the answer counted: amounts are lower bounds` : ''].filter(Boolean).join('; ');
	const cost = v => money(v, s.currency);
	if (s.unpriced) return {tone: 'warn', text: b ? `${s.name} costs >=\u00a0${cost(b)}` : `${s.name} has no price`, tail};
	const of = base.unpriced ? '>=\u00a0' + cost(a) : cost(a), least = base.unpriced ? 'at least ' : '';
	if (b < a) return {tone: 'good', text: `${s.name} saves ${least}${cost(a - b)} of ${of}`, tail: [a ? least + share(1 - toNumber(b) / toNumber(a)) + ' less' : '', tail].filter(Boolean).join('; ')};
	if (b === a && !base.unpriced) return {tone: '', text: `${s.name} costs the same, ${of}`, tail};
	if (base.unpriced) return {tone: 'warn', text: `${s.name} costs ${cost(b)}; ${base.name} >= ${cost(a)}`, tail};
	return {tone: 'bad', text: `${s.name} costs ${cost(b - a)} more than ${of}`, tail: [a ? share(toNumber(b) / toNumber(a) - 1) + ' more' : '', tail].filter(Boolean).join('; ')};
}
const usualModels = ['deepseek-v4-flash', 'deepseek-v4-pro', 'claude-haiku-4-5', 'claude-sonnet-4-6', 'claude-opus-4-6', 'gpt-5', 'gpt-5-mini', 'gemini-2.5-pro', 'gemini-2.5-flash'];
function ScenarioCards({list, set, models, kinds = routes}) {
	const edit = (i, what) => set(list.map((s, k) => k === i ? {...s, ...what} : s));
	return html`<datalist id="models">${models.map(m => html`<option key=${m} value=${m} />`)}</datalist>
		<div class="cards">${list.map((s, i) => { const r = kinds[s.kind], fault = scenarioFault(s, list, kinds); return html`<fieldset key=${i} class=${'card' + (fault ? ' faulty' : '')}><legend class="hidden">Scenario ${i + 1}</legend>
			<div class="head"><input class="title" aria-label="Name" value=${s.name} onInput=${e => edit(i, {name: e.target.value})} />${list.length > 1 ? html`<button type="button" class="icon-only" aria-label=${`Remove ${s.name || 'scenario ' + (i + 1)}`} onClick=${() => set(list.filter((x, k) => k !== i))}><${Icon} name="close" /></button>` : null}</div>
			<${Field} label="Route"><${Select} value=${s.kind} options=${Object.entries(kinds).map(([k, x]) => [k, x.name])} onChange=${e => edit(i, {kind: e.target.value, n: kinds[e.target.value].hint || ''})} /><//>
			${r.take.includes('n') ? html`<${Field} label=${r.n}><input value=${s.n || ''} placeholder=${r.hint} onInput=${e => edit(i, {n: e.target.value})} /><//>` : null}
			${r.take.includes('a') ? html`<${Field} label=${r.a || (r.take.includes('b') ? 'To' : 'Model')}><input list="models" value=${s.a || ''} spellcheck="false" onInput=${e => edit(i, {a: e.target.value})} /><//>` : null}
			${r.take.includes('b') ? html`<${Field} label=${r.b || 'The others to'}><input list="models" value=${s.b || ''} spellcheck="false" onInput=${e => edit(i, {b: e.target.value})} /><//>` : null}
			<p class="fault" role="status">${fault || ''}</p></fieldset>`; })}
			<button type="button" class="card add" onClick=${() => set([...list, {name: 'scenario-' + (list.length + 1), kind: 'model', a: ''}])}>Add a scenario</button></div>`;
}
function WhatIfAnswer({data: given, zone}) {
	const data = useMemo(() => ({...given, scenarios: given.scenarios.map(s => ({...s, ...s.headline}))}), [given]);
	const base = data.scenarios.find(s => s.name === data.baseline) || data.scenarios[0], others = data.scenarios.filter(s => s !== base).map(s => ({s, v: verdictOf(s, base)}));
	const rank = {good: 0, '': 1, bad: 2, warn: 3};
	others.sort((a, b) => rank[a.v.tone] - rank[b.v.tone] || (exact(a.s.total) > exact(b.s.total) ? 1 : -1));
	const credits = data.scenarios.some(s => s.credits), days = [...new Set(data.scenarios.flatMap(s => s.by_day.map(d => d.day)))].sort();
	const windows = [...new Set(data.scenarios.flatMap(s => s.by_window.map(w => w.window)))];
	const lines = useMemo(() => {
		if (days.length < 2) return null;
		const all = [];
		for (let d = days[0]; d <= days[days.length - 1]; d = addDays(d, 1)) all.push(d);
		return {all, rows: data.scenarios.filter(s => !lost(s)).map((s, i) => { const by = new Map(s.by_day.map(d => [d.day, d.total])); return {name: s.name, tone: i % 8, by, values: all.map(d => by.has(d) ? Number(by.get(d)) : null)}; })};
	}, [data]);
	const currency = base.currency, remarks = [];
	if (data.quarantined) remarks.push(`${many(data.quarantined, 'record is', 'records are')} left out: they could not be read.`);
	if (data.columns_in_doubt.length) remarks.push(`No table knows what these columns count, so that it may be missing here: ${data.columns_in_doubt.join(', ')}.`);
	for (const s of data.scenarios) {
		if (s.waiting) remarks.push(`${s.name}: ${many(s.waiting.moved, 'call waits', 'calls wait')} for a cheaper hour; that saves ${money(s.waiting.saves, s.currency)}.`);
		if (s.rebuilt && s.rebuilt.total_low) remarks.push(`${s.name}: what ${count(s.rebuilt.uncertain_calls + s.rebuilt.unproven_calls)} of the calls find in a cache is not certain; ${money(s.rebuilt.total_low, s.currency)} to ${money(s.rebuilt.total_high, s.currency)} with the most and the fewest hits${s.verdict === 'not certain' && !s.unpriced && !s.placeholders && !base.unpriced && !base.placeholders ? `, which decide whether it is cheaper than ${base.name}` : ''}.`);
		if (s.escalated) remarks.push(`${s.name}: ${count(s.escalated)} calls run on both models.`);
		if (s.retries) remarks.push(`${s.name}: ${count(s.retries.calls)} attempts fail and are repeated; the failed ones cost ${money(s.retries.total, s.currency)}.`);
		if (s.budget) remarks.push(`${s.name}: over the budget of ${money(s.budget.amount, s.currency)} in ${share(Number(s.budget.overrun_probability))} of the resamples.`);
		for (const m of s.by_model) if (m.self_hosted) remarks.push(`${s.name}: ${m.model} on ${count(m.self_hosted.gpus)} GPUs for ${count(m.self_hosted.hours)} hours, ${share(Number(m.self_hosted.busy_ratio))} busy; at the vendor ${money(m.self_hosted.at_vendor_price, s.currency)}.`);
	}
	const moving = data.scenarios.flatMap(s => (s.sensitivity || []).filter(x => x.with_less !== x.with_more).map(x => ({...x, s})));
	return html`<section class="sheet verdict" aria-label="Verdict">${others.length ? others.map(({s, v}, i) => html`<p key=${s.name} class=${(i ? 'small ' : 'large ') + v.tone}>${v.text}${v.tail ? html`<span class="soft">, ${v.tail}</span>` : null}</p>`) : html`<p class="large">${base.name} costs <${Amount} v=${base.total} currency=${currency} unpriced=${base.unpriced} /></p>`}</section>
		<div class="beside"><${Sheet} title="Cost by scenario">${intervals(data.scenarios.map((s, i) => ({name: s.name, tone: i % 8, value: lost(s) ? null : Number(s.total), ...(s.interval && !lost(s) ? {low: Number(s.interval.low), high: Number(s.interval.high)} : {}), text: s.unpriced && !exact(s.total) ? 'no price' : (s.unpriced ? '>=\u00a0' : '') + money(s.total, s.currency)})), 'Cost of each scenario: ' + data.scenarios.map(s => `${s.name} ${s.unpriced ? '>=\u00a0' : ''}${money(s.total, s.currency)}`).join(', '))}<//>
		<${Sheet} title="Assumptions"><${Facts} of=${{Calls: count(data.calls), Conversations: data.conversations ? count(data.conversations) : null, 'Outside the period': data.outside_period ? count(data.outside_period) : null, Baseline: data.baseline, Cache: data.cache, Intervals: base.interval ? `${share(Number(base.interval.level))} of ${count(data.resamples)} resamples, seed ${data.seed}` : 'none', 'Cache misses rebuilt': base.rebuilt ? base.rebuilt.misses.map(m => `${m.cause.replaceAll('_', ' ')} ${count(m.calls)}`).join(', ') : null}} /><//></div>
		<${Sheet} title="Scenarios"><${Table} label="Scenarios" rows=${data.scenarios} rowKey=${s => s.name} columns=${[
			{key: 'n', name: 'Scenario', cell: s => html`<span class="name" title=${s.route}>${s.name}</span>`}, {key: 'c', name: 'Calls', n: true, extra: true, cell: s => count(s.records)}, {key: 'h', name: 'Cache hits', n: true, extra: true, cell: s => share(Number(s.hit_ratio))},
			{key: 't', name: 'Cost', n: true, cell: s => html`<${Amount} v=${s.total} currency=${s.currency} unpriced=${s.unpriced} least=${s.placeholders} />`},
			{key: 'd', name: 'Difference', n: true, cell: s => s === base ? html`<span class="soft">baseline</span>` : s.unpriced || base.unpriced ? html`<span class="soft" title="calls without a price are in neither">–</span>` : html`<span class=${exact(s.delta) > 0n ? 'bad-text' : 'good-text'} title=${s.delta}>${exact(s.delta) > 0n ? '+' : ''}${money(s.delta, s.currency)}</span>`},
			{key: 'i', name: 'Interval', n: true, extra: true, cell: s => s.interval && !lost(s) ? `${money(s.interval.low, s.currency)} to ${money(s.interval.high, s.currency)}` : '–'},
			...(credits ? [{key: 'k', name: 'Credits', n: true, cell: s => s.credits ? rounded(s.credits.total) : '–'}] : []),
			{key: 'x', name: 'Not priced', n: true, cell: s => s.unpriced ? count(s.unpriced) : ''}, {key: 'f', name: 'Do not fit', n: true, cell: s => { const n = s.by_model.reduce((n, m) => n + (m.over_context || 0), 0); return n ? count(n) : ''; }}]} />
			${remarks.length ? html`<ul>${remarks.map((r, i) => html`<li key=${i}>${r}</li>`)}</ul>` : null}<//>
		${lines ? html`<${Sheet} title="Cost by day"><${SeriesChart} count=${lines.all.length} rows=${lines.rows} label="Cost by day of each scenario" names=${lines.all.map(d => dayName(d, true))} shorts=${lines.all.map(d => dayName(d))} writeY=${(v, step) => markOf(v, step, currency)} say=${(r, i) => r.by.has(lines.all[i]) ? money(r.by.get(lines.all[i]), currency) : '–'} />
			<div class="legend">${lines.rows.map(r => html`<span class="key" key=${r.name}><i class=${'dot c' + r.tone} />${short(r.name)}</span>`)}</div><//>` : null}
		${windows.length > 1 ? html`<${Sheet} title="Cost by tariff window"><${Table} label="Cost by tariff window" rows=${data.scenarios} rowKey=${s => s.name} columns=${[{key: 'n', name: 'Scenario', cell: s => s.name}, ...windows.map(w => ({key: 'w' + w, name: w, n: true, cell: s => { const x = s.by_window.find(y => y.window === w); return x ? html`<${Amount} v=${x.total} currency=${s.currency} />` : ''; }}))]} /><//>` : null}
		${data.cache_sizes ? html`<${Sheet} title="By size of the cache"><${Table} label=${`Blocks of ${data.block_tokens} tokens`} rows=${data.cache_sizes} columns=${[{key: 's', name: `Blocks of ${data.block_tokens}`, n: true, cell: z => z.capacity === null ? 'no limit' : count(z.capacity)}, ...data.scenarios.map((s, i) => ({key: 'k' + i, name: s.name, n: true, cell: z => `${money(z.scenarios[i].total, s.currency)}, ${share(Number(z.scenarios[i].hit_ratio))}`}))]} /><//>` : null}
		${moving.length ? html`<${Sheet} title="Which assumption moves the cost most"><p class="soft">One assumption at a time ${share(Number(moving[0].varied_by))} lower and higher, the widest first.</p><${Table} label="Sensitivity" rows=${moving} columns=${[{key: 's', name: 'Scenario', cell: x => x.s.name}, {key: 'a', name: 'Assumption', cell: x => x.assumption}, {key: 'l', name: 'With less', n: true, cell: x => x.with_less === null ? 'no price' : money(x.with_less, x.s.currency)}, {key: 'm', name: 'With more', n: true, cell: x => x.with_more === null ? 'no price' : money(x.with_more, x.s.currency)}]} /><//>` : null}`;
}
const savedOnes = () => { try { return JSON.parse(localStorage.getItem('whatifs')) || []; } catch { return []; } };
function WhatIf({set}) {
	const scope = scopeOf(set), {customer, project} = scope.filters, used = useDoc(usageUrl('model', {...scope, filters: {customer, project}}), false), file = useRef(null), form = useRef(null);
	const [list, setList] = useState(() => (set.scenarios || starting).split('\n').filter(Boolean).map(l => parseScenario(l))), [state, tell] = useState({}), [saved, keep] = useState(savedOnes);
	const models = useMemo(() => [...new Set([...usualModels, ...(used.data ? used.data.groups.map(g => g.model).filter(Boolean) : [])])].sort(), [used.data]);
	const fault = list.map(s => scenarioFault(s, list)).find(Boolean);
	const settings = extra => { const f = new FormData(form.current), s = {scenarios: list.map(s => writeScenario(s)), ...extra}; for (const k of ['plan', 'at', 'cache', 'scope', 'budget', 'sensitivity']) if (f.get(k)) s[k] = f.get(k); return s; };
	const send = async html => {
		const upload = file.current && file.current.files[0], s = settings({html});
		if (!upload) Object.assign(s, {since: scope.since, until: scope.until, customer, project});
		const response = upload ? await fetch('/v1/whatif?settings=' + encodeURIComponent(JSON.stringify(s)), {method: 'POST', body: upload}) : await fetch('/v1/whatif', {method: 'POST', body: JSON.stringify(s)});
		if (!response.ok) { const b = await response.json().catch(() => null); throw new Error(b && b.error ? b.error.message : response.statusText); }
		return response;
	};
	const run = async e => {
		if (e) e.preventDefault();
		if (fault || state.busy) return;
		if (!(file.current && file.current.files[0]) && used.fresh && !used.data.groups.length) { tell({none: true}); return; }
		tell({...state, busy: true, error: null});
		if (!(file.current && file.current.files[0])) change({...settings({}), scenarios: list.map(s => writeScenario(s)).join('\n')}, true);
		try { const data = await (await send(false)).json(); tell({data}); } catch (error) { tell({error}); }
	};
	const save = async () => {
		tell({...state, saving: true});
		try { const a = document.createElement('a'); a.href = URL.createObjectURL(await (await send(true)).blob()); a.download = 'whatif.html'; a.click(); tell({...state, saving: false}); } catch (error) { tell({...state, saving: false, error}); }
	};
	const remember = () => { const one = {at: new Date().toISOString(), hash: location.hash, name: list.map(s => s.name).join(', '), totals: state.data.scenarios.map(s => [s.name, (s.headline || s).total, s.currency, s.unpriced || 0])}; const all = [one, ...saved].slice(0, 12); localStorage.setItem('whatifs', JSON.stringify(all)); keep(all); };
	/* once it is known whether there is anything to compare */
	useEffect(() => { if (set.scenarios && used.fresh && !state.data) run(); }, [used.fresh]);
	const option = (name, label, input) => html`<${Field} label=${label}>${input}<//>`;
	return html`<div class="head title"><h1>What if</h1><div class="tools soft">${scope.name}${Object.entries(scope.filters).filter(([k]) => k === 'customer' || k === 'project').map(([k, v]) => `, ${k} ${short(v, 20)}`).join('')}</div></div>
		${Object.keys(scope.filters).some(k => k !== 'customer' && k !== 'project') ? html`<ul class="attention"><li class="warn">A what-if covers customer and project; the filters by ${Object.keys(scope.filters).filter(k => k !== 'customer' && k !== 'project').join(', ')} do not narrow it.</li></ul>` : null}
		<form ref=${form} onSubmit=${run}><${ScenarioCards} list=${list} set=${setList} models=${models} />
		<details class="options"><summary>Cache, credits, budget, a trace of your own</summary><div class="row">
			${option('trace', 'A trace of your own instead', html`<input type="file" ref=${file} />`)}${option('at', 'The trace begins', html`<input name="at" defaultValue=${set.at || ''} placeholder="as it says" />`)}
			${option('cache', 'Cache', html`<${Select} name="cache" value=${set.cache || ''} options=${[['', 'as recorded'], ['none', 'none'], ['infinite', 'infinite (blocks)']]} />`)}${option('scope', 'Cache of', html`<${Select} name="scope" value=${set.scope || ''} options=${[['', 'all calls'], ['conversation', 'each conversation']]} />`)}
			${option('plan', 'Credits', html`<${Select} name="plan" value=${set.plan || ''} options=${[['', 'none'], ['vm0', 'vm0'], ['vm0-tokens', 'vm0-tokens']]} />`)}${option('budget', 'Budget', html`<input name="budget" defaultValue=${set.budget || ''} inputmode="decimal" />`)}${option('sensitivity', 'Vary assumptions by', html`<input name="sensitivity" defaultValue=${set.sensitivity || ''} placeholder="0.1" />`)}</div></details>
		<p class="buttons"><button class="main" disabled=${Boolean(fault) || state.busy}>${state.busy ? 'Working' : 'Compare'}</button>${state.data ? html`<button type="button" disabled=${state.saving} onClick=${save}>Save as one HTML file</button><button type="button" onClick=${remember}>Keep for comparison</button>` : null}</p></form>
		<${Failed} error=${state.error} />${state.none ? html`<${Sheet}><${Nothing} title="No usage in this period"><p>Choose another range, or a trace of your own.</p><//><//>` : null}
		${state.data ? html`<p class="hidden" role="status">${count(state.data.calls)} calls under ${state.data.scenarios.length} scenarios.</p><${WhatIfAnswer} data=${state.data} zone=${scope.zone} />` : null}
		${saved.length ? html`<${Sheet} title="Kept for comparison" aside=${html`<button type="button" onClick=${() => { localStorage.removeItem('whatifs'); keep([]); }}>Forget</button>`}><${Table} label="Kept" rows=${saved} rowKey=${s => s.at} columns=${[{key: 'a', name: 'When', cell: s => stamp(s.at, scope.zone)}, {key: 'n', name: 'Scenarios', wide: true, cell: s => html`<a href=${s.hash}>${short(s.name, 60)}</a>`}, {key: 't', name: 'Cost', n: true, cell: s => s.totals.map(([n, t, c, u]) => html`<div key=${n}>${short(n, 20)} <${Amount} v=${t} currency=${c} unpriced=${u} /></div>`)}]} /><//>` : null}`;
}
