/*
 * count_cache: what a model's cache would have found of conversations of which only counts are
 * known (docs/caches.md).
 *
 * At each call the previous prompt of the conversation is there for a model that answered it, as
 * long as its contract keeps it. Where the record itself proves more or less, the record decides;
 * where the model saw exactly what the recorded one saw, of a cache of the same kind, it finds
 * exactly what was recorded.
 */
#ifndef TALLY_SIM_COUNT_CACHE_H
#define TALLY_SIM_COUNT_CACHE_H

#include "sim/cache_miss.h"
#include "sim/model_cache.h"
#include "sim/workload.h"

/* What of a call's prompt was found. recorded: exactly what the record says, writes too. */
struct count_found {
	int64_t low, hit, high;
	/* unproven: no hit on record tells that its prompt goes on from the one before;
	   end_unproven: hits end at marks, and no hit tells of the last one's end */
	bool recorded, unproven, end_unproven;
	bool unmarked; /* input of the record lies behind its client's last mark */
	/* the bounds where that is in doubt, too: whatever the prompts were, floor to most; on
	   average of calls that are rewritten as often as is allowed for, least */
	int64_t floor, least, most;
	int64_t expected;     /* as often as recorded sessions rewrite what was said */
	enum cache_miss miss; /* why it found less than the call before it was long */
	int64_t missed;	      /* tokens */
	/* that keeping its prompt adds, where that is billed, and at least and at most */
	int64_t token_hours, hours_least, hours_most;
};

/* Whether anything but the hit and its storage is possible. */
static inline bool count_has_bounds(const struct count_found *f)
{
	return ((f->floor ^ f->hit) | (f->least ^ f->hit) | (f->most ^ f->hit) |
		(f->expected ^ f->hit) | (f->hours_least ^ f->token_hours) |
		(f->hours_most ^ f->token_hours)) != 0;
}

static inline bool count_is_unproven(const struct count_found *f)
{
	return f->unproven || f->end_unproven;
}
/* Whether what was found lies between two bounds for another reason. */
static inline bool count_is_uncertain(const struct count_found *f)
{
	return !count_is_unproven(f) &&
	       (f->floor != f->hit || f->most != f->hit || f->hours_least != f->hours_most);
}

struct count_call {
	uint32_t call;	/* of the conversation at hand */
	uint32_t cache; /* that answers it */
	int64_t time_us;
	bool moved; /* not when it was recorded */
	bool warm;  /* its cache has answered a call of some conversation within its lifetime */
};

/* What a thread remembers of the conversation at hand, for all of its scenarios. */
struct count_memo;
struct count_memo *count_memo_open(void);
void count_memo_close(struct count_memo *m);
/* The next conversation, before any count_cache_begin of it. */
void count_memo_begin(struct count_memo *m, size_t calls);

struct count_cache;
/* The caches that answer, by number, and what is remembered of them: caches of one number and kind
 * have the same rules in all scenarios, which see the recorded calls alike. Rules and memo outlive
 * it. memo: NULL, and kind too, where nothing is. Belongs to one thread. */
struct count_cache *count_cache_open(const struct model_cache *rules, const uint32_t *kind,
				     uint32_t caches, struct count_memo *memo);
void count_cache_close(struct count_cache *c);
/* The next conversation: its calls in the order of time, and the cache that answered each of them.
 * Both outlive the calls of count_cache_find. like: another that has begun with the same, and whose
 * recorded caches have the same contracts; NULL: there is none. */
void count_cache_begin(struct count_cache *c, const struct work_call *call, size_t calls,
		       const uint32_t *recorded, const struct count_cache *like);
/* Calls come in the order of time. What it says lasts until the next one. */
const struct count_found *count_cache_find(struct count_cache *c, const struct count_call *call);
/* Whether a call that came at then_us keeps the head of conversations warm until now_us. */
bool count_cache_warm(const struct model_cache *cache, int64_t then_us, int64_t now_us);

#endif
