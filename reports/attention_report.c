#include "reports/attention_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/zone.h"
#include "meter/billing/budget.h"
#include "meter/billing/payment.h"
#include "meter/ingest/quarantine.h"
#include "meter/store/usage_query.h"

/* So many of a kind are named one by one; "more" counts the others. */
enum { NAMED = 20 };

struct attention {
	struct json_out *j;
	const struct attention_question *q;
	struct err *e;
	/* of the kind under way */
	int64_t found;
	bool open;
};

/* A kind begins with the first that is found of it. */
static bool begin_one(struct attention *x, const char *what)
{
	if (!x->open) {
		json_out_object(x->j, NULL);
		json_out_string(x->j, "what", what);
		json_out_array(x->j, "of");
		x->open = true;
		x->found = 0;
	}
	if (x->found++ >= NAMED)
		return false;
	json_out_object(x->j, NULL);
	return true;
}

static void end_one(struct attention *x)
{
	json_out_end(x->j, '}');
}

/* count: how many records, invoices ... it is in all. */
static void end_kind(struct attention *x, int64_t count)
{
	if (!x->open)
		return;
	json_out_end(x->j, ']');
	json_out_int(x->j, "more", x->found > NAMED ? x->found - NAMED : 0);
	json_out_int(x->j, "count", count);
	json_out_end(x->j, '}');
	x->open = false;
}

static int put_unpriced(struct attention *x)
{
	const struct usage_filter f = { .since = INSTANT_MIN,
					.until = INSTANT_MAX,
					.customer = x->q->customer,
					.currency = "any" /* nothing is summed */ };
	struct usage_result *r = NULL;
	struct zone *utc = NULL;
	int rc = zone_open(&utc, "UTC", x->e);
	if (rc == 0)
		rc = usage_query(&r, x->q->store, &f, &(struct usage_grouping){ .zone = utc },
				 x->e);
	for (size_t i = 0; rc == 0 && i < usage_reason_count(r); i++) {
		const struct usage_reason *reason = usage_reason(r, i);
		if (!begin_one(x, "unpriced"))
			continue;
		json_out_string(x->j, "model", reason->model);
		json_out_string(x->j, "reason", reason->why);
		json_out_int(x->j, "records", reason->records);
		end_one(x);
	}
	if (rc == 0)
		end_kind(x, usage_total(r)->unpriced);
	usage_result_close(r);
	zone_close(utc);
	return rc;
}

/* A kind whose members one statement counts: two texts and a number. */
static int put_counted(struct attention *x, const char *what, const char *sql,
		       const char *const names[2])
{
	struct query *q = NULL;
	struct db *db = store_db(x->q->store);
	int64_t all = 0;
	int rc = db_prepare(db, sql, &q, x->e);
	if (rc == 0)
		db_bind_text(q, ":customer", text_of(x->q->customer ? x->q->customer : ""));
	while (rc == 0 && (rc = db_step(db, q, x->e)) == 1) {
		rc = 0;
		all += db_int(q, 2);
		if (!begin_one(x, what))
			continue;
		json_out_text(x->j, names[0], db_text(q, 0));
		json_out_text(x->j, names[1], db_text(q, 1));
		json_out_int(x->j, "records", db_int(q, 2));
		end_one(x);
	}
	db_drop(q);
	end_kind(x, all);
	return rc;
}

static int put_uncovered(struct attention *x)
{
	return put_counted(
		x, "uncovered",
		"SELECT a.customer,u.reason,count(*) FROM credit_uncovered u JOIN "
		"credit_account a ON a.id=u.account WHERE (CAST(:customer AS text)='' OR "
		"a.customer=:customer) GROUP BY a.customer,u.reason ORDER BY 3 DESC,1,2",
		(const char *const[]){ "customer", "reason" });
}

static int put_quarantine(struct attention *x)
{
	return put_counted(x, "quarantine",
			   "SELECT reason,source,count(*) FROM quarantine WHERE state='held' AND "
			   "CAST(:customer AS text)='' GROUP BY reason,source ORDER BY 3 DESC,1,2",
			   (const char *const[]){ "reason", "source" });
}

static int put_conflicts(struct attention *x)
{
	return put_counted(x, "conflicts",
			   "SELECT differs,source,count(*) FROM conflict WHERE CAST(:customer AS "
			   "text)='' GROUP BY differs,source ORDER BY 3 DESC,1,2",
			   (const char *const[]){ "differs", "source" });
}

static int put_fault(void *user, const struct account_fault *f)
{
	struct attention *x = user;
	if (x->q->customer && !text_is(f->customer, x->q->customer))
		return 0;
	if (!begin_one(x, "account_at_fault"))
		return 0;
	json_out_text(x->j, "customer", f->customer);
	json_out_text(x->j, "reason", f->why);
	json_out_instant(x->j, "since", f->since);
	end_one(x);
	return 0;
}

static int put_faults(struct attention *x)
{
	int rc = ledger_each_fault(x->q->store, put_fault, x, x->e);
	end_kind(x, x->found);
	return rc;
}

struct budget_look {
	struct attention *x;
	struct budgets *budgets;
};

static int put_budget(void *user, const struct budget *b)
{
	struct budget_look *look = user;
	struct attention *x = look->x;
	struct budget_state s;
	struct err why;
	if (x->q->customer && !text_is(b->customer, x->q->customer))
		return 0;
	int rc = budget_state_of(look->budgets, b, x->q->now, &s, &why);
	if (rc != 0 && budget_failure_is_general(&why)) {
		*x->e = why;
		return rc;
	}
	if ((rc == 0 && s.percent < 100) || !begin_one(x, "budget"))
		return 0;
	json_out_text(x->j, "budget", b->name);
	json_out_text(x->j, "customer", b->customer);
	json_out_bool(x->j, "hard", b->hard);
	if (rc == 0) {
		json_out_string(x->j, "state", "over");
		json_out_int(x->j, "percent", s.percent);
		json_out_money(x->j, "spent", s.spent);
		json_out_text(x->j, "currency", b->currency);
	} else {
		json_out_string(x->j, "state", "unknown");
		json_out_string(x->j, "reason", why.message);
	}
	end_one(x);
	return 0;
}

static int put_budgets(struct attention *x)
{
	struct budget_look look = { x, budgets_open(x->q->store) };
	int rc = budgets_each(look.budgets, put_budget, &look, x->e);
	budgets_close(look.budgets);
	end_kind(x, x->found);
	return rc;
}

static int put_balance(void *user, const struct account *a)
{
	struct attention *x = user;
	struct balance b;
	char text[DECIMAL_TEXT_MAX];
	if (!a->has_low_balance || (x->q->customer && !text_is(a->customer, x->q->customer)))
		return 0;
	int rc = ledger_balance(x->q->ledger, a, x->q->now, &b, x->e);
	if (rc != 0 || b.available.nano >= a->low_balance.nano || !begin_one(x, "balance_low"))
		return rc;
	json_out_text(x->j, "customer", a->customer);
	json_out_string(x->j, "available", nano_credits_format(b.available, text));
	json_out_string(x->j, "low_balance", nano_credits_format(a->low_balance, text));
	end_one(x);
	return 0;
}

static int put_balances(struct attention *x)
{
	int rc = ledger_each_account(x->q->ledger, put_balance, x, x->e);
	end_kind(x, x->found);
	return rc;
}

static int put_invoice(void *user, const struct stored_invoice *i)
{
	struct attention *x = user;
	struct settlement s;
	if (!text_is(i->status, "final"))
		return 0;
	int rc = settlement_read(x->q->store, i, x->q->now, &s, x->e);
	if (rc != 0 || s.state != SETTLEMENT_OVERDUE || !begin_one(x, "invoice_overdue"))
		return rc;
	json_out_text(x->j, "invoice", i->number);
	json_out_text(x->j, "customer", i->customer);
	json_out_money(x->j, "due", s.due);
	json_out_text(x->j, "currency", i->currency);
	json_out_instant(x->j, "due_at", s.due_at);
	end_one(x);
	return 0;
}

static int put_invoices(struct attention *x)
{
	int rc = invoice_each(x->q->store, x->q->customer, put_invoice, x, x->e);
	end_kind(x, x->found);
	return rc;
}

static int put_prices(struct attention *x)
{
	struct civil c;
	if (!x->q->prices_of || x->q->customer ||
	    civil_parse(&c, text_of(x->q->prices_of), NULL) != 0)
		return 0;
	const int64_t days = floor_div(x->q->now.us, US_PER_DAY) - civil_to_day(c);
	if (days < PRICES_OLD_DAYS || !begin_one(x, "prices_old"))
		return 0;
	json_out_string(x->j, "checked", x->q->prices_of);
	json_out_int(x->j, "days", days);
	end_one(x);
	end_kind(x, 1);
	return 0;
}

int attention_report_put(struct json_out *j, const struct attention_question *q, struct err *e)
{
	static int (*const kinds[])(struct attention *
				    x) = { put_unpriced,  put_uncovered, put_quarantine,
					   put_conflicts, put_faults,	 put_budgets,
					   put_balances,  put_invoices,	 put_prices };
	struct attention x = { .j = j, .q = q, .e = e };
	int rc = 0;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.attention/1");
	json_out_array(j, "items");
	for (size_t i = 0; rc == 0 && i < sizeof kinds / sizeof *kinds; i++)
		rc = kinds[i](&x);
	json_out_end(j, ']');
	json_out_end(j, '}');
	return rc;
}
