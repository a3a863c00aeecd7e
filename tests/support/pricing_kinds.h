/* pricing_kinds: kinds of pricing that other billing systems have and our bills do not, for the
 * cases that name them. */
#ifndef TALLY_TESTS_SUPPORT_PRICING_KINDS_H
#define TALLY_TESTS_SUPPORT_PRICING_KINDS_H

#include "meter/billing/tiers.h"

/* Blocks of a size, so many at most a tier (0: any number). */
struct block_tier {
	struct quantity block;
	int64_t blocks_max;
	struct money_total price;
};
int blocks_all(const struct block_tier *tier, size_t count, struct quantity q,
	       struct money_total part[TIERS_MAX], struct money_total *total, struct err *e);
/* Everything in blocks of the highest tier reached; what is above the last maximum stays there. */
int blocks_top(const struct block_tier *tier, size_t count, struct quantity q,
	       struct money_total *total, struct err *e);

/* At most `allowed` for all parts together, first come first served. discount[i] is what a part
 * gives up. Returns what is left to pay. */
struct money_total spend_cap(const struct money_total *part, size_t count,
			     struct money_total allowed, struct money_total *discount);

/* The first increment is charged whole, then steps. */
struct quantity increments(struct quantity first, struct quantity step, struct quantity q);

/* Of what q needs in whole increments, so much a balance can pay. */
struct quantity increments_covered(struct quantity balance, struct quantity increment,
				   struct quantity q);

/* What is left of free units after `before`, taken from q. */
struct quantity billable(struct quantity free_units, struct quantity before, struct quantity q);

/* Whole units divided by shares num[i]/den: floor each, and what is left over goes out one by one
 * in order, to shares that are not zero. */
int allocate(int64_t total, const int64_t *num, const int64_t *den, size_t count, int64_t *part,
	     struct err *e);

#endif
