/* Forecasts: how often the quantiles hold, weekdays that differ and those that do not, spikes,
 * exhaustion. */
#include "tests/unit/unit.h"

#include <math.h>

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
						     .first_day = 1,
						     .last_day = horizon,
						     .left = left,
						     .seed = seed,
						     .draws = 800 },
			 &e) != 0)
		fail_msg("%s", e.message);
	return f;
}

/* A day's spending: skewed, with a spike now and then (0: never). */
static struct money_total day_of(uint64_t *seed, int weekday, bool weekly, int spike_every)
{
	int128 v =
		(int128)(unit_random(seed) % 1000 + 500) * (int128)(unit_random(seed) % 1000 + 500);
	if (spike_every && unit_random(seed) % (uint64_t)spike_every == 0)
		v *= 6;
	if (weekly && weekday >= 5)
		v /= 10;
	return (struct money_total){ v * (unit / 1000000) };
}

/* How many of so many futures lie within 5 and 95 %. */
static int held(uint64_t *seed, int rounds, int spike_every)
{
	int inside = 0, below_half = 0;
	for (int r = 0; r < rounds; r++) {
		struct money_total past[DAYS], sum = { 0 };
		for (int i = 0; i < DAYS; i++)
			past[i] = day_of(seed, i % 7, r % 2, spike_every);
		for (int i = 0; i < HORIZON; i++)
			sum.atto += day_of(seed, (DAYS + 1 + i) % 7, r % 2, spike_every).atto;
		struct forecast f =
			run(past, DAYS, HORIZON, (struct money_total){ 0 }, (uint64_t)r);
		inside += sum.atto >= forecast_sum_at(&f, 50).atto &&
			  sum.atto <= forecast_sum_at(&f, 950).atto;
		below_half += sum.atto <= forecast_sum_at(&f, 500).atto;
		forecast_release(&f);
	}
	print_message("# %d of %d within 5 and 95 %%, %d below the median\n", inside, rounds,
		      below_half);
	assert_true(below_half > rounds * 38 / 100 && below_half < rounds * 62 / 100);
	return inside;
}

/*
 * 90 % are asked for. Drawing from 56 days by a program of its own, which knows that nothing but
 * weekends differs, has 89 % of such futures inside, and 82 % where one day in forty costs six
 * times as much: such a day is missing in one past of four, and comes in one future of three.
 * Bounds are four standard errors from that.
 */
static void test_quantiles_hold_as_often_as_they_say(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	enum { ROUNDS = 300 };
	const int even = held(&seed, ROUNDS, 0), spiky = held(&seed, ROUNDS, 40);
	assert_true(even > ROUNDS * 815 / 1000 && even < ROUNDS * 965 / 1000);
	assert_true(spiky > ROUNDS * 73 / 100 && spiky < ROUNDS * 91 / 100);
}

static void test_weekdays_are_told_where_they_differ(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	int found = 0, invented = 0;
	for (int r = 0; r < 200; r++) {
		struct money_total weekly[DAYS], flat[DAYS];
		for (int i = 0; i < DAYS; i++) {
			weekly[i] = day_of(&seed, i % 7, true, 40);
			flat[i] = day_of(&seed, i % 7, false, 40);
		}
		struct forecast f = run(weekly, DAYS, 1, (struct money_total){ 0 }, 1);
		found += f.model.seasonal;
		forecast_release(&f);
		f = run(flat, DAYS, 1, (struct money_total){ 0 }, 1);
		invented += f.model.seasonal;
		forecast_release(&f);
		/* less than two weeks are no basis */
		f = run(weekly, 13, 1, (struct money_total){ 0 }, 1);
		assert_false(f.model.seasonal);
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

/* What is as plain as this must be found whatever the noise of some percent. */
static void test_the_level_that_holds_now(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int r = 0; r < 50; r++) {
		struct money_total past[DAYS];
		const size_t since = 20 + unit_random(&seed) % 26; /* 10 to 35 days ago */
		for (size_t i = 0; i < DAYS; i++)
			past[i].atto =
				(int128)((i < since ? 100 : 300) + unit_random(&seed) % 20) * unit;
		struct forecast f = run(past, DAYS, HORIZON, (struct money_total){ 0 }, 1);
		assert_true(f.model.changed && f.model.growth == 0);
		assert_int_equal(f.model.first, since);
		assert_true(forecast_sum_at(&f, 50).atto >= HORIZON * 300 * unit);
		forecast_release(&f);
	}
}

/* A campaign, a holiday: days at another level between two that may be the same. */
static void test_an_episode_that_is_over(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int r = 0; r < 50; r++) {
		struct money_total past[DAYS];
		const size_t end = 25 + unit_random(&seed) % 26, /* 6 to 31 days ago */
			from = end - 6 - unit_random(&seed) % 8;
		const int then = r % 2 ? 300 : 30, now = r % 3 ? 100 : 120;
		for (size_t i = 0; i < DAYS; i++)
			past[i].atto = (int128)((i < from  ? 100
						 : i < end ? then
							   : now) *
						(95 + unit_random(&seed) % 11)) *
				       unit;
		struct forecast f = run(past, DAYS, HORIZON, (struct money_total){ 0 }, 1);
		assert_true(f.model.changed && f.model.growth == 0);
		assert_int_equal(f.model.first, end);
		assert_in_range((uint64_t)(forecast_sum_at(&f, 500).atto / unit / HORIZON),
				now * 94, now * 106);
		forecast_release(&f);
	}
	/* what is over for four days may go on */
	struct money_total past[DAYS];
	for (size_t i = 0; i < DAYS; i++)
		past[i].atto = (i >= DAYS - 9 && i < DAYS - 4 ? 0 : 100) * unit;
	struct forecast f = run(past, DAYS, HORIZON, (struct money_total){ 0 }, 1);
	assert_false(f.model.changed);
	forecast_release(&f);
}

static void test_weeks_are_seen_through_growth(void **state)
{
	(void)state;
	struct money_total past[DAYS];
	/* twice as much every week, weekends a tenth */
	for (int i = 0; i < DAYS; i++)
		past[i].atto = (int128)((i % 7 >= 5 ? 10 : 100) << (i / 7)) * unit;
	struct forecast f = run(past, DAYS, 1, (struct money_total){ 0 }, 1);
	assert_true(f.model.seasonal && f.model.growth > 0 && !f.model.changed);
	/* a Tuesday, more than the last one and at most twice as much and a little */
	assert_true(forecast_sum_at(&f, 500).atto > (int128)(100 << 7) * unit);
	assert_true(forecast_sum_at(&f, 500).atto < (int128)(220 << 7) * unit);
	forecast_release(&f);
	/* growth levels off: ten years of doubling weeks would be no number */
	f = run(past, DAYS, 3650, (struct money_total){ 0 }, 1);
	assert_true(forecast_sum_at(&f, 500).atto < (int128)(100 << 14) * 3650 * unit);
	forecast_release(&f);
}

/* Growth by as much every day is no growth by a factor a day, whatever the week and the noise; what
 * falls stays above zero. */
static void test_growth_by_an_amount_a_day(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int r = 0; r < 40; r++) {
		struct money_total past[DAYS];
		int128 coming = 0;
		for (int i = 0; i < DAYS + 7; i++) {
			const int128 level = r % 4 == 3 ? 700 - i * 8 : 100 + i * 10,
				     day = (r % 2 && i % 7 >= 5 ? level / 5 : level) * unit;
			coming += i < DAYS ? 0 : day;
			if (i < DAYS)
				past[i].atto = day / 100 * (95 + unit_random(&seed) % 11);
		}
		struct forecast f = run(past, DAYS, 7, (struct money_total){ 0 }, 1);
		assert_true(f.model.growth != 0 && f.model.added != 0);
		assert_in_range((uint64_t)(forecast_sum_at(&f, 500).atto * 100 / coming), 90, 110);
		assert_true(forecast_sum_at(&f, 5).atto > 0);
		forecast_release(&f);
	}
}

/*
 * What grows may grow otherwise: of futures of growth by a factor a day as many lie within 5 and 95
 * % as without growth, but for those in which none was found yet and what its damping leaves out.
 */
static void test_growth_is_as_uncertain_as_it_is(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	enum { ROUNDS = 200 };
	int inside = 0, grows = 0;
	for (int r = 0; r < ROUNDS; r++) {
		struct money_total past[DAYS];
		int128 coming = 0;
		const double a_day = (r % 2 ? 1 : -1) * (0.008 + (double)(r % 10) / 1000);
		for (int i = 0; i < DAYS + HORIZON; i++) {
			const double noise = (double)(unit_random(&seed) % 601) / 1000 - 0.3;
			const int128 day =
				(int128)(1e6 * exp(a_day * i + noise)) * (unit / 1000000);
			if (i < DAYS)
				past[i].atto = day;
			else
				coming += day;
		}
		struct forecast f =
			run(past, DAYS, HORIZON, (struct money_total){ 0 }, (uint64_t)r);
		if (f.model.growth != 0) {
			grows++;
			inside += coming >= forecast_sum_at(&f, 50).atto &&
				  coming <= forecast_sum_at(&f, 950).atto;
		}
		forecast_release(&f);
	}
	print_message("# growth: %d of %d within 5 and 95 %%\n", inside, grows);
	assert_true(grows > ROUNDS / 2);
	assert_true(inside >=
		    grows * 75 / 100); /* 84 in the mean of seeds, 66 without the error of growth */
}

static void test_equal_days_are_exact_to_the_last_digit(void **state)
{
	(void)state;
	for (size_t n = 7; n < 60; n++) {
		struct money_total past[60];
		struct forecast f;
		struct err e;
		for (size_t i = 0; i < n; i++)
			past[i].atto = 10 * unit / 3;
		/* the quarter after the next month, and half of its last day */
		struct forecast_options o = { .day = past,
					      .days = n,
					      .first_weekday = (int)(n % 7),
					      .first_day = 30,
					      .last_day = 120,
					      .last_share = { 1, 2 },
					      .draws = 200 };
		assert_int_equal(forecast_run(&f, &o, &e), 0);
		assert_true(forecast_sum_at(&f, 50).atto == 10 * unit / 3 * 90 + 10 * unit / 6);
		assert_true(forecast_sum_at(&f, 950).atto == forecast_sum_at(&f, 50).atto);
		forecast_release(&f);
	}
}

static void test_the_back_test_sees_nothing_of_what_came(void **state)
{
	(void)state;
	struct money_total past[DAYS];
	struct forecast_check c;
	for (int i = 0; i < DAYS; i++)
		past[i].atto = (i < DAYS - 28 ? 10 : 70) * unit;
	struct forecast_options o = { .day = past, .days = DAYS, .last_day = 5, .draws = 200 };
	assert_true(forecast_back_test(&c, &o, 28));
	assert_true(c.middle.atto == 280 * unit && c.high.atto == 280 * unit);
	assert_true(c.real.atto == 28 * 70 * unit);
	o.days = 41;
	assert_false(forecast_back_test(&c, &o, 28));
}

/* What each day costs, in cents, and what the seven days after them come to in the middle. */
static int64_t next_week(const int64_t day[DAYS], const int64_t *part, size_t parts)
{
	struct money_total past[DAYS], split[2 * DAYS];
	struct forecast f;
	struct err e;
	for (size_t i = 0; i < DAYS; i++)
		past[i].atto = day[i] * (unit / 100);
	for (size_t i = 0; i < DAYS * parts; i++)
		split[i].atto = part[i] * (unit / 100);
	const struct forecast_options o = { .day = past,
					    .days = DAYS,
					    .part = split,
					    .parts = parts,
					    .last_day = 6,
					    .draws = 400 };
	assert_int_equal(forecast_run(&f, &o, &e), 0);
	const int64_t cents = (int64_t)(forecast_sum_at(&f, 500).atto / (unit / 100));
	forecast_release(&f);
	return cents;
}

/* Growth is that of the level that holds now: a step is none, what grows after a step is some, and
 * a few days without use that are over are neither a level nor a fall. */
static void test_growth_within_the_level(void **state)
{
	(void)state;
	int64_t day[DAYS], part[2 * DAYS];
	/* a fifth more since ten days ago, on the same model and on another one */
	for (int i = 0; i < DAYS; i++) {
		day[i] = i < DAYS - 10 ? 10000 : 12000;
		part[2 * i] = 10000;
		part[2 * i + 1] = day[i] - 10000;
	}
	assert_int_equal(next_week(day, NULL, 0), 7 * 12000);
	assert_int_equal(next_week(day, part, 2), 7 * 12000);
	/* three times as much, and since then three hundredths more every day */
	double level = 3000, coming = 0;
	for (int i = 0; i<DAYS; i++, level *= i> 30 ? 1.03 : 1)
		day[i] = i < 30 ? 1000 : (int64_t)level;
	for (int i = 0; i < 7; i++, level *= 1.03)
		coming += level;
	assert_in_range(next_week(day, NULL, 0), coming * 0.95, coming * 1.02);
	for (int away = 1; away <= 3; away++) {
		for (int i = 0; i < DAYS; i++)
			day[i] = i >= DAYS - 3 - away && i < DAYS - 3 ? 0 : 1000;
		assert_int_equal(next_week(day, NULL, 0), 7 * 1000);
	}
}

/* Who came, left or changed is drawn from his own days since then, the others from all of theirs:
 * exact where days are equal, and not lost in the noise of the others; a customer who did not
 * change stays with them. */
static void test_customers_who_came_and_left(void **state)
{
	(void)state;
	enum { WHOS = 4, CAME = 1, LEFT = 2 }; /* the last one stays as he is */
	uint64_t seed = unit_seed();
	int inside = 0;
	for (int r = 0; r < 60; r++) {
		struct money_total past[DAYS] = { 0 }, of[DAYS * WHOS];
		for (int i = 0; i < DAYS; i++) {
			const int64_t others = r % 2 ? 50 + (int64_t)(unit_random(&seed) % 101)
						     : 100,
				      used[WHOS] = { others, i < DAYS - 12 ? 0 : 40,
						     i < DAYS - 9 ? 25 : 0, 7 };
			for (int w = 0; w < WHOS; w++) {
				of[i * WHOS + w].atto = used[w] * unit;
				past[i].atto += used[w] * unit;
			}
			of[i * WHOS] = past[i]; /* all */
		}
		struct forecast f;
		struct err e;
		const struct forecast_options o = { .day = past,
						    .days = DAYS,
						    .part = of,
						    .parts = 1,
						    .whos = WHOS,
						    .last_day = HORIZON - 1,
						    .draws = 400 };
		assert_int_equal(forecast_run(&f, &o, &e), 0);
		assert_int_equal(f.streams, 2);
		assert_int_equal(f.stream[0].who[0], CAME);
		assert_int_equal(f.stream[0].model.first, DAYS - 12);
		assert_int_equal(f.stream[1].who[0], LEFT);
		assert_int_equal(f.stream[1].model.first, DAYS - 9);
		const int128 middle = forecast_sum_at(&f, 500).atto / unit;
		if (r % 2)
			inside += middle > 13 * 147 && middle < 15 * 147;
		else
			assert_int_equal(middle, HORIZON * (100 + 40 + 7));
		forecast_release(&f);
	}
	assert_in_range(inside, 27, 30);
}

/* All customers changed on one day: they are drawn together, so that what they share stays shared.
 */
static void test_customers_who_change_together(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct money_total past[DAYS], of[DAYS * 3];
	struct forecast f;
	struct err e;
	for (int i = 0; i < DAYS; i++) {
		const int64_t level = (i < DAYS - 14 ? 100 : 300) + (int)(unit_random(&seed) % 20);
		of[3 * i].atto = 1000 * unit;
		of[3 * i + 1].atto = level * unit;
		of[3 * i + 2].atto = (1000 - level) * unit;
		past[i].atto = 1000 * unit;
	}
	const struct forecast_options o = { .day = past,
					    .days = DAYS,
					    .part = of,
					    .parts = 1,
					    .whos = 3,
					    .last_day = 6,
					    .draws = 400 };
	assert_int_equal(forecast_run(&f, &o, &e), 0);
	assert_int_equal(f.streams, 1);
	assert_int_equal(f.stream[0].whos, 2);
	assert_true(forecast_sum_at(&f, 0).atto == 7000 * unit);
	assert_true(forecast_sum_at(&f, 1000).atto == 7000 * unit);
	forecast_release(&f);
	/* where those without a place of their own changed too, it is a change of all */
	for (int i = 0; i < DAYS; i++) {
		of[3 * i].atto = (i < DAYS - 14 ? 50 : 500) * unit;
		of[3 * i + 1].atto = of[3 * i + 2].atto = of[3 * i].atto / 5;
		past[i] = of[3 * i];
	}
	assert_int_equal(forecast_run(&f, &o, &e), 0);
	assert_int_equal(f.streams, 0);
	assert_int_equal(f.model.first, DAYS - 14);
	assert_true(forecast_sum_at(&f, 500).atto == 3500 * unit);
	forecast_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth_within_the_level),
		cmocka_unit_test(test_customers_who_came_and_left),
		cmocka_unit_test(test_customers_who_change_together),
		cmocka_unit_test(test_quantiles_hold_as_often_as_they_say),
		cmocka_unit_test(test_weekdays_are_told_where_they_differ),
		cmocka_unit_test(test_a_trend_is_told),
		cmocka_unit_test(test_exhaustion_of_equal_days),
		cmocka_unit_test(test_the_level_that_holds_now),
		cmocka_unit_test(test_an_episode_that_is_over),
		cmocka_unit_test(test_weeks_are_seen_through_growth),
		cmocka_unit_test(test_growth_by_an_amount_a_day),
		cmocka_unit_test(test_growth_is_as_uncertain_as_it_is),
		cmocka_unit_test(test_equal_days_are_exact_to_the_last_digit),
		cmocka_unit_test(test_the_back_test_sees_nothing_of_what_came),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
