/*
 * migration: a workload on other models, as it was and as it will be.
 *
 * The same calls are replayed three times under every scenario: when they were made, moved by whole
 * weeks to the first month after the move, and moved once more to see what they cost once announced
 * changes of price have come. Weekdays and hours stay, so peak hours fall where they fell.
 */
#ifndef TALLY_SIM_MIGRATION_H
#define TALLY_SIM_MIGRATION_H

#include "sim/sensitivity.h"

enum { MIGRATION_MONTH_DAYS = 30, MIGRATION_LATER_DAYS = 182 };

struct migration_result {
	struct whatif_result *past, *month, *later; /* one a scenario */
	struct sensitivity *sensitivity;	    /* of the first month, a tenth */
	int64_t first_day, days;      /* UTC days from the first call to the last, both included */
	int64_t month_day, later_day; /* where the first of them is moved to */
	int64_t longest_prompt;	      /* tokens, as recorded */
};

/* The calls are moved and put back. The first month begins on start_day (UTC) or within the six
 * days after it. Errors: ERR_NOT_FOUND (no calls), and those of whatif_run. */
int migration_run(struct migration_result *out, const struct whatif_options *o, struct workload *w,
		  int64_t start_day, struct err *e);
void migration_release(struct migration_result *m, size_t scenarios);

/* Thirty days: the first that were replayed, or fewer scaled up. Half up to 1e-18. */
struct money_total migration_first_month(const struct migration_result *m, size_t scenario);
/* A twelfth of 365 days at the later prices. */
struct money_total migration_month_rate(const struct migration_result *m, size_t scenario);
struct money_total migration_year_rate(const struct migration_result *m, size_t scenario);
struct credits_total migration_month_credits(const struct migration_result *m, size_t scenario);
/* Calls of a scenario that are too long for the model that would answer them. */
int64_t migration_does_not_fit(const struct whatif_result *r);

#endif
