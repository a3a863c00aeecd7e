/* What is certain of an account before what waits is redone. */
#include "meter/ledger/ledger_parts.h"

static const struct sql sql_keeps = {
	.text = "SELECT count(*) FROM credit_rule WHERE account=:account AND rollover>0",
};

static int trims(struct ledger *l, const struct state *s, bool *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_keeps, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	rc = db_step(l->db, q, e);
	*out = rc == 1 && db_int(q, 0) > 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/*
 * Where lots burn in one order and nothing is trimmed, a draw that is put in earlier leaves some
 * one lot by so much shorter, whatever later draws then take instead, or later grants repay: each
 * of its credits displaces one later credit, which displaces one at most. So a draw that waits
 * lessens what any set of lots has left by its own amount at most; a grant or a refund by hand
 * lessens it by nothing, but what is booked of them may move to other lots. What an invoice has
 * asked for of a use bounds what the later ones of the lots may give to it, as the use itself
 * bounds what all of them do: a credit is displaced within that bound, or not at all.
 */
int ledger_may_be_certain(struct ledger *l, struct state *s, bool *out, struct err *e)
{
	bool keeps = true;
	int rc = s->moving ? 0 : trims(l, s, &keeps, e);
	*out = rc == 0 && !keeps;
	return rc;
}

static int doubt_is_bound(struct ledger *l, struct state *s, bool *out, struct err *e)
{
	*out = false;
	return s->redo.account && s->redo.doubt < INT64_MAX ? ledger_may_be_certain(l, s, out, e)
							    : 0;
}

int ledger_may_wait(struct ledger *l, struct state *s, bool *out, struct err *e)
{
	bool unbilled = false;
	int rc = doubt_is_bound(l, s, out, e);
	if (rc == 0 && *out)
		rc = ledger_is_unbilled(l, s, &unbilled, e);
	*out = rc == 0 && unbilled;
	return rc;
}

int ledger_has_certainly(struct ledger *l, struct state *s, int64_t nano, const struct draw *d,
			 bool *out, struct err *e)
{
	int rc = doubt_is_bound(l, s, out, e);
	if (rc == 0 && *out)
		rc = ledger_need_lots(l, s, e);
	int128 has = 0;
	for (size_t i = 0; rc == 0 && *out && i < s->lots; i++) {
		if (lot_counts(&s->lot[i], d->at))
			has += ledger_nano_of(s->lot[i].left);
	}
	*out = *out && has - nano >= s->redo.doubt;
	return rc;
}
