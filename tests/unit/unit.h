/* unit: what every unit test file needs; cmocka wants its headers in this order. */
#ifndef TALLY_TESTS_UNIT_H
#define TALLY_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A small generator for properties; the seed is printed so that a failure can be repeated
 * (TALLY_SEED). */
static inline uint64_t unit_seed(void)
{
	const char *s = getenv("TALLY_SEED");
	uint64_t seed = s ? strtoull(s, NULL, 10) : 20261122;
	print_message("# seed %llu\n", (unsigned long long)seed);
	return seed;
}
static inline uint64_t unit_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545F4914F6CDD1Du;
}

#endif
