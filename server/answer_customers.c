/* Customers, their tokens, and prices. */
#include <stdlib.h>

#include "reports/customer_report.h"
#include "reports/price_report.h"
#include "server/answers.h"

int answer_customers(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	struct customer_question c = { .ledger = r->ledger, .now = r->now };
	struct zone *z = NULL;
	const char *name;
	struct json_out j;
	int rc = question_zone(q, &z, &name, e);
	if (rc == 0)
		rc = question_filter(q, z, &c.filter, e);
	c.zone = z;
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		rc = customer_list_put(&j, &c, e);
		json_out_take(&j, &out->body);
	}
	zone_close(z);
	return rc;
}

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

static void put_tokens(struct json_out *j, struct reader *r, const char *customer)
{
	struct token_list x = { j, customer };
	json_out_array(j, "tokens");
	if (r->o->tokens)
		tokens_each(r->o->tokens, put_token, &x);
	json_out_end(j, ']');
}

int answer_customer(struct reader *r, const struct http_question *q, struct http_reply *out,
		    struct err *e)
{
	struct customer_question c = { .ledger = r->ledger, .now = r->now };
	struct zone *z = NULL;
	const char *name;
	struct json_out j;
	int rc = question_is_of(q, q->rest, e);
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	if (rc == 0)
		rc = question_filter(q, z, &c.filter, e);
	c.filter.customer = q->rest.p; /* the last part of the path */
	c.zone = z;
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		json_out_object(&j, NULL);
		rc = customer_put(&j, &c, e);
		put_tokens(&j, r, c.filter.customer);
		json_out_end(&j, '}');
		json_out_take(&j, &out->body);
	}
	zone_close(z);
	return rc;
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
	put_tokens(&j, r, customer);
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	return 0;
}

/* --- prices --- */

static int read_price_question(struct reader *r, const struct http_question *q,
			       struct price_question *out, struct err *e)
{
	struct zone *z = NULL;
	const char *name;
	*out = (struct price_question){ .book = r->book,
					.now = r->now,
					.at = r->now,
					.model = q->parameter(q, "model"),
					.provider = q->parameter(q, "provider"),
					.currency = q->parameter(q, "currency"),
					.resellers = question_flag(q, "resellers"),
					.history = !question_flag(q, "current") };
	out->at.us -= out->at.us % US_PER_SECOND;
	int rc = question_zone(q, &z, &name, e);
	if (rc == 0)
		rc = question_instant(q, "at", z, &out->at, e);
	zone_close(z);
	return rc;
}

int answer_prices(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct price_question p;
	struct json_out j;
	int rc = read_price_question(r, q, &p, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	price_list_put(&j, &p);
	json_out_take(&j, &out->body);
	return 0;
}

int answer_price(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	struct price_question p;
	struct json_out j;
	int rc = read_price_question(r, q, &p, e);
	p.model = q->rest.p; /* the last part of the path */
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = price_history_put(&j, &p, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_price_week(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	struct price_question p;
	struct arena texts = { 0 };
	struct zone *z = NULL;
	const char *name;
	struct json_out j;
	int rc = read_price_question(r, q, &p, e);
	p.model = arena_text(&texts, q->rest.p, q->rest.n);
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		rc = price_week_put(&j, &p, z, name, e);
		json_out_take(&j, &out->body);
	}
	zone_close(z);
	arena_release(&texts);
	return rc;
}
