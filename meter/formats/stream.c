/* Answers that arrive in pieces: Anthropic events, OpenAI and Groq chunks, Gemini chunks. */
#include "meter/formats/assemble.h"
#include "meter/formats/payload_run.h"

static struct text raw_of(struct payload_reader *r, json_value *usage)
{
	const struct text raw = payload_raw(r, usage);
	return (struct text){ arena_text(&r->arena, raw.p, raw.n), raw.n };
}

static void close_anthropic(struct payload_reader *r)
{
	struct anthropic_stream *s = &r->anthropic;
	struct err e;
	if (!s->open)
		return;
	s->open = false;
	struct metered m = s->call;
	for (int k = 0; k < RAW_COUNTS; k++)
		if (s->beside.has >> k & 1) {
			s->counts.has |= 1u << k;
			s->counts.count[k] += s->beside.count[k];
		}
	for (int u = 0; u < UNIT_COUNT; u++)
		s->counts.units[u] += s->beside.units[u];
	/* the answer's count in message_start is a placeholder */
	m.broken_off = s->latest.n == 0;
	r->raw.n = 0;
	buf_printf(&r->raw, "{\"message_start\":%.*s", (int)s->start.n, s->start.p);
	if (s->latest.n)
		buf_printf(&r->raw, ",\"message_delta\":%.*s", (int)s->latest.n, s->latest.p);
	buf_puts(&r->raw, "}");
	m.raw = (struct text){ r->raw.p, r->raw.n };
	const int rc = counts_normalise(&m.record, &s->counts, &m.rule, &e);
	payload_take_tools(r, &m, &s->tools);
	if (rc == 0)
		payload_take(r, &m);
	else
		r->sink.refuse(r->sink.user, m.line, m.raw, &e);
}

static void open_anthropic(struct payload_reader *r, json_value *v, int64_t line)
{
	struct anthropic_stream *s = &r->anthropic;
	json_value *message = json_member(v, "message"), *usage = json_member(message, "usage");
	struct err e;
	close_anthropic(r);
	*s = (struct anthropic_stream){ .open = true };
	payload_begin(&s->call, "anthropic.stream", line);
	s->call.cumulative = true;
	payload_text(&s->call.record, FIELD_ID, json_member(message, "id"));
	payload_text(&s->call.record, FIELD_MODEL, json_member(message, "model"));
	payload_tier(r, &s->call, NULL, usage);
	int rc = payload_labels(r, &s->call.record, v, &e);
	if (rc == 0)
		rc = counts_read(&s->counts, usage, &e);
	if (rc != 0) {
		s->open = false;
		payload_refuse(r, line, v, &e);
		return;
	}
	if (json_kind(usage) != JSON_OBJECT)
		s->call.unread = "the stream's message_start holds no 'usage'";
	payload_judge(r, &s->call, usage, true);
	payload_judge_beside(r, &s->call, message, usage, "");
	if (payload_extras(r, &s->call, usage, &s->beside, &e) != 0) {
		s->open = false;
		payload_refuse(r, line, v, &e);
		return;
	}
	s->start = raw_of(r, usage);
	payload_keep(r, &s->call);
}

static void add_block(struct payload_reader *r, json_value *block)
{
	struct tools_found *f = &r->anthropic.tools;
	const bool knew = f->unknown.n != 0;
	if (!r->anthropic.open || json_is_nothing(block))
		return;
	payload_tool_block(f, block);
	if (f->unknown.n && !knew)
		f->unknown.p = arena_text(&r->arena, f->unknown.p, f->unknown.n);
}

/* Deltas are cumulative: the last one wins, field by field; the split of cache writes by lifetime
 * stands in message_start alone. */
static void add_delta(struct payload_reader *r, json_value *v, int64_t line)
{
	struct anthropic_stream *s = &r->anthropic;
	struct raw_counts d = { 0 };
	struct err e;
	json_value *usage = json_member(v, "usage");
	if (json_kind(usage) != JSON_OBJECT) {
		if (s->open)
			payload_judge_beside(r, &s->call, v, NULL, "");
		else /* nobody's: what it may bill is named by itself */
			payload_pass_over(r, "anthropic.stream", v, line);
		return;
	}
	if (!s->open)
		err_set(&e, ERR_INVALID,
			"the stream begins with message_delta; its message_start, "
			"which tells the model, is missing");
	if (!s->open || counts_read(&d, usage, &e) != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	for (int k = 0; k < RAW_COUNTS; k++)
		if (d.has >> k & 1) {
			s->counts.count[k] = d.count[k];
			s->counts.has |= 1u << k;
		}
	payload_judge(r, &s->call, usage, true);
	payload_judge_beside(r, &s->call, v, usage, "");
	if (json_member(usage, "iterations"))
		s->beside = (struct raw_counts){ 0 };
	if (payload_extras(r, &s->call, usage, &s->beside, &e) != 0)
		payload_refuse(r, line, v, &e);
	payload_keep(r, &s->call);
	s->counts.anthropic_keys |= d.anthropic_keys;
	for (int u = 0; u < UNIT_COUNT; u++)
		s->counts.units[u] = d.units[u] ? d.units[u] : s->counts.units[u];
	/* without it the answer's count is still a placeholder */
	if (d.has >> RAW_COMPLETION & 1)
		s->latest = raw_of(r, usage);
}

/* The metrics repeat what the events of the same stream said. */
static void stop_anthropic(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *metrics = json_member(v, "amazon-bedrock-invocationMetrics");
	struct metered m;
	struct err e;
	const struct raw_counts beside = { .cache = CACHE_BESIDE };
	if (r->anthropic.open) {
		close_anthropic(r);
		return;
	}
	if (metrics && json_kind(metrics) != JSON_NULL && json_kind(metrics) != JSON_OBJECT) {
		err_set(&e, ERR_INVALID, "the member '%s' is no object of counts",
			json_key(metrics));
		payload_refuse(r, line, v, &e);
		return;
	}
	if (json_kind(metrics) != JSON_OBJECT) {
		payload_pass_over(r, "bedrock.metrics", v, line);
		return;
	}
	/* pieces without counts, of which these are the sum */
	if (!r->anonymous.has_usage)
		r->anonymous.open = false;
	payload_begin(&m, "bedrock.metrics", line);
	payload_text(&m.record, FIELD_MODEL, json_member(v, "modelId"));
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, metrics, &beside, &e);
	payload_judge_beside(r, &m, v, metrics, "");
	payload_end(r, &m, v, rc, &e);
}

static void close_anonymous(struct payload_reader *r)
{
	struct anonymous_stream *s = &r->anonymous;
	struct err e;
	if (s->open && s->has_usage) {
		payload_take(r, &s->last);
	} else if (s->open) {
		err_set(&e, ERR_INVALID,
			"the stream ended without usage, so what it used is unknown (ask for it "
			"with stream_options.include_usage)");
		r->sink.refuse(r->sink.user, s->last.line, TEXT("{\"stream\":null}"), &e);
	}
	*s = (struct anonymous_stream){ 0 };
}

/* A sighting without an id: the last one of its stream counts. */
void payload_hold_piece(struct payload_reader *r, struct metered *m, bool has_usage, bool ended)
{
	struct anonymous_stream *s = &r->anonymous;
	if (s->open && s->ended && !has_usage)
		close_anonymous(r);
	if (has_usage || !s->open) {
		/* what a piece said once holds for the whole */
		if (s->open) {
			sighting_share_others(m->record.counts, s->last.record.counts);
			m->record.present |= s->last.record.present;
		}
		if (s->open && !m->unread)
			m->unread = s->last.unread;
		payload_keep(r, m);
		s->last = *m;
	}
	s->open = true;
	s->has_usage |= has_usage;
	s->ended |= ended;
}

static void read_chunk(struct payload_reader *r, json_value *v, int64_t line)
{
	struct metered m;
	struct err e;
	json_value *groq = json_member(v, "x_groq"), *usage = json_member(v, "usage");
	if (json_kind(usage) != JSON_OBJECT)
		usage = json_member(groq, "usage");
	/* Moonshot writes it into the last choice */
	if (json_kind(usage) != JSON_OBJECT)
		usage = json_member(json_first(json_member(v, "choices")), "usage");
	bool has_usage = json_kind(usage) == JSON_OBJECT;
	payload_begin(&m, groq ? "groq.stream" : "openai.stream", line);
	m.cumulative = true;
	if (!has_usage && !json_is_nothing(json_member(v, "usage")))
		m.unread = "the member 'usage' is not an object of counts";
	json_value *id = json_member(v, "id");
	payload_id(&m, id ? id : json_member(groq, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_tier(r, &m, v, usage);
	int rc = payload_made(&m, json_member(v, "created"), &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0 && has_usage)
		rc = payload_counts(r, &m, usage, NULL, &e);
	if (rc == 0 && has_usage)
		rc = payload_stated(&m, usage, &e);
	payload_judge_beside(r, &m, v, usage, "");
	payload_judge_strays(r, &m, v, usage);
	/* what may be billed and stands in a chunk without usage would get lost with the chunk */
	if (rc == 0 && !has_usage && m.unread)
		rc = err_set(&e, ERR_INVALID, "%s", m.unread);
	if (rc != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	struct text known = m.record.text[FIELD_ID];
	if (known.n == 0 && r->streams.count && has_usage) {
		err_set(&e, ERR_INVALID,
			"the piece has no 'id', and others of its source do: which call it is of "
			"is unknown");
		payload_refuse(r, line, v, &e);
		return;
	}
	if (known.n == 0) {
		payload_hold_piece(r, &m, has_usage,
				   has_usage && !json_first(json_member(v, "choices")));
		return;
	}
	if (r->anonymous.open && r->anonymous.has_usage && !r->anonymous.ended)
		r->anonymous.last.unread = "pieces of another call follow before it ended: which "
					   "call it is of is unknown";
	uint64_t *seen = dict_need(&r->streams, known, NULL);
	if (has_usage) {
		*seen = UINT64_MAX;
		payload_take(r, &m);
	} else if (*seen == 0) {
		*seen = line > 0 ? (uint64_t)line : 1;
	}
}

static json_value *either(json_value *v, const char *camel, const char *snake)
{
	json_value *m = json_member(v, camel);
	return m ? m : json_member(v, snake);
}

/* Gemini's counts: its interface writes camelCase, its libraries snake_case. */
static json_value *gemini_usage(json_value *v)
{
	json_value *camel = json_member(v, "usageMetadata"),
		   *snake = json_member(v, "usage_metadata");
	if (json_kind(camel) == JSON_OBJECT)
		return camel;
	return json_member(snake, "prompt_token_count") || json_member(snake, "total_token_count")
		       ? snake
		       : NULL;
}

static void read_gemini(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct metered m;
	struct err e;
	const struct raw_counts rule = { .cache = CACHE_INSIDE, .reasoning_beside = true };
	payload_begin(&m, "gemini.content", line);
	payload_id(&m, either(v, "responseId", "response_id"));
	payload_text(&m.record, FIELD_MODEL, either(v, "modelVersion", "model_version"));
	if (!m.record.text[FIELD_MODEL].n) /* messages of the Live API name none of their own */
		payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_tier(r, &m, v, usage);
	int rc = payload_made(&m, either(v, "createTime", "create_time"), &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, &rule, &e);
	payload_judge_beside(r, &m, v, usage, "");
	if (rc != 0) {
		payload_refuse(r, line, v, &e);
		return;
	}
	json_value *candidate = json_first(json_member(v, "candidates"));
	for (json_value *c = candidate; c; c = json_next(c)) {
		payload_grounding(r, &m, either(c, "groundingMetadata", "grounding_metadata"));
		if (!json_member(c, "content") && !either(c, "finishReason", "finish_reason"))
			m.unread = "the member 'candidates', which tells of searches, holds no "
				   "answer";
	}
	if (!json_is_nothing(json_member(v, "candidates")) &&
	    json_kind(json_member(v, "candidates")) != JSON_ARRAY)
		m.unread = "the member 'candidates', which tells of searches, is no list";
	payload_judge_strays(r, &m, v, usage);
	bool whole =
		!candidate || !json_is_nothing(either(candidate, "finishReason", "finish_reason"));
	m.cumulative = m.record.text[FIELD_ID].n != 0;
	if (m.cumulative) {
		payload_take(r, &m);
	} else if (whole && !r->anonymous.open) {
		payload_take(r, &m);
	} else {
		payload_hold_piece(r, &m, true, whole);
		if (whole)
			close_anonymous(r);
	}
}

/* --- answers whose events carry what is known of them so far --- */

/* Where an event's kind stands, how the kinds begin, the answer within it, and which kinds say that
 * there is one, whose counts one of them has. Events of other kinds hold pieces of it. */
static const struct event_stream {
	const char *kind, *prefix, *answer, *begins[5];
	/* a failure of the vendor's own is known not to be billed */
	bool failure_is_free;
	/* kinds of pieces, where they do not have the prefix */
	const char *pieces[4];
} event_streams[] = {
	{ "type",
	  "response.",
	  "response",
	  { "response.created", "response.queued", "response.in_progress", "response.completed",
	    "response.done" },
	  true,
	  { NULL } },
	/* Gemini's Interactions, now in steps and at first in contents. Steps count what the end
	 * counts again (ai.google.dev, gemini-api/docs/interactions/streaming). */
	{ "event_type",
	  "interaction.",
	  "interaction",
	  { "interaction.created", "interaction.start", "interaction.complete",
	    "interaction.completed" },
	  false,
	  { "step.", "content.", "error" } },
};

/* What the stream of an answer says of its id: it began, or its counts are no longer awaited. */
static void know_answer(struct payload_reader *r, json_value *answer, int64_t line, bool ended)
{
	const struct text id = json_string(json_member(answer, "id"));
	uint64_t *seen = id.n ? dict_need(&r->streams, id, NULL) : NULL;
	if (seen && ended)
		*seen = UINT64_MAX;
	else if (seen && *seen == 0)
		*seen = line > 0 ? (uint64_t)line : 1;
}

static bool is_piece(const struct payload_reader *r, const struct event_stream *s, struct text kind)
{
	for (const char *const *p = s->pieces; *p && r->streams.count; p++)
		if (text_begins(kind, *p))
			return true;
	return false;
}

static bool read_event(struct payload_reader *r, json_value *v, const struct event_stream *s,
		       int64_t line)
{
	const struct text kind = json_string(json_member(v, s->kind));
	json_value *answer = json_member(v, s->answer);
	const bool has_usage = json_kind(json_member(answer, "usage")) == JSON_OBJECT;
	const bool failed =
		s->failure_is_free && text_is(json_string(json_member(answer, "status")), "failed");
	if (!text_begins(kind, s->prefix) && !is_piece(r, s, kind))
		return false;
	if (has_usage || failed)
		know_answer(r, answer, line, true);
	for (size_t i = 0; i < sizeof s->begins / sizeof *s->begins && !has_usage; i++)
		if (s->begins[i] && text_is(kind, s->begins[i]))
			know_answer(r, answer, line, false);
	if (has_usage)
		return body_document(r, answer, line);
	r->passed_over++;
	return true;
}

static bool event_document(struct payload_reader *r, json_value *v, int64_t line)
{
	for (size_t i = 0; i < sizeof event_streams / sizeof *event_streams; i++)
		if (read_event(r, v, &event_streams[i], line))
			return true;
	return false;
}

/* An answer that is made in the background, as it is asked for again and again: it has its counts
 * at the end, and none where it failed. */
static bool polled_answer(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *usage = json_member(v, "usage");
	const bool failed = text_is(json_string(json_member(v, "status")), "failed");
	if (!text_is(json_string(json_member(v, "object")), "response") ||
	    !json_string(json_member(v, "id")).n ||
	    (usage && json_kind(usage) != JSON_NULL && json_kind(usage) != JSON_OBJECT))
		return false;
	const bool counted = json_kind(usage) == JSON_OBJECT;
	know_answer(r, v, line, counted || failed);
	if (counted)
		return body_document(r, v, line);
	payload_pass_over(r, "openai.response", v, line);
	return true;
}

/* A piece of an answer says so, or has a delta where a whole answer has its message, or counts and
 * no answer. */
static bool is_chunk(json_value *v)
{
	json_value *choices = json_member(v, "choices"), *choice = json_first(choices);
	const struct text object = json_string(json_member(v, "object"));
	if (text_is(object, "chat.completion.chunk"))
		return true;
	/* the last piece of a stream has the counts, and no choice */
	return json_kind(choices) == JSON_ARRAY && !text_is(object, "chat.completion") &&
	       (choice ? json_kind(json_member(choice, "delta")) == JSON_OBJECT &&
				 !json_member(choice, "message")
		       : json_kind(json_member(v, "usage")) == JSON_OBJECT);
}

/* Ollama's pieces carry no counts but the last, which says that it is done and is an answer by
 * itself. */
static bool ollama_piece(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *done = json_member(v, "done");
	struct metered m;
	if (json_kind(done) != JSON_BOOL || !json_string(json_member(v, "model")).n ||
	    !json_string(json_member(v, "created_at")).n)
		return false;
	if (json_true(done)) {
		if (!r->anonymous.has_usage)
			r->anonymous.open = false;
		return false;
	}
	if (json_member(v, "eval_count") || json_member(v, "prompt_eval_count"))
		return false;
	payload_begin(&m, "ollama.stream", line);
	payload_hold_piece(r, &m, false, false);
	payload_pass_over(r, m.shape, v, line);
	return true;
}

bool stream_document(struct payload_reader *r, json_value *v, int64_t line)
{
	struct text type = json_string(json_member(v, "type"));
	json_value *gemini = gemini_usage(v);
	if (text_is(type, "message_start")) {
		open_anthropic(r, v, line);
	} else if (text_is(type, "message_delta")) {
		add_delta(r, v, line);
	} else if (text_is(type, "message_stop")) {
		stop_anthropic(r, v, line);
	} else if (json_kind(json_member(v, "amazon-bedrock-invocationMetrics")) == JSON_OBJECT) {
		stop_anthropic(r, v, line);
	} else if (text_begins(type, "content_block") || text_is(type, "ping")) {
		add_block(r, json_member(v, "content_block"));
		r->passed_over++;
	} else if (event_document(r, v, line) || polled_answer(r, v, line)) {
		return true;
	} else if (is_chunk(v)) {
		read_chunk(r, v, line);
	} else if (json_kind(gemini) == JSON_OBJECT) {
		read_gemini(r, v, gemini, line);
	} else {
		return ollama_piece(r, v, line);
	}
	return true;
}

void stream_done(struct payload_reader *r)
{
	close_anonymous(r);
}

void stream_finish(struct payload_reader *r)
{
	struct err e;
	close_anthropic(r);
	close_anonymous(r);
	for (size_t i = 0; i < r->streams.room; i++) {
		const struct dict_slot *s = &r->streams.slot[i];
		if (!s->key || s->value == UINT64_MAX)
			continue;
		err_set(&e, ERR_INVALID,
			"the answer '%.100s' ended without usage, so what it used is unknown "
			"(streams of chat completions tell it with stream_options.include_usage)",
			s->key);
		r->raw.n = 0;
		buf_puts(&r->raw, "{\"id\":");
		json_put_string(&r->raw, (struct text){ s->key, s->n });
		buf_puts(&r->raw, ",\"usage\":null}");
		r->sink.refuse(r->sink.user, (int64_t)s->value, (struct text){ r->raw.p, r->raw.n },
			       &e);
	}
}
