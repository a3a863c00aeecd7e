/* Draws the documents `tally.whatif/1` and `tally.cascade/1` (the same as --json prints) as tables and charts. Amounts are exact strings;
   they become numbers for the length of a bar only, and every rounded figure carries its digits as a tooltip. */
'use strict';
const tally = (() => {
	const palette = ['#2f7ebc', '#d9822b', '#3a9a68', '#a855b5', '#c0504d', '#7a8a2e', '#5b6fc4', '#b07a55'];
	const colour = i => palette[i % palette.length];
	const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

	/* Texts as people may see them: what controls a terminal or turns the direction of writing is written out. */
	const plain = s => typeof s === 'string' ? s.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) : s;
	function element(name, options = {}, ...children) {
		const e = document.createElement(name);
		for (const [key, value] of Object.entries(options)) {
			if (key === 'class') e.className = value;
			else if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
			else if (value !== undefined && value !== null) e.setAttribute(key, key === 'title' || key === 'aria-label' ? plain(value) : value);
		}
		for (const c of children) if (c !== null && c !== undefined) e.append(plain(c));
		return e;
	}
	const signs = {USD: '$', EUR: '€', GBP: '£', CNY: '¥', JPY: '¥'};
	/* "1234.5678" -> "1,234.57", four digits below one */
	function rounded(text) {
		const v = Number(text);
		const places = v !== 0 && Math.abs(v) < 1 ? 4 : 2;
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
	const money = (text, currency) => text === null || text === undefined ? figure('–') : figure(amount(text, currency), text + ' ' + currency);
	function table(caption, heads, rows) {
		const box = element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption}, element('table', {},
			element('thead', {}, element('tr', {}, ...heads.map(h => element('th', {scope: 'col', class: h.n ? 'n' : null}, h.n || h)))),
			element('tbody', {}, ...rows)));
		return element('div', {}, element('p', {class: 'soft small'}, caption), box);
	}
	function sheet(title, ...children) { return element('section', {class: 'sheet'}, title ? element('h2', {}, title) : null, ...children); }

	/* A canvas with a name for those who do not see it; without Chart.js, a word about that. */
	const charts = [];
	function chart(label, config) {
		if (!window.Chart) return element('p', {class: 'soft'}, 'Charts were left out when this program was built.');
		const canvas = element('canvas', {role: 'img', 'aria-label': label});
		const box = element('div', {class: 'chart'}, canvas);
		if (config.data.labels) config.data.labels = config.data.labels.map(plain);
		for (const d of config.data.datasets) d.label = plain(d.label);
		requestAnimationFrame(() => {
			if (!canvas.isConnected) return;
			Chart.defaults.color = css('--soft');
			Chart.defaults.borderColor = css('--line');
			Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
			config.options = Object.assign({animation: false, responsive: true, maintainAspectRatio: false}, config.options);
			charts.push(new Chart(canvas, config));
		});
		return box;
	}
	const axis = (title, extra = {}) => Object.assign({title: {display: Boolean(title), text: title}, beginAtZero: true}, extra);
	function clear(root) {
		while (charts.length) charts.pop().destroy();
		root.replaceChildren();
	}

	function scenarioRows(data, s) {
		const base = s.name === data.baseline, up = Number(s.delta) > 0, plan = data.scenarios.some(x => x.credits);
		const rows = [element('tr', {}, cell(s.name, {title: s.route}), figure(count(s.records)), figure(percent(s.hit_ratio)),
			money(s.total, s.currency), base ? figure('baseline') : cell((up ? '+' : '') + amount(s.delta, s.currency), {class: 'n ' + (up ? 'more' : 'less'), title: s.delta + ' ' + s.currency}),
			base ? figure('') : figure((up ? '+' : '') + percent(s.delta_ratio)),
			figure(s.interval ? amount(s.interval.low, s.currency) + ' to ' + amount(s.interval.high, s.currency) : '–'),
			plan ? figure(s.credits ? rounded(s.credits.total) : '–', s.credits ? s.credits.total : null) : null)];
		if (s.by_model.length > 1) for (const m of s.by_model)
			rows.push(element('tr', {class: 'part'}, cell(m.model), figure(count(m.records)), figure(''), money(m.total, s.currency), figure(''), figure(''), figure(''), plan ? figure(m.credits ? rounded(m.credits) : '') : null));
		return rows;
	}
	function notes(data) {
		const list = [];
		for (const s of data.scenarios) {
			if (s.unpriced) list.push(`${s.name}: ${count(s.unpriced)} calls have no price and are in no sum.`);
			if (s.waiting) list.push(`${s.name}: ${count(s.waiting.moved)} calls wait for a cheaper hour; that saves ${amount(s.waiting.saves, s.currency)}.`);
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
	function costChart(data) {
		const s = data.scenarios, interval = s.some(x => x.interval);
		const datasets = [{label: 'cost', data: s.map(x => Number(x.total)), backgroundColor: s.map((x, i) => colour(i)), maxBarThickness: 44, grouped: false, order: 2}];
		if (interval) datasets.push({label: 'interval', data: s.map(x => x.interval ? [Number(x.interval.low), Number(x.interval.high)] : null), backgroundColor: css('--ink'), barThickness: 3, grouped: false, order: 1});
		return chart('Cost of each scenario: ' + s.map(x => `${x.name} ${amount(x.total, x.currency)}`).join(', '),
			{type: 'bar', data: {labels: s.map(x => x.name), datasets}, options: {indexAxis: 'y', scales: {x: axis(s[0].currency)}, plugins: {legend: {display: false}}}});
	}
	function dayChart(data) {
		const days = [...new Set(data.scenarios.flatMap(s => s.by_day.map(d => d.day)))].sort();
		if (days.length < 2) return null;
		return sheet('Cost by day', chart('Cost by day of each scenario', {type: 'line', data: {labels: days, datasets: data.scenarios.map((s, i) => {
			const by = new Map(s.by_day.map(d => [d.day, Number(d.total)]));
			return {label: s.name, data: days.map(d => by.get(d) || 0), borderColor: colour(i), backgroundColor: colour(i), pointRadius: days.length > 40 ? 0 : 2, borderWidth: 2};
		})}, options: {scales: {y: axis(data.scenarios[0].currency)}, interaction: {mode: 'index', intersect: false}}}));
	}
	function windowChart(data) {
		const windows = [...new Set(data.scenarios.flatMap(s => s.by_window.map(w => w.window)))];
		if (windows.length < 2) return null;
		return sheet('Cost by tariff window', chart('Cost by tariff window of each scenario', {type: 'bar', data: {labels: data.scenarios.map(s => s.name), datasets: windows.map((w, i) => ({
			label: w, backgroundColor: colour(i), data: data.scenarios.map(s => Number((s.by_window.find(x => x.window === w) || {total: 0}).total))}))},
			options: {indexAxis: 'y', scales: {x: axis(data.scenarios[0].currency, {stacked: true}), y: {stacked: true}}}}));
	}
	function cacheCharts(data) {
		if (!data.cache_sizes) return [];
		const sizes = data.cache_sizes, labels = sizes.map(s => s.capacity === null ? 'no limit' : count(s.capacity));
		const line = (key, title, scale) => sheet(title, chart(title, {type: 'line', data: {labels, datasets: data.scenarios.map((s, i) => ({
			label: s.name, borderColor: colour(i), backgroundColor: colour(i), borderWidth: 2, data: sizes.map(z => Number(z.scenarios[i][key]) * scale)}))},
			options: {scales: {x: axis('blocks of ' + data.block_tokens + ' tokens'), y: axis(key === 'total' ? data.scenarios[0].currency : '% of the prompt')}, interaction: {mode: 'index', intersect: false}}}));
		return [line('total', 'Cost by size of the cache', 1), line('hit_ratio', 'Hit ratio by size of the cache', 100)];
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
	function whatif(root, data) {
		clear(root);
		const plan = data.scenarios.some(s => s.credits);
		root.append(sheet('', table(`${count(data.calls)} calls${data.conversations ? ` in ${count(data.conversations)} conversations` : ''}, cache: ${data.cache}`
			+ (data.scenarios[0].interval ? `; intervals: ${percent(data.scenarios[0].interval.level)} of ${count(data.resamples)} resamples, seed ${data.seed}` : ''),
			['Scenario', {n: 'Calls'}, {n: 'Cache hits'}, {n: 'Cost'}, {n: 'Difference'}, {n: 'Change'}, {n: 'Interval'}].concat(plan ? [{n: 'Credits'}] : []),
			data.scenarios.flatMap(s => scenarioRows(data, s))), element('p', {class: 'soft small'}, 'Amounts are rounded here; point at one for every digit.')));
		const against = againstTable(data);
		if (against) root.append(against);
		root.append(element('div', {class: 'grid'}, sheet('Cost by scenario', costChart(data)), dayChart(data), windowChart(data), ...cacheCharts(data)));
		for (const part of [sensitivityTable(data), notes(data)]) if (part) root.append(part);
	}

	function cascade(root, data) {
		clear(root);
		const currency = data.currency;
		const points = ['cheap', 'strong', 'cascade', 'oracle'].filter(n => data[n]).map(n => Object.assign({name: n}, data[n]));
		root.append(sheet('', table(`${count(data.tasks)} tasks`, ['Policy', {n: 'Solved'}, {n: 'Cost'}, {n: 'Cost per solved task'}],
			points.map(p => element('tr', {}, cell(p.name), figure(count(p.solved)), money(p.cost, currency), money(p.cost_per_solved, currency))))));
		const dots = points.filter(p => p.cost !== null).map(p => ({x: Number(p.cost), y: p.solved, name: p.name}));
		const sweep = (data.sweep || []).filter(p => p.cost !== null).map(p => ({x: Number(p.cost), y: p.solved, name: `threshold ${p.threshold}`, hull: p.pareto}));
		/* what nothing cheaper solves as much as */
		const front = [...dots.filter(d => d.name !== 'oracle'), ...sweep].sort((a, b) => a.x - b.x || b.y - a.y);
		let best = -1;
		const pareto = front.filter(d => d.y > best && ((best = d.y), true));
		if (dots.length)
			root.append(sheet('Cost and quality', chart('Solved tasks over cost: ' + dots.map(d => `${d.name} ${d.y} for ${d.x.toFixed(2)}`).join(', '), {type: 'scatter', data: {datasets: [
				{label: 'policies', data: dots, backgroundColor: colour(0), pointRadius: 6},
				...(sweep.length ? [{label: 'thresholds', data: sweep, backgroundColor: colour(1), pointRadius: 3}] : []),
				{label: 'Pareto front', data: pareto, type: 'line', stepped: 'before', borderColor: colour(2), pointRadius: 0, borderWidth: 2, fill: false}]},
				options: {scales: {x: axis('cost, ' + currency, {beginAtZero: false}), y: axis('solved tasks', {beginAtZero: false})},
					plugins: {tooltip: {callbacks: {label: c => `${c.raw.name}: ${c.raw.y} solved for ${rounded(c.raw.x)}`}}}}})));
		root.append(sheet('Figures', element('dl', {class: 'facts'}, ...Object.entries(data).filter(([, v]) => typeof v === 'string' || typeof v === 'number')
			.flatMap(([k, v]) => [element('dt', {}, k.replaceAll('_', ' ')), element('dd', {}, String(v))]))));
	}
	return {element, amount, rounded, count, percent, cell, figure, money, table, sheet, chart, axis, colour, css, clear, whatif, cascade};
})();
if (document.getElementById('report-data')) {
	const data = JSON.parse(document.getElementById('report-data').textContent);
	tally[data.schema === 'tally.cascade/1' ? 'cascade' : 'whatif'](document.getElementById('report'), data);
}
