#include "reports/trace_report.h"

#include "meter/billing/paid.h"
#include "reports/table.h"

struct trace {
	struct ledger *l;
	struct store *store;
	const struct account *account;
	struct grant grant;
	bool with_usage;
	struct json_out *j;
	struct table *t;
	struct buf cell; /* text of the cell being made */
	const struct ledger_txn *txn;
	struct err *e;
};

static int put_line(void *user, const struct paid_line *l)
{
	struct trace *x = user;
	if (x->j) {
		json_out_object(x->j, NULL);
		json_out_text(x->j, "project", l->project);
		json_out_text(x->j, "model", l->model);
		json_out_int(x->j, "calls", l->calls);
		json_out_end(x->j, '}');
		return 0;
	}
	buf_printf(&x->cell, "%s%lld of ", x->cell.n ? ", " : "", (long long)l->calls);
	buf_add(&x->cell, l->model.p, l->model.n);
	if (l->project.n) {
		buf_printf(&x->cell, " in ");
		buf_add(&x->cell, l->project.p, l->project.n);
	}
	return 0;
}

static int put_number(void *user, struct text number)
{
	struct trace *x = user;
	if (x->j) {
		json_out_text(x->j, NULL, number);
		return 0;
	}
	if (x->cell.n)
		buf_add(&x->cell, " ", 1);
	buf_add(&x->cell, number.p, number.n);
	return 0;
}

static void put_cell(struct trace *x)
{
	table_cell(x->t, x->cell.n ? x->cell.p : "");
	x->cell.n = 0;
}

static int put_entry(void *user, const struct ledger_entry *en)
{
	struct trace *x = user;
	const struct ledger_txn *t = x->txn;
	char text[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	/* what grants or takes away credits is on no invoice of usage */
	const bool paid =
		text_is(t->kind, "draw") || text_is(t->kind, "refund") || text_is(t->kind, "repay");
	int rc = 0;
	if (en->grant_id != x->grant.id)
		return 0;
	nano_credits_format(en->amount, text);
	if (x->j) {
		json_out_object(x->j, NULL);
		json_out_int(x->j, "txn", t->id);
		json_out_text(x->j, "kind", t->kind);
		json_out_instant(x->j, "at", t->at);
		json_out_string(x->j, "amount", text);
		if (t->usage_from) {
			json_out_int(x->j, "usage_from", t->usage_from);
			json_out_int(x->j, "usage_to", t->usage_to);
		}
		if (x->with_usage) {
			json_out_array(x->j, "usage");
			rc = paid_usage(x->store, x->account->customer, t, put_line, x, x->e);
			json_out_end(x->j, ']');
		}
		json_out_array(x->j, "invoices");
		if (rc == 0 && paid)
			rc = paid_invoices(x->store, x->account->customer, t, put_number, x, x->e);
		json_out_end(x->j, ']');
		json_out_end(x->j, '}');
		return rc;
	}
	buf_printf(&x->cell, "%lld", (long long)t->id);
	put_cell(x);
	table_cell(x->t, instant_format(t->at, at));
	buf_add(&x->cell, t->kind.p, t->kind.n);
	put_cell(x);
	table_cell(x->t, text);
	if (x->with_usage)
		rc = paid_usage(x->store, x->account->customer, t, put_line, x, x->e);
	else if (t->usage_from)
		buf_printf(&x->cell, "usage rows %lld to %lld", (long long)t->usage_from,
			   (long long)t->usage_to);
	put_cell(x);
	if (rc == 0 && paid)
		rc = paid_invoices(x->store, x->account->customer, t, put_number, x, x->e);
	put_cell(x);
	return rc;
}

static int put_txn(void *user, const struct ledger_txn *t)
{
	struct trace *x = user;
	x->txn = t;
	return ledger_each_entry(x->l, t->id, put_entry, x, x->e);
}

static int find_grant(struct trace *x, const struct trace_question *q)
{
	int rc = ledger_account(q->ledger, q->customer, &x->account, x->e);
	x->l = q->ledger;
	x->store = ledger_store(q->ledger);
	x->with_usage = q->with_usage;
	return rc == 0 ? ledger_find_grant(q->ledger, x->account->id, q->grant, &x->grant, x->e)
		       : rc;
}

static int each_movement(struct trace *x)
{
	return ledger_each_txn(x->l, x->account->id, (struct period){ INSTANT_MIN, INSTANT_MAX },
			       put_txn, x, x->e);
}

int trace_report_put(struct json_out *j, const struct trace_question *q, struct err *e)
{
	struct trace x = { .j = j, .e = e };
	int rc = find_grant(&x, q);
	if (rc != 0)
		return rc;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.credit-trace/1");
	json_out_text(j, "grant", x.grant.name);
	json_out_array(j, "movements");
	rc = each_movement(&x);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

int trace_report_print(const struct trace_question *q, struct err *e)
{
	static const struct table_column columns[] = {
		{ "TXN", true, false },	    { "AT", false, false }, { "KIND", false, false },
		{ "CREDITS", true, false }, { "FOR", false, true }, { "INVOICE", false, false },
	};
	struct trace x = { .e = e };
	int rc = find_grant(&x, q);
	if (rc != 0)
		return rc;
	x.t = table_open(columns, sizeof columns / sizeof *columns);
	rc = each_movement(&x);
	table_print(x.t);
	table_close(x.t);
	buf_release(&x.cell);
	return rc;
}
