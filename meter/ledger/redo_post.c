/* Where what was computed afresh differs from what is booked, that is booked. */
#include "meter/ledger/redo.h"

#include <stdlib.h>

struct difference {
	struct afresh_move *move; /* that an event takes beyond what it took; by event and lot */
	size_t count;
	int64_t *left, *lapsed; /* of each lot, what it gives in all, and what of that lapses */
};

static int by_place(const void *a, const void *b)
{
	const struct afresh_move *x = a, *y = b;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

static void compare(const struct redo *r, struct difference *d)
{
	const struct afresh *a = &r->afresh;
	size_t n = 0;
	d->move = mem_alloc((a->moves + r->booked_count + 1) * sizeof *d->move);
	d->left = mem_zalloc((a->lots + 1) * sizeof *d->left);
	d->lapsed = mem_zalloc((a->lots + 1) * sizeof *d->lapsed);
	for (size_t i = 0; i < a->moves; i++)
		d->move[n++] = a->move[i];
	for (size_t i = 0; i < r->booked_count; i++)
		d->move[n++] = (struct afresh_move){ r->slot[r->booked[i].event].event,
						     r->booked[i].lot, -r->booked[i].nano };
	if (n > 1)
		qsort(d->move, n, sizeof *d->move, by_place);
	for (size_t i = 0; i < n; i++) {
		struct afresh_move *last = d->count ? &d->move[d->count - 1] : NULL;
		if (last && by_place(last, &d->move[i]) == 0)
			last->nano += d->move[i].nano;
		else
			d->move[d->count++] = d->move[i];
	}
}

/* Enters what the event takes beyond what it took; *next: behind its moves. Returns the sum. */
static int64_t enter(struct redo *r, struct difference *d, size_t event, size_t *next)
{
	const enum afresh_kind kind = r->afresh.event[event].kind;
	int64_t sum = 0;
	r->l->entries = 0;
	for (; *next < d->count && d->move[*next].event == event; ++*next) {
		const struct afresh_move *m = &d->move[*next];
		ledger_put_entry(r->l, "grant", r->afresh.lot[m->lot].lot.number, -m->nano);
		d->left[m->lot] -= m->nano;
		d->lapsed[m->lot] += kind == AFRESH_TRIM || kind == AFRESH_END ? m->nano : 0;
		sum += m->nano;
	}
	return sum;
}

static int post(struct redo *r, const struct redo_slot *s, const char *kind, const char *note,
		struct err *e)
{
	return ledger_post(r->l,
			   &(struct posting){ .state = r->s,
					      .kind = kind,
					      .at = s->at,
					      .booked = r->now,
					      .usage_from = s->by_hand ? 0 : s->first,
					      .usage_to = s->by_hand ? 0 : s->last,
					      .note = text_of(note) },
			   NULL, e);
}

/* What the lots give beyond what they gave was owed, or asked for on an invoice. */
static int post_use(struct redo *r, const struct redo_slot *s, int64_t sum, struct err *e)
{
	struct account *a = &r->s->account;
	const int64_t open = s->lacks - s->asked;
	int64_t owed = sum;
	if (sum > 0 && s->kind == AFRESH_USE) {
		owed = open < sum ? open : sum;
		owed = owed > 0 ? owed : 0;
	}
	ledger_put_entry(r->l, "overage", 0, owed);
	ledger_put_entry(r->l, "billed", 0, sum - owed);
	if (__builtin_sub_overflow(a->owed.nano, owed, &a->owed.nano))
		return err_set(e, ERR_RANGE, "more overage than the ledger can hold");
	r->l->lacks_more -= sum;
	/* what was done by hand stays what it is: the next time it is read as such */
	const char *kind = !s->by_hand		      ? "repay"
			   : s->kind == AFRESH_USE    ? "draw"
			   : s->kind == AFRESH_REFUND ? "refund"
						      : "repay";
	int rc = post(r, s, kind, sum ? "recomputed" : "exchanged", e);
	/* what debt carries is the day's already */
	return rc == 0 ? ledger_add_taken(r->l, r->s, s->at,
					  a->overage == OVERAGE_DEBT ? sum - owed : sum, e)
		       : rc;
}

static int post_event(struct redo *r, struct difference *d, size_t event, size_t *next,
		      struct err *e)
{
	const struct redo_slot *s = &r->slot[r->afresh.event[event].of];
	const int64_t sum = enter(r, d, event, next);
	if (r->l->entries == 0)
		return 0;
	switch (s->kind) {
	case AFRESH_TRIM:
	case AFRESH_END:
		ledger_put_entry(r->l, "expired", 0, sum);
		return post(r, s, "expire",
			    s->kind == AFRESH_TRIM ? "beyond the rollover, recomputed"
						   : "recomputed",
			    e);
	case AFRESH_VOID:
		ledger_put_entry(r->l, "source", 0, sum);
		return post(r, s, "void", "recomputed", e);
	case AFRESH_REPAY:
	case AFRESH_USE:
	case AFRESH_REFUND:
		break;
	}
	return post_use(r, s, sum, e);
}

static const struct sql sql_move_lot = {
	.text = "UPDATE credit_lot SET \"left\"=\"left\"+:more,lapsed=lapsed+:lapsed "
		"WHERE grant_id=:grant",
};

static int write_lots(struct redo *r, const struct difference *d, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->afresh.lots; i++) {
		struct query *q;
		if (d->left[i] == 0 && d->lapsed[i] == 0)
			continue;
		rc = db_statement(r->l->db, &sql_move_lot, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":grant", r->afresh.lot[i].lot.number);
		db_bind_int(q, ":more", d->left[i]);
		db_bind_int(q, ":lapsed", d->lapsed[i]);
		rc = db_done(r->l->db, q, e);
		r->s->has_lots = false; /* what is in memory is not so any more */
		r->s->lots = 0;
	}
	return rc;
}

int redo_post(struct redo *r, struct err *e)
{
	struct difference d = { 0 };
	size_t next = 0;
	int rc = 0;
	compare(r, &d);
	for (size_t i = 0; rc == 0 && i < r->afresh.events; i++)
		rc = post_event(r, &d, i, &next, e);
	if (rc == 0)
		rc = write_lots(r, &d, e);
	if (rc == 0 && d.count)
		rc = ledger_write_state(r->l, r->s, e);
	free(d.move);
	free(d.left);
	free(d.lapsed);
	return rc;
}
