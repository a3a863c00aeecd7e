/* Records: what stands behind the sums, and one record's explanation at the side. */

const stamp = (t, zone) => html`<time dateTime=${t} title=${t}>${when(t, zone)}</time>`;
function Explanation({id, scope, onclose}) {
	const {data, error, fresh} = useDoc('/v1/explain?' + query({id}));
	return html`<${Panel} title=${id} onclose=${onclose}>${!fresh ? html`<${Loading} error=${error} />` : data.rows.map((r, i) => html`<section key=${i}>
		<p class="big"><${Amount} v=${r.total ?? null} currency=${r.currency} unpriced=${r.total === undefined || r.total === null ? 1 : 0} /> ${r.unpriced ? html`<span class="soft">${r.unpriced}</span>` : null}</p>
		<p>${data.rows.length > 1 ? html`<${Tag}>${r.kind}<//> ` : html`<span class="soft">State: ${data.state}</span>`}</p>
		${r.lines ? html`<h3>How it adds up</h3><${Table} label="How it adds up" rows=${r.lines} columns=${[{key: 'b', name: 'Bucket', cell: l => l.bucket.replaceAll('_', ' ')}, {key: 't', name: 'Tokens', n: true, cell: l => count(l.tokens)},
			{key: 'p', name: 'Per million', n: true, cell: l => l.per_million}, {key: 'a', name: 'Amount', n: true, cell: l => l.amount}]} foot=${{b: 'total', a: html`<strong>${r.total} ${r.currency}</strong>`}} />` : null}
		<${Facts} of=${{Time: stamp(r.time, scope.zone), Model: r.model && html`<a href=${linkTo('prices', r.model)}>${r.model}</a>`, Customer: r.customer && html`<a href=${linkTo('customers', r.customer)}>${short(r.customer)}</a>`, Project: r.project, Task: r.task, Session: r.session, Requests: r.requests > 1 ? count(r.requests) : null,
			Price: r.price ? `${r.price.id}, ${r.price.window}` : null, 'No price': r.unpriced, Why: r.why, Credits: r.credits ? (r.credits.total === null ? `none: ${r.credits.why}` : `${r.credits.total} (plan ${r.credits.plan})`) : null,
			Source: r.source, Shape: r.shape, Rule: r.rule, Stored: r.written && stamp(r.written, scope.zone)}} />
		${r.raw ? html`<details><summary>As the source wrote it</summary><pre>${r.raw}</pre></details>` : null}</section>`)}<//>`;
}
const recordColumns = scope => [
	{key: 'time', name: 'Time', cell: r => stamp(r.time, scope.zone)},
	{key: 'id', name: 'Record', cell: r => html`<span class="id">${short(r.id, 28)}</span>`},
	{key: 'model', name: 'Model', cell: r => html`<span class="name">${r.model || html`<span class="soft">none named</span>`}</span>`},
	{key: 'customer', name: 'Customer', cell: r => html`<span class="name">${r.customer}</span>`},
	{key: 'project', name: 'Project', cell: r => html`<span class="name">${r.project}</span>`},
	{key: 'prompt', name: 'Prompt', n: true, cell: r => fixed(promptOf(r.tokens), 0)},
	{key: 'hits', name: 'Cached', n: true, cell: r => hitShare(r.tokens) === null ? '–' : share(hitShare(r.tokens))},
	{key: 'output', name: 'Output', n: true, cell: r => count(r.tokens.output)},
	{key: 'cost', name: 'Cost', n: true, cell: r => r.total === null ? html`<span class="none" title=${r.unpriced}>no price</span>` : html`<${Amount} v=${r.total} currency=${r.currency} />`},
];
function Records({set}) {
	const scope = scopeOf(set), limit = Math.min(2000, Number(set.limit) || 100);
	const {data, error} = useDoc('/v1/records?' + query({since: scope.since, until: scope.until, ...scope.filters, unpriced: set.unpriced === 'true' ? 'true' : '', limit}));
	const open = id => change({id});
	return html`<div class="head title"><h1>Records</h1><div class="tools"><button type="button" aria-pressed=${set.unpriced === 'true'} class="chip" onClick=${() => change({unpriced: set.unpriced === 'true' ? '' : 'true'})}>Without a price</button></div></div>
		<${Sheet}>${!data ? html`<${Loading} error=${error} />` : html`<${Failed} error=${error} />${data.records.length ? html`<${Table} label="Records" rows=${data.records} rowKey=${r => r.id + r.kind} columns=${recordColumns(scope)} pick=${1} onpick=${r => open(r.id)} rowClass=${r => r.id === set.id ? 'open' : ''} />
			<p class="more soft">${data.records.length >= limit ? html`<button type="button" onClick=${() => change({limit: limit + 200}, true)}>Show more</button>` : `${many(data.records.length, 'record')}, the last stored first`}</p>`
			: html`<${Nothing} title="No record fits"><p>Choose another range or take filters away.</p><//>`}`}<//>
		${set.id ? html`<${Explanation} key=${set.id} id=${set.id} scope=${scope} onclose=${() => change({id: ''})} />` : null}`;
}
