/*
 * Scenarios that are replayed together, in threads, against a slow way written for the test: one
 * scenario at a time, every call in turn, and whether a cache is in use found by looking back
 * through all that happened before.
 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "pricing/rate.h"
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
	struct work_call *room = mem_alloc(w->count * sizeof *room),
			 *call = mem_alloc(w->count * sizeof *call);
	for (size_t k = 0; k < w->conversations; k++) {
		const size_t from = workload_first_call(w, k);
		memcpy(call + from, workload_calls(w, k, room),
		       (workload_first_call(w, k + 1) - from) * sizeof *call);
	}
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t order = 0; order < w->count; order++)
			for (size_t i = 0; i < w->count; i++) {
				if (call[i].order != order)
					continue;
				bool decides[ROUTE_RULES_MAX];
				const uint32_t to =
					route_target(&sc->route, w, &call[i], o->seed, decides);
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
	struct count_cache *c = count_cache_open(s.cache, NULL, (uint32_t)s.numbers.count, NULL);
	for (size_t k = 0; k < w->conversations; k++) {
		const size_t from = workload_first_call(w, k),
			     calls = workload_first_call(w, k + 1) - from;
		for (size_t i = 0; i < calls; i++)
			recorded[i] = s.recorded[call[from + i].order].cache;
		count_cache_begin(c, call + from, calls, recorded, NULL);
		for (size_t i = 0; i < calls; i++) {
			const uint32_t order = call[from + i].order;
			const struct count_found *f = count_cache_find(
				c, &(struct count_call){ .call = (uint32_t)i,
							 .cache = s.play[order].cache,
							 .time_us = call[from + i].time_us,
							 .warm = slow_warm(&s, order) });
			out.calls_recorded += f->recorded;
			out.calls_uncertain += count_is_uncertain(f);
			out.missed.calls[f->miss] += f->missed > 0;
			out.missed.tokens[f->miss] += f->missed;
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
	free(call);
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

/* What is kept of a scenario by model, day and conversation adds up to the whole. */
static void check_parts(const struct whatif_result *r, size_t conversations)
{
	struct money_total models = { 0 }, days = { 0 }, talks = { 0 };
	int64_t tokens[BUCKET_COMMON] = { 0 }, records = 0, of_days = 0, unpriced = 0, prompt = 0;
	for (size_t i = 0; i < r->models; i++) {
		models.atto += r->model[i].cost.atto;
		records += r->model[i].records;
		unpriced += r->model[i].unpriced;
		for (int k = 0; k < BUCKET_COMMON; k++)
			tokens[k] += r->model[i].tokens[k];
	}
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += tokens[k];
	for (size_t i = 0; i < r->days; i++) {
		assert_true(i == 0 || r->by_day[i].day > r->by_day[i - 1].day);
		days.atto += r->by_day[i].cost.atto;
		of_days += r->by_day[i].records;
	}
	for (size_t i = 0; i < resample_clusters(conversations); i++)
		talks.atto += r->by_conversation[i].atto;
	assert_true(models.atto == r->cost.atto && days.atto == r->cost.atto &&
		    talks.atto == r->cost.atto);
	assert_true(r->cost_low.atto <= r->cost.atto && r->cost.atto <= r->cost_high.atto);
	assert_memory_equal(tokens, r->tokens, sizeof tokens);
	assert_int_equal(records, r->records);
	assert_int_equal(of_days, r->records);
	assert_int_equal(unpriced, r->unpriced);
	assert_int_equal(prompt, r->prompt_tokens);
}

/* In which caches see of some conversations what they see in other scenarios. */
static const char *const beside[] = { "d=batch:claude-haiku-4-5", "e=deepseek-v4-flash",
				      "f=conversation:2:deepseek-v4-flash:claude-haiku-4-5",
				      "g=from:5:deepseek-v4-flash:claude-haiku-4-5",
				      "h=every:2:claude-haiku-4-5:deepseek-v4-flash" };

/* Enough calls for several threads: each scenario alone in one, and all together in each number. */
static void test_together_as_alone(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct scenario_list list = { 0 };
	struct workload *w = made_up(&seed, WORK_PACKED, true, CALLS_MANY);
	add_scenarios(&list, &seed, true);
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
		assert_int_equal(scenario_add(&list, beside[i], book, NULL), 0);
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
			check_parts(&all[i], w->conversations);
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

/* One call on what `subject` names, line by line: its tokens and its cost; false: it has none. */
static bool slow_price(struct tariffs *t, struct subject *subject, struct subject *own,
		       const struct work_call *c, int64_t counts[COUNT_KINDS],
		       struct money_total *cost)
{
	const struct tariff_answer *a = tariffs_ask(t, subject, c->time_us);
	struct usage u = { .requests = c->requests };
	struct rating rating;
	struct err e;
	memset(counts, 0, COUNT_KINDS * sizeof *counts);
	memcpy(counts, c->tokens, sizeof c->tokens);
	if (subject != own && model_cache_reads_writes(a, tariffs_ask(t, own, c->time_us))) {
		counts[BUCKET_INPUT] += counts[BUCKET_CACHE_WRITE_5M];
		counts[BUCKET_CACHE_WRITE_5M] = 0;
	}
	usage_set_counts(&u, counts);
	if (!a->price || rate_usage(&rating, &u, a->price, a->tariff, &e) != 0)
		return false;
	*cost = rating.total;
	return true;
}

/* With the hits of the record, a scenario costs what the rater says of its calls, one by one. */
static void test_prices_as_call_by_call(void **state)
{
	(void)state;
	static const char *const spec[] = { "recorded", "a=deepseek-v4-flash", "b=gemini-2.5-pro" };
	static const char *const model[] = { NULL, "deepseek-v4-flash", "gemini-2.5-pro" };
	enum { SPECS = sizeof spec / sizeof *spec, DAYS = 64 };
	uint64_t seed = unit_seed();
	struct scenario_list list = { 0 };
	struct workload *w = made_up(&seed, WORK_BY_CONVERSATION, true, CALLS_MANY);
	for (int i = 0; i < SPECS; i++)
		assert_int_equal(scenario_add(&list, spec[i], book, NULL), 0);
	struct whatif_options o = { .workload = w,
				    .scenario = list.scenario,
				    .scenarios = SPECS,
				    .book = book,
				    .currency = "USD",
				    .cache = WHATIF_CACHE_NONE,
				    .rules = { .capacity = -1, .ttl_us = -1 },
				    .threads = 2 };
	struct whatif_result *fast = run(&o);
	struct tariffs *t = tariffs_open(book, NULL, "USD");
	const size_t talks = resample_clusters(w->conversations);
	struct money_total *talk = mem_alloc(talks * sizeof *talk), day[DAYS];
	const int64_t first_day = w->call[0].time_us / US_PER_DAY;
	for (int i = 0; i < SPECS; i++) {
		struct money_total sum = { 0 };
		int64_t unpriced = 0, tokens[BUCKET_COMMON] = { 0 };
		memset(talk, 0, talks * sizeof *talk);
		memset(day, 0, sizeof day);
		for (size_t k = 0; k < w->count; k++) {
			const struct text none = { 0 };
			const struct work_subject *was = &w->subject[w->call[k].subject];
			struct subject *own = tariffs_subject(t, none, was->model, none, none);
			struct money_total cost = { 0 };
			int64_t counts[COUNT_KINDS];
			unpriced += !slow_price(
				t,
				model[i] ? tariffs_subject(t, none, text_of(model[i]), none, none)
					 : own,
				own, &w->call[k], counts, &cost);
			sum.atto += cost.atto;
			talk[w->call[k].conversation % talks].atto += cost.atto;
			day[(w->call[k].time_us / US_PER_DAY - first_day + DAYS) % DAYS].atto +=
				cost.atto;
			for (int b = 0; b < BUCKET_COMMON; b++)
				tokens[b] += counts[b];
		}
		assert_true(sum.atto == fast[i].cost.atto && sum.atto > 0);
		assert_int_equal(unpriced, fast[i].unpriced);
		assert_memory_equal(tokens, fast[i].tokens, sizeof tokens);
		assert_memory_equal(talk, fast[i].by_conversation, talks * sizeof *talk);
		assert_true(fast[i].days > 1);
		for (size_t k = 0; k < fast[i].days; k++)
			assert_true(day[(fast[i].by_day[k].day - first_day + DAYS) % DAYS].atto ==
				    fast[i].by_day[k].cost.atto);
	}
	free(talk);
	tariffs_close(t);
	whatif_results_close(fast, SPECS);
	scenario_list_release(&list);
	workload_close(w);
}

/* Seeded draws and shares hang on these values, whatever the number of bytes behind whole words. */
static void test_hashes_are_of_the_bytes_alone(void **state)
{
	(void)state;
	const uint64_t seeds[2] = { 7, 11 };
	uint64_t seed = unit_seed();
	for (size_t n = 0; n <= 40; n++) {
		unsigned char a[64], b[64], padded[64] = { 0 };
		for (size_t i = 0; i < sizeof a; i++) {
			a[i] = (unsigned char)unit_random(&seed);
			b[i] = i < n ? a[i] : (unsigned char)unit_random(&seed);
		}
		memcpy(padded, a, n);
		uint64_t h = seeds[0] ^ n, w[2];
		for (size_t at = 0; at < n; at += 16) {
			const bool last = n - at < 16;
			memcpy(w, padded + at, 16);
			const uint128 m =
				(uint128)(w[0] ^ seeds[1] ^ h) *
				(w[1] ^ h ^ (last ? 0xD6E8FEB86659FD93u : 0x9E3779B97F4A7C15u));
			h = (uint64_t)m ^ (uint64_t)(m >> 64);
		}
		const uint128 end = (uint128)(h ^ seeds[0]) * (0xA0761D6478BD642Fu ^ seeds[1]);
		assert_true(hash_bytes(a, n, seeds) == ((uint64_t)end ^ (uint64_t)(end >> 64)));
		assert_true(hash_bytes(a, n, seeds) == hash_bytes(b, n, seeds));
	}
}

static struct losses losses_of(int calls, int64_t one_in, int64_t all_pico)
{
	struct losses l = { 0 };
	for (int i = 0; i < calls; i++)
		assert_true(losses_add(&l, (struct money_total){ (int128)all_pico * 1000000 }, 1,
				       one_in));
	return l;
}

static int64_t most_pico(const struct losses *l)
{
	return (int64_t)(losses_most(l).atto / 1000000);
}

/* Worked out by hand: mean + sqrt(28 x variance) + 14/3 of the largest, but never more than all. */
static void test_losses_of_few_calls_are_all_of_them(void **state)
{
	(void)state;
	for (int calls = 0; calls <= 7; calls++) {
		const struct losses l = losses_of(calls, 32, 32000000);
		assert_true(most_pico(&l) == calls * INT64_C(32000000));
	}
	/* 10,000 calls that lose 320,000 once in 32: 100,000,000 + sqrt(28 x 3.2e13) + 1,493,333 */
	struct losses many = losses_of(10000, 32, 320000);
	assert_true(llabs(most_pico(&many) - 131426592) < 1000);
	/* one that may lose 3,000,000 once in a million moves little but the last part: 14,000,000
	 */
	const struct losses dear = losses_of(1, 1000000, 3000000);
	assert_true(losses_join(&many, &dear));
	assert_true(llabs(most_pico(&many) - 143933262) < 10000);
	/* sums of squares that fit into no number leave the sum of all */
	const struct losses vast = losses_of(3, 1, INT64_MAX);
	assert_true(losses_most(&vast).atto == vast.all.atto);
}

int main(void)
{
	struct err e = { 0 };
	if (book_open(&book, &e) != 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caches_are_in_use_as_the_slow_way_says),
		cmocka_unit_test(test_together_as_alone),
		cmocka_unit_test(test_prices_as_call_by_call),
		cmocka_unit_test(test_hashes_are_of_the_bytes_alone),
		cmocka_unit_test(test_losses_of_few_calls_are_all_of_them),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	book_close(book);
	return failed;
}
