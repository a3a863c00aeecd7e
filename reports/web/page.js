/* The page of `tally serve`: what is spent now, by whom and on what, credits, invoices, what-ifs. Everything shown comes from the server's own
   documents; values only ever become text nodes. The view and its settings stand in the address, so that a link carries them. */
'use strict';
(() => {
	const {element: el, amount, rounded, count, percent, cell, figure, money, table, sheet, chart, axis, colour, clear} = tally;
	const main = document.getElementById('main'), live = document.getElementById('live'), dialog = document.getElementById('dialog');
	let session = {}, refresh = null, last = {};

	/* --- asking the server --- */
	async function ask(path, options) {
		let response;
		try {
			response = await fetch(path, options);
		} catch {
			throw new Error('The server does not answer. Is it still running?');
		}
		const text = await response.text();
		let body = null;
		try { body = JSON.parse(text); } catch { /* no JSON */ }
		if (response.status === 401 && session.needs_token && session.signed_in) { session.signed_in = false; show(); }
		if (!response.ok) throw new Error(body && body.error ? body.error.message : `${response.status} ${response.statusText}`);
		return body;
	}
	const post = (path, settings) => ask(path, {method: 'POST', body: JSON.stringify(settings)});
	const query = o => { const p = new URLSearchParams(); for (const [k, v] of Object.entries(o)) if (v) p.set(k, v); return p.toString(); };

	/* --- the address: #view?settings --- */
	function where() {
		const [view, rest] = location.hash.slice(1).split('?');
		return {view: view || 'overview', settings: Object.fromEntries(new URLSearchParams(rest || ''))};
	}
	function go(view, settings = {}) { const q = query(settings); location.hash = view + (q ? '?' + q : ''); }

	/* --- pieces --- */
	const error = e => el('p', {class: 'error', role: 'alert'}, e.message || String(e));
	function field(label, input) { return el('label', {}, label, input); }
	function input(name, value = '', options = {}) { return el('input', Object.assign({name, value}, options)); }
	function select(name, values, chosen) {
		const s = el('select', {name}, ...values.map(([v, text]) => el('option', {value: v}, text)));
		s.value = chosen;
		return s;
	}
	function form(onsubmit, ...children) {
		return el('form', {class: 'row', onsubmit: e => { e.preventDefault(); onsubmit(Object.fromEntries(new FormData(e.target)), e.target); }}, ...children);
	}
	const button = (text, onclick, options = {}) => el('button', Object.assign({type: 'button', onclick}, options), text);
	/* runs an action once at a time and says how it went */
	function act(place, run) {
		return async (...args) => {
			const buttons = main.querySelectorAll('button');
			for (const b of buttons) b.disabled = true;
			place.replaceChildren(el('p', {class: 'soft', role: 'status'}, 'Working'));
			try { place.replaceChildren(el('p', {class: 'notice', role: 'status'}, await run(...args))); } catch (e) { place.replaceChildren(error(e)); }
			for (const b of buttons) b.disabled = false;
		};
	}
	function open(title, ...children) {
		dialog.replaceChildren(el('div', {class: 'top'}, el('h2', {id: 'dialog-title'}, title), button('Close', () => dialog.close())), ...children);
		if (!dialog.open) dialog.showModal();
	}
	const time = t => t ? t.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC') : '';
	const day = (offset = 0) => new Date(Date.now() + offset * 864e5).toISOString().slice(0, 10);
	const month = offset => { const d = new Date(); return new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + offset, 1)).toISOString().slice(0, 10); };
	const periods = {
		today: ['Today', () => ({since: day(), until: day(1)})],
		week: ['Last 7 days', () => ({since: day(-6), until: day(1)})],
		month: ['This month', () => ({since: month(0), until: month(1)})],
		'last-month': ['Last month', () => ({since: month(-1), until: month(0)})],
		quarter: ['Last 90 days', () => ({since: day(-89), until: day(1)})],
		all: ['Everything', () => ({})],
	};
	const own = {};
	function periodOf(settings) {
		if (settings.since || settings.until) return {since: settings.since, until: settings.until};
		return (periods[settings.period] || periods[own.period || 'month'])[1]();
	}
	function periodSelect(settings, view) {
		const chosen = settings.since || settings.until ? 'own' : settings.period || own.period || 'month';
		const list = Object.entries(periods).map(([k, v]) => [k, v[0]]);
		if (chosen === 'own') list.push(['own', `${settings.since || 'the beginning'} to ${settings.until || 'now'}`]);
		const s = select('period', list, chosen);
		s.addEventListener('change', () => { const rest = Object.assign({}, settings, {period: s.value}); delete rest.since; delete rest.until; go(view, rest); });
		return field('Period', s);
	}
	const tokensOf = g => ['input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'].reduce((n, k) => n + g.tokens[k], 0);
	function hitShare(t) {
		const prompt = t.input + t.cache_read + t.cache_write_5m + t.cache_write_1h;
		return prompt ? percent(t.cache_read / prompt) : '–';
	}
	const card = (title, value, hint) => el('div', {class: 'card', title: hint}, el('span', {}, title), el('b', {}, value));

	/* --- overview --- */
	function untilText(t) {
		if (!t) return 'no change is known';
		const minutes = Math.round((new Date(t) - Date.now()) / 6e4);
		return minutes < 60 ? `for ${minutes} min` : minutes < 2880 ? `for ${Math.floor(minutes / 60)} h ${minutes % 60} min` : `until ${t.slice(0, 10)}`;
	}
	function barChart(title, groups, key, currency, onpick) {
		const top = [...groups].sort((a, b) => Number(b.total) - Number(a.total)).slice(0, 12);
		const label = g => g[key] || '(none)';
		const box = sheet(title, groups.length ? chart(`${title}: ` + top.map(g => `${label(g)} ${amount(g.total, currency)}`).join(', '), {type: 'bar',
			data: {labels: top.map(label), datasets: [{label: 'cost', data: top.map(g => Number(g.total)), backgroundColor: top.map((g, i) => colour(i)), maxBarThickness: 30}]},
			options: {indexAxis: 'y', scales: {x: axis(currency)}, plugins: {legend: {display: false}}, onClick: (e, hit) => hit.length && onpick(top[hit[0].index])}})
			: el('p', {class: 'soft'}, 'Nothing in this period.'));
		if (groups.length) box.append(el('details', {}, el('summary', {}, 'As a table'), table(title, [key, {n: 'Records'}, {n: 'Cost'}],
			groups.map(g => el('tr', {}, cell(button(label(g), () => onpick(g), {class: 'plain'})), figure(count(g.records)), money(g.total, currency))))));
		return box;
	}
	async function overview(settings) {
		const period = periodOf(settings);
		const [by, customers, projects, today] = await Promise.all([
			ask('/v1/usage?' + query({by: 'day,model', ...period})), ask('/v1/usage?' + query({by: 'customer', ...period})),
			ask('/v1/usage?' + query({by: 'project', ...period})), ask('/v1/usage?' + query(periods.today[1]()))]);
		const currency = by.currency, pick = extra => go('records', Object.assign({}, period, extra));
		const models = new Map();
		for (const g of by.groups) {
			const m = models.get(g.model) || {model: g.model, records: 0, total: 0};
			m.records += g.records;
			m.total += Number(g.total);
			models.set(g.model, m);
		}
		const ranked = [...models.values()].sort((a, b) => b.total - a.total);
		const days = [...new Set(by.groups.map(g => g.day))].sort();
		const cards = el('div', {class: 'cards'},
			card('Spent in the period', (by.unpriced ? '≥ ' : '') + amount(by.total, currency), by.total + ' ' + currency),
			card('Today', amount(today.total, currency), today.total + ' ' + currency),
			card('Projected, this month', '…'), card('Calls', count(by.requests)), card('Cache hits', hitShare(by.tokens)),
			card('Without a price', count(by.unpriced)), card('Quarantined', count(by.quarantined)), card('Tariff now', '…'), card('Credits left', '…'));
		ask('/v1/balance').then(d => {
			const uncovered = d.accounts.reduce((n, a) => n + a.records_uncovered, 0);
			cards.children[8].replaceWith(card(`Credits left, ${count(d.accounts.length)} accounts`, (uncovered ? '≤ ' : '') + rounded(String(d.accounts.reduce((n, a) => n + Number(a.available), 0))), d.accounts.slice(0, 20).map(a => `${a.customer}: ${a.available}`).join('\n')));
			if (uncovered) cards.append(card('Not covered by a plan', count(uncovered), d.accounts.filter(a => a.records_uncovered).map(a => `${a.customer}: ${a.records_uncovered}`).join('\n')));
		})
			.catch(e => cards.children[8].replaceWith(card('Credits left', '–', e.message)));
		clear(main);
		main.append(el('div', {class: 'top'}, el('h1', {}, 'Overview'), periodSelect(settings, 'overview')), cards);
		if (!by.records && !settings.period) main.append(sheet('Nothing was metered in this period', el('p', {}, 'Choose another period above, or send records: POST /v1/usage, or '),
			el('p', {class: 'raw'}, 'tally ingest ~/.claude/projects --db FILE')));
		const perDay = new Map(by.groups.map(g => [g.day + '\n' + g.model, Number(g.total)]));
		main.append(el('div', {class: 'grid'},
			sheet('Cost by day', days.length ? chart('Cost by day and model', {type: 'bar', data: {labels: days, datasets: ranked.slice(0, 8).map((m, i) => ({label: m.model, backgroundColor: colour(i),
				data: days.map(d => perDay.get(d + '\n' + m.model) || 0)}))}, options: {scales: {x: {stacked: true}, y: axis(currency, {stacked: true})}, interaction: {mode: 'index', intersect: false},
				onClick: (e, hit) => hit.length && go('records', {since: days[hit[0].index], until: new Date(Date.parse(days[hit[0].index]) + 864e5).toISOString().slice(0, 10)})}}) : el('p', {class: 'soft'}, 'Nothing in this period.')),
			barChart('Cost by model', ranked.map(m => Object.assign({}, m, {total: String(m.total)})), 'model', currency, m => pick({model: m.model})),
			barChart('Cost by customer', customers.groups, 'customer', currency, g => pick({customer: g.customer})),
			barChart('Cost by project', projects.groups, 'project', currency, g => pick({project: g.project})),
			sheet('Tokens', table('by bucket', ['Bucket', {n: 'Tokens'}], Object.entries(by.tokens).map(([k, v]) => el('tr', {}, cell(k.replaceAll('_', ' ')), figure(count(v)))))),
			budgetSheet()));
		ask('/v1/forecast').then(f => { const q = f.quantiles; cards.children[2].replaceWith(card('Projected, this month', amount(q['0.5'], f.currency), Object.entries(q).map(([k, v]) => `${k}: ${v}`).join('\n'))); })
			.catch(e => cards.children[2].replaceWith(card('Projected, this month', '–', e.message)));
		const model = ranked.length ? ranked[0].model : 'deepseek-v4-flash';
		ask('/v1/tariff?' + query({model})).then(t => cards.children[7].replaceWith(card(`Tariff now, ${model}`, `${t.price.window}, ${untilText(t.price.until)}`, t.price.source)))
			.catch(e => cards.children[7].replaceWith(card(`Tariff now, ${model}`, '–', e.message)));
	}
	function budgetSheet() {
		const box = sheet('Budgets', el('p', {class: 'soft'}, 'Loading'));
		ask('/v1/budgets').then(d => box.replaceChildren(el('h2', {}, 'Budgets'), d.budgets.length ? table('spent of each', ['Budget', 'Period', {n: 'Spent'}, {n: 'Of'}, 'State'], d.budgets.map(b => el('tr', {},
			cell(b.budget), cell(b.period), money(b.spent, b.currency), money(b.amount, b.currency), cell(bar(b.percent))))) : el('p', {class: 'soft'}, 'None. tally budget set makes one.')))
			.catch(e => box.replaceChildren(el('h2', {}, 'Budgets'), error(e)));
		return box;
	}
	function bar(p) {
		const i = el('i');
		i.style.width = Math.min(100, p) + '%';
		return el('div', {}, el('div', {class: 'bar' + (p >= 100 ? ' full' : ''), 'aria-hidden': 'true'}, i), `${p} %`);
	}

	/* --- records, and one record's explanation --- */
	async function records(settings) {
		const filter = Object.assign({limit: '100'}, settings);
		delete filter.period;
		const d = await ask('/v1/records?' + query(Object.assign(filter, periodOf(settings))));
		clear(main);
		main.append(el('h1', {}, 'Records'), sheet('', form(f => go('records', f), field('Since', input('since', settings.since || '', {placeholder: '2026-11-01'})), field('Until', input('until', settings.until || '', {placeholder: '2026-12-01'})),
			field('Customer', input('customer', settings.customer || '')), field('Project', input('project', settings.project || '')), field('Model', input('model', settings.model || '')), el('button', {class: 'main'}, 'Show')),
			d.records.length ? table(`the last ${count(d.records.length)} that fit; choose one for its explanation`, ['Time', 'Record', 'Model', 'Customer', 'Project', {n: 'Prompt'}, {n: 'Output'}, {n: 'Cost'}], d.records.map(r => el('tr', {},
				cell(time(r.time)), cell(button(r.id, () => explain(r.id), {class: 'plain'})), cell(r.model), cell(r.customer || ''), cell(r.project || ''),
				figure(count(r.tokens.input + r.tokens.cache_read + r.tokens.cache_write_5m + r.tokens.cache_write_1h)), figure(count(r.tokens.output)),
				r.total === null ? figure('no price', r.unpriced) : money(r.total, r.currency)))) : el('p', {class: 'soft'}, 'No record fits.')));
	}
	async function explain(id) {
		open(id, el('p', {class: 'soft'}, 'Loading'));
		try {
			const d = await ask('/v1/explain?' + query({id}));
			open(id, el('p', {class: 'soft'}, `State: ${d.state}`), ...d.rows.map(r => {
				const facts = {Kind: r.kind, Time: time(r.time), Model: r.model, Customer: r.customer, Project: r.project, Task: r.task, Source: r.source, Shape: r.shape, Rule: r.rule, 'As the source wrote it': r.raw,
					Price: r.price ? `${r.price.id}, ${r.price.window}` : null, 'No price': r.unpriced, Why: r.why,
					Credits: r.credits ? (r.credits.total === null ? `none: ${r.credits.why}` : `${r.credits.total} (plan ${r.credits.plan})`) : null};
				return el('section', {}, el('dl', {class: 'facts'}, ...Object.entries(facts).filter(([, v]) => v).flatMap(([k, v]) => [el('dt', {}, k), el('dd', {class: k.startsWith('As') ? 'raw' : ''}, String(v))])),
					r.lines ? table('the multiplication', ['Bucket', {n: 'Tokens'}, {n: 'Per million'}, {n: 'Amount'}], [...r.lines.map(l => el('tr', {}, cell(l.bucket.replaceAll('_', ' ')), figure(count(l.tokens)), figure(l.per_million), figure(l.amount))),
						el('tr', {}, cell(el('strong', {}, 'total')), figure(''), figure(''), figure(el('strong', {}, `${r.total} ${r.currency}`)))]) : null);
			}));
		} catch (e) { open(id, error(e)); }
	}

	/* --- credits --- */
	async function credits(settings) {
		const d = await ask('/v1/balance');
		const said = el('div');
		clear(main);
		main.append(el('h1', {}, 'Credits'), sheet('Accounts', d.accounts.length ? table('choose one for its grants and its ledger', ['Customer', 'Plan', {n: 'Available'}, {n: 'Held'}, {n: 'Owed'}, 'State'], d.accounts.map(a => el('tr', {},
			cell(button(a.customer, () => go('credits', {customer: a.customer}), {class: 'plain'})), cell(a.plan), figure(rounded(a.available), a.available), figure(rounded(a.held), a.held), figure(rounded(a.owed), a.owed), cell(a.low ? 'low' : ''))))
			: el('p', {class: 'soft'}, 'No account yet: tally credit subscribe CUSTOMER vm0-pro opens one.'), said));
		const a = d.accounts.find(x => x.customer === settings.customer);
		if (!a) return;
		main.append(sheet(`Grants of ${a.customer}`, table('those that have something left, in the order of use', ['Grant', 'Class', {n: 'Left'}, {n: 'Of'}, 'From', 'Until'], a.grants.map(g => el('tr', {}, cell(g.grant), cell(g.class),
			figure(rounded(g.left), g.left), figure(rounded(g.amount), g.amount), cell(time(g.effective)), cell(g.expires ? time(g.expires) : 'no expiry')))),
			session.admin ? form(act(said, async f => { await post('/v1/grants', Object.assign({customer: a.customer}, f)); show(); return 'Granted.'; }), input('id', 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'), {type: 'hidden'}),
				field('Credits', input('amount', '', {required: '', inputmode: 'decimal'})), field('Class', select('class', [['granted', 'granted'], ['paid', 'paid']], 'granted')), field('Until', input('expires', '', {placeholder: '2027-01-01'})), field('Note', input('note')), el('button', {class: 'main'}, 'Grant')) : null));
		const ledger = await ask('/v1/ledger?' + query({customer: a.customer}));
		main.append(sheet(`Ledger of ${a.customer}`, table('every movement, the last first; the entries of each sum to zero', [{n: 'No.'}, 'At', 'Kind', 'Entries'], ledger.transactions.slice(-200).reverse().map(t => el('tr', {}, figure(t.txn), cell(time(t.at)), cell(t.kind),
			cell(t.entries.map(e => `${e.pot}${e.grant ? ' ' + e.grant : ''} ${e.amount}`).join(', ')))))));
	}

	/* --- invoices --- */
	async function invoices() {
		const d = await ask('/v1/invoices');
		const said = el('div');
		clear(main);
		const link = (i, format, text) => el('a', {href: `/v1/invoices/${encodeURIComponent(i.number || '#' + i.id)}?format=${format}`, target: '_blank', rel: 'noopener'}, text);
		main.append(el('h1', {}, 'Invoices'), sheet('', session.admin ? form(act(said, async f => { await post('/v1/invoices/draft', f); invoices(); return 'Drafted.'; }),
			field('Customer', input('customer', '', {required: ''})), field('Month', input('period', month(-1).slice(0, 7), {required: '', pattern: '\\d{4}-\\d{2}'})), el('button', {class: 'main'}, 'Draft')) : null, said,
			d.invoices.length ? table('a final invoice never changes', ['Invoice', 'Kind', 'Status', 'Customer', 'Period', {n: 'Total'}, 'Show', ''], d.invoices.map(i => el('tr', {}, cell(i.number || '#' + i.id), cell(i.kind), cell(i.status), cell(i.customer),
				cell(`${i.first_day} to ${i.last_day}`), money(i.total, i.currency), cell(el('span', {}, link(i, 'html', 'page'), ' ', link(i, 'pdf', 'PDF'))),
				cell(session.admin && i.status === 'draft' ? button('Finalize', async e => { if (e.target.dataset.sure) await act(said, async () => { await post('/v1/invoices/finalize', {invoice: '#' + i.id}); await invoices(); return 'Final.'; })(); else { e.target.dataset.sure = '1'; e.target.textContent = 'Really? It never changes again'; } }) : ''))))
				: el('p', {class: 'soft'}, 'None yet.')));
	}

	/* --- what-if --- */
	async function whatif(settings) {
		const out = el('div'), said = el('div');
		const file = input('trace', '', {type: 'file'});
		const lines = el('textarea', {name: 'scenarios', 'aria-describedby': 'scenario-hint', spellcheck: 'false'});
		lines.value = settings.scenarios || 'recorded\nflash=deepseek-v4-flash\npro=deepseek-v4-pro\nmix=every:5:deepseek-v4-pro:deepseek-v4-flash';
		const read = f => {
			const s = {scenarios: f.scenarios.split('\n').map(x => x.trim()).filter(Boolean)};
			for (const k of [...(file.files[0] ? [] : ['since', 'until']), 'plan', 'at', 'cache', 'scope', 'budget', 'sensitivity']) if (f[k]) s[k] = f[k];
			return s;
		};
		const send = async (s, html) => {
			const upload = file.files[0];
			return upload ? fetch('/v1/whatif?settings=' + encodeURIComponent(JSON.stringify(Object.assign({html}, s))), {method: 'POST', body: upload}) : fetch('/v1/whatif', {method: 'POST', body: JSON.stringify(Object.assign({html}, s))});
		};
		const answer = async response => { if (!response.ok) { const b = await response.json().catch(() => null); throw new Error(b && b.error ? b.error.message : response.statusText); } return response; };
		let asked = null;
		const save = button('Save as one HTML file', act(said, async () => {
			const blob = await (await answer(await send(asked, true))).blob();
			const a = el('a', {href: URL.createObjectURL(blob), download: 'whatif.html'});
			a.click();
			return 'Saved.';
		}));
		const share = button('Link to these settings', act(said, async () => { await navigator.clipboard.writeText(location.href).catch(() => {}); return location.href; }));
		const start = act(said, async f => {
			asked = read(f);
			const d = await (await answer(await send(asked, false))).json();
			tally.whatif(out, d);
			out.prepend(el('p', {}, save, ' ', file.files[0] ? null : share));
			return `${count(d.calls)} calls under ${d.scenarios.length} scenarios.`;
		});
		clear(main);
		const f = form(async values => { const s = Object.assign({}, values); delete s.trace; history.replaceState(null, '', '#whatif?' + query(s)); await start(values); },
			el('div', {class: 'wide'}, field('Scenarios, one a line: NAME=SPEC', lines), el('p', {class: 'soft small', id: 'scenario-hint'}, 'MODEL, recorded, every:K:A:B, conversation:K:A:B, from:N:A:B, share:P:A:B, offpeak:MAXDELAY:MODEL')),
			field('Metered usage since', input('since', settings.since || month(0))), field('until', input('until', settings.until || month(1))), field('or a trace of your own', file),
			field('The trace begins', input('at', settings.at || '', {placeholder: 'as it says'})), field('Cache', select('cache', [['', 'as recorded'], ['none', 'none'], ['infinite', 'infinite (blocks)']], settings.cache || '')),
			field('Scope', select('scope', [['', 'global'], ['conversation', 'conversation']], settings.scope || '')),
			field('Credits', select('plan', [['', 'none'], ['vm0', 'vm0'], ['vm0-tokens', 'vm0-tokens']], settings.plan || '')), field('Budget', input('budget', settings.budget || '', {inputmode: 'decimal'})),
			field('Vary assumptions by', input('sensitivity', settings.sensitivity || '', {placeholder: '0.1'})), el('button', {class: 'main'}, 'Compare'));
		main.append(el('h1', {}, 'What if'), sheet('', f, said), out);
		if (settings.scenarios) f.requestSubmit();
	}

	/* --- quarantine --- */
	async function quarantine() {
		const d = await ask('/v1/quarantine');
		const said = el('div');
		clear(main);
		const held = d.quarantined.filter(h => h.state === 'held' || !h.state);
		main.append(el('h1', {}, 'Quarantine'), sheet('Refused', session.admin && held.length ? form(act(said, async f => { const r = await post('/v1/quarantine/retry', f); quarantine(); return `${count(r.taken)} of ${count(r.tried)} were taken.`; }),
			field('Model, where it lacks one', input('model')), field('Customer, where it lacks one', input('customer')), field('Instant, where it lacks one', input('at')), el('button', {class: 'main'}, 'Try all again')) : null, said,
			d.quarantined.length ? table('nothing that was sent is thrown away', [{n: 'No.'}, 'At', 'Where', 'Why', 'Content', {n: 'Seen'}], d.quarantined.map(h => el('tr', {}, figure(h.id), cell(time(h.at)), cell(h.line ? `${h.source}:${h.line}` : h.source), cell(h.reason), cell(h.raw, {class: 'raw'}), figure(h.seen))))
				: el('p', {class: 'soft'}, 'Nothing was refused.')),
			sheet('The same id with other content', d.conflicts.length ? table('the first one counts; tally amend corrects it', ['At', 'Differs in', 'The later record', {n: 'Seen'}], d.conflicts.map(c => el('tr', {}, cell(time(c.at)), cell(c.differs), cell(c.record, {class: 'raw'}), figure(c.seen)))) : el('p', {class: 'soft'}, 'None.')));
	}

	/* --- signing in --- */
	function signIn() {
		const said = el('div');
		clear(main);
		main.append(el('h1', {}, 'Sign in'), sheet('', el('p', {}, 'This server asks for a token (tally token NAME --scope read,admin makes one).'), form(async f => {
			said.replaceChildren();
			try { await ask('/session', {method: 'POST', body: f.token.trim()}); await begin(); } catch (e) { said.replaceChildren(error(e)); }
		}, field('Token', input('token', '', {type: 'password', autocomplete: 'current-password', required: ''})), el('button', {class: 'main'}, 'Sign in')), said));
	}

	/* --- views --- */
	const views = {overview: ['Overview', overview], records: ['Records', records], credits: ['Credits', credits], invoices: ['Invoices', invoices], whatif: ['What if', whatif], quarantine: ['Quarantine', quarantine]};
	let turn = 0;
	async function show() {
		const {view, settings} = where(), mine = ++turn;
		const chosen = views[view] ? view : 'overview';
		document.getElementById('nav').replaceChildren(...(session.signed_in ? Object.entries(views).map(([k, v]) => el('a', {href: '#' + k, 'aria-current': k === chosen ? 'page' : null}, v[0])) : []));
		document.getElementById('sign-out').hidden = !(session.needs_token && session.signed_in);
		document.title = session.signed_in ? `${views[chosen][0]} – Tallystick` : 'Sign in – Tallystick';
		if (!session.signed_in) { signIn(); return; }
		if (settings.period) own.period = settings.period;
		try { await views[chosen][1](settings); } catch (e) { if (mine === turn) { clear(main); main.append(el('h1', {}, views[chosen][0]), error(e), button('Try again', show)); } }
	}
	/* the overview follows what is metered; not while somebody reads a table of it */
	function changed(now) {
		const seconds = last.at ? (Date.now() - last.at) / 1000 : 0;
		const rate = seconds ? Math.max(0, now.rows - last.rows) / seconds : 0;
		live.className = 'live on';
		live.textContent = `live, ${count(now.rows)} rows${rate ? `, ${count(Math.round(rate))}/s` : ''}`;
		const moved = last.at && (now.rows !== last.rows || now.quarantined !== last.quarantined);
		last = Object.assign({at: Date.now()}, now);
		if (!moved || refresh) return;
		refresh = setTimeout(() => { refresh = null; if (['overview', 'quarantine'].includes(where().view) && !main.querySelector('details[open]') && !main.contains(document.activeElement.form || null)) show(); }, 300);
	}
	let stream = null;
	async function begin() {
		session = await ask('/session');
		if (stream) stream.close();
		stream = null;
		if (session.signed_in && !session.customer) {
			stream = new EventSource('/v1/live');
			stream.onmessage = e => changed(JSON.parse(e.data));
			stream.onerror = () => { live.className = 'live'; live.textContent = 'not connected'; };
		} else {
			live.className = 'live';
			live.textContent = session.signed_in ? `customer ${session.customer}` : 'not signed in';
		}
		await show();
	}
	document.getElementById('sign-out').addEventListener('click', async () => { await ask('/session', {method: 'POST'}); await begin(); });
	addEventListener('hashchange', () => { main.focus(); show(); });
	begin().catch(e => main.replaceChildren(error(e)));
})();
