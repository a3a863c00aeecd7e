/* What is said of an account, and what may change of it when. */
#include "meter/ledger/ledger_parts.h"

#include <stdio.h>
#include <string.h>

static void bind_account(struct query *q, const struct account *a)
{
	db_bind_text(q, ":plan", a->plan);
	db_bind_text(q, ":plan_text", a->plan_text);
	db_bind_int(q, ":byo", a->byo);
	db_bind_text(q, ":overage", text_of(overage_name(a->overage)));
	db_bind_int(q, ":overage_limit", a->overage_limit.nano);
	db_bind_text(q, ":burn_order", a->burn_order);
	db_bind_text(q, ":zone", a->zone);
	db_bind_int(q, ":anchor_day", a->anchor_day);
	if (a->has_low_balance)
		db_bind_int(q, ":low_balance", a->low_balance.nano);
	else
		db_bind_null(q, ":low_balance");
	db_bind_text(q, ":terms", a->terms);
}

/* Whether the new zone is the known one until a day that nothing was summed by yet. */
static int check_change(const struct account *a, const struct account *known, struct query *q,
			struct err *e)
{
	const bool days = !db_is_null(q, 0), invoiced = !db_is_null(q, 1);
	struct zone *z;
	int64_t open = INT64_MIN; /* the first day that may still be another zone's */
	if (!days && !invoiced)
		return 0;
	int rc = zone_open(&z, known->zone.p, e);
	if (rc != 0)
		return rc;
	if (days)
		open = db_int(q, 0) + 1;
	struct instant end = { invoiced ? db_int(q, 1) : 0 }, ahead;
	if (!db_is_null(q, 2) && instant_parse(&ahead, db_text(q, 2), NULL) == 0 &&
	    ahead.us > end.us)
		end = ahead;
	if (invoiced && zone_day(z, end) > open)
		open = zone_day(z, end);
	zone_close(z);
	struct civil from = { 0 };
	char text[DAY_TEXT_MAX];
	const bool longer = a->zone.n > known->zone.n &&
			    memcmp(a->zone.p, known->zone.p, known->zone.n) == 0 &&
			    memcmp(a->zone.p + known->zone.n, ", ", 2) == 0;
	const char *day = longer ? strstr(a->zone.p + known->zone.n, " from ") : NULL;
	const bool follows =
		day && sscanf(day, " from %4d-%2d-%2d", &from.year, &from.month, &from.day) == 3 &&
		civil_valid(from) && civil_to_day(from) >= open;
	if (follows)
		return 0;
	return err_set(e, ERR_CONFLICT,
		       "the time zone of '%.*s' can change from %s on ('ZONE from "
		       "DAY'): its usage has been summed by the days of %.*s",
		       (int)a->customer.n, a->customer.p, day_format(open, text),
		       (int)known->zone.n, known->zone.p);
}

/* the last day that usage was summed by, and the end of what is invoiced, also in advance, which is
 * the second period of a document */
static const struct sql sql_days_kept = {
	.text = "SELECT max(day),(SELECT max(period_to) FROM invoice WHERE customer=:customer AND "
		"status='final'),(SELECT max(document->'periods'->1->>'to') FROM invoice WHERE "
		"customer=:customer AND status='final' AND document->'periods'->1->>'advance' IS NOT "
		"NULL) FROM (SELECT max(day) AS day FROM credit_day WHERE "
		"account=:account UNION ALL SELECT max(day) FROM credit_taken WHERE "
		"account=:account) kept",
};

/* Sums by the account's own days stand for its zone. */
static int check_zone(struct ledger *l, const struct account *a, struct err *e)
{
	const struct account *known;
	struct query *q;
	struct zone *z;
	int rc = zone_open(&z, a->zone.p, e);
	if (rc != 0)
		return rc;
	zone_close(z);
	rc = a->id ? ledger_find_account(l, a->customer, &known, e) : 0;
	if (rc != 0 || !a->id || !known || text_eq(known->zone, a->zone))
		return rc;
	rc = db_statement(l->db, &sql_days_kept, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_text(q, ":customer", a->customer);
	rc = db_step(l->db, q, e);
	rc = rc == 1 ? check_change(a, known, q, e) : rc;
	db_reset(q);
	return rc;
}

static const struct sql sql_keep_policy = {
	.text = "INSERT INTO credit_overage_before(account,until,overage) "
		"VALUES(:account,:until,:overage) ON CONFLICT DO NOTHING",
};

/* Behind `now`, for what happened by then went by the earlier one; or from where the last began. */
static int keep(struct ledger *l, const struct state *s, struct instant now, struct err *e)
{
	const struct carrying *c = &s->carrying;
	const int64_t last = c->count > 1 ? c->span[c->count - 2].until_us : INT64_MIN;
	struct query *q;
	if (c->count == CARRYING_MOST)
		return err_set(e, ERR_CONFLICT,
			       ASKED("overage") " of '%.*s' has changed %d times, and cannot any "
						"more",
			       (int)s->account.customer.n, s->account.customer.p,
			       CARRYING_MOST - 1);
	int rc = db_statement(l->db, &sql_keep_policy, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":until", now.us >= last ? now.us + 1 : last);
	db_bind_text(q, ":overage", text_of(overage_name(s->account.overage)));
	return db_done(l->db, q, e);
}

static int change_overage(struct ledger *l, const struct account *to, struct instant now,
			  struct err *e)
{
	struct state *s;
	char owed[DECIMAL_TEXT_MAX];
	int rc = ledger_state_of(l, to->id, &s, e);
	if (rc != 0 || (s->account.overage == OVERAGE_DEBT) == (to->overage == OVERAGE_DEBT))
		return rc;
	/* what grants have repaid by now is owed no more */
	rc = ledger_need_lots(l, s, e);
	if (rc == 0)
		rc = ledger_redo_repaid(l, s, now, e);
	if (rc == 0)
		rc = ledger_redo(l, s, e);
	if (rc == 0 && s->account.owed.nano != 0)
		return err_set(e, ERR_CONFLICT,
			       "'%.*s' owes %s credits under " ASKED(
				       "overage") " %s: %s before it changes",
			       (int)to->customer.n, to->customer.p,
			       nano_credits_format(s->account.owed, owed),
			       overage_name(s->account.overage),
			       s->account.overage == OVERAGE_DEBT ? "repay them with a grant"
								  : "charge them on an invoice");
	if (rc == 0)
		rc = ledger_need_carrying(l, s, e);
	return rc == 0 ? keep(l, s, now, e) : rc;
}

static const struct sql sql_add_account = {
	.text = "INSERT INTO credit_account(customer,plan,plan_text,byo,overage,overage_limit,"
		"burn_order,zone,anchor_day,low_balance,terms,since,opened) "
		"VALUES(:customer,:plan,:plan_text,:byo,:overage,:overage_limit,:burn_order,"
		":zone,:anchor_day,:low_balance,:terms,:since,:opened) RETURNING id",
};
static const struct sql sql_set_account = {
	.text = "UPDATE credit_account SET plan=:plan,plan_text=:plan_text,byo=:byo,"
		"overage=:overage,overage_limit=:overage_limit,burn_order=:burn_order,zone=:zone,"
		"anchor_day=:anchor_day,low_balance=:low_balance,terms=:terms WHERE id=:id",
};
static const struct sql sql_add_state = {
	.text = "INSERT INTO credit_state VALUES(:account,:drawn_to,0,0)",
};

int ledger_set_account(struct ledger *l, const struct account *a, struct instant now, struct err *e)
{
	struct query *q;
	int checked = check_zone(l, a, e);
	if (checked == 0 && a->id)
		checked = change_overage(l, a, now, e);
	if (checked != 0)
		return checked;
	int rc = db_statement(l->db, a->id ? &sql_set_account : &sql_add_account, &q, e);
	if (rc != 0)
		return rc;
	bind_account(q, a);
	if (a->id) {
		db_bind_int(q, ":id", a->id);
	} else {
		db_bind_text(q, ":customer", a->customer);
		db_bind_int(q, ":since", a->since.us);
		db_bind_int(q, ":opened", a->opened.us);
	}
	int64_t id = 0;
	rc = a->id ? db_done(l->db, q, e) : db_returned(l->db, q, &id, e);
	if (rc == 0 && !a->id) {
		rc = db_statement(l->db, &sql_add_state, &q, e);
		if (rc == 0) {
			db_bind_int(q, ":account", id);
			db_bind_int(q, ":drawn_to", a->drawn_to);
			rc = db_done(l->db, q, e);
		}
	}
	ledger_reload(l);
	return rc;
}
