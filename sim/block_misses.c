#include "sim/block_misses.h"

#include <stdlib.h>

#include "base/arena.h"
#include "sim/cache_entries.h"

static void add(struct misses *m, enum cache_miss why, int64_t tokens)
{
	m->calls[why] += tokens > 0;
	m->tokens[why] += tokens > 0 ? tokens : 0;
}

/* What the prompt before had at the place where this one has something else. Less than a block
 * nobody names. */
static int64_t changed(const struct block_trace *t, const struct block_request *before,
		       const struct block_request *q, uint32_t shared)
{
	const int64_t both = before->input < q->input ? before->input : q->input;
	return both / t->block_tokens > shared ? both - block_request_tokens(t, q, shared) : 0;
}

void block_misses_add(struct misses *out, const struct block_trace *t,
		      const struct cache_rules *rules, const struct each_request *per)
{
	const struct each_rules each = { rules, per->rules, per->model };
	uint32_t conversations = 0;
	for (size_t i = 0; i < t->count; i++)
		if (t->request[i].conversation > conversations)
			conversations = t->request[i].conversation;
	/* by conversation: 1 + its last call */
	size_t *last = mem_zalloc((conversations + (size_t)1) * sizeof *last);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const int64_t common = block_request_tokens(t, q, per->shared[i]);
		add(out, common < rules_at(&each, i)->minimum ? MISS_SHORT : per->why[i],
		    common - per->hits[i]);
		if (!q->conversation)
			continue;
		if (last[q->conversation])
			add(out, MISS_CHANGED,
			    changed(t, &t->request[last[q->conversation] - 1], q, per->shared[i]));
		last[q->conversation] = i + 1;
	}
	free(last);
}
