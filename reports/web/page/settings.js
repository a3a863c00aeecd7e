/* Settings: how this browser shows the page, and who is signed in. */

function applyTheme() { const t = localStorage.getItem('theme'); if (t === 'light' || t === 'dark') document.documentElement.dataset.theme = t; else delete document.documentElement.dataset.theme; }
applyTheme();
function setTheme(t) { if (t) localStorage.setItem('theme', t); else localStorage.removeItem('theme'); applyTheme(); }
function Settings({set, session, signOut}) {
	const zone = scopeOf(set).zone, [, again] = useState(0);
	const zones = useMemo(() => { try { return ['UTC', ...Intl.supportedValuesOf('timeZone')]; } catch { return ['UTC', ownZone]; } }, []);
	return html`<div class="head title"><h1>Settings</h1></div>
		<${Sheet} title="This browser"><div class="row"><${Field} label="Appearance"><${Select} value=${localStorage.getItem('theme') || ''} options=${[['', 'as the system'], ['light', 'light'], ['dark', 'dark']]} onChange=${e => { setTheme(e.target.value); again(n => n + 1); }} /><//>
			<${Field} label="Time zone" hint=${`this browser's own is ${ownZone}; the choice stands in the address`}><${Select} value=${zone} options=${[...new Set([ownZone, ...zones])].map(z => [z, z])} onChange=${e => change({z: e.target.value === ownZone ? '' : e.target.value})} /><//></div><//>
		<${Sheet} title="Keyboard"><${Facts} of=${{'Ctrl K or /': 'search and commands', 'g then u, r, c, b, d, p, w, l, h, s': 'the views, as they stand in the rail', 'Escape': 'closes what lies on top', 'Tab, Enter': 'reach and use everything'}} /><//>
		<${Sheet} title="Signed in"><${Facts} of=${{May: [session.read !== false && 'read', session.write && 'write', session.admin && 'administrate'].filter(Boolean).join(', '), Customer: session.customer, Tokens: session.needs_token ? 'asked for' : 'not asked for: only this machine may connect'}} />${session.needs_token ? html`<button type="button" onClick=${signOut}>Sign out</button>` : null}<//>
		${session.admin && !session.customer ? html`<${Tokens} scope=${scopeOf(set)} session=${session} /><${Trail} scope=${scopeOf(set)} />` : null}
		${session.customer ? null : html`<${Sheet} title="What the server uses"><p>Zone, currency, prices and plan of commands: <code>tally config</code>.</p><//>`}`;
}
