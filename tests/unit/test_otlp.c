/*
 * OTLP in protobuf, byte by byte: what the decoder writes, and that damage, depth and size end it.
 */
#include "tests/unit/unit.h"

#include "base/json.h"
#include "meter/formats/otlp_proto.h"
#include "meter/formats/proto.h"

/* --- a writer of protobuf, from the inside out --- */

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add(b, &(char){ (char)(v | 0x80) }, 1);
	buf_add(b, &(char){ (char)v }, 1);
}

static void put_number(struct buf *b, unsigned field, uint64_t v)
{
	put_varint(b, field << 3);
	put_varint(b, v);
}

static void put_fixed(struct buf *b, unsigned field, uint64_t v)
{
	put_varint(b, field << 3 | 1);
	for (int i = 0; i < 8; i++)
		buf_add(b, &(char){ (char)(v >> 8 * i) }, 1);
}

static void put_bytes(struct buf *b, unsigned field, const void *p, size_t n)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, n);
	buf_add(b, p, n);
}

/* Takes inner into b. */
static void put_inner(struct buf *b, unsigned field, struct buf *inner)
{
	put_bytes(b, field, inner->p, inner->n);
	buf_release(inner);
	*inner = (struct buf){ 0 };
}

static void put_attribute(struct buf *b, unsigned field, const char *key, struct buf *value)
{
	struct buf kv = { 0 };
	/* the value first: order means nothing */
	put_inner(&kv, 2, value);
	put_bytes(&kv, 1, key, strlen(key));
	put_inner(b, field, &kv);
}

static struct buf any_int(int64_t v)
{
	struct buf b = { 0 };
	put_number(&b, 3, (uint64_t)v);
	return b;
}

static struct buf any_text(const char *s)
{
	struct buf b = { 0 };
	put_bytes(&b, 1, s, strlen(s));
	return b;
}

static struct buf span(void)
{
	struct buf s = { 0 }, v;
	v = any_text("chat");
	put_attribute(&s, 9, "gen_ai.operation.name", &v);
	put_fixed(&s, 8, 1781481601000000000u);
	put_fixed(&s, 7, 1781481600000000000u);
	put_bytes(&s, 5, "chat x", 6);
	put_bytes(&s, 2, "\1\2\3\4\5\6\7\xff", 8);
	put_bytes(&s, 1, "0123456789abcdef", 16);
	v = any_int(120);
	put_attribute(&s, 9, "gen_ai.usage.input_tokens", &v);
	v = any_int(-1);
	put_attribute(&s, 9, "n", &v);
	v = (struct buf){ 0 };
	put_attribute(&s, 9, "empty", &v);
	put_bytes(&s, 500, "unknown", 7);
	return s;
}

static struct buf request(struct buf *record)
{
	struct buf scoped = { 0 }, resource = { 0 }, all = { 0 };
	put_inner(&scoped, 2, record);
	put_inner(&resource, 2, &scoped);
	put_inner(&all, 1, &resource);
	return all;
}

static void test_a_span(void **state)
{
	struct buf s = span(), all = request(&s), json = { 0 };
	struct err e;
	(void)state;
	assert_int_equal(otlp_proto_signal((struct text){ all.p, all.n }), OTLP_TRACES);
	assert_int_equal(otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, all.n }, &e), 0);
	assert_string_equal(
		json.p, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
			"\"traceId\":\"30313233343536373839616263646566\","
			"\"spanId\":\"01020304050607ff\",\"name\":\"chat x\","
			"\"startTimeUnixNano\":\"1781481600000000000\","
			"\"endTimeUnixNano\":\"1781481601000000000\",\"attributes\":["
			"{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}},"
			"{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":\"120\"}},"
			"{\"key\":\"n\",\"value\":{\"intValue\":\"-1\"}},"
			"{\"key\":\"empty\",\"value\":{}}]}]}]}]}");
	/* an empty request is one */
	json.n = 0;
	assert_int_equal(otlp_proto_read(&json, OTLP_LOGS, TEXT(""), &e), 0);
	assert_string_equal(json.p, "{}");
	buf_release(&json);
	buf_release(&all);
}

/* Cut off anywhere, and with any byte changed: an error, or JSON; never more. */
static void test_damage(void **state)
{
	struct buf s = span(), all = request(&s), json = { 0 };
	struct err e;
	int whole = 0;
	(void)state;
	for (size_t n = 0; n < all.n; n++) {
		json.n = 0;
		int rc = otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, n }, &e);
		whole += rc == 0;
		assert_true(rc == 0 || strstr(e.message, "byte"));
	}
	assert_int_equal(whole, 1); /* nothing at all */
	for (size_t i = 0; i < all.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct json_document *doc;
			all.p[i] = (char)(all.p[i] ^ 1 << bit);
			json.n = 0;
			if (otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, all.n },
					    &e) == 0) {
				if (json_open(&doc, (struct text){ json.p, json.n }, &e) != 0)
					fail_msg("%s: %s", e.message, json.p);
				json_close(doc);
			}
			all.p[i] = (char)(all.p[i] ^ 1 << bit);
		}
	buf_release(&json);
	buf_release(&all);
}

static void refused(const char *bytes, size_t n, const char *why)
{
	struct buf json = { 0 };
	struct err e = { 0 };
	assert_int_not_equal(otlp_proto_read(&json, OTLP_TRACES, (struct text){ bytes, n }, &e), 0);
	if (!strstr(e.message, why))
		fail_msg("'%s' does not say '%s'", e.message, why);
	buf_release(&json);
}

static void test_wire(void **state)
{
	struct buf deep = { 0 }, json = { 0 };
	struct err e;
	(void)state;
	refused("\x00\x01", 2, "no valid number");	   /* field 0 */
	refused("\x0a\x7f", 2, "longer than its message"); /* length beyond the end */
	refused("\x0e", 1, "unknown type");		   /* wire type 6 */
	refused("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 11, "type"); /* 65 bits */
	refused("\x14", 1, "group");	/* an end without begin */
	refused("\x13\x1c", 2, "type"); /* the end of another group */
	/* a group is skipped whole, a known field of another wire type as if it were unknown */
	assert_int_equal(otlp_proto_read(&json, OTLP_TRACES,
					 (struct text){ "\x13\x08\x01\x14\x08\x05", 6 }, &e),
			 0);
	assert_string_equal(json.p, "{}");
	/* groups in groups end, and so do values in values */
	for (int i = 0; i < 1000; i++)
		buf_puts(&deep, "\x13");
	refused(deep.p, deep.n, "deeper");
	deep.n = 0;
	struct buf value = any_text("x");
	for (int i = 0; i < 100; i++) {
		struct buf list = { 0 }, outer = { 0 };
		put_inner(&list, 1, &value);
		put_inner(&outer, 5, &list);
		value = outer;
	}
	struct buf s = { 0 };
	put_attribute(&s, 9, "deep", &value);
	struct buf all = request(&s);
	json.n = 0;
	assert_int_equal(otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, all.n }, &e), 0);
	assert_true(json.n < 1000);
	buf_release(&all);
	buf_release(&deep);
	buf_release(&json);
}

/* Two bytes of a request must not become a hundred of memory. */
static void test_size(void **state)
{
	struct buf spans = { 0 }, json = { 0 };
	struct err e;
	(void)state;
	for (int i = 0; i < 2 * PROTO_VALUES_MAX; i++)
		buf_add(&spans, "\x12\x00", 2);
	struct buf scoped = { 0 }, all = { 0 };
	put_inner(&scoped, 2, &spans);
	put_inner(&all, 1, &scoped);
	assert_int_equal(otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, all.n }, &e),
			 -ERR_RANGE);
	assert_true(json.n < 100 << 20);
	buf_release(&all);
	/* a long text says nothing of usage */
	struct buf text = { 0 }, value = { 0 };
	buf_need(&text, PROTO_TEXT_MAX + 1);
	memset(text.p, 'x', PROTO_TEXT_MAX + 1);
	put_bytes(&value, 1, text.p, PROTO_TEXT_MAX + 1);
	struct buf s = { 0 };
	put_attribute(&s, 9, "prompt", &value);
	all = request(&s);
	json.n = 0;
	assert_int_equal(otlp_proto_read(&json, OTLP_TRACES, (struct text){ all.p, all.n }, &e), 0);
	assert_non_null(strstr(json.p, "{\"key\":\"prompt\",\"value\":{\"stringValue\":\"\"}}"));
	buf_release(&text);
	buf_release(&all);
	buf_release(&json);
}

static void test_points(void **state)
{
	struct buf point = { 0 }, sum = { 0 }, metric = { 0 }, json = { 0 };
	const double tokens = 20309, part = 0.5;
	uint64_t bits;
	struct err e;
	(void)state;
	memcpy(&bits, &tokens, sizeof bits);
	put_fixed(&point, 5, bits);
	put_fixed(&point, 4, 2);
	put_bytes(&point, 6, "\0\0\0\0\0\0\0\0", 8); /* buckets, packed */
	put_inner(&sum, 1, &point);
	memcpy(&bits, &part, sizeof bits);
	put_fixed(&point, 5, bits);
	put_inner(&sum, 1, &point);
	put_number(&sum, 2, 2);
	put_inner(&metric, 9, &sum);
	put_bytes(&metric, 1, "gen_ai.client.token.usage", 25);
	struct buf all = request(&metric);
	assert_int_equal(otlp_proto_signal((struct text){ all.p, all.n }), OTLP_METRICS);
	assert_int_equal(otlp_proto_read(&json, OTLP_METRICS, (struct text){ all.p, all.n }, &e),
			 0);
	assert_string_equal(json.p,
			    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{"
			    "\"name\":\"gen_ai.client.token.usage\",\"histogram\":{\"dataPoints\":["
			    "{\"count\":\"2\",\"sum\":20309},{\"sum\":0.500000000}],"
			    "\"aggregationTemporality\":2}}]}]}]}");
	buf_release(&all);
	buf_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_span), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_wire),   cmocka_unit_test(test_size),
		cmocka_unit_test(test_points),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
