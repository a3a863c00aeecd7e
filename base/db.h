/*
 * db: a handle on a database: opening it durably, migrating it, and statements that cannot be
 * misread.
 *
 * SQLite in a file (db_sqlite), or PostgreSQL (db_postgres) where the path is an address such as
 * postgresql://user@host/name. Owns the connection and its prepared statements. Knows nothing of
 * what the tables mean. SQL is that of SQLite as far as PostgreSQL understands it, too; statements
 * that must differ have a text for each.
 */
#ifndef TALLY_BASE_DB_H
#define TALLY_BASE_DB_H

#include "base/err.h"
#include "base/text.h"

struct migration {
	const char *name, *sql;
};

/* What a database of a program is made of. */
struct db_schema {
	int32_t application_id;
	const struct migration *migrations, *postgres_migrations; /* ended by a NULL name */
	const char *at_once; /* what `migrations` come to, for a new file; NULL: take each */
};

/* A statement that is run often: a constant beside the function that runs it, known by its
 * address. */
struct sql {
	const char *text;     /* for both engines, or for SQLite alone */
	const char *postgres; /* where a server needs another text */
};

struct db_driver;
/* A prepared statement. */
struct query {
	const struct db_driver *driver;
	bool on_row; /* between a step that gave a row and its end or reset */
};

struct db {
	const struct db_driver *driver; /* NULL: not open */
	const struct db_schema *schema;
	void *connection; /* the driver's */
	struct kept {
		const struct sql *sql; /* NULL: free */
		struct query *query;
	} * kept; /* the statements prepared so far, hashed by address */
	size_t kept_count, kept_room;
	void (*renewed)(void *user); /* or NULL */
	void *renewed_user;
	uint64_t transactions, alone; /* so far; the one in which nobody else writes, or 0 */
	char *path;		      /* without a password */
};

enum db_mode { DB_READ, DB_WRITE, DB_CREATE };

/* Whether the path is the address of a server rather than a file. */
bool db_is_server(const char *path);
/*
 * Opens, and brings the schema up to the last migration (each step is a transaction). What was
 * committed survives a crash. Errors: ERR_NOT_FOUND when it is absent and mode is not DB_CREATE;
 * ERR_INVALID when it is no database of this program or of a newer one; ERR_STORE.
 */
int db_open(struct db *db, const char *path, enum db_mode mode, const struct db_schema *schema,
	    struct err *e);
void db_close(struct db *db);
bool db_on_server(const struct db *db);
/* Hears that the connection was made again, never inside a transaction: another server may answer
 * now, so nothing that the first one told is known any more. */
void db_on_renewal(struct db *db, void (*renewed)(void *user), void *user);

/* Statements without results. */
int db_run(struct db *db, const char *sql, struct err *e);
/* The first column of the first row, 0 when there is none or it is NULL. */
int db_read_int(struct db *db, const char *sql, int64_t *out, struct err *e);

/* A statement, prepared when it is first asked for, and reset. Errors: ERR_STORE. */
int db_statement(struct db *db, const struct sql *sql, struct query **out, struct err *e);
/* One of the caller's, for db_drop. */
int db_prepare(struct db *db, const char *sql, struct query **out, struct err *e);
void db_drop(struct query *q);
/* Ends its run; the bindings stay. */
void db_reset(struct query *q);
/* 1: a row; 0: done; negative: failed. */
int db_step(struct db *db, struct query *q, struct err *e);
/* A statement that returns nothing. */
int db_done(struct db *db, struct query *q, struct err *e);
/* A statement that returns one number, or nothing: 1 or 0. */
int db_found(struct db *db, struct query *q, int64_t *out, struct err *e);
/* One that returns one number (RETURNING id). */
int db_returned(struct db *db, struct query *q, int64_t *out, struct err *e);
/* An INSERT of one row: 1 and the number that the database gave it, or 0 where there is such a row
 * already. Only a server needs RETURNING for that: SQLite knows the number, and would make a table
 * of what is returned. */
int db_added(struct db *db, struct query *q, int64_t *out, struct err *e);

/* Bindings by name (":name"); the name must exist. NULL text binds as ''. The bytes must live until
 * the statement has run. */
void db_bind_int(struct query *q, const char *name, int64_t v);
void db_bind_text(struct query *q, const char *name, struct text v);
void db_bind_blob(struct query *q, const char *name, const void *p, size_t n);
void db_bind_null(struct query *q, const char *name);
/* Bytes that were meant to be text and may be none, into a column for them (on a server BYTEA). */
void db_bind_raw(struct query *q, const char *name, struct text v);
/* By place, from 1, of statements with '?'. */
void db_bind_int_at(struct query *q, int place, int64_t v);
void db_bind_text_at(struct query *q, int place, struct text v);
void db_bind_blob_at(struct query *q, int place, const void *p, size_t n);
void db_bind_null_at(struct query *q, int place);

/* Columns by place, with their type checked: a column of another type is a broken file. */
int64_t db_int(struct query *q, int column);
/* Of text and of blobs; NULL is the empty text. */
struct text db_text(struct query *q, int column);
bool db_is_null(struct query *q, int column);
bool db_is_blob(struct query *q, int column);

/* Many rows at once into a table of a server, or its columns "table(a,b)", as lines of COPY's text
 * format; what fails of them may be told by the next call. Only where db_on_server. */
int db_copy(struct db *db, const char *table, struct text lines, struct err *e);
/* Waits for its end, which any other call does, too, and says how it went. */
int db_copied(struct db *db, struct err *e);
/* Rows that the last statement changed. */
int64_t db_changes(struct db *db);

/* Takes the lock of writers, waiting for others; COMMIT; ROLLBACK. */
int db_begin(struct db *db, struct err *e);
/* The same in two steps, where db_on_server: what is done in between runs beside other writers. A
 * shared lock is held by any number at once, and by none while one holds the lock alone. */
int db_begin_beside(struct db *db, struct err *e);
int db_lock(struct db *db, bool shared, struct err *e);
/* One look at the database, whatever others write meanwhile; ended by db_rollback. */
int db_begin_reading(struct db *db, struct err *e);
bool db_in_transaction(struct db *db);
/* The number of the transaction of db_begin that is at work: until it ends nobody else writes. 0:
 * there is none. */
uint64_t db_alone(struct db *db);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);

/* Inside a transaction: whether there is room for the next writes, DB_ROOM_BYTES at least, which a
 * commit of a few bytes in the place of others does not say. Nothing that is stored changes.
 * Errors: ERR_STORE. */
enum { DB_ROOM_BYTES = 1 << 20 };
int db_room(struct db *db, struct err *e);
/* Whether what the engine itself can tell is in order; take hears of each fault. */
int db_check(struct db *db, void (*take)(void *user, struct text fault), void *user, struct err *e);
/* A whole copy while others write. Errors: ERR_STORE; ERR_USAGE where the engine has tools of its
 * own for that. */
int db_backup(struct db *db, const char *path,
	      void (*progress)(void *user, int64_t done, int64_t total), void *user, struct err *e);

#endif
