/*
 * calendar: the recurring hours at which a window of a tariff holds, such as a vendor's peak hours.
 *
 * Hours and days are local to the vendor's zone; the day of an instant is its own local date, also
 * in a window that began before midnight. Rules have periods, because vendors change them; outside
 * every period the window never holds.
 */
#ifndef TALLY_PRICING_CALENDAR_H
#define TALLY_PRICING_CALENDAR_H

#include "base/zone.h"

enum { CALENDAR_HOURS_MAX = 16, CALENDAR_PERIODS_MAX = 32 };

struct day_range {
	int64_t first, last; /* days since 1970-01-01, both included */
};

struct holidays {
	const char *name;
	struct day_range covers; /* outside it the holidays are not known */
	struct day_range *range;
	size_t count;
};

struct calendar_hours {
	int from_min, to_min; /* minutes of the local day, half-open; from > to passes midnight;
				 equal means all day */
};

struct calendar_period {
	struct instant from, to;
	unsigned weekdays; /* bit 0 = Monday */
	const struct holidays *except;
};

struct calendar {
	const char *name;
	struct zone *zone;
	const char *zone_name;
	struct calendar_hours hours[CALENDAR_HOURS_MAX];
	size_t hour_count;
	struct calendar_period period[CALENDAR_PERIODS_MAX];
	size_t period_count;
};

/* "09:00-12:00" */
int calendar_hours_parse(struct calendar_hours *out, struct text s, struct err *e);
bool calendar_hours_contain(struct calendar_hours h, int minute_of_day);

bool calendar_contains(const struct calendar *c, struct instant t);
/* A later instant before which calendar_contains cannot change; INSTANT_MAX when it never does. */
struct instant calendar_next_edge(const struct calendar *c, struct instant t);
/* The first later instant at which calendar_contains is different; INSTANT_MAX when there is none
 * within ten years. */
struct instant calendar_next_change(const struct calendar *c, struct instant t);
/* True when t falls on a day for which the holidays that would decide are not known. */
bool calendar_is_guess(const struct calendar *c, struct instant t);

#endif
