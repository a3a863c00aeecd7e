/* What becomes of credits that are not used: they expire. */
#include "meter/ledger/ledger_parts.h"

static const struct sql sql_set_lapsed = {
	.text = "UPDATE credit_lot SET \"left\"=\"left\"-:nano,lapsed=lapsed+:nano "
		"WHERE grant_id=:grant",
};

int ledger_set_lapsed(struct ledger *l, int64_t grant, int64_t nano, struct err *e)
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
			 ? ledger_set_lapsed(l, grant, nano, e)
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
