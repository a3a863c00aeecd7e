#include "base/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum { WAIT_MS = 5000, COPY_CHUNK = 1 << 20 };

struct peek {
	char *path;
	sqlite3 *handle;
	char *copy; /* the directory of a temporary copy; NULL: read in place */
	bool unlocked;
	struct stat before;
};

struct peek_rows {
	struct peek *p;
	sqlite3_stmt *stmt;
};

/* What SQLite keeps beside a database. */
static const char *const beside[] = { "-wal", "-journal" };
static const char magic[16] = "SQLite format 3"; /* and a NUL */

bool peek_is_database(const char *path)
{
	char head[sizeof magic];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
		  memcmp(head, magic, sizeof head) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

static int failed(const struct peek *p, struct err *e)
{
	return err_set(e, ERR_UNREADABLE, "%s: the database could not be read: %s", p->path,
		       p->handle ? sqlite3_errmsg(p->handle) : "no memory");
}

void peek_put_uri(struct buf *b, const char *path)
{
	buf_puts(b, "file:");
	for (; *path; path++)
		if (strchr("?#%", *path))
			buf_printf(b, "%%%02X", (unsigned char)*path);
		else
			buf_add(b, path, 1);
}

static int open_at(struct peek *p, const char *path, const char *how, struct err *e)
{
	struct buf uri = { 0 };
	peek_put_uri(&uri, path);
	buf_puts(&uri, how);
	int code = sqlite3_open_v2(uri.p, &p->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	buf_release(&uri);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(p->handle, WAIT_MS);
		code = sqlite3_exec(p->handle,
				    "PRAGMA mmap_size = 4294967296; PRAGMA trusted_schema = OFF; "
				    "SELECT count(*) FROM sqlite_master",
				    NULL, NULL, NULL);
	}
	if (code == SQLITE_OK)
		return 0;
	int rc = failed(p, e);
	sqlite3_close(p->handle);
	p->handle = NULL;
	return rc;
}

static int64_t size_beside(const char *path, const char *suffix)
{
	struct buf b = { 0 };
	struct stat st;
	buf_printf(&b, "%s%s", path, suffix);
	int64_t size = stat(b.p, &st) == 0 ? st.st_size : -1;
	buf_release(&b);
	return size;
}

static int copy_file(const char *from, const char *to, struct err *e)
{
	char *chunk = mem_alloc(COPY_CHUNK);
	int in = open(from, O_RDONLY | O_CLOEXEC), rc = 0;
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = in < 0 || out < 0 ? -1 : 0;
	while (n >= 0 && (n = read(in, chunk, COPY_CHUNK)) > 0)
		for (ssize_t done = 0, w = 0; n > 0 && done < n; done += w)
			if ((w = write(out, chunk + done, (size_t)(n - done))) < 0)
				n = -1;
	if (n < 0)
		rc = err_set(e, ERR_UNREADABLE, "could not copy '%s' to '%s': %s", from, to,
			     strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) != 0 && rc == 0)
		rc = err_set(e, ERR_SYSTEM, "could not write '%s': %s", to, strerror(errno));
	free(chunk);
	return rc;
}

static void remove_copy(struct peek *p)
{
	static const char *const parts[] = { "", "-wal", "-journal", "-shm" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct buf b = { 0 };
		buf_printf(&b, "%s/copy.db%s", p->copy, parts[i]);
		unlink(b.p);
		buf_release(&b);
	}
	rmdir(p->copy);
	free(p->copy);
	p->copy = NULL;
}

static int open_copy(struct peek *p, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct buf dir = { 0 }, from = { 0 }, to = { 0 };
	buf_printf(&dir, "%s/tally-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir.p)) {
		int rc = err_set(e, ERR_SYSTEM, "could not make '%s': %s", dir.p, strerror(errno));
		buf_release(&dir);
		return rc;
	}
	p->copy = dir.p;
	buf_printf(&to, "%s/copy.db", p->copy);
	int rc = copy_file(p->path, to.p, e);
	for (size_t i = 0; rc == 0 && i < sizeof beside / sizeof *beside; i++) {
		from.n = to.n = 0;
		buf_printf(&from, "%s%s", p->path, beside[i]);
		buf_printf(&to, "%s/copy.db%s", p->copy, beside[i]);
		if (access(from.p, F_OK) == 0)
			rc = copy_file(from.p, to.p, e);
	}
	to.n = 0;
	buf_printf(&to, "%s/copy.db", p->copy);
	if (rc == 0) {
		/* the copy is ours: a journal that is left may be rolled back */
		sqlite3 *own;
		if (sqlite3_open(to.p, &own) == SQLITE_OK)
			sqlite3_exec(own, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
		sqlite3_close(own);
		rc = open_at(p, to.p, "?mode=ro", e);
	}
	buf_release(&from);
	buf_release(&to);
	return rc;
}

int peek_open(struct peek **out, const char *path, struct err *e)
{
	struct peek *p = mem_zalloc(sizeof *p);
	unsigned char version[2] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		free(p);
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE,
			       "could not open '%s': %s", path, strerror(errno));
	}
	bool log_ahead = pread(fd, version, 2, 18) == 2 && version[0] == 2;
	fstat(fd, &p->before);
	close(fd);
	p->path = mem_text(path);
	const int64_t wal = size_beside(path, "-wal");
	int rc;
	/* nobody has it open: a reader with locks would make files beside it */
	p->unlocked = log_ahead && wal < 0;
	if (log_ahead && wal >= 0 && size_beside(path, "-shm") < 0)
		rc = open_copy(p, e);
	else if ((rc = open_at(p, path, p->unlocked ? "?mode=ro&immutable=1" : "?mode=ro", e)) != 0)
		rc = open_copy(p, e);
	if (rc != 0) {
		peek_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

int peek_glance(struct peek **out, const char *path, struct err *e)
{
	struct peek *p = mem_zalloc(sizeof *p);
	p->path = mem_text(path);
	int rc = open_at(p, path, "?mode=ro&immutable=1", e);
	if (rc != 0)
		peek_close(p);
	else
		*out = p;
	return rc;
}

void peek_close(struct peek *p)
{
	if (!p)
		return;
	sqlite3_close(p->handle);
	if (p->copy)
		remove_copy(p);
	free(p->path);
	free(p);
}

bool peek_was_written(const struct peek *p)
{
	struct stat now;
	return p->unlocked && !p->copy &&
	       (size_beside(p->path, "-wal") >= 0 || stat(p->path, &now) != 0 ||
		now.st_size != p->before.st_size || now.st_ino != p->before.st_ino ||
		now.st_mtim.tv_sec != p->before.st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != p->before.st_mtim.tv_nsec);
}

static bool has(struct peek *p, const char *sql, const char *table, const char *column)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(p->handle, sql, -1, &s, NULL) != SQLITE_OK)
		return false;
	if (table)
		sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	if (column)
		sqlite3_bind_text(s, 2, column, -1, SQLITE_STATIC);
	bool found = sqlite3_step(s) == SQLITE_ROW;
	sqlite3_finalize(s);
	return found;
}

bool peek_is_empty(struct peek *p)
{
	return !has(p, "SELECT 1 FROM sqlite_master", NULL, NULL);
}

bool peek_has_table(struct peek *p, const char *table)
{
	return has(p, "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1",
		   table, NULL);
}

bool peek_has_column(struct peek *p, const char *table, const char *column)
{
	return has(p, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2", table, column);
}

int peek_query(struct peek *p, struct peek_rows **out, const char *sql, struct err *e)
{
	struct peek_rows *r = mem_zalloc(sizeof *r);
	r->p = p;
	if (sqlite3_prepare_v2(p->handle, sql, -1, &r->stmt, NULL) != SQLITE_OK) {
		free(r);
		return failed(p, e);
	}
	*out = r;
	return 0;
}

int peek_next(struct peek_rows *r, struct err *e)
{
	int code = sqlite3_step(r->stmt);
	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : failed(r->p, e);
}

void peek_end(struct peek_rows *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->stmt);
	free(r);
}

struct text peek_text(struct peek_rows *r, int column)
{
	const char *s = (const char *)sqlite3_column_text(r->stmt, column);
	return s ? (struct text){ s, (size_t)sqlite3_column_bytes(r->stmt, column) } : TEXT("");
}

int64_t peek_int(struct peek_rows *r, int column)
{
	return sqlite3_column_int64(r->stmt, column);
}

bool peek_is_count(struct peek_rows *r, int column)
{
	return sqlite3_column_type(r->stmt, column) == SQLITE_INTEGER &&
	       sqlite3_column_int64(r->stmt, column) >= 0;
}
