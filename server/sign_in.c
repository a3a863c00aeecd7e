#include "server/request.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"

enum MHD_Result sign_in_state(struct request *r)
{
	struct token_grant g = { 0 };
	const bool known = r->http->o.tokens && gate_grant(r, &g);
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
	enum MHD_Result rc = respond(r, 200, "application/json", b.p, b.n, MHD_RESPMEM_MUST_COPY);
	buf_release(&b);
	return rc;
}

static enum MHD_Result answer_with_cookie(struct request *r, const char *cookie)
{
	r->cookie = cookie;
	enum MHD_Result rc = respond(r, 200, "application/json", "{}\n", 3, MHD_RESPMEM_PERSISTENT);
	r->cookie = NULL;
	return rc;
}

enum MHD_Result sign_in(struct request *r)
{
	struct http *h = r->http;
	char line[200], name[SESSION_NAME_MAX];
	const char *secure = h->o.cert ? "; Secure" : "", *old = request_cookie(r);
	struct token_grant g;
	struct err e;
	if (!h->o.tokens)
		return respond_error(r, 400, "usage", "this server needs no token");
	if (old)
		sessions_end(h->sessions, text_of(old));
	if (r->body.n == 0) {
		snprintf(line, sizeof line,
			 SESSION_COOKIE "=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0%s",
			 secure);
		return answer_with_cookie(r, line);
	}
	gate_refresh_tokens(h);
	if (!tokens_find(h->o.tokens, (struct text){ r->body.p, r->body.n }, clock_now(), &g))
		return respond_error(r, 401, "unauthorized", "unknown or expired token");
	int rc = sessions_begin(h->sessions, g.hash, clock_now(), name, &e);
	token_grant_release(&g);
	if (rc != 0)
		return respond_err(r, &e);
	snprintf(line, sizeof line,
		 SESSION_COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d%s", name,
		 SESSION_SECONDS, secure);
	return answer_with_cookie(r, line);
}
