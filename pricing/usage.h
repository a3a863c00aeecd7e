/*
 * usage: what one call (or one row that stands for several) used, in disjoint buckets.
 *
 * `reasoning` is the part of `output` that was reasoning; every other bucket is disjoint from all
 * others. Units are things that are counted but are not tokens (searches, images, seconds), by
 * name. Tokens are facts: nothing here knows a price.
 */
#ifndef TALLY_PRICING_USAGE_H
#define TALLY_PRICING_USAGE_H

#include <stdbool.h>

#include "base/err.h"

/* bucket, name in cards, traces and reports */
#define USAGE_BUCKETS(X) \
	X(BUCKET_INPUT, "input") \
	X(BUCKET_CACHE_READ, "cache_read") \
	X(BUCKET_CACHE_WRITE_5M, "cache_write_5m") \
	X(BUCKET_CACHE_WRITE_1H, "cache_write_1h") \
	X(BUCKET_OUTPUT, "output") \
	X(BUCKET_REASONING, "reasoning") \
	X(BUCKET_INPUT_AUDIO, "input_audio") \
	X(BUCKET_INPUT_IMAGE, "input_image") \
	X(BUCKET_INPUT_VIDEO, "input_video") \
	X(BUCKET_CACHE_READ_AUDIO, "cache_read_audio") \
	X(BUCKET_CACHE_READ_IMAGE, "cache_read_image") \
	X(BUCKET_CACHE_READ_VIDEO, "cache_read_video") \
	X(BUCKET_OUTPUT_AUDIO, "output_audio") \
	X(BUCKET_OUTPUT_IMAGE, "output_image") \
	X(BUCKET_OUTPUT_VIDEO, "output_video") \
	X(BUCKET_CITATION, "citation")

enum bucket {
#define X(id, name) id,
	USAGE_BUCKETS(X)
#undef X
		BUCKET_COUNT,
	BUCKET_COMMON = BUCKET_REASONING + 1 /* the six that every report shows */
};

enum { USAGE_UNITS_MAX = 8 };

#define UNIT_WEB_SEARCH "web_search"

struct usage_unit {
	const char *name;
	int64_t count;
};

struct usage {
	int64_t tokens[BUCKET_COUNT];
	int64_t requests; /* calls that this record stands for; fees per request are charged on it
			   */
	int unit_count;
	struct usage_unit unit[USAGE_UNITS_MAX];
};

const char *bucket_name(enum bucket b);
/* -1 when there is no such bucket; "cache_write" means cache_write_5m, the lifetime billed when
 * none is told. */
int bucket_by_name(const char *name, size_t n);

/* Errors: ERR_INVALID when reasoning exceeds output, a count is negative, or requests is not
 * positive. */
int usage_check(const struct usage *u, struct err *e);
/* Whether its tokens are part of the prompt. */
bool bucket_is_prompt(enum bucket b);
/* Tokens of the whole prompt, cache included; what context tiers look at. Errors: ERR_RANGE on
 * overflow. */
int usage_prompt(const struct usage *u, int64_t *out, struct err *e);

#endif
