#include "meter/ingest/session_calls.h"
#include "meter/store/archived.h"

void session_calls_release(struct session_calls *x)
{
	buf_release(&x->session);
	session_run_release(&x->run);
}

void session_calls_forget(struct session_calls *x)
{
	x->session.n = 0;
	session_run_clear(&x->run);
}

bool session_calls_are_of(const struct session_calls *x, struct text session)
{
	return x->session.n && text_eq(session, (struct text){ x->session.p, x->session.n });
}

void session_calls_add(struct session_calls *x, const struct metered *m)
{
	struct session_tally counts = { 0 };
	if (!session_calls_are_of(x, m->record.text[FIELD_SESSION]) || m->aggregate)
		return;
	session_tally_add(&counts, m->record.tokens);
	session_run_add(&x->run, m->record.time_us, m->record.text[FIELD_MODEL], &counts);
}

static const struct sql sql_calls = {
	.text = "SELECT min(u.time),b.model,"
		"CAST(sum(u.input+u.cache_read+u.cache_write_5m+u.cache_write_1h) AS BIGINT),"
		"CAST(sum(u.output) AS BIGINT) FROM usage u JOIN series r ON r.id=u.series "
		"JOIN subject b ON b.id=r.subject JOIN origin o ON o.id=u.origin "
		"WHERE u.seq>=:first AND u.session=:session AND o.shape NOT LIKE '%.print' "
		"AND (u.flags IS NULL OR (u.flags & 8) = 0) "
		"GROUP BY coalesce(u.of,u.seq),b.model",
};

int session_calls_read(struct session_calls *x, struct store *s, struct text session, int64_t first,
		       struct err *e)
{
	struct query *q = NULL;
	session_calls_forget(x);
	int rc = archived_need_rows(store_archived(s),
				    &(struct row_span){ first, INT64_MAX, ROWS_OF_ANY_TIME }, e);
	if (rc == 0)
		rc = store_flush(s, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_calls, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", first);
	db_bind_text(q, ":session", session);
	while ((rc = db_step(store_db(s), q, e)) == 1)
		session_run_add(&x->run, db_int(q, 0), db_text(q, 1),
				&(struct session_tally){ db_int(q, 2), db_int(q, 3) });
	db_reset(q);
	if (rc == 0)
		buf_add(&x->session, session.p, session.n);
	return rc;
}
