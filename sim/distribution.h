/*
 * distribution: how a number of a synthetic workload is spread, as a specification writes it.
 *
 * A number (always that), {"values": [..]} (one of them), {"quantiles": [..]} (of equal steps from
 * the least to the largest, between them in a straight line), {"lognormal": {"median": M, "p90":
 * P}}, {"poisson": MEAN}, {"geometric": MEAN} (from 1) or {"exponential": MEAN}. Draws are GSL's.
 * Binary floating point: what is drawn becomes whole tokens, and is then priced exactly.
 */
#ifndef TALLY_SIM_DISTRIBUTION_H
#define TALLY_SIM_DISTRIBUTION_H

#include "base/arena.h"
#include "base/json.h"
#include "sim/gsl.h"

enum distribution_kind {
	DRAW_CONSTANT,
	DRAW_VALUES,
	DRAW_QUANTILES,
	DRAW_LOGNORMAL,
	DRAW_POISSON,
	DRAW_GEOMETRIC,
	DRAW_EXPONENTIAL,
};

struct distribution {
	enum distribution_kind kind;
	double a, b; /* the constant, the mean, or mu and sigma */
	double *value;
	size_t values;
};

/* v NULL: always `missing`. Errors: ERR_INVALID (names key). */
int distribution_parse(struct distribution *out, json_value *v, const char *key, double missing,
		       struct arena *a, struct err *e);
/* A whole number from `least` to 10^12. */
int64_t distribution_draw(const struct distribution *d, gsl_rng *rng, int64_t least);

#endif
