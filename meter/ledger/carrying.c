/* Which policy of overage an account has when: what it lacked is carried, or is asked for. */
#include "meter/ledger/ledger_parts.h"

static const struct sql sql_policies_before = {
	.text = "SELECT until,overage FROM credit_overage_before WHERE account=:account ORDER BY "
		"until",
};

int ledger_need_carrying(struct ledger *l, struct state *s, struct err *e)
{
	struct query *q;
	struct carrying c = { 0 };
	if (s->knows_carrying)
		return 0;
	int rc = db_statement(l->db, &sql_policies_before, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	while ((rc = db_step(l->db, q, e)) == 1) {
		CHECK(c.count < CARRYING_MOST - 1);
		c.span[c.count].until_us = db_int(q, 0);
		c.span[c.count++].carries = text_is(db_text(q, 1), overage_name(OVERAGE_DEBT));
	}
	db_reset(q);
	c.span[c.count].until_us = INT64_MAX;
	c.span[c.count++].carries = s->account.overage == OVERAGE_DEBT;
	s->carrying = c;
	s->knows_carrying = rc == 0;
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

int ledger_change_overage(struct ledger *l, const struct account *to, struct instant now,
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
