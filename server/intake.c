#include "server/request.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "server/body.h"
#include "server/otlp_answer.h"

/* CloudEvents in binary mode: the attributes are headers, the body is the data. */
static void wrap_event(struct request *r)
{
	static const char *const names[] = { "id", "source", "type", "subject", "time" };
	const char *version = request_header(r, "ce-specversion");
	struct buf b = { 0 };
	if (!version)
		return;
	buf_puts(&b, "{\"specversion\":");
	json_put_string(&b, text_of(version));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char name[16];
		snprintf(name, sizeof name, "ce-%s", names[i]);
		const char *value = request_header(r, name);
		if (!value)
			continue;
		buf_printf(&b, ",\"%s\":", names[i]);
		json_put_string(&b, text_of(value));
	}
	buf_puts(&b, ",\"data\":");
	buf_add(&b, r->body.p, r->body.n);
	buf_puts(&b, "}");
	buf_release(&r->body);
	r->body = b;
}

void request_suspend(struct request *r)
{
	visitor_waits(r->visitor);
	microhttpd.MHD_suspend_connection(r->connection);
}

void request_drop_body(struct request *r)
{
	buf_release(&r->body);
	visitors_give_back(r->http->visitors, r->taken);
	r->taken = 0;
}

static void job_done(struct job *j)
{
	struct request *r = j->user;
	atomic_store(&r->done, true);
	microhttpd.MHD_resume_connection(r->connection);
}

/* The request sleeps until the job is done. */
static enum MHD_Result submit(struct request *r, struct job *j)
{
	j->done = job_done;
	j->user = r;
	r->job = j;
	request_drop_body(r);
	/* suspended before the job can be done, for its end resumes */
	request_suspend(r);
	if (writer_submit(r->http->o.writer, j)) {
		r->submitted = true;
		return MHD_YES;
	}
	r->job = NULL;
	job_close(j);
	microhttpd.MHD_resume_connection(r->connection);
	return respond_error(r, 429, "busy", "too many requests are queued; try again");
}

int request_unpack(struct request *r, struct err *e)
{
	const char *encoding = request_header(r, "Content-Encoding");
	struct buf json = { 0 };
	if (encoding && strcasecmp(encoding, "identity") != 0) {
		if (strcasecmp(encoding, "gzip") != 0) {
			err_set(e, ERR_INVALID, "the only encoding of a body is gzip");
			return 415;
		}
		if (!body_inflate(&r->body, e))
			return e->code == ERR_TOO_LARGE ? 413 : 400;
	}
	const struct text body = { r->body.p ? r->body.p : "", r->body.n };
	if (!r->protobuf)
		return r->signal && body.n && json_check(body, e) != 0 ? 400 : 200;
	if (otlp_proto_read(&json, r->signal, body, e) != 0) {
		buf_release(&json);
		return e->code == ERR_RANGE ? 413 : 400;
	}
	buf_release(&r->body);
	r->body = json;
	return 200;
}

/* A request of OTLP that holds nothing, as exporters send it to see whether they are heard. */
static bool is_empty_request(struct text body)
{
	const char *p = body.p, *end = body.p + body.n;
	p = json_skip_space(p, end);
	if (p == end || *p != '{')
		return false;
	p = json_skip_space(p + 1, end);
	return p < end && *p == '}' && json_skip_space(p + 1, end) == end;
}

/* Makes a job of the body: the status, 200 with the job, or without one where there is nothing to
 * do. Of others *code and e are told. */
static int make_job(struct request *r, struct job **out, const char **code, struct err *e)
{
	const enum http_route_kind route = r->route;
	const int status = request_unpack(r, e);
	*code = status == 415 ? "unsupported" : err_name(e->code);
	if (status != 200)
		return status;
	if (route == ROUTE_EVENTS)
		wrap_event(r);
	struct text body = { r->body.p ? r->body.p : "", r->body.n };
	const bool counts = route != ROUTE_RELEASE && route != ROUTE_SETTLE && route != ROUTE_HOLD;
	*code = "invalid";
	if (route != ROUTE_RELEASE && route != ROUTE_SETTLE && body.n == 0)
		return err_set(e, ERR_INVALID, "the body is empty"), 400;
	if (r->signal && is_empty_request(body))
		return 200;
	struct job *j = job_open(route == ROUTE_HOLD	  ? JOB_HOLD
				 : route == ROUTE_SETTLE  ? JOB_SETTLE
				 : route == ROUTE_RELEASE ? JOB_RELEASE
							  : JOB_USAGE);
	*out = j;
	j->customer = r->customer;
	j->signal = r->signal;
	j->protobuf = r->protobuf;
	if (route == ROUTE_HOLD && job_take_request(j, body, e) != 0) {
		*code = err_name(e->code);
		return err_http_status(e->code);
	}
	if (route == ROUTE_OBSERVATIONS)
		j->observations = r->http->observations;
	if (route != ROUTE_HOLD && route != ROUTE_RELEASE && body.n && body_read(j, body, e) != 0) {
		*code = e->code == ERR_RANGE ? "too_large" : err_name(e->code);
		return e->code == ERR_RANGE ? 413 : err_http_status(e->code);
	}
	if (counts && !r->signal && !j->observations && j->item_count == 0 && j->passed_over == 0)
		return err_set(e, ERR_INVALID, "the body holds no record"), 400;
	if (r->rest.n)
		j->hold_id =
			(struct text){ arena_text(&j->arena, r->rest.p, r->rest.n), r->rest.n };
	const char *broken = microhttpd.MHD_lookup_connection_value(
		r->connection, MHD_GET_ARGUMENT_KIND, "broken_off");
	j->broken_off = broken && strcmp(broken, "false") != 0;
	return 200;
}

static void read_body(struct request *r)
{
	r->made.status = make_job(r, &r->made.job, &r->made.code, &r->made.why);
}

/* In a thread aside. */
static void read_aside(void *user)
{
	struct request *r = user;
	read_body(r);
	atomic_store(&r->made.is, true);
	microhttpd.MHD_resume_connection(r->connection);
}

enum MHD_Result intake_use(struct request *r)
{
	struct job *j = r->made.job;
	r->made.job = NULL;
	if (r->made.status == 200 && j)
		return submit(r, j);
	job_close(j);
	if (r->made.status == 200)
		return respond(r, 200, response_type(r), "{}\n", r->protobuf ? 0 : 3,
			       MHD_RESPMEM_PERSISTENT);
	return respond_error(r, r->made.status, r->made.code, r->made.why.message);
}

enum MHD_Result intake_write(struct request *r)
{
	enum { AT_ONCE = 64 << 10 };
	if (r->body.n > AT_ONCE || request_header(r, "Content-Encoding")) {
		r->made.aside = true;
		request_suspend(r);
		if (slow_submit(r->http->bodies, read_aside, r))
			return MHD_YES;
		r->made.aside = false;
		microhttpd.MHD_resume_connection(r->connection);
		return respond_error(r, 429, "busy", "too many bodies are waiting; try again");
	}
	read_body(r);
	return intake_use(r);
}
