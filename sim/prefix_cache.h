/*
 * prefix_cache: what a cache of prompt prefixes would have hit.
 *
 * A request's leading blocks that are present before it are a hit; then all its blocks are touched.
 * LRU counts blocks; with `reverse` a request touches its blocks last to first, so that the root
 * stays most recent and tails go first. Time to live is refreshed by a touch, and its end is
 * inclusive. With a settle delay a block is there for others only so long after it came in (both
 * ends inclusive); what was evicted or expired and comes again is new: it settles again, and no
 * unit ends behind it.
 */
#ifndef TALLY_SIM_PREFIX_CACHE_H
#define TALLY_SIM_PREFIX_CACHE_H

#include "pricing/cache_contract.h"
#include "sim/block_trace.h"
#include "sim/cache_miss.h"

enum cache_scope {
	/* one cache, or one of each conversation, model, customer, and of what they make together
	 */
	CACHE_GLOBAL = 0,
	CACHE_CONVERSATION = 1,
	CACHE_MODEL = 2,
	CACHE_CONVERSATION_MODEL = CACHE_CONVERSATION | CACHE_MODEL,
	CACHE_CUSTOMER = 4,
	CACHE_SCOPES = 8,
};

/* The same for whoever pays: no model finds what another one read. */
static inline enum cache_scope cache_scope_by_model(enum cache_scope s)
{
	return (enum cache_scope)(s | CACHE_MODEL);
}

/* What a client pays for: what it gets unasked, nothing (where writes are billed it then finds
 * nothing), or writes of a lifetime. */
enum cache_writes { CACHE_WRITES_USUAL, CACHE_WRITES_NONE, CACHE_WRITES_ASKED };

struct cache_rules {
	int64_t capacity;  /* blocks; -1: without limit */
	int64_t ttl_us;	   /* -1: no expiry */
	bool ttl_of_write; /* what is read does not live longer for it */
	int64_t settle_us; /* a block can hit so long after it came, and not before */
	bool forward;	   /* blocks are touched first to last */
	bool full;	   /* only full blocks hit, never a partial one */
	enum cache_scope scope;
	/* DeepSeek V4: a hit ends where a stored unit ends: at the end of an earlier prompt, with
	   `common` at a prefix that two requests shared, and at every multiple of `interval` tokens
	   (0: none) */
	bool units, common;
	int64_t interval;
	/* Anthropic: prompts are stored up to their breakpoints, and found up to a stored one; a
	   request that names none has one at its end */
	bool breakpoints;
	/* of breakpoints, where a prompt tells its content blocks: how many ends of them are looked
	   at in front of each mark, it included; 0: all */
	int64_t lookback;
	int64_t quantum, minimum; /* hits are whole quanta of tokens, and not below the minimum */
	int64_t recompute; /* so many tokens at the end never hit, and only whole blocks do */
	int64_t computed;  /* likewise, and what is left of a block can hit */
	/* --rule vendor: what nobody asked for is as the model's contract says */
	bool vendor;
	unsigned asked; /* of the parts below */
	enum cache_writes writes;
	bool unpaid; /* writes are billed and the client pays for none: nothing is kept, or found */
	int64_t writes_us;	      /* the lifetime that the client asks for */
	enum cache_lifetime lifetime; /* which of the contract's that is */
	const char *storage;	      /* the unit that bills keeping it, tokens times hours */
};

/* What cache_rules_of leaves as it is. */
enum {
	CACHE_ASKED_TTL = 1,
	CACHE_ASKED_EXPIRE = 2,
	CACHE_ASKED_SETTLE = 4,
	CACHE_ASKED_QUANTUM = 8,
	CACHE_ASKED_MINIMUM = 16,
	CACHE_ASKED_RECOMPUTE = 32,
	CACHE_ASKED_WRITES = 64,
	CACHE_ASKED_SCOPE = 128,
	CACHE_ASKED_LOOKBACK = 256,
};

/* What `own` asks for takes the place of what is in `r`. */
void cache_rules_over(struct cache_rules *r, const struct cache_rules *own);
/* What rules that follow a vendor mean for a model of that contract (NULL: it has none). */
struct cache_rules cache_rules_of(const struct cache_rules *asked, const struct cache_contract *c);

struct cache_result {
	int64_t requests, hit_blocks, hit_tokens, token_hours;
};

/* hits (may be NULL): tokens of each request that hit. The models of requests may be given by
 * another column (model, by request; NULL: the trace's own). Errors: ERR_USAGE. */
int prefix_cache_run(const struct block_trace *t, const struct cache_rules *rules,
		     const uint32_t *model, int64_t *hits, struct cache_result *out, struct err *e);
/* The same where requests have rules of their own; capacity and scope are `rules`'. token_hours
 * (may be NULL): what keeping each request's prompt adds to the storage, half up; of a block that
 * is there already, by how much it lives longer for it. */
struct each_request {
	const struct cache_rules *const *rules; /* NULL: none has */
	const uint32_t *model;
	int64_t *hits, *token_hours;
	/* leading blocks of each request that one before it had, whatever their models; and why no
	   more of them hit (enum cache_miss). Both, or NULL: nobody asks */
	uint32_t *shared;
	uint8_t *why;
};
int prefix_cache_run_each(const struct block_trace *t, const struct cache_rules *rules,
			  const struct each_request *each, struct cache_result *out, struct err *e);

/* Tokens of a prompt that the rules let into the cache: what of them did not hit was written. */
int64_t prefix_cache_reach(const struct block_trace *t, const struct cache_rules *r,
			   const struct block_request *q);

/* hit_tokens and hit_blocks of every capacity at once: point i is the smallest capacity at which
 * they reach those values. free() *points. Errors: ERR_USAGE (rules that one pass cannot tell). */
struct curve_point {
	int64_t capacity, hit_blocks, hit_tokens;
};
int prefix_cache_curve(const struct block_trace *t, const struct cache_rules *rules,
		       struct curve_point **points, size_t *count, struct err *e);

#endif
