#include "reports/credit_report.h"

#include "base/csv.h"
#include "reports/amount.h"
#include "reports/table.h"

int balance_report_read(struct balance_report *out, struct ledger *l, struct text customer,
			struct instant now, struct err *e)
{
	*out = (struct balance_report){ .at = now };
	int rc = ledger_account(l, customer, &out->account, e);
	if (rc == 0)
		rc = ledger_balance(l, out->account, now, &out->balance, e);
	if (rc == 0)
		rc = ledger_uncovered(l, out->account->id, &out->uncovered, e);
	if (rc == 0)
		rc = store_refresh(ledger_store(l), e);
	if (rc == 0)
		out->waiting = store_last_seq(ledger_store(l)) - out->account->drawn_to;
	return rc;
}

bool balance_is_low(const struct balance_report *r)
{
	return r->account->has_low_balance &&
	       r->balance.available.nano - r->balance.held.nano < r->account->low_balance.nano;
}

static void put_nano(struct json_out *j, const char *key, struct nano_credits n)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_string(j, key, nano_credits_format(n, text));
}

static int put_grant(void *user, const struct grant *g)
{
	struct json_out *j = user;
	char text[DECIMAL_TEXT_MAX];
	if (g->left.nano == 0)
		return 0;
	json_out_object(j, NULL);
	json_out_text(j, "grant", g->name);
	json_out_string(j, "class", g->kind == LOT_PAID ? "paid" : "granted");
	put_nano(j, "amount", g->amount);
	put_nano(j, "left", g->left);
	json_out_int(j, "priority", g->priority);
	json_out_instant(j, "effective", g->effective);
	json_out_instant(j, "expires", g->expires);
	if (g->has_cost_basis) {
		json_out_string(j, "cost_basis", money_format(g->cost_basis, text));
		json_out_text(j, "currency", g->currency);
	}
	json_out_end(j, '}');
	return 0;
}

int balance_report_put(struct json_out *j, const struct balance_report *r, struct ledger *l,
		       struct err *e)
{
	const struct account *a = r->account;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.balance/1");
	json_out_text(j, "customer", a->customer);
	json_out_text(j, "plan", a->plan);
	json_out_bool(j, "byo", a->byo);
	json_out_instant(j, "at", r->at);
	put_nano(j, "available", r->balance.available);
	put_nano(j, "held", r->balance.held);
	put_nano(j, "owed", r->balance.owed);
	if (r->balance.unlimited)
		json_out_null(j, "spendable");
	else
		put_nano(j, "spendable", r->balance.spendable);
	json_out_string(j, "overage", overage_name(a->overage));
	if (a->has_low_balance)
		put_nano(j, "low_balance", a->low_balance);
	json_out_bool(j, "low", balance_is_low(r));
	json_out_int(j, "records_waiting", r->waiting);
	json_out_int(j, "records_uncovered", r->uncovered);
	json_out_array(j, "grants");
	int rc = ledger_each_grant(l, a->id, r->at, put_grant, j, e);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

static void nano_cell(struct table *t, struct nano_credits n)
{
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2];
	table_cell(t, number_grouped(grouped, nano_credits_format(n, text)));
}

static int grant_row(void *user, const struct grant *g)
{
	struct table *t = user;
	char text[DECIMAL_TEXT_MAX];
	table_text(t, g->name);
	table_cell(t, g->kind == LOT_PAID ? "paid" : "granted");
	nano_cell(t, g->amount);
	nano_cell(t, g->left);
	table_int(t, g->priority);
	table_cell(t, instant_format(g->effective, text));
	table_cell(t, g->expires.us == INSTANT_MAX.us ? "never" : instant_format(g->expires, text));
	return 0;
}

static void line(const char *name, struct nano_credits n)
{
	char text[DECIMAL_TEXT_MAX], grouped[DECIMAL_TEXT_MAX * 2], shown[DECIMAL_TEXT_MAX * 2];
	number_grouped(grouped, nano_credits_format(n, text));
	printf("%-12s %20s\n", name,
	       table_to_the_cent() ? amount_to_the_cent(shown, sizeof shown, grouped) : grouped);
}

int balance_report_table(const struct balance_report *r, struct ledger *l, struct err *e)
{
	static const struct table_column columns[] = {
		{ "GRANT", .may_shrink = true },
		{ "CLASS", .leaves = 3 },
		{ "AMOUNT", .right = true, .money = true },
		{ "LEFT", .right = true, .money = true },
		{ "PRIO", .right = true, .leaves = 1 },
		{ "EFFECTIVE", .leaves = 2 },
		{ "EXPIRES" },
	};
	const struct account *a = r->account;
	char n[COUNT_WORDS_MAX];
	printf("%.*s, plan %.*s%s\n\n", (int)a->customer.n, a->customer.p, (int)a->plan.n,
	       a->plan.p, a->byo ? " (own keys: usage draws no credits)" : "");
	line("available", r->balance.available);
	line("held", r->balance.held);
	if (r->balance.owed.nano)
		line("owed", r->balance.owed);
	if (r->balance.unlimited)
		printf("%-12s %20s\n", "spendable", "no limit");
	else
		line("spendable", r->balance.spendable);
	printf("\n");
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	int rc = ledger_each_grant(l, a->id, r->at, grant_row, t, e);
	if (rc == 0)
		table_print(t);
	table_close(t);
	if (balance_is_low(r))
		printf("\nthe balance is low\n");
	if (r->waiting)
		print_note("\n%s not drawn yet (tally credit draw)",
			   count_words(n, r->waiting, "record of usage|records of usage"));
	if (r->uncovered)
		print_note("\n%s drew nothing: the plan does not cover the model",
			   count_words(n, r->uncovered, "record"));
	return rc;
}

static void top_up_put(struct json_out *j, const struct top_up *t)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, "top_up");
	json_out_string(j, "below", nano_credits_format(t->below, text));
	json_out_string(j, "to", nano_credits_format(t->target, text));
	if (t->most.nano)
		json_out_string(j, "most_in_30_days", nano_credits_format(t->most, text));
	if (t->has_price) {
		json_out_string(j, "price", money_format(t->price, text));
		json_out_text(j, "currency", t->currency);
	}
	if (t->lasts.n)
		json_out_text(j, "lasts", t->lasts);
	json_out_end(j, '}');
}

void account_put(struct json_out *j, const struct account *a)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_text(j, "customer", a->customer);
	json_out_text(j, "plan", a->plan);
	json_out_bool(j, "byo", a->byo);
	json_out_string(j, "overage", overage_name(a->overage));
	json_out_string(j, "overage_limit", nano_credits_format(a->overage_limit, text));
	json_out_string(j, "owed", nano_credits_format(a->owed, text));
	json_out_text(j, "burn_order", a->burn_order);
	json_out_text(j, "timezone", a->zone);
	json_out_int(j, "billing_day", a->anchor_day);
	if (a->has_low_balance)
		json_out_string(j, "low_balance", nano_credits_format(a->low_balance, text));
	if (a->top_up.on)
		top_up_put(j, &a->top_up);
	json_out_instant(j, "since", a->since);
	json_out_text(j, "terms", a->terms);
}

/* --- the ledger --- */

struct listing {
	struct ledger *l;
	struct json_out *j;
	struct table *t;
	struct buf *csv;
	const struct ledger_txn *txn;
	struct err *e;
	bool first;
};

static int put_entry(void *user, const struct ledger_entry *en)
{
	struct listing *x = user;
	char text[DECIMAL_TEXT_MAX], at[INSTANT_TEXT_MAX];
	if (x->j) {
		json_out_object(x->j, NULL);
		json_out_text(x->j, "pot", en->pot);
		if (en->grant.n)
			json_out_text(x->j, "grant", en->grant);
		put_nano(x->j, "amount", en->amount);
		json_out_end(x->j, '}');
		return 0;
	}
	if (x->csv) {
		buf_printf(x->csv, "%lld,%s,", (long long)x->txn->id,
			   instant_format(x->txn->at, at));
		csv_put_text(x->csv, x->txn->kind);
		buf_puts(x->csv, ",");
		csv_put_text(x->csv, en->pot);
		buf_puts(x->csv, ",");
		csv_put_text(x->csv, en->grant);
		buf_printf(x->csv, ",%s,", nano_credits_format(en->amount, text));
		csv_put_text(x->csv, x->txn->note);
		buf_puts(x->csv, "\n");
		return 0;
	}
	if (x->first) {
		table_int(x->t, x->txn->id);
		table_cell(x->t, instant_format(x->txn->at, at));
		table_text(x->t, x->txn->kind);
	} else {
		for (int i = 0; i < 3; i++)
			table_cell(x->t, "");
	}
	table_put(x->t, "%.*s%s%.*s", (int)en->pot.n, en->pot.p, en->grant.n ? " " : "",
		  (int)en->grant.n, en->grant.n ? en->grant.p : "");
	nano_cell(x->t, en->amount);
	if (x->first && x->txn->usage_from)
		table_put(x->t, "usage rows %lld to %lld", (long long)x->txn->usage_from,
			  (long long)x->txn->usage_to);
	else
		table_text(x->t, x->first ? x->txn->note : TEXT(""));
	x->first = false;
	return 0;
}

static int put_txn(void *user, const struct ledger_txn *t)
{
	struct listing *x = user;
	x->txn = t;
	x->first = true;
	if (!x->j)
		return ledger_each_entry(x->l, t->id, put_entry, x, x->e);
	json_out_object(x->j, NULL);
	json_out_int(x->j, "txn", t->id);
	json_out_instant(x->j, "at", t->at);
	json_out_instant(x->j, "booked", t->booked);
	json_out_text(x->j, "kind", t->kind);
	if (t->usage_from) {
		json_out_int(x->j, "usage_from", t->usage_from);
		json_out_int(x->j, "usage_to", t->usage_to);
	}
	if (t->key.n)
		json_out_text(x->j, "key", t->key);
	if (t->note.n)
		json_out_text(x->j, "note", t->note);
	json_out_array(x->j, "entries");
	int rc = ledger_each_entry(x->l, t->id, put_entry, x, x->e);
	json_out_end(x->j, ']');
	json_out_end(x->j, '}');
	return rc;
}

int ledger_report_put(struct json_out *j, struct ledger *l, const struct account *a,
		      struct period of, struct err *e)
{
	struct listing x = { .l = l, .j = j, .e = e };
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.credit-ledger/1");
	json_out_text(j, "customer", a->customer);
	json_out_array(j, "transactions");
	int rc = ledger_each_txn(l, a->id, of, put_txn, &x, e);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}

int ledger_report_csv(struct ledger *l, const struct account *a, struct period of, struct err *e)
{
	struct buf b = { 0 };
	struct listing x = { .l = l, .csv = &b, .e = e };
	buf_puts(&b, "txn,at,kind,pot,grant,amount,note\n");
	int rc = ledger_each_txn(l, a->id, of, put_txn, &x, e);
	if (rc == 0)
		fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
	return rc;
}

int ledger_report_table(struct ledger *l, const struct account *a, struct period of, struct err *e)
{
	static const struct table_column columns[] = {
		{ "TXN", true },     { "AT" },
		{ "KIND" },	     { "POT", .wraps = true },
		{ "CREDITS", true }, { "WHAT", .wraps = true, .leaves = 1 }
	};
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct listing x = { .l = l, .t = t, .e = e };
	int rc = ledger_each_txn(l, a->id, of, put_txn, &x, e);
	if (rc == 0)
		table_print_or(t, "no ledger entries");
	table_close(t);
	return rc;
}

void batch_report_put(struct json_out *j, const struct batch_result *r, size_t count)
{
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.credit-post/1");
	json_out_array(j, "items");
	for (size_t i = 0; i < count; i++) {
		json_out_object(j, NULL);
		json_out_int(j, "index", (int64_t)i);
		json_out_string(j, "result",
				r[i].done     ? "done"
				: r[i].undone ? "undone"
					      : "failed");
		if (!r[i].done)
			json_out_string(j, "reason", batch_reason(&r[i]));
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_end(j, '}');
}
