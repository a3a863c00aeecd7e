#include "meter/formats/session_database.h"

#include "base/peek.h"
#include "meter/formats/agent_call.h"

struct database_format {
	const char *table[2], *column; /* the column is in the first table */
	int (*read)(struct peek *p, struct payload_reader *r, struct err *e);
};

static const struct database_format formats[] = {
	{ { "gen_metadata", NULL }, "data", antigravity_read },
	/* before OpenCode, of which it is a fork */
	{ { "model_usage", NULL }, "cache_read_input_tokens", zcode_read },
	{ { "message", "session" }, "data", opencode_read },
	{ { "threads", NULL }, "data_type", zed_read },
	{ { "sessions", "messages" }, "cache_read_tokens", hermes_read },
	{ { "assistant_usage_events", NULL }, "input_tokens", copilot_read },
	{ { "usage_ledger", "sessions" }, "input_tokens", goose_read },
	{ { "sessions", "messages" }, "accumulated_total_tokens", goose_read },
	{ { "sessions", "messages" }, "prompt_tokens", crush_read },
	{ { "agent_conversations", "ai_queries" }, "conversation_data", warp_read },
};

static const struct database_format *format_of(struct peek *p)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (peek_has_table(p, formats[i].table[0]) &&
		    (!formats[i].table[1] || peek_has_table(p, formats[i].table[1])) &&
		    peek_has_column(p, formats[i].table[0], formats[i].column))
			return &formats[i];
	return NULL;
}

bool session_database_known(const char *path)
{
	struct peek *p;
	if (!peek_is_database(path) || peek_glance(&p, path, NULL) != 0)
		return false;
	bool known = format_of(p) != NULL, fresh = !known && peek_is_empty(p);
	peek_close(p);
	/* one that is new may have all it holds in its log still */
	if (fresh && peek_open(&p, path, NULL) == 0) {
		known = format_of(p) != NULL;
		peek_close(p);
	}
	return known;
}

int session_database_read(const char *path, struct payload_reader *r, struct err *e)
{
	enum { TIMES = 3 };
	int rc = 0;
	bool again = true;
	/* what is met again has the same ids */
	for (int i = 0; i < TIMES && rc == 0 && again; i++) {
		struct peek *p;
		rc = peek_open(&p, path, e);
		if (rc != 0)
			return rc;
		const struct database_format *f = format_of(p);
		rc = f ? f->read(p, r, e)
		       : err_set(e, ERR_INVALID, "%s: the database belongs to no known agent",
				 path);
		again = peek_was_written(p);
		peek_close(p);
	}
	return rc;
}
