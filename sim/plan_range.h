/*
 * plan_range: an assumption that is not known to the digit: LOW..HIGH, or LOW..LIKELY..HIGH.
 *
 * A plan with such assumptions is answered at its ends: what it costs when every one of them is
 * low, and when every one is high. No probability is claimed, so none is printed.
 */
#ifndef TALLY_SIM_PLAN_RANGE_H
#define TALLY_SIM_PLAN_RANGE_H

#include "base/decimal.h"

enum plan_end { PLAN_LIKELY, PLAN_LOW, PLAN_HIGH, PLAN_ENDS };

/* A value that is certain is the same at all ends. */
struct plan_range {
	int64_t at[PLAN_ENDS];
};

/* What reads one value of the range: *out stays as it was where it is not one. */
typedef int plan_value(void *user, struct text s, int64_t *out, struct err *e);

/* Without a likely value the middle is likely, rounded down. Errors: ERR_INVALID, those of one. */
int plan_range_parse(struct plan_range *out, struct text s, plan_value *one, void *user,
		     struct err *e);
static inline bool plan_range_uncertain(const struct plan_range *r)
{
	return r->at[PLAN_LOW] != r->at[PLAN_HIGH];
}

#endif
