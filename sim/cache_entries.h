/*
 * cache_entries: the entries of caches. The same block in another scope (another customer's,
 * another model's) is another entry.
 */
#ifndef TALLY_SIM_CACHE_ENTRIES_H
#define TALLY_SIM_CACHE_ENTRIES_H

#include "sim/prefix_cache.h"

/* The rules of one request, or of all. */
struct each_rules {
	const struct cache_rules *base;
	const struct cache_rules *const *own;
	const uint32_t *model;
};

static inline const struct cache_rules *rules_at(const struct each_rules *r, size_t i)
{
	return r->own ? r->own[i] : r->base;
}

/* plain: whatever the model. of, plain: of each place of trace->block; to `of` the request's base
 * is added. */
struct entries {
	const uint32_t *of, *plain;
	uint32_t *own_of, *own_plain; /* what they point to when it is not the trace's */
	uint32_t *base;		      /* of each request; NULL: 0 */
	size_t count, plain_count;
};

struct entries entries_number(const struct block_trace *t, const struct each_rules *each);
void entries_release(struct entries *en);

#endif
