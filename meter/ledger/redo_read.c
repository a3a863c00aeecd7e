/* What is booked of an account from an instant on: events of each instant, and what they took from
 * which lots. */
#include "meter/ledger/redo.h"

#include <stdlib.h>

struct row {
	enum afresh_kind kind;
	int64_t key_us, part_us, of, at_us;
	int64_t first, last;
	bool by_hand;
	int64_t grant, nano;	     /* what it took from that one; grant 0: from none */
	int64_t used, lacks, billed; /* billed: of a refund, what an invoice had asked for */
};

struct reading {
	struct redo *r;
	struct row *row;
	size_t rows;
	int64_t *voided; /* when grants were void */
	size_t voids;
};

static struct row *add_row(struct reading *x)
{
	if ((x->rows & (x->rows - 1)) == 0)
		x->row = mem_grow(x->row, (x->rows ? x->rows * 2 : 64) * sizeof *x->row);
	x->row[x->rows] = (struct row){ 0 };
	return &x->row[x->rows++];
}

#define ENTRIES \
	"SELECT t.at,t.kind,t.usage_from,t.usage_to,e.pot,coalesce(e.grant_id,0),sum(e.amount) " \
	"FROM ledger_txn t INDEXED BY "
#define ENTRIES_OF \
	" JOIN ledger_entry e ON e.txn=t.id WHERE t.account=:account AND t.at>=:from AND " \
	"e.pot<>'source' AND e.pot<>'expired' "
#define ENTRIES_BY \
	"GROUP BY t.at,t.kind,t.usage_from,t.usage_to,e.pot,e.grant_id HAVING sum(e.amount)<>0 " \
	"OR t.kind='void'"
static const struct sql sql_of_usage = {
	.text = ENTRIES "txn_of_usage" ENTRIES_OF "AND t.usage_from IS NOT NULL " ENTRIES_BY,
};
static const struct sql sql_by_hand = {
	.text = ENTRIES
	"txn_by_hand" ENTRIES_OF
	"AND t.usage_from IS NULL AND t.kind<>'grant' AND t.kind<>'bill' " ENTRIES_BY,
};

static enum afresh_kind kind_of(struct text kind, bool usage)
{
	if (text_is(kind, "void"))
		return AFRESH_VOID;
	if (text_is(kind, "expire"))
		return AFRESH_END; /* or a trim: its lot tells */
	if (usage || text_is(kind, "draw"))
		return AFRESH_USE;
	if (text_is(kind, "refund"))
		return AFRESH_REFUND;
	return AFRESH_REPAY;
}

static int read_entries(struct reading *x, const struct sql *which, struct err *e)
{
	struct redo *r = x->r;
	struct query *q;
	int rc = db_statement(r->l->db, which, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", r->s->account.id);
	db_bind_int(q, ":from", r->from.us);
	while ((rc = db_step(r->l->db, q, e)) == 1) {
		struct row *row = add_row(x);
		const bool usage = !db_is_null(q, 2);
		const struct text pot = db_text(q, 4);
		const int64_t amount = db_int(q, 6);
		row->at_us = row->key_us = row->part_us = db_int(q, 0);
		row->kind = kind_of(db_text(q, 1), usage);
		row->by_hand = !usage;
		if (row->kind == AFRESH_VOID) {
			x->voided = mem_grow(x->voided, (x->voids + 1) * sizeof *x->voided);
			x->voided[x->voids++] = row->at_us;
		}
		row->first = usage ? db_int(q, 2) : 0;
		row->last = usage ? db_int(q, 3) : 0;
		if (text_is(pot, "grant")) {
			row->grant = db_int(q, 5);
			row->nano = -amount;
		} else if (text_is(pot, "used")) {
			row->used = amount;
		} else if (row->kind == AFRESH_REFUND && text_is(pot, "billed")) {
			row->billed = amount;
		} else {
			row->lacks = -amount;
		}
	}
	db_reset(q);
	return rc;
}

/* --- lots --- */

#define LOTS \
	"SELECT g.id,g.name,l.left,g.class,g.priority,g.effective,g.expires,g.cost_basis,g.created," \
	"g.rule,coalesce(r.rollover,0),g.amount FROM credit_lot l "
#define LOTS_OF \
	" JOIN credit_grant g ON g.id=l.grant_id LEFT JOIN credit_rule r ON r.id=g.rule WHERE "
static const struct sql sql_open = {
	.text = LOTS "INDEXED BY lot_open" LOTS_OF "l.account=:account AND l.left>0",
};
static const struct sql sql_lot = {
	.text = LOTS LOTS_OF "l.grant_id=:grant AND l.left=0",
};
static const struct sql sql_any_lot = {
	.text = LOTS LOTS_OF "l.grant_id=:grant",
};

static void add_lot(struct redo *r, struct query *q)
{
	struct afresh *a = &r->afresh;
	if ((a->lots & (a->lots - 1)) == 0)
		a->lot = mem_grow(a->lot, (a->lots ? a->lots * 2 : 16) * sizeof *a->lot);
	a->lot[a->lots++] = (struct afresh_lot){
		.lot = { .number = db_int(q, 0),
			 .id = ledger_keep(r->l, db_text(q, 1)),
			 .amount = credits_of_nano((struct nano_credits){ db_int(q, 11) }),
			 .left = credits_of_nano((struct nano_credits){ db_int(q, 2) }),
			 .cap = { -1 },
			 .kind = ledger_class_of(db_text(q, 3)),
			 .priority = db_int(q, 4),
			 .effective = { db_int(q, 5) },
			 .expires =
				 db_is_null(q, 6) ? INSTANT_MAX : (struct instant){ db_int(q, 6) },
			 .has_cost_basis = !db_is_null(q, 7),
			 .cost_basis = { db_is_null(q, 7) ? 0 : (int128)db_int(q, 7) * 1000000 },
			 .created = { db_int(q, 8) } },
		.rule = db_is_null(q, 9) ? 0 : db_int(q, 9),
		.keeps = db_int(q, 10),
	};
}

static int by_grant(const void *a, const void *b)
{
	const struct afresh_lot *x = a, *y = b;
	return x->lot.number < y->lot.number ? -1 : x->lot.number > y->lot.number;
}

static size_t lot_of(const struct redo *r, int64_t grant)
{
	const struct afresh_lot key = { .lot = { .number = grant } };
	const struct afresh *a = &r->afresh;
	const struct afresh_lot *found =
		a->lots ? bsearch(&key, a->lot, a->lots, sizeof key, by_grant) : NULL;
	CHECK(found);
	return (size_t)(found - a->lot);
}

static int read_some(struct redo *r, const struct sql *which, int64_t grant, struct err *e)
{
	struct query *q;
	int rc = db_statement(r->l->db, which, &q, e);
	if (rc != 0)
		return rc;
	if (which == &sql_open)
		db_bind_int(q, ":account", r->s->account.id);
	else
		db_bind_int(q, ":grant", grant);
	while ((rc = db_step(r->l->db, q, e)) == 1)
		add_lot(r, q);
	db_reset(q);
	return rc;
}

int redo_read_lot(struct redo *r, int64_t grant, struct err *e)
{
	return read_some(r, &sql_any_lot, grant, e);
}

static int by_taken(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return x->grant < y->grant ? -1 : x->grant > y->grant;
}

/* Those that have something left, and those that something was taken from. */
static int read_lots(struct reading *x, struct err *e)
{
	struct redo *r = x->r;
	int rc = read_some(r, &sql_open, 0, e);
	if (x->rows > 1)
		qsort(x->row, x->rows, sizeof *x->row, by_taken);
	for (size_t i = 0; rc == 0 && i < x->rows; i++)
		if (x->row[i].grant && (i == 0 || x->row[i].grant != x->row[i - 1].grant))
			rc = read_some(r, &sql_lot, x->row[i].grant, e);
	if (r->afresh.lots > 1)
		qsort(r->afresh.lot, r->afresh.lots, sizeof *r->afresh.lot, by_grant);
	/* as when the time began */
	for (size_t i = 0; rc == 0 && i < x->rows; i++)
		if (x->row[i].grant)
			r->afresh.lot[lot_of(r, x->row[i].grant)].lot.left.atto +=
				(int128)x->row[i].nano * atto_per_nano;
	return rc;
}

/* --- events --- */

static void expect(struct reading *x, enum afresh_kind kind, struct instant at, int64_t of)
{
	struct row *row = add_row(x);
	row->kind = kind;
	row->key_us = row->at_us = at.us;
	row->of = of;
	row->by_hand = true;
}

/* From then on credits repay what is owed: they have come, or it is carried. */
static void expect_repay(struct reading *x, struct instant at)
{
	if (at.us >= x->r->from.us && at.us <= x->r->now.us)
		expect(x, AFRESH_REPAY, at, 0);
}

/* What must happen, whether it is booked or not. What ends is booked in its own time
 * (ledger_expire), but for what a trim would count: a draw by hand finds the same, whether
 * something was redone before it or not. */
static void expect_all(struct reading *x)
{
	struct redo *r = x->r;
	bool trims = false;
	for (size_t i = 0; i < r->afresh.lots; i++)
		trims |= r->afresh.lot[i].keeps > 0;
	for (size_t i = 0; i < r->afresh.lots; i++) {
		const struct afresh_lot *l = &r->afresh.lot[i];
		const struct instant from = l->lot.effective, end = l->lot.expires;
		if (l->keeps && from.us >= r->from.us)
			expect(x, AFRESH_TRIM, from, l->rule);
		if (trims && end.us >= r->from.us && end.us <= r->now.us)
			expect(x, AFRESH_END, end, l->lot.number);
		if (carries_at(&r->afresh.carrying, from))
			expect_repay(x, from);
	}
	for (int i = 1; i < r->afresh.carrying.count; i++)
		if (r->afresh.carrying.span[i].carries)
			expect_repay(x,
				     (struct instant){ r->afresh.carrying.span[i - 1].until_us });
}

/* The part of an hour that usage is of, from the last grant that was void within it on. */
static void find_part(struct reading *x, struct row *row)
{
	struct instant from, to;
	hours_part(&x->r->hours, row->at_us, &from, &to);
	row->part_us = row->key_us = from.us;
	for (size_t i = 0; i < x->voids; i++)
		if (x->voided[i] < row->at_us && x->voided[i] > row->key_us)
			row->key_us = x->voided[i];
}

/* Of which slot each row is. */
static void name_rows(struct reading *x)
{
	for (size_t i = 0; i < x->rows; i++) {
		struct row *row = &x->row[i];
		const struct afresh_lot *l =
			row->grant ? &x->r->afresh.lot[lot_of(x->r, row->grant)] : NULL;
		if (row->kind == AFRESH_END && l->keeps) {
			row->kind = AFRESH_TRIM;
			row->of = l->rule;
		} else if (row->kind == AFRESH_END || row->kind == AFRESH_VOID) {
			row->of = row->grant;
		} else if (row->kind == AFRESH_USE) {
			row->of = row->by_hand;
			if (!row->by_hand)
				find_part(x, row);
		}
	}
}

static int by_slot(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->key_us != y->key_us)
		return x->key_us < y->key_us ? -1 : 1;
	if (x->of != y->of)
		return x->of < y->of ? -1 : 1;
	return x->grant < y->grant ? -1 : x->grant > y->grant;
}

static void add_to_slot(struct redo *r, const struct row *row, bool new)
{
	if (new && (r->slots & (r->slots - 1)) == 0)
		r->slot = mem_grow(r->slot, (r->slots ? r->slots * 2 : 64) * sizeof *r->slot);
	if (new)
		r->slot[r->slots++] = (struct redo_slot){ .kind = row->kind,
							  .key_us = row->key_us,
							  .of = row->of,
							  .part_us = row->part_us,
							  .at = { row->at_us },
							  .by_hand = row->by_hand };
	struct redo_slot *s = &r->slot[r->slots - 1];
	s->at.us = row->at_us > s->at.us ? row->at_us : s->at.us;
	s->first = s->first && s->first < row->first ? s->first : row->first;
	s->last = row->last > s->last ? row->last : s->last;
	s->used += row->used;
	s->lacks += row->lacks;
	s->billed += row->billed;
	if (!row->grant)
		return;
	struct afresh_move *m = r->booked_count ? &r->booked[r->booked_count - 1] : NULL;
	const size_t lot = lot_of(r, row->grant);
	if (m && m->event == r->slots - 1 && m->lot == lot) {
		m->nano += row->nano;
		return;
	}
	if ((r->booked_count & (r->booked_count - 1)) == 0)
		r->booked = mem_grow(r->booked, (r->booked_count ? r->booked_count * 2 : 64) *
							sizeof *r->booked);
	r->booked[r->booked_count++] = (struct afresh_move){ r->slots - 1, lot, row->nano };
}

/* A lot of what a slot is about. */
static size_t lot_about(const struct redo *r, const struct redo_slot *s)
{
	size_t i = 0;
	if (s->kind == AFRESH_END || s->kind == AFRESH_VOID)
		return lot_of(r, s->of);
	while (s->kind == AFRESH_TRIM && r->afresh.lot[i].rule != s->of)
		i++;
	return i;
}

static void make_slots(struct reading *x)
{
	struct redo *r = x->r;
	if (x->rows > 1)
		qsort(x->row, x->rows, sizeof *x->row, by_slot);
	for (size_t i = 0; i < x->rows; i++) {
		const struct row *row = &x->row[i], *was = i ? row - 1 : NULL;
		add_to_slot(r, row,
			    !was || was->kind != row->kind || was->key_us != row->key_us ||
				    was->of != row->of);
	}
	for (size_t i = 0; i < r->slots; i++) {
		struct redo_slot *s = &r->slot[i];
		s->lot = lot_about(r, s);
		/* more was reversed than there was: it came from another part */
		if (s->kind == AFRESH_USE && s->used < 0)
			s->kind = AFRESH_REFUND;
		s->used = s->kind == AFRESH_REFUND ? -s->used - s->billed : s->used;
	}
}

static int read_all(struct redo *r, struct err *e)
{
	struct reading x = { .r = r };
	struct instant to;
	int rc = ledger_need_zone(r->s, e);
	r->hours.zone = r->s->zone;
	if (rc == 0)
		rc = hours_read(&r->hours, r->l->db, r->s->account.id, e);
	if (rc == 0 && r->from.us > INT64_MIN)
		hours_part(&r->hours, r->from.us, &r->from, &to);
	if (rc == 0)
		rc = read_entries(&x, &sql_of_usage, e);
	if (rc == 0)
		rc = read_entries(&x, &sql_by_hand, e);
	if (rc == 0)
		rc = read_lots(&x, e);
	if (rc == 0) {
		name_rows(&x);
		expect_all(&x);
		make_slots(&x);
	}
	free(x.row);
	free(x.voided);
	return rc;
}

int redo_read(struct redo *r, struct ledger *l, struct state *s, struct instant from, struct err *e)
{
	*r = (struct redo){ .l = l, .s = s, .from = from, .now = s->redo.now };
	r->afresh.order = s->order;
	int rc = ledger_need_carrying(l, s, e);
	r->afresh.carrying = s->carrying;
	return rc == 0 ? read_all(r, e) : rc;
}

static const struct sql sql_booked = {
	.text = "SELECT coalesce(min(txn),0) FROM ledger_entry WHERE grant_id=:grant",
};

int redo_read_booked(struct redo *r, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->afresh.lots; i++) {
		struct afresh_lot *l = &r->afresh.lot[i];
		struct query *q;
		rc = db_statement(r->l->db, &sql_booked, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":grant", l->lot.number);
		rc = db_step(r->l->db, q, e);
		l->booked = rc == 1 ? db_int(q, 0) : 0;
		db_reset(q);
		rc = rc < 0 ? rc : 0;
	}
	return rc;
}

void redo_release(struct redo *r)
{
	hours_release(&r->hours);
	asked_release(&r->asked);
	afresh_release(&r->afresh);
	free(r->afresh.lot);
	free(r->afresh.event);
	free(r->slot);
	free(r->booked);
}
