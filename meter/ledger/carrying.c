/* Which policy of overage an account has when: what it lacked is carried, or is asked for. */
#include "meter/ledger/ledger_parts.h"

static const char *const overage_names[] = { "refuse", "limit", "debt" };

const char *overage_name(enum overage_policy p)
{
	return overage_names[p];
}

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
