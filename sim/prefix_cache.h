/*
 * prefix_cache: what a cache of prompt prefixes would have hit.
 *
 * A request's leading blocks that are present before it are a hit; then all its blocks are touched.
 * LRU counts blocks; with `reverse` a request touches its blocks last to first, so that the root
 * stays most recent and tails go first. Time to live is refreshed by a touch, and its end is
 * inclusive. With a settle delay a block is there for others only so long after it came in (both
 * ends inclusive); what is evicted and comes again settles again.
 */
#ifndef TALLY_SIM_PREFIX_CACHE_H
#define TALLY_SIM_PREFIX_CACHE_H

#include "sim/block_trace.h"

enum cache_scope {
	CACHE_GLOBAL,
	CACHE_CONVERSATION,
	CACHE_MODEL,
	CACHE_CONVERSATION_MODEL,
};

/* The same for whoever pays: no model finds what another one read. */
static inline enum cache_scope cache_scope_by_model(enum cache_scope s)
{
	return s == CACHE_GLOBAL	 ? CACHE_MODEL
	       : s == CACHE_CONVERSATION ? CACHE_CONVERSATION_MODEL
					 : s;
}

struct cache_rules {
	int64_t capacity;  /* blocks; -1: without limit */
	int64_t ttl_us;	   /* -1: for ever */
	int64_t settle_us; /* a block can hit so long after it came, and not before */
	bool forward;	   /* blocks are touched first to last */
	bool full;	   /* only full blocks hit, never a partial one */
	enum cache_scope scope;
	/* DeepSeek V4: a hit ends where a stored unit ends: at the end of an earlier prompt, with
	   `common` at a prefix that two requests shared, and at every multiple of `interval` tokens
	   (0: none) */
	bool units, common;
	int64_t interval;
	int64_t quantum, minimum; /* hits are whole quanta of tokens, and not below the minimum */
};

struct cache_result {
	int64_t requests, hit_blocks, hit_tokens;
};

/* hits (may be NULL): tokens of each request that hit. The models of requests may be given by
 * another column (model, by request; NULL: the trace's own). Errors: ERR_USAGE. */
int prefix_cache_run(const struct block_trace *t, const struct cache_rules *rules,
		     const uint32_t *model, int64_t *hits, struct cache_result *out, struct err *e);

/* hit_tokens and hit_blocks of every capacity at once: point i is the smallest capacity at which
 * they reach those values. free() *points. Errors: ERR_USAGE (rules that one pass cannot tell). */
struct curve_point {
	int64_t capacity, hit_blocks, hit_tokens;
};
int prefix_cache_curve(const struct block_trace *t, const struct cache_rules *rules,
		       struct curve_point **points, size_t *count, struct err *e);

#endif
