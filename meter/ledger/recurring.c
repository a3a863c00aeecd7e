#include "meter/ledger/ledger_parts.h"

#include <stdio.h>
#include <stdlib.h>

static const struct sql sql_rules = {
	.text = LEDGER_RULE "WHERE account=:account ORDER BY id",
};

int ledger_each_rule(struct ledger *l, int64_t account,
		     int (*take)(void *user, const struct credit_rule *r), void *user,
		     struct err *e)
{
	struct query *q;
	struct credit_rule r;
	int rc = db_statement(l->db, &sql_rules, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	while ((rc = db_step(l->db, q, e)) == 1) {
		ledger_read_rule(q, &r);
		if ((rc = take(user, &r)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

enum { RULE_NEW, RULE_SAME, RULE_OTHER }; /* what there is under a rule's name */

struct known_rule {
	const struct credit_rule *asked;
	int is;
};

/* a: the known one. A price that was not known then is none that differs. */
static bool is_same_rule(const struct credit_rule *a, const struct credit_rule *b)
{
	return (!a->has_price || (b->has_price && a->price.pico == b->price.pico)) &&
	       a->amount.nano == b->amount.nano && a->kind == b->kind &&
	       a->priority == b->priority && text_eq(a->every, b->every) &&
	       text_eq(a->lasts, b->lasts) && text_eq(a->currency, b->currency) &&
	       a->has_cost_basis == b->has_cost_basis && a->cost_basis.pico == b->cost_basis.pico &&
	       a->anchor.us == b->anchor.us && a->rollover.nano == b->rollover.nano;
}

static int look_at_rule(void *user, const struct credit_rule *r)
{
	struct known_rule *x = user;
	if (text_eq(r->name, x->asked->name))
		x->is = is_same_rule(r, x->asked) ? RULE_SAME : RULE_OTHER;
	return 0;
}

/* Whether the account has that rule already. Errors: ERR_CONFLICT when it is another one. */
static int find_rule(struct ledger *l, const struct credit_rule *r, bool *known, struct err *e)
{
	struct known_rule x = { r, RULE_NEW };
	int rc = ledger_each_rule(l, r->account, look_at_rule, &x, e);
	*known = x.is == RULE_SAME;
	if (rc == 0 && x.is == RULE_OTHER)
		rc = err_set(e, ERR_CONFLICT,
			     "the recurring grant '%.*s' exists with other content", (int)r->name.n,
			     r->name.p);
	return rc;
}

struct credit_rule credit_rule_of(const struct grant *g, struct text every)
{
	return (struct credit_rule){ .account = g->account,
				     .name = g->name,
				     .every = every,
				     .currency = g->currency,
				     .has_cost_basis = g->has_cost_basis,
				     .cost_basis = g->cost_basis,
				     .has_price = g->has_price,
				     .price = g->price,
				     .amount = g->amount,
				     .kind = g->kind,
				     .priority = g->priority,
				     .anchor = g->effective,
				     .next = g->effective,
				     .until = g->expires };
}

static const struct sql sql_add_rule = {
	.text = "INSERT INTO credit_rule(account,name,amount,class,priority,every,lasts,anchor,"
		"rollover,next,until,cost_basis,currency,price) VALUES(:account,:name,:amount,"
		":class,:priority,:every,:lasts,:anchor,:rollover,:next,:until,:cost_basis,"
		":currency,:price)",
};

int ledger_add_rule(struct ledger *l, const struct credit_rule *r, struct err *e)
{
	struct query *q;
	struct recurrence every;
	bool known = false;
	int rc = recurrence_parse(&every, r->every, r->anchor, e);
	if (rc == 0 && r->lasts.n)
		rc = recurrence_parse(&every, r->lasts, r->anchor, e);
	if (rc == 0 && r->lasts.n && r->rollover.nano)
		rc = err_set(e, ERR_USAGE, "lasts and rollover exclude each other");
	if (rc == 0 && r->amount.nano <= 0)
		rc = err_set(e, ERR_INVALID, "a grant must be positive");
	if (rc == 0)
		rc = find_rule(l, r, &known, e);
	if (rc == 0 && !known)
		rc = db_statement(l->db, &sql_add_rule, &q, e);
	if (rc != 0 || known)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_text(q, ":name", r->name);
	db_bind_int(q, ":amount", r->amount.nano);
	db_bind_text(q, ":class", text_of(ledger_class_name(r->kind)));
	db_bind_int(q, ":priority", r->priority);
	db_bind_text(q, ":every", r->every);
	db_bind_text(q, ":lasts", r->lasts);
	db_bind_text(q, ":currency", r->currency);
	if (r->has_cost_basis)
		db_bind_int(q, ":cost_basis", r->cost_basis.pico);
	else
		db_bind_null(q, ":cost_basis");
	if (r->has_price)
		db_bind_int(q, ":price", r->price.pico);
	else
		db_bind_null(q, ":price");
	db_bind_int(q, ":anchor", r->anchor.us);
	db_bind_int(q, ":rollover", r->rollover.nano);
	db_bind_int(q, ":next", r->next.us);
	if (r->until.us == INSTANT_MAX.us)
		db_bind_null(q, ":until");
	else
		db_bind_int(q, ":until", r->until.us);
	return db_done(l->db, q, e);
}

struct ending {
	int64_t rule;
	struct instant from;
	struct text *name;
	size_t count;
	struct ledger *ledger;
};

static int add_ending(void *user, const struct grant *g)
{
	struct ending *x = user;
	if (g->rule != x->rule || g->effective.us < x->from.us ||
	    g->left.nano + g->lapsed.nano == 0)
		return 0;
	x->name = mem_grow(x->name, (x->count + 1) * sizeof *x->name);
	x->name[x->count++] = ledger_keep(x->ledger, g->name);
	return 0;
}

static const struct sql sql_end_rule = {
	.text = "UPDATE credit_rule SET until=:until WHERE account=:account AND name=:name "
		"AND (until IS NULL OR until>:until) RETURNING id",
};

int ledger_end_rule(struct ledger *l, const struct account *a, struct text name,
		    struct instant until, struct instant now, struct err *e)
{
	struct query *q;
	struct state *s;
	struct ending x = { .from = until, .ledger = l };
	int rc = db_statement(l->db, &sql_end_rule, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	db_bind_text(q, ":name", name);
	db_bind_int(q, ":until", until.us);
	rc = db_step(l->db, q, e);
	if (rc == 1)
		x.rule = db_int(q, 0);
	db_reset(q);
	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_NOT_FOUND,
					"'%.*s' has no recurring grant '%.*s' that continues "
					"beyond that day",
					(int)a->customer.n, a->customer.p, (int)name.n, name.p);
	/* what it gave for days on which it does not hold any more is reversed, unless used */
	rc = ledger_state_of(l, a->id, &s, e);
	if (rc == 0)
		rc = ledger_redo(l, s, e);
	if (rc == 0)
		rc = ledger_each_grant(l, a->id, now, add_ending, &x, e);
	for (size_t i = 0; rc == 0 && i < x.count; i++)
		rc = ledger_reverse_grant(l, a, x.name[i], now, "the subscription ended", e);
	free(x.name);
	return rc;
}

static const struct sql sql_set_rule = {
	.text = "UPDATE credit_rule SET next=:next WHERE id=:id",
};

static int recur(struct ledger *l, const struct credit_rule *r, struct instant now, struct err *e)
{
	struct query *q;
	struct state *s;
	struct recurrence every;
	char name[120], at[INSTANT_TEXT_MAX];
	int64_t id;
	ledger_work_on(l, r->account);
	int rc = recurrence_parse(&every, r->every, r->anchor, e);
	if (rc == 0)
		rc = ledger_state_of(l, r->account, &s, e);
	if (rc == 0)
		rc = ledger_need_zone(s, e);
	/* lots that cannot roll over expire by themselves; usage that comes late may still find
	 * them
	 */
	if (rc == 0 && r->rollover.nano)
		rc = ledger_trim(l, s, r, r->next, now, e);
	if (rc != 0)
		return rc;
	every.zone = s->zone;
	struct instant next = recurrence_from(&every, (struct instant){ r->next.us + 1 }),
		       expires = r->rollover.nano ? INSTANT_MAX : next;
	if (r->lasts.n) {
		struct recurrence lasts;
		rc = recurrence_parse(&lasts, r->lasts, r->next, e);
		if (rc != 0)
			return rc;
		lasts.zone = s->zone;
		expires = recurrence_from(&lasts, (struct instant){ r->next.us + 1 });
	}
	instant_format(r->next, at);
	if (strcmp(at + 10, "T00:00:00Z") == 0)
		at[10] = 0; /* the day says it */
	snprintf(name, sizeof name, "%.*s %s", (int)(r->name.n < 60 ? r->name.n : 60), r->name.p,
		 at);
	rc = ledger_grant(l,
			  &(struct grant){ .account = r->account,
					   .rule = r->id,
					   .name = text_of(name),
					   .amount = r->amount,
					   .kind = r->kind,
					   .priority = r->priority,
					   .effective = r->next,
					   /* what cannot roll over ends with its period, and so
					      burns before what lives on */
					   .expires = expires,
					   .created = r->next,
					   .has_cost_basis = r->has_cost_basis,
					   .cost_basis = r->cost_basis,
					   .has_price = r->has_price,
					   .price = r->price,
					   .currency = r->currency,
					   .note = TEXT("recurring") },
			  now, &id, e);
	if (rc == 0)
		rc = db_statement(l->db, &sql_set_rule, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", r->id);
	db_bind_int(q, ":next", next.us);
	return db_done(l->db, q, e);
}

struct id_list {
	int64_t *id;
	size_t n;
};

static int add_id(void *user, const struct account *a)
{
	struct id_list *list = user;
	list->id = mem_grow(list->id, (list->n + 1) * sizeof *list->id);
	list->id[list->n++] = a->id;
	return 0;
}

static const struct sql sql_rules_due = {
	.text = LEDGER_RULE
	"WHERE next<=:now AND (until IS NULL OR next<until) AND account NOT IN (SELECT "
	"account FROM credit_fault) ORDER BY next,id LIMIT 1",
};

int ledger_recurs_by(struct ledger *l, struct instant until, bool *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_rules_due, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":now", until.us);
	rc = db_step(l->db, q, e);
	*out = rc == 1;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_recur(struct ledger *l, struct instant until, struct instant now, struct err *e)
{
	struct query *q;
	struct credit_rule r;
	for (;;) {
		int rc = db_statement(l->db, &sql_rules_due, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":now", until.us);
		rc = db_step(l->db, q, e);
		if (rc != 1) {
			db_reset(q);
			return rc;
		}
		ledger_read_rule(q, &r);
		r.name = ledger_keep(l, r.name);
		r.every = ledger_keep(l, r.every);
		r.lasts = ledger_keep(l, r.lasts);
		r.currency = ledger_keep(l, r.currency);
		db_reset(q);
		rc = recur(l, &r, now, e);
		if (rc != 0)
			return rc;
	}
}

static int drop_id(void *user, const struct account_fault *f)
{
	struct id_list *list = user;
	size_t kept = 0;
	for (size_t i = 0; i < list->n; i++)
		if (list->id[i] != f->account)
			list->id[kept++] = list->id[i];
	list->n = kept;
	return 0;
}

/* Grants that have become effective since repay what is carried. */
static int repay_by(struct ledger *l, struct state *s, struct instant now, struct err *e)
{
	if (s->account.owed.nano <= 0)
		return 0;
	int rc = ledger_need_lots(l, s, e);
	return rc == 0 ? ledger_redo_repaid(l, s, now, e) : rc;
}

int ledger_advance(struct ledger *l, struct instant now, struct err *e)
{
	struct id_list accounts = { 0 };
	int rc = ledger_recur(l, now, now, e);
	if (rc == 0)
		rc = ledger_each_account(l, add_id, &accounts, e);
	if (rc == 0)
		rc = ledger_each_fault(l->store, drop_id, &accounts, e);
	for (size_t i = 0; rc == 0 && i < accounts.n; i++) {
		struct state *s;
		rc = ledger_state_of(l, accounts.id[i], &s, e);
		if (rc == 0)
			rc = repay_by(l, s, now, e);
		if (rc == 0)
			rc = ledger_redo(l, s, e);
		if (rc == 0)
			rc = ledger_expire(l, accounts.id[i], now, e);
		if (rc == 0)
			rc = ledger_top_up(l, accounts.id[i],
					   &(struct topping){ .at = now, .now = now }, e);
	}
	free(accounts.id);
	return rc;
}
