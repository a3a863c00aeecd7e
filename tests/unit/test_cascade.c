/* Cascades: by hand on a few tasks, and noisy gates against a simulation of the gate. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/cascade.h"
#include "sim/gsl.h"
#include "sim/proportion.h"

static struct outcomes *read_text(const char *text, const char *signal, struct err *e)
{
	char path[64];
	struct outcomes *o = NULL;
	snprintf(path, sizeof path, "/tmp/tally-outcomes-%d", (int)getpid());
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	if (outcomes_read(&o, path, &(struct outcomes_options){ .signal = signal }, e) != 0)
		o = NULL;
	unlink(path);
	return o;
}

static const char few[] = "task,model,solved,cost,score\n"
			  "a,c,true,1,0.9\na,s,true,10,\n"
			  "b,c,true,1,0.4\nb,s,false,10,\n"
			  "c,c,false,2,0.5\nc,s,true,20,\n"
			  "d,c,false,2,0.1\nd,s,false,30,\n"
			  "d,,false,7,\n";

static int128 units(int128 n)
{
	return n * 1000000000000000000;
}

static void test_by_hand(void **state)
{
	(void)state;
	struct err e;
	struct cascade_result r;
	struct outcomes *o = read_text(few, "score", &e);
	assert_non_null(o);
	assert_int_equal(o->attempts, 9);
	assert_int_equal(o->without_model, 1);
	assert_true(o->cost_without_model.atto == units(7));
	assert_int_equal(cascade_run(&r,
				     &(struct cascade_options){
					     o, 0, 1, { 1, 0 }, { 0, 0 }, true, 1, 100, 950, 1 },
				     &e),
			 0);
	assert_true(r.both == 1 && r.cheap_only == 1 && r.strong_only == 1 && r.neither == 1);
	assert_true(r.cheap.cost.atto == units(6) && r.strong.cost.atto == units(70));
	/* c and d are sent on: 6 + 20 + 30 */
	assert_true(r.cascade.cost.atto == units(56));
	assert_true(r.cascade.solved_nano == (int128)3000000000);
	/* a, b on the cheap one, c on the strong one alone, d on the cheap one */
	assert_true(r.oracle.cost.atto == units(1 + 1 + 20 + 2));
	/* 1 - 6/70, and (70 - 6) / (4 x 25) */
	assert_int_equal((int)r.break_even_nano, 914285714);
	assert_int_equal((int)r.break_even_escalated_nano, 640000000);
	/* thresholds 0.9, 0.5, 0.4, 0.1: accepted a; a c; a c b; all */
	const struct {
		int escalated, solved, cost;
	} want[] = { { 3, 2, 66 }, { 2, 1, 46 }, { 1, 2, 36 }, { 0, 2, 6 } };
	assert_int_equal(r.sweeps, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(r.sweep[i].escalated, want[i].escalated);
		assert_int_equal(r.sweep[i].solved, want[i].solved);
		assert_true(r.sweep[i].cost.atto == units(want[i].cost));
	}
	assert_false(r.has_apgr); /* the strong model solves no more */
	cascade_release(&r);
	outcomes_close(o);
}

static void test_quality_curves_by_hand(void **state)
{
	(void)state;
	struct err e;
	struct cascade_result r;
	/* cheap solves 1 of 4 for 4, strong 3 of 4 for 40; the perfect gate sends 3 on: 4 + 30 */
	struct outcomes *o = read_text("id,c_correct,c_cost,s_correct,s_cost\n"
				       "1,1,1,1,10\n2,0,1,1,10\n3,0,1,1,10\n4,0,1,0,10\n",
				       NULL, &e);
	assert_non_null(o);
	assert_int_equal(cascade_run(&r,
				     &(struct cascade_options){
					     o, 0, 1, { 1, 0 }, { 0, 0 }, false, 1, 0, 950, 1 },
				     &e),
			 0);
	assert_true(r.cascade.cost.atto == units(34));
	/* hull: (4, 1/4) to (34, 3/4), then flat to 40: (30 x 1/2 + 6 x 3/4) / 36 */
	assert_int_equal((int)r.aiq_nano, 541666667);
	/* shares 0, 3/4, 1; recovered 0, 1, 1: 3/4 x 1/2 + 1/4 */
	assert_int_equal((int)r.apgr_nano, 625000000);
	assert_int_equal((int)r.cpt50_nano, 375000000);
	assert_int_equal((int)r.cpt80_nano, 600000000);
	cascade_release(&r);
	outcomes_close(o);
}

static uint64_t next(uint64_t *s)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return *s >> 33;
}

static void test_noisy_gates_agree_with_a_simulation(void **state)
{
	(void)state;
	struct err e;
	enum { TASKS = 200, ROUNDS = 2000 };
	struct buf b = { 0 };
	uint64_t s = 99;
	bool cheap[TASKS], strong[TASKS];
	int cheap_cost[TASKS], strong_cost[TASKS];
	buf_puts(&b, "task,model,solved,cost\n");
	for (int i = 0; i < TASKS; i++) {
		int hard = (int)(next(&s) % 100);
		cheap[i] = hard < 55;
		strong[i] = (int)(next(&s) % 100) > hard / 2;
		cheap_cost[i] = 1 + hard / 10;
		strong_cost[i] = 10 + hard;
		buf_printf(&b, "t%d,c,%d,%d\nt%d,s,%d,%d\n", i, cheap[i], cheap_cost[i], i,
			   strong[i], strong_cost[i]);
	}
	struct outcomes *o = read_text(b.p, NULL, &e);
	assert_non_null(o);
	struct cascade_result r;
	assert_int_equal(cascade_run(&r,
				     &(struct cascade_options){
					     o, 0, 1, { 85, 2 }, { 3, 1 }, false, 1, 0, 950, 1 },
				     &e),
			 0);
	double mean[3] = { 0 }, square[3] = { 0 };
	for (int k = 0; k < ROUNDS; k++) {
		double x[3] = { 0 }; /* escalated, solved, cost */
		for (int i = 0; i < TASKS; i++) {
			bool accept = (int)(next(&s) % 100) < (cheap[i] ? 85 : 30);
			x[0] += !accept;
			x[1] += accept ? cheap[i] : strong[i];
			x[2] += cheap_cost[i] + (accept ? 0 : strong_cost[i]);
		}
		for (int c = 0; c < 3; c++) {
			mean[c] += x[c] / ROUNDS;
			square[c] += x[c] * x[c] / ROUNDS;
		}
	}
	const double closed[3] = { (double)r.cascade.escalated_nano / 1e9,
				   (double)r.cascade.solved_nano / 1e9,
				   (double)r.cascade.cost.atto / 1e18 };
	for (int c = 0; c < 3; c++)
		assert_true(fabs(mean[c] - closed[c]) <
			    4 * sqrt((square[c] - mean[c] * mean[c]) / ROUNDS));
	cascade_release(&r);
	outcomes_close(o);
	buf_release(&b);
}

static void test_proportions(void **state)
{
	(void)state;
	int64_t w[2];
	assert_int_equal(gsl_need(NULL), 0);
	/* Wilson 1927 for 10 of 100 at 95 %: 0.05522914 to 0.17436566 (R: prop.test, no
	 * correction) */
	wilson_interval(10, 100, 950, w);
	assert_true(llabs(w[0] - 55229140) < 20 && llabs(w[1] - 174365660) < 20);
	wilson_interval(0, 20, 950, w);
	assert_int_equal(w[0], 0);
	/* 2 against 10: 2 x (1 + 12 + 66) / 4096 */
	assert_int_equal(mcnemar_exact_nano(2, 10), 38574219);
	assert_int_equal(mcnemar_exact_nano(5, 5), 1000000000);
	assert_int_equal(mcnemar_exact_nano(0, 0), 1000000000);
}

static void test_bad_outcomes_name_line_and_field(void **state)
{
	(void)state;
	const struct {
		const char *text, *says;
	} bad[] = {
		{ "task,model,solved,cost\na,c,maybe,1\n", ":2: field 'solved'" },
		{ "task,model,solved,cost\na,c,1,-1\n", ":2: field 'cost'" },
		{ "task,model,solved,cost\na,c,1,1\nb,c,1\n", ":3: 3 fields" },
		{ "task,model,solved,cost\na,c,1,99999999999\n", ":2: field 'cost'" },
		{ "colour\nred\n", ":1: the header" },
		{ "id,c_correct,c_correct\n1,1,1\n", ":1: columns 'c_correct' and 'c_correct'" },
		{ "id,c_correct\n1,1\n1,0\n", ":3: the task '1' is listed twice" },
		{ "{\"task\":\"a\"}\n", ":1: a task is an object" },
		{ "{\"task\":\"a\",\"attempts\":[{\"model\":\"c\",\"cost\":\"x\"}]}\n",
		  ":1: field 'cost'" },
		{ "task,model,solved,cost\n", "holds no task" },
		{ "task,model,solved,cost\na,\xff,1,1\n", "UTF-8" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };
		assert_null(read_text(bad[i].text, NULL, &e));
		if (!strstr(e.message, bad[i].says))
			fail_msg("case %zu: %s", i, e.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_quality_curves_by_hand),
		cmocka_unit_test(test_noisy_gates_agree_with_a_simulation),
		cmocka_unit_test(test_proportions),
		cmocka_unit_test(test_bad_outcomes_name_line_and_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
