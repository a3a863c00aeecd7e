/*
 * Spans, and events that have a span's attributes: one call each, its usage once.
 *
 * A span around others repeats their sums. What says of itself that it is a call counts, unless
 * another call lies within it: in the same request by the tree of spans, in different ones by the
 * id of the span around it, where both tell the same input.
 */
#include "meter/formats/otlp.h"

/* What instrumentations are known to leave out, by the name of their scope. */
static const struct instrumentation {
	const char *scope;
	bool beside; /* the prompt is what the cache left, the total leaves the cache out */
	/* the shape of spans that do not tell what was cached, always or sometimes; NULL: all do */
	const char *cache_untold;
	bool end_untold;      /* that there was an answer, where it came in pieces */
	bool writes_in_text;  /* what was written to a cache stands in the text of the answer alone
			       */
	bool thoughts_untold; /* of the answer it counts what was said, unless it counts thoughts */
} instrumentations[] = {
	{ .scope = "@opentelemetry/instrumentation-openai", .cache_untold = "otlp.span.untold" },
	{ .scope = "@traceloop/instrumentation-openai",
	  .cache_untold = "otlp.span.estimated",
	  .end_untold = true },
	{ .scope = "@traceloop/instrumentation-anthropic", .beside = true },
	/* generateText up to version 5 */
	{ .scope = "ai", .cache_untold = "otlp.span.untold" },
	{ .scope = "@arizeai/openinference-instrumentation-langchain", .writes_in_text = true },
	{ .scope = "gcp.vertex.agent", .thoughts_untold = true },
	{ .scope = "opentelemetry.instrumentation.google_genai", .thoughts_untold = true },
};

static const struct instrumentation *instrumentation_of(const struct otlp_item *item)
{
	static const struct instrumentation any;
	for (size_t i = 0; i < sizeof instrumentations / sizeof *instrumentations; i++)
		if (text_is(item->scope, instrumentations[i].scope))
			return &instrumentations[i];
	return &any;
}

/* Google's ADK counts of an answer what was said, and the thoughts in its text alone. */
static int read_adk_answer(struct payload_reader *r, struct text answer, struct metered *m,
			   struct raw_counts *c, struct err *e)
{
	const char *own = m->shape;
	struct json_document *doc = NULL;
	int rc = 0;
	if (!answer.n || json_open_within(&doc, answer, PAYLOAD_VALUES_MOST, NULL) != 0)
		return 0;
	json_value *usage = json_member(json_root(doc), "usage_metadata");
	if (json_kind(json_member(usage, "prompt_token_count")) == JSON_NUMBER) {
		*c = (struct raw_counts){ .cache = CACHE_INSIDE, .reasoning_beside = true };
		rc = counts_read(c, usage, e);
		m->shape = "gemini.content";
		payload_judge(r, m, usage, true);
		m->shape = own;
		m->broken_off = false;
	}
	json_close(doc);
	return rc;
}

/* The usage that Langfuse or MLflow writes as one JSON text. */
static int read_text(struct payload_reader *r, const struct otlp_names *n, struct metered *m,
		     struct raw_counts *c, struct err *e)
{
	const bool langfuse = n->value[OTLP_USAGE_DETAILS] != NULL;
	struct json_document *doc = NULL;
	int rc = json_open_within(
		&doc, json_string(n->value[langfuse ? OTLP_USAGE_DETAILS : OTLP_MLFLOW_USAGE]),
		PAYLOAD_VALUES_MOST, e);
	if (rc != 0)
		return rc;
	*c = (struct raw_counts){ .cache = langfuse ? CACHE_BESIDE : CACHE_BY_KEYS };
	if (langfuse)
		m->shape = "langfuse.observation";
	rc = langfuse ? payload_langfuse_counts(c, json_root(doc), e)
		      : counts_read(c, json_root(doc), e);
	payload_judge(r, m, json_root(doc), true);
	json_close(doc);
	return rc;
}

/* What the vendor said beside, which the AI SDK writes as JSON text. */
static int read_metadata(struct payload_reader *r, struct text metadata, struct metered *m,
			 struct raw_counts *c, struct err *e)
{
	struct json_document *doc = NULL;
	int rc = 0;
	if (!metadata.n || json_open_within(&doc, metadata, PAYLOAD_VALUES_MOST, NULL) != 0)
		return 0;
	json_value *anthropic = json_member(json_root(doc), "anthropic");
	json_value *usage = json_member(anthropic, "usage");
	json_value *written = json_member(anthropic, "cacheCreationInputTokens");
	if (json_kind(usage) == JSON_OBJECT && json_member(usage, "input_tokens")) {
		*c = (struct raw_counts){ 0 };
		rc = counts_read(c, usage, e);
		if (rc == 0)
			rc = payload_extras(r, m, usage, c, e);
		payload_judge(r, m, usage, true);
	} else if (json_number(written).n && !(c->has >> RAW_CACHE_WRITE & 1)) {
		/* version 5: the prompt is what the cache left */
		rc = counts_set(c, RAW_CACHE_WRITE, written, e);
		c->cache = CACHE_BESIDE;
	}
	json_close(doc);
	return rc;
}

/* What a JSON text in an attribute says of the usage, in place of what the attributes say. */
static int read_details(struct payload_reader *r, const struct otlp_names *n, struct metered *m,
			struct raw_counts *c, struct err *e)
{
	const bool text = n->value[OTLP_USAGE_DETAILS] || n->value[OTLP_MLFLOW_USAGE];
	if (text && !n->value[RAW_PROMPT] && !n->value[RAW_COMPLETION])
		return read_text(r, n, m, c, e);
	if (n->value[OTLP_ADK_ANSWER])
		return read_adk_answer(r, json_string(n->value[OTLP_ADK_ANSWER]), m, c, e);
	return read_metadata(r, json_string(n->value[OTLP_METADATA]), m, c, e);
}

/* The vendor's usage in the text that LangChain's answer is as JSON: what was written to a cache,
 * which the attributes leave out. False where the text is not there. */
static bool read_answer(struct raw_counts *c, struct text answer, int *rc, struct err *e)
{
	static const enum raw_count written[] = { RAW_CACHE_WRITE, RAW_CACHE_WRITE_5M,
						  RAW_CACHE_WRITE_1H };
	struct json_document *doc = NULL;
	struct raw_counts all = { 0 };
	if (!answer.n || json_open_within(&doc, answer, PAYLOAD_VALUES_MOST, NULL) != 0)
		return false;
	json_value *generations = json_member(json_root(doc), "generations"),
		   *first = json_first(generations), *answered = json_first(first),
		   *said = json_at(answered, "message.kwargs"),
		   *usage = json_at(said, "response_metadata.usage");
	usage = json_first(usage) ? usage : json_member(said, "usage_metadata");
	const bool told = json_kind(usage) == JSON_OBJECT && !json_next(first);
	if (told)
		*rc = counts_read(&all, usage, e);
	for (size_t i = 0; told && i < sizeof written / sizeof *written; i++) {
		c->count[written[i]] = all.count[written[i]];
		c->has |= all.has & 1u << written[i];
	}
	json_close(doc);
	return told;
}

static int read_counts(struct payload_reader *r, const struct otlp_names *n, struct metered *m,
		       const struct instrumentation *by, struct err *e)
{
	struct raw_counts c = { .cache = by->beside ? CACHE_BESIDE : CACHE_INSIDE,
				.fixed = by->beside };
	int64_t cache;
	int rc = 0;
	for (int i = 0; rc == 0 && i < RAW_COUNTS; i++)
		if (n->value[i])
			rc = counts_set(&c, (enum raw_count)i, n->value[i], e);
	if (rc == 0 && n->value[OTLP_THOUGHTS])
		rc = counts_set(&c, RAW_REASONING, n->value[OTLP_THOUGHTS], e);
	c.reasoning_beside = n->value[OTLP_THOUGHTS] != NULL;
	m->broken_off = by->thoughts_untold && !(c.has >> RAW_REASONING & 1);
	if (rc == 0)
		rc = read_details(r, n, m, &c, e);
	/* some instrumentations count the prompt without its cached part: what cannot lie inside
	 * lies beside */
	if (c.cache == CACHE_INSIDE &&
	    (__builtin_add_overflow(c.count[RAW_CACHE_READ], c.count[RAW_CACHE_WRITE], &cache) ||
	     cache > c.count[RAW_PROMPT]))
		c.cache = CACHE_BESIDE;
	if (by->cache_untold && !(c.has & (1u << RAW_CACHE_READ | 1u << RAW_CACHE_WRITE)) &&
	    c.count[RAW_PROMPT] && !otlp_embeds(n))
		m->shape = by->cache_untold;
	if (rc == 0 && by->writes_in_text &&
	    !read_answer(&c, json_string(n->value[OTLP_ANSWER]), &rc, e))
		m->shape = "otlp.span.untold";
	if (!(c.has & (1u << RAW_COMPLETION | 1u << RAW_TOTAL)) && !otlp_embeds(n))
		m->unread = "the span counts no answer: unknown is not zero";
	return rc == 0 ? counts_normalise(&m->record, &c, &m->rule, e) : rc;
}

static struct text span_id(struct payload_reader *r, struct text trace, struct text own)
{
	return text_of(arena_printf(&r->arena, "span:%.*s:%.*s", (int)(trace.n > 64 ? 64 : trace.n),
				    trace.n ? trace.p : "", (int)(own.n > 64 ? 64 : own.n), own.p));
}

static void set_text(struct record *rec, enum record_field f, struct text s)
{
	rec->text[f] = s;
	rec->present |= (uint64_t)1 << f;
}

static void read_texts(struct payload_reader *r, const struct otlp_item *item,
		       const struct otlp_names *n, struct metered *m)
{
	struct record *rec = &m->record;
	const struct text trace = json_string(json_member(item->self, "traceId")),
			  own = json_string(json_member(item->self, "spanId")),
			  around = json_string(json_member(item->self, "parentSpanId")),
			  model = otlp_text(n,
					    n->value[OTLP_MODEL] ? OTLP_MODEL : OTLP_ASKED_MODEL);
	payload_text(rec, FIELD_ID, n->value[OTLP_ID]);
	if (rec->text[FIELD_ID].n == 0 && own.n)
		set_text(rec, FIELD_ID, span_id(r, trace, own));
	if (around.n && own.n) {
		m->also = span_id(r, trace, around);
		m->within = true;
	}
	if (model.n)
		payload_word(rec, FIELD_MODEL, model);
	payload_seller(r, rec, otlp_text(n, OTLP_SELLER));
	payload_text(rec, FIELD_SESSION, n->value[OTLP_SESSION]);
	payload_text(rec, FIELD_TASK, json_member(item->self, "traceId"));
	payload_text(rec, FIELD_CUSTOMER, n->value[OTLP_CUSTOMER]);
	payload_text(rec, FIELD_PROJECT, n->value[OTLP_PROJECT]);
	if (rec->text[FIELD_PROJECT].n == 0 && item->service.n)
		set_text(rec, FIELD_PROJECT, item->service);
	payload_text(rec, FIELD_WORKLOAD, n->value[OTLP_WORKLOAD]);
	payload_add_tier(r, m, json_string(n->value[OTLP_TIER]));
	payload_asked_tier(m, json_string(n->value[OTLP_ASKED_TIER]));
}

/* Whether the reason why an answer ended, or a list of one, is that the call failed. */
static bool is_failure(json_value *reason)
{
	json_value *first = json_first(json_member(reason, "values"));
	const struct text s = json_string(first && !json_next(first) ? json_first(first) : reason);
	return text_is(s, "error") || text_is(s, "[\"error\"]");
}

/* Whether it says of itself that it is a call of a model, and why its answer ended or when it
 * began: one that failed had none. */
static bool is_answered(const struct otlp_item *item, const struct otlp_names *n)
{
	enum { UNSET, OK, ERROR }; /* STATUS_CODE_... */
	static const char *const reasons[] = { "gen_ai.response.finish_reasons",
					       "llm.finish_reason", "ai.response.finishReason",
					       "anthropic.message.stop_reason",
					       "langfuse.observation.output" };
	static const char *const began[] = { "gen_ai.response.time_to_first_chunk",
					     "ai.response.msToFirstChunk",
					     "langfuse.observation.completion_start_time",
					     "mastra.completion_start_time" };
	const struct text code =
		json_number_or_string(json_member(json_member(item->self, "status"), "code"));
	const int status = code.n == 1 ? *code.p - '0' : UNSET;
	bool kind = false, failed = false;
	bool ended = (instrumentation_of(item)->end_untold && status != ERROR) ||
		     (status == OK && otlp_kind_of(n, item->self) == OTLP_IS_CALL);
	for (int role = OTLP_OPERATION; role <= OTLP_AI_SDK_OPERATION; role++)
		kind |= n->value[role] != NULL;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		json_value *reason = otlp_attribute(item->attributes, reasons[i]);
		failed |= is_failure(reason);
		ended |= reason != NULL;
	}
	ended &= !failed;
	for (size_t i = 0; i < sizeof began / sizeof *began; i++)
		ended |= otlp_attribute(item->attributes, began[i]) != NULL;
	return kind && ended && (n->value[OTLP_MODEL] || n->value[OTLP_ASKED_MODEL]);
}

/* A span that is a call by its own word and yet tells no usage that is known. */
static bool is_silent(struct payload_reader *r, const struct otlp_item *item,
		      const struct otlp_names *n, struct err *e)
{
	struct metered m;
	const struct text dropped =
		json_number_or_string(json_member(item->self, "droppedAttributesCount"));
	payload_begin(&m, "otlp.span", item->line);
	otlp_judge(r, &m, "otlp.span", item->attributes);
	if (m.unread)
		err_set(e, ERR_INVALID, "%s; and no other attribute has the usage", m.unread);
	else if (n->value[OTLP_OPERATION] && dropped.n && !text_is(dropped, "0"))
		err_set(e, ERR_INVALID,
			"the span has no usage, and %.*s of its attributes were dropped: raise "
			"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
			(int)(dropped.n > 20 ? 20 : dropped.n), dropped.p);
	else if (is_answered(item, n))
		err_set(e, ERR_INVALID, "the span is a call that was answered, and has no usage");
	else
		return false;
	return true;
}

void otlp_span(struct payload_reader *r, const struct otlp_item *item, bool around)
{
	struct otlp_names n;
	struct metered m;
	struct err e;
	otlp_names_read(&n, item->attributes);
	const enum otlp_kind kind = otlp_kind_of(&n, item->self);
	const bool usage = otlp_has_usage(&n);
	if (text_is(json_string(json_member(item->self, "name")), "claude_code.llm_request")) {
		otlp_claude_event(r, item);
		return;
	}
	if (around || kind == OTLP_HOLDS_CALLS || otlp_is_told_by_events(item)) {
		r->passed_over++;
		return;
	}
	if (!usage && is_silent(r, item, &n, &e)) {
		payload_refuse(r, item->line, item->attributes, &e);
		return;
	}
	if (!usage) {
		r->passed_over++;
		return;
	}
	const struct text op = json_string(n.value[OTLP_OPERATION]);
	payload_begin(&m, "otlp.span", item->line);
	m.cumulative = true;
	int rc = kind == OTLP_IS_UNKNOWN
			 ? err_set(&e, ERR_INVALID,
				   "the span has the usage of an unknown operation ('%.*s'): a "
				   "call, or a sum of calls",
				   (int)(op.n > 60 ? 60 : op.n), op.p)
			 : 0;
	if (rc == 0)
		rc = read_counts(r, &n, &m, instrumentation_of(item), &e);
	if (rc == 0)
		rc = otlp_times(&m, item->self, &e);
	if (rc != 0) {
		payload_refuse(r, item->line, item->self, &e);
		return;
	}
	read_texts(r, item, &n, &m);
	if (item->steps > 1) { /* the sum of them, and no long prompt */
		m.record.requests = item->steps;
		m.record.present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	otlp_judge(r, &m, "otlp.span", item->attributes);
	otlp_take(r, &m, item->attributes);
}
