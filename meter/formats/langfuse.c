/*
 * Langfuse: observations, of which generations and embeddings are calls, and the events that write
 * them (`/api/public/ingestion`): later ones say of the same observation what earlier ones lacked.
 */
#include "meter/formats/payload_run.h"

int payload_langfuse_counts(struct raw_counts *c, json_value *usage, struct err *e)
{
	static const struct {
		const char *key;
		enum raw_count which;
	} keys[] = {
		{ "input", RAW_PROMPT },
		{ "output", RAW_COMPLETION },
		{ "total", RAW_TOTAL },
		{ "input_cached_tokens", RAW_CACHE_READ },
		{ "cache_read_input_tokens", RAW_CACHE_READ },
		{ "input_cache_read", RAW_CACHE_READ },
		{ "input_cache_creation", RAW_CACHE_WRITE },
		{ "cache_creation_input_tokens", RAW_CACHE_WRITE },
		{ "input_audio_tokens", RAW_INPUT_AUDIO },
		{ "output_reasoning", RAW_REASONING },
		{ "output_reasoning_tokens", RAW_REASONING },
		{ "output_audio_tokens", RAW_OUTPUT_AUDIO },
	};
	int rc = 0;
	/* a vendor's names, as its library gave them to Langfuse's */
	if (json_member(usage, "prompt_tokens") || json_member(usage, "input_tokens")) {
		*c = (struct raw_counts){ 0 };
		return counts_read(c, usage, e);
	}
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
		json_value *n = json_member(usage, keys[i].key);
		if (n && json_kind(n) != JSON_NULL)
			rc = counts_set(c, keys[i].which, n, e);
	}
	return rc;
}

/* Spans, tools and agents repeat what the calls in them used. */
static bool is_step(struct text type)
{
	static const char *const steps[] = { "SPAN",  "EVENT",	   "AGENT",	"TOOL",
					     "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL" };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (text_is(type, steps[i]))
			return true;
	return false;
}

/* What is none of them may be a call. */
static void pass_over_observation(struct payload_reader *r, json_value *v, struct text type,
				  int64_t line)
{
	struct err e;
	if (is_step(type)) {
		r->passed_over++;
		return;
	}
	err_set(&e, ERR_INVALID, "field 'type' is of no known kind of observation ('%.*s')",
		type.n > 40 ? 40 : (int)type.n, type.p);
	payload_refuse(r, line, v, &e);
}

static void read_observation(struct payload_reader *r, json_value *v, json_value *usage,
			     int64_t line)
{
	struct metered m;
	struct err e;
	struct raw_counts c = { .cache = CACHE_BESIDE };
	int rc = 0;
	struct text type = json_string(json_member(v, "type"));
	if (type.n && !text_is(type, "GENERATION") && !text_is(type, "EMBEDDING")) {
		pass_over_observation(r, v, type, line);
		return;
	}
	payload_begin(&m, "langfuse.observation", line);
	payload_id(&m, json_member(v, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_text(&m.record, FIELD_TASK, json_member(v, "traceId"));
	payload_text(&m.record, FIELD_SESSION, json_member(v, "sessionId"));
	payload_text(&m.record, FIELD_WORKLOAD, json_member(v, "name"));
	payload_text(&m.record, FIELD_CUSTOMER, json_member(v, "userId"));
	payload_effort(r, &m.record, v);
	rc = payload_langfuse_counts(&c, usage, &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, json_member(v, "startTime"), &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_COMPLETED, json_member(v, "endTime"), &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	payload_judge(r, &m, usage, true);
	payload_judge_beside(r, &m, v, json_member(v, "usage"), "");
	export_judge_document(r, &m, v);
	if (rc == 0)
		m.raw = payload_raw(r, usage);
	payload_end(r, &m, v, rc, &e);
}

/* The counts of an observation: by its kinds of usage, or, where there are none, older ones by
 * their unit. */
static json_value *usage_of(json_value *v)
{
	json_value *details = json_member(v, "usageDetails"), *usage = json_member(v, "usage");
	const bool older = text_is(json_string(json_member(usage, "unit")), "TOKENS") &&
			   json_kind(json_member(usage, "input")) == JSON_NUMBER;
	return older && json_is_nothing(details) ? usage : details;
}

bool langfuse_observation(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *usage = usage_of(v);
	if (json_kind(usage) != JSON_OBJECT &&
	    !(json_member(v, "traceId") && json_member(v, "startTime") &&
	      is_step(json_string(json_member(v, "type")))))
		return false;
	read_observation(r, v, usage, line);
	return true;
}

/* What is said or asked is kept of no observation, but that an answer was. */
static bool is_kept(const char *name)
{
	static const char *const talk[] = { "input", "output", "metadata", "statusMessage" };
	for (size_t i = 0; i < sizeof talk / sizeof *talk; i++)
		if (strcmp(name, talk[i]) == 0)
			return false;
	return true;
}

/* The members of one that the other has not. */
static void add_members(struct buf *to, json_value *of, json_value *but)
{
	for (json_value *m = json_first(of); m; m = json_next(m)) {
		if (!is_kept(json_key(m)) || json_kind(m) == JSON_NULL ||
		    (but && !json_is_nothing(json_member(but, json_key(m)))))
			continue;
		buf_puts(to, to->n > 1 ? "," : "");
		json_put_string(to, text_of(json_key(m)));
		buf_puts(to, ":");
		json_put_value(to, m);
	}
}

/* All that is known of the observation, whose type an event says in its own. */
static struct text merge(struct payload_reader *r, json_value *body, struct text known,
			 const char *type)
{
	struct json_document *before = NULL;
	struct buf all = { 0 };
	buf_puts(&all, "{");
	add_members(&all, body, NULL);
	if (known.n && json_open(&before, known, NULL) == 0)
		add_members(&all, json_root(before), body);
	json_close(before);
	if (!memmem(all.p, all.n, "\"type\":", 7))
		buf_printf(&all, "%s\"type\":\"%s\"", all.n > 1 ? "," : "", type);
	buf_puts(&all, "}");
	const struct text kept = { arena_text(&r->arena, all.p, all.n), all.n };
	buf_release(&all);
	return kept;
}

/* One observation as far as it is known: a call once it has its usage. */
static void take_event(struct payload_reader *r, json_value *body, const char *type, int64_t line)
{
	const struct text id = json_string(json_member(body, "id"));
	struct json_document *doc;
	uint64_t *at = id.n ? dict_need(&r->langfuse, id, NULL) : NULL;
	struct text *known = at ? (struct text *)(uintptr_t)*at : NULL;
	const struct text all = merge(r, body, known ? *known : TEXT(""), type);
	if (at && !known)
		known = arena_alloc(&r->arena, sizeof *known);
	if (at) {
		*known = all;
		*at = (uintptr_t)known;
	}
	if (json_open(&doc, all, NULL) != 0)
		return;
	json_value *usage = usage_of(json_root(doc));
	if (json_kind(usage) == JSON_OBJECT && json_first(usage))
		langfuse_observation(r, json_root(doc), line);
	else
		r->passed_over++;
	json_close(doc);
}

static bool begins(struct text s, const char *word)
{
	return s.n >= strlen(word) && memcmp(s.p, word, strlen(word)) == 0;
}

static bool read_event(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const others[] = { "trace-create", "span-create",  "span-update",
					      "score-create", "event-create", "sdk-log" };
	const struct text type = json_string(json_member(v, "type"));
	json_value *body = json_member(v, "body");
	if (json_kind(body) != JSON_OBJECT)
		return false;
	if (begins(type, "generation-") || begins(type, "observation-")) {
		take_event(r, body, *type.p == 'g' ? "GENERATION" : "", line);
		return true;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (text_is(type, others[i])) {
			r->passed_over++;
			return true;
		}
	return false;
}

static void refuse_event(struct payload_reader *r, json_value *event, int64_t line)
{
	struct err e;
	const struct text type = json_string(json_member(event, "type"));
	err_set(&e, ERR_INVALID, "field 'type' is of no known kind of event ('%.*s')",
		type.n > 40 ? 40 : (int)type.n, type.n ? type.p : "");
	payload_refuse(r, line, event, &e);
}

bool langfuse_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *batch = json_member(v, "batch"), *first = json_first(batch);
	if (json_kind(batch) != JSON_ARRAY || !json_member(first, "body"))
		return read_event(r, v, line);
	for (json_value *event = first; event; event = json_next(event))
		if (!read_event(r, event, line))
			refuse_event(r, event, line);
	return true;
}

/* A generation that was written and whose usage never came. */
void langfuse_finish(struct payload_reader *r)
{
	struct err e;
	for (size_t i = 0; i < r->langfuse.room; i++) {
		const struct dict_slot *s = &r->langfuse.slot[i];
		struct json_document *doc;
		if (!s->key || !s->value ||
		    json_open(&doc, *(const struct text *)(uintptr_t)s->value, NULL) != 0)
			continue;
		json_value *v = json_root(doc), *usage = usage_of(v);
		const bool call = !is_step(json_string(json_member(v, "type"))) &&
				  !json_is_nothing(json_member(v, "endTime"));
		if (call && !json_first(usage)) {
			err_set(&e, ERR_INVALID,
				"the generation '%.100s' has ended, and no event tells its usage",
				s->key);
			payload_refuse(r, 0, v, &e);
		}
		json_close(doc);
	}
}
