/* Whole answers of providers and rows of gateways: one document, one call. */
#include "meter/formats/payload_run.h"

static struct text type_of(json_value *v)
{
	return json_string(json_member(v, "type"));
}

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

int payload_money(struct money *out, json_value *v, struct err *e)
{
	struct decimal d;
	bool rounded;
	int rc = decimal_parse(&d, json_number(v), e);
	if (rc == 0)
		d = decimal_round_places(d, MONEY_PLACES, &rounded);
	return rc == 0 ? money_from_decimal(out, d, e) : rc;
}

/* With a key of one's own the seller's fee comes beside what the vendor behind it charges. */
int payload_stated_as(struct metered *m, json_value *cost, bool own_key, json_value *upstream,
		      struct err *e)
{
	struct money own = { 0 }, behind = { 0 };
	if (m->other_money || !cost || json_kind(cost) != JSON_NUMBER ||
	    (own_key && json_kind(upstream) != JSON_NUMBER))
		return 0;
	int rc = payload_money(&own, cost, e);
	if (rc == 0 && own_key)
		rc = payload_money(&behind, upstream, e);
	if (rc == 0 && (own.pico < 0 || behind.pico < 0))
		rc = err_set(e, ERR_INVALID, "field 'cost' is below zero");
	if (rc == 0 && __builtin_add_overflow(own.pico, behind.pico, &own.pico))
		rc = err_set(e, ERR_RANGE, "field 'cost' is too large");
	m->stated = (struct stated_cost){ rc == 0, false, own };
	return rc;
}

int payload_stated(struct metered *m, json_value *usage, struct err *e)
{
	json_value *cost = json_member(usage, "cost");
	if (json_member(usage, "is_byok")) /* which only OpenRouter writes */
		payload_word(&m->record, FIELD_PROVIDER, TEXT("openrouter"));
	if (json_kind(cost) == JSON_OBJECT)
		cost = json_member(cost, "total_cost");
	return payload_stated_as(
		m, cost, json_true(json_member(usage, "is_byok")),
		json_member(json_member(usage, "cost_details"), "upstream_inference_cost"), e);
}

/* Whether something was said; what only embeds or counts says nothing. */
static bool holds_answer(json_value *v)
{
	static const char *const said[] = { "choices", "content", "message", "response",
					    "output",  "outputs", "done" };
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (!json_is_nothing(json_member(v, said[i])))
			return true;
	return false;
}

/* What OpenAI's endpoints of images answer: a list of pictures and nothing that was said, or the
 * last event of a stream of one. */
static bool is_pictures(json_value *v)
{
	json_value *first = json_first(json_member(v, "data"));
	const struct text type = type_of(v);
	return text_is(type, "image_generation.completed") ||
	       text_is(type, "image_edit.completed") ||
	       (!holds_answer(v) && is_object(first) &&
		(json_member(first, "b64_json") || json_member(first, "url")));
}

/* A run of OpenAI's assistants is the sum of its steps, each of which names it: as a session and
 * its calls. */
static void settle_run(struct metered *m, json_value *v)
{
	const struct text object = json_string(json_member(v, "object"));
	const bool run = text_is(object, "thread.run");
	const struct text id = json_string(json_member(v, run ? "id" : "run_id"));
	const bool step = text_is(object, "thread.run.step"),
		   of_assistant = json_member(v, "assistant_id") && json_member(v, "thread_id");
	if (!run && !step && !of_assistant)
		return;
	if (!id.n || !(run || step)) {
		m->unread = "it is a run or a step of one, and names no run: it may be in a sum";
		return;
	}
	m->session_sum = m->of_any_model = run;
	m->cumulative = true; /* both are asked for while they grow */
	payload_text(&m->record, FIELD_SESSION, json_member(v, run ? "id" : "run_id"));
}

/* OpenAI chat and its many relatives, OpenAI responses, Anthropic messages. */
static void read_answer(struct payload_reader *r, json_value *v, json_value *usage,
			const char *shape, int64_t line)
{
	struct metered m;
	struct err e;
	payload_begin(&m, shape, line);
	payload_id(&m, json_member(v, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	/* Mistral's conversations say it of each part */
	for (json_value *o = json_first(json_member(v, "outputs")); o; o = json_next(o))
		if (!m.record.text[FIELD_MODEL].n)
			payload_text(&m.record, FIELD_MODEL, json_member(o, "model"));
	/* the event around it may name the model */
	if (!m.record.text[FIELD_MODEL].n)
		payload_text(&m.record, FIELD_MODEL, json_member(r->inner, "model"));
	if (!m.record.text[FIELD_MODEL].n && r->session_model.n &&
	    (text_is(json_string(json_member(v, "object")), "realtime.response") ||
	     text_is(type_of(r->inner), "response.done"))) {
		m.record.text[FIELD_MODEL] = r->session_model;
		m.record.present |= (uint64_t)1 << FIELD_MODEL;
	}
	payload_tier(r, &m, v, usage);
	int rc = payload_made(&m, json_member(v, "created"), &e);
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_COMPLETED, json_member(v, "completed_at"), &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	settle_run(&m, v);
	if (rc == 0)
		rc = payload_counts(r, &m, usage,
				    &(struct raw_counts){ .pictures = is_pictures(v),
							  .reasoning_beside =
								  usage_is_gemini(usage) },
				    &e);
	if (rc == 0)
		rc = payload_stated(&m, usage, &e);
	if (rc == 0)
		rc = payload_tools(r, &m, v, usage, &e);
	if (usage != v)
		payload_judge_beside(r, &m, v, usage, "");
	if (rc == 0 && !m.unread && answer_counts_other(v, usage))
		m.unread = "the usage counts something else than that of the answer within it";
	/* of a total alone nobody knows how much was the answer */
	const uint32_t both = 1u << RAW_PROMPT | 1u << RAW_TOTAL;
	if (rc == 0 && !m.unread && !(r->counted >> RAW_COMPLETION & 1) &&
	    (r->counted & both) != both && r->counted && holds_answer(v))
		m.unread = "the usage does not count the answer that stands beside it";
	payload_judge_strays(r, &m, v, usage);
	payload_end(r, &m, v, rc, &e);
}

static void read_bedrock(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct metered m;
	struct err e;
	const struct raw_counts beside = { .cache = CACHE_BESIDE };
	payload_begin(&m, "bedrock.converse", line);
	json_value *meta = json_member(v, "ResponseMetadata");
	json_value *id = json_member(meta, "RequestId");
	payload_id(&m, id ? id : json_member(json_member(v, "$metadata"), "requestId"));
	json_value *model = json_member(v, "modelId");
	payload_text(&m.record, FIELD_MODEL, model ? model : json_member(v, "model"));
	payload_tier(r, &m, v, usage);
	int rc = payload_labels(r, &m.record, v, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, usage, &beside, &e);
	payload_judge_beside(r, &m, v, usage, "");
	payload_judge_strays(r, &m, v, usage);
	payload_end(r, &m, v, rc, &e);
}

static bool says_false(json_value *v)
{
	struct text s = json_number_or_string(v);
	return json_is_nothing(v) || text_is(s, "false") || text_is(s, "False") || text_is(s, "f");
}

/* What a row's 'other' says of the prompt: its cached and other parts, and what tools did. */
static int read_new_api_parts(struct raw_counts *c, json_value *other, struct err *e)
{
	static const struct {
		const char *key;
		enum raw_count which;
	} keys[] = { { "cache_tokens", RAW_CACHE_READ },
		     { "cache_creation_tokens", RAW_CACHE_WRITE },
		     { "cache_creation_tokens_5m", RAW_CACHE_WRITE_5M },
		     { "cache_creation_tokens_1h", RAW_CACHE_WRITE_1H },
		     { "audio_input_token_count", RAW_INPUT_AUDIO },
		     { "image_output", RAW_PART_IMAGE } };
	static const struct {
		const char *key;
		enum unit unit;
	} units[] = { { "web_search_call_count", UNIT_WEB_SEARCH },
		      { "file_search_call_count", UNIT_FILE_SEARCH } };
	int rc = 0;
	if (json_true(json_member(other, "claude")) ||
	    text_is(json_string(json_member(other, "usage_semantic")), "anthropic"))
		c->cache = CACHE_BESIDE;
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++) {
		json_value *n = json_member(other, keys[i].key);
		if (n && json_kind(n) != JSON_NULL)
			rc = counts_set(c, keys[i].which, n, e);
	}
	for (size_t i = 0; rc == 0 && i < sizeof units / sizeof *units; i++) {
		struct raw_counts one = { 0 };
		json_value *n = json_member(other, units[i].key);
		if (!n || json_kind(n) == JSON_NULL)
			continue;
		rc = counts_set(&one, RAW_TOTAL, n, e);
		c->units[units[i].unit] = one.count[RAW_TOTAL];
	}
	return rc;
}

/* new-api and one-api: the ratios and the cache stand as JSON text inside the row. */
static void read_new_api(struct payload_reader *r, json_value *v, int64_t line)
{
	enum { CONSUMED = 2 };
	struct metered m;
	struct err e;
	struct json_document *other = NULL;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct text type = json_number(json_member(v, "type"));
	/* topped up, managed, failed and the like */
	if (type.n == 1 && is_digit(*type.p) && *type.p != '0' + CONSUMED) {
		r->passed_over++;
		return;
	}
	if (type.n && !(type.n == 1 && *type.p == '0' + CONSUMED)) {
		err_set(&e, ERR_INVALID, "field 'type' is of no known kind of row");
		payload_refuse(r, line, v, &e);
		return;
	}
	payload_begin(&m, "new-api.log", line);
	struct text id = json_number(json_member(v, "id"));
	if (id.n) {
		m.record.text[FIELD_ID] =
			text_of(arena_printf(&r->arena, "new-api-%.*s", (int)id.n, id.p));
		m.record.present |= (uint64_t)1 << FIELD_ID;
	}
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model_name"));
	payload_text(&m.record, FIELD_CUSTOMER, json_member(v, "username"));
	payload_text(&m.record, FIELD_PROJECT, json_member(v, "token_name"));
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "created_at"), &e);
	struct text inner = json_string(json_member(v, "other"));
	if (rc == 0 && inner.n)
		rc = json_open(&other, inner, &e);
	json_value *root = other ? json_root(other) : json_member(v, "other");
	bool known = json_is_nothing(root);
	for (json_value *o = json_first(root); o && !known; o = json_next(o))
		known = is_object(root) &&
			member_reason(m.shape, arena_printf(&r->arena, "other.%.60s", json_key(o)));
	if (!known)
		m.unread = "the row's 'other', which tells what was cached, cannot be read";
	payload_judge_closed(r, &m, root, "other");
	if (!json_member(v, "other") || json_kind(json_member(v, "other")) == JSON_NULL)
		m.unread = "the row has no member 'other', which tells what was cached";
	payload_effort(r, &m.record, json_member(v, "other"));
	if (rc == 0)
		rc = read_new_api_parts(&c, root, &e);
	if (rc == 0)
		rc = payload_counts(r, &m, v, &c, &e);
	if (rc == 0 && !(r->counted >> RAW_COMPLETION & 1))
		m.unread = "the row has no 'completion_tokens': unknown is not zero";
	payload_end(r, &m, v, rc, &e);
	if (other)
		json_close(other);
}

/* Cloudflare's AI Gateway: what its own cache answered, and what failed, used no tokens. */
static void read_cloudflare(struct payload_reader *r, json_value *v, int64_t line)
{
	struct metered m;
	struct err e;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	json_value *success = json_member(v, "success");
	const bool failed = success && !payload_says_true(success);
	if (payload_says_true(json_member(v, "cached")) || (failed && says_false(success))) {
		r->passed_over++;
		return;
	}
	payload_begin(&m, "cloudflare.log", line);
	if (failed)
		m.unread = "the member 'success' says neither true nor false";
	payload_id(&m, json_member(v, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_effort(r, &m.record, v);
	payload_tier(r, &m, v, NULL);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "created_at"), &e);
	if (rc == 0)
		rc = counts_set(&c, RAW_PROMPT, json_member(v, "tokens_in"), &e);
	if (rc == 0)
		rc = counts_set(&c, RAW_COMPLETION, json_member(v, "tokens_out"), &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	payload_judge_beside(r, &m, v, NULL, "");
	payload_doubt(r, &m, v);
	export_judge_document(r, &m, v);
	if (rc == 0)
		m.raw = payload_raw(r, v);
	payload_end(r, &m, v, rc, &e);
}

bool body_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *usage = json_member(v, "usage");
	if (litellm_row(r, v, line) || langfuse_observation(r, v, line))
		return true;
	/* LiteLLM answered it from its own cache: it used no tokens of any vendor */
	if (payload_says_true(json_member(json_member(v, "_hidden_params"), "cache_hit"))) {
		r->passed_over++;
		return true;
	}
	if (json_member(v, "tokens_in") && json_member(v, "tokens_out"))
		read_cloudflare(r, v, line);
	else if (json_member(json_first(json_member(v, "result")), "tokens_in"))
		for (json_value *x = json_first(json_member(v, "result")); x; x = json_next(x))
			read_cloudflare(r, x, line);
	else if (json_member(v, "quota") && json_member(v, "model_name"))
		read_new_api(r, v, line);
	else if (is_object(usage) && text_is(type_of(v), "message"))
		read_answer(r, v, usage, "anthropic.message", line);
	else if (is_object(usage) && text_is(json_string(json_member(v, "object")), "response"))
		read_answer(r, v, usage, "openai.response", line);
	else if (is_object(usage) &&
		 (json_member(usage, "inputTokens") || json_member(usage, "outputTokens")))
		read_bedrock(r, v, usage, line);
	else if (is_object(usage))
		read_answer(r, v, usage, "openai.chat", line);
	else if (json_member(json_member(v, "usage_info"), "pages_processed"))
		read_answer(r, v, json_member(v, "usage_info"), "mistral.ocr", line);
	else if (json_member(json_member(json_member(v, "meta"), "billed_units"), "search_units"))
		read_answer(r, v, json_member(v, "meta"), "cohere.rerank", line);
	else if (json_member(v, "prompt_tokens") || json_member(v, "input_tokens") ||
		 json_member(v, "prompt_eval_count") || json_member(v, "eval_count") ||
		 json_member(v, "completion_tokens") || json_member(v, "inputTokens") ||
		 usage_is_gemini(v))
		/* a bare usage object, or a row that carries its counts at the top */
		read_answer(r, v, v, "usage", line);
	else
		return false;
	return true;
}
