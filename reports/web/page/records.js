/* Records: what stands behind the sums, page by page, and one record's explanation at the side. */

/* without the year where it is this one */
const stamp = (t, zone) => { const text = when(t, zone).slice(0, narrow.matches ? 16 : 19); return html`<time dateTime=${t} title=${t}>${text.slice(0, 4) === dayOf(Date.now(), zone).slice(0, 4) ? text.slice(5) : text}</time>`; };
const hits = t => hitShare(t) === null ? '–' : share(hitShare(t));
/* The calls of a conversation, each from the moment of the first on: what its prompt held and what it answered. */
function Conversation({session, id, scope}) {
	const {data} = useDoc('/v1/records?' + query({session, sort: 'time', order: 'asc', limit: 200}), false), rows = data ? data.records : [];
	if (rows.length < 2) return null;
	const first = Date.parse(rows[0].time), most = rows.reduce((m, r) => Math.max(m, toNumber(tokensOf(r.tokens))), 1);
	const after = ms => ms < 6e4 ? `${Math.round(ms / 1000)} s` : ms < 36e5 ? `${Math.round(ms / 6e4)} min` : ms < 1728e5 ? `${Math.floor(ms / 36e5)} h` : `${Math.floor(ms / 864e5)} d`;
	return html`<h3>Its conversation, ${many(rows.length, 'call')}${data.next ? ' and more' : ''}</h3><div class="waterfall">${rows.map(r => { const c = Number(r.tokens.cache_read), p = toNumber(promptOf(r.tokens)) - c, o = Number(r.tokens.output); return html`<a key=${r.row} class=${r.id === id ? 'here' : ''} href=${linkTo('records', '', {id: r.id})} title=${`${r.model}: ${count(c)} cached, ${fixed(p, 0)} other prompt, ${count(o)} answer`}>
		<span class="n soft">+${after(Date.parse(r.time) - first)}</span>${stack([[c, 2], [p, 0], [o, 1]], most)}<span class="n"><${Amount} v=${r.total} currency=${r.currency} /></span></a>`; })}</div>
		<div class="legend">${[['cached', 2], ['other prompt', 0], ['answer', 1]].map(([n, t]) => html`<span class="key" key=${n}><i class=${'dot c' + t} />${n}</span>`)}</div>`;
}
/* What can be set of a record; only what is changed is sent. */
const amendable = [['time', 'Time'], ['model', 'Model'], ['provider', 'Provider'], ['customer', 'Customer'], ['project', 'Project'], ['input', 'Input tokens'], ['cache_read', 'Cache read'], ['cache_write_5m', 'Cache write, 5 min'], ['cache_write_1h', 'Cache write, 1 h'], ['output', 'Output tokens'], ['requests', 'Requests']];
function Amend({id, row}) {
	const was = Object.fromEntries(amendable.map(([k]) => [k, String((row.tokens && row.tokens[k]) ?? row[k] ?? '')]));
	return html`<${Fold} title="Correct this record"><p class="soft">The old one stays visible with its reversal; a corrected one follows, priced as of its time.</p><${Act} label="Correct" run=${async f => {
		const set = Object.fromEntries(Object.entries(f).filter(([k, v]) => k !== 'why' && v !== was[k]));
		if (!Object.keys(set).length) throw new Error('Nothing is changed.');
		await post('/v1/records/amend', {id, set, why: f.why});
		reload();
		return `Corrected: ${Object.keys(set).join(', ')}.`;
	}}>${amendable.map(([k, name]) => html`<${Field} key=${k} label=${name}><input name=${k} defaultValue=${was[k]} inputmode=${/^(input|output|cache|requests)/.test(k) ? 'numeric' : undefined} /><//>`)}<${Field} label="Why" wide><input name="why" required /><//><//><//>`;
}
function Explanation({id, scope, session, onclose}) {
	const {data, error, fresh} = useDoc('/v1/explain?' + query({id}));
	return html`<${Panel} title=${id} onclose=${onclose}>${!fresh ? html`<${Loading} error=${error} />` : html`${data.rows.map((r, i) => html`<section key=${i}>
		<p class="big"><${Amount} v=${r.total ?? null} currency=${r.currency} /> ${r.unpriced ? html`<span class="soft">${r.unpriced}</span>` : null}</p>
		<p>${data.rows.length > 1 ? html`<${Tag}>${r.kind}<//> ` : html`<span class="soft">State: ${data.state}</span>`}</p>
		${r.lines ? html`<h3>How it adds up</h3><${Table} label="How it adds up" rows=${r.lines} columns=${[{key: 'b', name: 'Bucket', cell: l => l.bucket.replaceAll('_', ' ')}, {key: 't', name: 'Tokens', n: true, cell: l => count(l.tokens)},
			{key: 'p', name: 'Per million', n: true, cell: l => l.per_million}, {key: 'a', name: 'Amount', n: true, cell: l => every(l.amount)}]} foot=${{b: 'total', a: html`<strong>${every(r.total)} ${r.currency}</strong>`}} />` : null}
		<${Facts} of=${{Time: stamp(r.time, scope.zone), Model: r.model && (session.customer ? r.model : html`<a href=${linkTo('prices', r.model)}>${r.model}</a>`), Customer: r.customer && (session.customer ? short(r.customer) : html`<a href=${linkTo('customers', r.customer)}>${short(r.customer)}</a>`), Project: r.project, Task: r.task, Session: r.session, Requests: r.requests > 1 ? count(r.requests) : null,
			Price: r.price ? `${r.price.id}, ${r.price.window}` : null, 'No price': r.unpriced, Why: r.why, Credits: r.credits ? (r.credits.total === null ? `none: ${r.credits.why}` : `${r.credits.total} (plan ${r.credits.plan})`) : null,
			Source: r.source, Shape: r.shape, Rule: r.rule, Stored: r.written && stamp(r.written, scope.zone)}} />
		${r.raw ? html`<details><summary>As the source wrote it</summary><pre>${r.raw}</pre></details>` : null}</section>`)}
		${data.rows[0] && data.rows[0].session ? html`<${Conversation} session=${data.rows[0].session} id=${id} scope=${scope} />` : null}
		${session.admin && data.state !== 'voided' ? html`<${Amend} key=${data.rows.length} id=${id} row=${data.rows[data.rows.length - 1]} /><${Fold} title="Void this record"><${Act} label="Void" tone="danger" sure="It stays visible with its reversal, and counts no longer. Void it?" run=${posts('/v1/records/void', 'Voided.', {id})}><${Field} label="Why" wide><input name="why" required /><//><//><//>` : null}`}<//>`;
}
const recordColumns = scope => [
	{key: 'time', name: 'Time', cell: r => stamp(r.time, scope.zone), sort: true},
	{key: 'id', name: 'Record', cell: r => html`<span class="id">${short(r.id, 28)}</span>${r.kind === 'record' ? null : html` <${Tag} tone="warn">${r.kind}<//>`}`},
	{key: 'model', name: 'Model', cell: r => html`<span class="name">${r.model || html`<span class="soft">none named</span>`}</span>`},
	{key: 'customer', name: 'Customer', extra: true, cell: r => html`<span class="name">${r.customer}</span>`},
	{key: 'project', name: 'Project', extra: true, spare: true, cell: r => html`<span class="name">${r.project}</span>`},
	{key: 'tokens', name: 'Prompt', n: true, extra: true, cell: r => html`<span title=${fixed(promptOf(r.tokens), 0)}>${big(promptOf(r.tokens))}</span>`, sort: true},
	{key: 'hits', name: 'Cached', n: true, extra: true, spare: true, cell: r => hits(r.tokens)},
	{key: 'output', name: 'Output', n: true, extra: true, cell: r => html`<span title=${count(r.tokens.output)}>${big(exact(r.tokens.output))}</span>`},
	{key: 'cost', name: 'Cost', n: true, cell: r => r.total === null ? html`<span class="none" title=${r.unpriced}>no price</span>` : html`<${Amount} v=${r.total} currency=${r.currency} />`, sort: true},
];
/* A choice, or one that was made. */
const offers = ([k, f], scope, set) => f.values.length > 1 || (f.values.length === 1 && (scope.filters[k] !== undefined || set[k]));
function Facets({facets, scope, set}) {
	const [more, show] = useState({});
	return html`<aside class="facets" aria-label="Filters">${Object.entries(facets).filter(f => offers(f, scope, set)).map(([k, f]) => { const top = f.values.reduce((m, v) => Math.max(m, v.records), 1), open = more[k]; return html`<details key=${k} open=${!f.values.every(v => v.value === null)}><summary>${k === 'status' ? 'Price' : keys[k]}</summary>
		${f.values.slice(0, open ? 50 : 6).map(v => { const on = k === 'status' ? set.status === v.value : scope.filters[k] === (v.value ?? ''); return html`<button type="button" key=${v.value} aria-pressed=${on} onClick=${() => change({[k]: on ? null : v.value ?? ''})}><span class="name">${v.value === null || v.value === '' ? 'none' : short(v.value, 26)}</span><span class="n soft">${count(v.records)}</span>${bar(v.records / top, null)}</button>`; })}
		${f.values.length > 6 ? html`<button type="button" class="plain soft" onClick=${() => show({...more, [k]: !open})}>${open ? 'fewer' : `${count(f.values.length - 6)}${f.more ? ` of ${count(f.values.length - 6 + f.more)}` : ''} more`}</button>` : null}</details>`; })}</aside>`;
}
/* What a spreadsheet would calculate gets an apostrophe, as in the program's own CSV. */
const csvCell = v => { v = plain(String(v ?? '')); if (/^[=+\-@\t\r]/.test(v) && !/^-?[\d.]+$/.test(v)) v = "'" + v; return /[",\n\r]/.test(v) ? '"' + v.replaceAll('"', '""') + '"' : v; };
async function exportRecords(url) {
	const names = 'id,kind,time,provider,model,customer,project,workload,task,session,input,cache_read,cache_write_5m,cache_write_1h,output,requests,total,currency,unpriced', lines = [names];
	for (let after = ''; after !== null;) {
		const d = await ask('/v1/records?' + url + '&limit=10000' + (after ? '&after=' + encodeURIComponent(after) : ''));
		for (const r of d.records) lines.push(names.split(',').map(k => csvCell(r[k] ?? r.tokens[k])).join(','));
		after = d.next;
	}
	const a = document.createElement('a');
	a.href = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], {type: 'text/csv'}));
	a.download = 'records.csv';
	a.click();
	return `${many(lines.length - 1, 'record')} saved.`;
}
function Records({set, session}) {
	const scope = scopeOf(set), [by, way] = (set.order || '').split(':');
	const status = set.status || (set.unpriced === 'true' ? 'unpriced' : '');
	const question = query({...scopeQuery(scope), status, session: set.session, task: set.task, sort: by || 'stored', order: way === 'up' ? 'asc' : 'desc'});
	/* the counts of all records come behind the first page, which does not wait for them */
	const {data, error} = useDoc('/v1/records?' + question + '&limit=100'), counts = useDoc(data ? '/v1/records?' + question + '&limit=1&facets=true' : null).data;
	/* pages that were asked for besides; what the first page loses to newer rows stays */
	const [kept, keep] = useState({question, rows: [], next: undefined, busy: false}), old = kept.question === question ? kept : {question, rows: [], next: undefined};
	const rows = useMemo(() => {
		if (!data) return [];
		const seen = new Set(data.records.map(r => r.row));
		return [...data.records, ...old.rows.filter(r => !seen.has(r.row))];
	}, [data, old.rows]);
	const next = old.next === undefined ? data && data.next : old.next;
	const more = async () => { keep({...old, busy: true}); const d = await ask('/v1/records?' + question + '&limit=200&after=' + encodeURIComponent(next)); keep({question, rows: [...rows, ...d.records], next: d.next}); };
	const bare = set.session || (counts && !Object.entries(counts.facets).some(f => offers(f, scope, set)));
	const live = !by && !scope.to || (scope.to && scope.to > scope.today);
	return html`<div class="head title"><h1>Records</h1><div class="tools">${data ? html`<span class="soft">${counts ? many(counts.count, 'record') : ''}${live && !by ? ', live' : ''}</span>` : null}${set.session ? html`<button type="button" class="chip on" onClick=${() => change({session: ''})}>session ${short(set.session, 20)} <${Icon} name="close" /></button>` : null}
			<button type="button" aria-pressed=${status === 'unpriced'} class="chip" onClick=${() => change({status: status === 'unpriced' ? '' : 'unpriced', unpriced: ''})}>Without a price</button><${Act} inline label="CSV" tone="quiet" run=${() => exportRecords(question)} /><a class="button" href=${'/v1/records?' + question + '&format=xlsx'} download="records.xlsx">XLSX</a></div></div>
		<div class=${bare ? '' : 'with-facets'}>${bare ? null : counts ? html`<${Facets} facets=${counts.facets} scope=${scope} set=${set} />` : html`<aside class="facets" />`}
		<${Sheet}>${!data ? html`<${Loading} error=${error} />` : html`<${Failed} error=${error} />${rows.length ? html`<${Table} label="Records" rows=${rows} rowKey=${r => r.row} columns=${recordColumns(scope)} order=${set.order} remote pick=${1} onpick=${r => change({id: r.id})} rowClass=${r => r.id === set.id ? 'open' : ''} />
			<p class="more soft">${next ? html`<button type="button" disabled=${old.busy} onClick=${more}>Show more</button>` : many(rows.length, 'record')}</p>`
			: html`<${Nothing} title="No record fits"><p>Choose another range or take filters away.</p><//>`}`}<//></div>
		${set.id ? html`<${Explanation} key=${set.id} id=${set.id} scope=${scope} session=${session} onclose=${() => change({id: ''})} />` : null}`;
}
