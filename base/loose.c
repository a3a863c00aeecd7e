#include "base/loose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct text trimmed(struct text s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool at(struct text s, size_t i, const char *word)
{
	return s.n - i >= strlen(word) && memcmp(s.p + i, word, strlen(word)) == 0;
}

/* Signs of currencies; a code of "" says nothing, for several write it so. */
static const struct {
	const char *sign, *code;
} signs[] = { { "US$", "USD" },
	      { "CA$", "CAD" },
	      { "C$", "CAD" },
	      { "AU$", "AUD" },
	      { "A$", "AUD" },
	      { "NZ$", "NZD" },
	      { "HK$", "HKD" },
	      { "NT$", "TWD" },
	      { "S$", "SGD" },
	      { "R$", "BRL" },
	      { "$", "USD" },
	      { "\xe2\x82\xac", "EUR" },
	      { "\xc2\xa3", "GBP" },
	      { "CN\xc2\xa5", "CNY" },
	      { "JP\xc2\xa5", "JPY" },
	      { "\xc2\xa5", "" },
	      { "\xef\xbf\xa5", "" },
	      { "\xe2\x82\xb9", "INR" },
	      { "\xe2\x82\xa9", "KRW" },
	      { "\xe5\x85\x83", "CNY" },
	      { "\xe5\x86\x86", "JPY" } };

/* The sign or code of a currency that begins at i, and its length; 0 where none does. */
static size_t currency_at(struct text s, size_t i, const char **code)
{
	for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
		if (at(s, i, signs[k].sign)) {
			*code = signs[k].code;
			return strlen(signs[k].sign);
		}
	/* three letters alone */
	size_t n = 0;
	while (i + n < s.n && is_upper(s.p[i + n]))
		n++;
	*code = s.p + i;
	return n == 3 && (i == 0 || !is_upper(s.p[i - 1])) ? 3 : 0;
}

bool loose_currency(char out[4], struct text s)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *code;
		size_t n = currency_at(s, i, &code);
		if (n == 0)
			continue;
		snprintf(out, 4, "%.3s", code);
		return true;
	}
	return false;
}

bool loose_is_currency(struct text code)
{
	static const char *const known[] = {
		"USD", "EUR", "GBP", "CNY", "JPY", "CHF", "CAD", "AUD", "INR", "BRL",
		"KRW", "SGD", "HKD", "SEK", "NOK", "DKK", "PLN", "CZK", "NZD", "TWD",
		"MXN", "ZAR", "ILS", "TRY", "HUF", "RON", "THB", "IDR", "MYR", "PHP",
		"VND", "AED", "SAR", "CLP", "COP", "ARS", "UAH", "BGN", "KWD", "BHD"
	};
	for (size_t i = 0; code.n == 3 && i < sizeof known / sizeof *known; i++)
		if (strncasecmp(code.p, known[i], 3) == 0)
			return true;
	return false;
}

static bool is_word_char(char c)
{
	return is_letter(c) || is_digit(c);
}

bool loose_currency_code(char out[4], struct text s)
{
	static const struct {
		const char *name, *code;
	} names[] = { { "US Dollar", "USD" },
		      { "US Dollars", "USD" },
		      { "U.S. Dollar", "USD" },
		      { "Dollar", "USD" },
		      { "Dollars", "USD" },
		      { "Euro", "EUR" },
		      { "Euros", "EUR" },
		      { "British Pound", "GBP" },
		      { "Pound Sterling", "GBP" },
		      { "Yuan", "CNY" },
		      { "Renminbi", "CNY" },
		      { "RMB", "CNY" },
		      { "Chinese Yuan", "CNY" },
		      { "Yen", "JPY" },
		      { "Japanese Yen", "JPY" },
		      { "Swiss Franc", "CHF" },
		      { "\xe7\xbe\x8e\xe5\x85\x83", "USD" },
		      { "\xe4\xba\xba\xe6\xb0\x91\xe5\xb8\x81", "CNY" },
		      { "\xe6\xac\xa7\xe5\x85\x83", "EUR" },
		      { "\xe6\x97\xa5\xe5\x85\x83", "JPY" } };
	s = trimmed(s);
	*out = 0;
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (text_is_caseless(s, names[k].name)) {
			memcpy(out, names[k].code, 4);
			return true;
		}
	for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
		if (strlen(signs[k].sign) == s.n && at(s, 0, signs[k].sign)) {
			snprintf(out, 4, "%s", signs[k].code);
			return true;
		}
	if (!loose_is_currency(s))
		return false;
	for (int i = 0; i < 4; i++)
		out[i] = i < 3 ? (char)(s.p[i] & ~32) : 0;
	return true;
}

bool loose_currency_in_words(char out[4], struct text s, size_t *from)
{
	for (size_t i = *from; i < s.n; i++) {
		const char *code;
		const size_t n = currency_at(s, i, &code);
		const bool letters = n == 3 && is_upper(s.p[i]) && is_upper(s.p[i + 2]);
		const bool alone = (i == 0 || !is_word_char(s.p[i - 1])) &&
				   (i + n == s.n || !is_word_char(s.p[i + n]));
		if (n == 0 || (letters && !(alone && loose_is_currency((struct text){ code, 3 }))))
			continue;
		snprintf(out, 4, "%.3s", code);
		*from = i + n;
		return true;
	}
	return false;
}

static size_t blank_at(struct text s, size_t i)
{
	static const char *const blanks[] = { " ", "'", "\xc2\xa0", "\xe2\x80\xaf",
					      "\xe2\x80\x99" };
	for (size_t k = 0; k < sizeof blanks / sizeof *blanks; k++)
		if (at(s, i, blanks[k]))
			return strlen(blanks[k]);
	return 0;
}

/* "1.00 CR", "Dr. 1.00": the side of an account on which the amount stands; a credit is negative.
 */
static void take_side(char *s, bool *negative)
{
	static const char *const sides[] = { "cr.", "dr.", "cr", "dr" };
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
		const size_t n = strlen(s), side = strlen(sides[i]);
		const bool front = strncasecmp(s, sides[i], side) == 0;
		if (n <= side || (!front && strcasecmp(s + n - side, sides[i]) != 0))
			continue;
		*negative ^= *sides[i] == 'c';
		if (front)
			memmove(s, s + side, n - side + 1);
		else
			s[n - side] = 0;
		return;
	}
}

/* Takes a sign in front or behind, or brackets around, off the text. */
static void take_sign(char *s, bool *negative)
{
	*negative = false;
	take_side(s, negative);
	size_t n = strlen(s);
	if (n > 2 && *s == '(' && s[n - 1] == ')') {
		*negative ^= true;
		s[n - 1] = 0;
		memmove(s, s + 1, n - 1);
	} else if (n > 1 && s[n - 1] == '-') {
		*negative ^= true;
		s[n - 1] = 0;
	}
	if (*s == '+' || *s == '-') {
		*negative ^= *s == '-';
		memmove(s, s + 1, strlen(s));
	}
}

/* Drops signs and codes of currencies and blanks between digits; false when it does not fit. */
static bool strip(char out[64], struct text s, bool *negative)
{
	const char *code;
	size_t n = 0, skip;
	for (size_t i = 0; i < s.n; i += skip) {
		skip = currency_at(s, i, &code);
		skip = skip ? skip : blank_at(s, i);
		if (skip)
			continue;
		if (n == 60)
			return false;
		bool minus = at(s, i, "\xe2\x88\x92");
		out[n++] = minus ? '-' : s.p[i];
		skip = minus ? 3 : 1;
	}
	out[n] = 0;
	take_sign(out, negative);
	return *out != 0;
}

static bool are_digits(const char *s, int n)
{
	for (int i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* Whether the sign c parts the digits before an exponent into groups of three, or as India does:
 * the last three, and before them two by two. */
static bool in_thousands(const char *s, char c)
{
	const char *first = strchr(s, c), *at = first;
	if (!at || at == s || at - s > 3 || *s == '0')
		return false;
	while (first - s <= 2 && are_digits(at + 1, 2) && at[3] == c)
		at += 3;
	for (bool one = at != first; *at == c; at += 4, one = false)
		if (!are_digits(at + 1, 3) || (one && at[4] == c))
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

int loose_count(int64_t *out, struct text s, struct err *e)
{
	struct decimal d;
	int places;
	s = trimmed(s);
	const char *point = s.n ? memrchr(s.p, '.', s.n) : NULL;
	int rc = loose_number(&d, &places, s, point && !memchr(s.p, ',', s.n), e);
	if (rc == 0 && (!decimal_to_int64(d, 0, out) || *out < 0))
		rc = err_set(e, ERR_INVALID, "'%.*s' is not a whole number from 0",
			     (int)(s.n > 40 ? 40 : s.n), s.p);
	return rc;
}

static bool three_numbers(struct text s, const char *marks, int out[3], char *mark)
{
	int part = 0, digits = 0;
	out[0] = out[1] = out[2] = 0;
	*mark = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (is_digit(s.p[i]) && digits < 4) {
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

/* Year, month and day as a place of dates writes them; which is which, order says where the numbers
 * do not. */
static int parted_day(struct loose_time *out, struct text s, const int n[3], char mark,
		      enum loose_order order, struct err *e)
{
	if (n[0] > 31)
		return day_of(out, n[0], n[1], n[2], s, e);
	int year = n[2] < 100 ? n[2] + 2000 : n[2];
	bool either = n[0] <= 12 && n[1] <= 12 && n[0] != n[1];
	if (mark != '.' && either && order == LOOSE_ORDER_UNKNOWN)
		return err_set(e, ERR_INVALID,
			       "'%.*s' may be the day before the month or the reverse; write "
			       "2026-06-15",
			       (int)s.n, s.p);
	bool month_first = mark != '.' && (either ? order == LOOSE_MONTH_FIRST : n[1] > 12);
	return day_of(out, year, n[month_first ? 0 : 1], n[month_first ? 1 : 0], s, e);
}

static bool is_word_byte(char c)
{
	return (c & 0x80) || is_letter(c);
}

/* The month that the word names, in several languages, or by the beginning of its English name; 0:
 * none. */
static int month_named(struct text word)
{
	static const char *const names[12] = {
		"january januar janvier enero gennaio janeiro januari",
		"february februar février fevrier febrero febbraio fevereiro februari",
		"march märz maerz mars marzo março marco maart",
		"april avril abril aprile",
		"may mai mayo maggio maio mei",
		"june juni juin junio giugno junho",
		"july juli juillet julio luglio julho",
		"august août aout agosto augustus",
		"september septembre septiembre settembre setembro",
		"october oktober octobre octubre ottobre outubro",
		"november novembre noviembre novembro",
		"december dezember décembre decembre diciembre dicembre dezembro december"
	};
	for (int m = 0; m < 12; m++)
		for (const char *p = names[m]; *p;) {
			const size_t n = strcspn(p, " ");
			const bool english = p == names[m] && word.n >= 3 && word.n < n;
			if ((word.n == n || english) && strncasecmp(p, word.p, word.n) == 0)
				return m + 1;
			p += n + (p[n] == ' ');
		}
	return word.n == 4 && strncasecmp(word.p, "sept", 4) == 0 ? 9 : 0;
}

/* "15 de junio de 2026", "June 15th": what says nothing. */
static bool is_small_word(struct text word)
{
	static const char *const words[] = { "de", "di", "do", "of", "le", "el",
					     "st", "nd", "rd", "th", "er" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word.n == 2 && strncasecmp(word.p, words[i], 2) == 0)
			return true;
	return word.n >= 3; /* a weekday */
}

/* "Jun 15, 2026", "15 June 2026", "15-Jun-2026"; false where it is none of these. */
static bool named_day(struct loose_time *out, struct text s)
{
	int number[2] = { 0 }, numbers = 0, month = 0;
	size_t digits = 0; /* of the last number */
	for (size_t i = 0, n; i < s.n; i += n) {
		n = 0;
		while (i + n < s.n && is_digit(s.p[i + n]))
			n++;
		if (n) {
			if (numbers == 2 || n > 4)
				return false;
			for (size_t k = 0; k < n; k++)
				number[numbers] = number[numbers] * 10 + s.p[i + k] - '0';
			numbers++;
			digits = n;
		} else if (strchr(" ,-/.", s.p[i])) {
			n = 1;
		} else {
			while (i + n < s.n && is_word_byte(s.p[i + n]))
				n++;
			const struct text word = { s.p + i, n };
			const int named = month_named(word);
			if (!named && !is_small_word(word))
				return false;
			if (named)
				month = month ? 13 : named;
		}
	}
	const bool year_first = number[0] > 31;
	if (!year_first && digits == 2) /* "15-Jun-26" */
		number[1] += 2000;
	struct civil c = { .year = number[!year_first], .month = month, .day = number[year_first] };
	if (numbers != 2 || c.year < 1000 || !civil_valid(c))
		return false;
	out->at.us = civil_to_day(c) * US_PER_DAY;
	return true;
}

/* "2026年6月15日" as 2026/6/15. */
static struct text without_signs(struct text s, char room[32])
{
	static const char *const marks[] = { "\xe5\xb9\xb4", "\xe6\x9c\x88", "\xe6\x97\xa5" };
	size_t n = 0;
	for (size_t i = 0, k; i < s.n && n < 31; i += k < 3 ? 3 : 1) {
		for (k = 0; k < 3 && !at(s, i, marks[k]); k++)
			;
		if (k < 2)
			room[n++] = '/';
		else if (k == 3)
			room[n++] = s.p[i];
	}
	room[n] = 0;
	return (struct text){ room, n };
}

/* "10:00", "10:00:00", "3:04:05 PM" behind a day. */
static bool clock_of(struct text s, int64_t *us)
{
	int part[3] = { 0 }, parts = 0;
	size_t i = 0;
	for (; i < s.n && parts < 3; i++) {
		size_t from = i;
		while (i < s.n && is_digit(s.p[i]) && i - from < 2)
			part[parts] = part[parts] * 10 + s.p[i++] - '0';
		if (i == from)
			return false;
		parts++;
		if (i == s.n || s.p[i] != ':')
			break;
	}
	struct text half = { s.p + i, s.n - i };
	half = trimmed(half);
	bool am = half.n == 2 && strncasecmp(half.p, "AM", 2) == 0,
	     pm = half.n == 2 && strncasecmp(half.p, "PM", 2) == 0;
	if ((half.n && !am && !pm) || parts < 2 || part[0] > ((am || pm) ? 12 : 23) ||
	    part[1] > 59 || part[2] > 59)
		return false;
	if (am || pm)
		part[0] = part[0] % 12 + (pm ? 12 : 0);
	*us = ((part[0] * 60 + part[1]) * 60 + part[2]) * US_PER_SECOND;
	return true;
}

/* "46188", "46188.25": days since the end of 1899 and a part of one, as a spreadsheet keeps dates;
 * from 2000 to 2099. False where it is none. */
static bool serial_day(struct loose_time *out, struct text s, size_t digits)
{
	enum { FROM = 36526, TO = 73050, EPOCH = 25569, SECONDS = 86400, FRACTION_MOST = 12 };
	int64_t day = 0, part = 0, whole = 1;
	const bool has_part = s.n > 6 && (s.p[5] == '.' || s.p[5] == ',');
	if (digits != 5 || (s.n != 5 && !has_part) || s.n > 6 + FRACTION_MOST)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (i == 5)
			continue;
		if (!is_digit(s.p[i]))
			return false;
		*(i < 5 ? &day : &part) = *(i < 5 ? &day : &part) * 10 + s.p[i] - '0';
		whole *= i > 5 ? 10 : 1;
	}
	if (day < FROM || day > TO)
		return false;
	/* to the second, as they are shown */
	const int64_t second = (int64_t)(((int128)part * SECONDS * 2 + whole) / (whole * 2));
	out->is_day = !has_part;
	out->at.us = (day - EPOCH) * US_PER_DAY + second * US_PER_SECOND;
	return true;
}

int loose_time_parse_as(struct loose_time *out, struct text s, enum loose_order order,
			struct err *e)
{
	int n[3];
	char mark;
	int64_t clock = 0;
	*out = (struct loose_time){ 0 };
	s = trimmed(s);
	size_t digits = 0;
	while (digits < s.n && is_digit(s.p[digits]))
		digits++;
	char room[32];
	if (digits == 4 && s.n < 32 && at(s, 4, "\xe5\xb9\xb4")) {
		s = without_signs(s, room);
	}
	const bool has_clock =
		memchr(s.p ? s.p : "", ':', s.n) ||
		(digits == 8 && s.n > 9 && (s.p[8] | 32) == 't'); /* 20260615T100000Z */
	out->is_day = s.n && !has_clock && (digits < s.n || s.n == 8);
	if (s.n == 8 && digits == 8) {
		int v = 0;
		for (size_t i = 0; i < 8; i++)
			v = v * 10 + s.p[i] - '0';
		return day_of(out, v / 10000, v / 100 % 100, v % 100, s, e);
	}
	/* a time of day behind a day that is not written as ISO 8601 does */
	const char *blank = s.n ? memchr(s.p, ' ', s.n) : NULL;
	struct text day = { s.p, blank ? (size_t)(blank - s.p) : s.n };
	bool dashes = digits <= 2 && memchr(day.p, '-', day.n);
	if (digits && digits <= 4 && three_numbers(day, dashes ? "-" : "./", n, &mark) &&
	    (!blank || clock_of((struct text){ blank + 1, s.n - day.n - 1 }, &clock))) {
		int rc = parted_day(out, s, n, mark, order, e);
		out->at.us += clock;
		return rc;
	}
	if (named_day(out, s) || serial_day(out, s, digits))
		return 0;
	/* as queries of BigQuery write it: days of UTC, and no zone of the viewer's */
	if (s.n > 14 && memcmp(s.p + s.n - 4, " UTC", 4) == 0)
		return instant_parse_lenient(&out->at, (struct text){ s.p, s.n - 4 }, e);
	int rc = instant_parse_lenient(&out->at, s, e);
	if (rc == 0)
		take_offset(out, s);
	return rc;
}

int loose_time_parse(struct loose_time *out, struct text s, struct err *e)
{
	return loose_time_parse_as(out, s, LOOSE_ORDER_UNKNOWN, e);
}
