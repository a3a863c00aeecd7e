/*
 * series: usage over time as a chart shows it: filled buckets, the largest keys and the rest of
 * them, whose sums equal the total. What `GET /v1/series` answers.
 */
#ifndef TALLY_REPORTS_SERIES_H
#define TALLY_REPORTS_SERIES_H

#include "meter/store/usage_query.h"

/* name of the measure */
#define SERIES_MEASURES(X) \
	X(SERIES_COST, "cost") \
	X(SERIES_TOKENS, "tokens") \
	X(SERIES_CALLS, "calls") \
	X(SERIES_CREDITS, "credits") \
	X(SERIES_HIT_SHARE, "hit_share")

enum series_measure {
#define X(id, name) id,
	SERIES_MEASURES(X)
#undef X
		SERIES_MEASURE_COUNT
};

enum { SERIES_BUCKETS_MOST = 4000, SERIES_TOP_DEFAULT = 7, SERIES_TOP_MOST = 1000 };

struct series_question {
	enum series_measure measure;
	bool has_by;
	enum grouping by;    /* no time, and no price */
	enum grouping grain; /* BY_HOUR, _DAY, _WEEK or _MONTH */
	int64_t top;	     /* so many keys stand for themselves */
	struct usage_filter filter;
	const struct zone *zone;
	const char *timezone;
	struct instant now;
};
/* Texts of a question; NULL: the default. Errors: ERR_USAGE. */
int series_measure_parse(enum series_measure *out, const char *text, struct err *e);
int series_grain_parse(enum grouping *out, const char *text, struct err *e);
int series_by_parse(struct series_question *q, const char *text, struct err *e);

/* The document "tally.series/1". Errors: ERR_USAGE when there would be too many buckets or keys, or
 * credits are asked for in a way in which they are not kept; those of usage_each_cell. */
int series_put(struct buf *out, struct store *s, const struct series_question *q, struct err *e);

#endif
