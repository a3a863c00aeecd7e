/*
 * replay: token traces in, exact totals out, by any grouping.
 *
 * The recorded work is priced record by record with the same rater's rates that metering uses. The
 * result does not depend on the number of threads, the order of files or where they are cut: every
 * sum is exact.
 */
#ifndef TALLY_SIM_REPLAY_H
#define TALLY_SIM_REPLAY_H

#include "base/zone.h"
#include "pricing/plan.h"
#include "pricing/stand_ins.h"
#include "meter/formats/lower_bound.h"
#include "meter/read/grouping.h"
#include "meter/read/recorded_cost.h"
#include "sim/groups.h"
#include "sim/prefix_cache.h"
#include "meter/read/trace.h"

enum boundary { BOUNDARY_START, BOUNDARY_COMPLETION };

struct replay_options {
	bool recorded; /* groups keep what their sources say that they cost */
	const char *const *path;
	size_t path_count;
	const char *format; /* NULL: auto */
	const struct field_map *map;
	size_t map_count;
	const char *model, *remodel, *provider; /* NULL: as recorded */
	bool has_at;
	struct instant at;
	struct instant since, until; /* records outside [since, until) are left out, and counted */
	enum boundary boundary;
	/* Prompts go through a cache, block by block, and every model has one of its own; else hits
	 * are as recorded. */
	bool has_cache;
	struct cache_rules cache;
	int64_t block_tokens; /* 0: the trace's own */
	enum grouping dim[GROUPING_COUNT];
	size_t dim_count;
	const struct zone *zone;
	const struct book *book;
	const struct plan *plan; /* NULL: no credits */
	const char *currency;
	int threads;	  /* 0: one a processor */
	bool strict_only; /* read every record with libcsv or cJSON */
	/* Called about ten times a second from the calling thread; may be NULL. total_bytes is 0
	 * when not known. */
	void (*progress)(void *user, int64_t done_bytes, int64_t total_bytes);
	void *progress_user;
};

/* Why records have no price (or no credits). */
struct replay_reason {
	struct text model;
	const char *why;
	int64_t records;
};

struct replay_refusal {
	const char *path;
	int64_t line; /* 0: not known */
	const char *message;
};

enum { REPLAY_REFUSALS_SHOWN = 20 };

/* What sources say that calls cost, in dollars; and of the charges those that price a call because
 * no card does, which the total holds. */
struct replay_stated {
	int64_t by_seller;
	struct money_total sellers;
	struct recorded_cost recorded[COST_KINDS];
};

struct replay_result;
/* Errors: as the readers; ERR_USAGE where instants are missing, or blocks for a cache. */
int replay_run(struct replay_result **out, const struct replay_options *o, struct err *e);
void replay_result_close(struct replay_result *r);

const struct sums *replay_total(const struct replay_result *r);
size_t replay_group_count(const struct replay_result *r);
void replay_group_sums(const struct replay_result *r, size_t i, struct sums *out);
/* What a group is called: a text for each dimension of options.dim; p is NULL for records that lack
 * it. room holds what must be formatted. */
struct replay_labels {
	struct text text[GROUPING_COUNT];
	char room[GROUPING_COUNT][INSTANT_TEXT_MAX];
};
void replay_group_labels(const struct replay_result *r, size_t i, struct replay_labels *out);

size_t replay_unpriced_count(const struct replay_result *r);
const struct replay_reason *replay_unpriced(const struct replay_result *r, size_t i);
size_t replay_uncredited_count(const struct replay_result *r);
const struct replay_reason *replay_uncredited(const struct replay_result *r, size_t i);

/* What the logs that were read cannot tell. */
const struct lower_bound *replay_lower_bound(const struct replay_result *r);
const struct replay_stated *replay_stated(const struct replay_result *r);
int64_t replay_refused(const struct replay_result *r);
/* The first ones, in the order of files and lines. */
size_t replay_refusal_count(const struct replay_result *r);
const struct replay_refusal *replay_refusal(const struct replay_result *r, size_t i);
/* A file that ended too early or could not be read on; NULL when all is well. */
const char *replay_damage(const struct replay_result *r);

/* Records left out by since and until. */
int64_t replay_outside(const struct replay_result *r);
/* First and last instant that was priced; false when there is none. */
bool replay_span(const struct replay_result *r, struct instant *first, struct instant *last);
/*
 * Records whose completion is known, and how much more the others' choice of the deciding instant
 * would have cost (may be negative). sensitive: records for which it makes a difference.
 */
void replay_boundary(const struct replay_result *r, int64_t *known, int64_t *sensitive,
		     struct money_total *difference);
/* Records of a time in which the price may have changed already: the old one was last seen before,
 * the new one first after. What they would cost more by the new ones (may be negative). */
struct dates_in_doubt {
	int64_t records;
	struct money_total difference;
};
const struct dates_in_doubt *replay_dates(const struct replay_result *r);
const struct named_calls *replay_stand_ins(const struct replay_result *r);
/* The same of those whose name moves to newer models. */
const struct named_calls *replay_moving_names(const struct replay_result *r);
/* Whether prompts name their blocks, which only a cache looks at. */
bool replay_ignored_blocks(const struct replay_result *r);
/* Columns of CSV files that feed no field, for a note; NULL when there are none. */
const char *replay_unused_columns(const struct replay_result *r);
/* Columns and keys of numbers that nothing is known of, so that they may count what is billed; NULL
 * when there are none. */
const char *replay_doubtful_columns(const struct replay_result *r);
/* Bytes of zero that crashes left in logs. */
int64_t replay_zeros(const struct replay_result *r);

#endif
