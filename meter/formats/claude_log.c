/*
 * The logs of Claude Code.
 *
 * It writes a line for each content block of an answer; all carry the message's id and the input
 * side, the output grows, and the last line is final. Side chains and resumed sessions repeat
 * messages under the same id, whatever the request's id.
 */
#include <ctype.h>
#include <unistd.h>

#include "meter/formats/agent_call.h"
#include "meter/formats/usage_layout.h"

#include "base/scan.h"
#include "meter/formats/members.h"

/* The JSON of one member as a value of its own; NULL when it is not strictly valid. */
static struct json_document *open_part(struct text part)
{
	struct json_document *doc = NULL;
	return part.n && json_open(&doc, part, NULL) == 0 ? doc : NULL;
}

/* Since version 2 it writes how long each cache write stays, whatever its endpoint answers. */
static void judge_lifetimes(const struct payload_reader *r, struct metered *m, struct text version)
{
	const uint32_t split = 1u << RAW_CACHE_WRITE_5M | 1u << RAW_CACHE_WRITE_1H;
	if (!m->unread && !(r->counted & split) && m->record.tokens[BUCKET_CACHE_WRITE_5M] &&
	    version.n > 1 && *version.p >= '2' && *version.p <= '9')
		m->unread = "the usage has no 'cache_creation', which says for how long its cache "
			    "writes stay, and since version 2 is always there";
}

/* Remembers the line, so that what ends the answer is known when it comes. */
static void note_answer(struct payload_reader *r, struct text uuid)
{
	const size_t n = uuid.n < sizeof r->claude_answer ? uuid.n : 0;
	if (n)
		memcpy(r->claude_answer, uuid.p, n);
	r->claude_answer[n] = 0;
}

/* What the agent itself wrote in a model's place. An error right behind an answer says that it was
 * cut: it is written with a reason to stop, and the count with which it began. */
static void take_synthetic(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	const struct text parent = json_string(json_member(v, "parentUuid")),
			  said = json_string(json_at(v, "message.content.0.text"));
	const bool is_error = json_true(json_member(v, "isApiErrorMessage")),
		   behind = parent.n && text_is(parent, r->claude_answer);
	if (!is_error || !(behind || text_holds(said, "may be incomplete"))) {
		r->passed_over++;
		return;
	}
	err_set(&e, ERR_INVALID,
		"the answer before this error was cut, and only the count with which its output "
		"began is there");
	payload_refuse(r, line, v, &e);
}

static void take_claude(struct payload_reader *r, struct metered *m, json_value *v,
			json_value *usage, int rc, struct err *e)
{
	if (rc == 0)
		rc = payload_counts(r, m, usage, NULL, e);
	payload_judge_beside(r, m, v, NULL, "");
	payload_judge_beside(r, m, json_member(v, "message"), usage, "message");
	if (rc == 0)
		judge_lifetimes(r, m, json_string(json_member(v, "version")));
	if (rc == 0 && text_is(m->record.text[FIELD_MODEL], "<synthetic>")) {
		take_synthetic(r, v, m->line);
		return;
	}
	note_answer(r, json_string(json_member(v, "uuid")));
	if (rc == 0)
		payload_take(r, m);
	else if (v)
		payload_refuse(r, m->line, v, e);
}

/* While an answer is written its lines hold the count with which it began. */
static bool is_placeholder(json_value *stop_reason)
{
	return stop_reason && json_kind(stop_reason) == JSON_NULL;
}

/* The lines of an answer meet by the id of its message, which each message of the interface has. */
static void judge_id(struct metered *m, json_value *message)
{
	json_value *id = json_member(message, "id");
	if (id ? json_kind(id) != JSON_STRING
	       : text_is(json_string(json_member(message, "type")), "message"))
		m->unread = "the answer has no 'message.id' that is a word, by which its lines are "
			    "one call";
}

/* --- agents, each of which has a file of its own, or lines of its own among those of its session
 * --- */

static bool is_plain_name(struct text id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!isalnum((unsigned char)id.p[i]) && id.p[i] != '-' && id.p[i] != '_')
			return false;
	return id.n > 0 && id.n < 100;
}

static void see_agent(struct payload_reader *r, struct text id)
{
	if (!id.n || text_eq(id, r->claude_agent))
		return;
	*dict_need(&r->claude_agents, id, NULL) = UINT64_MAX;
	r->claude_agent = (struct text){ arena_text(&r->arena, id.p, id.n), id.n };
}

/* What stands between two words of a text; empty: they are not there. */
static struct text between(struct text s, const char *from, const char *to)
{
	const char *at = text_find(s, from);
	if (!at)
		return TEXT("");
	at += strlen(from);
	const struct text rest = { at, (size_t)(s.p + s.n - at) };
	const char *end = text_find(rest, to);
	return end ? (struct text){ at, (size_t)(end - at) } : TEXT("");
}

/* An agent that was at work behind, whose end a text tells to the model. */
static void note_notified(struct payload_reader *r, json_value *content, int64_t line)
{
	const struct text said = json_string(json_kind(content) == JSON_ARRAY
						     ? json_member(json_first(content), "text")
						     : content),
			  task = between(said, "<task-id>", "</task-id>"),
			  used = between(said, "<total_tokens>", "</total_tokens>");
	if (!text_begins(said, "<task-notification>") || !used.n || text_is(used, "0") ||
	    !is_plain_name(task))
		return;
	uint64_t *at = dict_need(&r->claude_agents, task, NULL);
	if (!*at)
		*at = line > 0 ? (uint64_t)line : 1;
}

/* A result of a tool that an agent gave, or what one said on its way: what it used its own lines
 * tell.
 */
static void note_agent(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *result = json_member(v, "toolUseResult"), *data = json_member(v, "data");
	const bool at_work = text_is(json_string(json_member(data, "type")), "agent_progress");
	const struct text id = json_string(json_member(at_work ? data : result, "agentId"));
	const bool used = json_first(json_member(result, "usage")) ||
			  !json_is_nothing(json_member(result, "totalTokens")) ||
			  (at_work && json_first(json_at(data, "message.message.usage")));
	see_agent(r, json_string(json_member(v, "agentId")));
	note_notified(r, json_at(v, "message.content"), line);
	if (!used || !is_plain_name(id))
		return;
	uint64_t *at = dict_need(&r->claude_agents, id, NULL);
	if (!*at)
		*at = line > 0 ? (uint64_t)line : 1;
	const struct text session = json_string(json_member(v, "sessionId"));
	if (is_plain_name(session) && !text_eq(session, r->claude_session))
		r->claude_session =
			(struct text){ arena_text(&r->arena, session.p, session.n), session.n };
}

/* Beside the session's file, in its folder, or beside the agent that began it. */
static bool has_file(struct payload_reader *r, struct text agent)
{
	const char *slash = strrchr(r->path, '/');
	const int folder = slash ? (int)(slash - r->path) + 1 : 0;
	const struct text name = path_part(r->path, 0), session = r->claude_session;
	const int stem = name.n > 6 ? (int)name.n - 6 : 0; /* without ".jsonl" */
	const char *const places[] = {
		arena_printf(&r->arena, "%.*sagent-%.*s.jsonl", folder, r->path, (int)agent.n,
			     agent.p),
		arena_printf(&r->arena, "%.*s%.*s/subagents/agent-%.*s.jsonl", folder, r->path,
			     stem, name.p, (int)agent.n, agent.p),
		arena_printf(&r->arena, "%.*s%.*s/subagents/agent-%.*s.jsonl", folder, r->path,
			     (int)session.n, session.n ? session.p : "", (int)agent.n, agent.p),
	};
	bool found = false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		found |= access(places[i], R_OK) == 0;
	return found;
}

void claude_log_finish(struct payload_reader *r)
{
	struct err e;
	for (size_t i = 0; r->path && i < r->claude_agents.room; i++) {
		const struct dict_slot *s = &r->claude_agents.slot[i];
		const struct text agent = { s->key, s->n };
		if (!s->key || s->value == UINT64_MAX || has_file(r, agent))
			continue;
		err_set(&e, ERR_INVALID,
			"the agent '%.*s' gave a result, and what it used is not told: no line "
			"of it is there",
			(int)agent.n, agent.p);
		r->sink.refuse(r->sink.user, (int64_t)s->value, (struct text){ 0 }, &e);
	}
}

bool claude_log_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text type = json_string(json_member(v, "type"));
	json_value *message = json_member(v, "message"), *usage = json_member(message, "usage");
	bool assistant = text_is(type, "assistant");
	/* CodeBuddy writes these */
	const bool other = text_is(type, "message") || text_is(type, "function_call");
	bool line_of_log = (json_member(v, "sessionId") && !other) ||
			   (text_is(type, "summary") && json_member(v, "leafUuid")) ||
			   text_is(type, "file-history-snapshot");
	struct metered m;
	struct err e;
	/* older logs and other tools write the message alone */
	if (!line_of_log && !(json_member(v, "timestamp") && json_kind(usage) == JSON_OBJECT))
		return false;
	r->log = LOG_CLAUDE;
	note_agent(r, v, line);
	/* Qwen Code's, of no kind that it is known to write */
	json_value *event = json_member(json_member(v, "systemPayload"), "uiEvent");
	const bool telemetry = text_is(json_string(json_member(v, "subtype")), "ui_telemetry");
	if (telemetry || !json_is_nothing(json_member(v, "usageMetadata"))) {
		if (telemetry && !json_string(json_member(event, "event.name")).n)
			agent_refuse_part(r, v, "systemPayload.uiEvent", line);
		else
			payload_pass_over(r, "qwen-code.session", v, line);
		return true;
	}
	if (type.n && !assistant && json_is_nothing(usage)) {
		r->passed_over++;
		return true;
	}
	if (assistant && json_kind(usage) != JSON_OBJECT) {
		err_set(&e, ERR_INVALID,
			"the answer has no object 'message.usage': what it used is unknown");
		payload_refuse(r, line, v, &e);
		return true;
	}
	if (json_kind(usage) != JSON_OBJECT || (type.n && !assistant)) {
		payload_pass_over(r, "claude-code.log", v, line);
		return true;
	}
	payload_begin(&m, "claude-code.log", line);
	m.cumulative = true;
	json_value *id = json_member(message, "id");
	if (!json_string(id).n)
		id = json_member(v, "requestId");
	payload_id(&m, id && json_string(id).n ? id : json_member(v, "uuid"));
	if (json_string(json_member(message, "id")).n)
		m.also = json_string(json_member(v, "requestId"));
	else
		judge_id(&m, message);
	m.broken_off = is_placeholder(json_member(message, "stop_reason"));
	payload_text(&m.record, FIELD_MODEL, json_member(message, "model"));
	payload_text(&m.record, FIELD_SESSION, json_member(v, "sessionId"));
	payload_text(&m.record, FIELD_TASK, json_member(v, "sessionId"));
	payload_text(&m.record, FIELD_PROJECT, json_member(v, "cwd"));
	payload_tier(r, &m, NULL, usage);
	if (!payload_effort(r, &m.record, v))
		payload_effort(r, &m.record, message);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	take_claude(r, &m, v, usage, rc, &e);
	return true;
}

/* A JSON string that needs no unescaping, without its quotes. */
static bool plain_string(struct text v, struct text *out)
{
	if (out->p) /* which of two counts is the slow way's to say */
		return false;
	if (v.n < 2 || *v.p != '"' || memchr(v.p, '\\', v.n) || utf8_valid_prefix(v.p, v.n) != v.n)
		return text_is(v, "null");
	*out = (struct text){ v.p + 1, v.n - 2 };
	return true;
}

static bool is_talk(struct text key)
{
	char name[64];
	if (key.n >= sizeof name)
		return false;
	memcpy(name, key.p, key.n);
	name[key.n] = 0;
	return member_is_talk(name, false);
}

static bool name_is_judged(struct text key)
{
	return name_speaks_of_money(key) || text_is(key, "thinking") ||
	       text_is(key, "reasoning_effort") || text_is(key, "output_config") ||
	       text_is(key, "effort");
}

/* What the slow way looks at: also an object of which nothing is known, in which a count may be. */
static bool is_judged(struct plain_names *plain, struct text key, struct text value)
{
	enum { SLOTS = sizeof plain->slot / sizeof *plain->slot };
	if (value.n > 2 && *value.p == '{' && !is_talk(key))
		return true;
	if (key.n == 0 || key.n > sizeof plain->slot->name)
		return name_is_judged(key);
	const size_t at =
		(key.n + 5 * (unsigned char)*key.p + 2 * (unsigned char)key.p[key.n - 1]) % SLOTS;
	if (plain->slot[at].n == key.n && memcmp(plain->slot[at].name, key.p, key.n) == 0)
		return false;
	if (name_is_judged(key))
		return true;
	plain->slot[at].n = (unsigned char)key.n;
	memcpy(plain->slot[at].name, key.p, key.n);
	return false;
}

/* Whether the object whose last value ends at p is all that there is. */
static bool ends_line(const char *p, const char *end)
{
	p = json_skip_space(p, end);
	return p < end && *p == '}' && json_skip_space(p + 1, end) == end;
}

/* The members of a line, and of the message in it, that a call is made of: only these are parsed;
 * contents, which are most of a line, are skipped. */
struct claude_members {
	struct text type, message, session, cwd, time, request, uuid, effort, version, agent;
	struct text id, model, usage;
	bool unfinished;
};

/* False: the slow way decides. */
static bool claude_walk(struct plain_names *plain, struct claude_members *m, struct text line)
{
	struct text key, value;
	const char *end = line.p + line.n;
	bool ok = line.n > 1 && *line.p == '{' && end[-1] == '}';
	const char *p = ok ? line.p + 1 : NULL, *last = p;
	while (ok && (p = json_walk(p, end, &key, &value))) {
		last = value.p + value.n;
		struct text *slot = text_is(key, "type")	? &m->type
				    : text_is(key, "sessionId") ? &m->session
				    : text_is(key, "cwd")	? &m->cwd
				    : text_is(key, "timestamp") ? &m->time
				    : text_is(key, "requestId") ? &m->request
				    : text_is(key, "uuid")	? &m->uuid
				    : text_is(key, "effort")	? &m->effort
				    : text_is(key, "version")	? &m->version
				    : text_is(key, "agentId")	? &m->agent
								: NULL;
		if (slot)
			ok = plain_string(value, slot);
		else if (text_is(key, "message"))
			ok = !m->message.p, m->message = value;
		else
			ok = !is_judged(plain, key, value);
	}
	/* two processes that write at once may put two lines into one */
	if (!ok || !value.p || !ends_line(last, end) || !text_is(m->type, "assistant") ||
	    m->message.n < 2 || *m->message.p != '{')
		return false;
	for (p = m->message.p + 1; ok && (p = json_walk(p, end, &key, &value));) {
		if (text_is(key, "id"))
			ok = plain_string(value, &m->id);
		else if (text_is(key, "model"))
			ok = plain_string(value, &m->model);
		else if (text_is(key, "usage"))
			ok = !m->usage.p, m->usage = value;
		else if (text_is(key, "stop_reason"))
			m->unfinished = text_is(value, "null");
		else
			ok = !is_judged(plain, key, value);
	}
	return ok && value.p && m->id.n;
}

/* The counts of the usage, and what it says of the price: by its layout, else as JSON, whose texts
 * m has as long as *doc is open. False: what is refused is told by the slow way. */
static bool read_usage(struct payload_reader *r, struct metered *m, struct text usage,
		       struct json_document **doc)
{
	struct raw_counts c = { 0 };
	struct err e;
	if (layouts_read(&r->layouts, m, &c, usage)) {
		r->counted = c.has;
		return counts_normalise(&m->record, &c, &m->rule, &e) == 0;
	}
	*doc = open_part(usage);
	json_value *v = json_root(*doc);
	bool ok = json_kind(v) == JSON_OBJECT;
	if (ok) {
		payload_tier(r, m, NULL, v);
		ok = counts_read(&c, v, &e) == 0 && payload_extras(r, m, v, &c, &e) == 0 &&
		     counts_normalise(&m->record, &c, &m->rule, &e) == 0;
		payload_judge(r, m, v, true);
		r->counted = c.has;
	}
	if (ok && payload_is_alone(v))
		layouts_learn(&r->layouts, &r->arena, m, &c, usage);
	return ok;
}

static bool claude_line(struct payload_reader *r, struct text line, int64_t number)
{
	struct claude_members in = { 0 };
	struct metered m;
	struct instant t;
	if (!claude_walk(&r->claude_plain, &in, line) || !in.usage.n || !in.time.n ||
	    text_is(in.model, "<synthetic>") || instant_parse_lenient(&t, in.time, NULL) != 0)
		return false;
	payload_begin(&m, "claude-code.log", number);
	m.cumulative = true;
	agent_set(&m.record, FIELD_ID, in.id.n ? in.id : in.request.n ? in.request : in.uuid);
	if (in.id.n)
		m.also = in.request;
	m.broken_off = in.unfinished;
	agent_set(&m.record, FIELD_MODEL, in.model);
	agent_set(&m.record, FIELD_SESSION, in.session);
	agent_set(&m.record, FIELD_TASK, in.session);
	agent_set(&m.record, FIELD_PROJECT, in.cwd);
	agent_set(&m.record, FIELD_EFFORT, in.effort);
	m.record.time_us = t.us;
	m.record.present |= (uint64_t)1 << FIELD_TIME;
	struct json_document *doc = NULL;
	const bool read = read_usage(r, &m, in.usage, &doc);
	m.raw = in.usage;
	if (read)
		judge_lifetimes(r, &m, in.version);
	if (read) {
		note_answer(r, in.uuid);
		see_agent(r, in.agent);
		payload_take(r, &m);
	}
	json_close(doc);
	return read;
}

/*
 * What a line of Claude Code's holds. Most of a log is lines that are searched to their ends, so
 * all words are looked for at once, by two bytes: names begin with a quote and 'u', or end with 's'
 * and a quote.
 */
enum claude_holds { HOLDS_NOTHING, HOLDS_USAGE, HOLDS_OTHER };

static bool stands_at(const char *p, const char *end, const char *word)
{
	const size_t n = strlen(word);
	return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

static enum claude_holds claude_holds(struct text line)
{
	enum claude_holds found = HOLDS_NOTHING;
	const char *end = line.p + line.n;
	for (const char *p = line.p; (p = scan_pair(p, (size_t)(end - p), "\"u", "s\""));) {
		const char *at = p;
		p++;
		if (*at == 's') {
			if (at - line.p >= 4 && memcmp(at - 4, "okens", 5) == 0)
				found = HOLDS_OTHER;
		} else if (at > line.p && at[-1] == '\\') {
			continue; /* within a text: no name begins behind a backslash */
		} else if (stands_at(at, end, "\"usage\"")) {
			return HOLDS_USAGE;
		} else if (stands_at(at, end, "\"usage") || stands_at(at, end, "\"uiEvent\"") ||
			   stands_at(at, end, "\"ui_telemetry\"")) {
			found = HOLDS_OTHER;
		}
	}
	return found;
}

/* Whether `"type":` stands before p. */
static bool is_type_before(const char *from, const char *p)
{
	while (p > from && p[-1] == ' ')
		p--;
	if (p > from && p[-1] == ':')
		p--;
	while (p > from && p[-1] == ' ')
		p--;
	return p - from >= 6 && memcmp(p - 6, "\"type\"", 6) == 0;
}

/* Whether a line without a usage may be an answer all the same. Its type stands before its contents
 * or behind them. */
static bool may_be_answer(struct text line)
{
	enum { NEAR = 256 };
	static const char word[] = "\"assistant\"";
	const char *end = line.p + line.n, *from[] = { line.p, end - (line.n < NEAR ? 0 : NEAR) };
	for (int i = 0; i < 2; i++) {
		const char *stop = end - from[i] < NEAR ? end : from[i] + NEAR;
		for (const char *p = from[i];
		     (p = scan_pair(p, (size_t)(stop - p), "\"a", "\"a")) != NULL; p++)
			if (stands_at(p, end, word) && is_type_before(line.p, p))
				return true;
	}
	return false;
}

/* Whether a text begins as what tells that an agent has ended. */
static bool may_notify(struct text line)
{
	const char *end = line.p + line.n;
	for (const char *p = line.p; (p = scan_pair(p, (size_t)(end - p), "\"<", "\"<")); p++)
		if (stands_at(p, end, "\"<task-notification>"))
			return true;
	return false;
}

bool claude_log_line(struct payload_reader *r, struct text line, int64_t number)
{
	const enum claude_holds found = claude_holds(line);
	/* lines of other agents are much like these; what counts in them is judged by the slow way
	 */
	if (found != HOLDS_NOTHING)
		return found == HOLDS_USAGE && claude_line(r, line, number);
	if (may_be_answer(line) || may_notify(line))
		return false;
	r->passed_over++;
	return true;
}
