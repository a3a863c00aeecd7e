// Whether scripts say the same by other names: one tree, members and texts alike, and each name of the one means one variable of the other.
export function meanings(source, { parse, analyze }) {
	const tree = parse(source, { ecmaVersion: 2022, ranges: true }), names = [], nodes = [];
	for (const scope of analyze(tree, { ecmaVersion: 2022 }).scopes) {
		for (const v of scope.variables) for (const i of v.identifiers) names.push({ at: i.range[0], variable: v, name: i.name });
		for (const r of scope.references) names.push({ at: r.identifier.range[0], variable: r.resolved, name: r.identifier.name });
	}
	names.sort((a, b) => a.at - b.at);
	const named = new Set(names.map(n => n.at));
	const walk = node => {
		if (!node || typeof node.type !== 'string') return;
		/* what a template or a text says is compared where it runs: its blanks may differ */
		nodes.push([node.type, node.operator, node.kind, node.type === 'Identifier' && !named.has(node.range[0]) ? node.name : '', node.type === 'Literal' ? node.raw : ''].join(' '));
		for (const child of Object.values(node)) for (const c of Array.isArray(child) ? child : [child]) walk(c);
	};
	walk(tree);
	return { names, nodes };
}
// The first difference, or null; renamed: how many names differ.
export function difference(a, b) {
	if (a.nodes.length !== b.nodes.length || a.names.length !== b.names.length) return `${a.nodes.length} parts and ${a.names.length} names, not ${b.nodes.length} and ${b.names.length}`;
	for (let i = 0; i < a.nodes.length; i++) if (a.nodes[i] !== b.nodes[i]) return `${a.nodes[i]}, not ${b.nodes[i]}`;
	const there = new Map(), back = new Map();
	for (let i = 0; i < a.names.length; i++) {
		const x = a.names[i], y = b.names[i];
		if (!x.variable && !y.variable && x.name === y.name) continue;
		if (!x.variable || !y.variable) return `${x.name} is not ${y.name}, one of them is not declared`;
		if ((there.get(x.variable) ?? y.variable) !== y.variable || (back.get(y.variable) ?? x.variable) !== x.variable) return `${x.name} at ${x.at} and ${y.name} at ${y.at} are other variables`;
		there.set(x.variable, y.variable);
		back.set(y.variable, x.variable);
	}
	return null;
}
