#include "meter/store/store_parts.h"

int store_read_int(struct store *s, const struct sql *which, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(&s->db, which, &q, e);
	if (rc == 0 && (rc = db_step(&s->db, q, e)) == 1) {
		*out = db_is_null(q, 0) ? 0 : db_int(q, 0);
		rc = 0;
	}
	if (rc == 0)
		db_reset(q);
	return rc;
}

static const struct sql sql_last_seq = {
	.text = "SELECT " FILE_LAST_NUMBER "," ARCHIVED_VERSION,
	.postgres = "SELECT greatest((SELECT max(seq) FROM usage),(SELECT max(first+rows-1) "
		    "FROM skipped),(SELECT max(last) FROM archive))," ARCHIVED_VERSION,
};

/* As db_step; the second column of a row is ARCHIVED_VERSION. */
static int step_last(struct store *s, struct query *q, int64_t *last, struct err *e)
{
	int rc = db_step(&s->db, q, e);
	if (rc != 1) {
		db_reset(q);
		return rc;
	}
	const int64_t version = db_int(q, 1);
	*last = db_is_null(q, 0) ? 0 : db_int(q, 0);
	db_reset(q);
	if (version != s->archived.version)
		rc = archived_read(&s->archived, &s->db, version, e);
	return rc < 0 ? rc : 1;
}

static int take_last(struct store *s, struct query *q, int64_t *last, struct err *e)
{
	int rc = step_last(s, q, last, e);
	return rc < 0 ? rc : 0;
}

/* Where every number that was ever handed out is rolled up, that is the last one, and no server of
 * a cluster but its coordinator is asked. Who may only read may not be allowed to know. */
static const struct sql sql_last_rolled = {
	.postgres =
		"SELECT CAST(value AS bigint)," ARCHIVED_VERSION " FROM about WHERE "
		"key='rolled_to' AND CASE WHEN has_sequence_privilege('usage_seq_seq','SELECT') "
		"THEN pg_sequence_last_value('usage_seq_seq')=CAST(value AS bigint) END",
};

int store_read_last(struct store *s, int64_t *last, struct err *e)
{
	struct query *q;
	int rc = 0;
	if (db_on_server(&s->db) && (rc = db_statement(&s->db, &sql_last_rolled, &q, e)) == 0)
		rc = step_last(s, q, last, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = db_statement(&s->db, &sql_last_seq, &q, e);
	return rc == 0 ? take_last(s, q, last, e) : rc;
}

static const struct sql sql_add_batch = {
	.text = "INSERT INTO batch VALUES(:first,:at) ON CONFLICT DO NOTHING",
};

int store_add_batch(struct store *s, struct err *e)
{
	struct query *q;
	if (s->last_seq < s->first_of_batch)
		return 0;
	int rc = db_statement(&s->db, &sql_add_batch, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", s->first_of_batch);
	db_bind_int(q, ":at", s->now.us);
	return db_done(&s->db, q, e);
}

static const struct sql sql_take_numbers = {
	.postgres = "SELECT take_numbers(:rows)," ARCHIVED_VERSION,
};

int store_ask_numbers(struct store *s, int64_t n, int64_t *first, struct err *e)
{
	struct query *q;
	int rc = db_statement(&s->db, &sql_take_numbers, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":rows", n);
	return take_last(s, q, first, e);
}

int store_take_numbers(struct store *s, int64_t n, struct err *e)
{
	int64_t first;
	int rc = store_ask_numbers(s, n, &first, e);
	if (rc != 0)
		return rc;
	if (first != s->last_seq + 1) {
		rc = store_add_batch(s, e);
		s->last_seq = first - 1;
		s->first_of_batch = first;
	}
	s->numbers_to = first + n - 1;
	return rc;
}
