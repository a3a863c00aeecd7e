#include "sim/block_numbers.h"

#include <stdlib.h>

#include "base/arena.h"

/* What the requests added, in order: request i the numbers [first[i], first[i + 1]), which get
 * those from moved[i] on. */
struct moves {
	const uint32_t *first;
	uint32_t *moved;
	uint32_t *giver; /* of every STEP-th number: the request that gave it */
	size_t count;
	uint32_t all; /* numbers */
};

enum { STEP = 64 };

static uint32_t end_of(const struct moves *m, size_t i)
{
	return i + 1 < m->count ? m->first[i + 1] : m->all;
}

static void find_givers(struct moves *m)
{
	size_t i = 0;
	m->giver = mem_alloc((m->all / STEP + 1) * sizeof *m->giver);
	for (uint32_t number = 0; number < m->all; number += STEP) {
		while (end_of(m, i) <= number)
			i++;
		m->giver[number / STEP] = (uint32_t)i;
	}
}

/* The request that gave the number. */
static size_t giver_of(const struct moves *m, uint32_t number)
{
	size_t i = m->giver[number / STEP];
	while (end_of(m, i) <= number)
		i++;
	return i;
}

static void move_numbers(struct moves *m, const struct block_trace *t)
{
	uint32_t *next = mem_zalloc((t->conversations + 2) * sizeof *next), at = 0;
	for (size_t i = 0; i < m->count; i++)
		next[t->request[i].conversation + 1] += end_of(m, i) - m->first[i];
	for (size_t c = 0; c <= t->conversations; c++)
		next[c] = at += next[c];
	for (size_t i = 0; i < m->count; i++) {
		uint32_t *own = &next[t->request[i].conversation];
		m->moved[i] = *own;
		*own += end_of(m, i) - m->first[i];
	}
	free(next);
}

void block_numbers_by_conversation(struct block_trace *t, const uint32_t *first)
{
	struct moves m = { first, mem_alloc((t->count + 1) * sizeof *m.moved), NULL, t->count,
			   (uint32_t)t->distinct };
	struct block_runs now = { 0 };
	move_numbers(&m, t);
	find_givers(&m);
	for (size_t i = 0; i < t->count; i++) {
		struct block_request *q = &t->request[i];
		struct block_walk walk = block_walk_over(block_request_runs(t, q), 0, q->count);
		q->first = (uint32_t)now.count;
		for (struct block_run run; block_walk_next(&walk, &run);)
			for (uint32_t n; run.count; run.from += n, run.count -= n) {
				const size_t giver = giver_of(&m, run.from);
				const uint32_t left = end_of(&m, giver) - run.from;
				n = run.count < left ? run.count : left;
				block_runs_add(&now, q->first,
					       (struct block_run){ m.moved[giver] + run.from -
									   m.first[giver],
								   n });
			}
	}
	free(m.moved);
	free(m.giver);
	free(t->runs.run);
	t->runs = now;
}
