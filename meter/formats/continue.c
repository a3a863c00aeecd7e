/*
 * Continue's sessions: a JSON document each, with the usage of every answer, no instants and no
 * ids.
 *
 * A fork begins with copies of what it was forked from, without a mark. The sums of a session leave
 * them out, so that its own answers are the last ones that make them up; the others are copies
 * where a session beside it begins with them.
 *
 * Sources: sessions of @continuedev/cli 1.5.47, and its source.
 */
#include <dirent.h>
#include <stdlib.h>

#include "meter/formats/agent_call.h"

static struct text kept(struct payload_reader *r, json_value *v)
{
	struct text s = json_number_or_string(v);
	return s.n ? (struct text){ arena_text(&r->arena, s.p, s.n), s.n } : TEXT("");
}

bool continue_is_session(json_value *v)
{
	return json_kind(json_member(v, "history")) == JSON_ARRAY && json_member(v, "sessionId");
}

/* Continue keeps no instants of its calls: when the session began stands in the list beside it. */
static struct text when_began(struct payload_reader *r, struct text session)
{
	struct json_document *doc;
	const char *slash = r->path ? strrchr(r->path, '/') : NULL;
	struct text began = TEXT("");
	if (!r->path ||
	    json_open_file(&doc,
			   arena_printf(&r->arena, "%.*ssessions.json",
					slash ? (int)(slash - r->path) + 1 : 0, r->path),
			   NULL) != 0)
		return began;
	for (json_value *v = json_first(json_root(doc)); v && !began.n; v = json_next(v))
		if (text_eq(json_string(json_member(v, "sessionId")), session))
			began = kept(r, json_member(v, "dateCreated"));
	json_close(doc);
	return began;
}

static json_value *usage_of(json_value *entry)
{
	json_value *usage = json_member(json_member(entry, "message"), "usage");
	return json_kind(usage) == JSON_OBJECT ? usage : NULL;
}

/* Prompts and answers of the session, as it says; false: older versions do not. */
static bool read_sums(json_value *v, int64_t sums[2])
{
	json_value *usage = json_member(v, "usage");
	struct raw_counts c = { 0 };
	struct err e;
	if (counts_set(&c, RAW_PROMPT, json_member(usage, "promptTokens"), &e) != 0 ||
	    counts_set(&c, RAW_COMPLETION, json_member(usage, "completionTokens"), &e) != 0)
		return false;
	sums[0] = c.count[RAW_PROMPT];
	sums[1] = c.count[RAW_COMPLETION];
	return true;
}

static void add_answer(int64_t sums[2], json_value *usage, int sign)
{
	struct raw_counts c = { 0 };
	struct err e;
	counts_set(&c, RAW_PROMPT, json_member(usage, "prompt_tokens"), &e);
	counts_set(&c, RAW_COMPLETION, json_member(usage, "completion_tokens"), &e);
	sums[0] += sign * c.count[RAW_PROMPT];
	sums[1] += sign * c.count[RAW_COMPLETION];
}

/* How many answers come before those that make up the sums. */
static int64_t answers_before(json_value *v, const int64_t sums[2], int64_t rest[2])
{
	int64_t n = 0;
	rest[0] = rest[1] = 0;
	for (json_value *h = json_first(json_member(v, "history")); h; h = json_next(h))
		add_answer(rest, usage_of(h), 1);
	for (json_value *h = json_first(json_member(v, "history"));
	     h && (rest[0] > sums[0] || rest[1] > sums[1]); h = json_next(h)) {
		add_answer(rest, usage_of(h), -1);
		n += usage_of(h) != NULL;
	}
	return n;
}

static struct text written(struct buf *b, json_value *v)
{
	b->n = 0;
	json_put_value(b, v);
	return (struct text){ b->p, b->n };
}

/* Whether both begin with the same messages, up to the answer of that number. */
static bool begin_alike(json_value *a, json_value *b, int64_t answers)
{
	struct buf one = { 0 }, two = { 0 };
	json_value *x = json_first(json_member(a, "history")),
		   *y = json_first(json_member(b, "history"));
	bool alike = true;
	for (; alike && answers; x = json_next(x), y = json_next(y)) {
		alike = x && y &&
			text_eq(written(&one, json_member(x, "message")),
				written(&two, json_member(y, "message")));
		answers -= alike && usage_of(x);
	}
	buf_release(&one);
	buf_release(&two);
	return alike;
}

static bool is_told_beside(struct payload_reader *r, json_value *v, int64_t answers)
{
	const char *slash = r->path ? strrchr(r->path, '/') : NULL;
	const char *dir =
		!r->path ? NULL
		: slash	 ? arena_printf(&r->arena, "%.*s", (int)(slash - r->path) + 1, r->path)
			 : "./";
	DIR *d = dir ? opendir(dir) : NULL;
	bool found = false;
	for (struct dirent *f; d && !found && (f = readdir(d)) != NULL;) {
		struct json_document *doc;
		const size_t n = strlen(f->d_name);
		if (n < 6 || strcmp(f->d_name + n - 5, ".json") != 0 ||
		    json_open_file(&doc, arena_printf(&r->arena, "%s%s", dir, f->d_name), NULL) !=
			    0)
			continue;
		json_value *other = json_root(doc);
		found = continue_is_session(other) &&
			!text_eq(json_string(json_member(other, "sessionId")),
				 json_string(json_member(v, "sessionId"))) &&
			begin_alike(v, other, answers);
		json_close(doc);
	}
	if (d)
		closedir(d);
	return found;
}

/* How many of its answers are another session's. What the sums count beyond its answers is told. */
static int64_t copies_in(struct payload_reader *r, json_value *v, int64_t line)
{
	int64_t sums[2], rest[2];
	struct err e;
	if (!read_sums(v, sums))
		return 0;
	const int64_t before = answers_before(v, sums, rest);
	if (rest[0] != sums[0] || rest[1] != sums[1]) {
		err_set(&e, ERR_INVALID,
			"the session counts %lld tokens of prompts and %lld of answers, of which "
			"its answers tell %lld and %lld",
			(long long)sums[0], (long long)sums[1], (long long)rest[0],
			(long long)rest[1]);
		payload_refuse(r, line, json_member(v, "usage"), &e);
	}
	return before && is_told_beside(r, v, before) ? before : 0;
}

/* Its client of Anthropic counts the prompt without its cache, and others whose usage has the same
 * members count it within: what cannot lie inside, of any answer of the session, tells. */
static bool counts_beside(json_value *v)
{
	for (json_value *h = json_first(json_member(v, "history")); h; h = json_next(h)) {
		json_value *usage = json_member(json_member(h, "message"), "usage"),
			   *details = json_member(usage, "prompt_tokens_details");
		struct raw_counts c = { 0 };
		struct err e;
		if (!json_member(details, "cache_read_tokens") ||
		    counts_set(&c, RAW_PROMPT, json_member(usage, "prompt_tokens"), &e) != 0 ||
		    counts_set(&c, RAW_CACHE_READ, json_member(details, "cache_read_tokens"), &e) !=
			    0)
			continue;
		counts_set(&c, RAW_CACHE_WRITE, json_member(details, "cache_write_tokens"), &e);
		if (c.count[RAW_CACHE_READ] > c.count[RAW_PROMPT] ||
		    c.count[RAW_CACHE_WRITE] > c.count[RAW_PROMPT] - c.count[RAW_CACHE_READ])
			return true;
	}
	return false;
}

static int read_counts(struct raw_counts *c, json_value *usage, struct err *e)
{
	static const struct agent_count table[] = { { "prompt_tokens", RAW_PROMPT, false },
						    { "completion_tokens", RAW_COMPLETION, false },
						    { "total_tokens", RAW_TOTAL, false },
						    { "prompt_tokens_details", RAW_COUNTS, true },
						    { "completion_tokens_details", RAW_COUNTS,
						      true },
						    { "cost_cents", RAW_COUNTS, true },
						    { NULL, RAW_COUNTS, false } };
	static const struct agent_count prompt[] = { { "cached_tokens", RAW_CACHE_READ, false },
						     { "cache_read_tokens", RAW_CACHE_READ, false },
						     { "cache_write_tokens", RAW_CACHE_WRITE,
						       false },
						     { "audio_tokens", RAW_INPUT_AUDIO, false },
						     { NULL, RAW_COUNTS, false } };
	static const struct agent_count completion[] = {
		{ "reasoning_tokens", RAW_REASONING, false },
		{ "audio_tokens", RAW_OUTPUT_AUDIO, false },
		{ "accepted_prediction_tokens", RAW_COUNTS, true },
		{ "rejected_prediction_tokens", RAW_COUNTS, true },
		{ NULL, RAW_COUNTS, false }
	};
	int rc = agent_counts(c, usage, table, e);
	if (rc == 0)
		rc = agent_counts(c, json_member(usage, "prompt_tokens_details"), prompt, e);
	if (rc == 0)
		rc = agent_counts(c, json_member(usage, "completion_tokens_details"), completion,
				  e);
	return rc;
}

/* An answer of a session, as all of them. */
struct session {
	json_value *self;
	struct text id, began;
	bool beside; /* its prompts are without their cache */
};

static void take_answer(struct payload_reader *r, const struct session *s, json_value *message,
			int64_t n, int64_t line)
{
	json_value *usage = json_member(message, "usage"),
		   *details = json_member(usage, "prompt_tokens_details"),
		   *model = json_member(usage, "model");
	const bool told = json_member(details, "cache_read_tokens") != NULL;
	struct raw_counts c = { .cache = told && s->beside ? CACHE_BESIDE : CACHE_INSIDE };
	struct metered m;
	struct instant at;
	struct err e;
	payload_begin(&m, "continue.session", line);
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "continue:%.*s:%lld", (int)s->id.n, s->id.p,
				       (long long)n)));
	payload_text(&m.record, FIELD_MODEL, model);
	payload_text(&m.record, FIELD_PROJECT, json_member(s->self, "workspaceDirectory"));
	agent_set(&m.record, FIELD_SESSION, s->id);
	agent_set(&m.record, FIELD_TASK, s->id);
	if (s->began.n && instant_parse_lenient(&at, s->began, NULL) == 0)
		agent_set_time(&m.record, FIELD_TIME, at.us);
	int rc = read_counts(&c, usage, &e);
	if (told && !s->beside && text_holds(json_string(model), "claude") &&
	    (c.count[RAW_CACHE_READ] || c.count[RAW_CACHE_WRITE]))
		m.unread = "the prompt may be with or without what the cache did";
	payload_judge_beside(r, &m, message, usage, "");
	if (!details && c.count[RAW_PROMPT])
		m.shape = "continue.untold";
	c.fixed = told && s->beside;
	agent_take_json(r, &m, &c, usage, rc, &e);
}

void continue_read(struct payload_reader *r, json_value *v, int64_t line)
{
	struct session s = { .self = v, .id = kept(r, json_member(v, "sessionId")) };
	int64_t n = 0, counted = 0;
	const int64_t copies = copies_in(r, v, line);
	bool tells = false; /* older versions keep no usage */
	s.began = when_began(r, s.id);
	s.beside = counts_beside(v);
	for (json_value *h = json_first(json_member(v, "history")); h; h = json_next(h))
		tells |= json_kind(json_member(json_member(h, "message"), "usage")) == JSON_OBJECT;
	for (json_value *h = json_first(json_member(v, "history")); h; h = json_next(h), n++) {
		json_value *message = json_member(h, "message");
		struct err e;
		if (json_kind(message) != JSON_OBJECT) {
			err_set(&e, ERR_INVALID, "an entry of 'history' has no object 'message'");
			payload_refuse(r, line, h, &e);
			continue;
		}
		const bool counts = json_kind(json_member(message, "usage")) == JSON_OBJECT;
		const char *name = arena_printf(&r->arena, "history[%lld]", (long long)n);
		if (!text_is(json_string(json_member(message, "role")), "assistant"))
			agent_answers_ended(r);
		else if (tells)
			agent_note_answer(r, text_of(name), counts, line);
		if (!counts)
			payload_pass_over(r, "continue.session", h, line);
		else if (counted++ < copies)
			r->passed_over++;
		else
			take_answer(r, &s, message, n, line);
	}
}
