/* Usage: one chart that answers, five figures, one table, and what needs attention. */

function writeMeasure(measure, v, currency, low) {
	if (v === null || v === undefined) return '–';
	if (low && v === 0n) return measure === 'cost' ? 'no price' : 'not covered';
	const text = measure === 'hits' ? share(toNumber(v)) : measure === 'cost' ? money(v, currency) : measure === 'credits' ? rounded(v) : fixed(v, 0);
	return (low ? '>=\u00a0' : '') + text;
}
const keyName = (row, key) => row.other ? `Other (${count(row.other)})` : row.key === '' || row.key === null || row.key === undefined ? `no ${keys[key].toLowerCase()}` : row.key;
const big = v => v >= 10000000n * ONE ? compact(v) : fixed(v, 0);

/* A way out of a range without usage: the newest month that has some, with the same filters. */
function NewestMonth({scope}) {
	const {data} = useDoc(usageUrl('month', scope, {}), false), month = data && data.groups.map(g => g.month).sort().pop();
	const show = () => change({range: '', since: month + '-01', until: addDays(addMonths(month + '-01', 1), -1)});
	return month ? html`<p>The newest usage is of ${months[Number(month.slice(5)) - 1]} ${month.slice(0, 4)}.</p><p><button type="button" onClick=${show}>Show it</button></p>` : null;
}

/* Five figures; each chooses what the chart shows. */
function Figures({now, past, credits, creditsPast, measure}) {
	const t = now.sums.tokens, b = past && past.sums;
	const cards = [
		['cost', html`<${Amount} v=${now.sums.total} currency=${now.currency} unpriced=${now.sums.unpriced} least=${now.sums.placeholders} brief />`, html`<${Delta} now=${now.sums.total} before=${b && b.total} good=${-1} />`],
		['tokens', html`<span class="num" title=${fixed(tokensOf(t), 0)}>${big(tokensOf(t))}</span>`, html`<${Delta} now=${tokensOf(t)} before=${b && tokensOf(b.tokens)} />`],
		['calls', html`<span class="num">${count(now.sums.requests)}</span>`, html`<${Delta} now=${now.sums.requests} before=${b && b.requests} />`],
		['hits', html`<span class="num">${hitShare(t) === null ? '–' : share(hitShare(t))}</span>`, b && hitShare(b.tokens) !== null && hitShare(t) !== null ? html`<${Delta} points good=${1} now=${hitShare(t)} before=${hitShare(b.tokens)} />` : null],
		['credits', credits ? html`<${Amount} v=${credits.value} currency="credits" unpriced=${credits.sums.uncovered} brief word="not covered" />` : '–', credits ? html`<${Delta} now=${credits.value} before=${creditsPast && creditsPast.value} />` : null],
	];
	return html`<div class="figures" role="group" aria-label="What the chart shows">
		${cards.map(([k, v, d]) => html`<button type="button" key=${k} class="figure" aria-pressed=${measure === k} onClick=${() => change({measure: k === 'cost' ? '' : k}, true)}><span class="name">${measures[k].name}</span><b>${v}</b>${d}</button>`)}</div>`;
}
/* What accounts have left; usage that no plan covered has not been taken from it. */
function Credits({accounts}) {
	const left = sum(accounts.map(a => a.available)), uncovered = accounts.reduce((n, a) => n + a.records_uncovered, 0);
	return html`<span class="num" title=${digits(left) + ' credits' + (uncovered ? `; ${count(uncovered)} records are not covered by a plan` : '')}>${uncovered ? '<=\u00a0' : ''}${toNumber(left) >= 1e7 ? compact(left) : rounded(left)}</span>`;
}
/* What somebody should look at, in words with a link each. */
const attentions = {
	unpriced: i => ['warn', html`<a href=${linkTo('records', '', {status: 'unpriced', range: 'all', since: '', until: ''})}>${many(i.count, 'call has', 'calls have')} no price</a>: totals are lower bounds`],
	uncovered: i => ['warn', html`<a href=${linkTo('customers', '', {order: 'uncovered:down'})}>${many(i.count, 'record is', 'records are')} not covered</a> by a credit plan`],
	quarantine: i => ['warn', html`<a href=${linkTo('health')}>${many(i.count, 'record waits', 'records wait')} in quarantine</a>`],
	conflicts: i => ['warn', html`<a href=${linkTo('health')}>${many(i.count, 'id', 'ids')} came with different content</a>`],
	account_at_fault: i => ['bad', html`<a href=${linkTo('customers', i.of[0].customer)}>${short(i.of[0].customer, 24)}</a>${i.count > 1 ? ` and ${i.count - 1} more` : ''}: usage could not be drawn`],
	budget: i => ['bad', html`<a href=${linkTo('budgets')}>${i.count > 1 ? `${count(i.count)} budgets` : `Budget ${short(i.of[0].budget, 24)}`}</a> ${i.of[0].percent ? `${i.count > 1 ? 'up to' : 'at'} ${count(i.of.reduce((m, b) => Math.max(m, b.percent || 0), 0))}\u00a0%` : i.of[0].state}`],
	balance_low: i => ['bad', html`<a href=${linkTo('customers', i.count > 1 ? '' : i.of[0].customer, {order: 'left:up'})}>${i.count > 1 ? `${count(i.count)} accounts are` : `${short(i.of[0].customer, 24)} is`} low on credits</a>`],
	invoice_overdue: i => ['bad', html`<a href=${linkTo('billing', '', {state: 'overdue'})}>${many(i.count, 'invoice is', 'invoices are')} overdue</a>`],
	prices_old: i => ['warn', html`<a href=${linkTo('prices')}>Prices are ${count(i.of && i.of[0] ? i.of[0].days : i.count)} days old</a>`],
};
function Attention({items}) {
	if (!items || !items.length) return null;
	return html`<ul class="attention" aria-label="Needs attention">${items.filter(i => attentions[i.what]).map(i => { const [tone, what] = attentions[i.what](i); return html`<li key=${i.what} class=${tone}>${what}</li>`; })}</ul>`;
}
function bucketName(b, grain, zone) {
	const day = dayOf(b.at, zone);
	return grain === 'hour' ? when(new Date(b.at).toISOString(), zone).slice(5, 16) : grain === 'month' ? `${months[day.slice(5, 7) - 1]} ${day.slice(0, 4)}` : grain === 'week' ? `week of ${dayName(day, true)}` : dayName(day, true);
}
function UsageChart({scope, set, by, measure, compare, forecast}) {
	const s = useSeries(scope, by, measure, compare), m = measures[measure], kept = useRef(null);
	const running = set.sum === 'running' && !m.ratio;
	const priced = s.grain === 'hour' && s.all.total ? scope.filters.model || (by === 'model' && s.rows[0] && !s.rows[0].other ? s.rows[0].key : null) : null;
	const week = useDoc(priced ? '/v1/prices/' + encodeURIComponent(priced) + '/week?' + query({z: scope.zone, at: scope.since}) : null, false);
	const drawn = useMemo(() => {
		if (!s.buckets) return null;
		const tall = v => v === null ? null : m.ratio ? toNumber(v) * 100 : toNumber(v);
		const add = values => { let n = 0; return values.map((v, i) => s.buckets[i].at > Date.now() ? null : (n += v || 0)); };
		const all = values => running ? add(values.map(tall)) : values.map(tall);
		const rows = m.ratio || running ? [{name: 'all', tone: 0, row: s.all, values: all(s.all.values)}] : s.rows.map((r, i) => ({name: keyName(r, by), tone: r.other ? 'o' : i % 8, row: r, values: r.values.map(tall)}));
		let before = s.before && s.before.records.some(n => n) ? s.before.values.map(tall) : null;
		if (before && running) { let n = 0; before = before.map(v => (n += v || 0)); }
		let band = null;
		if (running && measure === 'cost' && forecast && forecast.quantiles && set.range === 'month' && !Object.keys(scope.filters).length) {
			const at = s.buckets.findIndex(b => b.to > Date.now()), end = s.buckets.length - 1, q = forecast.quantiles, base = Number(forecast.spent);
			const fan = p => s.buckets.map((b, i) => i < at ? null : end === at ? Number(q[p]) : base + (Number(q[p]) - base) * (i - at) / (end - at));
			if (at >= 0) band = {low: fan('0.05'), high: fan('0.95')};
		}
		let shade = null;
		if (priced && week.data && week.data.model && new Set(week.data.segments.map(x => x.window)).size > 1) shade = s.buckets.map(b => week.data.segments.some(x => /peak/.test(x.window || '') && !/off/.test(x.window) && Date.parse(x.from) <= b.at && Date.parse(x.until) > b.at));
		return {rows, before, band, s, by, measure, running, shade: shade && shade.some(Boolean) ? shade : null, priced};
	}, [s, running, forecast && forecast.spent, week.data]);
	if (drawn) kept.current = drawn;
	if (!kept.current) return html`<div class="chart"><${Loading} error=${s.error} /></div>`;
	return html`<${DrawnChart} drawn=${kept.current} scope=${scope} error=${s.error} />`;
}
/* The chart of an answer, as long as the next is not there. */
function DrawnChart({drawn, scope, error}) {
	const {s, by, measure, running} = drawn, m = measures[measure], currency = s.currency, empty = !s.all.records.some(n => n);
	const write = (v, step) => measure === 'hits' ? v + ' %' : markOf(v, step, measure === 'cost' ? currency : null);
	const at = i => s.buckets[i] ? bucketName(s.buckets[i], s.grain, scope.zone) : '';
	const value = (row, i) => running ? row.values.slice(0, i + 1).reduce((n, v) => n + (v ?? 0n), 0n) : row.values[i];
	const low = (row, i) => running ? row.low.slice(0, i + 1).some(Boolean) : row.low[i];
	const say = (row, i) => writeMeasure(measure, value(row, i), currency, low(row, i));
	const said = `${m.name} by ${s.grain}${m.ratio || running ? '' : ` and ${keys[by].toLowerCase()}`}, ${scope.name.toLowerCase()}: ${writeMeasure(measure, s.all.total, currency, s.all.lacking > 0)} in all` + (s.rows.length && !running ? '; ' + s.rows.map(r => `${keyName(r, by)} ${writeMeasure(measure, r.total, currency, r.lacking > 0)}`).join(', ') : '');
	const choose = (a, b) => { const f = dayOf(s.buckets[a].at, scope.zone), l = dayOf(s.buckets[b].to - 1, scope.zone); const hour = t => when(t, scope.zone).slice(0, 16).replace(' ', 'T'); if (s.grain !== 'hour') change({range: '', since: f, until: l}); else if (s.buckets.length > 1) change({range: '', since: hour(s.buckets[a].at), until: hour(s.buckets[b].to)}); else go('records'); };
	const brief = b => { const t = bucketName(b, s.grain, scope.zone); return s.grain === 'hour' ? t.slice(6) : s.grain === 'month' ? t : dayName(dayOf(b.at, scope.zone)); };
	return html`<div class="chartbox"><${SeriesChart} count=${s.buckets.length} rows=${drawn.rows} before=${drawn.before} band=${drawn.band} shade=${drawn.shade} stacked=${!m.ratio && !running} label=${said} names=${s.buckets.map((b, i) => at(i))} shorts=${s.buckets.map(brief)}
		writeY=${write} say=${(r, i) => say(r.row, i)} foot=${i => [...(m.ratio || running || s.rows.length < 2 ? [] : [['Total', say(s.all, i)]]), ...(drawn.before ? [['Period before', say(s.before, i)]] : [])]} onpick=${choose} />
	${empty ? html`<p class="overlay">Nothing was metered in this period.</p>` : null}</div><${Failed} error=${error} />
	<div class="legend">${m.ratio || running ? null : s.rows.map((r, i) => html`<button type="button" key=${r.other ? '\u0000' : r.key} disabled=${r.other || !filterNames.includes(by)} onClick=${() => change({[by]: r.key})} title=${r.other ? `the ${r.other} smaller ones` : `Only ${keyName(r, by)}`}><i class=${'dot c' + (r.other ? 'o' : i % 8)} /><span>${short(keyName(r, by), 32)}</span></button>`)}
		${drawn.before ? html`<span class="key"><i class="dash" />period before</span>` : null}${drawn.band ? html`<span class="key"><i class="dash tint" />forecast, 90 %</span>` : null}${drawn.shade ? html`<span class="key"><i class="dot peakmark" />peak hours of ${short(drawn.priced, 24)}</span>` : null}</div>
	${empty ? null : html`<details class="data"><summary>The chart as a table</summary><${Table} label=${said.split(':')[0]} rows=${s.buckets.map((b, i) => i).reverse()} rowKey=${i => s.buckets[i].label}
		columns=${[{key: 'at', name: 'When', cell: i => at(i)}, {key: 'v', name: m.name, n: true, cell: i => s.all.values[i] === null ? html`<span class="soft">none</span>` : say(s.all, i)}, ...(drawn.before ? [{key: 'b', name: 'Period before', n: true, cell: i => say(s.before, i)}] : []),
		...(m.ratio || running ? [] : s.rows.map((r, k) => ({key: 'k' + k, name: short(keyName(r, by), 20), n: true, cell: i => r.values[i] === null ? '' : say(r, i)})))]} /></details>`}`;
}
function Usage({set, session}) {
	const scope = scopeOf(set), compare = set.cmp !== '0' && Boolean(scope.before);
	/* credits are kept by account, not by who sold the calls */
	const sold = scope.filters.provider !== undefined, measure = measures[set.measure] && !(sold && set.measure === 'credits') ? set.measure : 'cost', splits = Object.entries(keys).filter(([k]) => measure !== 'credits' || !/provider|window/.test(k));
	const own = session.customer, by = splits.some(([k]) => k === set.by) ? set.by : 'model';
	/* asked for in the order in which they are looked at */
	const figures = useDoc(seriesUrl({grain: 'month', top: 0}, scope)), figuresPast = useDoc(compare ? seriesUrl({grain: 'month', top: 0}, scope, scope.before) : null);
	/* the same answer as the chart has */
	const s = useSeries(scope, by, measure, compare), courses = new Map(s.each && !measures[measure].ratio ? s.each.filter(r => !r.other).map(r => [r.key, r.values]) : []);
	const table = useDoc(usageUrl(by, scope)), past = useDoc(compare ? usageUrl(by, scope, scope.before) : null);
	const credits = useDoc(sold ? null : seriesUrl({grain: 'month', top: 0, measure: 'credits'}, scope)), creditsPast = useDoc(compare && !sold ? seriesUrl({grain: 'month', top: 0, measure: 'credits'}, scope, scope.before) : null);
	const attention = useDoc(own ? null : '/v1/attention'), ahead = !scope.filters.workload && !scope.filters.provider && !scope.filters.effort && Object.values(scope.filters).every(Boolean);
	/* a forecast takes a week of the last eight */
	const at = n => new Date(beginning(addDays(scope.today, n), scope.zone)).toISOString(), history = useDoc(ahead ? seriesUrl({top: 0}, scope, {since: at(-56), until: at(0)}) : null, false), days = history.fresh ? history.data.total.records : [], old = days.some((n, i) => n && days.length - i >= 7);
	const forecast = useDoc(ahead && old ? '/v1/forecast?' + query({z: scope.zone, ...scope.filters}) : null, false);
	const doc = table.data && (table.data.groups.length === 0 || table.data.groups[0][by] !== undefined) ? table.data : null;
	const [most, showMore] = useState(25);
	const rows = useMemo(() => {
		if (!doc) return [];
		const old = new Map(past.data ? past.data.groups.map(g => [g[by], g]) : []);
		return doc.groups.map(g => ({...g, v: exact(g.total), t: tokensOf(g.tokens), old: old.get(g[by])})).sort((a, b) => (b.v > a.v ? 1 : b.v < a.v ? -1 : b.requests - a.requests));
	}, [doc, past.data, by]);
	const top = rows.length ? rows.reduce((m, r) => r.v > m ? r.v : m, 0n) : 0n, total = doc ? exact(doc.total) : 0n, pick = filterNames.includes(by);
	const shown = set.order ? rows : rows.slice(0, most);
	const columns = [
		{key: 'key', name: keys[by], cell: r => html`<span class="name">${keyName({key: r[by]}, by)}</span>`, sort: r => r[by] || ''},
		{key: 'bar', name: 'Share', art: true, cell: r => html`<span class="barcell">${bar(top ? toNumber(r.v) / toNumber(top) : 0, null)}<span>${total ? share(toNumber(r.v) / toNumber(total)) : '–'}</span></span>`},
		{key: 'cost', name: 'Cost', n: true, cell: r => html`<${Amount} v=${r.total} currency=${doc.currency} unpriced=${r.unpriced} least=${r.placeholders} />`, sort: r => r.v},
		...(compare ? [{key: 'change', name: 'Change', n: true, extra: true, cell: r => r.unpriced && !r.v ? null : html`<${Delta} now=${r.total} before=${r.old ? r.old.total : past.data ? '0' : null} good=${-1} />`, sort: r => r.v - (r.old ? exact(r.old.total) : 0n)}] : []),
		...(courses.size ? [{key: 'trend', name: 'Trend', extra: true, spare: true, cell: r => courses.has(r[by] ?? '') ? spark(courses.get(r[by] ?? '').map(v => v === null ? null : toNumber(v))) : ''}] : []),
		{key: 'calls', name: 'Calls', n: true, cell: r => count(r.requests), sort: r => r.requests},
		{key: 'tokens', name: 'Tokens', n: true, extra: true, cell: r => html`<span title=${fixed(r.t, 0)}>${r.t >= 1000000n * ONE ? compact(r.t) : fixed(r.t, 0)}</span>`, sort: r => r.t},
		{key: 'hits', name: 'Cache hits', n: true, extra: true, cell: r => hitShare(r.tokens) === null ? '–' : share(hitShare(r.tokens)), sort: r => hitShare(r.tokens)},
	];
	return html`<h1 class="hidden">Usage</h1>
		<${Attention} items=${attention.data && attention.data.items} />
		${figures.data ? html`<${Figures} now=${{...figures.data.total, currency: figures.data.currency}} past=${compare && figuresPast.data ? figuresPast.data.total : null} credits=${credits.data && credits.data.total} creditsPast=${compare && creditsPast.data ? creditsPast.data.total : null} measure=${measure} />` : null}
		<section class="sheet main-chart"><div class="head"><div class="tools"><h2>${measures[measure].name}${measures[measure].ratio ? ' of prompts' : html` <span class="soft">by</span>`}</h2>${measures[measure].ratio ? null : html`<${Select} aria-label="Split by" value=${by} options=${splits.map(([k, v]) => [k, v.toLowerCase()])} onChange=${e => change({by: e.target.value === 'model' ? '' : e.target.value, order: ''}, true)} />`}</div>
			<div class="tools">${measures[measure].ratio ? null : html`<${Select} aria-label="How it adds up" value=${set.sum === 'running' ? 'running' : ''} options=${[['', 'each period'], ['running', 'running total']]} onChange=${e => change({sum: e.target.value}, true)} />`}
			${forecast.data && forecast.data.quantiles ? html`<span class="projected soft" title=${Object.entries(forecast.data.quantiles).map(([k, v]) => `${k}: ${v}`).join('\n')}>this month: ${forecast.data.unpriced || forecast.data.placeholders ? '>=\u00a0' : ''}${money(forecast.data.quantiles['0.5'], forecast.data.currency)} <span class="wide-only">(${money(forecast.data.quantiles['0.05'], forecast.data.currency)} to ${money(forecast.data.quantiles['0.95'], forecast.data.currency)})</span></span>` : null}</div></div>
			<${UsageChart} scope=${scope} set=${set} by=${by} measure=${measure} compare=${compare} forecast=${forecast.data} /></section>
		<${Sheet} title=${`By ${keys[by].toLowerCase()}`} aside=${html`<a class="button" href=${linkTo('records')}>Records</a>`}>
			${!doc ? html`<${Loading} error=${table.error} />` : rows.length ? html`<${Table} label=${`By ${keys[by].toLowerCase()}`} columns=${columns} rows=${shown} rowKey=${r => r[by] ?? ''} order=${set.order} onpick=${pick ? r => change({[by]: r[by] ?? '', order: ''}) : null}
				foot=${{key: `Total of ${count(rows.length)}`, cost: html`<${Amount} v=${doc.total} currency=${doc.currency} unpriced=${doc.unpriced} least=${doc.placeholders} />`, calls: count(doc.requests), tokens: html`<span title=${fixed(tokensOf(doc.tokens), 0)}>${tokensOf(doc.tokens) >= 1000000n * ONE ? compact(tokensOf(doc.tokens)) : fixed(tokensOf(doc.tokens), 0)}</span>`, hits: hitShare(doc.tokens) === null ? '–' : share(hitShare(doc.tokens))}} />
				<${LeftOut} of=${doc} />
				${shown.length < rows.length ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 100)}>Show ${count(Math.min(100, rows.length - most))} more of ${count(rows.length)}</button></p>` : null}`
			: html`<${Nothing} title="Nothing was metered in this period"><${NewestMonth} scope=${scope} />${session.customer ? null : html`<p>Choose another range above, or send records:</p><pre>curl -d '{"id": "1", "model": "deepseek-v4-flash", "input": 1000, "output": 100}' ${location.origin}/v1/usage</pre><pre>tally ingest ~/.claude/projects --db FILE</pre>`}<//>`}<//>`;
}
