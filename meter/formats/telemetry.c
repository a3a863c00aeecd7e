/*
 * Spans and events: OpenTelemetry traces and logs as JSON (OTLP), CloudEvents 1.0, and the events
 * of Claude Code's own telemetry.
 *
 * Sources: open-telemetry/semantic-conventions (gen_ai), opentelemetry-proto's JSON mapping (64-bit
 * integers are strings, times are nanoseconds), CloudEvents 1.0 JSON format.
 */
#include <stdlib.h>

#include "meter/formats/payload_run.h"

/* The attribute of that name: attributes are a list of {key, value:{stringValue|intValue|...}}, or
 * the members of an object. */
static json_value *attribute(json_value *attributes, const char *name)
{
	if (json_kind(attributes) == JSON_OBJECT)
		return json_member(attributes, name);
	for (json_value *a = json_first(attributes); a; a = json_next(a))
		if (text_is(json_string(json_member(a, "key")), name))
			return json_first(json_member(a, "value"));
	return NULL;
}

static json_value *first_attribute(json_value *attributes, const char *const *names)
{
	json_value *v = NULL;
	for (; *names && !v; names++)
		v = attribute(attributes, *names);
	return v;
}

/* What several generations of conventions call the same thing, the current name first. */
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct {
	enum raw_count which;
	const char *const names[8];
} span_names[] = {
	{ RAW_PROMPT,
	  { "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens",
	    "llm.token_count.prompt", NULL } },
	{ RAW_COMPLETION,
	  { "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
	    "llm.usage.completion_tokens", "llm.token_count.completion", NULL } },
	{ RAW_CACHE_READ,
	  { "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
	    "gen_ai.usage.details.cache_read_input_tokens",
	    "llm.token_count.prompt_details.cache_read", NULL } },
	{ RAW_CACHE_WRITE,
	  { "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
	    "gen_ai.usage.details.cache_creation_input_tokens",
	    "llm.token_count.prompt_details.cache_write", NULL } },
	{ RAW_REASONING,
	  { "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.details.reasoning_tokens",
	    "gen_ai.usage.reasoning_tokens", "llm.usage.reasoning_tokens",
	    "llm.token_count.completion_details.reasoning", NULL } },
	{ RAW_TOTAL,
	  { "gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total",
	    NULL } },
};

static int span_counts(struct raw_counts *c, json_value *attributes, bool *any, struct err *e)
{
	*any = false;
	for (size_t i = 0; i < sizeof span_names / sizeof *span_names; i++) {
		json_value *v = first_attribute(attributes, span_names[i].names);
		if (!v)
			continue;
		int rc = counts_set(c, span_names[i].which, v, e);
		if (rc != 0)
			return err_context(e, "%s", span_names[i].names[0]);
		*any |= span_names[i].which == RAW_PROMPT || span_names[i].which == RAW_COMPLETION;
	}
	return 0;
}

static bool begins_with(const char *s, const char *word)
{
	return strncmp(s, word, strlen(word)) == 0;
}

static bool span_knows(const char *name)
{
	for (size_t i = 0; i < sizeof span_names / sizeof *span_names; i++)
		for (const char *const *n = span_names[i].names; *n; n++)
			if (strcmp(*n, name) == 0)
				return true;
	return !begins_with(name, "gen_ai.usage.") && !begins_with(name, "llm.usage.") &&
	       !begins_with(name, "llm.token_count.");
}

static void find_effort(struct payload_reader *r, struct record *to, json_value *attributes)
{
	bool list = json_kind(attributes) == JSON_ARRAY, found = false;
	for (json_value *a = json_first(attributes); a && !found; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? json_first(json_member(a, "value")) : a;
		found = v && name.n && payload_effort_attribute(r, to, name, v);
	}
}

/* Attributes that count something and that nobody reads. */
static void judge_attributes(struct payload_reader *r, struct metered *m, json_value *attributes)
{
	bool span = strcmp(m->shape, "otlp.span") == 0;
	bool list = json_kind(attributes) == JSON_ARRAY;
	for (json_value *a = json_first(attributes); a && !m->unread; a = json_next(a)) {
		struct text name = list ? json_string(json_member(a, "key")) : text_of(json_key(a));
		json_value *v = list ? json_first(json_member(a, "value")) : a;
		if (list && (name.n == 0 || !json_member(a, "value"))) {
			m->unread = "an attribute has no 'key' or no 'value'";
			return;
		}
		struct text n = json_number_or_string(v);
		bool counts = n.n > 0 && (memchr("123456789", *n.p, 9) || (!span && *n.p != '0'));
		if (!counts || name.n == 0 || member_reason(m->shape, name.p))
			continue;
		if (span ? !span_knows(name.p) : member_speaks_of_money(name))
			m->unread = arena_printf(&r->arena,
						 "the attribute '%.100s' is of no known meaning, "
						 "and it may be billed",
						 name.p);
	}
}

/* Spans that contain other calls repeat their sums. */
static bool is_call(json_value *attributes)
{
	struct text op = json_string(attribute(attributes, "gen_ai.operation.name"));
	struct text kind = json_string(attribute(attributes, "openinference.span.kind"));
	if (kind.n && !text_is(kind, "LLM") && !text_is(kind, "EMBEDDING"))
		return false;
	return op.n == 0 || text_is(op, "chat") || text_is(op, "text_completion") ||
	       text_is(op, "embeddings") || text_is(op, "generate_content");
}

static void read_span(struct payload_reader *r, json_value *span, json_value *resource,
		      int64_t line)
{
	json_value *a = json_member(span, "attributes");
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct metered m;
	struct err e;
	bool any;
	payload_begin(&m, "otlp.span", line);
	int rc = span_counts(&c, a, &any, &e);
	if (rc == 0 && (!any || !is_call(a))) {
		r->passed_over++;
		return;
	}
	/* some instrumentations count the prompt without its cached part: what cannot lie inside
	 * lies beside */
	int64_t cache;
	if (__builtin_add_overflow(c.count[RAW_CACHE_READ], c.count[RAW_CACHE_WRITE], &cache) ||
	    cache > c.count[RAW_PROMPT])
		c.cache = CACHE_BESIDE;
	json_value *id = attribute(a, "gen_ai.response.id");
	payload_text(&m.record, FIELD_ID, id);
	struct text trace = json_string(json_member(span, "traceId")),
		    own = json_string(json_member(span, "spanId"));
	if (m.record.text[FIELD_ID].n == 0 && own.n) {
		m.record.text[FIELD_ID] =
			text_of(arena_printf(&r->arena, "span:%.*s:%.*s", (int)trace.n,
					     trace.n ? trace.p : "", (int)own.n, own.p));
		m.record.present |= (uint64_t)1 << FIELD_ID;
	}
	payload_text(&m.record, FIELD_MODEL,
		     first_attribute(a, NAMES("gen_ai.response.model", "gen_ai.request.model",
					      "llm.model_name", "llm.response.model",
					      "llm.request.model")));
	payload_text(&m.record, FIELD_SESSION,
		     first_attribute(a, NAMES("gen_ai.conversation.id", "session.id")));
	payload_text(&m.record, FIELD_TASK, json_member(span, "traceId"));
	payload_text(&m.record, FIELD_CUSTOMER,
		     first_attribute(a, NAMES("customer", "customer.id", "tenant.id", "enduser.id",
					      "user.id")));
	payload_text(&m.record, FIELD_PROJECT, attribute(a, "project"));
	if (m.record.text[FIELD_PROJECT].n == 0)
		payload_text(&m.record, FIELD_PROJECT, attribute(resource, "service.name"));
	payload_text(&m.record, FIELD_WORKLOAD, attribute(a, "workload"));
	payload_text(&m.record, FIELD_SERVICE_TIER,
		     first_attribute(a, NAMES("gen_ai.openai.response.service_tier",
					      "openai.response.service_tier")));
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, json_member(span, "startTimeUnixNano"),
				  &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_COMPLETED, json_member(span, "endTimeUnixNano"),
				  &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	judge_attributes(r, &m, a);
	find_effort(r, &m.record, a);
	if (rc != 0) {
		payload_refuse(r, line, span, &e);
		return;
	}
	r->raw.n = 0;
	json_put_value(&r->raw, a);
	m.raw = (struct text){ r->raw.p, r->raw.n };
	payload_take(r, &m);
}

/* claude_code.api_request, as an object of attributes or a log record. */
static void read_claude_event(struct payload_reader *r, json_value *a, json_value *record,
			      int64_t line)
{
	static const struct {
		const char *name;
		enum raw_count which;
	} keys[] = { { "input_tokens", RAW_PROMPT },
		     { "output_tokens", RAW_COMPLETION },
		     { "cache_read_tokens", RAW_CACHE_READ },
		     { "cache_creation_tokens", RAW_CACHE_WRITE } };
	struct raw_counts c = { .cache = CACHE_BESIDE };
	struct metered m;
	struct err e;
	int rc = 0;
	payload_begin(&m, "claude-code.event", line);
	m.cumulative = m.unsplit = true;
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
		json_value *n = attribute(a, keys[i].name);
		if (n)
			rc = counts_set(&c, keys[i].which, n, &e);
		else if (i < 2)
			rc = err_set(&e, ERR_INVALID, "the event has no '%s'", keys[i].name);
	}
	payload_text(&m.record, FIELD_ID, attribute(a, "request_id"));
	payload_text(&m.record, FIELD_MODEL, attribute(a, "model"));
	json_value *speed = attribute(a, "speed");
	if (!text_is(json_string(speed), "standard") && !text_is(json_string(speed), "normal"))
		payload_text(&m.record, FIELD_SERVICE_TIER, speed);
	payload_text(&m.record, FIELD_SESSION, attribute(a, "session.id"));
	payload_text(&m.record, FIELD_TASK, attribute(a, "session.id"));
	payload_text(&m.record, FIELD_CUSTOMER,
		     first_attribute(a, NAMES("customer", "organization.id")));
	json_value *stamp = attribute(a, "event.timestamp");
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME,
				  stamp ? stamp : json_member(record, "timeUnixNano"), &e);
	/* the event is written when the call ends */
	struct text took = json_number_or_string(attribute(a, "duration_ms"));
	int64_t ms = took.n && took.n < 10 ? strtoll(took.p, NULL, 10) : 0;
	if (rc == 0 && ms > 0 && m.record.time_us != TIME_ABSENT) {
		m.record.completed_us = m.record.time_us;
		m.record.time_us -= ms * 1000;
		m.record.present |= (uint64_t)1 << FIELD_COMPLETED;
	}
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	judge_attributes(r, &m, a);
	find_effort(r, &m.record, a);
	if (rc != 0) {
		payload_refuse(r, line, a, &e);
		return;
	}
	r->raw.n = 0;
	json_put_value(&r->raw, a);
	m.raw = (struct text){ r->raw.p, r->raw.n };
	payload_take(r, &m);
}

static bool is_claude_event(json_value *attributes, json_value *record)
{
	struct text name = json_string(attribute(attributes, "event.name"));
	struct text body = json_string(json_first(json_member(record, "body")));
	return text_is(name, "claude_code.api_request") || text_is(name, "api_request") ||
	       text_is(body, "claude_code.api_request");
}

/* Whether v holds a list or an object under a name that OTLP does not have there. */
static bool holds_other(json_value *v, const char *const *known)
{
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		bool is_known = json_kind(m) != JSON_ARRAY && json_kind(m) != JSON_OBJECT;
		for (const char *const *k = known; *k && !is_known; k++)
			is_known = strcmp(*k, json_key(m)) == 0;
		if (!is_known && json_first(m))
			return true;
	}
	return false;
}

static bool is_otlp(struct payload_reader *r, json_value *v, const char *const *known, int64_t line)
{
	struct err e;
	if (!holds_other(v, known))
		return true;
	err_set(&e, ERR_INVALID, "the telemetry holds a list of a name that OTLP does not know");
	payload_refuse(r, line, v, &e);
	return false;
}

static void read_resource(struct payload_reader *r, json_value *resource, int64_t line)
{
	json_value *about = json_member(json_member(resource, "resource"), "attributes");
	if (!is_otlp(r, resource,
		     NAMES("resource", "scopeSpans", "scopeLogs", "scopeMetrics",
			   "instrumentationLibrarySpans"),
		     line))
		return;
	for (json_value *scope = json_first(json_member(resource, "scopeSpans")); scope;
	     scope = json_next(scope)) {
		if (!is_otlp(r, scope, NAMES("scope", "spans"), line))
			continue;
		for (json_value *s = json_first(json_member(scope, "spans")); s; s = json_next(s))
			if (is_otlp(r, s, NAMES("attributes", "events", "links", "status"), line))
				read_span(r, s, about, line);
	}
	for (json_value *scope = json_first(json_member(resource, "scopeLogs")); scope;
	     scope = json_next(scope))
		for (json_value *l = json_first(json_member(scope, "logRecords")); l;
		     l = json_next(l)) {
			json_value *a = json_member(l, "attributes");
			if (is_claude_event(a, l))
				read_claude_event(r, a, l, line);
			else
				r->passed_over++;
		}
}

/* What the event says of itself, where its data does not. */
struct envelope {
	struct payload_sink inner;
	json_value *event;
	struct payload_reader *reader;
	int count;
};

static void take_enveloped(void *user, const struct metered *given)
{
	struct envelope *env = user;
	struct metered m = *given;
	struct err e;
	struct text source = json_string(json_member(env->event, "source")),
		    id = json_string(json_member(env->event, "id"));
	if (m.record.text[FIELD_ID].n == 0) {
		/* source and id together are unique by the specification */
		m.record.text[FIELD_ID] = text_of(
			env->count == 0
				? arena_printf(&env->reader->arena, "%.*s#%.*s", (int)source.n,
					       source.p, (int)id.n, id.p)
				: arena_printf(&env->reader->arena, "%.*s#%.*s.%d", (int)source.n,
					       source.p, (int)id.n, id.p, env->count));
		m.record.present |= (uint64_t)1 << FIELD_ID;
	}
	env->count++;
	if (m.record.text[FIELD_CUSTOMER].n == 0)
		payload_text(&m.record, FIELD_CUSTOMER, json_member(env->event, "subject"));
	if (m.record.time_us == TIME_ABSENT &&
	    payload_time(&m.record, FIELD_TIME, json_member(env->event, "time"), &e) != 0) {
		env->inner.refuse(env->inner.user, m.line, m.raw, &e);
		return;
	}
	env->inner.take(env->inner.user, &m);
}

static void refuse_enveloped(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct envelope *env = user;
	env->count++;
	env->inner.refuse(env->inner.user, line, raw, why);
}

static void read_cloud_event(struct payload_reader *r, json_value *v, int64_t line)
{
	struct err e;
	json_value *data = json_member(v, "data");
	if (!text_is(json_string(json_member(v, "specversion")), "1.0"))
		err_set(&e, ERR_INVALID, "field 'specversion' must be \"1.0\"");
	else if (!json_string(json_member(v, "id")).n || !json_string(json_member(v, "source")).n)
		err_set(&e, ERR_INVALID,
			"a CloudEvent needs 'id' and 'source', which together are its identity");
	else if (json_kind(data) != JSON_OBJECT && json_kind(data) != JSON_ARRAY)
		err_set(&e, ERR_INVALID, "field 'data' must hold a usage record as JSON");
	else {
		struct envelope env = { r->sink, v, r, 0 };
		r->sink = (struct payload_sink){ &env, take_enveloped, refuse_enveloped };
		payload_value(r, data, line);
		stream_finish(r);
		r->sink = env.inner;
		return;
	}
	payload_refuse(r, line, v, &e);
}

bool telemetry_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *spans = json_member(v, "resourceSpans"), *logs = json_member(v, "resourceLogs");
	if (spans || logs) {
		for (json_value *m = json_first(spans); m; m = json_next(m))
			read_resource(r, m, line);
		for (json_value *m = json_first(logs); m; m = json_next(m))
			read_resource(r, m, line);
	} else if (json_member(v, "specversion")) {
		read_cloud_event(r, v, line);
	} else if (is_claude_event(v, v)) {
		read_claude_event(r, v, v, line);
	} else {
		return false;
	}
	return true;
}
