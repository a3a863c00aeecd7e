#include <sys/random.h>

#include "meter/store/record_id.h"
#include "meter/store/store_parts.h"

enum { INDEXED_AT_ONCE = ID_INDEX_TABLE_FULL }; /* rows */

static const struct sql sql_identity = {
	.text = "SELECT value FROM about WHERE key='identity'",
};
static const struct sql sql_set_identity = {
	.text = "INSERT INTO about VALUES('identity',:identity) ON CONFLICT DO NOTHING",
};

/* The 32 bytes that tell this database from every other. */
static int read_identity(struct store *s, struct id_index_identity *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(&s->db, &sql_identity, &q, e);
	if (rc == 0)
		rc = db_step(&s->db, q, e);
	if (rc < 0)
		return rc;
	struct text blob = rc == 1 ? db_text(q, 0) : TEXT("");
	uint8_t bytes[32];
	if (blob.n == sizeof bytes) {
		memcpy(bytes, blob.p, sizeof bytes);
		db_reset(q);
	} else {
		if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
			return err_set(e, ERR_SYSTEM, "could not read random bytes");
		if ((rc = db_statement(&s->db, &sql_set_identity, &q, e)) != 0)
			return rc;
		db_bind_blob(q, ":identity", bytes, sizeof bytes);
		if ((rc = db_done(&s->db, q, e)) != 0)
			return rc;
		/* another process may have been faster */
		return read_identity(s, out, e);
	}
	memcpy(out->database, bytes, 16);
	memcpy(out->seed, bytes + 16, 16);
	return 0;
}

struct text store_id_of_column(struct store *s, struct query *q, int column)
{
	struct text t = db_text(q, column);
	if (!db_is_blob(q, column) || t.n != 16)
		return t;
	s->id_text.n = 0;
	record_id_put_uuid(&s->id_text, (const uint8_t *)t.p);
	return (struct text){ s->id_text.p, s->id_text.n };
}

static const struct sql sql_ids_from = {
	.text = "SELECT seq,id,kind FROM usage WHERE seq BETWEEN :from AND :to UNION ALL SELECT "
		"seq,id,0 FROM archived_id a WHERE seq BETWEEN :from AND :to AND NOT EXISTS "
		"(SELECT 1 FROM usage u WHERE u.seq=a.seq) ORDER BY seq",
};

/* Adds the ids of all rows from that one on. */
static int index_from(struct store *s, int64_t from, struct err *e)
{
	struct query *q;
	int rc = 0, step = 0;
	/* a run at a time, so that what is in memory stays small */
	for (int64_t to; rc == 0 && from <= s->last_seq; from = to + 1) {
		to = s->last_seq - from < INDEXED_AT_ONCE ? s->last_seq : from + INDEXED_AT_ONCE;
		rc = db_statement(&s->db, &sql_ids_from, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":from", from);
		db_bind_int(q, ":to", to);
		while ((step = db_step(&s->db, q, e)) == 1)
			/* rows that correct are found through the record that they correct */
			id_index_add(s->ids, id_index_hash(s->ids, store_id_of_column(s, q, 1)),
				     db_int(q, 0), db_int(q, 2) == USAGE_RECORD);
		db_reset(q);
		rc = step < 0 ? step : id_index_tidy(s->ids, e);
	}
	return rc;
}

int store_need_ids(struct store *s, struct err *e)
{
	if (!s->ids || !s->ids_lag)
		return 0;
	id_index_need(s->ids);
	int rc = index_from(s, id_index_known(s->ids) + 1, e);
	s->ids_lag = rc != 0;
	return rc;
}

int store_look_at_ids(struct store *s, struct err *e)
{
	s->ids_lag = true;
	return s->last_seq - id_index_known(s->ids) > INDEXED_AT_ONCE ? store_need_ids(s, e) : 0;
}

int store_read_ids(struct store *s, struct err *e)
{
	if (!s->ids)
		return 0;
	int rc = db_begin(&s->db, e);
	if (rc == 0) {
		id_index_refresh(s->ids);
		rc = store_need_ids(s, e);
	}
	if (rc == 0)
		rc = db_commit(&s->db, e);
	if (rc != 0)
		db_rollback(&s->db);
	return rc;
}

/* Those whose rows are in files, as make_keys() has those of the others. */
static const char keys_of_archived[] =
	"INSERT INTO usage_claim SELECT DISTINCT seq/1000000,seq/1000000*1000000,NULL::int[] FROM "
	"archived_id ON CONFLICT DO NOTHING; INSERT INTO usage_key SELECT key_of(id),seq/1000000,"
	"seq%1000000+1 FROM archived_id ON CONFLICT DO NOTHING; SELECT setval('claim_number',"
	"(coalesce((SELECT max(claim) FROM usage_claim),0)/100+1)*100+1,false)";

int store_index_ids(struct store *s, struct err *e)
{
	if (db_on_server(&s->db)) {
		int rc = db_run(&s->db, "SELECT make_keys()", e);
		return rc == 0 && s->archived.count ? db_run(&s->db, keys_of_archived, e) : rc;
	}
	if (!s->ids)
		return 0;
	id_index_clear(s->ids);
	return index_from(s, 1, e);
}

static const struct sql sql_id_at = {
	.text = "SELECT id,kind FROM usage WHERE seq=:seq UNION ALL SELECT id,0 FROM archived_id "
		"WHERE seq=:seq",
};

int store_step_id_at(struct store *s, int64_t row, struct query **q, struct err *e)
{
	int rc = db_statement(&s->db, &sql_id_at, q, e);
	if (rc != 0)
		return rc;
	db_bind_int(*q, ":seq", row);
	return db_step(&s->db, *q, e);
}

/* Whether the row that the index ends with is this database's row. */
static int index_fits(struct store *s, bool *fits, struct err *e)
{
	int64_t row = id_index_last_row(s->ids);
	struct query *q = NULL;
	*fits = row <= s->last_seq;
	if (row == 0 || !*fits)
		return 0;
	int rc = store_step_id_at(s, row, &q, e);
	*fits = rc == 1 &&
		id_index_hash(s->ids, store_id_of_column(s, q, 0)) == id_index_last_hash(s->ids);
	if (q)
		db_reset(q);
	return rc < 0 ? rc : 0;
}

int store_open_index(struct store *s, struct err *e)
{
	struct id_index_identity identity;
	bool fits = true;
	struct buf path = { 0 };
	/* the write lock keeps others from the folder meanwhile */
	int rc = db_begin(&s->db, e);
	if (rc != 0)
		return rc;
	rc = read_identity(s, &identity, e);
	if (rc == 0)
		rc = store_read_last(s, &s->last_seq, e);
	buf_printf(&path, "%s-ids", s->db.path);
	if (rc == 0)
		rc = id_index_open(&s->ids, path.p, &identity, e);
	if (rc == 0)
		rc = index_fits(s, &fits, e);
	if (rc == 0 && !fits)
		id_index_clear(s->ids);
	if (rc == 0)
		rc = store_look_at_ids(s, e);
	if (rc == 0)
		rc = db_commit(&s->db, e);
	if (rc != 0)
		db_rollback(&s->db);
	buf_release(&path);
	return rc;
}
