/* What papers are made of: labels of each language, base64, and the picture that terms hold. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/base64.h"
#include "base/json.h"
#include "meter/billing/labels.h"
#include "meter/billing/logo.h"
#include "tests/unit/unit.h"

/* "{1} {3}" has places 1 and 3. */
static unsigned places_of(const char *text)
{
	unsigned places = 0;
	for (const char *p = text; *p; p++)
		if (*p == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}')
			places |= 1u << (p[1] - '0');
	return places;
}

static size_t count_labels(json_value *file)
{
	size_t n = 0;
	for (json_value *v = json_first(file); v; v = json_next(v))
		n++;
	return n;
}

static void test_languages_have_the_same_labels(void **state)
{
	static const char *const languages[] = { "de", "ja", "zh" };
	const struct labels *english = labels_of(text_of("en"));
	struct json_document *file, *other_file;
	(void)state;
	assert_string_equal(labels_known(), "de, en, ja, zh");
	assert_null(labels_of(text_of("xx")));
	assert_ptr_equal(labels_of((struct text){ 0 }), english);
	assert_int_equal(json_open_file(&file, "meter/billing/labels/en.json", NULL), 0);
	for (size_t l = 0; l < 3; l++) {
		const struct labels *other = labels_of(text_of(languages[l]));
		char path[60];
		assert_non_null(other);
		for (json_value *v = json_first(json_root(file)); v; v = json_next(v)) {
			const char *same = label_find(other, json_key(v)),
				   *text = label_find(english, json_key(v));
			if (!text || !same || places_of(same) != places_of(text))
				fail_msg("%s: '%s' is %s", languages[l], json_key(v),
					 same ? same : "missing");
		}
		snprintf(path, sizeof path, "meter/billing/labels/%s.json", languages[l]);
		assert_int_equal(json_open_file(&other_file, path, NULL), 0);
		assert_int_equal(count_labels(json_root(other_file)),
				 count_labels(json_root(file)));
		json_close(other_file);
	}
	json_close(file);
}

static void test_numbers_and_days_in_a_language(void **state)
{
	struct arena a = { 0 };
	const struct labels *de = labels_of(text_of("de")), *ja = labels_of(text_of("ja"));
	(void)state;
	assert_string_equal(label_number(de, &a, "-1,234,567.50"), "-1.234.567,50");
	assert_string_equal(label_day(de, &a, "2026-10-31T23:00:00Z"), "31.10.2026");
	assert_string_equal(label_day(ja, &a, "2026-10-31"), "2026年10月31日");
	assert_string_equal(label_day(de, &a, ""), "");
	arena_release(&a);
}

static void test_base64(void **state)
{
	static const char *const good[][2] = { { "", "" },
					       { "Zg==", "f" },
					       { "Zm8=", "fo" },
					       { "Zm9v", "foo" },
					       { "Zm9vYg==", "foob" } };
	static const char *const bad[] = {
		"Z", "Zg=", "Z===", "====", "Zm9v\n", "Zm 9", "Zg==Zg=="
	};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct buf b = { 0 };
		assert_true(base64_decode(&b, text_of(good[i][0])));
		assert_int_equal(b.n, strlen(good[i][1]));
		if (b.n)
			assert_memory_equal(b.p, good[i][1], b.n);
		buf_release(&b);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = { 0 };
		if (base64_decode(&b, text_of(bad[i])) || b.n)
			fail_msg("'%s' is taken", bad[i]);
		buf_release(&b);
	}
}

/* one red point */
#define POINT \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5E" \
	"rkJggg=="

static void test_logo(void **state)
{
	static const char start[] = "data:image/png;base64,";
	char text[200];
	struct buf png = { 0 };
	struct err e;
	(void)state;
	strcpy(text, start);
	strcat(text, POINT);
	assert_int_equal(logo_read(&png, text_of(text), &e), 0);
	assert_memory_equal(png.p, "\x89PNG", 4);
	/* every letter that is another one is found, and so is every end that is missing */
	for (size_t i = sizeof start - 1; i < strlen(text); i++) {
		const char was = text[i];
		text[i] = was == 'A' ? 'Q' : 'A';
		png.n = 0;
		/* the last letters have bits that stand for nothing */
		if (i < strlen(text) - 3 && logo_read(&png, text_of(text), &e) == 0)
			fail_msg("letter %zu may be any", i);
		text[i] = was;
	}
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_not_equal(logo_read(&png, (struct text){ text, n }, &e), 0);
	assert_int_not_equal(logo_read(&png, TEXT("data:image/svg+xml;base64,PHN2Zy8+"), &e), 0);
	buf_release(&png);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages_have_the_same_labels),
		cmocka_unit_test(test_numbers_and_days_in_a_language),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_logo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
