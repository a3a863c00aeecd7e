/* Customers: the list, and one page for each. */

const pots = {overage: 'owed', used: 'used', source: 'from outside', expired: 'expired', held: 'held', void: 'voided'};
/* A movement of the ledger in words. */
function moved(t) {
	const grants = t.entries.filter(e => e.pot === 'grant'), size = sum(grants.map(e => e.amount)), used = sum(t.entries.filter(e => e.pot === 'used').map(e => e.amount)), owed = sum(t.entries.filter(e => e.pot === 'overage').map(e => e.amount));
	const names = [...new Set(grants.map(e => e.grant).filter(Boolean))].map(g => short(g, 30)).join(', ');
	if (t.kind === 'draw') return `Usage drew ${rounded(used)} credits${names ? ` from ${names}` : ''}${owed ? `; ${rounded(-owed)} of them beyond what was granted` : ''}`;
	if (t.kind === 'grant') return `${rounded(size)} credits granted${names ? ` (${names})` : ''}`;
	if (t.kind === 'expire' || t.kind === 'expiry') return `${rounded(-size)} credits expired${names ? ` (${names})` : ''}`;
	return `${t.kind}: ${t.entries.map(e => `${pots[e.pot] || e.pot}${e.grant ? ' ' + short(e.grant, 30) : ''} ${rounded(e.amount)}`).join(', ')}`;
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
	const credits = v => v === undefined ? html`<span class="soft">–</span>` : html`<${Amount} v=${v} currency="credits" brief />`;
	return html`<div class="head title"><h1>Customers</h1><div class="tools"><input type="search" aria-label="Find a customer" placeholder="Find" value=${find} onInput=${e => change({q: e.target.value}, true)} /></div></div>
		<${Sheet}>${!fit ? html`<${Loading} error=${usage.error || balances.error} />` : fit.length ? html`<${Table} label="Customers" rows=${set.order ? fit : fit.slice(0, most)} rowKey=${r => r.name} order=${set.order} onpick=${r => r.name ? go('customers', r.name) : go('records', '', {customer: ''})} columns=${[
			{key: 'name', name: 'Customer', cell: r => html`<span class="name">${r.name || 'no customer named'}</span>`, sort: r => r.name},
			{key: 'bar', name: '', art: true, cell: r => bar(top ? toNumber(r.cost) / toNumber(top) : 0, null)},
			{key: 'cost', name: 'Cost', n: true, cell: r => r.total === undefined ? html`<span class="soft">none</span>` : html`<${Amount} v=${r.total} currency=${currency} unpriced=${r.unpriced} />`, sort: r => r.cost},
			{key: 'calls', name: 'Calls', n: true, cell: r => count(r.requests), sort: r => r.requests},
			{key: 'plan', name: 'Plan', cell: r => r.account ? r.account.plan : html`<span class="soft">none</span>`, sort: r => r.account ? r.account.plan : ''},
			{key: 'left', name: 'Credits left', n: true, cell: r => credits(r.account && r.account.available), sort: r => r.account ? exact(r.account.available) : -1n},
			{key: 'owed', name: 'Owed', n: true, cell: r => credits(r.account && r.account.owed), sort: r => r.account ? exact(r.account.owed) : -1n},
			{key: 'uncovered', name: 'State', sort: r => r.account ? r.account.records_uncovered : -1, cell: r => !r.account ? '' : html`${r.account.low ? html`<${Tag} tone="bad">low<//> ` : null}${r.account.records_uncovered ? html`<${Tag} tone="warn">${count(r.account.records_uncovered)} uncovered<//>` : null}`},
		]} />${!set.order && fit.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 200)}>Show more of ${count(fit.length)}</button></p>` : null}`
			: html`<${Nothing} title=${find ? 'No customer fits' : 'No customer yet'}><p>Usage that names a customer, or an account, makes one:</p><pre>tally credit subscribe acme vm0-pro</pre><//>`}<//>`;
}
/* What was left at the end of each day on which something moved. */
function BurnDown({days, zone}) {
	if (days.length < 2) return null;
	const at = days.map(d => Date.parse(d.day + 'T00:00:00Z')), to = Math.max(Date.now(), at[at.length - 1] + 864e5), from = at[0];
	const points = days.map((d, i) => ({from: at[i], to: at[i + 1] ?? to, value: Math.max(0, Number(d.left))})), ticks = [0, .25, .5, .75, 1].map(p => from + (to - from) * p).map(t => ({at: t, text: dayName(dayOf(t, 'UTC'))}));
	return html`<${Sheet} title="Burn-down">${steps([{points}], from, to, `Credits left, from ${rounded(days[0].left)} to ${rounded(days[days.length - 1].left)}`, ticks)}<//>`;
}
function Customer({name, set, session}) {
	const scope = scopeOf({...set, customer: name}), usage = useDoc(usageUrl('model', scope)), invoices = useDoc('/v1/invoices?' + query({customer: name}), false);
	const own = session.customer;
	const budgets = useDoc('/v1/budgets?' + query({customer: name})), mine = budgets.data ? budgets.data.budgets.filter(b => b.customer === name) : [];
	const full = useDoc('/v1/customers/' + encodeURIComponent(name) + '?' + query({since: scope.since, until: scope.until, z: scope.zone})), all = full.data && full.data.customer === name ? full.data : null, account = all && all.account && all.balance[0] ? all.balance[0] : null;
	const ledger = useDoc(account ? '/v1/ledger?' + query({customer: name}) : null);
	const [most, showMore] = useState(30);
	const measure = measures[set.measure] ? set.measure : 'cost';
	const moves = ledger.data ? [...ledger.data.transactions].reverse() : [];
	const u = usage.data && (!usage.data.groups.length || usage.data.groups[0].model !== undefined) ? usage.data : null;
	return html`<div class="head title"><h1 class="name">${own ? 'Usage' : name}</h1>${own ? null : html`<div class="tools"><a class="button" href=${linkTo('usage', '', {customer: name})}>Usage</a><a class="button" href=${linkTo('records', '', {customer: name})}>Records</a></div>`}</div>
		<div class="figures">
			<div class="figure"><span class="name">Cost, ${scope.name.toLowerCase()}</span><b>${u ? html`<${Amount} v=${u.total} currency=${u.currency} unpriced=${u.unpriced} brief />` : '–'}</b></div>
			<div class="figure"><span class="name">Calls</span><b>${u ? count(u.requests) : '–'}</b></div>
			<div class="figure"><span class="name">Credits left</span><b>${account ? html`<${Credits} accounts=${[account]} />` : '–'}</b>${account && account.low ? html`<${Tag} tone="bad">low<//>` : null}</div>
			<div class="figure"><span class="name">Held</span><b>${account ? rounded(account.held) : '–'}</b></div>
			<div class="figure"><span class="name">Owed</span><b>${account ? html`${account.records_uncovered ? '>=\u00a0' : ''}<${Amount} v=${account.owed} currency="credits" brief />` : '–'}</b></div>
		</div>
		${account && account.records_uncovered ? html`<ul class="attention"><li class="warn">${many(account.records_uncovered, 'record is', 'records are')} not covered by the plan ${account.plan}</li></ul>` : null}
		<section class="sheet main-chart"><div class="head"><h2>${measures[measure].name} by model</h2><div class="tools"><${Select} aria-label="Measure" value=${measure} options=${Object.entries(measures).map(([k, m]) => [k, m.name])} onChange=${e => change({measure: e.target.value}, true)} /></div></div><${UsageChart} scope=${scope} set=${set} by="model" measure=${measure} compare=${set.cmp !== '0' && Boolean(scope.before)} /></section>
		${all && all.burn_down ? html`<${BurnDown} days=${all.burn_down} zone=${scope.zone} />` : null}
		${account ? html`<${Sheet} title="Grants">${account.grants.length ? html`<${Table} label="Grants" rows=${account.grants} rowKey=${g => g.grant} columns=${[{key: 'g', name: 'Grant', cell: g => html`<span class="name">${g.grant}</span>`}, {key: 'c', name: 'Class', cell: g => g.class},
			{key: 'b', name: 'Left', art: true, cell: g => bar(toNumber(g.left) / (toNumber(g.amount) || 1), null)}, {key: 'l', name: 'Credits', n: true, cell: g => html`<span title=${g.left}>${rounded(g.left)}</span>`}, {key: 'a', name: 'Of', n: true, cell: g => html`<span title=${g.amount}>${rounded(g.amount)}</span>`}, {key: 'e', name: 'Expires', cell: g => g.expires ? when(g.expires, scope.zone).slice(0, 16) : 'no expiry'}, ...(session.admin && !own ? [{key: 'v', name: 'Void', cell: g => exact(g.left) ? html`<details><summary>Void</summary><${Act} label="Void" tone="danger" run=${async f => { await post('/v1/grants/void', {customer: name, grant: g.grant, why: f.why}); reload(); return 'Voided.'; }}><${Field} label="Why"><input name="why" required /><//><//></details>` : ''}] : [])]} />` : html`<p class="soft">None.</p>`}
			${session.admin && !own ? html`<h3>Give credits</h3><${Act} label="Grant" run=${async (f, form) => { await post('/v1/grants', {...f, customer: name}); form.reset(); form.elements.id.value = 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'); reload(); return 'Granted.'; }}><input type="hidden" name="id" value=${useMemo(() => 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'), [])} />
				<${Field} label="Credits"><input name="amount" required inputmode="decimal" /><//><${Field} label="Class"><${Select} name="class" options=${[['granted', 'granted'], ['paid', 'paid']]} /><//><${Field} label="Until"><input name="expires" placeholder="2027-01-01" /><//><${Field} label="Note"><input name="note" /><//><//>` : null}<//>`
			: full.error && !all ? html`<${Failed} error=${full.error} />` : all && !all.account ? html`<${Sheet} title="Credits"><p class="soft">No credit account. <code>tally credit subscribe CUSTOMER vm0-pro</code> opens one.</p><//>` : null}
		${mine.length ? html`<${Sheet} title="Budgets"><${BudgetRows} list=${mine} /><//>` : null}
		<${Sheet} title="Invoices">${invoices.data && invoices.data.invoices.length ? html`<${InvoiceTable} list=${invoices.data.invoices} own=${own} />` : html`<p class="soft">None yet.</p>`}<//>
		${ledger.data ? html`<${Sheet} title="Ledger"><${Table} label="Ledger" rows=${moves.slice(0, most)} rowKey=${t => t.txn} columns=${[{key: 'at', name: 'When', cell: t => stamp(t.at, scope.zone)}, {key: 'w', name: 'What', wide: true, cell: t => html`<span title=${t.entries.map(e => `${e.pot} ${e.grant || ''} ${e.amount}`).join('\n')}>${moved(t)}</span>`}, {key: 'n', name: 'No.', n: true, cell: t => t.txn}]} />
			${moves.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 100)}>Show more of ${count(moves.length)}</button></p>` : null}<//>` : null}
		${session.admin && !own ? html`<${Sheet} title="Spending limit"><p class="soft">${all && all.limit ? html`<strong><${Amount} v=${all.limit.amount} currency=${all.limit.currency} /> in each ${all.limit.period}</strong>${all.limit.spent !== undefined ? html`, <${Amount} v=${all.limit.spent} currency=${all.limit.currency} /> spent` : null}; holds beyond it are refused.` : 'None. Holds beyond a limit are refused.'}</p><${Act} label="Set" run=${async f => { await post('/v1/limits', {...f, customer: name}); reload(); return 'Set.'; }}><${Field} label="Amount"><input name="amount" required inputmode="decimal" /><//><${Field} label="In each"><${Select} name="period" value="month" options=${[['day', 'day'], ['week', 'week'], ['month', 'month'], ['total', 'in all']]} /><//><//><${Act} inline label="Clear the limit" tone="quiet" run=${async () => { await post('/v1/limits/clear', {customer: name}); reload(); return 'Cleared.'; }} /><//>` : null}
		${session.admin && !own ? html`<${Trail} customer=${name} scope=${scope} />` : null}
		${all && all.account && !own ? html`<${Sheet} title="Terms"><${Facts} of=${{Plan: all.account.plan, Since: all.account.since && stamp(all.account.since, scope.zone), 'Billing day': `${all.account.billing_day}, ${all.account.timezone}`, 'Own keys': all.account.byo ? 'yes: the provider bills the customer' : 'no', 'When credits run out': all.account.overage === 'refuse' ? 'calls are refused' : `${all.account.overage}${exact(all.account.overage_limit) ? ` up to ${rounded(all.account.overage_limit)}` : ''}`, 'Grants are used by': all.account.burn_order && all.account.burn_order.replaceAll(',', ', '), 'Records that wait': account && account.records_waiting ? count(account.records_waiting) : null,
			Recurring: all.recurring && all.recurring.length ? all.recurring.map(r => `${r.amount ? rounded(r.amount) : ''} ${r.every || r.period || ''} ${r.grant || r.id || ''}`).join(', ') : null, Tokens: all.tokens && all.tokens.length ? all.tokens.map(t => t.name || t).join(', ') : null}} />${all.account.terms && all.account.terms !== '{}' ? html`<details><summary>Terms as they are stored</summary><pre>${all.account.terms}</pre></details>` : null}<p class="soft">Plan and terms change from a date on with <code>tally credit account</code>.</p><//>` : null}`;
}
/* What was asked for, without what the row says already. */
function detailOf(text) {
	try { return Object.entries(JSON.parse(text)).filter(([k, v]) => k !== 'customer' && v !== '').map(([k, v]) => `${k} ${short(typeof v === 'object' ? JSON.stringify(v) : v, 40)}`).join(', '); } catch { return short(text, 120); }
}
/* Who changed what, the last first. */
function Trail({customer, scope}) {
	const {data} = useDoc('/v1/trail?' + query({customer, limit: 50}));
	return data && data.changes.length ? html`<${Sheet} title="Changes"><${Table} label="Changes" rows=${data.changes} columns=${[{key: 'at', name: 'When', cell: c => stamp(c.at, scope.zone)}, {key: 'who', name: 'Who', cell: c => c.who || html`<span class="soft">someone on this machine</span>`}, {key: 'what', name: 'What', cell: c => `${c.what}${c.about ? ' ' + short(c.about, 30) : ''}`}, {key: 'asked', name: 'Settings', wide: true, cell: c => html`<span class="soft">${detailOf(c.detail)}</span>`}]} /><//>` : null;
}
