// mutated_payloads.mjs TALLY FILE SEED N: N random changes of each payload of FILE (as reported_payloads.mjs): a member is renamed, given twice, as
// text or inside a list, or one of no known meaning is added. The total and the counts stay the same, or the exit status says that something is wrong.
// What names a call or its model is left alone: without it the call is another one.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync, rmSync } from 'node:fs';

const [tally, file, seed, most] = process.argv.slice(2);
let state = Number(seed) * 2654435761 >>> 0 || 1;
const random = n => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return (state >>> 0) % n; };
const run = (name, text) => {
	writeFileSync(name, text);
	const p = spawnSync(tally, ['replay', name, '--at', '2026-06-15T10:00:00Z', '--json', '-q'], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
	let said = null, least = false;
	try {
		const d = JSON.parse(p.stdout);
		said = JSON.stringify([d.records, { ...d.tokens, reasoning: 0 }, d.other_tokens, d.total]);
		/* a cost that is a lower bound, and nothing else, says nothing of the change */
		least = p.status === 3 && d.placeholders > 0 && !d.unpriced && !d.quarantined && !d.columns_in_doubt && !d.partial;
	} catch { }
	return { status: least ? 0 : p.status, said };
};
const names = new Set(['id', 'model', 'modelId', 'requestId', 'uuid', 'sessionId', 'response_id', 'responseId', 'generation_id', 'limit_id', 'payload', 'info']);
function* places(v, path = []) {
	if (!v || typeof v !== 'object') return;
	for (const k of Object.keys(v)) {
		if (!Array.isArray(v) && !names.has(k)) yield [...path, k];
		yield* places(v[k], [...path, k]);
	}
}
const within = (root, path) => path.slice(0, -1).reduce((v, k) => v[k], root);
const changes = {
	rename(root, path) { const o = within(root, path), k = path.at(-1); o[`zz_${k}`] = o[k]; delete o[k]; },
	text(root, path) { const o = within(root, path), k = path.at(-1); if (typeof o[k] !== 'number') return false; o[k] = String(o[k]); },
	list(root, path) { const o = within(root, path), k = path.at(-1); if (typeof o[k] !== 'number') return false; o[k] = [o[k]]; },
	inside(root, path) { const o = within(root, path), k = path.at(-1); if (typeof o[k] !== 'number') return false; o[k] = { n_tokens: o[k] }; },
	twice(root, path) { const o = within(root, path), k = path.at(-1); if (typeof o[k] !== 'number') return false; o['@twice@'] = o[k] + 1; return k; },
	added(root, path) { const o = within(root, path), k = path.at(-1); if (!o[k] || typeof o[k] !== 'object' || Array.isArray(o[k])) return false; o[k].new_video_tokens = 7; },
	list_added(root, path) { const o = within(root, path), k = path.at(-1); if (!o[k] || typeof o[k] !== 'object' || Array.isArray(o[k])) return false; o[k].zz_details = [{ kind: 'x', tokens: 7 }]; },
};
let tried = 0, wrong = 0;
for (const c of readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse)) {
	const lines = c.text.split('\n'), told = run(c.file, c.text);
	const at = lines.map((l, i) => i).filter(i => /^(data: )?\{/.test(lines[i]) && /oken|usage|[cC]ount/.test(lines[i]));
	for (let n = 0; at.length && n < Number(most); n++) {
		const i = at[random(at.length)], before = lines[i].startsWith('data: ') ? 'data: ' : '';
		const root = JSON.parse(lines[i].slice(before.length)), all = [...places(root)], path = all[random(all.length)];
		const [how, change] = Object.entries(changes)[random(Object.keys(changes).length)];
		const hidden = how === 'rename' && path.at(-1) === 'content', key = change(root, path);
		if (key === false) continue;
		const text = before + JSON.stringify(root).replace('"@twice@"', JSON.stringify(key ?? ''));
		const got = run(c.file, lines.map((l, k) => k === i ? text : l).join('\n'));
		tried++;
		/* what a tool did and nobody prices cannot be told where all that was said has another name (docs/members.md, "What cannot be known") */
		if (hidden && told.status === 3) continue;
		if (got.status === 0 && got.said !== told.said && ++wrong <= 10) console.log(`${c.name}: ${how} ${path.join('.')}: ${got.said}, and not ${told.said}`);
	}
	rmSync(c.file, { force: true });
}
console.log(wrong ? `${wrong} silent changes, seed ${seed}` : `${tried} changes, none of them silent`);
process.exit(wrong ? 1 : 0);
