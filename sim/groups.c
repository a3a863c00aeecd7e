#include "sim/groups.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/scan.h"

/* Groups lie in segments of 1 MiB and are named by a 32-bit count of 16-byte units, so that a slot is 8 bytes. */
enum { SEGMENT_UNITS = 1 << 16, UNIT = 16, SEGMENT_BYTES = SEGMENT_UNITS * UNIT, SLAB_SEGMENTS = 8 };

struct slot {
	uint32_t tag; /* high half of the hash */
	uint32_t ref; /* 0: free */
};

typedef int64_t rare_sums[BUCKET_COUNT - BUCKET_COMMON];

struct groups {
	uint64_t seed[2];
	struct group_layout layout;
	size_t head; /* bytes in front of the key */
	rare_sums *rare;
	uint32_t rare_count;
	struct slot *slot;
	size_t slot_count, count;
	uint32_t *ref; /* of each group in the order of birth */
	char **segment;
	size_t segment_count;
	uint32_t next_ref;
};

static inline struct group *group_at(const struct groups *g, uint32_t ref)
{
	return (struct group *)(void *)(g->segment[ref / SEGMENT_UNITS] + (size_t)(ref % SEGMENT_UNITS) * UNIT);
}

bool sums_add_rare(struct sums *to, const int64_t *rare)
{
	bool ok = true;
	if (!to->rare)
		to->rare = mem_zalloc((BUCKET_COUNT - BUCKET_COMMON) * sizeof *to->rare);
	for (int b = 0; b < BUCKET_COUNT - BUCKET_COMMON; b++)
		ok &= !__builtin_add_overflow(to->rare[b], rare[b], &to->rare[b]);
	return ok;
}

/* Zeroed memory in huge pages where the system has them: random access to small pages is slow. */
static void *map_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return mem_zalloc(SIZE_MAX / 2); /* ends the process with a message */
	if (bytes >= 2 << 20)
		madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

struct groups *groups_open(const uint64_t seed[2], const struct group_layout *layout)
{
	struct groups *g = mem_zalloc(sizeof *g);
	g->seed[0] = seed[0];
	g->seed[1] = seed[1];
	g->layout = *layout;
	g->head = sizeof(struct group) + layout->bucket_count * sizeof(int64_t) + (layout->credits ? 16 : 0);
	g->slot_count = 1 << 10;
	g->slot = map_memory(g->slot_count * sizeof *g->slot);
	g->next_ref = 1;
	return g;
}

void groups_close(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->segment_count; i++)
		munmap(g->segment[i], SEGMENT_BYTES);
	munmap(g->slot, g->slot_count * sizeof *g->slot);
	free(g->segment);
	free(g->ref);
	free(g->rare);
	free(g);
}

const char *group_key(const struct groups *g, const struct group *group)
{
	return (const char *)group + g->head;
}

struct credits_total *group_credits(const struct groups *g, struct group *group)
{
	return (struct credits_total *)(void *)&group->tokens[g->layout.bucket_count];
}

bool group_add_rare(struct groups *g, struct group *group, const int64_t *rare)
{
	bool bad = false;
	if (!group->rare) {
		if ((g->rare_count & (g->rare_count - 1)) == 0)
			g->rare = mem_grow(g->rare, (g->rare_count ? g->rare_count * 2 : 1) * sizeof *g->rare);
		memset(&g->rare[g->rare_count], 0, sizeof *g->rare);
		group->rare = ++g->rare_count;
	}
	for (int k = 0; k < BUCKET_COUNT - BUCKET_COMMON; k++)
		bad |= __builtin_add_overflow(g->rare[group->rare - 1][k], rare[k], &g->rare[group->rare - 1][k]);
	return !bad;
}

void group_sums(const struct groups *g, const struct group *group, struct sums *out)
{
	*out = (struct sums){ .cost = group->cost,
			      .records = group->records,
			      .unpriced = group->unpriced,
			      .uncredited = group->uncredited,
			      .rare = group->rare ? g->rare[group->rare - 1] : NULL };
	for (int k = 0; k < g->layout.bucket_count; k++)
		out->tokens[g->layout.bucket[k]] = group->tokens[k];
	if (g->layout.credits)
		memcpy(&out->credits, &group->tokens[g->layout.bucket_count], sizeof out->credits);
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
		h = mix(load64(key + i) ^ g->seed[1] ^ h, load64(key + i + 8) ^ h ^ 0x9E3779B97F4A7C15u);
	if (i < n)
		h = mix(load64(key + i) ^ g->seed[1] ^ h, h ^ 0xD6E8FEB86659FD93u);
	return mix(h ^ g->seed[0], 0xA0761D6478BD642Fu ^ g->seed[1]);
}

void groups_prefetch_slot(const struct groups *g, uint64_t hash)
{
	__builtin_prefetch(&g->slot[hash & (g->slot_count - 1)]);
}

void groups_prefetch_group(const struct groups *g, uint64_t hash)
{
	size_t i = hash & (g->slot_count - 1);
	uint32_t tag = (uint32_t)(hash >> 32);
	for (int k = 0; k < 4 && g->slot[i].ref; k++, i = (i + 1) & (g->slot_count - 1))
		if (g->slot[i].tag == tag) {
			const char *p = (const char *)group_at(g, g->slot[i].ref);
			for (size_t at = 0; at < g->head + 16; at += 64)
				__builtin_prefetch(p + at, 1);
			return;
		}
}

static void grow(struct groups *g)
{
	size_t old_count = g->slot_count;
	struct slot *old = g->slot;
	g->slot_count *= 2;
	g->slot = map_memory(g->slot_count * sizeof *g->slot);
	for (size_t i = 0; i < old_count; i++) {
		if (!old[i].ref)
			continue;
		const struct group *group = group_at(g, old[i].ref);
		uint64_t hash = groups_hash(g, group_key(g, group), (group->key_n + 7u) & ~7u);
		size_t k = hash & (g->slot_count - 1);
		while (g->slot[k].ref)
			k = (k + 1) & (g->slot_count - 1);
		g->slot[k] = old[i];
	}
	munmap(old, old_count * sizeof *old);
}

/* One segment at first, then several at once. */
static void add_segments(struct groups *g)
{
	size_t n = g->segment_count ? SLAB_SEGMENTS : 1;
	CHECK(g->segment_count < UINT32_MAX / SEGMENT_UNITS - SLAB_SEGMENTS);
	char *slab = map_memory(n * SEGMENT_BYTES);
	g->segment = mem_grow(g->segment, (g->segment_count + n) * sizeof *g->segment);
	for (size_t i = 0; i < n; i++)
		g->segment[g->segment_count++] = slab + i * SEGMENT_BYTES;
}

static struct group *new_group(struct groups *g, const char *key, uint32_t key_n, uint32_t *ref)
{
	size_t padded = (key_n + 7u) & ~7u;
	uint32_t units = (uint32_t)((g->head + padded + UNIT - 1) / UNIT);
	CHECK(units < SEGMENT_UNITS);
	if (g->next_ref % SEGMENT_UNITS + units > SEGMENT_UNITS) /* a group lies in one segment */
		g->next_ref = (g->next_ref / SEGMENT_UNITS + 1) * SEGMENT_UNITS;
	if (g->next_ref / SEGMENT_UNITS >= g->segment_count)
		add_segments(g);
	*ref = g->next_ref;
	g->next_ref += units;
	struct group *group = group_at(g, *ref);
	group->key_n = key_n;
	memcpy((char *)group + g->head, key, padded);
	if ((g->count & (g->count - 1)) == 0)
		g->ref = mem_grow(g->ref, (g->count ? g->count * 2 : 1) * sizeof *g->ref);
	g->ref[g->count++] = *ref;
	return group;
}

struct group *groups_need(struct groups *g, uint64_t hash, const char *key, uint32_t key_n)
{
	uint32_t tag = (uint32_t)(hash >> 32);
	size_t i = hash & (g->slot_count - 1), padded = (key_n + 7u) & ~7u;
	for (; g->slot[i].ref; i = (i + 1) & (g->slot_count - 1)) {
		if (g->slot[i].tag != tag)
			continue;
		struct group *group = group_at(g, g->slot[i].ref);
		if (group->key_n != key_n)
			continue;
		const char *own = group_key(g, group);
		size_t k = 0;
		while (k < padded && load64(own + k) == load64(key + k))
			k += 8;
		if (k >= padded)
			return group;
	}
	if (g->count * 3 >= g->slot_count * 2) {
		grow(g);
		for (i = hash & (g->slot_count - 1); g->slot[i].ref;)
			i = (i + 1) & (g->slot_count - 1);
	}
	uint32_t ref;
	struct group *group = new_group(g, key, key_n, &ref);
	g->slot[i] = (struct slot){ tag, ref };
	return group;
}

static bool merge_group(struct groups *to, const struct groups *from, struct group *source)
{
	const char *key = group_key(from, source);
	struct group *g = groups_need(to, groups_hash(to, key, (source->key_n + 7u) & ~7u), key, source->key_n);
	bool bad = !money_total_add(&g->cost, source->cost);
	bad |= __builtin_add_overflow(g->records, source->records, &g->records);
	bad |= __builtin_add_overflow(g->unpriced, source->unpriced, &g->unpriced);
	bad |= __builtin_add_overflow(g->uncredited, source->uncredited, &g->uncredited);
	for (int k = 0; k < to->layout.bucket_count; k++)
		bad |= __builtin_add_overflow(g->tokens[k], source->tokens[k], &g->tokens[k]);
	if (to->layout.credits)
		bad |= !credits_add(group_credits(to, g), *group_credits(from, source));
	if (source->rare)
		bad |= !group_add_rare(to, g, from->rare[source->rare - 1]);
	return !bad;
}

bool groups_merge(struct groups *to, const struct groups *from)
{
	enum { AHEAD = 16 };
	bool ok = true;
	struct group **list = groups_list(from);
	for (size_t i = 0; i < from->count; i++) {
		if (i + AHEAD < from->count) {
			const char *key = group_key(from, list[i + AHEAD]);
			groups_prefetch_slot(to, groups_hash(to, key, (list[i + AHEAD]->key_n + 7u) & ~7u));
		}
		ok &= merge_group(to, from, list[i]);
	}
	free(list);
	return ok;
}

struct group **groups_list(const struct groups *g)
{
	struct group **list = mem_alloc((g->count + 1) * sizeof *list);
	for (size_t i = 0; i < g->count; i++)
		list[i] = group_at(g, g->ref[i]);
	return list;
}
