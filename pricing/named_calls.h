/*
 * named_calls: calls that have something in common which reports tell: how many, what they come to,
 * and the names of the first of those that they are of.
 */
#ifndef TALLY_PRICING_NAMED_CALLS_H
#define TALLY_PRICING_NAMED_CALLS_H

#include "base/money.h"
#include "base/text.h"

enum { CALLS_NAMED = 8 };

struct named_calls {
	int64_t records;
	struct money_total cost;
	/* the first that were met; one of which no record is left (a reversal) is not named */
	struct calls_of {
		char name[64];
		int64_t records;
	} of[CALLS_NAMED];
	size_t count;
	bool others; /* there were more of them */
};

/* False: the sum does not fit. */
bool named_calls_add(struct named_calls *to, struct text name, int64_t records,
		     struct money_total cost);
bool named_calls_merge(struct named_calls *to, const struct named_calls *from);

#endif
