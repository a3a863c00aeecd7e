#include "meter/ledger/recurrence.h"

int recurrence_parse(struct recurrence *out, struct text every, struct instant anchor,
		     struct err *e)
{
	static const struct {
		const char *unit;
		int64_t us;
		int days, months;
	} units[] = {
		{ "s", US_PER_SECOND, 0, 0 },
		{ "m", 60 * US_PER_SECOND, 0, 0 },
		{ "h", US_PER_HOUR, 0, 0 },
		{ "d", 0, 1, 0 },
		{ "day", 0, 1, 0 },
		{ "days", 0, 1, 0 },
		{ "daily", 0, 1, 0 },
		{ "w", 0, 7, 0 },
		{ "week", 0, 7, 0 },
		{ "weeks", 0, 7, 0 },
		{ "weekly", 0, 7, 0 },
		{ "month", 0, 0, 1 },
		{ "mo", 0, 0, 1 },
		{ "months", 0, 0, 1 },
		{ "monthly", 0, 0, 1 },
		{ "quarterly", 0, 0, 3 },
		{ "y", 0, 0, 12 },
		{ "year", 0, 0, 12 },
		{ "years", 0, 0, 12 },
		{ "yearly", 0, 0, 12 },
	};
	int64_t n = 0;
	size_t i = 0;
	for (; i < every.n && is_digit(every.p[i]) && n < 100000; i++)
		n = n * 10 + (every.p[i] - '0');
	n = i ? n : 1; /* "month" is every month */
	i += i && i < every.n && every.p[i] == ' ';
	struct text unit = { every.p + i, every.n - i };
	for (size_t k = 0; n > 0 && n < 100000 && k < sizeof units / sizeof *units; k++)
		if (text_is(unit, units[k].unit)) {
			*out = (struct recurrence){ .every_us = n * units[k].us,
						    .days = n * units[k].days,
						    .months = n * units[k].months,
						    .anchor = anchor };
			return 0;
		}
	return err_set(e, ERR_USAGE,
		       "'%.*s' is not an interval: write a number with s, m, h, d, w, month or y",
		       (int)every.n, every.p);
}

static int64_t offset_us(const struct recurrence *r, struct instant t)
{
	return r->zone ? zone_offset(r->zone, t, NULL) * US_PER_SECOND : 0;
}

/* The n-th one: the time of day of the anchor, days or calendar months later. */
static struct instant nth(const struct recurrence *r, int64_t n)
{
	const int64_t local = r->anchor.us + offset_us(r, r->anchor),
		      day = floor_div(local, US_PER_DAY), time_us = local - day * US_PER_DAY;
	int64_t then = day + n * r->days;
	if (r->months) {
		struct civil c = civil_from_day(day);
		int64_t month = (int64_t)c.year * 12 + c.month - 1 + n * r->months;
		c.year = (int)floor_div(month, 12);
		c.month = (int)(month - (int64_t)c.year * 12) + 1;
		while (!civil_valid(c) && c.day > 28)
			c.day--;
		then = civil_to_day(c);
	}
	then = then * US_PER_DAY + time_us;
	return r->zone ? zone_instant(r->zone, then) : (struct instant){ then };
}

struct instant recurrence_from(const struct recurrence *r, struct instant t)
{
	if (r->every_us) {
		int64_t k = floor_div(t.us - r->anchor.us + r->every_us - 1, r->every_us);
		return (struct instant){ r->anchor.us + k * r->every_us };
	}
	/* days and months are not all as long as each other: begin a little before and walk */
	int64_t k = floor_div(t.us - r->anchor.us, US_PER_DAY * (r->days + 31 * r->months)) - 2;
	struct instant at = nth(r, k);
	while (at.us < t.us)
		at = nth(r, ++k);
	return at;
}
