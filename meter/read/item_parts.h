/*
 * item_parts: which kind of token and which tier the words of a line of a bill say.
 *
 * Vendors charge a model in parts: its input, what a cache gave, its output, each in a tier. The
 * words are those of the column that names the model too, or of columns of their own.
 */
#ifndef TALLY_METER_READ_ITEM_PARTS_H
#define TALLY_METER_READ_ITEM_PARTS_H

#include "base/text.h"

/* "input", "cache_read", "cache_write" or "output"; "" where the words say none. */
struct text item_tokens(struct text words);
/* "batch", "flex", "priority", "fast"; "" for the standard one, and where the words say none. */
struct text item_tier(struct text words);

#endif
