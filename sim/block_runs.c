#include "sim/block_runs.h"

#include "base/arena.h"

void block_runs_add(struct block_runs *l, size_t begun, struct block_run numbers)
{
	if (l->count > begun) {
		struct block_run *last = &l->run[l->count - 1];
		if (last->from + last->count == numbers.from) {
			last->count += numbers.count;
			return;
		}
	}
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 1024;
		l->run = mem_grow(l->run, l->room * sizeof *l->run);
	}
	l->run[l->count++] = numbers;
}

void block_runs_list(const struct block_run *run, uint32_t count, uint32_t *out)
{
	struct block_walk walk = block_walk_over(run, 0, count);
	struct block_run r;
	for (; block_walk_next(&walk, &r); out += r.count)
		for (size_t k = 0; k < r.count; k++)
			out[k] = r.from + (uint32_t)k;
}

uint32_t block_runs_alike(const struct block_run *a, const struct block_run *b, uint32_t most)
{
	uint32_t n = 0, of_a = 0, of_b = 0; /* blocks of the runs that were passed */
	while (n < most && a->from + of_a == b->from + of_b) {
		const uint32_t left_a = a->count - of_a, left_b = b->count - of_b,
			       least = left_a < left_b ? left_a : left_b;
		n += least;
		of_a = left_a == least ? 0 : of_a + least;
		of_b = left_b == least ? 0 : of_b + least;
		a += !of_a;
		b += !of_b;
	}
	return n < most ? n : most;
}
