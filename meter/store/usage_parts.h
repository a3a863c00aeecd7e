/*
 * usage_parts: what the parts of a query share. Internal to meter/store/.
 */
#ifndef TALLY_METER_STORE_USAGE_PARTS_H
#define TALLY_METER_STORE_USAGE_PARTS_H

#include "base/dict.h"
#include "meter/store/archived.h"
#include "meter/store/store_models.h"
#include "meter/store/usage_query.h"

#define QUARTER_US (900 * US_PER_SECOND)
#define QUARTERS_A_DAY 96

struct group;

/* A UTC day that two local days share: its cells are told of one of them, at cell_us, and its rows
 * of [from_us, to_us), the shorter part, are moved to the other. */
struct split {
	int64_t day, cell_us, from_us, to_us;
};

struct usage_result {
	enum grouping dim[GROUPING_COUNT];
	size_t dim_count;
	struct usage_sums total;
	struct group **group; /* in the arena */
	size_t group_count;
	struct dict index; /* labels to 1 + group */
	struct arena arena;
	char currency[16];
	struct usage_reason *reason;
	size_t reason_count;
	int64_t from_source[LOG_SOURCES]; /* records of what the filter wants */
	/* while the query runs */
	struct store *store;
	const struct usage_filter *filter;
	struct instant asked; /* what names of models mean is asked for then */
	const struct zone *zone;
	struct buf key;
	struct dict reason_index;
	int (*take)(void *user, const struct usage_call *call); /* NULL: groups are made */
	void *user;
	/* local time of the last cell */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
	/* cells of UTC days that are told by local days: see split_day */
	bool splits, moving;
	struct split split;
};

/* What a query adds up: a cell of a rollup, or a row. */
struct cell {
	int64_t time_us; /* any instant of the cell; the first one where last_us is told */
	int64_t last_us; /* of a session's calls */
	int64_t price;
	const struct subject_names *subject;
	const struct series_names *series; /* NULL: the cell is of many */
	struct text task, session;
	struct usage_sums sums;	   /* without cost */
	struct stated_cost stated; /* of a row, where it is asked for */
};

/* --- usage_groups.c: what a query gives --- */

/* Whether some label is one of time. */
bool usage_by_time(const struct usage_result *r);

/* Whether a label is the series' own: neither its subject's nor its price's. */
bool usage_is_of_series(enum grouping d);

struct text usage_text_label(const struct cell *c, const struct stored_price *price,
			     enum grouping d);

/* Whether two instants have the same labels of time. */
bool usage_same_labels(struct usage_result *r, int64_t a_us, int64_t b_us);

/* By its session and its series; its model is known once its price is. */
bool usage_is_wanted(const struct usage_result *r, const struct cell *c);

/* Its price, and whether it is wanted by all that the filter says. */
int usage_find_wanted(struct usage_result *r, const struct cell *c,
		      const struct stored_price **price, bool *wanted, struct err *e);

/* Prices it and adds it to its group, where it is wanted. */
int usage_take_cell(struct usage_result *r, struct cell *c, struct err *e);

/* What the logs that it comes from leave out. */
void usage_see_sources(struct lower_bound *out, const struct usage_result *r);

/* The total, groups and reasons in their order, once everything was taken. */
int usage_settle(struct usage_result *r, struct err *e);

/* --- usage_edges.c: what only rows tell, and rarer counts --- */

/* Rarer buckets and units of the same quarters, placeholders and sources. */
int usage_take_more(struct usage_result *r, int64_t from, int64_t to, struct err *e);

/* Rows [from, to] whose instants lie in [since, until), one by one. */
int usage_take_rows(struct usage_result *r, int64_t from, int64_t to, int64_t since, int64_t until,
		    struct err *e);

/* The rows up to rolled_to of [since, until), which is no whole number of cells. */
int usage_take_edge(struct usage_result *r, int64_t since, int64_t until, int64_t rolled_to,
		    struct err *e);

/* The rows in which quarters [from, to) can be. */
int usage_rows_of_quarters(struct usage_result *r, int64_t from, int64_t to, int64_t *lowest,
			   int64_t *highest, struct err *e);

/* The period from cells of sessions, which are of all rows up to `last`. */
int usage_take_sessions(struct usage_result *r, int64_t last, struct err *e);

/* How many units reach at least so far. */
int64_t usage_round_up(int64_t us, int64_t unit);

/* --- usage_cells.c: what rollups hold of a period --- */

/* The cells [from, to) of days or quarters. */
int usage_take_rollup(struct usage_result *r, int64_t from, int64_t to, bool by_day, struct err *e);

/* Whether the cells of UTC days serve local days: those of hours do not, and where rows were stored
 * in no order of time all of them are read once instead. */
int usage_can_split(struct usage_result *r, int64_t from, int64_t to, int64_t rolled, bool *out,
		    struct err *e);

/* Moves what cells of UTC days hold of another local day, of the days that there are. */
int usage_move_days(struct usage_result *r, int64_t from, int64_t to, int64_t rolled_to,
		    struct err *e);

#endif
