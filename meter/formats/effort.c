/*
 * The thinking effort that a call was asked with: a word (low, high, max), a budget of tokens, or
 * whether thinking was on at all, wherever a source states it.
 */
#include "meter/formats/payload_run.h"

enum { DEPTH = 3, EFFORT_MOST = 40, TEXT_MOST = 1 << 16 };

/* Where an object states it, the plainest first. */
static const char *const stated_at[][DEPTH] = {
	{ "effort" },
	{ "reasoning_effort" },
	{ "reasoningEffort" },
	{ "reasoning", "effort" },
	{ "reasoning", "max_tokens" },
	{ "output_config", "effort" },
	{ "thinking_level" },
	{ "thinkingLevel" },
	{ "thinkingConfig", "thinkingLevel" },
	{ "thinkingConfig", "thinkingBudget" },
	{ "thinking_config", "thinking_level" },
	{ "thinking_config", "thinking_budget" },
	{ "thinking", "budget_tokens" },
	{ "thinking", "budgetTokens" },
	{ "thinking", "type" },
	{ "thinking_budget" },
	{ "thinkingBudget" },
};

/* What is asked is written beside the answer under one of these, as an object or as its text. */
static const char *const asked_in[][DEPTH] = {
	{ "request" },
	{ "request", "body" },
	{ "body" },
	{ "model_parameters" },
	{ "modelParameters" },
	{ "optional_params" },
	{ "proxy_server_request" },
	{ "proxy_server_request", "body" },
	{ "generationConfig" },
	{ "generation_config" },
	{ "providerOptions", "openai" },
	{ "providerOptions", "anthropic" },
	{ "providerOptions", "google" },
	{ "collaboration_mode", "settings" },
};

static json_value *at_path(json_value *v, const char *const *path)
{
	for (int i = 0; i < DEPTH && path[i] && v; i++)
		v = json_member(v, path[i]);
	return v;
}

static bool is_word(struct text s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ')
			return false;
	return s.n > 0 && s.n <= EFFORT_MOST;
}

static bool set_effort(struct record *r, struct text word)
{
	if (text_is(word, "disabled"))
		word = TEXT("none");
	if (!is_word(word))
		return false;
	r->text[FIELD_EFFORT] = word;
	r->present |= (uint64_t)1 << FIELD_EFFORT;
	return true;
}

static bool states(struct record *r, json_value *v)
{
	for (size_t i = 0; i < sizeof stated_at / sizeof *stated_at; i++)
		if (set_effort(r, json_number_or_string(at_path(v, stated_at[i]))))
			return true;
	return false;
}

static bool text_states(struct payload_reader *p, struct record *r, struct text inner)
{
	struct json_document *doc;
	if (inner.n < 2 || inner.n > TEXT_MOST || *inner.p != '{' ||
	    json_open(&doc, inner, NULL) != 0)
		return false;
	bool found = states(r, json_root(doc));
	if (found) {
		struct text *t = &r->text[FIELD_EFFORT];
		*t = (struct text){ arena_text(&p->arena, t->p, t->n), t->n };
	}
	json_close(doc);
	return found;
}

bool payload_effort(struct payload_reader *p, struct record *r, json_value *v)
{
	if (json_kind(v) == JSON_STRING)
		return text_states(p, r, json_string(v));
	if (json_kind(v) != JSON_OBJECT)
		return false;
	if (states(r, v))
		return true;
	for (size_t i = 0; i < sizeof asked_in / sizeof *asked_in; i++) {
		json_value *in = at_path(v, asked_in[i]);
		if (json_kind(in) == JSON_OBJECT ? states(r, in)
						 : text_states(p, r, json_string(in)))
			return true;
	}
	return false;
}

bool payload_effort_attribute(struct payload_reader *p, struct record *r, struct text name,
			      json_value *v)
{
	static const char *const ends[] = { "reasoning_effort",	   "reasoning.effort",
					    "reasoning.level",	   "thinking_level",
					    "thinking_budget",	   "thinking.budget_tokens",
					    "output_config.effort" };
	if (text_is(name, "llm.invocation_parameters") ||
	    text_is(name, "gen_ai.request.model_parameters"))
		return text_states(p, r, json_string(v));
	bool is = text_is(name, "effort");
	for (size_t i = 0; i < sizeof ends / sizeof *ends && !is; i++)
		is = text_ends(name, ends[i]);
	return is && set_effort(r, json_number_or_string(v));
}
