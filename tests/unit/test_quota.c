/* Windows of subscriptions: what agents tell, which observation counts, and the pace. */
#include "tests/unit/unit.h"

#include "meter/formats/quota.h"

#define NOW_S 1795863600

static struct quota_list of_status_line(const char *json)
{
	struct quota_list l = { 0 };
	struct json_document *d;
	struct err e;
	assert_int_equal(json_open(&d, text_of(json), &e), 0);
	quota_of_status_line(&l, json_root(d), (struct instant){ NOW_S * US_PER_SECOND });
	json_close(d);
	return l;
}

static void a_status_line_tells_both_windows(void **state)
{
	(void)state;
	struct quota_list l = of_status_line(
		"{\"rate_limits\":{\"five_hour\":{\"used_percentage\":42.0,\"resets_at\":1795870800},"
		"\"seven_day\":{\"used_percentage\":18.5,\"resets_at\":\"2026-12-03T05:46:40Z\"}}}");
	assert_int_equal(l.count, 2);
	assert_int_equal(l.window[0].used, 420000);
	assert_int_equal(l.window[0].length_us, 5 * US_PER_HOUR);
	assert_int_equal(l.window[1].used, 185000);
	assert_int_equal(l.window[1].length_us, 7 * US_PER_DAY);
	/* 2 of 5 hours are left, 60 % would be even; the rest lasts 14,914 s at that speed */
	struct quota_pace p = quota_pace(&l.window[0], (struct instant){ NOW_S * US_PER_SECOND });
	assert_true(p.known && p.lasts);
	assert_int_equal(p.expected, 600000);
	assert_false(quota_is_over(&l.window[0], (struct instant){ NOW_S * US_PER_SECOND }));
	assert_true(quota_is_over(&l.window[0], (struct instant){ INT64_C(1795870800000000) }));
}

static void what_is_not_told_is_unknown(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"{}",
		"{\"rate_limits\":null}",
		"{\"rate_limits\":{\"five_hour\":null}}",
		"{\"rate_limits\":{\"five_hour\":{\"used_percentage\":null}}}",
		"{\"rate_limits\":{\"five_hour\":{\"used_percentage\":-1}}}",
		"{\"rate_limits\":[1,2]}",
	};
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_int_equal(of_status_line(lines[i]).count, 0);
}

static void the_length_of_a_codex_window_tells_what_it_is(void **state)
{
	(void)state;
	struct quota_list l = { 0 };
	quota_of_codex_line(
		&l,
		TEXT("{\"timestamp\":\"2026-11-28T10:00:00Z\",\"type\":\"event_msg\",\"payload\":"
		     "{\"type\":\"token_count\",\"info\":null,\"rate_limits\":{\"limit_id\":"
		     "\"codex\",\"primary\":{\"used_percent\":71.0,\"window_minutes\":10080,"
		     "\"resets_at\":1796299200},\"secondary\":null,\"plan_type\":\"plus\"}}}"));
	assert_int_equal(l.count, 1);
	assert_int_equal(l.window[0].length_us, 7 * US_PER_DAY);
	assert_int_equal(l.window[0].used, 710000);
	/* seconds are from the line's own instant, not from now */
	quota_of_codex_line(
		&l, TEXT("{\"timestamp\":\"2026-11-28T10:00:00Z\",\"payload\":{\"rate_limits\":{"
			 "\"primary\":{\"used_percent\":5,\"window_minutes\":300,"
			 "\"resets_in_seconds\":60}}}}"));
	assert_int_equal(l.count, 2);
	assert_int_equal(l.window[1].resets_us - l.window[1].observed_us, 60 * US_PER_SECOND);
	quota_of_codex_line(&l, TEXT("{\"payload\":{\"rate_limits\":null}}"));
	quota_of_codex_line(&l, TEXT("{\"rate_limits\""));
	assert_int_equal(l.count, 2);
}

static void the_newest_observation_counts_whatever_the_order(void **state)
{
	(void)state;
	struct quota a = { "openai", "", US_PER_HOUR, 500000, TIME_UNKNOWN, 2000 }, b = a;
	struct quota_list l = { 0 };
	b.used = 100000;
	b.observed_us = 1000;
	quota_add(&l, &a);
	quota_add(&l, &b);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.window[0].used, 500000);
	b.observed_us = 3000;
	quota_add(&l, &b);
	assert_int_equal(l.window[0].used, 100000);
	/* another limit of the same length is another window */
	snprintf(b.limit, sizeof b.limit, "spark");
	quota_add(&l, &b);
	assert_int_equal(l.count, 2);
}

static void a_pace_needs_a_window_that_runs(void **state)
{
	(void)state;
	struct quota q = { "anthropic", "", 5 * US_PER_HOUR, 500000, 0, 0 };
	struct instant now = { 100 * US_PER_HOUR };
	struct quota_pace p;
	q.resets_us = TIME_UNKNOWN;
	assert_false(quota_pace(&q, now).known);
	q.resets_us = now.us;
	assert_false(quota_pace(&q, now).known);
	q.resets_us = now.us + 6 * US_PER_HOUR; /* longer than the window itself */
	assert_false(quota_pace(&q, now).known);
	q.resets_us = now.us + 5 * US_PER_HOUR; /* nothing has passed and half is used */
	assert_false(quota_pace(&q, now).known);
	q.resets_us = now.us + 4 * US_PER_HOUR;
	p = quota_pace(&q, now);
	assert_true(p.known && !p.lasts);
	assert_int_equal(p.used_up_us, US_PER_HOUR);
	q.used = QUOTA_WHOLE + 1;
	p = quota_pace(&q, now);
	assert_true(p.known && !p.lasts && p.used_up_us == 0);
	q.used = 0;
	assert_true(quota_pace(&q, now).lasts);
}

static void an_observation_is_written_and_read_back(void **state)
{
	(void)state;
	struct quota a = { "anthropic",
			   "a \"b\"",
			   7 * US_PER_DAY,
			   123456,
			   INT64_C(1796299200000000),
			   INT64_C(1795863600123456) },
		     b;
	struct buf line = { 0 };
	for (int i = 0; i < 2; i++) {
		line.n = 0;
		quota_put(&line, &a);
		assert_true(quota_read(&b, (struct text){ line.p, line.n }));
		assert_string_equal(b.limit, a.limit);
		assert_int_equal(b.used, a.used);
		assert_int_equal(b.length_us, a.length_us);
		assert_int_equal(b.resets_us, a.resets_us);
		assert_int_equal(b.observed_us, a.observed_us);
		a.resets_us = TIME_UNKNOWN;
	}
	assert_false(quota_read(&b, TEXT("{\"minutes\":5}")));
	assert_false(quota_read(&b, TEXT("no JSON")));
	buf_release(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_line_tells_both_windows),
		cmocka_unit_test(what_is_not_told_is_unknown),
		cmocka_unit_test(the_length_of_a_codex_window_tells_what_it_is),
		cmocka_unit_test(the_newest_observation_counts_whatever_the_order),
		cmocka_unit_test(a_pace_needs_a_window_that_runs),
		cmocka_unit_test(an_observation_is_written_and_read_back),
	};
	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
