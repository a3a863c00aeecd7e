/* Planner: what work that does not exist yet will cost, on the engine of `tally plan`. */

const planRoutes = {
	model: {name: 'one model for all', take: ['a'], write: r => r.a},
	batch: {name: 'one model, in batches', take: ['a'], write: r => `batch:${r.a}`},
	share: {name: 'a share to another model', take: ['n', 'a', 'b'], n: 'Share to the first', hint: '5%', write: r => `share:${r.n}:${r.a}:${r.b}`},
	escalate: {name: 'a share to a second model as well', take: ['n', 'a', 'b'], n: 'Share to both', hint: '5%', a: 'All to', b: 'And the share to', write: r => `escalate:${r.n}:${r.a}:${r.b}`},
};
const planFields = [['per_day', 'Calls a day', '10k'], ['cached', 'Cached tokens of a prompt', '2000'], ['input', 'Other tokens of a prompt', '300'], ['output', 'Tokens of an answer', '150']];
const planMore = [['days', 'Days', '30'], ['start', 'From', 'tomorrow'], ['hours', 'Hours', 'all day, or 9-17'], ['weekdays', 'Days of the week', 'all, or mon-fri'], ['hit_ratio', 'Calls that find the cache', '100%'], ['retries', 'Calls sent twice', '0'], ['growth', 'Growth each month', '0']];
function Planner({set}) {
	const scope = scopeOf(set), form = useRef(null), [state, tell] = useState({});
	const [list, setList] = useState(() => (set.scenarios || 'flash=deepseek-v4-flash\npro=deepseek-v4-pro').split('\n').filter(Boolean).map(l => parseScenario(l, planRoutes)));
	const fault = list.map(s => scenarioFault(s, list, planRoutes)).find(Boolean);
	const run = async e => {
		if (e) e.preventDefault();
		if (fault || state.busy) return;
		const f = Object.fromEntries([...new FormData(form.current)].filter(([, v]) => v));
		tell({...state, busy: true, error: null});
		change({...Object.fromEntries([...planFields, ...planMore].map(([k]) => [k, ''])), ...f, scenarios: list.map(s => writeScenario(s, planRoutes)).join('\n')}, true);
		try {
			const data = await post('/v1/plan', {...f, timezone: scope.zone, scenarios: Object.fromEntries(list.map(s => [s.name, planRoutes[s.kind].write(s)]))});
			tell({data});
		} catch (error) { tell({error}); }
	};
	useEffect(() => { run(); }, []);
	const d = state.data, sorted = d ? [...d.scenarios].sort((a, b) => (a.unpriced > 0) - (b.unpriced > 0) || (exact(a.total) > exact(b.total) ? 1 : -1)) : [];
	const days = d ? d.scenarios[0].by_day.map(x => x.day) : [], best = sorted[0], next = sorted[1], cost = s => (s.unpriced ? '>=\u00a0' : '') + money(s.total, d.currency);
	const input = ([k, label, hint]) => html`<${Field} key=${k} label=${label}><input name=${k} defaultValue=${set[k] ?? (planFields.some(x => x[0] === k) ? hint : '')} placeholder=${hint} /><//>`;
	return html`<div class="head title"><h1>Planner</h1></div><form ref=${form} onSubmit=${run}><${Sheet} title="The work"><div class="row">${planFields.map(input)}</div><details class="options"><summary>Days, hours, retries, growth, credits</summary><div class="row">${planMore.map(input)}<${Field} label="Credits"><${Select} name="plan" value=${set.plan || ''} options=${[['', 'none'], ['vm0', 'vm0'], ['vm0-tokens', 'vm0-tokens']]} /><//></div></details><//>
		<${ScenarioCards} list=${list} set=${setList} models=${usualModels} kinds=${planRoutes} /><p class="buttons"><button class="main" disabled=${Boolean(fault) || state.busy}>${state.busy ? 'Working' : 'Plan'}</button></p></form><${Failed} error=${state.error} />
		${d ? html`<section class="sheet verdict" aria-label="Verdict"><p class="large">${best.name} costs ${cost(best)} in ${many(days.length, 'day')}${next && !next.unpriced && !best.unpriced ? html`<span class="soft">, ${money(exact(next.total) - exact(best.total), d.currency)} less than ${next.name}</span>` : null}</p>${sorted.filter(s => s.unpriced || s.does_not_fit).map(s => html`<p class="small warn" key=${s.name}>${s.name}: ${s.unpriced ? `${many(s.unpriced, 'call has', 'calls have')} no price` : ''}${s.does_not_fit ? ` the prompt does not fit: ${typeof s.does_not_fit === 'string' ? s.does_not_fit : JSON.stringify(s.does_not_fit)}` : ''}</p>`)}</section>
			<${Sheet} title="Cost by scenario">${intervals(d.scenarios.map((s, i) => ({name: s.name, tone: i % 8, value: s.unpriced && !exact(s.total) ? null : Number(s.total), text: s.unpriced && !exact(s.total) ? 'no price' : cost(s)})), 'Cost of each scenario: ' + d.scenarios.map(s => `${s.name} ${cost(s)}`).join(', '))}<//>
			<${Sheet} title="Cost by day"><${SeriesChart} count=${days.length} rows=${d.scenarios.map((s, i) => ({name: s.name, tone: i % 8, s, values: s.by_day.map(x => Number(x.total))}))} label="Cost by day of each scenario" names=${days.map(x => dayName(x, true))} shorts=${days.map(x => dayName(x))} writeY=${(v, step) => markOf(v, step, d.currency)} say=${(r, i) => money(r.s.by_day[i].total, d.currency)} /><//>
			<${Sheet} title="Scenarios"><${Table} label="Scenarios" rows=${d.scenarios} rowKey=${s => s.name} columns=${[{key: 'n', name: 'Scenario', cell: s => s.name}, {key: 'c', name: 'Calls', n: true, cell: s => count(s.requests)}, {key: 't', name: 'Cost', n: true, cell: s => html`<${Amount} v=${s.total} currency=${d.currency} unpriced=${s.unpriced} />`}, {key: 'p', name: 'Per call', n: true, cell: s => html`<${Amount} v=${s.per_call} currency=${d.currency} unpriced=${s.unpriced} />`}, ...d.scenarios[0].by_month.map((m, i) => ({key: m.month, name: m.month, n: true, extra: true, cell: s => s.by_month[i] ? money(s.by_month[i].total, d.currency) : ''})), ...(d.scenarios.some(s => s.credits) ? [{key: 'k', name: 'Credits', n: true, cell: s => s.credits ? rounded(s.credits.total ?? s.credits) : '–'}] : [])]} />
				<p class="soft">Nothing is random: every quarter of an hour of ${days[0]} to ${days[days.length - 1]} is priced at what the book states for it. The same as text, HTML or PDF: <code>tally plan</code></p><//>` : null}`;
}
