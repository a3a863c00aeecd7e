/* recurrence: instants that come again, each so often: a span, days or calendar months in a zone.
 */
#ifndef TALLY_METER_LEDGER_RECURRENCE_H
#define TALLY_METER_LEDGER_RECURRENCE_H

#include "base/zone.h"

/* Every so often: a span, or a number of civil days or calendar months (clamped to the month's end)
 * in a zone. */
struct recurrence {
	int64_t every_us, days, months; /* one of them */
	struct instant anchor;
	const struct zone *zone; /* NULL: UTC */
};
/* "1d", "1w", "2h", "30m", "15s", "1month", "1y"; in UTC until a zone is set. Errors: ERR_USAGE. */
int recurrence_parse(struct recurrence *out, struct text every, struct instant anchor,
		     struct err *e);
/* The first recurrence at or after t. */
struct instant recurrence_from(const struct recurrence *r, struct instant t);

#endif
