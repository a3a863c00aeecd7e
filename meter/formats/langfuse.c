/*
 * Langfuse: observations, of which generations and embeddings are calls, and the events that write
 * them (`/api/public/ingestion`): later ones say of the same observation what earlier ones lacked.
 */
#include <stdio.h>

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
		{ "promptTokens", RAW_PROMPT },
		{ "completionTokens", RAW_COMPLETION },
		{ "totalTokens", RAW_TOTAL },
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

/* grows: what is said later of the same observation holds. */
static void read_observation(struct payload_reader *r, json_value *v, json_value *usage,
			     int64_t line, bool grows)
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
	m.cumulative = grows;
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
 * their unit, or by names that are of tokens alone. */
static json_value *usage_of(json_value *v)
{
	json_value *details = json_member(v, "usageDetails"), *usage = json_member(v, "usage");
	const bool older = (text_is(json_string(json_member(usage, "unit")), "TOKENS") &&
			    json_kind(json_member(usage, "input")) == JSON_NUMBER) ||
			   json_kind(json_member(usage, "promptTokens")) == JSON_NUMBER;
	return older && json_is_nothing(details) ? usage : details;
}

bool langfuse_observation(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *usage = usage_of(v);
	if (json_kind(usage) != JSON_OBJECT &&
	    !(json_member(v, "traceId") && json_member(v, "startTime") &&
	      is_step(json_string(json_member(v, "type")))))
		return false;
	read_observation(r, v, usage, line, false);
	return true;
}

/* What is said or asked is kept of no observation, but that an answer was. */
static bool is_kept(const char *name)
{
	static const char *const talk[] = { "input",	     "output", "metadata",
					    "statusMessage", "prompt", "completion" };
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

/* What is known of an observation or a trace, and where it was said last. */
struct known {
	struct text all;
	int64_t line;
};

/* Its place, with what was said of it in other sources; NULL: it has no id. Observations and traces
 * have ids of their own. */
static struct known *find_known(struct payload_reader *r, char kind, struct text id)
{
	if (!id.n)
		return NULL;
	const struct text key = text_of(arena_printf(&r->arena, "%c%.*s", kind, (int)id.n, id.p));
	uint64_t *at = dict_need(&r->langfuse, key, NULL);
	if (!*at) {
		struct known *k = arena_alloc(&r->arena, sizeof *k);
		k->all = TEXT("");
		if (r->observations)
			k->all = observations_find(r->observations, r->observer, key, &r->arena);
		*at = (uintptr_t)k;
	}
	return (struct known *)(uintptr_t)*at;
}

static void keep_known(struct payload_reader *r, char kind, struct text id, struct known *k,
		       struct text all, int64_t line)
{
	if (!k)
		return;
	*k = (struct known){ all, line };
	if (r->observations)
		observations_keep(r->observations, r->observer,
				  text_of(arena_printf(&r->arena, "%c%.*s", kind, (int)id.n, id.p)),
				  all);
}

enum { OBSERVATION = 'o', TRACE = 't' };

/* Whose trace it is: Langfuse writes it there alone. */
static void add_trace(struct payload_reader *r, struct buf *all, json_value *trace)
{
	static const char *const names[] = { "userId", "sessionId" };
	const struct text id = json_string(trace);
	struct known *k = id.n ? find_known(r, TRACE, id) : NULL;
	struct json_document *doc;
	if (!k || !k->all.n || json_open(&doc, k->all, NULL) != 0)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct text said = json_string(json_member(json_root(doc), names[i]));
		char key[16];
		snprintf(key, sizeof key, "\"%s\":", names[i]);
		if (!said.n || memmem(all->p, all->n, key, strlen(key)))
			continue;
		buf_printf(all, "%s%s", all->n > 1 ? "," : "", key);
		json_put_string(all, said);
	}
	json_close(doc);
}

/* All that is known of the observation, whose type an event says in its own; of a trace: NULL. */
static struct text merge(struct payload_reader *r, json_value *body, struct text known,
			 const char *type)
{
	struct json_document *before = NULL;
	struct buf all = { 0 };
	buf_puts(&all, "{");
	add_members(&all, body, NULL);
	if (known.n && json_open(&before, known, NULL) == 0)
		add_members(&all, json_root(before), body);
	if (type && !memmem(all.p, all.n, "\"type\":", 7))
		buf_printf(&all, "%s\"type\":\"%s\"", all.n > 1 ? "," : "", type);
	json_value *trace = json_member(body, "traceId");
	if (type)
		add_trace(r, &all, trace ? trace : json_member(json_root(before), "traceId"));
	json_close(before);
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
	struct known *known = find_known(r, OBSERVATION, id);
	const struct text all = merge(r, body, known ? known->all : TEXT(""), type);
	keep_known(r, OBSERVATION, id, known, all, line);
	if (json_open(&doc, all, NULL) != 0)
		return;
	json_value *usage = usage_of(json_root(doc));
	if (json_kind(usage) == JSON_OBJECT && json_first(usage))
		read_observation(r, json_root(doc), usage, line, true);
	else
		r->passed_over++;
	json_close(doc);
}

static void take_trace(struct payload_reader *r, json_value *body, int64_t line)
{
	const struct text id = json_string(json_member(body, "id"));
	struct known *known = find_known(r, TRACE, id);
	keep_known(r, TRACE, id, known, merge(r, body, known ? known->all : TEXT(""), NULL), line);
	r->passed_over++;
}

static bool read_event(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const others[] = { "span-create", "span-update", "score-create",
					      "event-create", "sdk-log" };
	const struct text type = json_string(json_member(v, "type"));
	json_value *body = json_member(v, "body");
	if (json_kind(body) != JSON_OBJECT)
		return false;
	if (text_begins(type, "generation-") || text_begins(type, "observation-")) {
		take_event(r, body, *type.p == 'g' ? "GENERATION" : "", line);
		return true;
	}
	if (text_is(type, "trace-create")) {
		take_trace(r, body, line);
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

static bool tells_trace(json_value *event)
{
	return text_is(json_string(json_member(event, "type")), "trace-create");
}

/* The events of a batch that is read without lines are numbered from 1; whose a trace is holds for
 * what comes before it as well. */
bool langfuse_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *batch = json_member(v, "batch"), *first = json_first(batch);
	json_value *known = json_kind(batch) == JSON_ARRAY ? first : NULL;
	while (known && !json_member(known, "body"))
		known = json_next(known);
	if (!known)
		return read_event(r, v, line);
	for (int traces = 1; traces >= 0; traces--) {
		int64_t number = 0;
		for (json_value *event = first; event; event = json_next(event)) {
			number++;
			if (tells_trace(event) == traces &&
			    !read_event(r, event, line ? line : number))
				refuse_event(r, event, line ? line : number);
		}
	}
	return true;
}

/* A generation that was written and whose usage never came. */
void langfuse_finish(struct payload_reader *r)
{
	struct err e;
	for (size_t i = 0; i < r->langfuse.room; i++) {
		const struct dict_slot *s = &r->langfuse.slot[i];
		const struct known *k = (const struct known *)(uintptr_t)s->value;
		struct json_document *doc;
		if (!s->key || *s->key != OBSERVATION || !k || !k->all.n ||
		    json_open(&doc, k->all, NULL) != 0)
			continue;
		json_value *v = json_root(doc), *usage = usage_of(v);
		const bool call = !is_step(json_string(json_member(v, "type"))) &&
				  !json_is_nothing(json_member(v, "endTime"));
		if (call && !json_first(usage)) {
			err_set(&e, ERR_INVALID,
				"the generation '%.100s' has ended, and no event tells its usage%s",
				s->key + 1,
				json_first(json_member(v, "usage"))
					? " in tokens (usageDetails, or usage with unit TOKENS)"
					: "");
			payload_refuse(r, k->line, v, &e);
		}
		json_close(doc);
	}
}
