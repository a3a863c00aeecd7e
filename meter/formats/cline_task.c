/*
 * The tasks of Cline, Roo Code and Kilo Code in an editor: ui_messages.json, a list of what was
 * shown, edited in place. A request is an entry whose text is JSON with its counts. Newer versions
 * name the model in the entry, older ones in the conversation beside it.
 */
#include <stdlib.h>

#include "meter/formats/agent_call.h"

/* A model that the conversation names, from that instant on; the last one first. */
struct named_model {
	int64_t ms; /* 0: it does not say */
	struct text model;
	const struct named_model *before;
};

static void add_models(struct payload_reader *r, struct text content, int64_t ms)
{
	static const char open[] = "<model>", close[] = "</model>";
	const char *end = content.p + content.n, *p = content.p;
	while (p && (p = memmem(p, (size_t)(end - p), open, sizeof open - 1))) {
		p += sizeof open - 1;
		const char *q = memmem(p, (size_t)(end - p), close, sizeof close - 1);
		if (!q || q == p || q - p >= 200)
			continue;
		struct named_model *m = arena_alloc(&r->arena, sizeof *m);
		*m = (struct named_model){ ms,
					   { arena_text(&r->arena, p, (size_t)(q - p)),
					     (size_t)(q - p) },
					   r->beside };
		r->beside = m;
	}
}

static void read_beside(struct payload_reader *r)
{
	const char *slash = r->path ? strrchr(r->path, '/') : NULL;
	struct json_document *doc;
	struct buf content = { 0 };
	r->beside_read = true;
	if (!r->path ||
	    json_open_file(&doc,
			   arena_printf(&r->arena, "%.*sapi_conversation_history.json",
					slash ? (int)(slash - r->path) + 1 : 0, r->path),
			   NULL) != 0)
		return;
	for (json_value *v = json_first(json_root(doc)); v; v = json_next(v)) {
		struct text ts = json_number(json_member(v, "ts"));
		content.n = 0;
		json_put_value(&content, json_member(v, "content"));
		add_models(r, (struct text){ content.p, content.n },
			   ts.n ? strtoll(ts.p, NULL, 10) : 0);
	}
	buf_release(&content);
	json_close(doc);
}

/* The model that the conversation beside the task names last up to that instant, else first. */
static struct text model_beside(struct payload_reader *r, int64_t ms)
{
	struct text first = TEXT("");
	if (!r->beside_read)
		read_beside(r);
	for (const struct named_model *m = r->beside; m; m = m->before) {
		if (m->ms <= ms)
			return m->model;
		first = m->model;
	}
	return first;
}

/* Requests, those that were deleted later and sums of what sub-agents did, all of which were paid.
 */
static bool is_request(struct text say)
{
	return text_is(say, "api_req_started") || text_is(say, "deleted_api_reqs") ||
	       text_is(say, "subagent_usage");
}

static void take_request(struct payload_reader *r, json_value *v, json_value *told, int64_t line)
{
	static const struct agent_count table[] = { { "tokensIn", RAW_PROMPT, false },
						    { "tokensOut", RAW_COMPLETION, false },
						    { "cacheWrites", RAW_CACHE_WRITE, false },
						    { "cacheReads", RAW_CACHE_READ, false },
						    { "request", RAW_COUNTS, true },
						    { "cost", RAW_COUNTS, true },
						    { "totalCost", RAW_COUNTS, true },
						    { "cancelReason", RAW_COUNTS, true },
						    { NULL, RAW_COUNTS, false } };
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct err e;
	struct text ts = json_number(json_member(v, "ts")), task = path_part(r->path, 1),
		    say = json_string(json_member(v, "say"));
	json_value *info = json_member(v, "modelInfo"), *model = json_member(info, "modelId");
	payload_begin(&m, "cline.task", line);
	payload_seller(r, &m.record, json_string(json_member(info, "providerId")));
	m.cumulative = true;
	int rc = agent_counts(&c, told, table, &e);
	if (rc == 0 && !c.count[RAW_PROMPT] && !c.count[RAW_COMPLETION] &&
	    !c.count[RAW_CACHE_READ] && !c.count[RAW_CACHE_WRITE]) {
		r->passed_over++; /* under way, or given up before an answer */
		return;
	}
	if (task.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "cline:%.*s:%.*s:%.*s", (int)task.n,
					       task.p, (int)ts.n, ts.p, (int)say.n, say.p)));
	agent_set(&m.record, FIELD_SESSION, task);
	agent_set(&m.record, FIELD_TASK, task);
	if (!model)
		model = json_member(told, "model");
	struct text name = json_string(model);
	agent_set(&m.record, FIELD_MODEL,
		  name.n ? name : model_beside(r, strtoll(ts.n ? ts.p : "0", NULL, 10)));
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, json_member(v, "ts"), &e);
	payload_judge_beside(r, &m, v, NULL, "");
	agent_take_json(r, &m, &c, told, rc, &e);
}

bool cline_task_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text type = json_string(json_member(v, "type")), text;
	struct json_document *doc;
	struct err e;
	const bool entry = json_kind(json_member(v, "ts")) == JSON_NUMBER &&
			   (text_is(type, "say") || text_is(type, "ask"));
	text = json_string(json_member(v, "text"));
	const bool request = is_request(json_string(json_member(v, "say"))),
		   object = text.n && *text.p == '{';
	if (!entry && request) {
		err_set(&e, ERR_INVALID,
			"the request has no number 'ts' or no known 'type', so it is no entry of a "
			"task");
		payload_refuse(r, line, v, &e);
	}
	if (!entry)
		return request;
	if (request ? !object : object && text_holds(text, "\"tokensIn\":")) {
		err_set(&e, ERR_INVALID,
			request ? "the request has no 'text' with its counts"
				: "the entry counts tokens, but 'say' is no known kind of request");
		payload_refuse(r, line, v, &e);
		return true;
	}
	if (!request) {
		payload_pass_over(r, "cline.task", v, line);
		return true;
	}
	if (json_open(&doc, text, &e) != 0) {
		payload_refuse(r, line, v, &e);
		return true;
	}
	take_request(r, v, json_root(doc), line);
	json_close(doc);
	return true;
}
