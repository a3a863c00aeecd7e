/* The frame: the rail, the bar with range, zone, filters and search, and the view between them. */

const allViews = {
	usage: ['Usage', Usage], records: ['Records', Records], customers: ['Customers', Customers], billing: ['Billing', Billing], budgets: ['Budgets', Budgets],
	prices: ['Prices', Prices], whatif: ['What if', WhatIf], planner: ['Planner', Planner], health: ['Data health', Health], settings: ['Settings', Settings],
};
const ownViews = {usage: ['Usage', Usage], records: ['Records', Records], account: ['Account', ({set, session}) => html`<${Customer} name=${session.customer} set=${set} session=${session} />`], billing: ['Invoices', OwnInvoices], settings: ['Settings', Settings]};
function OwnInvoices({set, session}) {
	const {data, error} = useDoc('/v1/invoices', false);
	return html`<div class="head title"><h1>Invoices</h1><${StatementLinks} name=${session.customer} /></div><${Sheet}>${!data ? html`<${Loading} error=${error} />` : data.invoices.length ? html`<${InvoiceTable} list=${data.invoices} own=${true} order=${set.order} />` : html`<${Nothing} title="No invoice yet" />`}<//>`;
}
const ranged = ['usage', 'records', 'customers', 'prices', 'whatif', 'account'], compared = ['usage', 'customers', 'account'], filtered = ['usage', 'records', 'whatif', 'prices'];

function RangeMenu({set, scope}) {
	const since = isTime(set.since) ? set.since : scope.from || '', until = isTime(set.until) ? set.until : scope.to ? addDays(scope.to, -1) : '';
	const [from, setFrom] = useState(since), [to, setTo] = useState(until);
	useEffect(() => { setFrom(since); setTo(until); }, [since, until]);
	const own = set.since || set.until;
	return html`<${Menu} name=${'Range: ' + scope.name} label=${html`<span>${scope.name}</span>`}>
		${Object.entries(ranges).map(([k, [name]]) => html`<button type="button" data-done key=${k} aria-pressed=${!own && (set.range || '30d') === k} onClick=${() => change({range: k === '30d' ? '' : k, since: '', until: ''})}>${name}</button>`)}
		<form class="own" onSubmit=${e => { e.preventDefault(); change({range: '', since: from, until: to}); e.target.closest('details').open = false; }}>${[['From', from, setFrom], ['To and with', to, setTo]].map(([label, v, put]) => html`<${Field} key=${label} label=${label}><input type="date" value=${v.slice(0, 10)} onInput=${e => put(e.target.value && e.target.value + v.slice(10))} /><input type="time" aria-label=${label + ', time'} disabled=${!v} value=${v.slice(11)} onInput=${e => put(v.slice(0, 10) + (e.target.value && 'T' + e.target.value))} /><//>`)}<button class="main" disabled=${!from && !to}>Show</button></form><//>`;
}
function Chips({scope, set}) {
	return html`${Object.entries(scope.filters).map(([k, v]) => html`<button type="button" key=${k} class="chip on" aria-label=${`Remove the filter ${k} ${v || 'none'}`} onClick=${() => change({[k]: null})}><span class="soft">${k}</span> <span class="name">${v === '' ? 'none' : short(v, 24)}</span> <${Icon} name="close" /></button>`)}`;
}
function FilterMenu({scope}) {
	const [by, choose] = useState('customer'), [find, type] = useState('');
	const [opened, open] = useState(false), {data} = useDoc(opened ? usageUrl(by, {...scope, filters: {}}) : null, false);
	const names = data && (!data.groups.length || data.groups[0][by] !== undefined) ? data.groups.map(g => g[by] ?? '').filter(n => n.toLowerCase().includes(find.toLowerCase())) : [];
	return html`<span onClick=${() => open(true)} onFocusIn=${() => open(true)}><${Menu} name="Add a filter" label=${html`<${Icon} name="filter" /><span class="wide-only">Filter</span>`}>
		<${Select} aria-label="Filter by" value=${by} options=${filterNames.map(k => [k, keys[k]])} onChange=${e => { choose(e.target.value); type(''); }} />
		<input type="search" aria-label="Find" placeholder="Find" value=${find} onInput=${e => type(e.target.value)} />
		<div class="names">${names.slice(0, 60).map(n => html`<button type="button" data-done key=${n} onClick=${() => change({[by]: n})}>${n === '' ? `no ${by}` : short(n, 40)}</button>`)}${data && !names.length ? html`<p class="soft">None.</p>` : null}</div><//></span>`;
}
/* What can be done from anywhere, by name. */
const commands = session => ({
	'Compare with the period before': () => change({cmp: readAddress().set.cmp === '0' ? '' : '0'}), 'Dark': () => setTheme('dark'), 'Light': () => setTheme('light'),
	...(session.admin ? {'Add a customer': () => go('customers'), 'Draft invoices': () => go('billing'), 'Set a budget': () => go('budgets'), 'Add a price': () => go('prices'), 'Make a token': () => go('settings')} : {}),
});
/* Search over customers, models, invoices, records and commands. */
function Search({session, onclose}) {
	const [text, type] = useState(''), [at, move] = useState(0), box = useRef(null), own = session.customer;
	const [asked, askFor] = useState('');
	useEffect(() => { const t = setTimeout(() => askFor(text.trim()), 120); return () => clearTimeout(t); }, [text]);
	const {data} = useDoc(asked ? '/v1/search?' + query({q: asked, limit: 6}) : null, false);
	useEffect(() => { const back = document.activeElement; box.current.showModal(); box.current.querySelector('input').focus(); return () => { if (back && back.isConnected) back.focus(); }; }, []);
	const found = useMemo(() => {
		const t = text.trim().toLowerCase(), has = s => s && s.toLowerCase().includes(t), list = [];
		const add = (kind, name, run, most) => { if (has(name) && list.filter(x => x.kind === kind).length < most) list.push({kind, name, run}); };
		for (const [k, [name]] of Object.entries(own ? ownViews : allViews)) add('Go to', name, () => go(k), 12);
		for (const [k, [name]] of Object.entries(ranges)) if (t) add('Range', name, () => change({range: k, since: '', until: ''}), 8);
		for (const [name, run] of Object.entries(commands(session))) if (t) add('Do', name, run, 9);
		if (t && data && data.q === asked) {
			for (const c of own ? [] : data.customers) list.push({kind: 'Customer', name: c.name, run: () => go('customers', c.name)});
			for (const m of data.models) list.push({kind: 'Model', name: m.name, run: () => go('usage', '', {model: m.name})});
			for (const p of data.projects) list.push({kind: 'Project', name: p.name + (p.customer && !own ? ' of ' + p.customer : ''), run: () => go('usage', '', {project: p.name})});
			for (const i of data.invoices) list.push({kind: 'Invoice', name: `${i.name} ${own ? '' : i.customer} ${i.status}`, run: () => own ? window.open(invoiceUrl({number: i.name}, 'html'), '_blank', 'noopener') : go('billing', i.name)});
			for (const r of data.records || []) list.push({kind: 'Record', name: r.name, run: () => go('records', '', {id: r.name})});
		}
		return list;
	}, [text, data, asked]);
	const pick = f => { onclose(); f.run(); };
	const key = e => {
		if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); move(Math.max(0, Math.min(found.length - 1, at + (e.key === 'ArrowDown' ? 1 : -1)))); }
		/* the browser would first empty the field */
		if (e.key === 'Escape') { e.preventDefault(); onclose(); }
		if (e.key === 'Enter' && found[at]) { e.preventDefault(); pick(found[at]); }
	};
	return html`<dialog class="search modal" ref=${box} aria-label="Search" onClose=${onclose} onClick=${e => { if (e.target === box.current) onclose(); }}><input type="search" role="combobox" aria-expanded="true" aria-controls="found" aria-activedescendant=${found[at] ? 'found' + at : undefined} aria-label="Search" placeholder="Customers, models, invoices, records, commands" value=${text} onInput=${e => { type(e.target.value); move(0); }} onKeyDown=${key} />
		<ul id="found" role="listbox" aria-label="Found">${found.map((f, i) => html`<li key=${f.kind + f.name} id=${'found' + i} role="option" aria-selected=${i === at} onClick=${() => pick(f)}><span class="soft">${f.kind}</span> <span class="name">${short(f.name, 60)}</span></li>`)}</ul></dialog>`;
}
function SignIn({onsigned}) {
	return html`<main id="main" class="alone" tabindex="-1"><div class="brand"><i />Tallystick</div><h1>Sign in</h1><${Sheet}><${Act} label="Sign in" run=${async f => { await ask('/session', {method: 'POST', body: f.token.trim()}); await onsigned(); return ''; }}><${Field} label="Token" hint=${html`<code>tally token NAME --scope read,admin</code> makes one`} wide><input name="token" type="password" autocomplete="current-password" required /><//><//><//></main>`;
}
class Guard extends preact.Component {
	constructor() { super(); this.state = {}; }
	componentDidCatch(fault) { console.error(fault); this.setState({fault}); }
	componentDidUpdate(before) { if (before.at !== this.props.at && this.state.fault) this.setState({fault: null}); }
	render() { return this.state.fault ? html`<${Failed} error=${this.state.fault} /><button type="button" onClick=${() => this.setState({fault: null})}>Try again</button>` : this.props.children; }
}
function App() {
	const [session, signed] = useState(null), [address, moved] = useState(readAddress), [live, setLive] = useState({}), [searching, search] = useState(false), [more, showMore] = useState(false), [fault, setFault] = useState(null);
	const began = useRef(0);
	const begin = async () => { try { const s = await ask('/session'); docs.clear(); signed(s); setFault(null); } catch (e) { setFault(e); } };
	useLayoutEffect(() => {
		begin();
		/* the address says the zone, too: a link shows the same to another */
		const go = () => { const a = readAddress(); if (!a.set.z) { a.set.z = ownZone; history.replaceState(null, '', addressOf(a.view, a.item, a.set)); } moved(a); showMore(false); search(false); };
		go();
		addEventListener('hashchange', go);
		addEventListener('popstate', go);
		return () => { removeEventListener('hashchange', go); removeEventListener('popstate', go); };
	}, []);
	onUnauthorized = () => { if (session && session.needs_token && session.signed_in) signed({...session, signed_in: false}); };
	/* the stream says that rows were stored; what is shown is asked for again at its own pace */
	useEffect(() => {
		if (!session || !session.signed_in) return undefined;
		/* the stream is of all customers; one of them looks every ten seconds */
		if (session.customer) { const t = setInterval(touched, 1e4); return () => clearInterval(t); }
		const stream = new EventSource('/v1/live');
		let last = null;
		stream.onmessage = e => {
			const now = {at: Date.now(), ...JSON.parse(e.data)};
			if (last && (now.rows !== last.rows || now.quarantined !== last.quarantined)) touched();
			const seconds = last ? (now.at - last.at) / 1000 : 0, rate = seconds > 0.2 ? Math.round(Math.max(0, now.rows - last.rows) / seconds) : 0;
			last = now;
			setLive({on: true, rows: now.rows, rate});
		};
		stream.onerror = () => setLive({on: false});
		return () => stream.close();
	}, [session && session.signed_in, session && session.customer]);
	useEffect(() => {
		let g = 0;
		const key = e => {
			const typing = e.target.closest && e.target.closest('input,textarea,select');
			if ((e.key === 'k' && (e.ctrlKey || e.metaKey)) || (e.key === '/' && !typing)) { e.preventDefault(); search(true); return; }
			if (typing || e.ctrlKey || e.metaKey || e.altKey) return;
			if (e.key === 'g') { g = Date.now(); return; }
			const to = {u: 'usage', r: 'records', c: 'customers', b: 'billing', d: 'budgets', p: 'prices', w: 'whatif', l: 'planner', h: 'health', s: 'settings'}[e.key];
			if (to && Date.now() - g < 1200) { g = 0; go(to); }
		};
		addEventListener('keydown', key);
		return () => removeEventListener('keydown', key);
	}, []);
	const brand = html`<a class="brand" href=${linkTo('usage')}><i />Tallystick</a>`;
	const views = session && session.customer ? ownViews : allViews, view = views[address.view] ? address.view : 'usage', entry = views[view];
	useEffect(() => {
		document.title = session && !session.signed_in ? 'Sign in – Tallystick' : `${address.item && view !== 'usage' ? short(address.item, 30) + ' – ' : ''}${entry[0]} – Tallystick`;
		if (began.current++ > 1) { const m = document.getElementById('main'); if (m && !m.contains(document.activeElement) && !document.activeElement.closest('.bar-top,.rail')) m.focus({preventScroll: true}); if (m) scrollTo(0, 0); }
	}, [view, address.item && view === 'customers' ? address.item : '', session && session.signed_in]);
	if (!session) return html`<header class="rail">${brand}</header><main id="main" tabindex="-1">${fault ? html`<${Failed} error=${fault} /><button type="button" onClick=${begin}>Try again</button>` : html`<${Loading} />`}</main>`;
	if (!session.signed_in) return html`<${SignIn} onsigned=${begin} />`;
	const set = address.set, scope = scopeOf(set), names = Object.keys(views), front = names.slice(0, names.length > 5 ? 4 : 5), rest = names.slice(front.length);
	const signOut = async () => { await ask('/session', {method: 'POST'}); await begin(); };
	const link = k => html`<a key=${k} title=${views[k][0]} href=${linkTo(k)} aria-current=${k === view ? 'page' : undefined}><${Icon} name=${k === 'account' ? 'credits' : k} /><span>${views[k][0]}</span></a>`;
	const View = entry[1];
	return html`<a class="skip" href="#main" onClick=${e => { e.preventDefault(); document.getElementById('main').focus(); }}>Skip to the content</a>
		<header class="rail">${brand}<nav aria-label="Views">${names.map(k => html`<span key=${k} class=${front.includes(k) ? '' : 'not-phone'}>${link(k)}</span>`)}${rest.length ? html`<span class="phone-only"><button type="button" aria-expanded=${more} onClick=${() => showMore(!more)}><${Icon} name="more" /><span>More</span></button></span>` : null}</nav>
			${more ? html`<div class="more-views phone-only">${rest.map(link)}</div>` : null}
			<div class="foot not-phone"><p class=${'live' + (live.on ? ' on' : '')} role="status">${session.customer ? html`<span class="name">${short(session.customer, 24)}</span>` : live.on ? html`live, ${many(live.rows, 'row')}${live.rate ? `, ${count(live.rate)}/s` : ''}` : 'not connected'}</p>${session.needs_token ? html`<button type="button" onClick=${signOut}>Sign out</button>` : null}</div></header>
		<div class="bar-top" role="region" aria-label="Range, filters and search">${ranged.includes(view) ? html`<${RangeMenu} set=${set} scope=${scope} />` : null}
			${compared.includes(view) && scope.before ? html`<button type="button" class="toggle" aria-pressed=${set.cmp !== '0'} onClick=${() => change({cmp: set.cmp === '0' ? '' : '0'})}>Compare<span class="wide-only"> with the period before</span></button>` : null}
			${filtered.includes(view) && !session.customer ? html`<${FilterMenu} scope=${scope} />` : null}${filtered.includes(view) ? html`<${Chips} scope=${scope} set=${set} />` : null}
			<span class="space" /><a class="zone soft wide-only" href=${linkTo('settings')} title="Time zone">${scope.zone}</a><button type="button" class="find" aria-label="Search" onClick=${() => search(true)}><${Icon} name="search" /><span class="wide-only">Search <kbd>Ctrl K</kbd></span></button></div>
		<main id="main" tabindex="-1">${ranged.includes(view) ? html`<p class="print-only soft">${[scope.name, scope.from && `${scope.from} to ${addDays(scope.to || addDays(scope.today, 1), -1)}`, scope.zone, ...Object.entries(scope.filters).map(([k, v]) => `${k} ${v ? short(v, 60) : 'none'}`)].filter(Boolean).join(', ')}</p>` : null}<${Guard} at=${location.hash}><${View} key=${view} set=${set} item=${address.item} session=${session} signOut=${signOut} /><//></main>
		${searching ? html`<${Search} session=${session} onclose=${() => search(false)} />` : null}`;
}
render(html`<${App} />`, document.getElementById('app'));
