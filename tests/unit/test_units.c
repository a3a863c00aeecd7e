/* Every row of the table of units: its names are its own, and it is read, priced and kept. */
#include <stdio.h>
#include <string.h>

#include "meter/read/record.h"
#include "meter/store/row_text.h"
#include "meter/store/usage_query.h"
#include "pricing/rate.h"
#include "tests/unit/unit.h"

static void names_are_their_own(void **state)
{
	char spelled[80];
	(void)state;
	for (int k = 0; k < COUNT_KINDS; k++) {
		const struct text name = text_of(count_name(k));
		assert_int_equal(count_by_name(name.p, name.n), k);
		for (int d = 0; d < GROUPING_COUNT; d++)
			assert_false(text_is(name, grouping_name((enum grouping)d)));
	}
	for (int u = 0; u < UNIT_COUNT; u++) {
		const enum record_field f = (enum record_field)(FIELD_UNITS + u);
		assert_int_equal(record_field_by_name(text_of(record_field_name(f))), f);
		snprintf(spelled, sizeof spelled, "unit_%s", unit_name((enum unit)u));
		assert_int_equal(record_field_by_name(text_of(spelled)), f);
		assert_int_equal(record_field_of_unit(text_of(unit_name((enum unit)u))), f);
		/* a fee for every call is no unit */
		assert_string_not_equal(unit_name((enum unit)u), FEE_PER_REQUEST);
	}
}

/* Random counts of every kind: a record's text keeps them, and two ways to the amount agree. */
static void counts_are_kept_and_priced(void **state)
{
	uint64_t seed = unit_seed();
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct record r;
		struct fee fees[1 + UNIT_COUNT] = { { FEE_PER_REQUEST, { 5 }, 1 } };
		struct stored_price p = { .fee = fees, .fee_count = COUNT(fees) };
		struct usage u = { 0 };
		struct err e = { 0 };
		struct buf b = { 0 };
		int64_t counts[COUNT_KINDS] = { 0 };
		int128 want = 0;
		record_clear(&r);
		u.requests = r.requests = 1 + (int64_t)(unit_random(&seed) % 3);
		for (int k = 0; k < COUNT_KINDS; k++)
			if (k != BUCKET_REASONING && unit_random(&seed) % 3 == 0)
				r.counts[k] = (int64_t)(unit_random(&seed) % 1000000);
		for (int n = 0; n < PART_COUNT; n++)
			r.parts[n] = r.tokens[part_whole((enum usage_part)n)] / 3;
		want += (int128)r.requests * 5 * 1000000;
		for (int n = 0; n < UNIT_COUNT; n++) {
			const int64_t pico = (int64_t)(unit_random(&seed) % 1000) * 1000;
			fees[1 + n] = (struct fee){ unit_name((enum unit)n), { pico }, 1000 };
			want += (int128)r.units[n] * pico * 1000;
		}
		for (int k = 0; k < BUCKET_COUNT; k++) {
			const bool stated =
				k != BUCKET_REASONING && (r.tokens[k] || unit_random(&seed) % 2);
			p.rates.per_million[k].pico = stated ? 1000 * (k + 1) : 0;
			p.rates.known |= (uint32_t)stated << k;
			want += (int128)r.tokens[k] * p.rates.per_million[k].pico;
		}
		for (int n = 0; n < PART_COUNT; n++) {
			const int whole = part_whole((enum usage_part)n),
				  apart = part_apart((enum usage_part)n);
			if (p.rates.known >> apart & 1)
				want += (int128)r.parts[n] * (p.rates.per_million[apart].pico -
							      p.rates.per_million[whole].pico);
		}
		struct money_total amount;
		assert_int_equal(stored_price_amount(&p, r.counts, r.requests, &amount, &e), 0);
		assert_true(amount.atto == want);
		/* the rater says the same of the call */
		struct tariff t = { .rates = p.rates };
		struct price price = { .fee = fees, .fee_count = COUNT(fees) };
		struct rating rating;
		usage_set_counts(&u, r.counts);
		assert_int_equal(rate_usage(&rating, &u, &price, &t, &e), 0);
		assert_true(rating.total.atto == want);
		/* the common buckets have columns; the rest is a text */
		row_put_more(&b, &(struct usage_row){ .record = r });
		memcpy(counts, r.counts, BUCKET_COMMON * sizeof *counts);
		if (b.n)
			assert_int_equal(row_read_more(counts, NULL, (struct text){ b.p, b.n }, &e),
					 0);
		assert_memory_equal(counts, r.counts, sizeof counts);
		buf_release(&b);
	}
}

/* Where tokens move between what was fresh and what was cached, their pictures and films go along.
 */
static void parts_follow_their_wholes(void **state)
{
	uint64_t seed = unit_seed();
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct usage u = { .requests = 1 };
		int64_t before = 0, after = 0, prompt;
		for (int p = 0; p < PART_COUNT; p++) {
			u.parts[p] = (int64_t)(unit_random(&seed) % 100);
			before += bucket_is_prompt(part_whole((enum usage_part)p)) ? u.parts[p] : 0;
		}
		const int64_t shown = u.parts[PART_OUTPUT_IMAGE];
		u.tokens[BUCKET_OUTPUT] = (int64_t)(unit_random(&seed) % 100);
		prompt = before + (int64_t)(unit_random(&seed) % 100) - 20;
		prompt = prompt < 0 ? 0 : prompt;
		u.tokens[BUCKET_INPUT] = (int64_t)(unit_random(&seed) % (uint64_t)(prompt + 1));
		u.tokens[BUCKET_CACHE_READ] = prompt - u.tokens[BUCKET_INPUT];
		parts_fit(u.counts);
		for (int p = 0; p < PART_COUNT; p++)
			after += bucket_is_prompt(part_whole((enum usage_part)p)) ? u.parts[p] : 0;
		const int64_t most = u.tokens[BUCKET_OUTPUT];
		assert_true(u.parts[PART_OUTPUT_IMAGE] == (shown < most ? shown : most));
		assert_int_equal(usage_check(&u, NULL), 0);
		assert_true(after == (before < prompt ? before : prompt));
	}
}

/* What a newer version counts is named, not left out of the amount. */
static void what_is_not_known_is_refused(void **state)
{
	int64_t counts[COUNT_KINDS] = { 0 };
	struct err e = { 0 };
	(void)state;
	assert_int_equal(row_read_more(counts, NULL, TEXT("{\"page\":2,\"nap\":3}"), &e),
			 -ERR_STORE);
	assert_non_null(strstr(e.message, "'nap'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_their_own),
		cmocka_unit_test(counts_are_kept_and_priced),
		cmocka_unit_test(parts_follow_their_wholes),
		cmocka_unit_test(what_is_not_known_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
