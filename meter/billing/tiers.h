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
/* What a minimum adds to what was used. */
struct money_total minimum_topup(struct money_total used, struct money_total minimum);
/* A share of an amount, but no more than the cap. Errors: ERR_RANGE. */
int fee_of(struct money_total amount, struct decimal percent, struct money_total cap,
	   struct money_total *fee, struct err *e);

/* The first increment is charged whole, then steps. */
struct quantity increments(struct quantity first, struct quantity step, struct quantity q);

/* Of what q needs in whole increments, so much a balance can pay. */
struct quantity increments_covered(struct quantity balance, struct quantity increment,
				   struct quantity q);

/* What is left of free units after `before`, taken from q. */
struct quantity billable(struct quantity free_units, struct quantity before, struct quantity q);

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

/* Whole units divided by shares num[i]/den: floor each, and what is left over goes out one by one
 * in order, to shares that are not zero. */
int allocate(int64_t total, const int64_t *num, const int64_t *den, size_t count, int64_t *part,
	     struct err *e);

#endif
