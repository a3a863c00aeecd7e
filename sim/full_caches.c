#include "sim/full_caches.h"

#include <stdlib.h>

#include "sim/prefix_cache.h"

/* Blocks that all seeds together may have: about five seconds. */
enum { BLOCKS_MOST_IN_ALL = 100000000, SEEDS_LEAST = 2 };

struct curve {
	struct curve_point *p;
	size_t count;
};

static int curve_of(struct curve *c, const struct block_trace *t, struct err *e)
{
	const struct cache_rules plain = { .capacity = -1, .ttl_us = -1 };
	return prefix_cache_curve(t, &plain, &c->p, &c->count, e);
}

/* The hit ratio of that many blocks. */
static int64_t ratio_at(const struct curve *c, const struct block_trace *t, int64_t blocks)
{
	size_t at = c->count;
	while (at && c->p[at - 1].capacity > blocks)
		at--;
	return at && t->input_tokens
		       ? (int64_t)((int128)c->p[at - 1].hit_tokens * 1000000 / t->input_tokens)
		       : 0;
}

int full_caches_recorded(struct full_caches *out, const struct block_trace *t, int seeds,
			 struct err *e)
{
	int64_t size = 1;
	struct curve c;
	*out = (struct full_caches){ 0 };
	if (!t || !t->names_blocks || !t->blocks)
		return 0;
	const size_t all = BLOCKS_MOST_IN_ALL / t->blocks;
	out->seeds = all < SEEDS_LEAST ? SEEDS_LEAST : all < (size_t)seeds ? (int)all : seeds;
	out->block_tokens = t->block_tokens;
	const int rc = curve_of(&c, t, e);
	if (rc != 0)
		return rc;
	while (c.count && size * 2 < c.p[c.count - 1].capacity)
		size *= 2;
	for (; size >= 2 && out->count < FULL_CACHES_MOST; size /= 2)
		out->cache[out->count++] =
			(struct full_cache){ size, ratio_at(&c, t, size), INT64_MAX, -1 };
	free(c.p);
	return 0;
}

int full_caches_generated(struct full_caches *f, const struct synthetic *s, struct err *e)
{
	struct block_trace t;
	struct curve c = { 0 };
	struct synthetic_blocks *b = synthetic_blocks_open(s, f->block_tokens);
	synthetic_blocks_trace(&t, b);
	const int rc = curve_of(&c, &t, e);
	for (int k = 0; rc == 0 && k < f->count; k++) {
		struct full_cache *of = &f->cache[k];
		const int64_t ratio = ratio_at(&c, &t, of->blocks);
		of->least = ratio < of->least ? ratio : of->least;
		of->most = ratio > of->most ? ratio : of->most;
	}
	free(c.p);
	free(t.request);
	free(t.runs.run);
	synthetic_blocks_close(b);
	return rc;
}

int64_t full_cache_error(const struct full_cache *c)
{
	const int64_t below = c->recorded - c->least, above = c->most - c->recorded,
		      off = below > above ? below : above;
	return c->recorded <= 0 ? -1
	       : off <= 0	? 0
				: (off * 1000000 + c->recorded / 2) / c->recorded;
}
