/* What recurring grants leave and keep: trimmed at each recurrence to the rollover. */
#include <stdlib.h>

#include "meter/ledger/ledger_parts.h"

/* What of the grants of a rule lies beyond its rollover at a recurrence, and is still to go. */
struct trimming {
	const struct credit_rule *rule;
	struct instant at, now;
	int64_t over;
};

/* A lot gives up what is over, as far as it has it. */
static int trim_lot(struct ledger *l, struct state *s, int64_t grant, struct trimming *t,
		    struct err *e)
{
	for (size_t i = 0; i < s->lots; i++) {
		int64_t has = ledger_nano_of(s->lot[i].left);
		if (s->lot[i].number != grant || has == 0)
			continue;
		has = t->over < has ? t->over : has;
		t->over -= has;
		return ledger_take_from_lot(
			l, &s->lot[i], has, "expired",
			&(struct posting){ .state = s,
					   .kind = "expire",
					   .at = t->at,
					   .booked = t->now,
					   .note = TEXT("beyond the rollover") },
			e);
	}
	return 0;
}

static const struct sql sql_rule_lots = {
	.text = "SELECT g.id,l.left FROM credit_lot l INDEXED BY lot_open JOIN credit_grant g ON "
		"g.id=l.grant_id WHERE l.account=:account AND l.left>0 AND g.rule=:rule AND "
		"g.effective<:at ORDER BY g.effective,g.id",
};

/* The oldest goes first. */
static int trim(struct ledger *l, struct state *s, struct trimming *t, struct err *e)
{
	struct query *q;
	int64_t *grant = NULL;
	size_t n = 0;
	int rc = ledger_need_lots(l, s, e);
	if (rc == 0)
		rc = db_statement(l->db, &sql_rule_lots, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", t->rule->account);
	db_bind_int(q, ":rule", t->rule->id);
	db_bind_int(q, ":at", t->at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		grant = mem_grow(grant, (n + 1) * sizeof *grant);
		grant[n++] = db_int(q, 0);
	}
	db_reset(q);
	for (size_t k = 0; rc == 0 && k < n && t->over > 0; k++)
		rc = trim_lot(l, s, grant[k], t, e);
	ledger_drop_empty(s);
	free(grant);
	return rc;
}

/* what its grants came to before an instant, and what was trimmed at it */
static const struct sql sql_left_before = {
	.text = "SELECT coalesce(sum(CASE WHEN t.at<:at THEN en.amount END),0),coalesce(-sum(CASE "
		"WHEN t.at=:at AND t.kind='expire' THEN en.amount END),0) FROM credit_grant g JOIN "
		"ledger_entry en ON en.grant_id=g.id JOIN ledger_txn t ON t.id=en.txn WHERE "
		"g.account=:account AND g.rule=:rule AND t.at<=:at",
};

/* Says how much is beyond the rollover at the recurrence and was not trimmed then. */
static int beyond_rollover(struct ledger *l, struct trimming *t, struct err *e)
{
	const struct credit_rule *r = t->rule;
	struct query *q;
	int rc = db_statement(l->db, &sql_left_before, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	db_bind_int(q, ":at", t->at.us);
	rc = db_step(l->db, q, e);
	t->over = rc == 1 ? db_int(q, 0) - r->rollover.nano - db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_trim(struct ledger *l, struct state *s, const struct credit_rule *r, struct instant at,
		struct instant now, struct err *e)
{
	struct trimming t = { r, at, now, 0 };
	int rc = beyond_rollover(l, &t, e);
	return rc == 0 && t.over > 0 ? trim(l, s, &t, e) : rc;
}

void ledger_read_rule(struct query *q, struct credit_rule *r)
{
	*r = (struct credit_rule){ .id = db_int(q, 0),
				   .account = db_int(q, 1),
				   .name = db_text(q, 2),
				   .amount = { db_int(q, 3) },
				   .kind = ledger_class_of(db_text(q, 4)),
				   .priority = db_int(q, 5),
				   .every = db_text(q, 6),
				   .anchor = { db_int(q, 7) },
				   .rollover = { db_int(q, 8) },
				   .next = { db_int(q, 9) },
				   .until = db_is_null(q, 10) ? INSTANT_MAX
							      : (struct instant){ db_int(q, 10) },
				   .lasts = db_text(q, 11),
				   .has_cost_basis = !db_is_null(q, 12),
				   .currency = db_text(q, 13),
				   .has_price = !db_is_null(q, 14) };
	if (r->has_cost_basis)
		r->cost_basis.pico = db_int(q, 12);
	if (r->has_price)
		r->price.pico = db_int(q, 14);
}
