#include "meter/billing/cycle.h"

#include <stdlib.h>

static int64_t cycle_day(int year, int month, int billing_day)
{
	struct civil c = { year, month, billing_day };
	while (!civil_valid(c))
		c.day--;
	return civil_to_day(c);
}

static int64_t next_month(int64_t day, int billing_day)
{
	struct civil c = civil_from_day(day);
	return c.month == 12 ? cycle_day(c.year + 1, 1, billing_day)
			     : cycle_day(c.year, c.month + 1, billing_day);
}

struct period cycle_period(const struct zone *z, int billing_day, struct instant at)
{
	int64_t day = zone_day(z, at);
	struct civil c = civil_from_day(day);
	int64_t here = cycle_day(c.year, c.month, billing_day);
	if (here > day)
		here = c.month == 1 ? cycle_day(c.year - 1, 12, billing_day)
				    : cycle_day(c.year, c.month - 1, billing_day);
	return (struct period){ zone_midnight(z, here),
				zone_midnight(z, next_month(here, billing_day)) };
}

int cycle_named(const struct zone *z, int billing_day, const char *month, struct instant now,
		struct period *out, struct err *e)
{
	if (!month) {
		const int64_t begun_us = cycle_period(z, billing_day, now).from.us;
		*out = cycle_period(z, billing_day, (struct instant){ begun_us - 1 });
		return 0;
	}
	struct civil c = { 0, 0, 1 };
	char *end;
	c.year = (int)strtol(month, &end, 10);
	c.month = *end == '-' ? (int)strtol(end + 1, &end, 10) : 0;
	if (*end || !civil_valid(c))
		return err_set(e, ERR_USAGE,
			       ASKED("period") " is a month such as 2026-11, not '%s'", month);
	*out = cycle_period(z, billing_day,
			    zone_midnight(z, cycle_day(c.year, c.month, billing_day)));
	return 0;
}
