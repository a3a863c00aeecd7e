/*
 * usage_query: sums of the stored usage by any grouping, from the rollups where they suffice and
 * from the rows where they do not; the same answer either way.
 */
#ifndef TALLY_METER_STORE_USAGE_QUERY_H
#define TALLY_METER_STORE_USAGE_QUERY_H

#include "base/zone.h"
#include "meter/formats/lower_bound.h"
#include "meter/read/grouping.h"
#include "meter/read/recorded_cost.h"
#include "meter/store/store.h"

struct usage_filter {
	struct instant since, until;
	/* NULL: any; model: whatever name means it (store_models) */
	const char *customer, *project, *model;
	int64_t seq_until; /* rows up to that one, which must be settled; 0: all */
	int64_t seq_from;  /* rows from that one on; 0: all */
	/* NULL: records that were priced in several currencies are an error; else what was priced
	 * in another one than this is counted as foreign and not summed */
	const char *currency;
	/* costs are of the groups alone, whose prices are told apart, and may be in several
	 * currencies: the total has none */
	bool costs_apart;
	const char *provider, *workload, *effort, *session; /* NULL: any */
	struct instant names_at; /* `model` means what it means then; 0: now */
	bool recorded;		 /* sums hold what sources say of costs: the rows are read for it */
};

/* Of a database that holds records larger than any may be, which an older version took. */
#define USAGE_DOES_NOT_FIT \
	"the records add up to more than a total can hold (`tally fsck` names those that count too " \
	"much, `tally void` reverses them)"

/* When what names mean is asked for. */
struct instant usage_filter_asked(const struct usage_filter *f);

struct usage_sums {
	int64_t records, requests;
	USAGE_COUNTS;
	struct money_total cost;
	int64_t unpriced; /* records without a price */
	/* records whose cost is a lower bound: with only the output count of their answer's start,
	 * or `unsaid` */
	int64_t placeholders;
	int64_t unsaid;	   /* of them: those that do not tell what their price depends on */
	int64_t refused;   /* of a total: records in quarantine that may be of it (refused.h) */
	int64_t foreign;   /* records with a price in another currency than the one asked for */
	int64_t by_seller; /* records that no card prices, but their seller: part of the cost */
	struct money_total sellers;
	struct recorded_cost recorded[COST_KINDS]; /* where the filter asks for it */
};

/* Whether the cost is a lower bound: some of the records have no price, or only part of it, or were
 * refused. */
static inline bool usage_sums_at_least(const struct usage_sums *s)
{
	return s->unpriced != 0 || s->placeholders != 0 || s->refused != 0;
}
/* Errors: ERR_RANGE. */
int usage_sums_add(struct usage_sums *to, const struct usage_sums *more, struct err *e);

struct usage_reason {
	const char *model, *why;
	int64_t records;
};

struct usage_result;
/* What sums are kept apart by; without dims there is only the total. */
struct usage_grouping {
	const enum grouping *dim;
	size_t count;
	const struct zone *zone; /* whose days and hours they are */
};
/* Records that were priced in another currency than the filter's are an error, told by name. */
int usage_query(struct usage_result **out, struct store *s, const struct usage_filter *filter,
		const struct usage_grouping *by, struct err *e);
void usage_result_close(struct usage_result *r);

/* Each row of the period with what it comes to (reversals below zero), in no order; task and
 * session are not told. Where cells of sessions are kept, the calls of a session and price that lie
 * in one quarter of an hour may be told as one. Stops when take returns non-zero, and returns that.
 * Errors: as usage_query.
 */
struct usage_call {
	int64_t time_us, last_us; /* of one row: the same; not told of cells of rollups */
	const struct subject_names *subject;
	const struct series_names *series; /* of a cell of many: NULL */
	const struct stored_price *price;
	struct text task, session; /* where rows are read for them */
	const struct usage_sums *sums;
};
int usage_each(struct store *s, const struct usage_filter *filter, char currency[16],
	       int (*take)(void *user, const struct usage_call *call), void *user, struct err *e);

/*
 * Cells of the period, each of rollups or of a row, in no order: whoever groups by the dims adds up
 * what is told. Where a dim is an hour, time_us lies in the same quarter of an hour of local time
 * as all of the cell, and where it is a longer time in the same local day; where no dim is a time,
 * a cell may be of the whole period. currency is left as it was where nothing was priced. Stops
 * when take returns non-zero, and returns that. Errors: as usage_query.
 */
struct usage_cells {
	struct store *store;
	const struct usage_filter *filter;
	const enum grouping *dim;
	size_t dim_count;
	const struct zone *zone;
	int (*take)(void *user, const struct usage_call *call);
	void *user;
	char currency[16];
	struct lower_bound bound; /* adds up what the sources of the cells cannot tell */
};
int usage_each_cell(struct usage_cells *c, struct err *e);
/* The first and the last instant of which there are records, to the quarter of an hour; *any is
 * false when there are none. */
int usage_span(struct store *s, struct instant *first, struct instant *last, bool *any,
	       struct err *e);

/* The label of a call in a dimension that is no time. */
struct text usage_call_label(const struct usage_call *c, enum grouping d);
/* The label of the day, week, month or hour of an instant; replaces what b holds. */
void usage_time_label(enum grouping d, const struct zone *zone, struct instant at, struct buf *b);

/* What the sources of these records cannot tell: logs that leave calls out, and those of the calls
 * that are placeholders. */
struct lower_bound usage_lower_bound(const struct usage_result *r);
const struct usage_sums *usage_total(const struct usage_result *r);
size_t usage_group_count(const struct usage_result *r);
/* In the order of the labels. */
const struct usage_sums *usage_group(const struct usage_result *r, size_t i);
/* Label of dimension d (its place among the dims asked for). */
struct text usage_label(const struct usage_result *r, size_t group, size_t d);
const char *usage_currency(const struct usage_result *r);
size_t usage_reason_count(const struct usage_result *r);
const struct usage_reason *usage_reason(const struct usage_result *r, size_t i);

#endif
