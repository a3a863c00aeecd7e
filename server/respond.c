#include "server/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/body.h"
#include "server/otlp_answer.h"

/* Scripts and styles are the page's own files; what an answer shows has no scripts at all. */
#define POLICY_PAGE \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src " \
	"'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
#define POLICY_DOCUMENT \
	"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " \
	"form-action " \
	"'none'; frame-ancestors 'none'"

enum MHD_Result respond(struct request *r, int status, const char *type, const char *p, size_t n,
			enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response =
		microhttpd.MHD_create_response_from_buffer(n, (void *)(uintptr_t)p, mode);
	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free((void *)(uintptr_t)p);
		return MHD_NO;
	}
	microhttpd.MHD_add_response_header(response, "Content-Type", type);
	microhttpd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (r->shown) {
		microhttpd.MHD_add_response_header(response, "Cache-Control",
						   r->policy ? "no-cache" : "no-store");
		microhttpd.MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
		microhttpd.MHD_add_response_header(response, "Content-Security-Policy",
						   r->policy ? r->policy : POLICY_DOCUMENT);
	}
	if (r->cookie)
		microhttpd.MHD_add_response_header(response, "Set-Cookie", r->cookie);
	if (*r->tag) {
		microhttpd.MHD_add_response_header(response, "ETag", r->tag);
		microhttpd.MHD_add_response_header(response, "Vary", "Accept-Encoding");
	}
	if (r->packed)
		microhttpd.MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (r->filename) {
		char value[100];
		snprintf(value, sizeof value, "attachment; filename=\"%s\"", r->filename);
		microhttpd.MHD_add_response_header(response, "Content-Disposition", value);
	}
	if (status == 401)
		microhttpd.MHD_add_response_header(response, "WWW-Authenticate",
						   "Bearer realm=\"tally\"");
	if (status == 429 || status == 503)
		microhttpd.MHD_add_response_header(response, "Retry-After", "1");
	if (status == 408 || r->cut_off || r->refusal.status == 429 || r->refusal.status == 503)
		microhttpd.MHD_add_response_header(response, "Connection", "close");
	visitor_is_answered(r->visitor, false);
	enum MHD_Result rc =
		microhttpd.MHD_queue_response(r->connection, (unsigned)status, response);
	microhttpd.MHD_destroy_response(response);
	if (!r->counted) {
		r->counted = true;
		atomic_fetch_add(&r->http->requests, 1);
		atomic_fetch_add(&r->http->status_class[status / 100 % 6], 1);
	}
	return rc;
}

const char *response_type(const struct request *r)
{
	return r->protobuf ? "application/x-protobuf" : "application/json";
}

enum MHD_Result respond_error(struct request *r, int status, const char *code, const char *message)
{
	struct buf b = { 0 };
	if (r->signal) {
		otlp_answer_error(&b, r->protobuf, status, code, message);
	} else {
		put_error(&b, code, message);
	}
	enum MHD_Result rc = respond(r, status, response_type(r), b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}

enum MHD_Result respond_err(struct request *r, const struct err *e)
{
	return respond_error(r, err_http_status(e->code), err_name(e->code), e->message);
}

const char *request_header(struct request *r, const char *name)
{
	return microhttpd.MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_cookie(struct request *r)
{
	return microhttpd.MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND,
						      SESSION_COOKIE);
}

/* Whether the asker takes gzip; what it weighs besides does not matter but for 0. */
static bool takes_gzip(struct request *r)
{
	const char *list = request_header(r, "Accept-Encoding");
	const char *at = list ? strcasestr(list, "gzip") : NULL;
	if (!at)
		return false;
	at += strlen("gzip");
	at += strspn(at, " ;");
	return strncasecmp(at, "q=0", 3) != 0 || at[3] == '.';
}

enum MHD_Result respond_read(struct request *r, struct http_reply *reply)
{
	enum { PACKED_FROM = 1024 };
	const bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	r->filename = reply->filename;
	if (reply->status == 200 && reads) {
		if (!*r->tag)
			body_tag(r->tag, (struct text){ reply->body.p ? reply->body.p : "",
							reply->body.n });
		if (body_tag_is_known(request_header(r, "If-None-Match"), r->tag)) {
			r->packed = false;
			return respond(r, 304, reply->type, "", 0, MHD_RESPMEM_PERSISTENT);
		}
	}
	if (!r->packed && reply->body.n >= PACKED_FROM && takes_gzip(r))
		r->packed = body_deflate(&reply->body, !r->shown);
	return respond(r, reply->status, reply->type, reply->body.p ? reply->body.p : "",
		       reply->body.n, MHD_RESPMEM_MUST_COPY);
}

enum MHD_Result respond_file(struct request *r)
{
	struct http_reply reply = { .status = 200 };
	const struct text file = r->http->o.file(r->http->o.user, r->path, &reply.type);
	struct err e;
	r->shown = true;
	r->policy = POLICY_PAGE;
	body_tag(r->tag, file); /* the same, packed or not */
	buf_add(&reply.body, file.p, file.n);
	r->packed = takes_gzip(r);
	if (!r->packed)
		CHECK(body_inflate(&reply.body, &e));
	enum MHD_Result rc = respond_read(r, &reply);
	buf_release(&reply.body);
	return rc;
}
