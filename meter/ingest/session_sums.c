#include "meter/ingest/session_sums.h"

#include <stdio.h>

#include "meter/ingest/correct.h"
#include "meter/store/archived.h"

void session_sums_release(struct session_sums *x)
{
	dict_release(&x->told);
	buf_release(&x->id);
	buf_release(&x->held);
	buf_release(&x->parts.of);
	buf_release(&x->shared.of);
	session_calls_release(&x->calls);
}

void session_sums_begin(struct session_sums *x)
{
	dict_clear(&x->told);
}

void session_sums_forget(struct session_sums *x)
{
	dict_clear(&x->told);
	x->parts.of.n = x->shared.of.n = 0;
	session_calls_forget(&x->calls);
}

static struct text text_in(const struct buf *b)
{
	return (struct text){ b->p, b->n };
}

enum { PLACE_ROOM = SESSION_ROOM + 12 };

/* Names of what is known of runs: "held:ID" is the sum that holds the call, "holds:SUM" the calls
 * of one that names them all, "open:SESSION/N" one that may hold others of its session unless it is
 * "whole:SUM", "part:SESSION/N" an answer, "gave:SUM/N" one that gave way, "shared:SESSION/N" a
 * call of another session that its log repeats ("shares:SESSION#ID" says so as well). place 0: it
 * has none. */
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

/* The same of many, whose last place is remembered. */
static int note_place(struct session_places *p, struct store *s, const char *what,
		      struct text session, struct text id, struct err *e)
{
	struct known_id known = { 0 };
	int rc = 0;
	if (!text_eq(session, text_in(&p->of))) {
		p->of.n = 0;
		buf_add(&p->of, session.p, session.n);
		p->count = 0;
		while ((rc = find_run(s, what, session, p->count + 1, &known, e)) == 0 &&
		       known.first)
			p->count++;
	}
	return rc == 0 ? note_run(s, what, session, ++p->count, id, e) : rc;
}

static int id_of_row(struct buf *id, struct store *s, int64_t first, struct err *e)
{
	struct usage_row row;
	int rc = store_row(s, first, &row, e);
	id->n = 0;
	if (rc == 0)
		buf_add(id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
	return rc;
}

/* The id of the record whose first row that is. */
static int id_of(struct session_sums *x, struct store *s, int64_t first, struct err *e)
{
	return id_of_row(&x->id, s, first, e);
}

/* A session has a sum for each of its runs: "sum:SESSION#MODEL/N". This is what stands between. */
static struct text sum_name(char room[SESSION_ROOM], const struct metered *m, bool any_model)
{
	const struct text name = session_name(room, m, any_model, false);
	const size_t head = sizeof "sum:" - 1;
	return name.n ? (struct text){ name.p + head, name.n - head } : name;
}

static int find_sum(struct store *s, const struct metered *m, bool any_model, int place,
		    struct known_id *out, struct err *e)
{
	char name[SESSION_ROOM];
	return find_run(s, "sum", sum_name(name, m, any_model), place, out, e);
}

/* --- sums and calls --- */

static int is_call(struct store *s, struct text id, struct text also, bool *out, struct err *e)
{
	struct known_id known;
	struct usage_row row = { 0 };
	int rc = store_look_for(s, id, &known, e);
	if (rc == 0 && known.current)
		rc = store_row(s, known.current, &row, e);
	*out = rc == 0 && known.current && !text_is(row.shape, PRINTED_ANSWER_SHAPE);
	if (rc != 0 || *out || !also.n)
		return rc;
	rc = store_find_also(s, also, false, &known, e);
	if (rc == 0 && !known.first)
		rc = store_look_for(s, also, &known, e);
	*out = rc == 0 && known.current;
	return rc;
}

/* What a sum counts: the calls that it names, or else tokens. */
struct claim {
	struct text id, session, held;
	struct session_sum sum;
};

static void set_counts(struct claim *c, struct text shape, const int64_t tokens[BUCKET_COUNT])
{
	c->sum.counts = (struct session_tally){ 0 };
	session_tally_add(&c->sum.counts, tokens);
	c->sum.of_thread = session_sum_is_of_thread(shape);
}

/* Into x->calls: those that are stored as the session's, and those of others that its log has. */
static int read_calls(struct session_sums *x, struct store *s, struct text session, struct err *e)
{
	char room[SESSION_ROOM];
	struct known_id call;
	struct usage_row row;
	const struct metered any = { .record.text[FIELD_SESSION] = session };
	if (session_calls_are_of(&x->calls, session))
		return 0;
	int rc = store_find_also(s, session_name(room, &any, true, true), false, &call, e);
	if (rc == 0)
		rc = session_calls_read(&x->calls, s, session, call.first, e);
	for (int place = 1; rc == 0; place++) {
		rc = find_run(s, "shared", session, place, &call, e);
		if (rc != 0 || !call.first)
			break;
		if (!call.current || (rc = store_row(s, call.current, &row, e)) != 0)
			continue;
		struct session_tally counts = { 0 };
		session_tally_add(&counts, row.record.tokens);
		session_run_add(&x->calls.run, row.record.time_us, row.record.text[FIELD_MODEL],
				&counts);
	}
	return rc;
}

/* Whether calls are there that count what the sum does, and that no other one of the session, which
 * counts as much, was told by. */
static int find_place(struct session_sums *x, struct store *s, struct claim *c, bool *out,
		      struct err *e)
{
	char room[SESSION_ROOM];
	struct buf taken = { 0 };
	int rc = 0;
	for (c->sum.place = 1; rc == 0; c->sum.place++) {
		*out = session_run_holds(&x->calls.run, &c->sum);
		if (!*out || c->sum.of_thread)
			break;
		const struct text name = session_sum_name(room, c->session, &c->sum);
		rc = store_also_text(s, name, &taken, e);
		if (rc == 0 && !taken.n)
			rc = store_also(s, name, c->id, false, e);
		else if (rc != 0 || !text_eq(c->id, text_in(&taken)))
			continue;
		break;
	}
	buf_release(&taken);
	return rc;
}

/* Whether the calls that the sum counts are stored. */
static int are_all_told(struct session_sums *x, struct store *s, struct claim *c, bool *out,
			struct err *e)
{
	struct text rest = c->held, id, also;
	int rc = 0;
	*out = true;
	while (rc == 0 && *out && held_next(&rest, &id, &also))
		rc = is_call(s, id, also, out, e);
	if (rc != 0 || c->held.n)
		return rc;
	rc = read_calls(x, s, c->session, e);
	return rc == 0 ? find_place(x, s, c, out, e) : rc;
}

/* The calls that a stored sum names, if it names all; into x->held. */
static int read_held(struct session_sums *x, struct store *s, const struct known_id *sum,
		     struct err *e)
{
	char room[PLACE_ROOM];
	int rc = id_of(x, s, sum->first, e);
	return rc == 0 ? store_also_text(s, run_name(room, "holds", text_in(&x->id), 0), &x->held,
					 e)
		       : rc;
}

/* The answers that gave way to the sum stand again. */
static int restore_parts(struct store *s, struct text sum, struct err *e)
{
	struct known_id part;
	struct buf id = { 0 };
	int rc = 0;
	for (int place = 1; rc == 0; place++) {
		rc = find_run(s, "gave", sum, place, &part, e);
		if (rc != 0 || !part.first)
			break;
		rc = id_of_row(&id, s, part.first, e);
		if (rc == 0)
			rc = correct_restore(s, id.p, "the sum that held it gave way to calls", e);
	}
	buf_release(&id);
	return rc;
}

/* Calls came that a sum counts, or all of them: its price cannot stand beside theirs. */
static int give_way(struct session_sums *x, struct store *s, const struct known_id *sum, bool all,
		    struct err *e)
{
	struct usage_row row;
	int rc = id_of(x, s, sum->first, e);
	if (rc == 0)
		rc = store_row(s, sum->current, &row, e);
	if (rc == 0 && !all && row.flags & USAGE_UNREAD)
		return 0;
	if (rc == 0)
		rc = all ? correct_void(s, x->id.p,
					"calls arrived that the sum of their session had counted",
					e)
			 : correct_unprice(s, x->id.p, CALLS_ARE_MISSING, e);
	return rc == 0 ? restore_parts(s, text_in(&x->id), e) : rc;
}

/* The sums of the call's session give way to what is told of it; *left: some remain. */
static int settle(struct session_sums *x, struct store *s, const struct metered *m, bool any_model,
		  bool *left, struct err *e)
{
	struct claim c = { .session = m->record.text[FIELD_SESSION],
			   .sum.model = any_model ? TEXT("") : m->record.text[FIELD_MODEL] };
	struct usage_row row;
	struct known_id sum;
	int rc = 0;
	for (int place = 1; rc == 0; place++) {
		bool all;
		rc = find_sum(s, m, any_model, place, &sum, e);
		if (rc != 0 || !sum.first)
			break;
		if (!sum.current)
			continue;
		rc = read_held(x, s, &sum, e);
		c.held = text_in(&x->held);
		if (rc == 0)
			rc = store_row(s, sum.current, &row, e);
		c.id = text_in(&x->id);
		if (rc == 0)
			set_counts(&c, row.shape, row.record.tokens);
		if (rc == 0)
			rc = are_all_told(x, s, &c, &all, e);
		if (rc == 0)
			rc = give_way(x, s, &sum, all, e);
		*left |= rc == 0 && !all;
	}
	return rc;
}

static int note_call(struct session_sums *x, struct store *s, const struct metered *m,
		     struct text calls, struct text id, struct err *e)
{
	enum { TOLD_MOST = 10000 };
	char room[SESSION_ROOM];
	bool left = false;
	int rc = 0;
	if (dict_find(&x->told, calls))
		return 0;
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = store_also(s, session_name(room, m, any, true), id, false, e);
	for (int any = 0; rc == 0 && any < 2; any++)
		rc = settle(x, s, m, any, &left, e);
	if (x->told.count == TOLD_MOST)
		dict_clear(&x->told);
	if (rc == 0 && !left)
		dict_need(&x->told, session_name(room, m, false, true), NULL);
	return rc;
}

/* --- answers of runs --- */

/* The answers that a sum holds give way to it. */
static int take_parts(struct store *s, const struct metered *m, struct text sum, bool told,
		      struct err *e)
{
	struct text rest = m->holds, id, also;
	struct buf name = { 0 };
	int rc = m->holds_more ? 0 : note_run(s, "whole", sum, 0, sum, e);
	if (rc == 0 && !m->holds_more && m->holds.n)
		rc = note_run(s, "holds", sum, 0, m->holds, e);
	while (rc == 0 && held_next(&rest, &id, &also)) {
		struct known_id known;
		struct usage_row row;
		rc = note_run(s, "held", id, 0, sum, e);
		if (rc == 0)
			rc = store_look_for(s, id, &known, e);
		if (rc != 0 || told || !known.first || !known.current)
			continue;
		rc = store_row(s, known.current, &row, e);
		if (rc != 0 || !text_is(row.shape, PRINTED_ANSWER_SHAPE))
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
		if (part.current && rc == 0 && !holds(m, text_in(&x->id)))
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
			rc = find_run(s, "whole", text_in(&x->id), 0, &whole, e);
		if (rc == 0 && sum.current && !whole.first)
			*met = MET_UNSURE;
	}
	return rc;
}

static int note_part(struct session_sums *x, struct store *s, const struct metered *m,
		     struct text id, struct err *e)
{
	return note_place(&x->parts, s, "part", m->record.text[FIELD_SESSION], id, e);
}

/* --- what ingest asks --- */

static int meet_as_sum(struct session_sums *x, struct store *s, const struct metered *m,
		       enum session_met *met, struct err *e)
{
	struct claim c = { .id = m->record.text[FIELD_ID],
			   .session = m->record.text[FIELD_SESSION],
			   .sum.model = m->of_any_model ? TEXT("") : m->record.text[FIELD_MODEL],
			   .held = m->holds_more ? TEXT("") : m->holds };
	bool all;
	set_counts(&c, text_of(m->shape), m->record.tokens);
	int rc = are_all_told(x, s, &c, &all, e);
	if (rc == 0)
		*met = all ? MET_AGAIN : MET_IN_PART;
	return rc;
}

int session_sums_meet(struct session_sums *x, struct store *s, const struct metered *m,
		      enum session_met *met, struct err *e)
{
	char room[SESSION_ROOM];
	struct known_id known;
	const struct text calls = session_name(room, m, false, true);
	*met = MET_NOTHING;
	if (!calls.n || !(m->session_sum || m->in_run))
		return 0;
	int rc = store_find_also(s, calls, false, &known, e);
	if (rc != 0 || (known.current && m->in_run))
		return rc;
	if (known.current)
		return meet_as_sum(x, s, m, met, e);
	if (m->in_run)
		return meet_as_part(x, s, m, met, e);
	return m->holds_more ? meet_parts(x, s, m, met, e) : 0;
}

static int note_as_sum(struct store *s, const struct metered *m, struct text calls, struct text id,
		       struct err *e)
{
	char room[SESSION_ROOM];
	struct known_id known;
	int rc = note_run_next(s, "sum", sum_name(room, m, false), id, e);
	if (rc == 0 && m->holds_more)
		rc = note_run_next(s, "open", m->record.text[FIELD_SESSION], id, e);
	if (rc == 0)
		rc = store_find_also(s, calls, false, &known, e);
	return rc == 0 ? take_parts(s, m, id, known.current != 0, e) : rc;
}

static int need_run(struct store *s, const char *what, struct text session, struct err *e)
{
	struct known_id known = { .first = 1 };
	int rc = 0;
	for (int place = 1; rc == 0 && known.first; place++)
		rc = find_run(s, what, session, place, &known, e);
	return rc;
}

int session_sums_need(struct store *s, const struct metered *m, struct err *e)
{
	static const char *const runs[] = { "part", "open", "shared" };
	const struct text session = m->record.text[FIELD_SESSION];
	char room[SESSION_ROOM];
	struct text rest = m->holds, id, also;
	struct known_id known;
	int rc = 0;
	if (!archived_lacks(store_archived(s), &(struct row_span){ 1, INT64_MAX, ROWS_OF_ANY_TIME },
			    NULL) ||
	    !session_name(room, m, false, true).n)
		return 0;
	for (int any = 0; rc == 0 && any < 2; any++) {
		known.first = 1;
		for (int place = 1; rc == 0 && known.first; place++)
			rc = find_sum(s, m, any, place, &known, e);
		if (rc == 0 && (m->session_sum || m->in_run))
			rc = store_find_also(s, session_name(room, m, any, true), false, &known, e);
	}
	for (size_t i = 0; rc == 0 && i < sizeof runs / sizeof *runs; i++)
		rc = need_run(s, runs[i], session, e);
	while (rc == 0 && held_next(&rest, &id, &also))
		rc = store_look_for(s, id, &known, e);
	return rc;
}

int session_sums_note(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct err *e)
{
	char room[SESSION_ROOM];
	const struct text calls = session_name(room, m, false, true);
	if (!calls.n)
		return 0;
	if (m->in_run)
		return note_part(x, s, m, id, e);
	if (m->session_sum) {
		dict_clear(&x->told);
		/* its name for calls shares the room */
		char own[SESSION_ROOM];
		return note_as_sum(s, m, session_name(own, m, false, true), id, e);
	}
	session_calls_add(&x->calls, m);
	return note_call(x, s, m, calls, id, e);
}

/* A sum that is told again: perhaps by a source that shows its calls. */
static int sum_again(struct store *s, const struct metered *m, struct text calls, struct text id,
		     struct err *e)
{
	struct known_id told;
	int rc = store_find_also(s, calls, false, &told, e);
	return rc == 0 ? take_parts(s, m, id, told.current != 0, e) : rc;
}

/* A call that is stored as another session's. */
static int note_shared(struct session_sums *x, struct store *s, const struct metered *m,
		       int64_t first, struct err *e)
{
	char room[SESSION_ROOM * 2];
	struct usage_row row;
	struct known_id known;
	const struct text session = m->record.text[FIELD_SESSION];
	int rc = store_row(s, first, &row, e);
	if (rc != 0 || text_eq(row.record.text[FIELD_SESSION], session))
		return rc;
	x->id.n = 0;
	buf_add(&x->id, row.record.text[FIELD_ID].p, row.record.text[FIELD_ID].n);
	const int n = snprintf(room, sizeof room, "shares:%.*s#%.*s", (int)session.n, session.p,
			       (int)x->id.n, x->id.p);
	const struct text name = { room, n < (int)sizeof room ? (size_t)n : sizeof room - 1 };
	rc = store_find_also(s, name, false, &known, e);
	if (rc != 0 || known.first)
		return rc;
	session_calls_forget(&x->calls); /* they are more now */
	rc = store_also(s, name, text_in(&x->id), false, e);
	return rc == 0 ? note_place(&x->shared, s, "shared", session, text_in(&x->id), e) : rc;
}

static int call_again(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct known_id *known, struct err *e)
{
	char room[SESSION_ROOM];
	struct known_id sum = { 0 };
	int rc = 0;
	if (!known->current) { /* it may have given way to a sum */
		rc = find_run(s, "held", id, 0, &sum, e);
		if (rc != 0 || !sum.first)
			return rc;
		dict_clear(&x->told);
	}
	if (rc == 0)
		rc = note_call(x, s, m, session_name(room, m, false, true), id, e);
	return rc == 0 && sum.first ? store_find_row(s, known->first, known, e) : rc;
}

int session_sums_again(struct session_sums *x, struct store *s, const struct metered *m,
		       struct known_id *known, struct err *e)
{
	char room[SESSION_ROOM];
	struct buf id = { 0 };
	const struct text calls = session_name(room, m, false, true);
	int rc = 0;
	if (!m->in_run && !m->session_sum && calls.n && known->current)
		rc = note_shared(x, s, m, known->first, e);
	const bool same = dict_find(&x->told, calls) != NULL;
	if (rc != 0)
		return rc;
	if (m->in_run || !calls.n || (known->current ? !m->session_sum && same : m->session_sum))
		return 0;
	rc = id_of_row(&id, s, known->first, e);
	if (rc == 0)
		rc = m->session_sum ? sum_again(s, m, calls, text_in(&id), e)
				    : call_again(x, s, m, text_in(&id), known, e);
	buf_release(&id);
	return rc;
}

void session_sums_grown(struct session_sums *x)
{
	session_calls_forget(&x->calls);
}
