#include "sim/losses.h"

enum {
	LOG_OF_A_MILLION = 14, /* e to it is 1.2 million */
	UNIT_BITS = 20	       /* of amounts, about a pico, and of chances */
};
static const int128 UNBOUNDED = (int128)(~(uint128)0 >> 1);

static int128 units_up(int128 n)
{
	return (n >> UNIT_BITS) + 1;
}

bool losses_add(struct losses *l, struct money_total all, int64_t part, int64_t whole)
{
	struct losses one = { .largest = all, .all = all };
	const int64_t chance = ((part << UNIT_BITS) + whole - 1) / whole;
	if (__builtin_mul_overflow(all.atto, chance, &one.mean.atto))
		return false;
	one.mean.atto = units_up(one.mean.atto);
	if (__builtin_mul_overflow(units_up(one.mean.atto), units_up(all.atto), &one.variance))
		one.variance = UNBOUNDED;
	return losses_join(l, &one);
}

bool losses_join(struct losses *l, const struct losses *more)
{
	if (more->largest.atto > l->largest.atto)
		l->largest = more->largest;
	if (__builtin_add_overflow(l->variance, more->variance, &l->variance))
		l->variance = UNBOUNDED;
	return money_total_add(&l->mean, more->mean) && money_total_add(&l->all, more->all);
}

/* The least whole number whose square is n or more. */
static int128 root_up(int128 n)
{
	uint128 root = 0;
	for (uint128 bit = (uint128)1 << 63; bit; bit >>= 1)
		if ((root + bit) * (root + bit) < (uint128)n)
			root += bit;
	return n > 0 ? (int128)root + 1 : 0;
}

struct money_total losses_most(const struct losses *l)
{
	int128 twice, most;
	if (__builtin_mul_overflow(l->variance, 2 * LOG_OF_A_MILLION, &twice) ||
	    __builtin_mul_overflow(units_up(l->mean.atto) + root_up(twice) +
					   units_up(l->largest.atto) * LOG_OF_A_MILLION / 3 + 1,
				   (int128)1 << UNIT_BITS, &most))
		return l->all;
	return (struct money_total){ most < l->all.atto ? most : l->all.atto };
}
