#include "reports/billing_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/invoice_view.h"

enum { STATES_MOST = 12 };

/* What is owed in one currency, and what was paid too much. */
struct account_due {
	char currency[32];
	struct money_total due, overdue, credit;
};

struct billing {
	struct json_out *j;
	const struct billing_question *q;
	struct account_due *sum;
	size_t sums;
	struct {
		const char *name;
		int64_t count;
	} state[STATES_MOST];
	size_t states;
	struct err *e;
};

static const char *invoice_state(const struct stored_invoice *i, const struct settlement *x)
{
	if (text_is(i->status, "draft"))
		return "draft";
	if (text_is(i->status, "void"))
		return "void";
	return text_is(i->kind, "note") ? "note" : settlement_name(x->state);
}

static void add_due(struct billing *b, const struct stored_invoice *i, const struct settlement *x)
{
	size_t k = 0;
	while (k < b->sums && !text_is(i->currency, b->sum[k].currency))
		k++;
	if (k == b->sums) {
		b->sum = mem_grow(b->sum, (b->sums + 1) * sizeof *b->sum);
		b->sum[b->sums++] = (struct account_due){ 0 };
		snprintf(b->sum[k].currency, sizeof b->sum[k].currency, "%.*s", (int)i->currency.n,
			 i->currency.p);
	}
	if (x->due.atto < 0)
		b->sum[k].credit.atto -= x->due.atto;
	else
		b->sum[k].due.atto += x->due.atto;
	if (x->state == SETTLEMENT_OVERDUE)
		b->sum[k].overdue.atto += x->due.atto;
}

static void count_state(struct billing *b, const char *name)
{
	size_t k = 0;
	while (k < b->states && strcmp(b->state[k].name, name) != 0)
		k++;
	CHECK(k < STATES_MOST);
	if (k == b->states)
		b->state[b->states++].name = name;
	b->state[k].count++;
}

static int take_invoice(void *user, const struct stored_invoice *i)
{
	struct billing *b = user;
	struct settlement x;
	int rc = settlement_read(b->q->store, i, b->q->at, &x, b->e);
	if (rc != 0)
		return rc;
	const char *state = invoice_state(i, &x);
	count_state(b, state);
	if (x.due.atto)
		add_due(b, i, &x);
	if (!b->q->state || strcmp(b->q->state, state) == 0)
		invoice_list_item(b->j, i, &x);
	return 0;
}

int billing_report_put(struct json_out *j, const struct billing_question *q, struct err *e)
{
	struct billing b = { .j = j, .q = q, .e = e };
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.invoice-list/1");
	json_out_array(j, "invoices");
	int rc = invoice_each(q->store, q->customer, take_invoice, &b, e);
	json_out_end(j, ']');
	json_out_object(j, "states");
	for (size_t k = 0; k < b.states; k++)
		json_out_int(j, b.state[k].name, b.state[k].count);
	json_out_end(j, '}');
	json_out_array(j, "due");
	for (size_t k = 0; k < b.sums; k++) {
		json_out_object(j, NULL);
		json_out_string(j, "currency", b.sum[k].currency);
		json_out_money(j, "amount_due", b.sum[k].due);
		json_out_money(j, "overdue", b.sum[k].overdue);
		json_out_money(j, "credit", b.sum[k].credit);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
	free(b.sum);
	return rc;
}
