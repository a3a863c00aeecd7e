#include "base/loose.h"

#include <stdio.h>

static struct text trimmed(struct text s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* Drops signs of currencies and blanks between digits; false when it does not fit. */
static bool strip(char out[64], struct text s, bool *negative)
{
	static const char *const signs[] = { "$",	    "\xe2\x82\xac", "\xc2\xa3", "\xc2\xa5",
					     "\xc2\xa0",    "\xe2\x80\xaf", " ",	"'",
					     "\xef\xbf\xa5" };
	size_t n = 0;
	*negative = s.n > 2 && *s.p == '(' && s.p[s.n - 1] == ')';
	if (*negative)
		s = (struct text){ s.p + 1, s.n - 2 };
	for (size_t i = 0; i < s.n;) {
		size_t skip = 0;
		for (size_t k = 0; !skip && k < sizeof signs / sizeof *signs; k++)
			if (s.n - i >= strlen(signs[k]) &&
			    memcmp(s.p + i, signs[k], strlen(signs[k])) == 0)
				skip = strlen(signs[k]);
		if (!skip) {
			if (n == 60)
				return false;
			out[n++] = s.p[i];
		}
		i += skip ? skip : 1;
	}
	out[n] = 0;
	if (n && (*out == '+' || *out == '-')) {
		*negative ^= *out == '-';
		memmove(out, out + 1, n);
	}
	return *out != 0;
}

/* Whether the sign c parts the digits before an exponent into groups of three. */
static bool in_thousands(const char *s, char c)
{
	const char *at = strchr(s, c);
	if (!at || at == s || at - s > 3 || *s == '0')
		return false;
	for (; *at == c; at += 4)
		for (int i = 1; i <= 3; i++)
			if (at[i] < '0' || at[i] > '9')
				return false;
	return *at == 0 || *at == '.' || *at == ',';
}

static void drop(char *s, char c)
{
	char *to = s;
	for (; *s; s++)
		if (*s != c)
			*to++ = *s;
	*to = 0;
}

int loose_number(struct decimal *out, int *places, struct text s, bool comma_decimals,
		 struct err *e)
{
	char t[64], whole[72];
	bool negative;
	s = trimmed(s);
	if (!strip(t, s, &negative))
		return err_set(e, ERR_INVALID, "'%.*s' is not a number", (int)(s.n < 60 ? s.n : 60),
			       s.n ? s.p : "");
	const char *comma = strrchr(t, ','), *point = strrchr(t, '.');
	char decimal = comma && (!point || comma > point) ? ',' : '.';
	char other = decimal == ',' ? '.' : ',';
	const char *first = strchr(t, decimal);
	bool several = first && strchr(first + 1, decimal);
	if (first && !strchr(t, other) && in_thousands(t, decimal)) {
		if (comma_decimals && !several)
			return err_set(e, ERR_INVALID,
				       "'%s' may be thousands or a fraction; write the decimals",
				       t);
		if (several || decimal == ',') {
			drop(t, decimal);
			decimal = '.';
			several = false;
		}
	} else if (strchr(t, other) && (!in_thousands(t, other) || several)) {
		return err_set(e, ERR_INVALID, "'%s' is not a number", t);
	} else {
		drop(t, other);
	}
	for (char *p = t; *p; p++)
		*p = *p == decimal ? '.' : *p;
	snprintf(whole, sizeof whole, "%s%s%s", negative ? "-" : "", *t == '.' ? "0" : "", t);
	const char *dot = strchr(whole, '.');
	*places = dot ? (int)strspn(dot + 1, "0123456789") : 0;
	return decimal_parse(out, text_of(whole), e);
}

static bool three_numbers(struct text s, const char *marks, int out[3], char *mark)
{
	int part = 0, digits = 0;
	out[0] = out[1] = out[2] = 0;
	*mark = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9' && digits < 4) {
			out[part] = out[part] * 10 + s.p[i] - '0';
			digits++;
		} else if (part < 2 && digits && strchr(marks, s.p[i]) &&
			   (!*mark || *mark == s.p[i])) {
			*mark = s.p[i];
			part++;
			digits = 0;
		} else {
			return false;
		}
	}
	return part == 2 && digits;
}

static int day_of(struct loose_time *out, int year, int month, int day, struct text s,
		  struct err *e)
{
	struct civil c = { .year = year, .month = month, .day = day };
	if (!civil_valid(c))
		return err_set(e, ERR_INVALID, "'%.*s' is not a day", (int)s.n, s.p);
	out->at.us = civil_to_day(c) * US_PER_DAY;
	return 0;
}

/* The offset at the end of an instant in ISO 8601. */
static void take_offset(struct loose_time *out, struct text s)
{
	if (s.n < 17 || s.p[s.n - 3] != ':' || (s.p[s.n - 6] != '+' && s.p[s.n - 6] != '-'))
		return;
	const char *p = s.p + s.n - 6;
	int64_t minutes = ((p[1] - '0') * 10 + p[2] - '0') * 60 + (p[4] - '0') * 10 + p[5] - '0';
	out->has_offset = true;
	out->offset_us = (*p == '-' ? -minutes : minutes) * 60 * US_PER_SECOND;
}

int loose_time_parse(struct loose_time *out, struct text s, struct err *e)
{
	int n[3];
	char mark;
	*out = (struct loose_time){ 0 };
	s = trimmed(s);
	size_t digits = 0;
	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (s.n == 8 && digits == 8) {
		int v = 0;
		for (size_t i = 0; i < 8; i++)
			v = v * 10 + s.p[i] - '0';
		return day_of(out, v / 10000, v / 100 % 100, v % 100, s, e);
	}
	if (digits <= 4 && three_numbers(s, "./", n, &mark)) {
		if (n[0] > 31)
			return day_of(out, n[0], n[1], n[2], s, e);
		if (mark == '/' && n[0] <= 12 && n[1] <= 12 && n[0] != n[1])
			return err_set(e, ERR_INVALID,
				       "'%.*s' may be the day before the month or the reverse; "
				       "write 2026-06-15",
				       (int)s.n, s.p);
		bool month_first = mark == '/' && n[1] > 12;
		return day_of(out, n[2], n[month_first ? 0 : 1], n[month_first ? 1 : 0], s, e);
	}
	/* as queries of BigQuery write it: days of UTC, and no zone of the viewer's */
	if (s.n > 14 && memcmp(s.p + s.n - 4, " UTC", 4) == 0)
		return instant_parse_lenient(&out->at, (struct text){ s.p, s.n - 4 }, e);
	int rc = instant_parse_lenient(&out->at, s, e);
	if (rc == 0)
		take_offset(out, s);
	return rc;
}
