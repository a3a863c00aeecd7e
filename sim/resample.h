/*
 * resample: intervals of totals by resampling whole conversations (a cluster bootstrap).
 *
 * Calls of one conversation share their prefix and their subject, so that conversations are drawn,
 * not calls. Every column is summed over the same draws (common random numbers), so that
 * differences of columns have intervals of their own. Sums are whole numbers and quantiles are
 * members of the sorted sample; the draws come from GSL's Mersenne Twister, seeded again for each
 * resample, so that the number of threads changes nothing.
 */
#ifndef TALLY_SIM_RESAMPLE_H
#define TALLY_SIM_RESAMPLE_H

#include "base/money.h"

struct interval {
	struct money_total low, high;
};

enum { RESAMPLE_CLUSTERS_MAX = 20000, RESAMPLES_MAX = 1000000 };

struct resample {
	const struct money_total *const *column; /* columns x clusters */
	size_t columns, clusters;
	uint64_t seed;
	int64_t resamples;
	int threads;
};

/* How many are drawn of so many clusters: cluster i is a part of bundle i modulo that. */
size_t resample_clusters(size_t clusters);

/*
 * sums[c * resamples + r]: the total of column c in resample r. More clusters than
 * RESAMPLE_CLUSTERS_MAX are drawn in bundles of equally many. free() *sums.
 */
void resample_sums(const struct resample *q, struct money_total **sums);

/* The central interval of level_permille of n sums; sorts a copy. */
struct interval resample_interval(const struct money_total *sums, size_t n, int level_permille);
/* The quantile at permille of ascending values: the smallest that has at least that part of them
 * at or below it. */
struct money_total resample_quantile(const struct money_total *sorted, size_t n, int permille);
void resample_sort(struct money_total *values, size_t n);

#endif
