#include "reports/budget_report.h"

#include <stdio.h>

#include "reports/amount.h"
#include "reports/table.h"

void print_spent_bound(int64_t lacks)
{
	if (lacks)
		print_note("\n%s without a price, or with only the start of the answer counted: "
			   "what is spent is a lower bound (tally usage names them)",
			   COUNTED(lacks, "record"));
}

struct shown {
	const struct budget_question *q;
	struct budget_verdict *verdict;
	struct json_out *j;
	struct table *t;
	struct err *e;
};

static const char *state_name(const struct budget *b, const struct budget_state *s)
{
	const char *name = "ok";
	for (int i = 0; i < b->soft_count; i++)
		if (s->percent >= b->soft[i])
			name = "soft";
	for (int i = 0; i < b->soft_amounts; i++)
		if (s->spent.atto >= (int128)b->soft_amount[i].pico * 1000000)
			name = "soft";
	return s->percent >= 100 ? "over" : name;
}

/* why: it could not be evaluated, and `s` holds nothing. */
static void show_json(struct json_out *j, const struct budget *b, const struct budget_state *s,
		      const struct err *why)
{
	char amount[DECIMAL_TEXT_MAX];
	json_out_object(j, NULL);
	json_out_text(j, "budget", b->name);
	json_out_text(j, "customer", b->customer);
	json_out_text(j, "project", b->project);
	json_out_text(j, "model", b->model);
	json_out_text(j, "period", b->period);
	json_out_text(j, "timezone", b->zone); /* empty: the account's, else UTC */
	if (!why) {
		json_out_instant(j, "from", s->from);
		json_out_instant(j, "to", s->to);
	}
	json_out_text(j, "currency", b->currency);
	json_out_string(j, "amount", money_format(b->amount, amount));
	if (!why) {
		json_out_money(j, "spent", s->spent);
		json_out_money(j, "held", s->held);
		json_out_int(j, "percent", s->percent);
	}
	json_out_string(j, "state", why ? "unknown" : state_name(b, s));
	json_out_bool(j, "hard", b->hard);
	if (why)
		json_out_string(j, "error", why->message);
	if (!why) {
		json_out_int(j, "unpriced", s->unpriced);
		json_out_int(j, "placeholders", s->placeholders);
	}
	json_out_end(j, '}');
}

static void show_row(struct table *t, const struct budget *b, const struct budget_state *s,
		     const struct err *why)
{
	struct buf m = { 0 };
	const enum amount_bound bound = at_least(!why && (s->unpriced || s->placeholders));
	char amount[DECIMAL_TEXT_MAX];
	const struct text scope[] = { b->name, b->customer, b->project, b->model, b->period };
	for (size_t i = 0; i < sizeof scope / sizeof *scope; i++)
		table_cell(t, scope[i].n ? scope[i].p : "any");
	if (why)
		buf_puts(&m, "?");
	else
		put_money(&m, s->spent, b->currency.p, bound);
	table_cell(t, m.p);
	put_amount(&m, money_format(b->amount, amount), b->currency.p, EXACTLY);
	table_cell(t, m.p);
	if (why)
		table_cell(t, "?");
	else
		table_put(t, "%s%d %%", bound_sign(bound), s->percent);
	table_bar(t, why ? 0 : s->percent < 100 ? s->percent : 100, 100);
	buf_cut(&m, 0);
	buf_printf(&m, "%s%s", why ? "unknown" : state_name(b, s), b->hard ? ", hard" : "");
	table_cell(t, m.p);
	if (!why && s->percent >= 100)
		table_colour(t, TABLE_RED);
	else if (why || strcmp(state_name(b, s), "ok") != 0)
		table_colour(t, TABLE_YELLOW);
	buf_release(&m);
}

static int show(void *user, const struct budget *b)
{
	struct shown *x = user;
	struct budget_state s;
	struct err why;
	if ((x->q->only && !text_is(b->name, x->q->only)) ||
	    (x->q->customer && !text_is(b->customer, x->q->customer)))
		return 0;
	int rc = budget_state_of(x->q->budgets, b, x->q->now, &s, &why);
	if (rc != 0 && budget_failure_is_general(&why)) {
		*x->e = why;
		return rc;
	}
	x->verdict->any = true;
	x->verdict->failed |= rc != 0;
	x->verdict->over |= rc == 0 && s.percent >= 100;
	if (rc == 0)
		x->verdict->lacks += s.unpriced + s.placeholders;
	if (rc != 0 && x->q->failed)
		x->q->failed(x->q->user, b, &why);
	if (x->j)
		show_json(x->j, b, &s, rc != 0 ? &why : NULL);
	else
		show_row(x->t, b, &s, rc != 0 ? &why : NULL);
	return 0;
}

int budget_each_put(struct json_out *j, const struct budget_question *q,
		    struct budget_verdict *verdict, struct err *e)
{
	struct shown x = { .q = q, .verdict = verdict, .j = j, .e = e };
	*verdict = (struct budget_verdict){ 0 };
	return budgets_each(q->budgets, show, &x, e);
}

int budget_report_put(struct json_out *j, const struct budget_question *q,
		      struct budget_verdict *verdict, struct err *e)
{
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.budget-status/1");
	json_out_array(j, "budgets");
	int rc = budget_each_put(j, q, verdict, e);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

int budget_report_print(const struct budget_question *q, struct budget_verdict *verdict,
			struct err *e)
{
	static const struct table_column columns[] = {
		{ "BUDGET", .may_shrink = true },
		{ "CUSTOMER", .may_shrink = true, .leaves = 5 },
		{ "PROJECT", .may_shrink = true, .leaves = 2 },
		{ "MODEL", .may_shrink = true, .leaves = 1 },
		{ "PERIOD", .leaves = 3 },
		{ "SPENT", .right = true, .money = true },
		{ "AMOUNT", .right = true, .money = true },
		{ "USED", .right = true, .leaves = 4 },
		{ "", .bar = true },
		{ "STATE" },
	};
	struct shown x = { .q = q, .verdict = verdict, .e = e };
	*verdict = (struct budget_verdict){ 0 };
	x.t = table_open(columns, sizeof columns / sizeof *columns);
	int rc = budgets_each(q->budgets, show, &x, e);
	if (rc == 0 && (verdict->any || !q->only))
		table_print_or(x.t, "no budgets are set");
	table_close(x.t);
	if (rc == 0)
		print_spent_bound(verdict->lacks);
	return rc;
}
