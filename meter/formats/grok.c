/*
 * Grok's command line: updates.jsonl of a session. A turn that is complete tells the sum of its
 * calls, by model; turns that are written again have the same prompt. Inputs hold what came from
 * the cache, outputs the reasoning.
 */
#include "meter/formats/agent_call.h"

static const struct agent_count table[] = { { "inputTokens", RAW_PROMPT, false },
					    { "outputTokens", RAW_COMPLETION, false },
					    { "totalTokens", RAW_TOTAL, false },
					    { "cachedReadTokens", RAW_CACHE_READ, false },
					    { "cacheCreationTokens", RAW_CACHE_WRITE, false },
					    { "reasoningTokens", RAW_REASONING, false },
					    { "costUsdTicks", RAW_COUNTS, true },
					    { "costIsPartial", RAW_COUNTS, true },
					    { "modelCalls", RAW_COUNTS, true },
					    { "apiDurationMs", RAW_COUNTS, true },
					    { "numTurns", RAW_COUNTS, true },
					    { NULL, RAW_COUNTS, false } };

static int take_calls(struct record *r, json_value *usage, struct err *e)
{
	struct raw_counts c = { 0 };
	json_value *n = json_member(usage, "modelCalls");
	int rc = n && json_kind(n) != JSON_NULL ? counts_set(&c, RAW_TOTAL, n, e) : 0;
	if (rc == 0 && c.count[RAW_TOTAL] > 0) {
		r->requests = c.count[RAW_TOTAL];
		r->present |= (uint64_t)1 << FIELD_REQUESTS;
	}
	return rc;
}

/* The first count of a turn that is not the sum of what its models count; NULL: each is. */
static const char *find_other_sum(json_value *usage, json_value *models)
{
	struct err none;
	for (const struct agent_count *k = table; k->key; k++) {
		struct raw_counts whole = { 0 };
		int64_t rest = 0;
		json_value *n = json_member(usage, k->key);
		if (k->harmless || !n || counts_set(&whole, k->which, n, &none) != 0)
			continue;
		rest = whole.count[k->which];
		for (json_value *m = json_first(models); m; m = json_next(m)) {
			struct raw_counts part = { 0 };
			if (counts_set(&part, k->which, json_member(m, k->key), &none) == 0)
				rest -= part.count[k->which];
		}
		if (rest != 0)
			return k->key;
	}
	return NULL;
}

static void take_model(struct payload_reader *r, json_value *v, json_value *usage,
		       struct text model, int64_t line)
{
	json_value *params = json_member(v, "params"), *update = json_member(params, "update"),
		   *meta = json_member(params, "_meta"), *whole = json_member(update, "usage");
	const struct text prompt = json_string(json_member(update, "prompt_id"));
	struct text session = json_string(json_member(params, "sessionId"));
	struct metered m;
	struct raw_counts c = { .cache = CACHE_INSIDE };
	struct err e;
	payload_begin(&m, "grok.session", line);
	m.cumulative = true;
	m.broken_off = json_true(json_member(whole, "usageIsIncomplete"));
	if (!session.n)
		session = path_part(r->path, 1);
	if (prompt.n)
		agent_set(&m.record, FIELD_ID,
			  text_of(arena_printf(&r->arena, "grok:%.*s:%.*s", (int)prompt.n, prompt.p,
					       (int)model.n, model.n ? model.p : "")));
	agent_set(&m.record, FIELD_MODEL, model);
	agent_set(&m.record, FIELD_SESSION, session);
	agent_set(&m.record, FIELD_TASK, session);
	json_value *ms = json_member(meta, "agentTimestampMs");
	int rc = payload_time(&m.record, FIELD_TIME, ms ? ms : json_member(v, "timestamp"), &e);
	if (rc == 0)
		rc = take_calls(&m.record, usage, &e);
	if (rc == 0)
		rc = agent_counts(&c, usage, table, &e);
	payload_judge_beside(r, &m, v, whole, "");
	const char *other = m.unread || m.broken_off || usage == whole
				    ? NULL
				    : find_other_sum(whole, json_member(whole, "modelUsage"));
	if (other)
		m.unread = arena_printf(&r->arena,
					"the turn's '%s' is not the sum of what its models count",
					other);
	agent_take_json(r, &m, &c, usage, rc, &e);
}

/* The whole has members that its parts have not. */
static bool understands_whole(struct payload_reader *r, json_value *v, json_value *usage,
			      int64_t line)
{
	struct raw_counts c = { 0 };
	struct err e;
	for (json_value *m = json_first(usage); m; m = json_next(m)) {
		const struct agent_count *k = table;
		if (strcmp(json_key(m), "modelUsage") == 0 || json_is_nothing(m) ||
		    (json_kind(m) != JSON_NUMBER && !name_speaks_of_money(text_of(json_key(m)))))
			continue;
		while (k->key && strcmp(k->key, json_key(m)) != 0)
			k++;
		if (!k->key) {
			agent_counts(&c, usage, table, &e);
			payload_refuse(r, line, v, &e);
			return false;
		}
	}
	return true;
}

bool grok_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *update = json_member(json_member(v, "params"), "update"),
		   *usage = json_member(update, "usage"),
		   *models = json_member(usage, "modelUsage");
	const struct text kind = json_string(json_member(update, "sessionUpdate"));
	if (!kind.n || !json_string(json_member(v, "method")).n)
		return false;
	if (!text_is(kind, "turn_completed")) {
		/* what was said; sizes of the context */
		if (json_kind(usage) == JSON_OBJECT)
			payload_pass_over(r, "grok.session", usage, line);
		else
			r->passed_over++;
		return true;
	}
	agent_note_answer(r, json_string(json_member(update, "prompt_id")),
			  json_kind(usage) == JSON_OBJECT, line);
	if (json_kind(usage) != JSON_OBJECT) {
		payload_pass_over(r, "grok.session", v, line);
		return true;
	}
	if (json_kind(models) != JSON_OBJECT || !json_first(models))
		take_model(r, v, usage, TEXT(""), line);
	else if (understands_whole(r, v, usage, line))
		for (json_value *m = json_first(models); m; m = json_next(m))
			take_model(r, v, m, text_of(json_key(m)), line);
	return true;
}
