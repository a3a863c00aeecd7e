#include "sim/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double number_most = 1e12;
static const double normal_p90 = 1.2815515655446004; /* standard normal quantile at 0.9 */

static int number(json_value *v, double least, double *out)
{
	char text[64];
	struct text s = json_number_or_string(v);
	char *end;
	if (!v || s.n == 0 || s.n >= sizeof text)
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	*out = strtod(text, &end);
	return *end == 0 && *out >= least && *out <= number_most ? 0 : -1;
}

static int list(struct distribution *d, json_value *v, bool ascending, struct arena *a)
{
	size_t n = 0;
	for (json_value *m = json_first(v); m; m = json_next(m))
		n++;
	if (json_kind(v) != JSON_ARRAY || n == 0)
		return -1;
	d->value = arena_alloc(a, n * sizeof *d->value);
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		if (number(m, 0, &d->value[d->values]) != 0 ||
		    (ascending && d->values && d->value[d->values] < d->value[d->values - 1]))
			return -1;
		d->values++;
	}
	return 0;
}

static int lognormal(struct distribution *d, json_value *v)
{
	double median, p90;
	if (number(json_member(v, "median"), 1e-9, &median) != 0 ||
	    number(json_member(v, "p90"), median, &p90) != 0)
		return -1;
	d->a = log(median);
	d->b = (log(p90) - log(median)) / normal_p90;
	return 0;
}

int distribution_parse(struct distribution *d, json_value *v, const char *key, double missing,
		       struct arena *a, struct err *e)
{
	static const struct {
		const char *name;
		enum distribution_kind kind;
	} kinds[] = { { "values", DRAW_VALUES },       { "quantiles", DRAW_QUANTILES },
		      { "lognormal", DRAW_LOGNORMAL }, { "poisson", DRAW_POISSON },
		      { "geometric", DRAW_GEOMETRIC }, { "exponential", DRAW_EXPONENTIAL } };
	*d = (struct distribution){ .a = missing };
	if (!v)
		return 0;
	if (json_kind(v) == JSON_NUMBER || json_kind(v) == JSON_STRING)
		return number(v, 0, &d->a) == 0
			       ? 0
			       : err_set(e, ERR_INVALID, "'%s' is a number from 0 to 10^12", key);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		json_value *m = json_member(v, kinds[i].name);
		int rc;
		if (!m)
			continue;
		d->kind = kinds[i].kind;
		if (d->kind == DRAW_VALUES || d->kind == DRAW_QUANTILES)
			rc = list(d, m, d->kind == DRAW_QUANTILES, a);
		else if (d->kind == DRAW_LOGNORMAL)
			rc = lognormal(d, m);
		else
			rc = number(m, d->kind == DRAW_GEOMETRIC ? 1 : 0, &d->a);
		return rc == 0 ? 0
			       : err_set(e, ERR_INVALID,
					 "'%s': %s has other parameters (numbers from 0 to 10^12; "
					 "quantiles ascend)",
					 key, kinds[i].name);
	}
	return err_set(
		e, ERR_INVALID,
		"'%s' is a number, or one of values, quantiles, lognormal, poisson, geometric, "
		"exponential",
		key);
}

static double draw(const struct distribution *d, gsl_rng *rng)
{
	switch (d->kind) {
	case DRAW_VALUES:
		return d->value[gsl.gsl_rng_uniform_int(rng, d->values)];
	case DRAW_QUANTILES: {
		double at = gsl.gsl_rng_uniform(rng) * (double)(d->values - 1);
		size_t i = (size_t)at;
		if (i + 1 >= d->values)
			return d->value[d->values - 1];
		return d->value[i] + (at - (double)i) * (d->value[i + 1] - d->value[i]);
	}
	case DRAW_LOGNORMAL:
		return gsl.gsl_ran_lognormal(rng, d->a, d->b);
	case DRAW_POISSON:
		return gsl.gsl_ran_poisson(rng, d->a);
	case DRAW_GEOMETRIC:
		return gsl.gsl_ran_geometric(rng, 1 / d->a);
	case DRAW_EXPONENTIAL:
		return gsl.gsl_ran_exponential(rng, d->a);
	case DRAW_CONSTANT:
		break;
	}
	return d->a;
}

int64_t distribution_draw(const struct distribution *d, gsl_rng *rng, int64_t least)
{
	double v = draw(d, rng);
	int64_t whole = v > number_most ? (int64_t)number_most : llround(v);
	return whole < least ? least : whole;
}
