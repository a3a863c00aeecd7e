/*
 * The prefix cache against a slow one written for the test (lists, searched from the front), the
 * curve against separate runs, and the three shapes of block traces.
 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "sim/call_source.h"
#include "sim/prefix_cache.h"

static char *path_of(char buf[64])
{
	snprintf(buf, 64, "/tmp/tally-cache-%d.jsonl", (int)getpid());
	return buf;
}

static struct block_trace *open_text(const char *text, struct err *e)
{
	char path[64];
	struct block_trace *t = NULL;
	FILE *f = fopen(path_of(path), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	const char *const paths[] = { path };
	struct call_source in;
	if (call_source_open(&in,
			     &(struct call_source_options){
				     .path = paths, .path_count = 1, .from_zero = true },
			     e) != 0 ||
	    call_source_blocks(&t, &in, &(struct block_trace_options){ 0 }, e) != 0)
		t = NULL;
	call_source_close(&in);
	remove(path);
	return t;
}

/* Conversations whose prompts grow, some from a shared beginning, with a partial last block. */
static struct block_trace *random_trace(uint64_t *seed, int requests)
{
	enum { CHATS = 12, LONGEST = 40 };
	int chat[CHATS][LONGEST], length[CHATS] = { 0 }, next = 100;
	char *text = NULL;
	size_t n;
	struct err e = { 0 };
	FILE *f = open_memstream(&text, &n);
	for (int i = 0; i < requests; i++) {
		int c = (int)(unit_random(seed) % CHATS);
		if (length[c] > LONGEST - 6 || unit_random(seed) % 9 == 0)
			length[c] = 0;
		if (length[c] == 0)
			for (int shared = (int)(unit_random(seed) % 5); length[c] < shared;
			     length[c]++)
				chat[c][length[c]] = length[c];
		/* none: the same blocks again, of which the last may hit as well */
		for (int more = (int)(unit_random(seed) % 5) + !length[c]; more; more--)
			chat[c][length[c]++] = next++;
		int tokens = (length[c] - 1) * 512 + 1 + (int)(unit_random(seed) % 512);
		fprintf(f,
			"{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 7, "
			"\"hash_ids\": [",
			i * 1000, tokens);
		for (int k = 0; k < length[c]; k++)
			fprintf(f, "%s%d", k ? ", " : "", chat[c][k]);
		fprintf(f, "]}\n");
	}
	fclose(f);
	struct block_trace *t = open_text(text, &e);
	free(text);
	assert_non_null(t);
	return t;
}

struct slow_entry {
	uint32_t block;
	int64_t at, came;
	bool ends; /* a unit ends behind it: it goes where the entry goes */
};

static size_t slow_find(const struct slow_entry *list, size_t n, uint32_t block)
{
	size_t at = 0;
	while (at < n && list[at].block != block)
		at++;
	return at;
}

static bool slow_expired(const struct cache_rules *r, const struct slow_entry *s, int64_t now)
{
	return r->ttl_us >= 0 && now - (r->ttl_of_write ? s->came : s->at) > r->ttl_us;
}

/* The same rules, literally: a list from the most to the least recent. */
static struct cache_result slow(const struct block_trace *t, const struct cache_rules *r)
{
	struct slow_entry *list = calloc(t->blocks + 2, sizeof *list);
	size_t n = 0;
	struct cache_result out = { .requests = (int64_t)t->count };
	for (size_t i = 0; i < t->count; i++) {
		const struct block_request *q = &t->request[i];
		uint32_t b[64];
		int64_t tokens = 0, blocks = 0;
		block_runs_list(block_request_runs(t, q), q->count, b);
		for (uint32_t k = 0; k < q->count; k++) {
			const size_t at = slow_find(list, n, b[k]);
			if (at == n || slow_expired(r, &list[at], q->time_us) ||
			    (r->settle_us > 0 && q->time_us - list[at].came < r->settle_us))
				break;
			int64_t end = (int64_t)(k + 1) * t->block_tokens;
			if (end > q->input && r->full)
				break;
			if (r->recompute && end > q->input - r->recompute)
				break;
			blocks++;
		}
		const int64_t lead = blocks;
		while (r->units && blocks > 0 && !list[slow_find(list, n, b[blocks - 1])].ends &&
		       !(r->interval && blocks * t->block_tokens % r->interval == 0))
			blocks--;
		if (r->units && r->common && lead > 0)
			list[slow_find(list, n, b[lead - 1])].ends = true;
		tokens = blocks * t->block_tokens < q->input ? blocks * t->block_tokens : q->input;
		if (r->quantum)
			tokens = tokens / r->quantum * r->quantum;
		if (tokens < r->minimum)
			tokens = 0;
		out.hit_tokens += tokens;
		out.hit_blocks += tokens ? blocks : 0;
		for (uint32_t k = 0; k < q->count; k++) {
			const uint32_t block = b[r->forward ? k : q->count - 1 - k];
			size_t at = slow_find(list, n, block);
			const bool lives = at < n && !slow_expired(r, &list[at], q->time_us);
			const int64_t came = lives ? list[at].came : q->time_us;
			const bool ends = lives && list[at].ends;
			if (at == n && r->capacity >= 0 && (int64_t)n == r->capacity)
				at--; /* the last one goes */
			else if (at == n)
				n++;
			memmove(list + 1, list, at * sizeof *list);
			list[0] = (struct slow_entry){ block, q->time_us, came, ends };
		}
		const size_t last = slow_find(list, n, b[q->count - 1]);
		if (r->units && last < n) /* a long prompt may have evicted its own end */
			list[last].ends = true;
	}
	free(list);
	return out;
}

static void test_runs_equal_the_slow_cache(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct err e = { 0 };
	static const int64_t capacities[] = { 1, 2, 3, 7, 20, 50, 120, 400, -1 };
	for (int round = 0; round < 6; round++) {
		struct block_trace *t = random_trace(&seed, 300);
		/* sessions one behind the other, each from its own beginning */
		for (size_t i = 0; round % 3 == 2 && i < t->count; i++)
			t->request[i].time_us = (int64_t)(i % 60) * 1000000;
		for (size_t c = 0; c < COUNT(capacities); c++)
			for (int variant = 0; variant < 640; variant += 1 + (variant >= 128) * 2) {
				/* the prefix rule, then units: alone, at common prefixes, at
				 * intervals
				 */
				const int units = variant / 128;
				struct cache_rules r = {
					.capacity = capacities[c],
					.ttl_us = variant & 1 ? 20000000 : -1,
					.settle_us = variant & 16 ? 7000000 : 0,
					.ttl_of_write = variant & 32,
					.recompute = variant & 64 ? 700 : 0,
					.forward = variant & 2,
					.full = variant & 4,
					.quantum = variant & 8 ? 300 : 0,
					.minimum = variant & 8 ? 1024 : 0,
					.units = units > 0,
					.common = units & 2,
					.interval = units > 2 ? 2048 : 0,
				};
				struct cache_result fast, want = slow(t, &r);
				assert_int_equal(prefix_cache_run(t, &r, NULL, NULL, &fast, &e), 0);
				assert_int_equal(fast.hit_tokens, want.hit_tokens);
				assert_int_equal(fast.hit_blocks, want.hit_blocks);
			}
		block_trace_close(t);
	}
}

static void test_curve_equals_runs_at_every_capacity(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	struct err e = { 0 };
	for (int variant = 0; variant < 4; variant++) {
		struct block_trace *t = random_trace(&seed, 500);
		struct cache_rules r = { .ttl_us = -1,
					 .forward = variant & 1,
					 .full = variant & 2 };
		struct curve_point *p;
		size_t count, at = 0;
		struct cache_result one = { 0 };
		int64_t before = 0;
		assert_int_equal(prefix_cache_curve(t, &r, &p, &count, &e), 0);
		assert_true(count > 20);
		for (int64_t c = 1; c <= (int64_t)t->distinct + 1; c++) {
			r.capacity = c;
			assert_int_equal(prefix_cache_run(t, &r, NULL, NULL, &one, &e), 0);
			while (at < count && p[at].capacity <= c)
				at++;
			assert_int_equal(one.hit_blocks, at ? p[at - 1].hit_blocks : 0);
			assert_int_equal(one.hit_tokens, at ? p[at - 1].hit_tokens : 0);
			assert_true(one.hit_tokens >= before);
			before = one.hit_tokens;
		}
		assert_int_equal(at, count);
		free(p);
		block_trace_close(t);
	}
}

/* The unit rule by hand: 512 tokens a block, A B C, then A B D, then A B D again. */
static void test_unit_rule(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct block_trace *t = open_text(
		"{\"timestamp\":0,\"input_length\":1536,\"output_length\":1,"
		"\"hash_ids\":[1,2,3]}\n"
		"{\"timestamp\":1,\"input_length\":1536,\"output_length\":1,\"hash_ids\":[1,2,4]}\n"
		"{\"timestamp\":2,\"input_length\":1536,\"output_length\":1,\"hash_ids\":[1,2,5]}\n"
		"{\"timestamp\":3,\"input_length\":2048,\"output_length\":1,"
		"\"hash_ids\":[1,2,5,6]}\n",
		&e);
	assert_non_null(t);
	int64_t hits[4];
	struct cache_result out;
	struct cache_rules r = { .capacity = -1, .ttl_us = -1, .units = true };
	/* no stored unit ends behind B; the fourth goes on from the end of the third */
	assert_int_equal(prefix_cache_run(t, &r, NULL, hits, &out, &e), 0);
	assert_int_equal(hits[1], 0);
	assert_int_equal(hits[2], 0);
	assert_int_equal(hits[3], 1536);
	/* the second showed that A B is common: the third hits it */
	r.common = true;
	assert_int_equal(prefix_cache_run(t, &r, NULL, hits, &out, &e), 0);
	assert_int_equal(hits[1], 0);
	assert_int_equal(hits[2], 1024);
	assert_int_equal(hits[3], 1536);
	/* units at every 512 tokens: the prefix rule */
	r.common = false;
	r.interval = 512;
	assert_int_equal(prefix_cache_run(t, &r, NULL, hits, &out, &e), 0);
	assert_int_equal(hits[1], 1024);
	assert_int_equal(out.hit_tokens, 1024 + 1024 + 1536);
	block_trace_close(t);
}

static void test_scopes(void **state)
{
	(void)state;
	struct err e = { 0 };
	/* two conversations of two models; ids count within a conversation, as ranges */
	struct block_trace *t =
		open_text("{\"c\":\"a\",\"t\":0,\"m\":\"x\",\"in\":130,\"out\":1,\"h\":\"0-1\"}\n"
			  "{\"c\":\"b\",\"t\":0,\"m\":\"x\",\"in\":130,\"out\":1,\"h\":\"0-1\"}\n"
			  "{\"c\":\"a\",\"t\":1,\"m\":\"y\",\"in\":200,\"out\":1,\"h\":\"0-2\"}\n"
			  "{\"c\":\"a\",\"t\":2,\"m\":\"x\",\"in\":200,\"out\":1,\"h\":\"0-2\"}\n",
			  &e);
	assert_non_null(t);
	static const int64_t want[] = { [CACHE_GLOBAL] = 128 + 192,
					[CACHE_CONVERSATION] = 128 + 192,
					[CACHE_MODEL] = 128,
					[CACHE_CONVERSATION_MODEL] = 128 };
	for (size_t s = 0; s < COUNT(want); s++) {
		struct cache_rules r = { .capacity = -1, .ttl_us = -1, .scope = (int)s };
		struct cache_result out;
		assert_int_equal(prefix_cache_run(t, &r, NULL, NULL, &out, &e), 0);
		assert_int_equal(out.hit_tokens, want[s]);
	}
	block_trace_close(t);
}

static void test_bad_traces_name_line_and_field(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "no request" },
		{ "{\"timestamp\":0,\"input_length\":10,\"output_length\":1}\n", "hash_ids" },
		{ "{\"timestamp\":0,\"input_length\":-4,\"output_length\":1,\"hash_ids\":[1]}\n",
		  ":1: field 'input': '-4' is negative" },
		{ "{\"timestamp\":0,\"input_length\":512,\"output_length\":1,\"hash_ids\":[1,2]}\n",
		  ":1" },
		{ "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[1,x]}\n",
		  ":1" },
		{ "{\"c\":\"a\",\"t\":0,\"m\":\"x\",\"in\":130,\"out\":1,\"h\":\"4-1\"}\n", "4-1" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		struct block_trace *t = open_text(cases[i].text, &e);
		if (t || !strstr(e.message, cases[i].says))
			fail_msg("case %zu: %s", i, t ? "accepted" : e.message);
	}
}

/* What a refused line had brought, blocks and calls, is gone with it. */
static void test_bad_lines_among_good_ones_leave_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[1]",
		"{\"c\":\"a\"",
		"{\"c\":\"a\",\"t\":0,\"in\":130,\"out\":1,\"h\":\"0-1\"} x",
		"{\"c\":\"a\",\"t\":0,\"in\":130,\"out\":1,\"h\":\"0-1,7,x\"}",
		"{\"c\":\"a\",\"t\":0,\"in\":130,\"out\":1,\"h\":\"5-9\"}",
		"{\"c\":\"a\",\"t\":0,\"in\":-1,\"out\":1,\"h\":\"5\"}",
		"{\"c\":\"a\",\"t\":0,\"in\":130,\"h\":\"0-1\"}",
		"{\"c\":\"a\",\"t\":0,\"in\":130,\"out\":1,\"h\":\"0-1\",\"h\":\"0-1\"}",
		"{\"c\":null,\"t\":0,\"in\":130,\"out\":1,\"h\":\"0-1\"}",
	};
	static const char good[] =
		"{\"c\":\"a\",\"t\":0,\"m\":\"x\",\"in\":130,\"out\":1,\"h\":\"0-1\"}\n";
	for (size_t i = 0; i < COUNT(bad); i++) {
		char text[600];
		struct err e = { 0 };
		snprintf(text, sizeof text, "%s%s\n%s%s", good, bad[i], good, good);
		struct block_trace *t = open_text(text, &e);
		if (!t)
			fail_msg("case %zu: %s", i, e.message);
		assert_int_equal(t->count, 3);
		assert_int_equal(t->blocks, 6);
		assert_int_equal(t->input_tokens, 390);
		for (uint32_t k = 0; k < 3; k++) {
			assert_int_equal(t->request[k].call, k);
			assert_int_equal(t->request[k].first, k);
			assert_int_equal(t->request[k].count, 2);
			assert_int_equal(t->runs.run[k].from, 0);
			assert_int_equal(t->runs.run[k].count, 2);
		}
		assert_int_equal(t->refused, 1);
		assert_int_equal(t->refusal[0].line, 2);
		block_trace_close(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_equal_the_slow_cache),
		cmocka_unit_test(test_curve_equals_runs_at_every_capacity),
		cmocka_unit_test(test_unit_rule),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_bad_traces_name_line_and_field),
		cmocka_unit_test(test_bad_lines_among_good_ones_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
