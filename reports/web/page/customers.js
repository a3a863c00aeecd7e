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
			{key: 'bar', name: '', wide: true, cell: r => bar(top ? toNumber(r.cost) / toNumber(top) : 0, null)},
			{key: 'cost', name: 'Cost', n: true, cell: r => r.total === undefined ? html`<span class="soft">none</span>` : html`<${Amount} v=${r.total} currency=${currency} unpriced=${r.unpriced} />`, sort: r => r.cost},
			{key: 'calls', name: 'Calls', n: true, cell: r => count(r.requests), sort: r => r.requests},
			{key: 'plan', name: 'Plan', cell: r => r.account ? r.account.plan : html`<span class="soft">none</span>`, sort: r => r.account ? r.account.plan : ''},
			{key: 'left', name: 'Credits left', n: true, cell: r => credits(r.account && r.account.available), sort: r => r.account ? exact(r.account.available) : -1n},
			{key: 'owed', name: 'Owed', n: true, cell: r => credits(r.account && r.account.owed), sort: r => r.account ? exact(r.account.owed) : -1n},
			{key: 'state', name: 'State', cell: r => !r.account ? '' : html`${r.account.low ? html`<${Tag} tone="bad">low<//> ` : null}${r.account.records_uncovered ? html`<${Tag} tone="warn">${count(r.account.records_uncovered)} uncovered<//>` : null}`},
		]} />${!set.order && fit.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 200)}>Show more of ${count(fit.length)}</button></p>` : null}`
			: html`<${Nothing} title=${find ? 'No customer fits' : 'No customer yet'}><p>Usage that names a customer, or an account, makes one:</p><pre>tally credit subscribe acme vm0-pro</pre><//>`}<//>`;
}
/* What was left after each movement, from the ledger's own entries. */
function BurnDown({ledger, account, zone}) {
	const points = useMemo(() => {
		const moves = ledger.transactions.map(t => ({at: Date.parse(t.at), by: sum(t.entries.filter(e => e.pot === 'grant').map(e => e.amount))})).filter(m => m.by).sort((a, b) => a.at - b.at);
		if (moves.length < 2) return null;
		/* back from what is left now */
		let left = exact(account.available) + exact(account.held);
		const list = [{at: Date.now(), left}];
		for (const m of moves.reverse()) { list.unshift({at: m.at, left}); left -= m.by; list.unshift({at: m.at, left}); }
		return list;
	}, [ledger, account]);
	if (!points) return null;
	const from = points[0].at, to = Date.now(), line = points.slice(1).map((p, i) => ({from: points[i].at, to: p.at, value: Math.max(0, toNumber(points[i].left))}));
	const ticks = [0, .25, .5, .75, 1].map(p => from + (to - from) * p).map(at => ({at, text: dayName(dayOf(at, zone))}));
	return html`<${Sheet} title="Burn-down">${steps([{points: line}], from, to, `Credits left, from ${rounded(points[0].left)} to ${rounded(account.available)}`, ticks)}<//>`;
}
function Customer({name, set, session}) {
	const scope = scopeOf({...set, customer: name}), usage = useDoc(usageUrl('model', scope)), balance = useDoc('/v1/balance/' + encodeURIComponent(name)), invoices = useDoc('/v1/invoices?' + query({customer: name}), false);
	const own = session.customer, a = balance.data, account = a && a.customer === name ? a : null;
	const ledger = useDoc(account && !own ? '/v1/ledger?' + query({customer: name}) : null);
	const budgets = useDoc(own ? null : '/v1/budgets'), mine = budgets.data ? budgets.data.budgets.filter(b => b.customer === name) : [];
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
		${account && ledger.data ? html`<${BurnDown} ledger=${ledger.data} account=${account} zone=${scope.zone} />` : null}
		${account ? html`<${Sheet} title="Grants">${account.grants.length ? html`<${Table} label="Grants" rows=${account.grants} rowKey=${g => g.grant} columns=${[{key: 'g', name: 'Grant', cell: g => html`<span class="name">${g.grant}</span>`}, {key: 'c', name: 'Class', cell: g => g.class},
			{key: 'b', name: 'Left', wide: true, cell: g => bar(toNumber(g.left) / (toNumber(g.amount) || 1), null)}, {key: 'l', name: 'Credits', n: true, cell: g => html`<span title=${g.left}>${rounded(g.left)}</span>`}, {key: 'a', name: 'Of', n: true, cell: g => html`<span title=${g.amount}>${rounded(g.amount)}</span>`}, {key: 'e', name: 'Expires', cell: g => g.expires ? when(g.expires, scope.zone).slice(0, 16) : 'no expiry'}]} />` : html`<p class="soft">None.</p>`}
			${session.admin && !own ? html`<h3>Give credits</h3><${Act} label="Grant" run=${async (f, form) => { await post('/v1/grants', {...f, customer: name}); form.reset(); form.elements.id.value = 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'); reload(); return 'Granted.'; }}><input type="hidden" name="id" value=${useMemo(() => 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'), [])} />
				<${Field} label="Credits"><input name="amount" required inputmode="decimal" /><//><${Field} label="Class"><${Select} name="class" options=${[['granted', 'granted'], ['paid', 'paid']]} /><//><${Field} label="Until"><input name="expires" placeholder="2027-01-01" /><//><${Field} label="Note"><input name="note" /><//><//>` : null}<//>`
			: balance.error && balance.error.status !== 404 ? html`<${Failed} error=${balance.error} />` : balance.error ? html`<${Sheet} title="Credits"><p class="soft">No credit account. <code>tally credit subscribe CUSTOMER vm0-pro</code> opens one.</p><//>` : null}
		${mine.length ? html`<${Sheet} title="Budgets"><${BudgetRows} list=${mine} /><//>` : null}
		<${Sheet} title="Invoices">${invoices.data && invoices.data.invoices.length ? html`<${InvoiceTable} list=${invoices.data.invoices} own=${own} />` : html`<p class="soft">None yet.</p>`}<//>
		${ledger.data ? html`<${Sheet} title="Ledger"><${Table} label="Ledger" rows=${moves.slice(0, most)} rowKey=${t => t.txn} columns=${[{key: 'at', name: 'When', cell: t => stamp(t.at, scope.zone)}, {key: 'w', name: 'What', wide: true, cell: t => html`<span title=${t.entries.map(e => `${e.pot} ${e.grant || ''} ${e.amount}`).join('\n')}>${moved(t)}</span>`}, {key: 'n', name: 'No.', n: true, cell: t => t.txn}]} />
			${moves.length > most ? html`<p class="more"><button type="button" onClick=${() => showMore(most + 100)}>Show more of ${count(moves.length)}</button></p>` : null}<//>` : null}
		${account && !own ? html`<${Sheet} title="Terms"><${Facts} of=${{Plan: account.plan, 'Own keys': account.byo ? 'yes: the provider bills the customer' : 'no', 'When credits run out': account.overage === 'refuse' ? 'calls are refused' : account.overage, 'Records that wait': account.records_waiting || null}} /><//>` : null}`;
}
