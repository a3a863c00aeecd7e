#include "meter/ingest/session_tally.h"

#include <stdlib.h>

void session_tallies_release(struct session_tallies *x)
{
	dict_release(&x->by_name);
	free(x->tally);
}

void session_tallies_forget(struct session_tallies *x)
{
	dict_clear(&x->by_name);
	x->count = 0;
	x->read = false;
}

static void add(struct session_tallies *x, const struct metered *m,
		const struct session_tally *counts)
{
	char room[SESSION_ROOM];
	struct text before = TEXT("");
	for (int any = 0; any < 2; any++) {
		const struct text name = session_name(room, m, any, true);
		if (!name.n || name.n == before.n) /* it names no model */
			return;
		before = name;
		uint64_t *at = dict_need(&x->by_name, name, NULL);
		if (!*at) {
			if ((x->count & (x->count - 1)) == 0)
				x->tally = mem_grow(x->tally, (x->count ? x->count * 2 : 1) *
								      sizeof *x->tally);
			x->tally[x->count] = (struct session_tally){ 0 };
			*at = ++x->count;
		}
		x->tally[*at - 1].prompt += counts->prompt;
		x->tally[*at - 1].output += counts->output;
	}
}

void session_tallies_add(struct session_tallies *x, const struct metered *m)
{
	struct session_tally counts = { 0 };
	if (!x->read)
		return;
	session_tally_add(&counts, m->record.tokens);
	add(x, m, &counts);
}

static int read_all(struct session_tallies *x, struct store *s, struct err *e)
{
	static const char sql[] =
		"SELECT u.session,b.model,"
		"CAST(sum(u.input+u.cache_read+u.cache_write_5m+u.cache_write_1h) AS BIGINT),"
		"CAST(sum(u.output) AS BIGINT) FROM usage u JOIN series r ON r.id=u.series "
		"JOIN subject b ON b.id=r.subject JOIN origin o ON o.id=u.origin "
		"WHERE u.session IS NOT NULL AND o.shape NOT LIKE '%.print' "
		"GROUP BY u.session,b.model";
	struct query *q = NULL;
	int rc = store_flush(s, e);
	if (rc == 0)
		rc = db_prepare(store_db(s), sql, &q, e);
	if (rc != 0)
		return rc;
	session_tallies_forget(x);
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		struct metered m = { 0 };
		m.record.text[FIELD_SESSION] = db_text(q, 0);
		m.record.text[FIELD_MODEL] = db_text(q, 1);
		add(x, &m, &(struct session_tally){ db_int(q, 2), db_int(q, 3) });
	}
	db_drop(q);
	x->read = rc == 0;
	return rc;
}

int session_tallies_find(struct session_tallies *x, struct store *s, struct text name,
			 struct session_tally *out, struct err *e)
{
	int rc = x->read ? 0 : read_all(x, s, e);
	const uint64_t *at = rc == 0 ? dict_find(&x->by_name, name) : NULL;
	*out = at ? x->tally[*at - 1] : (struct session_tally){ 0 };
	return rc;
}
