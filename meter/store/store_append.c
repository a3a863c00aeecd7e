#include "meter/store/record_id.h"
#include "meter/store/row_text.h"
#include "meter/store/store_parts.h"

enum { SENT_AT_ONCE = 256 << 10 }; /* bytes */

/* Places of sql_append's parameters, in the order of its columns. */
enum append_column {
	APPEND_SEQ = 1,
	APPEND_ID,
	APPEND_KIND,
	APPEND_OF,
	APPEND_TIME,
	APPEND_COMPLETED,
	APPEND_SERIES,
	APPEND_PRICE,
	APPEND_ORIGIN,
	APPEND_TOKENS,
	APPEND_REQUESTS = APPEND_TOKENS + BUCKET_COMMON,
	APPEND_TASK,
	APPEND_SESSION,
	APPEND_RAW,
	APPEND_MORE,
	APPEND_FLAGS,
	APPEND_COLUMNS = APPEND_FLAGS
};

static void bind_optional(struct query *q, int place, struct text t)
{
	if (t.n)
		db_bind_text_at(q, place, t);
	else
		db_bind_null_at(q, place);
}

static void bind_id(struct query *q, int place, struct text id, const uint8_t *uuid)
{
	if (uuid)
		db_bind_blob_at(q, place, uuid, 16);
	else
		db_bind_text_at(q, place, id);
}

/* Whether sql_append_brief can state the row. */
static bool is_brief(const struct usage_row *row, struct text more)
{
	const struct record *r = &row->record;
	return row->kind == USAGE_RECORD && !row->of && r->completed_us == TIME_ABSENT &&
	       r->requests == 1 && !row->flags && more.n == 0 &&
	       (r->tokens[BUCKET_CACHE_WRITE_5M] | r->tokens[BUCKET_CACHE_WRITE_1H] |
		r->tokens[BUCKET_REASONING]) == 0;
}

/* Its parameters, from the one behind `place` on; returns the last one. */
static int bind_brief(struct query *q, int place, const struct usage_row *row, const uint8_t *uuid)
{
	const struct record *r = &row->record;
	db_bind_int_at(q, ++place, row->seq);
	bind_id(q, ++place, r->text[FIELD_ID], uuid);
	db_bind_int_at(q, ++place, r->time_us);
	db_bind_int_at(q, ++place, row->series);
	db_bind_int_at(q, ++place, row->price);
	db_bind_int_at(q, ++place, row->origin);
	db_bind_int_at(q, ++place, r->tokens[BUCKET_INPUT]);
	db_bind_int_at(q, ++place, r->tokens[BUCKET_CACHE_READ]);
	db_bind_int_at(q, ++place, r->tokens[BUCKET_OUTPUT]);
	bind_optional(q, ++place, r->text[FIELD_TASK]);
	bind_optional(q, ++place, r->text[FIELD_SESSION]);
	bind_optional(q, ++place, row->raw);
	return place;
}

/* Binds one row from that place on; more: its rarer counts as JSON. */
static void bind_row(struct query *q, int base, const struct usage_row *row, const uint8_t *uuid,
		     struct text more)
{
	const struct record *r = &row->record;
	db_bind_int_at(q, base + APPEND_SEQ, row->seq);
	bind_id(q, base + APPEND_ID, r->text[FIELD_ID], uuid);
	db_bind_int_at(q, base + APPEND_KIND, row->kind);
	if (row->of)
		db_bind_int_at(q, base + APPEND_OF, row->of);
	else
		db_bind_null_at(q, base + APPEND_OF);
	db_bind_int_at(q, base + APPEND_TIME, r->time_us);
	if (r->completed_us == TIME_ABSENT)
		db_bind_null_at(q, base + APPEND_COMPLETED);
	else
		db_bind_int_at(q, base + APPEND_COMPLETED, r->completed_us);
	db_bind_int_at(q, base + APPEND_SERIES, row->series);
	db_bind_int_at(q, base + APPEND_PRICE, row->price);
	db_bind_int_at(q, base + APPEND_ORIGIN, row->origin);
	for (int b = 0; b < BUCKET_COMMON; b++)
		db_bind_int_at(q, base + APPEND_TOKENS + b, r->tokens[b]);
	db_bind_int_at(q, base + APPEND_REQUESTS, r->requests);
	bind_optional(q, base + APPEND_TASK, r->text[FIELD_TASK]);
	bind_optional(q, base + APPEND_SESSION, r->text[FIELD_SESSION]);
	bind_optional(q, base + APPEND_RAW, row->raw);
	bind_optional(q, base + APPEND_MORE, more);
	if (row->flags)
		db_bind_int_at(q, base + APPEND_FLAGS, row->flags);
	else
		db_bind_null_at(q, base + APPEND_FLAGS);
}

/* a record as most are: no correction, completion, cache write, reasoning, flag, rarer count */
#define BRIEF_ROW "(?,?,0,NULL,?,NULL,?,?,?,?,?,0,0,?,0,1,?,?,?,NULL,NULL)"
#define BRIEF_ROWS_4 \
	BRIEF_ROW \
	"," BRIEF_ROW "," BRIEF_ROW "," BRIEF_ROW
static const struct sql sql_append_brief = {
	.text = "INSERT INTO usage VALUES" BRIEF_ROWS_4 "," BRIEF_ROWS_4 "," BRIEF_ROWS_4
		"," BRIEF_ROWS_4,
};
/* APPEND_AT_ONCE of them make one statement */
#define NEW_ROW "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define NEW_ROWS_4 \
	NEW_ROW \
	"," NEW_ROW "," NEW_ROW "," NEW_ROW
static const struct sql sql_append_many = {
	.text = "INSERT INTO usage VALUES" NEW_ROWS_4 "," NEW_ROWS_4 "," NEW_ROWS_4 "," NEW_ROWS_4,
};
static const struct sql sql_append = {
	.text = "INSERT INTO usage VALUES" NEW_ROW,
};

/* What stands at that offset; a buffer that was never written to has no memory. */
static const char *at_offset(const struct buf *b, const char *offset)
{
	return b->p ? b->p + (uintptr_t)offset : "";
}

/* Writes what is pending: all at once when there are enough, else one by one. */
int store_flush(struct store *s, struct err *e)
{
	if (db_on_server(&s->db)) {
		const struct text lines = { s->lines.p, s->lines.n };
		s->lines.n = 0;
		return lines.n ? db_copy(&s->db, "usage", lines, e) : 0;
	}
	struct pending_text {
		uint8_t uuid[16];
		bool is_uuid;
		struct text more;
	} extra[APPEND_AT_ONCE];
	const size_t n = s->pending_count;
	struct query *q;
	int rc = 0;
	s->pending_count = 0;
	s->more.n = 0;
	for (size_t i = 0; i < n; i++) {
		struct usage_row *row = &s->pending[i];
		struct text *const texts[] = { &row->record.text[FIELD_ID],
					       &row->record.text[FIELD_TASK],
					       &row->record.text[FIELD_SESSION], &row->raw };
		/* offsets became pointers now that the buffer stands still */
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			texts[k]->p = at_offset(&s->pending_text, texts[k]->p);
		extra[i].is_uuid = record_id_uuid(row->record.text[FIELD_ID], extra[i].uuid);
		size_t from = s->more.n;
		row_put_more(&s->more, row);
		extra[i].more = (struct text){ (const char *)from, s->more.n - from };
	}
	bool brief = n == APPEND_AT_ONCE;
	for (size_t i = 0; i < n; i++) {
		extra[i].more.p = at_offset(&s->more, extra[i].more.p);
		brief = brief && is_brief(&s->pending[i], extra[i].more);
	}
	if (brief) {
		int place = 0;
		rc = db_statement(&s->db, &sql_append_brief, &q, e);
		for (size_t i = 0; rc == 0 && i < n; i++)
			place = bind_brief(q, place, &s->pending[i],
					   extra[i].is_uuid ? extra[i].uuid : NULL);
		if (rc == 0)
			rc = db_done(&s->db, q, e);
	} else if (n == APPEND_AT_ONCE) {
		rc = db_statement(&s->db, &sql_append_many, &q, e);
		for (size_t i = 0; rc == 0 && i < n; i++)
			bind_row(q, (int)i * APPEND_COLUMNS, &s->pending[i],
				 extra[i].is_uuid ? extra[i].uuid : NULL, extra[i].more);
		if (rc == 0)
			rc = db_done(&s->db, q, e);
	} else {
		for (size_t i = 0; rc == 0 && i < n; i++) {
			rc = db_statement(&s->db, &sql_append, &q, e);
			if (rc != 0)
				break;
			bind_row(q, 0, &s->pending[i], extra[i].is_uuid ? extra[i].uuid : NULL,
				 extra[i].more);
			rc = db_done(&s->db, q, e);
		}
	}
	s->pending_text.n = 0;
	return rc;
}

/* Keeps the text until the row is written, as an offset: the buffer may move. */
static void defer_text(struct store *s, struct text *t)
{
	size_t at = s->pending_text.n;
	buf_add(&s->pending_text, t->p, t->n);
	t->p = (const char *)at;
}

int store_append(struct store *s, struct usage_row *row, struct err *e)
{
	int known = archived_is_open(&s->archived, row->record.time_us, e);
	if (known == 0)
		known = store_need_ids(s, e);
	if (known != 0)
		return known;
	row->seq = s->last_seq + 1;
	if (s->ids)
		id_index_add(s->ids, id_index_hash(s->ids, row->record.text[FIELD_ID]), row->seq,
			     row->kind == USAGE_RECORD);
	if (s->claims) {
		if (s->beside && row->kind != USAGE_RECORD)
			return err_set(e, ERR_BUSY, "%s: corrections are pending", s->db.path);
		int rc = s->beside && row->seq > s->numbers_to ? store_take_numbers(s, 1, e) : 0;
		if (rc != 0)
			return rc;
		row->seq = s->last_seq + 1;
		rc = claims_note(s->claims, &s->db, row, e);
		if (rc != 0)
			return rc;
		row_put_copy_line(&s->lines, row, &s->more);
		s->last_seq = row->seq;
		if (s->listener.appended)
			s->listener.appended(s->listener.user, row);
		return s->lines.n > SENT_AT_ONCE ? store_flush(s, e) : 0;
	}
	struct usage_row *p = &s->pending[s->pending_count++];
	*p = *row;
	defer_text(s, &p->record.text[FIELD_ID]);
	defer_text(s, &p->record.text[FIELD_TASK]);
	defer_text(s, &p->record.text[FIELD_SESSION]);
	defer_text(s, &p->raw);
	s->last_seq = row->seq;
	if (s->listener.appended)
		s->listener.appended(s->listener.user, row);
	return s->pending_count == APPEND_AT_ONCE ? store_flush(s, e) : 0;
}

static const struct sql sql_add_change = {
	.text = "INSERT INTO change VALUES(:first,:at,:what,:why) ON CONFLICT DO NOTHING",
};

int store_note_change(struct store *s, const char *what, const char *why, struct err *e)
{
	struct query *q;
	int rc = db_statement(&s->db, &sql_add_change, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", s->last_seq + 1);
	db_bind_int(q, ":at", s->now.us);
	db_bind_text(q, ":what", text_of(what));
	db_bind_text(q, ":why", text_of(why));
	return db_done(&s->db, q, e);
}
