#include "tests/unit/unit.h"

#include "base/loose.h"
#include "base/money.h"

static void decimals_are_read_and_written_canonically(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = { { "0", "0" },
		      { "0.0", "0" },
		      { "1.10", "1.1" },
		      { "-2.50", "-2.5" },
		      { "1e-07", "0.0000001" },
		      { "2.8e-7", "0.00000028" },
		      { "1.5E3", "1500" },
		      { "-0", "0" },
		      { "007", "7" },
		      { "3.435973836800", "3.4359738368" },
		      { "1e2", "100" },
		      { "123456789012345678901234567890", "123456789012345678901234567890" },
		      { "0.000000000000000000000000000000000001",
			"0.000000000000000000000000000000000001" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decimal d;
		char buf[DECIMAL_TEXT_MAX];
		assert_int_equal(decimal_parse(&d, text_of(cases[i].in), NULL), 0);
		assert_string_equal(decimal_format(d, buf), cases[i].out);
	}
}

static void what_is_no_decimal_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",    "-",   "+1",	  "1.",
		".5",  "1e",  "1e+",	  "0x10",
		"1,5", "NaN", "Infinity", "1e999",
		"1 ",  " 1",  "1e61",	  "1234567890123456789012345678901234567890"
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct decimal d;
		assert_true(decimal_parse(&d, text_of(bad[i]), NULL) < 0);
	}
}

static void float_noise_rounds_to_15_digits(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
		bool changed;
	} cases[] = { { "2.8000000000000003e-07", "0.00000028", true },
		      { "0.30000000000000004", "0.3", true },
		      { "0.1", "0.1", false },
		      { "9.999999999999999e-08", "0.0000001", true },
		      { "123456789012345", "123456789012345", false } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decimal d;
		bool changed;
		char buf[DECIMAL_TEXT_MAX];
		decimal_parse(&d, text_of(cases[i].in), NULL);
		d = decimal_round_significant(d, 15, &changed);
		assert_string_equal(decimal_format(d, buf), cases[i].out);
		assert_int_equal(changed, cases[i].changed);
	}
}

static void numbers_of_bills_are_read_as_people_write_them(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
		bool comma;
	} cases[] = { { "1,234.50", "1234.5", false },
		      { "1.234,50", "1234.5", true },
		      { "$0.10", "0.1", false },
		      { "9.00 EUR", "9", false },
		      { "(1.00)", "-1", false },
		      { "1.00-", "-1", false },
		      { "1.00 CR", "-1", false },
		      { "$1.00 Dr.", "1", false },
		      { "Cr 1.00", "-1", false },
		      { "1,00,000.00", "100000", false },
		      { "12,34,567.5", "1234567.5", false },
		      { "1,23,45,678", "12345678", false },
		      { "1'234.50", "1234.5", true },
		      { "1e-05", "0.00001", false } };
	static const char *const bad[] = { "7%",    "1,00,00.00", "1,2345.00", "1,00,0000",
					   "1.234", "CR",	  "1 cred",    "12,345,67.00" };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decimal d;
		int places;
		char buf[DECIMAL_TEXT_MAX];
		assert_int_equal(
			loose_number(&d, &places, text_of(cases[i].in), cases[i].comma, NULL), 0);
		assert_string_equal(decimal_format(d, buf), cases[i].out);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct decimal d;
		int places;
		assert_true(loose_number(&d, &places, text_of(bad[i]), true, NULL) < 0);
	}
}

static struct money money(const char *s)
{
	struct decimal d;
	struct money m = { 0 };
	assert_int_equal(decimal_parse(&d, text_of(s), NULL), 0);
	assert_int_equal(money_from_decimal(&m, d, NULL), 0);
	return m;
}

static void money_holds_twelve_decimals_and_no_more(void **state)
{
	(void)state;
	struct decimal d;
	struct money m;
	struct err e;
	assert_int_equal(money("0.000000000001").pico, 1);
	decimal_parse(&d, TEXT("0.0000000000001"), NULL);
	assert_int_equal(money_from_decimal(&m, d, &e), -ERR_RANGE);
	decimal_parse(&d, TEXT("9223372.036854775807"), NULL);
	assert_int_equal(money_from_decimal(&m, d, NULL), 0);
	decimal_parse(&d, TEXT("9223372.036854775808"), NULL);
	assert_int_equal(money_from_decimal(&m, d, &e), -ERR_RANGE);
}

static void totals_are_exact_and_refuse_to_overflow(void **state)
{
	(void)state;
	struct money_total t = { 0 };
	char buf[DECIMAL_TEXT_MAX];
	assert_true(money_total_add_units(&t, money("0.14"), 200000000, 1000000));
	assert_true(money_total_add_units(&t, money("0.028"), 2000000000, 1000000));
	assert_true(money_total_add_units(&t, money("0.28"), 300000000, 1000000));
	assert_string_equal(money_total_format(t, buf), "168");
	assert_true(money_total_add_units(&t, money("0.000000000001"), 1, 1000000));
	assert_string_equal(money_total_format(t, buf), "168.000000000000000001");
	/* 9.2e6 units x 9.2e18 is beyond what even 128 bits of 1e-18 hold */
	struct money_total before = t;
	assert_false(money_total_add_units(&t, money("9223372"), INT64_MAX, 1));
	assert_true(t.atto == before.atto);
	struct money_total huge = { (((int128)1 << 126) - 1) * 2 };
	assert_false(money_total_add(&huge, huge));
}

static void credits_round_as_their_mode_says(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		enum rounding_mode mode;
		const char *out;
	} cases[] = { { "8.4", ROUND_UP, "9" },
		      { "8", ROUND_UP, "8" },
		      { "-8.4", ROUND_UP, "-9" },
		      { "0.6", ROUND_HALF_UP, "1" },
		      { "-0.6", ROUND_HALF_UP, "-1" },
		      { "0.5", ROUND_HALF_UP, "1" },
		      { "0.49", ROUND_HALF_UP, "0" },
		      { "2.5", ROUND_HALF_EVEN, "2" },
		      { "3.5", ROUND_HALF_EVEN, "4" },
		      { "2.9", ROUND_DOWN, "2" },
		      { "1000000000.5", ROUND_HALF_UP, "1000000001" },
		      { "1.25", ROUND_NONE, "1.25" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decimal d;
		char buf[DECIMAL_TEXT_MAX];
		decimal_parse(&d, text_of(cases[i].in), NULL);
		int128 atto = d.digits;
		for (int k = d.scale; k < 18; k++)
			atto *= 10;
		struct credits_total c =
			credits_round((struct credits_total){ atto }, cases[i].mode);
		assert_string_equal(credits_format(c, buf), cases[i].out);
	}
}

static void ratios_round_half_away(void **state)
{
	(void)state;
	char buf[DECIMAL_TEXT_MAX];
	assert_true(ratio_format(1, 3, 6, buf));
	assert_string_equal(buf, "0.333333");
	assert_true(ratio_format(-2, 3, 3, buf));
	assert_string_equal(buf, "-0.667");
	assert_true(ratio_format(1, 8, 2, buf));
	assert_string_equal(buf, "0.13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_are_read_and_written_canonically),
		cmocka_unit_test(what_is_no_decimal_is_refused),
		cmocka_unit_test(numbers_of_bills_are_read_as_people_write_them),
		cmocka_unit_test(float_noise_rounds_to_15_digits),
		cmocka_unit_test(money_holds_twelve_decimals_and_no_more),
		cmocka_unit_test(totals_are_exact_and_refuse_to_overflow),
		cmocka_unit_test(credits_round_as_their_mode_says),
		cmocka_unit_test(ratios_round_half_away),
	};
	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
