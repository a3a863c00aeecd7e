/*
 * losses: how dear what may be lost call by call can be in all, where only how often it is lost is
 * known.
 *
 * Of calls that lose nothing or all that they may, independently and each so often that it loses
 * its `mean` on average, all together lose less than losses_most() but once in a million
 * (Bernstein's inequality). Few calls may lose all: where the sum is up to seven times the largest
 * loss, the bound is the sum.
 */
#ifndef TALLY_SIM_LOSSES_H
#define TALLY_SIM_LOSSES_H

#include "base/money.h"

struct losses {
	/* what all lose on average; the largest single one; all together */
	struct money_total mean, largest, all;
	int128 variance; /* at most, in squares of 2^20 atto */
};

/* A call that loses `all` (0 or more) in `part` of `whole` cases, 0 <= part <= whole < 2^43, whole
 * not 0. False where a sum is too large. */
bool losses_add(struct losses *l, struct money_total all, int64_t part, int64_t whole);
/* Adds the sums of other calls. */
bool losses_join(struct losses *l, const struct losses *more);
/* In multiples of 2^20 atto, or the sum of all. */
struct money_total losses_most(const struct losses *l);

#endif
