/*
 * dated: when a charge counts: from a day or an instant until another one, less its pauses; and
 * what part of a period that is, by days or by seconds. Days are those of the account's zone.
 */
#ifndef TALLY_METER_BILLING_DATED_H
#define TALLY_METER_BILLING_DATED_H

#include "base/json.h"
#include "base/zone.h"

enum proration { PRORATE_DAY, PRORATE_SECOND, PRORATE_NONE };

enum { DATED_PAUSES_MAX = 16 };

struct moment {
	int64_t day; /* local; INT64_MIN / 2 or INT64_MAX / 2: open */
	struct instant at;
	bool exact; /* `at`, instead of the day */
};
struct dated {
	struct moment from, to; /* to: exclusive; the same: it never counts */
	struct {
		struct moment from, to;
	} pause[DATED_PAUSES_MAX]; /* ascending and apart */
	size_t pauses;
};

/* Without a beginning or an end. */
extern const struct dated dated_always;
/* The members from, to and pauses of v. Instants need proration by the second. */
int dated_read(struct dated *out, json_value *v, enum proration by, struct err *e);
/* A day such as 2026-11-01, as days since 1970. */
int day_member(json_value *v, const char *key, int64_t missing, int64_t *out, struct err *e);

/* `counted` of `of` days or seconds of the period. */
struct dated_part {
	int64_t counted, of;
};
/* What of the period is both in `d` and in `within`. */
struct dated_part dated_part(const struct dated *d, const struct dated *within,
			     const struct zone *z, struct instant from, struct instant to,
			     enum proration by);
/* Whether it begins before that instant, which is a midnight. */
bool dated_begins_before(const struct dated *d, const struct zone *z, struct instant at);

#endif
