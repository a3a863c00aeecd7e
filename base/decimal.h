/*
 * decimal: exact decimal numbers as people and JSON write them, before they become money, rates or
 * ratios.
 *
 * value = digits x 10^-scale. Never goes through binary floating point.
 */
#ifndef TALLY_BASE_DECIMAL_H
#define TALLY_BASE_DECIMAL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum { DECIMAL_DIGITS_MAX = 36, DECIMAL_TEXT_MAX = 96 };

struct decimal {
	int128 digits;
	int scale; /* 0..60 after parsing; trailing zeros removed */
};

/* Accepts -?digits[.digits][e[+-]digits] with at most DECIMAL_DIGITS_MAX significant digits and
 * |exponent| <= 60. */
int decimal_parse(struct decimal *out, struct text s, struct err *e);
/* Canonical: no exponent, no leading '+', no trailing zeros. Returns buf. */
char *decimal_format(struct decimal d, char buf[DECIMAL_TEXT_MAX]);
/* digits x 10^-places, canonical; for fixed-point values of up to 128 bits. Returns the length. */
size_t decimal_format_fixed(char buf[DECIMAL_TEXT_MAX], int128 digits, int places);
/* d x 10^places as a whole number: false when it is not whole or does not fit 63 bits. */
bool decimal_to_int64(struct decimal d, int places, int64_t *out);
/* d x 10^power. */
struct decimal decimal_shift(struct decimal d, int power);
/* Half away from zero to at most `significant` digits; *changed tells whether that altered the
 * value. */
struct decimal decimal_round_significant(struct decimal d, int significant, bool *changed);
/* Half away from zero to at most `places` decimals. */
struct decimal decimal_round_places(struct decimal d, int places, bool *changed);
/* False where the sum has more digits than fit. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
/* false on overflow. */
bool decimal_multiply(struct decimal a, struct decimal b, struct decimal *out);
int decimal_cmp(struct decimal a, struct decimal b);
/* a / b rounded half away from zero to `places` decimals (places <= 12); b must not be 0; false on
 * overflow. */
bool ratio_format(int128 a, int128 b, int places, char buf[DECIMAL_TEXT_MAX]);
/* The greatest common divisor of two numbers from 0; of 0 and b it is b. */
int128 greatest_common(int128 a, int128 b);

/* A whole number as people write it, also 10,000, 10_000, 10k, 2.5M, 1G and 1e6; `missing` for
 * NULL. The name is for the message. Errors: ERR_USAGE. */
int count_parse(const char *name, const char *text, int64_t missing, int64_t *out, struct err *e);

#endif
