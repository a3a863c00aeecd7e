/*
 * What an answer holds that nobody read and that bills elsewhere: items of tools in a list of
 * another name, queries of a search, a word that is a tier. It is not counted, for its place says
 * nothing of what it means there; but its call has no price then, and it is named.
 *
 * What was asked is not looked into, nor texts, nor what the model wrote to the caller's tools.
 */
#include <string.h>

#include "meter/formats/payload_run.h"

enum { DEPTH_MOST = 12 };

struct search {
	struct payload_reader *r;
	json_value *usage;
	const char *key; /* of what was found; NULL: nothing was */
	struct text word;
	struct text tier; /* of the call, as it was read */
};

static bool was_read(const struct payload_reader *r, json_value *v)
{
	for (size_t i = 0; i < r->read.count; i++)
		if (r->read.list[i] == v)
			return true;
	return false;
}

/* What a search found, beside the answer under a name that nobody knows. */
static bool holds_findings(json_value *v)
{
	json_value *first = json_first(v);
	return json_kind(v) == JSON_ARRAY && !member_is_talk(json_key(v), false) &&
	       json_string(json_member(first, "title")).n &&
	       (json_string(json_member(first, "link")).n ||
		json_string(json_member(first, "url")).n);
}

/* plain: no list lies around v, so that a word in it is about the answer. */
/* A member that is read elsewhere under that name, and is no dimension of prices. */
static bool is_label(const char *key)
{
	const enum record_field f = record_field_by_name(text_of(key));
	return f != FIELD_NONE && f != FIELD_SERVICE_TIER;
}

static bool is_stray(const struct search *s, json_value *v, bool plain)
{
	const char *key = json_key(v) ? json_key(v) : "";
	const struct text word = json_string(v);
	if (json_kind(v) == JSON_BOOL)
		return json_true(v) && strcmp(key, "providerExecuted") == 0;
	if (json_kind(v) == JSON_ARRAY)
		return json_first(v) && tool_leaves_list(text_of(key));
	return word.n &&
	       (tool_leaves_word(word) ||
		(plain && tier_is_word(word) && !tier_has_part(s->tier, word) && !is_label(key)));
}

/* item: v is one of a list that was read, so that its own members are known. */
static void look_for(struct search *s, json_value *v, bool item, bool plain, int depth)
{
	const char *outer = json_key(v) ? json_key(v) : "";
	const bool list = json_kind(v) == JSON_ARRAY, read = was_read(s->r, v);
	if ((read && !list) || depth == DEPTH_MOST)
		return;
	for (json_value *m = json_first(v); m && !s->key; m = json_next(m)) {
		const char *key = json_key(m) ? json_key(m) : "";
		const bool inner = json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY;
		if (m == s->usage || (!list && inner && member_is_talk(key, true)) ||
		    (item && strcmp(key, "function") == 0))
			continue;
		if ((!item || inner) && !was_read(s->r, m) && is_stray(s, m, plain && !list)) {
			s->key = *key ? key : outer;
			s->word = json_string(m);
		} else if (inner) {
			look_for(s, m, read && list && json_kind(m) == JSON_OBJECT,
				 plain && !list && !member_is_talk(key, false), depth + 1);
		}
	}
}

void payload_judge_strays(struct payload_reader *r, struct metered *m, json_value *answer,
			  json_value *usage)
{
	struct search s = { .r = r, .usage = usage, .tier = m->record.text[FIELD_SERVICE_TIER] };
	if (!m->unread)
		look_for(&s, answer, false, true, 0);
	for (json_value *v = json_first(answer); v && !m->unread && !s.key; v = json_next(v))
		if (holds_findings(v))
			s.key = json_key(v);
	r->read.count = 0;
	if (s.key)
		m->unread = arena_printf(&r->arena,
					 "the member '%.60s' holds '%.*s', which may be billed and "
					 "is not read there",
					 s.key, s.word.n > 60 ? 60 : (int)s.word.n,
					 s.word.n ? s.word.p : "a list");
	if (s.key && !s.word.n)
		m->unread = arena_printf(&r->arena,
					 "the member '%.60s' says what a tool did, and is not read "
					 "there",
					 s.key);
}
