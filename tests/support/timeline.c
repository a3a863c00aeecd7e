#include "tests/support/timeline.h"

#include <stdlib.h>

/* An instant at which grants change: sorted, changes before uses of the same instant. */
enum change_kind { CHANGE_END, CHANGE_RESET, CHANGE_RECUR, CHANGE_BEGIN, CHANGE_NONE };
struct change {
	struct instant at;
	enum change_kind kind;
	size_t grant;
};

struct work {
	const struct timeline *of;
	struct timeline_result *out;
	struct change *change;
	size_t changes, room;
	struct lot *sorted;
	struct lot_use *use;
	struct credits_total overage;
};

static void add_change(struct work *w, struct instant at, enum change_kind kind, size_t grant)
{
	if (w->changes == w->room) {
		w->room = w->room ? w->room * 2 : 64;
		w->change = mem_grow(w->change, w->room * sizeof *w->change);
	}
	w->change[w->changes++] = (struct change){ at, kind, grant };
}

static int by_instant(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	if (x->at.us != y->at.us)
		return x->at.us < y->at.us ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->grant < y->grant ? -1 : x->grant > y->grant;
}

static bool counts(const struct timeline_grant *g, struct instant at)
{
	return at.us >= g->lot.effective.us && at.us < g->lot.expires.us && at.us < g->voided.us;
}

static struct credits_total balance(const struct work *w, struct instant at)
{
	struct credits_total sum = { 0 };
	for (size_t i = 0; i < w->of->grants; i++)
		if (counts(&w->of->grant[i], at))
			sum.atto += w->of->grant[i].lot.left.atto;
	return sum;
}

static void begin_segment(struct work *w, struct instant at)
{
	struct timeline_result *out = w->out;
	if (out->segments && out->segment[out->segments - 1].from.us == at.us)
		out->segments--;
	out->segment = mem_grow(out->segment, (out->segments + 1) * sizeof *out->segment);
	out->start_balance = mem_grow(out->start_balance, (out->segments + 1) * w->of->grants *
								  sizeof *out->start_balance);
	out->segment[out->segments] =
		(struct timeline_segment){ at, balance(w, at), w->overage, { 0 } };
	for (size_t i = 0; i < w->of->grants; i++)
		out->start_balance[out->segments * w->of->grants + i] =
			counts(&w->of->grant[i], at) ? w->of->grant[i].lot.left
						     : (struct credits_total){ 0 };
	out->segments++;
}

static void use_up(struct work *w, struct instant at, struct credits_total amount)
{
	struct lots_taken taken = { .use = w->use };
	struct err ignored;
	size_t n = 0;
	for (size_t i = 0; i < w->of->grants; i++)
		if (counts(&w->of->grant[i], at)) {
			w->sorted[n] = w->of->grant[i].lot;
			w->sorted[n++].number = (int64_t)i;
		}
	lots_sort(w->sorted, n, &w->of->order);
	CHECK(lots_take(w->sorted, n, &(struct lot_demand){ at, amount, SHORT_PARTIAL }, &taken,
			&ignored) == 0);
	for (size_t i = 0; i < taken.uses; i++)
		w->of->grant[w->sorted[w->use[i].lot].number].lot.left.atto -=
			w->use[i].amount.atto;
	w->overage.atto += taken.rest.atto;
}

static void repay(struct work *w, struct instant at)
{
	struct credits_total owed = w->overage;
	if (!w->of->repay || owed.atto == 0)
		return;
	w->overage.atto = 0;
	use_up(w, at, owed);
}

static void reset(struct work *w)
{
	for (size_t i = 0; i < w->of->grants; i++) {
		struct timeline_grant *g = &w->of->grant[i];
		struct credits_total keep = g->lot.left;
		if (keep.atto < g->rollover_min.atto)
			keep = g->rollover_min;
		if (keep.atto > g->rollover_max.atto)
			keep = g->rollover_max;
		g->lot.left = keep;
	}
	w->overage.atto = 0; /* it belongs to the period that ends */
}

static void apply(struct work *w, const struct change *c)
{
	struct timeline_grant *g = &w->of->grant[c->grant];
	switch (c->kind) {
	case CHANGE_BEGIN:
	case CHANGE_RECUR:
		g->lot.left = g->lot.amount;
		break;
	case CHANGE_END:
		g->lot.left.atto = 0;
		break;
	case CHANGE_RESET:
		reset(w);
		break;
	case CHANGE_NONE:
		break;
	}
}

/* Every change in (start, until], and at the start what is not in a snapshot. */
static void list_changes(struct work *w)
{
	const struct timeline *o = w->of;
	for (size_t i = 0; i < w->of->grants; i++) {
		const struct timeline_grant *g = &w->of->grant[i];
		struct instant end = g->lot.expires.us < g->voided.us ? g->lot.expires : g->voided;
		bool begins = g->lot.effective.us > o->start.us ||
			      (g->lot.effective.us <= o->start.us && !o->has_snapshot);
		struct instant from =
			g->lot.effective.us > o->start.us ? g->lot.effective : o->start;
		if (begins && from.us <= o->until.us && from.us < end.us)
			add_change(w, from, CHANGE_BEGIN, i);
		if (end.us <= o->until.us)
			add_change(w, end.us > o->start.us ? end : o->start, CHANGE_END, i);
		if (!g->recurs)
			continue;
		struct instant at =
			recurrence_from(&g->recurrence, (struct instant){ from.us + 1 });
		while (at.us <= o->until.us && at.us < end.us) {
			add_change(w, at, CHANGE_RECUR, i);
			at = recurrence_from(&g->recurrence, (struct instant){ at.us + 1 });
		}
	}
	for (size_t i = 0; i < o->events; i++)
		if (o->event[i].op == TIMELINE_RESET)
			add_change(w, o->event[i].at, CHANGE_RESET, 0);
	if (w->changes > 1)
		qsort(w->change, w->changes, sizeof *w->change, by_instant);
}

int timeline_snapshot(struct timeline_grant *grant, size_t grants, struct text id,
		      struct credits_total left, struct err *e)
{
	for (size_t i = 0; i < grants; i++)
		if (text_eq(grant[i].lot.id, id)) {
			grant[i].lot.left = left;
			grant[i].in_snapshot = true;
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "the snapshot names a grant '%.*s' that does not exist",
		       (int)id.n, id.p);
}

static int check_events(const struct timeline *o, struct err *e)
{
	const struct timeline_event *event = o->event;
	for (size_t i = 0; i < o->events; i++) {
		char text[INSTANT_TEXT_MAX];
		if (event[i].at.us < o->start.us || event[i].at.us > o->until.us)
			return err_set(e, ERR_INVALID, "an event at %s is outside the period",
				       instant_format(event[i].at, text));
		if (event[i].op == TIMELINE_RESET && event[i].at.us == o->start.us)
			return err_set(e, ERR_INVALID,
				       "a reset at the very start of the period (%s) has nothing "
				       "before it to roll over",
				       instant_format(event[i].at, text));
		if (event[i].amount.atto < 0)
			return err_set(e, ERR_INVALID, "a use cannot be negative");
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct timeline_event *x = a, *y = b;
	return x->at.us < y->at.us ? -1 : x->at.us > y->at.us;
}

int timeline_run(struct timeline_result *out, const struct timeline *o, struct err *e)
{
	struct timeline_grant *grant = o->grant;
	struct timeline_event *event = o->event;
	const size_t grants = o->grants, events = o->events;
	struct work w = { .of = o, .out = out };
	*out = (struct timeline_result){ 0 };
	int rc = check_events(o, e);
	for (size_t i = 0; rc == 0 && o->has_snapshot && i < grants; i++)
		if (!grant[i].in_snapshot)
			rc = err_set(e, ERR_INVALID,
				     "the snapshot has no balance of the grant '%.*s'",
				     (int)grant[i].lot.id.n, grant[i].lot.id.p);
	if (rc != 0)
		return rc;
	w.sorted = mem_alloc((grants + 1) * sizeof *w.sorted);
	w.use = mem_alloc((grants + 1) * sizeof *w.use);
	if (events > 1)
		qsort(event, events, sizeof *event, by_time);
	list_changes(&w);
	size_t c = 0;
	begin_segment(&w, o->start);
	for (size_t i = 0; i <= events; i++) {
		struct instant upto = i < events ? event[i].at : o->until;
		while (c < w.changes && w.change[c].at.us <= upto.us) {
			struct instant at = w.change[c].at;
			for (; c < w.changes && w.change[c].at.us == at.us; c++)
				apply(&w, &w.change[c]);
			begin_segment(&w, at);
			repay(&w, at);
		}
		if (i == events || event[i].op != TIMELINE_USE)
			continue;
		struct credits_total before = w.overage;
		use_up(&w, event[i].at, event[i].amount);
		out->segment[out->segments - 1].overage.atto += w.overage.atto - before.atto;
	}
	for (size_t i = 0; i < grants; i++)
		if (!counts(&grant[i], o->until))
			grant[i].lot.left.atto = 0;
	out->overage = w.overage;
	free(w.change);
	free(w.sorted);
	free(w.use);
	return 0;
}

void timeline_release(struct timeline_result *r)
{
	free(r->segment);
	free(r->start_balance);
}
