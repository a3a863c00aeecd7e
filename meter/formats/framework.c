/*
 * What frameworks, gateways and batches make of an answer: results of the AI SDK, OpenRouter's
 * generations, Bedrock's log of invocations.
 *
 * Sources: AI SDK 4 to 6 (usage and providerMetadata), OpenRouter GET
 * /generation, Bedrock model invocation logging.
 */
#include "meter/formats/agent_call.h"
#include "meter/formats/members.h"
#include "meter/formats/payload_run.h"
#include "pricing/spelling.h"

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

static int set_count(struct raw_counts *c, enum raw_count which, json_value *n, struct err *e)
{
	return n && json_kind(n) != JSON_NULL ? counts_set(c, which, n, e) : 0;
}

/* What the vendor's part of an AI SDK result says of the cache, where the usage of older versions
 * does not. Returns the usage that counts. */
static json_value *ai_sdk_counts(struct raw_counts *c, json_value *usage, json_value *meta, int *rc,
				 struct err *e)
{
	json_value *anthropic = json_member(meta, "anthropic"),
		   *bedrock = json_member(json_member(meta, "bedrock"), "usage"),
		   *openai = json_member(meta, "openai"),
		   *google = json_member(json_member(meta, "google"), "usageMetadata");
	if (json_member(json_member(anthropic, "usage"), "input_tokens"))
		return json_member(anthropic, "usage");
	if (json_member(google, "promptTokenCount")) {
		*c = (struct raw_counts){ .cache = CACHE_INSIDE, .reasoning_beside = true };
		return google;
	}
	if (is_object(json_member(usage, "inputTokenDetails")))
		return usage;
	json_value *in = json_member(usage, "inputTokens"),
		   *out = json_member(usage, "outputTokens");
	if (is_object(in))
		anthropic = bedrock = openai = NULL; /* which say it again */
	const struct {
		json_value *v;
		enum raw_count which;
		bool beside;
	} said[] = {
		{ json_member(in, "total"), RAW_PROMPT, false },
		{ json_member(in, "cacheRead"), RAW_CACHE_READ, false },
		{ json_member(in, "cacheWrite"), RAW_CACHE_WRITE, false },
		{ json_member(out, "total"), RAW_COMPLETION, false },
		{ json_member(out, "reasoning"), RAW_REASONING, false },
		{ json_member(anthropic, "cacheCreationInputTokens"), RAW_CACHE_WRITE, true },
		{ json_member(anthropic, "cacheReadInputTokens"), RAW_CACHE_READ, true },
		{ json_member(bedrock, "cacheWriteInputTokens"), RAW_CACHE_WRITE, true },
		{ json_member(bedrock, "cacheReadInputTokens"), RAW_CACHE_READ, true },
		{ json_member(openai, "cachedPromptTokens"), RAW_CACHE_READ, false },
		{ json_member(openai, "reasoningTokens"), RAW_REASONING, false },
	};
	for (size_t i = 0; *rc == 0 && i < sizeof said / sizeof *said; i++) {
		*rc = set_count(c, said[i].which, said[i].v, e);
		if (said[i].v && json_kind(said[i].v) != JSON_NULL && said[i].beside) {
			c->cache = CACHE_BESIDE;
			c->fixed = true;
		}
	}
	if (c->cache != CACHE_BESIDE)
		c->cache = CACHE_INSIDE;
	return usage;
}

/* Names in m a member of v that counts tokens and is none of those that are known: two values, and
 * names up to NULL. */
static void judge_rest(struct payload_reader *r, struct metered *m, json_value *v, json_value *a,
		       json_value *b, const char *const *names)
{
	for (json_value *o = json_first(v); o; o = json_next(o)) {
		bool known = o == a || o == b || m->unread || member_reason(m->shape, json_key(o));
		for (const char *const *n = names; *n; n++)
			known |= strcmp(json_key(o), *n) == 0;
		if (!known && members_count_tokens(&r->member, m->shape, o, json_key(o)))
			m->unread = arena_printf(&r->arena,
						 "the member '%s' is of no known meaning, and it "
						 "may be billed",
						 r->member.p);
	}
}

/* An object that holds counts and words: a number in it is a count, whatever its name. */
static void judge_numbers(struct payload_reader *r, struct metered *m, json_value *vendor,
			  const char *prefix)
{
	payload_judge_beside(r, m, vendor, NULL, prefix);
	for (json_value *n = json_first(vendor); n && !m->unread; n = json_next(n)) {
		const char *path =
			arena_printf(&r->arena, "%s.%s", prefix, json_key(n) ? json_key(n) : "");
		if (json_kind(n) == JSON_NUMBER && !json_is_nothing(n) &&
		    !member_reason(m->shape, path))
			m->unread = arena_printf(
				&r->arena, "the member '%s' is unknown, and may be billed", path);
	}
	if (!json_is_nothing(vendor) && !is_object(vendor) && !m->unread)
		m->unread =
			arena_printf(&r->arena,
				     "the member '%s' is no object, and may hold what is billed",
				     prefix);
}

/* What stands beside the usage: the parts of the vendors, and whatever else counts tokens. */
static void judge_ai_sdk(struct payload_reader *r, struct metered *m, json_value *v,
			 json_value *usage, json_value *meta)
{
	static const char *const said[] = { "request", "response",  "steps",	   "messages",
					    "content", "toolCalls", "toolResults", "totalUsage",
					    "object",  "output",    NULL };
	for (json_value *vendor = json_first(meta); vendor; vendor = json_next(vendor))
		judge_numbers(r, m, vendor, arena_printf(&r->arena, "meta.%s", json_key(vendor)));
	if (!json_is_nothing(meta) && !is_object(meta) && !m->unread)
		m->unread = "the member 'providerMetadata', which tells what was cached, is no "
			    "object";
	judge_rest(r, m, v, usage, meta, said);
	payload_judge_beside(r, m, v, usage, "");
}

static bool is_ai_sdk(json_value *v, json_value *usage)
{
	if (json_string(json_member(v, "object")).n) /* an answer of OpenAI's kind */
		return false;
	return json_member(usage, "promptTokens") || json_member(usage, "inputTokenDetails") ||
	       json_member(usage, "cachedInputTokens") ||
	       is_object(json_member(usage, "inputTokens")) ||
	       /* .NET's Microsoft.Extensions.AI, in the same way */
	       (json_member(usage, "inputTokenCount") && json_member(v, "modelId")) ||
	       (json_member(usage, "inputTokens") &&
		(json_member(v, "providerMetadata") || json_member(v, "finishReason") ||
		 json_member(json_member(v, "response"), "modelId")));
}

/* What a usage counts in all; either name, in the forms of all versions. */
static int64_t total_of(json_value *usage, const char *name, const char *older)
{
	json_value *v = json_member(usage, name);
	struct raw_counts c = { 0 };
	if (is_object(v))
		v = json_member(v, "total");
	else if (json_is_nothing(v))
		v = json_member(usage, older);
	return set_count(&c, RAW_TOTAL, v, NULL) == 0 ? c.count[RAW_TOTAL] : 0;
}

void ai_sdk_add(struct ai_sums *s, json_value *usage)
{
	s->steps++;
	s->input += total_of(usage, "inputTokens", "promptTokens");
	s->output += total_of(usage, "outputTokens", "completionTokens");
}

bool ai_sdk_adds_up(struct payload_reader *r, json_value *v, json_value *total,
		    const struct ai_sums *s, int64_t line)
{
	struct ai_sums all = { 0 };
	struct err e;
	ai_sdk_add(&all, total);
	if (!is_object(total) || (all.input == s->input && all.output == s->output))
		return true;
	err_set(&e, ERR_INVALID,
		"%lld and %lld tokens are counted in all, and the steps that are here count %lld "
		"and %lld",
		(long long)all.input, (long long)all.output, (long long)s->input,
		(long long)s->output);
	payload_refuse(r, line, v, &e);
	return false;
}

static void read_steps(struct payload_reader *r, json_value *v, json_value *steps, int64_t line)
{
	struct ai_sums sums = { 0 };
	for (json_value *s = json_first(steps); s; s = json_next(s)) {
		if (!ai_sdk_result(r, s, v, line))
			payload_pass_over(r, "ai-sdk.result", s, line);
		ai_sdk_add(&sums, json_member(s, "usage"));
	}
	ai_sdk_adds_up(r, v, json_member(v, "totalUsage"), &sums, line);
}

bool ai_sdk_result(struct payload_reader *r, json_value *v, json_value *parent, int64_t line)
{
	json_value *usage = json_member(v, "usage"), *steps = json_member(v, "steps"),
		   *response = json_member(v, "response");
	struct metered m;
	struct err e;
	struct raw_counts c = { 0 };
	/* a result is written with its steps and without what it computes of them */
	json_value *first = json_first(steps);
	if (is_object(usage) ? !is_ai_sdk(v, usage)
			     : !json_member(json_member(first, "response"), "modelId") ||
				       !is_ai_sdk(first, json_member(first, "usage")))
		return false;
	/* each step was a call; the usage beside them is the last one's, or the sum */
	if (is_object(json_member(first, "usage"))) {
		read_steps(r, v, steps, line);
		return true;
	}
	payload_begin(&m, "ai-sdk.result", line);
	payload_id(&m, payload_either(json_member(response, "id"),
				      payload_either(json_member(v, "id"),
						     json_member(v, "responseId"))));
	payload_text(&m.record, FIELD_MODEL, json_member(parent, "model"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "model"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "modelId"));
	payload_text(&m.record, FIELD_MODEL, json_member(response, "modelId"));
	json_value *at =
		payload_either(json_member(response, "timestamp"), json_member(v, "timestamp"));
	int rc = parent ? payload_labels(r, &m.record, parent, &e) : 0;
	if (rc == 0)
		rc = payload_time(&m.record, FIELD_TIME, at, &e);
	if (rc == 0)
		rc = payload_labels(r, &m.record, v, &e);
	json_value *meta = payload_either(json_member(v, "providerMetadata"),
					  json_member(v, "experimental_providerMetadata"));
	json_value *counted = usage;
	if (rc == 0)
		counted = ai_sdk_counts(&c, usage, meta, &rc, &e);
	payload_tier(r, &m, json_member(meta, "openai"), counted);
	payload_tier(r, &m, v, NULL);
	if (rc == 0)
		rc = payload_counts(r, &m, counted, &c, &e);
	if (rc == 0)
		payload_vendor_usage(r, &m, json_member(usage, "raw"), counted != usage);
	payload_judge(r, &m, usage, true);
	judge_ai_sdk(r, &m, v, usage, meta);
	if (rc == 0)
		rc = payload_tools(r, &m, v, counted, &e);
	payload_grounding(r, &m, json_member(json_member(meta, "google"), "groundingMetadata"));
	payload_judge_strays(r, &m, v, usage);
	payload_recorded(&m, meta, false);
	payload_end(r, &m, v, rc, &e);
	return true;
}

/* Mux: a message of a chat, whose metadata holds what the AI SDK gave. */
static bool read_mux(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *meta = json_member(v, "metadata"), *usage = json_member(meta, "usage");
	struct metered m;
	struct err e;
	struct raw_counts c = { 0 };
	const struct text named = json_string(json_member(meta, "model"));
	const char *colon = named.n ? memchr(named.p, ':', named.n) : NULL;
	if (!is_object(meta) || !json_string(json_member(v, "role")).n || json_member(v, "usage"))
		return false;
	if (text_is(json_string(json_member(v, "role")), "assistant"))
		agent_note_answer(r, json_string(json_member(v, "id")), is_object(usage), line);
	if (!is_object(usage)) { /* what was asked */
		payload_pass_over(r, "mux.chat", v, line);
		return true;
	}
	if (!json_member(usage, "inputTokens") || !colon)
		return false;
	payload_begin(&m, "mux.chat", line);
	m.cumulative = true;
	payload_id(&m, json_member(v, "id"));
	payload_text(&m.record, FIELD_SESSION, json_member(v, "workspaceId"));
	const size_t vendor = (size_t)(colon - named.p);
	m.record.text[FIELD_MODEL] = (struct text){ colon + 1, named.n - vendor - 1 };
	m.record.text[FIELD_PROVIDER] = (struct text){ named.p, vendor };
	m.record.present |= (uint64_t)1 << FIELD_MODEL | (uint64_t)1 << FIELD_PROVIDER;
	int rc = payload_time(
		&m.record, FIELD_TIME,
		payload_either(json_member(meta, "timestamp"), json_member(v, "createdAt")), &e);
	json_value *counted = usage;
	if (rc == 0)
		counted = ai_sdk_counts(&c, usage, json_member(meta, "providerMetadata"), &rc, &e);
	/* Mux keeps the inclusive counts beside what was written */
	if (counted == usage)
		c.cache = CACHE_INSIDE;
	c.fixed = false;
	if (rc == 0)
		rc = payload_counts(r, &m, counted, &c, &e);
	if (rc == 0)
		payload_vendor_usage(r, &m, json_member(usage, "raw"), counted != usage);
	payload_judge(r, &m, usage, true);
	payload_end(r, &m, v, rc, &e);
	return true;
}

static bool read_generation(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *g = is_object(json_member(v, "data")) ? json_member(v, "data") : v;
	static const struct {
		const char *key;
		enum raw_count which;
	} keys[] = { { "native_tokens_prompt", RAW_PROMPT },
		     { "native_tokens_completion", RAW_COMPLETION },
		     { "native_tokens_reasoning", RAW_REASONING },
		     { "native_tokens_cached", RAW_CACHE_READ },
		     { "native_tokens_completion_images", RAW_OUTPUT_IMAGE } };
	struct metered m;
	struct err e;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	if (!json_member(g, "native_tokens_prompt"))
		return false;
	payload_begin(&m, "openrouter.generation", line);
	payload_id(&m, json_member(g, "id"));
	payload_text(&m.record, FIELD_MODEL, json_member(g, "model"));
	m.record.text[FIELD_PROVIDER] = TEXT("openrouter");
	m.record.present |= (uint64_t)1 << FIELD_PROVIDER;
	payload_tier(r, &m, g, NULL);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(g, "created_at"), &e);
	for (size_t i = 0; rc == 0 && i < sizeof keys / sizeof *keys; i++)
		rc = set_count(&c, keys[i].which, json_member(g, keys[i].key), &e);
	/* one that was cancelled has none, and one that is not finished, too */
	if (rc == 0 && !(c.has >> RAW_COMPLETION & 1))
		rc = err_set(&e, ERR_INVALID,
			     "field 'native_tokens_completion' is null, and unknown is not zero");
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	if (rc == 0)
		rc = payload_stated_as(
			&m, payload_either(json_member(g, "total_cost"), json_member(g, "usage")),
			json_true(json_member(g, "is_byok")),
			json_member(g, "byok_usage_inference"), &e);
	payload_judge_beside(r, &m, g, NULL, "");
	payload_doubt(r, &m, g);
	m.raw = payload_raw(r, g);
	payload_end(r, &m, v, rc, &e);
	return true;
}

static bool names_region(struct text model)
{
	struct spelling s = { .model = model };
	while (spelling_next(&s))
		if (s.region.n)
			return true;
	return false;
}

/* A log entry of Amazon Bedrock. Its region is where the call was made, which is where it was
 * served unless the model's name says more. */
static bool read_invocation(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *in = json_member(v, "input"), *out = json_member(v, "output");
	struct metered m;
	struct err e;
	struct raw_counts c = { .cache = CACHE_BESIDE };
	if (!text_is(json_string(json_member(v, "schemaType")), "ModelInvocationLog"))
		return false;
	if (!json_member(in, "inputTokenCount") && !json_member(out, "outputTokenCount")) {
		payload_pass_over(r, "bedrock.invocation", v, line);
		return true;
	}
	payload_begin(&m, "bedrock.invocation", line);
	payload_id(&m, json_member(v, "requestId"));
	payload_text(&m.record, FIELD_MODEL, json_member(v, "modelId"));
	if (!names_region(m.record.text[FIELD_MODEL]))
		payload_text(&m.record, FIELD_REGION, json_member(v, "region"));
	if (!json_string(json_member(v, "region")).n)
		m.unread = "the entry has no 'region' that is a word, and the price depends on it";
	payload_tier(r, &m, v, NULL);
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = counts_read(&c, in, &e);
	if (rc == 0)
		rc = counts_read(&c, out, &e);
	if (rc == 0)
		rc = counts_normalise(&m.record, &c, &m.rule, &e);
	/* what embeds has no answer */
	if (!json_member(out, "outputTokenCount") && !json_string(json_member(v, "errorCode")).n &&
	    !text_holds(m.record.text[FIELD_MODEL], "embed"))
		m.unread = "the entry has no 'output.outputTokenCount'";
	static const char *const none[] = { NULL };
	judge_rest(r, &m, v, in, out, none);
	payload_dimensions(r, &m, in);
	payload_dimensions(r, &m, out);
	judge_numbers(r, &m, in, "usage");
	judge_numbers(r, &m, out, "usage");
	payload_judge_beside(r, &m, v, NULL, "");
	r->raw.n = 0;
	buf_puts(&r->raw, "{");
	for (json_value *n = json_first(in); n; n = json_next(n))
		if (json_kind(n) == JSON_NUMBER)
			buf_printf(&r->raw, "%s\"%s\":%.*s", r->raw.n > 1 ? "," : "", json_key(n),
				   (int)json_number(n).n, json_number(n).p);
	json_value *answer = json_member(out, "outputTokenCount");
	buf_printf(&r->raw, "%s\"outputTokenCount\":%.*s}", r->raw.n > 1 ? "," : "",
		   (int)json_number(answer).n, json_number(answer).p ? json_number(answer).p : "");
	m.raw = (struct text){ r->raw.p, r->raw.n };
	payload_end(r, &m, v, rc, &e);
	return true;
}

bool framework_document(struct payload_reader *r, json_value *v, int64_t line)
{
	return ai_sdk_result(r, v, NULL, line) || read_mux(r, v, line) ||
	       read_generation(r, v, line) || read_invocation(r, v, line);
}
