/* Customers: the list, and one page for each. */

const movements = {grant: 'granted', expire: 'expired', void: 'voided', refund: 'returned', repay: 'went to what was owed', bill: 'beyond what was granted were invoiced'};
const statementUrl = (name, format) => '/v1/statement?' + query({customer: name, format});
/* A movement of the ledger in words. */
function moved(t) {
	const owed = sum(t.entries.filter(e => e.pot === 'overage').map(e => e.amount)), size = rounded(sum(t.entries.map(e => e.amount).filter(a => exact(a) > 0n)));
	const names = [...new Set(t.entries.map(e => e.grant).filter(Boolean))].map(g => short(g, 30)).join(', ');
	return t.kind === 'draw' ? `Usage drew ${size} credits${names ? ` from ${names}` : ''}${owed ? `; ${rounded(-owed)} of them beyond what was granted` : ''}` : `${size} credits ${movements[t.kind]}${names ? ` (${names})` : ''}`;
}
function Customers({set, item, session}) {
	if (item) return html`<${Customer} key=${item} name=${item} set=${set} session=${session} />`;
	const scope = scopeOf(set), usage = useDoc(usageUrl('customer', scope)), balances = useDoc('/v1/balance'), [most, showMore] = useState(50);
	const find = set.q || '';
	const rows = useMemo(() => {
		if (!usage.data || !balances.data || (usage.data.groups.length && usage.data.groups[0].customer === undefined)) return null;
		const all = new Map(balances.data.accounts.map(a => [a.customer, {name: a.customer, account: a, cost: 0n, requests: 0}]));
		for (const g of usage.data.groups) all.set(g.customer ?? '', {...(all.get(g.customer ?? '') || {name: g.customer ?? ''}), ...g, cost: exact(g.total)});
		return [...all.values()].sort((a, b) => (b.cost > a.cost ? 1 : b.cost < a.cost ? -1 : a.name < b.name ? -1 : 1));
	}, [usage.data, balances.data]);
	const fit = rows && rows.filter(r => !find || r.name.toLowerCase().includes(find.toLowerCase()));
	const currency = usage.data && usage.data.currency, top = rows && rows.length ? rows[0].cost : 0n;
	const state = r => r.account && html`${r.account.low ? html`<${Tag} tone="bad">low<//> ` : null}${r.account.records_uncovered ? html`<${Tag} tone="warn">${count(r.account.records_uncovered)} uncovered<//>` : null}`;
	const credits = v => v === undefined ? html`<span class="soft">–</span>` : html`<${Amount} v=${v} currency="credits" brief />`;
	return html`<div class="head title"><h1>Customers</h1><div class="tools"><input type="search" aria-label="Find a customer" placeholder="Find" value=${find} onInput=${e => change({q: e.target.value}, true)} /></div></div>
		<${Sheet}>${!fit ? html`<${Loading} error=${usage.error || balances.error} />` : fit.length ? html`<${Table} label="Customers" rows=${set.order ? fit : fit.slice(0, most)} rowKey=${r => r.name} order=${set.order} onpick=${r => r.name ? go('customers', r.name) : go('records', '', {customer: ''})} columns=${[
			{key: 'name', name: 'Customer', cell: r => html`<span class="name">${r.name || 'no customer named'}</span><span class="phone-only">${state(r)}</span>`, sort: r => r.name},
			{key: 'bar', name: '', art: true, cell: r => bar(top ? toNumber(r.cost) / toNumber(top) : 0, null)},
			{key: 'cost', name: 'Cost', n: true, cell: r => r.total === undefined ? html`<span class="soft">none</span>` : html`<${Amount} v=${r.total} currency=${currency} unpriced=${r.unpriced} least=${r.placeholders} />`, sort: r => r.cost},
			{key: 'calls', name: 'Calls', n: true, extra: true, cell: r => count(r.requests), sort: r => r.requests},
			{key: 'plan', name: 'Plan', extra: true, spare: true, cell: r => r.account ? r.account.plan : html`<span class="soft">none</span>`, sort: r => r.account ? r.account.plan : ''},
			{key: 'left', name: 'Credits left', n: true, extra: true, cell: r => html`${r.account && r.account.records_uncovered ? '<=\u00a0' : ''}${credits(r.account && r.account.available)}`, sort: r => r.account ? exact(r.account.available) : -1n},
			{key: 'owed', name: 'Owed', n: true, extra: true, cell: r => html`${r.account && r.account.records_uncovered ? '>=\u00a0' : ''}${credits(r.account && r.account.owed)}`, sort: r => r.account ? exact(r.account.owed) : -1n},
			{key: 'uncovered', name: 'State', extra: true, sort: r => r.account ? r.account.records_uncovered : -1, cell: state},
		]} />${!set.order && fit.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 200)}>Show more of ${count(fit.length)}</button></p>` : null}`
			: html`<${Nothing} title=${find ? 'No customer fits' : 'No customer yet'}><p>Usage that names a customer, or an account, makes one:</p><pre>tally credit subscribe acme vm0-pro</pre><//>`}<//>${session.admin ? html`<${Sheet}><${Fold} title="Add a customer"><${Act} label="Add" run=${async f => { await post('/v1/subscriptions', given(f)); reload(); go('customers', f.customer); return 'Added.'; }}><${Field} label="Customer"><input name="customer" required /><//><${OfferField} /><${Field} label="From" hint="empty: now"><input name="from" type="date" /><//><//><//><${Fold} title="Post many movements of credits"><${Act} label="Post" run=${postMany}><${Field} label="JSON Lines" hint="grants, draws, refunds and voids, as tally credit post reads them"><input type="file" name="file" required /><//><//><//><//>` : null}`;
}
/* A file of operations, one a line. */
async function postMany(f) {
	const operations = (await f.file.text()).trim().split('\n').map((l, i) => { try { return JSON.parse(l); } catch { throw new Refused(`Line ${i + 1} is no JSON.`); } });
	const {items} = await post('/v1/credits/post', {operations}), bad = items.filter(x => x.reason);
	reload();
	if (bad.length) throw new Refused(`${items.length - bad.length} of ${items.length} done; ${bad.slice(0, 9).map(x => `line ${x.index + 1}: ${x.reason}`).join('; ')}`);
	return `${items.length} done.`;
}
function OfferField() {
	const {data} = useDoc('/v1/offers', false);
	return html`<${Field} label="Offer"><${Select} name="offer" options=${data ? data.offers.map(o => [o.offer, offerName(o)]) : []} /><//>`;
}
/* What was left at the end of each day on which something moved. */
function BurnDown({days, zone}) {
	if (days.length < 2) return null;
	const at = days.map(d => Date.parse(d.day + 'T00:00:00Z')), to = Math.max(Date.now(), at[at.length - 1] + 864e5), from = at[0];
	const points = days.map((d, i) => ({from: at[i], to: at[i + 1] ?? to, value: Math.max(0, Number(d.left))})), ticks = [0, .25, .5, .75, 1].map(p => from + (to - from) * p).map(t => ({at: t, text: dayName(dayOf(t, 'UTC'))}));
	return html`<${Sheet} title="Burn-down">${steps([{points}], from, to, `Credits left, from ${rounded(days[0].left)} to ${rounded(days[days.length - 1].left)}`, ticks)}<//>`;
}
/* What a grant paid for. */
function Trace({name, grant, scope}) {
	const {data, error} = useDoc('/v1/trace?' + query({customer: name, grant, usage: true}), false);
	return html`<${Panel} title=${'What ' + short(grant, 40) + ' paid for'} onclose=${() => change({grant: ''})}>${!data ? html`<${Loading} error=${error} />` : html`<${Table} label="Movements of the grant" rows=${data.movements} rowKey=${m => m.txn} columns=${[{key: 'at', name: 'When', tight: true, cell: m => stamp(m.at, scope.zone)}, {key: 'w', name: 'What', cell: m => html`${m.kind}${(m.usage || []).map(u => html`<br /><span class="soft name">${many(u.calls, 'call')} of ${u.model}${u.project ? ' in ' + u.project : ''}</span>`)}`}, {key: 'c', name: 'Credits', n: true, cell: m => html`<span title=${m.amount}>${rounded(m.amount)}</span>`}, {key: 'i', name: 'Invoice', cell: m => m.invoices.join(' ')}]} />`}<//>`;
}
function Grants({name, account, scope, session}) {
	const may = session.admin && !session.customer, id = () => 'page-' + [...crypto.getRandomValues(new Uint32Array(2))].map(n => n.toString(36)).join(''), first = useMemo(id, []);
	return html`<${Sheet} title="Grants">${account.grants.length ? html`<${Table} label="Grants" rows=${account.grants} rowKey=${g => g.grant} onpick=${g => change({grant: g.grant})} columns=${[{key: 'g', name: 'Grant', cell: g => html`<span class="name">${g.grant}</span>`}, {key: 'c', name: 'Class', extra: true, cell: g => g.class},
			{key: 'b', name: 'Left', art: true, cell: g => bar(toNumber(g.left) / (toNumber(g.amount) || 1), null)}, {key: 'l', name: 'Credits', n: true, cell: g => html`<span title=${g.left}>${rounded(g.left)}</span>`}, {key: 'a', name: 'Of', n: true, extra: true, cell: g => html`<span title=${g.amount}>${rounded(g.amount)}</span>`}, {key: 'e', name: 'Expires', cell: g => html`<span class="nowrap">${g.expires ? when(g.expires, scope.zone).slice(0, 16) : 'no expiry'}</span>`}, ...(may ? [{key: 'v', name: 'Void', cell: g => exact(g.left) ? html`<details><summary class="nowrap">Void</summary><${Act} label="Void" tone="danger" run=${posts('/v1/grants/void', 'Voided.', {customer: name, grant: g.grant})}><${Field} label="Why"><input name="why" required /><//><//></details>` : ''}] : [])]} />` : html`<p class="soft">Nothing is left of any grant.</p>`}
		${may ? html`<${Fold} title="Give credits" open=${!account.grants.length}><${Act} label="Grant" run=${async (f, form) => { await post('/v1/grants', {...given(f), customer: name}); form.reset(); form.elements.id.value = id(); reload(); return 'Granted.'; }}><input type="hidden" name="id" defaultValue=${first} />
			<${Field} label="Credits"><input name="amount" required inputmode="decimal" /><//><${Field} label="Class"><${Select} name="class" options=${[['granted', 'granted'], ['paid', 'paid']]} /><//><${Field} label="From"><input name="effective" type="date" /><//><${Field} label="Until"><input name="expires" type="date" /><//><${Field} label="Again every"><input name="every" placeholder="once" list="intervals" /><//><datalist id="intervals"><option value="1month" /><option value="1w" /><option value="1d" /></datalist><${Field} label="Carried over"><input name="rollover" inputmode="decimal" placeholder="0" /><//><${Field} label="Price"><input name="price" inputmode="decimal" placeholder="free" /><//><${Field} label="Note"><input name="note" /><//><//><//>` : null}<//>`;
}
/* Credits that are bought whenever few are left. */
function TopUp({name, top}) {
	const t = top || {};
	return html`<${Sheet} title="Top-up"><p class="soft">${top ? `Below ${rounded(t.below)} credits it is filled up to ${rounded(t.to)}${t.price ? ` at ${money(t.price, t.currency)} a credit` : ''}${t.most_in_30_days ? `, at most ${rounded(t.most_in_30_days)} in 30 days` : ''}.` : 'None: nothing is bought by itself.'}</p>
		<${Fold} title="Set or buy"><${Act} label="Set" run=${posts('/v1/top-ups', 'Set.', {customer: name})}><${Field} label="Below"><input name="below" required inputmode="decimal" defaultValue=${t.below || ''} /><//><${Field} label="Up to"><input name="to" inputmode="decimal" defaultValue=${t.to || ''} /><//><${Field} label="At most in 30 days"><input name="most" inputmode="decimal" defaultValue=${t.most_in_30_days || ''} placeholder="no end" /><//><${Field} label="Price of a credit"><input name="price" inputmode="decimal" defaultValue=${t.price || ''} placeholder="free" /><//><//>
			<${Act} label="Buy now" tone="quiet" sure="They are bought at the price of the top-up." run=${posts('/v1/top-ups/buy', 'Bought.', {customer: name})}><${Field} label="How many"><input name="amount" required inputmode="decimal" /><//><//>${top ? html`<${Act} inline label="Clear" tone="quiet" run=${posts('/v1/top-ups/clear', '', {customer: name})} />` : null}<//><//>`;
}
function Holds({name, list, scope, session}) {
	const may = session.write && (session.admin || session.customer);
	return html`<${Sheet} title="Held for calls in flight">${!list.length ? html`<p class="soft">Nothing is held.</p>` : html`<${Table} label="Holds" rows=${list} rowKey=${h => h.hold} columns=${[{key: 'h', name: 'Hold', cell: h => html`<span class="name">${h.hold}</span>`}, {key: 'c', name: 'Held', n: true, cell: h => html`${exact(h.credits) ? html`<div>${rounded(h.credits)} credits</div>` : ''}${exact(h.amount) ? money(h.amount, h.currency) : ''}`}, {key: 'e', name: 'Until', cell: h => stamp(h.expires, scope.zone)}, ...(session.admin && session.write ? [{key: 'r', name: 'End', cell: h => html`<${Act} inline label="Release" tone="quiet" run=${posts(`/v1/holds/${encodeURIComponent(h.hold)}/release`, '')} />${exact(h.credits) ? html`<details><summary>Settle</summary><${Act} label="Settle" run=${posts('/v1/credits/settle', '', {hold: h.hold})}><${Field} label="Credits used"><input name="amount" required inputmode="decimal" /><//><//></details>` : ''}`}] : [])]} />`}
		${may ? html`<${Fold} title="Hold an amount"><${Act} label="Hold" run=${posts('/v1/holds', 'Held.', {customer: name}, 'expires_in')}><${Field} label="Amount"><input name="amount" required inputmode="decimal" /><//><${Field} label="Currency"><input name="currency" placeholder="USD" /><//><${Field} label="For seconds"><input name="expires_in" inputmode="numeric" placeholder="600" /><//><//><//>` : null}<//>`;
}
function Ledger({name, scope}) {
	const {data, error} = useDoc('/v1/ledger?' + query({customer: name})), [most, showMore] = useState(30), moves = data ? [...data.transactions].reverse() : [];
	return html`<${Sheet} title="Ledger">${!data ? html`<${Loading} error=${error} />` : moves.length ? html`<${Table} label="Ledger" rows=${moves.slice(0, most)} rowKey=${t => t.txn} pick=${1} onpick=${t => { const e = t.entries.find(x => x.grant); if (e) change({grant: e.grant}); }} columns=${[{key: 'at', name: 'When', tight: true, cell: t => stamp(t.at, scope.zone)}, {key: 'w', name: 'What', cell: t => html`<span title=${t.entries.map(e => `${e.pot} ${e.grant || ''} ${e.amount}`).join('\n')}>${moved(t)}</span>`}, {key: 'n', name: 'No.', n: true, cell: t => t.txn}]} />
		${moves.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 100)}>Show more of ${count(moves.length)}</button></p>` : null}` : html`<p class="soft">Nothing has moved yet.</p>`}<//>`;
}
function Rules({account: a, waits, name, session, scope}) {
	return html`<${Sheet} title="Plan and rules"><${Facts} of=${{Plan: a.plan, 'Draws from': a.since && stamp(a.since, scope.zone), 'Billing day': `${a.billing_day}, ${a.timezone}`, 'Own keys': a.byo ? 'yes: the provider bills the customer' : 'no', 'When credits run out': a.overage === 'refuse' ? 'calls are refused' : `${a.overage}${exact(a.overage_limit) ? ` up to ${rounded(a.overage_limit)}` : ''}`, 'Warn below': a.low_balance ? rounded(a.low_balance) : null, 'Grants are used by': a.burn_order && a.burn_order.replaceAll(',', ', '), 'Records that wait': waits && waits.records_waiting ? count(waits.records_waiting) : null}} />
		${session.admin ? html`<${ChangeAccount} name=${name} account=${a} />${waits && (waits.records_waiting || waits.records_uncovered) ? html`<${Act} inline label="Draw what waits" tone="quiet" run=${async () => { const d = await post('/v1/accounts/draw', {customer: name}); reload(); return `${many(d.records, 'record')} drew ${rounded(d.drawn)} credits${d.uncovered ? `; ${count(d.uncovered)} are not covered` : ''}.`; }} />` : null}` : null}<//>`;
}
const customerTabs = {overview: 'Overview', credits: 'Credits', invoices: 'Invoices', rules: 'Plan and limits'};
function Customer({name, set, session}) {
	const scope = scopeOf({...set, customer: name}), own = session.customer, may = session.admin && !own;
	const tabs = own ? {overview: 'Overview', credits: 'Credits'} : customerTabs, tab = tabs[set.tab] ? set.tab : 'overview';
	const usage = useDoc(usageUrl('model', scope)), invoices = useDoc('/v1/invoices?' + query({customer: name}), false);
	const full = useDoc('/v1/customers/' + encodeURIComponent(name) + '?' + query({since: scope.since, until: scope.until, z: scope.zone})), all = full.data && full.data.customer === name ? full.data : null, account = all && all.account && all.balance[0] ? all.balance[0] : null;
	const measure = measures[set.measure] ? set.measure : 'cost', budgets = all ? all.budgets.filter(b => b.customer === name) : [];
	const u = usage.data && (!usage.data.groups.length || usage.data.groups[0].model !== undefined) ? usage.data : null;
	if (full.error && !all) return html`<div class="head title"><h1 class="name">${name}</h1></div><${Sheet}>${full.error.status === 404 ? html`<${Nothing} title="No usage and no account has this name"><p>${may ? 'An account makes it a customer:' : ''}</p><//>${may ? html`<${OpenAccount} name=${name} />` : null}` : html`<${Failed} error=${full.error} />`}<//>`;
	return html`<div class="head title"><h1 class="name">${own ? 'Account' : name}</h1><div class="tools">${own ? null : html`<a class="button" href=${linkTo('usage', '', {customer: name})}>Usage</a><a class="button" href=${linkTo('records', '', {customer: name})}>Records</a>`}<${Tabs} label="Parts of the customer" at=${tab} of=${tabs} /></div></div>
		<div class="figures">
			<div class="figure"><span class="name">Cost, ${scope.name.toLowerCase()}</span><b>${u ? html`<${Amount} v=${u.total} currency=${u.currency} unpriced=${u.unpriced} least=${u.placeholders} brief />` : '–'}</b></div>
			<div class="figure"><span class="name">Calls</span><b>${u ? count(u.requests) : '–'}</b></div>
			<div class="figure"><span class="name">Credits left</span><b>${account ? html`<${Credits} accounts=${[account]} />` : '–'}</b>${account && account.low ? html`<${Tag} tone="bad">low<//>` : null}</div>
			<div class="figure"><span class="name">Held</span><b>${account ? rounded(account.held) : '–'}</b></div>
			<div class="figure"><span class="name">Owed</span><b>${account ? html`<span class="nowrap">${account.records_uncovered ? '>=\u00a0' : ''}<${Amount} v=${account.owed} currency="credits" brief /></span>` : '–'}</b></div>
		</div>
		${account && account.records_uncovered ? html`<ul class="attention"><li class="warn">${many(account.records_uncovered, 'record is', 'records are')} not covered by the plan ${account.plan}</li></ul>` : null}
		<${LeftOut} of=${u} />
		${tab === 'overview' ? html`<section class="sheet main-chart"><div class="head"><h2>${measures[measure].name} by model</h2><div class="tools"><${Select} aria-label="Measure" value=${measure} options=${Object.entries(measures).map(([k, m]) => [k, m.name])} onChange=${e => change({measure: e.target.value}, true)} /></div></div><${UsageChart} scope=${scope} set=${set} by="model" measure=${measure} compare=${set.cmp !== '0' && Boolean(scope.before)} /></section>
			${all && all.burn_down ? html`<${BurnDown} days=${all.burn_down} zone=${scope.zone} />` : null}
			${budgets.length ? html`<${Sheet} title="Budgets" aside=${own ? null : html`<a class="button" href=${linkTo('budgets')}>All budgets</a>`}><${BudgetRows} list=${budgets} /><//>` : null}` : null}
		${tab === 'credits' ? html`${account ? html`<${Grants} name=${name} account=${account} scope=${scope} session=${session} />` : all ? html`<${Sheet} title="Credits"><p class="soft">No credit account: its usage is metered and priced, and draws no credits.</p>${may ? html`<${OpenAccount} name=${name} />` : null}<//>` : html`<${Loading} />`}
			${all && (all.holds.length || session.write) ? html`<${Holds} name=${name} list=${all.holds} scope=${scope} session=${session} />` : null}${all && !own ? html`<${Subscriptions} name=${name} all=${all} session=${session} />` : null}${may && all && all.account ? html`<${TopUp} name=${name} top=${all.account.top_up} />` : null}${account ? html`<${Ledger} name=${name} scope=${scope} />` : null}${set.grant ? html`<${Trace} key=${set.grant} name=${name} grant=${set.grant} scope=${scope} />` : null}` : null}
		${tab === 'invoices' ? html`<${Sheet} title="Invoices" aside=${html`<${StatementLinks} name=${name} />`}>${invoices.data && invoices.data.invoices.length ? html`<${InvoiceTable} list=${invoices.data.invoices} order=${set.order} />` : html`<p class="soft">None yet.</p>`}
				${may && account ? html`<${Fold} title="Draft an invoice"><${DraftForm} customer=${name} /><//>` : null}<//>
			${all && all.account ? html`<${Terms} name=${name} account=${all.account} session=${session} />` : null}` : null}
		${tab === 'rules' && all ? html`${all.account ? html`<${Rules} account=${all.account} waits=${account} name=${name} session=${session} scope=${scope} />` : html`<${Sheet} title="Plan and rules"><p class="soft">No credit account.</p>${may ? html`<${OpenAccount} name=${name} />` : null}<//>`}
			<${Limits} name=${name} all=${all} session=${session} />
			<${Tokens} scope=${scope} session=${session} customer=${name} list=${all.tokens} />
			${may ? html`<${Trail} customer=${name} scope=${scope} />` : null}` : null}`;
}
const StatementLinks = ({name}) => html`<div class="tools"><a class="button" href=${statementUrl(name, 'html')} target="_blank" rel="noopener">Statement</a><a class="button" href=${statementUrl(name, 'pdf')} target="_blank" rel="noopener">as PDF</a></div>`;
/* What holds may come to in each period. */
function Limits({name, all, session}) {
	return html`<${Sheet} title="Spending limits">${all.limits.length ? html`<${Table} label="Spending limits" rows=${all.limits} rowKey=${l => l.period} columns=${[{key: 'p', name: 'In each', cell: l => l.period === 'ever' ? 'in all' : l.period}, {key: 'b', name: '', art: true, cell: l => bar(toNumber(l.spent) / (toNumber(l.limit) || 1), null)}, {key: 's', name: 'Spent', n: true, cell: l => html`<${Amount} v=${l.spent} currency=${l.currency} unpriced=${l.unpriced} least=${l.placeholders} />`}, {key: 'h', name: 'Held', n: true, cell: l => money(l.held, l.currency)}, {key: 'l', name: 'Limit', n: true, cell: l => html`<${Amount} v=${l.limit} currency=${l.currency} />`}, ...(session.admin ? [{key: 'c', name: html`<span class="hidden">Clear</span>`, cell: l => html`<${Act} inline label="Clear" tone="quiet" run=${posts('/v1/limits/clear', '', {customer: name, period: l.period})} />`}] : [])]} />` : html`<p class="soft">None. Holds beyond a limit are refused.</p>`}
		${session.admin ? html`<${Fold} title="Set a limit"><${Act} label="Set" run=${posts('/v1/limits', 'Set.', {customer: name})}><${Field} label="Amount"><input name="amount" required inputmode="decimal" /><//><${Field} label="In each"><${Select} name="period" value="month" options=${periods} /><//><${Field} label="Currency"><input name="currency" placeholder="USD" /><//><${Field} label="Time zone"><input name="timezone" placeholder="UTC" /><//><//><//>` : null}<//>`;
}
/* What was asked for, without what the row says already. */
function detailOf(text) {
	try { return Object.entries(JSON.parse(text)).filter(([k, v]) => k !== 'customer' && v !== '').map(([k, v]) => `${k} ${short(typeof v === 'object' ? JSON.stringify(v) : v, 40)}`).join(', '); } catch { return short(text, 120); }
}
/* Who changed what, the last first. */
function Trail({customer, scope}) {
	const {data} = useDoc('/v1/trail?' + query({customer, limit: 50}));
	return data && data.changes.length ? html`<${Sheet} title="Changes"><${Table} label="Changes" rows=${data.changes} columns=${[{key: 'at', name: 'When', cell: c => stamp(c.at, scope.zone)}, {key: 'who', name: 'Who', cell: c => c.who || html`<span class="soft">someone on this machine</span>`}, {key: 'what', name: 'What', cell: c => html`<span class="name">${c.what}${c.about ? ' ' + short(c.about, 30) : ''}</span>`}, {key: 'asked', name: 'Settings', wide: true, cell: c => html`<span class="soft">${detailOf(c.detail)}</span>`}]} /><//>` : null;
}
