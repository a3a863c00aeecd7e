#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "server/live.h"
#include "server/microhttpd.h"
#include "server/slow.h"

/* Scripts and styles are the page's own files; what an answer shows has no scripts at all. */
#define POLICY_PAGE \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src " \
	"'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
#define POLICY_DOCUMENT \
	"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " \
	"form-action " \
	"'none'; frame-ancestors 'none'"
#define COOKIE "tally"

struct http {
	struct http_options o;
	struct MHD_Daemon *daemon;
	int socket, port;
	int64_t began_us;
	atomic_int_fast64_t requests, status_class[6];
	atomic_int_fast64_t suspended;
	bool loopback;
	struct live *live;
	struct slow *slow;
};

/* One request, from its first byte to its answer. */
struct request {
	struct http *http;
	struct MHD_Connection *connection;
	struct buf body;
	struct job *job;
	bool too_large, submitted, counted;
	atomic_bool done;
	/* of a command */
	const char *method, *path;
	bool commanded, shown; /* shown: a browser may show the answer */
	struct http_reply reply;
	/* headers of the answer; NULL: none */
	const char *policy, *filename, *cookie;
};

enum {
	ROUTE_NONE,
	ROUTE_USAGE,
	ROUTE_EVENTS,
	ROUTE_TRACES,
	ROUTE_HOLD,
	ROUTE_SETTLE,
	ROUTE_RELEASE
};

static enum MHD_Result answer(struct request *r, int status, const char *type, const char *p,
			      size_t n, enum MHD_ResponseMemoryMode mode)
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
		microhttpd.MHD_add_response_header(response, "Cache-Control", "no-store");
		microhttpd.MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
		microhttpd.MHD_add_response_header(response, "Content-Security-Policy",
						   r->policy ? r->policy : POLICY_DOCUMENT);
	}
	if (r->cookie)
		microhttpd.MHD_add_response_header(response, "Set-Cookie", r->cookie);
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

static enum MHD_Result answer_error(struct request *r, int status, const char *code,
				    const char *message)
{
	struct buf b = { 0 };
	buf_printf(&b, "{\"error\":{\"code\":\"%s\",\"message\":", code);
	json_put_string(&b, text_of(message));
	buf_puts(&b, "}}\n");
	enum MHD_Result rc = answer(r, status, "application/json", b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}

static enum MHD_Result answer_err(struct request *r, const struct err *e)
{
	return answer_error(r, err_http_status(e->code), err_name(e->code), e->message);
}

static const char *header(struct request *r, const char *name)
{
	return microhttpd.MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* The token of the header, else of the page's cookie. */
static const struct token_grant *grant_of(struct request *r)
{
	const char *given = header(r, "Authorization");
	if (given)
		return strncasecmp(given, "Bearer ", 7) == 0
			       ? tokens_find(r->http->o.tokens, text_of(given + 7))
			       : NULL;
	given = microhttpd.MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, COOKIE);
	return given ? tokens_find(r->http->o.tokens, text_of(given)) : NULL;
}

/*
 * A browser that another site sends here says so: by the origin of the page, or by a name that is
 * not ours (a page of a server for this machine alone is asked for by its address or as localhost).
 * Programs may use what name they like.
 */
static bool is_foreign(struct request *r)
{
	const char *origin = header(r, "Origin"), *host = header(r, "Host"),
		   *site = header(r, "Sec-Fetch-Site"), *agent = header(r, "User-Agent");
	if (site && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0))
		return true;
	if (origin) {
		const char *name = strstr(origin, "://");
		if (!name || !host || strcmp(name + 3, host) != 0)
			return true;
	}
	const bool browser = agent && strstr(agent, "Mozilla/");
	if (browser && r->http->loopback && !r->http->o.tokens && host) {
		size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
		struct text name = { host, n };
		unsigned char address[16];
		char plain[64];
		if (text_is(name, "localhost"))
			return false;
		if (n == 0 || n >= sizeof plain)
			return true;
		memcpy(plain, host + (*host == '['), n - (*host == '['));
		plain[n - (*host == '[')] = 0;
		return inet_pton(AF_INET, plain, address) != 1 &&
		       inet_pton(AF_INET6, plain, address) != 1;
	}
	return false;
}

/* What the request's token allows. Without tokens everyone on this machine may do everything. */
static bool authorise(struct request *r, unsigned scope, const char **customer, int *status)
{
	const struct http_options *o = &r->http->o;
	*customer = NULL;
	if (!o->tokens)
		return true;
	const struct token_grant *grant = grant_of(r);
	*status = !grant ? 401 : 403;
	if (!grant || !(grant->scopes & scope))
		return false;
	*customer = grant->customer;
	return true;
}

/* gzip in place; false when it is damaged or would grow too large. */
static bool inflate_body(struct buf *body, struct err *e)
{
	struct buf out = { 0 };
	z_stream z = { 0 };
	int rc = Z_OK;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return err_set(e, ERR_SYSTEM, "zlib could not start") == 0;
	z.next_in = (Bytef *)body->p;
	z.avail_in = (uInt)body->n;
	while (rc == Z_OK && out.n <= HTTP_INFLATED_MAX) {
		buf_need(&out, 1 << 16);
		z.next_out = (Bytef *)out.p + out.n;
		z.avail_out = 1 << 16;
		rc = inflate(&z, Z_NO_FLUSH);
		out.n += (size_t)(1 << 16) - z.avail_out;
		if (rc == Z_STREAM_END && z.avail_in)
			rc = inflateReset(&z); /* of several members each is read */
		if (rc == Z_BUF_ERROR && z.avail_in == 0)
			break;
	}
	inflateEnd(&z);
	if (rc != Z_STREAM_END) {
		err_set(e, out.n > HTTP_INFLATED_MAX ? ERR_RANGE : ERR_INVALID,
			out.n > HTTP_INFLATED_MAX ? "the body unpacks to more than 64 MiB"
						  : "the gzip body is damaged or ends too early");
		buf_release(&out);
		return false;
	}
	buf_need(&out, 0);
	out.p[out.n] = 0;
	buf_release(body);
	*body = out;
	return true;
}

/* One document, or lines. Returns false when nothing of it is JSON. */
static void read_body(struct job *j, struct text body)
{
	struct payload_sink sink = job_sink(j);
	struct payload_reader *r = payload_open(&sink);
	struct json_document *d;
	if (json_open(&d, body, NULL) == 0) {
		payload_value(r, json_root(d), 0);
		json_close(d);
	} else {
		int64_t number = 0;
		for (const char *p = body.p, *end = body.p + body.n; p < end;) {
			const char *nl = memchr(p, '\n', (size_t)(end - p));
			const char *stop = nl ? nl : end;
			payload_line(r, (struct text){ p, (size_t)(stop - p) }, ++number);
			p = stop + 1;
		}
	}
	payload_finish(r);
	j->passed_over = payload_passed_over(r);
	payload_close(r);
}

/* CloudEvents in binary mode: the attributes are headers, the body is the data. */
static void wrap_event(struct request *r)
{
	static const char *const names[] = { "id", "source", "type", "subject", "time" };
	const char *version = header(r, "ce-specversion");
	struct buf b = { 0 };
	if (!version)
		return;
	buf_puts(&b, "{\"specversion\":");
	json_put_string(&b, text_of(version));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char name[16];
		snprintf(name, sizeof name, "ce-%s", names[i]);
		const char *value = header(r, name);
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

static void job_done(struct job *j)
{
	struct request *r = j->user;
	atomic_store(&r->done, true);
	microhttpd.MHD_resume_connection(r->connection);
}

static int route_of(const char *path, const char *method, struct text *hold)
{
	if (strcmp(method, "POST") != 0)
		return ROUTE_NONE;
	if (strcmp(path, "/v1/usage") == 0)
		return ROUTE_USAGE;
	if (strcmp(path, "/v1/events") == 0)
		return ROUTE_EVENTS;
	if (strcmp(path, "/v1/traces") == 0)
		return ROUTE_TRACES;
	if (strcmp(path, "/v1/holds") == 0)
		return ROUTE_HOLD;
	if (strncmp(path, "/v1/holds/", 10) == 0) {
		const char *id = path + 10, *slash = strrchr(id, '/');
		if (slash && slash > id &&
		    (strcmp(slash, "/settle") == 0 || strcmp(slash, "/release") == 0)) {
			*hold = (struct text){ id, (size_t)(slash - id) };
			return slash[1] == 's' ? ROUTE_SETTLE : ROUTE_RELEASE;
		}
	}
	return ROUTE_NONE;
}

/* Makes a job of the body and waits for it. */
static enum MHD_Result write_request(struct request *r, int route, struct text hold)
{
	struct http *h = r->http;
	const char *customer, *encoding = header(r, "Content-Encoding"),
			      *type = header(r, "Content-Type");
	struct err e = { 0 };
	int status = 0;
	if (!authorise(r, SCOPE_WRITE, &customer, &status))
		return answer_error(r, status, status == 401 ? "unauthorized" : "denied",
				    status == 401 ? "a bearer token is needed that the server knows"
						  : "the token does not allow to write");
	if (r->too_large)
		return answer_error(r, 413, "too_large", "a body has at most 16 MiB");
	if (encoding && strcasecmp(encoding, "identity") != 0) {
		if (strcasecmp(encoding, "gzip") != 0)
			return answer_error(r, 415, "unsupported",
					    "the only encoding of a body is gzip");
		if (!inflate_body(&r->body, &e))
			return answer_error(r, e.code == ERR_RANGE ? 413 : 400, err_name(e.code),
					    e.message);
	}
	if (route == ROUTE_TRACES && type && strstr(type, "protobuf"))
		return answer_error(r, 415, "unsupported",
				    "traces are taken as OTLP/HTTP JSON; set the exporter to "
				    "http/json");
	if (route == ROUTE_EVENTS)
		wrap_event(r);
	bool needs_body = route != ROUTE_RELEASE && route != ROUTE_SETTLE;
	if (needs_body && r->body.n == 0)
		return answer_error(r, 400, "invalid", "the body is empty");
	struct job *j = job_open(route == ROUTE_HOLD	  ? JOB_HOLD
				 : route == ROUTE_SETTLE  ? JOB_SETTLE
				 : route == ROUTE_RELEASE ? JOB_RELEASE
							  : JOB_USAGE);
	struct text body = { r->body.p ? r->body.p : "", r->body.n };
	j->customer = customer;
	if (route == ROUTE_HOLD)
		j->request = (struct text){ arena_text(&j->arena, body.p, body.n), body.n };
	else if (route != ROUTE_RELEASE && body.n)
		read_body(j, body);
	if (hold.n)
		j->hold_id = (struct text){ arena_text(&j->arena, hold.p, hold.n), hold.n };
	const char *broken = microhttpd.MHD_lookup_connection_value(
		r->connection, MHD_GET_ARGUMENT_KIND, "broken_off");
	j->broken_off = broken && strcmp(broken, "false") != 0;
	if (route != ROUTE_HOLD && route != ROUTE_RELEASE && route != ROUTE_SETTLE &&
	    j->item_count == 0 && j->passed_over == 0) {
		job_close(j);
		return answer_error(r, 400, "invalid", "the body holds no record");
	}
	j->done = job_done;
	j->user = r;
	r->job = j;
	buf_release(&r->body);
	/* suspended before the job can be done, for its end resumes */
	microhttpd.MHD_suspend_connection(r->connection);
	if (writer_submit(h->o.writer, j)) {
		r->submitted = true;
		return MHD_YES;
	}
	r->job = NULL;
	job_close(j);
	microhttpd.MHD_resume_connection(r->connection);
	return answer_error(r, 429, "busy", "too many requests wait; try again");
}

static const char *parameter(const struct http_question *q, const char *name)
{
	return microhttpd.MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void put_metric(struct buf *b, const char *name, const char *help, const char *kind,
		       const char *labels, int64_t value)
{
	if (help)
		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
	buf_printf(b, "%s%s %lld\n", name, labels, (long long)value);
}

static enum MHD_Result answer_metrics(struct request *r)
{
	const struct writer_stats *s = writer_stats(r->http->o.writer);
	struct buf b = { 0 };
	char labels[40];
	put_metric(&b, "tally_records_total", "Usage records taken, by result.", "counter",
		   "{result=\"accepted\"}", atomic_load(&s->accepted));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"duplicate\"}",
		   atomic_load(&s->duplicates));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"conflict\"}",
		   atomic_load(&s->conflicts));
	put_metric(&b, "tally_records_total", NULL, NULL, "{result=\"quarantined\"}",
		   atomic_load(&s->quarantined));
	put_metric(&b, "tally_unpriced_total", "Accepted records without a price.", "counter", "",
		   atomic_load(&s->unpriced));
	put_metric(&b, "tally_rows", "Rows in the database.", "gauge", "", atomic_load(&s->rows));
	put_metric(&b, "tally_commits_total", "Transactions that became durable.", "counter", "",
		   atomic_load(&s->commits));
	put_metric(&b, "tally_commit_microseconds_total", "Time that they took.", "counter", "",
		   atomic_load(&s->commit_us));
	put_metric(&b, "tally_store_failures_total", "Transactions that failed.", "counter", "",
		   atomic_load(&s->failures));
	put_metric(&b, "tally_queue_jobs", "Requests that wait for a commit.", "gauge", "",
		   atomic_load(&s->jobs_waiting));
	put_metric(&b, "tally_queue_bytes", "Memory that they take.", "gauge", "",
		   atomic_load(&s->bytes_waiting));
	put_metric(&b, "tally_queue_refused_total", "Requests refused because the queue was full.",
		   "counter", "", atomic_load(&s->refused_busy));
	for (int c = 1; c < 6; c++) {
		snprintf(labels, sizeof labels, "{class=\"%dxx\"}", c);
		put_metric(&b, "tally_http_responses_total",
			   c == 1 ? "Answers by class of status." : NULL, "counter", labels,
			   atomic_load(&r->http->status_class[c]));
	}
	put_metric(&b, "tally_uptime_seconds", "Since the server started.", "gauge", "",
		   (clock_monotonic_us() - r->http->began_us) / 1000000);
	enum MHD_Result rc =
		answer(r, 200, "text/plain; version=0.0.4", b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}

/* --- the page --- */

static void snapshot(void *user, struct buf *out)
{
	const struct writer_stats *s = writer_stats(((struct http *)user)->o.writer);
	buf_printf(out,
		   "{\"rows\":%lld,\"accepted\":%lld,\"duplicates\":%lld,\"conflicts\":%lld,"
		   "\"quarantined\":%lld,\"unpriced\":%lld}",
		   (long long)atomic_load(&s->rows), (long long)atomic_load(&s->accepted),
		   (long long)atomic_load(&s->duplicates), (long long)atomic_load(&s->conflicts),
		   (long long)atomic_load(&s->quarantined), (long long)atomic_load(&s->unpriced));
}

static enum MHD_Result answer_live(struct request *r)
{
	struct MHD_Response *response = live_stream(r->http->live, r->connection);
	if (!response)
		return answer_error(r, 429, "busy", "too many pages are open");
	microhttpd.MHD_add_response_header(response, "Content-Type", "text/event-stream");
	microhttpd.MHD_add_response_header(response, "Cache-Control", "no-store");
	enum MHD_Result rc = microhttpd.MHD_queue_response(r->connection, 200, response);
	microhttpd.MHD_destroy_response(response);
	return rc;
}

/* GET /session: who is signed in. */
static enum MHD_Result answer_session(struct request *r)
{
	const struct token_grant *g = r->http->o.tokens ? grant_of(r) : NULL;
	const unsigned scopes = !r->http->o.tokens ? 7 : g ? g->scopes : 0;
	struct buf b = { 0 };
	buf_printf(&b,
		   "{\"needs_token\":%s,\"signed_in\":%s,\"read\":%s,\"write\":%s,\"admin\":%s,"
		   "\"customer\":",
		   r->http->o.tokens ? "true" : "false", scopes ? "true" : "false",
		   scopes & SCOPE_READ ? "true" : "false", scopes & SCOPE_WRITE ? "true" : "false",
		   scopes & SCOPE_ADMIN ? "true" : "false");
	if (g && g->customer)
		json_put_string(&b, text_of(g->customer));
	else
		buf_puts(&b, "null");
	buf_puts(&b, "}\n");
	enum MHD_Result rc = answer(r, 200, "application/json", b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}

static enum MHD_Result answer_with_cookie(struct request *r, const char *cookie)
{
	r->cookie = cookie;
	enum MHD_Result rc = answer(r, 200, "application/json", "{}\n", 3, MHD_RESPMEM_PERSISTENT);
	r->cookie = NULL;
	return rc;
}

/* POST /session with the token as the body; with an empty body one is signed out. */
static enum MHD_Result set_session(struct request *r)
{
	char cookie[200];
	const char *secure = r->http->o.cert ? "; Secure" : "";
	struct text token = { r->body.p ? r->body.p : "", r->body.n };
	if (!r->http->o.tokens)
		return answer_error(r, 400, "usage", "this server asks for no tokens");
	if (token.n == 0) {
		snprintf(cookie, sizeof cookie,
			 COOKIE "=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0%s", secure);
		return answer_with_cookie(r, cookie);
	}
	/* tokens are letters, digits, - and _ */
	for (size_t i = 0; i < token.n; i++)
		if (token.n > 100 || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					     "0123456789-_",
					     token.p[i]))
			token.n = 0;
	if (token.n == 0 || !tokens_find(r->http->o.tokens, token))
		return answer_error(r, 401, "unauthorized", "the server knows no such token");
	snprintf(cookie, sizeof cookie,
		 COOKIE "=%.*s; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200%s", (int)token.n,
		 token.p, secure);
	return answer_with_cookie(r, cookie);
}

static void run_command(void *user)
{
	struct request *r = user;
	const struct http_options *o = &r->http->o;
	const struct http_question q = { r->path, NULL, parameter, r->connection };
	o->command(o->user, &q, r->method, (struct text){ r->body.p ? r->body.p : "", r->body.n },
		   &r->reply);
	atomic_store(&r->done, true);
	microhttpd.MHD_resume_connection(r->connection);
}

static enum MHD_Result start_command(struct request *r, const char *method, const char *path,
				     unsigned scope)
{
	const char *customer;
	int status = 0;
	if (!authorise(r, scope, &customer, &status))
		return answer_error(r, status, status == 401 ? "unauthorized" : "denied",
				    status == 401 ? "a token is needed that the server knows"
				    : scope & SCOPE_ADMIN
					    ? "the token does not allow to administrate"
					    : "the token does not allow to read");
	if (customer)
		return answer_error(r, 403, "denied",
				    "this is of all customers; the token is of one");
	if (r->too_large)
		return answer_error(r, 413, "too_large", "a body has at most 16 MiB");
	r->method = method;
	r->path = path;
	r->reply = (struct http_reply){ .status = 200, .type = "application/json" };
	r->submitted = r->commanded = r->shown = true;
	microhttpd.MHD_suspend_connection(r->connection);
	if (slow_submit(r->http->slow, run_command, r))
		return MHD_YES;
	r->submitted = false;
	microhttpd.MHD_resume_connection(r->connection);
	return answer_error(r, 429, "busy", "too many commands are under way; try again");
}

static enum MHD_Result read_request(struct request *r, const char *path)
{
	struct http *h = r->http;
	struct http_reply reply = { .status = 200, .type = "application/json" };
	const char *customer;
	int status = 0;
	r->shown = true;
	if (strcmp(path, "/healthz") == 0)
		return answer(r, 200, "text/plain", "ok\n", 3, MHD_RESPMEM_PERSISTENT);
	const char *type, *file = h->o.file(h->o.user, path, &type);
	if (file) {
		r->policy = POLICY_PAGE;
		return answer(r, 200, type, file, strlen(file), MHD_RESPMEM_PERSISTENT);
	}
	if (strcmp(path, "/session") == 0)
		return answer_session(r);
	const unsigned scope = h->o.command_scope(h->o.user, "GET", path);
	if (scope)
		return start_command(r, "GET", path, scope);
	if (!authorise(r, SCOPE_READ, &customer, &status))
		return answer_error(r, status, status == 401 ? "unauthorized" : "denied",
				    status == 401 ? "a bearer token is needed that the server knows"
						  : "the token does not allow to read");
	if (strcmp(path, "/v1/live") == 0)
		return customer ? answer_error(r, 403, "denied",
					       "this is of all customers; the token is of one")
				: answer_live(r);
	if (strcmp(path, "/metrics") == 0)
		return customer ? answer_error(r, 403, "denied",
					       "metrics are of all customers; this token is of one")
				: answer_metrics(r);
	const struct http_question q = { path, customer, parameter, r->connection };
	if (!h->o.answer(h->o.user, &q, &reply)) {
		buf_release(&reply.body);
		return answer_error(r, 404, "not_found", "there is no such path");
	}
	r->filename = reply.filename;
	enum MHD_Result rc = answer(r, reply.status, reply.type, reply.body.p ? reply.body.p : "",
				    reply.body.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&reply.body);
	return rc;
}

static enum MHD_Result answer_submitted(struct request *r)
{
	if (!atomic_load(&r->done))
		return MHD_YES;
	if (!r->commanded) {
		const struct buf body = r->job->answer;
		r->job->answer = (struct buf){ 0 };
		return answer(r, r->job->status, "application/json", body.p, body.n,
			      MHD_RESPMEM_MUST_FREE);
	}
	r->filename = r->reply.filename;
	return answer(r, r->reply.status, r->reply.type, r->reply.body.p ? r->reply.body.p : "",
		      r->reply.body.n, MHD_RESPMEM_MUST_COPY);
}

static bool is_file(const struct http *h, const char *path)
{
	const char *type;
	return h->o.file(h->o.user, path, &type) != NULL;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct request *r = *state;
	struct text hold = { NULL, 0 };
	(void)version;
	if (!r) {
		r = mem_zalloc(sizeof *r);
		r->http = user;
		r->connection = connection;
		*state = r;
		const char *length = microhttpd.MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, "Content-Length");
		/* said at once, before anything is sent */
		if (length && strtoull(length, NULL, 10) > HTTP_BODY_MAX) {
			r->too_large = true;
			return answer_error(r, 413, "too_large", "a body has at most 16 MiB");
		}
		return MHD_YES;
	}
	if (*upload_size) {
		if (r->body.n + *upload_size > HTTP_BODY_MAX)
			r->too_large = true;
		else
			buf_add(&r->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (r->submitted)
		return answer_submitted(r);
	if (is_foreign(r) && !is_file(r->http, path))
		return answer_error(r, 403, "denied",
				    "another site's page may not ask this server");
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return read_request(r, path);
	if (strcmp(method, "POST") == 0 && strcmp(path, "/session") == 0)
		return set_session(r);
	int route = route_of(path, method, &hold);
	const unsigned scope =
		route == ROUTE_NONE ? r->http->o.command_scope(r->http->o.user, method, path) : 0;
	if (scope)
		return start_command(r, method, path, scope);
	if (route == ROUTE_NONE) {
		struct err e;
		bool known = strncmp(path, "/v1/", 4) == 0;
		err_set(&e, ERR_NOT_FOUND, "there is no %s %s", method, path);
		return known && strcmp(method, "POST") != 0
			       ? answer_error(r, 405, "usage", "use GET or POST here")
			       : answer_err(r, &e);
	}
	return write_request(r, route, hold);
}

static void completed(void *user, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;
	(void)user;
	(void)connection;
	(void)code;
	if (!r)
		return;
	job_close(r->job);
	buf_release(&r->body);
	buf_release(&r->reply.body);
	free(r);
	*state = NULL;
}

static void log_mhd(void *user, const char *fmt, va_list ap)
{
	struct http *h = user;
	char line[300];
	vsnprintf(line, sizeof line, fmt, ap);
	size_t n = strlen(line);
	while (n && (line[n - 1] == '\n' || line[n - 1] == ' '))
		line[--n] = 0;
	h->o.log(h->o.user, "http", line);
}

/* "HOST:PORT" with an IPv4 or bracketed IPv6 address; "localhost" is 127.0.0.1. */
static int parse_address(const char *text, struct sockaddr_storage *out, socklen_t *n,
			 bool *loopback, struct err *e)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : -1;
	size_t len = colon ? (size_t)(colon - text) : 0;
	memset(out, 0, sizeof *out);
	if (!colon || port < 0 || port > 65535 || *end || end == colon + 1 || len >= sizeof host)
		return err_set(e, ERR_USAGE, "--listen %s: an address is HOST:PORT", text);
	memcpy(host, text, len);
	host[len] = 0;
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (*host == '[' && len > 2 && host[len - 1] == ']') {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)(void *)out;
		host[len - 1] = 0;
		a->sin6_family = AF_INET6;
		a->sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, host + 1, &a->sin6_addr) != 1)
			return err_set(e, ERR_USAGE, "--listen %s: '%s' is no IPv6 address", text,
				       host + 1);
		*loopback = IN6_IS_ADDR_LOOPBACK(&a->sin6_addr);
		*n = sizeof *a;
		return 0;
	}
	struct sockaddr_in *a = (struct sockaddr_in *)(void *)out;
	a->sin_family = AF_INET;
	a->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &a->sin_addr) != 1)
		return err_set(e, ERR_USAGE,
			       "--listen %s: '%s' is no address; write one such as 127.0.0.1:8687",
			       text, host);
	*loopback = (ntohl(a->sin_addr.s_addr) >> 24) == 127;
	*n = sizeof *a;
	return 0;
}

static int listen_at(struct http *h, struct err *e)
{
	struct sockaddr_storage address;
	socklen_t n;
	bool loopback;
	int yes = 1;
	int rc = parse_address(h->o.address, &address, &n, &loopback, e);
	if (rc != 0)
		return rc;
	h->loopback = loopback;
	if (!loopback && !h->o.tokens)
		return err_set(e, ERR_USAGE,
			       "--listen %s: others can reach that address, so tokens are needed "
			       "(--tokens FILE; make them with `tally token`)",
			       h->o.address);
	h->socket = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->socket >= 0)
		setsockopt(h->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (h->socket < 0 || bind(h->socket, (struct sockaddr *)&address, n) != 0 ||
	    listen(h->socket, 1024) != 0)
		return err_set(e, ERR_SYSTEM, "could not listen on %s: %s", h->o.address,
			       strerror(errno));
	if (getsockname(h->socket, (struct sockaddr *)&address, &n) == 0)
		h->port = ntohs(address.ss_family == AF_INET6
					? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
					: ((struct sockaddr_in *)(void *)&address)->sin_port);
	return 0;
}

int http_open(struct http **out, const struct http_options *o, struct err *e)
{
	struct http *h = mem_zalloc(sizeof *h);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	h->o = *o;
	h->socket = -1;
	h->began_us = clock_monotonic_us();
	int rc = microhttpd_need(e);
	if (rc == 0)
		rc = listen_at(h, e);
	if (rc == 0) {
		h->live = live_open(snapshot, h);
		h->slow = slow_open();
		unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
				 MHD_USE_ERROR_LOG | (o->cert ? MHD_USE_TLS : 0);
		/* half of the processors; the writer and the clients need some, too */
		unsigned threads = cores > 3 ? (unsigned)cores / 2 : 1;
		struct MHD_OptionItem extra[] = {
			{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert },
			{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key },
			{ MHD_OPTION_END, 0, NULL }
		};
		if (!o->cert)
			extra[0] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
		struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads,
						   NULL },
						 { MHD_OPTION_END, 0, NULL } };
		if (threads < 2)
			pool[0] = pool[1];
		h->daemon = microhttpd.MHD_start_daemon(
			flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, h,
			MHD_OPTION_LISTEN_SOCKET, h->socket, MHD_OPTION_NOTIFY_COMPLETED, completed,
			h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SECONDS_IDLE,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADERS_MAX,
			MHD_OPTION_ARRAY, extra, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
		if (!h->daemon)
			rc = err_set(e, ERR_SYSTEM,
				     o->cert ? "the server could not start: check the certificate "
					       "and its key"
					     : "the server could not start");
	}
	if (rc != 0) {
		if (h->socket >= 0)
			close(h->socket);
		h->daemon = NULL;
		http_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

int http_port(const struct http *h)
{
	return h->port;
}

void http_quiesce(struct http *h)
{
	MHD_socket fd = microhttpd.MHD_quiesce_daemon(h->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	/* nothing may sleep when the daemon stops */
	if (h->slow)
		slow_close(h->slow);
	if (h->live)
		live_end(h->live);
	if (h->daemon)
		microhttpd.MHD_stop_daemon(h->daemon);
	if (h->live)
		live_close(h->live);
	free(h);
}
