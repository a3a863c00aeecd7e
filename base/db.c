#include "base/db.h"

#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"
#include "base/db_driver.h"

static bool is_uri(const char *path)
{
	return strncasecmp(path, "postgresql:", 11) == 0 || strncasecmp(path, "postgres:", 9) == 0;
}

/* A keyword string of libpq: it begins with one of its keywords and '='. */
static bool is_keywords(const char *path)
{
	static const char *const keywords[] = {
		"host",
		"hostaddr",
		"port",
		"dbname",
		"user",
		"password",
		"passfile",
		"service",
		"sslmode",
		"sslrootcert",
		"sslcert",
		"sslkey",
		"sslpassword",
		"connect_timeout",
		"application_name",
		"options",
		"client_encoding",
		"target_session_attrs",
		"channel_binding",
		"gssencmode",
		"krbsrvname",
		"requirepeer",
		"keepalives",
		"keepalives_idle",
		"keepalives_interval",
		"keepalives_count",
		"tcp_user_timeout",
		"fallback_application_name",
		"replication",
		"sslcompression",
		"sslcrl",
		"sslcrldir",
		"sslsni",
		"ssl_min_protocol_version",
		"ssl_max_protocol_version",
		"gsslib",
		"require_auth",
		"load_balance_hosts",
		"sslnegotiation",
	};
	path += strspn(path, " \t\n");
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		const size_t n = strlen(keywords[i]);
		if (strncasecmp(path, keywords[i], n) == 0 &&
		    path[n + strspn(path + n, " \t")] == '=')
			return true;
	}
	return false;
}

bool db_is_server(const char *path)
{
	return is_uri(path) || is_keywords(path);
}

/* Whether a parameter's name is that of a secret. */
static bool is_secret(const char *name, size_t n)
{
	return (n == 8 && strncasecmp(name, "password", n) == 0) ||
	       (n == 11 && strncasecmp(name, "sslpassword", n) == 0);
}

/* Of a keyword string: what is not a secret. */
static void show_keywords(struct buf *b, const char *p)
{
	for (;;) {
		p += strspn(p, " \t\n");
		if (!*p)
			return;
		const char *name = p, *value;
		const size_t n = strcspn(p, "= \t\n");
		p += n;
		p += strspn(p, " \t\n");
		if (*p++ != '=')
			return; /* libpq will refuse it */
		p += strspn(p, " \t\n");
		value = p;
		const bool quoted = *p == '\'';
		for (p += quoted; *p && (quoted ? *p != '\'' : !strchr(" \t\n", *p)); p++)
			if (*p == '\\' && p[1])
				p++;
		p += quoted && *p;
		if (is_secret(name, n))
			continue;
		buf_puts(b, b->n ? " " : "");
		buf_add(b, name, n);
		buf_puts(b, "=");
		buf_add(b, value, (size_t)(p - value));
	}
}

/* Of a URI: neither what stands between a ':' and the last '@' before the parameters, nor a secret
 * parameter. A password may hold '@', '/' and '?' that should have been escaped: then all before
 * the last '@' of the address is left out. */
static void show_uri(struct buf *b, const char *path)
{
	const char *rest = strchr(path, ':') + 1;
	rest += strspn(rest, "/");
	buf_add(b, path, (size_t)(rest - path));
	const char *at = strrchr(rest, '@'), *colon = strchr(rest, ':');
	if (at && colon && colon < at) {
		buf_add(b, rest, (size_t)(colon - rest));
		rest = at;
	}
	const char *query = strchr(rest, '?');
	buf_add(b, rest, query ? (size_t)(query - rest) : strlen(rest));
	char mark = '?';
	while (query) {
		const char *name = query + 1;
		query = strchr(name, '&');
		if (memchr(name, '%', strcspn(name, "=&")) || is_secret(name, strcspn(name, "=&")))
			continue;
		buf_add(b, &mark, 1);
		buf_add(b, name, query ? (size_t)(query - name) : strlen(name));
		mark = '&';
	}
}

bool db_on_server(const struct db *db)
{
	return db->driver == &db_postgres;
}

/* The path without passwords, whatever the address looks like. */
static char *path_to_show(const char *path)
{
	struct buf b = { 0 };
	if (!db_is_server(path))
		return mem_text(path);
	if (is_uri(path))
		show_uri(&b, path);
	else
		show_keywords(&b, path);
	return b.n ? b.p : mem_text("the server");
}

int db_open(struct db *db, const char *path, enum db_mode mode, const struct db_schema *schema,
	    struct err *e)
{
	*db = (struct db){ .driver = db_is_server(path) ? &db_postgres : &db_sqlite,
			   .schema = schema,
			   .path = path_to_show(path) };
	int rc = db->driver->open(db, path, mode, e);
	if (rc != 0)
		db_close(db);
	return rc;
}

void db_close(struct db *db)
{
	if (!db->driver)
		return;
	for (size_t i = 0; i < db->kept_room; i++)
		db_drop(db->kept[i].query);
	db->driver->close(db);
	free(db->kept);
	free(db->path);
	*db = (struct db){ 0 };
}

int64_t db_migrations_known(const struct migration *migrations)
{
	int64_t known = 0;
	while (migrations[known].sql)
		known++;
	return known;
}

int db_upgraded(const struct db *db, struct err *e)
{
	return err_set(e, ERR_STORE,
		       "%s: its schema has been changed by another version of tally since it was "
		       "opened; start this process again with that version",
		       db->path);
}

int db_migrate_from(struct db *db, const struct migration *migrations, int64_t version,
		    int (*keep)(struct db *db, int64_t version, struct err *e), struct err *e)
{
	int rc = 0;
	for (; rc == 0 && migrations[version].sql; version++) {
		rc = db_run(db, migrations[version].sql, e);
		if (rc == 0)
			rc = keep(db, version + 1, e);
	}
	return rc;
}

int db_run(struct db *db, const char *sql, struct err *e)
{
	return db->driver->run(db, sql, e);
}

int db_read_int(struct db *db, const char *sql, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_prepare(db, sql, &q, e);
	if (rc != 0)
		return rc;
	rc = db_step(db, q, e);
	*out = rc == 1 && !db_is_null(q, 0) ? db_int(q, 0) : 0;
	db_drop(q);
	return rc < 0 ? rc : 0;
}

/* Where the statement is kept, or would be; room is a power of two with a free place. */
static struct kept *place_of_kept(struct kept *kept, size_t room, const struct sql *sql)
{
	size_t i = (size_t)(((uintptr_t)sql >> 4) * 0x9e3779b97f4a7c15u >> 32);
	while (kept[i &= room - 1].sql && kept[i].sql != sql)
		i++;
	return &kept[i];
}

static void need_room_for_kept(struct db *db)
{
	if (db->kept_room && db->kept_count < db->kept_room / 2)
		return;
	const size_t room = db->kept_room ? 2 * db->kept_room : 64;
	struct kept *more = mem_zalloc(room * sizeof *more);
	for (size_t i = 0; i < db->kept_room; i++)
		if (db->kept[i].sql)
			*place_of_kept(more, room, db->kept[i].sql) = db->kept[i];
	free(db->kept);
	db->kept = more;
	db->kept_room = room;
}

int db_statement(struct db *db, const struct sql *sql, struct query **out, struct err *e)
{
	need_room_for_kept(db);
	struct kept *k = place_of_kept(db->kept, db->kept_room, sql);
	if (!k->sql) {
		const char *own = db_on_server(db) ? sql->postgres : NULL;
		CHECK(own || sql->text);
		int rc = db->driver->prepare(db, own ? own : sql->text, true, &k->query, e);
		if (rc != 0) {
			k->query = NULL;
			return rc;
		}
		k->sql = sql;
		db->kept_count++;
	}
	db_reset(k->query);
	*out = k->query;
	return 0;
}

int db_prepare(struct db *db, const char *sql, struct query **out, struct err *e)
{
	*out = NULL;
	return db->driver->prepare(db, sql, false, out, e);
}

void db_drop(struct query *q)
{
	if (q)
		q->driver->drop(q);
}

void db_reset(struct query *q)
{
	q->on_row = false;
	q->driver->reset(q);
}

int db_step(struct db *db, struct query *q, struct err *e)
{
	int rc = q->driver->step(db, q, e);
	q->on_row = rc == 1;
	return rc;
}

/* The kept statements that stand on a row; reset them where `end`. */
static size_t standing(struct db *db, bool end)
{
	size_t count = 0;
	for (size_t i = 0; i < db->kept_room; i++)
		if (db->kept[i].query && db->kept[i].query->on_row) {
			count++;
			if (end)
				db_reset(db->kept[i].query);
		}
	return count;
}

int db_done(struct db *db, struct query *q, struct err *e)
{
	int rc;
	while ((rc = db_step(db, q, e)) == 1)
		;
	db_reset(q);
	return rc;
}

int db_found(struct db *db, struct query *q, int64_t *out, struct err *e)
{
	int rc = db_step(db, q, e);
	if (rc != 1) {
		db_reset(q);
		return rc;
	}
	*out = db_int(q, 0);
	rc = db_done(db, q, e);
	return rc == 0 ? 1 : rc;
}

int db_returned(struct db *db, struct query *q, int64_t *out, struct err *e)
{
	const int rc = db_found(db, q, out, e);
	return rc == 0	? err_set(e, ERR_STORE, "%s: a statement returned nothing", db->path)
	       : rc < 0 ? rc
			: 0;
}

int db_added(struct db *db, struct query *q, int64_t *out, struct err *e)
{
	const int rc = db_found(db, q, out, e);
	if (rc != 0 || !db->driver->last_number || db->driver->changes(db) == 0)
		return rc;
	*out = db->driver->last_number(db);
	return 1;
}

static int place_of(struct query *q, const char *name)
{
	int i = q->driver->place(q, name);
	CHECK(i > 0);
	return i;
}

void db_bind_int(struct query *q, const char *name, int64_t v)
{
	q->driver->bind_int(q, place_of(q, name), v);
}

void db_bind_text(struct query *q, const char *name, struct text v)
{
	q->driver->bind_text(q, place_of(q, name), v);
}

void db_bind_blob(struct query *q, const char *name, const void *p, size_t n)
{
	q->driver->bind_blob(q, place_of(q, name), p, n);
}

void db_bind_null(struct query *q, const char *name)
{
	q->driver->bind_null(q, place_of(q, name));
}

void db_bind_raw(struct query *q, const char *name, struct text v)
{
	if (q->driver == &db_postgres)
		db_bind_blob(q, name, v.p, v.n);
	else
		db_bind_text(q, name, v);
}

void db_bind_int_at(struct query *q, int place, int64_t v)
{
	q->driver->bind_int(q, place, v);
}

void db_bind_text_at(struct query *q, int place, struct text v)
{
	q->driver->bind_text(q, place, v);
}

void db_bind_blob_at(struct query *q, int place, const void *p, size_t n)
{
	q->driver->bind_blob(q, place, p, n);
}

void db_bind_null_at(struct query *q, int place)
{
	q->driver->bind_null(q, place);
}

int64_t db_int(struct query *q, int column)
{
	return q->driver->integer(q, column);
}

struct text db_text(struct query *q, int column)
{
	return q->driver->text(q, column);
}

bool db_is_null(struct query *q, int column)
{
	return q->driver->is_null(q, column);
}

bool db_is_blob(struct query *q, int column)
{
	return q->driver->is_blob(q, column);
}

int db_copy(struct db *db, const char *table, struct text lines, struct err *e)
{
	return db->driver->copy(db, table, lines, e);
}

int db_copied(struct db *db, struct err *e)
{
	return db->driver->copied(db, e);
}

int64_t db_changes(struct db *db)
{
	return db->driver->changes(db);
}

int db_begin(struct db *db, struct err *e)
{
	/* a rollback that lacked memory is made up for */
	db_rollback(db);
	int rc = db->driver->begin(db, e);
	db->alone = rc == 0 ? ++db->transactions : 0;
	return rc;
}

int db_begin_beside(struct db *db, struct err *e)
{
	db_rollback(db);
	db->alone = 0;
	return db->driver->begin_beside(db, e);
}

int db_lock(struct db *db, bool shared, struct err *e)
{
	return db->driver->lock(db, shared, e);
}

int db_begin_reading(struct db *db, struct err *e)
{
	db->alone = 0;
	return db->driver->begin_reading(db, e);
}

bool db_in_transaction(struct db *db)
{
	return db->driver->in_transaction(db);
}

void db_on_renewal(struct db *db, void (*renewed)(void *user), void *user)
{
	db->renewed = renewed;
	db->renewed_user = user;
}

uint64_t db_alone(struct db *db)
{
	return db_in_transaction(db) ? db->alone : 0;
}

int db_commit(struct db *db, struct err *e)
{
	/* one that outlived its transaction would keep the snapshot, and every later write of this
	 * connection fail once anybody else has committed */
	CHECK(standing(db, false) == 0);
	return db_run(db, "COMMIT", e);
}

void db_rollback(struct db *db)
{
	if (!db->driver || !db->driver->in_transaction(db))
		return;
	standing(db, true); /* a failure may have left a loop over rows */
	db->driver->rollback(db);
}

int db_room(struct db *db, struct err *e)
{
	return db->driver->room(db, e);
}

int db_check(struct db *db, void (*take)(void *user, struct text fault), void *user, struct err *e)
{
	return db->driver->check(db, take, user, e);
}

int db_backup(struct db *db, const char *path,
	      void (*progress)(void *user, int64_t done, int64_t total), void *user, struct err *e)
{
	return db->driver->backup(db, path, progress, user, e);
}
