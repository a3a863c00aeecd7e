/*
 * Scenarios that are replayed together, in threads, against a slow way written for the test: one
 * scenario at a time, every call in turn, and whether a cache is in use found by looking back
 * through all that happened before.
 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "sim/scenario.h"
#include "sim/workload_read.h"

enum { ROUNDS = 6, CALLS = 600, CALLS_MANY = 12000, SCENARIOS = 4 };

static struct book *book;

static struct workload *made_up(uint64_t *seed, enum work_order order, bool named, int calls)
{
	static const char *const models[] = { "claude-sonnet-4-6", "deepseek-v4-flash",
					      "claude-haiku-4-5", "no-such-model" };
	char path[64];
	const char *const paths[] = { path };
	struct workload *w = NULL;
	struct err e = { 0 };
	snprintf(path, sizeof path, "/tmp/tally-whatif-%d.csv", (int)getpid());
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "time,model,session,%sinput,cache_read,cache_write_5m,output\n",
		named ? "customer," : "");
	const int chats = calls / 20;
	int64_t at_us = INT64_C(1780000000000000), prompt[CALLS_MANY / 20];
	for (int k = 0; k < chats; k++) /* what all begin with is found */
		prompt[k] = 4000;
	for (int i = 0; i < calls; i++) {
		const int s = (int)(unit_random(seed) % (uint64_t)chats);
		const int64_t read = unit_random(seed) % 4 ? prompt[s] / 10 * 9 : 0;
		at_us += (int64_t)(unit_random(seed) %
				   (unit_random(seed) % 9 ? 8000000u : 90000000u));
		prompt[s] += 500 + (int64_t)(unit_random(seed) % 3000);
		fprintf(f, "%lld.%06lld,%s,s%d,", (long long)(at_us / 1000000),
			(long long)(at_us % 1000000),
			models[unit_random(seed) % 9 ? s % 4 : (int)(unit_random(seed) % 4)], s);
		if (named)
			fprintf(f, "c%d,", s % 3);
		const int64_t wrote = s % 4 % 2 ? 0 : (prompt[s] - read) / 2;
		fprintf(f, "%lld,%lld,%lld,%d\n", (long long)(prompt[s] - read - wrote),
			(long long)read, (long long)wrote, (int)(unit_random(seed) % 2000));
	}
	fclose(f);
	if (workload_read(&w,
			  &(struct workload_options){ .path = paths,
						      .path_count = 1,
						      .since = INSTANT_MIN,
						      .until = INSTANT_MAX,
						      .order = order },
			  &e) != 0)
		fail_msg("%s", e.message);
	remove(path);
	return w;
}

/* --- the slow way --- */

struct slow_play {
	const struct work_call *call;
	struct subject *subject;
	uint32_t cache;
};

struct slow {
	const struct workload *w;
	const struct whatif_options *o;
	struct tariffs *tariffs;
	struct dict numbers;
	struct model_cache *cache;
	const struct tariff_answer **first; /* by number of the cache */
	struct slow_play *play, *recorded;  /* by order */
};

static void slow_use(struct slow *s, struct slow_play *p, const struct work_call *c,
		     const struct route_target *t)
{
	const struct work_subject *was = &s->w->subject[c->subject];
	struct buf key = { 0 };
	p->call = c;
	p->subject = t ? tariffs_subject(s->tariffs, t->provider, t->model, was->service_tier,
					 was->region)
		       : tariffs_subject(s->tariffs, was->provider, was->model, was->service_tier,
					 was->region);
	const struct tariff_answer *a = tariffs_ask(s->tariffs, p->subject, c->time_us);
	model_cache_key(&key, p->subject, a, false);
	uint64_t *n = dict_need(&s->numbers, (struct text){ key.p, key.n }, NULL);
	if (!*n) {
		*n = s->numbers.count;
		s->first[*n - 1] = a;
	}
	p->cache = (uint32_t)*n - 1;
	buf_release(&key);
}

static bool slow_warm(const struct slow *s, uint32_t order)
{
	const struct slow_play *p = &s->play[order];
	const struct model_cache *of = &s->cache[p->cache];
	const bool apart = model_cache_at(of, p->call->time_us)->rules.scope & CACHE_CUSTOMER;
	for (uint32_t k = order; k-- > 0;) {
		const struct slow_play *q = &s->play[k];
		if (q->cache == p->cache && (!apart || q->call->customer == p->call->customer))
			return count_cache_warm(of, q->call->time_us, p->call->time_us);
	}
	return false;
}

/* What the caches of a scenario found, and why not more. */
static struct whatif_result slow(const struct whatif_options *o, const struct scenario *sc)
{
	const struct workload *w = o->workload;
	struct slow s = { .w = w, .o = o, .tariffs = tariffs_open(book, NULL, "USD") };
	struct whatif_result out = { 0 };
	s.first = mem_zalloc(64 * sizeof *s.first);
	s.play = mem_zalloc(w->count * sizeof *s.play);
	s.recorded = mem_zalloc(w->count * sizeof *s.recorded);
	uint32_t *recorded = mem_alloc(w->count * sizeof *recorded);
	struct work_call *room = mem_alloc(w->count * sizeof *room);
	const struct work_call *call = workload_calls(w, 0, w->count, room);
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t order = 0; order < w->count; order++)
			for (size_t i = 0; i < w->count; i++) {
				if (call[i].order != order)
					continue;
				const uint32_t to = route_target(&sc->route, w, &call[i], o->seed);
				if (!pass)
					slow_use(&s, &s.recorded[order], &call[i], NULL);
				else
					slow_use(&s, &s.play[order], &call[i],
						 to == ROUTE_AS_RECORDED ? NULL
									 : &sc->route.target[to]);
			}
	struct cache_rules asked = o->rules;
	cache_rules_over(&asked, &sc->cache);
	s.cache = mem_zalloc(64 * sizeof *s.cache);
	for (size_t k = 0; k < s.numbers.count; k++)
		s.cache[k] = model_cache_of(book, &asked, s.first[k], false);
	struct count_cache *c = count_cache_open(s.cache, (uint32_t)s.numbers.count);
	for (size_t k = 0; k < w->conversations; k++) {
		const size_t from = workload_first_call(w, k),
			     calls = workload_first_call(w, k + 1) - from;
		for (size_t i = 0; i < calls; i++)
			recorded[i] = s.recorded[call[from + i].order].cache;
		count_cache_begin(c, call + from, calls, recorded, NULL);
		for (size_t i = 0; i < calls; i++) {
			const uint32_t order = call[from + i].order;
			const struct count_found f = count_cache_find(
				c, &(struct count_call){ .call = (uint32_t)i,
							 .cache = s.play[order].cache,
							 .time_us = call[from + i].time_us,
							 .warm = slow_warm(&s, order) });
			out.calls_recorded += f.recorded;
			out.calls_uncertain += f.low != f.hit || f.high != f.hit;
			out.missed.calls[f.miss] += f.missed > 0;
			out.missed.tokens[f.miss] += f.missed;
			out.records++;
		}
	}
	count_cache_close(c);
	for (size_t k = 0; k < s.numbers.count; k++)
		model_cache_release(&s.cache[k]);
	dict_release(&s.numbers);
	tariffs_close(s.tariffs);
	free(s.cache);
	free(s.first);
	free(s.play);
	free(s.recorded);
	free(recorded);
	free(room);
	return out;
}

/* --- the comparison --- */

static void check_same(const struct whatif_result *a, const struct whatif_result *b)
{
	assert_int_equal(a->records, b->records);
	assert_int_equal(a->calls_recorded, b->calls_recorded);
	assert_int_equal(a->calls_uncertain, b->calls_uncertain);
	assert_memory_equal(&a->missed, &b->missed, sizeof a->missed);
}

static struct whatif_result *run(const struct whatif_options *o)
{
	struct whatif_result *r = NULL;
	struct err e = { 0 };
	if (whatif_run(&r, o, &e) != 0)
		fail_msg("%s", e.message);
	return r;
}

static void add_scenarios(struct scenario_list *l, uint64_t *seed, bool named)
{
	static const char *const spec[SCENARIOS] = { "recorded", "a=deepseek-v4-flash",
						     "b=every:3:claude-haiku-4-5:deepseek-v4-pro",
						     "c=share:0.4:claude-sonnet-4-6:glm-5.1" };
	static const char *const ttl[] = { "0", "1", "7", "20", "60", "300" };
	struct err e = { 0 };
	for (int i = 0; i < SCENARIOS; i++)
		assert_int_equal(scenario_add(l, spec[i], book, &e), 0);
	for (size_t i = 0; i < l->count; i++) {
		struct cache_rules *r = &l->scenario[i].cache;
		if (unit_random(seed) % 2)
			assert_int_equal(cache_part_parse(r, "ttl",
							  text_of(ttl[unit_random(seed) % 6]), &e),
					 0);
		if (named && unit_random(seed) % 2)
			assert_int_equal(cache_part_parse(r, "scope", text_of("customer"), &e), 0);
	}
}

static void check_costs(const struct whatif_result *a, const struct whatif_result *b)
{
	assert_true(a->cost.atto == b->cost.atto && a->cost_low.atto == b->cost_low.atto &&
		    a->cost_high.atto == b->cost_high.atto);
	assert_memory_equal(a->tokens, b->tokens, sizeof a->tokens);
	check_same(a, b);
}

/* Enough calls for several threads: each scenario alone in one, and all together in each number. */
static void test_together_as_alone(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct scenario_list list = { 0 };
	struct workload *w = made_up(&seed, WORK_PACKED, true, CALLS_MANY);
	add_scenarios(&list, &seed, true);
	assert_int_equal(scenario_add(&list, "d=batch:claude-haiku-4-5", book, NULL), 0);
	struct whatif_options o = { .workload = w,
				    .book = book,
				    .currency = "USD",
				    .cache = WHATIF_CACHE_REBUILT,
				    .rules = { .capacity = -1, .ttl_us = -1, .vendor = true } };
	for (o.threads = 1; o.threads <= 4; o.threads++) {
		o.scenario = list.scenario;
		o.scenarios = list.count;
		struct whatif_result *all = run(&o);
		o.scenarios = 1;
		for (size_t i = 0; i < list.count; i++) {
			o.scenario = &list.scenario[i];
			struct whatif_options one = o;
			one.threads = 1;
			struct whatif_result *alone = run(&one);
			check_costs(&all[i], alone);
			whatif_results_close(alone, 1);
		}
		whatif_results_close(all, list.count);
	}
	scenario_list_release(&list);
	workload_close(w);
}

static void test_caches_are_in_use_as_the_slow_way_says(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	for (int round = 0; round < ROUNDS; round++) {
		struct scenario_list list = { 0 };
		const bool named = round % 2;
		struct workload *w = made_up(&seed, round % 3 ? WORK_PACKED : WORK_BY_CONVERSATION,
					     named, CALLS);
		add_scenarios(&list, &seed, named);
		struct whatif_options o = { .workload = w,
					    .scenario = list.scenario,
					    .scenarios = list.count,
					    .book = book,
					    .currency = "USD",
					    .cache = WHATIF_CACHE_REBUILT,
					    .rules = { .capacity = -1, .ttl_us = -1 },
					    .threads = 1 };
		o.rules.vendor = round % 3 != 2;
		struct whatif_result *fast = run(&o);
		for (size_t i = 0; i < list.count; i++) {
			const struct whatif_result want = slow(&o, &list.scenario[i]);
			check_same(&fast[i], &want);
		}
		whatif_results_close(fast, list.count);
		scenario_list_release(&list);
		workload_close(w);
	}
}

int main(void)
{
	struct err e = { 0 };
	if (book_open(&book, &e) != 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caches_are_in_use_as_the_slow_way_says),
		cmocka_unit_test(test_together_as_alone),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	book_close(book);
	return failed;
}
