/* row_cache: copies of rows of usage, which never change, by their number. */
#ifndef TALLY_METER_STORE_ROW_CACHE_H
#define TALLY_METER_STORE_ROW_CACHE_H

#include "base/dict.h"
#include "meter/store/store.h"

/* Zero-initialised is empty. */
struct row_cache {
	struct dict by_seq; /* to 1 + index */
	struct usage_row *row;
	size_t count, room;
	struct arena arena;
};

/* Copies the texts of a row that are its own, so that it outlives the statement that read it; the
 * names of its series belong to the dictionary. */
void row_keep_texts(struct usage_row *row, struct arena *a);
/* Names of its series must live longer; all other texts are copied. */
void row_cache_add(struct row_cache *c, const struct usage_row *row);
/* The copy, whose texts live until clear. */
bool row_cache_find(const struct row_cache *c, int64_t seq, struct usage_row *out);
void row_cache_clear(struct row_cache *c);
void row_cache_release(struct row_cache *c);

#endif
