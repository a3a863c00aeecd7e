#include "meter/store/usage_query.h"

#include <stdio.h>

static int see_sources(struct lower_bound *out, struct db *db, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(db, "SELECT DISTINCT shape FROM origin", &q, e);
	while (rc == 0 && (rc = db_step(db, q, e)) == 1) {
		char shape[64];
		struct text t = db_text(q, 0);
		snprintf(shape, sizeof shape, "%.*s", (int)t.n, t.p);
		lower_bound_see(out, shape);
		rc = 0;
	}
	if (q)
		db_drop(q);
	return rc;
}

/* Records that were reversed are no longer there. */
static int count_placeholders(struct lower_bound *out, struct db *db, const struct usage_filter *f,
			      int64_t most, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(
		db,
		"SELECT coalesce(sum(CASE kind WHEN 1 THEN -1 ELSE 1 END),0),count(*) FROM (SELECT "
		"u.kind AS kind FROM usage u JOIN series s ON s.id=u.series JOIN subject b ON "
		"b.id=s.subject JOIN price p ON p.id=u.price WHERE (u.flags & 2) <> 0 AND u.time>=:since AND u.time<:until AND "
		"(CAST(:customer AS text)='' OR s.customer=:customer) AND "
		"(CAST(:project AS text)='' OR s.project=:project) AND "
		"(CAST(:workload AS text)='' OR s.workload=:workload) AND "
		"(CAST(:effort AS text)='' OR s.effort=:effort) AND "
		"(CAST(:session AS text)='' OR u.session=:session) AND "
		"(CAST(:provider AS text)='' OR CASE WHEN p.vendor='' THEN b.provider ELSE "
		"p.vendor END=:provider) AND "
		"(CAST(:model AS text)='' OR b.model=:model) LIMIT :most) x",
		&q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":since", f->since.us);
	db_bind_int(q, ":until", f->until.us);
	db_bind_text(q, ":customer", text_of(f->customer ? f->customer : ""));
	db_bind_text(q, ":project", text_of(f->project ? f->project : ""));
	db_bind_text(q, ":model", text_of(f->model ? f->model : ""));
	db_bind_text(q, ":workload", text_of(f->workload ? f->workload : ""));
	db_bind_text(q, ":effort", text_of(f->effort ? f->effort : ""));
	db_bind_text(q, ":session", text_of(f->session ? f->session : ""));
	db_bind_text(q, ":provider", text_of(f->provider ? f->provider : ""));
	db_bind_int(q, ":most", most);
	rc = db_step(db, q, e);
	if (rc == 1) {
		out->placeholders = db_int(q, 0);
		out->or_more = db_int(q, 1) >= most;
	}
	db_drop(q);
	return rc < 0 ? rc : 0;
}

int usage_lower_bound(struct lower_bound *out, struct store *s, const struct usage_filter *f,
		      int64_t most, struct err *e)
{
	*out = (struct lower_bound){ 0 };
	int rc = see_sources(out, store_db(s), e);
	return rc == 0 ? count_placeholders(out, store_db(s), f, most, e) : rc;
}
