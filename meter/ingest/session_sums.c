#include "meter/ingest/session_sums.h"

#include <stdio.h>

#include "meter/formats/assemble.h"
#include "meter/ingest/correct.h"

void session_sums_release(struct session_sums *x)
{
	buf_release(&x->last);
	buf_release(&x->id);
	buf_release(&x->part_of);
}

void session_sums_forget(struct session_sums *x)
{
	x->last.n = x->part_of.n = 0;
}

enum { PLACE_ROOM = SESSION_ROOM + 12 };

/* Names of what is known of runs: "held:ID" is the sum that holds the call, "open:SESSION/N" one
 * that may hold others of its session unless it is "whole:SUM", "part:SESSION/N" an answer,
 * "gave:SUM/N" one that gave way. */
static struct text run_name(char room[PLACE_ROOM], const char *what, struct text of, int place)
{
	const int n = place ? snprintf(room, PLACE_ROOM, "%s:%.*s/%d", what, (int)of.n, of.p, place)
			    : snprintf(room, PLACE_ROOM, "%s:%.*s", what, (int)of.n, of.p);
	return (struct text){ room, n < PLACE_ROOM ? (size_t)n : PLACE_ROOM - 1 };
}

static int find_run(struct store *s, const char *what, struct text of, int place,
		    struct known_id *out, struct err *e)
{
	char room[PLACE_ROOM];
	return store_find_also(s, run_name(room, what, of, place), false, out, e);
}

static int note_run(struct store *s, const char *what, struct text of, int place, struct text id,
		    struct err *e)
{
	char room[PLACE_ROOM];
	return store_also(s, run_name(room, what, of, place), id, false, e);
}

/* At the first place that is free. */
static int note_run_next(struct store *s, const char *what, struct text of, struct text id,
			 struct err *e)
{
	struct known_id known;
	int rc = 0, place = 0;
	do
		rc = find_run(s, what, of, ++place, &known, e);
	while (rc == 0 && known.first);
	return rc == 0 ? note_run(s, what, of, place, id, e) : rc;
}

/* The id of the record whose first row that is. */
static int id_of(struct session_sums *x, struct store *s, int64_t first, struct err *e)
{
	struct usage_row row;
	int rc = store_row(s, first, &row, e);
	if (rc != 0)
		return rc;
	x->id.n = 0;
	buf_add(&x->id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
	return 0;
}

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
	struct known_id part;
	int rc = id_of(x, s, known->first, e);
	if (rc == 0)
		rc = correct_void(s, x->id.p,
				  "calls arrived that the sum of their session had counted", e);
	const struct text sum = { x->id.p, x->id.n };
	struct buf id = { 0 };
	for (int place = 1; rc == 0; place++) {
		rc = find_run(s, "gave", sum, place, &part, e);
		if (rc != 0 || !part.first)
			break;
		struct usage_row row;
		rc = store_row(s, part.first, &row, e);
		id.n = 0;
		if (rc == 0)
			buf_add(&id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
		if (rc == 0)
			rc = correct_restore(s, id.p, "the sum that held it was voided", e);
	}
	buf_release(&id);
	return rc;
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

/* The answers that a new sum holds give way to it. */
static int take_parts(struct store *s, const struct metered *m, struct text sum, struct err *e)
{
	struct text rest = m->holds, id, also;
	struct buf name = { 0 };
	int rc = m->holds_more ? 0 : note_run(s, "whole", sum, 0, sum, e);
	while (rc == 0 && held_next(&rest, &id, &also)) {
		struct known_id known;
		struct usage_row row;
		rc = note_run(s, "held", id, 0, sum, e);
		if (rc == 0)
			rc = store_look_for(s, id, &known, e);
		if (rc != 0 || !known.first || !known.current)
			continue;
		rc = store_row(s, known.current, &row, e);
		if (rc != 0 || !text_is(row.shape, m->shape))
			continue;
		name.n = 0;
		buf_add(&name, id.p, id.n);
		rc = correct_void(s, name.p, "the sum of its run holds it", e);
		if (rc == 0)
			rc = note_run_next(s, "gave", sum, id, e);
	}
	buf_release(&name);
	return rc;
}

static bool holds(const struct metered *m, struct text id)
{
	struct text rest = m->holds, held, also;
	while (held_next(&rest, &held, &also))
		if (text_eq(held, id))
			return true;
	return false;
}

/* Whether an answer of the session is stored that a sum may hold which does not name all. */
static int meet_parts(struct session_sums *x, struct store *s, const struct metered *m,
		      enum session_met *met, struct err *e)
{
	int rc = 0;
	for (int place = 1; rc == 0 && *met == MET_NOTHING; place++) {
		struct known_id part;
		rc = find_run(s, "part", m->record.text[FIELD_SESSION], place, &part, e);
		if (rc != 0 || !part.first)
			break;
		if (part.current)
			rc = id_of(x, s, part.first, e);
		if (part.current && rc == 0 && !holds(m, (struct text){ x->id.p, x->id.n }))
			*met = MET_UNSURE;
	}
	return rc;
}

static int meet_as_part(struct session_sums *x, struct store *s, const struct metered *m,
			enum session_met *met, struct err *e)
{
	struct known_id sum;
	int rc = find_run(s, "held", m->record.text[FIELD_ID], 0, &sum, e);
	if (rc == 0 && sum.first) {
		*met = MET_AGAIN;
		return 0;
	}
	for (int place = 1; rc == 0 && *met == MET_NOTHING; place++) {
		struct known_id whole = { 0 };
		rc = find_run(s, "open", m->record.text[FIELD_SESSION], place, &sum, e);
		if (rc != 0 || !sum.first)
			break;
		rc = id_of(x, s, sum.first, e);
		if (rc == 0)
			rc = find_run(s, "whole", (struct text){ x->id.p, x->id.n }, 0, &whole, e);
		if (rc == 0 && sum.current && !whole.first)
			*met = MET_UNSURE;
	}
	return rc;
}

/* An answer of a run, or the sum of one. */
static int meet_run(struct session_sums *x, struct store *s, const struct metered *m,
		    struct text calls, enum session_met *met, struct err *e)
{
	struct known_id known;
	int rc = store_find_also(s, calls, false, &known, e);
	if (rc != 0)
		return rc;
	if (known.current) /* its calls are told */
		*met = m->session_sum ? MET_AGAIN : MET_NOTHING;
	else if (m->in_run)
		rc = meet_as_part(x, s, m, met, e);
	else if (m->holds_more)
		rc = meet_parts(x, s, m, met, e);
	return rc;
}

int session_sums_meet(struct session_sums *x, struct store *s, const struct metered *m,
		      enum session_met *met, struct err *e)
{
	char room[SESSION_ROOM];
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	*met = MET_NOTHING;
	if (!calls.n)
		return 0;
	if (m->session_sum || m->in_run)
		return meet_run(x, s, m, calls, met, e);
	if (text_eq(calls, (struct text){ x->last.p, x->last.n }))
		return 0;
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = take_back(x, s, m, any, e);
	return rc;
}

static int note_part(struct session_sums *x, struct store *s, const struct metered *m,
		     struct text id, struct err *e)
{
	const struct text session = m->record.text[FIELD_SESSION];
	struct known_id known = { 0 };
	int rc = 0;
	if (!text_eq(session, (struct text){ x->part_of.p, x->part_of.n })) {
		x->part_of.n = 0;
		buf_add(&x->part_of, session.p, session.n);
		x->parts = 0;
		while ((rc = find_run(s, "part", session, x->parts + 1, &known, e)) == 0 &&
		       known.first)
			x->parts++;
	}
	return rc == 0 ? note_run(s, "part", session, ++x->parts, id, e) : rc;
}

int session_sums_note(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct err *e)
{
	char room[SESSION_ROOM];
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	if (!calls.n)
		return 0;
	if (m->in_run)
		return note_part(x, s, m, id, e);
	if (m->session_sum) {
		rc = note_sum(s, m, id, e);
		if (rc == 0 && m->holds_more)
			rc = note_run_next(s, "open", m->record.text[FIELD_SESSION], id, e);
		return rc == 0 ? take_parts(s, m, id, e) : rc;
	}
	if (text_eq(calls, (struct text){ x->last.p, x->last.n }))
		return 0;
	x->last.n = 0;
	buf_add(&x->last, calls.p, calls.n);
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = store_also(s, session_name(room, m, any, true), id, false, e);
	return rc;
}

/* A sum whose calls are told by name now: whoever told it first did not show them. */
static int note_held(struct session_sums *x, struct store *s, const struct metered *m,
		     const struct known_id *known, struct err *e)
{
	int rc = id_of(x, s, known->first, e);
	return rc == 0 ? take_parts(s, m, (struct text){ x->id.p, x->id.n }, e) : rc;
}

/* What gave way to a sum that is told call by call now. */
static int stand_again(struct session_sums *x, struct store *s, const struct metered *m,
		       struct known_id *known, struct err *e)
{
	struct known_id sum = { 0 };
	enum session_met met;
	int rc = id_of(x, s, known->first, e);
	if (rc == 0)
		rc = find_run(s, "held", (struct text){ x->id.p, x->id.n }, 0, &sum, e);
	if (rc != 0 || !sum.first)
		return rc;
	rc = session_sums_meet(x, s, m, &met, e);
	return rc == 0 ? store_find_row(s, known->first, known, e) : rc;
}

int session_sums_again(struct session_sums *x, struct store *s, const struct metered *m,
		       struct known_id *known, struct err *e)
{
	char room[SESSION_ROOM];
	enum session_met met;
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	if (m->in_run || !calls.n)
		return 0;
	if (m->session_sum)
		return known->current ? note_held(x, s, m, known, e) : 0;
	if (!known->current)
		rc = stand_again(x, s, m, known, e);
	if (rc != 0 || !known->current || text_eq(calls, (struct text){ x->last.p, x->last.n }))
		return rc;
	rc = session_sums_meet(x, s, m, &met, e);
	if (rc == 0)
		rc = id_of(x, s, known->first, e);
	return rc == 0 ? session_sums_note(x, s, m, (struct text){ x->id.p, x->id.n }, e) : rc;
}
