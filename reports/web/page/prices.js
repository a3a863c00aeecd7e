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
	const lineOf = (bucket, window) => ({name: bucket, points: prices.map(p => { const t = (window && p.tariffs.find(x => x.window === window)) || null, r = t ? t.rates : p.rates; return r[bucket] === undefined ? null : {from: Date.parse(p.from), to: p.to ? Date.parse(p.to) : to, value: Number(r[bucket])}; }).filter(Boolean).sort((a, b) => a.from - b.from)});
	const lines = [{...lineOf('input'), tone: 0}, {...lineOf('output'), tone: 1}, {...lineOf('cache_read'), tone: 2}];
	const ticks = [0, .25, .5, .75, 1].map(p => from + (to - from) * p).map(at => ({at, text: dayName(dayOf(at, zone), true)}));
	return html`${steps(lines, from, to, `Price per million tokens of ${provider} since ${dayOf(from, zone)}`, ticks)}<div class="legend">${lines.map(l => html`<span class="key" key=${l.name}><i class=${'dot c' + l.tone} />${l.name.replaceAll('_', ' ')}</span>`)}</div>`;
}
function Price({model, scope, onclose}) {
	const {data, error, fresh} = useDoc('/v1/tariff?' + query({model}), false);
	const p = fresh && data ? data.price : null;
	return html`<${Panel} title=${model} onclose=${onclose}>${!fresh ? html`<${Loading} error=${error} />` : p ? html`
		<p class="big">${p.window} <span class="soft">${priceChange(p.until)}</span></p>
		<${Table} label="Price" rows=${data.lines} columns=${[{key: 'b', name: 'Bucket', cell: l => l.bucket.replaceAll('_', ' ')}, {key: 'p', name: `${data.currency} per million`, n: true, cell: l => l.per_million}]} />
		<${Facts} of=${{Provider: data.provider, Model: data.model, 'Asked for': data.asked !== data.model ? data.asked : null, Card: p.id, 'Effective from': stamp(p.from, scope.zone), Until: p.to ? stamp(p.to, scope.zone) : null, Source: p.source, Grade: p.grade, Note: p.note, Doubt: data.price_doubt}} />
		${data.disputes && data.disputes.length ? html`<h3>What others say</h3><ul>${data.disputes.map((d, i) => html`<li key=${i}>${d.about}: ${d.says}</li>`)}</ul>` : null}` : html`<p>${data.why || 'No price is known.'}</p>`}<//>`;
}
function Prices({set, item}) {
	const scope = scopeOf(set), used = useDoc(usageUrl('model', scope), false), [asked, type] = useState('');
	const doc = used.data && (!used.data.groups.length || used.data.groups[0].model !== undefined) ? used.data : null;
	const reasons = doc ? doc.unpriced_reasons || [] : [];
	return html`<div class="head title"><h1>Prices</h1><form class="tools" onSubmit=${e => { e.preventDefault(); if (asked.trim()) go('prices', asked.trim()); }}><input type="search" aria-label="Model" placeholder="Price of a model" value=${asked} onInput=${e => type(e.target.value)} /><button>Show</button></form></div>
		${!doc ? html`<${Sheet}><${Loading} error=${used.error} /><//>` : html`
		${reasons.length ? html`<${Sheet} title="Without a price"><p class="soft">Their calls are in no sum. A card of your own, or newer prices, give them one; <code>tally rerate</code> then prices what is stored.</p>
			<${Table} label="Models without a price" rows=${reasons} columns=${[{key: 'm', name: 'Model', cell: r => html`<span class="name">${r.model || 'none named'}</span>`}, {key: 'n', name: 'Records', n: true, cell: r => html`<a href=${linkTo('records', '', {model: r.model, unpriced: 'true'})}>${count(r.records)}</a>`}, {key: 'w', name: 'Why', wide: true, cell: r => short(r.reason, 160)}]} /><pre>tally price update     tally price install my-card.json     tally rerate</pre><//>` : null}
		<${Sheet} title=${`Models in use, ${scope.name.toLowerCase()}`}>${doc.groups.length ? html`<${Table} label="Models in use" order=${set.order} rows=${[...doc.groups].filter(g => g.model).sort((a, b) => b.requests - a.requests)} rowKey=${g => g.model} onpick=${g => go('prices', g.model)} columns=${[
			{key: 'm', name: 'Model', cell: g => html`<span class="name">${g.model}</span>`, sort: g => g.model},
			{key: 'c', name: 'Calls', n: true, cell: g => count(g.requests), sort: g => g.requests},
			{key: 't', name: 'Cost', n: true, cell: g => html`<${Amount} v=${g.total} currency=${doc.currency} unpriced=${g.unpriced} />`, sort: g => exact(g.total)},
			{key: 'a', name: 'Per million tokens, on average', n: true, cell: g => g.unpriced || !tokensOf(g.tokens) ? html`<span class="soft">–</span>` : money(exact(g.total) * 1000000n * ONE / tokensOf(g.tokens), doc.currency), sort: g => tokensOf(g.tokens) ? exact(g.total) * 1000000n * ONE / tokensOf(g.tokens) : 0n}]} />` : html`<${Nothing} title="No model was used in this period" />`}<//>`}
		${item ? html`<${Price} key=${item} model=${item} scope=${scope} onclose=${() => go('prices')} />` : null}`;
}
