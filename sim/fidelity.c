#include "sim/fidelity.h"

#include <stdlib.h>

#include "pricing/rate.h"
#include "pricing/tariffs.h"

const char *fidelity_name(enum fidelity_measure m)
{
	static const char *const names[FIDELITY_MEASURES] = {
		"calls", "prompt_tokens", "output_tokens", "cost", "hit_ratio", "calls_per_session",
	};
	return names[m];
}

/* Sums of calls, recorded or generated. */
struct sums {
	int64_t calls, prompt, output, hits, sessions, unpriced;
	struct money_total cost;
};

static void add(struct sums *s, struct tariffs *t, struct subject *subject, int64_t time_us,
		const struct usage *u)
{
	const struct tariff_answer *a = tariffs_ask(t, subject, time_us);
	struct rating rating;
	struct err why = { 0 };
	s->calls += u->requests;
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		s->prompt += u->tokens[k];
	s->output += u->tokens[BUCKET_OUTPUT];
	if (a->price && rate_usage(&rating, u, a->price, a->tariff, &why) == 0)
		money_total_add(&s->cost, rating.total);
	else
		s->unpriced++;
}

/* What a cache that forgets nothing finds counts as a hit where the trace names blocks and no
 * hits. */
static struct sums of_recorded(const struct fit *f, const struct workload *w, struct tariffs *t)
{
	struct sums s = { .sessions = (int64_t)f->sessions };
	struct subject **subject = mem_zalloc((w->subjects + 1) * sizeof *subject);
	for (size_t k = 0; k < w->subjects; k++) /* as it is generated: the standard tier */
		subject[k] = tariffs_model(t, w->subject[k].provider, w->subject[k].model);
	for (size_t i = 0; i < w->count; i++) {
		const struct work_call *c = &w->call[i];
		struct usage u = { .requests = 1 };
		memcpy(u.tokens, c->tokens, sizeof c->tokens);
		s.hits += f->layered  ? f->layers.hit[i]
			  : f->common ? f->common[i].tokens
				      : c->tokens[BUCKET_CACHE_READ];
		add(&s, t, subject[c->subject], c->time_us, &u);
	}
	free(subject);
	return s;
}

static struct sums of_generated(const struct fit *f, const struct synthetic *g, struct tariffs *t)
{
	struct sums s = { 0 };
	struct subject **subject = mem_zalloc((g->classes + 1) * sizeof *subject);
	int64_t *seen = mem_zalloc((g->layers + 1) * sizeof *seen);
	for (size_t k = 0; k < g->classes; k++) {
		s.sessions += (int64_t)g->work[k].sessions;
		subject[k] =
			tariffs_model(t, text_of(g->work[k].provider), text_of(g->work[k].model));
	}
	for (size_t i = 0; i < g->count; i++) {
		const struct synthetic_call *c = &g->call[i];
		struct usage u = { .requests = 1 };
		u.tokens[BUCKET_INPUT] = c->input;
		u.tokens[BUCKET_CACHE_READ] = c->cache_read;
		u.tokens[BUCKET_CACHE_WRITE_5M] = c->cache_write_5m;
		u.tokens[BUCKET_CACHE_WRITE_1H] = c->cache_write_1h;
		u.tokens[BUCKET_OUTPUT] = c->output;
		u.tokens[BUCKET_REASONING] = c->reasoning;
		if (f->common) { /* the record knows no hits */
			u.tokens[BUCKET_INPUT] = synthetic_prompt(c);
			u.tokens[BUCKET_CACHE_READ] = 0;
		}
		s.hits += f->common ? synthetic_found(g, c, seen) : c->cache_read;
		add(&s, t, subject[c->place], c->time_us, &u);
	}
	free(subject);
	free(seen);
	return s;
}

static void measure(const struct sums *s, int128 out[FIDELITY_MEASURES])
{
	const int128 million = 1000000;
	out[FIDELITY_CALLS] = s->calls;
	out[FIDELITY_PROMPT] = s->prompt;
	out[FIDELITY_OUTPUT] = s->output;
	out[FIDELITY_COST] = s->cost.atto;
	out[FIDELITY_HITS] = s->prompt ? s->hits * million / s->prompt : 0;
	out[FIDELITY_LENGTH] = s->sessions ? s->calls * million / s->sessions : 0;
}

int fidelity_run(struct fidelity *out, const struct fidelity_of *of, struct err *e)
{
	struct tariffs *t = tariffs_open(of->book, NULL, of->currency);
	const struct sums recorded = of_recorded(of->fit, of->workload, t);
	*out = (struct fidelity){ .unpriced = recorded.unpriced, .currency = of->currency };
	measure(&recorded, out->recorded);
	int rc = full_caches_recorded(&out->full, of->workload->blocks, FIDELITY_SEEDS, e);
	for (uint64_t seed = 1; rc == 0 && seed <= FIDELITY_SEEDS; seed++) {
		struct synthetic g;
		int128 one[FIDELITY_MEASURES] = { 0 };
		rc = synthetic_generate(&g, of->spec,
					&(struct synthetic_asked){ .has_seed = true, .seed = seed },
					e);
		if (rc == 0) {
			const struct sums sums = of_generated(of->fit, &g, t);
			measure(&sums, one);
		}
		if (rc == 0 && seed <= (uint64_t)out->full.seeds)
			rc = full_caches_generated(&out->full, &g, e);
		for (int m = 0; rc == 0 && m < FIDELITY_MEASURES; m++) {
			out->least[m] =
				seed == 1 || one[m] < out->least[m] ? one[m] : out->least[m];
			out->most[m] = seed == 1 || one[m] > out->most[m] ? one[m] : out->most[m];
		}
		synthetic_release(&g);
	}
	tariffs_close(t);
	return rc;
}

int64_t fidelity_error(const struct fidelity *f, enum fidelity_measure m)
{
	const int128 real = f->recorded[m], million = 1000000;
	if (real <= 0)
		return -1;
	const int128 below = real - f->least[m], above = f->most[m] - real,
		     off = below > above ? below : above;
	int128 product;
	return off <= 0 ? 0
	       : __builtin_mul_overflow(off, million, &product)
		       ? (int64_t)(off / (real / million))
		       : (int64_t)((product + real / 2) / real);
}
