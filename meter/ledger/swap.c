#include "meter/ledger/swap.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

/* What a lot gave to usage of a part of an hour. */
struct drawn_from {
	struct instant from, at; /* at: the latest of that usage */
	int64_t nano;
	int64_t first, last; /* rows of usage */
	size_t lot;
	int64_t next; /* of the same lot */
};

/*
 * A search goes from a lot that is wanted to what was drawn from it, and from there to the lots
 * that can pay that instead. A step is twice the number of a draw, and one more where it has to
 * leave its lot: for earlier usage. Where it need not, it leaves for a lot that burns before.
 */
struct swap {
	struct ledger *l;
	struct state *s;
	struct instant now;
	struct hours hours;
	struct lot *lot; /* in burn order; left: with what has lapsed */
	int64_t *newest; /* of each lot, its last draw */
	int64_t *wanted; /* by usage of that instant or later, where it was looked at */
	size_t lots;
	struct drawn_from *draw;
	size_t draws;
	int64_t *before; /* of each step, the one before; NONE: what asks */
	bool *seen;
	int64_t *step;
	size_t steps;
};

static const struct sql sql_grants = {
	.text = "SELECT g.id,g.name,l.left+l.lapsed,g.class,g.priority,g.effective,g.expires,"
		"g.cost_basis,g.created FROM credit_grant g JOIN credit_lot l ON l.grant_id=g.id "
		"LEFT JOIN credit_rule r ON r.id=g.rule WHERE g.account=:account AND "
		"coalesce(r.rollover,0)=0 ORDER BY g.effective,g.id",
};

static void add_lot(struct swap *x, struct query *q)
{
	x->lot = mem_grow(x->lot, (x->lots + 1) * sizeof *x->lot);
	x->lot[x->lots++] = (struct lot){
		.number = db_int(q, 0),
		.id = ledger_keep(x->l, db_text(q, 1)),
		.left = credits_of_nano((struct nano_credits){ db_int(q, 2) }),
		.cap = { -1 },
		.kind = ledger_class_of(db_text(q, 3)),
		.priority = db_int(q, 4),
		.effective = { db_int(q, 5) },
		.expires = db_is_null(q, 6) ? INSTANT_MAX : (struct instant){ db_int(q, 6) },
		.has_cost_basis = !db_is_null(q, 7),
		.cost_basis = { db_is_null(q, 7) ? 0 : (int128)db_int(q, 7) * 1000000 },
		.created = { db_int(q, 8) },
	};
}

/* Drops lots that no life of others joins to one that has something left. */
static void keep_joined(struct swap *x)
{
	size_t kept = 0, to;
	for (size_t from = 0; from < x->lots; from = to) {
		struct instant end = x->lot[from].expires;
		bool any = false;
		for (to = from; to < x->lots && (to == from || x->lot[to].effective.us < end.us);
		     to++) {
			any |= x->lot[to].left.atto > 0;
			end = x->lot[to].expires.us > end.us ? x->lot[to].expires : end;
		}
		for (size_t i = from; any && i < to; i++)
			x->lot[kept++] = x->lot[i];
	}
	x->lots = kept;
}

static int read_lots(struct swap *x, struct err *e)
{
	struct query *q;
	int rc = db_statement(x->l->db, &sql_grants, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", x->s->account.id);
	while ((rc = db_step(x->l->db, q, e)) == 1)
		add_lot(x, q);
	db_reset(q);
	keep_joined(x);
	return rc;
}

static void widen(const struct lot *lot, size_t lots, struct instant *from, struct instant *to)
{
	for (size_t i = 0; i < lots; i++) {
		*from = lot[i].effective.us < from->us ? lot[i].effective : *from;
		*to = lot[i].expires.us > to->us ? lot[i].expires : *to;
	}
}

static const struct sql sql_draws = {
	.text = "SELECT t.at,e.grant_id,-sum(e.amount),min(t.usage_from),max(t.usage_to) FROM "
		"ledger_txn t INDEXED BY txn_of_usage JOIN ledger_entry e ON e.txn=t.id WHERE "
		"t.account=:account AND t.usage_from IS NOT NULL AND t.at>=:from AND e.pot='grant' "
		"GROUP BY t.at,e.grant_id HAVING sum(e.amount)<>0 ORDER BY t.at,e.grant_id",
};

/* What the lot gave to usage of that part. */
static void add_draw(struct swap *x, const struct drawn_from *d)
{
	for (int64_t i = x->newest[d->lot]; i != NONE; i = x->draw[i].next)
		if (x->draw[i].from.us == d->from.us) {
			struct drawn_from *same = &x->draw[i];
			same->nano += d->nano;
			same->at = d->at.us > same->at.us ? d->at : same->at;
			same->first = d->first < same->first ? d->first : same->first;
			same->last = d->last > same->last ? d->last : same->last;
			return;
		} else if (x->draw[i].from.us < d->from.us && !x->steps) {
			break; /* they are read in order */
		}
	if ((x->draws & (x->draws - 1)) == 0)
		x->draw = mem_grow(x->draw, (x->draws ? x->draws * 2 : 1) * sizeof *x->draw);
	x->draw[x->draws] = *d;
	x->draw[x->draws].next = x->newest[d->lot];
	x->newest[d->lot] = (int64_t)x->draws++;
}

static void read_draw(struct swap *x, struct query *q)
{
	struct instant from, to;
	struct drawn_from d = { .at = { db_int(q, 0) },
				.nano = db_int(q, 2),
				.first = db_int(q, 3),
				.last = db_int(q, 4) };
	hours_part(&x->hours, d.at.us, &from, &to);
	d.from = from;
	while (d.lot < x->lots && x->lot[d.lot].number != db_int(q, 1))
		d.lot++;
	if (d.lot < x->lots)
		add_draw(x, &d);
}

static int read_draws(struct swap *x, struct err *e)
{
	struct query *q;
	struct instant from = INSTANT_MAX, to = { INT64_MIN };
	widen(x->lot, x->lots, &from, &to);
	int rc = ledger_need_zone(x->s, e);
	x->hours.zone = x->s->zone;
	if (rc == 0)
		rc = hours_read(&x->hours, x->l->db, x->s->account.id, e);
	if (rc == 0)
		rc = db_statement(x->l->db, &sql_draws, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", x->s->account.id);
	db_bind_int(q, ":from", from.us);
	while ((rc = db_step(x->l->db, q, e)) == 1)
		read_draw(x, q);
	db_reset(q);
	return rc;
}

/* As before the first search. */
static void begin_search(struct swap *x)
{
	x->before = mem_grow(x->before, (2 * x->draws + 1) * sizeof *x->before);
	x->step = mem_grow(x->step, (2 * x->draws + 1) * sizeof *x->step);
	x->seen = mem_grow(x->seen, (2 * x->draws + 1) * sizeof *x->seen);
	memset(x->seen, 0, (2 * x->draws + 1) * sizeof *x->seen);
	for (size_t i = 0; i < x->lots; i++)
		x->wanted[i] = INT64_MAX;
}

int swap_span(struct ledger *l, struct state *s, struct instant *from, struct instant *to,
	      struct err *e)
{
	struct swap x = { .l = l, .s = s };
	*from = INSTANT_MAX;
	*to = (struct instant){ INT64_MIN };
	int rc = ledger_need_lots(l, s, e);
	if (rc == 0)
		rc = read_lots(&x, e);
	if (rc == 0) {
		widen(x.lot, x.lots, from, to);
		widen(s->lot, s->lots, from, to);
	}
	free(x.lot);
	return rc;
}

int swap_open(struct swap **out, struct ledger *l, struct state *s, struct instant now,
	      struct err *e)
{
	struct swap *x = mem_zalloc(sizeof *x);
	*x = (struct swap){ .l = l, .s = s, .now = now };
	*out = x;
	int rc = read_lots(x, e);
	if (rc != 0 || x->lots == 0)
		return rc;
	lots_sort(x->lot, x->lots, &s->order);
	x->newest = mem_alloc(x->lots * sizeof *x->newest);
	x->wanted = mem_alloc(x->lots * sizeof *x->wanted);
	for (size_t i = 0; i < x->lots; i++)
		x->newest[i] = NONE;
	rc = read_draws(x, e);
	begin_search(x);
	return rc;
}

void swap_close(struct swap *x)
{
	if (!x)
		return;
	hours_release(&x->hours);
	free(x->lot);
	free(x->newest);
	free(x->wanted);
	free(x->draw);
	free(x->before);
	free(x->seen);
	free(x->step);
	free(x);
}

static bool counts_at(const struct lot *l, struct instant at)
{
	return l->effective.us <= at.us && at.us < l->expires.us;
}

/* Usage of that instant wants the lot: what was drawn from it are further steps. */
static void want_lot(struct swap *x, size_t lot, struct instant at, int64_t before)
{
	if (x->wanted[lot] <= at.us)
		return;
	x->wanted[lot] = at.us;
	for (int64_t i = x->newest[lot]; i != NONE; i = x->draw[i].next) {
		const int64_t step = 2 * i + (x->draw[i].at.us >= at.us);
		if (x->draw[i].nano <= 0 || x->seen[step])
			continue;
		x->seen[step] = true;
		x->before[step] = before;
		x->step[x->steps++] = step;
	}
}

struct found {
	int64_t step; /* the last one, or NONE */
	size_t lot;   /* that has something left */
};

/* The shortest way to a lot that has something left; what a search that fails has seen leads later
 * usage nowhere, either. */
static bool find(struct swap *x, struct instant at, struct found *out)
{
	x->steps = 0;
	for (size_t k = 0; k < x->lots; k++) {
		if (!counts_at(&x->lot[k], at))
			continue;
		*out = (struct found){ NONE, k };
		if (x->lot[k].left.atto > 0)
			return true;
		want_lot(x, k, at, NONE);
	}
	for (size_t i = 0; i < x->steps; i++) {
		const int64_t step = x->step[i];
		const struct drawn_from *d = &x->draw[step / 2];
		/* a draw that may stay leaves for what burns before */
		const size_t most = step & 1 ? x->lots : d->lot;
		for (size_t k = 0; k < most; k++) {
			if (k == d->lot || !counts_at(&x->lot[k], d->at))
				continue;
			*out = (struct found){ step, k };
			if (x->lot[k].left.atto > 0)
				return true;
			want_lot(x, k, d->at, step);
		}
	}
	return false;
}

/* What every step of the way can carry. */
static int64_t carries(const struct swap *x, const struct found *f, int64_t most)
{
	const int64_t left = ledger_nano_of(x->lot[f->lot].left);
	most = left < most ? left : most;
	for (int64_t step = f->step; step != NONE; step = x->before[step]) {
		int64_t times = 1; /* one draw may be on the way as both of its steps */
		for (int64_t other = x->before[step]; other != NONE; other = x->before[other])
			times += (other ^ 1) == step;
		const int64_t each = x->draw[step / 2].nano / times;
		most = each < most ? each : most;
	}
	return most;
}

static const struct sql sql_left = {
	.text = "SELECT \"left\" FROM credit_lot WHERE grant_id=:grant",
};

/* So much leaves the lot; what has lapsed of it comes back for that. */
static int take_left(struct swap *x, struct lot *lot, int64_t nano, struct err *e)
{
	struct query *q;
	int rc = db_statement(x->l->db, &sql_left, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":grant", lot->number);
	rc = db_step(x->l->db, q, e);
	const int64_t left = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	if (rc == 1 && left < nano)
		rc = ledger_give_lapsed(x->l, x->s,
					&(struct lapse){ lot->number, nano - left, lot->expires },
					x->now, e);
	lot->left.atto -= (int128)nano * atto_per_nano;
	x->s->has_lots = false;
	x->s->lots = 0;
	return rc < 0 ? rc : ledger_write_lot(x->l, lot->number, left < nano ? 0 : left - nano, e);
}

/* So much of a draw is drawn from that lot instead. */
static int move(struct swap *x, size_t draw, size_t lot, int64_t nano, struct err *e)
{
	struct drawn_from to = x->draw[draw];
	x->l->entries = 0;
	ledger_put_entry(x->l, "grant", x->lot[to.lot].number, nano);
	ledger_put_entry(x->l, "grant", x->lot[lot].number, -nano);
	int rc = ledger_post(x->l,
			     &(struct posting){ .state = x->s,
						.kind = "repay",
						.at = to.at,
						.booked = x->now,
						.usage_from = to.first,
						.usage_to = to.last,
						.note = TEXT("exchanged") },
			     NULL, e);
	x->draw[draw].nano -= nano;
	to.lot = lot;
	to.nano = nano;
	add_draw(x, &to);
	return rc;
}

int swap_for(struct swap *x, struct instant at, int64_t most, struct swapped *out, struct err *e)
{
	struct found f;
	*out = (struct swapped){ 0 };
	if (x->lots == 0 || !find(x, at, &f))
		return 0;
	out->nano = carries(x, &f, most);
	if (out->nano == 0)
		return 0;
	size_t lot = f.lot;
	int rc = take_left(x, &x->lot[lot], out->nano, e);
	for (int64_t step = f.step; rc == 0 && step != NONE; step = x->before[step]) {
		const size_t draw = (size_t)step / 2, was = x->draw[draw].lot;
		rc = move(x, draw, lot, out->nano, e);
		lot = was;
	}
	out->grant = x->lot[lot].number;
	begin_search(x);
	return rc;
}
