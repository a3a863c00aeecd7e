// An independent, slow replay of an agent-session trace under a few routes: what `tally whatif --cache infinite
// --scope conversation` must give. Everything in BigInt; prices of 2026-06-15 copied from the vendor's list.
// usage: node whatif_reference.mjs TRACE   prints: scenario, input, cache_read, output, total in USD
import { readFileSync } from 'node:fs';

const PER = 10n ** 12n; // prices in 1e-12 dollars a million tokens
const price = { // input, cache hit, output
	pro: [435000000000n, 3625000000n, 870000000000n],
	flash: [140000000000n, 2800000000n, 280000000000n],
};
const block = 64;
const calls = readFileSync(process.argv[2], 'utf8').split('\n').filter((l) => l.trim()).map((l) => JSON.parse(l));

function ids(ranges) {
	const out = [];
	for (const part of ranges.split(',').filter(Boolean)) {
		const [from, to] = part.split('-').map(Number);
		for (let i = from; i <= (to ?? from); i++) out.push(i);
	}
	return out;
}

const routes = {
	pro: () => 'pro',
	flash: () => 'flash',
	every5: (c, k) => (k % 5 === 4 ? 'pro' : 'flash'),
	every2: (c, k) => (k % 2 === 1 ? 'pro' : 'flash'),
	conversation3: (c) => (c % 3 === 2 ? 'pro' : 'flash'),
	from10: (c, k) => (k >= 10 ? 'pro' : 'flash'),
};

for (const [name, route] of Object.entries(routes)) {
	const seen = new Map(), count = new Map();
	let input = 0n, read = 0n, output = 0n, cost = 0n; // cost in 1e-18 dollars
	for (const q of calls) {
		const k = count.get(q.c) ?? 0;
		count.set(q.c, k + 1);
		const model = route(q.c, k), key = `${q.c} ${model}`;
		if (!seen.has(key)) seen.set(key, new Set());
		const have = seen.get(key), prompt = ids(q.h);
		let lead = 0;
		while (lead < prompt.length && have.has(prompt[lead])) lead++;
		prompt.forEach((b) => have.add(b));
		const hit = BigInt(Math.min(lead * block, q.in)), miss = BigInt(q.in) - hit, out = BigInt(q.out);
		const [pi, ph, po] = price[model];
		input += miss; read += hit; output += out;
		cost += miss * pi + hit * ph + out * po;
	}
	const text = cost.toString().padStart(19, '0');
	const total = `${text.slice(0, -18)}.${text.slice(-18)}`.replace(/\.?0+$/, '');
	console.log([name, input, read, output, total].join(','));
}
