/*
 * Agents whose database has one table of usage: ZCode (a row a call; input and output hold the
 * cache and the reasoning), and Hermes (sums of sessions, a row each, newer versions one for each
 * model of a session; the cache beside the input).
 */
#include "base/peek.h"
#include "meter/formats/agent_call.h"

struct usage_table {
	const char *shape, *key, *sql;
	enum containment cache;
	bool sums; /* of a session, which grow */
};

/* Columns: 0 id, 1 session, 2 when, 3 model, 4 directory, then the counts. */
static void take_row(struct payload_reader *r, struct peek_rows *rows, const struct usage_table *t,
		     int64_t line)
{
	struct metered m;
	struct raw_counts c = { .cache = t->cache, .fixed = true };
	struct err e;
	struct buf raw = { 0 };
	const struct text id = peek_text(rows, 0), session = peek_text(rows, 1),
			  model = peek_text(rows, 3);
	payload_begin(&m, t->shape, line);
	m.cumulative = t->sums;
	agent_set(&m.record, FIELD_ID,
		  text_of(t->sums ? arena_printf(&r->arena, "%s:%.*s:%.*s", t->key, (int)session.n,
						 session.p, (int)model.n, model.p)
				  : arena_printf(&r->arena, "%s:%.*s:%.*s", t->key, (int)session.n,
						 session.p, (int)id.n, id.p)));
	int rc = agent_columns(&c, rows, 5, agent_usual_counts, &raw, &e);
	if (rc == 0)
		rc = agent_row_texts(&m.record, rows, &(struct agent_row){ 1, 3, 2, 4 }, &e);
	bool any = rc != 0;
	for (int i = 0; i < RAW_COUNTS; i++)
		any |= c.count[i] != 0;
	/* a session that has only begun, a call that was refused: a call of which nothing is told
	 * is neither */
	if (any || (!c.has && !t->sums))
		agent_take(r, &m, &c, (struct text){ raw.p, raw.n }, rc, &e);
	else
		r->passed_over++;
	buf_release(&raw);
}

static int read_table(struct peek *p, struct payload_reader *r, const struct usage_table *t,
		      struct err *e)
{
	struct peek_rows *rows;
	int rc = peek_query(p, &rows, t->sql, e);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++)
		take_row(r, rows, t, line);
	peek_end(rows);
	return rc;
}

int zcode_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	static const struct usage_table t = {
		"zcode.session", "zcode",
		"SELECT id, session_id, started_at, model_id, NULL, input_tokens, output_tokens, "
		"cache_read_input_tokens, cache_creation_input_tokens, reasoning_tokens "
		"FROM model_usage ORDER BY rowid",
		CACHE_INSIDE, false
	};
	return read_table(p, r, &t, e);
}

int hermes_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	static const char by_session[] = "SELECT id, id, started_at, model, ";
	static const char by_model[] = "SELECT u.session_id, u.session_id, s.started_at, u.model, ";
	const bool models = peek_has_table(p, "session_model_usage") &&
			    peek_has_column(p, "session_model_usage", "session_id") &&
			    peek_has_column(p, "session_model_usage", "model") &&
			    peek_has_column(p, "session_model_usage", "input_tokens");
	const char *table = models ? "session_model_usage" : "sessions",
		   *alias = models ? "u." : "";
	static const char *const columns[] = { "cache_read_tokens", "cache_write_tokens",
					       "reasoning_tokens" };
	struct buf sql = { 0 };
	buf_puts(&sql, models ? by_model : by_session);
	buf_puts(&sql, !peek_has_column(p, "sessions", "cwd") ? "NULL" : models ? "s.cwd" : "cwd");
	buf_printf(&sql, ", %sinput_tokens, %soutput_tokens", alias, alias);
	/* older databases lack some */
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (peek_has_column(p, table, columns[i]))
			buf_printf(&sql, ", %s%s", alias, columns[i]);
		else
			buf_puts(&sql, ", NULL");
	buf_puts(&sql, models ? " FROM session_model_usage u LEFT JOIN sessions s ON s.id = "
				"u.session_id ORDER BY u.rowid"
			      : " FROM sessions ORDER BY rowid");
	const struct usage_table t = { "hermes.session", "hermes", sql.p, CACHE_BESIDE, true };
	int rc = read_table(p, r, &t, e);
	buf_release(&sql);
	return rc;
}
