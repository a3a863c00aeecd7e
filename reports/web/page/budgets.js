/* Budgets: what is spent of each. */

const BudgetRows = ({list}) => html`<ul class="budgets">${list.map(b => html`<li key=${b.budget} class="budget"><div class="head"><strong class="name">${b.budget}</strong><span class=${b.percent >= 100 ? 'bad-text' : 'soft'}>${b.unpriced ? '>=\u00a0' : ''}${count(b.percent)} %</span></div>
	<div class=${'meter' + (b.percent >= 100 ? ' over' : b.percent >= 80 ? ' near' : '')}>${bar(Math.min(1, b.percent / 100), null)}</div>
	<p><${Amount} v=${b.spent} currency=${b.currency} unpriced=${b.unpriced} /> of <${Amount} v=${b.amount} currency=${b.currency} />${b.held && exact(b.held) ? html`, <${Amount} v=${b.held} currency=${b.currency} /> held` : null}</p>
	<p class="soft">${[b.period === 'total' ? 'in all' : `each ${b.period}`, b.customer && `customer ${short(b.customer)}`, b.project && `project ${short(b.project)}`, b.model && `model ${short(b.model)}`, b.hard ? 'holds beyond it are refused' : 'alarms only', b.state].filter(Boolean).join(', ')}</p></li>`)}</ul>`;
function Budgets() {
	const {data, error} = useDoc('/v1/budgets');
	return html`<div class="head title"><h1>Budgets</h1></div>${!data ? html`<${Loading} error=${error} />` : data.budgets.length ? html`<${BudgetRows} list=${data.budgets} />` : html`<${Sheet}><${Nothing} title="No budget yet"><p>A budget raises alarms as it is spent, and can refuse what is beyond it:</p><pre>tally budget set acme --customer acme --amount 500 --alarm 80</pre><//><//>`}`;
}
