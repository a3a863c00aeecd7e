/*
 * Codebuff: chat-messages.json, a list of what was shown, written again as a chat goes on. Its own
 * messages tell credits, and neither tokens nor a model (CodebuffAI/codebuff,
 * cli/src/types/chat.ts): those are refused by name. Where a message has a usage object, as ccusage
 * and tokscale look for, it is read like a vendor's: what stands under a vendor's names means what
 * the vendor says.
 */
#include "meter/formats/agent_call.h"

static bool has_variant(json_value *v, const char *const names[])
{
	const struct text variant = json_string(json_member(v, "variant"));
	while (*names && !text_is(variant, *names))
		names++;
	return *names != NULL;
}

bool codebuff_known(json_value *v)
{
	static const char *const variants[] = { "user", "ai", "agent", "error", NULL };
	return json_string(json_member(v, "id")).n && json_string(json_member(v, "timestamp")).n &&
	       has_variant(v, variants);
}

/* In the object itself, or in what Codebuff's gateway added to it. */
static json_value *usage_in(json_value *v)
{
	json_value *u = json_member(v, "usage");
	return json_kind(u) == JSON_OBJECT ? u : json_member(json_member(v, "codebuff"), "usage");
}

/* Whether the state of the run, which repeats all messages of the chat, has a usage in some. */
static bool has_usage_in_run(json_value *metadata)
{
	json_value *state = json_member(json_member(metadata, "runState"), "sessionState"),
		   *history = json_member(json_member(state, "mainAgentState"), "messageHistory"),
		   *v = json_first(history);
	while (v && json_kind(usage_in(json_member(v, "providerOptions"))) != JSON_OBJECT)
		v = json_next(v);
	return v != NULL;
}

/* When the chat began, of which its folder has the name: 2026-06-15T10-00-00.000Z. */
static void set_time(struct record *r, struct text chat, json_value *stamp)
{
	struct instant t;
	char name[INSTANT_TEXT_MAX];
	const size_t minutes = sizeof "2026-06-15T10" - 1, seconds = minutes + 3;
	if (chat.n > seconds && chat.n < sizeof name) {
		memcpy(name, chat.p, chat.n);
		name[minutes] = name[seconds] = ':';
		chat.p = name;
	}
	/* most messages say no more than "10:42 PM" */
	if (instant_parse_lenient(&t, json_string(stamp), NULL) == 0 ||
	    instant_parse_lenient(&t, chat, NULL) == 0)
		agent_set_time(r, FIELD_TIME, t.us);
}

/* Codebuff's own names, whose input is what no cache gave (message-cost-tracker.ts), or a vendor's.
 */
static void take_counts(struct payload_reader *r, struct metered *m, json_value *usage)
{
	static const struct agent_count table[] = {
		{ "inputTokens", RAW_PROMPT, false },
		{ "outputTokens", RAW_COMPLETION, false },
		{ "cacheReadInputTokens", RAW_CACHE_READ, false },
		{ "cacheCreationInputTokens", RAW_CACHE_WRITE, false },
		{ "totalTokens", RAW_TOTAL, false },
		{ "credits", RAW_COUNTS, true },
		{ NULL, RAW_COUNTS, false }
	};
	struct raw_counts c = { .cache = CACHE_BESIDE };
	struct err e;
	const bool own = json_member(usage, "inputTokens") != NULL;
	int rc = own ? agent_counts(&c, usage, table, &e) : payload_counts(r, m, usage, NULL, &e);
	if (own)
		agent_take_json(r, m, &c, usage, rc, &e);
	else if (rc == 0)
		payload_take(r, m);
	else
		r->sink.refuse(r->sink.user, m->line, payload_raw(r, usage), &e);
}

static void take_call(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct metered m;
	json_value *model = json_member(json_member(v, "metadata"), "model");
	const struct text id = json_string(json_member(v, "id")), chat = path_part(r->path, 1);
	payload_begin(&m, "codebuff.chat", line);
	m.cumulative = true;
	agent_set(&m.record, FIELD_ID,
		  text_of(arena_printf(&r->arena, "codebuff:%.*s:%.*s", (int)chat.n, chat.p,
				       (int)id.n, id.p)));
	payload_seller(r, &m.record, TEXT("codebuff"));
	agent_set(&m.record, FIELD_SESSION, chat);
	agent_set(&m.record, FIELD_TASK, chat);
	agent_set(&m.record, FIELD_PROJECT, path_part(r->path, 3));
	payload_text(&m.record, FIELD_MODEL, model ? model : json_member(usage, "model"));
	set_time(&m.record, chat, json_member(v, "timestamp"));
	payload_judge_beside(r, &m, json_member(v, "metadata"), usage, "");
	take_counts(r, &m, usage);
}

static void refuse(struct payload_reader *r, json_value *v, const char *why, int64_t line)
{
	struct err e;
	struct buf raw = { 0 };
	const struct text id = json_string(json_member(v, "id")),
			  credits = json_number(json_member(v, "credits"));
	err_set(&e, ERR_INVALID, "message '%.*s' of Codebuff %s%s%.*s",
		id.n > 100 ? 100 : (int)id.n, id.p, why, credits.n ? "; its credits are " : "",
		credits.n > 40 ? 40 : (int)credits.n, credits.p);
	buf_puts(&raw, "{\"id\":");
	json_put_string(&raw, id);
	if (credits.n)
		buf_printf(&raw, ",\"credits\":%.*s", (int)credits.n, credits.p);
	buf_puts(&raw, "}");
	r->sink.refuse(r->sink.user, line, (struct text){ raw.p, raw.n }, &e);
	buf_release(&raw);
}

bool codebuff_document(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const answers[] = { "ai", "agent", NULL };
	if (!codebuff_known(v))
		return false;
	json_value *metadata = json_member(v, "metadata"), *usage = usage_in(metadata);
	const struct text credits = json_number(json_member(v, "credits"));
	if (json_kind(usage) == JSON_OBJECT)
		take_call(r, v, usage, line);
	else if (has_usage_in_run(metadata))
		refuse(r, v, "has counts in the state of its run, which repeats those of others",
		       line);
	else if ((credits.n && !text_is(credits, "0")) ||
		 (has_variant(v, answers) &&
		  (json_member(metadata, "runState") || json_member(v, "completionTime"))))
		refuse(r, v, "tells neither tokens nor a model, so nothing of it is counted", line);
	else
		r->passed_over++;
	return true;
}
