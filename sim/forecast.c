#include "sim/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "sim/gsl.h"
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
	if (s == 0 || 2 * gsl.gsl_cdf_ugaussian_Q(z) >= certain)
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

/* What is drawn by itself. */
struct source {
	const struct forecast_options *o;
	const struct forecast *f;
	const struct forecast_stream *stream; /* NULL: all that is in none */
	const struct day_model *model;
	struct pool pool[7];
	size_t *memory;
	double lean; /* of growth, in this future: an error of its logarithm a day */
};

struct drawing {
	const struct forecast_options *o;
	gsl_rng *rng;
	struct source *source;
	size_t sources;
};

/* The days of the level that holds now: those of the same kind where there are some, else all. */
static void make_pools(struct source *s)
{
	const size_t days = s->o->days, first = s->model->first;
	size_t *next = s->memory = mem_alloc(2 * 7 * (days + 1) * sizeof *s->memory);
	for (int w = 0; w < 7; w++) {
		struct pool *p = &s->pool[s->model->group[w]];
		if (p->count)
			continue;
		p->day = next;
		for (int alike = 1; p->count < POOL_LEAST && alike >= 0; alike--) {
			p->count = 0;
			for (size_t i = first; i < days; i++) {
				const size_t of = ((size_t)s->o->first_weekday + i) % 7;
				if (!alike || s->model->group[of] == s->model->group[w])
					p->day[p->count++] = i;
			}
		}
		p->again = next + days;
		next += 2 * days;
	}
}

static void drawing_open(struct drawing *d, const struct forecast *f,
			 const struct forecast_options *o)
{
	*d = (struct drawing){ .o = o, .sources = 1 + f->streams };
	d->source = mem_zalloc(d->sources * sizeof *d->source);
	for (size_t k = 0; k < d->sources; k++) {
		const struct forecast_stream *of = k ? &f->stream[k - 1] : NULL;
		d->source[k] = (struct source){
			.o = o, .f = f, .stream = of, .model = of ? &of->model : &f->model
		};
		make_pools(&d->source[k]);
	}
}

static void drawing_close(struct drawing *d)
{
	for (size_t k = 0; k < d->sources; k++)
		free(d->source[k].memory);
	free(d->source);
}

/* One fewer than there are: the spread of a mean is then that of n - 1 days, without bias. */
static size_t drawn_of(const struct pool *p)
{
	return p->count > 1 ? p->count - 1 : p->count;
}

/* The past is a sample itself: other days might have been in it. */
static void draw_past(struct source *s, gsl_rng *rng)
{
	for (int g = 0; g < 7; g++)
		for (size_t i = 0; i < drawn_of(&s->pool[g]); i++)
			s->pool[g].again[i] =
				s->pool[g].day[gsl.gsl_rng_uniform_int(rng, s->pool[g].count)];
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

static const struct pool *pool_of(const struct source *s, size_t t)
{
	return &s->pool[s->model->group[((size_t)s->o->first_weekday + t) % 7]];
}

static double ratio_of(const struct source *s, size_t i, size_t t)
{
	return day_model_ratio(s->model, s->o->days, s->o->first_weekday, i, t);
}

/* How much one of them used on a day, of all parts. */
static int128 used_by(const struct forecast_options *o, size_t who, size_t day)
{
	int128 sum = 0;
	if (who == FORECAST_ALL)
		return o->day[day].atto;
	for (size_t k = 0; k < o->parts; k++)
		sum += o->part[(day * o->whos + who) * o->parts + k].atto;
	return sum;
}

static int128 cost_of(const struct forecast_options *o, size_t who, size_t i, size_t t)
{
	return o->at ? o->at(o->at_user, who, i, t).atto : used_by(o, who, i);
}

static int128 cost_of_stream(const struct forecast_options *o, const struct forecast_stream *s,
			     size_t i, size_t t)
{
	int128 atto = 0;
	for (size_t k = 0; k < s->whos; k++)
		atto += cost_of(o, s->who[k], i, t);
	return atto;
}

/* What past day i of a source is on day t. */
static int128 at_day(const struct source *s, size_t i, size_t t)
{
	if (s->stream)
		return cost_of_stream(s->o, s->stream, i, t);
	int128 atto = cost_of(s->o, FORECAST_ALL, i, t);
	for (size_t k = 0; k < s->f->streams; k++)
		atto -= cost_of_stream(s->o, &s->f->stream[k], i, t);
	return atto;
}

/* How past day i of a source is seen on day t in this future, which may grow otherwise than most
 * likely. */
static double ratio_in_future(const struct source *s, size_t i, size_t t)
{
	const double ratio = ratio_of(s, i, t);
	return s->lean == 0 ? ratio
			    : ratio * exp(s->lean * day_model_growth_days(s->o->days, i, t));
}

/* A coming day, counted from today. */
static int128 draw_day(struct drawing *d, int64_t after_today)
{
	const size_t t = d->o->days + (size_t)after_today;
	int128 sum = 0;
	for (size_t k = 0; k < d->sources; k++) {
		const struct source *s = &d->source[k];
		const struct pool *p = pool_of(s, t);
		const size_t i = p->again[gsl.gsl_rng_uniform_int(d->rng, drawn_of(p))];
		sum += times(at_day(s, i, t), ratio_in_future(s, i, t));
	}
	return sum;
}

/* One future: what the period costs, and the day on which `left` is gone. */
static int128 draw_future(struct drawing *d, int64_t *gone)
{
	const struct forecast_options *o = d->o;
	int128 spent = 0;
	int64_t t = o->first_day;
	*gone = -1;
	for (size_t k = 0; k < d->sources; k++) {
		struct source *s = &d->source[k];
		draw_past(s, d->rng);
		if (s->model->growth_error > 0)
			s->lean = s->model->growth_error *
				  gsl.gsl_ran_tdist(d->rng, s->model->growth_freedom);
	}
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

/* A part matters where it is a tenth of the days before a change or of those after it; who is drawn
 * apart, a fiftieth. */
static const double part_least = 0.1, who_least = 0.02;

/* Of whom days are: those who are `in`, by who from 1 on, or all others. */
struct portion {
	const struct forecast_options *o;
	const bool *in;
	bool others;
};

static double no_less(int128 atto)
{
	return (double)(atto > 0 ? atto : 0);
}

/* How much they used, of one part, by day. */
static void part_days(const struct portion *p, size_t part, double *out)
{
	const struct forecast_options *o = p->o;
	const size_t whos = o->whos ? o->whos : 1;
	for (size_t i = 0; i < o->days; i++) {
		const struct money_total *day = &o->part[i * whos * o->parts + part];
		int128 sum = 0;
		for (size_t w = 1; w < whos; w++)
			sum += p->in[w] ? day[w * o->parts].atto : 0;
		out[i] = no_less(p->others ? day->atto - sum : sum);
	}
}

/* Of all parts: exact sums, so that equal days are equal. */
static void all_days(const struct portion *p, double *out)
{
	const struct forecast_options *o = p->o;
	for (size_t i = 0; i < o->days; i++) {
		int128 sum = 0;
		for (size_t w = 1; w < o->whos; w++)
			sum += p->in[w] ? used_by(o, w, i) : 0;
		out[i] = no_less(p->others ? o->day[i].atto - sum : sum);
	}
}

/* Whether it is so much of the whole before or after day k. */
static bool matters(const double *value, const double *whole, size_t k, size_t days, double least)
{
	return sum_of(value, 0, k) >= least * sum_of(whole, 0, k) ||
	       sum_of(value, k, days) >= least * sum_of(whole, k, days);
}

/* From when on every part that matters is at the level that it has now; 0: always. Days before that
 * say nothing of the mix. */
static size_t parts_since(const struct portion *p, const double *whole)
{
	const struct forecast_options *o = p->o;
	double *value = mem_alloc(o->days * sizeof *value);
	size_t since = 0;
	for (size_t k = 0; k < o->parts; k++) {
		struct day_model part;
		part_days(p, k, value);
		day_model_fit(&part, value, o->days, o->first_weekday, 0);
		if (part.changed && part.first > since &&
		    matters(value, whole, part.first, o->days, part_least))
			since = part.first;
	}
	free(value);
	return since;
}

/* from: the level is known to have changed then (0: it is not). */
static void fit(struct day_model *m, const struct portion *p, size_t from)
{
	const struct forecast_options *o = p->o;
	double *value = mem_alloc(o->days * sizeof *value);
	all_days(p, value);
	day_model_fit(m, value, o->days, o->first_weekday, from);
	const size_t since = o->parts > 1 ? parts_since(p, value) : 0;
	if (since > m->first) /* growth is what there is since then */
		day_model_fit(m, value, o->days, o->first_weekday, since);
	free(value);
}

/* From when on each is at the level that he has now, of those who matter; 0: always. */
static void find_changed(const struct forecast_options *o, size_t *since)
{
	bool *in = mem_zalloc(o->whos * sizeof *in);
	double *whole = mem_alloc(2 * o->days * sizeof *whole), *value = whole + o->days;
	const struct portion one = { o, in, false };
	struct day_model m;
	for (size_t i = 0; i < o->days; i++)
		whole[i] = no_less(o->day[i].atto);
	for (size_t w = 1; w < o->whos; w++) {
		in[w] = true;
		all_days(&one, value);
		day_model_fit(&m, value, o->days, o->first_weekday, 0);
		in[w] = false;
		if (m.changed && matters(value, whole, m.first, o->days, who_least))
			since[w] = m.first;
	}
	free(whole);
	free(in);
}

/* Who changed on the same day is one stream, the others are the rest. */
static void find_streams(struct forecast *f, const struct forecast_options *o, size_t *since,
			 bool *in)
{
	f->stream = mem_zalloc(o->whos * sizeof *f->stream);
	f->who = mem_alloc(o->whos * sizeof *f->who);
	size_t *next = f->who;
	for (size_t w = 1; w < o->whos; w++) {
		struct forecast_stream *s = &f->stream[f->streams];
		const size_t day = since[w];
		if (!day)
			continue;
		memset(in, 0, o->whos * sizeof *in);
		s->who = next;
		for (size_t v = w; v < o->whos; v++)
			if (since[v] == day) {
				s->who[s->whos++] = v;
				in[v] = true;
				since[v] = 0;
			}
		next += s->whos;
		fit(&s->model, &(struct portion){ o, in, false }, day);
		f->streams++;
	}
}

static void fit_all(struct forecast *f, const struct forecast_options *o)
{
	const size_t whos = o->whos ? o->whos : 1;
	size_t *since = mem_zalloc(whos * sizeof *since);
	bool *in = mem_zalloc(2 * whos * sizeof *in), *apart = in + whos;
	const struct portion rest = { o, apart, true };
	bool shared = false;
	if (o->whos > 1)
		find_changed(o, since);
	for (size_t w = 0; w < whos; w++)
		apart[w] = since[w] != 0;
	fit(&f->model, &rest, 0);
	/* where the others changed on that day too, it is a change of all */
	for (size_t w = 0; w < whos && f->model.changed; w++)
		if (since[w] == f->model.first) {
			since[w] = 0;
			apart[w] = false;
			shared = true;
		}
	if (shared)
		fit(&f->model, &rest, 0);
	if (o->whos > 1)
		find_streams(f, o, since, in);
	free(in);
	free(since);
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

/* The values of past day i of a source on day t; `one` has room for those of one. */
static void values_at(const struct source *s, const struct forecast_value *value, size_t i,
		      size_t t, int128 *one, int128 *out)
{
	const struct forecast *f = s->f;
	const size_t n = value->count;
	memset(out, 0, n * sizeof *out);
	for (size_t k = 0; s->stream && k < s->stream->whos; k++) {
		value->tell(value->user, s->stream->who[k], i, t, one);
		for (size_t v = 0; v < n; v++)
			out[v] += one[v];
	}
	if (s->stream)
		return;
	value->tell(value->user, FORECAST_ALL, i, t, out);
	for (size_t k = 0; k < f->streams; k++)
		for (size_t w = 0; w < f->stream[k].whos; w++) {
			value->tell(value->user, f->stream[k].who[w], i, t, one);
			for (size_t v = 0; v < n; v++)
				out[v] -= one[v];
		}
}

static void source_means(const struct source *s, size_t t, const struct forecast_value *value,
			 int128 *room, struct forecast_mean *out)
{
	const struct pool *p = pool_of(s, t);
	int128 *of = room + value->count;
	for (size_t k = 0; k < value->count; k++)
		out[k] = (struct forecast_mean){ 0, (int128)p->count };
	for (size_t n = 0; n < p->count; n++) {
		const double ratio = ratio_of(s, p->day[n], t);
		values_at(s, value, p->day[n], t, room, of);
		for (size_t k = 0; k < value->count; k++)
			out[k].sum += times(of[k], ratio);
	}
}

void forecast_means(const struct forecast *f, const struct forecast_options *o, int64_t after_today,
		    const struct forecast_value *value, struct forecast_mean *out)
{
	struct drawing d;
	const size_t t = o->days + (size_t)after_today;
	int128 *room = mem_zalloc((2 * value->count + 1) * sizeof *room);
	struct forecast_mean *more = mem_zalloc((value->count + 1) * sizeof *more);
	drawing_open(&d, f, o);
	source_means(&d.source[0], t, value, room, out);
	for (size_t k = 1; k < d.sources; k++) {
		source_means(&d.source[k], t, value, room, more);
		for (size_t v = 0; v < value->count; v++)
			forecast_mean_add(&out[v], more[v]);
	}
	for (size_t k = 0; k < value->count; k++) {
		if (after_today == o->first_day)
			out[k].sum = share_of(out[k].sum, o->first_share);
		if (after_today == o->last_day)
			out[k].sum = share_of(out[k].sum, o->last_share);
	}
	drawing_close(&d);
	free(more);
	free(room);
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
	if (gsl_need(e) != 0)
		return -ERR_SYSTEM;
	out->trend = trend_of(o);
	out->sum = mem_alloc((size_t)o->draws * sizeof *out->sum);
	out->gone_in = mem_alloc((size_t)o->draws * sizeof *out->gone_in);
	fit_all(out, o);
	struct drawing d;
	drawing_open(&d, out, o);
	d.rng = gsl.gsl_rng_alloc(*gsl.gsl_rng_mt19937);
	gsl.gsl_rng_set(d.rng, o->seed & 0xffffffff);
	for (int64_t r = 0; r < o->draws; r++) {
		out->sum[r].atto = draw_future(&d, &out->gone_in[r]);
		out->over += out->sum[r].atto > o->left.atto;
	}
	gsl.gsl_rng_free(d.rng);
	drawing_close(&d);
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
	free(f->stream);
	free(f->who);
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
