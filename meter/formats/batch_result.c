/*
 * Lines of a file of batch results: the answer in each, at the price of batches. What failed,
 * expired or was cancelled says so, and was not billed.
 *
 * Each vendor's line has several members of its own. A line that lacks one of them is still told
 * from an answer that somebody wrapped, but not taken for either: its price may be half.
 *
 * Sources: the batch interfaces of Anthropic, OpenAI, Vertex, Gemini and Amazon Bedrock.
 */
#include <string.h>

#include "meter/formats/payload_run.h"

static bool is_object(json_value *v)
{
	return json_kind(v) == JSON_OBJECT;
}

static bool is_word(json_value *v, const char *const *words)
{
	for (; *words; words++)
		if (text_is(json_string(v), *words))
			return true;
	return false;
}

struct batch_line {
	json_value *answer;
	int marks, needed; /* members of its own, and of how many it is certain */
	bool failed;	   /* and says so */
	const char *vendor;
};

static const char *const ended[] = { "errored", "canceled", "expired", NULL };
static const char *const succeeded[] = { "succeeded", NULL };

static struct batch_line anthropic_line(json_value *v)
{
	json_value *result = json_member(v, "result"), *type = json_member(result, "type");
	return (struct batch_line){
		.answer = json_member(result, "message"),
		.marks = (json_member(v, "custom_id") != NULL) +
			 (is_word(type, succeeded) || is_word(type, ended)),
		.needed = 2,
		.failed = is_word(type, ended),
	};
}

static struct batch_line openai_line(json_value *v)
{
	json_value *response = json_member(v, "response"), *body = json_member(response, "body");
	return (struct batch_line){
		.answer = body,
		.marks = (json_member(v, "custom_id") ? 2 : 0) +
			 (is_object(response) && json_member(response, "status_code") &&
			  json_member(response, "request_id")),
		.needed = 2,
		.failed = !json_is_nothing(json_member(v, "error")) ||
			  (!json_is_nothing(json_member(body, "error")) &&
			   !json_member(body, "usage")),
	};
}

/* Beside the request, with the instant at which it was done. */
static struct batch_line vertex_line(json_value *v)
{
	json_value *status = json_member(v, "status"), *request = json_member(v, "request");
	const bool said = status && json_kind(status) == JSON_STRING;
	return (struct batch_line){
		.answer = json_member(v, "response"),
		.marks = (json_string(json_member(v, "processed_time")).n ? 2 : 0) +
			 (said && !json_string(status).n ? 2 : said) + is_object(request),
		.needed = 4,
		.failed = said && json_string(status).n && !json_first(json_member(v, "response")),
		.vendor = "vertex",
	};
}

/* Of two members one is an answer of Gemini and the other a text under a name that nobody knows. */
static bool may_be_keyed(json_value *v, json_value *answer)
{
	json_value *one = json_first(v), *two = json_next(one);
	json_value *other = one == answer ? two : one;
	return two && !json_next(two) && json_string(other).n &&
	       record_field_by_name(text_of(json_key(other))) == FIELD_NONE;
}

/* Under a key of the caller's. */
static struct batch_line gemini_line(json_value *v)
{
	json_value *response = json_member(v, "response"), *error = json_member(v, "error");
	const bool counts = is_object(json_member(response, "usageMetadata"));
	const bool keyed = json_member(v, "key") && (counts || is_object(error));
	return (struct batch_line){
		.answer = response,
		.marks = keyed ? 2 : counts && may_be_keyed(v, response),
		.needed = 2,
		.failed = is_object(error),
	};
}

/* Beside what was asked, under a record's id. */
static struct batch_line bedrock_line(json_value *v)
{
	json_value *output = json_member(v, "modelOutput");
	return (struct batch_line){
		.answer = output,
		.marks = (json_member(v, "recordId") != NULL) +
			 is_object(json_member(v, "modelInput")),
		.needed = 2,
		.failed = !output && is_object(json_member(v, "error")),
		.vendor = "bedrock",
	};
}

/* What was asked of a batch, which is the other file of it. */
static bool is_request(json_value *v)
{
	static const char *const answers[] = { "response", "result", "error", "modelOutput" };
	static const char *const questions[] = { "request", "body",	"params", "modelInput",
						 "labels",  "metadata", NULL };
	json_value *asked = json_member(v, "request");
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (json_member(v, answers[i]))
			return false;
	for (json_value *m = json_first(v); m; m = json_next(m)) {
		const char *const *q = questions;
		while (*q && strcmp(*q, json_key(m)) != 0)
			q++;
		if (!*q && (json_kind(m) == JSON_OBJECT || json_kind(m) == JSON_ARRAY))
			return false;
	}
	return (json_member(v, "custom_id") &&
		(json_member(v, "method") || json_member(v, "params"))) ||
	       is_object(json_member(v, "modelInput")) ||
	       (json_kind(json_member(asked, "contents")) == JSON_ARRAY &&
		!json_member(asked, "usageMetadata") && !json_member(v, "usageMetadata"));
}

struct taken_as {
	struct payload_sink inner;
	struct payload_reader *r;
};

static void take_in_doubt(void *user, const struct metered *given)
{
	const struct taken_as *t = user;
	struct metered m = *given;
	if (!m.unread)
		m.unread = "the line may be the result of a batch, at half the price: it has some "
			   "of the members of one and lacks others";
	t->inner.take(t->inner.user, &m);
}

static void refuse_in_doubt(void *user, int64_t line, struct text raw, const struct err *why)
{
	const struct taken_as *t = user;
	t->inner.refuse(t->inner.user, line, raw, why);
}

static void read_in_doubt(struct payload_reader *r, json_value *answer, int64_t line)
{
	struct taken_as t = { r->sink, r };
	r->sink = (struct payload_sink){ &t, take_in_doubt, refuse_in_doubt };
	payload_value(r, answer, line);
	stream_finish(r);
	r->sink = t.inner;
}

static void read_line(struct payload_reader *r, json_value *v, const struct batch_line *b,
		      int64_t line)
{
	struct err e;
	if (b->failed || r->in_batch) {
		payload_pass_over(r, "batch.result", v, line);
		return;
	}
	if (!is_object(b->answer) || !json_first(b->answer)) {
		err_set(&e, ERR_INVALID,
			"the result of a batch holds neither an answer nor why there is none");
		payload_refuse(r, line, v, &e);
		return;
	}
	r->in_batch = true;
	/* Vertex says when it was done with a line; what it asks is its own price */
	r->batch_vendor = b->vendor;
	payload_value(r, b->answer, line);
	r->in_batch = false;
}

bool batch_document(struct payload_reader *r, json_value *v, int64_t line)
{
	json_value *response = json_member(v, "response"), *result = json_member(v, "result"),
		   *id = json_member(v, "custom_id"), *error = json_member(v, "error");
	if (is_object(json_member(v, "usage")))
		return false;
	if (is_request(v)) {
		r->passed_over++;
		r->asked++;
		return true;
	}
	if (!response && !result && !id && !error && !json_member(v, "modelOutput"))
		return false; /* most are none */
	const struct batch_line all[] = { anthropic_line(v), openai_line(v), vertex_line(v),
					  gemini_line(v), bedrock_line(v) };
	const struct batch_line *best = NULL;
	enum { LINES = sizeof all / sizeof *all };
	if (id && !response && !result && !error) {
		struct batch_line none = { 0 };
		none.failed = json_member(v, "body") || json_member(v, "url");
		read_line(r, v, &none, line);
		return true;
	}
	for (size_t i = 0; i < LINES; i++)
		if (all[i].marks >= all[i].needed &&
		    (!best || (!is_object(best->answer) && !best->failed)))
			best = &all[i];
	if (best) {
		read_line(r, v, best, line);
		return true;
	}
	for (size_t i = 0; i < LINES; i++)
		if (json_first(all[i].answer) && all[i].marks + 1 == all[i].needed) {
			read_in_doubt(r, all[i].answer, line);
			return true;
		}
	return false;
}
