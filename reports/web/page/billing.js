/* Billing: invoices by state, one at the side with what can be done to it. */

const invoiceName = i => i.number || '#' + i.id;
const invoiceUrl = (i, format) => `/v1/invoices/${encodeURIComponent(invoiceName(i))}?format=${format}`;
/* draft, open, paid, overdue, void; a note is settled where it belongs */
function stateOf(i) {
	if (i.status === 'draft') return 'draft';
	if (i.status === 'void') return 'void';
	if (i.kind !== 'invoice') return i.status === 'final' ? 'note' : i.status;
	if (i.payment === 'paid' || i.payment === 'credited' || i.payment === 'settled' || (i.amount_due !== undefined && exact(i.amount_due) <= 0n)) return 'paid';
	if (i.payment === 'overdue' || (i.due && Date.parse(i.due) < Date.now() && i.amount_due !== undefined && exact(i.amount_due) > 0n)) return 'overdue';
	return 'open';
}
const states = {draft: ['Draft', ''], open: ['Open', 'info'], overdue: ['Overdue', 'bad'], paid: ['Paid', 'good'], note: ['Notes', ''], void: ['Void', '']};
const StateTag = ({of}) => html`<${Tag} tone=${(states[of] || ['', ''])[1]}>${of}<//>`;
const InvoiceTable = ({list, own, onpick, order, chosen}) => html`<${Table} label="Invoices" rows=${list} rowKey=${i => i.id} order=${order} onpick=${onpick || (i => own ? open(invoiceUrl(i, 'html')) : go('billing', invoiceName(i)))} rowClass=${i => invoiceName(i) === chosen ? 'open' : ''} columns=${[
	{key: 'no', name: 'Number', cell: i => html`<span class="nowrap">${invoiceName(i)}</span><span class="phone-only"><${StateTag} of=${stateOf(i)} /></span>`, sort: i => i.id},
	{key: 'state', name: 'State', extra: true, cell: i => html`<${StateTag} of=${stateOf(i)} />`},
	...(own ? [] : [{key: 'customer', name: 'Customer', cell: i => html`<span class="name">${i.customer}</span>`, sort: i => i.customer}]),
	{key: 'period', name: 'Period', extra: true, cell: i => html`<span class="nowrap">${i.first_day} –</span> <span class="nowrap">${i.last_day}</span>`, sort: i => i.first_day},
	{key: 'total', name: 'Total', n: true, cell: i => html`<${Amount} v=${i.total} currency=${i.currency} unpriced=${i.unpriced} unit />`, sort: i => exact(i.total)},
	{key: 'due', name: 'Due', n: true, extra: true, cell: i => i.amount_due === undefined ? '' : !exact(i.amount_due) ? rounded('0') : html`<${Amount} v=${i.amount_due} currency=${i.currency} unpriced=${i.unpriced} />`},
	{key: 'by', name: 'By', extra: true, spare: true, cell: i => i.due ? html`<span class="nowrap">${i.due.slice(0, 10)}</span>` : ''},
	{key: 'files', name: 'Files', extra: !own, cell: i => html`<span class="nowrap"><a href=${invoiceUrl(i, 'html')} target="_blank" rel="noopener" aria-label=${'Page of ' + invoiceName(i)}>page</a> <a href=${invoiceUrl(i, 'pdf')} target="_blank" rel="noopener" aria-label=${'PDF of ' + invoiceName(i)}>PDF</a></span>`},
]} />`;
/* Lines of one heading, summed; the buckets of a model belong together. */
function InvoiceLines({doc}) {
	const parts = useMemo(() => {
		const by = new Map();
		for (const l of doc.lines || []) { if (!by.has(l.description)) by.set(l.description, []); by.get(l.description).push(l); }
		return [...by].map(([name, lines]) => ({name, lines, total: sum(lines.map(l => l.amount))}));
	}, [doc]);
	const [most, showMore] = useState(20);
	return html`<${Table} label="Lines" rows=${parts.slice(0, most)} rowKey=${p => p.name} columns=${[{key: 'n', name: 'What', wide: true, cell: p => html`<details><summary>${short(p.name, 80)}</summary><ul class="plainlist">${p.lines.map((l, i) => html`<li key=${i}>${l.bucket ? l.bucket.replaceAll('_', ' ') : l.kind}: ${l.quantity ? `${count(l.quantity)} at ${l.unit_price} per ${l.unit}: ` : ''}${rounded(l.amount)}</li>`)}</ul></details>`},
		{key: 'a', name: 'Amount', n: true, cell: p => html`<${Amount} v=${p.total} currency=${doc.currency} />`}]} />${parts.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 200)}>Show more of ${count(parts.length)}</button></p>` : null}`;
}
function InvoicePanel({name, listed, session, onclose}) {
	const {data, error, fresh} = useDoc('/v1/invoices/' + encodeURIComponent(name), false), i = listed, state = i && stateOf(i);
	const done = words => { reload(); return words; };
	return html`<${Panel} title=${i ? `${i.kind === 'invoice' ? 'Invoice' : i.kind.replaceAll('_', ' ')} ${name}` : name} onclose=${onclose} wide>${!fresh || !i ? html`<${Loading} error=${error} />` : html`
		<p class="big"><${Amount} v=${data.total} currency=${data.currency} unpriced=${data.unpriced} unit /> <${StateTag} of=${state} /></p>
		<${Facts} of=${{Customer: html`<a href=${linkTo('customers', i.customer)}>${short(i.customer)}</a>`, Period: `${i.first_day} to ${i.last_day}`, Plan: data.plan, Paid: i.paid && `${rounded(i.paid)} ${i.currency}`, Credited: i.credited && exact(i.credited) ? `${rounded(i.credited)} ${i.currency}` : null, 'Paid too much': i.amount_due !== undefined && exact(i.amount_due) < 0n ? `${rounded(-exact(i.amount_due))} ${i.currency}` : null, Due: i.amount_due === undefined || exact(i.amount_due) < 0n ? null : `${data.unpriced && exact(i.amount_due) ? '>=\u00a0' : ''}${rounded(i.amount_due)} ${i.currency}${i.due ? ` by ${i.due.slice(0, 10)}` : ''}`,
			'A lower bound': data.unpriced ? `${many(data.unpriced, 'record has', 'records have')} no price or are not covered by the plan` : null}} />
		<p class="links">${[['html', 'Page'], ['pdf', 'PDF'], ['pdf&paper=letter', 'PDF, Letter'], ['xlsx', 'XLSX'], ['csv', 'CSV'], ['json', 'JSON']].map(([f, t]) => html`<a key=${f} class="button" href=${invoiceUrl(i, f)} target="_blank" rel="noopener">${t}</a>`)}</p>
		${!session.admin ? null : state === 'draft' && data.part !== 'interim' && Date.parse(data.period.to) > Date.now() ? html`<p class="soft">It can be final when its period has ended, after ${data.period.last_day}.</p>` : state === 'draft' ? html`<${Act} inline label="Finalize" sure=${`It gets its number and is owed: ${data.unpriced ? '>=\u00a0' : ''}${money(data.total, data.currency)}${data.currency === 'credits' ? ' credits' : ''}. Finalize? This cannot be undone; a credit note or a void corrects it.`} run=${async f => { await post('/v1/invoices/finalize', {invoice: name, accept_uncovered: Boolean(f.accept)}); done(''); onclose(); return 'Final.'; }}>${data.unpriced ? html`<label class="check"><input type="checkbox" name="accept" /> take it as it is: ${many(data.unpriced, 'record is', 'records are')} left out of it</label>` : null}<//>`
			: state === 'open' || state === 'overdue' ? html`<h3>Record a payment</h3><${Act} label="Record" run=${posts('/v1/invoices/pay', 'Recorded.', {invoice: name})}><${Field} label="Amount"><input name="amount" required inputmode="decimal" defaultValue=${i.amount_due || ''} /><//><${Field} label="On"><input name="at" placeholder="today" /><//><${Field} label="Reference"><input name="reference" /><//><//>` : null}
		${session.admin && i.kind === 'invoice' && i.status === 'final' ? html`<details class="options"><summary>Correct it: credit note or void</summary><h3>Credit note</h3><${Act} label="Write the note" sure="The note is final and reduces what is owed." run=${posts('/v1/invoices/note', 'Written.', {invoice: name})}><${Field} label="Amount" hint="empty: all that is left"><input name="amount" inputmode="decimal" /><//><${Field} label="Why"><input name="why" required /><//><//>
			<h3>Void</h3><${Act} label="Void" tone="danger" sure="It keeps its number and is owed no longer. This cannot be undone." run=${posts('/v1/invoices/void', 'Voided.', {invoice: name})}><${Field} label="Why"><input name="why" required /><//><//></details>` : null}
		<h3>Lines</h3><${InvoiceLines} doc=${data} />
		<dl class="facts">${[['Subtotal', data.subtotal], ['Credits applied', data.credits_applied], ...(data.taxes || []).map(t => [`${t.name || 'Tax'} ${t.rate || ''}`, t.amount]), ['Total', data.total]].filter(([, v]) => v !== undefined && v !== null && (v !== '0')).map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd class="num">${data.unpriced && k !== 'Credits applied' ? '>=\u00a0' : ''}${money(v, data.currency)}</dd></div>`)}</dl>`}<//>`;
}
/* what a draft says beside itself */
const toldOf = d => (d.uninvoiced ? ` ${d.uninvoiced.first_day} to ${d.uninvoiced.last_day} are on no invoice.` : '') + (d.supplements_due ? ` ${many(d.supplements_due, 'earlier period')} changed in another currency: draft what has changed since.` : '');
const draftOne = async (customer, period, part) => toldOf(await post('/v1/invoices/draft', {customer, ...(period ? {period} : {}), ...(part ? {part} : {})}));
function DraftForm({customer}) {
	return html`<${Act} label="Draft" run=${async f => { const told = await draftOne(f.customer || customer, f.period, f.part); reload(); return 'Drafted.' + told; }}>${customer ? null : html`<${CustomerField} />`}<${Field} label="Month"><input name="period" type="month" required defaultValue=${addMonths(dayOf(Date.now(), 'UTC'), -1).slice(0, 7)} /><//><${Field} label="Of"><${Select} name="part" options=${[['own', 'the whole month'], ['interim', 'usage so far, once it comes to the threshold'], ['supplement', 'what has changed since its invoice']]} /><//><//>`;
}
function CustomerField({all}) {
	const {data} = useDoc('/v1/balance', false);
	return html`<${Field} label="Customer"><input name="customer" required=${!all} list="accounts" placeholder=${all ? 'all' : ''} /><//><datalist id="accounts">${(data ? data.accounts : []).slice(0, 1000).map(a => html`<option key=${a.customer} value=${a.customer} />`)}</datalist>`;
}
/* One after the other, each a change of its own; what is refused is said and stops no other. */
async function each(list, run, word) {
	const failed = [], told = [];
	for (const x of list) try { const t = await run(x); if (typeof t === 'string' && t) told.push(`${short(word(x), 40)}:${t}`); } catch (e) { failed.push(`${short(word(x), 40)}: ${e.message}`); }
	reload();
	const done = list.length - failed.length;
	if (failed.length) throw new Error(`${count(done)} of ${count(list.length)} done. ${failed.slice(0, 10).join('; ')}${failed.length > 10 ? '; ...' : ''}`);
	return [`${many(done, 'document')} done.`, ...told.slice(0, 10)].join(' ');
}
function DraftMany({session, drafts}) {
	const {data} = useDoc(session.admin ? '/v1/balance' : null, false), sums = Object.entries(drafts.reduce((m, i) => ({...m, [i.currency]: (m[i.currency] || 0n) + exact(i.total)}), {})).map(([c, v]) => money(v, c) + (c === 'credits' ? ' credits' : '')).join(', ');
	return html`<${Sheet} title="Drafts"><${Act} label="Draft" run=${f => f.customer ? each([f.customer], c => draftOne(c, f.period), c => c) : each(data ? data.accounts.map(a => a.customer) : [], c => draftOne(c, f.period), c => c)}><${CustomerField} all=${true} /><${Field} label="Month"><input name="period" type="month" required defaultValue=${addMonths(dayOf(Date.now(), 'UTC'), -1).slice(0, 7)} /><//><//>
		${drafts.length > 1 ? html`<${Act} inline label=${`Finalize all ${count(drafts.length)} drafts`} tone="quiet" sure=${`${many(drafts.length, 'draft')} of ${sums} get their numbers and are owed. Those with records that have no price are refused. This cannot be undone.`} run=${() => each(drafts, i => post('/v1/invoices/finalize', {invoice: invoiceName(i)}), i => `${invoiceName(i)} ${i.customer}`)} />` : null}<//>`;
}
function Billing({set, item, session}) {
	const tabs = {invoices: 'Invoices', plans: 'Plans and offers', reconcile: 'A bill beside the meter'}, tab = tabs[set.tab] ? set.tab : 'invoices';
	return html`<div class="head title"><h1>Billing</h1><${Tabs} label="Parts of billing" at=${tab} of=${tabs} /></div>${tab === 'plans' ? html`<${Plans} />` : tab === 'reconcile' ? html`<${Reconcile} set=${set} />` : html`<${Invoices} set=${set} item=${item} session=${session} />`}`;
}
function Invoices({set, item, session}) {
	const {data, error} = useDoc('/v1/invoices?' + query({customer: set.customer}), false);
	const list = data ? data.invoices : [], by = k => list.filter(i => stateOf(i) === k), state = set.state || '';
	const shown = state ? by(state) : list;
	const totals = key => Object.entries(by(key).reduce((m, i) => ({...m, [i.currency]: (m[i.currency] || 0n) + exact(key === 'draft' || key === 'void' || i.amount_due === undefined || key === 'paid' ? i.total : i.amount_due)}), {}));
	return html`${!data ? html`<${Loading} error=${error} />` : html`<div class="figures states" role="group" aria-label="Invoices by state">${Object.entries(states).filter(([k]) => by(k).length || ['draft', 'open', 'overdue', 'paid'].includes(k)).map(([k, [name]]) => html`<button type="button" key=${k} class="figure" aria-pressed=${state === k} onClick=${() => change({state: state === k ? '' : k}, true)}><span class="name">${name}</span><b>${count(by(k).length)}</b>${totals(k).map(([c, v]) => html`<span class="delta soft" key=${c}>${by(k).some(i => i.unpriced && i.currency === c) ? '>=\u00a0' : ''}${c === 'credits' ? rounded(v) + ' credits' : money(v, c)}</span>`)}</button>`)}</div>
		${session.admin ? html`<${DraftMany} session=${session} drafts=${by('draft')} />` : null}
		<${Sheet} title=${state ? (states[state] || [state])[0] : 'All'}>${shown.length ? html`<${InvoiceTable} list=${shown} order=${set.order} chosen=${item} onpick=${i => go('billing', invoiceName(i), {state, order: set.order})} />` : html`<${Nothing} title=${state ? 'None in this state' : 'No invoice yet'}>${state ? null : html`<p>A draft shows what a period comes to; it gets a number when it is finalized.</p>`}<//>`}<//>`}
		${item ? html`<${InvoicePanel} key=${item} name=${item} listed=${list.find(i => invoiceName(i) === item)} session=${session} onclose=${() => go('billing', '', {state, order: set.order})} />` : null}`;
}
