/* Tokens: which there are, a new one, which is shown once, and one that ends. */
#include <string.h>

#include "server/action.h"
#include "server/answers.h"
#include "server/token_list.h"

struct token_list {
	struct json_out *j;
	const char *customer; /* NULL: everybody's */
};

static void put_token(void *user, const struct token_grant *g)
{
	struct token_list *x = user;
	if (x->customer && (!g->customer || strcmp(g->customer, x->customer) != 0))
		return;
	json_out_object(x->j, NULL);
	json_out_string(x->j, "token", g->name);
	json_out_string(x->j, "customer", g->customer);
	json_out_bool(x->j, "read", g->scopes & SCOPE_READ);
	json_out_bool(x->j, "write", g->scopes & SCOPE_WRITE);
	json_out_bool(x->j, "admin", g->scopes & SCOPE_ADMIN);
	json_out_instant(x->j, "expires", g->expires);
	json_out_end(x->j, '}');
}

void token_list_put(struct json_out *j, struct reader *r, const char *customer)
{
	struct token_list x = { j, customer };
	json_out_array(j, "tokens");
	if (r->o->tokens)
		tokens_each(r->o->tokens, put_token, &x);
	json_out_end(j, ']');
}

int answer_tokens(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct json_out j;
	const char *customer;
	int rc = question_customer(q, &customer, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.tokens/1");
	json_out_bool(&j, "needed", r->o->tokens != NULL);
	token_list_put(&j, r, customer);
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	return 0;
}

/* --- changes --- */

/* Who has that name, and who else may administrate. */
struct census {
	const char *name;
	struct instant now;
	struct text customer;
	struct arena *texts;
	int named, others; /* others: of all customers, with the scope admin, that hold now */
};

static void count_token(void *user, const struct token_grant *g)
{
	struct census *x = user;
	if (strcmp(g->name, x->name) == 0) {
		x->named++;
		if (g->customer)
			x->customer =
				text_of(arena_text(x->texts, g->customer, strlen(g->customer)));
	} else if (g->scopes & SCOPE_ADMIN && !g->customer && g->expires.us > x->now.us) {
		x->others++;
	}
}

static int take_census(struct action *a, struct census *out, struct err *e)
{
	*out = (struct census){ .now = a->c.now, .texts = &a->arena };
	int rc = action_text(a, "name", true, &out->name, e);
	if (rc != 0)
		return rc;
	if (!a->o->tokens)
		return err_set(
			e, ERR_CONFLICT,
			"this server asks for no tokens; start it with `tally serve --tokens FILE`");
	a->about = text_of(out->name);
	/* as the file is now, which a change just before may have written */
	rc = tokens_refresh(a->o->tokens, e);
	if (rc < 0)
		return rc;
	tokens_each(a->o->tokens, count_token, out);
	return 0;
}

static int create(struct action *a, struct err *e)
{
	struct token_wish w = { .expires = INSTANT_MAX };
	struct census c;
	struct buf line = { 0 };
	struct json_out j;
	char secret[48];
	uint8_t hash[DIGEST_BYTES];
	int rc = take_census(a, &c, e);
	if (rc == 0)
		rc = action_text(a, "scope", true, &w.scopes, e);
	if (rc == 0)
		rc = action_text(a, "customer", false, &w.customer, e);
	if (rc == 0)
		rc = action_instant(a, "expires", "UTC", &w.expires, e);
	if (rc != 0)
		return rc;
	w.name = c.name;
	a->customer = text_of(w.customer ? w.customer : "");
	if (c.named)
		return err_set(e, ERR_CONFLICT, "there is a token '%s' already; revoke it first",
			       w.name);
	if (w.expires.us <= a->c.now.us)
		return err_set(e, ERR_USAGE, "'expires' is past");
	rc = question_refuse_unknown(a->q, e); /* a file knows no going back */
	if (rc == 0)
		rc = token_make(secret, hash, e);
	if (rc == 0)
		rc = token_line(&line, &w, hash, e);
	if (rc == 0)
		rc = tokens_append(tokens_path(a->o->tokens), (struct text){ line.p, line.n }, e);
	buf_release(&line);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.token/1");
	json_out_string(&j, "name", w.name);
	json_out_string(&j, "token", secret);
	json_out_end(&j, '}');
	json_out_take(&j, &a->out->body);
	return 0;
}

int answer_token_create(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	struct text name;
	int lines;
	int rc = act(r, q, out, "token create", create, e);
	/* written, and yet not in the trail: nobody has seen it */
	if (rc != 0 && out->body.n && setting_text(q, "name", true, &name, &(struct err){ 0 }) == 0)
		tokens_revoke(tokens_path(r->o->tokens), name.p, &lines, &(struct err){ 0 });
	return rc;
}

static int revoke(struct action *a, struct err *e)
{
	struct census c;
	int lines;
	int rc = take_census(a, &c, e);
	if (rc != 0)
		return rc;
	a->customer = c.customer;
	if (!c.others)
		return err_set(e, ERR_CONFLICT,
			       "nobody could administrate without '%s'; make another token first",
			       c.name);
	rc = question_refuse_unknown(a->q, e);
	return rc == 0 ? tokens_revoke(tokens_path(a->o->tokens), c.name, &lines, e) : rc;
}

int answer_token_revoke(struct reader *r, const struct http_question *q, struct http_reply *out,
			struct err *e)
{
	return act(r, q, out, "token revoke", revoke, e);
}
