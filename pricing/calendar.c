#include "pricing/calendar.h"

int calendar_hours_parse(struct calendar_hours *out, struct text s, struct err *e)
{
	int v[4] = { 0 };
	bool ok = s.n == 11 && s.p[2] == ':' && s.p[5] == '-' && s.p[8] == ':';
	for (int i = 0; ok && i < 4; i++) {
		char tens = s.p[i * 3], ones = s.p[i * 3 + 1];
		ok = is_digit(tens) && is_digit(ones);
		v[i] = (tens - '0') * 10 + (ones - '0');
	}
	ok = ok && v[0] < 24 && v[1] < 60 && v[3] < 60 && (v[2] < 24 || (v[2] == 24 && v[3] == 0));
	if (!ok)
		return err_set(e, ERR_INVALID, "'%.*s' is not a window of hours; write 09:00-12:00",
			       s.n > 40 ? 40 : (int)s.n, s.p);
	out->from_min = v[0] * 60 + v[1];
	out->to_min = v[2] * 60 + v[3];
	if (out->to_min == 1440)
		out->to_min = 0;
	return 0;
}

bool calendar_hours_contain(struct calendar_hours h, int m)
{
	if (h.from_min == h.to_min)
		return true;
	if (h.from_min < h.to_min)
		return m >= h.from_min && m < h.to_min;
	return m >= h.from_min || m < h.to_min;
}

static bool is_holiday(const struct holidays *h, int64_t day)
{
	for (size_t i = 0; h && i < h->count; i++)
		if (day >= h->range[i].first && day <= h->range[i].last)
			return true;
	return false;
}

static const struct calendar_period *period_at(const struct calendar *c, struct instant t)
{
	for (size_t i = 0; i < c->period_count; i++)
		if (t.us >= c->period[i].from.us && t.us < c->period[i].to.us)
			return &c->period[i];
	return NULL;
}

bool calendar_contains(const struct calendar *c, struct instant t)
{
	const struct calendar_period *p = period_at(c, t);
	if (!p)
		return false;
	int64_t local_us = t.us + zone_offset(c->zone, t, NULL) * US_PER_SECOND;
	int64_t day = floor_div(local_us, US_PER_DAY);
	if (!(p->weekdays >> weekday_of_day(day) & 1) || is_holiday(p->except, day))
		return false;
	int minute = (int)((local_us - day * US_PER_DAY) / (60 * US_PER_SECOND));
	for (size_t i = 0; i < c->hour_count; i++)
		if (calendar_hours_contain(c->hours[i], minute))
			return true;
	return false;
}

struct instant calendar_next_edge(const struct calendar *c, struct instant t)
{
	struct instant next = INSTANT_MAX;
	for (size_t i = 0; i < c->period_count; i++) {
		if (c->period[i].from.us > t.us && c->period[i].from.us < next.us)
			next = c->period[i].from;
		if (c->period[i].to.us > t.us && c->period[i].to.us < next.us)
			next = c->period[i].to;
	}
	if (!period_at(c, t))
		return next;
	struct instant until;
	int64_t offset_us = zone_offset(c->zone, t, &until) * US_PER_SECOND;
	if (until.us < next.us)
		next = until;
	int64_t midnight = floor_div(t.us + offset_us, US_PER_DAY) * US_PER_DAY - offset_us;
	if (midnight + US_PER_DAY < next.us)
		next.us = midnight + US_PER_DAY;
	for (size_t i = 0; i < c->hour_count; i++) {
		const int edges[] = { c->hours[i].from_min, c->hours[i].to_min };
		for (int k = 0; k < 2; k++) {
			int64_t at = midnight + edges[k] * 60 * US_PER_SECOND;
			if (at > t.us && at < next.us)
				next.us = at;
		}
	}
	return next;
}

struct instant calendar_next_change(const struct calendar *c, struct instant t)
{
	bool now = calendar_contains(c, t);
	struct instant limit = { t.us + 3653 * US_PER_DAY };
	for (struct instant at = calendar_next_edge(c, t); at.us < limit.us;
	     at = calendar_next_edge(c, at))
		if (calendar_contains(c, at) != now)
			return at;
	return INSTANT_MAX;
}

bool calendar_is_guess(const struct calendar *c, struct instant t)
{
	const struct calendar_period *p = period_at(c, t);
	if (!p || !p->except)
		return false;
	int64_t day = floor_div(t.us + zone_offset(c->zone, t, NULL) * US_PER_SECOND, US_PER_DAY);
	return day < p->except->covers.first || day > p->except->covers.last;
}
