#include "meter/store/store.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "meter/store/archived.h"
#include "meter/store/claims.h"
#include "meter/store/dictionary.h"
#include "meter/store/id_index.h"
#include "meter/store/record_id.h"
#include "meter/store/row_cache.h"
#include "meter/store/row_text.h"

enum {
	APPLICATION_ID = 0x74616c79,	       /* "taly" */
	INDEXED_AT_ONCE = ID_INDEX_TABLE_FULL, /* rows */
	READ_AT_ONCE = 20000,
	SENT_AT_ONCE = 256 << 10, /* bytes */
	BEGIN_TRIES = 3,	  /* of who loses when two wait for each other */
	APPEND_AT_ONCE = 16	  /* rows that make one statement */
};

extern const struct migration store_migrations[],
	store_postgres_migrations[]; /* the files of meter/sql, compiled in */
extern const char store_schema_at_once[];
static const struct db_schema store_schema = {
	.application_id = APPLICATION_ID,
	.migrations = store_migrations,
	.postgres_migrations = store_postgres_migrations,
	.at_once = store_schema_at_once,
};

struct store {
	struct db db;
	int64_t renewals;     /* of the connection */
	struct id_index *ids; /* NULL when the store was opened to read, and on a server */
	bool ids_lag;	      /* there may be rows that it does not know */
	/* on a server, of this transaction */
	struct claims *claims; /* NULL on SQLite, and when the store was opened to read */
	struct row_cache known_rows;
	struct arena found_row; /* texts of the row that store_row gave last */
	bool writing;		/* between begin and its end */
	int64_t own_ids;	/* whether there are any, in this transaction; -1: not read */
	bool beside;		/* others append as well: new records only */
	int64_t numbers_to;	/* beside others: the last one that is this transaction's */
	struct buf lines;	/* rows that are appended and not yet sent, for COPY */
	int64_t last_seq, first_of_batch;
	int64_t changes_seen; /* PRAGMA data_version */
	struct instant now;
	struct dictionary *dictionary;
	struct buf more, id_text;
	/* rows that are appended and not yet written; their texts lie in `pending_text` */
	struct usage_row pending[APPEND_AT_ONCE];
	size_t pending_count;
	struct buf pending_text;
	struct store_listener listener;
	struct day_cells *days; /* NULL: none are shared */
	void (*renewed)(void *user);
	void *renewed_user;
	struct row_peaks *peaks;
	struct archived archived;
	struct store_beside models; /* what names of models mean */
	struct store_finder finder;
	struct text look_for; /* of store_find */
	struct err *find_error;
	int find_rc;
};

static int read_int(struct store *s, const struct sql *which, int64_t *out, struct err *e)
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

static struct text id_of_column(struct store *s, struct query *q, int column)
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
			id_index_add(s->ids, id_index_hash(s->ids, id_of_column(s, q, 1)),
				     db_int(q, 0), db_int(q, 2) == USAGE_RECORD);
		db_reset(q);
		rc = step < 0 ? step : id_index_tidy(s->ids, e);
	}
	return rc;
}

/* The rows behind the last file of ids, within a transaction that looks for an id or adds one: many
 * do neither. */
static int need_ids(struct store *s, struct err *e)
{
	if (!s->ids || !s->ids_lag)
		return 0;
	id_index_need(s->ids);
	int rc = index_from(s, id_index_known(s->ids) + 1, e);
	s->ids_lag = rc != 0;
	return rc;
}

/* What makes a file of them is done at once; fewer would be read again by each process, which most
 * need not. */
static int look_at_ids(struct store *s, struct err *e)
{
	s->ids_lag = true;
	return s->last_seq - id_index_known(s->ids) > INDEXED_AT_ONCE ? need_ids(s, e) : 0;
}

int store_read_ids(struct store *s, struct err *e)
{
	if (!s->ids)
		return 0;
	int rc = db_begin(&s->db, e);
	if (rc == 0) {
		id_index_refresh(s->ids);
		rc = need_ids(s, e);
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

/* Whether the row that the index ends with is this database's row. */
static int index_fits(struct store *s, bool *fits, struct err *e)
{
	int64_t row = id_index_last_row(s->ids);
	struct query *q;
	*fits = row <= s->last_seq;
	if (row == 0 || !*fits)
		return 0;
	int rc = db_statement(&s->db, &sql_id_at, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":seq", row);
	rc = db_step(&s->db, q, e);
	*fits = rc == 1 &&
		id_index_hash(s->ids, id_of_column(s, q, 0)) == id_index_last_hash(s->ids);
	db_reset(q);
	return rc < 0 ? rc : 0;
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

/* Of a statement that always has a row. */
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

static int read_last(struct store *s, int64_t *last, struct err *e)
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

static int open_index(struct store *s, struct err *e)
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
		rc = read_last(s, &s->last_seq, e);
	buf_printf(&path, "%s-ids", s->db.path);
	if (rc == 0)
		rc = id_index_open(&s->ids, path.p, &identity, e);
	if (rc == 0)
		rc = index_fits(s, &fits, e);
	if (rc == 0 && !fits)
		id_index_clear(s->ids);
	if (rc == 0)
		rc = look_at_ids(s, e);
	if (rc == 0)
		rc = db_commit(&s->db, e);
	if (rc != 0)
		db_rollback(&s->db);
	buf_release(&path);
	return rc;
}

/* Another server may answer than before, to which numbers are something else, or which gives them
 * again. */
static void forget_server(void *user)
{
	struct store *s = user;
	s->renewals++;
	s->archived.version = -1;
	s->archived.attached = false; /* what was opened beside went with the connection */
	dictionary_forget(s->dictionary);
	if (s->claims)
		claims_drop_numbers(s->claims);
	if (s->renewed)
		s->renewed(s->renewed_user);
}

int store_open(struct store **out, const char *path, enum db_mode mode, struct err *e)
{
	struct store *s = mem_zalloc(sizeof *s);
	s->archived.version = -1;
	int rc = mode == DB_CREATE && !db_is_server(path) ? file_make_folders(path, 0755, e) : 0;
	if (rc == 0)
		rc = db_open(&s->db, path, mode, &store_schema, e);
	if (rc == 0 && mode != DB_READ && !db_on_server(&s->db))
		rc = open_index(s, e);
	if (rc == 0 && mode != DB_READ && db_on_server(&s->db))
		s->claims = claims_open();
	if (rc == 0)
		s->dictionary = dictionary_open(&s->db, s->claims ? path : NULL);
	if (rc == 0)
		rc = read_last(s, &s->last_seq, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	db_on_renewal(&s->db, forget_server, s);
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->listener.closed)
		s->listener.closed(s->listener.user);
	if (s->db.driver) {
		db_rollback(&s->db);
		db_close(&s->db);
	}
	dictionary_close(s->dictionary);
	id_index_close(s->ids);
	claims_close(s->claims);
	if (s->models.what)
		s->models.close(s->models.what);
	row_cache_release(&s->known_rows);
	archived_release(&s->archived);
	arena_release(&s->found_row);
	buf_release(&s->lines);
	buf_release(&s->more);
	buf_release(&s->id_text);
	buf_release(&s->pending_text);
	free(s);
}

void store_listen(struct store *s, const struct store_listener *l)
{
	s->listener = *l;
}

void store_on_renewal(struct store *s, void (*renewed)(void *user), void *user)
{
	s->renewed = renewed;
	s->renewed_user = user;
}

void store_share_days(struct store *s, struct day_cells *d)
{
	s->days = d;
}

struct day_cells *store_shared_days(const struct store *s)
{
	return s->days;
}

void store_share_peaks(struct store *s, struct row_peaks *p)
{
	s->peaks = p;
}

struct row_peaks *store_shared_peaks(const struct store *s)
{
	return s->peaks;
}

const struct archived *store_archived(const struct store *s)
{
	return &s->archived;
}

void store_has_archive(struct store *s)
{
	s->archived.attached = true;
}

struct store_beside *store_models_slot(struct store *s)
{
	return &s->models;
}

void store_find_through(struct store *s, struct store_finder f)
{
	s->finder = f;
}

const struct store_listener *store_listener(const struct store *s)
{
	return &s->listener;
}

struct db *store_db(struct store *s)
{
	return &s->db;
}

const char *store_path(const struct store *s)
{
	return s->db.path;
}

int64_t store_last_seq(const struct store *s)
{
	return s->last_seq;
}

int store_refresh(struct store *s, struct err *e)
{
	/* who writes knows better: rows may wait, and numbers may have been skipped */
	if (s->writing)
		return store_flush(s, e);
	return read_last(s, &s->last_seq, e);
}

static const struct sql sql_settled_to = {
	.postgres = "SELECT settled_to()",
};

int store_settled_to(struct store *s, int64_t *out, struct err *e)
{
	struct query *q;
	if (!db_on_server(&s->db)) {
		int rc = store_refresh(s, e);
		*out = store_last_seq(s);
		return rc;
	}
	int rc = db_statement(&s->db, &sql_settled_to, &q, e);
	return rc == 0 ? db_returned(&s->db, q, out, e) : rc;
}

bool store_is_beside(const struct store *s)
{
	return s->writing && s->beside;
}

int64_t store_committed_to(const struct store *s, int64_t last)
{
	return db_on_server(&s->db) && s->writing && s->first_of_batch <= last
		       ? s->first_of_batch - 1
		       : last;
}

bool store_rows_are_settled(const struct store *s)
{
	return !db_on_server(&s->db) || (s->writing && !s->beside);
}

static void forget_claims(struct store *s)
{
	if (s->claims)
		claims_forget(s->claims);
	row_cache_clear(&s->known_rows);
}

static int read_known_rows(struct store *s, struct err *e);

static const struct sql sql_add_batch = {
	.text = "INSERT INTO batch VALUES(:first,:at) ON CONFLICT DO NOTHING",
};

/* The rows since first_of_batch were written now. */
static int add_batch(struct store *s, struct err *e)
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

/* More numbers for the rows of a transaction beside others; a stretch that the last one does not
 * lead into begins a batch of its own. */
static int take_numbers(struct store *s, int64_t n, struct err *e)
{
	struct query *q;
	int64_t first;
	int rc = db_statement(&s->db, &sql_take_numbers, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":rows", n);
	rc = take_last(s, q, &first, e);
	if (rc != 0)
		return rc;
	if (first != s->last_seq + 1) {
		rc = add_batch(s, e);
		s->last_seq = first - 1;
		s->first_of_batch = first;
	}
	s->numbers_to = first + n - 1;
	return rc;
}

/*
 * Claims the ids that are wanted before it waits for its turn. Where all of them are new and the
 * caller will only append them, others may do the same meanwhile.
 */
static int begin_with_claims(struct store *s, bool may_be_beside, struct err *e)
{
	bool all_new;
	int rc = db_begin_beside(&s->db, e);
	if (rc == 0)
		rc = claims_take(s->claims, &s->db, e);
	size_t n = claims_new(s->claims, &all_new);
	s->beside = rc == 0 && may_be_beside && all_new;
	if (rc == 0)
		rc = db_lock(&s->db, s->beside, e);
	if (rc == 0)
		rc = claims_look(s->claims, &s->db, e);
	if (rc == 0 && s->beside) {
		s->first_of_batch = s->last_seq + 1; /* of nothing yet */
		return take_numbers(s, (int64_t)n, e);
	}
	return rc == 0 ? read_known_rows(s, e) : rc;
}

static int begin(struct store *s, bool may_be_beside, struct err *e)
{
	struct err why = { 0 };
	int rc;
	s->beside = false;
	if (!s->claims || !claims_wanted(s->claims))
		return db_begin(&s->db, e);
	for (int tries = 0; (rc = begin_with_claims(s, may_be_beside, &why)) != 0; tries++) {
		db_rollback(&s->db);
		if (why.code != ERR_BUSY || tries == BEGIN_TRIES)
			break;
		claims_again(s->claims);
	}
	if (rc != 0 && e)
		*e = why;
	return rc;
}

/* what others wrote is seen at every transaction's beginning */
static const struct sql sql_data_version = {
	.text = "PRAGMA data_version",
	.postgres = "SELECT hashtextextended(CAST(txid_current_snapshot() AS text),0)",
};

int store_data_version(struct store *s, int64_t *out, struct err *e)
{
	int rc = read_int(s, &sql_data_version, out, e);
	if (rc == 0)
		*out ^= s->renewals; /* another server may have come as far */
	return rc;
}

/* What the last row's number is, once others can write none. */
static int read_last_seq(struct store *s, struct err *e)
{
	int64_t version;
	struct query *q;
	if (s->claims) {
		/* on a server numbers may have been taken for nothing */
		int rc = db_statement(&s->db, &sql_take_numbers, &q, e);
		if (rc != 0)
			return rc;
		db_bind_int(q, ":rows", 0);
		if ((rc = take_last(s, q, &s->last_seq, e)) == 0)
			s->last_seq--;
		return rc;
	}
	int rc = store_data_version(s, &version, e);
	if (rc == 0 && version != s->changes_seen) {
		rc = read_last(s, &s->last_seq, e);
		s->changes_seen = version;
	}
	return rc;
}

/* The end of a transaction that failed, at whatever point: what was read or noted in it is not
 * known any more, and `last` is read again by the next one. */
static void forget_transaction(struct store *s, int64_t last)
{
	db_rollback(&s->db);
	s->writing = false;
	s->last_seq = last;
	s->changes_seen = -1;
	if (s->ids)
		id_index_forget_above(s->ids, last);
	forget_claims(s);
	dictionary_forget(s->dictionary);
}

static int begin_transaction(struct store *s, struct instant now, bool may_be_beside, struct err *e)
{
	const int64_t before = s->last_seq;
	s->now = now;
	s->own_ids = -1;
	int rc = begin(s, may_be_beside, e);
	s->writing = rc == 0;
	if (rc == 0 && s->beside)
		return 0;
	if (rc == 0)
		rc = read_last_seq(s, e);
	if (rc == 0 && s->ids) {
		id_index_refresh(s->ids);
		rc = look_at_ids(s, e);
		if (rc == 0)
			rc = id_index_tidy(s->ids, e);
	}
	if (rc != 0) {
		forget_transaction(s, before);
		return rc;
	}
	s->first_of_batch = s->last_seq + 1;
	return 0;
}

int store_begin(struct store *s, struct instant now, struct err *e)
{
	return begin_transaction(s, now, false, e);
}

int store_begin_beside(struct store *s, struct instant now, bool *beside, struct err *e)
{
	int rc = begin_transaction(s, now, true, e);
	*beside = rc == 0 && s->beside;
	return rc;
}

void store_rollback(struct store *s)
{
	if (!s)
		return;
	s->pending_count = 0;
	s->pending_text.n = 0;
	s->lines.n = 0;
	if (s->listener.rolled_back)
		s->listener.rolled_back(s->listener.user);
	forget_transaction(s, s->first_of_batch - 1);
}

static const struct sql sql_numbers_taken = {
	.postgres = "SELECT setval('usage_seq_seq',:last)",
};

int store_commit(struct store *s, struct err *e)
{
	struct query *q;
	int rc = store_flush(s, e);
	const bool appended = s->last_seq >= s->first_of_batch;
	if (rc == 0)
		rc = add_batch(s, e);
	/* those that take numbers go on behind them */
	if (rc == 0 && s->claims && appended && !s->beside &&
	    (rc = db_statement(&s->db, &sql_numbers_taken, &q, e)) == 0) {
		db_bind_int(q, ":last", s->last_seq);
		rc = db_done(&s->db, q, e);
	}
	if (rc == 0 && s->claims)
		rc = claims_settle(s->claims, &s->db, s->first_of_batch, e);
	if (rc == 0)
		rc = db_commit(&s->db, e);
	if (rc != 0) {
		store_rollback(s);
		return rc;
	}
	s->writing = false;
	forget_claims(s);
	s->first_of_batch = s->last_seq + 1;
	return 0;
}

int store_series(struct store *s, const struct record *r, int64_t *out, struct err *e)
{
	return dictionary_series(s->dictionary, r, out, e);
}

int store_want_series(struct store *s, const struct record *r, struct err *e)
{
	return dictionary_want_series(s->dictionary, r, e);
}

int store_make_series(struct store *s, struct err *e)
{
	return dictionary_make_series(s->dictionary, e);
}

int store_origin(struct store *s, const char *source, const char *shape, const char *rule,
		 int64_t *out, struct err *e)
{
	return dictionary_origin(s->dictionary, source, shape, rule, out, e);
}

int store_source(struct store *s, int64_t origin, int *place, struct err *e)
{
	return dictionary_source(s->dictionary, origin, place, e);
}

int store_price(struct store *s, const struct stored_price *p, int64_t *out, struct err *e)
{
	return dictionary_price(s->dictionary, p, out, e);
}

int store_stored_price(struct store *s, int64_t price, const struct stored_price **out,
		       struct err *e)
{
	return dictionary_stored_price(s->dictionary, price, out, e);
}

int store_series_names(struct store *s, int64_t series, const struct series_names **out,
		       struct err *e)
{
	return dictionary_series_names(s->dictionary, series, out, e);
}

int store_names_of(struct store *s, int64_t series, const struct series_names **names,
		   const struct subject_names **subject, struct err *e)
{
	int rc = store_series_names(s, series, names, e);
	return rc == 0 ? store_subject_names(s, (*names)->subject, subject, e) : rc;
}

int store_take_names(struct store *s, int64_t series, struct record *r, struct err *e)
{
	const struct series_names *names;
	const struct subject_names *subject;
	int rc = store_names_of(s, series, &names, &subject, e);
	if (rc != 0)
		return rc;
	r->text[FIELD_CUSTOMER] = names->customer;
	r->text[FIELD_PROJECT] = names->project;
	r->text[FIELD_WORKLOAD] = names->workload;
	r->text[FIELD_EFFORT] = names->effort;
	r->text[FIELD_PROVIDER] = subject->provider;
	r->text[FIELD_MODEL] = subject->model;
	r->text[FIELD_SERVICE_TIER] = subject->service_tier;
	r->text[FIELD_REGION] = subject->region;
	return 0;
}

int store_subject_names(struct store *s, int64_t subject, const struct subject_names **out,
			struct err *e)
{
	return dictionary_subject_names(s->dictionary, subject, out, e);
}

/* Whether the row has the id that is looked for. */
static bool row_has_id(void *user, int64_t row)
{
	struct store *s = user;
	struct query *q;
	s->find_rc = s->pending_count ? store_flush(s, s->find_error) : 0;
	if (s->find_rc == 0)
		s->find_rc = db_statement(&s->db, &sql_id_at, &q, s->find_error);
	if (s->find_rc != 0)
		return true; /* ends the search */
	db_bind_int(q, ":seq", row);
	int step = db_step(&s->db, q, s->find_error);
	bool same = step == 1 && text_eq(id_of_column(s, q, 0), s->look_for) &&
		    db_int(q, 1) == USAGE_RECORD;
	if (step < 0)
		s->find_rc = step;
	db_reset(q);
	return same || step < 0;
}

void store_prefetch(struct store *s, struct text id)
{
	if (s->ids)
		id_index_prefetch(s->ids, id_index_hash(s->ids, id));
	else if (s->claims)
		claims_want(s->claims, id);
}

void store_prefetch_look(struct store *s, struct text id)
{
	if (s->ids)
		id_index_prefetch(s->ids, id_index_hash(s->ids, id));
	else if (s->claims)
		claims_want_look(s->claims, id);
}

static const struct sql sql_has_own_ids = {
	.text = "SELECT count(*) FROM about WHERE key='own_ids'",
};

int store_has_own_ids(struct store *s, bool *out, struct err *e)
{
	int64_t n = s->own_ids;
	int rc = n < 0 ? read_int(s, &sql_has_own_ids, &n, e) : 0;
	*out = rc == 0 && n > 0;
	if (rc == 0 && db_in_transaction(&s->db))
		s->own_ids = n;
	return rc;
}

static const struct sql sql_set_own_ids = {
	.text = "INSERT INTO about VALUES('own_ids','1') ON CONFLICT DO NOTHING",
};

int store_set_own_ids(struct store *s, struct err *e)
{
	struct query *q;
	bool known;
	int rc = store_has_own_ids(s, &known, e);
	if (rc != 0 || known)
		return rc;
	rc = db_statement(&s->db, &sql_set_own_ids, &q, e);
	s->own_ids = 1;
	return rc == 0 ? db_done(&s->db, q, e) : rc;
}

static const struct sql sql_search_id = {
	.text = "SELECT seq FROM usage WHERE seq>:above AND id=:id AND kind=0 UNION ALL SELECT seq "
		"FROM archived_id WHERE seq>:above AND id=:id LIMIT 1",
};

/* The rows above that one are searched: all where there is no index, which only writers have; those
 * that the index does not know yet where there is one. */
static int find_by_search(struct store *s, struct text id, int64_t above, int64_t *first,
			  struct err *e)
{
	struct query *q;
	uint8_t bytes[RECORD_UUID_BYTES];
	if (db_on_server(&s->db))
		return claims_search(&s->db, id, first, e);
	int rc = db_statement(&s->db, &sql_search_id, &q, e);
	if (rc != 0)
		return rc;
	if (record_id_uuid(id, bytes))
		db_bind_blob(q, ":id", bytes, sizeof bytes);
	else
		db_bind_text(q, ":id", id);
	db_bind_int(q, ":above", above);
	rc = db_step(&s->db, q, e);
	*first = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int store_look_for(struct store *s, struct text id, struct known_id *out, struct err *e)
{
	*out = (struct known_id){ 0 };
	if (!s->claims || !db_in_transaction(&s->db))
		return store_find(s, id, out, e);
	int rc = claims_look_for(s->claims, &s->db, id, out, e);
	return rc == 0 ? archived_need_record(&s->archived, &s->db, out->first, e) : rc;
}

static int find_by_index(struct store *s, struct text id, int64_t *first, struct err *e)
{
	int rc = s->writing ? need_ids(s, e) : 0;
	if (rc != 0)
		return rc;
	s->look_for = id;
	s->find_error = e;
	s->find_rc = 0;
	*first = id_index_find(s->ids, id_index_hash(s->ids, id), row_has_id, s);
	if (s->find_rc != 0)
		return s->find_rc;
	if (id_index_is_damaged(s->ids))
		return err_set(e, ERR_STORE,
			       "the index of ids '%s-ids' was damaged; it will be rebuilt from "
			       "the records at the next transaction: try again",
			       s->db.path);
	/* between transactions it may lack rows: those of other writers, and all that it forgot
	 * with a transaction that failed */
	return *first || s->writing ? 0 : find_by_search(s, id, id_index_known(s->ids), first, e);
}

/* Through somebody's index. What was stored after this store's look at the database is not in it.
 */
static int find_through(struct store *s, struct text id, int64_t *first, struct err *e)
{
	struct err failed = { 0 };
	if (s->finder.find(s->finder.user, id, first, &failed) != 0)
		return find_by_search(s, id, 0, first, e);
	s->look_for = id;
	s->find_error = e;
	s->find_rc = 0;
	if (*first && !row_has_id(s, *first))
		*first = 0;
	return s->find_rc;
}

static int find_first(struct store *s, struct text id, int64_t *first, struct err *e)
{
	if (s->ids)
		return find_by_index(s, id, first, e);
	if (s->finder.find && !db_on_server(&s->db))
		return find_through(s, id, first, e);
	return find_by_search(s, id, 0, first, e);
}

int store_find(struct store *s, struct text id, struct known_id *out, struct err *e)
{
	*out = (struct known_id){ 0 };
	if (!s->ids && s->claims && db_in_transaction(&s->db)) {
		int rc = claims_find(s->claims, &s->db, id, out, e);
		return rc == 0 ? archived_need_record(&s->archived, &s->db, out->first, e) : rc;
	}
	int rc = find_first(s, id, &out->first, e);
	if (rc != 0)
		return rc;
	return out->first ? store_find_row(s, out->first, out, e) : 0;
}

static const struct sql sql_last_of = {
	.text = "SELECT seq,kind FROM usage WHERE of=:first ORDER BY seq DESC LIMIT 1",
};

int store_find_row(struct store *s, int64_t first, struct known_id *out, struct err *e)
{
	/* few records are ever corrected: the index of corrections is small */
	struct query *q;
	int rc = archived_need_record(&s->archived, &s->db, first, e);
	if (rc == 0)
		rc = store_flush(s, e);
	*out = (struct known_id){ .first = first };
	if (rc == 0)
		rc = db_statement(&s->db, &sql_last_of, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", out->first);
	rc = db_step(&s->db, q, e);
	out->current = rc == 0				  ? out->first
		       : rc < 0				  ? 0
		       : db_int(q, 1) == USAGE_CORRECTION ? db_int(q, 0)
							  : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_find_also = {
	.text = "SELECT id,copy FROM call_also WHERE also=:also",
};

static int also_text(struct store *s, struct text also, bool copies, struct buf *out, struct err *e)
{
	struct query *q;
	out->n = 0;
	int rc = db_statement(&s->db, &sql_find_also, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":also", also);
	rc = db_step(&s->db, q, e);
	if (rc == 1 && (copies || !db_int(q, 1)))
		buf_add(out, db_text(q, 0).p, db_text(q, 0).n);
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int store_also_text(struct store *s, struct text also, struct buf *out, struct err *e)
{
	return also_text(s, also, true, out, e);
}

int store_find_also(struct store *s, struct text also, bool copies, struct known_id *out,
		    struct err *e)
{
	struct buf id = { 0 };
	*out = (struct known_id){ 0 };
	int rc = also_text(s, also, copies, &id, e);
	rc = rc < 0 ? rc : id.n ? store_look_for(s, (struct text){ id.p, id.n }, out, e) : 0;
	buf_release(&id);
	return rc;
}

static const struct sql sql_add_also = {
	.text = "INSERT INTO call_also VALUES(:also,:id,:copy) ON CONFLICT DO NOTHING",
};

int store_also(struct store *s, struct text also, struct text id, bool copy, struct err *e)
{
	struct query *q;
	int rc = db_statement(&s->db, &sql_add_also, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":also", also);
	db_bind_text(q, ":id", id);
	db_bind_int(q, ":copy", copy);
	rc = db_step(&s->db, q, e);
	db_reset(q);
	return rc < 0 ? rc : 0;
}

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
		known = need_ids(s, e);
	if (known != 0)
		return known;
	row->seq = s->last_seq + 1;
	if (s->ids)
		id_index_add(s->ids, id_index_hash(s->ids, row->record.text[FIELD_ID]), row->seq,
			     row->kind == USAGE_RECORD);
	if (s->claims) {
		if (s->beside && row->kind != USAGE_RECORD)
			return err_set(e, ERR_BUSY, "%s: corrections are pending", s->db.path);
		int rc = s->beside && row->seq > s->numbers_to ? take_numbers(s, 1, e) : 0;
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
	r->text[FIELD_ID] = id_of_column(s, q, AT_ID);
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

/* What the known ids of a transaction stand for, all at once: most are asked for next. */
static int read_known_rows(struct store *s, struct err *e)
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

static const struct sql sql_probe = {
	.text = "INSERT INTO about VALUES('probed',:at) ON CONFLICT(key) DO UPDATE "
		"SET value=excluded.value",
};

int store_probe(struct store *s, struct instant now, struct err *e)
{
	char at[INSTANT_TEXT_MAX];
	struct query *q;
	int64_t last;
	int rc = read_last(s, &last, e);
	if (rc == 0)
		rc = db_statement(&s->db, &sql_probe, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":at", text_of(instant_format(now, at)));
	return db_done(&s->db, q, e);
}

int store_backup(struct store *s, const char *path,
		 void (*progress)(void *user, int64_t done, int64_t total), void *user,
		 struct err *e)
{
	/* the copy is a database of its own: it must not share an identity with the file beside it
	 */
	return db_backup(&s->db, path, progress, user, e);
}
