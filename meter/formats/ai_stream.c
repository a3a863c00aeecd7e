/*
 * The AI SDK's streams as parts, a line each: of its own (`fullStream`), of the models behind it,
 * and of what it sends to a page.
 *
 * A step is a call and ends with its usage; the last part adds the steps up. The stream of a model
 * is one call, whose id and name come in a part before. What a page is sent counts nothing.
 *
 * Sources: vercel/ai (packages/ai: stream-text; packages/provider: LanguageModelV2 to V4 stream
 * parts), AI SDK 4 to 7.
 */
#include "meter/formats/payload_run.h"

/* What a step or a model began and did not end. */
static void tell_open(struct payload_reader *r)
{
	struct ai_stream *s = &r->ai_stream;
	struct err e;
	if (s->began) {
		err_set(&e, ERR_INVALID,
			"a step of the stream began and its end, which tells what it used, is "
			"missing");
		r->sink.refuse(r->sink.user, s->began, TEXT("{\"type\":\"start-step\"}"), &e);
	}
	s->began = 0;
}

/* The call of a model's own stream: what a part before told of it, and the usage of the last. */
static void take_model(struct payload_reader *r, json_value *v, json_value *usage, int64_t line)
{
	struct json_document *doc;
	struct buf all = { 0 };
	struct err e;
	buf_puts(&all, "{\"response\":");
	if (r->ai_stream.response.n)
		buf_add(&all, r->ai_stream.response.p, r->ai_stream.response.n);
	else
		json_put_value(&all, json_member(v, "response"));
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const char *key = json_key(m);
		if (strcmp(key, "response") == 0 || strcmp(key, "type") == 0)
			continue;
		buf_puts(&all, ",");
		json_put_string(&all, m == usage ? TEXT("usage") : text_of(key));
		buf_puts(&all, ":");
		json_put_value(&all, m);
	}
	buf_puts(&all, "}");
	if (json_open(&doc, (struct text){ all.p, all.n }, &e) != 0) {
		payload_refuse(r, line, v, &e);
	} else {
		if (!ai_sdk_result(r, json_root(doc), NULL, line)) {
			err_set(&e, ERR_INVALID, "the last part of the stream counts no tokens");
			payload_refuse(r, line, v, &e);
		}
		json_close(doc);
	}
	buf_release(&all);
}

/* The last part: the sum of the steps before it, or the usage of the one call. */
static void end_stream(struct payload_reader *r, json_value *v, int64_t line)
{
	struct ai_stream *s = &r->ai_stream;
	json_value *usage = json_member(v, "totalUsage");
	struct err e;
	if (!usage)
		usage = json_member(v, "usage");
	if (!s->ended.steps && json_kind(usage) == JSON_OBJECT)
		s->began = 0;
	tell_open(r);
	if (!s->ended.steps && json_kind(usage) == JSON_OBJECT) {
		take_model(r, v, usage, line);
	} else if (!s->ended.steps) {
		err_set(&e, ERR_INVALID,
			"the stream ended without usage, so what it used is unknown");
		payload_refuse(r, line, v, &e);
	} else if (ai_sdk_adds_up(r, v, usage, &s->ended, line)) {
		r->added_up++;
		r->passed_over++;
	}
	*s = (struct ai_stream){ 0 };
}

/* A part that opens a stream or a step; `start` may have nothing but the id of a message. */
static bool opens(json_value *v, struct text type)
{
	static const char *const first[] = { "stream-start", "start-step", "step-start", NULL };
	json_value *more = json_next(json_first(v));
	return text_is_one_of(type, first) ||
	       (text_is(type, "start") && (!more || strcmp(json_key(more), "messageId") == 0 ||
					   strcmp(json_key(more), "messageMetadata") == 0));
}

static bool read_part(struct payload_reader *r, json_value *v, struct text type, int64_t line)
{
	static const char *const parts[] = { "text-start",
					     "text-delta",
					     "text-end",
					     "reasoning-start",
					     "reasoning-delta",
					     "reasoning-end",
					     "reasoning",
					     "tool-input-start",
					     "tool-input-delta",
					     "tool-input-end",
					     "tool-call",
					     "tool-result",
					     "tool-error",
					     "tool-output-denied",
					     "tool-input-available",
					     "tool-output-available",
					     "tool-approval-request",
					     "source",
					     "source-url",
					     "source-document",
					     "file",
					     "error",
					     "abort",
					     "raw",
					     "message-metadata",
					     "finish-step",
					     "step-finish",
					     NULL };
	struct ai_stream *s = &r->ai_stream;
	if (!s->open || !text_is_one_of(type, parts))
		return false;
	/* what a failed request used is told by itself, and a page's stream, which counts no step,
	 * by its end */
	if (text_is(type, "error") || text_is(type, "finish-step"))
		s->began = 0;
	if (text_is(type, "raw")) /* what the vendor sent, which the end of the step tells */
		r->passed_over++;
	else
		payload_pass_over(r, "ai-sdk.result", v, line);
	return true;
}

bool ai_stream_document(struct payload_reader *r, json_value *v, int64_t line)
{
	static const char *const ends[] = { "finish-step", "step-finish", NULL };
	const struct text type = json_string(json_member(v, "type"));
	struct ai_stream *s = &r->ai_stream;
	json_value *usage = json_member(v, "usage");
	if (!type.n)
		return false;
	if (text_is_one_of(type, ends) && json_kind(usage) == JSON_OBJECT) {
		if (!ai_sdk_result(r, v, NULL, line))
			return false;
		ai_sdk_add(&s->ended, usage);
		s->began = 0;
		s->open = true;
	} else if (text_is(type, "finish") &&
		   (s->open || json_kind(json_member(v, "totalUsage")) == JSON_OBJECT)) {
		end_stream(r, v, line);
	} else if (opens(v, type)) {
		const bool step = text_is(type, "start-step") || text_is(type, "step-start");
		tell_open(r);
		s->open = true;
		s->began = step ? (line ? line : 1) : 0;
		payload_pass_over(r, "ai-sdk.result", v, line);
	} else if (s->open && text_is(type, "response-metadata")) {
		const struct text raw = payload_raw(r, v);
		s->response = (struct text){ arena_text(&r->arena, raw.p, raw.n), raw.n };
		s->began = line ? line : 1;
		payload_pass_over(r, "ai-sdk.result", v, line);
	} else {
		return read_part(r, v, type, line);
	}
	return true;
}

void ai_stream_finish(struct payload_reader *r)
{
	tell_open(r);
	r->ai_stream = (struct ai_stream){ 0 };
}
