#include "meter/store/row_text.h"
#include "meter/store/store_parts.h"

enum { READ_AT_ONCE = 20000 }; /* rows */

/* The row at which the statement stands. */
static int take_row(struct store *s, struct query *q, struct usage_row *row, struct err *e)
{
	enum {
		AT_SEQ,
		AT_ID,
		AT_KIND,
		AT_OF,
		AT_TIME,
		AT_COMPLETED,
		AT_SERIES,
		AT_PRICE,
		AT_ORIGIN,
		AT_TOKENS,
		AT_REQUESTS = AT_TOKENS + BUCKET_COMMON,
		AT_TASK,
		AT_SESSION,
		AT_RAW,
		AT_MORE,
		AT_FLAGS,
		AT_SOURCE,
		AT_SHAPE,
		AT_RULE,
		AT_WRITTEN
	};
	*row = (struct usage_row){ .seq = db_int(q, AT_SEQ),
				   .kind = (enum usage_kind)db_int(q, AT_KIND),
				   .of = db_is_null(q, AT_OF) ? 0 : db_int(q, AT_OF),
				   .series = db_int(q, AT_SERIES),
				   .price = db_int(q, AT_PRICE),
				   .origin = db_int(q, AT_ORIGIN),
				   .raw = db_text(q, AT_RAW),
				   .source = db_text(q, AT_SOURCE),
				   .shape = db_text(q, AT_SHAPE),
				   .rule = db_text(q, AT_RULE) };
	struct record *r = &row->record;
	record_clear(r);
	row->flags = db_is_null(q, AT_FLAGS) ? 0 : (unsigned)db_int(q, AT_FLAGS);
	row->written_us = db_is_null(q, AT_WRITTEN) ? TIME_ABSENT : db_int(q, AT_WRITTEN);
	r->text[FIELD_ID] = store_id_of_column(s, q, AT_ID);
	r->time_us = db_int(q, AT_TIME);
	r->completed_us = db_is_null(q, AT_COMPLETED) ? TIME_ABSENT : db_int(q, AT_COMPLETED);
	for (int b = 0; b < BUCKET_COMMON; b++)
		r->tokens[b] = db_int(q, AT_TOKENS + b);
	r->requests = db_int(q, AT_REQUESTS);
	r->text[FIELD_TASK] = db_text(q, AT_TASK);
	r->text[FIELD_SESSION] = db_text(q, AT_SESSION);
	int rc = store_take_names(s, row->series, r, e);
	if (rc != 0)
		return rc;
	for (int f = 0; f < FIELD_TEXTS; f++)
		if (r->text[f].n)
			r->present |= (uint64_t)1 << f;
	return db_is_null(q, AT_MORE)
		       ? 0
		       : row_read_more(row->record.counts, &row->stated, db_text(q, AT_MORE), e);
}

#define ROW \
	"SELECT seq,usage.id,kind,of,time,completed,series,price,origin,input,cache_read," \
	"cache_write_5m,cache_write_1h,output,reasoning,requests,task,session,raw,more," \
	"flags,origin.source,origin.shape,origin.rule,(SELECT at FROM batch " \
	"WHERE first<=usage.seq ORDER BY first DESC LIMIT 1) FROM usage JOIN origin " \
	"ON origin.id=usage.origin "
static const struct sql sql_row = {
	.text = ROW "WHERE seq=:seq",
};

int store_row(struct store *s, int64_t seq, struct usage_row *out, struct err *e)
{
	struct query *q;
	if (row_cache_find(&s->known_rows, seq, out))
		return 0;
	int rc = store_flush(s, e);
	if (rc == 0)
		rc = db_statement(&s->db, &sql_row, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", seq);
	rc = db_step(&s->db, q, e);
	const bool found = rc == 1;
	if (found) {
		rc = take_row(s, q, out, e);
		arena_reset(&s->found_row);
		if (rc == 0)
			row_keep_texts(out, &s->found_row);
	}
	db_reset(q);
	if (!found && rc == 0)
		rc = archived_need_record(&s->archived, &s->db, seq, e);
	return found || rc < 0 ? rc : err_set(e, ERR_NOT_FOUND, "no row %lld", (long long)seq);
}

static int each(struct store *s, struct query *q,
		int (*take)(void *user, const struct usage_row *row), void *user, struct err *e)
{
	struct usage_row row;
	int rc;
	while ((rc = db_step(&s->db, q, e)) == 1) {
		rc = take_row(s, q, &row, e);
		if (rc == 0)
			rc = take(user, &row);
		if (rc != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static int cache_row(void *user, const struct usage_row *row)
{
	row_cache_add(user, row);
	return 0;
}

static const struct sql sql_rows_at = {
	.postgres = ROW "WHERE seq=ANY(CAST(:rows AS bigint[]))",
};

int store_read_known_rows(struct store *s, struct err *e)
{
	struct buf rows = { 0 };
	struct query *q;
	int rc = 0;
	claims_put_known_rows(s->claims, &rows);
	if (rows.n && (rc = db_statement(&s->db, &sql_rows_at, &q, e)) == 0) {
		db_bind_text(q, ":rows", (struct text){ rows.p, rows.n });
		rc = each(s, q, cache_row, &s->known_rows, e);
	}
	buf_release(&rows);
	return rc;
}

static const struct sql sql_rows = {
	.text = ROW "WHERE seq BETWEEN :from AND :to ORDER BY seq",
};

/* The next rows of [from, to]: a stretch, for a server sends all that was asked for at once. */
static int ask_stretch(struct store *s, const struct sql *sql, int64_t *from, int64_t to,
		       struct query **q, struct err *e)
{
	const int64_t next = to - *from < READ_AT_ONCE ? to + 1 : *from + READ_AT_ONCE;
	const int rc = db_statement(&s->db, sql, q, e);
	if (rc != 0)
		return rc;
	db_bind_int(*q, ":from", *from);
	db_bind_int(*q, ":to", next - 1);
	*from = next;
	return 0;
}

int store_each_row(struct store *s, const struct row_span *span,
		   int (*take)(void *user, const struct usage_row *row), void *user, struct err *e)
{
	const int64_t to = span->to < s->last_seq ? span->to : s->last_seq;
	int64_t from = span->from;
	struct query *q;
	int rc = archived_need_rows(&s->archived, span, e);
	if (rc == 0)
		rc = store_flush(s, e);
	while (rc == 0 && from <= to) {
		rc = ask_stretch(s, &sql_rows, &from, to, &q, e);
		if (rc == 0)
			rc = each(s, q, take, user, e);
	}
	return rc;
}

static const struct sql sql_counts = {
	.text = "SELECT seq,kind,time,completed,series,requests,flags,more IS NOT NULL,input,"
		"cache_read,cache_write_5m,cache_write_1h,output,reasoning FROM usage WHERE seq "
		"BETWEEN :from AND :to ORDER BY seq",
};

static int each_count(struct store *s, struct query *q,
		      int (*take)(void *user, const struct usage_counts *c), void *user,
		      struct err *e)
{
	int rc;
	while ((rc = db_step(&s->db, q, e)) == 1) {
		struct usage_counts c = { .seq = db_int(q, 0),
					  .kind = (enum usage_kind)db_int(q, 1),
					  .time_us = db_int(q, 2),
					  .completed_us =
						  db_is_null(q, 3) ? TIME_ABSENT : db_int(q, 3),
					  .series = db_int(q, 4),
					  .requests = db_int(q, 5),
					  .flags = db_is_null(q, 6) ? 0 : (unsigned)db_int(q, 6),
					  .more = db_int(q, 7) != 0 };
		for (int b = 0; b < BUCKET_COMMON; b++)
			c.tokens[b] = db_int(q, 8 + b);
		if ((rc = take(user, &c)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int store_each_counts(struct store *s, const struct row_span *span,
		      int (*take)(void *user, const struct usage_counts *c), void *user,
		      struct err *e)
{
	const int64_t to = span->to < s->last_seq ? span->to : s->last_seq;
	int64_t from = span->from;
	struct query *q;
	int rc = archived_need_rows(&s->archived, span, e);
	if (rc == 0)
		rc = store_flush(s, e);
	while (rc == 0 && from <= to) {
		rc = ask_stretch(s, &sql_counts, &from, to, &q, e);
		if (rc == 0)
			rc = each_count(s, q, take, user, e);
	}
	return rc;
}

static const struct sql sql_rows_of = {
	.text = ROW "WHERE seq=:first OR of=:first ORDER BY seq",
};

int store_each_row_of(struct store *s, int64_t first,
		      int (*take)(void *user, const struct usage_row *row), void *user,
		      struct err *e)
{
	struct query *q;
	int rc = archived_need_record(&s->archived, &s->db, first, e);
	if (rc == 0)
		rc = store_flush(s, e);
	if (rc == 0)
		rc = db_statement(&s->db, &sql_rows_of, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", first);
	return each(s, q, take, user, e);
}
