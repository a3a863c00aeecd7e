/*
 * block_runs: the blocks of a prompt as runs of consecutive numbers.
 *
 * Blocks are numbered in the order in which they are first seen, so what a prompt adds is one run
 * and what it repeats is few; a prompt of a thousand blocks takes three runs in recorded sessions.
 */
#ifndef TALLY_SIM_BLOCK_RUNS_H
#define TALLY_SIM_BLOCK_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers [from, from + count). */
struct block_run {
	uint32_t from, count;
};

/* A list that grows; free(run). Zeroes are an empty one. */
struct block_runs {
	struct block_run *run;
	size_t count, room;
};

/* Adds the numbers behind the last ones, to the last run where they continue it and it is one from
 * `begun` (an index) on. */
void block_runs_add(struct block_runs *l, size_t begun, struct block_run numbers);

/* Writes the first `count` blocks. */
void block_runs_list(const struct block_run *run, uint32_t count, uint32_t *out);
/* How many of the first `most` blocks are alike in both; each has so many. */
uint32_t block_runs_alike(const struct block_run *a, const struct block_run *b, uint32_t most);

/* Walks over the blocks [from, to) of a prompt that begins with that run. */
struct block_walk {
	const struct block_run *run;
	uint32_t skip, left;
};

static inline struct block_walk block_walk_over(const struct block_run *run, uint32_t from,
						uint32_t to)
{
	struct block_walk w = { run, from, to > from ? to - from : 0 };
	for (; w.left && w.skip >= w.run->count; w.run++)
		w.skip -= w.run->count;
	return w;
}

/* The next blocks of it; false: there are none. */
static inline bool block_walk_next(struct block_walk *w, struct block_run *out)
{
	if (!w->left)
		return false;
	*out = (struct block_run){ w->run->from + w->skip, w->run->count - w->skip };
	if (out->count > w->left)
		out->count = w->left;
	w->left -= out->count;
	w->skip = 0;
	w->run++;
	return true;
}

/* Where a block of a prompt lies. */
struct block_place {
	const struct block_run *run;
	uint32_t in; /* the run, from 0 */
};

/* Of the k-th block from 0; there are more than k. */
static inline struct block_place block_place_of(const struct block_run *run, uint32_t k)
{
	for (; k >= run->count; run++)
		k -= run->count;
	return (struct block_place){ run, k };
}

static inline uint32_t block_place_number(struct block_place p)
{
	return p.run->from + p.in;
}

/* The number of the k-th block; there are more than k. */
static inline uint32_t block_runs_at(const struct block_run *run, uint32_t k)
{
	return block_place_number(block_place_of(run, k));
}

/* To the block before it; it is not the first. */
static inline void block_place_back(struct block_place *p)
{
	if (p->in == 0)
		p->in = (--p->run)->count;
	p->in--;
}

#endif
