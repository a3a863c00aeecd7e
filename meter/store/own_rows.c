#include "meter/store/own_rows.h"

static const struct sql sql_count = { .text = "SELECT count(*) FROM series" };

int own_rows_from(struct store *s, const struct usage_filter *f, int64_t *out, struct err *e)
{
	struct query *q;
	*out = INT64_MAX;
	if (!f->customer && !f->project && !f->workload)
		return 0;
	int rc = db_statement(store_db(s), &sql_count, &q, e);
	if (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		*out = db_int(q, 0);
		db_reset(q);
		rc = 0;
	}
	return rc;
}

void own_rows_bind(struct query *q, const struct usage_filter *f)
{
	const char *const names[] = { ":customer", ":project", ":workload" };
	const char *const wanted[] = { f->customer, f->project, f->workload };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (wanted[i])
			db_bind_text(q, names[i], text_of(wanted[i]));
		else
			db_bind_null(q, names[i]);
}
