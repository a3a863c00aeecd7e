/*
 * instant: points in time as microseconds UTC, civil dates, and the texts that name them.
 *
 * Proleptic Gregorian calendar, years 1 to 9999, no leap seconds (a second 60 is refused).
 */
#ifndef TALLY_BASE_INSTANT_H
#define TALLY_BASE_INSTANT_H

#include "base/err.h"
#include "base/text.h"

struct instant {
	int64_t us;
};

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_HOUR (INT64_C(3600) * US_PER_SECOND)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)
/* Open ends of periods; no calendar instant reaches them. */
#define INSTANT_MIN ((struct instant){ INT64_MIN / 2 })
#define INSTANT_MAX ((struct instant){ INT64_MAX / 2 })

/* [from, to) */
struct period {
	struct instant from, to;
};

enum { INSTANT_TEXT_MAX = 40, DAY_TEXT_MAX = 16, DAYS_TEXT_MAX = 32 };

struct civil {
	int year, month, day; /* 1..9999, 1..12, 1..31 */
};

/* Days since 1970-01-01. */
int64_t civil_to_day(struct civil c);
struct civil civil_from_day(int64_t day);
/* 0 = Monday ... 6 = Sunday */
int weekday_of_day(int64_t day);
/* The number of the ISO 8601 week, which belongs to the year of its Thursday. */
int week_of_day(int64_t day, int *year);
bool civil_valid(struct civil c);
int64_t floor_div(int64_t a, int64_t b);

/*
 * Accepts YYYY-MM-DD, YYYYMMDD, DD.MM.YYYY (midnight UTC), and YYYY-MM-DD[T or
 * space]HH:MM[:SS[.fraction]][Z|+HH:MM|+HHMM|+HH|-...]; without an offset the text is UTC.
 * Fractions beyond the microsecond are cut off, not rounded, so that an instant never moves over a
 * boundary.
 */
int instant_parse(struct instant *out, struct text s, struct err *e);
/*
 * As instant_parse, and also whole or fractional seconds since 1970 (9 to 11 digits before the
 * point), milliseconds (12 to 14), microseconds (15 to 17) and nanoseconds (18 to 19).
 */
int instant_parse_lenient(struct instant *out, struct text s, struct err *e);
/* Whether it is what a spreadsheet has for a day between 1998 and 2064, 46296 or 46296.5, where its
 * column is not formatted as dates. instant_parse_lenient refuses such a number and says so. */
bool instant_is_sheet_day(struct text s);
/* YYYY-MM-DD, YYYYMMDD or DD.MM.YYYY */
int civil_parse(struct civil *out, struct text s, struct err *e);
/* A span of seconds (non-negative decimal) in microseconds; finer digits are cut off. unit_us:
 * microseconds per unit. */
int span_parse(int64_t *out_us, struct text s, int64_t unit_us, struct err *e);
/* YYYY-MM-DD of a day since 1970-01-01. Returns buf. */
char *day_format(int64_t day, char buf[DAY_TEXT_MAX]);
/* The days of a span, both included: "2026-06-15", "2026-06-01 to 2026-06-30". Returns buf. */
char *days_format(int64_t first, int64_t last, char buf[DAYS_TEXT_MAX]);
/* RFC 3339 UTC, with only as many decimals of a second as needed. */
char *instant_format(struct instant t, char buf[INSTANT_TEXT_MAX]);

#endif
