/*
 * cycle: billing periods of a customer: from a day of each month on, in the customer's zone, and
 * what part of one a stub is.
 */
#ifndef TALLY_METER_BILLING_CYCLE_H
#define TALLY_METER_BILLING_CYCLE_H

#include "base/instant.h"
#include "base/zone.h"

/* What is billed in advance on `target` (inclusive) from `start` until `end` (exclusive; INT64_MAX:
 * open): a stub up to the first billing day, whole periods, a stub at the end. Stubs are days out
 * of the days of the month-long period that they belong to; 0 of them means none. */
struct cycles {
	int64_t first_days, first_of, whole, last_days, last_of;
};
struct cycles cycles_in_advance(int64_t start, int64_t end, int64_t target, int billing_day);

/* The one that holds `at`, beginning at midnight of the billing day in the zone. */
struct period cycle_period(const struct zone *z, int billing_day, struct instant at);
/* The period that begins in the named month, "2026-11"; NULL: the last one that has ended. Errors:
 * ERR_USAGE. */
int cycle_named(const struct zone *z, int billing_day, const char *month, struct instant now,
		struct period *out, struct err *e);

#endif
