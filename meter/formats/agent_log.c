/*
 * The logs of coding agents.
 *
 * Claude Code writes a line for each content block of an answer; all carry the message's id and the
 * input side, the output grows, and the last line is final. Side chains and resumed sessions repeat
 * messages under the same id, whatever the request's id. Codex writes running totals, repeats them
 * unchanged, and replays the parent's history when a session is forked.
 */
#include "meter/formats/agent_call.h"
#include "meter/formats/usage_layout.h"

#include <ctype.h>

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

static void take_claude(struct payload_reader *r, struct metered *m, json_value *v,
			json_value *usage, int rc, struct err *e)
{
	if (rc == 0)
		rc = payload_counts(r, m, usage, NULL, e);
	payload_judge_beside(r, m, v, NULL, "");
	payload_judge_beside(r, m, json_member(v, "message"), usage, "message");
	if (rc == 0)
		judge_lifetimes(r, m, json_string(json_member(v, "version")));
	/* what the agent itself made up */
	if (rc == 0 && text_is(m->record.text[FIELD_MODEL], "<synthetic>")) {
		r->passed_over++;
		return;
	}
	if (rc == 0)
		payload_take(r, m);
	else if (v)
		payload_refuse(r, m->line, v, e);
}

static void refuse_part(struct payload_reader *r, json_value *v, const char *name, int64_t line)
{
	struct err e;
	err_set(&e, ERR_INVALID, "the line has no '%s' of its kind, so what it counts is unknown",
		name);
	payload_refuse(r, line, v, &e);
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

static bool claude_document(struct payload_reader *r, json_value *v, int64_t line)
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
	/* Qwen Code's, of no kind that it is known to write */
	json_value *event = json_member(json_member(v, "systemPayload"), "uiEvent");
	const bool telemetry = text_is(json_string(json_member(v, "subtype")), "ui_telemetry");
	if (telemetry || !json_is_nothing(json_member(v, "usageMetadata"))) {
		if (telemetry && !json_string(json_member(event, "event.name")).n)
			refuse_part(r, v, "systemPayload.uiEvent", line);
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

static void set_text(struct record *r, enum record_field f, struct text v)
{
	if (v.n == 0)
		return;
	r->text[f] = v;
	r->present |= (uint64_t)1 << f;
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

/* What the slow way looks at: also an object of which nothing is known, in which a count may be. */
static bool is_judged(struct text key, struct text value)
{
	return (value.n > 2 && *value.p == '{' && !is_talk(key)) || name_speaks_of_money(key) ||
	       text_is(key, "thinking") || text_is(key, "reasoning_effort") ||
	       text_is(key, "output_config") || text_is(key, "effort");
}

/* Whether the object whose last value ends at p is all that there is. */
static bool ends_line(const char *p, const char *end)
{
	p = json_skip_space(p, end);
	return p < end && *p == '}' && json_skip_space(p + 1, end) == end;
}

/* Only the members that matter are parsed; contents, which are most of a line, are skipped. */
/* The members of a line, and of the message in it, that a call is made of. */
struct claude_members {
	struct text type, message, session, cwd, time, request, uuid, effort, version;
	struct text id, model, usage;
	bool unfinished;
};

/* False: the slow way decides. */
static bool claude_walk(struct claude_members *m, struct text line)
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
								: NULL;
		if (slot)
			ok = plain_string(value, slot);
		else if (text_is(key, "message"))
			ok = !m->message.p, m->message = value;
		else
			ok = !is_judged(key, value);
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
			ok = !is_judged(key, value);
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
	if (!claude_walk(&in, line) || !in.usage.n || !in.time.n ||
	    instant_parse_lenient(&t, in.time, NULL) != 0)
		return false;
	payload_begin(&m, "claude-code.log", number);
	m.cumulative = true;
	set_text(&m.record, FIELD_ID, in.id.n ? in.id : in.request.n ? in.request : in.uuid);
	if (in.id.n)
		m.also = in.request;
	m.broken_off = in.unfinished;
	set_text(&m.record, FIELD_MODEL, in.model);
	set_text(&m.record, FIELD_SESSION, in.session);
	set_text(&m.record, FIELD_TASK, in.session);
	set_text(&m.record, FIELD_PROJECT, in.cwd);
	set_text(&m.record, FIELD_EFFORT, in.effort);
	m.record.time_us = t.us;
	m.record.present |= (uint64_t)1 << FIELD_TIME;
	struct json_document *doc = NULL;
	const bool read = read_usage(r, &m, in.usage, &doc);
	m.raw = in.usage;
	if (read)
		judge_lifetimes(r, &m, in.version);
	if (read && text_is(in.model, "<synthetic>"))
		r->passed_over++;
	else if (read)
		payload_take(r, &m);
	json_close(doc);
	return read;
}

static int read_totals(struct codex_totals *t, json_value *v, struct err *e)
{
	struct raw_counts c = { .fixed = true }; /* no side is what the total leaves */
	int rc = counts_read(&c, v, e);
	if (rc == 0)
		rc = agent_check_counts(&c, e);
	*t = (struct codex_totals){ c.count[RAW_PROMPT],      c.count[RAW_CACHE_READ],
				    c.count[RAW_CACHE_WRITE], c.count[RAW_COMPLETION],
				    c.count[RAW_REASONING],   c.count[RAW_TOTAL] };
	return rc;
}

static bool begins_count(const struct payload_reader *r, const struct codex_totals *now)
{
	const struct codex_totals *was = &r->codex[r->codex_lane].totals;
	return !r->codex_lanes || now->input < was->input || now->output < was->output ||
	       now->cached < was->cached || now->written < was->written ||
	       now->reasoning < was->reasoning;
}

/* A whole session's sums, or a turn's, from which the call is the difference; they shrink when a
 * new count begins. */
static struct codex_totals difference(const struct payload_reader *r, struct codex_totals now)
{
	const struct codex_totals *was = &r->codex[r->codex_lane].totals;
	if (begins_count(r, &now))
		return now;
	return (struct codex_totals){ now.input - was->input,	      now.cached - was->cached,
				      now.written - was->written,     now.output - was->output,
				      now.reasoning - was->reasoning, now.total - was->total };
}

/* Whether the total is the lane's last one and `more` beyond it (NULL: nothing). */
static bool goes_on(const struct codex_lane *lane, const struct codex_totals *now,
		    const struct codex_totals *more)
{
	const struct codex_totals none = { 0 }, *was = &lane->totals;
	more = more ? more : &none;
	return now->input - was->input == more->input &&
	       now->output - was->output == more->output &&
	       now->cached - was->cached == more->cached &&
	       now->written - was->written == more->written &&
	       now->reasoning - was->reasoning == more->reasoning;
}

/*
 * Which of the session's totals goes on: the one that this total repeats, or exceeds by what the
 * last call used; else that of the same limit, and a new one for a limit that was not seen before.
 * Returns whether a new one begins.
 */
static bool choose_lane(struct payload_reader *r, const struct codex_totals *now,
			const struct codex_totals *last, struct text limit)
{
	int same = -1;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < r->codex_lanes; i++)
			if (goes_on(&r->codex[i], now, pass ? last : NULL)) {
				r->codex_lane = i;
				return false;
			}
	for (int i = 0; i < r->codex_lanes; i++)
		same = text_eq(r->codex[i].limit, limit) ? i : same;
	if (same >= 0 || (limit.n == 0 && r->codex_lanes)) {
		r->codex_lane = same >= 0 ? same : r->codex_lane;
		return false;
	}
	if (r->codex_lanes < CODEX_LANES)
		r->codex_lane = r->codex_lanes++;
	r->codex[r->codex_lane] = (struct codex_lane){
		.limit = { limit.n ? arena_text(&r->arena, limit.p, limit.n) : NULL, limit.n }
	};
	return true;
}

static struct text of_totals(struct payload_reader *r, struct text thread,
			     const struct codex_totals *t)
{
	/* the first total needs no name */
	const struct text limit = r->codex_lane ? r->codex[r->codex_lane].limit : TEXT("");
	return text_of(arena_printf(
		&r->arena, "codex:%.*s:%lld/%lld/%lld/%lld%s%.*s", (int)thread.n, thread.p,
		(long long)t->input, (long long)t->cached, (long long)t->output,
		(long long)t->reasoning, limit.n ? "@" : "", (int)limit.n, limit.n ? limit.p : ""));
}

struct codex_ids {
	struct text id, also, copy_of;
};

/* The id of a call: that of the answer; else its thread and the running total, which a fork repeats
 * with its parent's history; else its place. Empty where nothing tells calls apart. */
static struct codex_ids codex_ids(struct payload_reader *r, const struct codex_totals *totals,
				  struct text response)
{
	struct text own = r->codex_session, parent = r->codex_parent;
	struct codex_ids ids = { { 0 }, { 0 }, { 0 } };
	r->codex_calls++;
	if (totals && own.n)
		ids.id = of_totals(r, own, totals);
	else if (own.n)
		ids.id = text_of(arena_printf(&r->arena, "codex:%.*s:#%lld", (int)own.n, own.p,
					      (long long)r->codex_calls));
	if (response.n) {
		ids.also = totals ? ids.id : ids.also;
		ids.id =
			text_of(arena_printf(&r->arena, "codex:%.*s", (int)response.n, response.p));
	} else if (totals && parent.n) {
		ids.copy_of = of_totals(r, parent, totals);
	}
	return ids;
}

static void take_codex(struct payload_reader *r, json_value *v, json_value *usage,
		       struct codex_totals call, struct codex_ids ids, int64_t line)
{
	struct metered m;
	struct err e;
	struct raw_counts c = { .cache = CACHE_INSIDE, .fixed = true };
	payload_begin(&m, "codex.log", line);
	json_value *payload = json_member(v, "payload"), *info = json_member(payload, "info");
	m.unread = r->codex_doubt;
	r->codex_doubt = NULL;
	if (r->codex_headless && !r->codex_has_responses)
		m.unread = "the beginning of the log is missing, which says whose calls it repeats";
	payload_judge(r, &m, usage, true);
	payload_judge(r, &m, json_member(info, "total_token_usage"), true);
	payload_judge(r, &m, json_member(info, "last_token_usage"), true);
	payload_judge_beside(r, &m, payload, usage, "payload");
	payload_judge_beside(r, &m, info, NULL, "payload.info");
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	c.has = 1u << RAW_PROMPT | 1u << RAW_CACHE_READ | 1u << RAW_CACHE_WRITE |
		1u << RAW_COMPLETION | 1u << RAW_REASONING;
	c.count[RAW_PROMPT] = call.input;
	c.count[RAW_CACHE_READ] = call.cached;
	c.count[RAW_CACHE_WRITE] = call.written;
	c.count[RAW_COMPLETION] = call.output;
	c.count[RAW_REASONING] = call.reasoning;
	if (rc == 0 && call.reasoning > call.output)
		rc = err_set(&e, ERR_INVALID,
			     "the reasoning (%lld) is larger than the output (%lld) that must "
			     "contain it",
			     (long long)call.reasoning, (long long)call.output);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	if (rc != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	set_text(&m.record, FIELD_ID, ids.id);
	m.also = ids.also;
	m.copy_of = ids.copy_of;
	set_text(&m.record, FIELD_MODEL, r->codex_model);
	agent_set_seller(r, &m.record, r->codex_provider);
	set_text(&m.record, FIELD_SESSION, r->codex_session);
	set_text(&m.record, FIELD_TASK, r->codex_session);
	set_text(&m.record, FIELD_PROJECT, r->codex_project);
	set_text(&m.record, FIELD_EFFORT, r->codex_effort);
	payload_twin(r, &m, "codex", r->codex_session, true);
	m.raw = payload_raw(r, usage);
	payload_take(r, &m);
}

static void count_codex(struct payload_reader *r, json_value *v, json_value *info,
			struct text limit, int64_t line)
{
	json_value *total = json_member(info, "total_token_usage"),
		   *last = json_member(info, "last_token_usage");
	struct codex_totals now, call;
	struct err e;
	if (info && json_kind(info) == JSON_NULL) { /* only rate limits */
		payload_pass_over(r, "codex.other", v, line);
		return;
	}
	if (json_kind(info) != JSON_OBJECT) {
		refuse_part(r, v, "payload.info", line);
		return;
	}
	bool has_total = json_kind(total) == JSON_OBJECT;
	if (!has_total && json_kind(last) != JSON_OBJECT) {
		refuse_part(r, v, "payload.info.total_token_usage", line);
		return;
	}
	if (!has_total && (!json_is_nothing(total) || r->codex_lanes)) {
		err_set(&e, ERR_INVALID,
			"'total_token_usage' is not there, so what repeats cannot "
			"be told from what is new");
		payload_refuse(r, line, v, &e);
		return;
	}
	if (read_totals(&now, has_total ? total : last, &e) != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	if (!has_total) {
		if (r->codex_bare && memcmp(&now, &r->codex_last, sizeof now) == 0)
			r->codex_doubt = "it counts what the call before it counts, and without "
					 "'total_token_usage' it may be that call again";
		r->codex_bare = true;
		r->codex_last = now;
		take_codex(r, v, last, now, codex_ids(r, NULL, TEXT("")), line);
		return;
	}
	/* what the first total of a file has beyond its last call is of the thread that it goes on
	 * with */
	struct codex_totals stated = { 0 };
	bool has_last = json_kind(last) == JSON_OBJECT;
	int rc = has_last ? read_totals(&stated, last, &e) : 0;
	if (rc != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	const bool begins = choose_lane(r, &now, has_last ? &stated : NULL, limit);
	const bool first = has_last && (begins || begins_count(r, &now));
	call = first ? stated : begins ? now : difference(r, now);
	bool repeated = !begins && memcmp(&now, &r->codex[r->codex_lane].totals, sizeof now) == 0;
	r->codex[r->codex_lane].totals = now;
	if (r->codex_bare)
		r->codex_doubt = "a call before it had no 'total_token_usage', and may be part of "
				 "this one";
	if (repeated || (call.input == 0 && call.output == 0)) {
		r->passed_over++;
	} else {
		call.total = stated.total;
		if (first && stated.input == now.input && stated.output == now.output &&
		    (stated.cached != now.cached || stated.written != now.written ||
		     stated.reasoning != now.reasoning))
			r->codex_doubt = "the first 'total_token_usage' is not what "
					 "'last_token_usage' says";
		if (has_last && memcmp(&call, &stated, sizeof call) != 0)
			r->codex_doubt = "the difference of 'total_token_usage' is not what "
					 "'last_token_usage' says";
		take_codex(r, v, first ? last : total, call, codex_ids(r, &now, TEXT("")), line);
	}
}

static void keep_text(struct payload_reader *r, struct text *slot, json_value *v)
{
	struct text s = json_string(v);
	if (s.n && !text_eq(s, *slot))
		*slot = (struct text){ arena_text(&r->arena, s.p, s.n), s.n };
}

/* Each turn states its own. */
static void keep_effort(struct payload_reader *r, struct text *slot, json_value *v)
{
	struct record asked = { 0 };
	bool stated = payload_effort(r, &asked, v);
	struct text s = asked.text[FIELD_EFFORT];
	if (!stated)
		*slot = TEXT("");
	else if (!text_eq(s, *slot))
		*slot = (struct text){ arena_text(&r->arena, s.p, s.n), s.n };
}

static void begin_codex(struct payload_reader *r, json_value *meta)
{
	/* a fork repeats its parent's first line after its own: the first names the session */
	if (r->codex_session.n == 0)
		keep_text(r, &r->codex_session, json_member(meta, "id"));
	keep_text(r, &r->codex_project, json_member(meta, "cwd"));
	keep_text(r, &r->codex_provider, json_member(meta, "model_provider"));
	json_value *spawn =
		json_member(json_member(json_member(meta, "source"), "subagent"), "thread_spawn");
	json_value *parent[] = { json_member(meta, "forked_from_id"),
				 json_member(meta, "parent_thread_id"),
				 json_member(spawn, "parent_thread_id") };
	for (int i = 0; i < 3 && r->codex_parent.n == 0; i++)
		if (!text_eq(json_string(parent[i]), r->codex_session))
			keep_text(r, &r->codex_parent, parent[i]);
}

/* A file whose beginning is missing has its session in its name, "rollout-TIME-ID.jsonl". */
static void name_codex_by_path(struct payload_reader *r)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const struct text name = path_part(r->path, 0);
	const size_t room = sizeof form - 1;
	for (size_t at = 0; at + room <= name.n; at++) {
		size_t n = 0;
		while (n < room && (form[n] == '-' ? name.p[at + n] == '-'
						   : isxdigit((unsigned char)name.p[at + n])))
			n++;
		if (n == room) {
			r->codex_session =
				(struct text){ arena_text(&r->arena, name.p + at, room), room };
			return;
		}
	}
}

static bool codex_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text type = json_string(json_member(v, "type"));
	json_value *payload = json_member(v, "payload");
	struct text inner = json_string(json_member(payload, "type"));
	bool known = text_is(type, "session_meta") || text_is(type, "turn_context") ||
		     text_is(type, "event_msg") || text_is(type, "response_item") ||
		     text_is(type, "compacted") || text_is(type, "token_usage_record");
	if (!known || (json_kind(payload) != JSON_OBJECT && r->log != LOG_CODEX))
		return false;
	r->log = LOG_CODEX;
	if (json_kind(payload) != JSON_OBJECT) {
		refuse_part(r, v, "payload", line);
		return true;
	}
	json_value *turn = json_member(payload, "turn_token_usage");
	struct text response = json_string(json_member(payload, "response_id"));
	const bool counts = text_is(type, "token_usage_record") || text_is(inner, "token_count") ||
			    json_kind(turn) == JSON_OBJECT;
	if (counts && !r->codex_session.n && !r->codex_headless) {
		r->codex_headless = true;
		name_codex_by_path(r);
	}
	if (text_is(type, "session_meta")) {
		begin_codex(r, payload);
	} else if (text_is(type, "turn_context")) {
		keep_text(r, &r->codex_model, json_member(payload, "model"));
		keep_effort(r, &r->codex_effort, payload);
		keep_text(r, &r->codex_project, json_member(payload, "cwd"));
	} else if (text_is(type, "token_usage_record") &&
		   (!response.n || json_kind(json_member(payload, "usage")) != JSON_OBJECT)) {
		refuse_part(r, v, response.n ? "payload.usage" : "payload.response_id", line);
	} else if (text_is(type, "token_usage_record")) {
		json_value *usage = json_member(payload, "usage");
		json_value *thread = json_member(payload, "thread_token_usage");
		struct codex_totals call, sum;
		struct err e;
		bool has_sum =
			json_kind(thread) == JSON_OBJECT && read_totals(&sum, thread, NULL) == 0;
		r->codex_has_responses = true;
		if (read_totals(&call, usage, &e) == 0)
			take_codex(r, v, usage, call, codex_ids(r, has_sum ? &sum : NULL, response),
				   line);
		else
			payload_refuse(r, line, v, &e);
	} else if (text_is(inner, "token_count") && r->codex_has_responses) {
		payload_pass_over(r, "codex.again", v, line);
	} else if (text_is(inner, "token_count")) {
		r->codex_has_records = true;
		count_codex(
			r, v, json_member(payload, "info"),
			json_string(json_member(json_member(payload, "rate_limits"), "limit_id")),
			line);
	} else if (json_kind(turn) == JSON_OBJECT && !r->codex_has_records) {
		/* newer logs: sums of a turn instead of a session */
		struct codex_totals now;
		struct err e;
		if (read_totals(&now, turn, &e) != 0) {
			payload_refuse(r, line, v, &e);
			return true;
		}
		struct codex_totals call = difference(r, now);
		bool repeated = r->codex_lanes &&
				memcmp(&now, &r->codex[r->codex_lane].totals, sizeof now) == 0;
		r->codex[r->codex_lane].totals = now;
		r->codex_lanes = r->codex_lanes ? r->codex_lanes : 1;
		if (!repeated)
			take_codex(r, v, turn, call, codex_ids(r, NULL, TEXT("")), line);
	} else {
		payload_pass_over(r, "codex.other", v, line);
	}
	return true;
}

bool agent_log_document(struct payload_reader *r, json_value *v, int64_t line)
{
	return claude_document(r, v, line) || codex_document(r, v, line);
}

static bool holds(struct text line, const char *word)
{
	return text_holds(line, word);
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

bool agent_log_line(struct payload_reader *r, struct text line, int64_t number)
{
	if (line.n < 2 || *line.p != '{' || line.p[line.n - 1] != '}')
		return false;
	if (r->log == LOG_CLAUDE) {
		const enum claude_holds found = claude_holds(line);
		/* lines of other agents are much like these; what counts in them is judged by the
		 * slow way */
		if (found != HOLDS_NOTHING)
			return found == HOLDS_USAGE && claude_line(r, line, number);
		if (may_be_answer(line))
			return false;
		r->passed_over++;
		return true;
	}
	if (!holds(line, "\"payload\":{") || holds(line, "\"token_count\"") ||
	    holds(line, "\"session_meta\"") || holds(line, "\"turn_context\"") ||
	    holds(line, "_tokens\":") || holds(line, "\"token_usage_record\""))
		return false;
	r->passed_over++;
	return true;
}
