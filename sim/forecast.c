#include "sim/forecast.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "sim/resample.h"

static const double certain = 0.01;

static int compare_money(const struct money_total *a, const struct money_total *b)
{
	return a->atto < b->atto ? -1 : a->atto > b->atto;
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

enum { POOL_LEAST = 3 };
/* A ratio as a whole number of 2^-30. */
#define RATIO_ONE (INT64_C(1) << 30)
#define RATIO_MOST (INT64_C(1) << 50)

/* What coming weekdays of one group are drawn from. */
struct pool {
	size_t *day;   /* past days */
	size_t *again; /* as many of them, drawn with replacement for one future */
	size_t count;
};

struct drawing {
	const struct forecast_options *o;
	const struct day_model *model;
	gsl_rng *rng;
	struct pool pool[7];
	size_t *memory;
};

/* The days of the level that holds now: those of the same kind where there are some, else all. */
static void make_pools(struct drawing *d)
{
	const size_t days = d->o->days, first = d->model->first;
	size_t *next = d->memory = mem_alloc(2 * 7 * (days + 1) * sizeof *d->memory);
	for (int w = 0; w < 7; w++) {
		struct pool *p = &d->pool[d->model->group[w]];
		if (p->count)
			continue;
		p->day = next;
		for (int alike = 1; p->count < POOL_LEAST && alike >= 0; alike--) {
			p->count = 0;
			for (size_t i = first; i < days; i++) {
				const size_t of = ((size_t)d->o->first_weekday + i) % 7;
				if (!alike || d->model->group[of] == d->model->group[w])
					p->day[p->count++] = i;
			}
		}
		p->again = next + days;
		next += 2 * days;
	}
}

/* One fewer than there are: the spread of a mean is then that of n - 1 days, without bias. */
static size_t drawn_of(const struct pool *p)
{
	return p->count > 1 ? p->count - 1 : p->count;
}

/* The past is a sample itself: other days might have been in it. */
static void draw_past(struct drawing *d)
{
	for (int g = 0; g < 7; g++)
		for (size_t i = 0; i < drawn_of(&d->pool[g]); i++)
			d->pool[g].again[i] =
				d->pool[g].day[gsl_rng_uniform_int(d->rng, d->pool[g].count)];
}

/* m times a ratio: where a figure of statistics becomes money (or tokens) again. Exact where it is
 * one. */
static int128 times(int128 atto, double ratio)
{
	int128 product;
	if (ratio == 1)
		return atto;
	const double scaled = ratio * (double)RATIO_ONE;
	const int64_t factor = scaled < (double)RATIO_MOST ? llround(scaled) : RATIO_MOST;
	return __builtin_mul_overflow(atto, (int128)factor, &product) ? atto / RATIO_ONE * factor
								      : product / RATIO_ONE;
}

static int128 share_of(int128 atto, struct day_share s)
{
	int128 product;
	if (!s.of || s.part >= s.of)
		return atto;
	return __builtin_mul_overflow(atto, (int128)s.part, &product) ? atto / s.of * s.part
								      : product / s.of;
}

static const struct pool *pool_of(const struct drawing *d, size_t t)
{
	return &d->pool[d->model->group[((size_t)d->o->first_weekday + t) % 7]];
}

/* A coming day, counted from today. */
static int128 draw_day(struct drawing *d, int64_t after_today)
{
	const struct forecast_options *o = d->o;
	const size_t t = o->days + (size_t)after_today;
	const struct pool *p = pool_of(d, t);
	const size_t i = p->again[gsl_rng_uniform_int(d->rng, drawn_of(p))];
	const double ratio = day_model_ratio(d->model, o->days, o->first_weekday, i, t);
	return times(o->at ? o->at(o->at_user, i, t).atto : o->day[i].atto, ratio);
}

/* One future: what the period costs, and the day on which `left` is gone. */
static int128 draw_future(struct drawing *d, int64_t *gone)
{
	const struct forecast_options *o = d->o;
	int128 spent = 0;
	int64_t t = o->first_day;
	*gone = -1;
	draw_past(d);
	for (; t <= o->last_day; t++) {
		int128 day = draw_day(d, t);
		if (t == o->first_day)
			day = share_of(day, o->first_share);
		if (t == o->last_day)
			day = share_of(day, o->last_share);
		spent += day;
		if (*gone < 0 && spent > o->left.atto)
			*gone = t;
	}
	/* on beyond the period until it is gone */
	int128 beyond = spent;
	for (; *gone < 0 && t < FORECAST_DAYS_FAR; t++) {
		beyond += draw_day(d, t);
		if (beyond > o->left.atto)
			*gone = t;
	}
	if (*gone < 0)
		*gone = FORECAST_DAYS_FAR;
	return spent;
}

static double sum_of(const double *value, size_t from, size_t to)
{
	double sum = 0;
	for (size_t i = from; i < to; i++)
		sum += value[i];
	return sum;
}

/* A part matters where it is a tenth of the days before a change or of those after it. */
static const double part_least = 0.1;

/* From when on every part that matters is at the level that it has now; 0: always. Days before that
 * say nothing of the mix. */
static size_t parts_since(const struct forecast_options *o, const double *whole)
{
	double *value = mem_alloc(o->days * sizeof *value);
	size_t since = 0;
	for (size_t p = 0; p < o->parts; p++) {
		struct day_model part;
		for (size_t i = 0; i < o->days; i++) {
			const int128 atto = o->part[i * o->parts + p].atto;
			value[i] = (double)(atto > 0 ? atto : 0);
		}
		day_model_fit(&part, value, o->days, o->first_weekday, 0);
		const size_t k = part.first;
		if (part.changed && k > since &&
		    (sum_of(value, 0, k) >= part_least * sum_of(whole, 0, k) ||
		     sum_of(value, k, o->days) >= part_least * sum_of(whole, k, o->days)))
			since = k;
	}
	free(value);
	return since;
}

static void fit(struct day_model *m, const struct forecast_options *o)
{
	double *value = mem_alloc(o->days * sizeof *value);
	for (size_t i = 0; i < o->days; i++)
		value[i] = (double)(o->day[i].atto > 0 ? o->day[i].atto : 0);
	day_model_fit(m, value, o->days, o->first_weekday, 0);
	const size_t since = o->parts > 1 ? parts_since(o, value) : 0;
	if (since > m->first) /* growth is what there is since then */
		day_model_fit(m, value, o->days, o->first_weekday, since);
	free(value);
}

void forecast_mean_add(struct forecast_mean *to, struct forecast_mean more)
{
	if (!to->of) {
		*to = more;
		return;
	}
	const int128 common = greatest_common(to->of, more.of), a = more.of / common,
		     b = to->of / common;
	int128 x, y, sum, of;
	if (__builtin_mul_overflow(to->sum, a, &x) || __builtin_mul_overflow(more.sum, b, &y) ||
	    __builtin_add_overflow(x, y, &sum) || __builtin_mul_overflow(to->of, a, &of))
		*to = (struct forecast_mean){ to->sum / to->of + more.sum / more.of, 1 };
	else
		*to = (struct forecast_mean){ sum, of };
}

int128 forecast_mean_of(struct forecast_mean m)
{
	return m.of ? (m.sum + m.of / 2) / m.of : 0;
}

void forecast_means(const struct forecast *f, const struct forecast_options *o, int64_t after_today,
		    const struct forecast_value *value, struct forecast_mean *out)
{
	struct drawing d = { .o = o, .model = &f->model };
	const size_t t = o->days + (size_t)after_today;
	int128 *one = mem_zalloc((value->count + 1) * sizeof *one);
	make_pools(&d);
	const struct pool *p = pool_of(&d, t);
	for (size_t k = 0; k < value->count; k++)
		out[k] = (struct forecast_mean){ 0, (int128)p->count };
	for (size_t n = 0; n < p->count; n++) {
		const size_t i = p->day[n];
		const double ratio = day_model_ratio(&f->model, o->days, o->first_weekday, i, t);
		value->tell(value->user, i, t, one);
		for (size_t k = 0; k < value->count; k++)
			out[k].sum += times(one[k], ratio);
	}
	for (size_t k = 0; k < value->count; k++) {
		if (after_today == o->first_day)
			out[k].sum = share_of(out[k].sum, o->first_share);
		if (after_today == o->last_day)
			out[k].sum = share_of(out[k].sum, o->last_share);
	}
	free(one);
	free(d.memory);
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
	out->trend = trend_of(o);
	out->sum = mem_alloc((size_t)o->draws * sizeof *out->sum);
	out->gone_in = mem_alloc((size_t)o->draws * sizeof *out->gone_in);
	fit(&out->model, o);
	struct drawing d = { .o = o, .model = &out->model, .rng = gsl_rng_alloc(gsl_rng_mt19937) };
	gsl_rng_set(d.rng, o->seed & 0xffffffff);
	make_pools(&d);
	for (int64_t r = 0; r < o->draws; r++) {
		out->sum[r].atto = draw_future(&d, &out->gone_in[r]);
		out->over += out->sum[r].atto > o->left.atto;
	}
	gsl_rng_free(d.rng);
	free(d.memory);
	resample_sort(out->sum, (size_t)o->draws);
	qsort(out->gone_in, (size_t)o->draws, sizeof *out->gone_in, by_days);
	return 0;
}

bool forecast_back_test(struct forecast_check *out, const struct forecast_options *o, size_t days)
{
	struct forecast_options then = *o;
	struct forecast f;
	struct err none;
	*out = (struct forecast_check){ 0 };
	if (o->days < days + DAY_MODEL_WEEK_DAYS)
		return false;
	then.days -= days;
	then.first_day = 0;
	then.last_day = (int64_t)days - 1;
	then.first_share = then.last_share = (struct day_share){ 0 };
	/* when it would be gone is not asked */
	then.left.atto = -1;
	if (forecast_run(&f, &then, &none) != 0)
		return false;
	out->low = forecast_sum_at(&f, 50);
	out->middle = forecast_sum_at(&f, 500);
	out->high = forecast_sum_at(&f, 950);
	const struct money_total *cost = o->metered ? o->metered : o->day;
	for (size_t i = then.days; i < o->days; i++)
		out->real.atto += cost[i].atto;
	forecast_release(&f);
	return true;
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
