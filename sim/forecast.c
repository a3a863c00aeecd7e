#include "sim/forecast.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "sim/resample.h"

/* Whole weeks that a comparison of weekdays needs. */
enum { WEEKS_LEAST = 4, DAY_S = 86400 };
static const double certain = 0.01;

static int compare_money(const struct money_total *a, const struct money_total *b)
{
	return a->atto < b->atto ? -1 : a->atto > b->atto;
}

/* Ranks of the days, ties shared; *ties: the sum of t^3 - t. */
static double *rank_days(const struct forecast_options *o, double *ties)
{
	double *rank = mem_alloc(o->days * sizeof *rank);
	*ties = 0;
	for (size_t i = 0; i < o->days; i++) {
		double below = 0, same = 0;
		for (size_t k = 0; k < o->days; k++) {
			int c = compare_money(&o->day[k], &o->day[i]);
			below += c < 0;
			same += c == 0;
		}
		rank[i] = below + (same + 1) / 2;
		*ties += same * same - 1; /* summed over its members: t^3 - t */
	}
	return rank;
}

static bool weekdays_differ(const struct forecast_options *o)
{
	double ties, sum[7] = { 0 }, count[7] = { 0 }, h = 0;
	const double n = (double)o->days;
	if (o->days < WEEKS_LEAST * 7)
		return false;
	double *rank = rank_days(o, &ties);
	for (size_t i = 0; i < o->days; i++) {
		size_t w = ((size_t)o->first_weekday + i) % 7;
		sum[w] += rank[i];
		count[w]++;
	}
	free(rank);
	for (int w = 0; w < 7; w++)
		h += sum[w] * sum[w] / count[w];
	h = 12 / (n * (n + 1)) * h - 3 * (n + 1);
	double correction = 1 - ties / (n * n * n - n);
	return correction > 0 && gsl_cdf_chisq_Q(h / correction, 6) < certain;
}

static int trend_of(const struct forecast_options *o)
{
	double s = 0;
	const double n = (double)o->days;
	for (size_t i = 0; i < o->days; i++)
		for (size_t k = i + 1; k < o->days; k++)
			s += compare_money(&o->day[k], &o->day[i]);
	double z = (fabs(s) - 1) / sqrt(n * (n - 1) * (2 * n + 5) / 18);
	if (s == 0 || 2 * gsl_cdf_ugaussian_Q(z) >= certain)
		return 0;
	return s > 0 ? 1 : -1;
}

struct pool {
	const struct money_total *day[7];
	size_t count[7];
	struct money_total *memory;
};

/* The past days that a coming weekday is drawn from. */
static struct pool pools_of(const struct forecast_options *o, bool seasonal)
{
	struct pool p = { .memory = mem_alloc((o->days + 1) * sizeof *p.memory) };
	size_t n = 0;
	for (size_t w = 0; w < 7; w++) {
		p.day[w] = seasonal ? p.memory + n : o->day;
		p.count[w] = seasonal ? 0 : o->days;
		for (size_t i = 0; seasonal && i < o->days; i++)
			if (((size_t)o->first_weekday + i) % 7 == w) {
				p.memory[n++] = o->day[i];
				p.count[w]++;
			}
	}
	return p;
}

static struct money_total draw_day(const struct pool *p, gsl_rng *rng, size_t weekday)
{
	return p->day[weekday][gsl_rng_uniform_int(rng, p->count[weekday])];
}

static int by_days(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

int forecast_run(struct forecast *out, const struct forecast_options *o, struct err *e)
{
	*out = (struct forecast){ .draws = o->draws };
	if (o->days < FORECAST_DAYS_LEAST)
		return err_set(e, ERR_INVALID,
			       "%zu whole days of history are too few for a forecast; it takes %d",
			       o->days, FORECAST_DAYS_LEAST);
	out->seasonal = weekdays_differ(o);
	out->trend = trend_of(o);
	out->sum = mem_alloc((size_t)o->draws * sizeof *out->sum);
	out->gone_in = mem_alloc((size_t)o->draws * sizeof *out->gone_in);
	struct pool p = pools_of(o, out->seasonal);
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	const size_t today = ((size_t)o->first_weekday + o->days) % 7;
	gsl_rng_set(rng, o->seed & 0xffffffff);
	for (int64_t r = 0; r < o->draws; r++) {
		/* what is left of today has its share of a day, cut */
		int128 sum = draw_day(&p, rng, today).atto / DAY_S * o->rest_of_today_s,
		       spent = sum;
		int64_t gone = sum > o->left.atto ? 0 : -1, d = 1;
		for (; d <= o->horizon_days; d++) {
			spent += draw_day(&p, rng, (today + (size_t)d) % 7).atto;
			if (gone < 0 && spent > o->left.atto)
				gone = d;
		}
		out->sum[r].atto = spent;
		out->over += spent > o->left.atto;
		/* on beyond the horizon until it is gone */
		for (; gone < 0 && d < FORECAST_DAYS_FAR; d++) {
			spent += draw_day(&p, rng, (today + (size_t)d) % 7).atto;
			if (spent > o->left.atto)
				gone = d;
		}
		out->gone_in[r] = gone < 0 ? FORECAST_DAYS_FAR : gone;
	}
	gsl_rng_free(rng);
	free(p.memory);
	resample_sort(out->sum, (size_t)o->draws);
	qsort(out->gone_in, (size_t)o->draws, sizeof *out->gone_in, by_days);
	return 0;
}

void forecast_release(struct forecast *f)
{
	free(f->sum);
	free(f->gone_in);
}

struct money_total forecast_sum_at(const struct forecast *f, int permille)
{
	return resample_quantile(f->sum, (size_t)f->draws, permille);
}

int64_t forecast_gone_at(const struct forecast *f, int permille)
{
	size_t rank = ((size_t)f->draws * (size_t)permille + 999) / 1000;
	return f->gone_in[rank ? rank - 1 : 0];
}
