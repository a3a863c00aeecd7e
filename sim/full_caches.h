/*
 * full_caches: what caches that are too small find of recorded work and of work that is generated
 * like it.
 *
 * Such a cache depends on what comes between two prompts, so it tells how far the order of
 * generated work is from the recorded one. Sizes are powers of two, the largest below
 * that which finds all; both traces have the same blocks, and one cache under the plain prefix
 * rule.
 */
#ifndef TALLY_SIM_FULL_CACHES_H
#define TALLY_SIM_FULL_CACHES_H

#include "sim/block_trace.h"
#include "sim/generate.h"

enum { FULL_CACHES_MOST = 8 };
struct full_cache {
	int64_t blocks;
	int64_t recorded, least, most; /* hit ratio of prompt tokens, in millionths */
};
struct full_caches {
	struct full_cache cache[FULL_CACHES_MOST]; /* the largest first */
	int count;
	int64_t block_tokens;
	int seeds; /* so many are looked at: of long traces fewer */
};

/* What was recorded; none are full of a trace without blocks. Errors: those of prefix_cache_curve.
 */
int full_caches_recorded(struct full_caches *out, const struct block_trace *t, int seeds,
			 struct err *e);
/* Adds what comes of a seed. Errors: as before. */
int full_caches_generated(struct full_caches *f, const struct synthetic *s, struct err *e);
/* The largest error of a seed, in millionths of what was recorded; -1: nothing was. */
int64_t full_cache_error(const struct full_cache *c);

#endif
