/*
 * Zed's threads: a row each, whose data is JSON, compressed with zstd. The running total of a
 * thread counts; where it is empty (some versions kept none), the sum of what is known of its
 * requests. It is of the model that the thread used last, and its cache stands beside the input.
 */
#include <stdlib.h>
#include <zstd.h>

#include "base/peek.h"
#include "meter/formats/agent_call.h"

enum { THREAD_MOST = 256 << 20 };

/* The JSON text of a thread; *owned is what must be freed. */
static int unpack(struct text *out, char **owned, struct text data, struct text kind, struct err *e)
{
	*owned = NULL;
	*out = data;
	if (text_is(kind, "json"))
		return 0;
	if (!text_is(kind, "zstd"))
		return err_set(e, ERR_INVALID, "column 'data_type' is not known ('%.*s')",
			       kind.n > 40 ? 40 : (int)kind.n, kind.p);
	const unsigned long long size = ZSTD_getFrameContentSize(data.p, data.n);
	const size_t room = size <= THREAD_MOST ? (size_t)size : THREAD_MOST;
	char *text = malloc(room + 1);
	if (!text)
		return err_set(e, ERR_SYSTEM, "the thread is too large for the memory");
	const size_t n = ZSTD_decompress(text, room, data.p, data.n);
	if (ZSTD_isError(n)) {
		free(text);
		return err_set(e, ERR_INVALID, "column 'data' could not be unpacked: %s",
			       ZSTD_getErrorName(n));
	}
	*owned = text;
	*out = (struct text){ text, n };
	return 0;
}

static int add(struct raw_counts *to, json_value *usage, struct err *e)
{
	struct raw_counts c = { 0 };
	int rc = counts_read(&c, usage, e);
	for (int i = 0; rc == 0 && i < RAW_COUNTS; i++) {
		to->has |= c.has & 1u << i;
		if (__builtin_add_overflow(to->count[i], c.count[i], &to->count[i]))
			rc = err_set(e, ERR_RANGE, "the counts of the thread are too large");
	}
	return rc;
}

/* Columns: 0 id, 1 when, 2 kind, 3 data. */
static void take_thread(struct payload_reader *r, struct peek_rows *rows, int64_t line)
{
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct err e;
	struct json_document *doc = NULL;
	struct text text, id = peek_text(rows, 0), when = peek_text(rows, 1);
	struct instant t;
	char *owned;
	payload_begin(&m, "zed.thread", line);
	m.cumulative = true;
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "zed:%.*s", (int)id.n, id.p)));
	agent_set(&m.record, FIELD_SESSION, id);
	agent_set(&m.record, FIELD_TASK, id);
	int rc = instant_parse_lenient(&t, when, &e);
	if (rc == 0)
		agent_set_time(&m.record, FIELD_TIME, t.us);
	int unpacked = unpack(&text, &owned, peek_text(rows, 3), peek_text(rows, 2), &e);
	rc = rc ? rc : unpacked;
	if (rc == 0)
		rc = json_open(&doc, text, &e);
	json_value *root = doc ? json_root(doc) : NULL, *model = json_member(root, "model"),
		   *whole = json_member(root, "cumulative_token_usage"),
		   *each = json_member(root, "request_token_usage");
	payload_text(&m.record, FIELD_MODEL, json_member(model, "model"));
	/* its own models cost more than their vendors ask */
	const struct text provider = json_string(json_member(model, "provider"));
	if (text_is(provider, "zed.dev"))
		agent_set(&m.record, FIELD_PROVIDER, TEXT("zed"));
	else
		payload_seller(r, &m.record, provider);
	json_value *counted = json_is_nothing(whole) ? each : whole;
	if (rc == 0 && counted == whole)
		rc = add(&c, whole, &e);
	else
		for (json_value *u = json_first(each); rc == 0 && u; u = json_next(u))
			rc = add(&c, u, &e);
	payload_judge(r, &m, whole, true);
	for (json_value *u = json_first(each); u; u = json_next(u))
		payload_judge(r, &m, u, true);
	if (rc == 0 && json_is_nothing(counted))
		r->passed_over++; /* an agent of another maker, which keeps its own log */
	else if (rc == 0)
		agent_take_json(r, &m, &c, counted, rc, &e);
	else
		agent_take(r, &m, &c, TEXT("{}"), rc, &e);
	if (doc)
		json_close(doc);
	free(owned);
}

int zed_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	struct peek_rows *rows;
	struct buf sql = { 0 };
	buf_printf(&sql, "SELECT id, %s, data_type, data FROM threads ORDER BY id",
		   peek_has_column(p, "threads", "created_at") ? "coalesce(created_at, updated_at)"
							       : "updated_at");
	int rc = peek_query(p, &rows, sql.p, e);
	buf_release(&sql);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++)
		take_thread(r, rows, line);
	peek_end(rows);
	return rc;
}
