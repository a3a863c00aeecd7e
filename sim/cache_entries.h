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

/* The blocks of each request in numbers of their own. */
struct numbered {
	struct block_runs runs;
	uint32_t *first; /* by request: its first run */
};

/* plain: whatever the model. To `of` the request's base is added. Without runs of their own both
 * are the trace's. */
struct entries {
	const struct block_trace *trace;
	struct numbered plain, of;
	uint32_t *base; /* of each request; NULL: 0 */
	size_t count, plain_count;
};

struct entries entries_number(const struct block_trace *t, const struct each_rules *each);
void entries_release(struct entries *en);

/* The first run of request i. */
static inline const struct block_run *entries_plain_at(const struct entries *en, size_t i)
{
	return en->plain.first ? en->plain.runs.run + en->plain.first[i]
			       : block_request_runs(en->trace, &en->trace->request[i]);
}

static inline const struct block_run *entries_at(const struct entries *en, size_t i)
{
	return en->of.first ? en->of.runs.run + en->of.first[i] : entries_plain_at(en, i);
}

#endif
