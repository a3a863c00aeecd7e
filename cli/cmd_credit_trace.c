/* The command that follows a grant to the usage that it paid and the invoices that show it. */
#include "cli/ledger_session.h"
#include "meter/billing/paid.h"
#include "reports/json_out.h"
#include "reports/table.h"

static const struct option options[] = {
	{ "usage", 'u', NULL, "with projects and models of the calls it paid for (slower)", false },
	{ 0 },
};

struct trace {
	struct store *store;
	struct ledger *l;
	const struct account *account;
	int64_t grant;
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
	if (en->grant_id != x->grant)
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

static int run(struct cli *cli, struct err *e)
{
	static const struct table_column columns[] = {
		{ "TXN", true, false },	    { "AT", false, false }, { "KIND", false, false },
		{ "CREDITS", true, false }, { "FOR", false, true }, { "INVOICE", false, false },
	};
	struct ledger_session s;
	struct grant g;
	struct json_out j;
	struct trace x = { .e = e, .with_usage = cli_flag(cli, "usage") };
	int rc = ledger_session_open(&s, cli, DB_READ, e);
	if (rc == 0)
		rc = ledger_account(s.ledger, text_of(cli->argument[0]), &x.account, e);
	if (rc == 0)
		rc = ledger_find_grant(s.ledger, x.account->id, text_of(cli->argument[1]), &g, e);
	if (rc == 0) {
		x.store = s.store;
		x.l = s.ledger;
		x.grant = g.id;
		if (cli->json) {
			x.j = &j;
			json_out_open(&j, stdout);
			json_out_object(&j, NULL);
			json_out_string(&j, "schema", "tally.credit-trace/1");
			json_out_text(&j, "grant", g.name);
			json_out_array(&j, "movements");
		} else {
			x.t = table_open(columns, sizeof columns / sizeof *columns);
		}
		rc = ledger_each_txn(s.ledger, x.account->id,
				     (struct period){ INSTANT_MIN, INSTANT_MAX }, put_txn, &x, e);
		if (cli->json) {
			json_out_end(&j, ']');
			json_out_end(&j, '}');
			json_out_close(&j);
		} else {
			table_print(x.t);
			table_close(x.t);
		}
	}
	buf_release(&x.cell);
	return ledger_session_close(&s, rc, e);
}

const struct command command_credit_trace = {
	.name = "credit trace",
	.place = HELP_CREDITS + 24,
	.summary = "what a grant paid for",
	.arguments = "CUSTOMER GRANT",
	.arguments_min = 2,
	.arguments_max = 2,
	.description =
		"Every ledger entry of the grant, with the usage rows it paid for and the final "
		"invoices that show it (--usage: their projects and models).",
	.examples = "  tally credit trace acme order-17 --usage\n",
	.options = options,
	.common = TAKES_DB,
	.run = run,
};
