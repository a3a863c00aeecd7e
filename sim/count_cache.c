#include "sim/count_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "sim/count_memo.h"
#include "sim/prompt_tree.h"

/* What a cache knows of a call that it answered. */
struct answered {
	int64_t us, wrote_us; /* when, and when the oldest of its prompt was written */
	uint32_t cache;	      /* 1 + its number; 0: nobody's */
	bool an_hour;	      /* what it wrote lives as long as the long lifetime */
};

/* Of so many calls that only grew, one is taken to have its history rewritten, in the bound of the
 * fewest hits: recorded sessions of agents show one in 69 (110 of 7,643), and where a hit has to
 * end at a mark one in 18 (418, those whose last tokens alone were changed among them). */
enum { REWRITTEN_ONE_IN = 32, MARKED_ONE_IN = 16 };

/*
 * What 562 public sessions of a coding agent do (42,959 calls; docs/caches.md), by the pause before
 * a call, in parts of ten thousand of the tokens that lengths alone take to be common: rewritten,
 * and of a prompt that came after the pause, how often its end is changed in the next one.
 */
enum { PARTS = 10000 };
static const struct habit {
	int64_t within_us;
	int32_t rewritten, end_changed;
} habits[] = {
	{ 60 * US_PER_SECOND, 18, 68 },	     { 300 * US_PER_SECOND, 98, 366 },
	{ 1800 * US_PER_SECOND, 372, 1173 }, { 7200 * US_PER_SECOND, 1513, 2411 },
	{ INT64_MAX, 4626, 3398 },
};
/* The end of a prompt that starts over; and of one that is shorter than one before, what it begins
 * with all the same, and where hits end at marks. */
enum { STARTED_END_CHANGED = 865, SHORTER_KEEPS = 3150, SHORTER_KEEPS_MARKED = 1635 };

/* By call; second: where two models answer. */
struct answers {
	struct answered first, second;
};

/* Calls that a cache answered. */
struct answers_of {
	uint32_t last, since; /* 1 + each; it answered all from `since` to `last` */
	int64_t longest;      /* what it kept of them at most */
	uint64_t which;	      /* a sum that tells them from others */
	uint64_t how;	      /* likewise, and when they came, and whether it was in use */
};

struct count_cache {
	const uint32_t *kind;
	struct count_memo *memo;
	struct answers_of *by_cache;
	uint32_t *used; /* caches that have answered */
	uint32_t use;
	/* the conversation at hand */
	struct prompt_tree tree;
	struct answers *answers; /* by call */
	size_t room;
	int64_t head; /* what its first call found */
	/* of the last call, for an attempt that is made again; remembered or its own */
	const struct count_found *found;
	struct memo_found own;
	uint32_t found_call, found_cache;
};

struct count_cache *count_cache_open(const struct model_cache *rules, const uint32_t *kind,
				     uint32_t caches, struct count_memo *memo)
{
	struct count_cache *c = mem_zalloc(sizeof *c);
	c->tree.rules = rules;
	c->kind = kind;
	c->memo = memo;
	c->by_cache = mem_zalloc((caches + (size_t)1) * sizeof *c->by_cache);
	c->used = mem_alloc((caches + (size_t)1) * sizeof *c->used);
	return c;
}

void count_cache_close(struct count_cache *c)
{
	if (!c)
		return;
	free(c->by_cache);
	free(c->used);
	prompt_tree_release(&c->tree);
	free(c->answers);
	free(c);
}

static uint64_t mixed(uint32_t call)
{
	const uint64_t n = (call + (uint64_t)1) * 0x9E3779B97F4A7C15u;
	return (n ^ n >> 31) * 0xD6E8FEB86659FD93u;
}

static void answered_last(struct count_cache *c, uint32_t cache, uint32_t call)
{
	struct answers_of *a = &c->by_cache[cache];
	if (!a->last)
		c->used[c->use++] = cache;
	if (!a->last || a->last < call)
		a->since = call + 1;
	a->last = call + 1;
	a->which += mixed(call);
}

static void forget(struct count_cache *c)
{
	for (uint32_t k = 0; k < c->use; k++)
		c->by_cache[c->used[k]] = (struct answers_of){ 0 };
	c->use = 0;
}

/* Which calls its cache had answered when a call was made that was recorded. */
static void note_before(struct count_cache *c, size_t calls)
{
	for (uint32_t i = 0; i < calls; i++) {
		const uint32_t cache = c->tree.recorded[i];
		c->tree.told[i].before = c->by_cache[cache].which;
		answered_last(c, cache, i);
	}
	forget(c);
}

void count_cache_begin(struct count_cache *c, const struct work_call *call, size_t calls,
		       const uint32_t *recorded, const struct count_cache *like)
{
	if (calls > c->room) {
		free(c->answers);
		c->room = calls * 2;
		c->answers = mem_alloc(c->room * sizeof *c->answers);
	}
	if (calls)
		memset(c->answers, 0, calls * sizeof *c->answers);
	c->found_call = 0;
	c->head = calls ? call[0].tokens[BUCKET_CACHE_READ] : 0;
	forget(c);
	if (like) {
		prompt_tree_share(&c->tree, &like->tree);
		return;
	}
	prompt_tree_make(&c->tree, call, calls, recorded);
	note_before(c, calls);
}

/* --- what a cache finds --- */

bool count_cache_warm(const struct model_cache *cache, int64_t then_us, int64_t now_us)
{
	const int64_t ttl_us = model_cache_at(cache, now_us)->rules.ttl_us;
	return ttl_us < 0 || now_us - then_us <= ttl_us;
}

/* As the rules let it hit. */
static int64_t ruled(const struct cache_rules *r, int64_t tokens, int64_t prompt)
{
	tokens = least(tokens, prompt - most(r->computed, r->recompute));
	if (tokens <= 0)
		return 0;
	tokens = whole_quanta(tokens, r->quantum);
	return tokens < r->minimum ? 0 : tokens;
}

static const struct answered *answer_of(const struct count_cache *c, uint32_t call, uint32_t cache)
{
	const struct answers *t = &c->answers[call];
	return t->first.cache == cache + 1    ? &t->first
	       : t->second.cache == cache + 1 ? &t->second
					      : NULL;
}

/* The nearest call of its cache that a call goes on from, and what they share. */
struct known {
	const struct answered *by; /* NULL: there is none */
	uint32_t at;		   /* that call, or where the thread starts */
	int64_t shared, most;	   /* as counted, and at most */
	int64_t proven;		   /* of shared: for sure */
	int32_t steps;		   /* calls that it goes back */
	bool named;		   /* hits on record tell of which calls they were, each of them */
	uint8_t doubt;
	bool apart;	   /* what other customers left is not found */
	uint32_t customer; /* who asks */
	/* of the one that the call finds: when what they share was used last, and whether it is
	   there still */
	int64_t us, wrote_us;
	bool alive;
};

static void go_back(const struct count_cache *c, struct known *k, uint32_t cache)
{
	const struct told *t = &c->tree.told[k->at];
	k->by = NULL;
	while (!k->by && t->parent) {
		const uint32_t from = t->parent - 1;
		const int64_t both = least(c->tree.told[from].prompt, t->prompt);
		if (t->step < k->shared)
			k->doubt &= (uint8_t)~STEP_MARKED;
		k->doubt |= t->step <= k->shared || t->doubt == STEP_GUESSED
				    ? t->doubt
				    : t->doubt & (STEP_UNPROVEN | STEP_END);
		k->shared = least(k->shared, t->step);
		k->proven = least(k->proven, t->proven);
		k->named &= t->named;
		k->steps++;
		k->most = least(k->most, t->doubt == STEP_MARKED ? both : t->step);
		k->at = from;
		t = &c->tree.told[from];
		if (!k->apart || c->tree.call[from].customer == k->customer)
			k->by = answer_of(c, from, cache);
	}
}

/* Leading tokens that the cache kept of a call that it answered. */
static int64_t kept_of(const struct count_cache *c, const struct model_cache *of, uint32_t call)
{
	const int64_t reach =
		of->bills_writes ? told_reach(&c->tree, call) : told_prompt(&c->tree, call);
	return reach < of->rules.minimum ? 0 : reach;
}

/* -1: no expiry. */
static int64_t lifetime(const struct model_cache *of, const struct answered *by)
{
	const struct cache_rules *r = &of->rules;
	if (by->an_hour && of->contract && of->contract->write[CACHE_LONG] >= 0 &&
	    !(r->asked & (CACHE_ASKED_TTL | CACHE_ASKED_WRITES)))
		return of->contract->life_us[CACHE_LONG];
	return r->ttl_us;
}

static bool lives(const struct model_cache *of, const struct answered *by, int64_t now_us)
{
	const int64_t ttl_us = lifetime(of, by);
	return ttl_us < 0 || now_us - (of->rules.ttl_of_write ? by->wrote_us : by->us) <= ttl_us;
}

/* What a later call has of an earlier one's prompt; 0 where it does not go on from it. */
static int64_t common_with(const struct count_cache *c, uint32_t later, uint32_t earlier)
{
	int64_t common = INT64_MAX;
	while (later > earlier && c->tree.told[later].parent) {
		common = least(common, c->tree.told[later].step);
		later = c->tree.told[later].parent - 1;
	}
	return later == earlier ? common : 0;
}

/* Branches read what their parent had written, as far as they share it, and so kept that alive for
 * those that follow: the one that is alive itself and has the most of it, of several the newest;
 * NULL where there is none. */
static const struct answered *read_since(const struct count_cache *c, const struct count_call *call,
					 const struct known *k, const struct model_cache *of,
					 int64_t *common)
{
	const int64_t needed = least(k->shared, kept_of(c, of, k->at));
	const struct answered *best = NULL;
	*common = 0;
	for (uint32_t i = call->call; *common < needed && i-- > k->at + 1;) {
		const struct answered *by = !k->apart || c->tree.call[i].customer == k->customer
						    ? answer_of(c, i, call->cache)
						    : NULL;
		const int64_t has = by && lives(of, by, call->time_us)
					    ? least(kept_of(c, of, i), common_with(c, i, k->at))
					    : 0;
		if (has > *common) {
			best = by;
			*common = has;
		}
	}
	return best;
}

static void know(struct known *k, const struct count_cache *c, const struct count_call *call,
		 const struct model_cache *of)
{
	*k = (struct known){ .at = call->call,
			     .shared = INT64_MAX,
			     .proven = INT64_MAX,
			     .named = true,
			     .most = INT64_MAX,
			     .apart = of->rules.scope & CACHE_CUSTOMER,
			     .customer = c->tree.call[call->call].customer };
	go_back(c, k, call->cache);
	const struct answered *by = k->by;
	if (!by)
		return;
	k->alive = lives(of, by, call->time_us);
	if (!k->alive) { /* what has read it since may be */
		int64_t common;
		const struct answered *since = read_since(c, call, k, of, &common);
		k->shared = since ? least(k->shared, common) : k->shared;
		k->proven = since ? 0 : k->proven;
		by = since ? since : by;
		k->alive = since != NULL;
	}
	k->us = by->us;
	k->wrote_us = by->wrote_us;
}

/* What is there of a thread. */
struct there {
	int64_t found, most; /* as counted, and at most */
	int64_t proven;	     /* of found: for sure, */
	bool named;	     /* because hits on record tell of which calls they were */
};

/*
 * What of it came long enough ago. Where clients mark what is kept, a hit ends where an earlier
 * prompt ended, or at a mark on record.
 */
static struct there settled(const struct count_cache *c, const struct count_call *call,
			    const struct model_cache *of, const struct known *from)
{
	const int64_t now_us = call->time_us;
	struct known k = *from;
	struct there t = { 0 };
	int64_t kept = kept_of(c, of, k.at);
	const int64_t newest = kept;
	while (now_us - k.by->us < of->rules.settle_us ||
	       (of->rules.breakpoints && !(k.doubt & STEP_MARKED) && k.shared < kept)) {
		const struct answered *newer = k.by;
		if (now_us - newer->us >= of->rules.settle_us)
			t.most = most(t.most, least(k.most, kept));
		go_back(c, &k, call->cache);
		if (!k.by || !lives(of, k.by, newer->us))
			return t;
		kept = kept_of(c, of, k.at);
	}
	t.found = least(k.shared, kept);
	t.proven = least(k.proven, t.found);
	t.named = k.named;
	t.most = most(t.most, least(k.most, of->rules.settle_us ? kept : newest));
	return t;
}

/* What it finds where it knows nothing of the thread: the head that all begin with, and at most
 * what the thread may share with others. */
static void find_head(const struct count_cache *c, const struct count_call *call,
		      const struct model_cache *of, const struct known *k, struct count_found *f)
{
	const struct cache_rules *r = &of->rules;
	const int64_t prompt = told_prompt(&c->tree, call->call),
		      head = ruled(r, least(c->head, k->shared), prompt),
		      may = k->by || !c->tree.told[k->at].may
				    ? 0
				    : ruled(r, least(c->tree.told[k->at].longest, k->shared),
					    prompt);
	const bool warm = call->warm && !(r->scope & CACHE_CONVERSATION);
	f->hit = f->floor = warm ? head : 0;
	f->high = most(head, warm ? may : 0);
}

/* Whether what hits on record prove is there for sure: the cache answered all calls that they may
 * have been of, and has them all still. */
static bool is_sure(const struct count_cache *c, const struct count_call *call,
		    const struct model_cache *of, const struct known *k, bool named)
{
	const struct answers_of *a = &c->by_cache[call->cache];
	const uint32_t maybe =
		of->rules.breakpoints || of->rules.settle_us ? 0 : c->tree.told[call->call].maybe;
	const int64_t ttl_us = of->rules.ttl_us, now_us = call->time_us;
	if (k->by && cache_as_of(&c->tree, call->cache, k->at) != of) /* kept by another contract */
		return false;
	if (of->rules.ttl_of_write && ttl_us >= 0 && now_us - c->tree.call[0].time_us > ttl_us)
		return false;
	return named || (maybe && a->last == call->call && a->since <= maybe &&
			 (ttl_us < 0 || now_us - c->tree.call[maybe - 1].time_us <= ttl_us));
}

static void find_held(const struct count_cache *c, const struct count_call *call,
		      const struct model_cache *of, const struct known *k, struct count_found *f)
{
	const struct cache_rules *r = &of->rules;
	const int64_t prompt = told_prompt(&c->tree, call->call);
	const struct there t = k->by ? settled(c, call, of, k) : (struct there){ 0 };
	if (k->alive) {
		const int64_t head = ruled(r, c->head, prompt);
		f->hit = ruled(r, t.found, prompt);
		f->low = k->doubt & STEP_GUESSED ? least(head, f->hit) : f->hit;
		f->high = t.most > t.found ? ruled(r, t.most, prompt) : f->hit;
		/* a hit may end at marks only: what is the same in front of one finds nothing */
		f->floor = !t.proven || (r->breakpoints && t.proven < t.found) ||
					   !is_sure(c, call, of, k, t.named)
				   ? 0
				   : ruled(r, t.proven, prompt);
		f->unproven = f->hit > head && k->doubt & STEP_UNPROVEN;
		f->end_unproven = f->hit > head && r->breakpoints && k->doubt & STEP_END &&
				  !(k->doubt & STEP_UNPROVEN);
		return;
	}
	find_head(c, call, of, k, f);
	if (k->by && of->contract && !(r->asked & CACHE_ASKED_TTL) &&
	    call->time_us - (r->ttl_of_write ? k->wrote_us : k->us) <= of->contract->life_most_us)
		f->high = most(f->high, ruled(r, t.most, prompt));
}

/* What any prompt that the cache may still have can give the call at most, `high` or more. */
static int64_t ceiling(const struct count_cache *c, const struct count_call *call,
		       const struct model_cache *of, int64_t high)
{
	const uint32_t last = c->by_cache[call->cache].last;
	const struct told *t = &c->tree.told[call->call];
	const int64_t longest =
		least(t->common_most, least(c->by_cache[call->cache].longest, t->prompt));
	if (!last || longest <= high)
		return high;
	const struct answered *by = answer_of(c, last - 1, call->cache);
	const struct cache_contract *k = of->rules.asked & CACHE_ASKED_TTL ? NULL : of->contract;
	const int64_t ttl_us = lifetime(of, by);
	if (ttl_us >= 0 && call->time_us - by->us > most(ttl_us, k ? k->life_most_us : 0))
		return high;
	return most(high, ruled(&of->rules, longest, t->prompt));
}

/* What so many tokens add that are kept, of which some are there already and were used so long
 * ago. */
static int64_t token_hours(const struct model_cache *of, int64_t kept, int64_t there,
			   int64_t unused_us)
{
	const int64_t ttl_us = of->rules.ttl_us;
	const int128 longer_us = of->rules.ttl_of_write ? 0 : least(unused_us, ttl_us),
		     token_us = (int128)(kept - there) * ttl_us + there * longer_us;
	return (int64_t)((token_us + US_PER_HOUR / 2) / US_PER_HOUR);
}

/* What keeping the call's prompt adds to the storage: all of it for its lifetime, and what is there
 * already by so much as it lives longer for being read. */
static int64_t stored(const struct count_cache *c, const struct count_call *call,
		      const struct model_cache *of, const struct known *k)
{
	const int64_t kept = kept_of(c, of, call->call);
	const int64_t there = k->alive ? least(kept, least(k->shared, kept_of(c, of, k->at))) : 0;
	return token_hours(of, kept, there, there ? call->time_us - k->us : 0);
}

/* That and its bounds: nothing of the prompt is there, or all that can be, and was read just now.
 */
static void store(const struct count_cache *c, const struct count_call *call,
		  const struct model_cache *of, const struct known *k, struct count_found *f)
{
	if (!of->rules.storage || of->rules.unpaid || c->tree.call[call->call].requests > 1)
		return;
	const int64_t kept = kept_of(c, of, call->call);
	const uint32_t last = c->by_cache[call->cache].last;
	f->token_hours = f->hours_least = f->hours_most = stored(c, call, of, k);
	const uint32_t maybe = c->tree.told[call->call].maybe;
	const int64_t used_us = k->named || !maybe ? k->us : c->tree.call[maybe - 1].time_us;
	f->hours_most =
		most(f->hours_most, token_hours(of, kept, k->alive ? least(f->floor, kept) : 0,
						call->time_us - used_us));
	if (last)
		f->hours_least =
			least(f->hours_least,
			      token_hours(of, kept, least(kept, c->by_cache[call->cache].longest),
					  call->time_us - c->tree.call[last - 1].time_us));
}

/* What the call leaves behind, of which the oldest was written at wrote_us. */
static void keep(struct count_cache *c, const struct count_call *call, const struct model_cache *of,
		 int64_t wrote_us)
{
	const struct work_call *w = &c->tree.call[call->call];
	struct answered *a = &c->answers[call->call].first;
	if (a->cache && a->cache != call->cache + 1)
		a = &c->answers[call->call].second;
	*a = (struct answered){ .us = call->time_us,
				.wrote_us = wrote_us,
				.cache = call->cache + 1,
				.an_hour = w->tokens[BUCKET_CACHE_WRITE_1H] &&
					   !w->tokens[BUCKET_CACHE_WRITE_5M] };
	answered_last(c, call->cache, call->call);
	if (w->requests <= 1)
		c->by_cache[call->cache].longest =
			most(c->by_cache[call->cache].longest, kept_of(c, of, call->call));
}

/* What the call could have found at most: so long is the prompt before it. */
static int64_t could_find(const struct count_cache *c, uint32_t call)
{
	const struct told *t = &c->tree.told[call];
	if (c->tree.call[call].requests > 1)
		return 0;
	return t->parent ? least(t->prompt, told_prompt(&c->tree, t->parent - 1))
	       : call	 ? t->may
			 : 0;
}

/* Why the call found less than that, which is `both`. */
static void explain(const struct count_cache *c, const struct count_call *call,
		    const struct model_cache *of, const struct known *k, int64_t both,
		    struct count_found *f)
{
	const struct cache_rules *r = &of->rules;
	const uint32_t parent = c->tree.told[call->call].parent;
	const int64_t prompt = told_prompt(&c->tree, call->call);
	f->missed = both - f->hit;
	if (f->missed <= 0)
		f->missed = 0;
	else if (of->rules.unpaid)
		f->miss = MISS_UNPAID;
	else if (!c->by_cache[call->cache].last)
		f->miss = MISS_COLD;
	else if (k->by && !k->alive)
		f->miss = MISS_EXPIRED;
	else if (both < r->minimum)
		f->miss = MISS_SHORT;
	else if (of->bills_writes && k->by && kept_of(c, of, k->at) < r->minimum)
		f->miss = MISS_UNPAID;
	else if (f->hit >= ruled(r, both, prompt))
		f->miss = MISS_ROUNDED;
	else if (k->by && call->time_us - k->by->us < r->settle_us)
		f->miss = MISS_UNREADY;
	else
		f->miss =
			!parent || c->tree.told[call->call].step < both ? MISS_CHANGED : MISS_COLD;
}

static int64_t part_of(int64_t tokens, int32_t part)
{
	return tokens >> 48 == 0 ? tokens * part / PARTS : (int64_t)((int128)tokens * part / PARTS);
}

static const struct habit *habit_after(int64_t pause_us)
{
	const struct habit *h = habits;
	while (pause_us > h->within_us)
		h++;
	return h;
}

/* How often the end of a call's prompt is changed in the next one. */
static int32_t end_changed(const struct count_cache *c, uint32_t call)
{
	const uint32_t parent = c->tree.told[call].parent;
	return parent ? habit_after(c->tree.call[call].time_us - c->tree.call[parent - 1].time_us)
				->end_changed
		      : STARTED_END_CHANGED;
}

/* Of what a hit rests on lengths alone for, what sessions rewrite: then the head is left, and
 * where hits end at marks and the last one's end was changed, the mark before it. */
static int64_t expected_loss(const struct count_cache *c, const struct count_call *call,
			     const struct model_cache *of, const struct known *k,
			     const struct count_found *f)
{
	const int64_t prompt = told_prompt(&c->tree, call->call), hit = f->hit,
		      head = least(hit, ruled(&of->rules, c->head, prompt));
	int64_t lost = f->unproven
			       ? part_of(hit - head, habit_after(call->time_us - k->us)->rewritten)
			       : 0;
	if (of->rules.breakpoints) {
		struct known older = *k;
		go_back(c, &older, call->cache);
		const bool there = older.by && lives(of, older.by, k->by->us);
		const int64_t mark =
			there ? ruled(&of->rules, least(older.shared, kept_of(c, of, older.at)),
				      prompt)
			      : 0;
		lost += part_of(hit - least(hit, most(head, mark)), end_changed(c, k->at));
	}
	return least(lost, hit);
}

/* Where a prompt is shorter than one before, what it begins with is between two bounds. */
static int64_t expect_shorter(const struct count_cache *c, const struct count_call *call,
			      const struct model_cache *of, const struct known *k,
			      const struct count_found *f)
{
	const int32_t keeps = of->rules.breakpoints ? SHORTER_KEEPS_MARKED : SHORTER_KEEPS;
	const uint32_t parent = c->tree.told[call->call].parent;
	if (c->tree.call[call->call].requests > 1)
		return f->hit;
	if (parent && told_prompt(&c->tree, parent - 1) > told_prompt(&c->tree, call->call))
		return f->low + part_of(f->hit - f->low, keeps);
	return parent || k->by ? f->hit : f->hit + part_of(f->high - f->hit, keeps);
}

/* How many of a call's tokens may be lost on average where nothing on record proves it: each step
 * of its thread was rewritten once in so many calls, or twice as often as sessions do after such a
 * pause. */
static int64_t allowed_loss(const struct model_cache *of, const struct known *k, int64_t hit,
			    int64_t lost)
{
	const int64_t a_step = of->rules.breakpoints ? hit / MARKED_ONE_IN : hit / REWRITTEN_ONE_IN;
	return least(hit, most(a_step * k->steps, 2 * lost));
}

/* The bounds. At least: all that may be lost is (`floor`), or as much as may be on average
 * (`least`). At most: whatever is as long and still there, unless the record tells that prompts
 * part. */
static void widen(const struct count_cache *c, const struct count_call *call,
		  const struct model_cache *of, const struct known *k, struct count_found *f)
{
	const struct told *t = &c->tree.told[call->call];
	f->expected = expect_shorter(c, call, of, k, f);
	f->least = f->low;
	f->most = f->high;
	if (c->tree.call[call->call].requests > 1) {
		f->floor = f->low;
		return;
	}
	if (f->unproven || f->end_unproven) {
		const int64_t lost = expected_loss(c, call, of, k, f);
		/* how many ends change within a unit of the record is not known */
		f->expected = f->unproven ? f->hit - lost : f->hit;
		f->least = least(f->low,
				 f->hit - (f->unproven ? allowed_loss(of, k, f->hit, lost) : lost));
	} else if (f->floor > 0) {
		f->least = least(f->low, f->floor);
	}
	f->floor = least(f->floor, f->least);
	if (!of->rules.unpaid)
		f->most = most(f->hit, least(ceiling(c, call, of, f->high), t->common_most));
	if (of->bills_writes)
		f->most = least(f->most, told_reach(&c->tree, call->call));
}

/* Whether the cache is of the recorded one's kind. Of one that nobody describes, what the recorded
 * one did is all that is known. */
static bool is_alike(const struct count_cache *c, const struct count_call *call,
		     const struct model_cache *of)
{
	return c->tree.recorded[call->call] == call->cache || !of->contract ||
	       cache_contract_alike(of->contract, cache_on_record(&c->tree, call->call)->contract);
}

/* Whether the call finds exactly what was recorded: its model saw what the recorded one had seen,
 * of a cache of the same kind. */
static bool finds_recorded(const struct count_cache *c, const struct count_call *call,
			   const struct model_cache *of)
{
	const uint32_t was = c->tree.recorded[call->call];
	const int64_t read = c->tree.call[call->call].tokens[BUCKET_CACHE_READ];
	if (c->by_cache[call->cache].which != c->tree.told[call->call].before || call->moved ||
	    of->rules.asked || of->rules.unpaid || !is_alike(c, call, of))
		return false;
	/* where another minimum holds, only a hit that reaches it tells what would be found */
	if (was == call->cache || (read > 0 && read >= of->rules.minimum))
		return true;
	const struct cache_contract *then = cache_on_record(&c->tree, call->call)->contract;
	return (then ? then->minimum : 0) == of->rules.minimum;
}

/* What is found where the record does not say it. */
static void find_other(const struct count_cache *c, const struct count_call *call,
		       const struct model_cache *of, const struct known *k, struct count_found *f)
{
	const struct work_call *w = &c->tree.call[call->call];
	const int64_t read = w->tokens[BUCKET_CACHE_READ];
	*f = (struct count_found){ .unmarked = c->tree.told[call->call].unmarked };
	if (of->rules.unpaid)
		return;
	if (w->requests > 1) {
		f->hit = !of->bills_writes || is_alike(c, call, of) ? read : 0;
		f->high = read;
		return;
	}
	find_held(c, call, of, k, f);
	if (of->bills_writes) {
		const int64_t reach = told_reach(&c->tree, call->call);
		f->floor = least(f->floor, reach);
		f->low = least(f->low, reach);
		f->hit = least(f->hit, reach);
		f->high = least(f->high, reach);
	}
}

/* Nearly all that answers is told by the record where it stays on its model: what the cache knows
 * is asked then only where that is seen. */
static void find_now(const struct count_cache *c, const struct count_call *call,
		     const struct model_cache *of, struct memo_found *out)
{
	struct count_found *f = &out->found;
	const int64_t read = c->tree.call[call->call].tokens[BUCKET_CACHE_READ],
		      both = could_find(c, call->call);
	const bool recorded = finds_recorded(c, call, of);
	struct known k;
	if (!recorded || both > read || of->rules.ttl_of_write || of->later)
		know(&k, c, call, of);
	else
		k.by = NULL;
	if (recorded) {
		*f = (struct count_found){ .low = read,
					   .hit = read,
					   .high = read,
					   .recorded = true,
					   .unmarked = c->tree.told[call->call].unmarked,
					   .floor = read,
					   .least = read,
					   .most = read,
					   .expected = read };
	} else {
		find_other(c, call, of, &k, f);
		widen(c, call, of, &k, f);
		store(c, call, of, &k, f);
	}
	explain(c, call, of, &k, both, f);
	out->wrote_us = f->hit && k.by ? k.wrote_us : call->time_us;
}

/* A term of answers_of.how. */
static uint64_t how_answered(const struct count_call *call)
{
	const uint64_t n = mixed(call->call) ^ (call->warm ? 0 : 0xA0761D6478BD642Fu);
	return call->moved ? (n ^ (uint64_t)call->time_us) * 0x9E3779B97F4A7C15u : n;
}

const struct count_found *count_cache_find(struct count_cache *c, const struct count_call *call)
{
	if (c->found_call == call->call + 1 && c->found_cache == call->cache)
		return c->found;
	const struct model_cache *of = model_cache_at(&c->tree.rules[call->cache], call->time_us);
	const uint64_t how = c->by_cache[call->cache].how + how_answered(call);
	struct memo_found *m = memo_place(c->memo, call->call, call->cache);
	if (!m || !memo_has(c->memo, m, call->cache, c->kind[call->cache], how)) {
		if (!m || m->conversation == c->memo->conversation)
			m = &c->own;
		else
			*m = (struct memo_found){ c->memo->conversation, call->cache,
						  c->kind[call->cache], how };
		find_now(c, call, of, m);
	}
	c->found = &m->found;
	keep(c, call, of, m->wrote_us);
	c->by_cache[call->cache].how = how;
	c->found_call = call->call + 1;
	c->found_cache = call->cache;
	return c->found;
}
