#include "server/otlp_answer.h"

#include "base/json.h"

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add(b, &(char){ (char)(v | 0x80) }, 1);
	buf_add(b, &(char){ (char)v }, 1);
}

static void put_text(struct buf *b, unsigned field, const char *p, size_t n)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, n);
	buf_add(b, p, n);
}

void otlp_answer_taken(struct buf *out, int64_t rejected, const char *reason)
{
	struct buf partial = { 0 };
	if (rejected == 0 && !reason)
		return;
	if (rejected) {
		put_varint(&partial, 1 << 3);
		put_varint(&partial, (uint64_t)rejected);
	}
	if (reason)
		put_text(&partial, 2, reason, strlen(reason));
	put_text(out, 1, partial.p, partial.n);
	buf_release(&partial);
}

void otlp_answer_partial(struct buf *out, enum otlp_signal signal, int64_t rejected,
			 const char *reason)
{
	static const char *const names[] = { [OTLP_TRACES] = "rejectedSpans",
					     [OTLP_LOGS] = "rejectedLogRecords",
					     [OTLP_METRICS] = "rejectedDataPoints" };
	if (rejected == 0 && !reason)
		return;
	buf_printf(out, ",\"partialSuccess\":{\"%s\":\"%lld\"", names[signal], (long long)rejected);
	if (reason) {
		buf_puts(out, ",\"errorMessage\":");
		json_put_string(out, text_of(reason));
	}
	buf_puts(out, "}");
}

/* google.rpc.Code of a status of HTTP. */
static int rpc_code(int http_status)
{
	static const struct {
		int status, code;
	} codes[] = { { 400, 3 }, { 401, 16 }, { 403, 7 }, { 404, 5 }, { 405, 12 }, { 408, 4 },
		      { 409, 6 }, { 413, 8 },  { 415, 3 }, { 422, 3 }, { 429, 8 },  { 503, 14 } };
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].status == http_status)
			return codes[i].code;
	return 13;
}

void otlp_answer_error(struct buf *out, bool protobuf, int http_status, const char *code,
		       const char *message)
{
	if (protobuf) {
		put_varint(out, 1 << 3);
		put_varint(out, (uint64_t)rpc_code(http_status));
		put_text(out, 2, message, strlen(message));
		return;
	}
	buf_printf(out, "{\"code\":%d,\"message\":", rpc_code(http_status));
	json_put_string(out, text_of(message));
	buf_printf(out, ",\"error\":{\"code\":\"%s\",\"message\":", code);
	json_put_string(out, text_of(message));
	buf_puts(out, "}}\n");
}
