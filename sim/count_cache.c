#include "sim/count_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* What a cache holds of a conversation. */
struct held {
	int64_t tokens;		  /* leading ones that the next prompt still begins with */
	int64_t us, wrote_us;	  /* of its last call, and when those tokens came */
	int64_t longest, long_us; /* its longest prompt, for conversations that branch */
	int64_t ttl_us;		  /* of what it wrote */
	uint32_t call;		  /* 1 + its last one; 0: it has answered none */
	bool used;		  /* it is listed */
	bool shrunk;		  /* some prompt since was shorter, so fewer tokens may be common */
};

/* What the record tells of a call. */
struct told {
	int64_t step;	 /* the most it shares with the call before it */
	uint32_t before; /* 1 + the last call of the conversation on its cache */
	bool shorter;	 /* its prompt is shorter, and nothing tells what is common */
};

struct count_cache {
	const struct model_cache *rules;
	uint32_t caches;
	struct held *held; /* by cache */
	uint32_t *used;	   /* those that hold something of this conversation */
	uint32_t use;
	/* the conversation at hand */
	const struct work_call *call;
	const uint32_t *recorded;
	struct told *told; /* by call */
	size_t room;
	int64_t head;		  /* what its first call found */
	uint32_t current;	  /* 1 + the call that came last */
	struct count_found found; /* of the last call, for an attempt that is made again */
	uint32_t found_call, found_cache;
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Tokens of the recorded prompt that the client lets into a cache which bills writes. */
static int64_t count_cache_reach(const struct work_call *c, const struct model_cache *recorded)
{
	const int64_t prompt = work_prompt(c);
	return recorded->bills_writes ? prompt - c->tokens[BUCKET_INPUT] : prompt;
}

static int64_t whole_quanta(int64_t tokens, int64_t quantum)
{
	return quantum > 1 ? tokens - tokens % quantum : tokens;
}

/*
 * What call i at most shares with the call before it. Where the same cache answered that one in
 * time and keeps hits on record, a hit shorter than it could have been says where the prompts part.
 */
static int64_t shared(struct count_cache *c, size_t i, uint32_t last, bool keeps_hits)
{
	const struct work_call *now = &c->call[i], *then = &c->call[last];
	const struct model_cache *of = &c->rules[c->recorded[i]];
	const int64_t both = least(work_prompt(then), work_prompt(now)),
		      read = now->tokens[BUCKET_CACHE_READ];
	c->told[i].shorter = work_prompt(now) < work_prompt(then);
	if (!keeps_hits || c->recorded[i] != c->recorded[last] || now->requests > 1 ||
	    then->requests > 1)
		return both;
	const int64_t ttl_us = of->contract ? of->contract->life_us[CACHE_SHORT] : INT64_MAX;
	int64_t there = least(count_cache_reach(then, of), both);
	if (now->time_us - then->time_us > ttl_us)
		return both;
	if (of->contract) {
		there = least(there, work_prompt(now) - of->contract->computed);
		there = whole_quanta(there, of->contract->quantum);
		there = there < of->contract->minimum ? 0 : there;
	}
	c->told[i].shorter = false;
	return read < there ? read : both;
}

struct count_cache *count_cache_open(const struct model_cache *rules, uint32_t caches)
{
	struct count_cache *c = mem_zalloc(sizeof *c);
	*c = (struct count_cache){ .rules = rules, .caches = caches };
	c->held = mem_zalloc((caches + (size_t)1) * sizeof *c->held);
	c->used = mem_alloc((caches + (size_t)1) * sizeof *c->used);
	return c;
}

void count_cache_close(struct count_cache *c)
{
	if (!c)
		return;
	free(c->held);
	free(c->used);
	free(c->told);
	free(c);
}

static struct held *held_by(struct count_cache *c, uint32_t cache)
{
	struct held *h = &c->held[cache];
	if (!h->used) {
		h->used = true;
		c->used[c->use++] = cache;
	}
	return h;
}

static void forget(struct count_cache *c)
{
	for (uint32_t k = 0; k < c->use; k++)
		c->held[c->used[k]] = (struct held){ 0 };
	c->use = 0;
	c->current = 0;
}

void count_cache_begin(struct count_cache *c, const struct work_call *call, size_t calls,
		       const uint32_t *recorded)
{
	bool hits = false;
	if (calls > c->room) {
		free(c->told);
		c->room = calls * 2;
		c->told = mem_alloc(c->room * sizeof *c->told);
	}
	c->call = call;
	c->recorded = recorded;
	c->found_call = 0;
	forget(c);
	for (size_t i = 0; i < calls; i++)
		hits |= call[i].tokens[BUCKET_CACHE_READ] > 0;
	for (size_t i = 0; i < calls; i++) {
		struct held *h = held_by(c, recorded[i]);
		const uint32_t last = c->current;
		c->told[i] = (struct told){ .before = h->call };
		if (last)
			c->told[i].step = shared(c, i, last - 1, hits);
		else
			c->head = call[i].tokens[BUCKET_CACHE_READ];
		h->call = c->current = (uint32_t)i + 1;
	}
	forget(c);
}

/* As the rules let it hit. */
static int64_t ruled(const struct cache_rules *r, int64_t tokens, int64_t prompt)
{
	tokens = least(tokens, prompt - most(r->computed, r->recompute));
	tokens = whole_quanta(most(tokens, 0), r->quantum);
	return tokens < r->minimum ? 0 : tokens;
}

static bool in_time(const struct cache_rules *r, int64_t ttl_us, int64_t age_us, int64_t came_us)
{
	return (ttl_us < 0 || age_us <= ttl_us) && came_us >= r->settle_us;
}

bool count_cache_warm(const struct model_cache *cache, int64_t then_us, int64_t now_us)
{
	return in_time(&cache->rules, cache->rules.ttl_us, now_us - then_us, INT64_MAX);
}

/* A model that knows nothing of the conversation may know its head from others. */
static struct count_found find_head(const struct count_cache *c, const struct count_call *call,
				    int64_t head)
{
	const struct cache_rules *r = &c->rules[call->cache].rules;
	const int64_t there = ruled(r, head, work_prompt(&c->call[call->call]));
	return (struct count_found){ .hit = call->warm ? there : 0, .high = there };
}

static struct count_found find_held(const struct count_cache *c, const struct count_call *call,
				    const struct held *h, int64_t head)
{
	const struct model_cache *of = &c->rules[call->cache];
	const struct cache_rules *r = &of->rules;
	const struct work_call *w = &c->call[call->call];
	const int64_t read = w->tokens[BUCKET_CACHE_READ], prompt = work_prompt(w);
	int64_t tokens = h->tokens, since_us = r->ttl_of_write ? h->wrote_us : h->us;
	/* the record proves that the prompt goes on from an earlier branch */
	if (read > tokens && read <= h->longest) {
		tokens = read;
		since_us = h->long_us;
	}
	const int64_t age_us = call->time_us - since_us, there = ruled(r, tokens, prompt);
	const bool asked = r->asked & CACHE_ASKED_TTL;
	const bool lives = in_time(r, h->ttl_us, age_us, call->time_us - h->wrote_us);
	const bool may_live = !asked && of->contract && age_us <= of->contract->life_most_us;
	struct count_found found = { .low = there, .hit = there, .high = there };
	if (!lives) {
		found = find_head(c, call, least(head, tokens));
		found.high = may_live ? there : found.high;
	} else if (h->shrunk && tokens != read) {
		found.low = least(ruled(r, head, prompt), there);
	}
	return found;
}

/* What the call leaves behind. */
static void keep(struct count_cache *c, const struct count_call *call, struct held *h, int64_t hit)
{
	const struct model_cache *of = &c->rules[call->cache],
				 *was = &c->rules[c->recorded[call->call]];
	const struct work_call *w = &c->call[call->call];
	const struct cache_rules *r = &of->rules;
	const int64_t reach = of->bills_writes ? count_cache_reach(w, was) : work_prompt(w);
	const bool an_hour = w->tokens[BUCKET_CACHE_WRITE_1H] && !w->tokens[BUCKET_CACHE_WRITE_5M];
	h->ttl_us = r->ttl_us;
	if (an_hour && of->contract && of->contract->life_us[CACHE_LONG] &&
	    !(r->asked & (CACHE_ASKED_TTL | CACHE_ASKED_WRITES)))
		h->ttl_us = of->contract->life_us[CACHE_LONG];
	h->tokens = reach < r->minimum ? 0 : reach;
	if (!hit || !h->call)
		h->wrote_us = call->time_us;
	if (h->tokens >= h->longest) {
		h->longest = h->tokens;
		h->long_us = call->time_us;
	}
	h->us = call->time_us;
	h->call = call->call + 1;
	h->shrunk = false;
}

/* Every cache's part of the conversation ends where the new prompt leaves the old one. */
static void part(struct count_cache *c, uint32_t call)
{
	const struct told *told = &c->told[call];
	if (c->current && c->current != call + 1)
		for (uint32_t k = 0; k < c->use; k++) {
			struct held *of = &c->held[c->used[k]];
			of->shrunk |= told->shorter && of->tokens > 0;
			of->tokens = least(of->tokens, told->step);
		}
	c->current = call + 1;
}

/* Why the call found less than the prompt before it was long. */
static void explain(const struct count_cache *c, const struct count_call *call,
		    const struct held *h, int64_t both, struct count_found *f)
{
	const struct model_cache *of = &c->rules[call->cache];
	const struct cache_rules *r = &of->rules;
	const struct work_call *w = &c->call[call->call];
	const int64_t since_us = r->ttl_of_write ? h->wrote_us : h->us;
	f->missed = both - f->hit;
	if (f->missed <= 0 || w->requests > 1)
		f->missed = 0;
	else if (of->finds_nothing)
		f->miss = MISS_UNPAID;
	else if (!h->call)
		f->miss = MISS_COLD;
	else if (!in_time(r, h->ttl_us, call->time_us - since_us, call->time_us - h->wrote_us))
		f->miss = MISS_EXPIRED;
	else if (both < r->minimum)
		f->miss = MISS_SHORT;
	else if (of->bills_writes && h->longest < r->minimum)
		f->miss = MISS_UNPAID;
	else if (f->hit >= ruled(r, both, work_prompt(w)))
		f->miss = MISS_ROUNDED;
	else
		f->miss = c->told[call->call].step < both ? MISS_CHANGED : MISS_COLD;
}

struct count_found count_cache_find(struct count_cache *c, const struct count_call *call)
{
	const struct work_call *w = &c->call[call->call];
	const struct model_cache *of = &c->rules[call->cache];
	const uint32_t was = c->recorded[call->call];
	struct held *h = held_by(c, call->cache);
	const int64_t read = w->tokens[BUCKET_CACHE_READ];
	struct count_found found;
	/* of a cache that nobody describes, what the recorded one did is all that is known */
	const bool alike = was == call->cache || !of->contract ||
			   cache_contract_alike(of->contract, c->rules[was].contract);
	if (c->found_call == call->call + 1 && c->found_cache == call->cache)
		return c->found;
	const uint32_t last = c->current;
	const int64_t both = last && last != call->call + 1
				     ? least(work_prompt(w), work_prompt(&c->call[last - 1]))
				     : 0;
	part(c, call->call);
	if (of->finds_nothing) {
		found = (struct count_found){ 0 };
	} else if (alike && !call->moved && !of->rules.asked &&
		   h->call == c->told[call->call].before &&
		   (was == call->cache || read == 0 || read >= of->rules.minimum)) {
		found = (struct count_found){
			.low = read, .hit = read, .high = read, .recorded = true
		};
	} else if (w->requests > 1) { /* a sum of prompts has no place in a conversation */
		found = (struct count_found){ .hit = alike || !of->bills_writes ? read : 0,
					      .high = read };
	} else {
		found = h->call ? find_held(c, call, h, c->head) : find_head(c, call, c->head);
		if (of->bills_writes) {
			const int64_t reach = count_cache_reach(w, &c->rules[was]);
			found.low = least(found.low, reach);
			found.hit = least(found.hit, reach);
			found.high = least(found.high, reach);
		}
	}
	explain(c, call, h, both, &found);
	keep(c, call, h, found.hit);
	c->found = found;
	c->found_call = call->call + 1;
	c->found_cache = call->cache;
	return found;
}
