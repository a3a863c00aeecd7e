/* What recurring grants leave and keep: trimmed at each recurrence to the rollover, and trimmed
 * again when usage before it comes late or is taken back. */
#include <stdlib.h>

#include "meter/ledger/ledger_parts.h"

/* A lot gives up to `over` at a recurrence; *over: what it did not have. */
static int trim_lot(struct ledger *l, struct state *s, int64_t grant, struct instant at,
		    struct instant now, int64_t *over, struct err *e)
{
	for (size_t i = 0; i < s->lots; i++) {
		int64_t has = ledger_nano_of(s->lot[i].left);
		if (s->lot[i].number != grant || has == 0)
			continue;
		has = *over < has ? *over : has;
		*over -= has;
		return ledger_take_from_lot(l, s, &s->lot[i], has, "expire", "expired", at, now,
					    TEXT("beyond the rollover"), e);
	}
	return 0;
}

/* `over` of what grants of the rule left before `at`; the oldest goes first. */
static int trim_by(struct ledger *l, struct state *s, const struct credit_rule *r,
		   struct instant at, struct instant now, int64_t over, struct err *e)
{
	struct query *q;
	int64_t *grant = NULL;
	size_t n = 0;
	int rc = ledger_need_lots(l, s, e);
	if (rc == 0)
		rc = db_statement(l->db, LEDGER_RULE_LOTS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	db_bind_int(q, ":at", at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		grant = mem_grow(grant, (n + 1) * sizeof *grant);
		grant[n++] = db_int(q, 0);
	}
	db_reset(q);
	for (size_t k = 0; rc == 0 && k < n && over > 0; k++)
		rc = trim_lot(l, s, grant[k], at, now, &over, e);
	ledger_drop_empty(s);
	free(grant);
	return rc;
}

/* *over: what is beyond the rollover at the recurrence `at` and was not trimmed then. */
static int beyond_rollover(struct ledger *l, const struct credit_rule *r, struct instant at,
			   int64_t *over, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_LEFT_BEFORE, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	db_bind_int(q, ":at", at.us);
	rc = db_step(l->db, q, e);
	*over = rc == 1 ? db_int(q, 0) - r->rollover.nano - db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_trim(struct ledger *l, struct state *s, const struct credit_rule *r, struct instant at,
		struct instant now, struct err *e)
{
	int64_t over;
	int rc = beyond_rollover(l, r, at, &over, e);
	return rc == 0 && over > 0 ? trim_by(l, s, r, at, now, over, e) : rc;
}

/* --- usage that comes late, or is taken back --- */

struct rules {
	struct credit_rule *rule;
	size_t count;
};

/* The account's rules that roll over and have recurred after `at`. */
static int rules_since(struct ledger *l, struct state *s, struct instant at, struct rules *out,
		       struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_ROLLOVERS, &q, e);
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

struct trimmed {
	int64_t grant, nano;
	struct instant at;
};

static int untrim_rule(struct ledger *l, struct state *s, const struct credit_rule *r,
		       struct instant at, struct instant now, struct err *e)
{
	struct query *q;
	struct trimmed *list = NULL;
	size_t n = 0;
	int rc = db_statement(l->db, LEDGER_TRIMMED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	db_bind_int(q, ":at", at.us);
	db_bind_int(q, ":effective", at.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		list = mem_grow(list, (n + 1) * sizeof *list);
		list[n++] = (struct trimmed){ db_int(q, 0), db_int(q, 2), { db_int(q, 1) } };
	}
	db_reset(q);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = ledger_give_lapsed(l, s, list[i].grant, list[i].nano, list[i].at, now, e);
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
			rc = ledger_trim(l, s, r, t, now, e);
			t.us++;
		}
	}
	free(rules.rule);
	return rc;
}
