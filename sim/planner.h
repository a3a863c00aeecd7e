/*
 * planner: what work that does not exist yet will cost: calls a day of an average size, priced
 * quarter of an hour by quarter of an hour at the prices that the book states for that instant.
 *
 * Calls are spread evenly over the hours of a day, and shares are shares of them: fractions of
 * calls are counted as fractions, so that a small plan is a large one divided. Every figure is
 * exact until it is rounded once, when it is complete: amounts at the last place of totals, counts
 * to whole ones.
 */
#ifndef TALLY_SIM_PLANNER_H
#define TALLY_SIM_PLANNER_H

#include "base/zone.h"
#include "pricing/plan.h"
#include "sim/plan_range.h"

enum { PLANNER_PARTS_MAX = 4, PLANNER_DAYS_MAX = 3660, SHARE_WHOLE = 1000000 };

/* A share of the calls that a model answers, in millionths. */
struct planner_part {
	const char *model, *service_tier; /* tier "": standard */
	int64_t share;
	bool again; /* beside the answer that the call has already: an escalation or a retry */
};

struct planner_scenario {
	const char *name;
	struct planner_part part[PLANNER_PARTS_MAX];
	int parts;
	struct plan_range share; /* of the first model named, where there are two */
};

struct planner_work {
	int64_t per_day;	       /* calls on each day of work */
	int64_t growth;		       /* a month, in millionths; compounded */
	int64_t cached, input, output; /* tokens of a call; cached is the part of its prompt that a
					  cache may hold */
	int64_t last_longer;	 /* tokens by which the longest prompt is longer than the average */
	int64_t hit_ratio;	 /* share of calls that find it, in millionths; the others write it
				    where the model bills writes, and else pay it as input */
	int64_t first_day, days; /* civil days in the zone */
	int first_quarter, end_quarter; /* of the day, in quarter hours; wraps where first > end */
	unsigned weekdays;		/* bit 0: Monday */
	const struct zone *zone;
};

/* What is summed before it is rounded, in parts of one (planner.c): amounts in whole units of 1e-18
 * and the parts that are left of them. */
struct planner_parts {
	int128 calls, requests, tokens[BUCKET_COMMON], unpriced, uncovered;
	int128 cost, cost_rest, credits, credits_rest;
};

/* What a day, a month or the whole costs. Counts are rounded, those that are left out to the next
 * whole one. */
struct planner_sums {
	int64_t day;					/* the first of it */
	int64_t calls, requests, tokens[BUCKET_COMMON]; /* requests: with escalations and retries */
	int128 calls_millionths;			/* exact */
	struct money_total cost;
	struct credits_total credits;
	int64_t unpriced, uncovered; /* requests that are left out of cost and credits */
	struct planner_parts parts;  /* private */
};

struct planner_result {
	struct planner_sums total;
	struct planner_sums *day, *month, *quarter; /* of the calendar */
	size_t days, months, quarters;
	struct err unpriced, uncovered; /* the first reason */
	const char *too_long; /* a model whose context the prompt does not fit into, or NULL */
};

/* What the work is priced by. */
struct planner_prices {
	const struct book *book;
	const struct plan *plan; /* NULL: no credits */
	const char *currency;
};

/* Errors: ERR_RANGE. */
int planner_run(struct planner_result *out, const struct planner_work *w,
		const struct planner_scenario *s, const struct planner_prices *prices,
		struct err *e);
void planner_release(struct planner_result *r);

/*
 * NAME=SPEC or SPEC: MODEL, batch:MODEL, share:P:A:B (P of the calls to A, the others to B),
 * escalate:P:A:B (all to A, and P of them to B as well). P as 5% or 0.05. The texts live in the
 * arena. P may be a range, and is the likely one then. Errors: ERR_INVALID.
 */
int planner_scenario_parse(struct planner_scenario *out, const char *spec, struct arena *arena,
			   struct err *e);
/* The share at that end of its range; retries are added after it. */
void planner_scenario_take(struct planner_scenario *s, enum plan_end end);
/* 5% or 0.05 as millionths; at most `most`. Errors: ERR_INVALID. */
int planner_share_parse(int64_t *out, struct text s, int64_t least, int64_t most, struct err *e);

#endif
