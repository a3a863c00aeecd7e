// page.mjs URL MODULES: first contentful paint of the page, when its figures stand, and when chart and table do too, in headless
// Chromium; the best of five each, in ms, of 30 days (of August 2026, as bench_store dates its rows) and of everything. Then the same of a page of
// one line, whose script asks one question: what the browser itself takes.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
const [url, modules] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(modules), 'node_modules', 'x.js'))('playwright-core');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const said = [], bare = {
	'/': ['text/html', '<!doctype html><p>one line</p><script type="module" src="/script.js"></script>'],
	'/script.js': ['text/javascript', 'const n = await (await fetch("/answer")).json(); document.body.innerHTML += `<p class="figure"><b><i class="num">${n}</i></b></p><main><svg class="series"></svg><table><tbody><tr></tr></tbody></table></main>`;'],
	'/answer': ['application/json', '1'],
};
const server = createServer((q, a) => { const [type, text] = bare[q.url] ?? bare['/']; a.setHeader('content-type', type); a.end(text); });
await new Promise(ready => server.listen(0, '127.0.0.1', ready));
for (const place of [`${url}/#usage?since=2026-08-01&until=2026-08-30`, `${url}/#usage?range=all`, `http://127.0.0.1:${server.address().port}/`]) {
	const best = [Infinity, Infinity, Infinity];
	for (let i = 0; i < 5; i++) {
		const page = await browser.newPage();
		// noted in the page itself, so that the way to this program does not count
		await page.addInitScript(() => {
			const seen = window.seen = {}, note = (k, there) => { if (!seen[k] && there) seen[k] = performance.now(); };
			new MutationObserver(() => {
				note('figures', document.querySelector('.figure b .num'));
				note('all', document.querySelector('svg.series') && document.querySelector('main tbody tr'));
			}).observe(document, { childList: true, subtree: true });
		});
		await page.goto(place);
		// what is quick can stand before it is painted
		while (!await page.evaluate(() => window.seen.figures && window.seen.all && performance.getEntriesByName('first-contentful-paint').length)) await page.waitForTimeout(20); // waitForFunction would be refused by the page's policy
		const at = await page.evaluate(() => [performance.getEntriesByName('first-contentful-paint')[0].startTime, window.seen.figures, window.seen.all]);
		at.forEach((v, k) => { best[k] = Math.min(best[k], v); });
		await page.close();
	}
	said.push(...best.map(Math.round));
}
console.log(said.join(' '));
await browser.close();
server.close();
