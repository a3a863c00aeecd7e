#include "sim/cache_uses.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "sim/count_cache.h"

/* --- stretches of time that have uses, a bit each --- */

/* More stretches than that are noted one by one. */
enum { STRETCHES_MOST = 1 << 20, WORD = 64 };

/* Of a cache (and customer) within a stretch, where that has to be known. */
struct use_place {
	uint32_t cache, customer;  /* 1 + each; no cache: the place is free; no customer: all */
	int64_t first_us, last_us; /* both tell which stretch it is */
	uint64_t first;		   /* the number of the first */
};

static bool has_bit(const struct cache_times *t, const uint64_t *bits, int64_t stretch)
{
	const uint64_t at = (uint64_t)stretch - (uint64_t)t->from;
	return at < t->stretches && bits[at / WORD] >> at % WORD & 1;
}

static void set_bit(const struct cache_times *t, uint64_t *bits, int64_t stretch)
{
	const uint64_t at = (uint64_t)stretch - (uint64_t)t->from;
	bits[at / WORD] |= (uint64_t)1 << at % WORD;
}

static uint64_t *moved(uint64_t *bits, size_t words, size_t room, size_t by)
{
	uint64_t *out = mem_zalloc(room * sizeof *out);
	if (words)
		memcpy(out + by, bits, words * sizeof *out);
	free(bits);
	return out;
}

/* Whether there is a bit for that stretch, now. */
static bool make_bit(struct cache_times *t, int64_t stretch)
{
	const int64_t whole = stretch - (int64_t)((uint64_t)stretch % WORD);
	int64_t from = t->stretches ? t->from : whole, to = from + (int64_t)t->stretches;
	if (stretch >= from && stretch < to)
		return true;
	if (whole < from - STRETCHES_MOST || whole > to + STRETCHES_MOST)
		return false;
	/* twice as many each time, on the side where they are missing */
	if (whole < from)
		from = whole < from - (to - from) ? whole : from - (to - from);
	else
		to = whole + WORD > to + (to - from) ? whole + WORD : to + (to - from);
	if (to - from > STRETCHES_MOST)
		return false;
	const size_t room = (size_t)(to - from) / WORD,
		     by = t->stretches ? (size_t)(t->from - from) / WORD : 0;
	t->used = moved(t->used, t->stretches / WORD, room, by);
	t->inside = moved(t->inside, t->stretches / WORD, room, by);
	t->from = from;
	t->stretches = room * WORD;
	return true;
}

/* Notes that the stretch has uses; whether it lies between two that have them. */
static bool mark(struct cache_times *t, int64_t stretch)
{
	if (!make_bit(t, stretch))
		return false;
	set_bit(t, t->used, stretch);
	const bool inside = has_bit(t, t->used, stretch - 1) && has_bit(t, t->used, stretch + 1);
	if (inside)
		set_bit(t, t->inside, stretch);
	return inside;
}

/* --- uses that have to be known one by one --- */

static size_t slot_of(const struct cache_uses *u, const struct use_place *like, uint8_t shift)
{
	const uint64_t mixed = ((uint64_t)(like->first_us >> shift) * 0x9E3779B97F4A7C15u ^
				((uint64_t)like->cache << 32 | like->customer)) *
			       0xD6E8FEB86659FD93u;
	return (mixed ^ mixed >> 29) & (u->room - 1);
}

static bool same_stretch(const struct use_place *a, const struct use_place *b, uint8_t shift)
{
	return a->cache == b->cache && a->customer == b->customer &&
	       a->first_us >> shift == b->first_us >> shift;
}

static struct use_place *place_of(const struct cache_uses *u, const struct use_place *like,
				  uint8_t shift)
{
	size_t i = slot_of(u, like, shift);
	while (u->place[i].cache && !same_stretch(&u->place[i], like, shift))
		i = (i + 1) & (u->room - 1);
	return &u->place[i];
}

static void grow(struct cache_uses *u)
{
	const struct cache_uses old = *u;
	u->room = old.room ? old.room * 2 : 256;
	u->place = mem_zalloc(u->room * sizeof *u->place);
	for (size_t i = 0; i < old.room; i++)
		if (old.place[i].cache)
			*place_of(u, &old.place[i], u->of[old.place[i].cache - 1].shift) =
				old.place[i];
	free(old.place);
}

/* Adds what is first and last of a stretch. */
static void add_use(struct use_place *to, const struct use_place *u)
{
	if (u->first_us < to->first_us || (u->first_us == to->first_us && u->first < to->first)) {
		to->first_us = u->first_us;
		to->first = u->first;
	}
	if (u->last_us > to->last_us)
		to->last_us = u->last_us;
}

static __attribute__((noinline)) void note_exactly(struct cache_uses *u, struct cache_times *t,
						   const struct cache_use *use)
{
	const struct use_place now = { .cache = use->cache + 1,
				       .customer = t->apart ? use->customer + 1 : 0,
				       .first_us = use->us,
				       .last_us = use->us,
				       .first = use->number };
	if (u->used * 4 >= u->room * 3)
		grow(u);
	struct use_place *p = t->near < u->room ? &u->place[t->near] : NULL;
	if (!p || !same_stretch(p, &now, t->shift))
		p = place_of(u, &now, t->shift);
	t->near = (size_t)(p - u->place);
	u->used += !p->cache;
	if (p->cache)
		add_use(p, &now);
	else
		*p = now;
}

void cache_uses_learn(struct cache_uses *u, uint32_t cache, int64_t shortest_us, bool apart)
{
	if (cache >= u->count) {
		const size_t count = (cache + (size_t)1) * 2;
		u->of = mem_grow(u->of, count * sizeof *u->of);
		memset(u->of + u->count, 0, (count - u->count) * sizeof *u->of);
		u->count = count;
	}
	struct cache_times *t = &u->of[cache];
	t->known = true;
	t->apart = apart;
	t->dense = !apart && (shortest_us < 0 || shortest_us >= 2);
	for (t->shift = 63; shortest_us >= 0 && t->shift && shortest_us >> t->shift < 2;)
		t->shift--;
}

void cache_uses_note(struct cache_uses *u, const struct cache_use *use)
{
	struct cache_times *t = &u->of[use->cache];
	const int64_t stretch = use->us >> t->shift;
	if (!t->dense || !mark(t, stretch))
		note_exactly(u, t, use);
}

void cache_uses_forget(struct cache_uses *u)
{
	for (size_t i = 0; i < u->count; i++) {
		struct cache_times *t = &u->of[i];
		free(t->used);
		free(t->inside);
		t->used = t->inside = NULL;
		t->stretches = 0;
	}
	free(u->place);
	u->place = NULL;
	u->room = u->used = 0;
}

void cache_uses_release(struct cache_uses *u)
{
	cache_uses_forget(u);
	free(u->of);
	*u = (struct cache_uses){ 0 };
}

/* --- all threads' together --- */

/* With the stretch that it tells. */
struct told_use {
	int64_t stretch;
	struct use_place use;
};

static int by_stretch(const void *a, const void *b)
{
	const struct told_use *x = a, *y = b;
	if (x->use.cache != y->use.cache)
		return x->use.cache < y->use.cache ? -1 : 1;
	if (x->use.customer != y->use.customer)
		return x->use.customer < y->use.customer ? -1 : 1;
	return x->stretch < y->stretch ? -1 : x->stretch > y->stretch;
}

/* A stretch once, in order. Customers are told apart only where the cache ends at them. */
static size_t gather(struct told_use **out, const struct cache_uses *const *each, size_t threads,
		     const struct model_cache *cache)
{
	size_t n = 0, kept = 0, count = 0;
	for (size_t i = 0; i < threads; i++)
		count += each[i]->used;
	struct told_use *all = mem_alloc((count + 1) * sizeof *all);
	for (size_t i = 0; i < threads; i++)
		for (size_t k = 0; k < each[i]->room; k++) {
			const struct use_place *p = &each[i]->place[k];
			if (!p->cache)
				continue;
			const struct model_cache *of =
				model_cache_at(&cache[p->cache - 1], p->first_us);
			all[n].stretch = p->first_us >> each[i]->of[p->cache - 1].shift;
			all[n].use = *p;
			if (!(of->rules.scope & CACHE_CUSTOMER))
				all[n].use.customer = 0;
			n++;
		}
	qsort(all, n, sizeof *all, by_stretch);
	for (size_t i = 0; i < n; i++)
		if (kept && by_stretch(&all[kept - 1], &all[i]) == 0)
			add_use(&all[kept - 1].use, &all[i].use);
		else
			all[kept++] = all[i];
	*out = all;
	return kept;
}

/* Whether a bit says that the stretch before has uses. */
static bool follows_closely(const struct cache_uses *const *each, size_t threads,
			    const struct told_use *u)
{
	bool close = false;
	for (size_t i = 0; i < threads; i++)
		if (u->use.cache <= each[i]->count) {
			const struct cache_times *t = &each[i]->of[u->use.cache - 1];
			close |= has_bit(t, t->used, u->stretch - 1);
		}
	return close;
}

void cold_uses_find(struct cold_uses *out, const struct cache_uses *const *each, size_t threads,
		    const struct model_cache *cache)
{
	struct told_use *use;
	const size_t uses = gather(&use, each, threads, cache);
	struct use_place before = { 0 };
	size_t colds = 0;
	for (size_t i = 0; i < uses; i++) {
		const struct use_place u = use[i].use;
		const bool follows = before.cache == u.cache && before.customer == u.customer;
		if (!follows_closely(each, threads, &use[i]) &&
		    (!follows ||
		     !count_cache_warm(&cache[u.cache - 1], before.last_us, u.first_us)))
			use[colds++].use.first = u.first;
		before = u;
	}
	/* few, asked for at each play: nearly always the first place is free */
	*out = (struct cold_uses){ .room = 1024, .count = colds };
	while (out->room < colds * 8)
		out->room *= 2;
	out->number = mem_zalloc(out->room * sizeof *out->number);
	for (size_t i = 0; i < colds; i++)
		out->number[cold_uses_place(out, use[i].use.first)] = use[i].use.first + 1;
	free(use);
}

void cold_uses_release(struct cold_uses *c)
{
	free(c->number);
	*c = (struct cold_uses){ 0 };
}
