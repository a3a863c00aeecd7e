#include "base/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"

enum { WAIT_FOR_LOCK_MS = 30000, RETRY_MS = 5 };

int db_failed(struct db *db, const char *doing, struct err *e)
{
	int code = sqlite3_extended_errcode(db->handle);
	const char *why = sqlite3_errmsg(db->handle);
	if ((code & 0xFF) == SQLITE_BUSY)
		return err_set(e, ERR_BUSY, "%s: another process is writing; try again", db->path);
	if ((code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_WRITE)
		return err_set(e, ERR_STORE,
			       "%s: could not %s: the disk is full or cannot be "
			       "written (%s)",
			       db->path, doing, why);
	return err_set(e, ERR_STORE, "%s: could not %s: %s", db->path, doing, why);
}

int db_run(struct db *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : db_failed(db, "run a statement", e);
}

/* SQLite does not wait for every kind of lock (the recovery of a log that a killed process left,
 * say). */
static int run_patiently(struct db *db, const char *sql, struct err *e)
{
	struct err own = { 0 };
	int rc = db_run(db, sql, &own);
	for (int waited_ms = 0; rc == -ERR_BUSY && waited_ms < WAIT_FOR_LOCK_MS;
	     waited_ms += RETRY_MS) {
		nanosleep(&(struct timespec){ 0, RETRY_MS * 1000000L }, NULL);
		rc = db_run(db, sql, &own);
	}
	if (rc != 0 && e)
		*e = own;
	return rc;
}

static int read_int(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) != SQLITE_OK)
		return db_failed(db, "read it", e);
	int step = sqlite3_step(s), rc = 0;
	if (step == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	else
		rc = db_failed(db, "read it", e);
	sqlite3_finalize(s);
	return rc;
}

static int migrate(struct db *db, enum db_mode mode, int32_t application_id,
		   const struct migration *migrations, struct err *e)
{
	int64_t version = 0, application = 0, known = 0, tables = 0;
	while (migrations[known].sql)
		known++;
	int rc = read_int(db, "PRAGMA user_version", &version, e);
	if (rc == 0)
		rc = read_int(db, "PRAGMA application_id", &application, e);
	if (rc == 0)
		rc = read_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc != 0)
		return e && e->code == ERR_STORE && sqlite3_errcode(db->handle) == SQLITE_NOTADB
			       ? err_set(e, ERR_INVALID, "'%s' is not a database", db->path)
			       : rc;
	if (tables && application != application_id)
		return err_set(e, ERR_INVALID, "'%s' is a database of another program", db->path);
	if (version > known)
		return err_set(e, ERR_INVALID,
			       "'%s' was written by a newer tally (schema %lld, this one knows "
			       "%lld); upgrade tally",
			       db->path, (long long)version, (long long)known);
	if (version == known)
		return 0;
	if (mode == DB_READ)
		return err_set(e, ERR_INVALID,
			       "'%s' has an older schema; let a command that writes upgrade it",
			       db->path);
	rc = db_begin(db, e);
	/* another process may have been faster */
	if (rc == 0)
		rc = read_int(db, "PRAGMA user_version", &version, e);
	for (; rc == 0 && version < known; version++) {
		char number[96];
		rc = db_run(db, migrations[version].sql, e);
		snprintf(number, sizeof number,
			 "PRAGMA user_version=%lld; PRAGMA application_id=%d",
			 (long long)version + 1, (int)application_id);
		if (rc == 0)
			rc = db_run(db, number, e);
	}
	if (rc == 0)
		rc = db_commit(db, e);
	if (rc != 0) {
		db_rollback(db);
		return err_context(e, "upgrading the schema");
	}
	return 0;
}

/* Statistics of memory are kept under a lock that every allocation takes. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open(struct db *db, const char *path, enum db_mode mode, int32_t application_id,
	    const struct migration *migrations, const char *const *sql, size_t statements,
	    struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, configure);
	*db = (struct db){ .sql = sql, .statements = statements };
	if (mode != DB_CREATE && access(path, F_OK) != 0)
		return err_set(e, ERR_NOT_FOUND, "there is no database '%s': %s", path,
			       strerror(errno));
	db->path = strcpy(mem_alloc(strlen(path) + 1), path);
	db->statement = mem_zalloc((statements + 1) * sizeof *db->statement);
	int flags = SQLITE_OPEN_READWRITE | (mode == DB_CREATE ? SQLITE_OPEN_CREATE : 0) |
		    SQLITE_OPEN_NOMUTEX;
	int rc = 0;
	if (mode == DB_READ && access(path, W_OK) != 0)
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		rc = err_set(e, ERR_UNREADABLE, "could not open the database '%s': %s", path,
			     db->handle ? sqlite3_errmsg(db->handle) : "no memory");
	} else {
		sqlite3_busy_timeout(db->handle, WAIT_FOR_LOCK_MS);
		rc = db_run(db,
			    "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; "
			    "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; "
			    "PRAGMA mmap_size=1073741824; PRAGMA wal_autocheckpoint=2000",
			    e);
		if (rc == 0 && mode != DB_READ)
			rc = run_patiently(db, "PRAGMA journal_mode=WAL", e);
		if (rc != 0 && sqlite3_errcode(db->handle) == SQLITE_NOTADB)
			rc = err_set(e, ERR_INVALID, "'%s' is not a database", path);
		if (rc == 0)
			rc = migrate(db, mode, application_id, migrations, e);
	}
	if (rc != 0)
		db_close(db);
	return rc;
}

void db_close(struct db *db)
{
	for (size_t i = 0; db->statement && i < db->statements; i++)
		sqlite3_finalize(db->statement[i]);
	free(db->statement);
	if (db->handle)
		sqlite3_close(db->handle);
	free(db->path);
	*db = (struct db){ 0 };
}

int db_statement(struct db *db, size_t number, sqlite3_stmt **out, struct err *e)
{
	CHECK(number < db->statements);
	sqlite3_stmt **s = &db->statement[number];
	if (!*s && sqlite3_prepare_v3(db->handle, db->sql[number], -1, SQLITE_PREPARE_PERSISTENT, s,
				      NULL) != SQLITE_OK)
		return db_failed(db, "prepare a statement", e);
	sqlite3_reset(*s);
	*out = *s;
	return 0;
}

int db_step(struct db *db, sqlite3_stmt *s, struct err *e)
{
	switch (sqlite3_step(s)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default: {
		int rc = db_failed(db, "read or write", e);
		sqlite3_reset(s);
		return rc;
	}
	}
}

int db_done(struct db *db, sqlite3_stmt *s, struct err *e)
{
	int rc = db_step(db, s, e);
	if (rc == 1)
		while ((rc = db_step(db, s, e)) == 1)
			;
	sqlite3_reset(s);
	return rc;
}

static int parameter(sqlite3_stmt *s, const char *name)
{
	int i = sqlite3_bind_parameter_index(s, name);
	CHECK(i > 0);
	return i;
}

void db_bind_int(sqlite3_stmt *s, const char *name, int64_t v)
{
	CHECK(sqlite3_bind_int64(s, parameter(s, name), v) == SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *s, const char *name, struct text v)
{
	CHECK(sqlite3_bind_text64(s, parameter(s, name), v.n ? v.p : "", v.n, SQLITE_STATIC,
				  SQLITE_UTF8) == SQLITE_OK);
}

void db_bind_blob(sqlite3_stmt *s, const char *name, const void *p, size_t n)
{
	CHECK(sqlite3_bind_blob64(s, parameter(s, name), p, n, SQLITE_STATIC) == SQLITE_OK);
}

void db_bind_null(sqlite3_stmt *s, const char *name)
{
	CHECK(sqlite3_bind_null(s, parameter(s, name)) == SQLITE_OK);
}

int64_t db_int(sqlite3_stmt *s, int column)
{
	CHECK(sqlite3_column_type(s, column) == SQLITE_INTEGER);
	return sqlite3_column_int64(s, column);
}

struct text db_text(sqlite3_stmt *s, int column)
{
	/* blobs are bytes as well; NULL is the empty text */
	const void *p = sqlite3_column_type(s, column) == SQLITE_BLOB
				? sqlite3_column_blob(s, column)
				: (const void *)sqlite3_column_text(s, column);
	return (struct text){ p ? p : "", (size_t)sqlite3_column_bytes(s, column) };
}

bool db_is_null(sqlite3_stmt *s, int column)
{
	return sqlite3_column_type(s, column) == SQLITE_NULL;
}

int db_commit(struct db *db, struct err *e)
{
	return db_run(db, "COMMIT", e);
}

void db_rollback(struct db *db)
{
	if (db->handle && !sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

int db_begin(struct db *db, struct err *e)
{
	/* a rollback that lacked memory is made up for */
	db_rollback(db);
	return run_patiently(db, "BEGIN IMMEDIATE", e);
}
