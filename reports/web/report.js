/* Draws the documents `tally.whatif/1` and `tally.cascade/1` (the same as --json prints) as tables and SVG. Amounts are exact strings;
   they become numbers for the length of a bar only, and every rounded figure carries its digits as a tooltip. */
'use strict';
const tally = (() => {
	/* Texts as people may see them: what controls a terminal or turns the direction of writing is written out. */
	const plain = s => typeof s === 'string' ? s.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) : s;
	const drawn = new Set(['svg', 'g', 'path', 'rect', 'circle', 'text']);
	function element(name, options = {}, ...children) {
		const e = drawn.has(name) ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
		for (const [key, value] of Object.entries(options || {})) {
			if (value !== undefined && value !== null) e.setAttribute(key, key === 'title' || key === 'aria-label' ? plain(value) : value);
		}
		for (const c of children) if (c !== null && c !== undefined) e.append(plain(c));
		return e;
	}
	const {series, intervals} = pictures(element);
	const signs = {USD: '$', EUR: '€', GBP: '£', CNY: '¥', JPY: '¥'};
	/* "1234.5678" -> "1,234.57", four digits below one */
	function rounded(text) {
		const v = Number(text);
		const size = Math.abs(v), places = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : Math.min(18, 1 - Math.floor(Math.log10(size)));
		return v.toLocaleString('en-US', {minimumFractionDigits: places, maximumFractionDigits: places});
	}
	function amount(text, currency) {
		const plain = rounded(text);
		const sign = signs[currency];
		return currency === 'credits' ? plain : sign ? plain.replace(/^(-?)/, '$1' + sign) : plain + ' ' + currency;
	}
	const count = v => Number(v).toLocaleString('en-US');
	const percent = v => (Number(v) * 100).toFixed(1) + ' %';
	function cell(content, options = {}) { return element('td', options, content); }
	const figure = (content, title) => cell(content, {class: 'n', title});
	/* What has no price says so, and what lacks some is a lower bound. */
	const priced = (text, currency, unpriced) => unpriced && !Number(text) ? 'no price' : (unpriced ? '>= ' : '') + amount(text, currency);
	const money = (text, currency, unpriced) => text === null || text === undefined ? figure('–') : figure(priced(text, currency, unpriced), text + ' ' + currency);
	function table(caption, heads, rows, kind) {
		const box = element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption}, element('table', {class: kind},
			element('thead', {}, element('tr', {}, ...heads.map(h => element('th', {scope: 'col', class: h.n ? 'n' : null}, h.n || h)))),
			element('tbody', {}, ...rows)));
		return element('div', {}, element('p', {class: 'soft small'}, caption), box);
	}
	function sheet(title, ...children) { return element('section', {class: 'sheet'}, title ? element('h2', {}, title) : null, ...children); }

	/* A chart over days or sizes, one line a row: [{name, values}] */
	function lines(label, names, rows, writeY) {
		const tones = rows.map((r, i) => ({...r, tone: i % 8})), legend = element('p', {class: 'legend small'}, ...tones.map(r => element('span', {class: 'key'}, element('i', {class: 'dot c' + r.tone}), r.name)));
		return element('div', {}, series({width: 560, height: 250, count: names.length, rows: tones, writeY, writeX: i => plain(names[i])}, label, {}), legend);
	}
	const mark = currency => (v, step) => { const t = v >= 1000 ? v.toLocaleString('en-US', {notation: 'compact'}) : v.toFixed(v && step < 1 ? Math.max(2, 1 - Math.floor(Math.log10(step))) : 0); return currency && signs[currency] ? signs[currency] + t : t; };
	function clear(root) { root.replaceChildren(); }

	/* nothing of it has a price */
	const lost = s => s.unpriced && !Number(s.total);
	function scenarioRows(data, s) {
		const base = s.name === data.baseline, up = Number(s.delta) > 0, plan = data.scenarios.some(x => x.credits);
		const unsure = s.unpriced || (data.scenarios.find(x => x.name === data.baseline) || {}).unpriced;
		const rows = [element('tr', {}, cell(s.name, {title: s.route}), figure(count(s.records)), figure(percent(s.hit_ratio)),
			money(s.total, s.currency, s.unpriced || s.placeholders), base ? figure('baseline') : unsure ? figure('–', 'calls without a price are in no sum') : cell((up ? '+' : '') + amount(s.delta, s.currency), {class: 'n ' + (up ? 'more' : 'less'), title: s.delta + ' ' + s.currency}),
			base || unsure ? figure('') : figure((up ? '+' : '') + percent(s.delta_ratio)),
			figure(s.interval && !lost(s) ? amount(s.interval.low, s.currency) + ' to ' + amount(s.interval.high, s.currency) : '–'),
			plan ? figure(s.credits ? rounded(s.credits.total) : '–', s.credits ? s.credits.total : null) : null)];
		if (s.by_model.length > 1) for (const m of s.by_model)
			rows.push(element('tr', {class: 'part'}, cell(m.model), figure(count(m.records)), figure(''), money(m.total, s.currency, m.unpriced || m.placeholders), figure(''), figure(''), figure(''), plan ? figure(m.credits ? rounded(m.credits) : '') : null));
		return rows;
	}
	function notes(data) {
		const list = [];
		if (data.quarantined) list.push(`${count(data.quarantined)} records could not be read, and are in no figure here.`);
		if (data.columns_in_doubt.length) list.push(`No table knows what these columns count, so that it may be missing here: ${data.columns_in_doubt.join(', ')}.`);
		for (const s of data.scenarios) {
			if (s.unpriced) list.push(`${s.name}: ${count(s.unpriced)} calls have no price and are in no sum.`);
			if (s.waiting) list.push(`${s.name}: ${count(s.waiting.moved)} calls wait for a cheaper hour; that saves ${amount(s.waiting.saves, s.currency)}.`);
			if (s.rebuilt && s.rebuilt.total_low) list.push(`${s.name}: what ${count(s.rebuilt.uncertain_calls + s.rebuilt.unproven_calls)} of the calls find in a cache is not certain; ${amount(s.rebuilt.total_low, s.currency)} to ${amount(s.rebuilt.total_high, s.currency)} with the most and the fewest hits.`);
			if (s.escalated) list.push(`${s.name}: ${count(s.escalated)} calls run on both models.`);
			if (s.retries) list.push(`${s.name}: ${count(s.retries.calls)} attempts fail and are made again; the failed ones cost ${amount(s.retries.total, s.currency)}.`);
			if (s.budget) list.push(`${s.name}: over the budget of ${amount(s.budget.amount, s.currency)} in ${percent(s.budget.overrun_probability)} of the resamples.`);
			for (const m of s.by_model) {
				if (m.over_context) list.push(`${s.name}: ${count(m.over_context)} calls do not fit into the ${count(m.context_tokens)} tokens of ${m.model}.`);
				if (m.self_hosted) list.push(`${s.name}: ${m.model} on ${count(m.self_hosted.gpus)} GPUs for ${count(m.self_hosted.hours)} hours, ${percent(m.self_hosted.busy_ratio)} busy; at the vendor ${amount(m.self_hosted.at_vendor_price, s.currency)}.`);
			}
		}
		return list.length ? sheet('Remarks', element('ul', {}, ...list.map(t => element('li', {}, t)))) : null;
	}
	function verdict(data) {
		const base = data.scenarios.find(s => s.name === data.baseline) || data.scenarios[0];
		return element('section', {class: 'sheet verdict'}, ...data.scenarios.filter(s => s !== base || data.scenarios.length === 1).map(s => {
			const change = Number(base.total) - Number(s.total), of = priced(base.total, base.currency, base.unpriced || base.placeholders), fits = s.by_model.reduce((n, m) => n + (m.over_context || 0), 0);
			const diff = text => amount(String(text).replace('-', ''), s.currency);
			const said = s === base ? `${s.name} costs ${of}` : lost(s) ? `${s.name} has no price` : s.unpriced ? `${s.name} costs ${priced(s.total, s.currency, s.unpriced || s.placeholders)}; ${base.name} ${of}` : change > 0 ? `${s.name} saves ${base.unpriced ? 'at least ' : ''}${diff(s.delta)} of ${of}` : base.unpriced ? `${s.name} costs ${amount(s.total, s.currency)}; ${base.name} ${of}` : change < 0 ? `${s.name} costs ${diff(s.delta)} more than ${of}` : `${s.name} costs the same, ${of}`;
			return element('p', {class: s.unpriced || change < 0 ? '' : 'less'}, said, fits ? `, ${count(fits)} calls do not fit` : '', s.unpriced ? `, ${count(s.unpriced)} calls without a price` : '');
		}));
	}
	function costChart(data) {
		return intervals(data.scenarios.map((s, i) => ({name: plain(s.name), tone: i % 8, value: lost(s) ? null : Number(s.total), ...(s.interval && !lost(s) ? {low: Number(s.interval.low), high: Number(s.interval.high)} : {}), text: priced(s.total, s.currency, s.unpriced || s.placeholders)})),
			'Cost of each scenario: ' + data.scenarios.map(s => `${s.name} ${priced(s.total, s.currency, s.unpriced || s.placeholders)}`).join(', '));
	}
	function dayChart(data) {
		const known = [...new Set(data.scenarios.flatMap(s => s.by_day.map(d => d.day)))].sort(), days = [];
		if (known.length < 2) return null;
		for (let t = Date.parse(known[0]); t <= Date.parse(known[known.length - 1]); t += 864e5) days.push(new Date(t).toISOString().slice(0, 10));
		return sheet('Cost by day', lines('Cost by day of each scenario', days.map(d => d.slice(5)), data.scenarios.filter(s => !lost(s)).map(s => {
			const by = new Map(s.by_day.map(d => [d.day, Number(d.total)]));
			return {name: s.name, values: days.map(d => by.has(d) ? by.get(d) : null)};
		}), mark(data.scenarios[0].currency)));
	}
	function windowTable(data) {
		const windows = [...new Set(data.scenarios.flatMap(s => s.by_window.map(w => w.window)))];
		if (windows.length < 2) return null;
		return sheet('Cost by tariff window', table('what each scenario costs in each window', ['Scenario', ...windows.map(n => ({n}))], data.scenarios.map(s => element('tr', {}, cell(s.name), ...windows.map(w => money((s.by_window.find(x => x.window === w) || {}).total, s.currency))))));
	}
	function cacheCharts(data) {
		if (!data.cache_sizes) return [];
		const sizes = data.cache_sizes, names = sizes.map(s => s.capacity === null ? 'no limit' : count(s.capacity));
		const line = (key, title, scale, writeY) => sheet(title, lines(title, names, data.scenarios.map((s, i) => ({name: s.name, values: sizes.map(z => Number(z.scenarios[i][key]) * scale)})), writeY), element('p', {class: 'soft small'}, `blocks of ${data.block_tokens} tokens`));
		return [line('total', 'Cost by size of the cache', 1, mark(data.scenarios[0].currency)), line('hit_ratio', 'Hit ratio by size of the cache', 100, v => v + ' %')];
	}
	function againstTable(data) {
		const a = data.against;
		if (!a) return null;
		const mark = {changed: '~', added: '+', removed: '-', same: ' '};
		return sheet('Since the saved baseline', table(`compared with ${a.file}`, ['', 'Scenario', {n: 'Old'}, {n: 'New'}, {n: 'Change'}],
			a.changes.map(c => element('tr', {}, cell(mark[c.what]), cell(c.name), money(c.old, a.currency), money(c.new, a.currency),
				c.change === undefined ? figure('') : cell((Number(c.change) > 0 ? '+' : '') + amount(c.change, a.currency), {class: 'n ' + (Number(c.change) > 0 ? 'more' : Number(c.change) < 0 ? 'less' : ''), title: c.change})))));
	}
	function sensitivityTable(data) {
		const rows = data.scenarios.flatMap(s => (s.sensitivity || []).filter(x => x.with_less !== x.with_more).map(x =>
			element('tr', {}, cell(s.name), cell(x.assumption), ...[x.with_less, x.with_more].map(v => v === null ? cell('no price') : money(v, s.currency)))));
		if (!rows.length) return null;
		const by = data.scenarios[0].sensitivity[0].varied_by;
		return sheet('Which assumption moves the cost most', table(`one assumption at a time ${percent(by)} lower and higher, the widest first`, ['Scenario', 'Assumption', {n: 'with less'}, {n: 'with more'}], rows));
	}
	function whatif(root, given) {
		const data = {...given, scenarios: given.scenarios.map(s => ({...s, ...s.headline}))};
		clear(root);
		const plan = data.scenarios.some(s => s.credits);
		root.append(verdict(data), sheet('', table(`${count(data.calls)} calls${data.conversations ? ` in ${count(data.conversations)} conversations` : ''}, cache: ${data.cache}`
			+ (data.scenarios[0].interval ? `; intervals: ${percent(data.scenarios[0].interval.level)} of ${count(data.resamples)} resamples, seed ${data.seed}` : ''),
			['Scenario', {n: 'Calls'}, {n: 'Cache hits'}, {n: 'Cost'}, {n: 'Difference'}, {n: 'Change'}, {n: 'Interval'}].concat(plan ? [{n: 'Credits'}] : []),
			data.scenarios.flatMap(s => scenarioRows(data, s)), 'spare'), element('p', {class: 'soft small'}, 'Amounts are rounded here; hover for exact amounts.')));
		const against = againstTable(data);
		if (against) root.append(against);
		root.append(element('div', {class: 'grid'}, sheet('Cost by scenario', costChart(data)), ...[dayChart(data), windowTable(data), ...cacheCharts(data)].filter(Boolean)));
		for (const part of [sensitivityTable(data), notes(data)]) if (part) root.append(part);
	}

	/* Solved tasks over cost; the line is what nothing cheaper solves as much as. */
	function scatter(dots, sweep, currency) {
		const all = [...dots, ...sweep], range = key => { const l = all.map(d => d[key]), low = Math.min(...l), high = Math.max(...l), pad = (high - low || 1) * .08; return [low - pad, high + pad]; };
		const [x0, x1] = range('x'), [y0, y1] = range('y'), x = v => Math.round((70 + (v - x0) / (x1 - x0) * 660) * 10) / 10, y = v => Math.round((240 - (v - y0) / (y1 - y0) * 220) * 10) / 10;
		const front = [...dots.filter(d => d.name !== 'oracle'), ...sweep].sort((a, b) => a.x - b.x || b.y - a.y);
		let best = -1;
		const pareto = front.filter(d => d.y > best && ((best = d.y), true));
		const word = (text, at) => element('text', at, text);
		return element('svg', {class: 'series', viewBox: '0 0 760 290', role: 'img', 'aria-label': 'Solved tasks over cost: ' + dots.map(d => `${d.name} ${d.y} for ${rounded(d.x)}`).join(', ')},
			...[0, .25, .5, .75, 1].flatMap(p => { const vx = x0 + (x1 - x0) * p, vy = y0 + (y1 - y0) * p; return [element('path', {class: 'grid', d: `M70 ${y(vy)}H730`}), word(String(Math.round(vy)), {x: 62, y: y(vy) + 4, 'text-anchor': 'end'}), word(rounded(Math.max(0, vx)), {x: x(vx), y: 260, 'text-anchor': 'middle'})]; }),
			word('solved tasks over cost, ' + currency, {x: 400, y: 282, 'text-anchor': 'middle'}),
			element('path', {class: 'line s2', d: pareto.map((d, i) => i ? `H${x(d.x)}V${y(d.y)}` : `M${x(d.x)} ${y(d.y)}`).join('')}),
			...sweep.map(d => element('circle', {class: 'c1', cx: x(d.x), cy: y(d.y), r: 3})), ...dots.flatMap(d => [element('circle', {class: 'c0', cx: x(d.x), cy: y(d.y), r: 6}), word(d.name, {x: x(d.x) + 9, y: y(d.y) - 7})]));
	}
	/* What it comes to against the strong model alone. */
	function cascadeVerdict(data) {
		const {cascade: c, strong: s, tasks, currency} = data;
		if (!c || !s || c.cost === null || s.cost === null) return null;
		const more = c.solved - s.solved, than = more > 0 ? `${count(more)} more than` : more < 0 ? `${count(-more)} fewer than` : 'as many as';
		return element('section', {class: 'sheet verdict'}, element('p', {class: more >= 0 && Number(c.cost) < Number(s.cost) ? 'less' : ''}, `The cascade solves ${count(c.solved)} of ${count(tasks)} tasks for ${amount(c.cost, currency)}`),
			element('p', {}, `${than} the strong model alone, which costs ${amount(s.cost, currency)}; ${count(c.escalated)} tasks escalate`));
	}
	/* The other figures of a cascade: what each is called, and whether it is a share. */
	const cascadeWords = {
		incomplete: ['Tasks left out, for an attempt is missing'], break_even_escalation_rate: ['Share of escalations up to which it pays', true], break_even_escalation_rate_of_escalated: ['The same at the costs of what escalates', true],
		mcnemar_p: ['That both models differ by chance (McNemar, p)'], signal: ['Signal of the gate'], escalates: ['Escalates where it is'], apgr: ['Gap recovered on average (APGR)'], aiq: ['Area under the curve (AIQ)'],
		cpt50: ['Calls to the strong model for half of the gap (CPT50)', true], cpt80: ['for 80 % of it (CPT80)', true],
	};
	function cascade(root, data) {
		clear(root);
		const currency = data.currency, said = cascadeVerdict(data);
		if (said) root.append(said);
		const points = ['cheap', 'strong', 'cascade', 'oracle'].filter(n => data[n]).map(n => Object.assign({name: n}, data[n]));
		root.append(sheet('', table(`${count(data.tasks)} tasks`, ['Policy', {n: 'Solved'}, {n: 'Cost'}, {n: 'Cost per solved task'}],
			points.map(p => element('tr', {}, cell(p.name), figure(count(p.solved)), money(p.cost, currency), money(p.cost_per_solved, currency))))));
		const dots = points.filter(p => p.cost !== null).map(p => ({x: Number(p.cost), y: p.solved, name: p.name}));
		const sweep = (data.sweep || []).filter(p => p.cost !== null).map(p => ({x: Number(p.cost), y: p.solved, name: `threshold ${p.threshold}`}));
		if (dots.length) root.append(sheet('Cost and quality', scatter(dots, sweep, currency)));
		root.append(sheet('Figures', element('dl', {class: 'facts'}, ...Object.entries(data).filter(([k, v]) => (typeof v === 'string' || typeof v === 'number') && !['schema', 'tasks', 'currency'].includes(k))
			.flatMap(([k, v]) => { const [name, share] = cascadeWords[k] || [k.replaceAll('_', ' ')]; return [element('dt', {}, name), element('dd', {title: String(v)}, share ? percent(v) : String(v))]; }))));
	}
	return {whatif, cascade};
})();
if (document.getElementById('report-data')) {
	const data = JSON.parse(document.getElementById('report-data').textContent);
	tally[data.schema === 'tally.cascade/1' ? 'cascade' : 'whatif'](document.getElementById('report'), data);
}
