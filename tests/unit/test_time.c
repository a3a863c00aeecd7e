#include "tests/unit/unit.h"

#include <time.h>

#include "base/scan.h"
#include "base/when.h"
#include "reports/table.h"

static void instants_are_read_to_the_microsecond(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = { { "2026-06-15", "2026-06-15T00:00:00Z" },
		      { "20260615", "2026-06-15T00:00:00Z" },
		      { "2026-06-15T08:30Z", "2026-06-15T08:30:00Z" },
		      { "2026-06-15T08:30:01.5+08:00", "2026-06-15T00:30:01.5Z" },
		      { "2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.97996Z" },
		      { "2024-05-10 00:00:00.009930+00:00", "2024-05-10T00:00:00.00993Z" },
		      { "2024-02-29", "2024-02-29T00:00:00Z" },
		      { "1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999999Z" },
		      { "2026-01-01T00:00:00-03:30", "2026-01-01T03:30:00Z" },
		      { "2026/06/15 10:00:00", "2026-06-15T10:00:00Z" },
		      { "2026-06-15 10:00:00 +0530", "2026-06-15T04:30:00Z" },
		      { "2026-06-15 10:00:00.25 +0000 UTC", "2026-06-15T10:00:00.25Z" },
		      { "2026-06-15 10:00 GMT", "2026-06-15T10:00:00Z" },
		      { "20260615T100000Z", "2026-06-15T10:00:00Z" },
		      { "20260615T1000+02", "2026-06-15T08:00:00Z" },
		      { "Mon, 15 Jun 2026 10:00:00 GMT", "2026-06-15T10:00:00Z" },
		      { "5 jun 2026 23:30:00 -0200", "2026-06-06T01:30:00Z" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct instant t = { 0 };
		char buf[INSTANT_TEXT_MAX];
		assert_int_equal(instant_parse(&t, text_of(cases[i].in), NULL), 0);
		assert_string_equal(instant_format(t, buf), cases[i].out);
	}
}

static void impossible_instants_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "2026",
					   "2026-02-30",
					   "2025-02-29",
					   "1900-02-29",
					   "2026-13-01",
					   "2026-00-10",
					   "2026-06-15T24:00:00Z",
					   "2026-06-15T08:60:00Z",
					   "2026-06-15T23:59:60Z",
					   "2026-06-15T08:30:00.Z",
					   "2026-06-15X08:30",
					   "2026-6-15",
					   "15.6.26",
					   "2026-06-15T08:30:00Zx",
					   "2026-06-15T08:30:00+25:00",
					   "0000-01-01",
					   "2026-06-15 ",
					   "2026/06-15",
					   "2026-06-15 10",
					   "2026-06-15 10:00:00 ",
					   "2026-06-15 10:00:00 +0530 UTC",
					   "20260615T1000000Z",
					   "15 Jum 2026 10:00:00",
					   "Mon, 31 Jun 2026 10:00:00",
					   "15 Jun 26",
					   "now" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct instant t = { 0 };
		assert_true(instant_parse(&t, text_of(bad[i]), NULL) < 0);
	}
}

static void epochs_are_told_by_their_digits(void **state)
{
	(void)state;
	static const char *const same[] = { "1787536800", "1787536800000", "1787536800000000",
					    "1787536800000000000", "1787536800.0" };
	for (size_t i = 0; i < COUNT(same); i++) {
		struct instant t = { 0 };
		assert_int_equal(instant_parse_lenient(&t, text_of(same[i]), NULL), 0);
		assert_true(t.us == INT64_C(1787536800000000));
	}
}

static void civil_days_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = -200000; day < 400000; day += 37) {
		struct civil c = civil_from_day(day);
		time_t s = day * 86400;
		struct tm tm;
		gmtime_r(&s, &tm);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal((weekday_of_day(day) + 1) % 7, tm.tm_wday);
		assert_true(civil_to_day(c) == day);
	}
}

static void zones_agree_with_the_c_library(void **state)
{
	(void)state;
	static const char *const names[] = { "UTC",
					     "Europe/Berlin",
					     "America/New_York",
					     "Asia/Shanghai",
					     "Asia/Kolkata",
					     "Australia/Lord_Howe",
					     "America/Sao_Paulo",
					     "Africa/Casablanca",
					     "Pacific/Chatham",
					     "America/St_Johns" };
	for (size_t i = 0; i < COUNT(names); i++) {
		struct zone *z;
		struct err e;
		assert_int_equal(zone_open(&z, names[i], &e), 0);
		setenv("TZ", names[i], 1);
		tzset();
		/* 1950 to 2100, in steps that meet every hour of the year */
		for (int64_t s = -631152000; s < 4102444800; s += 1000003) {
			time_t t = s;
			struct tm tm;
			struct instant until;
			localtime_r(&t, &tm);
			assert_int_equal(zone_offset(z, (struct instant){ s * US_PER_SECOND },
						     &until),
					 tm.tm_gmtoff);
			assert_true(until.us > s * US_PER_SECOND);
		}
		zone_close(z);
	}
	unsetenv("TZ");
	tzset();
}

static void an_offset_holds_until_its_end(void **state)
{
	(void)state;
	struct zone *z;
	struct instant t, until;
	char buf[INSTANT_TEXT_MAX];
	assert_int_equal(zone_open(&z, "Europe/Berlin", NULL), 0);
	instant_parse(&t, TEXT("2026-06-15"), NULL);
	assert_int_equal(zone_offset(z, t, &until), 7200);
	assert_string_equal(instant_format(until, buf), "2026-10-25T01:00:00Z");
	assert_int_equal(zone_offset(z, until, &until), 3600);
	assert_string_equal(instant_format(until, buf), "2027-03-28T01:00:00Z");
	zone_close(z);
	struct err e;
	assert_int_equal(zone_open(&z, "Mars/Olympus", &e), -ERR_NOT_FOUND);
	assert_int_equal(zone_open(&z, "../../etc/passwd", &e), -ERR_NOT_FOUND);
	assert_int_equal(zone_open(&z, "+05:30", &e), 0);
	assert_int_equal(zone_offset(z, t, &until), 19800);
	zone_close(z);
}

/* The fast reader must say the same as the strict one, or nothing. */
static void the_fast_instant_reader_never_disagrees(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct scan_date memo = { "", 0 };
	static const char seedtext[] = "2026-06-15T08:30:01.123456Z";
	for (int i = 0; i < 300000; i++) {
		char text[64] = { 0 };
		size_t n = sizeof seedtext - 1 - unit_random(&seed) % 9;
		memcpy(text + 16, seedtext, n);
		for (int k = 0; k < 3; k++)
			if (unit_random(&seed) % 2)
				text[16 + unit_random(&seed) % n] =
					"0123456789-:TZ. +"[unit_random(&seed) % 17];
		int64_t us = 0;
		struct instant t = { 0 };
		if (scan_instant(text + 16, n, &memo, &us)) {
			assert_int_equal(instant_parse(&t, (struct text){ text + 16, n }, NULL), 0);
			assert_true(us == t.us);
		}
	}
}

/* A name against the period that it stands for, worked out by hand on a calendar. */
static void times_are_read_as_people_say_them(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *now, *name, *from, *to;
	} cases[] = {
		/* a Saturday */
		{ "UTC", "2026-11-28T12:30:00Z", "today", "2026-11-28T00:00:00Z",
		  "2026-11-29T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "yesterday", "2026-11-27T00:00:00Z",
		  "2026-11-28T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "saturday", "2026-11-28T00:00:00Z",
		  "2026-11-29T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "sunday", "2026-11-22T00:00:00Z",
		  "2026-11-23T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "7d", "2026-11-21T00:00:00Z",
		  "2026-11-22T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2w", "2026-11-14T00:00:00Z",
		  "2026-11-15T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "12h", "2026-11-28T00:30:00Z",
		  "2026-11-28T00:30:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "last-week", "2026-11-16T00:00:00Z",
		  "2026-11-23T00:00:00Z" },
		{ "UTC", "2026-01-05T00:00:00Z", "last-month", "2025-12-01T00:00:00Z",
		  "2026-01-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2026-02", "2026-02-01T00:00:00Z",
		  "2026-03-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2025", "2025-01-01T00:00:00Z",
		  "2026-01-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "20260101", "2026-01-01T00:00:00Z",
		  "2026-01-02T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2026/01/01", "2026-01-01T00:00:00Z",
		  "2026-01-02T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "Last Month", "2026-10-01T00:00:00Z",
		  "2026-11-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "last_week", "2026-11-16T00:00:00Z",
		  "2026-11-23T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "fri", "2026-11-27T00:00:00Z",
		  "2026-11-28T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "last-saturday", "2026-11-21T00:00:00Z",
		  "2026-11-22T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "7 days ago", "2026-11-21T00:00:00Z",
		  "2026-11-22T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "7days", "2026-11-21T00:00:00Z",
		  "2026-11-22T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "in 30 days", "2026-12-28T00:00:00Z",
		  "2026-12-29T00:00:00Z" },
		{ "UTC", "2027-01-31T12:30:00Z", "+1mo", "2027-02-28T00:00:00Z",
		  "2027-03-01T00:00:00Z" },
		{ "Europe/Berlin", "2026-10-24T12:30:00Z", "in 12h", "2026-10-25T00:30:00Z",
		  "2026-10-25T00:30:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "-7d", "2026-11-21T00:00:00Z",
		  "2026-11-22T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "1mo", "2026-10-28T00:00:00Z",
		  "2026-10-29T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "9mo", "2026-02-28T00:00:00Z",
		  "2026-03-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "1y", "2025-11-28T00:00:00Z",
		  "2025-11-29T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2026-q3", "2026-07-01T00:00:00Z",
		  "2026-10-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2026Q3", "2026-07-01T00:00:00Z",
		  "2026-10-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "q4", "2026-10-01T00:00:00Z",
		  "2027-01-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "last quarter", "2026-07-01T00:00:00Z",
		  "2026-10-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2026-W01", "2025-12-29T00:00:00Z",
		  "2026-01-05T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "2020-w53", "2020-12-28T00:00:00Z",
		  "2021-01-04T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "december", "2025-12-01T00:00:00Z",
		  "2026-01-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "nov", "2026-11-01T00:00:00Z",
		  "2026-12-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "Feb 2024", "2024-02-01T00:00:00Z",
		  "2024-03-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "30 Aug 2026", "2026-08-30T00:00:00Z",
		  "2026-08-31T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "August 30, 2024", "2024-08-30T00:00:00Z",
		  "2024-08-31T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "1-dec", "2025-12-01T00:00:00Z",
		  "2025-12-02T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "28nov", "2026-11-28T00:00:00Z",
		  "2026-11-29T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "next-month", "2026-12-01T00:00:00Z",
		  "2027-01-01T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "next week", "2026-11-30T00:00:00Z",
		  "2026-12-07T00:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "ytd", "2026-01-01T00:00:00Z",
		  "2026-11-28T12:30:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "30min", "2026-11-28T12:00:00Z",
		  "2026-11-28T12:00:00Z" },
		{ "UTC", "2026-11-28T12:30:00Z", "3 hours ago", "2026-11-28T09:30:00Z",
		  "2026-11-28T09:30:00Z" },
		/* half past eleven in New York is the next day in UTC */
		{ "America/New_York", "2026-11-29T04:30:00Z", "today", "2026-11-28T05:00:00Z",
		  "2026-11-29T05:00:00Z" },
		{ "Asia/Kolkata", "2026-11-28T12:30:00Z", "2026-11-28", "2026-11-27T18:30:00Z",
		  "2026-11-28T18:30:00Z" },
		{ "Asia/Kolkata", "2026-11-28T12:30:00Z", "2026-11-28T12:00",
		  "2026-11-28T06:30:00Z", "2026-11-28T06:30:00Z" },
		{ "Asia/Kolkata", "2026-11-28T12:30:00Z", "2026-11-28T12:00Z",
		  "2026-11-28T12:00:00Z", "2026-11-28T12:00:00Z" },
		/* the clock is put forward from 00:00 to 01:00 */
		{ "Africa/Cairo", "2026-11-28T12:30:00Z", "2026-04-24", "2026-04-23T22:00:00Z",
		  "2026-04-24T21:00:00Z" },
		{ "America/Santiago", "2026-11-28T12:30:00Z", "2026-09-06", "2026-09-06T04:00:00Z",
		  "2026-09-07T03:00:00Z" },
		/* 2011-12-30 was left out */
		{ "Pacific/Apia", "2026-11-28T12:30:00Z", "2011-12-31", "2011-12-30T10:00:00Z",
		  "2011-12-31T10:00:00Z" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct zone *z;
		struct instant now;
		struct when w;
		char buf[INSTANT_TEXT_MAX];
		assert_int_equal(zone_open(&z, cases[i].zone, NULL), 0);
		assert_int_equal(instant_parse(&now, text_of(cases[i].now), NULL), 0);
		assert_int_equal(when_parse(&w, text_of(cases[i].name), now, z, NULL), 0);
		assert_string_equal(instant_format(w.from, buf), cases[i].from);
		assert_string_equal(instant_format(w.to, buf), cases[i].to);
		zone_close(z);
	}
	struct zone *z;
	struct when w;
	static const char *const wrong[] = {
		"",	    "tody",	"7",	       "7x",	    "2026-13",
		"99999d",   "2026-",	"2026-11-31",  "1m",	    "01/02/2026",
		"q5",	    "2026-w54", "30 feb 2026", "0 aug",	    "32 aug",
		"aug 30 x", "2026-w00", "2025-w53",    "februaryy", "jan 26",
		"last",	    "ago",	"2026-q3x",    "lastfoo"
	};
	assert_int_equal(zone_open(&z, "UTC", NULL), 0);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(when_parse(&w, text_of(wrong[i]), (struct instant){ 0 }, z, NULL),
				 -ERR_INVALID);
	zone_close(z);
}

/* A day begins where the one before it ends, and its first instant is the first that is of it. */
static void days_follow_each_other_in_every_zone(void **state)
{
	(void)state;
	static const char *const zones[] = {
		"Africa/Cairo",	  "America/Santiago", "Pacific/Apia",
		"Asia/Kathmandu", "Europe/Berlin",    "America/Havana"
	};
	for (size_t i = 0; i < COUNT(zones); i++) {
		struct zone *z;
		assert_int_equal(zone_open(&z, zones[i], NULL), 0);
		for (int64_t day = 14000; day < 22000; day++) {
			struct instant begin = zone_midnight(z, day);
			struct instant before = { begin.us - 1 };
			assert_true(zone_day(z, before) < day);
			assert_true(zone_day(z, begin) >= day);
			assert_true(begin.us <= zone_midnight(z, day + 1).us);
		}
		zone_close(z);
	}
}

static void amounts_are_rounded_to_the_cent_for_people(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "$12.345", "$12.35" },
		{ "$12.344999", "$12.34" },
		{ "$9.999", "$10.00" },
		{ ">= $0.999", ">= $1.00" },
		{ "$0.001", "<$0.01" },
		{ "-$0.001", ">-$0.01" },
		{ ">= $0.001", ">= $0.00" },
		{ "$5", "$5.00" },
		{ "$5.5", "$5.50" },
		{ "1,299.999 EUR", "1,300.00 EUR" },
		{ "9.999", "10.00" },
		{ "", "" },
		{ "-$1.005", "-$1.01" },
		{ "$0", "$0.00" },
		{ "3.5 JPY", "4 JPY" },
		{ "0.2 JPY", "<1 JPY" },
		{ "1.2345 KWD", "1.235 KWD" },
		{ "1,000 EUR", "1,000.00 EUR" },
		{ "no price", "no price" },
		{ "37.43 credits", "37.43 credits" },
		{ "$999.995", "$1,000.00" },
		{ "9.5", "9.5" },
		{ "-", "-" },
		{ ">= 12.3456 EUR", ">= 12.35 EUR" },
	};
	char out[64];
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(amount_to_the_cent(out, sizeof out, cases[i][0]), cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_are_read_to_the_microsecond),
		cmocka_unit_test(impossible_instants_are_refused),
		cmocka_unit_test(epochs_are_told_by_their_digits),
		cmocka_unit_test(civil_days_agree_with_the_c_library),
		cmocka_unit_test(zones_agree_with_the_c_library),
		cmocka_unit_test(an_offset_holds_until_its_end),
		cmocka_unit_test(times_are_read_as_people_say_them),
		cmocka_unit_test(days_follow_each_other_in_every_zone),
		cmocka_unit_test(amounts_are_rounded_to_the_cent_for_people),
		cmocka_unit_test(the_fast_instant_reader_never_disagrees),
	};
	return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
