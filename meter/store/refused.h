/*
 * refused: what a report lacks because it was refused: records in quarantine that may be of its
 * period and customer.
 */
#ifndef TALLY_METER_STORE_REFUSED_H
#define TALLY_METER_STORE_REFUSED_H

#include "meter/store/usage_query.h"

/* How many records that are kept in quarantine may be of that period and customer: all but those
 * that say themselves that they are not. Errors: the store's. */
int refused_count(struct store *s, const struct usage_filter *filter, int64_t *out, struct err *e);

/* All that are kept there. Errors: the store's. */
int refused_all(struct store *s, int64_t *out, struct err *e);

#endif
