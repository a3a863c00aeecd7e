/* The workload of what is metered. */
#include "sim/workload_store.h"

#include <stdlib.h>

#include "meter/read/call_times.h"
#include "meter/store/archived.h"
#include "sim/workload_build.h"

struct standing {
	struct workload_build b;
	struct store *s;
	const struct workload_of *of;
	struct call_times times;
	int64_t *seq;	  /* of each call */
	struct dict last; /* record's own row to 1 + place of the call that stands for it */
	bool *gone;
	size_t room;
	struct err e;
};

static size_t place_of(struct standing *st, int64_t first)
{
	uint64_t *known = dict_find(&st->last, (struct text){ (const char *)&first, sizeof first });
	if (known)
		return (size_t)*known - 1;
	size_t low = 0, high = st->b.w->count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (st->seq[mid] < first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < st->b.w->count && st->seq[low] == first ? low : SIZE_MAX;
}

static void refuse(struct standing *st, const struct usage_row *row, const char *why)
{
	st->b.w->refused++;
	if (st->of->refused)
		st->of->refused(st->of->refused_user, "database", row->seq, why);
}

static int take_row(void *user, const struct usage_row *row)
{
	struct standing *st = user;
	struct workload_build *b = &st->b;
	struct workload *w = b->w;
	const int64_t first = row->of ? row->of : row->seq;
	if (row->kind == USAGE_REVERSAL) {
		size_t at = place_of(st, first);
		if (at != SIZE_MAX)
			st->gone[at] = true;
		return 0;
	}
	if ((b->customer && !text_is(row->record.text[FIELD_CUSTOMER], b->customer)) ||
	    (b->project && !text_is(row->record.text[FIELD_PROJECT], b->project)))
		return 0;
	if (row->flags & USAGE_AGGREGATE) {
		if (row->kind == USAGE_RECORD)
			refuse(st, row, NO_BUCKETS);
		return 0;
	}
	const size_t before = w->count;
	int64_t us;
	const enum call_place place =
		call_times_place(&st->times, row->record.time_us, row->record.completed_us, &us);
	const char *why = place == CALL_INSIDE
				  ? build_record(b, &row->record, row->flags & USAGE_BROKEN_OFF, us)
			  : place == CALL_OUTSIDE ? NULL
						  : call_place_reason(place);
	w->outside += place == CALL_OUTSIDE;
	if (why)
		refuse(st, row, why);
	if (w->count == before)
		return 0;
	if (w->count > st->room) {
		st->room = st->room ? st->room * 2 : 1024;
		st->seq = mem_grow(st->seq, st->room * sizeof *st->seq);
		st->gone = mem_grow(st->gone, st->room * sizeof *st->gone);
		w->metered = mem_grow(w->metered, st->room * sizeof *w->metered);
		w->metered_lacks = mem_grow(w->metered_lacks, st->room * sizeof *w->metered_lacks);
	}
	const struct stored_price *p;
	st->seq[before] = row->seq;
	st->gone[before] = false;
	if (row->of)
		*dict_need(&st->last, (struct text){ (const char *)&first, sizeof first }, NULL) =
			before + 1;
	int rc = store_stored_price(st->s, row->price, &p, &st->e);
	if (rc == 0)
		rc = stored_price_amount(p, row->record.counts, row->record.requests,
					 &w->metered[before], &st->e);
	if (rc != 0)
		return rc;
	w->metered_lacks[before] = p->reason.n				 ? METERED_UNPRICED
				   : fees_at_least(p->fee, p->fee_count) ? METERED_UNSAID
									 : METERED_WHOLE;
	if (p->reason.n == 0 && !w->metered_currency)
		w->metered_currency = arena_text(&w->arena, p->currency.p, p->currency.n);
	if (p->reason.n == 0 && !text_is(p->currency, w->metered_currency))
		return err_set(&st->e, ERR_USAGE,
			       "the database holds records priced in %s and in %.*s; choose a "
			       "customer or a period with one currency",
			       w->metered_currency, (int)p->currency.n, p->currency.p);
	return 0;
}

/* Reversed calls leave. */
static void drop_gone(struct standing *st)
{
	struct workload *w = st->b.w;
	size_t kept = 0;
	for (size_t i = 0; i < w->count; i++) {
		if (st->gone[i])
			continue;
		*work_part_call(w->part, kept) = *work_part_call(w->part, i);
		w->metered[kept] = w->metered[i];
		w->metered_lacks[kept++] = w->metered_lacks[i];
	}
	w->count = kept;
	if (w->parts)
		w->part->count = kept;
}

int workload_of_store(struct workload **out, struct store *s, const struct workload_of *of,
		      struct err *e)
{
	struct standing st = {
		.b = { .w = mem_zalloc(sizeof *st.b.w),
		       .customer = of->customer,
		       .project = of->project },
		.s = s,
		.of = of,
		.times = { .since = of->since, .until = of->until },
	};
	st.b.w->shape = "database";
	int rc = store_each_row(
		s, &(struct row_span){ 1, store_last_seq(s), of->since.us, of->until.us }, take_row,
		&st, e);
	if (rc != 0 && st.e.code != ERR_NONE) {
		rc = err_pass(e, &st.e);
	}
	if (rc == 0)
		drop_gone(&st);
	free(st.seq);
	free(st.gone);
	dict_release(&st.last);
	if (rc == 0 && st.b.w->count == 0)
		rc = err_set(e, ERR_NOT_FOUND, "there is no usage of that kind and period");
	if (rc != 0) {
		build_release(&st.b);
		workload_close(st.b.w);
		return rc;
	}
	build_finish(&st.b, of->order);
	*out = st.b.w;
	return 0;
}
