#include "sim/sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/dict.h"
#include "sim/gsl.h"

/* A sum that does not fit is a worse control, and no error of the estimate. */
static void add_to(int64_t *sum, int64_t v)
{
	const int64_t most = (int64_t)1 << 55;
	*sum = v < most - *sum ? *sum + v : most;
}

static void add_control(const struct sample *s, const struct work_call *c)
{
	int64_t *x = s->control[c->conversation];
	const int64_t prompt = work_prompt(c), read = c->tokens[BUCKET_CACHE_READ];
	add_to(&x[0], prompt - read);
	add_to(&x[1], read);
	add_to(&x[2], c->tokens[BUCKET_OUTPUT]);
	x[3] = prompt > x[3] ? prompt : x[3];
	add_to(&x[4], 1);
}

static void add_controls(const struct sample *s, const struct workload *w)
{
	size_t longest = 0;
	for (size_t i = 0; w->call && i < w->count; i++)
		add_control(s, &w->call[i]);
	if (w->call)
		return;
	for (size_t k = 0; k < w->conversations; k++)
		if (w->first[k + 1] - w->first[k] > longest)
			longest = w->first[k + 1] - w->first[k];
	struct work_call *room = mem_alloc((longest + 1) * sizeof *room);
	for (size_t k = 0; k < w->conversations; k++) {
		const struct work_call *call = workload_calls(w, k, room);
		for (uint32_t i = 0; i < w->first[k + 1] - w->first[k]; i++)
			add_control(s, &call[i]);
	}
	free(room);
}

int sample_draw(struct sample *out, const struct workload *w, int64_t count, uint64_t seed,
		struct err *e)
{
	const uint64_t seeds[2] = { seed, 0x73616d706c65 };
	*out = (struct sample){ 0 };
	if (count < SAMPLE_LEAST || (uint64_t)count >= w->conversations)
		return err_set(
			e, ERR_USAGE,
			ASKED("sample") " is a number of conversations from %d, and less than the %zu "
					"that there are",
			SAMPLE_LEAST, w->conversations);
	if (gsl_need(e) != 0)
		return -ERR_SYSTEM;
	gsl_rng *rng = gsl.gsl_rng_alloc(*gsl.gsl_rng_mt19937);
	size_t *all = mem_alloc(w->conversations * sizeof *all),
	       *chosen = mem_alloc((size_t)count * sizeof *chosen);
	gsl.gsl_rng_set(rng, hash_bytes(&count, sizeof count, seeds) & 0xffffffff);
	for (size_t i = 0; i < w->conversations; i++)
		all[i] = i;
	gsl.gsl_ran_choose(rng, chosen, (size_t)count, all, w->conversations, sizeof *all);
	out->of = w->conversations;
	out->count = (size_t)count;
	out->in = mem_zalloc(w->conversations * sizeof *out->in);
	out->control = mem_zalloc(w->conversations * sizeof *out->control);
	for (size_t i = 0; i < out->count; i++)
		out->in[chosen[i]] = true;
	add_controls(out, w);
	gsl.gsl_rng_free(rng);
	free(all);
	free(chosen);
	return 0;
}

void sample_release(struct sample *s)
{
	free(s->in);
	free(s->control);
}

/* The drawn conversations: the cost and the controls of each. */
struct drawn {
	struct money_total *cost;
	const int64_t **control;
	size_t n;
};

/* Fits slopes again and again over as many conversations. */
struct fitter {
	gsl_matrix *x, *covariance;
	gsl_vector *y, *c;
	gsl_multifit_linear_workspace *work;
};

static void fitter_open(struct fitter *f, size_t n)
{
	const size_t p = SAMPLE_CONTROLS + 1;
	f->x = gsl.gsl_matrix_alloc(n, p);
	f->covariance = gsl.gsl_matrix_alloc(p, p);
	f->y = gsl.gsl_vector_alloc(n);
	f->c = gsl.gsl_vector_alloc(p);
	f->work = gsl.gsl_multifit_linear_alloc(n, p);
}

static void fitter_close(struct fitter *f)
{
	gsl.gsl_multifit_linear_free(f->work);
	gsl.gsl_vector_free(f->c);
	gsl.gsl_vector_free(f->y);
	gsl.gsl_matrix_free(f->covariance);
	gsl.gsl_matrix_free(f->x);
}

/* The slopes of cost over the controls among those places, in whole atto-units. */
static void slopes(struct fitter *f, const struct drawn *d, const size_t *place,
		   int128 beta[SAMPLE_CONTROLS])
{
	double rest;
	for (size_t i = 0; i < d->n; i++) {
		gsl.gsl_matrix_set(f->x, i, 0, 1);
		for (size_t k = 0; k < SAMPLE_CONTROLS; k++)
			gsl.gsl_matrix_set(f->x, i, k + 1, (double)d->control[place[i]][k]);
		gsl.gsl_vector_set(f->y, i, (double)d->cost[place[i]].atto);
	}
	bool ok = gsl.gsl_multifit_linear(f->x, f->y, f->c, f->covariance, &rest, f->work) == 0;
	for (size_t k = 0; k < SAMPLE_CONTROLS; k++) {
		const double b = ok ? gsl.gsl_vector_get(f->c, k + 1) : 0;
		/* 10^20 is a hundred units a token: not a price */
		beta[k] = isfinite(b) && fabs(b) < 1e20 ? (int128)b : 0;
	}
}

/* of / count times v, half away from 0. */
static int128 raised(const struct sample *s, int128 v)
{
	const int128 n = (int128)s->count, twice = 2 * v * (int128)s->of;
	return twice >= 0 ? (twice + n) / (2 * n) : -((-twice + n) / (2 * n));
}

/* With the control variates, and without. */
struct both {
	struct money_total with, plain;
};

/* From those places, with these slopes; all: the controls of the whole workload. */
static struct both estimate(const struct sample *s, const struct drawn *d, const size_t *place,
			    const int128 beta[SAMPLE_CONTROLS], const int128 all[SAMPLE_CONTROLS])
{
	int128 own = 0, x[SAMPLE_CONTROLS] = { 0 };
	for (size_t i = 0; i < d->n; i++) {
		own += d->cost[place[i]].atto;
		for (size_t k = 0; k < SAMPLE_CONTROLS; k++)
			x[k] += d->control[place[i]][k];
	}
	struct both out = { { raised(s, own) }, { raised(s, own) } };
	for (size_t k = 0; k < SAMPLE_CONTROLS; k++)
		out.with.atto += beta[k] * (all[k] - raised(s, x[k]));
	return out;
}

/* Those that were drawn; all: the sums of the controls of the whole workload. False: products would
 * not fit. */
static bool take_drawn(struct drawn *d, const struct sample *s, const struct money_total *cost,
		       int128 all[SAMPLE_CONTROLS])
{
	int128 own = 0;
	for (size_t i = 0; i < s->of; i++) {
		for (size_t k = 0; k < SAMPLE_CONTROLS; k++)
			all[k] += s->control[i][k];
		if (!s->in[i])
			continue;
		own += cost[i].atto;
		d->cost[d->n] = cost[i];
		d->control[d->n++] = s->control[i];
	}
	/* products stay below 10^38: 10^20 atto-units times 10^17 tokens, 10^30 times conversations
	 */
	const int128 tokens_most = (int128)100000000000000000,
		     cost_most = tokens_most * 10000000000000;
	bool fits = own < cost_most && -own < cost_most && s->of < 50000000;
	for (size_t k = 0; k < SAMPLE_CONTROLS; k++)
		fits &= all[k] < tokens_most;
	return fits;
}

static void estimate_again(struct sample_estimate *out, const struct sample *s,
			   const struct drawn *d, const int128 all[SAMPLE_CONTROLS],
			   struct money_total fixed, const struct resampling *how)
{
	/* the slopes are refitted in each resample, where that takes no long time; with more
	   conversations than this they hardly vary */
	enum { FITTED_ANEW = 3000 };
	const uint64_t seeds[2] = { how->seed, 0x657374696d617465 };
	const size_t draws = (size_t)how->resamples;
	size_t *place = mem_alloc(d->n * sizeof *place);
	struct money_total *with = mem_alloc(draws * sizeof *with),
			   *plain = mem_alloc(draws * sizeof *plain);
	int128 beta[SAMPLE_CONTROLS];
	struct fitter f;
	gsl_rng *rng = gsl.gsl_rng_alloc(*gsl.gsl_rng_mt19937);
	fitter_open(&f, d->n);
	for (size_t i = 0; i < d->n; i++)
		place[i] = i;
	slopes(&f, d, place, beta);
	out->total.atto = estimate(s, d, place, beta, all).with.atto + fixed.atto;
	for (size_t r = 0; r < draws; r++) {
		gsl.gsl_rng_set(rng, hash_bytes(&r, sizeof r, seeds) & 0xffffffff);
		for (size_t i = 0; i < d->n; i++)
			place[i] = gsl.gsl_rng_uniform_int(rng, d->n);
		if (d->n <= FITTED_ANEW)
			slopes(&f, d, place, beta);
		const struct both again = estimate(s, d, place, beta, all);
		with[r].atto = again.with.atto + fixed.atto;
		plain[r].atto = again.plain.atto + fixed.atto;
	}
	out->interval = resample_interval(with, draws, how->level_permille);
	out->plain = resample_interval(plain, draws, how->level_permille);
	fitter_close(&f);
	gsl.gsl_rng_free(rng);
	free(place);
	free(with);
	free(plain);
}

int sample_estimate(struct sample_estimate *out, const struct sample *s,
		    const struct money_total *cost, struct money_total fixed,
		    const struct resampling *how, struct err *e)
{
	int128 all[SAMPLE_CONTROLS] = { 0 };
	struct drawn d = { .cost = mem_alloc(s->count * sizeof *d.cost),
			   .control = mem_alloc(s->count * sizeof *d.control) };
	const bool fits = take_drawn(&d, s, cost, all);
	if (fits)
		estimate_again(out, s, &d, all, fixed, how);
	free(d.cost);
	free(d.control);
	return fits ? 0
		    : err_set(e, ERR_RANGE,
			      "the sample's sums are too large to raise to the whole");
}
