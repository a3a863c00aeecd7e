/*
 * count_memo: what caches found of the conversation at hand, for all scenarios that a thread
 * replays. A cache that has answered the same calls at the same times as in another scenario finds
 * the same, so that it is asked once. Internal to sim/count_cache; belongs to one thread.
 */
#ifndef TALLY_SIM_COUNT_MEMO_H
#define TALLY_SIM_COUNT_MEMO_H

#include "sim/count_cache.h"

/* Of a call and a cache: what is remembered, in the conversation at hand if it has its number. */
struct memo_found {
	uint32_t conversation, cache, kind;
	uint64_t answered; /* a sum of what the cache has answered, this call included */
	int64_t wrote_us;  /* when the oldest of the prompt was written that it leaves behind */
	struct count_found found;
};

/* Caches share a place where their numbers are alike: who comes first keeps it. */
enum { MEMO_PLACES = 4, MEMO_CALLS_MOST = 4096 };

struct count_memo {
	uint32_t conversation; /* from 1, as they come */
	size_t calls, room;    /* calls: 0 where there are too many to remember */
	struct memo_found *of;
};

/* Where it is remembered; NULL: nowhere. */
static inline struct memo_found *memo_place(const struct count_memo *m, uint32_t call,
					    uint32_t cache)
{
	return m && call < m->calls ? &m->of[call * MEMO_PLACES + cache % MEMO_PLACES] : NULL;
}

static inline bool memo_has(const struct count_memo *m, const struct memo_found *f, uint32_t cache,
			    uint32_t kind, uint64_t answered)
{
	return f->conversation == m->conversation && f->cache == cache && f->kind == kind &&
	       f->answered == answered;
}

#endif
