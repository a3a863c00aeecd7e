#include "meter/ingest/session_sums.h"

#include <stdio.h>

#include "meter/formats/assemble.h"
#include "meter/ingest/correct.h"

void session_sums_release(struct session_sums *x)
{
	buf_release(&x->last);
	buf_release(&x->id);
}

void session_sums_forget(struct session_sums *x)
{
	x->last.n = 0;
}

enum { PLACE_ROOM = SESSION_ROOM + 12 };

/* A session has a sum for each of its runs. */
static struct text place_name(char room[PLACE_ROOM], const struct metered *m, bool any_model,
			      int place)
{
	char name[SESSION_ROOM];
	const struct text sum = session_name(name, m, any_model, false);
	const int n = snprintf(room, PLACE_ROOM, "%.*s/%d", (int)sum.n, sum.p, place);
	return (struct text){ room, (size_t)n };
}

static int take_back_one(struct session_sums *x, struct store *s, const struct known_id *known,
			 struct err *e)
{
	struct usage_row row;
	int rc = store_row(s, known->first, &row, e);
	if (rc != 0)
		return rc;
	x->id.n = 0;
	buf_add(&x->id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
	return correct_void(s, x->id.p, "calls arrived that the sum of their session had counted",
			    e);
}

/* The sums give way. */
static int take_back(struct session_sums *x, struct store *s, const struct metered *m,
		     bool any_model, struct err *e)
{
	char room[PLACE_ROOM];
	struct known_id known;
	int rc = 0;
	for (int place = 1; rc == 0; place++) {
		rc = store_find_also(s, place_name(room, m, any_model, place), false, &known, e);
		if (rc != 0 || !known.first)
			break;
		if (known.current)
			rc = take_back_one(x, s, &known, e);
	}
	return rc;
}

static int note_sum(struct store *s, const struct metered *m, struct text id, struct err *e)
{
	char room[PLACE_ROOM];
	struct known_id known = { 0 };
	int rc = 0, place = 0;
	do
		rc = store_find_also(s, place_name(room, m, false, ++place), false, &known, e);
	while (rc == 0 && known.first);
	return rc == 0 ? store_also(s, place_name(room, m, false, place), id, false, e) : rc;
}

int session_sums_meet(struct session_sums *x, struct store *s, const struct metered *m, bool *told,
		      struct err *e)
{
	char room[SESSION_ROOM];
	struct known_id known = { 0 };
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	*told = false;
	if (!calls.n || (!m->session_sum && text_eq(calls, (struct text){ x->last.p, x->last.n })))
		return 0;
	if (m->session_sum) {
		rc = store_find_also(s, calls, false, &known, e);
		*told = rc == 0 && known.current;
		return rc;
	}
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = take_back(x, s, m, any, e);
	return rc;
}

int session_sums_note(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct err *e)
{
	char room[SESSION_ROOM];
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	if (!calls.n)
		return 0;
	if (m->session_sum)
		return note_sum(s, m, id, e);
	if (text_eq(calls, (struct text){ x->last.p, x->last.n }))
		return 0;
	x->last.n = 0;
	buf_add(&x->last, calls.p, calls.n);
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = store_also(s, session_name(room, m, any, true), id, false, e);
	return rc;
}

int session_sums_again(struct session_sums *x, struct store *s, const struct metered *m,
		       int64_t first, struct err *e)
{
	char room[SESSION_ROOM];
	struct usage_row row;
	bool told;
	const struct text calls = session_name(room, m, false, true);
	if (m->session_sum || !calls.n || text_eq(calls, (struct text){ x->last.p, x->last.n }))
		return 0;
	int rc = session_sums_meet(x, s, m, &told, e);
	if (rc == 0)
		rc = store_row(s, first, &row, e);
	if (rc != 0)
		return rc;
	x->id.n = 0;
	buf_add(&x->id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
	return session_sums_note(x, s, m, (struct text){ x->id.p, x->id.n }, e);
}
