/*
 * Readers of provider bodies, streams, logs and spans: the payload shapes and the dedupe and error
 * cases of the case files (TALLY_USAGE_SHAPES, TALLY_COST_CASES), and what the files do not say.
 */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "meter/formats/assemble.h"
#include "meter/formats/counts.h"

struct seen {
	struct assembly *calls;
	int refused;
	char why[600];
};

static void take(void *user, const struct metered *m)
{
	struct seen *s = user;
	assembly_add(s->calls, m);
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct seen *s = user;
	(void)line;
	(void)raw;
	if (s->refused++ == 0)
		snprintf(s->why, sizeof s->why, "%s", why->message);
}

static struct payload_reader *open_reader(struct seen *s)
{
	*s = (struct seen){ .calls = assembly_open(false) };
	return payload_open(&(struct payload_sink){ s, take, refuse });
}

static void finish(struct payload_reader *r)
{
	payload_finish(r);
	payload_close(r);
}

/* Reads lines of text, as a log or stream. */
static void read_lines(struct seen *s, const char *text)
{
	struct payload_reader *r = open_reader(s);
	int64_t n = 0;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		payload_line(r, (struct text){ p, len }, ++n);
		p += len + (p[len] == '\n');
	}
	finish(r);
}

static void read_value(struct seen *s, json_value *v)
{
	struct payload_reader *r = open_reader(s);
	payload_value(r, v, 1);
	finish(r);
}

static void sum(const struct seen *s, int64_t tokens[BUCKET_COUNT])
{
	memset(tokens, 0, BUCKET_COUNT * sizeof *tokens);
	for (size_t i = 0; i < assembly_count(s->calls); i++)
		for (int b = 0; b < BUCKET_COUNT; b++)
			tokens[b] += assembly_call(s->calls, i)->record.tokens[b];
}

static int64_t number(json_value *v)
{
	return v ? strtoll(json_number(v).p, NULL, 10) : 0;
}

static int64_t count_of(const char *text)
{
	struct seen s;
	read_lines(&s, text);
	int64_t n = (int64_t)assembly_count(s.calls);
	assembly_close(s.calls);
	return n;
}

static json_value *member(json_value *v, const char *key)
{
	json_value *m = json_member(v, key);
	if (!m)
		fail_msg("the case has no '%s'", key);
	return m;
}

static struct json_document *open_cases(const char *variable, const char *fallback)
{
	struct json_document *d = NULL;
	struct err e = { 0 };
	const char *path = getenv(variable);
	path = path ? path : fallback;
	if (access(path, R_OK) != 0) {
		print_message("# no case file %s: skipped\n", path);
		return NULL;
	}
	if (json_open_file(&d, path, &e) != 0)
		fail_msg("%s", e.message);
	return d;
}

/* Names of the case files, and the bucket they mean. */
static const struct {
	const char *name;
	enum bucket bucket;
} names[] = {
	{ "input", BUCKET_INPUT },
	{ "cached_read", BUCKET_CACHE_READ },
	{ "cache_write_5m", BUCKET_CACHE_WRITE_5M },
	{ "cache_write", BUCKET_CACHE_WRITE_5M }, /* without a lifetime the shorter one is billed */
	{ "cache_write_1h", BUCKET_CACHE_WRITE_1H },
	{ "output", BUCKET_OUTPUT },
	{ "reasoning_in_output", BUCKET_REASONING },
	{ "reasoning_info", BUCKET_REASONING },
	{ "input_audio", BUCKET_INPUT_AUDIO },
	{ "cached_audio_read", BUCKET_CACHE_READ_AUDIO },
	{ "output_audio", BUCKET_OUTPUT_AUDIO },
	{ "output_image", BUCKET_OUTPUT_IMAGE },
	{ "input_video", BUCKET_INPUT_VIDEO },
};

static int compare(const char *id, const struct seen *s, json_value *expect, bool all)
{
	int64_t got[BUCKET_COUNT], want[BUCKET_COUNT] = { 0 };
	uint32_t told = 0;
	int wrong = 0;
	sum(s, got);
	for (size_t i = 0; i < COUNT(names); i++) {
		json_value *v = json_member(expect, names[i].name);
		if (v) {
			want[names[i].bucket] += number(v);
			told |= 1u << names[i].bucket;
		}
	}
	for (int b = 0; b < BUCKET_COUNT; b++)
		if ((all && b != BUCKET_REASONING) || told >> b & 1)
			if (got[b] != want[b]) {
				print_message("# %s: %s is %lld, expected %lld (%s)\n", id,
					      bucket_name((enum bucket)b), (long long)got[b],
					      (long long)want[b], s->refused ? s->why : "taken");
				wrong++;
			}
	return wrong;
}

static void payload_shapes_come_out_in_their_buckets(void **state)
{
	(void)state;
	struct json_document *d =
		open_cases("TALLY_USAGE_SHAPES", "../shared/facts/usage_shapes.json");
	int n = 0, wrong = 0;
	if (!d)
		d = open_cases("TALLY_OWN_SHAPES", "tests/cases/usage_shapes.json");
	for (json_value *c = json_first(member(json_root(d), "shapes")); c; c = json_next(c)) {
		struct seen s;
		const char *id = json_string(member(c, "id")).p;
		read_value(&s, member(c, "payload"));
		int bad = compare(id, &s, member(c, "normalised"), true);
		if (s.refused && number(json_member(c, "normalised_total"))) {
			print_message("# %s: refused: %s\n", id, s.why);
			bad++;
		}
		/* one line of a log must say the same as the parsed document */
		struct buf text = { 0 };
		json_value *payload = member(c, "payload");
		if (json_kind(payload) == JSON_ARRAY) {
			for (json_value *m = json_first(payload); m; m = json_next(m)) {
				if (json_kind(m) == JSON_STRING)
					buf_puts(&text, json_string(m).p);
				else
					json_put_value(&text, m);
				buf_puts(&text, "\n");
			}
		} else {
			json_put_value(&text, payload);
		}
		struct seen lines;
		read_lines(&lines, text.p);
		bad += compare(id, &lines, member(c, "normalised"), true);
		wrong += bad != 0;
		n++;
		assembly_close(s.calls);
		assembly_close(lines.calls);
		buf_release(&text);
	}
	print_message("# %d cases of payload shapes, %d wrong\n", n, wrong);
	json_close(d);
	assert_int_equal(wrong, 0);
	assert_true(n > 0);
}

/* What the dedupe cases tell in words, as the lines that such a log holds. */
static void write_case(struct buf *b, json_value *c)
{
	json_value *raw = json_member(c, "raw"), *totals = json_member(c, "totals_sequence"),
		   *events = json_member(c, "events");
	int second = 0;
	if (raw) {
		buf_puts(b, "{\"id\":\"x\",\"model\":\"m\",\"usage\":");
		json_put_value(b, raw);
		buf_puts(b, "}\n");
		return;
	}
	if (!totals && !events)
		return;
	buf_puts(b, "{\"type\":\"session_meta\",\"payload\":{\"id\":\"s\"}}\n");
	for (json_value *v = json_first(totals ? totals : events); v; v = json_next(v)) {
		buf_printf(b,
			   "{\"timestamp\":\"2026-03-01T10:00:%02dZ\",\"type\":\"event_msg\","
			   "\"payload\":{\"type\":\"token_count\",\"info\":{",
			   second++);
		if (totals) {
			buf_printf(b,
				   "\"total_token_usage\":{\"input_tokens\":%s,\"output_tokens\":0,"
				   "\"total_tokens\":%s}",
				   json_number(v).p, json_number(v).p);
		} else {
			buf_puts(b, "\"last_token_usage\":");
			json_put_value(b, json_member(v, "last"));
		}
		buf_puts(b, "}}}\n");
	}
}

static void the_dedupe_cases_count_each_call_once(void **state)
{
	(void)state;
	struct json_document *d = open_cases("TALLY_COST_CASES", "../shared/facts/cost_cases.json");
	int n = 0, wrong = 0, other = 0;
	if (!d)
		skip();
	for (json_value *c = json_first(json_member(json_root(d), "dedupe_cases")); c;
	     c = json_next(c)) {
		struct buf text = { 0 };
		struct seen s;
		const char *id = json_string(member(c, "id")).p;
		json_value *expect = member(c, "expect");
		write_case(&text, c);
		if (!text.p) {
			other++; /* whole logs and fixtures: other tests read those */
			continue;
		}
		read_lines(&s, text.p);
		int bad = compare(id, &s, expect, false);
		json_value *total = json_member(expect, "total");
		int64_t tokens[BUCKET_COUNT];
		sum(&s, tokens);
		bad += total &&
		       tokens[BUCKET_INPUT] + tokens[BUCKET_CACHE_READ] + tokens[BUCKET_OUTPUT] !=
			       number(total);
		wrong += bad != 0;
		n++;
		assembly_close(s.calls);
		buf_release(&text);
	}
	print_message("# %d dedupe cases, %d wrong, %d told elsewhere\n", n, wrong, other);
	json_close(d);
	assert_int_equal(wrong, 0);
}

/* Priced cases tell what the vendor reported, too: the reader must find the case's own buckets. */
static void reported_usage_comes_out_as_the_priced_tokens(void **state)
{
	(void)state;
	struct json_document *d = open_cases("TALLY_COST_CASES", "../shared/facts/cost_cases.json");
	int n = 0, wrong = 0;
	if (!d)
		skip();
	for (json_value *c = json_first(json_member(json_root(d), "cases")); c; c = json_next(c)) {
		json_value *raw = json_member(json_member(c, "reported_usage"), "raw");
		struct buf text = { 0 };
		struct seen s;
		if (json_kind(raw) != JSON_OBJECT)
			continue;
		bool gemini = json_member(raw, "promptTokenCount");
		buf_printf(&text, "{\"%s\":", gemini ? "usageMetadata" : "usage");
		json_put_value(&text, raw);
		buf_puts(&text, "}");
		read_lines(&s, text.p);
		/* where reasoning or pictures have a price of their own the case takes them out */
		int64_t got[BUCKET_COUNT], want = 0, sum_got = 0;
		sum(&s, got);
		bool answered = json_member(raw, "completion_tokens") ||
				json_member(raw, "output_tokens") || gemini;
		for (json_value *t = json_first(json_member(c, "tokens")); t; t = json_next(t))
			if (answered || strcmp(json_key(t), "output") != 0)
				want += number(t);
		for (int b = 0; b < BUCKET_COUNT; b++)
			sum_got += b == BUCKET_REASONING ? 0 : got[b];
		if (sum_got != want) {
			print_message("# %s: %lld tokens, expected %lld: %s (%s)\n",
				      json_string(member(c, "id")).p, (long long)sum_got,
				      (long long)want, text.p, s.refused ? s.why : "taken");
			wrong++;
		}
		n++;
		assembly_close(s.calls);
		buf_release(&text);
	}
	print_message("# %d cases of reported usage, %d wrong\n", n, wrong);
	json_close(d);
	assert_int_equal(wrong, 0);
}

static void impossible_counts_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"usage\":{\"input_tokens\":1,\"cache_write_tokens\":2}}",
		"{\"usage\":{\"prompt_tokens\":28436,\"cache_creation_input_tokens\":118,"
		"\"cache_read_input_tokens\":28432}}",
		"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":16}}",
		"{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":1.5,\"completion_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":1e3,\"completion_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":9223372036854775808,\"completion_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":"
		"9223372036854775807,\"total_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":null}}",
		"{\"usage\":{\"prompt_tokens\":\"ten\",\"completion_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":[10],\"completion_tokens\":5}}",
		"{\"usage\":{}}",
		"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
		"\"prompt_cache_hit_tokens\":4,\"prompt_cache_miss_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
		"\"prompt_tokens_details\":{\"cached_tokens\":4},\"prompt_cache_hit_tokens\":5}}",
		"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
		"\"prompt_tokens_details\":{\"audio_tokens\":11}}}",
		"{\"type\":\"message\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1,"
		"\"cache_creation_input_tokens\":9,\"cache_creation\":{"
		"\"ephemeral_5m_input_tokens\":4,\"ephemeral_1h_input_tokens\":4}}}",
		"{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":4}}",
		"{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":null}",
		"{\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":null}",
		"{\"specversion\":\"1.0\",\"id\":\"1\",\"data\":{\"input\":1}}",
		"{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"data\":{\"input\":1}}",
		"{\"model\":\"m\",\"input\":1,\"total\":3,\"output\":1}",
		"{\"hello\":\"world\"}",
		"[1]",
		"17",
		"nonsense",
		"{\"usage\":{\"prompt_tokens\":10,\"prompt_tokens\":11,\"completion_tokens\":1}}",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct seen s;
		read_lines(&s, bad[i]);
		if (s.refused != 1 || assembly_count(s.calls) != 0)
			fail_msg("%s: refused %d, taken %zu", bad[i], s.refused,
				 assembly_count(s.calls));
		assembly_close(s.calls);
	}
}

/* Three lines of one message, in every order and cut everywhere: always the last one's counts. */
static void the_order_of_sightings_does_not_matter(void **state)
{
	(void)state;
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	for (size_t o = 0; o < COUNT(order); o++) {
		struct buf b = { 0 };
		struct seen s;
		for (int i = 0; i < 3; i++)
			buf_printf(
				&b,
				"{\"type\":\"assistant\",\"sessionId\":\"s\",\"message\":{\"id\":"
				"\"m\",\"model\":\"claude-sonnet-4-6\",\"content\":[{\"text\":\"a "
				"\\\"usage\\\": {\\\\\"}],\"usage\":{\"input_tokens\":4,"
				"\"cache_read_input_tokens\":10,\"output_tokens\":%d}},"
				"\"requestId\":\"r%d\",\"timestamp\":\"2026-03-01T10:00:0%dZ\"}\n",
				order[o][i] * 10 + 1, i, order[o][i]);
		read_lines(&s, b.p);
		assert_int_equal(s.refused, 0);
		assert_int_equal(assembly_count(s.calls), 1);
		const struct record *r = &assembly_call(s.calls, 0)->record;
		assert_int_equal(r->tokens[BUCKET_OUTPUT], 21);
		assert_int_equal(r->tokens[BUCKET_INPUT], 4);
		assert_int_equal(r->tokens[BUCKET_CACHE_READ], 10);
		/* it began at or before its first line and ended with its last */
		assert_int_equal(r->time_us % 60000000, 0);
		assert_int_equal(r->completed_us % 60000000, 2000000);
		assembly_close(s.calls);
		buf_release(&b);
	}
}

/* Every line through the fast way must be what the document reader says, or be left to it. */
static void the_fast_log_reader_agrees_with_the_strict_one(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	int taken = 0;
	for (int round = 0; round < 20000; round++) {
		struct buf b = { 0 };
		buf_printf(
			&b,
			"{\"parentUuid\":null,\"cwd\":\"/a\",\"sessionId\":\"s\",\"type\":"
			"\"assistant\",\"message\":{\"id\":\"m%u\",\"model\":\"c\",\"content\":[{"
			"\"type\":\"text\",\"text\":\"x\\\\\\\"{}[]\"}],\"usage\":{"
			"\"input_tokens\":%u,\"cache_creation_input_tokens\":%u,"
			"\"cache_creation\":{\"ephemeral_5m_input_tokens\":%u,"
			"\"ephemeral_1h_input_tokens\":0},\"output_tokens\":%u}},\"uuid\":\"u\","
			"\"timestamp\":\"2026-03-01T10:00:00.123Z\"}",
			(unsigned)unit_random(&seed) % 100, (unsigned)unit_random(&seed) % 1000, 7,
			7, (unsigned)unit_random(&seed) % 1000);
		for (int k = 0; round % 3 && k < round % 5; k++)
			b.p[unit_random(&seed) % b.n] = "\"{}[],:0a\\ n"[unit_random(&seed) % 12];
		struct seen fast, strict;
		struct payload_reader *r = open_reader(&fast);
		/* the first line tells the reader what kind of log it is */
		payload_line(r,
			     TEXT("{\"type\":\"summary\",\"leafUuid\":\"u\",\"sessionId\":\"s\"}"),
			     1);
		payload_line(r, (struct text){ b.p, b.n }, 2);
		finish(r);
		read_lines(&strict, b.p);
		/* the fast way skips contents without judging them */
		if (assembly_count(strict.calls)) {
			assert_int_equal(assembly_count(fast.calls), assembly_count(strict.calls));
			const struct record *x = &assembly_call(fast.calls, 0)->record,
					    *y = &assembly_call(strict.calls, 0)->record;
			assert_memory_equal(x->tokens, y->tokens, sizeof x->tokens);
			assert_true(x->time_us == y->time_us);
			for (int f = 0; f < FIELD_TEXTS; f++)
				assert_true(text_eq(x->text[f], y->text[f]));
			taken++;
		}
		assembly_close(fast.calls);
		assembly_close(strict.calls);
		buf_release(&b);
	}
	assert_true(taken > 5000);
}

/* One usage of a log: members that are understood, are not, count, do not, and are numbers in part.
 */
static void put_usage(struct buf *b, uint64_t *seed)
{
	static const char *const member[] = {
		"\"cache_read_input_tokens\":%u",
		"\"cache_creation_input_tokens\":%u",
		"\"service_tier\":\"standard\"",
		"\"service_tier\":\"priority\"",
		"\"speed\":\"fast\"",
		"\"inference_geo\":\"us\"",
		"\"inference_geo\":\"us%u\"",
		"\"server_tool_use\":{\"web_search_requests\":%u,\"web_fetch_requests\":0}",
		"\"cache_creation\":{\"ephemeral_1h_input_tokens\":0}",
		"\"cache_creation\":{\"ephemeral_%uh_input_tokens\":5}",
		"\"iterations\":[{\"type\":\"message\",\"input_tokens\":%u,\"output_tokens\":3}]",
		"\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":%u,\"output_tokens\":3}]",
		"\"iterations\":[{\"type\":\"advisor_message\",\"model\":\"n\",\"output_tokens\":%u}]",
		"\"cache_read_tokens\":%u",
		"\"thinking_tokens\":%u",
		"\"cost_in_usd_ticks\":%u",
		"\"input_tokens_details\":{\"cached_tokens\":%u.0}",
	};
	buf_printf(b, "{\"input_tokens\":%u", (unsigned)(unit_random(seed) % 3 * 700));
	for (int k = (int)(unit_random(seed) % 3); k > 0; k--) {
		const unsigned n = (unsigned)(unit_random(seed) % 4);
		buf_puts(b, ",");
		buf_printf(b, member[unit_random(seed) % COUNT(member)], n);
	}
	buf_printf(b, ",\"output_tokens\":%u}", (unsigned)(unit_random(seed) % 2000));
}

static void same_call(const struct metered *x, const struct metered *y)
{
	assert_memory_equal(x->record.counts, y->record.counts, sizeof x->record.counts);
	assert_true(x->record.present == y->record.present);
	assert_string_equal(x->unread ? x->unread : "", y->unread ? y->unread : "");
	assert_string_equal(x->rule, y->rule);
	assert_true(x->stated.given == y->stated.given);
	for (int f = 0; f < FIELD_TEXTS; f++)
		assert_true(text_eq(x->record.text[f], y->record.text[f]));
}

/* Lines of one log are read as each would be that is alone. */
static void a_line_is_read_as_if_no_other_had_been(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	size_t taken = 0;
	for (int round = 0; round < 300; round++) {
		struct buf all = { 0 };
		struct seen log, alone = { .calls = assembly_open(false) };
		for (int i = 0; i < 60; i++) {
			const size_t from = all.n;
			buf_printf(
				&all,
				"{\"sessionId\":\"s\",\"type\":\"assistant\",\"message\":{\"id\":"
				"\"m%d\",\"model\":\"c\",\"usage\":",
				i);
			put_usage(&all, &seed);
			buf_puts(&all, "},\"timestamp\":\"2026-03-01T10:00:00Z\"}\n");
			struct payload_reader *r =
				payload_open(&(struct payload_sink){ &alone, take, refuse });
			payload_line(r, (struct text){ all.p + from, all.n - from - 1 }, i + 1);
			finish(r);
		}
		read_lines(&log, all.p);
		assert_int_equal(log.refused, alone.refused);
		assert_int_equal(assembly_count(log.calls), assembly_count(alone.calls));
		for (size_t i = 0; i < assembly_count(log.calls); i++)
			same_call(assembly_call(log.calls, i), assembly_call(alone.calls, i));
		taken += assembly_count(log.calls);
		assembly_close(log.calls);
		assembly_close(alone.calls);
		buf_release(&all);
	}
	assert_true(taken > 10000);
}

static void a_forked_session_repeats_nothing(void **state)
{
	(void)state;
#define TOKEN_COUNT(second, total) \
	"{\"timestamp\":\"2026-03-01T10:00:0" second "Z\",\"type\":\"event_msg\",\"payload\":{" \
	"\"type\":\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":" total "," \
	"\"output_tokens\":1}}}}\n"
	static const char parent[] =
		"{\"type\":\"session_meta\",\"payload\":{\"id\":\"p\"}}\n" TOKEN_COUNT("1", "10")
			TOKEN_COUNT("2", "30");
	static const char fork[] =
		"{\"type\":\"session_meta\",\"payload\":{\"id\":\"f\",\"forked_from_id\":\"p\"}}\n"
		"{\"type\":\"session_meta\",\"payload\":{\"id\":\"p\"}}\n" TOKEN_COUNT("5", "10")
			TOKEN_COUNT("5", "30") TOKEN_COUNT("9", "70");
	struct seen s = { .calls = assembly_open(false) };
	const char *const files[] = { parent, fork };
	for (int i = 0; i < 2; i++) {
		struct payload_reader *r = payload_open(&(struct payload_sink){ &s, take, refuse });
		for (const char *p = files[i]; *p; p += strcspn(p, "\n") + 1)
			payload_line(r, (struct text){ p, strcspn(p, "\n") }, 0);
		finish(r);
	}
	/* a copy names the call that it may be a copy of; what the fork did itself names none that
	 * is there */
	assert_int_equal(assembly_count(s.calls), 5);
	assert_true(text_eq(assembly_call(s.calls, 0)->record.text[FIELD_ID],
			    assembly_call(s.calls, 2)->copy_of));
	assert_true(text_eq(assembly_call(s.calls, 1)->record.text[FIELD_ID],
			    assembly_call(s.calls, 3)->copy_of));
	struct assembly *once = assembly_open(true);
	for (size_t i = 0; i < 5; i++)
		assembly_add(once, assembly_call(s.calls, i));
	assert_int_equal(assembly_count(once), 3);
	assembly_close(once);
	assert_int_equal(assembly_call(s.calls, 4)->record.tokens[BUCKET_INPUT], 40);
	assembly_close(s.calls);
}

static void only_calls_are_counted_among_spans(void **state)
{
	(void)state;
#define SPAN(id, op, more) \
	"{\"traceId\":\"t\",\"spanId\":\"" id "\",\"startTimeUnixNano\":\"1772359200000000000\"," \
	"\"attributes\":[{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"" op \
	"\"}},{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":\"10\"}}," \
	"{\"key\":\"gen_ai.usage.output_tokens\",\"value\":{\"intValue\":2}}" more "]}"
	assert_int_equal(
		count_of("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" SPAN(
			"a", "invoke_agent",
			"") "," SPAN("b", "chat", "") "," SPAN("c", "embeddings", "") "]}]}]}"),
		2);
	/* what cannot lie inside the prompt lies beside it */
	struct seen s;
	read_lines(&s, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[" SPAN(
			       "a", "chat",
			       ",{\"key\":\"gen_ai.usage.cache_read.input_tokens\",\"value\":{"
			       "\"intValue\":\"500\"}}") "]}]}]}");
	assert_int_equal(assembly_count(s.calls), 1);
	assert_int_equal(assembly_call(s.calls, 0)->record.tokens[BUCKET_INPUT], 10);
	assert_int_equal(assembly_call(s.calls, 0)->record.tokens[BUCKET_CACHE_READ], 500);
	assembly_close(s.calls);
}

static void an_event_lends_its_identity_to_its_data(void **state)
{
	(void)state;
	struct seen s;
	read_lines(&s,
		   "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/app\",\"type\":\"usage\","
		   "\"subject\":\"acme\",\"time\":\"2026-03-01T10:00:00Z\",\"data\":{\"model\":"
		   "\"deepseek-v4-flash\",\"input\":5,\"output\":1}}");
	assert_int_equal(assembly_count(s.calls), 1);
	const struct record *r = &assembly_call(s.calls, 0)->record;
	assert_true(text_is(r->text[FIELD_ID], "/app#e1"));
	assert_true(text_is(r->text[FIELD_CUSTOMER], "acme"));
	assert_true(r->time_us == INT64_C(1772359200000000));
	assembly_close(s.calls);
}

/* What a source tells of one and the same request of 10 tokens of prompt, of which 2 were read from
 * the cache, 1 written to it for five minutes and 3 for an hour. */
struct telling {
	bool read;
	enum { WRITES_UNTOLD, WRITES_SUM, WRITES_SPLIT } writes;
};

static struct metered telling_call(struct telling t)
{
	struct metered m = { .shape = "test", .rule = "as-given", .cumulative = true };
	record_clear(&m.record);
	m.record.text[FIELD_ID] = m.twin = TEXT("one");
	int64_t *n = m.record.tokens;
	n[BUCKET_CACHE_READ] = t.read ? 2 : 0;
	n[BUCKET_CACHE_WRITE_5M] = t.writes == WRITES_SPLIT ? 1 : t.writes == WRITES_SUM ? 4 : 0;
	n[BUCKET_CACHE_WRITE_1H] = t.writes == WRITES_SPLIT ? 3 : 0;
	n[BUCKET_INPUT] =
		10 - n[BUCKET_CACHE_READ] - n[BUCKET_CACHE_WRITE_5M] - n[BUCKET_CACHE_WRITE_1H];
	m.record.unsplit = t.writes == WRITES_SUM;
	return m;
}

static void check_tellings(const struct telling *t, size_t n)
{
	struct telling all = { false, WRITES_UNTOLD };
	struct assembly *a = assembly_open(true);
	for (size_t i = 0; i < n; i++) {
		const struct metered m = telling_call(t[i]);
		all.read |= t[i].read;
		all.writes = t[i].writes > all.writes ? t[i].writes : all.writes;
		assembly_add(a, &m);
	}
	const struct metered want = telling_call(all);
	assert_int_equal(assembly_count(a), 1);
	const struct metered *is = assembly_call(a, 0);
	assert_memory_equal(is->record.tokens, want.record.tokens, sizeof want.record.tokens);
	assert_int_equal(metered_is_unsplit(is), metered_is_unsplit(&want));
	assembly_close(a);
}

static void what_tellings_share_does_not_depend_on_their_order(void **state)
{
	(void)state;
	struct telling t[3];
	for (int i = 0; i < 6 * 6 * 6; i++) {
		for (int k = 0, of = i; k < 3; k++, of /= 6)
			t[k] = (struct telling){ of % 6 / 3, of % 3 };
		check_tellings(t, 3);
	}
}

static void what_is_shared_does_not_depend_on_what_is_shared_first(void **state)
{
	(void)state;
	for (int i = 0; i < 6 * 6; i++) {
		const struct telling one = { i / 6 / 3, i / 6 % 3 }, two = { i % 6 / 3, i % 3 };
		struct metered a = telling_call(one), b = telling_call(two), c = a, d = b;
		sighting_share_split(a.record.tokens, b.record.tokens);
		sighting_share_cached(a.record.tokens, b.record.tokens);
		sighting_share_cached(c.record.tokens, d.record.tokens);
		sighting_share_split(c.record.tokens, d.record.tokens);
		assert_memory_equal(a.record.tokens, c.record.tokens, sizeof a.record.tokens);
		assert_memory_equal(b.record.tokens, d.record.tokens, sizeof b.record.tokens);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_tellings_share_does_not_depend_on_their_order),
		cmocka_unit_test(what_is_shared_does_not_depend_on_what_is_shared_first),
		cmocka_unit_test(payload_shapes_come_out_in_their_buckets),
		cmocka_unit_test(the_dedupe_cases_count_each_call_once),
		cmocka_unit_test(reported_usage_comes_out_as_the_priced_tokens),
		cmocka_unit_test(impossible_counts_are_refused),
		cmocka_unit_test(the_order_of_sightings_does_not_matter),
		cmocka_unit_test(the_fast_log_reader_agrees_with_the_strict_one),
		cmocka_unit_test(a_line_is_read_as_if_no_other_had_been),
		cmocka_unit_test(a_forked_session_repeats_nothing),
		cmocka_unit_test(only_calls_are_counted_among_spans),
		cmocka_unit_test(an_event_lends_its_identity_to_its_data),
	};
	return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
