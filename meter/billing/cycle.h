/* cycle: billing periods of a customer: from a day of each month on, in the customer's zone. */
#ifndef TALLY_METER_BILLING_CYCLE_H
#define TALLY_METER_BILLING_CYCLE_H

#include "base/instant.h"
#include "base/zone.h"

/* The one that holds `at`, beginning at midnight of the billing day in the zone. */
struct period cycle_period(const struct zone *z, int billing_day, struct instant at);
/* The period that begins in the named month, "2026-11"; NULL: the last one that has ended. Errors:
 * ERR_USAGE. */
int cycle_named(const struct zone *z, int billing_day, const char *month, struct instant now,
		struct period *out, struct err *e);

#endif
