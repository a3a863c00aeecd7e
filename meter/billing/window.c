#include "meter/billing/window.h"

#include <stdio.h>

#include "meter/billing/cycle.h"

static const struct {
	const char *name, *also; /* the first is kept */
	enum window_kind kind;
	int64_t n;
} names[] = {
	{ "ever", "forever", WINDOW_EVER, 0 },	      { "1h", "hour", WINDOW_HOURS, 1 },
	{ "1h", "hourly", WINDOW_HOURS, 1 },	      { "day", "daily", WINDOW_DAYS, 1 },
	{ "week", "weekly", WINDOW_DAYS, 7 },	      { "month", "monthly", WINDOW_MONTHS, 1 },
	{ "quarter", "quarterly", WINDOW_MONTHS, 3 }, { "year", "yearly", WINDOW_MONTHS, 12 },
};

/* "30d" in hours; 0: it is none. */
static int64_t hours_of(struct text t, char *unit)
{
	int64_t n = 0;
	size_t i = 0;
	for (; i < t.n && is_digit(t.p[i]) && n < 10000; i++)
		n = n * 10 + (t.p[i] - '0');
	*unit = i && i + 1 == t.n ? t.p[i] : 0;
	return *unit == 'h' ? n : *unit == 'd' ? n * 24 : *unit == 'w' ? n * 168 : 0;
}

int window_parse(struct window *out, struct text t, struct err *e)
{
	enum { ROLLING_HOURS_MOST = 24 * 731 };
	const struct text rolling = TEXT("rolling");
	char unit;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is(t, names[i].name) || text_is(t, names[i].also)) {
			*out = (struct window){ names[i].kind, names[i].n, "" };
			snprintf(out->text, sizeof out->text, "%s", names[i].name);
			return 0;
		}
	if (t.n > rolling.n + 1 && text_eq((struct text){ t.p, rolling.n }, rolling) &&
	    (t.p[rolling.n] == ' ' || t.p[rolling.n] == '-')) {
		const struct text length = { t.p + rolling.n + 1, t.n - rolling.n - 1 };
		const int64_t hours = hours_of(length, &unit);
		if (hours > 0 && hours <= ROLLING_HOURS_MOST) {
			*out = (struct window){ WINDOW_ROLLING, hours * US_PER_HOUR, "" };
			snprintf(out->text, sizeof out->text, "rolling %.*s", (int)length.n,
				 length.p);
			return 0;
		}
	}
	const int64_t hours = hours_of(t, &unit);
	if (unit == 'h' && hours > 0 && hours < 24) {
		*out = (struct window){ WINDOW_HOURS, hours, "" };
		snprintf(out->text, sizeof out->text, "%dh", (int)hours);
		return 0;
	}
	const int n = (int)(t.n < 60 ? t.n : 60);
	if (hours > 0 && hours <= ROLLING_HOURS_MOST)
		return err_set(e, ERR_USAGE,
			       "the period '%.*s' begins nowhere; did you mean 'rolling %.*s', the "
			       "last %.*s up to now?",
			       n, t.p, n, t.p, n, t.p);
	return err_set(e, ERR_USAGE, "the period '%.*s' is not one of: " WINDOW_HINT " (h, d, w)",
		       n, t.p);
}

bool window_needs_zone(const struct window *w)
{
	return w->kind != WINDOW_EVER && w->kind != WINDOW_ROLLING;
}

/* By the clock there, where an hour may be skipped or come twice. */
static struct window_span of_hours(int64_t hours, const struct zone *z, struct instant now)
{
	const int64_t day = zone_day(z, now), local = day * US_PER_DAY, step = hours * US_PER_HOUR;
	struct window_span s = { zone_midnight(z, day), zone_midnight(z, day + 1), { 0 } };
	for (int64_t at = step; at < US_PER_DAY; at += step) {
		const struct instant border = zone_instant(z, local + at);
		if (border.us <= now.us && border.us > s.from.us)
			s.from = border;
		else if (border.us > now.us && border.us < s.to.us)
			s.to = border;
	}
	return s;
}

/* Of n months from January on. */
static struct window_span of_months(int64_t n, const struct zone *z, struct instant now)
{
	const struct civil c = civil_from_day(zone_day(z, now));
	const int first = (c.month - 1) / (int)n * (int)n, last = first + (int)n;
	const struct civil from = { c.year, first + 1, 1 },
			   to = { c.year + last / 12, last % 12 + 1, 1 };
	return (struct window_span){ zone_midnight(z, civil_to_day(from)),
				     zone_midnight(z, civil_to_day(to)),
				     { 0 } };
}

struct window_span window_span(const struct window *w, const struct zone *z, struct instant now)
{
	struct window_span s = { INSTANT_MIN, INSTANT_MAX, { 0 } };
	int64_t day;
	switch (w->kind) {
	case WINDOW_EVER:
		break;
	case WINDOW_HOURS:
		s = of_hours(w->n, z, now);
		break;
	case WINDOW_DAYS:
		day = zone_day(z, now);
		day -= w->n == 7 ? weekday_of_day(day) : 0;
		s.from = zone_midnight(z, day);
		s.to = zone_midnight(z, day + w->n);
		break;
	case WINDOW_MONTHS:
		s = of_months(w->n, z, now);
		break;
	case WINDOW_ROLLING:
		s.from.us = floor_div(now.us - w->n, WINDOW_QUARTER_US) * WINDOW_QUARTER_US;
		break;
	}
	s.apart.us = w->kind == WINDOW_ROLLING ? s.from.us - w->n : s.from.us - 1;
	return s;
}
