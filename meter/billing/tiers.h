/*
 * tiers: what a quantity costs under the kinds of pricing that bills know.
 *
 * Quantities are in billionths of a unit, amounts exact in 1e-18 (a product that is finer is
 * rounded half up to that). Pure arithmetic; knows nothing of invoices.
 */
#ifndef TALLY_METER_BILLING_TIERS_H
#define TALLY_METER_BILLING_TIERS_H

#include "base/money.h"

struct rounding {
	int places; /* decimals */
	enum rounding_mode mode;
};
/* As exactly as totals are kept. */
#define ROUND_EXACT ((struct rounding){ MONEY_TOTAL_PLACES, ROUND_HALF_UP })

struct quantity {
	int128 nano;
};
/* Errors: ERR_RANGE when finer than 1e-9 or too large. */
int quantity_from_decimal(struct quantity *out, struct decimal d, struct err *e);
char *quantity_format(struct quantity q, char buf[DECIMAL_TEXT_MAX]);
/* An amount with at most 18 decimals. Errors: ERR_RANGE. */
int amount_from_decimal(struct money_total *out, struct decimal d, struct err *e);
/* The same from its text. Errors: ERR_RANGE, and those of decimal_parse. */
int amount_parse(struct money_total *out, struct text s, struct err *e);
/* An amount that a document may leave out, which is nothing then. */
int amount_if_stated(struct money_total *out, struct text s, struct err *e);

enum { TIERS_MAX = 32 };

struct tier {
	bool bounded;
	struct quantity up_to; /* inclusive; of the whole quantity */
	struct money_total unit, flat;
};

/* Each unit at the price of the tier that it falls into; a tier's flat amount once it is reached
 * (the first always is). part (may be NULL) has an amount for each tier. Errors: ERR_RANGE. */
int tiers_graduated(const struct tier *tier, size_t count, struct quantity q,
		    struct money_total part[TIERS_MAX], struct money_total *total, struct err *e);
/* All units at the price of the tier that the whole quantity falls into. *which: that tier. */
int tiers_volume(const struct tier *tier, size_t count, struct quantity q, size_t *which,
		 struct money_total *total, struct err *e);

/* Packages of `size`, begun ones count whole. */
int package_amount(struct quantity size, struct money_total price, struct quantity free_units,
		   struct quantity q, struct money_total *total, struct err *e);

/* What a minimum adds to what was used. */
struct money_total minimum_topup(struct money_total used, struct money_total minimum);
/* A share of an amount, but no more than the cap. Errors: ERR_RANGE. */
int fee_of(struct money_total amount, struct decimal percent, struct money_total cap,
	   struct money_total *fee, struct err *e);

/* price x q / per. */
int amount_of(struct money_total price, struct quantity q, struct quantity per,
	      struct money_total *out, struct err *e);

/* a x num / den, rounded; percent: a x percent / 100. */
int amount_percent(struct money_total a, struct decimal percent, struct rounding to,
		   struct money_total *out, struct err *e);
int amount_share(struct money_total a, int64_t num, int64_t den, struct rounding to,
		 struct money_total *out, struct err *e);
/* a times part / whole, exactly before it is rounded, however large they are; 0 <= part <= whole.
 */
struct money_total amount_ratio(struct money_total a, struct money_total part,
				struct money_total whole, struct rounding to);
struct money_total amount_round(struct money_total a, struct rounding to);

#endif
