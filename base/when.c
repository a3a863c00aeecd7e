#include "base/when.h"

#include <limits.h>
#include <string.h>
#include <time.h>

static const char help[] =
	"write a day (2026-11-01, today, yesterday, monday, 7d, in 30d), a week, month or quarter (this-week, "
	"2026-11, last-month, 2026-q3), or an instant (2026-11-01T12:00:00Z, now, 12h, 30min)";

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

static struct when quarter(const struct zone *z, int64_t index)
{
	const struct when first = month(z, index * 3), last = month(z, index * 3 + 2);
	return (struct when){ first.from, last.to };
}

/* The place of the word among names (NULL ends them), also by its first three letters; -1. */
static int place_of(const char *word, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(word, names[i]) == 0 ||
		    (strlen(word) == 3 && strncmp(word, names[i], 3) == 0))
			return i;
	return -1;
}

/* monday, mon, last-monday */
static bool take_weekday(struct when *out, const char *word, int64_t today, const struct zone *z)
{
	static const char *const names[] = { "monday", "tuesday",  "wednesday", "thursday",
					     "friday", "saturday", "sunday",	NULL };
	const bool last = strncmp(word, "last", 4) == 0;
	const int i = place_of(word + (last ? 4 : 0), names);
	if (i < 0)
		return false;
	int64_t back = (weekday_of_day(today) - i + 7) % 7;
	back += last && back == 0 ? 7 : 0;
	*out = days(z, today - back, today - back + 1);
	return true;
}

/* january, jan: the last one that has begun; january2026 */
static bool take_month_name(struct when *out, const char *word, int64_t this_month,
			    const struct zone *z)
{
	static const char *const names[] = { "january",	  "february", "march",	  "april",
					     "may",	  "june",     "july",	  "august",
					     "september", "october",  "november", "december",
					     NULL };
	char name[16];
	const size_t letters = strcspn(word, "0123456789");
	const char *digits = word + letters;
	if (letters >= sizeof name || (*digits && strlen(digits) != 4))
		return false;
	memcpy(name, word, letters);
	name[letters] = 0;
	const int i = place_of(name, names);
	if (i < 0 || strspn(digits, "0123456789") != strlen(digits))
		return false;
	int64_t y = this_month / 12 - (i > this_month % 12);
	if (*digits)
		y = (digits[0] - '0') * 1000 + (digits[1] - '0') * 100 + (digits[2] - '0') * 10 +
		    (digits[3] - '0');
	*out = month(z, y * 12 + i);
	return y > 0;
}

/* 30august2026, aug30,2026, and the last 30aug that has begun; aug30 might be of 2030 */
static bool take_named_day(struct when *out, const char *word, int64_t today, const struct zone *z)
{
	static const char *const forms[] = { "%d%b%Y", "%b%d,%Y", "%b%d%Y", "%d%b" };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm t = { .tm_year = INT_MIN };
		const char *end = strptime(word, forms[i], &t);
		if (!end || *end)
			continue;
		const bool has_year = t.tm_year != INT_MIN;
		struct civil c = { has_year ? t.tm_year + 1900 : civil_from_day(today).year,
				   t.tm_mon + 1, t.tm_mday };
		if (!has_year && civil_to_day(c) > today)
			c.year--;
		const int64_t day = civil_to_day(c);
		*out = days(z, day, day + 1);
		return c.year > 0 && c.year < 9999 && civil_from_day(day).month == c.month;
	}
	return false;
}

/* today, monday, lastmonth, ...: small letters without what divides words */
static bool take_word(struct when *out, const char *word, struct instant now, const struct zone *z)
{
	const int64_t today = zone_day(z, now), monday = today - weekday_of_day(today);
	const struct civil c = civil_from_day(today);
	const int64_t this_month = (int64_t)c.year * 12 + c.month - 1;
	const struct {
		const char *word;
		struct when when;
	} words[] = {
		{ "now", { now, now } },
		{ "today", days(z, today, today + 1) },
		{ "yesterday", days(z, today - 1, today) },
		{ "tomorrow", days(z, today + 1, today + 2) },
		{ "thisweek", days(z, monday, monday + 7) },
		{ "week", days(z, monday, monday + 7) },
		{ "lastweek", days(z, monday - 7, monday) },
		{ "nextweek", days(z, monday + 7, monday + 14) },
		{ "thismonth", month(z, this_month) },
		{ "month", month(z, this_month) },
		{ "lastmonth", month(z, this_month - 1) },
		{ "nextmonth", month(z, this_month + 1) },
		{ "thisquarter", quarter(z, this_month / 3) },
		{ "quarter", quarter(z, this_month / 3) },
		{ "lastquarter", quarter(z, this_month / 3 - 1) },
		{ "nextquarter", quarter(z, this_month / 3 + 1) },
		{ "thisyear", year(z, c.year) },
		{ "year", year(z, c.year) },
		{ "lastyear", year(z, c.year - 1) },
		{ "wtd", { zone_midnight(z, monday), now } },
		{ "mtd", { month(z, this_month).from, now } },
		{ "ytd", { year(z, c.year).from, now } },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, word) == 0) {
			*out = words[i].when;
			return true;
		}
	return take_weekday(out, word, today, z) || take_month_name(out, word, this_month, z) ||
	       take_named_day(out, word, today, z);
}

/* The leading digits of s, at most five; -1 when there are none. */
static int64_t take_number(const char *s, size_t *used)
{
	int64_t n = 0;
	size_t i = 0;
	for (; i < 5 && is_digit(s[i]); i++)
		n = n * 10 + (s[i] - '0');
	*used = i;
	return i ? n : -1;
}

/* The same day n months before, or the last one of a shorter month. */
static int64_t months_before(int64_t today, int64_t n)
{
	const struct civil c = civil_from_day(today);
	const int64_t index = (int64_t)c.year * 12 + c.month - 1 - n, next = index + 1;
	const int64_t first = civil_to_day(
			      (struct civil){ (int)(index / 12), (int)(index % 12) + 1, 1 }),
		      end = civil_to_day(
			      (struct civil){ (int)(next / 12), (int)(next % 12) + 1, 1 });
	return first + c.day - 1 < end ? first + c.day - 1 : end - 1;
}

/* 7d, 7days, 7daysago, last7days, 2w, 3mo, 1y, 12h, 30min, and what is to come: +7d, in7days;
 * *first: the day that a period of that length begins with, INT64_MIN for hours, minutes and what
 * is to come */
static bool take_ago(struct when *out, int64_t *first, const char *s, struct instant now,
		     const struct zone *z)
{
	static const char *const units[][5] = {
		{ "d", "day", "days", NULL },	      { "w", "wk", "week", "weeks", NULL },
		{ "mo", "month", "months", NULL },    { "y", "yr", "year", "years", NULL },
		{ "h", "hr", "hour", "hours", NULL }, { "min", "mins", "minute", "minutes", NULL },
	};
	enum { DAY, WEEK, MONTH, YEAR, HOUR, MINUTE, UNITS };
	const int lead = strncmp(s, "last", 4) == 0 ? 4 : strncmp(s, "in", 2) == 0 ? 2 : *s == '+';
	const bool ahead = lead == 1 || lead == 2;
	size_t used;
	const int64_t length = take_number(s += lead, &used), today = zone_day(z, now),
		      n = ahead ? -length : length;
	char word[16];
	size_t letters = strlen(s + used);
	int unit = 0;
	if (letters > 3 && !ahead && strcmp(s + used + letters - 3, "ago") == 0)
		letters -= 3;
	if (length < 0 || length > 36500 || letters >= sizeof word)
		return false;
	memcpy(word, s + used, letters);
	word[letters] = 0;
	for (; unit < UNITS; unit++) {
		int k = 0;
		while (k < 5 && units[unit][k] && strcmp(units[unit][k], word) != 0)
			k++;
		if (k < 5 && units[unit][k])
			break;
	}
	if (unit == UNITS || (unit == WEEK && length > 5200) || (unit == MONTH && length > 1200) ||
	    (unit == YEAR && length > 100))
		return false;
	*first = INT64_MIN;
	if (unit == HOUR || unit == MINUTE) {
		out->from = out->to =
			(struct instant){ now.us -
					  n * (unit == HOUR ? US_PER_HOUR : 60 * US_PER_SECOND) };
		return true;
	}
	const int64_t day = unit == DAY	   ? today - n
			    : unit == WEEK ? today - 7 * n
					   : months_before(today, unit == YEAR ? 12 * n : n);
	*out = days(z, day, day + 1);
	*first = n > 0 ? day + 1 : INT64_MIN;
	return true;
}

/* 2026, 2026-08, 2026-q3, 2026-w35; q3 alone is the last one that has begun */
static bool take_calendar(struct when *out, const char *s, struct instant now, const struct zone *z)
{
	size_t used, more;
	int64_t y = take_number(s, &used);
	const struct civil c = civil_from_day(zone_day(z, now));
	if (*s == 'q' && s[1] >= '1' && s[1] <= '4' && !s[2]) {
		const int q = s[1] - '1';
		*out = quarter(z, ((int64_t)c.year - (q > (c.month - 1) / 3)) * 4 + q);
		return true;
	}
	if (used != 4 || y < 1 || y > 9998)
		return false;
	const char *rest = s + 4 + (s[4] == '-');
	if (!s[4]) {
		*out = year(z, y);
		return true;
	}
	const int64_t n = take_number(rest + (*rest == 'q' || *rest == 'w'), &more);
	if (rest[(*rest == 'q' || *rest == 'w') + more])
		return false;
	if (*rest == 'q' && n >= 1 && n <= 4) {
		*out = quarter(z, y * 4 + n - 1);
		return true;
	}
	if (*rest == 'w' && n >= 1 && n <= 53) {
		/* ISO 8601: week 1 has the year's 4th of January */
		const int64_t fourth = civil_to_day((struct civil){ (int)y, 1, 4 }),
			      first = fourth - weekday_of_day(fourth) + 7 * (n - 1);
		*out = days(z, first, first + 7);
		return civil_from_day(first + 3).year == (int)y;
	}
	if (s[4] != '-' || more != 2 || *rest == 'q' || *rest == 'w' || n < 1 || n > 12)
		return false;
	*out = month(z, y * 12 + n - 1);
	return true;
}

/* Small letters; words without what divides them ("Last 7 days" as "last7days"), numbers with
 * strokes as they are, slashes of 2026/08/30 as strokes. Cut at the room. */
static void simplify(char room[40], struct text s)
{
	size_t n = 0;
	const bool date = s.n >= 5 && is_digit(s.p[0]) && is_digit(s.p[1]) && is_digit(s.p[2]) &&
			  is_digit(s.p[3]);
	for (size_t i = 0; i < s.n && n < 39; i++) {
		const char c = s.p[i];
		if (c >= 'A' && c <= 'Z')
			room[n++] = (char)(c + 32);
		else if (date && (c == '/' || c == '-'))
			room[n++] = '-';
		else if (c != ' ' && c != '-' && c != '_')
			room[n++] = c;
	}
	room[n] = 0;
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
	int64_t first;
	char simple[40];
	simplify(simple, s);
	if (take_word(out, simple, now, z) || take_calendar(out, simple, now, z) ||
	    take_ago(out, &first, simple, now, z))
		return 0;
	if (civil_parse(&c, s, NULL) == 0 || civil_parse(&c, text_of(simple), NULL) == 0) {
		*out = days(z, civil_to_day(c), civil_to_day(c) + 1);
		return 0;
	}
	if (instant_parse(&t, s, &inner) != 0) {
		const bool like_one = s.n > 4 && (s.p[4] == '-' || memchr(s.p, ':', s.n));
		return like_one ? err_set(e, ERR_INVALID, "%s", inner.message)
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
	int64_t first;
	char simple[40];
	simplify(simple, s);
	if (take_ago(out, &first, simple, now, z) && first != INT64_MIN) {
		*out = (struct when){ zone_midnight(z, first), INSTANT_MAX };
		return 0;
	}
	int rc = when_parse(out, s, now, z, e);
	if (rc == 0 && out->from.us == out->to.us)
		rc = err_set(e, ERR_INVALID, "'%.*s' is an instant, not a period; %s",
			     (int)(s.n > 40 ? 40 : s.n), s.p, help);
	return rc;
}
