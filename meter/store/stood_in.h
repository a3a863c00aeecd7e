/* stood_in: how much of the stored usage has the price of a model's maker in place of its seller's
 * (pricing/stand_ins). */
#ifndef TALLY_METER_STORE_STOOD_IN_H
#define TALLY_METER_STORE_STOOD_IN_H

#include "meter/store/usage_query.h"
#include "pricing/book.h"
#include "pricing/stand_ins.h"

/* Of the records of the filter, and those whose name moves to newer models and that have the price
 * which the book still has for it. Errors: as usage_query. */
int moving_names_of(struct named_calls *out, struct store *s, const struct book *b,
		    const struct usage_filter *f, struct err *e);
/* Of the records of the filter. Errors: as usage_query. */
int stood_in_of(struct named_calls *out, struct store *s, const struct usage_filter *f,
		struct err *e);

#endif
