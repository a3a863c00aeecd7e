#include "sim/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/scan.h"

/* Groups lie in segments of 1 MiB and are named by a 32-bit count of 16-byte units, so that a slot is 8 bytes. */
enum { SEGMENT_UNITS = 1 << 16, UNIT = 16 };

struct slot {
	uint32_t tag; /* high half of the hash */
	uint32_t ref; /* 0: free */
};

struct groups {
	uint64_t seed[2];
	struct slot *slot;
	size_t slot_count, count;
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

struct groups *groups_open(const uint64_t seed[2])
{
	struct groups *g = mem_zalloc(sizeof *g);
	g->seed[0] = seed[0];
	g->seed[1] = seed[1];
	g->slot_count = 1 << 10;
	g->slot = mem_zalloc(g->slot_count * sizeof *g->slot);
	g->next_ref = 1;
	return g;
}

void groups_close(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->slot_count; i++)
		if (g->slot[i].ref)
			free(group_at(g, g->slot[i].ref)->sums.rare);
	for (size_t i = 0; i < g->segment_count; i++)
		free(g->segment[i]);
	free(g->segment);
	free(g->slot);
	free(g);
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
			__builtin_prefetch(p, 1);
			__builtin_prefetch(p + 64, 1);
			__builtin_prefetch(p + 128);
			return;
		}
}

static void grow(struct groups *g)
{
	size_t old_count = g->slot_count;
	struct slot *old = g->slot;
	g->slot_count *= 2;
	g->slot = mem_zalloc(g->slot_count * sizeof *g->slot);
	for (size_t i = 0; i < old_count; i++) {
		if (!old[i].ref)
			continue;
		const struct group *group = group_at(g, old[i].ref);
		uint64_t hash = groups_hash(g, group->key, (group->key_n + 7u) & ~7u);
		size_t k = hash & (g->slot_count - 1);
		while (g->slot[k].ref)
			k = (k + 1) & (g->slot_count - 1);
		g->slot[k] = old[i];
	}
	free(old);
}

static struct group *new_group(struct groups *g, const char *key, uint32_t key_n, uint32_t *ref)
{
	size_t padded = (key_n + 7u) & ~7u;
	uint32_t units = (uint32_t)((sizeof(struct group) + padded + UNIT - 1) / UNIT);
	CHECK(units < SEGMENT_UNITS);
	if (g->segment_count == 0 || g->next_ref % SEGMENT_UNITS + units > SEGMENT_UNITS ||
	    g->next_ref / SEGMENT_UNITS >= g->segment_count) {
		CHECK(g->segment_count < UINT32_MAX / SEGMENT_UNITS);
		g->segment = mem_grow(g->segment, (g->segment_count + 1) * sizeof *g->segment);
		g->segment[g->segment_count] = mem_zalloc((size_t)SEGMENT_UNITS * UNIT);
		g->next_ref = (uint32_t)g->segment_count * SEGMENT_UNITS + (g->segment_count == 0);
		g->segment_count++;
	}
	*ref = g->next_ref;
	g->next_ref += units;
	struct group *group = group_at(g, *ref);
	group->key_n = key_n;
	memcpy(group->key, key, padded);
	g->count++;
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
		size_t k = 0;
		while (k < padded && load64(group->key + k) == load64(key + k))
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

bool groups_merge(struct groups *to, const struct groups *from)
{
	bool ok = true;
	for (size_t i = 0; i < from->slot_count; i++) {
		if (!from->slot[i].ref)
			continue;
		const struct group *group = group_at(from, from->slot[i].ref);
		uint64_t hash = groups_hash(to, group->key, (group->key_n + 7u) & ~7u);
		ok &= sums_add(&groups_need(to, hash, group->key, group->key_n)->sums, &group->sums);
	}
	return ok;
}

struct group **groups_list(const struct groups *g)
{
	struct group **list = mem_alloc(g->count * sizeof *list);
	size_t n = 0;
	for (size_t i = 0; i < g->slot_count; i++)
		if (g->slot[i].ref)
			list[n++] = group_at(g, g->slot[i].ref);
	return list;
}
