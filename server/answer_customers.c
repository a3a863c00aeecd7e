/* Customers and prices. */
#include <stdlib.h>

#include "reports/customer_report.h"
#include "reports/price_report.h"
#include "server/answers.h"
#include "server/token_list.h"

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
		token_list_put(&j, r, c.filter.customer);
		json_out_end(&j, '}');
		json_out_take(&j, &out->body);
	}
	zone_close(z);
	return rc;
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
