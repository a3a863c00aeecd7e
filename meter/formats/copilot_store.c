/*
 * GitHub Copilot CLI's session-store.db: a row a call, which newer versions also write into the
 * session's events.jsonl, with the id of the answer: a session that has such a file beside the
 * database is read there. The input holds what the cache did, the output the reasoning.
 */
#include "base/file.h"
#include "base/peek.h"
#include "meter/formats/agent_call.h"

enum { EVENTS_MOST = 256 << 20 };

/* Whether the session's own file tells its calls; remembered by its id (1 no, 2 yes). */
static bool has_events(struct payload_reader *r, struct dict *known, struct text session)
{
	uint64_t *k = dict_need(known, session, NULL);
	if (*k == 0) {
		struct buf b = { 0 }, path = { 0 };
		const char *slash = r->path ? strrchr(r->path, '/') : NULL;
		buf_printf(&path, "%.*ssession-state/%.*s/events.jsonl",
			   slash ? (int)(slash - r->path) + 1 : 0, r->path ? r->path : "",
			   (int)session.n, session.p);
		bool has = r->path && file_read(&b, path.p, EVENTS_MOST, NULL) == 0 &&
			   text_holds((struct text){ b.p, b.n }, "\"session.usage_record\"");
		*k = 1 + has;
		buf_release(&b);
		buf_release(&path);
	}
	return *k == 2;
}

/* Columns: 0 id, 1 session, 2 model, 3 input, 4 output, 5 cache read, 6 cache written, 7 reasoning,
 * 8 when, 9 directory. */
static void take_row(struct payload_reader *r, struct peek_rows *rows, int64_t line)
{
	struct metered m;
	struct raw_counts c = { .cache = CACHE_INSIDE, .fixed = true };
	struct err e;
	struct buf raw = { 0 };
	struct text id = peek_text(rows, 0), session = peek_text(rows, 1);
	payload_begin(&m, "copilot-cli.store", line);
	m.cumulative = true; /* the session may have said its sum at its end, which gives way */
	payload_seller(r, &m.record, TEXT(COPILOT_SELLS));
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "copilot:%.*s:%.*s", (int)session.n, session.p,
				       (int)id.n, id.p)));
	int rc = agent_columns(&c, rows, 3, agent_usual_counts, &raw, &e);
	if (rc == 0)
		rc = agent_row_texts(&m.record, rows, &(struct agent_row){ 1, 2, 8, 9 }, &e);
	if (rc == 0 && !(c.has >> RAW_COMPLETION & 1))
		rc = err_set(&e, ERR_INVALID, "the row says nothing of the output");
	agent_take(r, &m, &c, (struct text){ raw.p, raw.n }, rc, &e);
	buf_release(&raw);
}

int copilot_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	static const char table[] = "assistant_usage_events";
	struct peek_rows *rows;
	struct buf sql = { 0 };
	struct dict known = { 0 };
	const bool sessions = peek_has_table(p, "sessions");
	buf_printf(&sql,
		   "SELECT u.id, u.session_id, u.model, u.input_tokens, %s, u.cache_read_tokens, "
		   "u.cache_write_tokens, %s, u.created_at, %s FROM assistant_usage_events u ORDER "
		   "BY u.id",
		   peek_has_column(p, table, "output_tokens") ? "u.output_tokens" : "NULL",
		   peek_has_column(p, table, "reasoning_tokens") ? "u.reasoning_tokens" : "NULL",
		   sessions ? "(SELECT s.cwd FROM sessions s WHERE s.id = u.session_id)" : "NULL");
	int rc = peek_query(p, &rows, sql.p, e);
	buf_release(&sql);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++)
		if (has_events(r, &known, peek_text(rows, 1)))
			r->passed_over++;
		else
			take_row(r, rows, line);
	peek_end(rows);
	dict_release(&known);
	return rc;
}
