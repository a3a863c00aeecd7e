/*
 * price_dates: how much of the stored usage hangs on changes of prices whose day is not known: the
 * old price was last seen on one day, the new one first seen on a later one, and calls between the
 * two have the old one.
 *
 * Says it by the cards at hand; a stored price that they do not have is not in doubt. To the
 * quarter of an hour.
 */
#ifndef TALLY_METER_STORE_PRICE_DATES_H
#define TALLY_METER_STORE_PRICE_DATES_H

#include "meter/store/usage_query.h"

struct price_dates {
	int64_t records;	       /* that cost something else by the later price */
	struct money_total difference; /* later minus stored */
	int64_t unknown;	       /* records that use what the later price does not state */
};

/* Of the records of the filter. Errors: as usage_query. */
int price_dates_of(struct price_dates *out, struct store *s, const struct book *b,
		   const struct usage_filter *f, struct err *e);

#endif
