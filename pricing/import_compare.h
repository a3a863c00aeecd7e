/* import_compare: what a price of a catalogue says differently than the book's, beside input and
 * output of prompts of every size. */
#ifndef TALLY_PRICING_IMPORT_COMPARE_H
#define TALLY_PRICING_IMPORT_COMPARE_H

#include "pricing/import.h"

/* Adds "cache_read 1 instead of 0.5, above 200000: input none instead of 6, ..." to out, the first
 * few of them; nothing where the catalogue says of all that the book prices the same, and perhaps
 * more. "none": no price, so that calls that need it have none if this price is taken. */
void import_differences(struct buf *out, const struct import_price *p, const struct price *old);

#endif
