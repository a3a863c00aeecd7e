#include "meter/read/call_times.h"

/* calendar years 1 to 9999 */
static const int64_t lowest_us = -INT64_C(62135596800000000), last_us = INT64_C(253402300799999999);

const char *call_place_reason(enum call_place p)
{
	return p == CALL_WITHOUT_INSTANT ? "field 'time' is missing, and without its instant a "
					   "call has no price (the option 'at' gives one)"
	       : p == CALL_BEYOND_YEARS
		       ? "field 'time': the instant lies outside the years 1 to 9999"
		       : "";
}

void call_times_begin(struct call_times *t, bool relative, int64_t first_us)
{
	t->shift_us = !t->has_at	      ? 0
		      : relative	      ? t->at.us
		      : first_us == INT64_MAX ? 0
					      : t->at.us - first_us;
}

static inline int64_t instant_of(const struct call_times *t, int64_t time_us, int64_t completed_us)
{
	const int64_t us = time_us != TIME_ABSENT ? time_us : completed_us;
	return us != TIME_ABSENT ? us + t->shift_us : t->has_at ? t->at.us : TIME_ABSENT;
}

static inline bool is_inside(const struct call_times *t, int64_t us)
{
	return us >= t->since.us && us < t->until.us && us >= lowest_us && us <= last_us;
}

static enum call_place place_of(const struct call_times *t, int64_t us)
{
	return is_inside(t, us)			? CALL_INSIDE
	       : us == TIME_ABSENT		? CALL_WITHOUT_INSTANT
	       : us > last_us || us < lowest_us ? CALL_BEYOND_YEARS
						: CALL_OUTSIDE;
}

enum call_place call_times_place(const struct call_times *t, int64_t time_us, int64_t completed_us,
				 int64_t *us)
{
	*us = instant_of(t, time_us, completed_us);
	return place_of(t, *us);
}

/* When each row happened; *all: the first and the last, of which an absent one is the first. */
static void instants_of(const struct call_times *t, const struct record_batch *b,
			int64_t us[BATCH_ROWS], struct call_span *all)
{
	const bool has_time = b->columns >> FIELD_TIME & 1,
		   has_completed = b->columns >> FIELD_COMPLETED & 1;
	const struct call_times how = *t;
	int64_t first = INT64_MAX, last = INT64_MIN;
	for (size_t i = 0; i < b->n; i++) {
		const int64_t at = instant_of(&how, has_time ? b->time_us[i] : TIME_ABSENT,
					      has_completed ? b->completed_us[i] : TIME_ABSENT);
		us[i] = at;
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	*all = (struct call_span){ first, last };
}

static void widen(struct call_span *span, struct call_span more)
{
	span->first_us = more.first_us < span->first_us ? more.first_us : span->first_us;
	span->last_us = more.last_us > span->last_us ? more.last_us : span->last_us;
}

void call_times_batch(const struct call_times *t, struct record_batch *b, int64_t us[BATCH_ROWS],
		      struct call_span *span,
		      void (*leave)(void *user, const struct record_batch *b, size_t row,
				    enum call_place why),
		      void *user)
{
	struct call_span all;
	uint8_t drop[BATCH_ROWS];
	size_t kept = 0;
	instants_of(t, b, us, &all);
	if (is_inside(t, all.first_us) && is_inside(t, all.last_us)) {
		widen(span, all);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		drop[i] = !is_inside(t, us[i]);
		if (drop[i])
			leave(user, b, i, place_of(t, us[i]));
		else
			widen(span, (struct call_span){ us[i], us[i] });
		us[kept] = us[i];
		kept += !drop[i];
	}
	record_batch_drop(b, drop);
}

void call_times_see_first(const struct record_batch *b, int64_t *first_us)
{
	static const struct call_times as_they_are;
	const bool has_time = b->columns >> FIELD_TIME & 1,
		   has_completed = b->columns >> FIELD_COMPLETED & 1;
	for (size_t i = 0; i < b->n; i++) {
		const int64_t us = instant_of(&as_they_are, has_time ? b->time_us[i] : TIME_ABSENT,
					      has_completed ? b->completed_us[i] : TIME_ABSENT);
		if (us != TIME_ABSENT && us < *first_us)
			*first_us = us;
	}
}

int call_times_need_at(const char *path, const char *shape, bool relative, bool has_at,
		       struct err *e)
{
	return relative && !has_at ? err_set(e, ERR_USAGE, TRACE_NEEDS_AT, path, shape) : 0;
}

int call_times_check(struct trace *const *trace, size_t count, bool has_at, bool *relative,
		     struct err *e)
{
	bool absolute = false;
	*relative = false;
	for (size_t i = 0; i < count; i++) {
		const struct trace *t = trace[i];
		const bool from_start = trace_shape(t)->time != TIME_INSTANT,
			   timed = trace_may_have(t, FIELD_TIME) ||
				   trace_may_have(t, FIELD_COMPLETED);
		int rc = call_times_need_at(trace_path(t), trace_shape(t)->name, from_start, has_at,
					    e);
		if (rc != 0)
			return rc;
		if (!timed && !has_at)
			return err_set(e, ERR_USAGE, TRACE_HAS_NO_INSTANTS, trace_path(t));
		*relative |= from_start;
		absolute |= !from_start && timed;
	}
	return *relative && absolute ? err_set(e, ERR_USAGE, TIMES_ARE_MIXED) : 0;
}
