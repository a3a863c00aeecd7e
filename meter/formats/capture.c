/*
 * What coding agents print when they run without a screen: `claude -p` with --output-format json or
 * stream-json (Qwen Code and Amp write the same events), `codex exec --json`, `gemini
 * --output-format json` or stream-json, `opencode run --format json`.
 *
 * The result of a run of Claude Code tells what every model used, nested agents included, as the
 * sum of its process so far; its `usage` is the turn's own. Another process of that session, which
 * was resumed, begins again. Where a capture ends before its result, the answers in it are what is
 * known. Codex tells the sum of its thread so far, resumed threads included.
 *
 * Sources: code.claude.com agent-sdk/cost-tracking; anthropics/claude-code 39733 and 83239;
 * openai/codex 17539 and 19022; google-gemini/gemini-cli docs/cli/headless.md.
 */
#include <stdlib.h>

#include "meter/formats/agent_call.h"
#include "meter/formats/assemble.h"
#include "pricing/book.h"

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

enum { MODELS = 16, SUMS = 5 };

/* What a process had used of a model when it last said so. */
struct model_sum {
	struct text model;
	int64_t n[SUMS];
};

struct capture {
	struct text session, model;
	/* answers of which no result has told */
	struct metered *answer;
	size_t answers;
	int64_t prompt; /* of them all */
	struct model_sum sum[MODELS];
	size_t sums;
	int64_t turn[SUMS - 1]; /* the usage of the result that said so */
	bool from_start;	/* the answers are all of the run, or all since the sum before */
	bool gemini;	     /* events of Gemini CLI, of which only the first names the session */
	int64_t gemini_line; /* the first one's while no result came; 0: none is open */
	/* Codex */
	struct text thread;
	int64_t turns, turn_line; /* turn_line: of the turn that is open; 0: none */
	bool tools;
	/* OpenCode */
	struct text opened;
	int64_t step_line; /* of the step of that session that is open; 0: none */
};

static struct capture *capture_of(struct payload_reader *r)
{
	if (!r->capture)
		r->capture = mem_zalloc(sizeof *r->capture);
	return r->capture;
}

void capture_release(struct payload_reader *r)
{
	if (r->capture)
		free(r->capture->answer);
	free(r->capture);
	r->capture = NULL;
}

static void keep(struct payload_reader *r, struct text *slot, struct text s)
{
	if (s.n && !text_eq(s, *slot))
		*slot = (struct text){ arena_text(&r->arena, s.p, s.n), s.n };
}

/* --- Claude Code --- */

static void forget_answers(struct capture *c)
{
	c->answers = 0;
	c->prompt = 0;
	c->from_start = false;
}

/* No result told of them. */
static void flush_answers(struct payload_reader *r)
{
	struct capture *c = r->capture;
	for (size_t i = 0; c && i < c->answers; i++) {
		c->answer[i].in_run = true;
		payload_take(r, &c->answer[i]);
	}
	if (c)
		forget_answers(c);
}

static void hold_answer(struct payload_reader *r, struct metered *m)
{
	struct capture *c = capture_of(r);
	size_t at = 0;
	while (at < c->answers &&
	       !text_eq(c->answer[at].record.text[FIELD_ID], m->record.text[FIELD_ID]))
		at++;
	payload_keep(r, m);
	if (at == c->answers) {
		if ((c->answers & (c->answers - 1)) == 0)
			c->answer = mem_grow(c->answer,
					     (c->answers ? c->answers * 2 : 1) * sizeof *c->answer);
		c->answers++;
		for (int b = 0; b < BUCKET_COUNT; b++)
			if (bucket_is_prompt((enum bucket)b))
				c->prompt += m->record.tokens[b];
	}
	c->answer[at] = *m;
}

static void read_answer(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *message = json_member(v, "message"), *usage = json_member(message, "usage"),
		   *stop = json_member(message, "stop_reason");
	const struct text session = json_string(json_member(v, "session_id"));
	struct metered m;
	struct err e;
	if (!is_object(usage)) {
		payload_pass_over(r, PRINTED_ANSWER_SHAPE, v, line);
		return;
	}
	payload_begin(&m, PRINTED_ANSWER_SHAPE, line);
	m.cumulative = true;
	m.broken_off = stop && json_kind(stop) == JSON_NULL;
	json_value *id = json_member(message, "id");
	payload_id(&m, json_string(id).n ? id : json_member(v, "uuid"));
	m.also = json_string(json_member(v, "request_id"));
	payload_text(&m.record, FIELD_MODEL, json_member(message, "model"));
	agent_set(&m.record, FIELD_SESSION, session);
	agent_set(&m.record, FIELD_TASK, session);
	payload_tier(r, &m, NULL, usage);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, NULL, &e);
	payload_judge_beside(r, &m, message, usage, "message");
	if (rc != 0)
		payload_refuse(r, line, v, &e);
	else if (!text_is(m.record.text[FIELD_MODEL], "<synthetic>"))
		hold_answer(r, &m);
}

static const struct agent_count claude_counts[] = {
	{ "inputTokens", RAW_PROMPT, false },
	{ "outputTokens", RAW_COMPLETION, false },
	{ "cacheReadInputTokens", RAW_CACHE_READ, false },
	{ "cacheCreationInputTokens", RAW_CACHE_WRITE, false },
	{ "webSearchRequests", RAW_TOTAL, true }, /* a unit, below */
	{ "costUSD", RAW_TOTAL, true },
	{ "contextWindow", RAW_TOTAL, true },
	{ "maxOutputTokens", RAW_TOTAL, true },
	{ NULL, RAW_TOTAL, false },
};
static const enum raw_count claude_order[SUMS - 1] = { RAW_PROMPT, RAW_COMPLETION, RAW_CACHE_READ,
						       RAW_CACHE_WRITE };

static int read_model_sum(struct model_sum *out, json_value *v, struct err *e)
{
	struct raw_counts c = { 0 }, searches = { 0 };
	json_value *n = json_member(v, "webSearchRequests");
	*out = (struct model_sum){ .model = text_of(json_key(v)) };
	int rc = agent_counts(&c, v, claude_counts, e);
	if (rc == 0 && !(c.has >> RAW_PROMPT & 1 && c.has >> RAW_COMPLETION & 1))
		rc = err_set(e, ERR_INVALID, "field 'modelUsage' does not count what '%.60s' used",
			     json_key(v));
	if (rc == 0 && n && json_kind(n) != JSON_NULL)
		rc = counts_set(&searches, RAW_TOTAL, n, e);
	for (int i = 0; i < SUMS - 1; i++)
		out->n[i] = c.count[claude_order[i]];
	out->n[SUMS - 1] = searches.count[RAW_TOTAL];
	return rc;
}

static struct model_sum *sum_of(struct capture *c, struct text model)
{
	for (size_t i = 0; i < c->sums; i++)
		if (text_eq(c->sum[i].model, model))
			return &c->sum[i];
	return NULL;
}

/* Whether the sums go on where the last ones of the process ended: none is smaller, and what was
 * added holds the answers that came meanwhile. */
static bool goes_on(struct capture *c, const struct model_sum *now, size_t count)
{
	int64_t added = 0;
	size_t met = 0;
	for (size_t i = 0; i < count; i++) {
		const struct model_sum *before = sum_of(c, now[i].model);
		met += before != NULL;
		for (int k = 0; k < SUMS; k++) {
			const int64_t had = before ? before->n[k] : 0;
			if (now[i].n[k] < had)
				return false;
			added += k == 1 || k == SUMS - 1 ? 0 : now[i].n[k] - had;
		}
	}
	return c->sums && met == c->sums && c->answers && c->prompt <= added;
}

/* How the sums of a result lie to those of the result before. */
enum course {
	COURSE_BEGINS, /* they are of another process */
	COURSE_GOES_ON,
	COURSE_UNSURE, /* they may be either */
	COURSE_BEHIND  /* the result before counts them */
};

static void turn_of(struct payload_reader *r, json_value *v, int64_t turn[SUMS - 1])
{
	struct raw_counts c = { 0 };
	struct err none;
	const bool read = counts_read(&c, json_member(v, "usage"), &none) == 0;
	for (int k = 0; k < SUMS - 1; k++)
		turn[k] = read ? c.count[claude_order[k]] : 0;
	/* unknown is not zero */
	if (!read ||
	    members_unknown(&r->member, PRINTED_ANSWER_SHAPE, json_member(v, "usage"), "usage",
			    true) ||
	    !(c.has >> RAW_PROMPT & 1 && c.has >> RAW_COMPLETION & 1))
		turn[0] = -1;
}

static bool is_turn(const int64_t added[SUMS - 1], const int64_t turn[SUMS - 1])
{
	return turn[0] + turn[1] > 0 && memcmp(added, turn, sizeof(int64_t[SUMS - 1])) == 0;
}

/* Whether what lies between two sums is what that turn used: all models together, or the one of
 * them that led it, beside which others were at work. */
static bool lies_turn_between(const struct model_sum *less, size_t lesses,
			      const struct model_sum *more, size_t mores,
			      const int64_t turn[SUMS - 1], bool *grows)
{
	int64_t all[SUMS - 1] = { 0 };
	bool one = false;
	size_t met = 0;
	*grows = false;
	for (size_t i = 0; i < mores; i++) {
		const struct model_sum *had = NULL;
		int64_t added[SUMS] = { 0 };
		for (size_t j = 0; j < lesses && !had; j++)
			had = text_eq(less[j].model, more[i].model) ? &less[j] : NULL;
		met += had != NULL;
		for (int k = 0; k < SUMS; k++) {
			added[k] = more[i].n[k] - (had ? had->n[k] : 0);
			if (added[k] < 0)
				return *grows = false;
			*grows |= added[k] > 0;
			if (k < SUMS - 1)
				all[k] += added[k];
		}
		one |= had && had->n[0] + had->n[1] > 0 && is_turn(added, turn);
	}
	*grows &= met == lesses;
	return *grows && (one || is_turn(all, turn));
}

/* Where the answers are not there, a result's own usage says what its sums added to the last. */
static enum course course_of(struct payload_reader *r, json_value *v, const struct model_sum *now,
			     size_t count)
{
	struct capture *c = capture_of(r);
	int64_t turn[SUMS - 1];
	bool grows, shrinks;
	turn_of(r, v, turn);
	if (goes_on(c, now, count))
		return COURSE_GOES_ON;
	/* without an id of its own it is the last again, grown */
	if (!c->sums || c->answers || !json_string(json_member(v, "uuid")).n)
		return COURSE_BEGINS;
	if (lies_turn_between(c->sum, c->sums, now, count, turn, &grows))
		return COURSE_GOES_ON;
	if (grows)
		return COURSE_UNSURE;
	return lies_turn_between(now, count, c->sum, c->sums, c->turn, &shrinks) ? COURSE_BEHIND
										 : COURSE_BEGINS;
}

/* The lifetime of what was written stands in the usage beside, which leaves nested agents out: what
 * they wrote may stay for longer, and cost more. */
static int set_writes(struct metered *m, struct raw_counts *c, int64_t written, json_value *usage,
		      struct err *e)
{
	struct raw_counts top = { 0 };
	if (usage && counts_read(&top, usage, e) != 0)
		return ERR_INVALID;
	const bool split = top.has >> RAW_CACHE_WRITE_1H & 1;
	if (written && !split && !m->unread && (is_object(usage) || json_is_nothing(usage)))
		m->unread = "no 'usage.cache_creation' stands beside 'modelUsage', and says for "
			    "how long its cache writes stay";
	if (split && top.count[RAW_CACHE_WRITE_5M] + top.count[RAW_CACHE_WRITE_1H] == written) {
		c->count[RAW_CACHE_WRITE_5M] = top.count[RAW_CACHE_WRITE_5M];
		c->count[RAW_CACHE_WRITE_1H] = top.count[RAW_CACHE_WRITE_1H];
		c->has |= 1u << RAW_CACHE_WRITE_5M | 1u << RAW_CACHE_WRITE_1H;
		return 0;
	}
	c->count[RAW_CACHE_WRITE] = written;
	c->has |= 1u << RAW_CACHE_WRITE;
	return 0;
}

/* Whether the answer is one of those that this model gave, of the `count` that the result sums up;
 * one of a model that it does not name may be any's. */
static bool is_held(const struct metered *answer, struct text model, const struct model_sum *sum,
		    size_t count)
{
	const struct text own = answer->record.text[FIELD_MODEL];
	bool named = false;
	for (size_t i = 0; i < count; i++)
		named |= model_is_same(own, sum[i].model);
	return !named || model_is_same(own, model);
}

/* The answers of which the result is the sum, for the model. */
static struct text held_answers(struct payload_reader *r, struct text model,
				const struct model_sum *sum, size_t count)
{
	const struct capture *c = capture_of(r);
	struct buf ids = { 0 };
	for (size_t i = 0; i < c->answers; i++) {
		const struct metered *m = &c->answer[i];
		const struct text id = m->record.text[FIELD_ID];
		if (id.n && is_held(m, model, sum, count))
			buf_printf(&ids, "%.*s\t%.*s\n", (int)id.n, id.p, (int)m->also.n,
				   m->also.n ? m->also.p : "");
	}
	const struct text held = { arena_text(&r->arena, ids.n ? ids.p : "", ids.n), ids.n };
	buf_release(&ids);
	return held;
}

static void begin_result(struct payload_reader *r, struct metered *m, json_value *v,
			 struct text model, int64_t line)
{
	struct text id = json_string(json_member(v, "uuid"));
	const struct text session = json_string(json_member(v, "session_id"));
	payload_begin(m, PRINTED_ANSWER_SHAPE, line);
	m->session_sum = true;
	m->cumulative = !id.n; /* an event is written once */
	m->holds_more = !capture_of(r)->from_start;
	agent_set(&m->record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "print:%.*s:%.*s", (int)(id.n ? id.n : session.n),
				       id.n ? id.p : session.p, (int)model.n,
				       model.n ? model.p : "")));
	agent_set(&m->record, FIELD_MODEL, model);
	agent_set(&m->record, FIELD_SESSION, session);
	agent_set(&m->record, FIELD_TASK, session);
}

/* A result is the sum of its calls. */
static void take_result(struct payload_reader *r, struct metered *m, json_value *v, json_value *raw,
			struct raw_counts *c, bool alone)
{
	struct err e;
	json_value *usage = json_member(v, "usage");
	struct raw_counts turns = { 0 };
	int rc = payload_time(&m->record, FIELD_TIME, json_member(v, "timestamp"), &e);
	json_value *n = json_member(v, "num_turns");
	if (rc == 0 && n && json_kind(n) != JSON_NULL)
		rc = counts_set(&turns, RAW_TOTAL, n, &e);
	/* how many calls is not told: not one, whose price may hang on its length */
	if (!turns.has)
		turns.count[RAW_TOTAL] = 2;
	m->record.requests = turns.count[RAW_TOTAL] > 1 ? turns.count[RAW_TOTAL] : 1;
	m->record.present |= (uint64_t)1 << FIELD_REQUESTS;
	payload_tier(r, m, v, usage);
	if (rc == 0)
		rc = payload_extras(r, m, usage, c, &e);
	if (!alone && (m->record.text[FIELD_SERVICE_TIER].n || m->record.text[FIELD_REGION].n) &&
	    !service_tier_is_standard(m->record.text[FIELD_SERVICE_TIER]))
		m->unread = "which of the models was served at that tier is not told";
	if (is_object(usage))
		payload_judge(r, m, usage, true);
	else if (!json_is_nothing(usage) && !m->unread)
		m->unread = "the member 'usage' is not an object of counts";
	payload_judge_beside(r, m, v, usage, "");
	agent_take_json(r, m, c, raw, rc, &e);
}

/* Whether the sums of all models count less than the result's usage, which nested agents are not
 * in.
 */
static bool is_less_than(json_value *v, const struct model_sum *now, size_t count)
{
	struct raw_counts c = { 0 };
	struct err none;
	int64_t answer = 0;
	if (counts_read(&c, json_member(v, "usage"), &none) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		answer += now[i].n[1];
	return answer < c.count[RAW_COMPLETION];
}

/* Whether the costs of all models are less than that of the whole by more than floats may be off:
 * one of them is missing. Where a cost is not told, nothing is known. */
static bool costs_less(json_value *v, json_value *models)
{
	enum { FLOATS_OFF_PICO = 1000000 };
	struct money whole, one;
	struct err none;
	if (payload_money(&whole, json_member(v, "total_cost_usd"), &none) != 0)
		return false;
	for (json_value *m = json_first(models); m; m = json_next(m))
		if (payload_money(&one, json_member(m, "costUSD"), &none) != 0 ||
		    __builtin_sub_overflow(whole.pico, one.pico, &whole.pico))
			return false;
	return whole.pico > FLOATS_OFF_PICO;
}

static void keep_sums(struct payload_reader *r, json_value *v, const struct model_sum *now,
		      size_t count)
{
	struct capture *c = capture_of(r);
	turn_of(r, v, c->turn);
	c->sums = count;
	for (size_t i = 0; i < count; i++) {
		c->sum[i] = now[i];
		c->sum[i].model =
			(struct text){ arena_text(&r->arena, now[i].model.p, now[i].model.n),
				       now[i].model.n };
	}
	forget_answers(c);
}

static void take_models(struct payload_reader *r, json_value *v, json_value *models, int64_t line)
{
	struct capture *c = capture_of(r);
	struct model_sum now[MODELS];
	struct err e;
	size_t count = 0;
	int rc = 0;
	for (json_value *m = json_first(models); rc == 0 && m; m = json_next(m))
		rc = count == MODELS ? err_set(&e, ERR_RANGE, "'modelUsage' names too many models")
				     : read_model_sum(&now[count++], m, &e);
	if (rc != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	const enum course course = course_of(r, v, now, count);
	const bool more = course == COURSE_GOES_ON || course == COURSE_UNSURE;
	const char *lacks = is_less_than(v, now, count) ? "'modelUsage' counts less than the "
							  "'usage' beside it, which it holds"
			    : costs_less(v, models)
				    ? "the models of 'modelUsage' cost less than the "
				      "'total_cost_usd' beside them"
			    : course == COURSE_BEGINS && c->sums && !c->answers && c->turn[0] < 0
				    ? "the result before does not say what its turn used, and may "
				      "count this one"
				    : NULL;
	c->from_start |= more && c->answers;
	json_value *raw = json_first(models);
	if (course == COURSE_BEHIND)
		r->passed_over++;
	for (size_t i = 0; i < count && course != COURSE_BEHIND; i++, raw = json_next(raw)) {
		const struct model_sum *before = more ? sum_of(c, now[i].model) : NULL;
		struct raw_counts counts = { .cache = CACHE_BESIDE };
		struct metered m;
		int64_t own[SUMS], any = 0;
		for (int k = 0; k < SUMS; k++)
			any |= own[k] = now[i].n[k] - (before ? before->n[k] : 0);
		if (!any)
			continue;
		for (int k = 0; k < SUMS - 2; k++) {
			counts.count[claude_order[k]] = own[k];
			counts.has |= 1u << claude_order[k];
		}
		begin_result(r, &m, v, now[i].model, line);
		m.unread = lacks;
		m.broken_off = course == COURSE_UNSURE;
		/* what the turn used tells which sums hold it */
		payload_judge_closed(r, &m, json_member(v, "usage"), "usage");
		if (set_writes(&m, &counts, own[SUMS - 2], json_member(v, "usage"), &e) != 0) {
			payload_refuse(r, line, v, &e);
			return;
		}
		counts.units[UNIT_WEB_SEARCH] = own[SUMS - 1];
		m.holds = held_answers(r, now[i].model, now, count);
		take_result(r, &m, v, raw, &counts, count == 1);
	}
	keep_sums(r, v, now, count);
}

static void read_result(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *models = json_member(v, "modelUsage"), *usage = json_member(v, "usage");
	struct capture *c = capture_of(r);
	struct metered m;
	struct err e;
	struct raw_counts counts = { 0 };
	if (is_object(models) && json_first(models)) {
		take_models(r, v, models, line);
	} else if (is_object(usage) && json_first(usage)) {
		int rc = counts_read(&counts, usage, &e);
		begin_result(r, &m, v, c->model, line);
		m.holds = held_answers(r, c->model, NULL, 0);
		if (rc == 0)
			take_result(r, &m, v, usage, &counts, true);
		else
			payload_refuse(r, line, v, &e);
		forget_answers(c);
	} else {
		flush_answers(r);
		payload_pass_over(r, PRINTED_ANSWER_SHAPE, v, line);
	}
}

static bool claude_event(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	static const char *const others[] = {
		"user",	      "stream_event", "rate_limit_event", "tool_progress",    "auth_status",
		"keep_alive", "system",	      "tool_use_summary", "prompt_suggestion"
	};
	const struct text session = json_string(json_member(v, "session_id"));
	json_value *message = json_member(v, "message");
	if (!session.n || !type.n)
		return false;
	struct capture *c = capture_of(r);
	if (c->session.n && !text_eq(session, c->session)) {
		flush_answers(r);
		c->sums = 0;
	}
	keep(r, &c->session, session);
	if (text_is(type, "assistant") && is_object(message)) {
		read_answer(r, v, line);
	} else if (text_is(type, "result") &&
		   (is_object(json_member(v, "usage")) || json_member(v, "num_turns"))) {
		read_result(r, v, line);
	} else {
		bool known = false;
		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			known |= text_is(type, others[i]);
		if (!known)
			return false;
		if (text_is(type, "system"))
			keep(r, &c->model, json_string(json_member(v, "model")));
		c->from_start |= text_is(json_string(json_member(v, "subtype")), "init");
		payload_pass_over(r, PRINTED_ANSWER_SHAPE, v, line);
	}
	return true;
}

/* --- Codex --- */

/* A sum of what nobody knows: any other sum may hold it. */
static const char *const lacks_start = "it sums up a run whose first line, which names it, is not "
				       "there: add the output from its start";

/* A run or turn that was begun ended, or another begins. */
static void refuse_open(struct payload_reader *r, int64_t *line, const char *what, struct text name)
{
	struct err e;
	if (!*line)
		return;
	err_set(&e, ERR_INVALID, "%s '%.*s' ended without usage, so what it used is unknown", what,
		name.n > 60 ? 60 : (int)name.n, name.n ? name.p : "");
	r->sink.refuse(r->sink.user, *line, TEXT("{\"usage\":null}"), &e);
	*line = 0;
}

static const char *const open_turn = "the turn of thread", *const open_run = "the run of session",
			 *const open_step = "a step of session";

static void read_turn(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct capture *c = r->capture;
	struct metered m;
	struct err e;
	payload_begin(&m, "codex.print", line);
	m.cumulative = m.session_sum = true;
	c->turns++;
	if (c->thread.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "codex-exec:%.*s", (int)c->thread.n,
					       c->thread.p)));
	else
		m.unread = lacks_start;
	agent_set(&m.record, FIELD_SESSION, c->thread);
	agent_set(&m.record, FIELD_TASK, c->thread);
	/* a tool's answer is another call, of which the sum does not tell how many there were */
	m.record.requests = c->tools && c->turns < 2 ? 2 : c->turns;
	m.record.present |= (uint64_t)1 << FIELD_REQUESTS;
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, NULL, &e);
	if (rc == 0)
		rc = agent_check_counts(&(struct raw_counts){ .has = r->counted }, &e);
	payload_judge_beside(r, &m, v, usage, "");
	payload_end(r, &m, v, rc, &e);
}

static bool codex_event(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	json_value *usage = json_member(v, "usage"), *item = json_member(v, "item");
	const struct text kind = json_string(json_member(item, "type"));
	if (text_is(type, "thread.started") && json_string(json_member(v, "thread_id")).n) {
		struct capture *c = capture_of(r);
		refuse_open(r, &c->turn_line, open_turn, c->thread);
		keep(r, &c->thread, json_string(json_member(v, "thread_id")));
		c->turns = 0;
		c->tools = false;
	} else if (text_is(type, "turn.started")) {
		capture_of(r)->turn_line = line > 0 ? line : 1;
	} else if (text_is(type, "turn.completed") && is_object(usage)) {
		capture_of(r)->turn_line = 0;
		read_turn(r, v, usage, line);
		return true;
	} else if (kind.n && (text_is(type, "item.started") || text_is(type, "item.updated") ||
			      text_is(type, "item.completed"))) {
		capture_of(r)->tools |=
			!text_is(kind, "agent_message") && !text_is(kind, "reasoning");
	} else if (!text_is(type, "turn.failed")) {
		return false;
	}
	payload_pass_over(r, "codex.print", v, line);
	return true;
}

/* --- Gemini CLI --- */

static const struct agent_count gemini_counts[] = {
	{ "prompt", RAW_PROMPT, false },
	{ "candidates", RAW_COMPLETION, false },
	{ "total", RAW_TOTAL, false },
	{ "cached", RAW_CACHE_READ, false },
	{ "thoughts", RAW_REASONING, false },
	{ "tool", RAW_TOOL_PROMPT, false },
	{ "input", RAW_TOTAL, true }, /* what the cache left of the prompt */
	{ NULL, RAW_TOTAL, false },
}, gemini_result_counts[] = {
	{ "input_tokens", RAW_PROMPT, false },
	{ "output_tokens", RAW_COMPLETION, false },
	{ "total_tokens", RAW_TOTAL, false },
	{ "cached", RAW_CACHE_READ, false },
	{ "input", RAW_TOTAL, true },
	{ NULL, RAW_TOTAL, false },
};

static void take_gemini(struct payload_reader *r, json_value *v, json_value *model, int64_t line)
{
	json_value *tokens = json_member(model, "tokens"), *api = json_member(model, "api"),
		   *n = json_member(api, "totalRequests");
	struct capture *c = capture_of(r);
	const bool whole = is_object(tokens);
	struct raw_counts counts = { .cache = CACHE_INSIDE, .reasoning_beside = true },
			  calls = { 0 };
	struct text session = json_string(json_member(v, "session_id"));
	struct metered m;
	struct err e;
	payload_begin(&m, "gemini-cli.print", line);
	m.session_sum = true;
	if (!session.n)
		session = c->session;
	if (!session.n && text_is(json_string(json_member(v, "type")), "result"))
		m.unread = lacks_start;
	c->gemini_line = 0;
	agent_set(&m.record, FIELD_MODEL, text_of(json_key(model)));
	agent_set(&m.record, FIELD_SESSION, session);
	agent_set(&m.record, FIELD_TASK, session);
	if (session.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "print:%.*s:%s", (int)session.n,
					       session.p, json_key(model))));
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = agent_counts(&counts, whole ? tokens : model,
				  whole ? gemini_counts : gemini_result_counts, &e);
	if (rc == 0 && n)
		rc = counts_set(&calls, RAW_TOTAL, n, &e);
	if (calls.count[RAW_TOTAL] > 1) {
		m.record.requests = calls.count[RAW_TOTAL];
		m.record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	agent_take_json(r, &m, &counts, whole ? tokens : model, rc, &e);
}

static bool gemini_event(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	static const char *const others[] = { "message", "tool_use", "tool_result", "error" };
	json_value *models = json_member(json_member(v, "stats"), "models");
	const struct text session = json_string(json_member(v, "session_id"));
	bool known = text_is(type, "init") && session.n;
	if (known) {
		struct capture *c = capture_of(r);
		refuse_open(r, &c->gemini_line, open_run, c->session);
		keep(r, &c->session, session);
		c->gemini = true;
		c->gemini_line = line > 0 ? line : 1;
	}
	for (size_t i = 0; !known && !session.n && r->capture && r->capture->gemini &&
			   i < sizeof others / sizeof *others;
	     i++)
		known = text_is(type, others[i]) && !json_member(v, "usage");
	if (known) {
		payload_pass_over(r, "gemini-cli.print", v, line);
		return true;
	}
	if (!is_object(models) || json_member(v, "usage"))
		return false;
	for (json_value *m = json_first(models); m; m = json_next(m)) {
		struct err e;
		if (is_object(m)) {
			take_gemini(r, v, m, line);
			continue;
		}
		err_set(&e, ERR_INVALID, "'stats.models' has under '%.60s' no object of counts",
			json_key(m));
		payload_refuse(r, line, v, &e);
	}
	if (json_first(models))
		return true;
	capture_of(r)->gemini_line = 0;
	payload_pass_over(r, "gemini-cli.print", v, line);
	return true;
}

/* --- OpenCode --- */

static const struct agent_count opencode_counts[] = {
	{ "input", RAW_PROMPT, false },	     { "output", RAW_COMPLETION, false },
	{ "reasoning", RAW_REASONING, false }, { "total", RAW_TOTAL, false },
	{ "cache", RAW_TOTAL, true },	     { NULL, RAW_TOTAL, false },
}, opencode_cache[] = {
	{ "read", RAW_CACHE_READ, false },
	{ "write", RAW_CACHE_WRITE, false },
	{ NULL, RAW_TOTAL, false },
};

static bool opencode_event(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	json_value *part = json_member(v, "part"), *tokens = json_member(part, "tokens");
	const struct text session = json_string(json_member(v, "sessionID"));
	struct raw_counts c = { .cache = CACHE_BESIDE, .reasoning_beside = true };
	struct metered m;
	struct err e;
	const bool failed = text_is(type, "error") && is_object(json_member(v, "error"));
	if (!session.n || (!is_object(part) && !failed) || !type.n)
		return false;
	struct capture *open = capture_of(r);
	/* a call that failed began no step; an answer that broke off has no end of its own */
	if (failed || text_is(type, "step_start"))
		refuse_open(r, &open->step_line, open_step, open->opened);
	if (text_is(type, "step_start")) {
		open->step_line = line > 0 ? line : 1;
		keep(r, &open->opened, session);
	}
	if (!text_is(type, "step_finish")) {
		payload_pass_over(r, "opencode.print", v, line);
		return true;
	}
	open->step_line = 0;
	if (!is_object(tokens)) {
		err_set(&e, ERR_INVALID,
			"a step ended without 'part.tokens', so what it used is unknown");
		payload_refuse(r, line, v, &e);
		return true;
	}
	payload_begin(&m, "opencode.print", line);
	m.session_sum = true; /* the session's calls say the same, and of which model they are */
	payload_id(&m, json_member(part, "id"));
	agent_set(&m.record, FIELD_SESSION, session);
	agent_set(&m.record, FIELD_TASK, session);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = agent_counts(&c, tokens, opencode_counts, &e);
	if (rc == 0)
		rc = agent_counts(&c, json_member(tokens, "cache"), opencode_cache, &e);
	agent_take_json(r, &m, &c, tokens, rc, &e);
	return true;
}

/* --- Cline --- */

/* Its events name no session, so that they cannot meet its documents. */
static bool cline_event(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	static const char *const types[] = { "agent_event", "hook_event", "run_result" };
	struct err e;
	bool known = false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		known |= text_is(type, types[i]);
	if (!known || !json_string(json_member(v, "ts")).n)
		return false;
	if (!text_is(json_string(json_at(v, "event.type")), "usage")) {
		r->passed_over++; /* the sums of a run and of an agent among them */
		return true;
	}
	err_set(&e, ERR_INVALID,
		"the output of Cline's command line does not say of which session a call is, and "
		"whether its log holds it: read data/sessions in its folder");
	payload_refuse(r, line, v, &e);
	return true;
}

bool capture_document(struct payload_reader *r, json_value *v, int64_t line)
{
	const struct text type = json_string(json_member(v, "type"));
	return gemini_event(r, v, type, line) || claude_event(r, v, type, line) ||
	       codex_event(r, v, type, line) || opencode_event(r, v, type, line) ||
	       cline_event(r, v, type, line);
}

void capture_finish(struct payload_reader *r)
{
	struct capture *c = r->capture;
	if (!c)
		return;
	flush_answers(r);
	refuse_open(r, &c->turn_line, open_turn, c->thread);
	refuse_open(r, &c->gemini_line, open_run, c->session);
	refuse_open(r, &c->step_line, open_step, c->opened);
}
