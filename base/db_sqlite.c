#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/db_driver.h"
#include "base/peek.h"

enum { WAIT_FOR_LOCK_MS = 30000, RETRY_MS = 5, PAGES_A_STEP = 2048, KNOWN_PLACES = 64 };

struct sqlite_query {
	struct query query;
	sqlite3_stmt *stmt;
	/* places of parameters by the address of the name that was asked for, mostly a constant of
	   the caller's: SQLite goes through all names each time */
	uint8_t known[KNOWN_PLACES];
	int names;    /* 0: run once only, nothing is remembered */
	char *name[]; /* from place 1 on; copies, for SQLite's own move when the schema changes */
};

/* The database and the files beside it without which what is committed is lost, or seen by nobody
 * else. */
static const char *const file_suffix[] = { "", "-wal", "-shm" };
enum { FILES = sizeof file_suffix / sizeof *file_suffix };

struct connection {
	sqlite3 *handle;
	sqlite3_stmt *rollback; /* prepared ahead: when memory lacks, it is needed most */
	bool ready;		/* its schema is the one that is known here */
	struct own_file {
		char *path; /* NULL: not known */
		dev_t device;
		ino_t number;
	} file[FILES];
};

static sqlite3 *handle_of(const struct db *db)
{
	return ((const struct connection *)db->connection)->handle;
}

static sqlite3_stmt *stmt_of(const struct query *q)
{
	return ((const struct sqlite_query *)q)->stmt;
}

/* Whether the file system of the database has free bytes for its owner, as far as it says. */
static bool has_free(const char *path)
{
	struct statvfs fs;
	return statvfs(path, &fs) != 0 || fs.f_blocks == 0 ||
	       (uint64_t)fs.f_bavail * fs.f_frsize >= DB_ROOM_BYTES;
}

/* The errno of who may not write DB_ROOM_BYTES behind the end of the log: blocks there, which are
 * its own from then on, are refused by a file system or a quota that is full, or may no longer be
 * written. 0: there is room. The log is locked by no descriptor, so one may be closed. */
static int no_room(struct db *db)
{
	const char *path = sqlite3_db_filename(handle_of(db), "main");
	struct buf log = { 0 };
	struct stat st;
	struct rlimit most;
	int why = 0;
	buf_printf(&log, "%s-wal", path);
	const int fd = open(log.p, O_WRONLY | O_CLOEXEC);
	const bool is_read_only = fd < 0 && errno == EROFS;
	const bool is_open = fd >= 0 && fstat(fd, &st) == 0;
	if (is_open && fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, DB_ROOM_BYTES) != 0)
		why = errno;
	if (fd >= 0)
		close(fd);
	buf_release(&log);
	if (is_read_only)
		why = EROFS;
	else if (!is_open || why == EOPNOTSUPP || why == ENOSYS || why == EINTR)
		why = has_free(path) ? 0 : ENOSPC;
	if (!why && is_open && getrlimit(RLIMIT_FSIZE, &most) == 0 &&
	    most.rlim_cur != RLIM_INFINITY && (rlim_t)st.st_size + DB_ROOM_BYTES > most.rlim_cur)
		why = EFBIG;
	return why;
}

static int failed(struct db *db, const char *doing, struct err *e)
{
	int code = sqlite3_extended_errcode(handle_of(db));
	const char *why = sqlite3_errmsg(handle_of(db));
	if ((code & 0xFF) == SQLITE_BUSY)
		return err_set(e, ERR_BUSY,
			       "%s: another process has held the write lock for %d seconds; try "
			       "again",
			       db->path, WAIT_FOR_LOCK_MS / 1000);
	if ((code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_WRITE) {
		const int refused = no_room(db);
		return err_set(e, ERR_STORE,
			       "%s: could not %s: the disk is full or cannot be "
			       "written (%s)",
			       db->path, doing, refused ? strerror(refused) : why);
	}
	if ((code & 0xFF) == SQLITE_READONLY && access(db->path, F_OK) == 0)
		return err_set(e, ERR_STORE,
			       "%s: could not %s: the file or its folder may not be written",
			       db->path, doing);
	if (code == SQLITE_CONSTRAINT_COMMITHOOK)
		return err_set(e, ERR_STORE,
			       "%s: the file, or its -wal or -shm, has been replaced, moved or "
			       "removed since it was opened; start this process again",
			       db->path);
	/* a sum that no longer fits becomes a floating number, which no column takes */
	if (code == SQLITE_CONSTRAINT_DATATYPE)
		return err_set(e, ERR_RANGE, "%s: could not %s: %s", db->path, doing, why);
	return err_set(e, ERR_STORE, "%s: could not %s: %s", db->path, doing, why);
}

static int run(struct db *db, const char *sql, struct err *e)
{
	return sqlite3_exec(handle_of(db), sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : failed(db, "run a statement", e);
}

/* SQLite does not wait for every kind of lock (the recovery of a log that a killed process left,
 * say), so it may have waited or not when it says that another one holds it. */
static int run_patiently(struct db *db, const char *sql, struct err *e)
{
	struct err own = { 0 };
	const int64_t until_us = clock_monotonic_us() + WAIT_FOR_LOCK_MS * INT64_C(1000);
	int rc = run(db, sql, &own);
	while (rc == -ERR_BUSY && clock_monotonic_us() < until_us) {
		nanosleep(&(struct timespec){ 0, RETRY_MS * 1000000L }, NULL);
		rc = run(db, sql, &own);
	}
	if (rc != 0 && e)
		*e = own;
	return rc;
}

static int keep_version(struct db *db, int64_t version, struct err *e)
{
	char sql[96];
	snprintf(sql, sizeof sql, "PRAGMA user_version=%lld; PRAGMA application_id=%d",
		 (long long)version, (int)db->schema->application_id);
	return run(db, sql, e);
}

/* Inside a transaction: another process may have been faster. */
static int take_steps(struct db *db, int64_t known, struct err *e)
{
	int64_t version = 0, tables = 0;
	int rc = db_read_int(db, "PRAGMA user_version", &version, e);
	if (rc == 0)
		rc = db_read_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc != 0)
		return rc;
	if (tables || !db->schema->at_once)
		return db_migrate_from(db, db->schema->migrations, version, keep_version, e);
	rc = run(db, db->schema->at_once, e);
	return rc != 0 ? rc : keep_version(db, known, e);
}

static int migrate(struct db *db, enum db_mode mode, struct err *e)
{
	int64_t version = 0, application = 0, tables = 0;
	const int64_t known = db_migrations_known(db->schema->migrations);
	int rc = db_read_int(db, "PRAGMA user_version", &version, e);
	if (rc == 0)
		rc = db_read_int(db, "PRAGMA application_id", &application, e);
	if (rc == 0)
		rc = db_read_int(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc != 0)
		return e && e->code == ERR_STORE && sqlite3_errcode(handle_of(db)) == SQLITE_NOTADB
			       ? err_set(e, ERR_INVALID, "'%s' is not a database", db->path)
			       : rc;
	if (tables && application != db->schema->application_id)
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
			       "'%s' has an older schema; any command that writes upgrades it",
			       db->path);
	rc = db_begin(db, e);
	if (rc == 0)
		rc = take_steps(db, known, e);
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

/*
 * A new file for its owner alone; the engine gives its log and its shared memory the same
 * permissions. Nothing that stands under that name, no link either, is opened. False with errno
 * set.
 */
static bool make_own_file(const char *path)
{
	const int fd =
		open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	return fd >= 0 && close(fd) == 0;
}

/* Which files were opened; none is rebuilt while a connection is open. */
static void know_files(struct connection *c)
{
	const char *main = sqlite3_db_filename(c->handle, "main");
	for (size_t i = 0; i < FILES; i++) {
		struct own_file *f = &c->file[i];
		struct buf path = { 0 };
		struct stat st;
		buf_printf(&path, "%s%s", main, file_suffix[i]);
		if (stat(path.p, &st) == 0)
			*f = (struct own_file){ path.p, st.st_dev, st.st_ino };
		else
			buf_release(&path);
	}
}

/* Nothing is committed to a file that has no longer the name under which others look for it. */
static int has_moved(void *user)
{
	const struct connection *c = user;
	struct stat st;
	for (const struct own_file *f = c->file; f < c->file + FILES; f++)
		if (f->path &&
		    (stat(f->path, &st) != 0 || st.st_dev != f->device || st.st_ino != f->number))
			return 1;
	return 0;
}

/* Whether its header says that it has a log beside it. Closing a file ends the process's locks on
 * it: only where nobody can have one. */
static bool is_logged(const char *path)
{
	unsigned char version[2] = { 0 };
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const bool logged = pread(fd, version, 2, 18) == 2 && version[0] == 2;
	if (fd >= 0)
		close(fd);
	return logged;
}

/* Whether a reader cannot make the files that it needs beside the database: its folder may not be
 * written, and nobody who may has it open. Then nothing can change it, and it is read as it is. */
static bool is_still(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = { 0 }, log = { 0 };
	buf_add(&folder, path, slash ? (size_t)(slash - path) + 1 : 0);
	buf_puts(&folder, ".");
	buf_printf(&log, "%s-wal", path);
	const bool still =
		access(folder.p, W_OK) != 0 && access(log.p, F_OK) != 0 && is_logged(path);
	buf_release(&folder);
	buf_release(&log);
	return still;
}

static int open_file(struct db *db, const char *path, enum db_mode mode, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sqlite3 *handle = NULL;
	struct connection *c = mem_zalloc(sizeof *c);
	pthread_once(&once, configure);
	db->connection = c;
	if (mode != DB_CREATE && access(path, F_OK) != 0)
		return err_set(e, ERR_NOT_FOUND, "no database '%s': %s", path, strerror(errno));
	if (mode == DB_CREATE && !make_own_file(path) && errno != EEXIST)
		return err_set(e, ERR_UNREADABLE, "could not create the database '%s': %s", path,
			       strerror(errno));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (mode == DB_READ && access(path, W_OK) != 0)
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	struct buf name = { 0 };
	if (mode == DB_READ && is_still(path)) {
		flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
		peek_put_uri(&name, path);
		buf_puts(&name, "?mode=ro&immutable=1");
	}
	bool opened = sqlite3_open_v2(name.n ? name.p : path, &handle, flags, NULL) == SQLITE_OK;
	buf_release(&name);
	c->handle = handle;
	if (!opened)
		return err_set(e, ERR_UNREADABLE, "could not open the database '%s': %s", path,
			       handle ? sqlite3_errmsg(handle) : "no memory");
	sqlite3_busy_timeout(handle, WAIT_FOR_LOCK_MS);
	/* steps of the schema may rewrite constraints; some systems forbid that at first */
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	int rc = run(db,
		     "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL; "
		     "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; "
		     "PRAGMA mmap_size=1073741824; PRAGMA wal_autocheckpoint=10000",
		     e);
	if (rc == 0 && mode != DB_READ)
		rc = run_patiently(db, "PRAGMA journal_mode=WAL", e);
	if (rc != 0 && sqlite3_errcode(handle) == SQLITE_NOTADB)
		rc = err_set(e, ERR_INVALID, "'%s' is not a database", path);
	if (rc == 0)
		rc = migrate(db, mode, e);
	if (rc == 0 && sqlite3_prepare_v3(handle, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT,
					  &c->rollback, NULL) != SQLITE_OK)
		rc = failed(db, "prepare a statement", e);
	if (rc == 0)
		know_files(c);
	sqlite3_commit_hook(handle, has_moved, c);
	c->ready = rc == 0;
	return rc;
}

static void close_file(struct db *db)
{
	struct connection *c = db->connection;
	if (!c)
		return;
	sqlite3_finalize(c->rollback);
	sqlite3_close(c->handle);
	for (size_t i = 0; i < FILES; i++)
		free(c->file[i].path);
	free(c);
}

static int prepare(struct db *db, const char *sql, bool kept, struct query **out, struct err *e)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v3(handle_of(db), sql, -1, kept ? SQLITE_PREPARE_PERSISTENT : 0, &stmt,
			       NULL) != SQLITE_OK)
		return failed(db, "prepare a statement", e);
	const int names = kept ? sqlite3_bind_parameter_count(stmt) : 0;
	struct sqlite_query *q = mem_zalloc(sizeof *q + (size_t)names * sizeof *q->name);
	q->query.driver = &db_sqlite;
	q->stmt = stmt;
	q->names = names;
	for (int i = 0; i < names; i++) {
		const char *name = sqlite3_bind_parameter_name(stmt, i + 1);
		q->name[i] = name ? mem_text(name) : NULL; /* '?' has none */
	}
	*out = &q->query;
	return 0;
}

static void drop(struct query *q)
{
	struct sqlite_query *own = (struct sqlite_query *)q;
	for (int i = 0; i < own->names; i++)
		free(own->name[i]);
	sqlite3_finalize(stmt_of(q));
	free(q);
}

static void reset(struct query *q)
{
	sqlite3_reset(stmt_of(q));
}

static int step(struct db *db, struct query *q, struct err *e)
{
	switch (sqlite3_step(stmt_of(q))) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default: {
		int rc = failed(db, "read or write", e);
		sqlite3_reset(stmt_of(q));
		return rc;
	}
	}
}

static int place(struct query *q, const char *name)
{
	struct sqlite_query *own = (struct sqlite_query *)q;
	const uintptr_t address = (uintptr_t)name;
	uint8_t *known = &own->known[(address ^ address >> 6) % KNOWN_PLACES];
	if (*known && strcmp(own->name[*known - 1], name) == 0)
		return *known;
	const int at = sqlite3_bind_parameter_index(own->stmt, name);
	*known = at <= own->names && at <= UINT8_MAX ? (uint8_t)at : 0;
	return at;
}

static void bind_int(struct query *q, int at, int64_t v)
{
	CHECK(sqlite3_bind_int64(stmt_of(q), at, v) == SQLITE_OK);
}

static void bind_text(struct query *q, int at, struct text v)
{
	CHECK(sqlite3_bind_text64(stmt_of(q), at, v.n ? v.p : "", v.n, SQLITE_STATIC,
				  SQLITE_UTF8) == SQLITE_OK);
}

static void bind_blob(struct query *q, int at, const void *p, size_t n)
{
	CHECK(sqlite3_bind_blob64(stmt_of(q), at, p, n, SQLITE_STATIC) == SQLITE_OK);
}

static void bind_null(struct query *q, int at)
{
	CHECK(sqlite3_bind_null(stmt_of(q), at) == SQLITE_OK);
}

static int64_t integer(struct query *q, int column)
{
	/* looked up once; only this thread has the connection */
	sqlite3_value *v = sqlite3_column_value(stmt_of(q), column);
	CHECK(sqlite3_value_type(v) == SQLITE_INTEGER);
	return sqlite3_value_int64(v);
}

static bool is_blob(struct query *q, int column)
{
	return sqlite3_column_type(stmt_of(q), column) == SQLITE_BLOB;
}

static struct text text(struct query *q, int column)
{
	/* asked as text it would be copied for the sake of a final zero, which can lack memory */
	const int type = sqlite3_column_type(stmt_of(q), column);
	const void *p = type == SQLITE_BLOB || type == SQLITE_TEXT
				? sqlite3_column_blob(stmt_of(q), column)
				: (const void *)sqlite3_column_text(stmt_of(q), column);
	return (struct text){ p ? p : "", (size_t)sqlite3_column_bytes(stmt_of(q), column) };
}

static bool is_null(struct query *q, int column)
{
	return sqlite3_column_type(stmt_of(q), column) == SQLITE_NULL;
}

static int64_t changes(struct db *db)
{
	return sqlite3_changes64(handle_of(db));
}

static int64_t last_number(struct db *db)
{
	return sqlite3_last_insert_rowid(handle_of(db));
}

static int begin(struct db *db, struct err *e)
{
	const struct connection *c = db->connection;
	const int64_t known = db_migrations_known(db->schema->migrations);
	int64_t version = known;
	int rc = run_patiently(db, "BEGIN IMMEDIATE", e);
	if (rc == 0 && c->ready)
		rc = db_read_int(db, "PRAGMA user_version", &version, e);
	if (rc == 0 && version != known) {
		db_rollback(db);
		rc = db_upgraded(db, e);
	}
	return rc;
}

static int begin_reading(struct db *db, struct err *e)
{
	return run(db, "BEGIN", e);
}

static bool in_transaction(struct db *db)
{
	return db->connection && handle_of(db) && !sqlite3_get_autocommit(handle_of(db));
}

static void rollback(struct db *db)
{
	struct connection *c = db->connection;
	if (c->rollback) {
		sqlite3_step(c->rollback);
		sqlite3_reset(c->rollback);
	} else {
		sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
	}
}

static int check(struct db *db, void (*take)(void *user, struct text fault), void *user,
		 struct err *e)
{
	struct query *q;
	int64_t orphans = 0;
	int rc = db_prepare(db, "PRAGMA integrity_check", &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1)
		if (!text_is(db_text(q, 0), "ok"))
			take(user, db_text(q, 0));
	db_drop(q);
	if (rc == 0)
		rc = db_read_int(db, "SELECT count(*) FROM pragma_foreign_key_check", &orphans, e);
	if (rc == 0 && orphans) {
		struct buf b = { 0 };
		buf_printf(&b, "entries with missing references: %lld", (long long)orphans);
		take(user, (struct text){ b.p, b.n });
		buf_release(&b);
	}
	return rc;
}

/* SQLite's online backup. */
static int backup(struct db *db, const char *path,
		  void (*progress)(void *user, int64_t done, int64_t total), void *user,
		  struct err *e)
{
	sqlite3 *to = NULL;
	int rc = 0, code = SQLITE_OK;
	if (!make_own_file(path))
		return errno == EEXIST
			       ? err_set(e, ERR_STORE,
					 "'%s' exists already; a backup goes to a new file", path)
			       : err_set(e, ERR_STORE, "could not make '%s': %s", path,
					 strerror(errno));
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) !=
	    SQLITE_OK)
		rc = err_set(e, ERR_STORE, "could not make '%s': %s", path, sqlite3_errmsg(to));
	sqlite3_backup *b = rc == 0 ? sqlite3_backup_init(to, "main", handle_of(db), "main") : NULL;
	if (rc == 0 && !b)
		rc = err_set(e, ERR_STORE, "could not copy to '%s': %s", path, sqlite3_errmsg(to));
	while (b && (code = sqlite3_backup_step(b, PAGES_A_STEP)) != SQLITE_DONE) {
		if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED) {
			rc = err_set(e, ERR_STORE, "could not copy to '%s': %s", path,
				     sqlite3_errstr(code));
			break;
		}
		if (progress)
			progress(user, sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b),
				 sqlite3_backup_pagecount(b));
	}
	if (b)
		sqlite3_backup_finish(b);
	sqlite3_close(to);
	if (rc != 0)
		unlink(path);
	return rc;
}

static int room(struct db *db, struct err *e)
{
	const int why = no_room(db);
	return why ? err_set(e, ERR_STORE, "the database has no room: %s", strerror(why)) : 0;
}

const struct db_driver db_sqlite = {
	.open = open_file,
	.close = close_file,
	.failed = failed,
	.run = run,
	.prepare = prepare,
	.drop = drop,
	.reset = reset,
	.step = step,
	.place = place,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_blob = bind_blob,
	.bind_null = bind_null,
	.integer = integer,
	.text = text,
	.is_null = is_null,
	.is_blob = is_blob,
	.changes = changes,
	.last_number = last_number,
	.begin = begin,
	.begin_reading = begin_reading,
	.in_transaction = in_transaction,
	.rollback = rollback,
	.room = room,
	.check = check,
	.backup = backup,
};
