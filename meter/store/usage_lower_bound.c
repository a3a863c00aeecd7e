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

int usage_lower_bound(struct lower_bound *out, struct store *s, const struct usage_sums *of,
		      struct err *e)
{
	*out = (struct lower_bound){ .placeholders = of->placeholders, .unsaid = of->unsaid };
	return see_sources(out, store_db(s), e);
}
