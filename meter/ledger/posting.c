#include "meter/ledger/foresight.h"

enum { ENTRIES_MOST = 1 << 20 };

struct lot *ledger_add_lot(struct state *s)
{
	if (s->lots == s->room) {
		s->room = s->room ? s->room * 2 : 8;
		s->lot = mem_grow(s->lot, s->room * sizeof *s->lot);
	}
	s->sorted = false;
	s->lot[s->lots] = (struct lot){ .cap = { -1 } };
	return &s->lot[s->lots++];
}

static const struct sql sql_lots = {
	.text = "SELECT g.id,name,amount,l.left,class,priority,effective,expires,cost_basis,"
		"created FROM credit_lot l INDEXED BY lot_open JOIN credit_grant g "
		"ON g.id=l.grant_id WHERE l.account=:account AND l.left>0",
};

int ledger_need_lots(struct ledger *l, struct state *s, struct err *e)
{
	struct query *q;
	int rc = 0;
	if (!s->has_lots) {
		rc = db_statement(l->db, &sql_lots, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", s->account.id);
		s->lots = 0;
		while ((rc = db_step(l->db, q, e)) == 1) {
			struct lot *lot = ledger_add_lot(s);
			lot->number = db_int(q, 0);
			lot->id = ledger_keep(l, db_text(q, 1));
			lot->amount = credits_of_nano((struct nano_credits){ db_int(q, 2) });
			lot->left = credits_of_nano((struct nano_credits){ db_int(q, 3) });
			lot->kind = ledger_class_of(db_text(q, 4));
			lot->priority = db_int(q, 5);
			lot->effective.us = db_int(q, 6);
			lot->expires =
				db_is_null(q, 7) ? INSTANT_MAX : (struct instant){ db_int(q, 7) };
			lot->has_cost_basis = !db_is_null(q, 8);
			if (lot->has_cost_basis)
				lot->cost_basis.atto = (int128)db_int(q, 8) * 1000000;
			lot->created.us = db_int(q, 9);
		}
		db_reset(q);
		s->has_lots = rc == 0;
	}
	if (rc == 0 && !s->sorted) {
		lots_sort(s->lot, s->lots, &s->order);
		s->sorted = true;
	}
	return rc;
}

static const struct sql sql_set_lot = {
	.text = "UPDATE credit_lot SET \"left\"=:left WHERE grant_id=:grant",
};

int ledger_write_lot(struct ledger *l, int64_t grant, int64_t left, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_set_lot, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", grant);
	db_bind_int(q, ":left", left);
	return db_done(l->db, q, e);
}

/* Lots that are used up leave the memory; the order of the others stays. */
void ledger_drop_empty(struct state *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->lots; i++)
		if (s->lot[i].left.atto > 0)
			s->lot[kept++] = s->lot[i];
	s->lots = kept;
	s->sorted = s->sorted && !s->moving;
}

void ledger_put_entry(struct ledger *l, const char *pot, int64_t grant, int64_t nano)
{
	if (nano == 0)
		return;
	if (l->entries == l->entry_room) {
		l->entry_room = l->entry_room ? l->entry_room * 2 : 64;
		l->entry = mem_grow(l->entry, l->entry_room * sizeof *l->entry);
	}
	l->entry[l->entries++] = (struct entry){ pot, grant, nano };
}

static void put_number(struct buf *b, int64_t n, const char *behind)
{
	buf_int(b, n);
	buf_puts(b, behind);
}

static void put_counted(struct buf *b, struct text t, const char *behind)
{
	put_number(b, (int64_t)t.n, ":");
	buf_add(b, t.p, t.n);
	buf_puts(b, behind);
}

static void put_txn_text(struct buf *b, int64_t id, const struct ledger_txn *t)
{
	put_number(b, id, " ");
	put_number(b, t->account, " ");
	put_number(b, t->at.us, " ");
	put_number(b, t->booked.us, " ");
	buf_add(b, t->kind.p, t->kind.n);
	buf_puts(b, " ");
	put_number(b, t->usage_from, " ");
	put_number(b, t->usage_to, " ");
	put_counted(b, t->key, " ");
	put_counted(b, t->note, "\n");
}

static void put_entry_text(struct buf *b, struct text pot, int64_t grant, int64_t nano)
{
	buf_add(b, pot.p, pot.n);
	buf_puts(b, " ");
	put_number(b, grant, " ");
	put_number(b, nano, "\n");
}

static const struct sql sql_entries_to_chain = {
	.text = "SELECT pot,grant_id,amount FROM ledger_entry WHERE txn=:txn ORDER BY place",
};

int ledger_txn_text(struct store *s, int64_t txn, struct buf *out, bool *there, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	static const char sql[] =
		"SELECT id,account,at,booked,kind,coalesce(usage_from,0),coalesce(usage_to,0),"
		"coalesce(key,''),note FROM ledger_txn WHERE id=?";
	*there = false;
	int rc = db_prepare(db, sql, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int_at(q, 1, txn);
	rc = db_step(db, q, e);
	if (rc == 1) {
		*there = true;
		put_txn_text(out, db_int(q, 0),
			     &(struct ledger_txn){ .account = db_int(q, 1),
						   .at = { db_int(q, 2) },
						   .booked = { db_int(q, 3) },
						   .kind = db_text(q, 4),
						   .usage_from = db_int(q, 5),
						   .usage_to = db_int(q, 6),
						   .key = db_text(q, 7),
						   .note = db_text(q, 8) });
	}
	db_drop(q);
	if (rc != 1)
		return rc;
	rc = db_statement(db, &sql_entries_to_chain, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":txn", txn);
	while ((rc = db_step(db, q, e)) == 1)
		put_entry_text(out, db_text(q, 0), db_is_null(q, 1) ? 0 : db_int(q, 1),
			       db_int(q, 2));
	db_reset(q);
	return rc;
}

static const struct sql sql_add_entry = {
	.text = "INSERT OR FAIL INTO ledger_entry VALUES(:txn,:place,:pot,:grant,:amount)",
};

static int write_entries(struct ledger *l, int64_t txn, struct err *e)
{
	struct query *q;
	int128 sum = 0;
	for (size_t i = 0; i < l->entries; i++) {
		const struct entry *en = &l->entry[i];
		int rc = db_statement(l->db, &sql_add_entry, &q, e);
		if (rc != 0)
			return rc;
		sum += en->nano;
		db_bind_int(q, ":txn", txn);
		db_bind_int(q, ":place", (int64_t)i);
		db_bind_text(q, ":pot", text_of(en->pot));
		if (en->grant)
			db_bind_int(q, ":grant", en->grant);
		else
			db_bind_null(q, ":grant");
		db_bind_int(q, ":amount", en->nano);
		rc = db_done(l->db, q, e);
		if (rc != 0)
			return rc;
	}
	CHECK(sum == 0 && l->entries > 0 && l->entries < ENTRIES_MOST);
	return 0;
}

static const struct sql sql_next_txn = {
	.text = "SELECT coalesce(max(id),0) FROM ledger_txn",
};
static const struct sql sql_add_txn = {
	.text = "INSERT OR FAIL INTO ledger_txn VALUES(:id,:account,:at,:booked,:kind,:from,:to,"
		":key,:note)",
};

/* What is known of the order in which an account is booked. */
static void note_order(const struct posting *p)
{
	struct state *s = p->state;
	const struct text kind = text_of(p->kind);
	struct instant *last = p->usage_from ? &s->last_usage : &s->last_by_hand;
	s->never_billed = s->never_billed && !text_is(kind, "bill");
	if (text_is(kind, "grant") || text_is(kind, "bill"))
		return;
	if (!s->has_last)
		s->in_order = ORDER_UNKNOWN;
	else if (s->in_order == IN_ORDER &&
		 (p->at.us < s->last_usage.us || p->at.us < s->last_by_hand.us ||
		  text_is(kind, "void")))
		s->in_order = OUT_OF_ORDER;
	if (s->has_last && p->at.us > last->us)
		*last = p->at;
}

static const struct sql sql_drawn_of = {
	.text = "SELECT coalesce(-sum(e.amount),0) FROM ledger_entry e JOIN ledger_txn t "
		"ON t.id=e.txn WHERE e.grant_id=:grant AND t.kind IN ('draw','repay','refund')",
};

static struct text key_of(const int64_t *grant)
{
	return (struct text){ (const char *)grant, sizeof *grant };
}

int ledger_drawn_of(struct ledger *l, struct state *s, int64_t grant, int64_t *out, struct err *e)
{
	const uint64_t *known = dict_find(&s->drawn, key_of(&grant));
	struct query *q;
	int rc = known ? 0 : db_statement(l->db, &sql_drawn_of, &q, e);
	*out = known ? (int64_t)*known : 0;
	if (rc != 0 || known)
		return rc;
	db_bind_int(q, ":grant", grant);
	rc = db_step(l->db, q, e);
	*out = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	if (rc >= 0)
		*dict_need(&s->drawn, key_of(&grant), NULL) = (uint64_t)*out;
	return rc < 0 ? rc : 0;
}

/* What draws of these grants come to now, and which of them were the latest. */
static void note_drawn(const struct ledger *l, const struct posting *p)
{
	const struct text kind = text_of(p->kind);
	if (!text_is(kind, "draw") && !text_is(kind, "repay") && !text_is(kind, "refund"))
		return;
	for (size_t i = 0; i < l->entries; i++) {
		const int64_t grant = l->entry[i].grant;
		uint64_t *known = grant ? dict_find(&p->state->drawn, key_of(&grant)) : NULL;
		struct uses *u = &p->state->uses;
		if (grant && (u->whole || u->from_txn))
			uses_note(u, grant, l->entry[i].nano);
		if (known)
			*known -= (uint64_t)l->entry[i].nano;
	}
}

/* Writes the entries that were entered as one transaction. */
int ledger_post(struct ledger *l, const struct posting *p, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = 0;
	if (!l->next_txn) {
		rc = db_statement(l->db, &sql_next_txn, &q, e);
		if (rc == 0 && (rc = db_step(l->db, q, e)) == 1) {
			l->next_txn = db_int(q, 0) + 1;
			rc = 0;
		}
		if (rc != 0)
			return rc;
		db_reset(q);
	}
	const int64_t txn = l->next_txn;
	rc = write_entries(l, txn, e);
	if (rc == 0)
		rc = db_statement(l->db, &sql_add_txn, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", txn);
	db_bind_int(q, ":account", p->state->account.id);
	db_bind_int(q, ":at", p->at.us);
	db_bind_int(q, ":booked", p->booked.us);
	db_bind_text(q, ":kind", text_of(p->kind));
	if (p->usage_from) {
		db_bind_int(q, ":from", p->usage_from);
		db_bind_int(q, ":to", p->usage_to);
	} else {
		db_bind_null(q, ":from");
		db_bind_null(q, ":to");
	}
	if (p->key.n)
		db_bind_text(q, ":key", p->key);
	else
		db_bind_null(q, ":key");
	db_bind_text(q, ":note", p->note);
	rc = db_done(l->db, q, e);
	if (rc != 0)
		return rc;
	struct buf b = { 0 };
	put_txn_text(&b, txn,
		     &(struct ledger_txn){ .account = p->state->account.id,
					   .at = p->at,
					   .booked = p->booked,
					   .kind = text_of(p->kind),
					   .usage_from = p->usage_from,
					   .usage_to = p->usage_from ? p->usage_to : 0,
					   .key = p->key,
					   .note = p->note });
	for (size_t i = 0; i < l->entries; i++)
		put_entry_text(&b, text_of(l->entry[i].pot), l->entry[i].grant, l->entry[i].nano);
	rc = journal_add(&l->journal, "txn", txn, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	l->next_txn++;
	l->booked = true;
	note_order(p);
	note_drawn(l, p);
	foresight_note(l, p);
	if (id)
		*id = txn;
	return rc;
}

static const struct sql sql_txn_by_key = {
	.text = "SELECT id,kind FROM ledger_txn WHERE account=:account AND key=:key",
};

int ledger_known_txn(struct ledger *l, int64_t account, struct text key, const char *kind,
		     int64_t *txn, struct err *e)
{
	struct query *q;
	*txn = 0;
	if (key.n == 0)
		return 0;
	int rc = db_statement(l->db, &sql_txn_by_key, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_text(q, ":key", key);
	rc = db_step(l->db, q, e);
	*txn = rc == 1 ? db_int(q, 0) : 0;
	if (rc == 1 && !text_is(db_text(q, 1), kind))
		rc = err_set(e, ERR_CONFLICT, "the id '%.*s' is that of a %.*s, not of a %s",
			     (int)key.n, key.p, (int)db_text(q, 1).n, db_text(q, 1).p, kind);
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_use_lots(struct ledger *l, struct state *s, const struct lot_demand *want,
		    struct credits_total *rest, struct err *e)
{
	if (s->lots >= l->use_room) {
		l->use_room = s->lots + 64;
		l->use = mem_grow(l->use, l->use_room * sizeof *l->use);
	}
	struct lots_taken taken = { .use = l->use };
	int rc = lots_take(s->lot, s->lots, want, &taken, e);
	if (rc != 0)
		return rc;
	*rest = taken.rest;
	l->entries = 0;
	for (size_t i = 0; rc == 0 && i < taken.uses; i++) {
		const struct lot *lot = &s->lot[l->use[i].lot];
		ledger_put_entry(l, "grant", lot->number, -ledger_nano_of(l->use[i].amount));
		rc = ledger_write_lot(l, lot->number, ledger_nano_of(lot->left), e);
	}
	return rc;
}

static const struct sql sql_add_taken = {
	.text = "INSERT INTO credit_taken VALUES(:account,:day,:nano) ON CONFLICT(account,day) "
		"DO UPDATE SET nano=credit_taken.nano+excluded.nano",
};

/* By days, what use took from grants, and what it owes to be carried: later grants repay a debt, so
 * no invoice asks for it. */
int ledger_add_taken(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		     struct err *e)
{
	struct query *q;
	int rc = nano ? ledger_need_zone(s, e) : 0;
	if (rc == 0 && nano)
		rc = db_statement(l->db, &sql_add_taken, &q, e);
	if (rc != 0 || nano == 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":day", zone_day(s->zone, at));
	db_bind_int(q, ":nano", nano);
	return db_done(l->db, q, e);
}
