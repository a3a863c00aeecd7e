/*
 * Crush: a SQLite database in each project. A session's tokens are those of its last call, not a
 * total, so nothing here can be counted: what its own estimate of the cost says is told, and the
 * session refused. What a child session cost is in its parent's figure.
 */
#include "base/peek.h"
#include "meter/formats/agent_call.h"

int crush_read(struct peek *p, struct payload_reader *r, struct err *e)
{
	struct peek_rows *rows;
	int rc =
		peek_query(p, &rows,
			   "SELECT id, prompt_tokens, completion_tokens, format('%.6f', cost) FROM "
			   "sessions WHERE parent_session_id IS NULL OR parent_session_id = '' "
			   "ORDER BY created_at, id",
			   e);
	if (rc != 0)
		return rc;
	for (int64_t line = 1; (rc = peek_next(rows, e)) > 0; line++) {
		struct text id = peek_text(rows, 0), cost = peek_text(rows, 3);
		struct err why;
		struct buf raw = { 0 };
		if (peek_int(rows, 1) == 0 && peek_int(rows, 2) == 0) {
			r->passed_over++;
			continue;
		}
		err_set(&why, ERR_INVALID,
			"session '%.*s': Crush keeps the tokens of a session's last call only, so "
			"they are not counted; its own estimate of the cost is %.*s USD",
			id.n > 100 ? 100 : (int)id.n, id.p, cost.n > 40 ? 40 : (int)cost.n, cost.p);
		buf_puts(&raw, "{\"id\":");
		json_put_string(&raw, id);
		buf_printf(&raw, ",\"cost\":%.*s}", (int)cost.n, cost.p);
		r->sink.refuse(r->sink.user, line, (struct text){ raw.p, raw.n }, &why);
		buf_release(&raw);
	}
	peek_end(rows);
	return rc;
}
