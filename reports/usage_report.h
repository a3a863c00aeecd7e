/* usage_report: what `tally usage` shows: a table, one JSON document, CSV, or a report to hand on.
 */
#ifndef TALLY_REPORTS_USAGE_REPORT_H
#define TALLY_REPORTS_USAGE_REPORT_H

#include "meter/store/price_dates.h"
#include "meter/store/stood_in.h"
#include "meter/store/usage_query.h"
#include "reports/json_out.h"
#include "reports/memo.h"
#include "reports/unpriced_report.h"

enum usage_order { USAGE_ORDER_KEY, USAGE_ORDER_COST, USAGE_ORDER_RECORDS };

struct usage_report {
	const struct usage_result *result;
	const enum grouping *dim;
	size_t dim_count;
	enum usage_order order;
	int64_t limit;	   /* 0: all groups */
	int64_t uncovered; /* records that draw no credits until their account's plan covers them */
	int64_t conflicts; /* of the whole database: later records of an id, with other content */
	struct lower_bound bound;
	bool hits;		  /* the share of cache hits is a column of the table */
	bool recorded;		  /* what sources say of costs is shown, too */
	const char *timezone;	  /* of days and hours; NULL: UTC */
	struct price_dates dates; /* what hangs on changes of prices whose day is not known */
	struct named_calls stand_ins, moving;
};

void usage_report_table(const struct usage_report *r);
/* The whole document; the caller opens and closes j. */
void usage_report_put(struct json_out *j, const struct usage_report *r);
void usage_report_csv(const struct usage_report *r);
/* With the table's columns and remarks; about: the period and what is left out by filters. */
void usage_report_memo(struct memo *out, const struct usage_report *r, const char *about);

/* "tokens": {...} with the six common buckets and those others that are used. */
/* Parts and units that are not 0, as members of the open object. */
void put_other_counts(struct json_out *j, const int64_t *counts);
void put_tokens_object(struct json_out *j, const int64_t tokens[BUCKET_COUNT]);
/* The members of a group or a whole: records, requests, tokens, total, unpriced. */
void put_usage_sums(struct json_out *j, const struct usage_sums *s);
/* A sentence of it for people: empty where nothing hangs on it. */
void price_dates_words(struct buf *b, const struct price_dates *d);
/* "unpriced_reasons": [...] */
void put_unpriced_reasons(struct json_out *j, const struct usage_result *r);
/* The same for people; noun and mend as print_unpriced has them. */
struct unpriced usage_unpriced(const struct usage_result *r, const char *noun, const char *mend);

#endif
