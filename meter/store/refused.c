#include "meter/store/refused.h"

#include "base/json.h"

/* Of more than that none is looked at: all of them count. */
enum { LOOKED_AT_MOST = 1000 };

static const struct sql sql_refused = {
	.text = "SELECT raw,told FROM quarantine WHERE state='held' LIMIT :most",
};
static const struct sql sql_refused_count = {
	.text = "SELECT count(*) FROM quarantine WHERE state='held'",
};

/* Of a record, or of what was told beside it; false where it is no object. */
struct refused_record {
	struct text customer, time;
};
static void read_names(struct refused_record *r, json_value *v, struct arena *texts)
{
	static const char *const times[] = { "time", "timestamp", "created_at" };
	const struct text customer = json_string(json_member(v, "customer"));
	if (customer.n)
		r->customer =
			(struct text){ arena_text(texts, customer.p, customer.n), customer.n };
	for (size_t i = 0; i < sizeof times / sizeof *times && !r->time.n; i++) {
		json_value *time = json_member(v, times[i]);
		const struct text t = json_string(time).n ? json_string(time) : json_number(time);
		if (t.n)
			r->time = (struct text){ arena_text(texts, t.p, t.n), t.n };
	}
}

static void read_record(struct refused_record *r, struct text json, struct arena *texts)
{
	struct json_document *d;
	struct err none;
	if (!json.n || json_open(&d, json, &none) != 0)
		return;
	read_names(r, json_root(d), texts);
	json_close(d);
}

/* What a record does not say may be any customer, and any time. */
static bool may_be_of(const struct refused_record *r, const struct usage_filter *f)
{
	struct instant at;
	struct err none;
	if (f->customer && r->customer.n && !text_is(r->customer, f->customer))
		return false;
	return !r->time.n || instant_parse_lenient(&at, r->time, &none) != 0 ||
	       (at.us >= f->since.us && at.us < f->until.us);
}

int refused_all(struct store *s, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_refused_count, &q, e);
	if (rc == 0)
		rc = db_step(store_db(s), q, e);
	if (rc < 0)
		return rc;
	*out = db_int(q, 0);
	db_reset(q);
	return 0;
}

int refused_count(struct store *s, const struct usage_filter *filter, int64_t *out, struct err *e)
{
	struct arena texts = { 0 };
	struct query *q;
	int64_t looked = 0;
	*out = 0;
	int rc = db_statement(store_db(s), &sql_refused, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":most", LOOKED_AT_MOST + 1);
	while ((rc = db_step(store_db(s), q, e)) == 1 && looked <= LOOKED_AT_MOST) {
		struct refused_record r = { 0 };
		read_record(&r, db_text(q, 0), &texts);
		read_record(&r, db_text(q, 1), &texts);
		*out += may_be_of(&r, filter);
		looked++;
		arena_reset(&texts);
	}
	db_reset(q);
	arena_release(&texts);
	if (rc < 0)
		return rc;
	return looked > LOOKED_AT_MOST ? refused_all(s, out, e) : 0;
}
