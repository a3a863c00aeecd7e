#include "meter/store/stood_in.h"

#include "pricing/spelling.h"

static int any_seller(struct store *s, bool *any, struct err *e)
{
	struct query *q;
	int rc = db_prepare(store_db(s),
			    "SELECT 1 FROM subject WHERE provider LIKE '" SOLD_VIA "%' LIMIT 1", &q,
			    e);
	if (rc != 0)
		return rc;
	rc = db_step(store_db(s), q, e);
	*any = rc == 1;
	db_drop(q);
	return rc < 0 ? rc : 0;
}

static int add_cell(void *user, const struct usage_call *c)
{
	struct stand_ins *out = user;
	return !c->price || stand_ins_add(out, c->subject->provider, c->price->vendor,
					  c->sums->records, c->sums->cost)
		       ? 0
		       : err_set(NULL, ERR_RANGE, USAGE_DOES_NOT_FIT);
}

int stood_in_of(struct stand_ins *out, struct store *s, const struct usage_filter *f, struct err *e)
{
	bool any;
	struct zone *utc = NULL;
	*out = (struct stand_ins){ 0 };
	int rc = any_seller(s, &any, e);
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
