/* What a customer is sold: the account's plan and rules, subscriptions, and the terms of its invoices from a day on. */

const setAccount = async (name, settings, words) => { await post('/v1/accounts', {...settings, customer: name}); reload(); return words; };
const periods = [['5h', '5 hours of the day'], ['day', 'day'], ['week', 'week'], ['month', 'month'], ['quarter', 'quarter'], ['year', 'year'], ['rolling 5h', '5 hours up to now'], ['rolling 30d', '30 days up to now'], ['ever', 'in all']];
const perPeriod = p => p === 'ever' ? 'in all' : p.startsWith('rolling') ? `in the last ${p.slice(8)}` : `each ${p}`;
/* The customer stays as it is when a plan is of a file of its own. */
function PlanField({plan}) {
	const {data} = useDoc('/v1/plans', false), names = data ? data.plans.map(p => [p.plan, p.plan]) : [];
	return html`<${Field} label="Plan"><${Select} name="plan" options=${plan ? [['', `${plan}, as it is`], ...names.filter(([n]) => n !== plan)] : names} /><//>`;
}
const overages = [['refuse', 'calls are refused'], ['limit', 'up to a limit'], ['debt', 'always admitted, repaid later']];
function ChangeAccount({name, account: a}) {
	const yes = a.byo ? 'yes' : 'no';
	return html`<${Fold} title="Change plan and rules"><${Act} label="Change" run=${f => {
		const set = given(f);
		if (set.overage === a.overage) delete set.overage;
		if (set.byo === yes) delete set.byo;
		if (set.billing_day === String(a.billing_day)) delete set.billing_day;
		if (set.burn_order === a.burn_order) delete set.burn_order;
		if (set.timezone === a.timezone) delete set.timezone;
		if (set.from && !set.plan) throw new Error('A day belongs to another plan: choose one.');
		if (!Object.keys(set).length) throw new Error('Nothing is changed.');
		return setAccount(name, set, 'Changed.');
	}}><${PlanField} plan=${a.plan} /><${Field} label="Another plan from" hint="empty: all usage that has not drawn"><input name="from" type="date" /><//>
		<${Field} label="When credits run out"><${Select} name="overage" value=${a.overage} options=${overages} /><//><${Field} label="Limit below zero"><input name="overage_limit" inputmode="decimal" placeholder=${rounded(a.overage_limit || 0)} /><//>
		<${Field} label="Warn below"><input name="low_balance" inputmode="decimal" placeholder=${a.low_balance ? rounded(a.low_balance) : 'never'} /><//><${Field} label="Own keys"><${Select} name="byo" value=${yes} options=${[['no', 'no'], ['yes', 'yes: draws no credits']]} /><//>
		<${Field} label="Billing day"><input name="billing_day" inputmode="numeric" defaultValue=${String(a.billing_day)} /><//><${Field} label="Time zone of its months"><input name="timezone" defaultValue=${a.timezone} /><//>
		<${Field} label="Grants are used by" wide><input name="burn_order" defaultValue=${a.burn_order} /><//><//><//>`;
}
function OpenAccount({name}) {
	return html`<${Act} label="Open the account" run=${f => setAccount(name, given(f), 'Opened.')}><${PlanField} /><${Field} label="Usage draws from" hint="empty: from now on"><input name="since" type="date" /><//><${Field} label="Time zone of its months"><input name="timezone" placeholder="UTC" /><//><${Field} label="When credits run out"><${Select} name="overage" options=${overages} /><//><//>`;
}

/* --- subscriptions --- */

const offerName = o => `${o.title} (${money(o.price, o.currency)}${o.every ? ' each ' + o.every : ''})`;
/* An offer goes on under its own name, or with a day behind it when it came back. */
const offerOf = rule => rule.replace(/ from \d{4}-\d\d-\d\d$/, '');
function Subscriptions({name, all, session}) {
	const {data} = useDoc(session.admin ? '/v1/offers' : null, false), offers = data ? data.offers : [], rules = (all && all.recurring) || [];
	const going = rules.filter(r => !r.until || Date.parse(r.until) > Date.now()), sold = going.filter(r => offers.some(o => o.offer === offerOf(r.rule)));
	if (!session.admin && !rules.length) return null;
	return html`<${Sheet} title="Subscriptions and recurring grants">${rules.length ? html`<${Table} label="Recurring" rows=${rules} rowKey=${r => r.rule} columns=${[{key: 'r', name: 'Name', cell: r => html`<span class="name">${r.rule}</span>`}, {key: 'a', name: 'Credits', n: true, cell: r => rounded(r.amount)}, {key: 'e', name: 'Every', cell: r => r.every}, {key: 'l', name: 'Last', cell: r => r.lasts || 'until the next'}, {key: 'o', name: 'Carried over', n: true, cell: r => rounded(r.rollover)}, {key: 'n', name: 'Next', cell: r => going.includes(r) ? (r.next || '').slice(0, 10) : html`<span class="soft">ended</span>`}, {key: 'u', name: 'Ends', cell: r => r.until ? r.until.slice(0, 10) : 'no end'}]} />` : html`<p class="soft">None.</p>`}
		${session.admin && offers.length ? html`<${Fold} title="Subscribe to an offer" open=${!rules.length && !(all && all.account)}><${Act} label="Subscribe" run=${posts('/v1/subscriptions', 'Subscribed.', {customer: name})}><${Field} label="Offer"><${Select} name="offer" options=${offers.map(o => [o.offer, offerName(o)])} /><//><${Field} label="From" hint="empty: now"><input name="from" type="date" /><//><${Field} label="How many"><input name="quantity" inputmode="numeric" defaultValue="1" /><//>${sold.length ? html`<${Field} label="In the place of"><${Select} name="switch" options=${[['', 'none'], ...sold.map(r => [offerOf(r.rule), r.rule])]} /><//>` : null}<//><//>
			${sold.length ? html`<${Fold} title="End a subscription"><${Act} label="End" tone="danger" sure="It grants nothing from that day on; what it granted for later days and is unused is void." run=${posts('/v1/subscriptions', 'It ends.', {customer: name})}><${Field} label="Subscription"><${Select} name="offer" options=${sold.map(r => [offerOf(r.rule), r.rule])} /><//><${Field} label="On"><input name="end" type="date" required /><//><//><//>` : null}` : null}<//>`;
}

/* --- terms --- */

/* Numbers keep their digits. */
const parseTerms = text => { try { return JSON.parse(text || '{}', (k, v, c) => typeof v === 'number' && c && c.source && String(v) !== c.source ? c.source : v); } catch { return {}; } };
const versionsOf = terms => terms.versions || [{terms}];
const joinVersions = list => list.length === 1 && !list[0].from ? list[0].terms : {versions: list};
function termsInWords(t) {
	const list = [t.currency && t.currency !== 'credits' ? `in ${t.currency}` : 'in credits'];
	if (t.prices && t.prices.length) list.push(many(t.prices.length, 'negotiated price'));
	for (const x of t.taxes || []) list.push(`${x.name} ${x.percent} %`);
	for (const m of t.markup || []) list.push(`${m.model || m.provider || 'all'} ${Number(m.percent) < 0 ? '' : '+'}${m.percent} %`);
	if (t.discount_percent) list.push(`discount ${t.discount_percent} %`);
	for (const i of t.items || []) list.push(`${i.description} ${i.amount}`);
	if (t.minimum) list.push(`at least ${typeof t.minimum === 'object' ? t.minimum.amount : t.minimum}`);
	if (t.maximum) list.push(`at most ${typeof t.maximum === 'object' ? t.maximum.amount : t.maximum}`);
	if (t.due_days !== undefined) list.push(`due in ${t.due_days} days`);
	return list.join(', ');
}
const buckets = ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'];
/* Rows of a list of the terms, each with the same fields; an empty row is none. */
function Rows({name, one, of, list, set}) {
	const edit = (i, k, v) => set(list.map((r, n) => n === i ? {...r, [k]: v} : r));
	return html`<fieldset class="rows"><legend>${name}</legend>${list.map((r, i) => html`<div class="row" key=${i}>${of.map(([k, label, hint]) => html`<${Field} key=${k} label=${label}><input value=${r[k] ?? ''} placeholder=${hint} onInput=${e => edit(i, k, e.target.value)} /><//>`)}<button type="button" class="icon-only" aria-label=${`Remove ${one} ${i + 1}`} onClick=${() => set(list.filter((x, n) => n !== i))}><${Icon} name="close" /></button></div>`)}<button type="button" onClick=${() => set([...list, {}])}>Add ${one}</button></fieldset>`;
}
const lines = text => text.split('\n').map(l => l.trim()).filter(Boolean);
/* The fields of a form over the terms they were read from: what they do not know stays as it is. */
function formOf(t) {
	const party = t.customer || {};
	return {currency: t.currency || '', discount_percent: t.discount_percent ?? '', minimum: typeof t.minimum === 'object' ? null : t.minimum ?? '', due_days: t.due_days ?? '', language: t.language || '', name: party.name || '', address: (party.address || []).join('\n'), country: party.country || '', tax_id: party.tax_id || '', email: party.email || '', payment: Array.isArray(t.payment) ? t.payment.join('\n') : t.payment || '',
		taxes: t.taxes || [], markup: t.markup || [], prices: (t.prices || []).map(p => ({model: p.model, provider: p.provider, ...p.rates})), reverse_charge: Boolean(t.reverse_charge)};
}
function termsOf(form, before) {
	const t = {...before}, put = (k, v, empty) => { if (empty) delete t[k]; else t[k] = v; };
	for (const k of ['currency', 'discount_percent', 'language']) put(k, form[k], form[k] === '');
	if (form.minimum !== null) put('minimum', form.minimum, form.minimum === '');
	put('due_days', /^\d+$/.test(form.due_days) ? Number(form.due_days) : form.due_days, form.due_days === '');
	const party = {...before.customer};
	for (const k of ['name', 'country', 'tax_id', 'email']) if (form[k]) party[k] = form[k]; else delete party[k];
	if (form.address.trim()) party.address = lines(form.address); else delete party.address;
	put('customer', party, !Object.keys(party).length);
	put('payment', lines(form.payment), !form.payment.trim());
	put('reverse_charge', true, !form.reverse_charge);
	const filled = list => list.map(r => Object.fromEntries(Object.entries(r).filter(([, v]) => v !== '' && v !== undefined))).filter(r => Object.keys(r).length);
	put('taxes', filled(form.taxes), !filled(form.taxes).length);
	put('markup', filled(form.markup), !filled(form.markup).length);
	const prices = filled(form.prices).map(({model, provider, ...rates}) => ({...(model ? {model} : {}), ...(provider ? {provider} : {}), rates}));
	put('prices', prices, !prices.length);
	return t;
}
/* Terms are checked by the server as they are written; nothing holds before they are saved. */
function useCheck(terms) {
	const [said, say] = useState({}), text = JSON.stringify(terms);
	useEffect(() => {
		let gone = false;
		const t = setTimeout(() => ask('/v1/rules/check', {method: 'POST', body: text}).then(d => !gone && say({text, good: d.good, error: d.good ? null : new Error(d.faults.join('; '))}), error => !gone && say({text, error})), 300);
		return () => { gone = true; clearTimeout(t); };
	}, [text]);
	return said.text === text ? said : {};
}
function TermsEditor({name, versions, at, onclose}) {
	const old = at === null ? null : versions[at], base = old ? old.terms : versions.length ? versions[versions.length - 1].terms : {};
	const [form, set] = useState(() => formOf(base)), [from, setFrom] = useState(old ? old.from || '' : addMonths(dayOf(Date.now(), 'UTC'), 1)), [raw, write] = useState(null);
	const bad = raw !== null && (() => { try { JSON.parse(raw); return null; } catch (e) { return e.message; } })();
	const terms = raw !== null ? bad ? {} : parseTerms(raw) : termsOf(form, base);
	const list = [...versions.filter((v, i) => i !== at), from ? {from, terms} : {terms}].sort((a, b) => (a.from || '') < (b.from || '') ? -1 : 1), whole = joinVersions(list), check = useCheck(whole);
	const twice = list.filter(v => (v.from || '') === from).length > 1;
	const f = (k, label, more) => html`<${Field} label=${label} hint=${more && more.hint}><input value=${form[k]} ...${more} hint=${undefined} onInput=${e => set({...form, [k]: e.target.value})} /><//>`;
	const area = (k, label) => html`<${Field} label=${label}><textarea rows="3" value=${form[k]} onInput=${e => set({...form, [k]: e.target.value})} /><//>`;
	return html`<div class="editor"><h3>${old ? 'Change these terms' : 'New terms'}</h3><div class="row"><${Field} label="From the period of" hint="empty: from the beginning"><input type="date" value=${from} onInput=${e => setFrom(e.target.value)} /><//></div>
		${raw !== null ? html`<${Field} label="Terms as JSON" wide><textarea class="code" rows="16" spellcheck="false" value=${raw} onInput=${e => write(e.target.value)} /><//>` : html`<div class="row">${f('currency', 'Invoiced in', {placeholder: 'credits', hint: 'credits, or USD, EUR, ...'})}${f('due_days', 'Due in days', {inputmode: 'numeric'})}${f('discount_percent', 'Discount, percent', {inputmode: 'decimal'})}${form.minimum === null ? null : f('minimum', 'At least', {inputmode: 'decimal'})}<${Field} label="Language"><${Select} value=${form.language} options=${[['', 'English'], ['de', 'Deutsch'], ['zh', '中文'], ['ja', '日本語']]} onChange=${e => set({...form, language: e.target.value})} /><//></div>
		<${Rows} name="Taxes" one="a tax" of=${[['name', 'Name', 'VAT'], ['percent', 'Percent', '19']]} list=${form.taxes} set=${taxes => set({...form, taxes})} />
		<${Rows} name="Negotiated prices, for a million tokens" one="a price" of=${[['model', 'Model', 'any'], ['provider', 'Provider', 'any'], ...buckets.map(b => [b, b.replaceAll('_', ' '), ''])]} list=${form.prices} set=${prices => set({...form, prices})} />
		<${Rows} name="Markup on list prices; below 0 it is a discount" one="a markup" of=${[['model', 'Model', 'all'], ['provider', 'Provider', 'all'], ['percent', 'Percent', '10']]} list=${form.markup} set=${markup => set({...form, markup})} />
		<fieldset class="rows"><legend>On the invoice</legend><div class="row">${f('name', 'Name')}${f('country', 'Country')}${f('tax_id', 'Tax id')}${f('email', 'Email')}${area('address', 'Address')}${area('payment', 'How to pay')}<label class="check"><input type="checkbox" checked=${form.reverse_charge} onChange=${e => set({...form, reverse_charge: e.target.checked})} /> reverse charge</label></div></fieldset>`}
		<p class=${check.error || bad || twice ? 'fault' : 'soft'} role="status">${bad || (twice ? 'Other terms begin on that day.' : check.error ? check.error.message : check.good ? `Good: ${termsInWords(terms)}` : 'Checking')}</p>
		<div class="row">${check.good && !bad && !twice ? html`<${Act} inline label="Save these terms" sure=${`Periods from ${from || 'the beginning'} on go by them. What final invoices charged stays, and the next one shows the difference.`} run=${async () => { const said = await setAccount(name, {terms: whole}, 'Saved.'); onclose(); return said; }} />` : html`<button type="button" class="main" disabled>Save these terms</button>`}
			<button type="button" onClick=${() => write(raw === null ? JSON.stringify(terms, null, 2) : null)} disabled=${Boolean(bad)}>${raw === null ? 'As JSON' : 'As a form'}</button><button type="button" onClick=${onclose}>Cancel</button></div></div>`;
}
function Terms({name, account, session}) {
	const terms = useMemo(() => parseTerms(account.terms), [account.terms]), versions = versionsOf(terms), [at, edit] = useState(undefined), today = dayOf(Date.now(), 'UTC');
	const now = versions.reduce((n, v, i) => !v.from || v.from <= today ? i : n, 0);
	return html`<${Sheet} title="Terms of its invoices" aside=${session.admin && at === undefined ? html`<button type="button" onClick=${() => edit(null)}>New terms from a day on</button>` : null}>
		<${Table} label="Terms" rows=${versions} rowKey=${v => v.from || ''} onpick=${session.admin && at === undefined ? v => edit(versions.indexOf(v)) : null} columns=${[{key: 'f', name: 'From', tight: true, cell: v => v.from || 'the beginning'}, {key: 's', name: 'State', tight: true, cell: v => versions.indexOf(v) === now ? html`<${Tag} tone="good">holds<//>` : (v.from || '') > today ? html`<${Tag} tone="info">to come<//>` : html`<${Tag}>before<//>`}, {key: 'w', name: 'What', cell: v => termsInWords(v.terms)}]} />
		${at === undefined ? null : html`<${TermsEditor} key=${String(at)} name=${name} versions=${versions} at=${at} onclose=${() => edit(undefined)} />`}
		${account.terms && account.terms !== '{}' ? html`<details><summary>As they are stored</summary><pre>${account.terms}</pre></details>` : null}<//>`;
}
