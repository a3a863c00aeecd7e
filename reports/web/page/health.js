/* Data health: what was refused, what came twice with other content, and the database at a glance. */

/* The records of one cause: all of them or chosen ones, to be tried again with what they lack, or given up. */
function Cause({cause, scope, session}) {
	const [chosen, choose] = useState({}), ids = cause.list.filter(h => chosen[h.id]).map(h => h.id), which = ids.length ? [{ids}] : cause.reasons.map(reason => ({reason}));
	const of = ids.length ? many(ids.length, 'chosen one', 'chosen ones') : `all ${count(cause.records)}`;
	return html`${cause.list.length < cause.records ? html`<p class="soft">The first ${count(cause.list.length)} of ${count(cause.records)}</p>` : null}<${Table} label=${cause.cause} rows=${cause.list.slice(0, 200)} rowKey=${h => h.id} columns=${[...(session.admin ? [{key: 'c', name: html`<span class="hidden">Chosen</span>`, cell: h => html`<input type="checkbox" aria-label=${`Choose ${h.id}`} checked=${Boolean(chosen[h.id])} onChange=${e => choose({...chosen, [h.id]: e.target.checked})} />`}] : []), {key: 'at', name: 'When', cell: h => stamp(h.at, scope.zone)}, {key: 's', name: 'Where', cell: h => html`<span class="name">${h.line ? `${h.source}:${h.line}` : h.source}</span>`}, {key: 'r', name: 'Content', wide: true, cell: h => html`<code>${short(h.raw, 200)}</code>`}, {key: 'n', name: 'Seen', n: true, cell: h => count(h.seen)}]} />
		${session.admin ? html`<h3>Add what they lack and try again: ${of}</h3><${Act} label="Try again" run=${async f => { let taken = 0, tried = 0, why = ''; for (const w of which) { const d = await post('/v1/quarantine/retry', {...given(f), ...w}); taken += d.taken; tried += d.tried; why = why || (d.refused[0] && d.refused[0].reason); } reload(); return `${count(taken)} of ${count(tried)} were taken.${why ? ` Refused again: ${short(why, 160)}` : ''}`; }}><${Field} label="Instant, where it lacks one"><input name="at" placeholder="2026-11-01" /><//><${Field} label="Model, where it lacks one"><input name="model" /><//><${Field} label="Customer, where it lacks one"><input name="customer" /><//><//>
			<${Act} inline label="Drop" tone="danger" sure=${`Give up ${of}? They count nowhere.`} run=${async () => { for (const w of which) await post('/v1/quarantine/drop', w); reload(); return 'Dropped.'; }} />` : null}`;
}
function Health({set, session}) {
	const scope = scopeOf(set), {data, error} = useDoc('/v1/quarantine'), status = useDoc('/v1/status'), st = status.data;
	const waiting = data ? data.quarantined.filter(h => h.state === 'held' || !h.state) : [];
	const causes = useMemo(() => {
		const by = new Map(), name = reason => reason.replace(/'[^']*'/g, m => m.length > 30 ? '…' : m);
		for (const c of data ? data.causes : []) { const cause = name(c.reason), x = by.get(cause) || {cause, reasons: [], records: 0, list: []}; x.reasons.push(c.reason); x.records += c.records; by.set(cause, x); }
		for (const h of waiting) if (by.has(name(h.reason))) by.get(name(h.reason)).list.push(h);
		return [...by.values()].sort((x, y) => y.records - x.records);
	}, [data]);
	return html`<div class="head title"><h1>Data health</h1></div>
		${st ? html`<div class="figures"><div class="figure"><span class="name">Records</span><b>${count(st.records)}</b><span class="delta soft">${st.last_written ? 'last stored ' + ago(st.last_written) : ''}</span></div><div class="figure"><span class="name">Last minute</span><b>${count(st.records_last_minute)}</b></div>
			<div class="figure"><span class="name">Without a price</span><b>${count(st.unpriced)}</b></div><div class="figure"><span class="name">Quarantined</span><b>${count(st.quarantined)}</b></div><div class="figure"><span class="name">Conflicts</span><b>${count(st.conflicts)}</b></div></div>` : null}
		${!data ? html`<${Loading} error=${error} />` : html`<${Sheet} title="Quarantine by cause">${causes.length ? html`<ul class="causes">${causes.map(c => html`<li key=${c.cause}><details open=${causes.length === 1}><summary><b>${count(c.records)}</b> <span class="name">${c.cause}</span></summary>
			<${Cause} cause=${c} scope=${scope} session=${session} /></details></li>`)}</ul>`
			: html`<${Nothing} title="Nothing is in quarantine"><p>What cannot be read or priced by a rule is kept here with its cause, and nothing is thrown away.</p><//>`}<//>
		<${Sheet} title="The same id with different content">${data.conflicts.length ? html`<p class="soft">The first one counts; <code>tally amend</code> corrects it.</p><${Table} label="Conflicts" rows=${data.conflicts} columns=${[{key: 'at', name: 'When', cell: c => stamp(c.at, scope.zone)}, {key: 'd', name: 'Differs in', cell: c => c.differs.replaceAll(',', ', ')}, {key: 'r', name: 'The later record', wide: true, extra: true, cell: c => html`<code>${short(c.record, 200)}</code>`}, {key: 'n', name: 'Seen', n: true, cell: c => count(c.seen)}]} />` : html`<p class="soft">None.</p>`}<//>`}
		${st ? html`<${Sheet} title="Database"><${Facts} of=${{File: st.db, Rows: count(st.rows), Size: st.bytes ? (st.bytes / 1048576).toFixed(1) + ' MiB' : null, 'Last record': st.last_record && stamp(st.last_record, scope.zone), 'Rows not in the rollup yet': st.rollup_lag ? count(st.rollup_lag) : null, 'Last check': st.last_check ? html`${stamp(st.last_check.at, scope.zone)} <${Tag} tone=${st.last_check.faults ? 'bad' : 'good'}>${st.last_check.faults ? many(st.last_check.faults, 'fault') : 'clean'}<//>` : 'none'}} /><p class="soft">A full check reads every row and every hash: <code>tally fsck</code></p><//>` : null}`;
}
