/* charge: sums of usage under one price, taken apart into what each bucket and fee costs. */
#ifndef TALLY_METER_BILLING_CHARGE_H
#define TALLY_METER_BILLING_CHARGE_H

#include "meter/store/usage_query.h"

enum { CHARGE_PARTS_MAX = BUCKET_COUNT + USAGE_UNITS_MAX };

struct charge_part {
	const char *bucket; /* or the unit of a fee */
	struct money price; /* for a million tokens, or for `per` of the unit */
	int64_t per, quantity;
	struct money_total amount; /* exact */
};

/* None where the price is none. Errors: ERR_RANGE. */
int charge_parts(const struct stored_price *p, const struct usage_sums *sums,
		 struct charge_part part[CHARGE_PARTS_MAX], size_t *count, struct err *e);

#endif
