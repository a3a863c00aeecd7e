/*
 * usage_blocks: calls in blocks of some hours, as subscriptions count them.
 *
 * A block begins at the full UTC hour of its first call and lasts a fixed time. A call later than
 * its end, or more than that time after the call before it, begins the next one; in the second case
 * the time between is a gap. This is the rule that reports of agents' logs have made common: an
 * estimate, for the vendor does not publish where its own windows begin.
 */
#ifndef TALLY_METER_STORE_USAGE_BLOCKS_H
#define TALLY_METER_STORE_USAGE_BLOCKS_H

#include "meter/store/usage_query.h"

struct usage_block {
	int64_t start_us, end_us; /* of a gap: the time without calls */
	int64_t first_us, last_us;
	bool gap;
	struct usage_sums sums;
	struct text *model; /* in the order of their names */
	size_t models;
};

struct usage_blocks {
	struct usage_block *block;
	size_t count;
	char currency[16];
	struct arena arena;
};

/* hours: the length, 1 to 168. Errors: as usage_query. */
int usage_blocks_read(struct usage_blocks *out, struct store *s, const struct usage_filter *filter,
		      int hours, struct err *e);
void usage_blocks_release(struct usage_blocks *b);

/* Whether calls at `now` would belong to it. */
bool usage_block_active(const struct usage_block *b, int64_t now_us);

#endif
