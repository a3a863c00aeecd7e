/*
 * spans: which hours of a model are counted already, so that no number counts twice.
 *
 * A bucket of time (an export's sum of calls) and the calls that it sums up are one usage, and so
 * are buckets of two widths or of two reports. Whichever comes second is refused.
 * Sums that metrics tell are of one stream each and give way to calls; they meet where one series
 * is sent with delta and with cumulative sums, of which the cumulative one counts. Models are
 * compared by what their names resolve to; projects and customers are not, for a vendor's project
 * and one's own are other words.
 */
#ifndef TALLY_METER_INGEST_SPANS_H
#define TALLY_METER_INGEST_SPANS_H

#include "meter/store/store.h"

struct span {
	int64_t from_us, to_us;
	struct text provider; /* empty: not told */
	struct text model;    /* as it resolves; empty: all models */
	struct text shape;    /* of the report */
	struct text id;	      /* of a sum that a metric tells; empty: another bucket */
};

struct spans;
/* The resolved name of a model at a time; valid until the next call. */
typedef struct text spans_resolve(void *user, struct text provider, struct text model,
				  int64_t time_us);
/* s: NULL where nothing is stored, and all that counts is added. Errors: the store's. */
int spans_open(struct spans **out, struct store *s, spans_resolve *resolve, void *user,
	       struct err *e);
void spans_close(struct spans *x);
/* Why the call, or the bucket, must not be counted; NULL: it may. Valid until the next call. */
const char *spans_refuse_call(struct spans *x, struct text provider, struct text model,
			      int64_t time_us);
/* A metric's sum that counts the call, which is no longer known then: its id. It has to be taken
 * back, for the calls themselves say more. */
bool spans_take_sum(struct spans *x, struct text provider, struct text model, int64_t time_us,
		    struct text *id);
/* Another sum of the series, which the cumulative one holds and which must be voided for it;
 * it is no longer known then: its id. */
bool spans_take_part(struct spans *x, const struct span *sum, struct text *id);
/* Why a metric's sum must be refused: it lies neither in nor around one of the series that is told
 * the other way, or is cumulative and overlaps one that began at another instant. NULL: it does
 * not. Valid until the next call. */
const char *spans_refuse_crossing(struct spans *x, const struct span *sum);
/* Errors: the store's. */
int spans_refuse_bucket(struct spans *x, struct store *s, const struct span *bucket,
			const char **why, struct err *e);
/* What was stored since. */
void spans_add_bucket(struct spans *x, const struct span *bucket);
void spans_add_call(struct spans *x, struct text provider, struct text model, int64_t time_us);

#endif
