#include "sim/block_ranks.h"

#include <stdlib.h>

#include "base/arena.h"

void block_ranks_open(struct block_ranks *r, size_t blocks)
{
	*r = (struct block_ranks){
		.group = mem_zalloc((blocks / RANK_GROUP + 1) * sizeof *r->group),
	};
}

void block_ranks_close(struct block_ranks *r)
{
	free(r->one);
	free(r->group);
}

static void fill(uint32_t *at, size_t count, uint32_t rank)
{
	for (size_t i = 0; i < count; i++)
		at[i] = rank;
}

/* The number of a room. */
static uint32_t take_room(struct block_ranks *r)
{
	if (r->unused) {
		const uint32_t room = r->unused - 1;
		r->unused = r->one[room][0];
		return room;
	}
	if (r->rooms == r->most) {
		r->most = r->most ? r->most * 2 : 64;
		r->one = mem_grow(r->one, r->most * sizeof *r->one);
	}
	return r->rooms++;
}

/* Of blocks of one group. */
static void set_in_group(struct block_ranks *r, uint32_t from, uint32_t count, uint32_t rank)
{
	uint32_t *all = &r->group[from / RANK_GROUP];
	if (*all == rank)
		return;
	if (*all < RANKS_DIFFER) {
		const uint32_t room = take_room(r);
		fill(r->one[room], RANK_GROUP, *all);
		*all = RANKS_DIFFER | room;
	}
	fill(&r->one[*all - RANKS_DIFFER][from % RANK_GROUP], count, rank);
}

static void set_groups(struct block_ranks *r, uint32_t *group, uint32_t count, uint32_t rank)
{
	uint32_t differ = 0;
	for (size_t i = 0; i < count; i++)
		differ |= group[i];
	for (size_t i = 0; differ >= RANKS_DIFFER && i < count; i++)
		if (group[i] >= RANKS_DIFFER) {
			const uint32_t room = group[i] - RANKS_DIFFER;
			r->one[room][0] = r->unused;
			r->unused = room + 1;
		}
	fill(group, count, rank);
}

void block_ranks_set(struct block_ranks *r, uint32_t from, uint32_t count, uint32_t rank)
{
	const uint32_t before = -from % RANK_GROUP; /* in front of the next group */
	if (before && count > before) {
		set_in_group(r, from, before, rank);
		from += before;
		count -= before;
	}
	if (from % RANK_GROUP == 0) {
		const uint32_t groups = count / RANK_GROUP;
		set_groups(r, &r->group[from / RANK_GROUP], groups, rank);
		from += groups * RANK_GROUP;
		count -= groups * RANK_GROUP;
	}
	if (count)
		set_in_group(r, from, count, rank);
}

uint32_t block_ranks_same(const struct block_ranks *r, uint32_t from, uint32_t count,
			  uint32_t *rank)
{
	const uint32_t *all = &r->group[from / RANK_GROUP], own = *all;
	uint32_t n = RANK_GROUP - from % RANK_GROUP, other = 0;
	if (own < RANKS_DIFFER) {
		for (*rank = own; n < count && *++all == own; n += RANK_GROUP)
			;
		return n < count ? n : count;
	}
	const uint32_t *one = &r->one[own - RANKS_DIFFER][from % RANK_GROUP], first = *one;
	*rank = first;
	n = n < count ? n : count;
	for (size_t i = 0; i < n; i++) /* by vectors, and mostly all are */
		other |= one[i] ^ first;
	if (other)
		for (n = 1; one[n] == first; n++)
			;
	return n;
}
