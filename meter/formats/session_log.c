/*
 * The session files of agents that write each call once, with its own counts: pi, GitHub Copilot
 * CLI, Gemini CLI, Qwen Code, Cline CLI, Kimi Code. A row in `formats` is a format, and its counts
 * are lines of session_counts.def.
 */
#include <unistd.h>

#include "meter/formats/agent_call.h"

struct session_format {
	const char *shape;
	/* The usage of a line, and the object that holds it; false: another kind of line. */
	bool (*find)(json_value *v, json_value **call, json_value **usage);
	const char *id, *model, *time; /* members of the call; NULL: told otherwise */
	enum containment cache;
	bool reasoning_beside;
	const char *seller; /* NULL: the call names it, or nobody does */
	bool always;	    /* each of its calls has a usage */
};

static bool is_type(json_value *v, const char *type)
{
	return text_is(json_string(json_member(v, "type")), type);
}

static bool is_kind(json_value *v, const char *kind)
{
	return text_is(json_string(json_member(v, "kind")), kind);
}

static bool find_pi(json_value *v, json_value **call, json_value **usage)
{
	*call = json_member(v, "message");
	*usage = json_member(*call, "usage");
	return is_type(v, "message") &&
	       (json_member(*call, "responseId") || json_member(*usage, "cacheRead"));
}

static bool find_copilot(json_value *v, json_value **call, json_value **usage)
{
	*call = *usage = json_member(json_member(v, "data"), "usage");
	return is_type(v, "session.usage_record");
}

static bool find_gemini(json_value *v, json_value **call, json_value **usage)
{
	*call = v;
	*usage = json_member(v, "tokens");
	return is_type(v, "gemini");
}

static bool find_qwen(json_value *v, json_value **call, json_value **usage)
{
	*call = *usage = json_member(json_member(v, "systemPayload"), "uiEvent");
	return text_is(json_string(json_member(*call, "event.name")), "qwen-code.api_response");
}

/* The same answer, without its id; older versions wrote nothing else. */
static bool find_qwen_answer(json_value *v, json_value **call, json_value **usage)
{
	*call = v;
	*usage = json_member(v, "usageMetadata");
	return is_type(v, "assistant") && json_member(v, "sessionId") && !json_is_nothing(*usage);
}

static bool find_cline(json_value *v, json_value **call, json_value **usage)
{
	*call = v;
	*usage = json_member(v, "metrics");
	return json_kind(json_member(v, "modelInfo")) == JSON_OBJECT;
}

static bool find_kimi(json_value *v, json_value **call, json_value **usage)
{
	*call = json_member(v, "event");
	*usage = json_member(*call, "usage");
	return is_type(v, "context.append_loop_event") && is_type(*call, "step.end");
}

static const struct session_format formats[] = {
	{ "pi.session", find_pi, "responseId", "model", "timestamp", CACHE_BESIDE, false, NULL,
	  true },
	{ "copilot-cli.session", find_copilot, "apiCallId", "model", NULL, CACHE_INSIDE, false,
	  COPILOT_SELLS, true },
	{ "gemini-cli.session", find_gemini, "id", "model", "timestamp", CACHE_INSIDE, true },
	{ "qwen-code.session", find_qwen, "response_id", "model", "event.timestamp", CACHE_INSIDE,
	  false },
	{ "qwen-code.session", find_qwen_answer, "uuid", "model", "timestamp", CACHE_INSIDE,
	  false },
	{ "cline-cli.session", find_cline, "id", NULL, "ts", CACHE_INSIDE, false },
	{ "kimi-code.session", find_kimi, "messageId", NULL, NULL, CACHE_BESIDE, false },
};

/* What is not said to stay for an hour, where that is said, stays for five minutes. */
static void split_by_hour(struct raw_counts *c)
{
	const uint32_t both = 1u << RAW_CACHE_WRITE | 1u << RAW_CACHE_WRITE_1H;
	if ((c->has & both) != both || c->has >> RAW_CACHE_WRITE_5M & 1 ||
	    c->count[RAW_CACHE_WRITE_1H] > c->count[RAW_CACHE_WRITE])
		return;
	c->count[RAW_CACHE_WRITE_5M] = c->count[RAW_CACHE_WRITE] - c->count[RAW_CACHE_WRITE_1H];
	c->has |= 1u << RAW_CACHE_WRITE_5M;
}

static int take_counts(struct payload_reader *r, struct metered *m, const struct session_format *f,
		       json_value *usage, struct err *e)
{
	struct raw_counts c = { .cache = f->cache, .reasoning_beside = f->reasoning_beside };
	int rc = agent_session_counts(&c, f->shape, usage, e);
	split_by_hour(&c);
	if (rc == 0)
		rc = agent_check_counts(&c, e);
	if (rc == 0 && c.cache == CACHE_BESIDE && !(c.has >> RAW_TOTAL & 1) &&
	    !(c.has >> RAW_CACHE_READ & 1))
		rc = err_set(e, ERR_INVALID,
			     "the usage does not count what the cache gave: unknown is not zero");
	if (rc != 0)
		return rc;
	rc = counts_normalise(&m->record, &c, &m->rule, e);
	m->raw = payload_raw(r, usage);
	return rc;
}

/* An entry without an id of the answer: its own is short, and with its instant is one a call, which
 * forks of the file repeat. */
static void name_by_place(struct payload_reader *r, struct record *rec,
			  const struct session_format *f, json_value *v)
{
	const struct text own = json_string(json_member(v, "id")),
			  at = json_number_or_string(json_member(v, "timestamp"));
	if (rec->text[FIELD_ID].n || !own.n || !at.n)
		return;
	rec->text[FIELD_ID] = text_of(arena_printf(&r->arena, "%s:%.*s:%.*s", f->shape, (int)own.n,
						   own.p, (int)at.n, at.p));
	rec->present |= (uint64_t)1 << FIELD_ID;
}

/* Gemini CLI writes the line of a call again, and Qwen Code says a call in two lines: without an
 * id, and of Qwen's a session, they cannot meet, and would be two calls. */
static int pair_lines(struct payload_reader *r, struct metered *m, const struct session_format *f,
		      json_value *v, struct err *e)
{
	const struct text session = json_string(json_member(v, "sessionId"));
	const bool qwen = strcmp(f->shape, "qwen-code.session") == 0;
	if (!qwen && f->find != find_gemini)
		return 0;
	if ((qwen && !session.n) || !m->record.text[FIELD_ID].n)
		return err_set(e, ERR_INVALID,
			       "the line has no '%s', so it cannot be told from the other line of "
			       "its call",
			       qwen && !session.n ? "sessionId" : f->id);
	if (!qwen)
		return 0;
	payload_twin(r, m, "qwen", session, f->find == find_qwen_answer);
	return 0;
}

/* Formats whose answers tell what they used, some of them later. */
static void note_answer(struct payload_reader *r, const struct session_format *f, json_value *v,
			json_value *call, bool counted, int64_t line)
{
	const bool notes = f->find == find_gemini || f->find == find_cline || f->find == find_kimi;
	struct text id = json_string(json_member(call, f->id));
	if (!id.n)
		id = json_number(json_member(v, "ts"));
	if (notes)
		agent_note_answer(r, id, counted, line);
}

/* pi keeps the counts with which an answer began, where its stream was cut. */
static bool is_cut(json_value *call)
{
	const struct text stop = json_string(json_member(call, "stopReason"));
	return text_is(stop, "error") || text_is(stop, "aborted");
}

/* oh-my-pi: the tier of the calls behind it, one for all or one by vendor; null: none. */
static void keep_tiers(struct payload_reader *r, json_value *v)
{
	const struct text said = json_kind(v) == JSON_OBJECT ? payload_raw(r, v) : json_string(v);
	r->session_tiers = (struct text){ arena_text(&r->arena, said.p, said.n), said.n };
}

static bool begins(struct text s, struct text word)
{
	return word.n && s.n >= word.n && memcmp(s.p, word.p, word.n) == 0;
}

/* OpenAI's calls are made with it; of others nothing tells whether they were. */
static void take_session_tier(struct payload_reader *r, struct metered *m, struct text vendor)
{
	struct json_document *doc = NULL;
	struct text tier = r->session_tiers;
	if (!tier.n)
		return;
	if (*tier.p == '{' && json_open(&doc, tier, NULL) == 0) {
		tier = TEXT("");
		for (json_value *v = json_first(json_root(doc)); v; v = json_next(v))
			if (begins(vendor, text_of(json_key(v))))
				tier = json_string(v);
		tier.p = tier.n ? arena_text(&r->arena, tier.p, tier.n) : NULL;
	}
	if (begins(vendor, TEXT("openai")))
		payload_add_tier(r, m, tier);
	else
		payload_asked_tier(m, tier);
	json_close(doc);
}

/* Not even a prompt: Cline writes zeros where a stream was cut, and unknown is not zero. */
static bool counts_nothing(const struct record *rec)
{
	for (int b = 0; b < BUCKET_COMMON; b++)
		if (rec->tokens[b])
			return false;
	return true;
}

static void take_call(struct payload_reader *r, const struct session_format *f, json_value *v,
		      json_value *call, json_value *usage, int64_t line)
{
	struct metered m;
	struct err e;
	payload_begin(&m, f->shape, line);
	m.cumulative = true; /* written again when results of tools come */
	m.broken_off = is_cut(call);
	/* what a program says to itself */
	if (text_is(json_string(json_member(call, "provider")), "openclaw")) {
		payload_pass_over(r, f->shape, v, line);
		return;
	}
	payload_id(&m, json_member(call, f->id));
	name_by_place(r, &m.record, f, v);
	if (!m.record.text[FIELD_ID].n && !m.unread)
		m.unread = "the call has no id, so that it is not known again";
	payload_text(&m.record, FIELD_MODEL,
		     f->model ? json_member(call, f->model)
			      : json_member(json_member(call, "modelInfo"), "id"));
	json_value *provider = json_member(call, "provider");
	if (json_true(json_member(call, "isByok"))) /* Copilot with a key of the user's own */
		provider = json_member(call, "providerType");
	const struct text named = json_string(
		provider ? provider : json_member(json_member(call, "modelInfo"), "provider"));
	payload_seller(r, &m.record, named.n ? named : text_of(f->seller));
	take_session_tier(r, &m, named);
	if (!m.record.text[FIELD_MODEL].n && r->session_model.n) {
		m.record.text[FIELD_MODEL] = r->session_model;
		m.record.present |= (uint64_t)1 << FIELD_MODEL;
	}
	struct text session = r->session_id;
	if (!session.n)
		session = json_string(json_member(v, "sessionId"));
	if (!session.n) /* Copilot, behind the start of its file */
		session = json_string(json_at(call, "accounting.sourceSessionId"));
	if (session.n) {
		m.record.text[FIELD_SESSION] = m.record.text[FIELD_TASK] = session;
		m.record.present |= (uint64_t)1 << FIELD_SESSION | (uint64_t)1 << FIELD_TASK;
	}
	payload_text(&m.record, FIELD_PROJECT, json_member(v, "cwd"));
	if (!payload_effort(r, &m.record, call) && r->session_effort.n) {
		m.record.text[FIELD_EFFORT] = r->session_effort;
		m.record.present |= (uint64_t)1 << FIELD_EFFORT;
	}
	json_value *time = f->time ? json_member(call, f->time) : json_member(v, "time");
	if (!time)
		time = json_member(v, "timestamp");
	int rc = payload_time(&m.record, FIELD_TIME, time, &e);
	if (rc == 0)
		rc = take_counts(r, &m, f, usage, &e);
	if (rc == 0)
		m.broken_off |= counts_nothing(&m.record);
	payload_judge(r, &m, usage, true);
	if (call != usage)
		payload_judge_beside(r, &m, call, usage, "");
	if (call != v)
		payload_judge_beside(r, &m, v, usage, "");
	if (rc == 0 && f->find == find_gemini)
		payload_twin(r, &m, "gemini", r->session_id, true);
	if (rc == 0)
		rc = pair_lines(r, &m, f, v, &e);
	payload_end(r, &m, v, rc, &e);
	note_answer(r, f, v, call, true, line);
	r->session_calls++;
	r->session_open = 0;
}

/* The object within v that holds two counts of that shape; NULL where none does. */
static json_value *find_counts(const char *shape, json_value *v, int depth)
{
	if (json_key(v) && agent_counts_in(shape, v) >= 2)
		return v;
	json_value *found = NULL;
	for (json_value *m = depth ? json_first(v) : NULL; m && !found; m = json_next(m))
		found = find_counts(shape, m, depth - 1);
	return found;
}

static json_value *find_other_usage(const char *shape, json_value *call)
{
	json_value *usage = NULL;
	for (json_value *m = json_first(call); m && !usage; m = json_next(m))
		usage = find_counts(shape, m, 4);
	return usage;
}

/* A line of such a log that is no call, unless something in it is a usage under another name. */
static void pass_over_line(struct payload_reader *r, const char *shape, json_value *v,
			   json_value *call, int64_t line)
{
	struct err e;
	json_value *usage = find_other_usage(shape, call);
	for (json_value *m = usage || call == v ? NULL : json_first(v); m && !usage;
	     m = json_next(m))
		usage = m == call ? NULL : find_counts(shape, m, 0);
	if (!usage) {
		payload_pass_over(r, shape, v, line);
		return;
	}
	err_set(&e, ERR_INVALID,
		"the member '%.60s' counts tokens, but the line is not a known kind of call",
		json_key(usage));
	payload_refuse(r, line, v, &e);
}

/* The other lines of the logs, told by what all lines of a log have. */
static bool is_copilot_line(json_value *v)
{
	return json_kind(json_member(v, "data")) == JSON_OBJECT && json_member(v, "parentId") &&
	       json_string(json_member(v, "timestamp")).n;
}

static bool is_pi_line(json_value *v)
{
	return json_string(json_member(v, "id")).n && json_member(v, "parentId") &&
	       json_string(json_member(v, "timestamp")).n;
}

static bool is_gemini_line(json_value *v)
{
	return json_string(json_member(v, "id")).n && json_string(json_member(v, "timestamp")).n &&
	       (is_type(v, "user") || is_type(v, "info") || is_type(v, "warning") ||
		is_type(v, "error"));
}

static bool is_kimi_line(json_value *v)
{
	return (json_kind(json_member(v, "time")) == JSON_NUMBER &&
		(json_string(json_member(v, "agentId")).n || is_kind(v, "event"))) ||
	       (is_type(v, "metadata") && json_member(v, "protocol_version"));
}

static const struct {
	const char *shape;
	bool (*is)(json_value *v);
} lines[] = {
	{ "copilot-cli.session", is_copilot_line },
	{ "pi.session", is_pi_line },
	{ "gemini-cli.session", is_gemini_line },
	{ "kimi-code.session", is_kimi_line },
};

/* Kimi Code says a call's usage first, runs the tools that it asks for, and then ends the step,
 * with its id: where it was ended before that, the usage has no call. */
static void tell_open_step(struct payload_reader *r)
{
	struct err e;
	if (!r->session_open)
		return;
	err_set(&e, ERR_INVALID, "the usage of a step that did not end, and so has no id");
	r->sink.refuse(r->sink.user, r->session_open, (struct text){ 0 }, &e);
	r->session_open = 0;
}

void session_log_finish(struct payload_reader *r)
{
	tell_open_step(r);
	copilot_session_finish(r);
	agent_tell_uncounted(r);
}

/* Lines that repeat what calls say, or add them up. */
static bool repeats_calls(struct payload_reader *r, json_value *v, int64_t line)
{
	if (is_type(v, "usage.record")) {
		tell_open_step(r);
		r->session_open = line;
		return true;
	}
	return r->session_calls &&
	       (is_type(v, "agent.message.appended") || is_type(v, "session.shutdown") ||
		is_type(v, "subagent.completed"));
}

/* What Copilot CLI prints in place of its log says of a call that it was answered, and no counts.
 */
static bool is_printed_call(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	if (is_type(v, "result") && json_at(v, "usage.premiumRequests")) {
		r->passed_over++;
		return true;
	}
	if (!is_type(v, "model.call_finished") || !is_copilot_line(v) ||
	    !text_is(json_string(json_at(v, "data.outcome")), "success"))
		return false;
	err_set(&e, ERR_INVALID,
		"the output of Copilot CLI does not count the tokens of its calls: read "
		"session-state/ID/events.jsonl of the session");
	payload_refuse(r, line, v, &e);
	return true;
}

/* The shape of the log that a line without a call is of; NULL: of none. */
static const char *shape_of_line(json_value *v)
{
	for (size_t i = 0;
	     json_string(json_member(v, "type")).n && i < sizeof lines / sizeof *lines; i++)
		if (lines[i].is(v))
			return lines[i].shape;
	return NULL;
}

bool session_line_document(struct payload_reader *r, json_value *v, int64_t line)
{
	const char *shape = shape_of_line(v);
	if (shape)
		pass_over_line(r, shape, v, v, line);
	return shape != NULL;
}

static void refuse_usage(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct err e;
	err_set(&e, ERR_INVALID, "the member '%.60s' is not an object of counts",
		usage ? json_key(usage) : "usage");
	payload_refuse(r, line, v, &e);
}

static void keep(struct payload_reader *r, struct text *to, json_value *v)
{
	struct text s = json_string(v);
	if (s.n)
		*to = (struct text){ arena_text(&r->arena, s.p, s.n), s.n };
}

/* The messages of a session, or of a patch of it. */
static void read_messages(struct payload_reader *r, json_value *messages, int64_t line)
{
	if (messages && json_kind(messages) != JSON_ARRAY)
		refuse_usage(r, messages, messages, line);
	for (json_value *m = json_kind(messages) == JSON_ARRAY ? json_first(messages) : NULL; m;
	     m = json_next(m))
		if (json_kind(m) != JSON_OBJECT)
			refuse_usage(r, m, messages, line);
		else if (!session_log_document(r, m, line))
			payload_pass_over(r, "session.message", m, line);
}

/* Beside its messages Cline keeps the sums of a session, which are not there without them. */
static bool take_cline_sums(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	const struct text path = json_string(json_member(v, "messages_path"));
	const char *name = path.n ? memrchr(path.p, '/', path.n) : NULL,
		   *slash = r->path ? strrchr(r->path, '/') : NULL;
	if (!name || !json_member(json_member(v, "metadata"), "usage"))
		return false;
	r->added_up++;
	if (slash && access(arena_printf(&r->arena, "%.*s%.*s", (int)(slash - r->path), r->path,
					 (int)(path.p + path.n - name), name),
			    R_OK) != 0) {
		err_set(&e, ERR_INVALID, "the sums of a session whose messages are not beside it");
		payload_refuse(r, line, v, &e);
	} else {
		r->passed_over++;
	}
	return true;
}

/* Lines and documents that say what the calls behind them belong to. */
static bool take_header(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *messages = json_member(v, "messages");
	json_value *patch = json_member(v, "$set");
	if (json_kind(patch) == JSON_OBJECT) { /* Gemini: a patch, of all messages at times */
		r->passed_over++;
		read_messages(r, json_member(patch, "messages"), line);
		return true;
	}
	if (is_type(v, "session.start") && is_copilot_line(v)) {
		keep(r, &r->session_id, json_at(v, "data.sessionId"));
		payload_pass_over(r, "copilot-cli.session", v, line);
		r->added_up++; /* it may end without a call, and tell the length of its prompt */
		return true;
	}
	if (is_type(v, "thinking_level_change")) { /* pi: of the calls behind it */
		keep(r, &r->session_effort, json_member(v, "thinkingLevel"));
		r->passed_over++;
		return true;
	}
	if (is_type(v, "service_tier_change")) {
		keep_tiers(r, json_member(v, "serviceTier"));
		r->passed_over++;
		return true;
	}
	bool gemini = json_member(v, "sessionId") && json_member(v, "projectHash");
	bool pi = is_type(v, "session") && (json_member(v, "version") || json_member(v, "cwd"));
	bool kimi = is_type(v, "llm.request");
	/* a sub-agent's document has no prompt of the system, and names its parent's */
	json_value *origin = json_member(v, "origin");
	bool cline = messages && !json_member(v, "model") &&
		     (json_member(v, "system_prompt") ||
		      (json_member(v, "sessionId") && json_kind(origin) == JSON_OBJECT));
	if (!gemini && !pi && !kimi && !cline)
		return false;
	keep(r, &r->session_id, json_member(v, gemini || cline ? "sessionId" : "id"));
	if (cline)
		keep(r, &r->session_id, json_member(origin, "parentThreadId"));
	if (kimi)
		keep(r, &r->session_model, json_member(v, "model"));
	if (gemini && !messages)
		payload_pass_over(r, "gemini-cli.session", v, line);
	else
		r->passed_over++;
	read_messages(r, messages, line);
	return true;
}

bool session_log_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *call, *usage;
	if (take_header(r, v, line) || take_cline_sums(r, v, line) || is_printed_call(r, v, line))
		return true;
	if (is_pi_line(v) && is_type(v, "message") &&
	    json_kind(json_member(v, "message")) != JSON_OBJECT) {
		refuse_usage(r, v, json_member(v, "message"), line);
		return true;
	}
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (!formats[i].find(v, &call, &usage))
			continue;
		if (json_kind(usage) == JSON_OBJECT)
			take_call(r, &formats[i], v, call, usage, line);
		else if (!json_is_nothing(usage) ||
			 (formats[i].always && !find_other_usage(formats[i].shape, call)))
			refuse_usage(r, v, usage, line);
		else {
			pass_over_line(r, formats[i].shape, v, call, line);
			note_answer(r, &formats[i], v, call, false, line);
		}
		return true;
	}
	if (is_copilot_line(v) && copilot_session_line(r, v, line))
		return true;
	if (!shape_of_line(v))
		return false;
	if (repeats_calls(r, v, line))
		r->passed_over++;
	else if (is_copilot_line(v) && text_find(json_string(json_member(v, "type")), "session."))
		/* before a vendor's own events of that name */
		pass_over_line(r, "copilot-cli.session", v, v, line);
	else
		return false;
	return true;
}
