#include "meter/formats/quota.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

#define HOUR_US US_PER_HOUR

void quota_add(struct quota_list *l, const struct quota *q)
{
	for (size_t i = 0; i < l->count; i++) {
		struct quota *w = &l->window[i];
		if (strcmp(w->provider, q->provider) != 0 || strcmp(w->limit, q->limit) != 0 ||
		    w->length_us != q->length_us)
			continue;
		if (q->observed_us >= w->observed_us)
			*w = *q;
		return;
	}
	if (l->count < QUOTA_WINDOWS_MAX)
		l->window[l->count++] = *q;
}

/* A percentage as millionths of the whole; false when it is none. */
static bool take_percent(json_value *v, int64_t *out)
{
	struct decimal d;
	bool cut;
	if (decimal_parse(&d, json_number_or_string(v), NULL) != 0)
		return false;
	return decimal_to_int64(decimal_round_places(d, 4, &cut), 4, out) && *out >= 0;
}

static bool take_count(json_value *v, int64_t *out)
{
	struct decimal d;
	return decimal_parse(&d, json_number_or_string(v), NULL) == 0 &&
	       decimal_to_int64(d, 0, out) && *out >= 0;
}

/* Unix seconds or milliseconds, or RFC 3339. */
static int64_t take_instant(json_value *v)
{
	struct instant t;
	struct err none;
	struct text s = json_number_or_string(v);
	return s.n && instant_parse_lenient(&t, s, &none) == 0 ? t.us : TIME_UNKNOWN;
}

static void take_text(char *out, size_t room, json_value *v)
{
	struct text s = json_string(v);
	snprintf(out, room, "%.*s", (int)(s.n < room ? s.n : room - 1), s.p);
}

void quota_of_status_line(struct quota_list *l, json_value *root, struct instant now)
{
	for (json_value *v = json_first(json_member(root, "rate_limits")); v; v = json_next(v)) {
		struct quota q = { .provider = "anthropic", .observed_us = now.us };
		const char *name = json_key(v);
		if (json_kind(v) != JSON_OBJECT ||
		    !take_percent(json_member(v, "used_percentage"), &q.used))
			continue;
		if (strncmp(name, "five_hour", 9) == 0)
			q.length_us = 5 * HOUR_US;
		else if (strncmp(name, "seven_day", 9) == 0)
			q.length_us = 7 * US_PER_DAY;
		/* the general windows have no name beyond their length */
		if (strcmp(name, "five_hour") != 0 && strcmp(name, "seven_day") != 0)
			snprintf(q.limit, sizeof q.limit, "%s", name);
		q.resets_us = take_instant(json_member(v, "resets_at"));
		quota_add(l, &q);
	}
}

void quota_of_codex_line(struct quota_list *l, struct text line)
{
	static const char *const slots[] = { "primary", "secondary" };
	struct json_document *d;
	struct err none;
	if (!text_holds(line, "\"rate_limits\"") || json_open(&d, line, &none) != 0)
		return;
	json_value *limits = json_member(json_member(json_root(d), "payload"), "rate_limits");
	const int64_t at = take_instant(json_member(json_root(d), "timestamp"));
	for (int i = 0; i < 2 && at != TIME_UNKNOWN; i++) {
		json_value *v = json_member(limits, slots[i]);
		struct quota q = { .provider = "openai", .observed_us = at };
		int64_t minutes, seconds;
		if (json_kind(v) != JSON_OBJECT ||
		    !take_percent(json_member(v, "used_percent"), &q.used))
			continue;
		take_text(q.limit, sizeof q.limit, json_member(limits, "limit_id"));
		if (strcmp(q.limit, "codex") == 0)
			q.limit[0] = 0;
		if (take_count(json_member(v, "window_minutes"), &minutes) && minutes < 1000000)
			q.length_us = minutes * 60 * US_PER_SECOND;
		q.resets_us = take_instant(json_member(v, "resets_at"));
		/* older ones: seconds from the line's own instant */
		if (q.resets_us == TIME_UNKNOWN &&
		    take_count(json_member(v, "resets_in_seconds"), &seconds) &&
		    seconds < 100000000)
			q.resets_us = at + seconds * US_PER_SECOND;
		quota_add(l, &q);
	}
	json_close(d);
}

bool quota_is_over(const struct quota *q, struct instant now)
{
	return q->resets_us != TIME_UNKNOWN && q->resets_us <= now.us;
}

struct quota_pace quota_pace(const struct quota *q, struct instant now)
{
	struct quota_pace p = { 0 };
	if (!q->length_us || q->resets_us == TIME_UNKNOWN)
		return p;
	const int64_t left = q->resets_us - now.us, passed = q->length_us - left;
	if (left <= 0 || passed < 0 || (passed == 0 && q->used > 0))
		return p;
	p.known = true;
	p.expected = (int64_t)((int128)passed * QUOTA_WHOLE / q->length_us);
	p.lasts = q->used == 0;
	if (q->used > 0 && q->used < QUOTA_WHOLE) {
		int128 rest = (int128)(QUOTA_WHOLE - q->used) * passed / q->used;
		p.lasts = rest >= left;
		p.used_up_us = p.lasts ? left : (int64_t)rest;
	}
	return p;
}

void quota_put(struct buf *b, const struct quota *q)
{
	char text[INSTANT_TEXT_MAX];
	buf_puts(b, "{\"provider\":");
	json_put_string(b, text_of(q->provider));
	buf_puts(b, ",\"limit\":");
	json_put_string(b, text_of(q->limit));
	buf_printf(b, ",\"minutes\":%lld,\"used\":%lld",
		   (long long)(q->length_us / US_PER_SECOND / 60), (long long)q->used);
	if (q->resets_us != TIME_UNKNOWN)
		buf_printf(b, ",\"resets\":\"%s\"",
			   instant_format((struct instant){ q->resets_us }, text));
	buf_printf(b, ",\"observed\":\"%s\"}\n",
		   instant_format((struct instant){ q->observed_us }, text));
}

bool quota_read(struct quota *q, struct text line)
{
	struct json_document *d;
	struct err none;
	int64_t minutes = 0;
	*q = (struct quota){ 0 };
	if (json_open(&d, line, &none) != 0)
		return false;
	json_value *root = json_root(d);
	take_text(q->provider, sizeof q->provider, json_member(root, "provider"));
	take_text(q->limit, sizeof q->limit, json_member(root, "limit"));
	bool whole = take_count(json_member(root, "minutes"), &minutes) &&
		     take_count(json_member(root, "used"), &q->used) && minutes < 1000000;
	q->length_us = minutes * 60 * US_PER_SECOND;
	q->resets_us = take_instant(json_member(root, "resets"));
	q->observed_us = take_instant(json_member(root, "observed"));
	json_close(d);
	return whole && q->observed_us != TIME_UNKNOWN;
}
