/* Prices of one's own: cards of the database, and what they change of the prices that are stored. */

const installed = async (name, card) => { const d = await post('/v1/cards', {name, card}); reload(); return d.in_use ? 'Installed: calls are priced by it from now on.' : 'Installed; the server has not read it yet.'; };
const bucketNames = {input: 'Input', cache_read: 'Cache read', cache_write_5m: 'Cache write', output: 'Output'};
function OwnCards({missing}) {
	const {data} = useDoc('/v1/cards', false), cards = data ? data.cards : [], names = missing.map(r => r.model).filter(Boolean);
	const add = async (f, form) => {
		const rates = given(Object.fromEntries(Object.keys(bucketNames).map(b => [b, f[b]])));
		const said = await installed(`${f.provider}-${f.model}`.replace(/[^\w.-]+/g, '-').slice(0, 90), {schema: 'tally.card/1', provider: f.provider, prices: [{model: f.model, currency: f.currency, from: f.from + 'T00:00:00Z', rates, source: f.source, sure: 'stated'}]});
		form.reset();
		return said;
	};
	const file = async (f, form) => { const d = JSON.parse(await f.file.text()), said = await installed(f.file.name, d); form.reset(); return said; };
	return html`<${Sheet} id="own" title="Prices of your own">${cards.length ? html`<${Table} label="Price cards" rows=${cards} rowKey=${c => c.card} columns=${[{key: 'n', name: 'Card', cell: c => html`<span class="name">${c.card}</span>`}, {key: 'm', name: 'Models', wide: true, extra: true, cell: c => short([...new Set(c.models)].join(', '), 120)}, {key: 'p', name: 'Prices', n: true, cell: c => count(c.prices)}, {key: 'a', name: 'Since', cell: c => c.installed.slice(0, 10)}, {key: 'r', name: html`<span class="hidden">Remove</span>`, cell: c => html`<${Act} inline label="Remove" tone="danger" sure="What it has priced keeps its price." run=${posts('/v1/cards/remove', '', {name: c.card})} />`}]} />` : html`<p class="soft">None. A card goes before the price book.</p>`}
		<${Fold} title="Add a price" open=${names.length > 0}><${Act} label="Add" run=${add}><${Field} label="Model"><input name="model" required list="unpriced" defaultValue=${names[0] || ''} /><//><datalist id="unpriced">${names.map(n => html`<option key=${n} value=${n} />`)}</datalist><${Field} label="Who sells it"><input name="provider" required /><//><${Field} label="Currency"><input name="currency" required defaultValue="USD" pattern="[A-Z]{3}" /><//><${Field} label="From"><input name="from" type="date" required defaultValue=${addMonths(dayOf(Date.now(), 'UTC'), -12)} /><//>
			${Object.entries(bucketNames).map(([b, n]) => html`<${Field} key=${b} label=${n + ', a million'}><input name=${b} inputmode="decimal" required=${b === 'input' || b === 'output'} /><//>`)}<${Field} label="Where it is stated"><input name="source" required placeholder="contract of June" /><//><//><//>
		<${Fold} title="Install a card from a file"><${Act} label="Install" run=${file}><${Field} label="JSON of a price card"><input type="file" name="file" accept=".json" required /><//><//><//><//>`;
}
/* First what would change, with its sums; then just that. */
function Reprice({scope}) {
	const [seen, see] = useState(null), d = seen && seen.d, amount = v => html`<${Amount} v=${v} currency=${d.currency} />`;
	const look = async (wish, done) => { see({wish, done, d: await post('/v1/rerate', {...wish, dry_run: true})}); return ''; };
	const left = d ? [[d.kept, 'whose price no card states any more'], [d.of_other_cards, `rated by cards that are not at hand (${d.cards_not_at_hand})`], [d.in_another_currency, `not in ${d.currency}`]].filter(([n]) => n) : [];
	return html`<${Sheet} title="Reprice what is stored"><p class="soft">Records of ${scope.name.toLowerCase()} are compared with the prices of now. Corrections are added; nothing is overwritten.</p>
		<${Act} label="Look" tone="quiet" run=${f => look({since: scope.since, until: scope.until, unprice: Boolean(f.unprice), other_cards: Boolean(f.other_cards)})}><label class="check"><input type="checkbox" name="unprice" /> also remove prices that no card states any more</label><label class="check"><input type="checkbox" name="other_cards" /> also of cards that are not at hand</label><//>
		${d ? html`<p class="big" role="status">${d.records ? html`${many(d.records, 'record')}: ${amount(d.before)} becomes ${amount(d.after)}` : seen.done ? 'Repriced.' : 'Every record keeps its price.'}</p>
			${d.changes.length ? html`<${Table} label="What changes" rows=${d.changes} columns=${[{key: 'm', name: 'Model', cell: c => html`<span class="name">${c.model || 'none named'}</span>`}, {key: 'n', name: 'Records', n: true, cell: c => count(c.records)}, {key: 'w', name: 'Was', extra: true, cell: c => short(c.was, 80)}, {key: 'i', name: 'Is', extra: true, cell: c => short(c.is, 80)}, {key: 'b', name: 'Before', n: true, cell: c => amount(c.before)}, {key: 'a', name: 'After', n: true, cell: c => amount(c.after)}]} />` : null}
			${left.map(([n, why]) => html`<p class="soft" key=${why}>${many(n, 'record keeps its price', 'records keep their price')}: ${why}</p>`)}
			${d.records ? html`<${Act} label="Reprice" sure=${`${many(d.records, 'record')} get the price of now. Invoices that are final stay; the next ones show the difference.`} run=${async f => { await post('/v1/rerate', {...seen.wish, why: f.why, records: d.records}); reload(); return look(seen.wish, true); }}><${Field} label="Why"><input name="why" required /><//><//>` : null}` : null}<//>`;
}
