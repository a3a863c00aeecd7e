#include "meter/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "base/zone.h"
#include "meter/store/store_sql.h"

enum { ENTRIES_MOST = 1 << 20 };

static const int128 atto_per_nano = 1000000000;

/* An account and its open lots, as they stand inside the transaction. */
struct state {
	struct account account;
	struct burn_order order;
	int64_t rest; /* in 1e-18, below a billionth */
	struct lot *lot;
	size_t lots, room;
	bool has_lots, sorted;
	struct zone *zone;
};

struct entry {
	const char *pot;
	int64_t grant; /* 0: none */
	int64_t nano;
};

struct ledger {
	struct store *store;
	struct db *db;
	struct journal journal;
	struct arena arena;
	struct dict by_customer, by_id; /* 1 + place of the state */
	struct state **state;
	size_t states;
	int64_t next_txn; /* 0: not known */
	int64_t data_version;
	struct entry *entry; /* of the transaction at work */
	size_t entries, entry_room;
	struct lot_use *use;
	size_t use_room;
};

/* --- amounts --- */

int nano_credits_from_decimal(struct nano_credits *out, struct decimal d, struct err *e)
{
	char text[DECIMAL_TEXT_MAX];
	return decimal_to_int64(d, 9, &out->nano)
		       ? 0
		       : err_set(e, ERR_RANGE,
				 "%s credits: the ledger keeps nine decimals and up to "
				 "9,223,372,036 credits",
				 decimal_format(d, text));
}

char *nano_credits_format(struct nano_credits n, char buf[DECIMAL_TEXT_MAX])
{
	decimal_format_fixed(buf, n.nano, 9);
	return buf;
}

struct credits_total credits_of_nano(struct nano_credits n)
{
	return (struct credits_total){ (int128)n.nano * atto_per_nano };
}

static int64_t nano_of(struct credits_total c)
{
	return (int64_t)(c.atto / atto_per_nano);
}

static const char *const overage_names[] = { "refuse", "limit", "debt" };

const char *overage_name(enum overage_policy p)
{
	return overage_names[p];
}

static const char *class_name(enum lot_class c)
{
	return c == LOT_PAID ? "paid" : "granted";
}

static enum lot_class class_of(struct text name)
{
	return text_is(name, "paid") ? LOT_PAID : LOT_GRANTED;
}

/* --- handle and memory --- */

int ledger_open(struct ledger **out, struct store *s, struct err *e)
{
	(void)e;
	struct ledger *l = mem_zalloc(sizeof *l);
	l->store = s;
	l->db = store_db(s);
	l->journal.store = s;
	*out = l;
	return 0;
}

void ledger_reload(struct ledger *l)
{
	for (size_t i = 0; i < l->states; i++) {
		free(l->state[i]->lot);
		zone_close(l->state[i]->zone);
		free(l->state[i]);
	}
	l->states = 0;
	dict_clear(&l->by_customer);
	dict_clear(&l->by_id);
	arena_reset(&l->arena);
	l->next_txn = 0;
	journal_forget(&l->journal, false);
}

void ledger_forget(struct ledger *l)
{
	ledger_reload(l);
	journal_forget(&l->journal, true);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	ledger_forget(l);
	free(l->state);
	dict_release(&l->by_customer);
	dict_release(&l->by_id);
	arena_release(&l->arena);
	free(l->entry);
	free(l->use);
	free(l);
}

struct store *ledger_store(struct ledger *l)
{
	return l->store;
}

int ledger_begin(struct ledger *l, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, STORE_DATA_VERSION, &q, e);
	if (rc != 0)
		return rc;
	rc = db_step(l->db, q, e);
	if (rc == 1 && db_int(q, 0) != l->data_version) {
		ledger_reload(l);
		l->data_version = db_int(q, 0);
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_end(struct ledger *l, struct err *e)
{
	return journal_finish(&l->journal, e);
}

bool ledger_moved(const struct ledger *l)
{
	return l->journal.dirty;
}

static struct text keep(struct ledger *l, struct text t)
{
	return (struct text){ arena_text(&l->arena, t.n ? t.p : "", t.n), t.n };
}

/* --- accounts --- */

static int read_account(struct ledger *l, struct query *q, struct state *s, struct err *e)
{
	struct account *a = &s->account;
	*s = (struct state){ .account = { .id = db_int(q, 0),
					  .customer = keep(l, db_text(q, 1)),
					  .plan = keep(l, db_text(q, 2)),
					  .plan_text = keep(l, db_text(q, 3)),
					  .byo = db_int(q, 4) != 0,
					  .overage_limit = { db_int(q, 6) },
					  .burn_order = keep(l, db_text(q, 7)),
					  .zone = keep(l, db_text(q, 8)),
					  .anchor_day = (int)db_int(q, 9),
					  .has_low_balance = !db_is_null(q, 10),
					  .terms = keep(l, db_text(q, 11)),
					  .since = { db_int(q, 12) },
					  .opened = { db_int(q, 13) },
					  .drawn_to = db_int(q, 14),
					  .owed = { db_int(q, 16) } },
			     .rest = db_int(q, 15) };
	if (a->has_low_balance)
		a->low_balance.nano = db_int(q, 10);
	struct text overage = db_text(q, 5);
	a->overage = text_is(overage, "debt")	 ? OVERAGE_DEBT
		     : text_is(overage, "limit") ? OVERAGE_LIMIT
						 : OVERAGE_REFUSE;
	return burn_order_parse(&s->order, a->burn_order.p, e);
}

static int find_state(struct ledger *l, struct text customer, struct state **out, struct err *e)
{
	struct query *q;
	uint64_t *at = dict_find(&l->by_customer, customer);
	*out = NULL;
	if (at) {
		*out = *at ? l->state[*at - 1] : NULL;
		return 0;
	}
	int rc = db_statement(l->db, LEDGER_ACCOUNT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	rc = db_step(l->db, q, e);
	at = dict_need(&l->by_customer, customer, NULL);
	*at = 0; /* remembered too: there is none */
	if (rc == 1) {
		struct state *s = mem_zalloc(sizeof *s);
		rc = read_account(l, q, s, e);
		if (rc != 0) {
			free(s);
		} else {
			l->state = mem_grow(l->state, (l->states + 1) * sizeof *l->state);
			const int64_t id = s->account.id;
			l->state[l->states] = *out = s;
			*at = ++l->states;
			*dict_need(&l->by_id, (struct text){ (const char *)&id, sizeof id }, NULL) =
				l->states;
		}
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static int state_of(struct ledger *l, int64_t account, struct state **out, struct err *e)
{
	struct query *q;
	uint64_t *at =
		dict_find(&l->by_id, (struct text){ (const char *)&account, sizeof account });
	if (at) {
		*out = l->state[*at - 1];
		return 0;
	}
	int rc = db_statement(l->db, LEDGER_ACCOUNT_AT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":id", account);
	rc = db_step(l->db, q, e);
	if (rc != 1)
		return rc < 0 ? rc : err_set(e, ERR_NOT_FOUND, "there is no such account");
	struct text customer = keep(l, db_text(q, 1));
	db_reset(q);
	return find_state(l, customer, out, e);
}

int ledger_find_account(struct ledger *l, struct text customer, const struct account **out,
			struct err *e)
{
	struct state *s;
	int rc = find_state(l, customer, &s, e);
	*out = rc == 0 && s ? &s->account : NULL;
	return rc;
}

int ledger_account(struct ledger *l, struct text customer, const struct account **out,
		   struct err *e)
{
	int rc = ledger_find_account(l, customer, out, e);
	if (rc == 0 && !*out)
		return err_set(e, ERR_NOT_FOUND,
			       "'%.*s' has no credit account; open one with `tally credit account "
			       "%.*s --plan PLAN`",
			       (int)customer.n, customer.p, (int)customer.n, customer.p);
	return rc;
}

int ledger_each_account(struct ledger *l, int (*take)(void *user, const struct account *a),
			void *user, struct err *e)
{
	struct query *q;
	struct state s;
	int rc = db_statement(l->db, LEDGER_ACCOUNTS, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(l->db, q, e)) == 1) {
		rc = read_account(l, q, &s, e);
		if (rc == 0)
			rc = take(user, &s.account);
		if (rc != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static void bind_account(struct query *q, const struct account *a)
{
	db_bind_text(q, ":plan", a->plan);
	db_bind_text(q, ":plan_text", a->plan_text);
	db_bind_int(q, ":byo", a->byo);
	db_bind_text(q, ":overage", text_of(overage_name(a->overage)));
	db_bind_int(q, ":overage_limit", a->overage_limit.nano);
	db_bind_text(q, ":burn_order", a->burn_order);
	db_bind_text(q, ":zone", a->zone);
	db_bind_int(q, ":anchor_day", a->anchor_day);
	if (a->has_low_balance)
		db_bind_int(q, ":low_balance", a->low_balance.nano);
	else
		db_bind_null(q, ":low_balance");
	db_bind_text(q, ":terms", a->terms);
}

/* Sums by the account's own days stand for its zone. */
static int check_zone(struct ledger *l, const struct account *a, struct err *e)
{
	const struct account *known;
	struct query *q;
	int rc = ledger_find_account(l, a->customer, &known, e);
	if (rc != 0 || !known || text_eq(known->zone, a->zone))
		return rc;
	rc = db_statement(l->db, LEDGER_DAYS_KEPT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	rc = db_step(l->db, q, e);
	if (rc == 1 && db_int(q, 0))
		rc = err_set(e, ERR_CONFLICT,
			     "the time zone of '%.*s' cannot change any more: its usage has been "
			     "summed by the days of %.*s",
			     (int)a->customer.n, a->customer.p, (int)known->zone.n, known->zone.p);
	db_reset(q);
	return rc == 1 ? 0 : rc;
}

int ledger_set_account(struct ledger *l, const struct account *a, struct err *e)
{
	struct query *q;
	int checked = a->id ? check_zone(l, a, e) : 0;
	if (checked != 0)
		return checked;
	int rc = db_statement(l->db, a->id ? LEDGER_SET_ACCOUNT : LEDGER_ADD_ACCOUNT, &q, e);
	if (rc != 0)
		return rc;
	bind_account(q, a);
	if (a->id) {
		db_bind_int(q, ":id", a->id);
	} else {
		db_bind_text(q, ":customer", a->customer);
		db_bind_int(q, ":since", a->since.us);
		db_bind_int(q, ":opened", a->opened.us);
	}
	int64_t id = 0;
	rc = a->id ? db_done(l->db, q, e) : db_returned(l->db, q, &id, e);
	if (rc == 0 && !a->id) {
		rc = db_statement(l->db, LEDGER_ADD_STATE, &q, e);
		if (rc == 0) {
			db_bind_int(q, ":account", id);
			db_bind_int(q, ":drawn_to", a->drawn_to);
			rc = db_done(l->db, q, e);
		}
	}
	ledger_reload(l);
	return rc;
}

static int write_state(struct ledger *l, const struct state *s, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_SET_STATE, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":drawn_to", s->account.drawn_to);
	db_bind_int(q, ":rest", s->rest);
	db_bind_int(q, ":owed", s->account.owed.nano);
	return db_done(l->db, q, e);
}

int ledger_set_drawn_to(struct ledger *l, int64_t account, int64_t seq, struct err *e)
{
	struct state *s;
	int rc = state_of(l, account, &s, e);
	if (rc != 0)
		return rc;
	s->account.drawn_to = seq;
	return write_state(l, s, e);
}

int ledger_add_uncovered(struct ledger *l, int64_t account, int64_t seq, const char *why,
			 struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_ADD_UNCOVERED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	db_bind_int(q, ":account", account);
	db_bind_text(q, ":reason", text_of(why));
	return db_done(l->db, q, e);
}

int ledger_uncovered(struct ledger *l, int64_t account, int64_t *count, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_UNCOVERED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	rc = db_step(l->db, q, e);
	*count = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* --- lots --- */

static struct lot *add_lot(struct state *s)
{
	if (s->lots == s->room) {
		s->room = s->room ? s->room * 2 : 8;
		s->lot = mem_grow(s->lot, s->room * sizeof *s->lot);
	}
	s->sorted = false;
	s->lot[s->lots] = (struct lot){ .cap = { -1 } };
	return &s->lot[s->lots++];
}

static int need_lots(struct ledger *l, struct state *s, struct err *e)
{
	struct query *q;
	int rc = 0;
	if (!s->has_lots) {
		rc = db_statement(l->db, LEDGER_LOTS, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":account", s->account.id);
		s->lots = 0;
		while ((rc = db_step(l->db, q, e)) == 1) {
			struct lot *lot = add_lot(s);
			lot->number = db_int(q, 0);
			lot->id = keep(l, db_text(q, 1));
			lot->amount = credits_of_nano((struct nano_credits){ db_int(q, 2) });
			lot->left = credits_of_nano((struct nano_credits){ db_int(q, 3) });
			lot->kind = class_of(db_text(q, 4));
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

static int write_lot(struct ledger *l, int64_t grant, int64_t left, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_SET_LOT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", grant);
	db_bind_int(q, ":left", left);
	return db_done(l->db, q, e);
}

/* Lots that are used up leave the memory; the order of the others stays. */
static void drop_empty(struct state *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->lots; i++)
		if (s->lot[i].left.atto > 0)
			s->lot[kept++] = s->lot[i];
	s->lots = kept;
}

/* --- transactions --- */

static void enter(struct ledger *l, const char *pot, int64_t grant, int64_t nano)
{
	if (nano == 0)
		return;
	if (l->entries == l->entry_room) {
		l->entry_room = l->entry_room ? l->entry_room * 2 : 64;
		l->entry = mem_grow(l->entry, l->entry_room * sizeof *l->entry);
	}
	l->entry[l->entries++] = (struct entry){ pot, grant, nano };
}

static void put_txn_text(struct buf *b, int64_t id, int64_t account, int64_t at, int64_t booked,
			 struct text kind, int64_t from, int64_t to, struct text key,
			 struct text note)
{
	buf_printf(b, "%lld %lld %lld %lld %.*s %lld %lld %zu:", (long long)id, (long long)account,
		   (long long)at, (long long)booked, (int)kind.n, kind.p, (long long)from,
		   (long long)to, key.n);
	buf_add(b, key.p, key.n);
	buf_printf(b, " %zu:", note.n);
	buf_add(b, note.p, note.n);
	buf_puts(b, "\n");
}

static void put_entry_text(struct buf *b, struct text pot, int64_t grant, int64_t nano)
{
	buf_printf(b, "%.*s %lld %lld\n", (int)pot.n, pot.p, (long long)grant, (long long)nano);
}

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
		put_txn_text(out, db_int(q, 0), db_int(q, 1), db_int(q, 2), db_int(q, 3),
			     db_text(q, 4), db_int(q, 5), db_int(q, 6), db_text(q, 7),
			     db_text(q, 8));
	}
	db_drop(q);
	if (rc != 1)
		return rc;
	rc = db_statement(db, LEDGER_ENTRIES, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":txn", txn);
	while ((rc = db_step(db, q, e)) == 1)
		put_entry_text(out, db_text(q, 1), db_is_null(q, 2) ? 0 : db_int(q, 2),
			       db_int(q, 3));
	db_reset(q);
	return rc;
}

struct posting {
	const struct state *state;
	const char *kind;
	struct instant at, booked;
	int64_t usage_from, usage_to;
	struct text key, note;
};

static int write_entries(struct ledger *l, int64_t txn, struct err *e)
{
	struct query *q;
	int128 sum = 0;
	for (size_t i = 0; i < l->entries; i++) {
		const struct entry *en = &l->entry[i];
		int rc = db_statement(l->db, LEDGER_ADD_ENTRY, &q, e);
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

/* Writes the entries that were entered as one transaction. */
static int post(struct ledger *l, const struct posting *p, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = 0;
	if (!l->next_txn) {
		rc = db_statement(l->db, LEDGER_NEXT_TXN, &q, e);
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
		rc = db_statement(l->db, LEDGER_ADD_TXN, &q, e);
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
	put_txn_text(&b, txn, p->state->account.id, p->at.us, p->booked.us, text_of(p->kind),
		     p->usage_from, p->usage_from ? p->usage_to : 0, p->key, p->note);
	for (size_t i = 0; i < l->entries; i++)
		put_entry_text(&b, text_of(l->entry[i].pot), l->entry[i].grant, l->entry[i].nano);
	rc = journal_add(&l->journal, "txn", txn, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	l->next_txn++;
	if (id)
		*id = txn;
	return rc;
}

static int known_txn(struct ledger *l, struct text key, int64_t *txn, struct err *e)
{
	struct query *q;
	*txn = 0;
	if (key.n == 0)
		return 0;
	int rc = db_statement(l->db, LEDGER_TXN_BY_KEY, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":key", key);
	rc = db_step(l->db, q, e);
	*txn = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* --- grants --- */

static void read_grant(struct query *q, struct grant *g)
{
	*g = (struct grant){ .id = db_int(q, 0),
			     .account = db_int(q, 1),
			     .name = db_text(q, 2),
			     .amount = { db_int(q, 3) },
			     .kind = class_of(db_text(q, 4)),
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
}

int ledger_find_grant(struct ledger *l, int64_t account, struct text name, struct grant *out,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_GRANT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_text(q, ":name", name);
	rc = db_step(l->db, q, e);
	if (rc == 1) {
		read_grant(q, out);
		out->name = keep(l, out->name);
		out->currency = keep(l, out->currency);
		out->note = keep(l, out->note);
	}
	db_reset(q);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no grant '%.*s'", (int)name.n, name.p);
	return rc < 0 ? rc : 0;
}

int ledger_each_grant(struct ledger *l, int64_t account,
		      int (*take)(void *user, const struct grant *g), void *user, struct err *e)
{
	struct query *q;
	struct grant g;
	int rc = db_statement(l->db, LEDGER_GRANTS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	while ((rc = db_step(l->db, q, e)) == 1) {
		read_grant(q, &g);
		if ((rc = take(user, &g)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static bool same_grant(const struct grant *a, const struct grant *b)
{
	return a->amount.nano == b->amount.nano && a->kind == b->kind &&
	       a->priority == b->priority && a->expires.us == b->expires.us &&
	       a->has_cost_basis == b->has_cost_basis && a->cost_basis.pico == b->cost_basis.pico;
}

static int insert_grant(struct ledger *l, const struct grant *g, int64_t *id, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_ADD_GRANT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", g->account);
	db_bind_text(q, ":name", g->name);
	db_bind_int(q, ":amount", g->amount.nano);
	db_bind_text(q, ":class", text_of(class_name(g->kind)));
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
	rc = db_returned(l->db, q, id, e);
	if (rc != 0)
		return rc;
	rc = db_statement(l->db, LEDGER_ADD_LOT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", *id);
	db_bind_int(q, ":account", g->account);
	db_bind_int(q, ":left", g->amount.nano);
	return db_done(l->db, q, e);
}

static int repay(struct ledger *l, struct state *s, struct instant at, struct instant now,
		 struct err *e);

int ledger_grant(struct ledger *l, const struct grant *g, struct instant now, int64_t *id,
		 struct err *e)
{
	struct state *s;
	struct grant known;
	struct err none = { 0 };
	int rc = state_of(l, g->account, &s, e);
	if (rc == 0 && g->amount.nano <= 0)
		rc = err_set(e, ERR_INVALID, "a grant is of more than 0 credits");
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
	rc = need_lots(l, s, e);
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
	struct lot *lot = add_lot(s);
	*lot = (struct lot){ .id = keep(l, g->name),
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
	enter(l, "grant", *id, g->amount.nano);
	enter(l, "source", 0, -g->amount.nano);
	rc = post(l,
		  &(struct posting){ .state = s,
				     .kind = "grant",
				     .at = g->effective,
				     .booked = now,
				     .note = g->note },
		  NULL, e);
	if (rc == 0 && g->effective.us <= now.us)
		rc = repay(l, s, g->effective, now, e);
	return rc;
}

/* `nano` of a lot has expired; negative: has not, after all. */
static int set_lapsed(struct ledger *l, int64_t grant, int64_t nano, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_SET_LAPSED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", grant);
	db_bind_int(q, ":nano", nano);
	return db_done(l->db, q, e);
}

/* Moves `nano` of a lot to another pot. */
static int take_from_lot(struct ledger *l, struct state *s, struct lot *lot, int64_t nano,
			 const char *kind, const char *pot, struct instant at, struct instant now,
			 struct text note, struct err *e)
{
	const int64_t grant = lot->number;
	lot->left.atto -= (int128)nano * atto_per_nano;
	l->entries = 0;
	enter(l, "grant", grant, -nano);
	enter(l, pot, 0, nano);
	int rc = text_is(text_of(pot), "expired") ? set_lapsed(l, grant, nano, e)
						  : write_lot(l, grant, nano_of(lot->left), e);
	if (rc == 0)
		rc = post(l,
			  &(struct posting){
				  .state = s, .kind = kind, .at = at, .booked = now, .note = note },
			  NULL, e);
	return rc;
}

int ledger_void_grant(struct ledger *l, struct text customer, struct text name, struct instant now,
		      const char *why, struct err *e)
{
	const struct account *a;
	struct state *s = NULL;
	struct grant g = { 0 };
	int rc = ledger_account(l, customer, &a, e);
	if (rc == 0)
		rc = ledger_find_grant(l, a->id, name, &g, e);
	if (rc == 0)
		rc = state_of(l, a->id, &s, e);
	if (rc == 0)
		rc = need_lots(l, s, e);
	if (rc == 0 && g.left.nano == 0)
		rc = err_set(e, ERR_INVALID, "nothing is left of the grant '%.*s'", (int)name.n,
			     name.p);
	for (size_t i = 0; rc == 0 && i < s->lots; i++)
		if (s->lot[i].number == g.id)
			rc = take_from_lot(l, s, &s->lot[i], g.left.nano, "void", "source", now,
					   now, text_of(why), e);
	if (rc == 0)
		drop_empty(s);
	return rc;
}

int ledger_expire(struct ledger *l, int64_t account, struct instant now, struct err *e)
{
	struct state *s;
	int rc = state_of(l, account, &s, e);
	if (rc == 0)
		rc = need_lots(l, s, e);
	for (size_t i = 0; rc == 0 && i < s->lots; i++)
		if (s->lot[i].expires.us <= now.us)
			rc = take_from_lot(l, s, &s->lot[i], nano_of(s->lot[i].left), "expire",
					   "expired", s->lot[i].expires, now, TEXT(""), e);
	if (rc == 0)
		drop_empty(s);
	return rc;
}

/*
 * Grants that counted at `at` and have expired since give what has expired of them back, so that
 * usage that comes late is paid as if it had come in time. What it leaves expires again with the
 * next ledger_expire.
 */
static int reopen_lapsed(struct ledger *l, struct state *s, struct instant at, struct instant now,
			 struct err *e)
{
	for (;;) {
		struct query *q;
		int rc = db_statement(l->db, LEDGER_LAPSED, &q, e);
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
		const int64_t grant = db_int(q, 0), nano = db_int(q, 1);
		const struct instant expires = { db_int(q, 2) };
		db_reset(q);
		l->entries = 0;
		enter(l, "grant", grant, nano);
		enter(l, "expired", 0, -nano);
		rc = set_lapsed(l, grant, -nano, e);
		if (rc == 0)
			rc = post(l,
				  &(struct posting){ .state = s,
						     .kind = "expire",
						     .at = expires,
						     .booked = now,
						     .note = TEXT("usage came late") },
				  NULL, e);
		if (rc != 0)
			return rc;
		s->has_lots = false;
		s->lots = 0;
	}
}

/* --- draws --- */

/* By days, what use took from grants. */
static int add_taken(struct ledger *l, struct state *s, struct instant at, int64_t nano,
		     struct err *e)
{
	struct query *q;
	int rc = s->zone || nano == 0 ? 0 : zone_open(&s->zone, s->account.zone.p, e);
	if (rc == 0 && nano)
		rc = db_statement(l->db, LEDGER_ADD_TAKEN, &q, e);
	if (rc != 0 || nano == 0)
		return rc;
	db_bind_int(q, ":account", s->account.id);
	db_bind_int(q, ":day",
		    floor_div(at.us + zone_offset(s->zone, at, NULL) * US_PER_SECOND, US_PER_DAY));
	db_bind_int(q, ":nano", nano);
	return db_done(l->db, q, e);
}

int ledger_taken(struct ledger *l, int64_t account, int64_t to_day, struct nano_credits *out,
		 struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_TAKEN, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":to", to_day);
	rc = db_step(l->db, q, e);
	out->nano = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* Overage that earlier use left is paid by what is there now. */
static int repay(struct ledger *l, struct state *s, struct instant at, struct instant now,
		 struct err *e)
{
	struct credits_total rest, want = credits_of_nano(s->account.owed);
	size_t uses;
	if (s->account.overage != OVERAGE_DEBT || s->account.owed.nano == 0)
		return 0;
	int rc = need_lots(l, s, e);
	if (rc != 0)
		return rc;
	if (s->lots >= l->use_room) {
		l->use_room = s->lots + 64;
		l->use = mem_grow(l->use, l->use_room * sizeof *l->use);
	}
	rc = lots_take(s->lot, s->lots, at, want, SHORT_PARTIAL, l->use, &uses, &rest, e);
	int64_t paid = nano_of(want) - nano_of(rest);
	if (rc != 0 || paid == 0)
		return rc;
	l->entries = 0;
	for (size_t i = 0; rc == 0 && i < uses; i++) {
		const struct lot *lot = &s->lot[l->use[i].lot];
		enter(l, "grant", lot->number, -nano_of(l->use[i].amount));
		rc = write_lot(l, lot->number, nano_of(lot->left), e);
	}
	enter(l, "overage", 0, paid);
	s->account.owed.nano -= paid;
	if (rc == 0)
		rc = post(l,
			  &(struct posting){ .state = s, .kind = "repay", .at = at, .booked = now },
			  NULL, e);
	if (rc == 0)
		rc = add_taken(l, s, at, paid, e);
	if (rc == 0)
		rc = write_state(l, s, e);
	drop_empty(s);
	return rc;
}

static int add_used(void *user, const struct ledger_entry *en)
{
	if (text_is(en->pot, "used"))
		((struct nano_credits *)user)->nano += en->amount.nano;
	return 0;
}

/* The key was drawn under before: is this the same draw? */
static int same_draw(struct ledger *l, struct nano_credits amount, const struct draw *d,
		     struct drawn *out, struct err *e)
{
	struct nano_credits taken = { 0 };
	char text[2][DECIMAL_TEXT_MAX];
	int rc = ledger_each_entry(l, out->txn, add_used, &taken, e);
	out->known = true;
	out->from_lots = taken;
	if (rc != 0 || (d->no_overage ? amount.nano >= taken.nano : amount.nano == taken.nano))
		return rc;
	return err_set(e, ERR_CONFLICT, "the draw '%.*s' exists with another amount (%s, not %s)",
		       (int)d->key.n, d->key.p, nano_credits_format(taken, text[0]),
		       nano_credits_format(amount, text[1]));
}

int ledger_draw(struct ledger *l, int64_t account, struct nano_credits amount, const struct draw *d,
		struct instant now, struct drawn *out, struct err *e)
{
	struct state *s;
	struct credits_total rest;
	size_t uses;
	*out = (struct drawn){ 0 };
	int rc = known_txn(l, d->key, &out->txn, e);
	if (rc == 0 && out->txn)
		return same_draw(l, amount, d, out, e);
	if (rc == 0)
		rc = state_of(l, account, &s, e);
	if (rc == 0)
		rc = need_lots(l, s, e);
	if (rc != 0 || amount.nano == 0)
		return rc;
	if (s->lots >= l->use_room) {
		l->use_room = s->lots + 64;
		l->use = mem_grow(l->use, l->use_room * sizeof *l->use);
	}
	rc = lots_take(s->lot, s->lots, d->at, credits_of_nano(amount), d->policy, l->use, &uses,
		       &rest, e);
	if (rc != 0)
		return rc;
	l->entries = 0;
	for (size_t i = 0; rc == 0 && i < uses; i++) {
		const struct lot *lot = &s->lot[l->use[i].lot];
		enter(l, "grant", lot->number, -nano_of(l->use[i].amount));
		rc = write_lot(l, lot->number, nano_of(lot->left), e);
	}
	if (d->no_overage) {
		out->rest.nano = nano_of(rest);
		amount.nano -= out->rest.nano;
		if (amount.nano == 0)
			return rc;
	} else {
		out->overage.nano = nano_of(rest);
	}
	out->from_lots.nano = amount.nano - out->overage.nano;
	enter(l, "overage", 0, -out->overage.nano);
	enter(l, "used", 0, amount.nano);
	if (rc == 0)
		rc = post(l,
			  &(struct posting){ s, "draw", d->at, now, d->usage_from, d->usage_to,
					     d->key, d->note },
			  &out->txn, e);
	if (rc == 0)
		rc = add_taken(l, s, d->at, out->from_lots.nano, e);
	if (rc == 0 && out->overage.nano) {
		s->account.owed.nano += out->overage.nano;
		rc = write_state(l, s, e);
	}
	drop_empty(s);
	return rc;
}

/* A lot that gets something back; one that was used up comes back into memory. */
static int give_to_lot(struct ledger *l, struct state *s, int64_t grant, int64_t nano,
		       struct err *e)
{
	for (size_t i = 0; i < s->lots; i++)
		if (s->lot[i].number == grant) {
			s->lot[i].left.atto += (int128)nano * atto_per_nano;
			return write_lot(l, grant, nano_of(s->lot[i].left), e);
		}
	int rc = write_lot(l, grant, nano, e);
	s->has_lots = false;
	s->lots = 0;
	return rc == 0 ? need_lots(l, s, e) : rc;
}

/* Enters what the last draws took from lots, newest first, up to `want`. */
static int list_uses(struct ledger *l, int64_t account, int64_t want, struct err *e)
{
	struct query *q;
	int64_t skip = 0;
	int rc = db_statement(l->db, LEDGER_USES, &q, e), more = 0;
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	while (want > 0 && (more = db_step(l->db, q, e)) == 1) {
		const int64_t amount = db_int(q, 2), grant = db_int(q, 1);
		if (amount > 0) { /* given back already */
			skip += amount;
			continue;
		}
		int64_t used = -amount, passed = skip < used ? skip : used;
		skip -= passed;
		used -= passed;
		used = used < want ? used : want;
		enter(l, "grant", grant, used);
		want -= used;
	}
	db_reset(q);
	return more < 0 ? more : 0;
}

static int billed_so_far(struct ledger *l, int64_t account, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_BILLED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	rc = db_step(l->db, q, e);
	*out = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int ledger_refund(struct ledger *l, int64_t account, struct nano_credits amount,
		  const struct draw *d, struct instant now, int64_t *txn, struct err *e)
{
	struct state *s;
	int64_t given = 0, known, billed = 0;
	int rc = known_txn(l, d->key, &known, e);
	if (txn)
		*txn = known;
	if (rc != 0 || known)
		return rc;
	rc = state_of(l, account, &s, e);
	if (rc == 0)
		rc = need_lots(l, s, e);
	if (rc == 0 && amount.nano < 0)
		rc = err_set(e, ERR_INVALID, "a refund is not negative");
	if (rc != 0 || amount.nano == 0)
		return rc;
	int64_t owed = s->account.owed.nano < amount.nano ? s->account.owed.nano : amount.nano;
	l->entries = 0;
	rc = list_uses(l, account, amount.nano - owed, e);
	const size_t lots = l->entries;
	for (size_t i = 0; i < lots; i++)
		given += l->entry[i].nano;
	/* what an invoice has asked for is given back by the next one's adjustment */
	if (rc == 0 && given + owed < amount.nano)
		rc = billed_so_far(l, account, &billed, e);
	if (rc == 0 && given + owed + billed < amount.nano)
		rc = err_set(e, ERR_INVALID, "more is to be given back than was drawn");
	for (size_t i = 0; rc == 0 && i < lots; i++)
		rc = give_to_lot(l, s, l->entry[i].grant, l->entry[i].nano, e);
	if (rc != 0)
		return rc;
	enter(l, "overage", 0, owed);
	enter(l, "billed", 0, amount.nano - given - owed);
	enter(l, "used", 0, -amount.nano);
	rc = post(l,
		  &(struct posting){ s, "refund", d->at, now, d->usage_from, d->usage_to, d->key,
				     d->note },
		  txn, e);
	s->account.owed.nano -= owed;
	if (rc == 0)
		rc = add_taken(l, s, d->at, -given, e);
	return rc == 0 && owed ? write_state(l, s, e) : rc;
}

int ledger_draw_exact(struct ledger *l, int64_t account, struct credits_total amount,
		      const struct draw *d, struct instant now, struct drawn *out, struct err *e)
{
	struct state *s;
	int rc = state_of(l, account, &s, e);
	*out = (struct drawn){ 0 };
	if (rc != 0)
		return rc;
	int128 sum = s->rest + amount.atto, nano = sum / atto_per_nano;
	if (sum % atto_per_nano < 0)
		nano--;
	if (nano > INT64_MAX / 4 || nano < INT64_MIN / 4)
		return err_set(e, ERR_RANGE, "more credits than the ledger can hold");
	s->rest = (int64_t)(sum - nano * atto_per_nano);
	rc = write_state(l, s, e);
	if (rc == 0 && nano > 0 && d->at.us < now.us)
		rc = reopen_lapsed(l, s, d->at, now, e);
	if (rc == 0 && nano >= 0)
		rc = ledger_draw(l, account, (struct nano_credits){ (int64_t)nano }, d, now, out,
				 e);
	else if (rc == 0)
		rc = ledger_refund(l, account, (struct nano_credits){ (int64_t)-nano }, d, now,
				   &out->txn, e);
	return rc;
}

int ledger_bill_overage(struct ledger *l, int64_t account, struct nano_credits amount,
			struct text key, struct instant at, struct instant now, struct err *e)
{
	struct state *s;
	int64_t known;
	int rc = known_txn(l, key, &known, e);
	if (rc != 0 || known || amount.nano == 0)
		return rc;
	rc = state_of(l, account, &s, e);
	if (rc != 0)
		return rc;
	if (amount.nano > s->account.owed.nano)
		return err_set(e, ERR_MISMATCH, "an invoice bills more overage than is owed");
	l->entries = 0;
	enter(l, "overage", 0, amount.nano);
	enter(l, "billed", 0, -amount.nano);
	rc = post(l, &(struct posting){ s, "bill", at, now, 0, 0, key, TEXT("") }, NULL, e);
	s->account.owed.nano -= amount.nano;
	return rc == 0 ? write_state(l, s, e) : rc;
}

/* --- recurring grants --- */

static void read_rule(struct query *q, struct credit_rule *r)
{
	*r = (struct credit_rule){ .id = db_int(q, 0),
				   .account = db_int(q, 1),
				   .name = db_text(q, 2),
				   .amount = { db_int(q, 3) },
				   .kind = class_of(db_text(q, 4)),
				   .priority = db_int(q, 5),
				   .every = db_text(q, 6),
				   .anchor = { db_int(q, 7) },
				   .rollover = { db_int(q, 8) },
				   .next = { db_int(q, 9) },
				   .until = db_is_null(q, 10) ? INSTANT_MAX
							      : (struct instant){ db_int(q, 10) },
				   .lasts = db_text(q, 11),
				   .has_cost_basis = !db_is_null(q, 12),
				   .currency = db_text(q, 13) };
	if (r->has_cost_basis)
		r->cost_basis.pico = db_int(q, 12);
}

int ledger_each_rule(struct ledger *l, int64_t account,
		     int (*take)(void *user, const struct credit_rule *r), void *user,
		     struct err *e)
{
	struct query *q;
	struct credit_rule r;
	int rc = db_statement(l->db, LEDGER_RULES, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	while ((rc = db_step(l->db, q, e)) == 1) {
		read_rule(q, &r);
		if ((rc = take(user, &r)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int ledger_add_rule(struct ledger *l, const struct credit_rule *r, struct err *e)
{
	struct query *q;
	struct recurrence every;
	int rc = recurrence_parse(&every, r->every, r->anchor, e);
	if (rc == 0 && r->lasts.n)
		rc = recurrence_parse(&every, r->lasts, r->anchor, e);
	if (rc == 0 && r->lasts.n && r->rollover.nano)
		rc = err_set(e, ERR_USAGE, "a grant that lasts does not roll over: choose one");
	if (rc == 0 && r->amount.nano <= 0)
		rc = err_set(e, ERR_INVALID, "a grant is of more than 0 credits");
	if (rc == 0)
		rc = db_statement(l->db, LEDGER_ADD_RULE, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_text(q, ":name", r->name);
	db_bind_int(q, ":amount", r->amount.nano);
	db_bind_text(q, ":class", text_of(class_name(r->kind)));
	db_bind_int(q, ":priority", r->priority);
	db_bind_text(q, ":every", r->every);
	db_bind_text(q, ":lasts", r->lasts);
	db_bind_text(q, ":currency", r->currency);
	if (r->has_cost_basis)
		db_bind_int(q, ":cost_basis", r->cost_basis.pico);
	else
		db_bind_null(q, ":cost_basis");
	db_bind_int(q, ":anchor", r->anchor.us);
	db_bind_int(q, ":rollover", r->rollover.nano);
	db_bind_int(q, ":next", r->next.us);
	if (r->until.us == INSTANT_MAX.us)
		db_bind_null(q, ":until");
	else
		db_bind_int(q, ":until", r->until.us);
	return db_done(l->db, q, e);
}

/* What earlier recurrences left is kept up to the rollover; the oldest goes first. */
static int trim(struct ledger *l, struct state *s, const struct credit_rule *r, struct instant at,
		struct instant now, struct err *e)
{
	struct query *q;
	int64_t left = 0, *grant = NULL;
	size_t n = 0;
	int rc = need_lots(l, s, e), more = 0;
	if (rc == 0)
		rc = db_statement(l->db, LEDGER_RULE_LOTS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->account);
	db_bind_int(q, ":rule", r->id);
	while ((more = db_step(l->db, q, e)) == 1) {
		grant = mem_grow(grant, (n + 1) * sizeof *grant);
		grant[n++] = db_int(q, 0);
		left += db_int(q, 1);
	}
	db_reset(q);
	rc = more;
	for (size_t k = 0; rc == 0 && k < n && left > r->rollover.nano; k++)
		for (size_t i = 0; rc == 0 && i < s->lots; i++) {
			if (s->lot[i].number != grant[k])
				continue;
			int64_t over = left - r->rollover.nano, has = nano_of(s->lot[i].left);
			over = over < has ? over : has;
			rc = take_from_lot(l, s, &s->lot[i], over, "expire", "expired", at, now,
					   TEXT("beyond the rollover"), e);
			left -= over;
		}
	drop_empty(s);
	free(grant);
	return rc;
}

static int recur(struct ledger *l, const struct credit_rule *r, struct instant now, struct err *e)
{
	struct query *q;
	struct state *s;
	struct recurrence every;
	char name[120], at[INSTANT_TEXT_MAX];
	int64_t id;
	int rc = recurrence_parse(&every, r->every, r->anchor, e);
	if (rc == 0)
		rc = state_of(l, r->account, &s, e);
	/* lots that cannot roll over expire by themselves; usage that comes late may still find
	 * them
	 */
	if (rc == 0 && r->rollover.nano)
		rc = trim(l, s, r, r->next, now, e);
	if (rc != 0)
		return rc;
	struct instant next = recurrence_from(&every, (struct instant){ r->next.us + 1 }),
		       expires = r->rollover.nano ? INSTANT_MAX : next;
	if (r->lasts.n) {
		struct recurrence lasts;
		rc = recurrence_parse(&lasts, r->lasts, r->next, e);
		if (rc != 0)
			return rc;
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
					   .currency = r->currency,
					   .note = TEXT("recurring") },
			  now, &id, e);
	if (rc == 0)
		rc = db_statement(l->db, LEDGER_SET_RULE, &q, e);
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

int ledger_recurs_by(struct ledger *l, struct instant until, bool *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_RULES_DUE, &q, e);
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
		int rc = db_statement(l->db, LEDGER_RULES_DUE, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":now", until.us);
		rc = db_step(l->db, q, e);
		if (rc != 1) {
			db_reset(q);
			return rc;
		}
		read_rule(q, &r);
		r.name = keep(l, r.name);
		r.every = keep(l, r.every);
		r.lasts = keep(l, r.lasts);
		r.currency = keep(l, r.currency);
		db_reset(q);
		rc = recur(l, &r, now, e);
		if (rc != 0)
			return rc;
	}
}

int ledger_advance(struct ledger *l, struct instant now, struct err *e)
{
	struct id_list accounts = { 0 };
	int rc = ledger_recur(l, now, now, e);
	if (rc == 0)
		rc = ledger_each_account(l, add_id, &accounts, e);
	for (size_t i = 0; rc == 0 && i < accounts.n; i++) {
		struct state *s;
		rc = ledger_expire(l, accounts.id[i], now, e);
		if (rc == 0)
			rc = state_of(l, accounts.id[i], &s, e);
		if (rc == 0) /* grants that have become effective since */
			rc = repay(l, s, now, now, e);
	}
	free(accounts.id);
	return rc;
}

/* --- balances --- */

static int read_sum(struct ledger *l, enum store_statement n, const struct account *a,
		    struct instant at, int column, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, n, &q, e);
	if (rc != 0)
		return rc;
	if (n == STORE_HELD_SUM) {
		db_bind_text(q, ":customer", a->customer);
		db_bind_int(q, ":now", at.us);
	} else {
		db_bind_int(q, ":account", a->id);
		db_bind_int(q, ":at", at.us);
	}
	rc = db_step(l->db, q, e);
	*out = rc == 1 && !db_is_null(q, column) ? db_int(q, column) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static void finish_balance(const struct account *a, struct balance *b)
{
	b->owed = a->owed;
	b->unlimited = a->overage == OVERAGE_DEBT;
	b->spendable.nano = b->available.nano - b->held.nano;
	if (a->overage == OVERAGE_LIMIT)
		b->spendable.nano += a->overage_limit.nano - a->owed.nano;
}

int ledger_balance(struct ledger *l, const struct account *a, struct instant now,
		   struct balance *out, struct err *e)
{
	*out = (struct balance){ 0 };
	int rc = read_sum(l, LEDGER_AVAILABLE, a, now, 0, &out->available.nano, e);
	if (rc == 0)
		rc = read_sum(l, STORE_HELD_SUM, a, now, 1, &out->held.nano, e);
	finish_balance(a, out);
	return rc;
}

int ledger_balance_with(struct ledger *l, const struct account *a, struct nano_credits held,
			struct instant now, struct balance *out, struct err *e)
{
	struct state *s;
	int rc = state_of(l, a->id, &s, e);
	*out = (struct balance){ .held = held };
	if (rc == 0)
		rc = need_lots(l, s, e);
	if (rc == 0)
		out->available.nano = nano_of(lots_available(s->lot, s->lots, now));
	finish_balance(a, out);
	return rc;
}

int ledger_balance_at(struct ledger *l, int64_t account, struct instant at,
		      struct past_balance *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_BALANCE_AT, &q, e);
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

/* --- reading --- */

int ledger_each_txn(struct ledger *l, int64_t account, struct instant since, struct instant until,
		    int (*take)(void *user, const struct ledger_txn *t), void *user, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_TXNS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":since", since.us);
	db_bind_int(q, ":until", until.us);
	while ((rc = db_step(l->db, q, e)) == 1) {
		const struct ledger_txn t = { db_int(q, 0),
					      db_int(q, 1),
					      { db_int(q, 2) },
					      { db_int(q, 3) },
					      db_text(q, 4),
					      db_is_null(q, 7) ? TEXT("") : db_text(q, 7),
					      db_text(q, 8),
					      db_is_null(q, 5) ? 0 : db_int(q, 5),
					      db_is_null(q, 6) ? 0 : db_int(q, 6) };
		if ((rc = take(user, &t)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int ledger_each_entry(struct ledger *l, int64_t txn,
		      int (*take)(void *user, const struct ledger_entry *en), void *user,
		      struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, LEDGER_ENTRIES, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":txn", txn);
	while ((rc = db_step(l->db, q, e)) == 1) {
		const struct ledger_entry en = { db_text(q, 1),
						 db_is_null(q, 4) ? TEXT("") : db_text(q, 4),
						 db_is_null(q, 2) ? 0 : db_int(q, 2),
						 { db_int(q, 3) } };
		if ((rc = take(user, &en)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int ledger_enter(struct ledger *l, const char *kind, int64_t ref, struct text content,
		 struct err *e)
{
	return journal_add(&l->journal, kind, ref, content, e);
}

/* Facts as the number of rows for which they do not hold. */
static const struct {
	const char *what, *sql;
} laws[] = {
	{ "transactions do not sum to zero", "SELECT count(*) FROM (SELECT txn FROM ledger_entry "
					     "GROUP BY txn HAVING sum(amount)<>0) x" },
	{ "entries belong to no transaction",
	  "SELECT count(*) FROM ledger_entry WHERE txn NOT IN (SELECT id FROM ledger_txn)" },
	{ "transactions have no entries",
	  "SELECT count(*) FROM ledger_txn WHERE id NOT IN (SELECT txn FROM ledger_entry)" },
	{ "lots are not what their entries come to",
	  "SELECT count(*) FROM credit_lot l WHERE l.left<>(SELECT coalesce(sum(amount),0) FROM "
	  "ledger_entry e WHERE e.grant_id=l.grant_id)" },
	{ "what has expired of lots is not what their entries come to",
	  "SELECT count(*) FROM credit_lot l WHERE lapsed<>-(SELECT coalesce(sum(e.amount),0) FROM "
	  "ledger_entry e JOIN ledger_txn t ON t.id=e.txn WHERE e.grant_id=l.grant_id AND "
	  "t.kind='expire')" },
	{ "grants have no lot or another amount than was entered",
	  "SELECT count(*) FROM credit_grant g WHERE NOT EXISTS(SELECT 1 FROM credit_lot l WHERE "
	  "l.grant_id=g.id) OR amount<>(SELECT coalesce(sum(e.amount),0) FROM ledger_entry e JOIN "
	  "ledger_txn t ON t.id=e.txn WHERE e.grant_id=g.id AND t.kind='grant')" },
	{ "accounts owe something else than their entries come to",
	  "SELECT count(*) FROM credit_state s WHERE owed<>-(SELECT coalesce(sum(e.amount),0) FROM "
	  "ledger_entry e JOIN ledger_txn t ON t.id=e.txn WHERE t.account=s.account AND "
	  "e.pot='overage')" },
	{ "what was taken by days is not what the entries come to",
	  "SELECT count(*) FROM credit_account a WHERE (SELECT coalesce(sum(nano),0) FROM "
	  "credit_taken t WHERE t.account=a.id)<>(SELECT coalesce(-sum(e.amount),0) FROM "
	  "ledger_txn t JOIN ledger_entry e ON e.txn=t.id WHERE t.account=a.id AND t.kind IN "
	  "('draw','refund','repay') AND e.pot='grant')" },
	{ "transactions are not in the journal",
	  "SELECT count(*) FROM ledger_txn WHERE id NOT IN (SELECT ref FROM journal WHERE "
	  "kind='txn')" },
};

int ledger_verify(struct ledger *l, char fault[200], struct err *e)
{
	*fault = 0;
	for (size_t i = 0; i < sizeof laws / sizeof *laws && !*fault; i++) {
		int64_t n;
		int rc = db_read_int(l->db, laws[i].sql, &n, e);
		if (rc != 0)
			return rc;
		if (n)
			snprintf(fault, 200, "%s (%lld)", laws[i].what, (long long)n);
	}
	return 0;
}
