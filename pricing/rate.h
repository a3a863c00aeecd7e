/*
 * rate: the one place where usage meets a price. The simulator and the meter both call it.
 *
 * Amounts are exact: tokens x price per million is a whole number of 1e-18, nothing is rounded
 * here.
 */
#ifndef TALLY_PRICING_RATE_H
#define TALLY_PRICING_RATE_H

#include "pricing/card.h"

enum { RATE_LINES_MAX = BUCKET_COUNT + USAGE_UNITS_MAX + 1 };

struct rate_line {
	const char *name; /* bucket, or the unit of a fee */
	int64_t quantity;
	struct money price;
	int64_t per; /* the price is for so many */
	struct money_total amount;
};

struct rating {
	struct rate_line line[RATE_LINES_MAX];
	int line_count;
	struct money_total total;
	bool at_least; /* u leaves unsaid what a fee depends on */
};

/*
 * u times price p under tariff t (one of p's). Errors: ERR_UNPRICED when a bucket or unit that was
 * used has no stated price, when the price needs a unit that u does not name, or when a row of
 * several requests straddles a context tier; ERR_RANGE on overflow; ERR_INVALID from usage_check.
 */
int rate_usage(struct rating *out, const struct usage *u, const struct price *p,
	       const struct tariff *t, struct err *e);

/*
 * The rates that u pays under t. A row of several requests tells only the sum of their prompts, so
 * it has rates only when the sum stays within the lowest tier (then every call does) or t has no
 * tiers.
 */
int rate_tier(const struct rates **out, const struct usage *u, const struct tariff *t,
	      struct err *e);

/* What both money and credits say of a row of several requests that may lie in several tiers. */
#define RATE_TIER_NOT_TOLD \
	"the price depends on the length of each prompt, and a row of several requests does not " \
	"tell it"

/*
 * How many of the price's fees, which are its first ones, a call of u pays: all but the last where
 * that depends on something which u tells. Errors: ERR_UNPRICED when u stands for several requests
 * and tells it of some.
 */
int rate_fees(size_t *out, const struct usage *u, const struct price *p, struct err *e);
/* The same of sums of calls that share a price, so that all or none of them tell it. */
size_t rate_fees_of_sums(const struct price *p, const int64_t units[UNIT_COUNT]);
/* Why the amount of a call that pays those fees is a lower bound; appends nothing where it is not.
 */
void rate_put_unsaid(struct buf *out, const struct fee *fee, size_t count);

/* How many times a row pays the fee. */
int64_t fee_quantity(const struct fee *f, int64_t requests, const int64_t units[UNIT_COUNT]);

/* Tokens that are billed under that bucket's own price: reasoning leaves output, and a part its
 * bucket, only when it has a price. */
int64_t rate_billed_tokens(const struct rates *r, const int64_t *counts, int b);

#endif
