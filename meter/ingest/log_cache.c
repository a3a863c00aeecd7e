#include "meter/ingest/log_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/file.h"
#include "meter/ingest/quarantine.h"
#include "meter/read/source.h"
#include "meter/store/session_cells.h"

enum { EDGE = 4096 };

/* A log as it was when it was read last. */
struct seen {
	int64_t device, inode, bytes, changed_ns;
	uint64_t edges; /* hash of its first and its last bytes */
	bool there, unread;
};

struct look {
	struct log_cache *cache;
	const struct log_cache_options *o;
	struct path_list list;
	struct dict known; /* path to 1 + place in seen */
	struct seen *seen;
	size_t seen_count;
	struct path_list news; /* what is to be read */
	struct dict unread;    /* of that, what could not be, to the place of the reason */
	char **why;
	size_t whys;
	bool again; /* the cache no longer fits the logs */
};

static const char *const tables =
	"CREATE TABLE IF NOT EXISTS log_cache (key TEXT NOT NULL, columns TEXT NOT NULL,"
	" pages TEXT NOT NULL) STRICT;"
	"CREATE TABLE IF NOT EXISTS log_seen (path TEXT PRIMARY KEY, device INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, bytes INTEGER NOT NULL, changed INTEGER NOT NULL,"
	" edges INTEGER NOT NULL, unread TEXT NOT NULL) STRICT, WITHOUT ROWID";

/* The first and the last bytes of what was `bytes` long. */
static uint64_t hash_edges(const char *path, int64_t bytes)
{
	static const uint64_t seed[2] = { 0x74616c6c79, 0x6c6f6773 };
	char room[2 * EDGE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t want = bytes < EDGE ? (size_t)bytes : EDGE;
	ssize_t head = fd < 0 ? 0 : pread(fd, room, want, 0);
	ssize_t tail = fd < 0 || head < 0 ? 0 : pread(fd, room + head, want, bytes - (int64_t)want);
	if (fd >= 0)
		close(fd);
	return hash_bytes(room, (size_t)((head > 0 ? head : 0) + (tail > 0 ? tail : 0)), seed);
}

static struct seen seen_of(const struct stat *st)
{
	return (struct seen){ .device = (int64_t)st->st_dev,
			      .inode = (int64_t)st->st_ino,
			      .bytes = st->st_size,
			      .changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
					    st->st_mtim.tv_nsec,
			      .there = true };
}

/* Documents and databases are written over in place; logs of lines only grow. */
static bool only_grows(const char *path)
{
	size_t n = strlen(path);
	return (n > 6 && strcmp(path + n - 6, ".jsonl") == 0) ||
	       (n > 7 && strcmp(path + n - 7, ".ndjson") == 0);
}

static int load_seen(struct look *k, struct err *e)
{
	struct db *db = store_db(k->cache->store);
	struct query *q;
	int rc = db_prepare(db,
			    "SELECT path, device, inode, bytes, changed, edges, unread FROM "
			    "log_seen",
			    &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1) {
		if ((k->seen_count & (k->seen_count - 1)) == 0)
			k->seen = mem_grow(k->seen, (k->seen_count ? k->seen_count * 2 : 1) *
							    sizeof *k->seen);
		*dict_need(&k->known, db_text(q, 0), NULL) = k->seen_count + 1;
		k->seen[k->seen_count++] = (struct seen){ .device = db_int(q, 1),
							  .inode = db_int(q, 2),
							  .bytes = db_int(q, 3),
							  .changed_ns = db_int(q, 4),
							  .edges = (uint64_t)db_int(q, 5),
							  .unread = db_text(q, 6).n != 0 };
	}
	db_drop(q);
	return rc;
}

/* Whether the cache is of these logs as this program reads them; and what was in doubt there. */
static bool fits(struct look *k, const char *key, struct err *e)
{
	struct db *db = store_db(k->cache->store);
	struct doubts *doubts = &k->cache->doubts;
	struct query *q;
	struct text name;
	bool same = false;
	if (db_prepare(db, "SELECT key, columns, pages FROM log_cache", &q, e) != 0)
		return false;
	if (db_step(db, q, e) == 1)
		same = text_is(db_text(q, 0), key) && page_list_read(&doubts->pages, db_text(q, 2));
	for (size_t at = 0; same && doubts_next_column(db_text(q, 1), &at, &name);)
		doubts_add_column(doubts, name);
	db_drop(q);
	return same;
}

/* What is in doubt, for the looks that follow. */
static int keep_doubts(struct log_cache *c, struct err *e)
{
	struct buf pages = { 0 };
	struct query *q;
	struct db *db = store_db(c->store);
	int rc = db_prepare(db, "UPDATE log_cache SET columns=?, pages=?", &q, e);
	if (rc != 0)
		return rc;
	page_list_write(&c->doubts.pages, &pages);
	db_bind_text_at(q, 1,
			(struct text){ c->doubts.columns.n ? c->doubts.columns.p : "",
				       c->doubts.columns.n });
	db_bind_text_at(q, 2, (struct text){ pages.n ? pages.p : "", pages.n });
	rc = db_done(db, q, e);
	db_drop(q);
	buf_release(&pages);
	return rc;
}

/* What is new among the logs; k->again where a log is not what it was. */
static void compare(struct look *k)
{
	struct stat st;
	for (size_t i = 0; i < k->list.count; i++) {
		const char *path = k->list.path[i];
		const uint64_t *at = dict_find(&k->known, text_of(path));
		struct seen *was = at ? &k->seen[*at - 1] : NULL;
		if (stat(path, &st) != 0)
			continue;
		struct seen now = seen_of(&st);
		if (was)
			was->there = true;
		const bool same_file = was && was->device == now.device && was->inode == now.inode;
		if (same_file && was->bytes == now.bytes && was->changed_ns == now.changed_ns) {
			k->cache->unread += was->unread;
			continue;
		}
		/* what was in doubt may be so no longer, and of which log it was is not kept */
		const bool doubted = k->cache->doubts.columns.n || k->cache->doubts.pages.count;
		if (was && (only_grows(path) ? !same_file || now.bytes <= was->bytes ||
						       hash_edges(path, was->bytes) != was->edges
					     : doubted))
			k->again = true;
		path_list_add_found(&k->news, path);
	}
	for (size_t i = 0; i < k->seen_count; i++)
		k->again |= !k->seen[i].there;
}

static void note_unread(void *user, const char *path, int64_t line, const char *why)
{
	struct look *k = user;
	if (line == -1) {
		k->why = mem_grow(k->why, (k->whys + 1) * sizeof *k->why);
		k->why[k->whys] = strdup(why);
		*dict_need(&k->unread, text_of(path), NULL) = k->whys++;
	}
	if (k->o->files.on_refusal)
		k->o->files.on_refusal(k->o->files.user, path, line, why);
}

static void pass_progress(void *user, int64_t records, int64_t done, int64_t total)
{
	struct look *k = user;
	if (k->o->files.progress)
		k->o->files.progress(k->o->files.user, records, done, total);
}

static int remember(struct look *k, const struct seen *now, struct err *e)
{
	struct db *db = store_db(k->cache->store);
	struct query *q;
	int rc = db_prepare(db, "INSERT OR REPLACE INTO log_seen VALUES (?, ?, ?, ?, ?, ?, ?)", &q,
			    e);
	if (rc != 0)
		return rc;
	rc = db_begin(db, e);
	for (size_t i = 0; rc == 0 && i < k->news.count; i++) {
		const char *path = k->news.path[i];
		const uint64_t *unread = dict_find(&k->unread, text_of(path));
		k->cache->unread += unread != NULL;
		db_reset(q);
		db_bind_text_at(q, 1, text_of(path));
		db_bind_int_at(q, 2, now[i].device);
		db_bind_int_at(q, 3, now[i].inode);
		db_bind_int_at(q, 4, now[i].bytes);
		db_bind_int_at(q, 5, now[i].changed_ns);
		db_bind_int_at(q, 6, (int64_t)hash_edges(path, now[i].bytes));
		db_bind_text_at(q, 7, text_of(unread ? k->why[*unread] : ""));
		rc = db_done(db, q, e);
	}
	db_drop(q);
	if (rc == 0)
		rc = keep_doubts(k->cache, e);
	if (rc == 0)
		rc = session_cells_catch_up(k->cache->store, e);
	if (rc == 0)
		return db_commit(db, e);
	db_rollback(db);
	return rc;
}

/* What was refused of these logs, which are read from their start. */
static int forget_held(struct look *k, struct err *e)
{
	struct db *db = store_db(k->cache->store);
	int rc = db_begin(db, e);
	for (size_t i = 0; rc == 0 && i < k->news.count; i++)
		rc = quarantine_forget(k->cache->store, text_of(k->news.path[i]), e);
	if (rc == 0)
		return db_commit(db, e);
	db_rollback(db);
	return rc;
}

static int read_news(struct look *k, struct err *e)
{
	struct ingest_files files = k->o->files;
	struct seen *now = mem_zalloc((k->news.count + 1) * sizeof *now);
	struct stat st;
	/* as they are before they are read: what comes meanwhile is news the next time */
	for (size_t i = 0; i < k->news.count; i++)
		if (stat(k->news.path[i], &st) == 0)
			now[i] = seen_of(&st);
	files.on_refusal = note_unread;
	files.progress = pass_progress;
	files.user = k;
	files.doubts = &k->cache->doubts;
	files.options.held_by_place = true;
	int rc = forget_held(k, e);
	if (rc == 0)
		rc = ingest_found(k->cache->store, &files, &k->news, &k->cache->counts, e);
	if (rc == 0)
		rc = remember(k, now, e);
	free(now);
	return rc;
}

/* The file, what SQLite keeps beside it, and the folder of ids. */
static void delete_store(const char *path)
{
	static const char *const beside[] = { "", "-wal", "-shm" };
	struct buf folder = { 0 }, name = { 0 };
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
		name.n = 0;
		buf_printf(&name, "%s%s", path, beside[i]);
		unlink(name.p);
	}
	buf_printf(&folder, "%s-ids", path);
	DIR *d = opendir(folder.p);
	for (const struct dirent *f; d && (f = readdir(d));) {
		name.n = 0;
		buf_printf(&name, "%s/%s", folder.p, f->d_name);
		unlink(name.p);
	}
	if (d)
		closedir(d);
	rmdir(folder.p);
	buf_release(&folder);
	buf_release(&name);
}

/* An empty store under that key. */
static int begin_again(struct look *k, const char *key, struct err *e)
{
	struct log_cache *c = k->cache;
	struct query *q;
	store_close(c->store);
	c->store = NULL;
	c->unread = 0;
	doubts_release(&c->doubts);
	path_list_release(&k->news);
	delete_store(c->path);
	int rc = store_open(&c->store, c->path, DB_CREATE, e);
	if (rc == 0)
		rc = db_run(store_db(c->store), tables, e);
	if (rc == 0)
		rc = db_prepare(store_db(c->store), "INSERT INTO log_cache VALUES (?, '', '')", &q,
				e);
	if (rc != 0)
		return rc;
	db_bind_text_at(q, 1, text_of(key));
	rc = db_done(store_db(c->store), q, e);
	db_drop(q);
	for (size_t i = 0; i < k->list.count; i++)
		path_list_add_found(&k->news, k->list.path[i]);
	return rc;
}

/* What another process that reads the logs just now has stored so far. */
static int open_beside(struct log_cache *c, struct err *e)
{
	struct err why;
	if (store_open(&c->store, c->path, DB_READ, &why) == 0)
		return 0; /* what is in doubt is told when the other one has ended */
	c->store = NULL;
	return err_set(e, ERR_BUSY, "another process is reading the logs");
}

static int bring_up_to_date(struct look *k, const char *key, struct err *e)
{
	struct log_cache *c = k->cache;
	struct err why;
	/* a store that cannot be read is made again like one that no longer fits; to write costs
	 * the index of ids, so most looks only read */
	k->again = store_open(&c->store, c->path, DB_READ, &why) != 0 || !fits(k, key, &why) ||
		   load_seen(k, &why) != 0;
	int rc = 0;
	if (!k->again)
		compare(k);
	if (k->again) {
		rc = begin_again(k, key, e);
	} else if (k->news.count) {
		store_close(c->store);
		c->store = NULL;
		rc = store_open(&c->store, c->path, DB_WRITE, e);
	}
	/* what a crash takes is read again */
	if (rc == 0 && k->news.count)
		rc = db_run(store_db(c->store), "PRAGMA synchronous=OFF", e);
	if (rc == 0 && k->news.count)
		rc = read_news(k, e);
	return rc;
}

/* The program that made the cache: another one may read more, or price otherwise. */
static void put_program(struct buf *key)
{
	struct stat st;
	if (stat("/proc/self/exe", &st) == 0)
		buf_printf(key, "%lld.%lld.%lld|", (long long)st.st_ino, (long long)st.st_size,
			   (long long)st.st_mtim.tv_sec);
}

/* The name of the cache of these logs, with a lock on it when it could be had. Returns false where
 * there is no place for one. */
static bool choose_place(struct log_cache *c, const char *key, bool only_if_idle)
{
	static const uint64_t seed[2] = { 1, 2 };
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
	struct buf path = { 0 };
	struct err none;
	if (cache && *cache)
		buf_printf(&path, "%s/tally/", cache);
	else
		buf_printf(&path, "%s/.cache/tally/", home && *home ? home : "/nonexistent");
	buf_printf(&path, "logs-%016llx.lock",
		   (unsigned long long)hash_bytes(key, strlen(key), seed));
	int fd = file_make_folders(path.p, 0700, &none) == 0
			 ? open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600)
			 : -1;
	if (fd >= 0 && flock(fd, LOCK_EX | (only_if_idle ? LOCK_NB : 0)) == 0)
		c->lock = fd;
	else if (fd >= 0)
		close(fd);
	path.n -= strlen("lock");
	buf_puts(&path, "db");
	c->path = path.p;
	return fd >= 0;
}

static int choose_temporary(struct log_cache *c, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct buf path = { 0 };
	free(c->path);
	c->path = NULL;
	buf_printf(&path, "%s/tally-logs-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(path.p)) {
		err_set(e, ERR_SYSTEM, "could not make the folder '%s' for what is read: %s",
			path.p, strerror(errno));
		buf_release(&path);
		return -ERR_SYSTEM;
	}
	buf_puts(&path, "/logs.db");
	c->path = path.p;
	c->temporary = true;
	return 0;
}

int log_cache_open(struct log_cache *c, const char *const *path, size_t count,
		   const struct log_cache_options *o, struct err *e)
{
	struct look k = { .cache = c, .o = o };
	struct buf key = { 0 };
	struct err missing = { 0 };
	size_t found = 0;
	*c = (struct log_cache){ .lock = -1 };
	put_program(&key);
	const size_t program = key.n;
	buf_puts(&key, o->key ? o->key : "");
	for (size_t i = 0; i < count; i++) {
		found += path_list_add(&k.list, path[i], &missing) == 0;
		buf_printf(&key, "|%s", path[i]);
	}
	c->files = k.list.count;
	int rc = count && !found ? err_set(e, missing.code, "%s", missing.message) : 0;
	if (rc == 0 && !choose_place(c, key.p + program, o->only_if_idle))
		rc = choose_temporary(c, e);
	if (rc == 0)
		rc = c->lock >= 0 || c->temporary ? bring_up_to_date(&k, key.p, e)
						  : open_beside(c, e);
	path_list_release(&k.list);
	path_list_release(&k.news);
	dict_release(&k.known);
	dict_release(&k.unread);
	for (size_t i = 0; i < k.whys; i++)
		free(k.why[i]);
	free(k.why);
	free(k.seen);
	buf_release(&key);
	if (rc != 0)
		log_cache_close(c);
	return rc;
}

int log_cache_each_unread(const struct log_cache *c,
			  void (*take)(void *user, struct text path, struct text why), void *user,
			  struct err *e)
{
	struct db *db = store_db(c->store);
	struct query *q;
	int rc = db_prepare(
		db, "SELECT path, unread FROM log_seen WHERE unread <> '' ORDER BY path", &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1)
		take(user, db_text(q, 0), db_text(q, 1));
	db_drop(q);
	return rc;
}

void log_cache_close(struct log_cache *c)
{
	store_close(c->store);
	doubts_release(&c->doubts);
	if (c->temporary) {
		delete_store(c->path);
		*strrchr(c->path, '/') = 0;
		rmdir(c->path);
	}
	if (c->lock >= 0)
		close(c->lock);
	free(c->path);
	*c = (struct log_cache){ .lock = -1 };
}
