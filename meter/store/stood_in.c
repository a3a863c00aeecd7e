#include "meter/store/stood_in.h"

#include <stdio.h>

#include "pricing/spelling.h"

/* Whether the statement, which is a constant, has a row. */
static int any_row(struct store *s, const char *statement, bool *any, struct err *e)
{
	struct query *q;
	int rc = db_prepare(store_db(s), statement, &q, e);
	if (rc != 0)
		return rc;
	rc = db_step(store_db(s), q, e);
	*any = rc == 1;
	db_drop(q);
	return rc < 0 ? rc : 0;
}

static int add_cell(void *user, const struct usage_call *c)
{
	struct named_calls *out = user;
	return !c->price || stand_ins_add(out, c->subject->provider, c->price->vendor,
					  c->sums->records, c->sums->cost)
		       ? 0
		       : err_set(NULL, ERR_RANGE, USAGE_DOES_NOT_FIT);
}

int stood_in_of(struct named_calls *out, struct store *s, const struct usage_filter *f,
		struct err *e)
{
	bool any;
	struct zone *utc = NULL;
	*out = (struct named_calls){ 0 };
	int rc = any_row(s, "SELECT 1 FROM subject WHERE provider LIKE '" SOLD_VIA "%' LIMIT 1",
			 &any, e);
	if (rc != 0 || !any)
		return rc;
	rc = zone_open(&utc, "UTC", e);
	struct usage_cells cells = {
		.store = s, .filter = f, .zone = utc, .take = add_cell, .user = out
	};
	if (rc == 0)
		rc = usage_each_cell(&cells, e);
	zone_close(utc);
	return rc;
}

/* What is counted of names that move. */
struct moving {
	struct named_calls *out;
	const struct book *book;
	struct instant at;
};

static int add_moving(void *user, const struct usage_call *c)
{
	struct moving *m = user;
	const struct subject_names *is = c->subject;
	char currency[16];
	struct price_match match;
	if (!c->price || !c->price->ref.n)
		return 0;
	snprintf(currency, sizeof currency, "%.*s", (int)c->price->currency.n,
		 c->price->currency.p);
	const struct price_query q = { .provider = is->provider,
				       .model = is->model,
				       .service_tier = is->service_tier,
				       .region = is->region,
				       .currency = currency,
				       .at = m->at };
	if (book_find(m->book, &q, &match, NULL) != 0 || !match.price->moves ||
	    !text_is(c->price->ref, match.price->id))
		return 0;
	return named_calls_add(m->out, is->model, c->sums->records, c->sums->cost)
		       ? 0
		       : err_set(NULL, ERR_RANGE, USAGE_DOES_NOT_FIT);
}

int moving_names_of(struct named_calls *out, struct store *s, const struct book *b,
		    const struct usage_filter *f, struct err *e)
{
	bool any;
	struct zone *utc = NULL;
	struct moving m = { out, b, usage_filter_asked(f) };
	*out = (struct named_calls){ 0 };
	int rc = any_row(s, "SELECT 1 FROM subject WHERE lower(model) LIKE '%-latest' LIMIT 1",
			 &any, e);
	if (rc != 0 || !any)
		return rc;
	rc = zone_open(&utc, "UTC", e);
	struct usage_cells cells = {
		.store = s, .filter = f, .zone = utc, .take = add_moving, .user = &m
	};
	if (rc == 0)
		rc = usage_each_cell(&cells, e);
	zone_close(utc);
	return rc;
}
