#include "reports/customer_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/billing/budget.h"
#include "meter/billing/payment.h"
#include "meter/hold.h"
#include "reports/budget_report.h"
#include "reports/credit_report.h"
#include "reports/invoice_view.h"
#include "reports/usage_report.h"

/* --- the list --- */

struct customer {
	struct text name;
	struct usage_sums sums;
	bool has_account, low;
	struct text plan;
	struct balance balance;
	int64_t open_invoices, overdue_invoices;
};

struct customers {
	const struct customer_question *q;
	struct dict index; /* to 1 + place */
	struct customer *list;
	size_t count;
	struct arena texts;
	char currency[16];
	struct err *e;
};

static struct customer *find(struct customers *x, struct text name)
{
	uint64_t *at = dict_need(&x->index, name, NULL);
	if (!*at) {
		if ((x->count & (x->count - 1)) == 0)
			x->list =
				mem_grow(x->list, (x->count ? x->count * 2 : 1) * sizeof *x->list);
		x->list[x->count] = (struct customer){ .name = dict_key(&x->index, name) };
		*at = ++x->count;
	}
	return &x->list[*at - 1];
}

static int add_call(void *user, const struct usage_call *c)
{
	struct customers *x = user;
	return usage_sums_add(&find(x, c->series->customer)->sums, c->sums, x->e);
}

static int add_account(void *user, const struct account *a)
{
	struct customers *x = user;
	const char *only = x->q->filter.customer;
	if (only && !text_is(a->customer, only))
		return 0;
	struct customer *c = find(x, a->customer);
	int rc = ledger_balance(x->q->ledger, a, x->q->now, &c->balance, x->e);
	c->has_account = true;
	c->plan = (struct text){ arena_text(&x->texts, a->plan.p, a->plan.n), a->plan.n };
	c->low = a->has_low_balance && c->balance.available.nano < a->low_balance.nano;
	return rc;
}

static int add_invoice(void *user, const struct stored_invoice *i)
{
	struct customers *x = user;
	struct settlement s;
	if (!text_is(i->status, "final"))
		return 0;
	int rc = settlement_read(ledger_store(x->q->ledger), i, x->q->now, &s, x->e);
	if (rc != 0)
		return rc;
	const bool overdue = s.state == SETTLEMENT_OVERDUE;
	if (overdue || s.state == SETTLEMENT_OPEN || s.state == SETTLEMENT_PARTLY) {
		struct customer *c = find(x, i->customer);
		c->open_invoices++;
		c->overdue_invoices += overdue;
	}
	return 0;
}

static int read_customers(struct customers *x)
{
	static const enum grouping by[] = { BY_CUSTOMER };
	const struct customer_question *q = x->q;
	struct usage_cells cells = { .store = ledger_store(q->ledger),
				     .filter = &q->filter,
				     .dim = by,
				     .dim_count = 1,
				     .zone = q->zone,
				     .take = add_call,
				     .user = x };
	int rc = usage_each_cell(&cells, x->e);
	memcpy(x->currency, cells.currency, sizeof x->currency);
	if (rc == 0)
		rc = ledger_each_account(q->ledger, add_account, x, x->e);
	return rc == 0 ? invoice_each(ledger_store(q->ledger), q->filter.customer, add_invoice, x,
				      x->e)
		       : rc;
}

static int dearest_first(const void *a, const void *b)
{
	const struct customer *x = a, *y = b;
	if (x->sums.cost.atto != y->sums.cost.atto)
		return x->sums.cost.atto < y->sums.cost.atto ? 1 : -1;
	return text_cmp(x->name, y->name);
}

static void put_nano(struct json_out *j, const char *key, struct nano_credits n)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_string(j, key, nano_credits_format(n, text));
}

static void put_one(struct json_out *j, const struct customer *c)
{
	json_out_object(j, NULL);
	if (c->name.n)
		json_out_text(j, "customer", c->name);
	else
		json_out_null(j, "customer");
	put_usage_sums(j, &c->sums);
	if (c->has_account) {
		json_out_object(j, "account");
		json_out_text(j, "plan", c->plan);
		put_nano(j, "available", c->balance.available);
		put_nano(j, "held", c->balance.held);
		put_nano(j, "owed", c->balance.owed);
		json_out_bool(j, "low", c->low);
		json_out_end(j, '}');
	} else {
		json_out_null(j, "account");
	}
	json_out_int(j, "open_invoices", c->open_invoices);
	json_out_int(j, "overdue_invoices", c->overdue_invoices);
	json_out_end(j, '}');
}

int customer_list_put(struct json_out *j, const struct customer_question *q, struct err *e)
{
	struct customers x = { .q = q, .e = e };
	int rc = read_customers(&x);
	if (rc == 0 && x.count)
		qsort(x.list, x.count, sizeof *x.list, dearest_first);
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.customers/1");
	json_out_string(j, "currency",
			*x.currency	     ? x.currency
			: q->filter.currency ? q->filter.currency
					     : "USD");
	json_out_array(j, "customers");
	for (size_t i = 0; rc == 0 && i < x.count; i++)
		put_one(j, &x.list[i]);
	json_out_end(j, ']');
	json_out_end(j, '}');
	dict_release(&x.index);
	free(x.list);
	arena_release(&x.texts);
	return rc;
}

/* --- one of them --- */

struct one {
	struct json_out *j;
	const struct customer_question *q;
	struct spending *spending;
	struct err *e;
	size_t invoices;
};

static int put_usage(struct one *x)
{
	struct usage_result *r = NULL;
	int rc = usage_query(&r, ledger_store(x->q->ledger), &x->q->filter,
			     &(struct usage_grouping){ .zone = x->q->zone }, x->e);
	if (rc == 0) {
		json_out_object(x->j, "usage");
		json_out_string(x->j, "currency", usage_currency(r));
		put_usage_sums(x->j, usage_total(r));
		json_out_end(x->j, '}');
	}
	usage_result_close(r);
	return rc;
}

static int put_rule(void *user, const struct credit_rule *r)
{
	struct json_out *j = user;
	json_out_object(j, NULL);
	json_out_text(j, "rule", r->name);
	put_nano(j, "amount", r->amount);
	json_out_string(j, "class", r->kind == LOT_PAID ? "paid" : "granted");
	json_out_text(j, "every", r->every);
	json_out_text(j, "lasts", r->lasts);
	put_nano(j, "rollover", r->rollover);
	json_out_instant(j, "next", r->next);
	json_out_instant(j, "until", r->until);
	json_out_end(j, '}');
	return 0;
}

/* What was left of all grants at the end of each UTC day on which something moved. */
static int put_burn_down(struct one *x, const struct account *a)
{
	struct db *db = store_db(ledger_store(x->q->ledger));
	struct query *q = NULL;
	struct nano_credits left = { 0 };
	char day[16];
	int rc = db_prepare(
		db,
		"SELECT t.at/86400000000,sum(e.amount) FROM ledger_txn t JOIN "
		"ledger_entry e ON e.txn=t.id WHERE t.account=:account AND e.pot='grant' "
		"GROUP BY t.at/86400000000 ORDER BY 1",
		&q, x->e);
	json_out_array(x->j, "burn_down");
	if (rc == 0)
		db_bind_int(q, ":account", a->id);
	while (rc == 0 && (rc = db_step(db, q, x->e)) == 1) {
		const int64_t on = db_int(q, 0);
		rc = 0;
		left.nano += db_int(q, 1);
		json_out_object(x->j, NULL);
		json_out_string(x->j, "day", day_format(on, day));
		put_nano(x->j, "left", left);
		json_out_end(x->j, '}');
	}
	db_drop(q);
	json_out_end(x->j, ']');
	return rc;
}

static int put_account(struct one *x, const struct account *a)
{
	struct balance_report report;
	if (!a) {
		json_out_null(x->j, "account");
		return 0;
	}
	json_out_object(x->j, "account");
	account_put(x->j, a);
	json_out_end(x->j, '}');
	int rc = put_burn_down(x, a);
	json_out_array(x->j, "recurring");
	if (rc == 0)
		rc = ledger_each_rule(x->q->ledger, a->id, put_rule, x->j, x->e);
	json_out_end(x->j, ']');
	json_out_array(x->j, "balance"); /* one, as in "tally.balances/1" */
	if (rc == 0)
		rc = balance_report_read(&report, x->q->ledger, a->customer, x->q->now, x->e);
	if (rc == 0)
		rc = balance_report_put(x->j, &report, x->q->ledger, x->e);
	json_out_end(x->j, ']');
	return rc;
}

/* How it stands within the limit that leaves least, and within each. */
static void put_standing(struct json_out *j, const char *key, const struct standing *st)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_object(j, key);
	json_out_string(j, "limit", money_format(st->limit, text));
	json_out_string(j, "currency", st->currency);
	json_out_string(j, "period", st->period);
	json_out_instant(j, "from", st->of.from);
	json_out_instant(j, "to", st->of.to);
	json_out_money(j, "spent", st->of.spent);
	json_out_money(j, "held", st->of.held);
	json_out_int(j, "unpriced", st->of.unpriced);
	json_out_end(j, '}');
}

static int put_limit(struct one *x)
{
	const struct text customer = text_of(x->q->filter.customer);
	struct spending *spending = spending_open(ledger_store(x->q->ledger));
	struct standings all;
	int rc = standings_of(spending, customer, x->q->now, &all, x->e);
	if (rc == 0 && all.count)
		put_standing(x->j, "limit", &all.of[all.least]);
	else
		json_out_null(x->j, "limit");
	json_out_array(x->j, "limits");
	for (size_t i = 0; rc == 0 && i < all.count; i++)
		put_standing(x->j, NULL, &all.of[i]);
	json_out_end(x->j, ']');
	spending_close(spending);
	return rc;
}

static int put_hold(void *user, const struct hold *h)
{
	struct one *x = user;
	char text[DECIMAL_TEXT_MAX];
	json_out_object(x->j, NULL);
	json_out_text(x->j, "hold", h->id);
	put_nano(x->j, "credits", h->credits);
	json_out_string(x->j, "amount", money_format(h->amount, text));
	json_out_text(x->j, "currency", h->currency);
	json_out_instant(x->j, "created", h->created);
	json_out_instant(x->j, "expires", h->expires);
	json_out_end(x->j, '}');
	return 0;
}

/* Of calls in flight. */
static int put_holds(struct one *x)
{
	json_out_array(x->j, "holds");
	int rc = hold_each_open(ledger_store(x->q->ledger), x->q->filter.customer, x->q->now,
				put_hold, x, x->e);
	json_out_end(x->j, ']');
	return rc;
}

static int put_budgets(struct one *x)
{
	struct budget_question b = { .budgets = budgets_open(ledger_store(x->q->ledger)),
				     .customer = x->q->filter.customer,
				     .now = x->q->now };
	struct budget_verdict verdict;
	json_out_array(x->j, "budgets");
	int rc = budget_each_put(x->j, &b, &verdict, x->e);
	json_out_end(x->j, ']');
	budgets_close(b.budgets);
	return rc;
}

static int put_invoice(void *user, const struct stored_invoice *i)
{
	struct one *x = user;
	struct settlement s;
	int rc = settlement_read(ledger_store(x->q->ledger), i, x->q->now, &s, x->e);
	if (rc == 0)
		invoice_list_item(x->j, i, &s);
	x->invoices++;
	return rc;
}

static int put_invoices(struct one *x)
{
	json_out_array(x->j, "invoices");
	int rc = invoice_each(ledger_store(x->q->ledger), x->q->filter.customer, put_invoice, x,
			      x->e);
	json_out_end(x->j, ']');
	return rc;
}

static int is_known(const struct customer_question *q, bool *out, struct err *e)
{
	struct db *db = store_db(ledger_store(q->ledger));
	struct query *found = NULL;
	int rc = db_prepare(db, "SELECT 1 FROM series WHERE customer=:customer LIMIT 1", &found, e);
	if (rc == 0) {
		db_bind_text(found, ":customer", text_of(q->filter.customer));
		rc = db_step(db, found, e);
		*out = rc == 1;
	}
	db_drop(found);
	return rc < 0 ? rc : 0;
}

int customer_put(struct json_out *j, const struct customer_question *q, struct err *e)
{
	struct one x = { .j = j, .q = q, .e = e };
	const struct account *a = NULL;
	bool known = false;
	int rc = ledger_find_account(q->ledger, text_of(q->filter.customer), &a, e);
	if (rc == 0 && !a)
		rc = is_known(q, &known, e);
	if (rc == 0 && !a && !known)
		rc = err_set(e, ERR_NOT_FOUND, "there is no customer '%s'", q->filter.customer);
	if (rc != 0)
		return rc;
	json_out_string(j, "schema", "tally.customer/1");
	json_out_string(j, "customer", q->filter.customer);
	rc = put_usage(&x);
	if (rc == 0)
		rc = put_account(&x, a);
	if (rc == 0)
		rc = put_limit(&x);
	if (rc == 0)
		rc = put_holds(&x);
	if (rc == 0)
		rc = put_budgets(&x);
	return rc == 0 ? put_invoices(&x) : rc;
}
