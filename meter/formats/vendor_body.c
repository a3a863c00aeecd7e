/*
 * Answers whose counts stand elsewhere than in `usage`: a table says where.
 *
 * Sources: Amazon Bedrock (InvokeModel's headers, ConverseStream's events, the bodies of Llama and
 * Titan), IBM watsonx.ai (text generation), Cohere (meta of version 1, its streams), LangChain
 * (LLMResult, messages without usage_metadata).
 */
#include <string.h>

#include "meter/formats/members.h"
#include "meter/formats/payload_run.h"

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

/* Names with dots between them; "": the document itself. */
static json_value *at_path(json_value *v, const char *path)
{
	char name[80];
	while (v && *path) {
		const size_t n = strcspn(path, ".");
		CHECK(n < sizeof name);
		memcpy(name, path, n);
		name[n] = 0;
		v = json_member(v, name);
		path += n + (path[n] == '.');
	}
	return v;
}

enum { IDS = 3 };

static const struct place {
	const char *shape, *tells; /* the member by which the document is told */
	const char *usage;
	const char *id[IDS], *model[IDS];
	bool closed; /* the object holds the usage and nothing else */
	enum containment cache;
} places[] = {
	{ "bedrock.headers",
	  "ResponseMetadata.HTTPHeaders.x-amzn-bedrock-output-token-count",
	  "ResponseMetadata.HTTPHeaders",
	  { "ResponseMetadata.RequestId" },
	  { "modelId", "model" },
	  false,
	  CACHE_BESIDE },
	{ "bedrock.headers",
	  "headers.x-amzn-bedrock-output-token-count",
	  "headers",
	  { "headers.x-amzn-requestid" },
	  { "modelId", "model" },
	  false,
	  CACHE_BESIDE },
	{ "bedrock.headers",
	  "x-amzn-bedrock-output-token-count",
	  "",
	  { "x-amzn-requestid" },
	  { "modelId", "model" },
	  false,
	  CACHE_BESIDE },
	{ "bedrock.titan",
	  "inputTextTokenCount",
	  "",
	  { NULL },
	  { "modelId", "model" },
	  false,
	  CACHE_BY_KEYS },
	{ "cohere.chat",
	  "meta.billed_units.input_tokens",
	  "meta",
	  { "generation_id", "response_id", "id" },
	  { "model" },
	  true,
	  CACHE_BY_KEYS },
	{ "cohere.chat",
	  "response.meta.billed_units.input_tokens",
	  "response.meta",
	  { "response.generation_id", "response.response_id" },
	  { "model" },
	  true,
	  CACHE_BY_KEYS },
	{ "langchain.result",
	  "llm_output.token_usage",
	  "llm_output.token_usage",
	  { "llm_output.id" },
	  { "llm_output.model_name", "llm_output.model", "model" },
	  true,
	  CACHE_BY_KEYS },
	{ "langchain.result",
	  "llm_output.usage",
	  "llm_output.usage",
	  { "llm_output.id" },
	  { "llm_output.model_name", "llm_output.model", "model" },
	  true,
	  CACHE_BY_KEYS },
	{ "langchain.message",
	  "response_metadata.token_usage",
	  "response_metadata.token_usage",
	  { "id", "response_metadata.id" },
	  { "response_metadata.model_name", "response_metadata.model", "model" },
	  true,
	  CACHE_BY_KEYS },
};

/* Amazon's Titan says of each result how long it is. */
static int add_results(struct raw_counts *c, json_value *v, struct err *e)
{
	int64_t sum = 0;
	int rc = 0;
	for (json_value *x = json_first(json_member(v, "results")); rc == 0 && x;
	     x = json_next(x)) {
		struct raw_counts one = { 0 };
		rc = counts_set(&one, RAW_COMPLETION, json_member(x, "tokenCount"), e);
		if (rc == 0 && __builtin_add_overflow(sum, one.count[RAW_COMPLETION], &sum))
			rc = err_set(e, ERR_RANGE, "the counts of the results are too large");
		c->has |= one.has;
		c->count[RAW_COMPLETION] = sum;
	}
	return rc;
}

static void take_first(struct record *r, enum record_field f, json_value *v,
		       const char *const path[IDS])
{
	for (int i = 0; i < IDS && path[i] && !r->text[f].n; i++)
		payload_text(r, f, at_path(v, path[i]));
}

static void take_place(struct payload_reader *r, const struct place *p, json_value *v, int64_t line)
{
	struct raw_counts c = { .cache = p->cache };
	json_value *usage = at_path(v, p->usage);
	struct metered m;
	struct err e;
	payload_begin(&m, p->shape, line);
	take_first(&m.record, FIELD_ID, v, p->id);
	take_first(&m.record, FIELD_MODEL, v, p->model);
	payload_tier(r, &m, v, usage);
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = add_results(&c, v, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, &c, &e);
	if (usage != v)
		payload_judge_beside(r, &m, v, usage, "");
	payload_end(r, &m, v, rc, &e);
}

/* IBM's watsonx.ai: each of the results has its counts. A piece of a stream has some of them. */
static bool read_watsonx(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *results = json_member(v, "results"), *first = json_first(results);
	struct raw_counts c = { .fixed = true }, one;
	struct metered m;
	struct err e;
	int rc = 0;
	if (json_kind(results) != JSON_ARRAY || !json_member(first, "generated_token_count"))
		return false;
	payload_begin(&m, "watsonx.generation", line);
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model_id"));
	for (json_value *x = first; rc == 0 && x; x = json_next(x)) {
		one = (struct raw_counts){ 0 };
		if (text_is(json_string(json_member(x, "stop_reason")), "not_finished"))
			rc = err_set(&e, ERR_INVALID,
				     "the piece of an answer of watsonx.ai: keep the whole answer");
		if (rc == 0)
			rc = counts_set(&one, RAW_PROMPT, json_member(x, "input_token_count"), &e);
		if (rc == 0)
			rc = counts_set(&one, RAW_COMPLETION,
					json_member(x, "generated_token_count"), &e);
		for (int i = RAW_PROMPT; rc == 0 && i <= RAW_COMPLETION; i++)
			if (__builtin_add_overflow(c.count[i], one.count[i], &c.count[i]))
				rc = err_set(&e, ERR_RANGE,
					     "the counts of the results are too large");
		payload_judge(r, &m, x, true);
	}
	c.has = 1u << RAW_PROMPT | 1u << RAW_COMPLETION;
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, json_member(v, "created_at"), &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	payload_judge_beside(r, &m, v, results, "");
	r->raw.n = 0;
	json_put_value(&r->raw, results);
	m.raw = (struct text){ r->raw.p, r->raw.n };
	payload_end(r, &m, v, rc, &e);
	return true;
}

/* --- LangChain: the messages of a result tell more than the sum beside them --- */

static bool read_generations(struct payload_reader *r, json_value *v, int64_t line)
{
	bool any = false;
	for (int pass = 0; pass < 2 && (pass == 0 || any); pass++)
		for (json_value *list = json_first(json_member(v, "generations")); list;
		     list = json_next(list))
			for (json_value *g = json_first(list); g; g = json_next(g)) {
				json_value *m = json_member(g, "message");
				const bool told = is_object(json_member(m, "usage_metadata")) ||
						  is_object(json_member(json_member(m, "kwargs"),
									"usage_metadata"));
				if (pass == 1)
					payload_value(r, m ? m : g, line);
				any |= told;
			}
	return any;
}

/* --- Pydantic AI: an answer in a history of messages --- */

/* Its details are counts of the vendor's, of which those of requests are of what it did besides. */
static void judge_details(struct payload_reader *r, struct metered *m, json_value *details)
{
	for (json_value *v = json_first(details); v && !m->unread; v = json_next(v)) {
		const struct text name = text_of(json_key(v));
		const bool counted = text_is(name, "web_search_requests");
		if (json_is_nothing(v) ||
		    (json_kind(v) == JSON_NUMBER && (counted || !text_ends(name, "requests"))))
			continue;
		m->unread =
			arena_printf(&r->arena,
				     "the member 'usage.details.%s' is unknown, and may be billed",
				     json_key(v));
	}
}

static bool read_pydantic(struct payload_reader *r, json_value *v, int64_t line)
{
	/* the vendor's details that have prices of their own */
	static const struct {
		const char *key;
		enum raw_count which;
	} parts[] = { { "reasoning_tokens", RAW_REASONING },
		      { "thoughts_tokens", RAW_REASONING },
		      { "image_prompt_tokens", RAW_PART_IMAGE },
		      { "video_prompt_tokens", RAW_PART_VIDEO },
		      { "image_cache_tokens", RAW_CACHED_PART_IMAGE },
		      { "video_cache_tokens", RAW_CACHED_PART_VIDEO },
		      { "image_candidates_tokens", RAW_OUTPUT_IMAGE },
		      { "video_candidates_tokens", RAW_OUTPUT_VIDEO } };
	json_value *usage = json_member(v, "usage"), *details = json_member(usage, "details");
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct metered m;
	struct err e;
	int rc = 0;
	if (!json_member(v, "parts") || !text_is(json_string(json_member(v, "kind")), "response") ||
	    !is_object(usage))
		return false;
	payload_begin(&m, "pydantic-ai.response", line);
	payload_id(&m, json_member(v, "provider_response_id"));
	payload_id(&m, json_member(v, "vendor_id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model_name"));
	payload_tier(r, &m, json_member(v, "provider_details"), usage);
	rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof *parts; i++) {
		json_value *n = json_member(details, parts[i].key);
		if (!json_is_nothing(n))
			rc = counts_set(&c, parts[i].which, n, &e);
	}
	if (rc == 0)
		rc = payload_counts(r, &m, usage, &c, &e);
	if (rc == 0)
		rc = payload_tools(r, &m, v, usage, &e);
	judge_details(r, &m, details);
	payload_judge_beside(r, &m, v, usage, "");
	payload_end(r, &m, v, rc, &e);
	return true;
}

/* --- streams of Bedrock's Converse and of Cohere --- */

static void hold(struct payload_reader *r, const char *shape, json_value *usage, json_value *v,
		 int64_t line)
{
	const struct raw_counts beside = { .cache = strcmp(shape, "bedrock.converse") == 0
							    ? CACHE_BESIDE
							    : CACHE_BY_KEYS };
	struct metered m;
	struct err e;
	const bool has_usage = is_object(usage);
	payload_begin(&m, shape, line);
	payload_text(&m.record, FIELD_MODEL, json_member(v, "modelId"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_tier(r, &m, json_member(v, "metadata"), usage);
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0 && has_usage)
		rc = payload_counts(r, &m, usage, &beside, &e);
	payload_judge_beside(r, &m, v, NULL, "");
	if (rc != 0)
		payload_refuse(r, line, v, &e);
	else
		payload_hold_piece(r, &m, has_usage, has_usage);
}

static bool read_converse_event(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const pieces[] = { "messageStart", "contentBlockStart",
					      "contentBlockDelta", "contentBlockStop",
					      "messageStop" };
	json_value *metadata = json_member(v, "metadata"), *usage = json_member(metadata, "usage");
	if (is_object(usage) && is_object(json_member(metadata, "metrics"))) {
		hold(r, "bedrock.converse", usage, v, line);
		return true;
	}
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		if (is_object(json_member(v, pieces[i]))) {
			hold(r, "bedrock.converse", NULL, v, line);
			return true;
		}
	return false;
}

static bool read_cohere_event(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const pieces[] = { "content-start",	 "content-delta",
					      "content-end",	 "tool-plan-delta",
					      "tool-call-start", "tool-call-delta",
					      "tool-call-end",	 "citation-start",
					      "citation-end",	 "message-start" };
	const struct text type = json_string(json_member(v, "type"));
	json_value *usage = json_member(json_member(v, "delta"), "usage");
	if (text_is(type, "message-end") && is_object(usage)) {
		hold(r, "cohere.chat", usage, v, line);
		return true;
	}
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		if (text_is(type, pieces[i])) {
			hold(r, "cohere.chat", NULL, v, line);
			return true;
		}
	return false;
}

/* Meta's models on Bedrock: a whole answer, or a piece of one, of which Bedrock's metrics tell the
 * whole. */
static bool read_llama(struct payload_reader *r, json_value *v, int64_t line)
{
	struct metered m;
	struct err e;
	if (!json_member(v, "generation") || !json_member(v, "generation_token_count"))
		return false;
	const bool whole = !json_is_nothing(json_member(v, "stop_reason"));
	payload_begin(&m, "bedrock.llama", line);
	payload_text(&m.record, FIELD_MODEL, json_member(v, "modelId"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0 && whole)
		rc = payload_counts(r, &m, v, NULL, &e);
	if (rc != 0)
		payload_refuse(r, line, v, &e);
	else if (whole)
		payload_take(r, &m);
	else
		payload_hold_piece(r, &m, false, false);
	return true;
}

bool vendor_document(struct payload_reader *r, json_value *v, int64_t line)
{
	if (read_pydantic(r, v, line))
		return true;
	if (is_object(json_member(v, "usage")) || is_object(json_member(v, "usage_metadata")))
		return false;
	if (read_converse_event(r, v, line) || read_cohere_event(r, v, line) ||
	    read_llama(r, v, line) || read_generations(r, v, line) || read_watsonx(r, v, line))
		return true;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (at_path(v, places[i].tells)) {
			take_place(r, &places[i], v, line);
			return true;
		}
	return false;
}
