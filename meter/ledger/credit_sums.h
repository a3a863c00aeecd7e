/*
 * credit_sums: what usage drew in credits by day, and the usage that no plan covers, of all
 * accounts or of one: for reports. Reads what draw (draw.h) keeps for invoices.
 */
#ifndef TALLY_METER_LEDGER_CREDIT_SUMS_H
#define TALLY_METER_LEDGER_CREDIT_SUMS_H

#include "base/money.h"
#include "meter/store/usage_query.h"
#include "pricing/calendar.h"

struct credit_day_sum {
	int64_t day; /* local, in the zone of the account */
	const struct series_names *series;
	const struct subject_names *subject;
	int64_t records, requests;
	struct credits_total credits;
};
/* The days of the filter's customer, project, workload, effort and model, in no order. Stops when
 * take returns non-zero, and returns that. */
int credit_sums_each_day(struct store *s, const struct usage_filter *f, struct day_range days,
			 int (*take)(void *user, const struct credit_day_sum *d), void *user,
			 struct err *e);

/* Usage of the filter's period that drew nothing because its plan does not cover it; sums are not
 * told. */
int credit_sums_each_uncovered(struct store *s, const struct usage_filter *f,
			       int (*take)(void *user, const struct usage_call *call), void *user,
			       struct err *e);

#endif
