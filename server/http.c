#include "server/http.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "meter/store/day_cells.h"
#include "meter/store/row_peaks.h"
#include "server/address.h"
#include "server/body.h"
#include "server/live.h"
#include "server/microhttpd.h"
#include "server/otlp_answer.h"
#include "server/routes.h"
#include "server/sessions.h"
#include "server/slow.h"
#include "server/totals.h"
#include "server/visitors.h"

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

/* Threads that answer questions, and how many may wait for them. */
enum {
	LINES_A_MINUTE = 20,
	QUICK_THREADS = 2,
	DAY_CELLS_BYTES = 64 << 20, /* some five million sums of a day */
	QUICK_WAITING_MOST = 1024,
	BODY_THREADS = 2,
	LONG_THREADS = 2,
	LONG_WAITING_MOST = 32
};

/* TLS 1.2 and 1.3, and what is considered strong enough today. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http {
	struct http_options o;
	struct MHD_Daemon *daemon;
	struct listener listener;
	int64_t began_us;
	atomic_int_fast64_t requests, status_class[6];
	struct live *live;
	struct totals *totals;
	struct slow *quick, *slow; /* threads that answer questions: within moments, and longer */
	struct slow *bodies;	   /* and those that read large bodies */
	struct readers *readers;
	atomic_bool ending;
	struct visitors *visitors;
	struct sessions *sessions;
	pthread_mutex_t probes_lock;
	struct probe *probes; /* that a request waits for */
	/* lines of the library, which anybody who connects can cause */
	pthread_mutex_t lines_lock;
	int64_t lines_minute;
	uint64_t lines; /* of that minute */
};

/* Why a request is not served; status 0: it is. */
struct refusal {
	int status;
	const char *code, *message;
};

/* One request, from its first byte to its answer. */
struct request {
	struct http *http;
	struct MHD_Connection *connection;
	struct visitor *visitor;
	const struct http_route
		*found; /* NULL: there is no such path, it is the page's, or a command */
	enum http_route_kind route;
	enum http_route_data data;
	const char *method, *path;
	struct text rest;	  /* of the path: what stands for * in that of the route */
	unsigned scope;		  /* that it needs; 0: none */
	bool wrong_method, stray; /* stray: a parameter that is not taken */
	enum otlp_signal signal;
	bool protobuf;		/* of OTLP; its answer is, too */
	char *customer;		/* that its token is bound to; NULL: any */
	char *who;		/* the token's name; NULL: none was asked for */
	struct refusal refusal; /* known before the body was read */
	struct buf body;
	size_t body_most;
	int64_t taken;			  /* of the memory for bodies */
	bool too_large, crowded, cut_off; /* cut_off: answered before its body came */
	struct {
		bool aside; /* by a thread of its own */
		atomic_bool is;
		int status;
		struct job *job;
		const char *code;
		struct err why;
	} made; /* of the body */
	struct job *job;
	struct probe *probe;
	bool submitted, counted;
	atomic_bool done;
	/* of a question */
	bool commanded, shown; /* shown: a browser may show the answer */
	struct http_reply reply;
	/* headers of the answer; NULL: none */
	const char *policy, *filename, *cookie;
	char tag[BODY_TAG_MAX]; /* empty: none */
	bool packed;
};

/* A question whether the database works, which the writer may answer when nobody waits any more. */
struct probe {
	struct job *job;
	struct request *request; /* NULL: it was told that it takes too long */
	struct http *http;
	int64_t until_us;
	struct probe *next;
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

static const char *type_of(const struct request *r)
{
	return r->protobuf ? "application/x-protobuf" : "application/json";
}

static enum MHD_Result answer_error(struct request *r, int status, const char *code,
				    const char *message)
{
	struct buf b = { 0 };
	if (r->signal) {
		otlp_answer_error(&b, r->protobuf, status, code, message);
	} else {
		put_error(&b, code, message);
	}
	enum MHD_Result rc = answer(r, status, type_of(r), b.p, b.n, MHD_RESPMEM_MUST_COPY);
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

static const char *cookie(struct request *r)
{
	return microhttpd.MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, COOKIE);
}

/* A line that was taken out of the file of tokens, or has been added, counts from now on. */
static void refresh_tokens(struct http *h)
{
	struct err e = { 0 };
	int rc = tokens_refresh(h->o.tokens, &e);
	if (rc != 0)
		h->o.log(h->o.user, rc > 0 ? "tokens_read" : "tokens_failed",
			 rc > 0 ? "the token file was reloaded" : e.message);
	if (rc > 0 && tokens_are_exposed(h->o.tokens))
		h->o.log(h->o.user, "tokens_exposed", "the token file is readable by others");
}

/* Langfuse's exporters send a pair of keys: the secret one is the token. */
static bool find_secret(struct request *r, const char *pair, struct token_grant *out)
{
	struct buf plain = { 0 };
	bool found = base64_decode(&plain, text_of(pair));
	const char *colon = found && plain.n ? memchr(plain.p, ':', plain.n) : NULL;
	found = colon &&
		tokens_find(r->http->o.tokens,
			    (struct text){ colon + 1, (size_t)(plain.p + plain.n - colon - 1) },
			    clock_now(), out);
	buf_release(&plain);
	return found;
}

/* What the token of the header allows, else the session of the page's cookie. */
static bool grant_of(struct request *r, struct token_grant *out)
{
	struct http *h = r->http;
	const char *given = header(r, "Authorization");
	const struct instant now = clock_now();
	uint8_t hash[DIGEST_BYTES];
	refresh_tokens(h);
	if (given && r->signal && strncasecmp(given, "Basic ", 6) == 0)
		return find_secret(r, given + 6, out);
	if (given && r->signal && !strchr(given, ' ')) /* Logfire's: no word before it */
		return tokens_find(h->o.tokens, text_of(given), now, out);
	if (given)
		return strncasecmp(given, "Bearer ", 7) == 0 &&
		       tokens_find(h->o.tokens, text_of(given + 7), now, out);
	given = cookie(r);
	return given && sessions_find(h->sessions, text_of(given), now, hash) &&
	       tokens_find_hash(h->o.tokens, hash, now, out);
}

/* A browser that another site sends here says so, by the origin of the page. */
static bool is_foreign(struct request *r)
{
	const char *origin = header(r, "Origin"), *host = header(r, "Host"),
		   *site = header(r, "Sec-Fetch-Site");
	if (site && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0))
		return true;
	if (!origin)
		return false;
	const char *name = strstr(origin, "://");
	return !name || !host || strcmp(name + 3, host) != 0;
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

/* The connection sleeps until resume(). */
static void suspend(struct request *r)
{
	visitor_waits(r->visitor);
	microhttpd.MHD_suspend_connection(r->connection);
}

/* What is held of the body is let go of. */
static void drop_body(struct request *r)
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
	drop_body(r);
	/* suspended before the job can be done, for its end resumes */
	suspend(r);
	if (writer_submit(r->http->o.writer, j)) {
		r->submitted = true;
		return MHD_YES;
	}
	r->job = NULL;
	job_close(j);
	microhttpd.MHD_resume_connection(r->connection);
	return answer_error(r, 429, "busy", "too many requests are queued; try again");
}

/* The body as it is read: unpacked, and of protobuf the JSON that says the same. Returns a status
 * of HTTP, 200 where all is well. */
static int unpack(struct request *r, struct err *e)
{
	const char *encoding = header(r, "Content-Encoding");
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
	const int status = unpack(r, e);
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
	if (route != ROUTE_HOLD && route != ROUTE_RELEASE && body.n && body_read(j, body, e) != 0) {
		*code = "too_large";
		return 413;
	}
	if (counts && !r->signal && j->item_count == 0 && j->passed_over == 0)
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

/* Waits for the job that was made of the body. */
static enum MHD_Result use_body(struct request *r)
{
	struct job *j = r->made.job;
	r->made.job = NULL;
	if (r->made.status == 200 && j)
		return submit(r, j);
	job_close(j);
	if (r->made.status == 200)
		return answer(r, 200, type_of(r), "{}\n", r->protobuf ? 0 : 3,
			      MHD_RESPMEM_PERSISTENT);
	return answer_error(r, r->made.status, r->made.code, r->made.why.message);
}

/* A large body takes as long as thousands of small ones, for which all connections would wait. */
static enum MHD_Result write_request(struct request *r)
{
	enum { AT_ONCE = 64 << 10 };
	if (r->body.n > AT_ONCE || header(r, "Content-Encoding")) {
		r->made.aside = true;
		suspend(r);
		if (slow_submit(r->http->bodies, read_aside, r))
			return MHD_YES;
		r->made.aside = false;
		microhttpd.MHD_resume_connection(r->connection);
		return answer_error(r, 429, "busy", "too many bodies are waiting; try again");
	}
	read_body(r);
	return use_body(r);
}

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
	put_metric(&b, "tally_commits_total", "Durable transactions.", "counter", "",
		   atomic_load(&s->commits));
	put_metric(&b, "tally_commit_microseconds_total", "Time they took.", "counter", "",
		   atomic_load(&s->commit_us));
	put_metric(&b, "tally_store_failures_total", "Transactions that failed.", "counter", "",
		   atomic_load(&s->failures));
	put_metric(&b, "tally_queue_jobs", "Requests waiting for a commit.", "gauge", "",
		   atomic_load(&s->jobs_waiting));
	put_metric(&b, "tally_queue_bytes", "Memory they use.", "gauge", "",
		   atomic_load(&s->bytes_waiting));
	put_metric(&b, "tally_queue_refused_total", "Requests refused because the queue was full.",
		   "counter", "", atomic_load(&s->refused_busy));
	const struct visitor_counts v = visitors_count(r->http->visitors);
	put_metric(&b, "tally_http_connections", "Connections.", "gauge", "", v.connections);
	put_metric(&b, "tally_http_requests", "Requests under way.", "gauge", "", v.requests);
	put_metric(&b, "tally_http_body_bytes", "Memory of bodies being received.", "gauge", "",
		   v.bytes);
	put_metric(&b, "tally_http_made_room_total", "Idle connections closed to make room.",
		   "counter", "", v.made_room);
	put_metric(&b, "tally_http_too_slow_total", "Connections closed for slowness.", "counter",
		   "", v.too_slow);
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

/* From the thread of live alone. */
static void snapshot(void *user, struct buf *out)
{
	struct http *h = user;
	const struct writer_stats *s = writer_stats(h->o.writer);
	const int64_t rows = atomic_load(&s->rows);
	buf_printf(out,
		   "{\"rows\":%lld,\"accepted\":%lld,\"duplicates\":%lld,\"conflicts\":%lld,"
		   "\"quarantined\":%lld,\"unpriced\":%lld,",
		   (long long)rows, (long long)atomic_load(&s->accepted),
		   (long long)atomic_load(&s->duplicates), (long long)atomic_load(&s->conflicts),
		   (long long)atomic_load(&s->quarantined), (long long)atomic_load(&s->unpriced));
	totals_put(h->totals, rows, out);
	buf_puts(out, "}");
}

/* GET /session: who is signed in. */
static enum MHD_Result answer_session(struct request *r)
{
	struct token_grant g = { 0 };
	const bool known = r->http->o.tokens && grant_of(r, &g);
	const unsigned scopes = !r->http->o.tokens ? 7 : known ? g.scopes : 0;
	struct buf b = { 0 };
	buf_printf(&b,
		   "{\"needs_token\":%s,\"signed_in\":%s,\"read\":%s,\"write\":%s,\"admin\":%s,"
		   "\"customer\":",
		   r->http->o.tokens ? "true" : "false", scopes ? "true" : "false",
		   scopes & SCOPE_READ ? "true" : "false", scopes & SCOPE_WRITE ? "true" : "false",
		   scopes & SCOPE_ADMIN ? "true" : "false");
	if (g.customer)
		json_put_string(&b, text_of(g.customer));
	else
		buf_puts(&b, "null");
	token_grant_release(&g);
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
	struct http *h = r->http;
	char line[200], name[SESSION_NAME_MAX];
	const char *secure = h->o.cert ? "; Secure" : "", *old = cookie(r);
	struct token_grant g;
	struct err e;
	if (!h->o.tokens)
		return answer_error(r, 400, "usage", "this server needs no token");
	if (old)
		sessions_end(h->sessions, text_of(old));
	if (r->body.n == 0) {
		snprintf(line, sizeof line,
			 COOKIE "=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0%s", secure);
		return answer_with_cookie(r, line);
	}
	refresh_tokens(h);
	if (!tokens_find(h->o.tokens, (struct text){ r->body.p, r->body.n }, clock_now(), &g))
		return answer_error(r, 401, "unauthorized", "unknown or expired token");
	int rc = sessions_begin(h->sessions, g.hash, clock_now(), name, &e);
	token_grant_release(&g);
	if (rc != 0)
		return answer_err(r, &e);
	snprintf(line, sizeof line, COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d%s",
		 name, SESSION_SECONDS, secure);
	return answer_with_cookie(r, line);
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
	int status = r->body.n ? unpack(r, &e) : 200;
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

static enum MHD_Result start_question(struct request *r)
{
	struct slow *threads = r->found->is_long ? r->http->slow : r->http->quick;
	r->reply = (struct http_reply){ .status = 200, .type = "application/json" };
	r->submitted = r->commanded = r->shown = true;
	suspend(r);
	if (slow_submit(threads, run_question, r))
		return MHD_YES;
	r->submitted = false;
	microhttpd.MHD_resume_connection(r->connection);
	return answer_error(r, 429, "busy", "too many questions are under way; try again");
}

/* --- whether the database works --- */

static void unlink_probe(struct probe *p)
{
	for (struct probe **at = &p->http->probes; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			return;
		}
}

/* From the writer: the request that asked has its answer, unless it was told so already. */
static void probe_done(struct job *j)
{
	struct probe *p = j->user;
	struct http *h = p->http;
	pthread_mutex_lock(&h->probes_lock);
	struct request *r = p->request;
	if (r) {
		unlink_probe(p);
		r->probe = NULL;
		r->reply.status = j->status == 200 ? 200 : 503;
		buf_add(&r->reply.body, j->answer.p, j->answer.n);
		atomic_store(&r->done, true);
		microhttpd.MHD_resume_connection(r->connection);
	}
	pthread_mutex_unlock(&h->probes_lock);
	job_close(j);
	free(p);
}

/* Whoever has waited long enough is told that the database does not answer. */
static void tell_waiting(void *user)
{
	struct http *h = user;
	const int64_t now_us = clock_monotonic_us();
	pthread_mutex_lock(&h->probes_lock);
	for (struct probe *p = h->probes, *next; p; p = next) {
		next = p->next;
		if (now_us < p->until_us)
			continue;
		struct request *r = p->request;
		unlink_probe(p);
		p->request = NULL;
		r->probe = NULL;
		r->reply.status = 503;
		buf_printf(&r->reply.body,
			   "{\"ready\":false,\"error\":{\"code\":\"store\",\"message\":\"the "
			   "database has not answered for %d seconds\"}}\n",
			   HTTP_READY_SECONDS);
		atomic_store(&r->done, true);
		microhttpd.MHD_resume_connection(r->connection);
	}
	pthread_mutex_unlock(&h->probes_lock);
}

static enum MHD_Result ask_readiness(struct request *r)
{
	struct http *h = r->http;
	struct probe *p = mem_zalloc(sizeof *p);
	*p = (struct probe){ job_open(JOB_PROBE), r, h,
			     clock_monotonic_us() + HTTP_READY_SECONDS * US_PER_SECOND, NULL };
	p->job->done = probe_done;
	p->job->user = p;
	r->reply = (struct http_reply){ .status = 503, .type = "application/json" };
	r->submitted = r->commanded = true;
	r->probe = p;
	suspend(r);
	pthread_mutex_lock(&h->probes_lock);
	p->next = h->probes;
	h->probes = p;
	pthread_mutex_unlock(&h->probes_lock);
	if (writer_submit(h->o.writer, p->job))
		return MHD_YES;
	pthread_mutex_lock(&h->probes_lock);
	const bool waiting = !atomic_load(&r->done);
	if (waiting)
		unlink_probe(p);
	pthread_mutex_unlock(&h->probes_lock);
	job_close(p->job);
	free(p);
	if (!waiting)
		return MHD_YES; /* it was told meanwhile */
	r->probe = NULL;
	r->submitted = false;
	microhttpd.MHD_resume_connection(r->connection);
	return answer_error(r, 503, "busy", "too many requests are waiting for the database");
}

/* Whether the asker takes gzip; what it weighs besides does not matter but for 0. */
static bool takes_gzip(struct request *r)
{
	const char *list = header(r, "Accept-Encoding");
	const char *at = list ? strcasestr(list, "gzip") : NULL;
	if (!at)
		return false;
	at += strlen("gzip");
	at += strspn(at, " ;");
	return strncasecmp(at, "q=0", 3) != 0 || at[3] == '.';
}

/* What was read: not sent where the asker has it already, and packed where it takes that. */
static enum MHD_Result answer_read(struct request *r, struct http_reply *reply)
{
	enum { PACKED_FROM = 1024 };
	const bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	r->filename = reply->filename;
	if (reply->status == 200 && reads) {
		if (!*r->tag)
			body_tag(r->tag, (struct text){ reply->body.p ? reply->body.p : "",
							reply->body.n });
		if (body_tag_is_known(header(r, "If-None-Match"), r->tag)) {
			r->packed = false;
			return answer(r, 304, reply->type, "", 0, MHD_RESPMEM_PERSISTENT);
		}
	}
	if (!r->packed && reply->body.n >= PACKED_FROM && takes_gzip(r))
		r->packed = body_deflate(&reply->body, !r->shown);
	return answer(r, reply->status, reply->type, reply->body.p ? reply->body.p : "",
		      reply->body.n, MHD_RESPMEM_MUST_COPY);
}

/* A file of the page, as it is kept, packed: asked for again it is not sent again, unless it has
 * changed. */
static enum MHD_Result answer_file(struct request *r)
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
	enum MHD_Result rc = answer_read(r, &reply);
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
		return answer(r, r->job->status, type_of(r), body.p ? body.p : "", body.n,
			      body.p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	}
	if (r->route == ROUTE_ASK)
		return answer_read(r, &r->reply);
	return answer(r, r->reply.status, r->reply.type, r->reply.body.p ? r->reply.body.p : "",
		      r->reply.body.n, MHD_RESPMEM_MUST_COPY);
}

/* --- what is known before the body --- */

static enum otlp_signal signal_of(enum http_route_kind k)
{
	return k == ROUTE_TRACES    ? OTLP_TRACES
	       : k == ROUTE_LOGS    ? OTLP_LOGS
	       : k == ROUTE_METRICS ? OTLP_METRICS
				    : OTLP_NONE;
}

/* Where the request goes, which scope it needs and how large its body may be. */
static void find_route(struct request *r)
{
	struct http *h = r->http;
	const bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	const char *type, *content = header(r, "Content-Type");
	bool known;
	r->found = route_find(r->method, r->path, &r->rest, &known);
	if (r->found) {
		r->route = r->found->kind;
		r->scope = r->found->scope;
		r->data = r->found->data;
		r->body_most = r->found->body_most;
	} else if (reads && h->o.file(h->o.user, r->path, &type).p) {
		r->route = ROUTE_FILE;
	}
	if (r->found && r->found->uploads &&
	    microhttpd.MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND,
						   "settings"))
		r->body_most = HTTP_BODY_MAX;
	r->wrong_method = known || (strncmp(r->path, "/v1/", 4) == 0 && !reads &&
				    strcmp(r->method, "POST") != 0);
	r->signal = signal_of(r->route);
	r->protobuf = r->signal && content && strstr(content, "protobuf");
}

static struct refusal refuse(int status, const char *code, const char *message)
{
	return (struct refusal){ status, code, message };
}

/* What the request's token allows. Without tokens everyone on this machine may do everything. */
static struct refusal authorise(struct request *r)
{
	struct token_grant g = { 0 };
	if (!r->http->o.tokens || r->scope == 0)
		return (struct refusal){ 0 };
	if (!grant_of(r, &g))
		return refuse(401, "unauthorized", "missing or unknown bearer token");
	const unsigned lacks = r->scope & ~g.scopes;
	r->customer = g.customer;
	r->who = g.name;
	if (lacks)
		return refuse(403, "denied",
			      lacks & SCOPE_ADMIN   ? "the token lacks the admin scope"
			      : lacks & SCOPE_WRITE ? "the token lacks the write scope"
						    : "the token lacks the read scope");
	if (r->customer && r->data == DATA_ALL)
		return refuse(403, "denied",
			      "this covers all customers; your token is limited "
			      "to one");
	return (struct refusal){ 0 };
}

/* Whether its token or session would still open the stream. */
static bool may_watch(void *user)
{
	struct request again = *(struct request *)user;
	again.customer = again.who = NULL;
	const bool may = authorise(&again).status == 0;
	free(again.customer);
	free(again.who);
	return may;
}

static enum MHD_Result answer_live(struct request *r)
{
	struct MHD_Response *response = live_stream(r->http->live, r->connection, may_watch, r);
	if (!response)
		return answer_error(r, 429, "busy", "too many pages are open");
	microhttpd.MHD_add_response_header(response, "Content-Type", "text/event-stream");
	microhttpd.MHD_add_response_header(response, "Cache-Control", "no-store");
	visitor_is_answered(r->visitor, true);
	enum MHD_Result rc = microhttpd.MHD_queue_response(r->connection, 200, response);
	microhttpd.MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result is_taken(void *user, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	struct request *r = user;
	(void)kind;
	(void)value;
	r->stray |= r->route != ROUTE_SETTLE || strcmp(name, "broken_off") != 0;
	return r->stray ? MHD_NO : MHD_YES;
}

/* What a parameter of what is written would change is for its body to say: it would be taken for
 * nobody's. Those of questions are judged with their answer. */
static struct refusal judge_parameters(struct request *r)
{
	if (r->found && r->found->body_most && r->route != ROUTE_ASK && r->route != ROUTE_SESSION)
		microhttpd.MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, is_taken,
						     r);
	if (!r->stray)
		return (struct refusal){ 0 };
	return refuse(400, "usage",
		      r->route == ROUTE_SETTLE ? "unknown parameter; known here: broken_off"
					       : "this address takes no parameters");
}

/* What may be said once, and how often it is. */
struct said {
	struct request *r;
	int hosts, lengths, tokens, parameters;
	bool odd;
};

static enum MHD_Result see_header(void *user, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct said *s = user;
	(void)kind;
	s->hosts += strcasecmp(name, "Host") == 0;
	s->tokens += strcasecmp(name, "Authorization") == 0;
	s->lengths += strcasecmp(name, "Content-Length") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		s->lengths++;
		s->odd |= !value || strcasecmp(value, "chunked") != 0;
	}
	s->odd |= strpbrk(name, " \t") != NULL;
	return MHD_YES;
}

static enum MHD_Result see_parameter(void *user, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	enum { PARAMETERS_MOST = 100 };
	struct said *s = user;
	const char *first = microhttpd.MHD_lookup_connection_value(s->r->connection, kind, name);
	s->odd |= first != value || ++s->parameters > PARAMETERS_MOST;
	return s->odd ? MHD_NO : MHD_YES;
}

/* A head that another program may understand otherwise: where its body ends (RFC 9112, 6.3: what
 * follows would be somebody else's request), whom it names, and which of two values counts. */
static struct refusal judge_head(struct request *r)
{
	struct said s = { .r = r };
	microhttpd.MHD_get_connection_values(r->connection, MHD_HEADER_KIND, see_header, &s);
	if (s.odd || s.hosts > 1 || s.lengths > 1 || s.tokens > 1)
		return refuse(400, "invalid",
			      "the head can be read in two ways: give Host, Authorization and the "
			      "body's length once");
	microhttpd.MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, see_parameter,
					     &s);
	return s.odd ? refuse(400, "usage",
			      "a parameter is given twice, or there are more than 100")
		     : (struct refusal){ 0 };
}

static struct refusal admit(struct request *r, enum visitor_verdict verdict)
{
	struct http *h = r->http;
	const char *length = header(r, "Content-Length");
	const int fd = visitor_socket(r->visitor);
	if (r->route == ROUTE_HEALTH)
		return (struct refusal){ 0 };
	if (verdict == VISIT_TOO_MANY_OF_ONE)
		return refuse(429, "busy", "too many connections from one address; try again");
	if (verdict == VISIT_TOO_MANY)
		return refuse(503, "busy", "too many concurrent requests; try again");
	if (r->route == ROUTE_READY)
		return (struct refusal){ 0 };
	if (!address_is_named(header(r, "Host"), fd, h->o.names))
		return refuse(403, "denied",
			      "unknown host name (Host); allow it with `tally serve --host`");
	if (is_foreign(r) && r->route != ROUTE_FILE)
		return refuse(403, "denied", "cross-site requests are refused");
	if (r->route == ROUTE_NONE)
		return r->wrong_method ? refuse(405, "usage", "this path takes another method")
				       : refuse(404, "not_found", "no such path");
	const struct refusal denied = authorise(r);
	if (denied.status)
		return denied;
	const struct refusal stray = judge_parameters(r);
	if (stray.status)
		return stray;
	if (length && strtoull(length, NULL, 10) > r->body_most)
		return refuse(413, "too_large", "the body is too large (16 MiB, settings 1 MiB)");
	return (struct refusal){ 0 };
}

/* The head of a request has come. What is refused is told at once where a body would follow. */
static enum MHD_Result begin(struct request *r)
{
	const char *length = header(r, "Content-Length");
	const bool has_body =
		(length && strcmp(length, "0") != 0) || header(r, "Transfer-Encoding");
	const enum visitor_verdict verdict = visitor_asks(r->visitor);
	find_route(r);
	r->refusal = judge_head(r);
	const bool unclear = r->refusal.status;
	if (!unclear)
		r->refusal = admit(r, verdict);
	if (!r->refusal.status || (!has_body && !unclear))
		return MHD_YES;
	r->cut_off = true;
	return answer_error(r, r->refusal.status, r->refusal.code, r->refusal.message);
}

/* A piece of the body. What cannot be kept is read to its end and told then. */
static void take_body(struct request *r, const char *p, size_t n)
{
	const int64_t room = 2 * (int64_t)n; /* a buffer grows by doubling */
	if (r->too_large || r->crowded)
		return;
	if (r->body.n + n > r->body_most)
		r->too_large = true;
	else if (!visitors_take(r->http->visitors, room))
		r->crowded = true;
	if (r->too_large || r->crowded) {
		drop_body(r);
		return;
	}
	r->taken += room;
	buf_add(&r->body, p, n);
}

static enum MHD_Result serve(struct request *r)
{
	if (r->refusal.status)
		return answer_error(r, r->refusal.status, r->refusal.code, r->refusal.message);
	if (r->crowded)
		return answer_error(r, 503, "busy",
				    "too many bodies are being received; try "
				    "again");
	if (r->too_large)
		return answer_error(r, 413, "too_large",
				    "the body is too large (16 MiB, settings 1 MiB)");
	switch (r->route) {
	case ROUTE_HEALTH:
		return answer(r, 200, "text/plain", "ok\n", 3, MHD_RESPMEM_PERSISTENT);
	case ROUTE_READY:
		return ask_readiness(r);
	case ROUTE_SESSION:
		r->shown = true;
		return strcmp(r->method, "POST") == 0 ? set_session(r) : answer_session(r);
	case ROUTE_ASK:
		return start_question(r);
	case ROUTE_NONE: /* was refused */
	case ROUTE_FILE:
		return answer_file(r);
	case ROUTE_LIVE:
		return answer_live(r);
	case ROUTE_GAUGES:
		r->shown = true;
		return answer_metrics(r);
	case ROUTE_USAGE:
	case ROUTE_EVENTS:
	case ROUTE_TRACES:
	case ROUTE_LOGS:
	case ROUTE_METRICS:
	case ROUTE_HOLD:
	case ROUTE_SETTLE:
	case ROUTE_RELEASE:
		return write_request(r);
	}
	return MHD_NO;
}

static struct visitor *visitor_of(struct MHD_Connection *c)
{
	return microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct request *r = *state;
	(void)version;
	if (!r) {
		r = mem_zalloc(sizeof *r);
		r->http = user;
		r->connection = connection;
		r->visitor = visitor_of(connection);
		r->method = method;
		r->path = path;
		*state = r;
		return begin(r);
	}
	if (*upload_size) {
		take_body(r, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (r->made.aside) {
		if (!atomic_load(&r->made.is))
			return MHD_YES;
		r->made.aside = false;
		return use_body(r);
	}
	return r->submitted ? answer_submitted(r) : serve(r);
}

/* What has come of a body that nobody read: while it lies there, the end of the connection would
 * take the answer with it. */
static void swallow(int fd)
{
	enum { MOST = 4 << 20 };
	char bin[1 << 16];
	ssize_t n, all = 0;
	shutdown(fd, SHUT_WR);
	while (all < MOST && (n = recv(fd, bin, sizeof bin, MSG_DONTWAIT)) > 0)
		all += n;
}

static void completed(void *user, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;
	(void)user;
	(void)connection;
	if (!r)
		return;
	if (r->cut_off)
		swallow(visitor_socket(r->visitor));
	else if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		visitor_is_done(r->visitor);
	job_close(r->job);
	job_close(r->made.job);
	drop_body(r);
	buf_release(&r->reply.body);
	free(r->customer);
	free(r->who);
	free(r);
	*state = NULL;
}

/* A connection begins or ends. */
static void notify(void *user, struct MHD_Connection *c, void **context,
		   enum MHD_ConnectionNotificationCode code)
{
	struct http *h = user;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const int fd =
			microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		const struct sockaddr *address =
			microhttpd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
				->client_addr;
		*context = visitor_came(h->visitors, fd, address);
	} else if (*context) {
		visitor_left(*context);
		*context = NULL;
	}
}

/* Of a minute's lines the first are written, the rest counted. Whether this one is; *left_out: how
 * many of an earlier minute were not. */
static bool may_write(struct http *h, uint64_t *left_out)
{
	const int64_t minute = (clock_monotonic_us() - h->began_us) / 60000000;
	pthread_mutex_lock(&h->lines_lock);
	*left_out = 0;
	if (h->lines_minute != minute) {
		*left_out = h->lines > LINES_A_MINUTE ? h->lines - LINES_A_MINUTE : 0;
		h->lines_minute = minute;
		h->lines = 0;
	}
	const bool may = ++h->lines <= LINES_A_MINUTE;
	pthread_mutex_unlock(&h->lines_lock);
	return may;
}

static void write_left_out(struct http *h, uint64_t count)
{
	char line[80];
	snprintf(line, sizeof line, "%llu more lines of a minute were left out",
		 (unsigned long long)count);
	if (count)
		h->o.log(h->o.user, "http", line);
}

static void log_mhd(void *user, const char *fmt, va_list ap)
{
	struct http *h = user;
	char line[300];
	uint64_t left_out;
	if (!may_write(h, &left_out))
		return;
	write_left_out(h, left_out);
	vsnprintf(line, sizeof line, fmt, ap);
	size_t n = strlen(line);
	while (n && (line[n - 1] == '\n' || line[n - 1] == ' '))
		line[--n] = 0;
	h->o.log(h->o.user, "http", line);
}

/* As many open files as connections need, where the system lets us; fewer connections else. */
static void fit_to_files(struct http_limits *l)
{
	enum { OTHER_FILES = 100 };
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	const rlim_t need = (rlim_t)l->connections + OTHER_FILES;
	if (files.rlim_cur < need) {
		files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur < need)
		l->connections =
			files.rlim_cur > 2 * OTHER_FILES ? (int)files.rlim_cur - OTHER_FILES : 50;
}

/* A NUL would end a text for us, not for who sent it: a text with one stays as it is written. */
static size_t unescape(void *user, struct MHD_Connection *c, char *text)
{
	(void)user;
	(void)c;
	return strstr(text, "%00") ? strlen(text) : microhttpd.MHD_http_unescape(text);
}

static int start_daemon(struct http *h, struct err *e)
{
	const struct http_options *o = &h->o;
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			       MHD_USE_ERROR_LOG | (o->cert ? MHD_USE_TLS : 0);
	/* half of the processors; the writer and the clients need some, too */
	const unsigned threads = cores > 3 ? (unsigned)cores / 2 : 1;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL }
	};
	struct MHD_OptionItem pool[] = { { MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL },
					 { MHD_OPTION_END, 0, NULL } };
	/* times and numbers are ours (visitors.h); the library's bound only lies above */
	const unsigned connections = ((unsigned)o->limits.connections + 50) * (threads + 1);
	h->daemon = microhttpd.MHD_start_daemon(
		flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, h,
		MHD_OPTION_LISTEN_SOCKET, h->listener.socket, MHD_OPTION_NOTIFY_COMPLETED,
		completed, h, MHD_OPTION_NOTIFY_CONNECTION, notify, h, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape, h, MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEADERS_MAX, MHD_OPTION_ARRAY, o->cert ? tls : tls + 3,
		MHD_OPTION_ARRAY, threads > 1 ? pool : pool + 1, MHD_OPTION_END);
	return h->daemon ? 0
			 : err_set(e, ERR_SYSTEM,
				   o->cert ? "the server could not start: check the certificate "
					     "and its key"
					   : "the server could not start");
}

static void warm_readers(void *user)
{
	struct http *h = user;
	readers_warm(h->readers);
}

int http_open(struct http **out, const struct http_options *o, struct err *e)
{
	struct http *h = mem_zalloc(sizeof *h);
	h->o = *o;
	h->o.reading.tokens = o->tokens;
	h->o.reading.ending = &h->ending;
	h->listener.socket = -1;
	h->began_us = clock_monotonic_us();
	pthread_mutex_init(&h->probes_lock, NULL);
	pthread_mutex_init(&h->lines_lock, NULL);
	int rc = microhttpd_need(e);
	if (rc == 0)
		rc = address_parse_and_bind(&h->listener, o->address, e);
	if (rc == 0 && !h->listener.loopback && !o->tokens)
		rc = err_set(
			e, ERR_USAGE,
			ASKED("listen") " %s: that address is reachable by others, so tokens are "
					"required (" ASKED(
						"tokens") " FILE; make them with `tally token`)",
			o->address);
	if (rc == 0)
		rc = address_listen(&h->listener, o->address, e);
	if (rc == 0) {
		fit_to_files(&h->o.limits);
		const struct http_limits *l = &h->o.limits;
		h->visitors = visitors_open(&(struct visitor_limits){
			l->connections, l->connections_each, l->requests, l->bytes,
			HTTP_HEAD_SECONDS, HTTP_PAUSE_SECONDS, l->body_seconds, HTTP_ANSWER_SECONDS,
			o->cert != NULL });
		visitors_each_tick(h->visitors, tell_waiting, h);
		h->sessions = sessions_open();
		h->o.reading.days = day_cells_open(DAY_CELLS_BYTES);
		h->o.reading.peaks = row_peaks_open();
		h->o.reading.ids = (struct store_finder){ writer_find, h->o.writer };
		h->totals = totals_open(&h->o.reading);
		h->live = live_open(snapshot, h);
		h->quick = slow_open(QUICK_THREADS, QUICK_WAITING_MOST);
		h->slow = slow_open(LONG_THREADS, LONG_WAITING_MOST);
		h->bodies = slow_open(BODY_THREADS, QUICK_WAITING_MOST);
		h->readers = readers_open(&h->o.reading, QUICK_THREADS + LONG_THREADS);
		slow_submit(h->slow, warm_readers, h);
		rc = start_daemon(h, e);
	}
	if (rc != 0) {
		if (h->listener.socket >= 0)
			close(h->listener.socket);
		http_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

int http_port(const struct http *h)
{
	return h->listener.port;
}

void http_quiesce(struct http *h)
{
	atomic_store(&h->ending, true);
	MHD_socket fd = microhttpd.MHD_quiesce_daemon(h->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	/* nothing may sleep when the daemon stops */
	struct slow *const threads[] = { h->bodies, h->quick, h->slow };
	const size_t kinds = sizeof threads / sizeof *threads;
	for (size_t i = 0; i < kinds; i++)
		slow_end(threads[i]);
	if (h->live)
		live_end(h->live);
	if (h->daemon)
		microhttpd.MHD_stop_daemon(h->daemon);
	/* until then a connection may still ask */
	for (size_t i = 0; i < kinds; i++)
		slow_close(threads[i]);
	if (h->live)
		live_close(h->live);
	totals_close(h->totals);
	readers_close(h->readers);
	day_cells_close(h->o.reading.days);
	row_peaks_close(h->o.reading.peaks);
	visitors_close(h->visitors);
	sessions_close(h->sessions);
	write_left_out(h, h->lines > LINES_A_MINUTE ? h->lines - LINES_A_MINUTE : 0);
	pthread_mutex_destroy(&h->lines_lock);
	pthread_mutex_destroy(&h->probes_lock);
	free(h);
}
