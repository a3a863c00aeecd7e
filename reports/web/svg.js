/* Small pictures in SVG: bars, sparklines, intervals, steps, the week's clock. h(name, attributes, ...children) makes an element, so that the
   page and saved reports draw the same. Values are numbers for the length of a line only; what they say stands in words beside them. */
const pictures = h => {
	const most = list => list.reduce((m, v) => v !== null && v > m ? v : m, 0);
	const at = v => Math.round(v * 100) / 100;
	/* Round marks of an axis from 0 to a little over the largest value. */
	const marks = (top, most = 5) => {
		if (!(top > 0)) return [0, 1];
		const raw = top / most, unit = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].find(s => s * unit >= raw) * unit, list = [];
		for (let i = 0; i === 0 || list[i - 1] < top; i++) list.push(Number((i * step).toPrecision(12)));
		return list;
	};
	/* One bar of a cell, with what it was before as a mark. */
	const bar = (part, before, tone = 0) => h('svg', {class: 'bar', viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true'},
		h('rect', {class: 'rail', width: 100, height: 6}), h('rect', {class: 'c' + tone, width: at(Math.max(0, Math.min(1, part || 0)) * 100), height: 6}),
		before === undefined || before === null ? null : h('rect', {class: 'mark', x: at(Math.min(99, Math.max(0, before * 100))), width: 1, height: 6}));
	/* Parts of one bar: [[size, tone], ...] of the most there is. */
	const stack = (parts, top) => {
		let x = 0;
		return h('svg', {class: 'bar', viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true'}, ...parts.map(([size, tone]) => { const r = h('rect', {class: 'c' + tone, x: at(x), width: at(size / top * 100), height: 6}); x += size / top * 100; return r; }));
	};
	/* A row's own course in small: bars from its largest value down; what is null is a gap. */
	const spark = values => {
		const top = most(values) || 1;
		return h('svg', {class: 'spark', viewBox: `0 0 ${values.length} 20`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
			h('path', {d: values.map((v, i) => v ? `M${i} 20V${at(Math.min(19, 20 - v / top * 20))}h.8V20` : '').join('')}));
	};
	/* Rows of bars with an interval on each: [{name, value, low, high, text}] */
	const intervals = (rows, label) => {
		const top = most(rows.flatMap(r => [r.value, r.high === undefined ? null : r.high])) || 1, wide = v => at(Math.max(0, v) / top * 100);
		return h('div', {class: 'intervals', role: 'img', 'aria-label': label}, ...rows.map((r, i) => h('div', {class: 'interval'},
			h('span', {class: 'name', title: r.name}, r.name),
			h('svg', {viewBox: '0 0 100 12', preserveAspectRatio: 'none', 'aria-hidden': 'true'}, h('rect', {class: 'rail', width: 100, height: 12}), h('rect', {class: 'c' + (r.tone === undefined ? i % 8 : r.tone), width: r.value === null ? 0 : wide(r.value), height: 12}),
				r.low === undefined ? null : h('path', {class: 'whisker', d: `M${wide(r.low)} 6H${wide(r.high)}M${wide(r.low)} 2V10M${wide(r.high)} 2V10`, 'vector-effect': 'non-scaling-stroke'})),
			h('span', {class: 'n'}, r.text))));
	};
	/* A price over time: [{from, to, value}] in milliseconds; open ends reach the edge. */
	const steps = (lines, from, to, label, ticks) => {
		const ys = marks(most(lines.flatMap(l => l.points.map(p => p.value))), 3), top = ys[ys.length - 1], x = t => at(44 + (Math.min(to, Math.max(from, t)) - from) / (to - from || 1) * 546), y = v => at(150 - v / top * 132);
		return h('svg', {class: 'steps', viewBox: '0 0 600 180', role: 'img', 'aria-label': label},
			...ys.map(v => h('g', null, h('path', {class: 'grid', d: `M44 ${y(v)}H590`}), h('text', {x: 40, y: y(v) + 4, 'text-anchor': 'end'}, v))),
			...ticks.map(t => h('text', {x: x(t.at), y: 170, 'text-anchor': t.at - from < (to - from) / 20 ? 'start' : to - t.at < (to - from) / 20 ? 'end' : 'middle'}, t.text)),
			...lines.map((l, i) => h('path', {class: 'line s' + (l.tone === undefined ? i : l.tone), d: l.points.map((p, k) => `${k && l.points[k - 1].to === p.from ? 'L' : 'M'}${x(p.from)} ${y(p.value)}L${x(p.to)} ${y(p.value)}`).join('')})));
	};
	/* 24 hours by seven days: cells[day][hour] is {tone, text}. */
	const clock = (cells, days, label, now) => h('svg', {class: 'clock', viewBox: '0 0 640 180', role: 'img', 'aria-label': label},
		...[0, 3, 6, 9, 12, 15, 18, 21].map(hour => h('text', {x: 40 + hour * 25, y: 12}, String(hour).padStart(2, '0'))),
		...cells.flatMap((row, d) => [h('text', {x: 34, y: 35 + d * 22, 'text-anchor': 'end'}, days[d]), ...row.map((c, hour) => h('rect', {class: 'cell t' + c.tone + (now && now.day === d && now.hour === hour ? ' now' : ''), x: 40 + hour * 25, y: 20 + d * 22, width: 23, height: 20, rx: 3}, h('title', null, `${days[d]} ${String(hour).padStart(2, '0')}:00: ${c.text}`)))]));
	/* A series: bars that stand on each other, or lines. o: {width, height, count, rows: [{name, tone, values}], stacked, before, band, shade,
	   writeY(value, step), writeX(index), hover}. What is null is a gap. Returns the picture; left and slot say where a bucket lies. */
	const frame = o => {
		const sums = o.stacked ? Array.from({length: o.count}, (_, i) => o.rows.reduce((n, r) => n + (r.values[i] || 0), 0)) : o.rows.flatMap(r => r.values);
		const ticks = marks(most([...sums, ...(o.before || []), ...(o.band ? o.band.high : [])])), texts = ticks.map(t => o.writeY(t, ticks[1]));
		const left = Math.max(30, ...texts.map(t => t.length * 6.7 + 12)), foot = 24, head = 8, wide = o.width - left - 4, tall = o.height - foot - head, slot = wide / (o.count || 1), top = ticks[ticks.length - 1];
		return {ticks, texts, left, wide, slot, foot, x: i => at(left + (i + .5) * slot), y: v => at(head + tall - v / top * tall), base: head + tall, head};
	};
	const series = (o, label, rest) => {
		const f = frame(o), {x, y} = f, thick = at(Math.min(56, f.slot * .82)), every = Math.max(1, Math.ceil(66 / f.slot)), shapes = [];
		const line = values => { let d = '', open = false; values.forEach((v, i) => { if (v === null || v === undefined) { open = false; return; } d += `${open ? 'L' : 'M'}${x(i)} ${y(v)}`; open = true; }); return d; };
		(o.shade || []).forEach((on, i) => { if (on) shapes.push(h('rect', {class: 'shade', x: at(f.left + i * f.slot), y: f.head, width: at(f.slot), height: f.base - f.head})); });
		f.ticks.forEach((t, i) => shapes.push(h('path', {class: 'grid', d: `M${f.left} ${y(t)}H${o.width - 4}`}), h('text', {x: f.left - 8, y: y(t) + 4, 'text-anchor': 'end'}, f.texts[i])));
		for (let i = 0; i < o.count; i += every) shapes.push(h('text', {x: Math.min(x(i), o.width - 20), y: o.height - 6, 'text-anchor': 'middle'}, o.writeX(i)));
		if (o.hover !== null && o.hover !== undefined) shapes.push(h('rect', {class: 'here', x: at(f.left + o.hover * f.slot), y: f.head, width: at(f.slot), height: f.base - f.head}));
		if (o.stacked) for (let i = 0; i < o.count; i++) {
			let n = 0;
			for (const r of o.rows) {
				const v = r.values[i];
				if (!v) continue;
				shapes.push(h('rect', {class: 'c' + r.tone, x: at(x(i) - thick / 2), y: y(n + v), width: thick, height: at(y(n) - y(n + v))}));
				n += v;
			}
		} else for (const r of o.rows) {
			shapes.push(h('path', {class: 'line s' + r.tone, d: line(r.values)}));
			r.values.forEach((v, i) => { if (v !== null && v !== undefined && (o.count < 40 || (r.values[i - 1] ?? null) === null && (r.values[i + 1] ?? null) === null)) shapes.push(h('circle', {class: 'c' + r.tone, cx: x(i), cy: y(v), r: 2.5})); });
		}
		if (o.before) shapes.push(h('path', {class: 'before', d: line(o.before)}));
		if (o.band) {
			const there = o.band.low.map((v, i) => v === null ? -1 : i).filter(i => i >= 0);
			shapes.push(h('path', {class: 'band', d: 'M' + [...there.map(i => `${x(i)} ${y(o.band.low[i])}`), ...there.reverse().map(i => `${x(i)} ${y(o.band.high[i])}`)].join('L') + 'Z'}));
		}
		return h('svg', {class: 'series', viewBox: `0 0 ${o.width} ${o.height}`, role: 'img', 'aria-label': label, ...rest}, ...shapes);
	};
	return {frame, series, bar, stack, spark, intervals, steps, clock};
};
