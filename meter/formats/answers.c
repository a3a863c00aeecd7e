/*
 * The answers of an agent's session, of which each tells what it used: one that tells nothing
 * though others do is named, with its place. The last one may be in the making.
 */
#include "meter/formats/agent_call.h"

void agent_note_answer(struct payload_reader *r, struct text id, bool counted, int64_t line)
{
	if (!id.n)
		return;
	uint64_t *at = dict_need(&r->session_answers, id, NULL);
	if (counted)
		*at = UINT64_MAX;
	else if (!*at)
		*at = line > 0 ? (uint64_t)line : 1;
	if (!text_eq(id, r->session_answer))
		r->session_answer = (struct text){ arena_text(&r->arena, id.p, id.n), id.n };
}

void agent_answers_ended(struct payload_reader *r)
{
	r->session_answer = TEXT("");
}

void agent_tell_uncounted(struct payload_reader *r)
{
	struct err e;
	for (size_t i = 0; i < r->session_answers.room; i++) {
		const struct dict_slot *s = &r->session_answers.slot[i];
		if (!s->key || s->value == UINT64_MAX ||
		    text_eq((struct text){ s->key, s->n }, r->session_answer))
			continue;
		err_set(&e, ERR_INVALID, "the answer '%.100s' counts nothing, though others follow",
			s->key);
		r->sink.refuse(r->sink.user, (int64_t)s->value, (struct text){ 0 }, &e);
	}
}
