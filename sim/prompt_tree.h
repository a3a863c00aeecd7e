/*
 * prompt_tree: which call of a conversation goes on from which, of those of which only counts are
 * known (docs/caches.md).
 *
 * A conversation is a tree: agents send parts of their work to others, branch, and compact what was
 * said. A prompt goes on from the newest one that it has room for and that is half as long at
 * least, else from the longest that it has room for, unless the record's own hits say otherwise. A
 * prompt that has room for none starts over. Internal to sim/count_cache.
 */
#ifndef TALLY_SIM_PROMPT_TREE_H
#define TALLY_SIM_PROMPT_TREE_H

#include "sim/model_cache.h"
#include "sim/workload.h"

enum doubt {
	STEP_GUESSED = 1,  /* nothing tells that it goes on from there */
	STEP_MARKED = 2,   /* a mark of its client ends there; more may be common */
	STEP_UNPROVEN = 4, /* no hit on record tells that the prompts are the same */
	STEP_END = 8,	   /* that hit ends before the earlier prompt does */
};

/* A call of the conversation at hand. */
struct told {
	int64_t prompt; /* tokens */
	/* 1 + the call whose prompt it goes on from, and how much of that it begins with; 0: it
	   starts over, and may share so much with others all the same */
	uint32_t parent;
	int64_t step, may, longest; /* longest: of what lies before it */
	/* what a hit on record tells: of step, so much is the same; with any call before it, no
	   more than so much is */
	int64_t proven, common_most;
	uint32_t maybe;	 /* 1 + the first call whose prompt that hit may have been of */
	bool named;	 /* it can have been of one call only */
	bool unmarked;	 /* its input lies behind the client's last mark */
	uint8_t doubt;	 /* enum doubt */
	uint64_t before; /* which calls its cache had answered: sim/count_cache's */
	uint32_t older;	 /* tips: 1 + the next older one */
};

/* Of the conversation at hand. */
struct prompt_tree {
	const struct model_cache *rules; /* by number of the cache */
	const struct work_call *call;
	const uint32_t *recorded; /* the cache that answered each call */
	struct told *told;	  /* by call; its own, or another's */
	struct told *own;
	size_t room;
};

/* Of its calls, in the order of time; both outlive the tree. */
void prompt_tree_make(struct prompt_tree *t, const struct work_call *call, size_t calls,
		      const uint32_t *recorded);
/* Another's of the same calls, as long as that lasts. */
void prompt_tree_share(struct prompt_tree *t, const struct prompt_tree *with);
void prompt_tree_release(struct prompt_tree *t);

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A cache as it is when that call is made. */
static inline const struct model_cache *cache_as_of(const struct prompt_tree *t, uint32_t cache,
						    uint32_t call)
{
	return model_cache_at(&t->rules[cache], t->call[call].time_us);
}

/* The one that answered it. */
static inline const struct model_cache *cache_on_record(const struct prompt_tree *t, uint32_t call)
{
	return cache_as_of(t, t->recorded[call], call);
}

static inline int64_t told_prompt(const struct prompt_tree *t, uint32_t call)
{
	return t->told[call].prompt;
}

/* Tokens of the recorded prompt that the client lets into a cache which bills writes. */
static inline int64_t told_reach(const struct prompt_tree *t, uint32_t call)
{
	const int64_t prompt = t->told[call].prompt;
	return t->told[call].unmarked ? prompt - t->call[call].tokens[BUCKET_INPUT] : prompt;
}

/* Not by a division where a unit is a power of two, as most are. */
static inline int64_t whole_quanta(int64_t tokens, int64_t quantum)
{
	const bool masks = (quantum & (quantum - 1)) == 0 && tokens >= 0;
	return quantum <= 1 ? tokens : masks ? tokens & -quantum : tokens - tokens % quantum;
}

#endif
