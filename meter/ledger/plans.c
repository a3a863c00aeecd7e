#include "meter/ledger/ledger_parts.h"

/* the last day that usage has drawn on, and when the present plan began */
static const struct sql sql_plan_began = {
	.text = "SELECT max(day),(SELECT max(until) FROM credit_plan_before WHERE "
		"account=:account),(SELECT count(*) FROM credit_plan_before WHERE "
		"account=:account) FROM credit_day WHERE account=:account",
};
static const struct sql sql_keep_plan = {
	.text = "INSERT INTO credit_plan_before(account,until,plan,plan_text) "
		"VALUES(:account,:until,:plan,:plan_text)",
};

static int check_until(struct ledger *l, const struct account *a, struct instant until,
		       struct err *e)
{
	enum { BEFORE_MOST = 15 };
	struct state *s;
	struct query *q;
	int rc = ledger_state_of(l, a->id, &s, e);
	if (rc == 0)
		rc = ledger_need_zone(s, e);
	const int64_t day = rc == 0 ? zone_day(s->zone, until) : 0;
	if (rc == 0)
		rc = db_statement(l->db, &sql_plan_began, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	rc = db_step(l->db, q, e);
	const bool drawn = rc == 1 && !db_is_null(q, 0) && db_int(q, 0) >= day,
		   began = rc == 1 && !db_is_null(q, 1) && db_int(q, 1) >= until.us,
		   full = rc == 1 && db_int(q, 2) >= BEFORE_MOST;
	db_reset(q);
	if (rc < 0)
		return rc;
	if (drawn || began || full)
		return err_set(e, ERR_CONFLICT, "the plan of '%.*s' cannot change then: %s",
			       (int)a->customer.n, a->customer.p,
			       drawn   ? "usage of that day or a later one has drawn already"
			       : began ? "another plan began then or later"
				       : "it has changed 15 times");
	return 0;
}

int ledger_plan_until(struct ledger *l, const struct account *a, struct instant until,
		      struct err *e)
{
	struct query *q;
	int rc = check_until(l, a, until, e);
	if (rc == 0)
		rc = db_statement(l->db, &sql_keep_plan, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_int(q, ":until", until.us);
	db_bind_text(q, ":plan", a->plan);
	db_bind_text(q, ":plan_text", a->plan_text);
	return db_done(l->db, q, e);
}

static const struct sql sql_plan_always = {
	.text = "DELETE FROM credit_plan_before WHERE account=:account",
};

int ledger_plan_always(struct ledger *l, const struct account *a, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_plan_always, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	return db_done(l->db, q, e);
}
