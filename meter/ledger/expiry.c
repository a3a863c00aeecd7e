/* What becomes of credits that are not used: they expire, and come back where usage before is
 * reversed. */
#include "meter/ledger/ledger_parts.h"

static const struct sql sql_set_lapsed = {
	.text = "UPDATE credit_lot SET \"left\"=\"left\"-:nano,lapsed=lapsed+:nano "
		"WHERE grant_id=:grant",
};

/* `nano` of a lot has expired; negative: has not, after all. */
static int set_lapsed(struct ledger *l, int64_t grant, int64_t nano, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_set_lapsed, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", grant);
	db_bind_int(q, ":nano", nano);
	return db_done(l->db, q, e);
}

/* Moves `nano` of a lot to another pot. */
int ledger_take_from_lot(struct ledger *l, struct lot *lot, int64_t nano, const char *pot,
			 const struct posting *p, struct err *e)
{
	const int64_t grant = lot->number;
	lot->left.atto -= (int128)nano * atto_per_nano;
	l->entries = 0;
	ledger_put_entry(l, "grant", grant, -nano);
	ledger_put_entry(l, pot, 0, nano);
	int rc = text_is(text_of(pot), "expired")
			 ? set_lapsed(l, grant, nano, e)
			 : ledger_write_lot(l, grant, ledger_nano_of(lot->left), e);
	return rc == 0 ? ledger_post(l, p, NULL, e) : rc;
}

int ledger_expire(struct ledger *l, int64_t account, struct instant now, struct err *e)
{
	struct state *s;
	int rc = ledger_state_of(l, account, &s, e);
	if (rc == 0)
		rc = ledger_need_lots(l, s, e);
	for (size_t i = 0; rc == 0 && i < s->lots; i++)
		if (s->lot[i].expires.us <= now.us)
			rc = ledger_take_from_lot(l, &s->lot[i], ledger_nano_of(s->lot[i].left),
						  "expired",
						  &(struct posting){ .state = s,
								     .kind = "expire",
								     .at = s->lot[i].expires,
								     .booked = now },
						  e);
	if (rc == 0)
		ledger_drop_empty(s);
	return rc;
}

int ledger_give_lapsed(struct ledger *l, struct state *s, const struct lapse *x, struct instant now,
		       struct err *e)
{
	l->entries = 0;
	ledger_put_entry(l, "grant", x->grant, x->nano);
	ledger_put_entry(l, "expired", 0, -x->nano);
	int rc = set_lapsed(l, x->grant, -x->nano, e);
	s->has_lots = false;
	s->lots = 0;
	return rc != 0 ? rc
		       : ledger_post(l,
				     &(struct posting){ .state = s,
							.kind = "expire",
							.at = x->at,
							.booked = now,
							.note = TEXT("usage came late") },
				     NULL, e);
}

/* of those with rollover it is not known what was trimmed and what has expired */
static const struct sql sql_lapsed = {
	.text = "SELECT g.id,l.lapsed,g.expires FROM credit_lot l INDEXED BY lot_lapsed "
		"JOIN credit_grant g ON g.id=l.grant_id LEFT JOIN credit_rule r ON r.id=g.rule "
		"WHERE l.account=:account AND l.lapsed>0 AND g.effective<=:at AND g.expires>:at "
		"AND g.expires<=:now AND coalesce(r.rollover,0)=0 ORDER BY g.id",
};

/*
 * Grants that counted at `at` and have expired since give what has expired of them back, so that
 * usage that comes late is paid as if it had come in time. What it leaves expires again with the
 * next ledger_expire.
 */
int ledger_reopen_lapsed(struct ledger *l, struct state *s, struct instant at, struct instant now,
			 struct err *e)
{
	for (;;) {
		struct query *q;
		int rc = db_statement(l->db, &sql_lapsed, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", s->account.id);
		db_bind_int(q, ":at", at.us);
		db_bind_int(q, ":now", now.us);
		rc = db_step(l->db, q, e);
		if (rc != 1) {
			db_reset(q);
			return rc;
		}
		const struct lapse x = { db_int(q, 0), db_int(q, 1), { db_int(q, 2) } };
		db_reset(q);
		rc = ledger_give_lapsed(l, s, &x, now, e);
		if (rc != 0)
			return rc;
	}
}
