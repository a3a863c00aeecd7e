/* Beside the invoices: plans and offers, looked at and checked, and a provider's bill beside the meter. */

/* A file of plans, offers or terms, checked before anybody uses it. */
function RuleCheck() {
	const [said, say] = useState(null);
	const look = async e => {
		const f = e.target.files[0];
		if (!f) return say(null);
		try { const d = await ask('/v1/rules/check', {method: 'POST', body: await f.text()}); say(d.good ? {words: `${f.name}: good ${d.kind}`} : {error: new Error(`${f.name}: ${d.faults.join('; ')}`)}); } catch (error) { say({error: new Error(`${f.name}: ${error.message}`)}); }
	};
	return html`<${Sheet} title="Check a file of plans, offers or terms"><${Field} label="JSON file" hint="nothing of it is kept"><input type="file" accept=".json,application/json" onChange=${look} /><//>${said && said.words ? html`<p class="notice" role="status">${said.words}</p>` : null}<${Failed} error=${said && said.error} /><//>`;
}
function Plans() {
	const plans = useDoc('/v1/plans', false), offers = useDoc('/v1/offers', false);
	return html`<${Sheet} title="Offers">${!offers.data ? html`<${Loading} error=${offers.error} />` : html`<${Table} label="Offers" rows=${offers.data.offers} rowKey=${o => o.offer} columns=${[{key: 'o', name: 'Offer', cell: o => html`<span class="nowrap">${o.offer}</span>`}, {key: 't', name: 'What', wide: true, cell: o => o.title}, {key: 'p', name: 'Plan', extra: true, cell: o => o.plan}, {key: 'm', name: 'Price', n: true, cell: o => money(o.price, o.currency)}, {key: 'c', name: 'Credits', n: true, extra: true, cell: o => rounded(o.credits)}, {key: 'e', name: 'Every', extra: true, cell: o => o.every || 'once'}, {key: 'l', name: 'Last', extra: true, cell: o => o.lasts || 'no end'}]} /><p class="soft">A customer is subscribed on its own page.</p>`}<//>
		<${Sheet} title="Plans">${!plans.data ? html`<${Loading} error=${plans.error} />` : html`<${Table} label="Plans" rows=${plans.data.plans} rowKey=${p => p.plan} columns=${[{key: 'p', name: 'Plan', cell: p => html`<span class="nowrap">${p.plan}</span>`}, {key: 't', name: 'What', wide: true, cell: p => html`${p.title}${p.note ? html`<br /><span class="soft">${short(p.note, 200)}</span>` : null}`}, {key: 'r', name: 'Rule', extra: true, cell: p => p.rule.replaceAll('_', ' ')}, {key: 'u', name: 'Credits for one', n: true, extra: true, cell: p => `${rounded(p.credits_per_unit)} / ${p.currency}`}, {key: 'q', name: 'Rounding', extra: true, cell: p => p.rounding}]} />`}<//>
		<${RuleCheck} />`;
}

/* --- a bill that is uploaded --- */

const billColumns = ['day', 'model', 'cost', 'currency', 'project', 'kind', 'input', 'cache_read', 'output', 'none'];
const results = {matches: 'good', differs: 'bad', 'billed only': 'bad', 'metered only': 'warn'};
const causeNames = {rounding: 'rounding', not_usage: 'tax, credits, fees', moved_by_a_day: 'moved by a day', name: 'another name', price: 'another price', tier: 'batch, region or tier', unpriced: 'no price here', page: 'a page that is missing', missing_days: 'days that the bill lacks'};
function Reconciled({data}) {
	const [all, showAll] = useState(false), [most, showMore] = useState(100), off = data.differing + data.billed_only + data.metered_only, c = data.currency;
	const same = !exact(data.difference), rows = all ? data.lines : data.lines.filter(l => l.result !== 'matches');
	const warn = [data.partial ? 'The bill is one page of several: add the others.' : '', data.bill.unread_columns ? `Columns that speak of money and were not read: ${data.bill.unread_columns}.` : '', data.bill.doubtful ? `What may change the bill and was not read: ${data.bill.doubtful}.` : '', data.missing_days ? `Calls were metered on ${many(data.missing_days, 'day', 'days')} of which the bill says nothing.` : '', data.total_is_wrong ? 'The row of totals of the bill is not the sum of its rows.' : '', data.unpriced ? `${many(data.unpriced, 'metered call has', 'metered calls have')} no price.` : ''].filter(Boolean);
	return html`<section class="sheet verdict" aria-label="Verdict"><p class=${'large ' + (exact(data.unexplained) || off ? 'bad' : 'good')}>${same ? `The bill and the meter agree: ${money(data.billed, c)}` : `${money(data.billed, c)} billed, ${data.unpriced ? '>=\u00a0' : ''}${money(data.metered, c)} metered: ${exact(data.difference) > 0n ? 'billed more by' : 'billed less by'} ${money(exact(data.difference) < 0n ? -exact(data.difference) : data.difference, c)}`}</p>
			<p class="small soft">Read as ${data.bill.format}; days of ${data.bill.zone}. ${many(data.matching, 'day and model matches', 'days and models match')}, ${count(data.differing)} differ, ${count(data.billed_only)} billed only, ${count(data.metered_only)} metered only.</p>${warn.map(w => html`<p class="small warn" key=${w}>${w}</p>`)}</section>
		<${Sheet} title="What explains the difference"><dl class="facts">${[...Object.entries(data.causes).filter(([, v]) => exact(v)).map(([k, v]) => [causeNames[k] || k, v]), ['nothing explains', data.unexplained]].map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd class="num" title=${v}>${money(v, c)}</dd></div>`)}</dl><//>
		<${Sheet} title="By day and model" aside=${html`<label class="check"><input type="checkbox" checked=${all} onChange=${e => showAll(e.target.checked)} /> also what matches</label>`}>${rows.length ? html`<${Table} label="By day and model" rows=${rows.slice(0, most)} columns=${[{key: 'd', name: 'Day', cell: l => html`<span class="nowrap">${l.day}</span>`}, {key: 'm', name: 'Model', cell: l => html`<span class="name">${l.model || 'none named'}</span>`}, {key: 'r', name: 'Result', cell: l => html`<${Tag} tone=${results[l.result]}>${l.result}<//>`}, {key: 'b', name: 'Billed', n: true, cell: l => l.billed === null ? html`<span class="soft">none</span>` : html`<span title=${l.billed}>${money(l.billed, c)}</span>`}, {key: 't', name: 'Metered', n: true, cell: l => l.result === 'billed only' ? html`<span class="soft">none</span>` : html`<span title=${l.metered}>${money(l.metered, c)}</span>`}, {key: 'x', name: 'Difference', n: true, cell: l => html`<span title=${l.difference}>${money(l.difference, c)}</span>`}, {key: 'c', name: 'Cause', extra: true, cell: l => l.cause ? String(l.cause).replaceAll('_', ' ') : ''}]} />${rows.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 500)}>Show more of ${count(rows.length)}</button></p>` : null}` : html`<p class="soft">Everything matches.</p>`}<//>
		${data.other.length ? html`<${Sheet} title="Lines that are no usage"><${Table} label="Lines that are no usage" rows=${data.other} columns=${[{key: 'd', name: 'Day', cell: o => o.day}, {key: 'k', name: 'Kind', cell: o => o.kind}, {key: 'w', name: 'What', wide: true, cell: o => html`<span class="name">${o.what || ''}</span>`}, {key: 'c', name: 'Cost', n: true, cell: o => money(o.billed, c)}]} /><//>` : null}`;
}
function Reconcile({set}) {
	const file = useRef(null), [state, tell] = useState({}), [map, setMap] = useState([]);
	const send = async (f, format) => {
		const files = [...file.current.files];
		if (!files.length) throw new Error('Choose the files of the bill.');
		const columns = Object.fromEntries(map.filter(m => m.k && m.v).map(m => [m.k, m.v]));
		const settings = {files: files.map(x => ({name: x.name, bytes: x.size})), ...given(f), ...(Object.keys(columns).length ? {map: columns} : {}), ...(format ? {format} : {})};
		const response = await fetch('/v1/reconcile?settings=' + encodeURIComponent(JSON.stringify(settings)), {method: 'POST', body: new Blob(files)});
		if (!response.ok) { const b = await response.json().catch(() => null); if (response.status === 401) onUnauthorized(); throw new Error(b && b.error ? b.error.message : response.statusText); }
		return response;
	};
	const save = async (f, format) => { const a = document.createElement('a'); a.href = URL.createObjectURL(await (await send(f, format)).blob()); a.download = 'reconcile.' + format; a.click(); };
	return html`<${Sheet} title="A provider's bill"><p class="soft">Costs as OpenAI, Anthropic, DeepSeek, AWS, Azure, Google Cloud or GitHub export them, FOCUS of anybody, or any CSV whose columns you name. It is compared here with what was metered and not kept.</p>
		<${Act} label="Compare" run=${async f => { const as = f.as; delete f.as; if (as) { await save(f, as); return 'Saved.'; } tell({data: await (await send(f)).json()}); return ''; }}><${Field} label="Files of the bill"><input type="file" ref=${file} multiple accept=".csv,.json,.zip,.gz,.txt,.xlsx,.tsv,.jsonl,.parquet" /><//><${Field} label="Currency of the meter"><input name="currency" placeholder="as it was priced" /><//><${Field} label="Customer"><input name="customer" placeholder="all" defaultValue=${set.customer || ''} /><//><${Field} label="Project"><input name="project" placeholder="all" /><//><${Field} label="From"><input name="since" type="date" /><//><${Field} label="To and with"><input name="until" type="date" /><//><${Field} label="As"><${Select} name="as" options=${[['', 'shown here'], ['html', 'an HTML file'], ['xlsx', 'a workbook']]} /><//>
			<details class="options wide"><summary>Columns of a CSV, zone, tolerance</summary>${map.map((m, i) => html`<div class="row" key=${i}><${Field} label="Meaning"><${Select} value=${m.k} options=${billColumns.map(x => [x, x])} onChange=${e => setMap(map.map((x, n) => n === i ? {...x, k: e.target.value} : x))} /><//><${Field} label="Column"><input value=${m.v} onInput=${e => setMap(map.map((x, n) => n === i ? {...x, v: e.target.value} : x))} /><//></div>`)}
				<p><button type="button" onClick=${() => setMap([...map, {k: billColumns[map.length % billColumns.length], v: ''}])}>Name a column</button></p><div class="row"><${Field} label="Vendor"><input name="provider" placeholder="the bill's" /><//><${Field} label="Zone of its days"><input name="timezone" placeholder="the bill's" /><//><${Field} label="Tolerance a day and model"><input name="tolerance" inputmode="decimal" placeholder="0.005" /><//></div></details><//><//>
		${state.data ? html`<${Reconciled} data=${state.data} />` : null}`;
}
