#include "meter/billing/dated.h"

#include <stdio.h>

#include "base/instant.h"

static const int64_t open_before = INT64_MIN / 2, open_after = INT64_MAX / 2;

const struct dated dated_always = { .from = { .day = INT64_MIN / 2 },
				    .to = { .day = INT64_MAX / 2 } };

int day_member(json_value *v, const char *key, int64_t missing, int64_t *out, struct err *e)
{
	json_value *m = json_member(v, key);
	struct text t = json_string(m);
	struct instant at;
	char text[INSTANT_TEXT_MAX];
	*out = missing;
	if (!m)
		return 0;
	if (t.n != 10)
		return err_set(e, ERR_INVALID, "'%s' must be a day such as 2026-11-01", key);
	snprintf(text, sizeof text, "%.10sT00:00:00Z", t.p);
	if (instant_parse(&at, text_of(text), NULL) != 0)
		return err_set(e, ERR_INVALID, "'%s' must be a day such as 2026-11-01", key);
	*out = floor_div(at.us, US_PER_DAY);
	return 0;
}

static int moment_member(json_value *v, const char *key, int64_t missing, enum proration by,
			 struct moment *out, struct err *e)
{
	struct text t = json_string(json_member(v, key));
	*out = (struct moment){ .day = missing };
	if (t.n <= 10)
		return day_member(v, key, missing, &out->day, e);
	if (by != PRORATE_SECOND)
		return err_set(e, ERR_INVALID,
			       "'%s' is an instant, which needs \"proration\": \"second\"", key);
	if (instant_parse(&out->at, t, NULL) != 0)
		return err_set(e, ERR_INVALID, "'%s' must be a day or an instant", key);
	out->exact = true;
	return 0;
}

/* In units of a place in time that order both kinds: near enough to tell which is later. */
static int64_t order_of(struct moment m)
{
	return m.exact					     ? m.at.us / US_PER_SECOND
	       : m.day == open_before || m.day == open_after ? m.day
							     : m.day * (US_PER_DAY / US_PER_SECOND);
}

static int read_pauses(struct dated *d, json_value *list, enum proration by, struct err *e)
{
	static const char *const keys[] = { "from", "to", NULL };
	int64_t last = open_before;
	if (list && json_kind(list) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "'pauses' is a list");
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		struct moment from, to;
		if (d->pauses == DATED_PAUSES_MAX)
			return err_set(e, ERR_INVALID, "'pauses' has more than %d entries",
				       DATED_PAUSES_MAX);
		const size_t before = err_noted(e);
		int rc = json_check_keys(v, keys, "a pause", e);
		if (rc == 0)
			rc = err_next(e, moment_member(v, "from", open_before, by, &from, e));
		if (rc == 0)
			rc = err_next(e, moment_member(v, "to", open_after, by, &to, e));
		if (rc == 0 && err_noted(e) == before &&
		    (!json_member(v, "from") || order_of(from) < last ||
		     order_of(to) < order_of(from)))
			rc = err_next(e, err_set(e, ERR_INVALID,
						 "pauses ascend, none ends before it begins"));
		rc = err_next(e, err_within(e, before, rc, "pauses[%zu]", d->pauses));
		if (rc != 0)
			return rc;
		d->pause[d->pauses].from = from;
		d->pause[d->pauses++].to = to;
		last = order_of(to);
	}
	return 0;
}

int dated_read(struct dated *out, json_value *v, enum proration by, struct err *e)
{
	*out = dated_always;
	int rc = err_next(e, moment_member(v, "from", open_before, by, &out->from, e));
	if (rc == 0)
		rc = err_next(e, moment_member(v, "to", open_after, by, &out->to, e));
	if (rc == 0 && order_of(out->to) < order_of(out->from))
		rc = err_next(e, err_set(e, ERR_INVALID, "'to' cannot be before 'from'"));
	return rc == 0 ? read_pauses(out, json_member(v, "pauses"), by, e) : rc;
}

/* The moment as a day or a second; whole seconds, so that what ends where another begins leaves
 * nothing between them. */
static int64_t place_of(struct moment m, const struct zone *z, enum proration by)
{
	if (!m.exact && (m.day == open_before || m.day == open_after))
		return m.day;
	if (by != PRORATE_SECOND)
		return m.day;
	return floor_div(m.exact ? m.at.us : zone_midnight(z, m.day).us, US_PER_SECOND);
}

static int64_t place_at(struct instant at, const struct zone *z, enum proration by)
{
	return by == PRORATE_SECOND ? floor_div(at.us, US_PER_SECOND) : zone_day(z, at);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct dated_part dated_part(const struct dated *d, const struct dated *within,
			     const struct zone *z, struct instant from, struct instant to,
			     enum proration by)
{
	const int64_t start = place_at(from, z, by), stop = place_at(to, z, by);
	int64_t first = later(start, place_of(d->from, z, by)),
		end = earlier(stop, place_of(d->to, z, by));
	first = later(first, place_of(within->from, z, by));
	end = earlier(end, place_of(within->to, z, by));
	struct dated_part p = { end > first ? end - first : 0, stop - start };
	for (size_t k = 0; k < d->pauses; k++) {
		const int64_t begin = later(first, place_of(d->pause[k].from, z, by)),
			      over = earlier(end, place_of(d->pause[k].to, z, by));
		p.counted -= over > begin ? over - begin : 0;
	}
	return p;
}

bool dated_begins_before(const struct dated *d, const struct zone *z, struct instant at)
{
	return place_of(d->from, z, PRORATE_SECOND) < place_at(at, z, PRORATE_SECOND);
}
