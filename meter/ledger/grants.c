#include "meter/ledger/ledger_parts.h"

static void read_grant(struct query *q, struct grant *g)
{
	*g = (struct grant){ .id = db_int(q, 0),
			     .account = db_int(q, 1),
			     .name = db_text(q, 2),
			     .amount = { db_int(q, 3) },
			     .kind = ledger_class_of(db_text(q, 4)),
			     .priority = db_int(q, 5),
			     .effective = { db_int(q, 6) },
			     .expires = db_is_null(q, 7) ? INSTANT_MAX
							 : (struct instant){ db_int(q, 7) },
			     .has_cost_basis = !db_is_null(q, 8),
			     .currency = db_text(q, 9),
			     .note = db_text(q, 10),
			     .created = { db_int(q, 11) },
			     .left = { db_int(q, 12) },
			     .rule = db_is_null(q, 13) ? 0 : db_int(q, 13) };
	if (g->has_cost_basis)
		g->cost_basis.pico = db_int(q, 8);
	g->has_price = !db_is_null(q, 14);
	g->price.pico = g->has_price ? db_int(q, 14) : 0;
	g->lapsed.nano = db_int(q, 15);
}

#define GRANT \
	"SELECT g.id,g.account,name,amount,class,priority,effective,expires,cost_basis," \
	"currency,note,created,coalesce(l.left,0),rule,price,coalesce(l.lapsed,0) " \
	"FROM credit_grant g LEFT JOIN credit_lot l ON l.grant_id=g.id "
static const struct sql sql_grant = {
	.text = GRANT "WHERE g.account=:account AND name=:name",
};

int ledger_find_grant(struct ledger *l, int64_t account, struct text name, struct grant *out,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_grant, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_text(q, ":name", name);
	rc = db_step(l->db, q, e);
	if (rc == 1) {
		read_grant(q, out);
		out->name = ledger_keep(l, out->name);
		out->currency = ledger_keep(l, out->currency);
		out->note = ledger_keep(l, out->note);
	}
	db_reset(q);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "no grant '%.*s'", (int)name.n, name.p);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_grants = {
	.text = GRANT "WHERE g.account=:account ORDER BY effective,g.id",
};

/* Where it has ended, what was left has expired, whether that is booked yet or not. */
static void end_by(struct grant *g, struct instant now)
{
	if (g->expires.us > now.us)
		return;
	g->lapsed.nano += g->left.nano;
	g->left.nano = 0;
}

int ledger_each_grant(struct ledger *l, int64_t account, struct instant now,
		      int (*take)(void *user, const struct grant *g), void *user, struct err *e)
{
	struct query *q;
	struct grant g;
	int rc = db_statement(l->db, &sql_grants, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	while ((rc = db_step(l->db, q, e)) == 1) {
		read_grant(q, &g);
		end_by(&g, now);
		if ((rc = take(user, &g)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

/* A price that was not known then is none that differs. */
static bool same_grant(const struct grant *a, const struct grant *b)
{
	return (!a->has_price || (b->has_price && a->price.pico == b->price.pico)) &&
	       a->amount.nano == b->amount.nano && a->kind == b->kind &&
	       a->priority == b->priority && a->expires.us == b->expires.us &&
	       a->has_cost_basis == b->has_cost_basis && a->cost_basis.pico == b->cost_basis.pico;
}

static const struct sql sql_add_grant = {
	.text = "INSERT INTO credit_grant(account,name,amount,class,priority,effective,expires,"
		"cost_basis,currency,rule,note,created,price) VALUES(:account,:name,:amount,"
		":class,:priority,:effective,:expires,:cost_basis,:currency,:rule,:note,:created,"
		":price) "
		"RETURNING id",
};
static const struct sql sql_add_lot = {
	.text = "INSERT INTO credit_lot VALUES(:grant,:account,:left,0)",
};

static int insert_grant(struct ledger *l, const struct grant *g, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_add_grant, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", g->account);
	db_bind_text(q, ":name", g->name);
	db_bind_int(q, ":amount", g->amount.nano);
	db_bind_text(q, ":class", text_of(ledger_class_name(g->kind)));
	db_bind_int(q, ":priority", g->priority);
	db_bind_int(q, ":effective", g->effective.us);
	if (g->expires.us == INSTANT_MAX.us)
		db_bind_null(q, ":expires");
	else
		db_bind_int(q, ":expires", g->expires.us);
	if (g->has_cost_basis)
		db_bind_int(q, ":cost_basis", g->cost_basis.pico);
	else
		db_bind_null(q, ":cost_basis");
	db_bind_text(q, ":currency", g->currency);
	if (g->rule)
		db_bind_int(q, ":rule", g->rule);
	else
		db_bind_null(q, ":rule");
	db_bind_text(q, ":note", g->note);
	db_bind_int(q, ":created", g->created.us);
	if (g->has_price)
		db_bind_int(q, ":price", g->price.pico);
	else
		db_bind_null(q, ":price");
	rc = db_returned(l->db, q, id, e);
	if (rc != 0)
		return rc;
	rc = db_statement(l->db, &sql_add_lot, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", *id);
	db_bind_int(q, ":account", g->account);
	db_bind_int(q, ":left", g->amount.nano);
	return db_done(l->db, q, e);
}

/* Whether what was booked would have drawn otherwise with such a grant. */
static int look_behind(struct ledger *l, struct state *s, struct instant effective, int64_t nano,
		       struct instant now, struct err *e)
{
	const bool owes = s->account.owed.nano > 0 && effective.us <= now.us;
	int rc = ledger_need_last(l, s, e);
	if (rc == 0 && owes)
		rc = ledger_need_carrying(l, s, e);
	const bool repays = rc == 0 && owes && carries_from(&s->carrying, effective);
	const bool behind =
		repays || s->last_usage.us >= effective.us || s->last_by_hand.us >= effective.us;
	if (rc == 0)
		ledger_redo_after(s, behind ? effective : INSTANT_MAX, now, nano);
	return rc;
}

int ledger_grant(struct ledger *l, const struct grant *g, struct instant now, int64_t *id,
		 struct err *e)
{
	struct state *s;
	struct grant known;
	struct err none = { 0 };
	int rc = ledger_state_of(l, g->account, &s, e);
	if (rc == 0 && g->amount.nano <= 0)
		rc = err_set(e, ERR_INVALID, "a grant must be positive");
	if (rc == 0 && g->expires.us <= g->effective.us)
		rc = err_set(e, ERR_INVALID, "the grant would expire before it is effective");
	if (rc != 0)
		return rc;
	rc = ledger_find_grant(l, g->account, g->name, &known, &none);
	if (rc == 0) {
		*id = known.id;
		return same_grant(&known, g) ? 0
					     : err_set(e, ERR_CONFLICT,
						       "the grant '%.*s' exists with other content",
						       (int)g->name.n, g->name.p);
	}
	if (none.code != ERR_NOT_FOUND) {
		*e = none;
		return rc;
	}
	struct grant fresh = *g;
	if (fresh.created.us == 0)
		fresh.created = now;
	rc = g->balance_most.nano ? ledger_redo(l, s, e) : 0;
	if (rc == 0)
		rc = ledger_need_lots(l, s, e);
	if (rc == 0 && g->balance_most.nano) {
		int128 balance = lots_available(s->lot, s->lots, now).atto / atto_per_nano;
		char text[2][DECIMAL_TEXT_MAX];
		if (balance + g->amount.nano > g->balance_most.nano)
			return err_set(e, ERR_LIMIT,
				       "the grant would push the balance of %s above %s",
				       nano_credits_format(
					       (struct nano_credits){ (int64_t)balance }, text[0]),
				       nano_credits_format(g->balance_most, text[1]));
	}
	if (rc == 0)
		rc = insert_grant(l, &fresh, id, e);
	if (rc != 0)
		return rc;
	struct lot *lot = ledger_add_lot(s);
	*lot = (struct lot){ .id = ledger_keep(l, g->name),
			     .number = *id,
			     .amount = credits_of_nano(g->amount),
			     .left = credits_of_nano(g->amount),
			     .cap = { -1 },
			     .kind = g->kind,
			     .priority = g->priority,
			     .effective = g->effective,
			     .expires = g->expires,
			     .created = fresh.created,
			     .has_cost_basis = g->has_cost_basis,
			     .cost_basis = { (int128)g->cost_basis.pico * 1000000 } };
	l->entries = 0;
	ledger_put_entry(l, "grant", *id, g->amount.nano);
	ledger_put_entry(l, "source", 0, -g->amount.nano);
	rc = ledger_post(l,
			 &(struct posting){ .state = s,
					    .kind = "grant",
					    .at = g->effective,
					    .booked = now,
					    .note = g->note },
			 NULL, e);
	return rc == 0 ? look_behind(l, s, g->effective, g->amount.nano, now, e) : rc;
}

static const struct sql sql_sales = {
	.text = "SELECT name,note,currency,rule,amount,price,(SELECT coalesce(-sum(e.amount),0) "
		"FROM ledger_entry e JOIN ledger_txn t ON t.id=e.txn WHERE e.grant_id=g.id AND "
		"t.kind='void') FROM credit_grant g WHERE account=:account AND price IS NOT NULL "
		"AND effective>=:from AND effective<:to ORDER BY effective,id",
};

int ledger_each_sale(struct ledger *l, const struct sales_asked *of,
		     int (*take)(void *user, const struct credit_sale *s), void *user,
		     struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_sales, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", of->account);
	db_bind_int(q, ":from", of->from.us);
	db_bind_int(q, ":to", of->to.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		const struct credit_sale s = { db_text(q, 0),	 db_text(q, 1),
					       db_text(q, 2),	 !db_is_null(q, 3),
					       { db_int(q, 4) }, { db_int(q, 6) },
					       { db_int(q, 5) } };
		if ((rc = take(user, &s)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

/* What expired of a grant comes back, to be void instead. */
static int reopen(struct ledger *l, struct state *s, const struct grant *g, struct instant now,
		  struct err *e)
{
	const struct posting p = { .state = s, .kind = "expire", .at = g->expires, .booked = now };
	l->entries = 0;
	ledger_put_entry(l, "grant", g->id, g->lapsed.nano);
	ledger_put_entry(l, "expired", 0, -g->lapsed.nano);
	s->has_lots = false;
	s->lots = 0;
	int rc = ledger_set_lapsed(l, g->id, -g->lapsed.nano, e);
	return rc == 0 ? ledger_post(l, &p, NULL, e) : rc;
}

/* What is left of it is void. */
static int void_rest(struct ledger *l, const struct grant *g, const struct posting *p,
		     struct err *e)
{
	struct state *s = p->state;
	int rc = ledger_need_lots(l, s, e);
	for (size_t i = 0; rc == 0 && i < s->lots; i++)
		if (s->lot[i].number == g->id)
			rc = ledger_take_from_lot(l, &s->lot[i], ledger_nano_of(s->lot[i].left),
						  "source", p, e);
	if (rc == 0)
		ledger_drop_empty(s);
	return rc;
}

/* A grant as it is when everything is booked. */
static int find_settled(struct ledger *l, int64_t account, struct text name, struct state **s,
			struct grant *out, struct err *e)
{
	int rc = ledger_state_of(l, account, s, e);
	if (rc == 0)
		rc = ledger_redo(l, *s, e);
	return rc == 0 ? ledger_find_grant(l, account, name, out, e) : rc;
}

int ledger_void_grant(struct ledger *l, struct text customer, struct text name, struct instant now,
		      const char *why, struct err *e)
{
	const struct account *a;
	struct state *s = NULL;
	struct grant g = { 0 };
	int rc = ledger_account(l, customer, &a, e);
	if (rc == 0)
		rc = find_settled(l, a->id, name, &s, &g, e);
	end_by(&g, now);
	if (rc == 0 && g.left.nano == 0)
		rc = err_set(e, ERR_INVALID, "nothing is left of the grant '%.*s'", (int)name.n,
			     name.p);
	const struct posting p = {
		.state = s, .kind = "void", .at = now, .booked = now, .note = text_of(why)
	};
	return rc == 0 ? void_rest(l, &g, &p, e) : rc;
}

int ledger_reverse_grant(struct ledger *l, const struct account *a, struct text name,
			 struct instant now, const char *why, struct err *e)
{
	struct state *s;
	struct grant g = { 0 };
	int rc = find_settled(l, a->id, name, &s, &g, e);
	if (rc != 0 || g.left.nano + g.lapsed.nano == 0)
		return rc;
	const struct instant last = { g.expires.us - 1 };
	const bool unused = g.left.nano + g.lapsed.nano == g.amount.nano;
	struct posting p = { .state = s,
			     .kind = "void",
			     .at = g.expires.us <= now.us ? last : now,
			     .booked = now,
			     .note = text_of(why) };
	if (unused && g.effective.us < now.us)
		p.at = g.effective;
	if (g.lapsed.nano)
		rc = reopen(l, s, &g, now, e);
	if (rc == 0)
		rc = void_rest(l, &g, &p, e);
	if (rc == 0 && p.at.us < now.us)
		ledger_redo_from(s, p.at, now);
	return rc;
}
