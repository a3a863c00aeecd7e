/* stood_in: how much of the stored usage has the price of a model's maker in place of its seller's
 * (pricing/stand_ins). */
#ifndef TALLY_METER_STORE_STOOD_IN_H
#define TALLY_METER_STORE_STOOD_IN_H

#include "meter/store/usage_query.h"
#include "pricing/stand_ins.h"

/* Of the records of the filter. Errors: as usage_query. */
int stood_in_of(struct stand_ins *out, struct store *s, const struct usage_filter *f,
		struct err *e);

#endif
