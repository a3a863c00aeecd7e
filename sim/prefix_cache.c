#include "sim/prefix_cache.h"

#include <stdlib.h>

#include "base/arena.h"
#include "sim/block_ranks.h"
#include "sim/cache_entries.h"

#define NONE UINT32_MAX

struct link {
	uint32_t before, after; /* towards the most and the least recent */
};

/* When something happened to a block: 1 + the rank of its time among those of all requests; 0: it
 * did not. Ranks are half as wide as times, and whether one has expired is a comparison. */
struct cache {
	struct link *link;
	struct block_ranks touched; /* 0: absent */
	bool comes;		    /* somebody asks when a block came */
	struct block_ranks came;    /* when it was absent last */
	uint8_t *ends;		    /* ENDS: a unit ends behind this block */
	uint32_t *lost; /* as `touched` (`came` where that counts) when it was evicted; NULL where
			   nobody asks why */
	uint32_t head, tail; /* most and least recent */
	int64_t count;
};

/* The times of all requests, in order. */
struct times {
	int64_t *us;
	uint32_t *rank; /* of each request; NULL: they come in the order of time */
	uint32_t count;
};

/* A request's turn: what is of earlier ranks than alive_from has expired, and what came later than
 * ready_to cannot hit yet. */
struct turn {
	const struct times *times;
	const struct cache_rules *r;
	uint32_t now, alive_from, ready_to;
};

/* Of a block. PRESENT only where nothing is ever lost; UNPAID and TOO_SHORT where somebody asks
 * why: it was in a prompt behind the client's last mark, or in one that was not kept. */
enum { PRESENT = 1, ENDS = 2, UNPAID = 4, TOO_SHORT = 8 };

static int check_rules(const struct cache_rules *r, struct err *e)
{
	if (r->capacity == 0 || r->capacity < -1)
		return err_set(e, ERR_USAGE, "a capacity is a number of blocks from 1, or inf");
	if (r->interval < 0 || r->quantum < 0 || r->minimum < 0 || r->recompute < 0 ||
	    r->lookback < 0)
		return err_set(e, ERR_USAGE,
			       "interval, quantum, minimum, recompute and lookback are from 0");
	return 0;
}

static void unlink_entry(struct cache *c, uint32_t i)
{
	struct link *l = &c->link[i];
	if (l->before == NONE)
		c->head = l->after;
	else
		c->link[l->before].after = l->after;
	if (l->after == NONE)
		c->tail = l->before;
	else
		c->link[l->after].before = l->before;
}

struct placed_time {
	int64_t us;
	size_t place;
};

static bool comes_before(const struct placed_time *x, const struct placed_time *y)
{
	return x->us != y->us ? x->us < y->us : x->place < y->place;
}

static void merge(struct placed_time *out, const struct placed_time *a, const struct placed_time *b,
		  const struct placed_time *end)
{
	const struct placed_time *const middle = b;
	while (a < middle && b < end)
		*out++ = comes_before(a, b) ? *a++ : *b++;
	while (a < middle)
		*out++ = *a++;
	while (b < end)
		*out++ = *b++;
}

/* Merges the stretches that are in order, two by two, into one; frees the list and returns it
 * sorted. */
static struct placed_time *sort_stretches(struct placed_time *list, size_t n)
{
	struct placed_time *to = mem_alloc(n * sizeof *to);
	size_t *end = mem_alloc((n + 1) * sizeof *end), stretches = 0;
	for (size_t i = 1; i <= n; i++)
		if (i == n || comes_before(&list[i], &list[i - 1]))
			end[stretches++] = i;
	while (stretches > 1) {
		struct placed_time *const from = list;
		size_t begin = 0, left = 0;
		for (size_t k = 0; k < stretches; k += 2) {
			const size_t last = end[k + 1 < stretches ? k + 1 : k];
			merge(to + begin, from + begin, from + end[k], from + last);
			end[left++] = begin = last;
		}
		stretches = left;
		list = to;
		to = from;
	}
	free(to);
	free(end);
	return list;
}

/* Sessions that share nothing may stand one behind the other, each from its own beginning. */
static void rank_times(struct times *out, const struct block_trace *t)
{
	bool ordered = true;
	*out = (struct times){ .us = mem_alloc((t->count + 1) * sizeof *out->us),
			       .count = (uint32_t)t->count };
	for (size_t i = 0; i < t->count; i++) {
		out->us[i] = t->request[i].time_us;
		ordered &= i == 0 || out->us[i - 1] <= out->us[i];
	}
	if (ordered)
		return;
	struct placed_time *order = mem_alloc(t->count * sizeof *order);
	out->rank = mem_alloc(t->count * sizeof *out->rank);
	for (size_t i = 0; i < t->count; i++)
		order[i] = (struct placed_time){ out->us[i], i };
	order = sort_stretches(order, t->count);
	for (size_t i = 0; i < t->count; i++) {
		out->us[i] = order[i].us;
		out->rank[order[i].place] = (uint32_t)i;
	}
	free(order);
}

/* How many requests were made before that time. */
static uint32_t made_before(const struct times *t, int64_t us)
{
	uint32_t from = 0, to = t->count;
	while (from < to) {
		const uint32_t middle = from + (to - from) / 2;
		if (t->us[middle] < us)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The turn of request i. */
static void take_turn(struct turn *turn, const struct cache_rules *r, size_t i)
{
	const struct times *t = turn->times;
	const uint32_t rank = t->rank ? t->rank[i] : (uint32_t)i;
	*turn = (struct turn){ .times = t, .r = r, .now = rank + 1, .alive_from = 1 };
	if (r->ttl_us >= 0)
		turn->alive_from = 1 + made_before(t, t->us[rank] - r->ttl_us);
	if (r->settle_us > 0)
		turn->ready_to = made_before(t, t->us[rank] - r->settle_us + 1);
}

/* Since when its time runs. */
static inline uint32_t since(const struct cache *c, const struct turn *turn, uint32_t i)
{
	return block_rank(turn->r->ttl_of_write ? &c->came : &c->touched, i);
}

static inline bool expired(const struct cache *c, const struct turn *turn, uint32_t i)
{
	return since(c, turn, i) < turn->alive_from;
}

/* By how much the block will live longer than it would have. */
static int64_t touch(struct cache *c, const struct turn *turn, uint32_t i, int64_t capacity)
{
	const uint32_t touched = block_rank(&c->touched, i);
	const bool present = touched != 0, lives = present && !expired(c, turn, i);
	const int64_t *us = turn->times->us;
	const int64_t longer_us = !lives		  ? turn->r->ttl_us
				  : turn->r->ttl_of_write ? 0
							  : us[turn->now - 1] - us[touched - 1];
	block_ranks_set(&c->touched, i, 1, turn->now);
	if (c->comes && !lives)
		block_ranks_set(&c->came, i, 1, turn->now);
	if (!lives) /* what comes again is a block like any other */
		c->ends[i] = 0;
	if (capacity < 0)
		return longer_us; /* nothing is ever evicted, so no order is needed */
	if (present) {
		if (c->head == i)
			return longer_us;
		unlink_entry(c, i);
	} else {
		if (c->count == capacity) {
			uint32_t last = c->tail;
			unlink_entry(c, last);
			if (c->lost)
				c->lost[last] = since(c, turn, last);
			block_ranks_set(&c->touched, last, 1, 0);
		} else {
			c->count++;
		}
	}
	c->link[i] = (struct link){ NONE, c->head };
	if (c->head != NONE)
		c->link[c->head].before = i;
	c->head = i;
	if (c->tail == NONE)
		c->tail = i;
	return longer_us;
}

/* The blocks of a prompt that can hit. */
static uint32_t blocks_of(const struct block_trace *t, const struct cache_rules *r,
			  const struct block_request *q)
{
	const int64_t rest = q->input > r->recompute ? q->input - r->recompute : 0,
		      full = rest / t->block_tokens;
	return (r->full || r->recompute) && full < q->count ? (uint32_t)full : q->count;
}

/* Blocks of a prompt in front of one of its breakpoints; its last partial one where it ends there.
 */
static uint32_t blocks_before(const struct block_trace *t, const struct block_request *q,
			      int64_t breakpoint)
{
	const int64_t full = breakpoint / t->block_tokens;
	return breakpoint == q->input || full > q->count ? q->count : (uint32_t)full;
}

/* Blocks of a prompt that are kept: where breakpoints say so, those in front of the last one; where
 * they or storage say so, only of prompts that are long enough. */
static uint32_t blocks_kept(const struct block_trace *t, const struct cache_rules *r,
			    const struct block_request *q)
{
	if (r->unpaid)
		return 0;
	if (!r->breakpoints && !r->storage)
		return q->count;
	const int64_t reach = prefix_cache_reach(t, r, q);
	return reach ? blocks_before(t, q, reach) : 0;
}

int64_t prefix_cache_reach(const struct block_trace *t, const struct cache_rules *r,
			   const struct block_request *q)
{
	const int64_t reach = r->breakpoints && q->breaks
				      ? t->breakpoint[q->first_break + q->breaks - 1]
				      : q->input;
	return r->unpaid || reach < r->minimum ? 0 : reach;
}

/* The first token that is looked at for a mark's sake: that of the last of so many ends of content
 * blocks in front of it. */
static int64_t sight_of(const struct block_trace *t, const struct cache_rules *r,
			const struct block_request *q, int64_t mark)
{
	const int64_t *end = t->breakpoint + q->first_break + q->breaks;
	int64_t before = 0; /* ends in front of the mark */
	while (before < q->contents && end[before] < mark)
		before++;
	if (before < r->lookback)
		return 0;
	return r->lookback > 1 ? end[before - (r->lookback - 1)] : mark;
}

/* Whether every unit of the prompt is looked for. */
static bool all_in_sight(const struct cache_rules *r, const struct block_request *q)
{
	return !r->breakpoints || !r->lookback || !q->contents;
}

/* Whether a unit of so many blocks is looked for. */
static bool in_sight(const struct block_trace *t, const struct cache_rules *r,
		     const struct block_request *q, int64_t blocks)
{
	bool seen = all_in_sight(r, q);
	for (uint32_t k = 0; !seen && (k == 0 || k < q->breaks); k++) {
		const int64_t mark = q->breaks ? t->breakpoint[q->first_break + k] : q->input;
		seen = blocks <= blocks_before(t, q, mark) &&
		       blocks >= blocks_before(t, q, sight_of(t, r, q, mark));
	}
	return seen;
}

/* Marks where a later request can hit up to. */
static void store_units(const struct block_trace *t, const struct cache_rules *r,
			const struct block_request *q, const struct block_run *b, uint8_t *ends)
{
	for (uint32_t k = 0; k == 0 || (r->breakpoints && k < q->breaks); k++) {
		uint32_t n = q->count;
		if (r->breakpoints && q->breaks)
			n = t->breakpoint[q->first_break + k] < r->minimum
				    ? 0
				    : blocks_before(t, q, t->breakpoint[q->first_break + k]);
		else if (r->breakpoints && q->input < r->minimum)
			n = 0;
		/* of a block that its own long prompt has evicted it says nothing: marks count
		 * while their block is there, and go when it comes again */
		if (n)
			ends[block_runs_at(b, n - 1)] |= ENDS;
	}
}

/* Of the leading blocks that are there those up to the last unit that ends among them. */
static int64_t unit_of(const struct block_trace *t, const struct cache_rules *r,
		       const struct block_request *q, const struct block_run *b, uint8_t *ends,
		       int64_t lead)
{
	const int64_t blocks = r->interval / t->block_tokens;
	int64_t hit = lead;
	if (lead == 0)
		return 0;
	const struct block_place last = block_place_of(b, (uint32_t)lead - 1);
	for (struct block_place at = last;; block_place_back(&at)) {
		if ((ends[block_place_number(at)] & ENDS && in_sight(t, r, q, hit)) ||
		    (blocks > 0 && hit % blocks == 0) || --hit == 0)
			break;
	}
	if (r->common)
		ends[block_place_number(last)] |= ENDS;
	return hit;
}

/* Blocks that a request looks for. */
static uint32_t blocks_sought(const struct block_trace *t, const struct cache_rules *r,
			      const struct block_request *q)
{
	const uint32_t most = r->unpaid ? 0 : blocks_of(t, r, q);
	if (!r->breakpoints || !q->breaks)
		return most;
	const uint32_t reach = blocks_before(t, q, t->breakpoint[q->first_break + q->breaks - 1]);
	return reach < most ? reach : most;
}

/* What a lead of so many blocks is worth; counts it. */
static int64_t count_hit(const struct block_trace *t, const struct cache_rules *r,
			 const struct block_request *q, int64_t lead, struct cache_result *out)
{
	int64_t tokens = block_request_tokens(t, q, lead);
	if (tokens > q->input - r->computed)
		tokens = q->input > r->computed ? q->input - r->computed : 0;
	if (r->quantum > 0)
		tokens -= tokens % r->quantum;
	if (tokens < r->minimum)
		tokens = 0;
	out->hit_blocks += tokens ? lead : 0;
	out->hit_tokens += tokens;
	return tokens;
}

/* Whether some block's coming matters. */
static bool asks_when_it_came(const struct each_rules *each, const struct block_trace *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct cache_rules *r = rules_at(each, i);
		if (r->settle_us > 0 || r->ttl_of_write)
			return true;
		if (!each->own)
			break;
	}
	return false;
}

/* Nothing is ever lost, and there is at once. */
static bool is_unlimited(const struct each_rules *each, const struct block_trace *t)
{
	bool plain = each->base->capacity < 0;
	for (size_t i = 0; plain && i < t->count; i++) {
		const struct cache_rules *r = rules_at(each, i);
		plain = r->ttl_us < 0 && r->settle_us <= 0 && !r->storage;
		if (!each->own)
			break;
	}
	return plain;
}

/* A request that looked for its blocks: the first `lead` of them are there, and up to `hit` a unit
 * lets them hit. */
struct look {
	const struct block_trace *t;
	const struct cache_rules *r;
	const struct block_request *q;
	const struct block_run *b; /* its entries */
	uint8_t *ends;		   /* of them */
	uint32_t most, lead;
	int64_t hit;
	uint32_t shared; /* that a request before it had */
};

/* Why the block is not there, where it was once in a prompt. */
static enum cache_miss why_gone(const struct cache *c, const struct turn *turn, uint32_t i)
{
	if (block_rank(&c->touched, i))
		return expired(c, turn, i) ? MISS_EXPIRED : MISS_UNREADY;
	if (!c->lost || !c->lost[i])
		return MISS_NONE;
	return c->lost[i] < turn->alive_from ? MISS_EXPIRED : MISS_EVICTED;
}

/* Why no more of what is shared hits. gone: of the block behind the lead. */
static enum cache_miss why_ended(const struct look *l, enum cache_miss gone)
{
	const bool absent = l->lead < l->most && l->lead < l->shared;
	const uint8_t state = absent ? l->ends[block_runs_at(l->b, l->lead)] : 0;
	if (l->r->unpaid)
		return MISS_UNPAID;
	if (absent && gone != MISS_NONE)
		return gone;
	if (state & (UNPAID | TOO_SHORT))
		return state & UNPAID ? MISS_UNPAID : MISS_SHORT;
	if (absent)
		return MISS_COLD;
	struct block_walk walk =
		block_walk_over(l->b, (uint32_t)l->hit, all_in_sight(l->r, l->q) ? 0 : l->lead);
	int64_t before = l->hit;
	for (struct block_run run; block_walk_next(&walk, &run); before += run.count)
		for (uint32_t k = 0; k < run.count; k++)
			if (l->ends[run.from + k] & ENDS &&
			    !in_sight(l->t, l->r, l->q, before + k + 1))
				return MISS_UNSEEN;
	if (l->hit < (int64_t)l->lead)
		return MISS_CHANGED;
	return l->r->breakpoints && l->most < blocks_of(l->t, l->r, l->q) ? MISS_UNPAID
									  : MISS_ROUNDED;
}

/* How many of the first n blocks have that state: looked at in words, then one by one. */
static uint32_t lead_of_state(const uint8_t *state, uint32_t n, uint8_t wanted)
{
	const uint8_t *at = state, *end = state + n;
	const uint64_t all = wanted * UINT64_C(0x0101010101010101);
	uint64_t word[2];
	while (end - at >= (ptrdiff_t)sizeof word) {
		memcpy(word, at, sizeof word);
		if ((word[0] & word[1] & all) != all)
			break;
		at += sizeof word;
	}
	while (at < end && *at & wanted)
		at++;
	return (uint32_t)(at - state);
}

static void add_state(uint8_t *state, const struct block_run *b, uint32_t from, uint32_t to,
		      uint8_t what)
{
	struct block_walk walk = block_walk_over(b, from, to);
	for (struct block_run run; block_walk_next(&walk, &run);) {
		uint8_t *at = state + run.from;
		for (size_t k = 0; k < run.count; k++)
			at[k] |= what;
	}
}

/* Leading blocks of [from, to) that have that state, and those in front of them. */
static uint32_t lead_by_state(const uint8_t *state, const struct block_run *b, uint32_t from,
			      uint32_t to, uint8_t wanted)
{
	struct block_walk walk = block_walk_over(b, from, to);
	uint32_t lead = from;
	for (struct block_run run; block_walk_next(&walk, &run);) {
		const uint32_t n = lead_of_state(state + run.from, run.count, wanted);
		lead += n;
		if (n < run.count)
			break;
	}
	return lead;
}

/* The leading blocks that requests before it had, and now it. */
static void see_blocks(struct look *l, uint8_t *seen, const struct block_run *plain)
{
	l->shared = lead_by_state(seen, plain, l->lead, l->q->count, 1);
	add_state(seen, plain, l->shared, l->q->count, 1);
}

/* What of the prompt is not kept. */
static void note_unkept(const struct look *l, uint32_t kept)
{
	const uint8_t why = prefix_cache_reach(l->t, l->r, l->q) == 0 ? TOO_SHORT : UNPAID;
	add_state(l->ends, l->b, kept, l->q->count, why);
}

/* Without limit of size or time a block that came once stays, and order does not matter. */
static void run_unlimited(const struct block_trace *t, const struct each_rules *each,
			  const struct entries *en, const struct each_request *per,
			  struct cache_result *out)
{
	uint8_t *state = mem_zalloc(en->count + 1),
		*seen = per->why ? mem_zalloc(en->plain_count + 1) : NULL;
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const struct block_run *b = entries_at(en, i);
		const struct cache_rules *r = rules_at(each, i);
		const bool units = r->units || r->breakpoints;
		uint8_t *here = state + (en->base ? en->base[i] : 0);
		struct look l = { t, r,	   q,
				  b, here, blocks_sought(t, r, q),
				  0, 0,	   per->why ? per->shared[i] : 0 };
		const uint32_t kept = blocks_kept(t, r, q);
		l.lead = lead_by_state(here, b, 0, l.most, PRESENT);
		l.hit = units ? unit_of(t, r, q, b, here, l.lead) : l.lead;
		int64_t tokens = count_hit(t, r, q, l.hit, out);
		if (per->hits)
			per->hits[i] = tokens;
		if (per->why) {
			see_blocks(&l, seen, entries_plain_at(en, i));
			per->shared[i] = l.shared;
			per->why[i] = (uint8_t)why_ended(&l, MISS_NONE);
		}
		add_state(here, b, l.lead, kept, PRESENT);
		if (per->why)
			note_unkept(&l, kept);
		if (units && kept)
			store_units(t, r, q, b, here);
	}
	free(state);
	free(seen);
}

/* Blocks that are alike in a cache: when they were touched and came. */
struct same_blocks {
	uint32_t count, touched, came;
};

static struct same_blocks same_blocks(const struct cache *c, struct block_run run)
{
	struct same_blocks s = { 0 };
	s.count = block_ranks_same(&c->touched, run.from, run.count, &s.touched);
	if (c->comes)
		s.count = block_ranks_same(&c->came, run.from, s.count, &s.came);
	return s;
}

static bool same_live(const struct turn *turn, const struct same_blocks *s)
{
	return s->touched && (turn->r->ttl_of_write ? s->came : s->touched) >= turn->alive_from;
}

/* Leading blocks that a request finds, of those that the rules let it look for. */
static uint32_t lead_of(const struct look *l, const struct cache *c, const struct turn *turn,
			uint32_t base)
{
	struct block_walk walk = block_walk_over(l->b, 0, l->most);
	uint32_t lead = 0;
	for (struct block_run run; block_walk_next(&walk, &run);) {
		run.from += base;
		for (struct same_blocks s; run.count; run.from += s.count, run.count -= s.count) {
			s = same_blocks(c, run);
			if (!same_live(turn, &s) ||
			    (turn->r->settle_us > 0 && s.came > turn->ready_to))
				return lead;
			lead += s.count;
		}
	}
	return lead;
}

static int64_t hours_of(int128 token_us)
{
	return (int64_t)((token_us + US_PER_HOUR / 2) / US_PER_HOUR);
}

/* Blocks of a prompt: base and its blocks are their entries, all of them are listed where their
 * order matters; the first `lead` are there, `kept` stay. */
struct prompt_blocks {
	const struct block_run *of;
	uint32_t *list;
	uint32_t base, lead, kept;
};

/* Touches the blocks of a prompt that are kept; returns the token-hours that it adds. */
static int64_t keep_blocks(struct cache *c, const struct look *l, const struct turn *turn,
			   const struct prompt_blocks *b, int64_t capacity)
{
	const struct block_trace *t = l->t;
	const struct cache_rules *r = turn->r;
	const struct block_request *q = l->q;
	const uint32_t kept = b->kept;
	const int64_t reach = prefix_cache_reach(t, r, q);
	int128 token_us = 0;
	block_runs_list(b->of, kept, b->list);
	for (uint32_t n = 0; n < kept; n++) {
		const uint32_t k = r->forward ? n : kept - 1 - n;
		token_us += (int128)touch(c, turn, b->base + b->list[k], capacity) *
			    (block_request_tokens(t, q, k + 1) - block_request_tokens(t, q, k));
	}
	/* what is left of a block is written too, and nobody finds it */
	if (reach > block_request_tokens(t, q, kept))
		token_us += (int128)r->ttl_us * (reach - block_request_tokens(t, q, kept));
	return r->storage ? hours_of(token_us) : 0;
}

/* The same where nothing is evicted and keeping costs nothing: neither the order nor the time that
 * it adds matters. */
static void keep_alive(struct cache *c, const struct turn *turn, const struct prompt_blocks *b)
{
	struct block_walk walk = block_walk_over(b->of, b->lead, b->kept);
	for (struct block_run run; block_walk_next(&walk, &run);) {
		run.from += b->base;
		for (struct same_blocks s; run.count; run.from += s.count, run.count -= s.count) {
			s = same_blocks(c, run);
			if (same_live(turn, &s))
				continue;
			if (s.touched) /* what never came has no end of a unit */
				memset(c->ends + run.from, 0, s.count);
			if (c->comes)
				block_ranks_set(&c->came, run.from, s.count, turn->now);
		}
	}
	walk = block_walk_over(b->of, 0, b->kept);
	for (struct block_run run; block_walk_next(&walk, &run);)
		block_ranks_set(&c->touched, b->base + run.from, run.count, turn->now);
}

static uint32_t longest_prompt(const struct block_trace *t)
{
	uint32_t most = 0;
	for (size_t i = 0; i < t->count; i++)
		most = t->request[i].count > most ? t->request[i].count : most;
	return most;
}

static void run_limited(const struct block_trace *t, const struct each_rules *each,
			const struct entries *en, const struct each_request *per,
			struct cache_result *out)
{
	struct cache c = { .head = NONE, .tail = NONE };
	uint8_t *seen = per->why ? mem_zalloc(en->plain_count + 1) : NULL;
	if (each->base->capacity >= 0)
		c.link = mem_alloc((en->count + 1) * sizeof *c.link);
	block_ranks_open(&c.touched, en->count);
	c.ends = mem_zalloc(en->count + 1);
	c.comes = asks_when_it_came(each, t);
	if (c.comes)
		block_ranks_open(&c.came, en->count);
	if (per->why && each->base->capacity >= 0)
		c.lost = mem_zalloc((en->count + 1) * sizeof *c.lost);
	struct times times;
	struct turn turn = { .times = &times };
	uint32_t *list = mem_alloc((longest_prompt(t) + (size_t)1) * sizeof *list);
	rank_times(&times, t);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		const struct cache_rules *r = rules_at(each, i);
		const bool units = r->units || r->breakpoints;
		const struct block_run *b = entries_at(en, i);
		const uint32_t base = en->base ? en->base[i] : 0;
		struct look l = { t,
				  r,
				  q,
				  b,
				  c.ends + base,
				  blocks_sought(t, r, q),
				  0,
				  0,
				  per->why ? per->shared[i] : 0 };
		take_turn(&turn, r, i);
		l.lead = lead_of(&l, &c, &turn, base);
		l.hit = units ? unit_of(t, r, q, b, l.ends, l.lead) : l.lead;
		int64_t tokens = count_hit(t, r, q, l.hit, out);
		if (per->hits)
			per->hits[i] = tokens;
		if (per->why) {
			see_blocks(&l, seen, entries_plain_at(en, i));
			per->shared[i] = l.shared;
			per->why[i] = (uint8_t)why_ended(
				&l, l.lead < l.most
					    ? why_gone(&c, &turn, base + block_runs_at(b, l.lead))
					    : MISS_NONE);
		}
		const struct prompt_blocks p = { b, list, base, l.lead, blocks_kept(t, r, q) };
		int64_t hours = 0;
		if (each->base->capacity < 0 && !r->storage)
			keep_alive(&c, &turn, &p);
		else
			hours = keep_blocks(&c, &l, &turn, &p, each->base->capacity);
		if (per->token_hours)
			per->token_hours[i] = hours;
		out->token_hours += hours;
		if (per->why)
			note_unkept(&l, p.kept);
		if (units && p.kept)
			store_units(t, r, q, b, l.ends);
	}
	free(list);
	free(c.link);
	free(c.lost);
	free(times.us);
	free(times.rank);
	free(seen);
	block_ranks_close(&c.touched);
	block_ranks_close(&c.came);
	free(c.ends);
}

/* What a rule asks of every request, the trace must tell. */
static int check_trace(const struct block_trace *t, const struct cache_rules *r, struct err *e)
{
	if (r->scope & CACHE_CUSTOMER && t->customers.count == 0)
		return err_set(
			e, ERR_USAGE,
			ASKED("scope") " customer: the trace names no customers (a field 'customer', "
				       "'user_id' or 'cache_salt')");
	return 0;
}

void cache_rules_over(struct cache_rules *r, const struct cache_rules *own)
{
	if (own->asked & CACHE_ASKED_TTL)
		r->ttl_us = own->ttl_us;
	if (own->asked & CACHE_ASKED_EXPIRE)
		r->ttl_of_write = own->ttl_of_write;
	if (own->asked & CACHE_ASKED_SETTLE)
		r->settle_us = own->settle_us;
	if (own->asked & CACHE_ASKED_QUANTUM)
		r->quantum = own->quantum;
	if (own->asked & CACHE_ASKED_MINIMUM)
		r->minimum = own->minimum;
	if (own->asked & CACHE_ASKED_RECOMPUTE)
		r->recompute = own->recompute;
	if (own->asked & CACHE_ASKED_LOOKBACK)
		r->lookback = own->lookback;
	if (own->asked & CACHE_ASKED_WRITES) {
		r->writes = own->writes;
		r->writes_us = own->writes_us;
		r->lifetime = own->lifetime;
	}
	if (own->asked & CACHE_ASKED_SCOPE)
		r->scope = own->scope;
	r->asked |= own->asked;
}

struct cache_rules cache_rules_of(const struct cache_rules *asked, const struct cache_contract *c)
{
	struct cache_rules r = *asked;
	if (!r.vendor || !c)
		return r;
	const enum cache_lifetime life = r.writes == CACHE_WRITES_ASKED
						 ? cache_contract_lifetime(c, r.writes_us)
						 : CACHE_SHORT;
	r.lifetime = life;
	r.breakpoints = c->breakpoints[life];
	r.storage = c->storage[life];
	/* what is paid by the hour has an end */
	if (r.storage && r.ttl_us < 0)
		r.asked &= ~(unsigned)CACHE_ASKED_TTL;
	if (c->by_customer)
		r.scope = (enum cache_scope)(r.scope | CACHE_CUSTOMER);
	if (!(r.asked & CACHE_ASKED_TTL))
		r.ttl_us = c->life_us[life];
	if (!(r.asked & CACHE_ASKED_EXPIRE))
		r.ttl_of_write = c->of_write[life];
	if (!(r.asked & CACHE_ASKED_SETTLE))
		r.settle_us = c->settle_us;
	if (!(r.asked & CACHE_ASKED_QUANTUM))
		r.quantum = c->quantum;
	if (!(r.asked & CACHE_ASKED_MINIMUM))
		r.minimum = c->minimum;
	if (!(r.asked & CACHE_ASKED_LOOKBACK))
		r.lookback = c->lookback;
	if (!(r.asked & CACHE_ASKED_RECOMPUTE))
		r.computed = c->computed;
	return r;
}

int prefix_cache_run(const struct block_trace *t, const struct cache_rules *r,
		     const uint32_t *model, int64_t *hits, struct cache_result *out, struct err *e)
{
	const struct each_request per = { .model = model, .hits = hits };
	return prefix_cache_run_each(t, r, &per, out, e);
}

int prefix_cache_run_each(const struct block_trace *t, const struct cache_rules *r,
			  const struct each_request *per, struct cache_result *out, struct err *e)
{
	const struct each_rules each = { r, per->rules, per->model };
	int rc = check_rules(r, e);
	if (rc == 0)
		rc = check_trace(t, r, e);
	if (rc != 0)
		return rc;
	struct entries en = entries_number(t, &each);
	*out = (struct cache_result){ .requests = (int64_t)t->count };
	if (per->token_hours)
		memset(per->token_hours, 0, t->count * sizeof *per->token_hours);
	if (is_unlimited(&each, t))
		run_unlimited(t, &each, &en, per, out);
	else
		run_limited(t, &each, &en, per, out);
	entries_release(&en);
	return 0;
}

/* --- every capacity at once (Mattson's stack distances) --- */

/*
 * Places in the order of touches; the last touch of each block is live. Counted in three levels, so
 * that a touch changes three numbers and only the first block of a run asks.
 */
enum { WORD = 64, MIDDLE = 64 * WORD, TOP = 64 * MIDDLE };

struct stack {
	uint64_t *live;	   /* a bit a place */
	uint16_t *middle;  /* live places of each MIDDLE */
	uint32_t *top;	   /* of each TOP */
	uint32_t count;	   /* of all */
	size_t size, next; /* places are from 1 */
	uint32_t *last;	   /* place of each entry's last touch; 0: never */
	uint32_t *owner;   /* entry of each place */
};

static inline void set_live(struct stack *s, size_t place)
{
	s->live[place / WORD] |= (uint64_t)1 << place % WORD;
	s->middle[place / MIDDLE]++;
	s->top[place / TOP]++;
}

static inline void clear_live(struct stack *s, size_t place)
{
	s->live[place / WORD] &= ~((uint64_t)1 << place % WORD);
	s->middle[place / MIDDLE]--;
	s->top[place / TOP]--;
}

/* Live places before that one. */
static uint32_t live_before(const struct stack *s, size_t place)
{
	uint32_t n = 0;
	for (size_t i = 0; i < place / TOP; i++)
		n += s->top[i];
	for (size_t i = place / TOP * (TOP / MIDDLE); i < place / MIDDLE; i++)
		n += s->middle[i];
	for (size_t i = place / MIDDLE * (MIDDLE / WORD); i < place / WORD; i++)
		n += (uint32_t)__builtin_popcountll(s->live[i]);
	const uint64_t below = ((uint64_t)1 << place % WORD) - 1;
	return n + (uint32_t)__builtin_popcountll(s->live[place / WORD] & below);
}

static void stack_open(struct stack *s, size_t distinct)
{
	s->size = distinct * 2 + 1024;
	s->next = 1;
	s->live = mem_zalloc((s->size / WORD + 1) * sizeof *s->live);
	s->middle = mem_zalloc((s->size / MIDDLE + 1) * sizeof *s->middle);
	s->top = mem_zalloc((s->size / TOP + 1) * sizeof *s->top);
	s->owner = mem_alloc((s->size + 1) * sizeof *s->owner);
	s->last = mem_zalloc((distinct + 1) * sizeof *s->last);
}

static void stack_close(struct stack *s)
{
	free(s->live);
	free(s->middle);
	free(s->top);
	free(s->owner);
	free(s->last);
}

/* Places of older touches are given up, so that there are never more than twice the blocks. */
static void compact(struct stack *s)
{
	size_t n = 0;
	for (size_t p = 1; p < s->next; p++)
		if (s->live[p / WORD] >> p % WORD & 1) {
			s->owner[++n] = s->owner[p];
			s->last[s->owner[n]] = (uint32_t)n;
		}
	s->next = n + 1;
	memset(s->live, 0, (s->size / WORD + 1) * sizeof *s->live);
	memset(s->middle, 0, (s->size / MIDDLE + 1) * sizeof *s->middle);
	memset(s->top, 0, (s->size / TOP + 1) * sizeof *s->top);
	for (size_t p = 1; p <= n; p++)
		set_live(s, p);
}

static inline void touch_place(struct stack *s, uint32_t entry)
{
	if (s->next > s->size)
		compact(s);
	if (s->last[entry])
		clear_live(s, s->last[entry]);
	else
		s->count++;
	s->owner[s->next] = entry;
	s->last[entry] = (uint32_t)s->next;
	set_live(s, s->next++);
}

int prefix_cache_curve(const struct block_trace *t, const struct cache_rules *r,
		       struct curve_point **points, size_t *count, struct err *e)
{
	struct cache_rules unlimited = *r;
	unlimited.capacity = -1;
	int rc = check_rules(&unlimited, e);
	if (rc == 0 && (r->ttl_us >= 0 || r->settle_us > 0 || r->units || r->breakpoints ||
			r->quantum || r->minimum))
		rc = err_set(
			e, ERR_USAGE,
			ASKED("curve") " knows the prefix rule without " ASKED("ttl") ", " ASKED(
				"settle") ", " ASKED("quantum") " "
								"and " ASKED(
									"minimum") "; ask for capacities one by one");
	if (rc == 0 && r->scope != CACHE_GLOBAL)
		rc = err_set(e, ERR_USAGE,
			     ASKED("curve") " needs one cache (" ASKED(
				     "scope") " global): many caches have no "
					      "single capacity");
	if (rc != 0)
		return rc;
	struct stack s = { 0 };
	stack_open(&s, t->distinct);
	int64_t *blocks_at = mem_zalloc((t->distinct + 2) * sizeof *blocks_at),
		*tokens_at = mem_zalloc((t->distinct + 2) * sizeof *tokens_at);
	uint32_t *b = mem_alloc((longest_prompt(t) + (size_t)1) * sizeof *b);
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		block_runs_list(block_request_runs(t, q), q->count, b);
		uint32_t deepest = 0, distance = 0, before = 0;
		/* a block hits at every capacity that holds all blocks in front of it, and it */
		for (uint32_t k = 0, most = blocks_of(t, r, q); k < most && s.last[b[k]]; k++) {
			const uint32_t place = s.last[b[k]];
			/* neighbours of the last touch are one apart */
			if (before && place + 1 == before)
				distance++;
			else if (before && place == before + 1)
				distance--;
			else
				distance = s.count - live_before(&s, place);
			before = place;
			deepest = distance > deepest ? distance : deepest;
			blocks_at[deepest]++;
			tokens_at[deepest] +=
				block_request_tokens(t, q, k + 1) - block_request_tokens(t, q, k);
		}
		if (r->forward)
			for (uint32_t k = 0; k < q->count; k++)
				touch_place(&s, b[k]);
		else
			for (uint32_t k = q->count; k-- > 0;)
				touch_place(&s, b[k]);
	}
	*points = mem_alloc((t->distinct + 2) * sizeof **points);
	*count = 0;
	int64_t blocks = 0, tokens = 0;
	for (size_t c = 1; c <= t->distinct; c++) {
		if (!blocks_at[c])
			continue;
		blocks += blocks_at[c];
		tokens += tokens_at[c];
		(*points)[(*count)++] = (struct curve_point){ (int64_t)c, blocks, tokens };
	}
	stack_close(&s);
	free(b);
	free(blocks_at);
	free(tokens_at);
	return 0;
}
