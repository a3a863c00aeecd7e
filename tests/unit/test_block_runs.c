/*
 * Runs of blocks and their ranks against plain lists, over random numbers.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "sim/block_ranks.h"
#include "sim/block_runs.h"

enum { BLOCKS = 500, LONGEST = 300 };

/* Stretches of consecutive numbers, each added whole or block by block. */
static size_t random_prompt(struct block_runs *l, uint64_t *seed, uint32_t *list)
{
	const size_t begun = l->count;
	size_t n = 0;
	while (n == 0 || unit_random(seed) % 4) {
		uint32_t from = (uint32_t)(unit_random(seed) % BLOCKS),
			 count = 1 + (uint32_t)(unit_random(seed) % 40);
		if (from + count > BLOCKS || n + count > LONGEST)
			break;
		for (uint32_t k = 0; k < count; k++)
			list[n++] = from + k;
		if (unit_random(seed) % 2)
			block_runs_add(l, begun, (struct block_run){ from, count });
		else
			for (uint32_t k = 0; k < count; k++)
				block_runs_add(l, begun, (struct block_run){ from + k, 1 });
	}
	return n;
}

static void test_runs_are_lists(void **state)
{
	uint64_t seed = 7;
	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct block_runs l = { 0 };
		uint32_t a[LONGEST], b[LONGEST], out[LONGEST], alike = 0;
		const size_t n = random_prompt(&l, &seed, a), second = l.count,
			     m = random_prompt(&l, &seed, b);
		const size_t least = n < m ? n : m;
		block_runs_list(l.run, (uint32_t)n, out);
		assert_memory_equal(out, a, n * sizeof *a);
		for (uint32_t k = 0; k < m; k++)
			assert_int_equal(block_runs_at(l.run + second, k), b[k]);
		while (alike < least && a[alike] == b[alike])
			alike++;
		assert_int_equal(block_runs_alike(l.run, l.run + second, (uint32_t)least), alike);
		if (n) {
			const uint32_t to = (uint32_t)(unit_random(&seed) % (n + 1)),
				       from = (uint32_t)(unit_random(&seed) % (to + 1));
			struct block_walk walk = block_walk_over(l.run, from, to);
			uint32_t at = from;
			for (struct block_run run; block_walk_next(&walk, &run); at += run.count)
				for (uint32_t k = 0; k < run.count; k++)
					assert_int_equal(run.from + k, a[at + k]);
			assert_int_equal(at, to);
			struct block_place place = block_place_of(l.run, (uint32_t)n - 1);
			for (size_t k = n - 1; k > 0; k--, block_place_back(&place))
				assert_int_equal(block_place_number(place), a[k]);
			assert_int_equal(block_place_number(place), a[0]);
		}
		free(l.run);
	}
}

static void test_ranks_are_numbers_of_blocks(void **state)
{
	uint64_t seed = 11;
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct block_ranks r;
		uint32_t plain[BLOCKS] = { 0 };
		block_ranks_open(&r, BLOCKS);
		for (int step = 0; step < 300; step++) {
			uint32_t from = (uint32_t)(unit_random(&seed) % BLOCKS),
				 count = 1 + (uint32_t)(unit_random(&seed) % (BLOCKS - from)),
				 rank = (uint32_t)(unit_random(&seed) % 5), seen;
			if (unit_random(&seed) % 2)
				count = 1 + count % 9 < BLOCKS - from ? 1 + count % 9 : 1;
			block_ranks_set(&r, from, count, rank);
			for (uint32_t k = from; k < from + count; k++)
				plain[k] = rank;
			for (uint32_t k = 0; k < BLOCKS; k++)
				assert_int_equal(block_rank(&r, k), plain[k]);
			for (uint32_t k = 0, n; k < BLOCKS; k += n) {
				n = block_ranks_same(&r, k, BLOCKS - k, &seen);
				assert_true(n >= 1 && n <= BLOCKS - k);
				for (uint32_t i = k; i < k + n; i++)
					assert_int_equal(plain[i], seen);
			}
		}
		/* rooms of groups that are alike again are used again */
		assert_true(r.rooms <= BLOCKS / RANK_GROUP + 1);
		block_ranks_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_are_lists),
		cmocka_unit_test(test_ranks_are_numbers_of_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
