/* Intervals by resampling: against the closed form of the spread of a sum, and against themselves.
 */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/dict.h"
#include "sim/gsl.h"
#include "sim/resample.h"

#include <math.h>
#include <stdio.h>

enum { CLUSTERS = 400, DRAWS = 4000 };

static void fill(struct money_total *x)
{
	uint64_t s = 12345;
	for (int i = 0; i < CLUSTERS; i++) {
		s = s * 6364136223846793005u + 1442695040888963407u;
		x[i].atto = (int128)(s >> 40) * 1000000000 + (i % 50 == 0 ? (int128)1 << 60 : 0);
	}
}

static struct money_total *draw(const struct money_total *x, uint64_t seed, int threads)
{
	const struct money_total *column[1] = { x };
	struct money_total *sums;
	resample_sums(&(struct resample){ column, 1, CLUSTERS, seed, DRAWS, threads }, &sums);
	return sums;
}

static void test_mean_and_spread_are_those_of_the_closed_form(void **state)
{
	(void)state;
	struct money_total x[CLUSTERS];
	fill(x);
	struct money_total *sums = draw(x, 9, 2);
	double total = 0, square = 0, mean = 0, spread = 0, fourth = 0;
	for (int i = 0; i < CLUSTERS; i++)
		total += (double)x[i].atto;
	for (int i = 0; i < CLUSTERS; i++)
		square += pow((double)x[i].atto - total / CLUSTERS, 2);
	/* n draws from n values: mean n * mean, variance n * (population variance) */
	double variance = square;
	for (int r = 0; r < DRAWS; r++)
		mean += (double)sums[r].atto / DRAWS;
	for (int r = 0; r < DRAWS; r++) {
		double d = pow((double)sums[r].atto - mean, 2);
		spread += d / (DRAWS - 1);
		fourth += d * d / DRAWS;
	}
	assert_true(fabs(mean - total) < 4 * sqrt(variance / DRAWS));
	assert_true(fabs(spread - variance) < 4 * sqrt((fourth - spread * spread) / DRAWS));
	free(sums);
}

/* Of GSL's own generator, with the seeds that a resample has. */
static void test_draws_are_those_of_gsl(void **state)
{
	(void)state;
	enum { SOME = 60 };
	assert_int_equal(gsl_need(NULL), 0);
	gsl_rng *rng = gsl.gsl_rng_alloc(*gsl.gsl_rng_mt19937);
	struct money_total x[CLUSTERS], *sums;
	fill(x);
	for (size_t n = 1; n <= CLUSTERS; n += n < 8 ? 1 : 49) {
		const struct money_total *column[1] = { x };
		resample_sums(&(struct resample){ column, 1, n, 7, SOME, 2 }, &sums);
		for (int64_t r = 0; r < SOME; r++) {
			const uint64_t seeds[2] = { 7, 0x726573616d706c65 };
			int128 sum = 0;
			gsl.gsl_rng_set(rng, hash_bytes(&r, sizeof r, seeds) & 0xffffffff);
			for (size_t i = 0; i < n; i++)
				sum += x[gsl.gsl_rng_uniform_int(rng, n)].atto;
			assert_true(sums[r].atto == sum);
		}
		free(sums);
	}
	/* several states of the generator, which has 624 numbers */
	struct money_total *many = mem_zalloc(RESAMPLE_CLUSTERS_MAX * sizeof *many);
	for (int i = 0; i < RESAMPLE_CLUSTERS_MAX; i++)
		many[i].atto = (int128)i * i;
	const struct money_total *column[1] = { many };
	resample_sums(&(struct resample){ column, 1, RESAMPLE_CLUSTERS_MAX, 3, 2, 1 }, &sums);
	for (int64_t r = 0; r < 2; r++) {
		const uint64_t seeds[2] = { 3, 0x726573616d706c65 };
		int128 sum = 0;
		gsl.gsl_rng_set(rng, hash_bytes(&r, sizeof r, seeds) & 0xffffffff);
		for (size_t i = 0; i < RESAMPLE_CLUSTERS_MAX; i++)
			sum += many[gsl.gsl_rng_uniform_int(rng, RESAMPLE_CLUSTERS_MAX)].atto;
		assert_true(sums[r].atto == sum);
	}
	free(sums);
	free(many);
	gsl.gsl_rng_free(rng);
}

static void test_threads_change_nothing_and_seeds_do(void **state)
{
	(void)state;
	struct money_total x[CLUSTERS];
	fill(x);
	struct money_total *one = draw(x, 1, 1), *three = draw(x, 1, 3), *other = draw(x, 2, 1);
	assert_memory_equal(one, three, DRAWS * sizeof *one);
	assert_memory_not_equal(one, other, DRAWS * sizeof *one);
	free(one);
	free(three);
	free(other);
}

static void test_quantiles_are_members_of_the_sample(void **state)
{
	(void)state;
	struct money_total x[10];
	for (int i = 0; i < 10; i++)
		x[i].atto = (i * 7) % 10; /* 0 to 9 in another order */
	struct interval i = resample_interval(x, 10, 800);
	assert_true(i.low.atto == 1 && i.high.atto == 8);
	resample_sort(x, 10);
	assert_true(resample_quantile(x, 10, 500).atto == 4);
	assert_true(resample_quantile(x, 10, 501).atto == 5);
	assert_true(resample_quantile(x, 10, 1000).atto == 9);
	assert_true(resample_quantile(x, 10, 0).atto == 0);
}

/* 0 to 6 in no order that bundles could follow */
static int value_of(size_t i)
{
	uint64_t s = (i + 1) * 6364136223846793005u;
	s = (s ^ s >> 32) * 1442695040888963407u;
	return (int)((s >> 40) % 7);
}

static void test_many_clusters_are_bundled(void **state)
{
	(void)state;
	const size_t n = RESAMPLE_CLUSTERS_MAX * 3;
	struct money_total *x = mem_alloc(n * sizeof *x), *sums;
	double variance = 0, total = 0;
	for (size_t i = 0; i < n; i++)
		total += (double)value_of(i) * 1e6;
	for (size_t i = 0; i < n; i++)
		x[i].atto = (int128)value_of(i) * 1000000;
	for (size_t i = 0; i < n; i++)
		variance += pow((double)(value_of(i)) * 1e6 - total / (double)n, 2);
	const struct money_total *column[1] = { x };
	resample_sums(&(struct resample){ column, 1, n, 5, 400, 2 }, &sums);
	double mean = 0, spread = 0;
	for (int r = 0; r < 400; r++)
		mean += (double)sums[r].atto / 400;
	for (int r = 0; r < 400; r++)
		spread += pow((double)sums[r].atto - mean, 2) / 399;
	assert_true(fabs(mean - total) < 4 * sqrt(variance / 400));
	/* four standard errors of a variance from 400 draws are 28 % */
	assert_true(fabs(spread - variance) < 0.29 * variance);
	free(sums);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draws_are_those_of_gsl),
		cmocka_unit_test(test_mean_and_spread_are_those_of_the_closed_form),
		cmocka_unit_test(test_threads_change_nothing_and_seeds_do),
		cmocka_unit_test(test_quantiles_are_members_of_the_sample),
		cmocka_unit_test(test_many_clusters_are_bundled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
