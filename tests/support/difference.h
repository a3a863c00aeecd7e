/*
 * difference: what a later reading of the same quantity adds to what was billed.
 *
 * A price by the unit bills the difference. A price that depends on the whole quantity (volume
 * tiers) takes the old line back and bills a new one where the unit price has changed.
 */
#ifndef TALLY_TESTS_SUPPORT_DIFFERENCE_H
#define TALLY_TESTS_SUPPORT_DIFFERENCE_H

#include "meter/billing/tiers.h"

struct unit_price {
	struct money_total unit; /* when there are no tiers */
	const struct tier *volume;
	size_t tiers;
};

struct difference_line {
	struct quantity quantity; /* negative reverses */
	struct money_total unit, amount;
};

struct difference {
	struct difference_line line[2];
	size_t lines;
	struct money_total net;
};

/* Errors: ERR_RANGE, ERR_INVALID. */
int difference_of(struct difference *out, const struct unit_price *p, struct quantity billed,
		  struct quantity now, struct err *e);

#endif
