/* Prices: what models cost now, since when, until when, and those without a price. */

function priceChange(t) {
	if (!t) return 'flat rate, no change scheduled';
	const minutes = Math.round((Date.parse(t) - Date.now()) / 6e4);
	return minutes < 60 ? `for another ${minutes} min` : minutes < 2880 ? `for another ${Math.floor(minutes / 60)} h ${minutes % 60} min` : `until ${t.slice(0, 10)}`;
}
/* History of one provider's prices in one currency, as steps. */
function PriceHistory({doc, zone, provider, currency}) {
	const prices = doc.prices.filter(p => p.status === 'in force' && p.provider === provider && p.currency === currency && p.service_tier === 'standard');
	const from = Math.min(...prices.map(p => Date.parse(p.from))), to = Date.now() + 864e5 * 30;
	/* where several hold, the promotion is what is paid */
	const edges = [...new Set(prices.flatMap(p => [Date.parse(p.from), p.to ? Date.parse(p.to) : to]))].sort((a, b) => a - b);
	const spans = edges.slice(0, -1).map((at, i) => ({from: at, to: edges[i + 1], price: prices.filter(p => Date.parse(p.from) <= at && (!p.to || Date.parse(p.to) > at)).sort((a, b) => (b.kind === 'promotion') - (a.kind === 'promotion') || (b.from > a.from ? 1 : -1))[0]})).filter(s => s.price);
	const lineOf = bucket => ({name: bucket, points: spans.filter(s => s.price.rates[bucket] !== undefined).map(s => ({from: s.from, to: s.to, value: Number(s.price.rates[bucket])}))});
	const lines = [{...lineOf('input'), tone: 0}, {...lineOf('output'), tone: 1}, {...lineOf('cache_read'), tone: 2}];
	const ticks = [0, .25, .5, .75, 1].map(p => from + (to - from) * p).map(at => ({at, text: dayName(dayOf(at, zone), true)}));
	return html`${steps(lines, from, to, `Price per million tokens of ${provider} since ${dayOf(from, zone)}`, ticks)}<div class="legend">${lines.map(l => html`<span class="key" key=${l.name}><i class=${'dot c' + l.tone} />${l.name.replaceAll('_', ' ')}</span>`)}</div>`;
}
/* The week's tariff, an hour a cell, in the viewer's zone; a change within the hour is in its words. */
function Week({doc, zone}) {
	const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], windows = [...new Set(doc.segments.map(s => s.window || 'no price'))];
	if (windows.length < 2) return html`<p class="soft">One price at every hour of this week.</p>`;
	const size = s => s.rates ? Number(s.rates.output || s.rates.input || 0) : 0, dear = Math.max(...doc.segments.map(size));
	const cells = days.map((d, i) => Array.from({length: 24}, (_, hour) => { const day = doc.days[i], list = Array.isArray(day) ? day : day.hours || day.segments || [], s = doc.segments[list[hour] ?? list[list.length - 1]]; return {tone: s ? (size(s) === dear ? 1 : 0) : 0, text: s ? `${s.window || 'no price'}${s.rates ? `, input ${s.rates.input}, output ${s.rates.output}` : ''}` : 'no price'}; }));
	const f = fields(Date.now(), zone), today = (new Date(`${f.year}-${f.month}-${f.day}T00:00:00Z`).getUTCDay() + 6) % 7;
	const peak = cells.flat().filter(c => c.tone === 1).length;
	return html`${clock(cells, days, `The week in ${zone}: ${windows.join(' and ')}; the dearest price holds at ${peak} of 168 hours`, {day: today, hour: Number(f.hour)})}<div class="legend"><span class="key"><i class="dot c1" />${doc.segments.find(s => size(s) === dear).window}</span><span class="key"><i class="dot cheap" />cheaper</span><span class="key"><i class="dot nowmark" />now</span></div>`;
}
function Price({model, scope, onclose}) {
	const {data, error, fresh} = useDoc('/v1/tariff?' + query({model}), false), history = useDoc('/v1/prices/' + encodeURIComponent(model), false), week = useDoc('/v1/prices/' + encodeURIComponent(model) + '/week?' + query({z: scope.zone}), false);
	const p = fresh && data ? data.price : null, all = history.fresh ? history.data.prices : [];
	return html`<${Panel} title=${model} onclose=${onclose} wide>${!fresh ? html`<${Loading} error=${error} />` : p ? html`
		<p class="big">${p.window} <span class="soft">${priceChange(p.until)}</span></p>
		${all.find(x => x.id === p.id) ? html`<${Table} label="Price" rows=${all.find(x => x.id === p.id).tariffs} columns=${[{key: 'w', name: 'Window', cell: t => t.window}, ...['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'].filter(k => all.find(x => x.id === p.id).tariffs.some(t => t.rates[k] !== undefined && t.rates[k] !== '0')).map(k => ({key: k, name: k.replaceAll('_', ' '), n: true, cell: t => t.rates[k] ?? ''}))]} /><p class="soft">${data.currency} per million tokens</p>` : null}
		${week.fresh ? html`<h3>This week, in ${scope.zone}</h3><${Week} doc=${week.data} zone=${scope.zone} />` : null}
		${all.filter(x => x.provider === data.provider && x.currency === data.currency && x.status === 'in force').length > 1 ? html`<h3>History</h3><${PriceHistory} doc=${history.data} zone=${scope.zone} provider=${data.provider} currency=${data.currency} />` : null}
		<${Facts} of=${{Provider: data.provider, Model: data.model, 'Asked for': data.asked !== data.model ? data.asked : null, Card: p.id, 'Effective from': stamp(p.from, scope.zone), Until: p.to ? stamp(p.to, scope.zone) : null, Source: p.source, Grade: p.grade, Note: p.note, Doubt: data.price_doubt}} />
		${data.disputes && data.disputes.length ? html`<details><summary>What others say (${data.disputes.length})</summary><ul>${data.disputes.map((d, i) => html`<li key=${i}>${d.about}: ${d.says}</li>`)}</ul></details>` : null}
		${all.length ? html`<details><summary>Every price it ever had (${all.length})</summary><${Table} label="Every price" rows=${[...all].sort((a, b) => a.from < b.from ? 1 : -1)} rowKey=${x => x.id} columns=${[{key: 'f', name: 'From', cell: x => x.from.slice(0, 10)}, {key: 'p', name: 'Provider', cell: x => x.provider}, {key: 'k', name: 'Kind', cell: x => x.status === 'in force' ? x.kind : x.status}, {key: 'i', name: 'Input', n: true, cell: x => x.rates.input}, {key: 'o', name: 'Output', n: true, cell: x => x.rates.output}, {key: 'c', name: '', cell: x => x.currency}]} /></details>` : null}` : html`<p>${data.why || 'No price is known.'}</p>`}<//>`;
}
/* The whole book by name. */
function Book({find}) {
	const {data, error} = useDoc('/v1/prices?' + query({model: find, currency: 'USD'}), false), rows = data ? data.prices : [];
	return html`<${Sheet} title=${`In the price book: ${short(find, 40)}`} aside=${data ? html`<span class="soft">released ${data.released}</span>` : null}>${!data ? html`<${Loading} error=${error} />` : rows.length ? html`<${Table} label="Price book" rows=${rows.slice(0, 60)} rowKey=${p => p.id} onpick=${p => go('prices', p.model, {q: find})} columns=${[{key: 'm', name: 'Model', cell: p => html`<span class="name">${p.model}</span>`}, {key: 'p', name: 'Provider', cell: p => p.provider}, {key: 'i', name: 'Input', n: true, cell: p => p.rates.input}, {key: 'c', name: 'Cache read', n: true, cell: p => p.rates.cache_read ?? ''}, {key: 'o', name: 'Output', n: true, cell: p => p.rates.output}, {key: 's', name: 'Since', cell: p => p.from.slice(0, 10)}, {key: 'g', name: 'Grade', cell: p => p.grade}]} />${rows.length > 60 ? html`<p class="more soft">60 of ${count(rows.length)}; write more of the name</p>` : null}` : html`<${Nothing} title="No model of that name has a price"><p>A price of your own gives it one.</p><//>`}<//>`;
}
function Prices({set, item, session}) {
	const scope = scopeOf(set), used = useDoc(usageUrl('model', scope), false), asked = set.q || '', [typed, type] = useState(asked), [most, showMore] = useState(8);
	useEffect(() => { const t = setTimeout(() => { if (typed !== asked) change({q: typed}, true); }, 250); return () => clearTimeout(t); }, [typed]);
	const doc = used.data && (!used.data.groups.length || used.data.groups[0].model !== undefined) ? used.data : null;
	const reasons = doc ? doc.unpriced_reasons || [] : [];
	return html`<div class="head title"><h1>Prices</h1><div class="tools"><input type="search" aria-label="Find a model in the price book" placeholder="Find in the price book" value=${typed} onInput=${e => type(e.target.value)} /></div></div>
		${asked.trim().length > 1 ? html`<${Book} find=${asked.trim()} />` : null}
		${!doc ? html`<${Sheet}><${Loading} error=${used.error} /><//>` : html`
		${reasons.length ? html`<${Sheet} title="Without a price" aside=${session.admin ? html`<button type="button" onClick=${() => { const d = document.getElementById('own'); d.scrollIntoView(); d.querySelector('input').focus(); }}>Add a price</button>` : null}><p class="soft">Their calls are in no sum. A price of your own, or newer ones, give them one; what is stored is then repriced.</p>
			<${Table} label="Models without a price" rows=${reasons.slice(0, most)} columns=${[{key: 'm', name: 'Model', cell: r => html`<span class="name">${r.model || 'none named'}</span>`}, {key: 'n', name: 'Records', n: true, cell: r => html`<a href=${linkTo('records', '', {model: r.model, unpriced: 'true'})}>${count(r.records)}</a>`}, {key: 'w', name: 'Why', wide: true, extra: true, cell: r => short(r.reason.split(';')[0], 160)}]} />${reasons.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(500)}>Show all ${count(reasons.length)}</button></p>` : null}<//>` : null}
		<${Sheet} title=${`Models in use, ${scope.name.toLowerCase()}`}>${doc.groups.length ? html`<${Table} label="Models in use" order=${set.order} rows=${[...doc.groups].filter(g => g.model).sort((a, b) => b.requests - a.requests)} rowKey=${g => g.model} onpick=${g => go('prices', g.model)} columns=${[
			{key: 'm', name: 'Model', cell: g => html`<span class="name">${g.model}</span>`, sort: g => g.model},
			{key: 'c', name: 'Calls', n: true, extra: true, cell: g => count(g.requests), sort: g => g.requests},
			{key: 't', name: 'Cost', n: true, cell: g => html`<${Amount} v=${g.total} currency=${doc.currency} unpriced=${g.unpriced} least=${g.placeholders} />`, sort: g => exact(g.total)},
			{key: 'a', name: 'Per million tokens', n: true, cell: g => g.unpriced || !tokensOf(g.tokens) ? html`<span class="soft">–</span>` : money(exact(g.total) * 1000000n * ONE / tokensOf(g.tokens), doc.currency), sort: g => tokensOf(g.tokens) ? exact(g.total) * 1000000n * ONE / tokensOf(g.tokens) : 0n}]} />` : html`<${Nothing} title="No model was used in this period" />`}<//>`}
		${doc && session.admin && !session.customer ? html`<${OwnCards} key=${reasons.length ? 'some' : 'none'} missing=${reasons} /><${Reprice} key=${scope.name} scope=${scope} />` : null}
		${item ? html`<${Price} key=${item} model=${item} scope=${scope} onclose=${() => go('prices', '', {q: asked})} />` : null}`;
}
