#include "tests/unit/unit.h"

#include <string.h>

#include "base/arena.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/parquet_read.h"
#include "base/scan.h"

static bool json_valid(const char *s, size_t n)
{
	struct json_document *d = NULL;
	struct err e;
	bool ok = json_open(&d, (struct text){ s, n }, &e) == 0;
	json_close(d);
	return ok;
}

/* A character is what it is wherever it stands: words of eight bytes and single ones agree. */
static void a_character_is_shown_alike_at_every_place(void **state)
{
	(void)state;
	static const char others[] = "abcdefghijklmnopqrstu";
	for (int c = 1; c < 256; c++)
		for (size_t at = 0; at < sizeof others; at++) {
			struct buf whole = { 0 }, wanted = { 0 }, field = { 0 };
			char text[sizeof others + 1];
			memcpy(text, others, at);
			text[at] = (char)c;
			memcpy(text + at + 1, others + at, sizeof others - at);
			buf_add_plain(&whole, text_of(text));
			buf_add(&wanted, others, at);
			buf_add_plain(&wanted, (struct text){ text + at, 1 });
			buf_puts(&wanted, others + at);
			assert_string_equal(whole.p, wanted.p);
			csv_put_text(&field, text_of(text));
			const bool bare = is_letter((char)c) || is_digit((char)c) ||
					  strchr("_.:/", c) || (c == '-' && at);
			assert_true(!bare || strcmp(field.p, text) == 0);
			assert_true(strchr(",\"", c) == NULL || field.p[0] == '"');
			buf_release(&whole);
			buf_release(&wanted);
			buf_release(&field);
		}
}

static void what_cjson_lets_through_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "{\"a\":1} x",
					   "{\"a\":1,\"a\":2}",
					   "{\"a\":01}",
					   "{\"a\":1.}",
					   "{\"a\":+1}",
					   "{\"a\":.5}",
					   "{\"a\":1e}",
					   "[1,]",
					   "{\"a\":\"\x01\"}",
					   "{\"a\":\"\\x\"}",
					   "{\"a\":\"\\ud800\"}",
					   "{\"a\":\"\xff\"}",
					   "{\"a\":\"\\u0000\"}",
					   "nul",
					   "{'a':1}",
					   "{\"a\" 1}",
					   "[1 2]",
					   "\"abc",
					   "{\"a\":--1}",
					   "{\"a\":{\"b\":1,\"b\":1}}",
					   "[0x10]",
					   "[NaN]",
					   "[Infinity]" };
	for (size_t i = 0; i < COUNT(bad); i++)
		if (json_valid(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	assert_false(json_valid("{\"a\":\"x\0y\"}", 11));
	struct buf deep = { 0 };
	for (int i = 0; i < 100000; i++)
		buf_puts(&deep, "[");
	assert_false(json_valid(deep.p, deep.n));
	buf_release(&deep);
}

static void numbers_keep_their_digits(void **state)
{
	(void)state;
	struct json_document *d;
	assert_int_equal(
		json_open(&d,
			  TEXT(" {\"big\": 9223372036854775807, "
			       "\"small\":2.8000000000000003e-07,\"text\":\"12\",\"n\":null, "
			       "\"e\":\"a\\u00e9\\n\\ud83d\\ude00\"} "),
			  NULL),
		0);
	json_value *r = json_root(d);
	assert_true(text_is(json_number(json_member(r, "big")), "9223372036854775807"));
	assert_true(text_is(json_number(json_member(r, "small")), "2.8000000000000003e-07"));
	assert_int_equal(json_kind(json_member(r, "text")), JSON_STRING);
	assert_int_equal(json_kind(json_member(r, "n")), JSON_NULL);
	assert_true(text_is(json_string(json_member(r, "e")), "a\xc3\xa9\n\xf0\x9f\x98\x80"));
	assert_null(json_member(r, "Big"));
	json_close(d);
}

/* One byte, or several, wherever they stand in a string and in the words of eight that it is read
 * by. */
static void json_strings_end_where_they_end(void **state)
{
	static const struct {
		const char *bytes;
		bool good;
	} inside[] = {
		{ "x", true },
		{ "\x7f", true },
		{ " ", true },
		{ "!", true },
		{ "\\\"", true },
		{ "\\\\", true },
		{ "\\n", true },
		{ "\\u00e9", true },
		{ "\xc3\xa9", true },
		{ "\xe2\x82\xac", true },
		{ "\\ud83d\\ude00", true },
		{ "\x1f", false },
		{ "\n", false },
		{ "\x80", false },
		{ "\xa2", false },
		{ "\xc3", false },
		{ "\xff", false },
		{ "\\x", false },
		{ "\\ud83d", false },
		{ "\\u0000", false },
		{ "\\ude00", false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(inside); i++)
		for (size_t before = 0; before < 18; before++)
			for (size_t after = 0; after < 18; after++) {
				char text[80];
				const int n =
					snprintf(text, sizeof text, "\"%.*s%s%.*s\"", (int)before,
						 "abcdefghijklmnopqr", inside[i].bytes, (int)after,
						 "ABCDEFGHIJKLMNOPQR");
				char *alone = mem_alloc((size_t)n + 1);
				memcpy(alone, text, (size_t)n);
				const char *end = json_scan_string(alone, alone + n);
				assert_ptr_equal(end, inside[i].good ? alone + n : NULL);
				assert_null(json_scan_string(alone, alone + n - 1));
				memcpy(alone + n, ",", 1);
				end = json_scan_string(alone, alone + n + 1);
				assert_ptr_equal(end, inside[i].good ? alone + n : NULL);
				free(alone);
			}
}

static void json_strings_are_escaped(void **state)
{
	(void)state;
	struct buf b = { 0 };
	json_put_string(&b, (struct text){ "a\"\\\n\x01\xff\xc3\xa9", 8 });
	assert_string_equal(b.p, "\"a\\\"\\\\\\u000a\\u0001\xEF\xBF\xBD\xc3\xa9\"");
	assert_true(json_valid(b.p, b.n));
	buf_release(&b);
}

static void csv_records_are_split_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int count; /* -1: refused */
		const char *last;
	} cases[] = { { "a,b,c", 3, "c" },     { "a,b,", 3, "" },
		      { "", 1, "" },	       { ",", 2, "" },
		      { "\"a,b\",c", 2, "c" }, { "\"a\"\"b\"", 1, "a\"b" },
		      { " a , b ", 2, "b" },   { "\" a \"", 1, " a " },
		      { "a\r", 1, "a" },       { "\"x\ny\"", 1, "x\ny" },
		      { "a\"b,c", -1, "" },    { "\"a\"b,c", -1, "" },
		      { "\"a,b", -1, "" },     { "a\rb", -1, "" },
		      { "a\xff", -1, "" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct csv_record r = { 0 };
		int rc = csv_split(&r, text_of(cases[i].in), ',', NULL);
		if (cases[i].count < 0) {
			assert_true(rc < 0);
		} else {
			assert_int_equal(rc, 0);
			assert_int_equal(r.count, cases[i].count);
			assert_true(text_is(r.field[r.count - 1], cases[i].last));
		}
		csv_record_release(&r);
	}
	struct csv_record r = { 0 };
	assert_true(csv_split(&r, (struct text){ "a\0b", 3 }, ',', NULL) < 0);
	csv_record_release(&r);
}

static void a_stray_quote_costs_one_line(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t columns, end;
	} cases[] = { { "a,b\nc,d\n", 2, 4 },
		      { "\"a\nb\",c\nd\n", 2, 8 }, /* a field that spans lines */
		      { "\"a,b\nc,d\n", 2, 5 },	   /* never closes */
		      { "\"a\nb\nc\",d,e\nf,g\n", 2,
			3 }, /* closes, but then there are too many fields */
		      { "x\"y\nz\"\n", 1, 4 } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *p = cases[i].in;
		assert_int_equal(csv_record_end(p, p + strlen(p), true, ',', cases[i].columns) - p,
				 cases[i].end);
	}
	const char *open = "\"a,b\nc,d\n";
	assert_null(csv_record_end(open, open + strlen(open), false, ',', 2));
}

static void all_scanners_find_the_same_delimiters(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	enum { MOST = 700 };
	for (int round = 0; round < 3000; round++) {
		char text[MOST + 128];
		size_t n = unit_random(&seed) % MOST;
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = "abc01234,,,\n\"\r \t\xc3\xa9;"[unit_random(&seed) %
								  (round % 7 ? 14 : 20)];
		if (round % 11 == 0 && n)
			text[unit_random(&seed) % n] = 0;
		uint32_t expected[MOST + 64], got[MOST + 64];
		struct scan_found want = { 0 }, found;
		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)text[i];
			if (c == ',' || c == '\n' || c == '"')
				expected[want.count++] = (uint32_t)i;
			want.newlines += c == '\n';
			want.flags |= c >= 0x80		 ? SCAN_HIGH
				      : c == 0		 ? SCAN_NUL
				      : c == '\r'	 ? SCAN_CR
				      : c == '"'	 ? SCAN_QUOTE
				      : strchr(" \t", c) ? SCAN_BLANK
							 : 0;
		}
		for (const struct scan_kind *k = scan_kinds(); k->name; k++) {
			k->delimiters(text, n, ',', got, &found);
			assert_int_equal(found.count, want.count);
			assert_int_equal(found.newlines, want.newlines);
			assert_int_equal(found.flags, want.flags);
			assert_memory_equal(got, expected, want.count * sizeof *got);
		}
	}
}

static void pairs_are_found_wherever_they_stand(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	enum { MOST = 90 };
	for (int round = 0; round < 100000; round++) {
		const size_t n = unit_random(&seed) % MOST;
		char *text = malloc(n + 1); /* of that size, so that a sanitizer sees each byte */
		for (size_t i = 0; i < n; i++)
			text[i] = "\"us.........."[unit_random(&seed) % 12];
		const char *want = NULL;
		for (size_t i = 0; i + 1 < n && !want; i++)
			if (memcmp(text + i, "\"u", 2) == 0 || memcmp(text + i, "s\"", 2) == 0)
				want = text + i;
		assert_ptr_equal(scan_pair(text, n, "\"u", "s\""), want);
		free(text);
	}
}

/* Eight bytes at a time or one by one: up to the first that is none. */
static void utf8_is_valid_up_to_its_first_fault(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < 100000; round++) {
		char text[40];
		size_t n = unit_random(&seed) % 37, want = n;
		memset(text, 'a', sizeof text);
		for (size_t i = 0; i + 2 < n; i += 2 + unit_random(&seed) % 9)
			memcpy(text + i, "\xc3\xa9", 2);
		if (n && round % 2) {
			want = unit_random(&seed) % n;
			text[want] = "\0\x80\xc3\xff"[unit_random(&seed) % 4];
			/* the first half of a letter that was cut */
			if (want && text[want - 1] == '\xc3')
				text[want - 1] = 'a';
			if (text[want] == '\xc3' && want + 1 < n && text[want + 1] == '\xa9')
				text[want + 1] = 'a';
			if (want && text[want] == '\x80' && text[want - 1] == '\xc3')
				text[want - 1] = 'a';
		}
		assert_int_equal(utf8_valid_prefix(text, n), want);
	}
}

static void counts_are_read_from_digits_only(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < 200000; round++) {
		char text[64];
		memset(text, 'x', sizeof text);
		size_t n = unit_random(&seed) % 19;
		for (size_t i = 0; i < n; i++)
			text[20 + i] = (char)('0' + unit_random(&seed) % 10);
		bool dirty = n && round % 3 == 0;
		if (dirty)
			text[20 + unit_random(&seed) % n] =
				"-+. eE,/:\xb0\x00"[unit_random(&seed) % 11];
		int64_t v = -1, expected = 0;
		for (size_t i = 0; i < n && !dirty; i++)
			expected = expected * 10 + (text[20 + i] - '0');
		bool ok = scan_count(text + 20, n, &v);
		assert_int_equal(ok, !dirty && n <= 16);
		if (ok)
			assert_true(v == expected);
	}
}

/* A column of numbers between commas, whole or spoilt, read by every implementation. */
static void columns_of_counts_agree(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < 20000; round++) {
		enum { ROWS = 9 };
		char text[16 + ROWS * 20];
		uint32_t index[1 + ROWS];
		int64_t want[ROWS] = { 0 }, got[ROWS];
		uint8_t bad_want[ROWS], bad[ROWS];
		char *block = text + 16;
		size_t at = 0, rows = unit_random(&seed) % (ROWS + 1);
		memset(text, 'x', sizeof text);
		index[0] = (uint32_t)-1;
		for (size_t i = 0; i < rows; i++) {
			size_t n = unit_random(&seed) % (round % 4 ? 9 : 19);
			for (size_t k = 0; k < n; k++)
				block[at + k] = (char)('0' + unit_random(&seed) % 10);
			if (n && unit_random(&seed) % 8 == 0)
				block[at + unit_random(&seed) % n] =
					"-+. e:/\xb0"[unit_random(&seed) % 8];
			bad_want[i] = !scan_count(block + at, n, &want[i]);
			at += n;
			block[at] = ',';
			index[1 + i] = (uint32_t)at++;
		}
		for (const struct scan_kind *k = scan_kinds(); k->name; k++) {
			memset(bad, 0, sizeof bad);
			k->counts(block, index + 1, 1, rows, got, bad);
			for (size_t i = 0; i < rows; i++) {
				assert_int_equal(bad[i], bad_want[i]);
				assert_true(bad[i] || got[i] == want[i]);
			}
		}
	}
}

static void buffers_write_numbers_and_long_text(void **state)
{
	static const int64_t numbers[] = { 0, 9, -1, 1234567890, INT64_MAX, INT64_MIN };
	(void)state;
	struct buf b = { 0 };
	char want[32], longer[1000];
	for (size_t i = 0; i < COUNT(numbers); i++) {
		b.n = 0;
		buf_int(&b, numbers[i]);
		snprintf(want, sizeof want, "%lld", (long long)numbers[i]);
		assert_string_equal(b.p, want);
	}
	/* every length around the room that there is */
	memset(longer, 'x', sizeof longer);
	for (size_t n = 0; n < sizeof longer; n++) {
		buf_release(&b);
		buf_puts(&b, "=");
		buf_printf(&b, "%.*s", (int)n, longer);
		assert_int_equal(b.n, n + 1);
		assert_int_equal(strlen(b.p), n + 1);
	}
	buf_release(&b);
}

static void members_of_large_objects_are_found(void **state)
{
	enum { MEMBERS = 300 };
	struct json_document *d;
	struct err e;
	struct buf b = { 0 };
	char key[20];
	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		buf_printf(&b, "%s\"k%d\":%d", i ? "," : "{", i, i);
	buf_puts(&b, "}");
	assert_int_equal(json_open(&d, (struct text){ b.p, b.n }, &e), 0);
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(key, sizeof key, "k%d", i);
		json_value *m = json_member(json_root(d), key);
		assert_non_null(m);
		assert_true(text_is(json_number(m), key + 1));
		snprintf(key, sizeof key, "k%d ", i);
		assert_null(json_member(json_root(d), key));
	}
	assert_null(json_member(json_root(d), ""));
	assert_null(json_member(json_root(d), "z"));
	assert_int_equal(json_string(json_root(d)).n, 0);
	json_close(d);
	buf_release(&b);
}

enum { TABLE_COLUMNS = 5, TABLE_ROWS = 40 };
static const struct parquet_column table_columns[TABLE_COLUMNS] = {
	{ "n", PARQUET_INT, false },	   { "when", PARQUET_INSTANT, true },
	{ "name", PARQUET_TEXT, true },	   { "id", PARQUET_TEXT, false },
	{ "cost", PARQUET_DECIMAL, true },
};

/* The value of a row: whether there is one follows the row's number, and so does the value. */
static bool has_value(int row, int column)
{
	return !table_columns[column].optional || row % (column + 2) != 0;
}

static char *write_table(int rows, size_t *size, uint64_t digest[TABLE_COLUMNS])
{
	char *bytes = NULL, text[40];
	FILE *out = open_memstream(&bytes, size);
	struct parquet *p = parquet_open(out, table_columns, TABLE_COLUMNS);
	for (int i = 0; i < rows; i++) {
		for (int c = 0; c < TABLE_COLUMNS; c++) {
			if (!has_value(i, c))
				continue;
			snprintf(text, sizeof text, c == 2 ? "name %d" : "id-%d",
				 c == 2 ? i % 3 : i);
			if (c < 2)
				parquet_int(p, (size_t)c, (i - 7) * INT64_C(123456789012));
			else if (c < 4)
				parquet_text(p, (size_t)c, text_of(text));
			else
				assert_int_equal(parquet_decimal(p, 4, (5 - i) * ((int128)1 << 80),
								 NULL),
						 0);
		}
		assert_int_equal(parquet_end_row(p, NULL), 0);
	}
	assert_int_equal(parquet_finish(p, NULL), 0);
	for (size_t c = 0; c < TABLE_COLUMNS; c++)
		digest[c] = parquet_digest(p, c);
	parquet_release(p);
	fclose(out);
	return bytes;
}

/* How many rows there are, or an error; what they hold. */
static int read_table(char *bytes, size_t size, uint64_t digest[TABLE_COLUMNS], struct err *e)
{
	struct parquet_reader *r;
	FILE *in = fmemopen(bytes, size, "rb");
	int n = 0, rc = parquet_read_open(&r, in, "table", table_columns, TABLE_COLUMNS, e);
	while (rc == 0 && (rc = parquet_next(r, e)) == 1) {
		n++;
		rc = 0;
	}
	for (size_t c = 0; c < TABLE_COLUMNS; c++)
		digest[c] = parquet_read_digest(r, c);
	parquet_read_close(r);
	fclose(in);
	return rc < 0 ? rc : n;
}

static void tables_are_read_as_they_were_written(void **state)
{
	(void)state;
	static const int rows[] = { 0, 1, TABLE_ROWS, 65536, 65537 };
	uint64_t written[TABLE_COLUMNS], found[TABLE_COLUMNS];
	struct parquet_reader *r;
	struct err e;
	size_t size;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *bytes = write_table(rows[i], &size, written);
		assert_int_equal(read_table(bytes, size, found, &e), rows[i]);
		assert_memory_equal(written, found, sizeof written);
		free(bytes);
	}
	char *bytes = write_table(3, &size, written);
	FILE *in = fmemopen(bytes, size, "rb");
	assert_int_equal(parquet_read_open(&r, in, "table", table_columns, TABLE_COLUMNS, &e), 0);
	assert_int_equal(parquet_next(r, &e), 1);
	assert_int_equal(parquet_read_int(r, 0), INT64_C(-864197523084));
	assert_false(parquet_has(r, 1));
	assert_int_equal(parquet_next(r, &e), 1);
	assert_true(text_is(parquet_read_text(r, 2), "name 1"));
	assert_true(text_is(parquet_read_text(r, 3), "id-1"));
	parquet_read_close(r);
	fclose(in);
	free(bytes);
}

/* Whichever byte is another one, and wherever the file ends: an error, or the same rows. */
static void damaged_tables_are_never_other_tables(void **state)
{
	(void)state;
	static const uint8_t changes[] = { 1, 0x10, 0x80, 0xff };
	uint64_t written[TABLE_COLUMNS], found[TABLE_COLUMNS];
	struct err e;
	size_t size;
	char *bytes = write_table(TABLE_ROWS, &size, written);
	for (size_t at = 0; at < size; at++)
		for (size_t k = 0; k < sizeof changes; k++) {
			bytes[at] = (char)(bytes[at] ^ changes[k]);
			const int n = read_table(bytes, size, found, &e);
			if (n >= 0) {
				assert_int_equal(n, TABLE_ROWS);
				assert_memory_equal(written, found, sizeof written);
			} else {
				assert_int_equal(e.code, ERR_INVALID);
				assert_non_null(strstr(e.message, "table"));
			}
			bytes[at] = (char)(bytes[at] ^ changes[k]);
		}
	for (size_t n = 1; n < size; n++)
		assert_true(read_table(bytes, n, found, &e) < 0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_write_numbers_and_long_text),
		cmocka_unit_test(a_character_is_shown_alike_at_every_place),
		cmocka_unit_test(what_cjson_lets_through_is_refused),
		cmocka_unit_test(members_of_large_objects_are_found),
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(json_strings_end_where_they_end),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(csv_records_are_split_strictly),
		cmocka_unit_test(a_stray_quote_costs_one_line),
		cmocka_unit_test(all_scanners_find_the_same_delimiters),
		cmocka_unit_test(pairs_are_found_wherever_they_stand),
		cmocka_unit_test(utf8_is_valid_up_to_its_first_fault),
		cmocka_unit_test(counts_are_read_from_digits_only),
		cmocka_unit_test(columns_of_counts_agree),
		cmocka_unit_test(tables_are_read_as_they_were_written),
		cmocka_unit_test(damaged_tables_are_never_other_tables),
	};
	return cmocka_run_group_tests_name("text formats", tests, NULL, NULL);
}
