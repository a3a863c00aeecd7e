#include "base/when.h"

#include <string.h>

static const char help[] =
	"write a day (2026-11-01, today, yesterday, monday, 7d), a week or month (2026-11, this-week, "
	"last-month), or an instant (2026-11-01T12:00:00Z, now, 12h)";

static bool is(struct text s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static struct when days(const struct zone *z, int64_t first, int64_t end)
{
	return (struct when){ zone_midnight(z, first), zone_midnight(z, end) };
}

/* Month number `index` counted from year 0. */
static struct when month(const struct zone *z, int64_t index)
{
	int64_t next = index + 1;
	return days(z, civil_to_day((struct civil){ (int)(index / 12), (int)(index % 12) + 1, 1 }),
		    civil_to_day((struct civil){ (int)(next / 12), (int)(next % 12) + 1, 1 }));
}

static struct when year(const struct zone *z, int64_t y)
{
	return days(z, civil_to_day((struct civil){ (int)y, 1, 1 }),
		    civil_to_day((struct civil){ (int)y + 1, 1, 1 }));
}

/* today, monday, last-month, ... */
static bool take_word(struct when *out, struct text s, struct instant now, const struct zone *z)
{
	static const char *const weekdays[] = { "monday", "tuesday",  "wednesday", "thursday",
						"friday", "saturday", "sunday" };
	const int64_t today = zone_day(z, now);
	const int weekday = weekday_of_day(today);
	const struct civil c = civil_from_day(today);
	const int64_t this_month = (int64_t)c.year * 12 + c.month - 1;
	const int64_t monday = today - weekday;
	if (is(s, "now"))
		*out = (struct when){ now, now };
	else if (is(s, "today"))
		*out = days(z, today, today + 1);
	else if (is(s, "yesterday"))
		*out = days(z, today - 1, today);
	else if (is(s, "tomorrow"))
		*out = days(z, today + 1, today + 2);
	else if (is(s, "this-week"))
		*out = days(z, monday, monday + 7);
	else if (is(s, "last-week"))
		*out = days(z, monday - 7, monday);
	else if (is(s, "this-month"))
		*out = month(z, this_month);
	else if (is(s, "last-month"))
		*out = month(z, this_month - 1);
	else if (is(s, "this-year"))
		*out = year(z, c.year);
	else if (is(s, "last-year"))
		*out = year(z, c.year - 1);
	else {
		for (int i = 0; i < 7; i++)
			if (is(s, weekdays[i])) {
				int64_t day = today - (weekday - i + 7) % 7;
				*out = days(z, day, day + 1);
				return true;
			}
		return false;
	}
	return true;
}

/* The leading digits of s, at most five; -1 when there are none. */
static int64_t take_number(struct text s, size_t *used)
{
	int64_t n = 0;
	size_t i = 0;
	for (; i < s.n && i < 5 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		n = n * 10 + (s.p[i] - '0');
	*used = i;
	return i ? n : -1;
}

/* 7d, 2w, 12h; *span: days that it reaches back, 0 for hours */
static bool take_ago(struct when *out, int64_t *span, struct text s, struct instant now,
		     const struct zone *z)
{
	size_t used;
	int64_t n = take_number(s, &used);
	if (n < 0 || used + 1 != s.n || n > 36500)
		return false;
	const int64_t today = zone_day(z, now);
	*span = 0;
	switch (s.p[used]) {
	case 'h':
		out->from = out->to = (struct instant){ now.us - n * US_PER_HOUR };
		return true;
	case 'w':
		n *= 7;
		/* fall through */
	case 'd':
		if (n > 36500)
			return false;
		*span = n;
		*out = days(z, today - n, today - n + 1);
		return true;
	default:
		return false;
	}
}

/* YYYY or YYYY-MM */
static bool take_calendar(struct when *out, struct text s, const struct zone *z)
{
	size_t used;
	int64_t y = take_number(s, &used);
	if (used != 4 || y < 1 || y > 9998)
		return false;
	if (s.n == 4) {
		*out = year(z, y);
		return true;
	}
	if (s.n != 7 || s.p[4] != '-')
		return false;
	int64_t m = take_number((struct text){ s.p + 5, 2 }, &used);
	if (used != 2 || m < 1 || m > 12)
		return false;
	*out = month(z, y * 12 + m - 1);
	return true;
}

/* An instant without an offset is civil time in z: instant_parse took it as UTC. */
static bool has_offset(struct text s)
{
	const char *clock = memchr(s.p, ':', s.n);
	size_t from = clock ? (size_t)(clock - s.p) : s.n;
	for (size_t i = from; i < s.n; i++)
		if (s.p[i] == 'Z' || s.p[i] == 'z' || s.p[i] == '+' || s.p[i] == '-')
			return true;
	return false;
}

static struct instant civil_instant(struct instant utc, const struct zone *z)
{
	struct instant t = { utc.us - zone_offset(z, utc, NULL) * US_PER_SECOND };
	t.us = utc.us - zone_offset(z, t, NULL) * US_PER_SECOND;
	return t;
}

int when_parse(struct when *out, struct text s, struct instant now, const struct zone *z,
	       struct err *e)
{
	struct civil c;
	struct instant t;
	struct err inner;
	int64_t span;
	if (take_word(out, s, now, z) || take_calendar(out, s, z) ||
	    take_ago(out, &span, s, now, z))
		return 0;
	if (civil_parse(&c, s, NULL) == 0) {
		*out = days(z, civil_to_day(c), civil_to_day(c) + 1);
		return 0;
	}
	if (instant_parse(&t, s, &inner) != 0) {
		bool number = s.n && s.p[0] >= '0' && s.p[0] <= '9';
		return number ? err_set(e, ERR_INVALID, "%s", inner.message)
			      : err_set(e, ERR_INVALID, "'%.*s' is not a known time; %s",
					(int)(s.n > 40 ? 40 : s.n), s.p, help);
	}
	if (!has_offset(s))
		t = civil_instant(t, z);
	*out = (struct when){ t, t };
	return 0;
}

int when_parse_period(struct when *out, struct text s, struct instant now, const struct zone *z,
		      struct err *e)
{
	int64_t span;
	if (take_ago(out, &span, s, now, z) && span > 0) {
		*out = (struct when){ zone_midnight(z, zone_day(z, now) - span + 1), INSTANT_MAX };
		return 0;
	}
	int rc = when_parse(out, s, now, z, e);
	if (rc == 0 && out->from.us == out->to.us)
		rc = err_set(e, ERR_INVALID, "'%.*s' is an instant, not a period; %s",
			     (int)(s.n > 40 ? 40 : s.n), s.p, help);
	return rc;
}
