#include "server/request.h"

#include <string.h>

#include "base/json.h"

static const char *parameter(const struct http_question *q, const char *name)
{
	taken_add(q->parameters, name);
	return microhttpd.MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct named {
	bool (*take)(void *user, const char *name);
	void *user;
};

static enum MHD_Result take_name(void *user, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	const struct named *n = user;
	(void)kind;
	(void)value;
	return n->take(n->user, name) ? MHD_YES : MHD_NO;
}

static void each_parameter(const struct http_question *q,
			   bool (*take)(void *user, const char *name), void *user)
{
	struct named n = { take, user };
	microhttpd.MHD_get_connection_values(q->connection, MHD_GET_ARGUMENT_KIND, take_name, &n);
}

/* The settings of a question that does something: a JSON object. */
static int read_settings(struct request *r, struct http_question *q, struct json_document **out,
			 struct err *e)
{
	if (!r->found->body_most || strcmp(r->method, "POST") != 0)
		return 0;
	const char *beside = r->found->uploads ? parameter(q, "settings") : NULL;
	int rc = json_open(out, beside ? text_of(beside) : q->body, e);
	q->uploaded = beside && q->body.n;
	if (rc == 0 && json_kind(json_root(*out)) != JSON_OBJECT)
		rc = err_set(e, ERR_INVALID, "the settings are a JSON object");
	q->settings = rc == 0 ? json_root(*out) : NULL;
	return rc;
}

static int ask(struct request *r, struct http_question *q, struct err *e)
{
	struct http *h = r->http;
	struct json_document *settings = NULL;
	struct reader *reader;
	int rc = read_settings(r, q, &settings, e);
	if (rc == 0)
		rc = readers_take(h->readers, &reader, e);
	if (rc == 0) {
		rc = r->found->answer(reader, q, &r->reply, e);
		if (rc == 0)
			rc = question_refuse_unknown(q, e);
		readers_give(h->readers, reader, rc == -ERR_STORE);
	}
	json_close(settings);
	return rc;
}

/* In a thread aside. */
static void run_question(void *user)
{
	struct request *r = user;
	struct err e = { 0 };
	struct taken parameters = { 0 }, members = { 0 };
	struct http_question q = { .method = strcmp(r->method, "HEAD") == 0 ? "GET" : r->method,
				   .path = r->path,
				   .rest = r->rest,
				   .customer = r->customer,
				   .who = r->who,
				   .parameter = parameter,
				   .each_parameter = each_parameter,
				   .parameters = &parameters,
				   .members = &members,
				   .connection = r->connection };
	int status = r->body.n ? request_unpack(r, &e) : 200;
	if (status == 200 && !r->found->uploads && r->body.n > r->body_most) {
		err_set(&e, ERR_TOO_LARGE, "the body unpacks to more than %zu MiB",
			r->body_most >> 20);
		status = 413;
	}
	q.body = (struct text){ r->body.p ? r->body.p : "", r->body.n };
	if (status != 200 || ask(r, &q, &e) != 0)
		reply_error(&r->reply, &e);
	if (status != 200)
		r->reply.status = status;
	atomic_store(&r->done, true);
	microhttpd.MHD_resume_connection(r->connection);
}

enum MHD_Result start_question(struct request *r)
{
	struct slow *threads = r->found->is_long ? r->http->slow : r->http->quick;
	r->reply = (struct http_reply){ .status = 200, .type = "application/json" };
	r->submitted = r->commanded = r->shown = true;
	request_suspend(r);
	if (slow_submit(threads, run_question, r))
		return MHD_YES;
	r->submitted = false;
	microhttpd.MHD_resume_connection(r->connection);
	return respond_error(r, 429, "busy", "too many questions are under way; try again");
}
