/*
 * Runs of blocks and their ranks against plain lists, over random numbers.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/arena.h"
#include "sim/block_numbers.h"
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
		const size_t n = random_prompt(&l, &seed, a), second = l.count;
		size_t m = 0;
		/* half of them begin alike, in runs that need not end where those of the first do,
		 * and go on otherwise */
		if (round % 2) {
			for (m = (size_t)(unit_random(&seed) % (n + 1)); alike < m; alike++) {
				b[alike] = a[alike];
				block_runs_add(&l, second, (struct block_run){ a[alike], 1 });
			}
			for (int more = 0; more < 50 && m < LONGEST; more++) {
				b[m] = BLOCKS + 1;
				block_runs_add(&l, second, (struct block_run){ b[m++], 1 });
			}
		} else {
			m = random_prompt(&l, &seed, b);
		}
		const size_t least = n < m ? n : m;
		block_runs_list(l.run, (uint32_t)n, out);
		assert_memory_equal(out, a, n * sizeof *a);
		for (uint32_t k = 0; k < m; k++)
			assert_int_equal(block_runs_at(l.run + second, k), b[k]);
		for (alike = 0; alike < least && a[alike] == b[alike];)
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

/* Conversations that lie between each other: each request begins with blocks of any conversation
 * and adds new ones. */
static void test_numbers_go_by_conversation(void **state)
{
	enum { REQUESTS = 60, TALKS = 5 };
	uint64_t seed = 13;
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct block_trace t = { .conversations = TALKS };
		uint32_t first[REQUESTS], before[REQUESTS][LONGEST], other[REQUESTS * LONGEST];
		t.request = mem_zalloc(REQUESTS * sizeof *t.request);
		for (; t.count < REQUESTS; t.count++) {
			struct block_request *q = &t.request[t.count];
			q->conversation = (uint32_t)(unit_random(&seed) % (TALKS + 1));
			q->first = (uint32_t)t.runs.count;
			first[t.count] = (uint32_t)t.distinct;
			while (t.distinct && q->count < LONGEST / 2 && unit_random(&seed) % 5)
				before[t.count][q->count++] =
					(uint32_t)(unit_random(&seed) % t.distinct);
			for (size_t more = unit_random(&seed) % 40; more; more--)
				before[t.count][q->count++] = (uint32_t)t.distinct++;
			for (uint32_t k = 0; k < q->count; k++)
				block_runs_add(&t.runs, q->first,
					       (struct block_run){ before[t.count][k], 1 });
		}
		block_numbers_by_conversation(&t, first);
		memset(other, 0xff, sizeof other);
		for (size_t i = 0; i < t.count; i++) {
			uint32_t now[LONGEST];
			block_runs_list(block_request_runs(&t, &t.request[i]), t.request[i].count,
					now);
			for (uint32_t k = 0; k < t.request[i].count; k++) {
				uint32_t *of = &other[before[i][k]];
				assert_true(now[k] < t.distinct);
				assert_true(*of == UINT32_MAX || *of == now[k]);
				*of = now[k];
			}
		}
		/* of one conversation they rise in the order in which they came */
		for (uint32_t a = 0; a + 1 < t.distinct; a++)
			for (uint32_t b = a + 1; b < t.distinct && b < a + 50; b++)
				assert_true(other[a] != other[b]);
		for (size_t c = 0; c <= TALKS; c++) {
			uint32_t last = UINT32_MAX;
			for (size_t i = 0; i < t.count; i++)
				for (uint32_t n = first[i];
				     t.request[i].conversation == c &&
				     n < (i + 1 < t.count ? first[i + 1] : t.distinct);
				     n++) {
					assert_true(last == UINT32_MAX || other[n] == last + 1);
					last = other[n];
				}
		}
		free(t.request);
		free(t.runs.run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_are_lists),
		cmocka_unit_test(test_ranks_are_numbers_of_blocks),
		cmocka_unit_test(test_numbers_go_by_conversation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
