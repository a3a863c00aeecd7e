/* block_misses: what prompts that name their blocks did not find in a cache, by cause. */
#ifndef TALLY_SIM_BLOCK_MISSES_H
#define TALLY_SIM_BLOCK_MISSES_H

#include "sim/prefix_cache.h"

/*
 * Adds the calls and tokens that were missed: of what a call shares with earlier prompts by why it
 * did not hit (per: as prefix_cache_run_each filled it in), and as MISS_CHANGED what the prompt
 * before it in its conversation had and it has not. A call may be in both.
 */
void block_misses_add(struct misses *out, const struct block_trace *t,
		      const struct cache_rules *rules, const struct each_request *per);

#endif
