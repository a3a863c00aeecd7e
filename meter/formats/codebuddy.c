/*
 * CodeBuddy and WorkBuddy: a line a message or call of a tool. All lines of one answer repeat its
 * usage; the prompt holds what the cache did, and the answer its thinking.
 */
#include "meter/formats/agent_call.h"

/* Under the names of several vendors at once, of which those that were not used are zero. */
static int read_counts(struct raw_counts *c, json_value *usage, struct err *e)
{
	static const struct agent_count table[] = {
		{ "prompt_tokens", RAW_PROMPT, false },
		{ "inputTokens", RAW_PROMPT, false },
		{ "input_tokens", RAW_PROMPT, false },
		{ "completion_tokens", RAW_COMPLETION, false },
		{ "outputTokens", RAW_COMPLETION, false },
		{ "output_tokens", RAW_COMPLETION, false },
		{ "total_tokens", RAW_TOTAL, false },
		{ "totalTokens", RAW_TOTAL, false },
		{ "prompt_cache_hit_tokens", RAW_CACHE_READ, false },
		{ "cache_read_input_tokens", RAW_CACHE_READ, false },
		{ "cacheReadInputTokens", RAW_CACHE_READ, false },
		{ "cached_tokens", RAW_CACHE_READ, false },
		{ "cachedTokens", RAW_CACHE_READ, false },
		{ "prompt_cache_write_tokens", RAW_CACHE_WRITE, false },
		{ "cache_creation_input_tokens", RAW_CACHE_WRITE, false },
		{ "completion_thinking_tokens", RAW_REASONING, false },
		{ NULL, RAW_COUNTS, false }
	};
	static const char *const harmless[] = { "prompt_cache_miss_tokens",
						"cachedMissTokens",
						"prompt_tokens_details",
						"completion_tokens_details",
						"inputTokensDetails",
						"outputTokensDetails",
						"credit",
						"requests",
						NULL };
	for (json_value *v = json_first(usage); v; v = json_next(v)) {
		struct raw_counts one = { 0 };
		const struct agent_count *k = table;
		const char *const *h = harmless;
		while (k->key && strcmp(k->key, json_key(v)) != 0)
			k++;
		while (*h && strcmp(*h, json_key(v)) != 0)
			h++;
		if (!k->key && !*h && agent_may_bill(v))
			return err_set(e, ERR_INVALID,
				       "field '%.60s' is unknown, and may be billed", json_key(v));
		if (!k->key || json_kind(v) == JSON_NULL)
			continue;
		int rc = counts_set(&one, k->which, v, e);
		if (rc != 0)
			return rc;
		const int64_t n = one.count[k->which], have = c->count[k->which];
		if (n && have && n != have)
			return err_set(e, ERR_INVALID,
				       "field '%.60s' (%lld) contradicts another (%lld)",
				       json_key(v), (long long)n, (long long)have);
		c->count[k->which] = n > have ? n : have;
		c->has |= 1u << k->which;
	}
	return 0;
}

bool codebuddy_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *data = json_member(v, "providerData"), *message = json_member(v, "message"),
		   *usage = json_member(data, "rawUsage");
	struct metered m;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct err e;
	if (json_kind(data) != JSON_OBJECT || !json_member(v, "sessionId"))
		return false;
	usage = usage ? usage : json_member(data, "usage");
	usage = usage ? usage : json_member(message, "usage");
	agent_note_answer(r, json_string(json_member(data, "messageId")),
			  json_kind(usage) == JSON_OBJECT, line);
	if (json_kind(usage) != JSON_OBJECT) {
		payload_pass_over(r, "codebuddy.session", v, line);
		return true;
	}
	payload_begin(&m, "codebuddy.session", line);
	m.cumulative = true;
	json_value *id = json_member(data, "messageId");
	id = id ? id : json_member(v, "id");
	const struct text own = json_string(id);
	if (own.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "codebuddy:%.*s", (int)own.n, own.p)));
	json_value *model = json_member(data, "requestModelId");
	payload_text(&m.record, FIELD_MODEL, model ? model : json_member(data, "model"));
	payload_text(&m.record, FIELD_SESSION, json_member(v, "sessionId"));
	payload_text(&m.record, FIELD_TASK, json_member(v, "sessionId"));
	payload_text(&m.record, FIELD_PROJECT, json_member(v, "cwd"));
	int rc = payload_time(&m.record, FIELD_TIME, json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = read_counts(&c, usage, &e);
	agent_take_json(r, &m, &c, usage, rc, &e);
	return true;
}
