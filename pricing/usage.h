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

/*
 * What a vendor tells of a bucket's tokens and bills apart on some models only: part, name, the
 * bucket that contains it, and the bucket whose price it has where the card states one. Like
 * reasoning it is no bucket of its own: sums of tokens, credits and context tiers see the whole.
 */
#define USAGE_PARTS(X) \
	X(PART_INPUT_IMAGE, "image_in_input", BUCKET_INPUT, BUCKET_INPUT_IMAGE) \
	X(PART_INPUT_VIDEO, "video_in_input", BUCKET_INPUT, BUCKET_INPUT_VIDEO) \
	X(PART_CACHE_READ_IMAGE, "image_in_cache_read", BUCKET_CACHE_READ, \
	  BUCKET_CACHE_READ_IMAGE) \
	X(PART_CACHE_READ_VIDEO, "video_in_cache_read", BUCKET_CACHE_READ, \
	  BUCKET_CACHE_READ_VIDEO) \
	X(PART_OUTPUT_IMAGE, "image_in_output", BUCKET_OUTPUT, BUCKET_OUTPUT_IMAGE)

enum usage_part {
#define X(id, name, whole, apart) id,
	USAGE_PARTS(X)
#undef X
		PART_COUNT
};

/*
 * unit, name in cards (of its fee), in rows and in reports, name as a field of a record. A row here
 * is all that a new unit needs, beside the words of the vendors that count it (meter/formats,
 * meter/read/exports): nothing else names one.
 */
#define USAGE_UNITS(X) \
	X(UNIT_WEB_SEARCH, "web_search", "web_search") \
	X(UNIT_WEB_SEARCH_LOW, "web_search_low", "unit_web_search_low") \
	X(UNIT_WEB_SEARCH_MEDIUM, "web_search_medium", "unit_web_search_medium") \
	X(UNIT_WEB_SEARCH_HIGH, "web_search_high", "unit_web_search_high") \
	X(UNIT_QUERY, "query", "unit_query") \
	X(UNIT_PAGE, "page", "unit_page") \
	X(UNIT_IMAGE, "image", "unit_image") \
	X(UNIT_SECOND, "second", "unit_second") \
	X(UNIT_CHARACTER, "character", "unit_character") \
	X(UNIT_CACHE_TOKEN_HOURS, "cache_token_hours", "unit_cache_token_hours") \
	X(UNIT_WEB_SEARCH_PREVIEW, "web_search_preview", "unit_web_search_preview") \
	X(UNIT_WEB_SEARCH_PREMIUM, "web_search_premium", "unit_web_search_premium") \
	X(UNIT_X_SEARCH, "x_search", "unit_x_search") \
	X(UNIT_MAP_SEARCH, "map_search", "unit_map_search") \
	X(UNIT_FILE_SEARCH, "file_search", "unit_file_search") \
	X(UNIT_SEARCH_SOURCE, "search_source", "unit_search_source") \
	X(UNIT_WEB_FETCH, "web_fetch", "unit_web_fetch") \
	X(UNIT_CODE_EXECUTION, "code_execution", "unit_code_execution") \
	X(UNIT_CONTAINER, "container", "unit_container") \
	X(UNIT_GENERATED_IMAGE, "generated_image", "unit_generated_image")

enum unit {
#define X(id, name, field) id,
	USAGE_UNITS(X)
#undef X
		UNIT_COUNT
};

/* All that is counted: the buckets, their parts, then the units. */
enum {
	COUNT_TOKENS = BUCKET_COUNT + PART_COUNT,
	COUNT_KINDS = COUNT_TOKENS + UNIT_COUNT,
	COUNT_RARE = COUNT_KINDS - BUCKET_COMMON /* those behind the common buckets */
};
/* Members of a struct: `counts` is all of the others. */
#define USAGE_COUNTS \
	union { \
		int64_t counts[COUNT_KINDS]; \
		struct { \
			int64_t tokens[BUCKET_COUNT], parts[PART_COUNT], units[UNIT_COUNT]; \
		}; \
	}

/* Whether any of the counts is rare, which is other than zero. */
static inline bool counts_any_rare(const int64_t counts[COUNT_KINDS])
{
	int64_t any = 0;
	for (int k = BUCKET_COMMON; k < COUNT_KINDS; k++)
		any |= counts[k];
	return any != 0;
}

/* Units of one rating: those above, and others that a card has and `tally cost` was told of. */
enum { USAGE_UNITS_MAX = UNIT_COUNT + 8 };

struct usage_unit {
	const char *name;
	int64_t count;
};

struct usage {
	union {
		int64_t counts[COUNT_TOKENS];
		struct {
			int64_t tokens[BUCKET_COUNT], parts[PART_COUNT];
		};
	};
	int64_t requests; /* calls that this record stands for; fees per request are charged on it
			   */
	int unit_count;
	struct usage_unit unit[USAGE_UNITS_MAX];
};

const char *bucket_name(enum bucket b);
/* -1 when there is no such bucket; "cache_write" means cache_write_5m, the lifetime billed when
 * none is told. */
int bucket_by_name(const char *name, size_t n);

const char *unit_name(enum unit u);
/* As a field of a record. */
const char *unit_field(enum unit u);
/* -1 when there is no such unit. */
int unit_by_name(const char *name, size_t n);
/* The count of a unit by the name of its fee; 0 for one of which nothing is counted. */
int64_t unit_count_of(const int64_t units[UNIT_COUNT], const char *name);
/* The bucket that contains a part, and the one whose price it has. */
enum bucket part_whole(enum usage_part p);
enum bucket part_apart(enum usage_part p);
/* Where the counts of the wholes are others than those that were told: what no longer fits into the
 * one whole of its kind (image, video) moves to the other, as far as it has room; what fits nowhere
 * is cut off. */
void parts_fit(int64_t *counts);
/* Over buckets, parts and units: the name, and the place of a name (-1: none such). */
const char *count_name(int kind);
int count_by_name(const char *name, size_t n);
/* Counts below are COUNT_KINDS of them, or COUNT_TOKENS where no units matter. */
/* Adds all counts; false when a sum no longer fits. */
bool counts_add(int64_t *to, const int64_t *more);

/* Gives u these counts: the tokens and their parts, and every unit that is not 0. */
void usage_set_counts(struct usage *u, const int64_t *counts);

/* Errors: ERR_INVALID when a part exceeds what contains it (reasoning: output), a count is
 * negative, or requests is not positive. */
int usage_check(const struct usage *u, struct err *e);
/* Whether its tokens are part of the prompt. */
bool bucket_is_prompt(enum bucket b);
/* Tokens of the whole prompt, cache included; what context tiers look at. Errors: ERR_RANGE on
 * overflow. */
int usage_prompt(const struct usage *u, int64_t *out, struct err *e);

#endif
