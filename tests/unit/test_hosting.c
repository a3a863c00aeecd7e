/* Machines by the hour: bursts, quiet hours, what goes on beyond the hour, against a plain search.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/arena.h"
#include "sim/hosting.h"

#define SECOND US_PER_SECOND

static const struct hosting plain = {
	.gpu_hour = { 1 }, .gpus = 1, .slots = 1, .replicas_least = 1, .wait_us = 60 * SECOND
};

static struct hosted run(const struct hosting *h, struct hosted_call *call, size_t calls)
{
	struct hosted out;
	struct err e = { 0 };
	if (hosting_run(&out, h, call, calls, &e) != 0)
		fail_msg("%s", e.message);
	return out;
}

static void test_a_burst_is_not_its_average(void **state)
{
	(void)state;
	struct hosted_call call[60];
	/* a call a minute of 45 s each: one machine, nobody waits */
	for (uint32_t i = 0; i < 60; i++)
		call[i] = (struct hosted_call){ i * 60 * SECOND, 45 * SECOND, i, 0 };
	struct hosted out = run(&plain, call, 60);
	assert_int_equal(out.replica_hours, 1);
	assert_int_equal(out.wait.longest, 0);
	assert_int_equal(out.answer.median, 45 * SECOND);
	/* all at once, as much work in the hour: each machine answers two within the minute
	   (0 and 45 s), so 30 machines */
	for (uint32_t i = 0; i < 60; i++)
		call[i].time_us = 0;
	out = run(&plain, call, 60);
	assert_int_equal(out.replicas, 30);
	assert_int_equal(out.hours, 1);
	assert_int_equal(out.wait.longest, 45 * SECOND);
	assert_int_equal(out.answer.most_of_20, 90 * SECOND);
	/* on one machine, the last waits for the 59 before it */
	struct hosting one = plain;
	one.replicas = 1;
	out = run(&one, call, 60);
	assert_int_equal(out.replica_hours, 1);
	assert_int_equal(out.wait.longest, 59 * 45 * SECOND);
	assert_int_equal(out.wait.mean, 59 * 45 * SECOND / 2);
	assert_int_equal(out.wait.median, 29 * 45 * SECOND);
	/* two places on a machine share its speed: 90 s each, so that half as many wait as long */
	struct hosting two = plain;
	two.slots = 2;
	out = run(&two, call, 60);
	assert_int_equal(out.replicas, 30);
	assert_int_equal(out.wait.longest, 0);
	assert_int_equal(out.answer.longest, 90 * SECOND);
}

static void test_what_is_at_work_is_rented_on(void **state)
{
	(void)state;
	/* 100 minutes of work that begin in the second hour */
	struct hosted_call call[2] = { { 0, 2000 * SECOND, 0, 0 },
				       { 3660 * SECOND, 6000 * SECOND, 1, 0 } };
	struct hosted out = run(&plain, call, 2);
	assert_int_equal(out.hours, 3);
	assert_int_equal(out.replica_hours, 3);
	assert_true(out.busy_us == 8000 * SECOND);
	/* nothing runs in the hours between, where nothing must */
	struct hosting idle = plain;
	idle.replicas_least = 0;
	call[1].time_us = 10 * US_PER_HOUR;
	call[1].work_us = SECOND;
	out = run(&idle, call, 2);
	assert_int_equal(out.hours, 11);
	assert_int_equal(out.replica_hours, 2);
	assert_int_equal(run(&plain, call, 2).replica_hours, 11);
}

/* Of so many places that begin the hour with these ends; false where one waits too long. */
static bool serves(const int64_t *ends, size_t busy, int64_t replicas, int64_t begin_us,
		   const struct hosted_call *call, size_t calls, int64_t wait_us, int64_t *after)
{
	for (int64_t k = 0; k < replicas; k++)
		after[k] = k < (int64_t)busy ? ends[k] : begin_us;
	for (size_t i = 0; i < calls; i++) {
		int64_t best = 0;
		for (int64_t k = 1; k < replicas; k++)
			best = after[k] < after[best] ? k : best;
		const int64_t start = after[best] > call[i].time_us ? after[best] : call[i].time_us;
		if (start - call[i].time_us > wait_us)
			return false;
		after[best] = start + call[i].work_us;
	}
	return true;
}

/* Hour by hour, one machine more until it is enough. */
static void test_no_fewer_would_do(void **state)
{
	(void)state;
	enum { MOST = 400 };
	uint64_t seed = unit_seed();
	for (int round = 0; round < 40; round++) {
		struct hosted_call call[MOST];
		const size_t n = 1 + unit_random(&seed) % MOST;
		int64_t at = 0, hours = 0, replica_hours = 0, ends[MOST * 2], after[MOST * 2];
		for (size_t i = 0; i < n; i++) {
			at += (int64_t)(unit_random(&seed) % (unit_random(&seed) % 9 ? 90 : 5000)) *
			      SECOND;
			call[i] = (struct hosted_call){
				at, (int64_t)(unit_random(&seed) % 300) * SECOND, (uint32_t)i, 0
			};
		}
		struct hosting h = plain;
		h.wait_us = (int64_t)(unit_random(&seed) % 200) * SECOND;
		size_t from = 0, busy = 0;
		const int64_t first = call[0].time_us;
		for (int64_t begin = first; from < n || busy; begin += US_PER_HOUR, hours++) {
			size_t to = from;
			while (to < n && call[to].time_us < begin + US_PER_HOUR)
				to++;
			int64_t c = busy ? (int64_t)busy : 1;
			while (!serves(ends, busy, c, begin, call + from, to - from, h.wait_us,
				       after))
				c++;
			replica_hours += c;
			busy = 0;
			for (int64_t k = 0; k < c; k++)
				if (after[k] > begin + US_PER_HOUR)
					ends[busy++] = after[k];
			from = to;
		}
		const struct hosted out = run(&h, call, n);
		assert_int_equal(out.hours, hours);
		assert_int_equal(out.replica_hours, replica_hours);
		assert_true(out.wait.longest <= h.wait_us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_burst_is_not_its_average),
		cmocka_unit_test(test_what_is_at_work_is_rented_on),
		cmocka_unit_test(test_no_fewer_would_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
