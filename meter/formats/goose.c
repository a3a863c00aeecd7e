/*
 * Goose: a SQLite database. Since its schema 15 `usage_ledger` has a row a call, of which those
 * that are carried forward stand for the totals of older sessions; before it a session has only its
 * totals. The input holds what the cache did.
 */
#include "base/peek.h"
#include "meter/formats/agent_call.h"

/* Columns: 0 id, 1 session, 2 when, 3 model, 4 input, 5 output, 6 total, 7 cache read, 8 cache
 * written, 9 directory, 10 carried forward, 11 cost, 12 whether the provider told it, 13 who sold
 * it. */
static const char ledger_sql[] =
	"SELECT u.id, u.session_id, u.created_timestamp, u.model, u.input_tokens, "
	"u.output_tokens, u.total_tokens, u.cache_read_tokens, u.cache_write_tokens, "
	"(SELECT s.working_dir FROM sessions s WHERE s.id = u.session_id), "
	"u.cost_source = 'carried_forward', u.cost, u.cost_source = 'provider_reported', "
	"(SELECT %s FROM sessions s WHERE s.id = u.session_id) FROM usage_ledger u ORDER BY u.id";
static const char totals_sql[] =
	"SELECT id, id, created_at, %s, coalesce(accumulated_input_tokens, input_tokens), "
	"coalesce(accumulated_output_tokens, output_tokens), "
	"coalesce(accumulated_total_tokens, total_tokens), %s, %s, working_dir, 1, NULL, 0, "
	"%s FROM sessions ORDER BY id";

static void take_row(struct payload_reader *r, struct peek_rows *rows, int64_t line)
{
	static const struct agent_count table[] = { { "input_tokens", RAW_PROMPT, false },
						    { "output_tokens", RAW_COMPLETION, false },
						    { "total_tokens", RAW_TOTAL, false },
						    { "cache_read_tokens", RAW_CACHE_READ, false },
						    { "cache_write_tokens", RAW_CACHE_WRITE,
						      false },
						    { NULL, RAW_COUNTS, false } };
	struct metered m;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct err e;
	struct buf raw = { 0 };
	const bool whole_session = peek_int(rows, 10) != 0;
	payload_begin(&m, "goose.session", line);
	int rc = agent_columns(&c, rows, 4, table, &raw, &e);
	if (rc == 0)
		rc = agent_row_texts(&m.record, rows, &(struct agent_row){ 1, 3, 2, 9 }, &e);
	if (!c.count[RAW_PROMPT] && !c.count[RAW_COMPLETION] && !c.count[RAW_TOTAL] && rc == 0 &&
	    (c.has || whole_session)) {
		r->passed_over++;
		buf_release(&raw);
		return;
	}
	struct text id = peek_text(rows, 0), session = peek_text(rows, 1),
		    when = peek_text(rows, 2);
	const char *key = whole_session
				  ? arena_printf(&r->arena, "goose:%.*s", (int)session.n, session.p)
				  : arena_printf(&r->arena, "goose:%.*s:%.*s:%.*s", (int)session.n,
						 session.p, (int)id.n, id.p, (int)when.n, when.p);
	m.cumulative = whole_session;
	payload_seller(r, &m.record, peek_text(rows, 13));
	agent_set(&m.record, FIELD_ID, text_of(key));
	payload_recorded_as(&m, peek_text(rows, 11), peek_int(rows, 12) != 0);
	agent_take(r, &m, &c, (struct text){ raw.p, raw.n }, rc, &e);
	buf_release(&raw);
}

int goose_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	struct peek_rows *rows;
	struct buf sql = { 0 };
	const bool config = peek_has_column(p, "sessions", "model_config_json"),
		   cache = peek_has_column(p, "sessions", "accumulated_cache_read_tokens");
	/* a session may have changed its model, and the seller with it */
	const bool seller = config && peek_has_column(p, "sessions", "provider_name");
	if (peek_has_table(p, "usage_ledger"))
		buf_printf(&sql, ledger_sql,
			   seller ? "CASE WHEN json_extract(s.model_config_json, '$.model_name') = "
				    "u.model THEN s.provider_name END"
				  : "NULL");
	else
		buf_printf(&sql, totals_sql,
			   config ? "json_extract(model_config_json, '$.model_name')" : "NULL",
			   cache ? "accumulated_cache_read_tokens" : "NULL",
			   cache ? "accumulated_cache_write_tokens" : "NULL",
			   seller ? "provider_name" : "NULL");
	int rc = peek_query(p, &rows, sql.p, e);
	buf_release(&sql);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++)
		take_row(r, rows, line);
	peek_end(rows);
	return rc;
}
