#include "meter/ledger/afresh.h"

#include <stdlib.h>
#include <string.h>

static const int128 atto_per_nano = 1000000000;

/* Lots in burn order, with the place of each among the caller's as its number. */
struct work {
	struct afresh *of;
	struct lot *burn;
	size_t *at;	/* of each of the caller's lots, its place in burn order */
	size_t *by_age; /* the caller's lots, the oldest first */
	bool moving;	/* the order changes while lots burn */
	size_t event;
	size_t *ended; /* of each lot, 1 + the event that took what was left of it; 0: none yet */
	int64_t *back; /* of each of the first `backs` moves, so much has been given back */
	size_t backs;
	int64_t lacked;
};

static int span_at(const struct carrying *c, struct instant at)
{
	int i = 0;
	while (i + 1 < c->count && at.us >= c->span[i].until_us)
		i++;
	return i;
}

bool carries_at(const struct carrying *c, struct instant at)
{
	return c->span[span_at(c, at)].carries;
}

bool carries_from(const struct carrying *c, struct instant at)
{
	bool any = false;
	for (int i = span_at(c, at); i < c->count; i++)
		any |= c->span[i].carries;
	return any;
}

static int by_time(const void *a, const void *b)
{
	const struct afresh_event *x = a, *y = b;
	if (x->at.us != y->at.us)
		return x->at.us < y->at.us ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->lot < y->lot ? -1 : x->lot > y->lot;
}

void afresh_sort(struct afresh_event *event, size_t events)
{
	if (events > 1)
		qsort(event, events, sizeof *event, by_time);
}

/* How many are not behind it. */
static size_t place_behind(const struct afresh *a, const struct afresh_event *v)
{
	size_t from = 0, to = a->events;
	while (from < to) {
		const size_t mid = from + (to - from) / 2;
		if (by_time(&a->event[mid], v) > 0)
			to = mid;
		else
			from = mid + 1;
	}
	return from;
}

void afresh_put(struct afresh *a, const struct afresh_event *v)
{
	const size_t at = place_behind(a, v);
	a->event = mem_grow(a->event, (a->events + 1) * sizeof *a->event);
	memmove(a->event + at + 1, a->event + at, (a->events - at) * sizeof *a->event);
	a->event[at] = *v;
	a->events++;
}

void afresh_drop(struct afresh *a, const struct afresh_event *v)
{
	size_t at = place_behind(a, v);
	while (at > 0 && a->event[at - 1].nano != v->nano)
		at--;
	CHECK(at > 0 && by_time(&a->event[at - 1], v) == 0);
	memmove(a->event + at - 1, a->event + at, (a->events - at) * sizeof *a->event);
	a->events--;
}

static int by_age(const void *a, const void *b, void *user)
{
	const struct afresh_lot *lot = user;
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const int64_t from = lot[x].lot.effective.us, than = lot[y].lot.effective.us;
	if (from != than)
		return from < than ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void sort_lots(struct work *w)
{
	lots_sort(w->burn, w->of->lots, &w->of->order);
	for (size_t i = 0; i < w->of->lots; i++)
		w->at[w->burn[i].number] = i;
}

static void begin(struct work *w)
{
	struct afresh *a = w->of;
	w->burn = mem_alloc((a->lots + 1) * sizeof *w->burn);
	w->at = mem_alloc((a->lots + 1) * sizeof *w->at);
	w->by_age = mem_alloc((a->lots + 1) * sizeof *w->by_age);
	w->ended = mem_zalloc((a->lots + 1) * sizeof *w->ended);
	for (size_t i = 0; i < a->lots; i++) {
		w->burn[i] = a->lot[i].lot;
		w->burn[i].number = (int64_t)i;
		w->by_age[i] = i;
	}
	for (int k = 0; k < a->order.count; k++)
		w->moving |= a->order.key[k] == BURN_LARGEST;
	sort_lots(w);
	if (a->lots > 1)
		qsort_r(w->by_age, a->lots, sizeof *w->by_age, by_age, a->lot);
	a->moves = 0;
	a->wants_more = false;
}

static int64_t left_of(const struct work *w, size_t lot)
{
	return (int64_t)(w->burn[w->at[lot]].left.atto / atto_per_nano);
}

/* The event takes so much from the lot. */
static void take(struct work *w, size_t lot, int64_t nano)
{
	struct afresh *a = w->of;
	if (nano == 0)
		return;
	if ((a->moves & (a->moves - 1)) == 0)
		a->move = mem_grow(a->move, (a->moves ? a->moves * 2 : 16) * sizeof *a->move);
	a->move[a->moves++] = (struct afresh_move){ w->event, lot, nano };
	w->burn[w->at[lot]].left.atto -= (int128)nano * atto_per_nano;
}

/* From the lots of that instant, in their order, at most `want`; of it, those that came with `late`
 * or after that may give `room`. Returns what they gave. */
static int64_t take_from_all(struct work *w, struct instant at, int64_t want, int64_t late,
			     int64_t room)
{
	const int64_t asked = want;
	if (w->moving)
		sort_lots(w);
	for (size_t i = 0; i < w->of->lots && want > 0; i++) {
		const struct lot *l = &w->burn[i];
		const bool is_late = w->of->lot[l->number].booked >= late;
		if (l->left.atto <= 0 || !lot_counts(l, at))
			continue;
		int64_t most = (int64_t)(l->left.atto / atto_per_nano);
		most = most < want ? most : want;
		most = is_late && room < most ? room : most;
		room -= is_late ? most : 0;
		want -= most;
		take(w, (size_t)l->number, most);
	}
	return asked - want;
}

static void trim(struct work *w, const struct afresh_event *v)
{
	const struct afresh *a = w->of;
	const struct afresh_lot *of = &a->lot[v->lot];
	int128 over = -(int128)of->keeps;
	for (size_t i = 0; i < a->lots; i++)
		if (a->lot[i].rule == of->rule && a->lot[i].lot.effective.us < v->at.us)
			over += left_of(w, i);
	for (size_t k = 0; k < a->lots && over > 0; k++) {
		const size_t i = w->by_age[k];
		if (a->lot[i].rule != of->rule || a->lot[i].lot.effective.us >= v->at.us)
			continue;
		int64_t gone = left_of(w, i);
		gone = gone < over ? gone : (int64_t)over;
		over -= gone;
		take(w, i, gone);
	}
}

/* What a refund gave back beyond what had been drawn by then pays what is used next. */
static int64_t paid_before(const struct work *w, struct instant at, int64_t want)
{
	if (w->lacked >= 0 || carries_at(&w->of->carrying, at))
		return 0;
	return -w->lacked < want ? -w->lacked : want;
}

static void use(struct work *w, struct afresh_event *v)
{
	const int64_t want = v->nano - paid_before(w, v->at, v->nano - v->asked);
	const int64_t late = v->asked ? v->asked_by : INT64_MAX;
	v->lacks = v->nano - take_from_all(w, v->at, want, late, want - v->asked);
	w->lacked += v->lacks - (v->asked < v->lacks ? v->asked : v->lacks);
}

/* What comes back to a lot that has ended ends with it. */
static void give(struct work *w, size_t lot, int64_t nano)
{
	struct afresh *a = w->of;
	take(w, lot, -nano);
	if (!w->ended[lot])
		return;
	take(w, lot, nano);
	a->move[a->moves - 1].event = w->ended[lot] - 1;
}

static void refund(struct work *w, struct afresh_event *v)
{
	struct afresh *a = w->of;
	const size_t moves = a->moves;
	const int64_t owed = w->lacked > 0 ? w->lacked : 0;
	int64_t want = v->nano - (owed < v->nano ? owed : v->nano);
	w->back = mem_grow(w->back, (moves + 1) * sizeof *w->back);
	memset(w->back + w->backs, 0, (moves - w->backs) * sizeof *w->back);
	w->backs = moves;
	for (size_t i = moves; i-- > 0 && want > 0;) {
		const struct afresh_move m = a->move[i];
		const enum afresh_kind by = a->event[m.event].kind;
		int64_t most = m.nano - w->back[i];
		most = by != AFRESH_USE && by != AFRESH_REPAY ? 0 : most < want ? most : want;
		if (most <= 0)
			continue;
		w->back[i] += most;
		want -= most;
		give(w, m.lot, most);
	}
	a->wants_more |= want > 0;
	v->lacks = -(owed < v->nano ? owed : v->nano) - want;
	w->lacked += v->lacks;
}

void afresh_run(struct afresh *a)
{
	struct work w = { .of = a, .lacked = a->lacked };
	begin(&w);
	for (w.event = 0; w.event < a->events; w.event++) {
		struct afresh_event *v = &a->event[w.event];
		switch (v->kind) {
		case AFRESH_TRIM:
			trim(&w, v);
			break;
		case AFRESH_END:
		case AFRESH_VOID:
			take(&w, v->lot, left_of(&w, v->lot));
			w.ended[v->lot] = w.event + 1;
			break;
		case AFRESH_REPAY:
			v->lacks = w.lacked > 0 && carries_at(&a->carrying, v->at)
					   ? -take_from_all(&w, v->at, w.lacked, INT64_MAX, 0)
					   : 0;
			w.lacked += v->lacks;
			break;
		case AFRESH_USE:
			use(&w, v);
			break;
		case AFRESH_REFUND:
			refund(&w, v);
			break;
		}
	}
	free(w.burn);
	free(w.at);
	free(w.by_age);
	free(w.ended);
	free(w.back);
}

bool afresh_ended_before(const struct afresh *a)
{
	for (size_t i = 0; i < a->lots; i++)
		if (a->lot[i].lot.left.atto < 0)
			return true;
	return false;
}

struct instant afresh_earlier(struct instant from, int64_t back)
{
	const bool far = back > 500 * US_PER_DAY || from.us < back;
	if (back == 0)
		return from;
	return (struct instant){ far ? INT64_MIN : from.us - back };
}

void afresh_release(struct afresh *a)
{
	free(a->move);
	a->move = NULL;
	a->moves = 0;
}
