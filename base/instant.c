#include "base/instant.h"

#include <stdio.h>
#include <strings.h>

#include "base/text.h"

int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* days_from_civil and civil_from_days after Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" */
int64_t civil_to_day(struct civil c)
{
	int64_t y = c.year - (c.month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

struct civil civil_from_day(int64_t day)
{
	day += 719468;
	int64_t era = floor_div(day, 146097);
	int64_t doe = day - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c = { .day = (int)(doy - (153 * mp + 2) / 5 + 1),
			   .month = (int)(mp < 10 ? mp + 3 : mp - 9) };
	c.year = (int)(yoe + era * 400 + (c.month <= 2));
	return c;
}

int weekday_of_day(int64_t day)
{
	int64_t w = (day + 3) % 7;
	return (int)(w < 0 ? w + 7 : w);
}

int week_of_day(int64_t day, int *year)
{
	const int64_t thursday = day - weekday_of_day(day) + 3;
	*year = civil_from_day(thursday).year;
	return (int)((thursday - civil_to_day((struct civil){ *year, 1, 1 })) / 7 + 1);
}

bool civil_valid(struct civil c)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (c.year < 1 || c.year > 9999 || c.month < 1 || c.month > 12 || c.day < 1)
		return false;
	bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
	return c.day <= lengths[c.month - 1] + (c.month == 2 && leap);
}

/* Exactly n digits at *p; moves *p. */
static bool take_digits(const char **p, const char *end, int n, int *out)
{
	int v = 0;
	if (end - *p < n)
		return false;
	for (int i = 0; i < n; i++) {
		char c = (*p)[i];
		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*p += n;
	*out = v;
	return true;
}

static bool take_char(const char **p, const char *end, char c)
{
	if (*p < end && **p == c) {
		(*p)++;
		return true;
	}
	return false;
}

/* 15.06.2026, 1.6.2026: points stand between a day, a month and a year in no other order. */
static bool take_pointed_date(const char **p, const char *end, struct civil *c)
{
	const char *q = *p;
	int *const part[] = { &c->day, &c->month };
	for (int i = 0; i < 2; i++) {
		int n = 0;
		*part[i] = 0;
		for (; q < end && is_digit(*q) && n < 2; q++, n++)
			*part[i] = *part[i] * 10 + (*q - '0');
		if (n == 0 || !take_char(&q, end, '.'))
			return false;
	}
	if (!take_digits(&q, end, 4, &c->year) || (q < end && is_digit(*q)))
		return false;
	*p = q;
	return true;
}

/* "Mon, 15 Jun 2026", as mail and HTTP write a day. */
static bool take_mail_date(const char **p, const char *end, struct civil *c)
{
	static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	const char *q = *p;
	if (end - q > 5 && is_letter(*q) && q[3] == ',' && q[4] == ' ')
		q += 5;
	if (!take_digits(&q, end, 2, &c->day) && !take_digits(&q, end, 1, &c->day))
		return false;
	if (!take_char(&q, end, ' ') || end - q < 3)
		return false;
	c->month = 0;
	for (int m = 0; m < 12; m++)
		if (strncasecmp(q, months + (ptrdiff_t)m * 3, 3) == 0)
			c->month = m + 1;
	q += 3;
	if (!c->month || !take_char(&q, end, ' ') || !take_digits(&q, end, 4, &c->year))
		return false;
	*p = q;
	return true;
}

/* The year first: 2026-06-15, 2026/06/15, 20260615. */
static bool take_date(const char **p, const char *end, struct civil *c)
{
	if (take_pointed_date(p, end, c))
		return true;
	if (!take_digits(p, end, 4, &c->year))
		return false;
	const char mark = *p < end && (**p == '-' || **p == '/') ? **p : 0;
	if (mark)
		++*p;
	return take_digits(p, end, 2, &c->month) && (!mark || take_char(p, end, mark)) &&
	       take_digits(p, end, 2, &c->day);
}

static int refuse(struct err *e, struct text s, const char *why)
{
	int shown = s.n > 60 ? 60 : (int)s.n;
	return err_set(e, ERR_INVALID,
		       "'%.*s' is not an instant%s; write 2026-06-15, 2026-06-15T08:30:00Z or "
		       "2026-06-15T08:30:00+08:00",
		       shown, s.p ? s.p : "", why);
}

int civil_parse(struct civil *out, struct text s, struct err *e)
{
	const char *p = s.p, *end = s.p + s.n;
	struct civil c;
	int shown = s.n > 60 ? 60 : (int)s.n;
	if (!take_date(&p, end, &c) || p != end || !civil_valid(c))
		return err_set(e, ERR_INVALID, "'%.*s' is not a date; write 2026-06-15", shown,
			       s.p ? s.p : "");
	*out = c;
	return 0;
}

/* A time of day, with a zone behind it. */
struct clock {
	int hour, minute, second, micro, offset_min;
};

/* "10:00", "10:00:00.5", "100000"; false where it is none. */
static bool take_clock(const char **p, const char *end, struct clock *c)
{
	if (!take_digits(p, end, 2, &c->hour))
		return false;
	const bool colons = take_char(p, end, ':');
	if (!take_digits(p, end, 2, &c->minute))
		return false;
	if (colons ? !take_char(p, end, ':') : *p == end || !is_digit(**p))
		return true;
	if (!take_digits(p, end, 2, &c->second))
		return false;
	if (*p < end && (**p == '.' || **p == ',')) {
		const char *first = ++*p;
		int unit = 100000;
		for (; *p < end && is_digit(**p); ++*p, unit /= 10)
			c->micro += (**p - '0') * unit;
		return *p > first;
	}
	return true;
}

/* Words for the zone of Greenwich; true where there is one. */
static bool take_utc(const char **p, const char *end)
{
	static const struct text words[] = { { " UTC", 4 }, { " GMT", 4 }, { "UTC", 3 },
					     { "GMT", 3 },  { "Z", 1 },	   { " Z", 2 } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if ((size_t)(end - *p) == words[i].n &&
		    strncasecmp(*p, words[i].p, words[i].n) == 0) {
			*p = end;
			return true;
		}
	return false;
}

/* "Z", "+05:30", " +0530", " UTC", "+0000 UTC" or nothing; NULL, or why it is none. */
static const char *take_zone(const char **p, const char *end, struct clock *c)
{
	if (take_utc(p, end))
		return NULL;
	const char *q = *p;
	take_char(&q, end, ' ');
	if (q == end || (*q != '+' && *q != '-'))
		return NULL;
	const bool west = *q++ == '-';
	int hours, minutes = 0;
	if (!take_digits(&q, end, 2, &hours))
		return "";
	take_char(&q, end, ':');
	if (q < end && *q != ' ' && !take_digits(&q, end, 2, &minutes))
		return "";
	if (hours > 23 || minutes > 59)
		return " (there is no such offset)";
	c->offset_min = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
	*p = q;
	if (c->offset_min == 0)
		take_utc(p, end);
	return NULL;
}

int instant_parse(struct instant *out, struct text s, struct err *e)
{
	const char *p = s.p, *end = s.p + s.n, *why = "";
	struct civil c;
	struct clock at = { 0 };
	const bool mail = s.n && take_mail_date(&p, end, &c);
	if (!mail && !take_date(&p, end, &c))
		return refuse(e, s, "");
	if (!civil_valid(c))
		return refuse(e, s, " (there is no such day)");
	if (p < end) {
		if (*p != ' ' && (mail || (*p != 'T' && *p != 't')))
			return refuse(e, s, "");
		p++;
		if (!take_clock(&p, end, &at))
			return refuse(e, s, "");
		if (at.hour > 23 || at.minute > 59 || at.second > 59)
			return refuse(e, s, " (there is no such time of day)");
		why = take_zone(&p, end, &at);
		if (why)
			return refuse(e, s, why);
	}
	if (p != end)
		return refuse(e, s, "");
	int64_t seconds = civil_to_day(c) * 86400 + at.hour * 3600 + at.minute * 60 + at.second -
			  at.offset_min * 60;
	out->us = seconds * US_PER_SECOND + at.micro;
	return 0;
}

bool instant_is_sheet_day(struct text s)
{
	size_t digits = 0;
	while (digits < s.n && is_digit(s.p[digits]))
		digits++;
	return digits == 5 && (digits == s.n || s.p[digits] == '.') &&
	       memcmp(s.p, "36000", 5) >= 0 && memcmp(s.p, "60000", 5) < 0;
}

/* A spreadsheet's count of days since 1899-12-30. */
static int refuse_sheet_day(struct text s, struct err *e)
{
	char day[DAY_TEXT_MAX];
	int64_t n = 0;
	for (size_t i = 0; i < 5; i++)
		n = n * 10 + (s.p[i] - '0');
	return err_set(
		e, ERR_INVALID,
		"'%.*s' is not an instant, and may be a spreadsheet's number of a day (%s): "
		"format the column as dates, 2026-06-15 08:30:00 (seconds from the start of a "
		"trace: " ASKED("format") " csv-seconds)",
		s.n > 60 ? 60 : (int)s.n, s.p, day_format(n - 25569, day));
}

int instant_parse_lenient(struct instant *out, struct text s, struct err *e)
{
	size_t digits = 0;
	while (digits < s.n && is_digit(s.p[digits]))
		digits++;
	if (digits >= 9 && digits <= 19 && (digits == s.n || s.p[digits] == '.')) {
		int64_t unit_us = digits <= 11 ? US_PER_SECOND : digits <= 14 ? 1000 : 1;
		if (digits >= 18) {
			if (digits != s.n)
				return refuse(e, s, "");
			uint64_t nanos = 0;
			for (size_t i = 0; i < digits; i++)
				nanos = nanos * 10 + (uint64_t)(s.p[i] - '0');
			out->us = (int64_t)(nanos / 1000);
			return 0;
		}
		int64_t us;
		int rc = span_parse(&us, s, unit_us, e);
		if (rc == 0)
			out->us = us;
		return rc;
	}
	if (instant_is_sheet_day(s))
		return refuse_sheet_day(s, e);
	return instant_parse(out, s, e);
}

int span_parse(int64_t *out_us, struct text s, int64_t unit_us, struct err *e)
{
	int shown = s.n > 60 ? 60 : (int)s.n;
	size_t i = 0;
	int64_t whole = 0, fraction = 0, unit = unit_us;
	for (; i < s.n && is_digit(s.p[i]); i++) {
		if (whole > (INT64_MAX / 4 / unit_us - 9) / 10)
			return err_set(e, ERR_RANGE, "'%.*s' is too long a time", shown, s.p);
		whole = whole * 10 + (s.p[i] - '0');
	}
	bool any = i > 0;
	if (any && i < s.n && s.p[i] == '.') {
		size_t first = ++i;
		for (; i < s.n && is_digit(s.p[i]); i++) {
			unit /= 10;
			fraction += (s.p[i] - '0') * unit;
		}
		any = i > first;
	}
	if (!any || i != s.n)
		return err_set(e, ERR_INVALID, "'%.*s' is not a time since the start of the trace",
			       shown, s.p ? s.p : "");
	*out_us = whole * unit_us + fraction;
	return 0;
}

/* Exports of millions of rows name days: no printf. */
static void put_digits(char *at, int n, int digits)
{
	for (int i = digits; i-- > 0; n /= 10)
		at[i] = (char)('0' + n % 10);
}

char *day_format(int64_t day, char buf[DAY_TEXT_MAX])
{
	const struct civil c = civil_from_day(day);
	put_digits(buf, c.year, 4);
	put_digits(buf + 5, c.month, 2);
	put_digits(buf + 8, c.day, 2);
	buf[4] = buf[7] = '-';
	buf[10] = 0;
	return buf;
}

char *days_format(int64_t first, int64_t last, char buf[DAYS_TEXT_MAX])
{
	day_format(first, buf);
	if (first != last) {
		memcpy(buf + 10, " to ", 4);
		day_format(last, buf + 14);
	}
	return buf;
}

char *instant_format(struct instant t, char buf[INSTANT_TEXT_MAX])
{
	int64_t day = floor_div(t.us, US_PER_DAY);
	int64_t us = t.us - day * US_PER_DAY;
	int64_t s = us / US_PER_SECOND;
	day_format(day, buf);
	buf[10] = 'T';
	put_digits(buf + 11, (int)(s / 3600), 2);
	put_digits(buf + 14, (int)(s / 60 % 60), 2);
	put_digits(buf + 17, (int)(s % 60), 2);
	buf[13] = buf[16] = ':';
	int n = 19, micro = (int)(us % US_PER_SECOND);
	if (micro) {
		buf[n] = '.';
		put_digits(buf + n + 1, micro, 6);
		n += 7;
		while (buf[n - 1] == '0')
			n--;
	}
	buf[n] = 'Z';
	buf[n + 1] = 0;
	return buf;
}
