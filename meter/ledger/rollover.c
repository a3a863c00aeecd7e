/* What recurring grants leave and keep: trimmed at each recurrence to the rollover, and trimmed
 * again when usage before it comes late or is reversed. */
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

/* --- usage that comes late, or is reversed --- */

struct rules {
	struct credit_rule *rule;
	size_t count;
};

static const struct sql sql_rollovers = {
	.text = LEDGER_RULE "WHERE account=:account AND rollover>0 AND next>:at ORDER BY id",
};

/* The account's rules that roll over and have recurred after `at`. */
static int rules_since(struct ledger *l, struct state *s, struct instant at, struct rules *out,
		       struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_rollovers, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":at", at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		out->rule = mem_grow(out->rule, (out->count + 1) * sizeof *out->rule);
		struct credit_rule *r = &out->rule[out->count++];
		ledger_read_rule(q, r);
		r->every = ledger_keep(l, r->every);
		r->name = r->lasts = r->currency = TEXT("");
	}
	db_reset(q);
	return rc;
}

/* what was trimmed after an instant of the grants of a rule that counted then */
static const struct sql sql_trimmed = {
	.text = "SELECT en.grant_id,t.at,-sum(en.amount) FROM credit_grant g JOIN ledger_entry en "
		"ON en.grant_id=g.id JOIN ledger_txn t ON t.id=en.txn WHERE g.account=:account AND "
		"g.rule=:rule AND t.kind='expire' AND t.at>:at AND g.effective<=:effective GROUP "
		"BY en.grant_id,t.at HAVING sum(en.amount)<0 ORDER BY t.at,en.grant_id",
};

static int untrim_rule(struct ledger *l, struct state *s, const struct credit_rule *r,
		       struct instant at, struct instant now, struct err *e)
{
	struct query *q;
	struct lapse *list = NULL;
	size_t n = 0;
	int rc = db_statement(l->db, &sql_trimmed, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	db_bind_int(q, ":at", at.us);
	db_bind_int(q, ":effective", at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		list = mem_grow(list, (n + 1) * sizeof *list);
		list[n++] = (struct lapse){ db_int(q, 0), db_int(q, 2), { db_int(q, 1) } };
	}
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = ledger_give_lapsed(l, s, &list[i], now, e);
	free(list);
	return rc;
}

int ledger_untrim(struct ledger *l, struct state *s, struct instant at, struct instant now,
		  struct err *e)
{
	struct rules rules = { 0 };
	int rc = rules_since(l, s, at, &rules, e);
	for (size_t i = 0; rc == 0 && i < rules.count; i++)
		rc = untrim_rule(l, s, &rules.rule[i], at, now, e);
	free(rules.rule);
	return rc;
}

int ledger_retrim(struct ledger *l, struct state *s, struct instant at, struct instant now,
		  struct err *e)
{
	struct rules rules = { 0 };
	int rc = rules_since(l, s, at, &rules, e);
	if (rc == 0 && rules.count)
		rc = ledger_need_zone(s, e);
	for (size_t i = 0; rc == 0 && i < rules.count; i++) {
		const struct credit_rule *r = &rules.rule[i];
		struct recurrence every;
		rc = recurrence_parse(&every, r->every, r->anchor, e);
		every.zone = s->zone;
		struct instant t = r->anchor.us > at.us ? r->anchor : (struct instant){ at.us + 1 };
		while (rc == 0 && (t = recurrence_from(&every, t)).us < r->next.us) {
			if (s->to_cover)
				rc = ledger_cover(l, s,
						  &(struct covering){ .billed = s->to_cover_billed,
								      .until = t,
								      .now = now },
						  e);
			if (rc == 0)
				rc = ledger_trim(l, s, r, t, now, e);
			t.us++;
		}
	}
	free(rules.rule);
	return rc;
}
