/*
 * db: a handle on an SQLite file: opening it durably, migrating it, and statements that cannot be
 * misread.
 *
 * Owns the connection and its prepared statements. Knows nothing of what the tables mean.
 */
#ifndef TALLY_BASE_DB_H
#define TALLY_BASE_DB_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/text.h"

struct migration {
	const char *name, *sql;
};

struct db {
	sqlite3 *handle;
	sqlite3_stmt **statement; /* prepared so far, by number */
	const char *const *sql;	  /* of each number */
	size_t statements;
	char *path;
};

enum db_mode { DB_READ, DB_WRITE, DB_CREATE };

/*
 * Opens with WAL and synchronous=FULL, and brings the schema up to the last migration (the numbers
 * are user_version; each step is a transaction). Errors: ERR_NOT_FOUND when it is absent and mode
 * is not DB_CREATE; ERR_INVALID when it is no database of this program or of a newer one;
 * ERR_STORE.
 */
int db_open(struct db *db, const char *path, enum db_mode mode, int32_t application_id,
	    const struct migration *migrations, const char *const *sql, size_t statements,
	    struct err *e);
void db_close(struct db *db);

/* Fills in what SQLite says; returns -ERR_STORE (ERR_BUSY when another process holds the lock). */
int db_failed(struct db *db, const char *doing, struct err *e);
/* Statements without results. */
int db_run(struct db *db, const char *sql, struct err *e);

/* A statement by its number, reset and without bindings. Errors: ERR_STORE. */
int db_statement(struct db *db, size_t number, sqlite3_stmt **out, struct err *e);
/* 1: a row; 0: done; negative: failed. */
int db_step(struct db *db, sqlite3_stmt *s, struct err *e);
/* A statement that returns nothing. */
int db_done(struct db *db, sqlite3_stmt *s, struct err *e);

/* Bindings by name (":name"); the name must exist. NULL text binds as ''. The bytes must live until
 * the statement has run. */
void db_bind_int(sqlite3_stmt *s, const char *name, int64_t v);
void db_bind_text(sqlite3_stmt *s, const char *name, struct text v);
void db_bind_blob(sqlite3_stmt *s, const char *name, const void *p, size_t n);
void db_bind_null(sqlite3_stmt *s, const char *name);

/* Columns by place, with their type checked: a column of another type is a broken file. */
int64_t db_int(sqlite3_stmt *s, int column);
struct text db_text(sqlite3_stmt *s, int column);
bool db_is_null(sqlite3_stmt *s, int column);

/* BEGIN IMMEDIATE, waiting for other writers; COMMIT; ROLLBACK. */
int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);

#endif
