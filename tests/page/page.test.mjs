// page.test.mjs TALLY MODULES SHOTS: the page of `tally serve` in headless Chromium, as a person uses it. Prints TAP. MODULES holds
// playwright-core and axe-core; screenshots of every view in light and dark and at two widths go to SHOTS. CHROMIUM may name the browser.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [tally, modules, shots] = process.argv.slice(2).map(p => resolve(p));
const require = createRequire(join(modules, 'node_modules', 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const dir = mkdtempSync(join(tmpdir(), 'tally-page-'));
const db = join(dir, 'page.db');
mkdirSync(shots, { recursive: true });
function run(...args) {
	try {
		return execFileSync(tally, [...args, '--db', db], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	} catch (e) {
		if (e.status < 3) throw e; // 3: done, but something has no price or was refused; 4: low
		return e.stdout;
	}
}
const hostile = '<script>alert(1)</script>';
const iso = offset => new Date(Date.now() + offset * 864e5).toISOString();

// --- what is metered before anybody looks ---
const month = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - 1, 15)).toISOString().slice(0, 7);
let csv = 'id,time,model,customer,project,input,cache_read,output\n';
for (let i = 0; i < 600; i++)
	csv += `r${i},${iso(-(i % 40) - 0.001)},${['deepseek-v4-flash', 'deepseek-v4-pro', 'claude-sonnet-4-6'][i % 3]},${['acme', 'beta'][i % 2]},p${i % 4},${1000 + i * 7},${i * 30},${200 + i}\n`;
csv += `hostile,${iso(-0.01)},${hostile},"${hostile}",p0,10,0,10\n`;
writeFileSync(join(dir, 'u.csv'), csv);
writeFileSync(join(dir, 'bad.csv'), 'id,time,model,input\nbad1,,deepseek-v4-flash,5\n');
for (const c of ['acme', 'beta']) run('credit', 'account', c, '--plan', 'vm0', '--since', '2026-01-01');
run('ingest', join(dir, 'u.csv'));
run('ingest', join(dir, 'bad.csv')); // refused
run('budget', 'set', 'all', '--amount', '1000');

function serve(...options) {
	return new Promise((done, fail) => {
		const child = spawn(tally, ['serve', '--listen', '127.0.0.1:0', '--db', db, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
		let log = '';
		child.stderr.on('data', d => {
			log += d;
			const m = log.match(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
			if (m) done({ url: m[1], stop: () => new Promise(r => { child.on('exit', r); child.kill('SIGTERM'); }) });
		});
		child.on('exit', () => fail(new Error(log)));
	});
}

let number = 0, failed = 0;
async function test(name, body) {
	number++;
	try {
		await body();
		console.log(`ok ${number} ${name}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${number} ${name}\n# ${String(e.stack).replaceAll('\n', '\n# ')}`);
	}
}
const is = (a, b, what) => { if (a !== b) throw new Error(`${what}: ${JSON.stringify(a)}, not ${JSON.stringify(b)}`); };
const ok = (a, what) => { if (!a) throw new Error(what); };

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
const problems = [];
async function pageOf(url, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
	const page = await context.newPage();
	page.on('console', m => { if (m.type() === 'error') problems.push(`${page.url()}: ${m.text()}`); });
	page.on('pageerror', e => problems.push(`${page.url()}: ${e}`));
	page.on('request', r => { if (!r.url().startsWith(url) && !/^(data|blob):/.test(r.url())) problems.push(`a request left: ${r.url()}`); });
	page.on('dialog', d => { problems.push(`a dialog: ${d.message()}`); d.dismiss(); });
	await page.goto(url);
	return page;
}
async function until(holds, what) {
	for (let i = 0; i < 100; i++) {
		if (await holds()) return;
		await new Promise(r => setTimeout(r, 100));
	}
	throw new Error(`${what}: not within ten seconds`);
}
const view = (page, name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

let server = await serve();
const page = await pageOf(server.url);
await heading(page, 'Overview');

await test('a record that is posted shows without a reload', async () => {
	await page.locator('.live.on').waitFor();
	const calls = () => page.locator('.card', { hasText: 'Calls' }).locator('b').innerText();
	await page.getByLabel('Period').selectOption('all');
	await until(async () => (await calls()) === '601', 'the overview of everything');
	const before = Number((await calls()).replaceAll(',', ''));
	await fetch(server.url + '/v1/usage', { method: 'POST', body: JSON.stringify({ id: 'live-1', time: iso(0), model: 'deepseek-v4-flash', customer: 'acme', input: 1000, output: 100 }) });
	await until(async () => Number((await calls()).replaceAll(',', '')) === before + 1, 'one call more');
});

await test('from a chart to its records, from a record to its explanation', async () => {
	await page.getByLabel('Period').selectOption('quarter');
	await page.waitForTimeout(700);
	const box = page.locator('section', { hasText: 'Cost by customer' }).last();
	await box.locator('summary').click();
	await box.getByRole('button', { name: 'acme' }).click();
	await heading(page, 'Records');
	ok((await page.locator('tbody tr').count()) > 50, 'there are records');
	await page.getByRole('button', { name: 'r598', exact: true }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByText('the multiplication').waitFor();
	const text = await dialog.innerText();
	ok(/Shape\s+csv/.test(text) && /deepseek\/|anthropic\//.test(text), text);
	const shown = text.match(/total\s+([0-9.]+) USD/)[1];
	is(shown, JSON.parse(run('explain', 'r598', '--json')).rows[0].total, 'the total to the last digit');
	await page.keyboard.press('Escape');
});

await test('names of strangers are text', async () => {
	await page.goto(server.url + '/#records?limit=5&period=all');
	await heading(page, 'Records');
	await page.getByText(hostile).first().waitFor();
	is(await page.locator('main script').count(), 0, 'scripts in the page');
});

await test('a grant, a draft, a final invoice and its PDF', async () => {
	await view(page, 'Credits');
	await heading(page, 'Credits');
	await page.getByRole('button', { name: 'acme' }).click();
	await page.getByLabel('Credits').fill('123456');
	await page.getByLabel('Note').fill('from the page');
	await page.getByRole('button', { name: 'Grant' }).click();
	await page.getByText('123,456.00').first().waitFor();
	ok(run('credit', 'balance', 'acme', '--json').includes('"amount": "123456"'), 'the grant is stored');
	await view(page, 'Invoices');
	await heading(page, 'Invoices');
	await page.getByLabel('Customer').fill('acme');
	await page.getByLabel('Month').fill(month);
	await page.getByRole('button', { name: 'Draft', exact: true }).click();
	await page.getByRole('button', { name: 'Finalize' }).click();
	await page.getByRole('button', { name: /never changes again/ }).click();
	await page.getByRole('cell', { name: 'final', exact: true }).waitFor();
	const href = await page.getByRole('link', { name: 'PDF' }).getAttribute('href');
	const pdf = Buffer.from(await (await fetch(server.url + href)).arrayBuffer());
	is(pdf.subarray(0, 5).toString(), '%PDF-', 'the PDF');
});

await test('a what-if over what was metered, and from an upload to one HTML file', async () => {
	await view(page, 'What if');
	await heading(page, 'What if');
	await page.getByLabel('Metered usage since').fill(iso(-60).slice(0, 10));
	await page.getByLabel('until').fill(iso(2).slice(0, 10));
	await page.getByLabel('Vary assumptions by').fill('0.1');
	await page.getByRole('button', { name: 'Compare' }).click();
	await page.getByText('Cost by scenario').waitFor();
	await page.getByText('Which assumption moves the cost most').waitFor();
	ok(page.url().includes('#whatif?'), 'the address carries the settings');
	await page.reload();
	await page.getByText('Cost by scenario').waitFor();
	writeFileSync(join(dir, 'trace.csv'), 'id,time,model,input,output\n' + Array.from({ length: 50 }, (_, i) => `t${i},2026-06-15T00:00:${String(i).padStart(2, '0')}Z,claude-sonnet-4-6,1000,100`).join('\n') + '\n');
	await page.getByLabel('or a trace of your own').setInputFiles(join(dir, 'trace.csv'));
	await page.getByLabel('Scenarios').fill('recorded\nflash=deepseek-v4-flash');
	await page.getByRole('button', { name: 'Compare' }).click();
	await page.getByText('50 calls under 2 scenarios.').waitFor();
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as one HTML file' }).click()]);
	const html = readFileSync(await download.path(), 'utf8');
	ok(html.includes('tally.whatif/1') && !/(src|href)="?https?:/.test(html), 'one file');
	const file = await browser.newPage();
	await file.setContent(html);
	await file.getByText('Cost by scenario').waitFor();
	await file.close();
	await page.getByLabel('Scenarios').fill('x=every:0:a:b');
	await page.getByRole('button', { name: 'Compare' }).click();
	await page.getByRole('alert').waitFor();
	await page.getByLabel('Scenarios').fill('x=rules:/etc/passwd');
	await page.getByRole('button', { name: 'Compare' }).click();
	await page.getByText('for the command line').waitFor();
	problems.splice(0, problems.length, ...problems.filter(p => !/status of 4\d\d/.test(p))); // answers of 4xx that were asked for
});

await test('what was refused, why, and again with what it lacked', async () => {
	await view(page, 'Quarantine');
	await heading(page, 'Quarantine');
	await page.getByText('bad1').waitFor();
	await page.getByLabel('Instant, where it lacks one').fill('2026-06-15');
	await page.getByRole('button', { name: 'Try all again' }).click();
	await page.getByText('Nothing was refused.').waitFor();
});

await test('another site can neither write nor ask', async () => {
	const body = JSON.stringify({ id: 'x', model: 'deepseek-v4-flash', input: 1 });
	is((await fetch(server.url + '/v1/usage', { method: 'POST', body, headers: { Origin: 'https://evil.example' } })).status, 403, 'origin');
	is((await fetch(server.url + '/v1/grants', { method: 'POST', body: '{}', headers: { 'Sec-Fetch-Site': 'cross-site' } })).status, 403, 'site');
	is(Number(execFileSync('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-A', 'Mozilla/5.0', '-H', 'Host: evil.example', server.url + '/v1/usage'], { encoding: 'utf8' })), 403, 'another name');
	const policy = (await fetch(server.url)).headers.get('content-security-policy');
	ok(policy.includes("script-src 'self'") && !policy.includes('unsafe'), policy);
});

const views = ['overview?period=quarter', 'records?period=quarter', 'credits?customer=acme', 'invoices', 'whatif?scenarios=recorded%0Aflash%3Ddeepseek-v4-flash&since=2026-01-01&until=2027-12-31', 'quarantine'];
await test('every view in light and dark, wide and narrow: nothing overflows, no serious finding of axe', async () => {
	const findings = [];
	for (const colorScheme of ['light', 'dark'])
		for (const width of [1280, 390]) {
			const p = await pageOf(server.url, { colorScheme, viewport: { width, height: 900 } });
			for (const v of views) {
				const name = v.split('?')[0];
				await p.goto(`${server.url}/#${v}`);
				await p.locator('h1').waitFor();
				await p.waitForTimeout(name === 'overview' || name === 'whatif' ? 1500 : 400);
				await p.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
				const overflow = await p.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
				if (overflow > 0) findings.push(`${name} ${width}: ${overflow} pixels too wide`);
				await p.evaluate(axe + ';0');
				const result = await p.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
				for (const x of result.violations.filter(x => ['serious', 'critical'].includes(x.impact)))
					findings.push(`${name} ${colorScheme} ${width}: ${x.id} ${x.nodes.slice(0, 2).map(n => n.html.slice(0, 120)).join(' | ')}`);
			}
			await p.context().close();
		}
	ok(findings.length === 0, findings.join('\n'));
});

await test('the keyboard reaches every view', async () => {
	await page.goto(server.url + '/#overview');
	await heading(page, 'Overview');
	await page.locator('body').press('Tab');
	for (let i = 0; i < 12 && !(await page.evaluate(() => document.activeElement.textContent === 'Credits')); i++) await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await heading(page, 'Credits');
});
await page.context().close();
await server.stop();

// --- with tokens ---
const token = (name, ...options) => {
	const r = spawnSyncText(['token', name, ...options]);
	writeFileSync(join(dir, 'tokens'), (existsSync(join(dir, 'tokens')) ? readFileSync(join(dir, 'tokens'), 'utf8') : '') + r.line);
	return r.token;
};
function spawnSyncText(args) {
	const out = execFileSync('/bin/sh', ['-c', '"$0" "$@" 2>&1', tally, ...args], { encoding: 'utf8' });
	return { token: out.match(/^token: (\S+)$/m)[1], line: out.split('\n').filter(l => /^\S+ \S+ \S+ [0-9a-f]{64}$/.test(l)).join('\n') + '\n' };
}
const admin = token('boss', '--scope', 'read,admin'), reader = token('eye', '--scope', 'read');
server = await serve('--tokens', join(dir, 'tokens'));
await test('a wrong token is refused, the right one signs in and out, by a cookie that scripts cannot read', async () => {
	const p = await pageOf(server.url);
	await heading(p, 'Sign in');
	await p.getByLabel('Token').fill('wrong');
	await p.getByRole('button', { name: 'Sign in' }).click();
	await p.getByText('knows no such token').waitFor();
	await p.getByLabel('Token').fill(admin);
	await p.getByRole('button', { name: 'Sign in' }).click();
	await heading(p, 'Overview');
	const cookie = (await p.context().cookies())[0];
	ok(cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
	is(await p.evaluate(() => document.cookie), '', 'what scripts see of it');
	await p.locator('.live.on').waitFor();
	await p.getByRole('button', { name: 'Sign out' }).click();
	await heading(p, 'Sign in');
	is((await p.context().cookies()).length, 0, 'cookies left');
	await p.context().close();
	problems.splice(0, problems.length, ...problems.filter(x => !/status of 401/.test(x)));
});
await test('a reader sees, and may not grant', async () => {
	const p = await pageOf(server.url);
	await p.getByLabel('Token').fill(reader);
	await p.getByRole('button', { name: 'Sign in' }).click();
	await heading(p, 'Overview');
	await p.goto(server.url + '/#credits?customer=acme');
	await p.getByText('Grants of acme').waitFor();
	is(await p.getByRole('button', { name: 'Grant' }).count(), 0, 'buttons to grant');
	is((await fetch(server.url + '/v1/grants', { method: 'POST', headers: { Authorization: 'Bearer ' + reader }, body: '{"customer":"acme","amount":"5"}' })).status, 403, 'the grant');
	await p.context().close();
});
await server.stop();
await test('no errors on the console, no request elsewhere', async () => is(problems.join('\n'), '', 'problems'));
await browser.close();
rmSync(dir, { recursive: true, force: true });
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
