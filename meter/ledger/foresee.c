#include "meter/ledger/foresee.h"

#include "meter/ledger/foresight.h"
#include "meter/ledger/redo.h"

enum { FORESEEN_MOST = 16 };

/* Texts of the ledger are forgotten with its states. */
static void keep_names(struct foresight *f, size_t from)
{
	struct afresh *a = &f->afresh;
	for (size_t i = from; i < a->lots; i++) {
		struct text *id = &a->lot[i].lot.id;
		id->p = arena_text(&f->arena, id->p, id->n);
	}
}

static int read_from(struct foresight *f, struct ledger *l, struct state *s, struct instant from,
		     struct err *e)
{
	struct redo r;
	foresight_forget(f);
	int rc = redo_read(&r, l, s, from, e);
	f->from = from.us < r.from.us ? from : r.from;
	f->of_step |= l->marked && l->booked;
	if (rc == 0)
		rc = redo_list(&r, e);
	f->known = rc == 0;
	if (rc == 0) {
		f->divides = false;
		for (size_t i = 0; i < r.afresh.lots; i++)
			f->divides |= r.afresh.lot[i].keeps > 0;
		for (size_t i = 0; i < r.slots; i++)
			f->divides |= r.slot[i].kind == AFRESH_USE && !r.slot[i].by_hand;
		f->afresh = r.afresh;
		r.afresh = (struct afresh){ 0 };
		keep_names(f, 0);
	}
	redo_release(&r);
	return rc;
}

/* Nothing was taken from them yet when the time began. */
static int read_grants(struct foresight *f, struct ledger *l, struct state *s, struct err *e)
{
	struct redo r = { .l = l, .s = s, .afresh = f->afresh };
	const size_t from = r.afresh.lots;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < f->grants; i++)
		rc = redo_read_lot(&r, f->grant[i], e);
	if (rc == 0 && f->grants)
		rc = redo_read_booked(&r, e);
	f->afresh = r.afresh;
	for (size_t i = from; i < f->afresh.lots; i++)
		f->afresh.lot[i].lot.left = f->afresh.lot[i].lot.amount;
	keep_names(f, from);
	f->of_step |= l->marked && l->booked && f->grants;
	f->grants = f->grants_before = 0;
	return rc;
}

/* What a draw at that instant may take: what expires or is trimmed later was still there. */
static int128 left_at(const struct afresh *a, struct instant at)
{
	int128 left = 0;
	for (size_t i = 0; i < a->lots; i++)
		if (lot_counts(&a->lot[i].lot, at))
			left += ledger_nano_of(a->lot[i].lot.left);
	for (size_t i = 0; i < a->moves; i++) {
		const struct afresh_event *by = &a->event[a->move[i].event];
		const bool lapses = by->kind == AFRESH_END || by->kind == AFRESH_TRIM;
		if (lot_counts(&a->lot[a->move[i].lot].lot, at) && !(lapses && by->at.us > at.us))
			left -= a->move[i].nano;
	}
	return left;
}

int foresee_left(struct ledger *l, struct state *s, struct instant at, int128 *nano, bool *known,
		 struct err *e)
{
	struct instant from = at.us < s->redo.from.us ? at : s->redo.from;
	bool may = false;
	int rc = s->moving ? 0 : ledger_may_be_certain(l, s, &may, e);
	/* many in turn cost more than to redo what waits, where more is certain after that */
	*known = !s->moving && (!may || s->foreseen++ < FORESEEN_MOST);
	if (rc != 0 || !*known)
		return rc;
	struct foresight *f = foresight_need(l, s->account.id);
	bool more = true;
	while (rc == 0 && more) {
		if (f->known && from.us < f->from.us)
			foresight_begin_earlier(f);
		if (!f->known)
			rc = read_from(f, l, s, afresh_earlier(from, f->back_us), e);
		if (rc == 0)
			rc = read_grants(f, l, s, e);
		if (rc != 0)
			return rc;
		const bool whole = f->from.us == INT64_MIN;
		more = afresh_ended_before(&f->afresh) && !whole;
		if (!more)
			afresh_run(&f->afresh);
		more |= f->afresh.wants_more && !whole;
		if (more)
			foresight_begin_earlier(f);
	}
	*nano = rc == 0 ? left_at(&f->afresh, at) : 0;
	return rc;
}
