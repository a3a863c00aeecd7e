/* What every view of the page stands on: safe text, exact decimals, dates of a zone, the address, documents of the server. */
const {render, createElement} = preact;
const {useState, useEffect, useLayoutEffect, useMemo, useRef} = preactHooks;

/* --- text --- */

/* Texts as people may see them: what controls a terminal or turns the direction of writing is written out. */
const plain = s => typeof s === 'string' ? s.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')) : s;
const plainly = c => Array.isArray(c) ? c.map(plainly) : plain(c);
/* Every text that is shown goes through here. */
function h(type, props, ...children) {
	if (props) for (const k of ['title', 'aria-label', 'placeholder', 'label']) if (typeof props[k] === 'string' && typeof type === 'string') props = {...props, [k]: plain(props[k])};
	return createElement(type, props, ...(typeof type === 'string' ? children.map(plainly) : children));
}
const html = htm.bind(h);
const short = (s, most = 60) => { s = plain(String(s)); return s.length > most ? s.slice(0, most - 1) + '…' : s; };
const many = (n, one, more) => `${count(n)} ${Number(n) === 1 ? one : more || one + 's'}`;

/* --- exact decimals: whole numbers of 1e-30 --- */

const PLACES = 30, ONE = 10n ** BigInt(PLACES);
function exact(text) {
	if (typeof text === 'bigint') return text;
	let s = String(text ?? '0'), e = 0;
	const m = s.match(/^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/);
	if (!m) return 0n;
	e = Number(m[4] || 0);
	let whole = m[2] + m[3], drop = PLACES - m[3].length + e;
	whole = drop >= 0 ? whole + '0'.repeat(drop) : whole.slice(0, drop) || '0';
	const v = BigInt(whole || '0');
	return m[1] ? -v : v;
}
const sum = list => list.reduce((n, x) => n + exact(x), 0n);
/* every digit, without zeros at the end */
function digits(v, places = PLACES) {
	v = exact(v);
	const minus = v < 0n, t = (minus ? -v : v).toString().padStart(PLACES + 1, '0');
	const fraction = t.slice(-PLACES).slice(0, places).replace(/0+$/, '');
	return (minus ? '-' : '') + t.slice(0, -PLACES) + (fraction ? '.' + fraction : '');
}
const grouped = whole => whole.replace(/\B(?=(\d{3})+$)/g, ',');
const every = v => digits(v).replace(/^-?\d+/, grouped);
/* rounded half away from zero */
function fixed(v, places) {
	v = exact(v);
	const minus = v < 0n, unit = 10n ** BigInt(PLACES - places), r = ((minus ? -v : v) + unit / 2n) / unit;
	const t = r.toString().padStart(places + 1, '0');
	const whole = places ? t.slice(0, -places) : t;
	return (minus && r ? '-' : '') + grouped(whole) + (places ? '.' + t.slice(-places) : '');
}
/* Two places from one unit on and where they say all; below it as many as show two digits that count. */
function rounded(v) {
	v = exact(v);
	const size = v < 0n ? -v : v;
	if (size >= ONE || size % (ONE / 100n) === 0n) return fixed(v, 2);
	const zeros = PLACES - size.toString().length;
	return fixed(v, Math.min(18, Math.max(zeros < 2 ? 4 : 2, zeros + 2)));
}
/* 12,345,678 as 12.35M, where there is no room for more */
function compact(v) {
	const n = toNumber(v), size = Math.abs(n);
	for (const [unit, sign] of [[1e15, 'Q'], [1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'k']])
		if (size >= unit) return (n / unit).toLocaleString('en-US', {maximumSignificantDigits: 4}) + sign;
	return null;
}
/* A mark of an axis, with as many places as the step between marks. */
function markOf(v, step, currency) {
	if (!v) return inUnit('0', currency);
	if (v >= 1000) return inUnit(compact(String(v)), currency);
	let places = 0;
	while (places < 18 && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places++;
	return inUnit(v.toFixed(currency && places === 1 ? 2 : places), currency);
}
const toNumber = v => typeof v === 'bigint' ? Number(v) / 1e30 : Number(v);
const signs = {USD: '$', EUR: '€', GBP: '£', CNY: '¥', JPY: '¥', INR: '₹', KRW: '₩'};
const inUnit = (text, currency) => currency === 'credits' || !currency ? text : signs[currency] ? text.replace(/^(-?)/, '$1' + signs[currency]) : `${text} ${currency}`;
const money = (v, currency) => inUnit(rounded(v), currency);
const count = v => grouped(String(v ?? 0));
const percent = (part, of) => of ? share(Number(part) / Number(of)) : '–';
const share = p => !isFinite(p) ? '–' : (p * 100).toFixed(Math.abs(p) < 9.995 ? 1 : 0) + '\u00a0%';

/* --- instants and days of a zone --- */

const formats = new Map();
function format(zone, kind) {
	const key = zone + kind;
	if (!formats.has(key)) {
		const parts = {day: {year: 'numeric', month: '2-digit', day: '2-digit'}, time: {year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'}}[kind];
		formats.set(key, new Intl.DateTimeFormat('en-CA', {timeZone: zone, ...parts}));
	}
	return formats.get(key);
}
const ownZone = (() => { try { return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'; } catch { return 'UTC'; } })();
function validZone(z) { try { format(z, 'day'); return true; } catch { return false; } }
const dayOf = (instant, zone) => format(zone, 'day').format(new Date(instant));
const fields = (instant, zone) => Object.fromEntries(format(zone, 'time').formatToParts(new Date(instant)).map(p => [p.type, p.value]));
function offsetOf(instant, zone) {
	const f = fields(instant, zone);
	return Date.UTC(f.year, f.month - 1, f.day, f.hour, f.minute, f.second) - Math.floor(instant / 1000) * 1000;
}
/* the instant of a local time, 2026-11-03T14:00, in milliseconds */
function instantOf(time, zone) {
	const at = Date.parse(time + ':00Z');
	return at - offsetOf(at - offsetOf(at, zone), zone);
}
/* the first instant of a day of a zone */
function beginning(day, zone) {
	const t = instantOf(day + 'T00:00', zone);
	return dayOf(t, zone) < day ? t + 36e5 : t;
}
const addDays = (day, n) => new Date(Date.parse(day + 'T00:00:00Z') + n * 864e5).toISOString().slice(0, 10);
const addMonths = (day, n) => { const d = new Date(day.slice(0, 7) + '-01T00:00:00Z'); d.setUTCMonth(d.getUTCMonth() + n); return d.toISOString().slice(0, 10); };
const daysBetween = (a, b) => Math.round((Date.parse(b) - Date.parse(a)) / 864e5);
function when(instant, zone) {
	if (!instant) return '';
	const f = fields(new Date(instant).getTime(), zone);
	return `${f.year}-${f.month}-${f.day} ${f.hour}:${f.minute}:${f.second}`;
}
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const dayName = (day, year) => day ? `${Number(day.slice(8, 10))} ${months[Number(day.slice(5, 7)) - 1]}${year ? ' ' + day.slice(0, 4) : ''}` : '';
function ago(instant) {
	const s = Math.round((Date.now() - Date.parse(instant)) / 1000);
	return s < 60 ? 'just now' : s < 3600 ? `${Math.floor(s / 60)} min ago` : s < 172800 ? `${Math.floor(s / 3600)} h ago` : `${Math.floor(s / 86400)} days ago`;
}

/* --- the address: #view/item?settings --- */

const filterNames = ['customer', 'project', 'model', 'workload', 'provider', 'effort'];
const globals = ['range', 'since', 'until', 'cmp', 'z', ...filterNames];
const ranges = {
	today: ['Today', t => [t, addDays(t, 1)]],
	'7d': ['Last 7 days', t => [addDays(t, -6), addDays(t, 1)]],
	'30d': ['Last 30 days', t => [addDays(t, -29), addDays(t, 1)]],
	'90d': ['Last 90 days', t => [addDays(t, -89), addDays(t, 1)]],
	month: ['This month', t => [addMonths(t, 0), addMonths(t, 1)]],
	'last-month': ['Last month', t => [addMonths(t, -1), addMonths(t, 0)]],
	year: ['Last 12 months', t => [addMonths(t, -11), addMonths(t, 1)]],
	all: ['Everything', () => [null, null]],
};
function readAddress() {
	const [path, rest] = location.hash.slice(1).split(/\?(.*)/s);
	const [view, ...item] = path.split('/');
	let name = '';
	try { name = decodeURIComponent(item.join('/')); } catch { name = item.join('/'); }
	return {view: view || 'usage', item: name, set: Object.fromEntries(new URLSearchParams(rest || ''))};
}
/* A filter that is empty asks for what has no name there; any other empty setting is none. */
function query(o) { const p = new URLSearchParams(); for (const [k, v] of Object.entries(o)) if (v !== null && v !== undefined && v !== false && (v !== '' || filterNames.includes(k))) p.set(k, v); return p.toString(); }
function addressOf(view, item, set) { const q = query(set); return '#' + view + (item ? '/' + encodeURIComponent(item) : '') + (q ? '?' + q : ''); }
/* The link to another view keeps range, zone and filters. */
function linkTo(view, item = '', extra = {}) {
	const kept = Object.fromEntries(Object.entries(readAddress().set).filter(([k]) => globals.includes(k)));
	return addressOf(view, item, {...kept, ...extra});
}
const go = (view, item, extra) => { location.hash = linkTo(view, item, extra); };
/* Changes settings of the view that is shown; replace: without a step of its own in the history. */
function change(settings, replace) {
	const a = readAddress(), to = addressOf(a.view, a.item, {...a.set, ...settings});
	if (to === location.hash) return;
	if (replace) { history.replaceState(null, '', to); dispatchEvent(new Event('hashchange')); } else location.hash = to;
}
const isTime = d => /^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$/.test(d || '');
const timeName = d => dayName(d, true) + (d[10] ? ' ' + d.slice(11) : '');
/* What is asked for: days or times of day, instants, zone and filters; the period before has the same length. */
function scopeOf(set) {
	const zone = set.z && validZone(set.z) ? set.z : ownZone, today = dayOf(Date.now(), zone);
	let [from, to] = (ranges[set.range] || ranges['30d'])[1](today), name = (ranges[set.range] || ranges['30d'])[0];
	const a = isTime(set.since) ? set.since : '', b = isTime(set.until) ? set.until : '', timed = a[10] || b[10];
	if (a || b) {
		from = a ? a.slice(0, 10) : null;
		to = b ? addDays(b.slice(0, 10), 1) : null;
		name = a && b ? a === b ? timeName(a) : `${timeName(a)} – ${timeName(b)}` : a ? `Since ${timeName(a)}` : `Until ${timeName(b)}`;
	}
	const at = (day, time) => time && time[10] ? new Date(instantOf(time, zone)).toISOString() : day ? new Date(beginning(day, zone)).toISOString() : undefined;
	const since = at(from, a), until = at(to, b), span = Date.parse(until) - Date.parse(since);
	const length = from && to ? timed ? Math.max(0, span / 864e5) : daysBetween(from, to) : 0;
	const filters = Object.fromEntries(filterNames.filter(k => set[k] !== undefined).map(k => [k, set[k]]));
	return {zone, today, from, to, name, days: length, filters, since, until,
		before: length ? {since: timed ? new Date(Date.parse(since) - span).toISOString() : at(addDays(from, -length)), until: since} : null};
}

/* --- asking the server --- */

class Refused extends Error { constructor(message, status) { super(message); this.status = status; } }
let onUnauthorized = () => {};
const unchanged = Symbol('304');
async function ask(path, options, keepTag) {
	let response;
	try {
		response = await fetch(path, options);
	} catch {
		throw new Refused('The server does not answer. Is it still running?', 0);
	}
	if (response.status === 304) return unchanged;
	const text = await response.text();
	let body = null;
	try { body = JSON.parse(text); } catch { /* no JSON */ }
	if (response.status === 401) onUnauthorized();
	if (!response.ok) throw new Refused(body && body.error ? body.error.message : `${response.status} ${response.statusText}`, response.status);
	if (keepTag) keepTag(response.headers.get('ETag'));
	return body;
}
const post = (path, settings) => ask(path, {method: 'POST', body: JSON.stringify(settings)});
const given = f => Object.fromEntries(Object.entries(f).filter(([, v]) => v !== ''));
/* What a form does: what was written into it is posted with what is known, then it is empty again. number: a member that is no text. */
const posts = (path, words, known, number) => async (f, form) => {
	const said = {...given(f), ...known};
	if (said[number]) said[number] = Number(said[number]);
	await post(path, said);
	form.reset();
	reload();
	return words;
};

/* Documents by address. Whoever shows one keeps seeing the last one until the next is there. */
const docs = new Map();
function load(url) {
	const d = docs.get(url);
	if (!d || d.loading) return;
	d.loading = true;
	d.dirty = false;
	/* what has not changed is not sent again, and nothing is drawn for it */
	ask(url, d.tag && d.data ? {headers: {'If-None-Match': d.tag}} : {}, tag => { d.tag = tag; }).then(data => { if (data !== unchanged) d.data = data; d.error = null; }, e => { d.error = e; }).then(() => {
		d.loading = false;
		d.at = Date.now();
		for (const tell of [...d.tell]) tell({});
	});
}
/* live: it is asked for again when rows were stored. */
function useDoc(url, live = true) {
	const [, tell] = useState({}), last = useRef(null);
	/* asked for before anything is painted, not a frame later */
	useLayoutEffect(() => {
		if (!url) return undefined;
		if (!docs.has(url)) docs.set(url, {tell: new Set(), data: null, error: null, at: 0});
		const d = docs.get(url);
		d.live = live;
		d.tell.add(tell);
		if (!d.at || d.dirty || Date.now() - d.at > 5000) load(url);
		return () => {
			d.tell.delete(tell);
			for (const [k, x] of docs) if (docs.size > 60 && !x.tell.size) docs.delete(k);
		};
	}, [url]);
	const d = url ? docs.get(url) : null;
	if (d && d.data) last.current = d.data;
	if (!url) last.current = null;
	return {data: last.current, error: d && d.error, fresh: Boolean(d && d.data)};
}
/* Rows were stored: what is shown is asked for again, one document a second at most, the oldest first. */
function touched() { for (const d of docs.values()) if (d.live) d.dirty = true; }
/* Something was done here: what is shown is asked for at once. */
function reload() { for (const [url, d] of docs) if (d.tell.size) { d.dirty = true; load(url); } else docs.delete(url); }
setInterval(() => {
	if (document.hidden) return;
	const due = [...docs].filter(([, d]) => d.dirty && d.tell.size && !d.loading).sort((a, b) => a[1].at - b[1].at)[0];
	if (due) load(due[0]);
}, 1000);
