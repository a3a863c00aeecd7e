#include "meter/store/store_names.h"

#include "base/db.h"

int store_each_name(struct store *s, enum store_names which,
		    void (*take)(void *user, struct text name), void *user, struct err *e)
{
	static const char *const sql[] = {
		"SELECT DISTINCT customer FROM series WHERE customer <> '' ORDER BY customer",
		"SELECT DISTINCT project FROM series WHERE project <> '' ORDER BY project",
		"SELECT DISTINCT model FROM subject WHERE model <> '' ORDER BY model",
		"SELECT DISTINCT source FROM origin WHERE source <> '' ORDER BY source",
		"SELECT DISTINCT shape FROM origin WHERE shape <> '' ORDER BY shape",
	};
	struct query *q;
	int rc = db_prepare(store_db(s), sql[which], &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1)
		take(user, db_text(q, 0));
	db_drop(q);
	return rc;
}
