/* Forecasts: how often the quantiles hold, weekdays that differ and those that do not, spikes,
 * exhaustion. */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "sim/forecast.h"

enum { DAYS = 56, HORIZON = 14 };

static const int128 unit = 1000000000000000000;

static struct forecast run(const struct money_total *day, size_t days, int64_t horizon,
			   struct money_total left, uint64_t seed)
{
	struct forecast f;
	struct err e = { 0 };
	if (forecast_run(&f,
			 &(struct forecast_options){ .day = day,
						     .days = days,
						     .first_weekday = 0,
						     .horizon_days = horizon,
						     .left = left,
						     .seed = seed,
						     .draws = 2000 },
			 &e) != 0)
		fail_msg("%s", e.message);
	return f;
}

/* A day's spending: skewed, with a spike now and then. */
static struct money_total day_of(uint64_t *seed, int weekday, bool weekly)
{
	int128 v =
		(int128)(unit_random(seed) % 1000 + 500) * (int128)(unit_random(seed) % 1000 + 500);
	if (unit_random(seed) % 40 == 0)
		v *= 6;
	if (weekly && weekday >= 5)
		v /= 10;
	return (struct money_total){ v * (unit / 1000000) };
}

static void test_quantiles_hold_as_often_as_they_say(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	enum { ROUNDS = 300 };
	int inside = 0, below_half = 0;
	for (int r = 0; r < ROUNDS; r++) {
		struct money_total past[DAYS], sum = { 0 };
		for (int i = 0; i < DAYS; i++)
			past[i] = day_of(&seed, i % 7, r % 2);
		for (int i = 0; i < HORIZON; i++)
			sum.atto += day_of(&seed, (DAYS + 1 + i) % 7, r % 2).atto;
		struct forecast f =
			run(past, DAYS, HORIZON, (struct money_total){ 0 }, (uint64_t)r);
		inside += sum.atto >= forecast_sum_at(&f, 50).atto &&
			  sum.atto <= forecast_sum_at(&f, 950).atto;
		below_half += sum.atto <= forecast_sum_at(&f, 500).atto;
		forecast_release(&f);
	}
	/* 90 % are asked for; the history itself is a sample, so a few fewer; four standard errors
	 */
	print_message("# %d of %d within 5 and 95 %%, %d below the median\n", inside, ROUNDS,
		      below_half);
	assert_true(inside > ROUNDS * 80 / 100 && inside < ROUNDS * 97 / 100);
	assert_true(below_half > ROUNDS * 38 / 100 && below_half < ROUNDS * 62 / 100);
}

static void test_weekdays_are_told_where_they_differ(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	int found = 0, invented = 0;
	for (int r = 0; r < 200; r++) {
		struct money_total weekly[DAYS], flat[DAYS];
		for (int i = 0; i < DAYS; i++) {
			weekly[i] = day_of(&seed, i % 7, true);
			flat[i] = day_of(&seed, i % 7, false);
		}
		struct forecast f = run(weekly, DAYS, 1, (struct money_total){ 0 }, 1);
		found += f.seasonal;
		forecast_release(&f);
		f = run(flat, DAYS, 1, (struct money_total){ 0 }, 1);
		invented += f.seasonal;
		forecast_release(&f);
		/* three weeks are no basis */
		f = run(weekly, 27, 1, (struct money_total){ 0 }, 1);
		assert_false(f.seasonal);
		forecast_release(&f);
	}
	print_message("# weekdays: found %d of 200, invented %d of 200\n", found, invented);
	assert_true(found > 190);
	assert_true(invented < 12);
}

static void test_a_trend_is_told(void **state)
{
	(void)state;
	struct money_total rising[DAYS], flat[DAYS];
	for (int i = 0; i < DAYS; i++) {
		rising[i].atto = (100 + i * 3 + i % 5) * unit;
		flat[i].atto = (100 + i % 5) * unit;
	}
	struct forecast f = run(rising, DAYS, 1, (struct money_total){ 0 }, 1);
	assert_int_equal(f.trend, 1);
	forecast_release(&f);
	f = run(flat, DAYS, 1, (struct money_total){ 0 }, 1);
	assert_int_equal(f.trend, 0);
	forecast_release(&f);
}

static void test_exhaustion_of_equal_days(void **state)
{
	(void)state;
	struct money_total day[10];
	struct err e = { 0 };
	struct forecast f;
	for (int i = 0; i < 10; i++)
		day[i].atto = 10 * unit;
	/* 35 left, 10 a day: gone on the fourth day after today */
	f = run(day, 10, 3, (struct money_total){ 35 * unit }, 1);
	assert_int_equal(forecast_gone_at(&f, 500), 4);
	assert_int_equal(f.over, 0);
	assert_true(forecast_sum_at(&f, 950).atto == 30 * unit);
	forecast_release(&f);
	/* nothing is ever spent */
	for (int i = 0; i < 10; i++)
		day[i].atto = 0;
	f = run(day, 10, 3, (struct money_total){ 35 * unit }, 1);
	assert_int_equal(forecast_gone_at(&f, 1000), FORECAST_DAYS_FAR);
	forecast_release(&f);
	assert_true(forecast_run(&f,
				 &(struct forecast_options){ .day = day, .days = 6, .draws = 10 },
				 &e) != 0);
	assert_non_null(strstr(e.message, "too few"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_hold_as_often_as_they_say),
		cmocka_unit_test(test_weekdays_are_told_where_they_differ),
		cmocka_unit_test(test_a_trend_is_told),
		cmocka_unit_test(test_exhaustion_of_equal_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
