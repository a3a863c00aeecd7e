#include "sim/resample.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/dict.h"

/*
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998; seeded as in 2002), as GSL's
 * gsl_rng_mt19937 draws, a state at a time: millions of draws are no calls.
 */
enum { STATE = 624, AHEAD = 397 };
struct twister {
	uint32_t state[STATE], drawn[STATE];
	size_t next; /* of drawn */
};

static void twister_seed(struct twister *t, uint32_t seed)
{
	t->state[0] = seed ? seed : 4357; /* what GSL makes of no seed */
	for (uint32_t i = 1; i < STATE; i++)
		t->state[i] = 1812433253U * (t->state[i - 1] ^ t->state[i - 1] >> 30) + i;
	t->next = STATE;
}

static inline uint32_t twisted(uint32_t high, uint32_t low)
{
	const uint32_t y = (high & 0x80000000U) | (low & 0x7fffffffU);
	return y >> 1 ^ (0x9908b0dfU & -(y & 1));
}

static void twist(struct twister *t)
{
	uint32_t *s = t->state;
	for (size_t i = 0; i < STATE - AHEAD; i++)
		s[i] = s[i + AHEAD] ^ twisted(s[i], s[i + 1]);
	for (size_t i = STATE - AHEAD; i < STATE - 1; i++)
		s[i] = s[i + AHEAD - STATE] ^ twisted(s[i], s[i + 1]);
	s[STATE - 1] = s[AHEAD - 1] ^ twisted(s[STATE - 1], s[0]);
	for (size_t i = 0; i < STATE; i++) {
		uint32_t k = s[i];
		k ^= k >> 11;
		k ^= k << 7 & 0x9d2c5680U;
		k ^= k << 15 & 0xefc60000U;
		t->drawn[i] = k ^ k >> 18;
	}
	t->next = 0;
}

/* As gsl_rng_uniform_int draws below n: it divides by how often n fits into the generator's range,
 * which here is a multiplication by 2^64 / that, rounded up (exact for 32 bits: Lemire, Kaser and
 * Kurz, Faster remainder by direct computation, 2019). */
struct below {
	uint32_t n;
	uint64_t factor;
};

static struct below below_of(size_t n)
{
	CHECK(n <= RESAMPLE_CLUSTERS_MAX);
	return (struct below){ (uint32_t)n, n ? UINT64_MAX / (UINT32_MAX / n) + 1 : 0 };
}

static uint32_t draw_below(struct twister *t, struct below b)
{
	uint32_t k;
	do {
		if (t->next == STATE)
			twist(t);
		k = (uint32_t)((uint128)t->drawn[t->next++] * b.factor >> 64);
	} while (k >= b.n);
	return k;
}

struct job {
	const struct resample *q;
	const int128 *row; /* what each cluster has in all columns */
	size_t clusters;
	struct money_total *sums;
	int64_t from, to;
	pthread_t thread;
};

/* Some draws are made at a time, so that their sums stay in registers. */
enum { DRAWS_AT_ONCE = 256 };

static void add_draws(const struct job *j, struct twister *t, struct below below, int128 *sum)
{
	uint32_t place[DRAWS_AT_ONCE];
	const size_t columns = j->q->columns;
	for (size_t left = j->clusters, n; left; left -= n) {
		n = left < DRAWS_AT_ONCE ? left : DRAWS_AT_ONCE;
		for (size_t i = 0; i < n; i++)
			place[i] = draw_below(t, below);
		for (size_t c = 0; c < columns; c++) {
			int128 of = 0;
			for (size_t i = 0; i < n; i++)
				of += j->row[place[i] * columns + c];
			sum[c] += of;
		}
	}
}

static void *draw(void *user)
{
	const struct job *j = user;
	const struct resample *q = j->q;
	struct twister *twister = mem_alloc(sizeof *twister);
	int128 *sum = mem_alloc((q->columns + 1) * sizeof *sum);
	const struct below below = below_of(j->clusters);
	for (int64_t r = j->from; r < j->to; r++) {
		const uint64_t seeds[2] = { q->seed, 0x726573616d706c65 };
		twister_seed(twister, (uint32_t)hash_bytes(&r, sizeof r, seeds));
		memset(sum, 0, q->columns * sizeof *sum);
		add_draws(j, twister, below, sum);
		for (size_t c = 0; c < q->columns; c++)
			j->sums[c * (size_t)q->resamples + (size_t)r].atto = sum[c];
	}
	free(sum);
	free(twister);
	return NULL;
}

/* Very many clusters are drawn in bundles of as many each: the spread of a sum of independent
 * bundles is the same, and the work stays bounded. */
static int128 *rows_of(const struct resample *q, size_t bundles)
{
	int128 *out = mem_zalloc((q->columns * bundles + 1) * sizeof *out);
	for (size_t c = 0; c < q->columns; c++)
		for (size_t i = 0; i < q->clusters; i++)
			out[i % bundles * q->columns + c] += q->column[c][i].atto;
	return out;
}

size_t resample_clusters(size_t clusters)
{
	const size_t each = (clusters + RESAMPLE_CLUSTERS_MAX - 1) / RESAMPLE_CLUSTERS_MAX;
	return each > 1 ? (clusters + each - 1) / each : clusters;
}

void resample_sums(const struct resample *q, struct money_total **sums)
{
	enum { THREADS = 64 };
	int threads = q->threads < 1 ? 1 : q->threads > THREADS ? THREADS : q->threads;
	struct job job[THREADS];
	const size_t clusters = resample_clusters(q->clusters);
	int128 *row = rows_of(q, clusters);
	*sums = mem_zalloc((q->columns * (size_t)q->resamples + 1) * sizeof **sums);
	for (int i = 0; i < threads; i++) {
		job[i] = (struct job){
			q,
			row,
			clusters,
			*sums,
			q->resamples * i / threads,
			q->resamples * (i + 1) / threads,
			0,
		};
		CHECK(pthread_create(&job[i].thread, NULL, draw, &job[i]) == 0);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(job[i].thread, NULL);
	free(row);
}

static int by_value(const void *a, const void *b)
{
	const int128 x = ((const struct money_total *)a)->atto,
		     y = ((const struct money_total *)b)->atto;
	return x < y ? -1 : x > y;
}

void resample_sort(struct money_total *values, size_t n)
{
	qsort(values, n, sizeof *values, by_value);
}

struct money_total resample_quantile(const struct money_total *sorted, size_t n, int permille)
{
	size_t rank = (n * (size_t)permille + 999) / 1000;
	return sorted[rank ? rank - 1 : 0];
}

struct interval resample_interval(const struct money_total *sums, size_t n, int level_permille)
{
	struct money_total *sorted = mem_alloc(n * sizeof *sorted);
	memcpy(sorted, sums, n * sizeof *sorted);
	resample_sort(sorted, n);
	/* the tails hold the same part; whole members of the sample bound it */
	size_t tail = n * (size_t)(1000 - level_permille) / 2000;
	struct interval out = { sorted[tail], sorted[n - 1 - tail] };
	free(sorted);
	return out;
}
