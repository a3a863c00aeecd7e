/*
 * call_times: when a call happened, as --at and the period of a command see it: one rule for every
 * reader of traces, logs and packs.
 *
 * A call happened at its start, or at its completion where only that is known. --at moves all calls
 * by the same distance, so that the first one lies there; calls without an instant are at it. What
 * lies outside the period is left out; what has no instant, or none that a calendar knows, is
 * refused.
 */
#ifndef TALLY_METER_READ_CALL_TIMES_H
#define TALLY_METER_READ_CALL_TIMES_H

#include "meter/read/trace.h"

struct call_times {
	bool has_at;
	struct instant at, since, until;
	int64_t shift_us; /* set by call_times_begin */
};

enum call_place { CALL_INSIDE, CALL_OUTSIDE, CALL_WITHOUT_INSTANT, CALL_BEYOND_YEARS };

/* Why a call of the last two places is refused. */
const char *call_place_reason(enum call_place p);

/* Says how far calls move. relative: their times count from the start. first_us: the first call's
 * of all where times are instants; INT64_MAX when none has one. */
void call_times_begin(struct call_times *t, bool relative, int64_t first_us);

/* Where a call lies, and *us when it happened. */
enum call_place call_times_place(const struct call_times *t, int64_t time_us, int64_t completed_us,
				 int64_t *us);

struct call_span {
	int64_t first_us, last_us; /* INT64_MAX and INT64_MIN before the first call */
};

/*
 * The same of a batch: us[i] is when row i happened. Rows that do not lie inside leave the batch,
 * and `leave` hears of each while it still stands in it; span grows by those that stay.
 */
void call_times_batch(const struct call_times *t, struct record_batch *b, int64_t us[BATCH_ROWS],
		      struct call_span *span,
		      void (*leave)(void *user, const struct record_batch *b, size_t row,
				    enum call_place why),
		      void *user);

/* The least instant of a batch and of *first_us. */
void call_times_see_first(const struct record_batch *b, int64_t *first_us);

/*
 * Checks that the instants of traces can be told: all count from their start or none does, and
 * where they have none, --at says when they were. *relative: they count from the start. Errors:
 * ERR_USAGE.
 */
int call_times_check(struct trace *const *trace, size_t count, bool has_at, bool *relative,
		     struct err *e);
/* The same of one of which only its path, shape and kind are known. */
int call_times_need_at(const char *path, const char *shape, bool relative, bool has_at,
		       struct err *e);

#define TIMES_ARE_MIXED \
	"some of the traces have instants and some count from their own start; replay them one " \
	"after the other"
/* Takes the path. */
#define TRACE_HAS_NO_INSTANTS \
	"%s: the trace has no instants, and a price without a date is not a price; give one with " ASKED( \
		"at") ", for example " ASKED("at") " 2026-06-15, or name the column with " ASKED("map") " time=COLUMN"

#endif
