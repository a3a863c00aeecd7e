#include "sim/groups.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/scan.h"

/* Groups lie in segments of 1 MiB and are named by a count of 16-byte units. A slot is 4 bytes, for
 * most of a table should stay in the cache: the low bits name a group, the high ones are the
 * hash's. */
enum {
	SEGMENT_UNITS = 1 << 16,
	UNIT = 16,
	LINE = 64,
	SEGMENT_BYTES = SEGMENT_UNITS * UNIT,
	SLAB_SEGMENTS = 8,
	REF_BITS_FIRST = 20 /* 16 MiB of groups; more take bits of the tag */
};

typedef int64_t rare_sums[COUNT_RARE];
typedef struct recorded_cost recorded_sums[COST_KINDS];

struct groups {
	uint64_t seed[2];
	struct group_layout layout;
	size_t head, credits_at; /* bytes in front of the key; where the credits lie */
	struct group_more *more;
	rare_sums *rare;
	recorded_sums *recorded;
	uint32_t more_count, rare_count, recorded_count;
	uint32_t *slot; /* 0: free */
	uint32_t ref_mask;
	size_t slot_count, count;
	struct place {
		uint32_t ref, padded_n; /* of the key */
	} * place;			/* of each group in the order of birth */
	char **segment;
	size_t segment_count;
	uint32_t next_ref;
};

static inline struct group *group_at(const struct groups *g, uint32_t ref)
{
	return (struct group *)(void *)(g->segment[ref / SEGMENT_UNITS] +
					(size_t)(ref % SEGMENT_UNITS) * UNIT);
}

/* What is not in the common buckets; false when a sum no longer fits. */
static bool sums_add_rare(struct sums *to, const int64_t *rare)
{
	bool ok = true;
	if (!to->rare)
		to->rare = mem_zalloc(COUNT_RARE * sizeof *to->rare);
	for (int b = 0; b < COUNT_RARE; b++)
		ok &= !__builtin_add_overflow(to->rare[b], rare[b], &to->rare[b]);
	return ok;
}

struct groups *groups_open(const uint64_t seed[2], const struct group_layout *layout)
{
	struct groups *g = mem_zalloc(sizeof *g);
	g->seed[0] = seed[0];
	g->seed[1] = seed[1];
	g->layout = *layout;
	g->head = offsetof(struct group, tokens) + layout->bucket_count * sizeof(int64_t);
	if (layout->credits) {
		g->credits_at = (g->head + UNIT - 1) / UNIT * UNIT; /* it holds 128 bits */
		g->head = g->credits_at + sizeof(struct group_credit);
	}
	g->slot_count = 1 << 10;
	g->ref_mask = (1u << REF_BITS_FIRST) - 1;
	g->slot = mem_pages(g->slot_count * sizeof *g->slot);
	g->next_ref = LINE / UNIT;
	return g;
}

void groups_close(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->segment_count; i++)
		mem_pages_free(g->segment[i], SEGMENT_BYTES);
	mem_pages_free(g->slot, g->slot_count * sizeof *g->slot);
	free(g->segment);
	free(g->place);
	free(g->more);
	free(g->rare);
	free(g->recorded);
	free(g);
}

const char *group_key(const struct groups *g, const struct group *group)
{
	return (const char *)group + g->head;
}

struct group_credit *group_credits(const struct groups *g, struct group *group)
{
	return (struct group_credit *)(void *)((char *)group + g->credits_at);
}

/* A list with one more item at its end, which is zero; its number, which begins at 1. */
static void *one_more(void *list, size_t size, uint32_t *count, uint32_t *number)
{
	if ((*count & (*count - 1)) == 0)
		list = mem_grow(list, (*count ? (size_t)*count * 2 : 1) * size);
	memset((char *)list + *count * size, 0, size);
	*number = ++*count;
	return list;
}

struct group_more *group_more(struct groups *g, struct group *group)
{
	if (!group->more)
		g->more = one_more(g->more, sizeof *g->more, &g->more_count, &group->more);
	return &g->more[group->more - 1];
}

static const struct group_more *more_of(const struct groups *g, const struct group *group)
{
	static const struct group_more none;
	return group->more ? &g->more[group->more - 1] : &none;
}

bool group_add_rare(struct groups *g, struct group *group, const int64_t *rare)
{
	bool bad = false;
	uint32_t *number = &group_more(g, group)->rare;
	if (!*number)
		g->rare = one_more(g->rare, sizeof *g->rare, &g->rare_count, number);
	int64_t *sum = g->rare[*number - 1];
	for (int k = 0; k < COUNT_RARE; k++)
		bad |= __builtin_add_overflow(sum[k], rare[k], &sum[k]);
	return !bad;
}

static const int64_t *rare_of(const struct groups *g, const struct group *group)
{
	const uint32_t number = more_of(g, group)->rare;
	return number ? g->rare[number - 1] : NULL;
}

struct recorded_cost *group_recorded(struct groups *g, struct group *group)
{
	uint32_t *number = &group_more(g, group)->recorded;
	if (!*number)
		g->recorded =
			one_more(g->recorded, sizeof *g->recorded, &g->recorded_count, number);
	return g->recorded[*number - 1];
}

static const struct recorded_cost *recorded_of(const struct groups *g, const struct group *group)
{
	const uint32_t number = more_of(g, group)->recorded;
	return number ? g->recorded[number - 1] : NULL;
}

void group_sums(const struct groups *g, const struct group *group, struct sums *out)
{
	const struct group_more *more = more_of(g, group);
	*out = (struct sums){ .cost = group->cost,
			      .records = group->records,
			      .unpriced = more->unpriced,
			      .placeholders = more->placeholders,
			      .unsaid = more->unsaid };
	for (int k = 0; k < g->layout.bucket_count; k++)
		out->tokens[g->layout.bucket[k]] = group->tokens[k];
	if (g->layout.credits) {
		struct group_credit c;
		memcpy(&c, (const char *)group + g->credits_at, sizeof c);
		out->credits = c.total;
		out->uncredited = (uint32_t)c.missing;
	}
	/* the caller only reads */
	out->rare = (int64_t *)(uintptr_t)rare_of(g, group);
	out->recorded = recorded_of(g, group);
}

bool group_add_to(const struct groups *g, const struct group *group, struct sums *to)
{
	const struct group_more *more = more_of(g, group);
	bool bad = !money_total_add(&to->cost, group->cost);
	bad |= __builtin_add_overflow(to->records, group->records, &to->records);
	bad |= __builtin_add_overflow(to->unpriced, more->unpriced, &to->unpriced);
	to->placeholders += more->placeholders;
	to->unsaid += more->unsaid;
	for (int k = 0; k < g->layout.bucket_count; k++) {
		int64_t *sum = &to->tokens[g->layout.bucket[k]];
		bad |= __builtin_add_overflow(*sum, group->tokens[k], sum);
	}
	if (g->layout.credits) {
		struct group_credit c;
		memcpy(&c, (const char *)group + g->credits_at, sizeof c);
		bad |= !credits_add(&to->credits, c.total);
		bad |= __builtin_add_overflow(to->uncredited, (uint32_t)c.missing, &to->uncredited);
	}
	const int64_t *rare = rare_of(g, group);
	if (rare)
		bad |= !sums_add_rare(to, rare);
	return !bad;
}

size_t groups_count(const struct groups *g)
{
	return g->count;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	uint128 m = (uint128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t groups_hash(const struct groups *g, const char *key, size_t n)
{
	uint64_t h = g->seed[0] ^ n;
	size_t i = 0;
	for (; i + 16 <= n; i += 16)
		h = mix(load64(key + i) ^ g->seed[1] ^ h,
			load64(key + i + 8) ^ h ^ 0x9E3779B97F4A7C15u);
	if (i < n)
		h = mix(load64(key + i) ^ g->seed[1] ^ h, h ^ 0xD6E8FEB86659FD93u);
	return mix(h ^ g->seed[0], 0xA0761D6478BD642Fu ^ g->seed[1]);
}

void groups_prefetch_slot(const struct groups *g, uint64_t hash)
{
	__builtin_prefetch(&g->slot[hash & (g->slot_count - 1)]);
}

static inline uint32_t tag_of(const struct groups *g, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~g->ref_mask;
}

struct group *groups_guess(const struct groups *g, uint64_t hash)
{
	size_t i = hash & (g->slot_count - 1);
	const uint32_t tag = tag_of(g, hash);
	for (int k = 0; k < 4 && g->slot[i]; k++, i = (i + 1) & (g->slot_count - 1))
		if ((g->slot[i] & ~g->ref_mask) == tag) {
			struct group *group = group_at(g, g->slot[i] & g->ref_mask);
			const char *p = (const char *)group;
			__builtin_prefetch(p, 1);
			for (size_t at = LINE; at < g->head + 16; at += LINE)
				__builtin_prefetch(p + at, 1);
			return group;
		}
	return NULL;
}

static void put_in_slot(struct groups *g, uint64_t hash, uint32_t ref)
{
	size_t i = hash & (g->slot_count - 1);
	while (g->slot[i])
		i = (i + 1) & (g->slot_count - 1);
	g->slot[i] = tag_of(g, hash) | ref;
}

static uint64_t hash_at(const struct groups *g, struct place p)
{
	return groups_hash(g, group_key(g, group_at(g, p.ref)), p.padded_n);
}

static void make_slots(struct groups *g, size_t count)
{
	mem_pages_free(g->slot, g->slot_count * sizeof *g->slot);
	g->slot_count = count;
	g->slot = mem_pages(g->slot_count * sizeof *g->slot);
	for (size_t i = 0; i < g->count; i++)
		put_in_slot(g, hash_at(g, g->place[i]), g->place[i].ref);
}

/* A huge page at first, then several at once. */
static void add_segments(struct groups *g)
{
	size_t n = g->segment_count ? SLAB_SEGMENTS : 2;
	CHECK(g->segment_count < UINT32_MAX / SEGMENT_UNITS - SLAB_SEGMENTS);
	char *slab = mem_pages(n * SEGMENT_BYTES);
	g->segment = mem_grow(g->segment, (g->segment_count + n) * sizeof *g->segment);
	for (size_t i = 0; i < n; i++)
		g->segment[g->segment_count++] = slab + i * SEGMENT_BYTES;
}

static uint32_t new_group(struct groups *g, const char *key, uint32_t padded_n)
{
	uint32_t size = (uint32_t)g->head + padded_n, units = (size + UNIT - 1) / UNIT;
	CHECK(units < SEGMENT_UNITS);
	/* a group lies in one segment, and in no more cache lines than it must */
	uint32_t in_line = g->next_ref % (LINE / UNIT) * UNIT;
	if (in_line + size > (size + LINE - 1) / LINE * LINE)
		g->next_ref += (LINE - in_line) / UNIT;
	if (g->next_ref % SEGMENT_UNITS + units > SEGMENT_UNITS)
		g->next_ref = (g->next_ref / SEGMENT_UNITS + 1) * SEGMENT_UNITS;
	if (g->next_ref / SEGMENT_UNITS >= g->segment_count)
		add_segments(g);
	uint32_t ref = g->next_ref;
	while (ref > g->ref_mask) {
		g->ref_mask = g->ref_mask << 1 | 1;
		make_slots(g, g->slot_count);
	}
	g->next_ref += units;
	memcpy((char *)group_at(g, ref) + g->head, key, padded_n);
	if ((g->count & (g->count - 1)) == 0)
		g->place = mem_grow(g->place, (g->count ? g->count * 2 : 1) * sizeof *g->place);
	g->place[g->count++] = (struct place){ ref, padded_n };
	return ref;
}

/* A shorter key differs before its end, so no length is needed; segments end in readable memory. */
static inline bool has_key(const struct groups *g, const struct group *group, const char *key,
			   uint32_t padded_n)
{
	const char *own = group_key(g, group);
	uint32_t k = 0;
	while (k < padded_n && load64(own + k) == load64(key + k))
		k += 8;
	return k >= padded_n;
}

struct group *groups_need(struct groups *g, uint64_t hash, const char *key, uint32_t padded_n,
			  struct group *guess)
{
	if (__builtin_expect(guess && has_key(g, guess, key, padded_n), 1))
		return guess;
	const uint32_t tag = tag_of(g, hash);
	for (size_t i = hash & (g->slot_count - 1); g->slot[i]; i = (i + 1) & (g->slot_count - 1)) {
		if ((g->slot[i] & ~g->ref_mask) != tag)
			continue;
		struct group *group = group_at(g, g->slot[i] & g->ref_mask);
		if (has_key(g, group, key, padded_n))
			return group;
	}
	if (g->count * 2 >= g->slot_count)
		make_slots(g, g->slot_count * 4);
	uint32_t ref = new_group(g, key, padded_n);
	put_in_slot(g, hash, ref);
	return group_at(g, ref);
}

/* The parts that few groups have: counts are no more than records, which fit. */
static bool merge_more(struct groups *to, struct group *g, const struct groups *from,
		       const struct group *source)
{
	const struct group_more *more = more_of(from, source);
	struct group_more *sum = group_more(to, g);
	sum->unpriced += more->unpriced;
	sum->placeholders += more->placeholders;
	sum->unsaid += more->unsaid;
	const bool rare = !more->rare || group_add_rare(to, g, rare_of(from, source));
	return (!more->recorded ||
		recorded_cost_merge(group_recorded(to, g), recorded_of(from, source))) &&
	       rare;
}

static bool merge_group(struct groups *to, const struct groups *from, struct place p, uint64_t hash,
			struct group *guess)
{
	struct group *source = group_at(from, p.ref);
	struct group *g = groups_need(to, hash, group_key(from, source), p.padded_n, guess);
	bool bad = !money_total_add(&g->cost, source->cost);
	bad |= __builtin_add_overflow(g->records, source->records, &g->records);
	for (int k = 0; k < to->layout.bucket_count; k++)
		bad |= __builtin_add_overflow(g->tokens[k], source->tokens[k], &g->tokens[k]);
	if (to->layout.credits) {
		bad |= !credits_add(&group_credits(to, g)->total,
				    group_credits(from, source)->total);
		group_credits(to, g)->missing += group_credits(from, source)->missing;
	}
	if (source->more)
		bad |= !merge_more(to, g, from, source);
	return !bad;
}

bool groups_merge(struct groups *to, const struct groups *from)
{
	enum { AHEAD = 16 };
	bool ok = true;
	uint64_t hash[AHEAD * 2];
	struct group *guess[AHEAD * 2];
	for (size_t i = 0; i < from->count + AHEAD; i++) {
		if (i < from->count) {
			hash[i % (AHEAD * 2)] = hash_at(from, from->place[i]);
			groups_prefetch_slot(to, hash[i % (AHEAD * 2)]);
		}
		if (i >= AHEAD / 2 && i - AHEAD / 2 < from->count)
			guess[(i - AHEAD / 2) % (AHEAD * 2)] =
				groups_guess(to, hash[(i - AHEAD / 2) % (AHEAD * 2)]);
		if (i >= AHEAD)
			ok &= merge_group(to, from, from->place[i - AHEAD],
					  hash[(i - AHEAD) % (AHEAD * 2)],
					  guess[(i - AHEAD) % (AHEAD * 2)]);
	}
	return ok;
}

struct group **groups_list(const struct groups *g)
{
	struct group **list = mem_alloc((g->count + 1) * sizeof *list);
	for (size_t i = 0; i < g->count; i++)
		list[i] = group_at(g, g->place[i].ref);
	return list;
}
