/*
 * Sessions that are one JSON document, rewritten in place as they grow: Amp's threads, Factory
 * Droid's settings, Continue's sessions; and the lines of the old Kimi CLI.
 */
#include <glob.h>
#include <unistd.h>

#include "base/decimal.h"
#include "meter/formats/agent_call.h"

static struct text kept(struct payload_reader *r, json_value *v)
{
	struct text s = json_number_or_string(v);
	return s.n ? (struct text){ arena_text(&r->arena, s.p, s.n), s.n } : TEXT("");
}

static void set_session(struct record *r, struct text id)
{
	agent_set(r, FIELD_SESSION, id);
	agent_set(r, FIELD_TASK, id);
}

/* Amp's counts are the three parts of totalInputTokens. Of OpenAI's models what was "created" is
 * ordinary input. */
static const struct agent_count amp_table[] = { { "inputTokens", RAW_PROMPT, false },
						{ "input", RAW_PROMPT, false },
						{ "outputTokens", RAW_COMPLETION, false },
						{ "output", RAW_COMPLETION, false },
						{ "cacheCreationInputTokens", RAW_CACHE_WRITE,
						  false },
						{ "cacheReadInputTokens", RAW_CACHE_READ, false },
						{ "totalInputTokens", RAW_COUNTS, true },
						{ "maxInputTokens", RAW_COUNTS, true },
						{ "credits", RAW_COUNTS, true },
						{ NULL, RAW_COUNTS, false } };

static int amp_counts(struct raw_counts *c, json_value *usage, json_value *total, struct text model,
		      struct err *e)
{
	struct raw_counts whole = { 0 };
	int rc = agent_counts(c, usage, amp_table, e);
	if (rc == 0 && total && json_kind(total) == JSON_NUMBER)
		rc = counts_set(&whole, RAW_PROMPT, total, e);
	const int128 sum =
		(int128)c->count[RAW_PROMPT] + c->count[RAW_CACHE_READ] + c->count[RAW_CACHE_WRITE];
	if (rc == 0 && whole.has && whole.count[RAW_PROMPT] != sum)
		rc = err_set(e, ERR_INVALID,
			     "field 'totalInputTokens' (%lld) is not the sum of its parts",
			     (long long)whole.count[RAW_PROMPT]);
	if (rc == 0 && model.n > 4 && memcmp(model.p, "gpt-", 4) == 0) {
		if (sum > INT64_MAX)
			return err_set(e, ERR_RANGE, "the counts are too large");
		c->count[RAW_PROMPT] += c->count[RAW_CACHE_WRITE];
		c->count[RAW_CACHE_WRITE] = 0;
	}
	return rc;
}

/* Where one call of a thread stands. */
struct amp_call {
	struct text id;
	json_value *holder, *usage,
		*cache;	     /* of model and time, of counts, of what the cache did */
	json_value *message; /* around the usage; NULL: nothing is */
};

static void take_amp(struct payload_reader *r, struct text thread, const struct amp_call *call,
		     int64_t line)
{
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct err e;
	json_value *model = json_member(call->holder, "model"),
		   *time = json_member(call->holder, "timestamp");
	payload_begin(&m, "amp.thread", line);
	payload_seller(r, &m.record, TEXT("amp"));
	m.cumulative = true;
	if (!call->id.n)
		m.unread = "its id is no word, so that the call is not known again";
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "amp:%.*s:%.*s", (int)thread.n, thread.p,
				       (int)call->id.n, call->id.p)));
	payload_text(&m.record, FIELD_MODEL, model);
	set_session(&m.record, thread);
	int rc = payload_time(&m.record, FIELD_TIME, time, &e);
	if (rc == 0)
		rc = amp_counts(&c, call->usage, json_member(call->usage, "totalInputTokens"),
				json_string(model), &e);
	/* what the cache did stands in the answer's message */
	static const char *const parts[] = { "cacheCreationInputTokens", "cacheReadInputTokens" };
	static const enum raw_count which[] = { RAW_CACHE_WRITE, RAW_CACHE_READ };
	struct raw_counts unused = { 0 };
	if (rc == 0)
		rc = agent_counts(&unused, call->cache, amp_table, &e);
	if (!call->message ||
	    (call->holder != call->usage && json_kind(call->cache) != JSON_OBJECT))
		m.unread = "the event of the ledger leads to no message, which says what the cache "
			   "did";
	for (int i = 0; i < 2 && rc == 0; i++) {
		json_value *v = json_member(call->cache, parts[i]);
		if (v && json_kind(v) != JSON_NULL)
			rc = counts_set(&c, which[i], v, &e);
	}
	if (call->message)
		payload_judge_beside(r, &m, call->message, call->cache ? call->cache : call->usage,
				     "");
	payload_judge_missing(r, &m, call->cache);
	agent_take_json(r, &m, &c, call->usage, rc, &e);
}

/* A message without a usage, unless it counts under another name, or is none. */
static void pass_over_message(struct payload_reader *r, json_value *m, int64_t line)
{
	struct err e;
	if (json_kind(m) == JSON_OBJECT && json_is_nothing(json_member(m, "usage"))) {
		payload_pass_over(r, "amp.message", m, line);
		return;
	}
	err_set(&e, ERR_INVALID, "a message, or its 'usage', is no object");
	payload_refuse(r, line, m, &e);
}

/* Of a session in which answers tell what they used. */
static void note_message(struct payload_reader *r, json_value *message, struct text id,
			 bool counted, int64_t line)
{
	if (text_is(json_string(json_member(message, "role")), "assistant"))
		agent_note_answer(r, id, counted, line);
	else
		agent_answers_ended(r);
}

/* Newer threads have the usage in each message; older ones a ledger beside the messages. */
static void read_amp(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text thread = kept(r, json_member(v, "id"));
	json_value *messages = json_member(v, "messages");
	bool in_messages = false;
	int64_t n = 0;
	for (json_value *m = json_first(messages); m; m = json_next(m))
		in_messages |= json_member(json_member(m, "usage"), "timestamp") ||
			       json_member(json_member(m, "usage"), "totalInputTokens");
	for (json_value *m = json_first(messages); in_messages && m; m = json_next(m), n++) {
		json_value *usage = json_member(m, "usage"), *own = json_member(m, "messageId");
		const bool counted = json_kind(usage) == JSON_OBJECT;
		const struct text id =
			own ? kept(r, own) : text_of(arena_printf(&r->arena, "%lld", (long long)n));
		if (counted)
			take_amp(r, thread,
				 &(struct amp_call){
					 .id = id, .holder = usage, .usage = usage, .message = m },
				 line);
		else
			pass_over_message(r, m, line);
		note_message(r, m, id, counted, line);
	}
	json_value *ledger = json_member(v, "usageLedger"), *events = json_member(ledger, "events");
	bool counted = false; /* in a message, of which the ledger has the rest */
	for (json_value *m = json_first(messages); !in_messages && m; m = json_next(m))
		if (json_kind(json_member(m, "usage")) != JSON_OBJECT)
			pass_over_message(r, m, line);
		else
			counted = true;
	if ((counted && !json_first(events)) ||
	    (ledger && json_kind(ledger) > JSON_NULL && json_kind(events) != JSON_ARRAY)) {
		struct err e;
		err_set(&e, ERR_INVALID, "the thread has no 'usageLedger' with a list of 'events'");
		payload_refuse(r, line, v, &e);
	}
	/* what is counted anywhere else */
	payload_pass_over(r, "amp.thread", v, line);
	for (json_value *ev = json_first(events); !in_messages && ev; ev = json_next(ev)) {
		struct text to = json_number_or_string(json_member(ev, "toMessageId"));
		json_value *message = json_first(messages);
		while (message &&
		       !(to.n &&
			 text_eq(json_number_or_string(json_member(message, "messageId")), to)))
			message = json_next(message);
		take_amp(r, thread,
			 &(struct amp_call){ kept(r, json_member(ev, "id")), ev,
					     json_member(ev, "tokens"),
					     json_member(message, "usage"), message },
			 line);
	}
}

/* Whether the settings of that session lie beside these, or in the folder of another project. */
static bool droid_is_there(struct payload_reader *r, const char *session)
{
	const struct text folder = path_part(r->path, 1);
	const size_t n = strspn(session, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_");
	const char *slash = strrchr(r->path, '/');
	glob_t found = { 0 };
	if (session[n]) /* no name of a file */
		return false;
	const int inner = slash ? (int)(slash - r->path) + 1 : 0;
	const char *own = arena_printf(&r->arena, "%.*s%s.settings.json", inner, r->path, session);
	if (access(own, R_OK) == 0)
		return true;
	const char *all = arena_printf(&r->arena, "%.*s*/%s.settings.json",
				       inner > (int)folder.n ? inner - 1 - (int)folder.n : 0,
				       r->path, session);
	const bool any = folder.n && glob(all, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc;
	globfree(&found);
	return any;
}

/* What a session says of the sessions that it began, which have files of their own: one that is not
 * there is told. */
static void judge_children(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	json_value *children = json_member(v, "childInclusiveTokenUsageBySessionId");
	for (json_value *c = r->path ? json_first(children) : NULL; c; c = json_next(c)) {
		bool any = false;
		for (json_value *n = json_first(c); n; n = json_next(n))
			any |= json_kind(n) == JSON_NUMBER && !json_is_nothing(n);
		if (!any || !json_key(c) || droid_is_there(r, json_key(c)))
			continue;
		err_set(&e, ERR_INVALID,
			"the session began '%.60s', which used tokens, and no file of it is there",
			json_key(c));
		payload_refuse(r, line, c, &e);
	}
}

/* A session's running total, of the model that it used last. */
static void read_droid(struct payload_reader *r, json_value *v, int64_t line)
{
	static const struct agent_count table[] = { { "inputTokens", RAW_PROMPT, false },
						    { "outputTokens", RAW_COMPLETION, false },
						    { "cacheCreationTokens", RAW_CACHE_WRITE,
						      false },
						    { "cacheReadTokens", RAW_CACHE_READ, false },
						    { "thinkingTokens", RAW_REASONING, false },
						    { "factoryCredits", RAW_COUNTS, true },
						    { NULL, RAW_COUNTS, false } };
	struct metered m;
	/* the whole output, as far as is known: thinking beside the answer */
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true, .reasoning_beside = true };
	struct err e;
	struct text name = path_part(r->path, 0), model = json_string(json_member(v, "model"));
	json_value *usage = json_member(v, "tokenUsage");
	const size_t end = sizeof ".settings.json" - 1, prefix = sizeof "custom:" - 1;
	payload_begin(&m, "droid.session", line);
	m.cumulative = true;
	if (name.n > end && memcmp(name.p + name.n - end, ".settings.json", end) == 0)
		name.n -= end;
	if (model.n > prefix && memcmp(model.p, "custom:", prefix) == 0) /* a key of one's own */
		model = (struct text){ model.p + prefix, model.n - prefix };
	else
		payload_seller(r, &m.record, TEXT("factory"));
	if (name.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "droid:%.*s", (int)name.n, name.p)));
	agent_set(&m.record, FIELD_MODEL, model);
	set_session(&m.record, name);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "providerLockTimestamp"), &e);
	if (rc == 0)
		rc = agent_counts(&c, usage, table, &e);
	bool any = false;
	for (int i = 0; i < RAW_COUNTS; i++)
		any |= c.count[i] != 0;
	payload_judge_beside(r, &m, v, usage, "");
	if (rc == 0 && !any)
		r->passed_over++;
	else
		agent_take_json(r, &m, &c, usage, rc, &e);
	judge_children(r, v, line);
}

/* Vibe: the running total of a session. What came from a cache is not told. */
static void read_vibe(struct payload_reader *r, json_value *v, int64_t line)
{
	static const struct agent_count table[] = {
		{ "session_prompt_tokens", RAW_PROMPT, false },
		{ "session_completion_tokens", RAW_COMPLETION, false },
		{ "session_total_llm_tokens", RAW_TOTAL, false },
		{ "session_cost", RAW_COUNTS, true },
		{ "context_tokens", RAW_COUNTS, true },
		{ "last_turn_prompt_tokens", RAW_COUNTS, true },
		{ "last_turn_completion_tokens", RAW_COUNTS, true },
		{ "last_turn_total_tokens", RAW_COUNTS, true },
		{ "tokens_per_second", RAW_COUNTS, true },
		{ "steps", RAW_COUNTS, true },
		{ "tool_calls_agreed", RAW_COUNTS, true },
		{ "tool_calls_rejected", RAW_COUNTS, true },
		{ "tool_calls_failed", RAW_COUNTS, true },
		{ "tool_calls_succeeded", RAW_COUNTS, true },
		{ "last_turn_duration", RAW_COUNTS, true },
		{ "input_price_per_million", RAW_COUNTS, true },
		{ "output_price_per_million", RAW_COUNTS, true },
		{ NULL, RAW_COUNTS, false }
	};
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true }, steps = { 0 };
	struct err e;
	json_value *stats = json_member(v, "stats"), *config = json_member(v, "config"),
		   *n = json_member(stats, "steps");
	const struct text session = kept(r, json_member(v, "session_id")),
			  active = json_string(json_member(config, "active_model"));
	struct text model = active;
	payload_begin(&m, "vibe.session", line);
	m.cumulative = true;
	for (json_value *k = json_first(json_member(config, "models")); k; k = json_next(k))
		if (text_eq(json_string(json_member(k, "alias")), active))
			model = json_string(json_member(k, "name"));
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "vibe:%.*s", (int)session.n, session.p)));
	agent_set(&m.record, FIELD_MODEL, model);
	set_session(&m.record, session);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "start_time"), &e);
	if (rc == 0 && n && json_kind(n) != JSON_NULL)
		rc = counts_set(&steps, RAW_TOTAL, n, &e);
	if (rc == 0 && steps.count[RAW_TOTAL] > 0) {
		m.record.requests = steps.count[RAW_TOTAL];
		m.record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	if (rc == 0)
		rc = agent_counts(&c, stats, table, &e);
	if (rc == 0 && !c.count[RAW_PROMPT] && !c.count[RAW_COMPLETION])
		r->passed_over++;
	else
		agent_take_json(r, &m, &c, stats, rc, &e);
}

static json_value *kimi_message(json_value *v)
{
	json_value *message = json_member(v, "message");
	/* what a sub-agent does is mirrored, with the id under which a file of its own has it */
	while (text_is(json_string(json_member(message, "type")), "SubagentEvent"))
		message = json_at(message, "payload.event");
	return message;
}

/* A step; the same id in another session is a fork's copy. Members that are null did not change. */
static void read_kimi(struct payload_reader *r, json_value *v, int64_t line)
{
	static const struct agent_count table[] = { { "input_other", RAW_PROMPT, false },
						    { "output", RAW_COMPLETION, false },
						    { "input_cache_read", RAW_CACHE_READ, false },
						    { "input_cache_creation", RAW_CACHE_WRITE,
						      false },
						    { NULL, RAW_COUNTS, false } };
	json_value *message = kimi_message(v), *payload = json_member(message, "payload"),
		   *usage = json_member(payload, "token_usage");
	struct metered m;
	struct raw_counts c = { .cache = CACHE_BESIDE, .fixed = true };
	struct err e;
	bool counts_elsewhere = false;
	const bool own = message == json_member(v, "message");
	/* an answer may be in the making while sub-agents are at work */
	if (own && text_is(json_string(json_member(message, "type")), "StatusUpdate"))
		agent_note_answer(r, json_string(json_member(payload, "message_id")),
				  !json_is_nothing(usage), line);
	if (!text_is(json_string(json_member(message, "type")), "StatusUpdate") ||
	    json_is_nothing(usage)) {
		for (json_value *p = json_first(payload); p && !counts_elsewhere; p = json_next(p))
			counts_elsewhere = agent_holds_counts(p, table);
		if (counts_elsewhere) {
			err_set(&e, ERR_INVALID,
				"the payload counts under another name than "
				"'token_usage'");
			payload_refuse(r, line, v, &e);
		} else {
			payload_pass_over(r, "kimi-cli.session", v, line);
		}
		return;
	}
	payload_begin(&m, "kimi-cli.session", line);
	m.cumulative = true;
	payload_id(&m, json_member(payload, "message_id"));
	payload_text(&m.record, FIELD_MODEL, json_member(payload, "model"));
	set_session(&m.record, path_part(r->path, 1));
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = agent_counts(&c, usage, table, &e);
	if (rc == 0 && !own && !m.record.text[FIELD_ID].n)
		rc = err_set(&e, ERR_INVALID,
			     "what a sub-agent used has no 'message_id', by which its own file "
			     "may have it as well");
	payload_judge_beside(r, &m, payload, usage, "");
	agent_take_json(r, &m, &c, usage, rc, &e);
}

static bool is_amp(json_value *v)
{
	struct text id = json_string(json_member(v, "id"));
	return id.n > 2 && memcmp(id.p, "T-", 2) == 0 &&
	       json_kind(json_member(v, "messages")) == JSON_ARRAY;
}

static bool is_droid(json_value *v)
{
	return json_kind(json_member(v, "tokenUsage")) == JSON_OBJECT && json_member(v, "model") &&
	       json_member(json_member(v, "tokenUsage"), "inputTokens");
}

/* An entry of Continue's list of sessions. */
static bool is_listed(json_value *v)
{
	return json_member(v, "sessionId") && json_member(v, "dateCreated") &&
	       json_member(v, "workspaceDirectory") && !json_member(v, "usage");
}

static bool is_kimi(json_value *v)
{
	json_value *message = json_member(v, "message");
	return json_kind(json_member(v, "timestamp")) == JSON_NUMBER &&
	       json_kind(json_member(message, "payload")) == JSON_OBJECT &&
	       json_member(message, "type");
}

static bool is_vibe(json_value *v)
{
	return json_member(v, "session_id") &&
	       json_member(json_member(v, "stats"), "session_prompt_tokens");
}

static void pass_over(struct payload_reader *r, json_value *v, int64_t line)
{
	(void)v;
	(void)line;
	r->passed_over++;
}

static const struct {
	bool (*is)(json_value *v);
	void (*read)(struct payload_reader *r, json_value *v, int64_t line);
} documents[] = { { is_amp, read_amp },
		  { is_droid, read_droid },
		  { continue_is_session, continue_read },
		  { is_listed, pass_over },
		  { is_kimi, read_kimi },
		  { is_vibe, read_vibe },
		  { opencode_is_export, opencode_export } };

bool session_document(struct payload_reader *r, json_value *v, int64_t line)
{
	if (opencode_document(r, v, line) || cline_task_document(r, v, line) ||
	    grok_document(r, v, line) || codebuddy_document(r, v, line) ||
	    codebuff_document(r, v, line) || unread_agent_document(r, v, line))
		return true;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (documents[i].is(v)) {
			documents[i].read(r, v, line);
			return true;
		}
	return false;
}

bool session_document_known(json_value *v)
{
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (documents[i].is(v))
			return true;
	return (json_member(v, "sessionID") && json_member(v, "role")) || unread_agent_known(v) ||
	       codebuff_known(v) ||
	       json_member(json_member(json_member(v, "params"), "update"), "sessionUpdate") ||
	       json_kind(json_member(v, "providerData")) == JSON_OBJECT;
}
