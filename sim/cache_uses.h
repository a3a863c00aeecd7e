/*
 * cache_uses: when the caches of a scenario were in use, and which uses found theirs out of use.
 *
 * Uses come in any order, from several threads, each with notes of its own. A use finds its cache
 * in use where an earlier one lies within the cache's lifetime. Time is divided into stretches of
 * half the shortest lifetime at most, so that whatever has a use in the stretch before it, or an
 * earlier one in its own, is in use: only the first use behind an empty stretch, and the last one
 * before it, have to be known exactly, and a bit says of any other stretch that it has uses.
 */
#ifndef TALLY_SIM_CACHE_USES_H
#define TALLY_SIM_CACHE_USES_H

#include "sim/model_cache.h"

/* One use; `number` tells it from all others, and ascends among those of one instant. */
struct cache_use {
	uint32_t cache;
	uint32_t customer; /* asked only of caches that end at the customer */
	int64_t us;
	uint64_t number;
};

/* When a cache was in use, by stretches; private. */
struct cache_times {
	bool known, apart;
	bool dense;    /* neighbours are within the lifetime of each other, so bits tell enough */
	uint8_t shift; /* a stretch is as long as 2 to it, in microseconds */
	int64_t from;  /* the stretch of the first bit */
	uint64_t stretches;	 /* that have a bit */
	uint64_t *used, *inside; /* between two that have uses, and has them itself */
	size_t near;		 /* the place of its last use that was noted by itself */
};

/* Zero-initialised, a thread's. */
struct cache_uses {
	struct cache_times *of; /* by number of the cache */
	size_t count;
	struct use_place *place; /* hashed */
	size_t room, used;
};

/* Before a cache's first use: the shortest time that it keeps anything (-1: no expiry), and whether
 * it may end at the customer. */
static inline bool cache_uses_knows(const struct cache_uses *u, uint32_t cache)
{
	return cache < u->count && u->of[cache].known;
}
void cache_uses_learn(struct cache_uses *u, uint32_t cache, int64_t shortest_us, bool apart);
void cache_uses_note(struct cache_uses *u, const struct cache_use *use);
/* Whether a use at that time has nothing to add. */
static inline bool cache_uses_tell(const struct cache_uses *u, uint32_t cache, int64_t us)
{
	const struct cache_times *t = &u->of[cache];
	const uint64_t at = (uint64_t)(us >> t->shift) - (uint64_t)t->from;
	return at < t->stretches && t->inside[at / 64] >> at % 64 & 1;
}
/* Forgets the uses, not what it knows of caches. */
void cache_uses_forget(struct cache_uses *u);
void cache_uses_release(struct cache_uses *u);

/* The numbers of the uses that find their cache out of use; zero-initialised there are none. */
struct cold_uses {
	uint64_t *number; /* hashed: 1 + each */
	size_t room, count;
};

/* All threads' uses together. cache: by number, with what it is at any time. */
void cold_uses_find(struct cold_uses *out, const struct cache_uses *const *each, size_t threads,
		    const struct model_cache *cache);
static inline size_t cold_uses_place(const struct cold_uses *c, uint64_t number)
{
	size_t i = (number * 0x9E3779B97F4A7C15u >> 32) & (c->room - 1);
	while (c->number[i] && c->number[i] != number + 1)
		i = (i + 1) & (c->room - 1);
	return i;
}
static inline bool cold_uses_has(const struct cold_uses *c, uint64_t number)
{
	return c->count && c->number[cold_uses_place(c, number)];
}
void cold_uses_release(struct cold_uses *c);

#endif
