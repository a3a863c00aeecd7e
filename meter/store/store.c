#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "meter/store/store_parts.h"

enum {
	APPLICATION_ID = 0x74616c79, /* "taly" */
	BEGIN_TRIES = 3		     /* of who loses when two wait for each other */
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
		rc = store_open_index(s, e);
	if (rc == 0 && mode != DB_READ && db_on_server(&s->db))
		s->claims = claims_open();
	if (rc == 0)
		s->dictionary = dictionary_open(&s->db, s->claims ? path : NULL);
	if (rc == 0)
		rc = store_read_last(s, &s->last_seq, e);
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
	buf_release(&s->also.texts);
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
	return store_read_last(s, &s->last_seq, e);
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
		return store_take_numbers(s, (int64_t)n, e);
	}
	return rc == 0 ? store_read_known_rows(s, e) : rc;
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
	int rc = store_read_int(s, &sql_data_version, out, e);
	if (rc == 0)
		*out ^= s->renewals; /* another server may have come as far */
	return rc;
}

/* What the last row's number is, once others can write none. */
static int read_last_seq(struct store *s, struct err *e)
{
	int64_t version;
	if (s->claims) {
		/* on a server numbers may have been taken for nothing */
		int rc = store_ask_numbers(s, 0, &s->last_seq, e);
		s->last_seq -= rc == 0;
		return rc;
	}
	int rc = store_data_version(s, &version, e);
	if (rc == 0 && version != s->changes_seen) {
		rc = store_read_last(s, &s->last_seq, e);
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
		rc = store_look_at_ids(s, e);
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
	s->also.count = s->also.texts.n = 0;
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
	if (rc == 0)
		rc = store_flush_also(s, e);
	const bool appended = s->last_seq >= s->first_of_batch;
	if (rc == 0)
		rc = store_add_batch(s, e);
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

static const struct sql sql_probe = {
	.text = "INSERT INTO about VALUES('probed',:at) ON CONFLICT(key) DO UPDATE "
		"SET value=excluded.value",
};

int store_probe(struct store *s, struct instant now, struct err *e)
{
	char at[INSTANT_TEXT_MAX];
	struct query *q;
	int64_t last;
	int rc = store_read_last(s, &last, e);
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
