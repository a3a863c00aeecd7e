/* An answer within what a proxy or a script kept of a call: the request beside it, when it was
 * made, who asked. */
#include "meter/formats/payload_run.h"

struct wrapper {
	struct payload_sink inner;
	json_value *outer, *answer;
	struct payload_reader *reader;
};

static void take_wrapped(void *user, const struct metered *given)
{
	static const char *const asked[] = { "request", "input", "params", "body" };
	struct wrapper *w = user;
	struct metered m = *given;
	struct err e;
	int rc = payload_labels(w->reader, &m.record, w->outer, &e);
	if (!m.record.text[FIELD_MODEL].n)
		payload_text(&m.record, FIELD_MODEL, json_member(w->outer, "model"));
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (!m.record.text[FIELD_MODEL].n)
			payload_text(&m.record, FIELD_MODEL,
				     json_member(json_member(w->outer, asked[i]), "model"));
	payload_judge_beside(w->reader, &m, w->outer, w->answer, "");
	if (rc == 0)
		w->inner.take(w->inner.user, &m);
	else
		w->inner.refuse(w->inner.user, m.line, m.raw, &e);
}

static void refuse_wrapped(void *user, int64_t line, struct text raw, const struct err *why)
{
	const struct wrapper *w = user;
	w->inner.refuse(w->inner.user, line, raw, why);
}

static bool counts(json_value *v)
{
	static const char *const usage[] = { "usage", "usageMetadata", "usage_metadata" };
	for (size_t i = 0; i < sizeof usage / sizeof *usage; i++)
		if (json_kind(json_member(v, usage[i])) == JSON_OBJECT)
			return true;
	return false;
}

/* The one member that holds an answer, at once or as the body beside its status; NULL: none does,
 * or several do, of which nothing tells whether they are one call. */
static json_value *answer_in(json_value *v)
{
	json_value *found = NULL;
	int n = 0;
	for (const char *const *name = answer_places; *name; name++) {
		json_value *inner = json_member(v, *name), *body = json_member(inner, "body");
		if (!counts(inner) && !counts(body))
			continue;
		found = counts(inner) ? inner : body;
		n++;
	}
	return n == 1 ? found : NULL;
}

bool wrapped_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *answer = answer_in(v);
	if (!answer)
		return false;
	struct wrapper w = { r->sink, v, answer, r };
	r->sink = (struct payload_sink){ &w, take_wrapped, refuse_wrapped };
	payload_value(r, answer, line);
	stream_finish(r);
	r->sink = w.inner;
	return true;
}
