/*
 * The logs of Codex.
 *
 * It writes running totals, repeats them unchanged, and replays the parent's history when a session
 * is forked.
 */
#include "meter/formats/agent_call.h"

#include <ctype.h>

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

/* Whether it is one of the lane's snapshots before the last, which comes late: the count goes on
 * from the last. What is none of them is kept. */
static bool is_late(struct payload_reader *r, const struct codex_totals *now)
{
	struct codex_lane *lane = &r->codex[r->codex_lane];
	for (int i = 0; begins_count(r, now) && i < CODEX_RECENT; i++)
		if (now->input && memcmp(now, &lane->recent[i], sizeof *now) == 0) {
			r->passed_over++;
			return true;
		}
	lane->recent[lane->turn++ % CODEX_RECENT] = *now;
	return false;
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
	agent_set(&m.record, FIELD_ID, ids.id);
	m.also = ids.also;
	m.copy_of = ids.copy_of;
	agent_set(&m.record, FIELD_MODEL, r->codex_model);
	payload_seller(r, &m.record, r->codex_provider);
	agent_set(&m.record, FIELD_SESSION, r->codex_session);
	agent_set(&m.record, FIELD_TASK, r->codex_session);
	agent_set(&m.record, FIELD_PROJECT, r->codex_project);
	agent_set(&m.record, FIELD_EFFORT, r->codex_effort);
	payload_add_tier(r, &m, r->codex_tier);
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
		agent_refuse_part(r, v, "payload.info", line);
		return;
	}
	bool has_total = json_kind(total) == JSON_OBJECT;
	if (!has_total && json_kind(last) != JSON_OBJECT) {
		agent_refuse_part(r, v, "payload.info.total_token_usage", line);
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
	if (is_late(r, &now))
		return;
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

/*
 * The tier is on none of the calls' own lines: what a thread's settings say holds for the calls
 * behind them, until others are said. They are said as a whole (whole), so that no tier there is
 * the standard one; a turn may say nothing of it. Codex' fast mode asks for OpenAI's priority.
 */
static void keep_tier(struct payload_reader *r, json_value *settings, bool whole)
{
	json_value *v = json_member(settings, "service_tier");
	const struct text said = json_string(v);
	if (!v && !whole)
		return;
	if (!said.n)
		r->codex_tier = TEXT("");
	else if (text_is(said, "fast"))
		r->codex_tier = TEXT("priority");
	else
		keep_text(r, &r->codex_tier, v);
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

/* How a turn says that its last answer was cut, which leaves no usage. */
#define CUT "stream disconnected"

/* Whether a turn ended in an answer that was cut; refused then, for what was used is not told. */
static bool refuse_cut(struct payload_reader *r, json_value *v, json_value *payload, int64_t line)
{
	struct err e;
	if (!text_is(json_string(json_member(payload, "type")), "task_complete") ||
	    !text_holds(json_string(json_at(payload, "error.message")), CUT))
		return false;
	err_set(&e, ERR_INVALID,
		"the turn ended in an answer that was cut, and what that one used is not told");
	payload_refuse(r, line, v, &e);
	return true;
}

/* The record of one answer. */
static void take_response(struct payload_reader *r, json_value *v, struct text response,
			  int64_t line)
{
	json_value *payload = json_member(v, "payload"), *usage = json_member(payload, "usage"),
		   *thread = json_member(payload, "thread_token_usage");
	struct codex_totals call, sum;
	struct err e;
	const bool has_sum =
		json_kind(thread) == JSON_OBJECT && read_totals(&sum, thread, NULL) == 0;
	r->codex_has_responses = true;
	if (read_totals(&call, usage, &e) == 0)
		take_codex(r, v, usage, call, codex_ids(r, has_sum ? &sum : NULL, response), line);
	else
		payload_refuse(r, line, v, &e);
}

bool codex_log_document(struct payload_reader *r, json_value *v, int64_t line)
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
		agent_refuse_part(r, v, "payload", line);
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
		keep_tier(r, payload, false);
		keep_text(r, &r->codex_project, json_member(payload, "cwd"));
	} else if (text_is(type, "token_usage_record") &&
		   (!response.n || json_kind(json_member(payload, "usage")) != JSON_OBJECT)) {
		agent_refuse_part(r, v, response.n ? "payload.usage" : "payload.response_id", line);
	} else if (text_is(type, "token_usage_record")) {
		take_response(r, v, response, line);
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
	} else if (!refuse_cut(r, v, payload, line)) {
		if (text_is(inner, "thread_settings_applied"))
			keep_tier(r, json_member(payload, "thread_settings"), true);
		payload_pass_over(r, "codex.other", v, line);
	}
	return true;
}

bool codex_log_line(struct payload_reader *r, struct text line)
{
	static const char *const counting[] = { "\"token_count\"",  "\"session_meta\"",
						"\"turn_context\"", "\"thread_settings",
						"_tokens\":",	    "\"token_usage_record\"" };
	enum { SHORT = 4096 }; /* the end of a turn without an answer */
	bool passes = text_holds(line, "\"payload\":{") &&
		      (line.n > SHORT || !text_holds(line, "\"" CUT));
	for (size_t i = 0; passes && i < sizeof counting / sizeof *counting; i++)
		passes = !text_holds(line, counting[i]);
	r->passed_over += passes;
	return passes;
}
