#include "server/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "server/address.h"

void gate_refresh_tokens(struct http *h)
{
	struct err e = { 0 };
	int rc = tokens_refresh(h->o.tokens, &e);
	if (rc != 0)
		h->o.log(h->o.user, rc > 0 ? "tokens_read" : "tokens_failed",
			 rc > 0 ? "the token file was reloaded" : e.message);
	if (rc > 0 && tokens_are_exposed(h->o.tokens))
		h->o.log(h->o.user, "tokens_exposed", "the token file is readable by others");
}

/* Langfuse's clients send a pair of keys: the secret one is the token. */
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

bool gate_grant(struct request *r, struct token_grant *out)
{
	struct http *h = r->http;
	const char *given = request_header(r, "Authorization");
	const struct instant now = clock_now();
	uint8_t hash[DIGEST_BYTES];
	gate_refresh_tokens(h);
	if (given && (r->signal || r->route == ROUTE_OBSERVATIONS) &&
	    strncasecmp(given, "Basic ", 6) == 0)
		return find_secret(r, given + 6, out);
	if (given && r->signal && !strchr(given, ' ')) /* Logfire's: no word before it */
		return tokens_find(h->o.tokens, text_of(given), now, out);
	if (given)
		return strncasecmp(given, "Bearer ", 7) == 0 &&
		       tokens_find(h->o.tokens, text_of(given + 7), now, out);
	given = request_cookie(r);
	return given && sessions_find(h->sessions, text_of(given), now, hash) &&
	       tokens_find_hash(h->o.tokens, hash, now, out);
}

/* A browser that another site sends here says so, by the origin of the page. */
static bool is_foreign(struct request *r)
{
	const char *origin = request_header(r, "Origin"), *host = request_header(r, "Host"),
		   *site = request_header(r, "Sec-Fetch-Site");
	if (site && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0))
		return true;
	if (!origin)
		return false;
	const char *name = strstr(origin, "://");
	return !name || !host || strcmp(name + 3, host) != 0;
}

/* --- what is known before the body --- */

static enum otlp_signal signal_of(enum http_route_kind k)
{
	return k == ROUTE_TRACES    ? OTLP_TRACES
	       : k == ROUTE_LOGS    ? OTLP_LOGS
	       : k == ROUTE_METRICS ? OTLP_METRICS
				    : OTLP_NONE;
}

void gate_find_route(struct request *r)
{
	struct http *h = r->http;
	const bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
	const char *type, *content = request_header(r, "Content-Type");
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

struct refusal gate_authorise(struct request *r)
{
	struct token_grant g = { 0 };
	if (!r->http->o.tokens || r->scope == 0)
		return (struct refusal){ 0 };
	if (!gate_grant(r, &g))
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

struct refusal gate_judge_head(struct request *r)
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

struct refusal gate_admit(struct request *r, enum visitor_verdict verdict)
{
	struct http *h = r->http;
	const char *length = request_header(r, "Content-Length");
	const int fd = visitor_socket(r->visitor);
	if (r->route == ROUTE_HEALTH)
		return (struct refusal){ 0 };
	if (verdict == VISIT_TOO_MANY_OF_ONE)
		return refuse(429, "busy", "too many connections from one address; try again");
	if (verdict == VISIT_TOO_MANY)
		return refuse(503, "busy", "too many concurrent requests; try again");
	if (r->route == ROUTE_READY)
		return (struct refusal){ 0 };
	if (!address_is_named(request_header(r, "Host"), fd, h->o.names))
		return refuse(403, "denied",
			      "unknown host name (Host); allow it with `tally serve --host`");
	if (is_foreign(r) && r->route != ROUTE_FILE)
		return refuse(403, "denied", "cross-site requests are refused");
	if (r->route == ROUTE_NONE)
		return r->wrong_method ? refuse(405, "usage", "this path takes another method")
				       : refuse(404, "not_found", "no such path");
	const struct refusal denied = gate_authorise(r);
	if (denied.status)
		return denied;
	const struct refusal stray = judge_parameters(r);
	if (stray.status)
		return stray;
	if (length && strtoull(length, NULL, 10) > r->body_most)
		return refuse(413, "too_large", "the body is too large (16 MiB, settings 1 MiB)");
	return (struct refusal){ 0 };
}
