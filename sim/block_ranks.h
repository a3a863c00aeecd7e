/*
 * block_ranks: a number of each block, most often the same for many that follow each other.
 *
 * What one prompt touches it touches at once, so blocks are held in groups: a group in which all
 * have the same number has it once, and to change all of it is one store. Only a group whose blocks
 * differ has room for each of them.
 */
#ifndef TALLY_SIM_BLOCK_RANKS_H
#define TALLY_SIM_BLOCK_RANKS_H

#include <stddef.h>
#include <stdint.h>

enum { RANK_GROUP = 32 };
/* Ranks are below it. */
#define RANKS_DIFFER (UINT32_C(1) << 31)

struct block_ranks {
	uint32_t
		*group; /* what all blocks of it have, or RANKS_DIFFER and the number of its room */
	uint32_t (*one)[RANK_GROUP];
	uint32_t rooms, most, unused; /* unused: 1 + the first room without a group; 0: none */
};

/* All 0. */
void block_ranks_open(struct block_ranks *r, size_t blocks);
void block_ranks_close(struct block_ranks *r);

static inline uint32_t block_rank(const struct block_ranks *r, uint32_t block)
{
	const uint32_t all = r->group[block / RANK_GROUP];
	return all < RANKS_DIFFER ? all : r->one[all - RANKS_DIFFER][block % RANK_GROUP];
}

void block_ranks_set(struct block_ranks *r, uint32_t from, uint32_t count, uint32_t rank);
/* How many of [from, from + count) have the rank of the first one, as far as is seen at once: 1 at
 * least of a count from 1. */
uint32_t block_ranks_same(const struct block_ranks *r, uint32_t from, uint32_t count,
			  uint32_t *rank);

#endif
