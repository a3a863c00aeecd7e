#include "meter/ledger/ledger_parts.h"

static void finish_balance(const struct account *a, struct balance *b)
{
	b->owed = a->owed;
	b->unlimited = a->overage == OVERAGE_DEBT;
	b->spendable.nano = b->available.nano - b->held.nano;
	if (a->overage == OVERAGE_LIMIT)
		b->spendable.nano += a->overage_limit.nano - a->owed.nano;
}

/* of lots, and of open holds */
static const struct sql sql_available = {
	.text = "SELECT coalesce(sum(l.left),0),(SELECT coalesce(sum(credits),0) FROM hold INDEXED "
		"BY hold_open WHERE state='open' AND customer=:customer AND expires>:at) FROM "
		"credit_lot l INDEXED BY lot_open JOIN credit_grant g ON g.id=l.grant_id WHERE "
		"l.account=:account AND l.left>0 AND g.effective<=:at AND (g.expires IS NULL OR "
		"g.expires>:at)",
};

int ledger_balance(struct ledger *l, const struct account *a, struct instant now,
		   struct balance *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_available, &q, e);
	*out = (struct balance){ 0 };
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_text(q, ":customer", a->customer);
	db_bind_int(q, ":at", now.us);
	rc = db_step(l->db, q, e);
	if (rc == 1) {
		out->available.nano = db_int(q, 0);
		out->held.nano = db_int(q, 1);
	}
	db_reset(q);
	finish_balance(a, out);
	return rc < 0 ? rc : 0;
}

int ledger_balance_with(struct ledger *l, const struct account *a, struct nano_credits held,
			struct instant now, struct balance *out, struct err *e)
{
	struct state *s;
	int rc = ledger_state_of(l, a->id, &s, e);
	*out = (struct balance){ .held = held };
	if (rc == 0)
		rc = ledger_redo(l, s, e);
	if (rc == 0)
		rc = ledger_need_lots(l, s, e);
	if (rc == 0)
		out->available.nano = ledger_nano_of(lots_available(s->lot, s->lots, now));
	finish_balance(a, out);
	return rc;
}

/* what is left of a grant that has ended has expired, whether that is booked yet or not */
static const struct sql sql_balance_at = {
	.text = "SELECT CASE WHEN g.expires<=:at THEN 'expired' ELSE e.pot END,sum(e.amount) "
		"FROM ledger_txn t JOIN ledger_entry e ON e.txn=t.id LEFT JOIN credit_grant g "
		"ON g.id=e.grant_id AND e.pot='grant' WHERE t.account=:account AND t.at<=:at "
		"GROUP BY 1",
};

int ledger_balance_at(struct ledger *l, int64_t account, struct instant at,
		      struct past_balance *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_balance_at, &q, e);
	if (rc != 0)
		return rc;
	*out = (struct past_balance){ 0 };
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":at", at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		struct text pot = db_text(q, 0);
		int64_t amount = db_int(q, 1);
		if (text_is(pot, "grant"))
			out->left.nano += amount;
		else if (text_is(pot, "used"))
			out->used.nano += amount;
		else if (text_is(pot, "expired"))
			out->expired.nano += amount;
		else if (text_is(pot, "overage"))
			out->owed.nano -= amount;
		else if (text_is(pot, "billed"))
			out->billed.nano -= amount;
	}
	db_reset(q);
	return rc;
}
