/*
 * money: amounts of a currency (or of credits) that cannot be mixed with other numbers, and exact
 * totals of them.
 *
 * struct money is what a price list quotes: whole 1e-12 of the currency unit in 64 bits, up to
 * about 9.2 million units. struct money_total is what calls add up to: whole 1e-18 in 128 bits, up
 * to about 1.7e20 units. Tokens times a price per million tokens is a whole number of 1e-18, so
 * totals never round; rounding happens only where a plan or an invoice names it. Credits use types
 * of their own (struct credits...), so that adding dollars to credits does not compile.
 */
#ifndef TALLY_BASE_MONEY_H
#define TALLY_BASE_MONEY_H

#include "base/decimal.h"

struct money {
	int64_t pico;
};
struct money_total {
	int128 atto;
};
struct credits_total {
	int128 atto;
};

enum { MONEY_PLACES = 12, MONEY_TOTAL_PLACES = 18, PER_MILLION = 1000000 };

/* A decimal with at most 12 decimals and at most 63 bits of 1e-12. Errors: ERR_RANGE when finer or
 * larger. */
int money_from_decimal(struct money *out, struct decimal d, struct err *e);
char *money_format(struct money m, char buf[DECIMAL_TEXT_MAX]);
/* m x factor; false where that is finer than 1e-12, or too large. */
bool money_times(struct money m, struct decimal factor, struct money *out);
char *money_total_format(struct money_total t, char buf[DECIMAL_TEXT_MAX]);
char *credits_format(struct credits_total t, char buf[DECIMAL_TEXT_MAX]);

/*
 * amount per `per` units, for count units. per must divide 1,000,000 (1, 10, ... 1,000,000) or the
 * count. False on overflow, and the total is then unchanged.
 */
bool money_total_add_units(struct money_total *t, struct money amount, int64_t count, int64_t per);

static inline bool money_total_add(struct money_total *t, struct money_total more)
{
	return !__builtin_add_overflow(t->atto, more.atto, &t->atto);
}
static inline bool credits_add(struct credits_total *t, struct credits_total more)
{
	return !__builtin_add_overflow(t->atto, more.atto, &t->atto);
}
/* tokens x price per million; the product of two 63-bit numbers always fits. */
static inline struct money_total money_of_tokens(struct money per_million, int64_t tokens)
{
	return (struct money_total){ (int128)per_million.pico * tokens };
}
static inline struct money_total money_total_minus(struct money_total a, struct money_total b)
{
	return (struct money_total){ a.atto - b.atto };
}

enum rounding_mode { ROUND_NONE, ROUND_UP, ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_EVEN };
/* To whole units (1e18 atto). ROUND_UP is away from zero, ROUND_HALF_UP is half away from zero. */
struct credits_total credits_round(struct credits_total c, enum rounding_mode mode);

#endif
