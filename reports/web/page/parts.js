/* The parts that views are made of. */
const {frame, series, bar, stack, spark, intervals, steps, clock} = pictures(h);

/* --- figures --- */

const narrow = matchMedia('(max-width:48rem)');
/* What the sources of the calls in a document leave out, a sentence each. */
function LeftOut({of}) {
	const gaps = of && of.lower_bound ? of.lower_bound.left_out : [];
	return gaps.map(g => html`<p class="soft left-out" key=${g.agent}>${g.cache_untold ? `Rows of ${g.agent} do not tell ${g.calls}: they are counted as if nothing was, so totals may be too high or too low; ${g.completed_by} tells it.` : `Logs of ${g.agent} leave out ${g.calls}, so totals are lower bounds; ${g.completed_by} has them.`}</p>`);
}
/* An amount with every digit as its tooltip. What has no price says so; what lacks some prices, or rests on the start of answers (least), is a lower bound. */
function Amount({v, currency, unpriced, least, brief, word, unit}) {
	const none = v === null || v === undefined || (Number(unpriced) > 0 && exact(v) === 0n);
	if (none) return html`<span class="none">${unpriced || v === null ? word || 'no price' : '–'}</span>`;
	/* brief: no longer than its place */
	const low = unpriced || least, small = brief && money(v, currency).length + (low ? 3 : 0) > (narrow.matches ? 11 : 13) ? compact(v) : null;
	return html`<span class="num" title=${digits(v) + (currency && currency !== 'credits' ? ' ' + currency : ' credits')}>${low ? '>=\u00a0' : ''}${small ? inUnit(small, currency) : money(v, currency)}${unit && currency === 'credits' ? ' credits' : ''}</span>`;
}
/* A change against the period before: [now, before]; more cost is not better, more cache hits are. */
function Delta({now, before, points, good}) {
	if (before === null || before === undefined) return null;
	const b = toNumber(before), n = toNumber(now);
	if (!b && !n) return null;
	const d = points ? n - b : b ? n / b - 1 : null;
	if (d === null || !isFinite(d)) return html`<span class="delta soft">${n ? 'new' : 'as before'}</span>`;
	const same = Math.abs(d) < 0.0005, tone = same || !good ? '' : (d > 0) === (good > 0) ? ' good' : ' bad';
	return html`<span class=${'delta' + (same ? ' soft' : tone)}><span aria-hidden="true">${same ? '' : d > 0 ? '▲ ' : '▼ '}</span><span class="hidden">${same ? '' : d > 0 ? 'up ' : 'down '}</span>${same ? 'as before' : points ? `${Math.abs(d * 100).toFixed(1)} pts` : d > 99 ? 'over 100 times' : d > 9.995 ? `${(d + 1).toFixed(0)} times` : share(Math.abs(d))}</span>`;
}

/* --- icons: strokes of a 24 by 24 box --- */

const icons = {
	usage: 'M4 20V10m5 10V4m5 16v-8m5 8V7', records: 'M4 6h16M4 12h16M4 18h10', customers: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9c.4-3.4 2.8-5.5 6-5.5s5.6 2.1 6 5.5m1.5-15.5a3.5 3.5 0 0 1 0 6M18 15c1.8.8 2.8 2.5 3 5',
	billing: 'M6 3h12v18l-3-2-3 2-3-2-3 2Zm3 5h6m-6 4h6', budgets: 'M12 3a9 9 0 1 0 9 9h-9Zm4-.5A9 9 0 0 1 21.5 8H16Z', prices: 'M4 12V4h8l8.5 8.5-8 8Zm4-4h.01', whatif: 'M6 3v7a5 5 0 0 0 5 5h7m-3-4 4 4-4 4M6 10v11',
	health: 'M3 12h4l3-8 4 16 3-8h4', settings: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm-7 10a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z', planner: 'M5 5h14v15H5Zm0 5h14M9 3v4m6-4v4m-6 7h2m3 0h1',
	more: 'M5 12h.01M12 12h.01M19 12h.01', search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.5L20 20', close: 'm6 6 12 12M18 6 6 18', filter: 'M4 6h16M7 12h10m-7 6h4', credits: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm0-12v8m-3-5.5h6',
};
const Icon = ({name}) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${icons[name] || icons.more} /></svg>`;

/* --- words --- */

const Failed = ({error}) => error ? html`<p class="error" role="alert">${error.message || String(error)}</p>` : null;
const Nothing = ({title, children}) => html`<div class="nothing"><p><strong>${title}</strong></p>${children}</div>`;
const Sheet = ({title, aside, children, ...rest}) => html`<section class="sheet" ...${rest}>${title || aside ? html`<div class="head">${title ? html`<h2>${title}</h2>` : html`<span />`}${aside}</div>` : null}${children}</section>`;
const Facts = ({of}) => html`<dl class="facts">${Object.entries(of).filter(([, v]) => v !== null && v !== undefined && v !== '' && v !== false).map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
const Tag = ({tone, children}) => html`<span class=${'tag ' + (tone || '')}>${children}</span>`;
const Loading = ({error}) => error ? html`<${Failed} error=${error} />` : html`<div class="loading" role="status" aria-label="Loading"><i /><i /><i /></div>`;

/* What is rarely done opens under its name. */
const Fold = ({title, children, open}) => html`<details class="options" open=${open}><summary>${title}</summary>${children}</details>`;
/* Views within a view, in the address. */
const Tabs = ({label, at, of}) => html`<div class="tabs" role="group" aria-label=${label}>${Object.entries(of).map(([k, name]) => html`<button type="button" key=${k} aria-pressed=${at === k} onClick=${() => change({tab: k === Object.keys(of)[0] ? '' : k, state: '', order: ''})}>${name}</button>`)}</div>`;

/* --- tables --- */

/* columns: {key, name, n (a figure), cell(row), sort(row), wide, art (a picture), extra (neither is shown on a phone), spare (nor on a tablet)}; a row is chosen with a click on it or by its first cell's button. The
   order stands in the address; remote: the server has sorted. */
const cellClass = c => (c.n ? 'n' : '') + (c.wide || c.art ? ' wide' : '') + (c.art ? ' art' : '') + (c.extra ? ' extra' : '') + (c.tight ? ' tight' : '') + (c.spare ? ' spare' : '');
function Table({label, columns, rows, rowKey, onpick, order, remote, foot, pick, rowClass}) {
	const [by, way] = (order || '').split(':'), column = columns.find(c => c.key === by && c.sort);
	const shown = useMemo(() => {
		if (!column || remote) return rows;
		const list = [...rows];
		const sign = way === 'up' ? 1 : -1;
		list.sort((a, b) => { const x = column.sort(a), y = column.sort(b); return (x === null) - (y === null) || (x < y ? -sign : x > y ? sign : 0); });
		return list;
	}, [rows, order]);
	const flip = c => change({order: by === c.key && way !== 'up' ? `${c.key}:up` : `${c.key}:down`}, true);
	return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table>
		<thead><tr>${columns.map(c => html`<th key=${c.key} scope="col" class=${cellClass(c)} aria-sort=${column === c ? (way === 'up' ? 'ascending' : 'descending') : undefined}>
			${c.sort ? html`<button type="button" class="sort" onClick=${() => flip(c)}>${c.name}<span aria-hidden="true">${column === c ? (way === 'up' ? ' ↑' : ' ↓') : ''}</span></button>` : c.name || html`<span class="hidden">Share</span>`}</th>`)}</tr></thead>
		<tbody>${shown.map((r, i) => html`<tr key=${rowKey ? rowKey(r) : i} class=${(onpick ? 'link ' : '') + (rowClass ? rowClass(r) : '')} onClick=${onpick ? e => { if (!e.target.closest('a,button,input') && !String(getSelection())) onpick(r); } : undefined}>
			${columns.map((c, k) => html`<td key=${c.key} class=${cellClass(c)}>${k === (pick || 0) && onpick ? html`<button type="button" class="plain" onClick=${() => onpick(r)}>${c.cell(r)}</button>` : c.cell(r)}</td>`)}</tr>`)}</tbody>
		${foot ? html`<tfoot><tr>${columns.map(c => html`<td key=${c.key} class=${cellClass(c)}>${foot[c.key]}</td>`)}</tr></tfoot>` : null}
	</table></div>`;
}

/* --- forms --- */

let ids = 0;
function useId() { const r = useRef(0); if (!r.current) r.current = 'f' + ++ids; return r.current; }
function Field({label, hint, children, wide}) {
	const id = useId();
	const child = Array.isArray(children) ? children.find(c => c && c.props) : children;
	if (child && child.props) { child.props.id = id; if (hint) child.props['aria-describedby'] = id + 'h'; }
	return html`<div class=${'field' + (wide ? ' wide' : '')}><label for=${id}>${label}</label>${children}${hint ? html`<span class="hint" id=${id + 'h'}>${hint}</span>` : null}</div>`;
}
/* Without onChange it is the form's own: what was chosen stays, whatever is drawn again. Inputs of forms have a defaultValue for the same reason. */
const Select = ({options, ...rest}) => html`<select ...${rest} value=${rest.onChange ? rest.value : undefined}>${options.map(([v, text]) => html`<option key=${v} value=${v} selected=${rest.value === v}>${text}</option>`)}</select>`;
/* A form that says how it went; run(values) returns the words. */
function Act({run, children, label, tone, inline, sure}) {
	const [state, tell] = useState({}), alive = useRef(true), form = useRef(null);
	useEffect(() => () => { alive.current = false; }, []);
	const start = async e => {
		e.preventDefault();
		if (state.busy) return;
		if (sure && !state.asked) { tell({asked: true}); return; }
		tell({busy: true, asked: state.asked});
		try {
			const said = await run(Object.fromEntries(new FormData(form.current)), form.current);
			if (alive.current) tell({said});
		} catch (error) { if (alive.current) tell({error}); }
	};
	return html`<form class=${inline ? 'inline' : 'row'} ref=${form} onSubmit=${start}>${children}
		${state.asked && sure ? html`<p class="sure" role="alert">${sure}</p>` : null}
		<span class="buttons"><button class=${tone || 'main'} disabled=${state.busy}>${state.busy ? 'Working' : state.asked && sure ? 'Yes, ' + label[0].toLowerCase() + label.slice(1) : label}</button>
		${state.asked && sure && !state.busy ? html`<button type="button" onClick=${() => tell({})}>Cancel</button>` : null}</span>
		${state.said ? html`<p class="notice" role="status">${state.said}</p>` : null}<${Failed} error=${state.error} /></form>`;
}

/* --- what lies over the page --- */

/* A panel at the side; on a phone over the whole. Escape closes it, focus returns. */
function Panel({title, onclose, children, wide}) {
	const box = useRef(null);
	useEffect(() => {
		const back = document.activeElement, d = box.current;
		d.show();
		d.querySelector('h2').focus();
		const key = e => { if (e.key === 'Escape' && !document.querySelector('dialog[open].modal')) onclose(); };
		addEventListener('keydown', key);
		return () => { removeEventListener('keydown', key); if (back && back.isConnected) back.focus(); };
	}, []);
	return html`<dialog class=${'panel' + (wide ? ' wide' : '')} ref=${box} aria-label=${plain(title)}><div class="head"><h2 tabindex="-1">${title}</h2><button type="button" class="icon-only" aria-label="Close" onClick=${onclose}><${Icon} name="close" /></button></div>${children}</dialog>`;
}
/* A list that opens under its button. */
function Menu({label, children, name, tone}) {
	const box = useRef(null);
	useEffect(() => {
		const away = e => { if (box.current && box.current.open && !box.current.contains(e.target)) box.current.open = false; };
		const key = e => { if (e.key === 'Escape' && box.current && box.current.open) { box.current.open = false; box.current.querySelector('summary').focus(); } };
		addEventListener('pointerdown', away);
		addEventListener('keydown', key);
		return () => { removeEventListener('pointerdown', away); removeEventListener('keydown', key); };
	}, []);
	return html`<details class=${'menu ' + (tone || '')} ref=${box}><summary aria-label=${name}>${label}</summary><div class="list" onClick=${e => { if (e.target.closest('[data-done]')) box.current.open = false; }}>${children}</div></details>`;
}

/* --- the series chart --- */

/* names: of the buckets, in full and short; say(row, i): a value in words; foot(i): further lines of the tip; onpick(first, last): a bucket was
   chosen, or several by dragging. The arrow keys move over the buckets. */
function SeriesChart({count: n, rows, before, band, shade, stacked, label, names, shorts, writeY, say, foot, onpick}) {
	const box = useRef(null), [width, measure] = useState(0), [hover, point] = useState(null), [from, drag] = useState(null);
	useLayoutEffect(() => {
		const watch = new ResizeObserver(() => measure(box.current ? box.current.clientWidth : 0));
		watch.observe(box.current);
		measure(box.current.clientWidth);
		return () => watch.disconnect();
	}, []);
	const o = {width: Math.max(240, width), height: width && width < 560 ? 220 : 300, count: n, rows, before, band, shade, stacked, writeY, writeX: i => shorts[i], hover};
	const place = e => { const f = frame(o), i = Math.floor((e.clientX - box.current.getBoundingClientRect().left - f.left) / f.slot); return i < 0 || i >= n ? null : i; };
	const key = e => {
		if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') { e.preventDefault(); point(hover === null ? n - 1 : Math.max(0, Math.min(n - 1, hover + (e.key === 'ArrowLeft' ? -1 : 1)))); }
		if (e.key === 'Enter' && hover !== null && onpick) onpick(hover, hover);
		if (e.key === 'Escape') point(null);
	};
	const i = hover !== null && hover < n ? hover : null, f = i === null ? null : frame(o), x = f && f.x(i), right = x > o.width / 2;
	const lines = i === null ? [] : rows.filter(r => r.values[i] !== null && (r.values[i] !== 0 || rows.length < 3)).reverse();
	return html`<div class="chart" ref=${box} style=${{height: o.height + 'px'}}>${width ? series(o, label, {width: o.width, height: o.height, tabindex: 0, onKeyDown: key, onBlur: () => point(null),
			onPointerMove: e => point(place(e)), onPointerLeave: e => { if (e.pointerType === 'mouse') point(null); }, onPointerDown: e => drag(place(e)),
			onPointerUp: e => { const to = place(e); if (onpick && from !== null && to !== null && (e.pointerType === 'mouse' || from !== to)) onpick(Math.min(from, to), Math.max(from, to)); drag(null); }}) : null}
		${i === null ? null : html`<div class="tip" aria-live="polite" style=${right ? {right: o.width - x + 12 + 'px'} : {left: x + 12 + 'px'}}><strong>${names[i]}</strong>
			${lines.length ? lines.map(r => html`<div key=${r.name}><i class=${'dot c' + r.tone} /><span>${short(r.name, 28)}</span><b>${say(r, i)}</b></div>`) : html`<div class="soft">nothing metered</div>`}
			${(foot ? foot(i) : []).map(([name, text], k) => html`<div key=${'f' + k} class=${k ? 'soft' : 'sum'}><i /><span>${name}</span><b>${text}</b></div>`)}</div>`}</div>`;
}
