#include <ctype.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/db_driver.h"
#include "base/library.h"

#define FUNCTIONS(X) \
	X(PQconnectdbParams) \
	X(PQconninfoParse) \
	X(PQconninfoFree) \
	X(PQfreemem) \
	X(PQparameterStatus) \
	X(PQfinish) \
	X(PQreset) \
	X(PQstatus) \
	X(PQserverVersion) \
	X(PQerrorMessage) \
	X(PQsetNoticeProcessor) \
	X(PQtransactionStatus) \
	X(PQexec) \
	X(PQprepare) \
	X(PQexecPrepared) \
	X(PQexecParams) \
	X(PQresultStatus) \
	X(PQresultErrorField) \
	X(PQclear) \
	X(PQntuples) \
	X(PQgetvalue) \
	X(PQgetlength) \
	X(PQgetisnull) \
	X(PQftype) \
	X(PQcmdTuples) \
	X(PQputCopyData) \
	X(PQputCopyEnd) \
	X(PQgetResult)
static struct {
	FUNCTIONS(LIBRARY_POINTER)
} pq;
static const char *const names[] = { FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_pq, names, &pq);

enum { OLDEST_SERVER = 120000, OID_BOOL = 16, OID_BYTEA = 17 };

struct connection {
	PGconn *pg;
	int64_t changes;
	uint64_t
		session; /* random: a statement's name is no other client's, even behind a pooler */
	uint64_t prepared; /* names given so far */
	uint64_t life;	   /* how often it was connected: statements are prepared for one life */
	bool ready;	   /* its schema is the one that is known here */
	bool inside;	   /* a transaction was begun and not ended, even if the connection died */
	bool copying;	   /* rows were sent whose taking in has not been heard of */
	bool lost;	   /* the last failure was of the connection */
	char why[8];	   /* SQLSTATE of the last failure */
};

/* A parameter as it is sent: blobs as the caller's bytes, all else as text that ends in a zero. */
struct parameter {
	const char *name; /* NULL: by place */
	const char *value;
	int n;
	bool binary;
	char number[24];
	struct buf text;
};

struct pg_query {
	struct query query;
	struct connection *connection;
	char *sql;     /* with $1, $2, ... */
	char name[48]; /* "" until it is prepared */
	uint64_t life; /* of the connection that it was prepared for */
	bool kept;
	struct arena arena; /* of the names */
	struct parameter *parameter;
	size_t parameters;
	PGresult *result;
	int row;	     /* the next one */
	struct buf bytes[2]; /* of BYTEA columns of the row, by turns */
	int turn;
};

static struct connection *connection_of(const struct db *db)
{
	return db->connection;
}

static struct pg_query *query_of(struct query *q)
{
	return (struct pg_query *)q;
}

static void ignore(void *user, const char *message)
{
	(void)user;
	(void)message;
}

/* A prepared statement, or a table on the search path, that was there; or what CHECK_SESSION says.
 */
static bool lost_its_session(const struct connection *c)
{
	return strcmp(c->why, "26000") == 0 || strcmp(c->why, "42P01") == 0 ||
	       strcmp(c->why, "22012") == 0;
}

/* A server that has ended may have left a last word: libpq reads it, and says that all is well. */
static bool is_connected(const struct connection *c)
{
	return !c->lost && pq.PQstatus(c->pg) == CONNECTION_OK;
}

/* The first line of what the server or libpq says. */
static int failed(struct db *db, const char *doing, struct err *e)
{
	struct connection *c = connection_of(db);
	const char *why = c && c->pg ? pq.PQerrorMessage(c->pg) : "not connected";
	int n = (int)strcspn(why, "\n");
	if (strncmp(why, "ERROR:  ", 8) == 0)
		why += 8, n -= 8;
	if (c && (strcmp(c->why, "55P03") == 0 || strcmp(c->why, "40P01") == 0))
		return err_set(e, ERR_BUSY,
			       "%s: another writer has held the lock for 30 seconds; try again",
			       db->path);
	if (c && lost_its_session(c))
		return err_set(
			e, ERR_STORE,
			"%s: what was set up on the connection is gone: a pooler that gives each "
			"transaction another one cannot be used (pgbouncer: pool_mode=session); "
			"nothing of the transaction is kept",
			db->path);
	if (c && strcmp(c->why, "2201F") == 0)
		return db_upgraded(db, e);
	if (c && strcmp(c->why, "22003") == 0)
		return err_set(e, ERR_RANGE, "%s: could not %s: %.*s", db->path, doing, n, why);
	if (c && strcmp(c->why, "53100") == 0)
		return err_set(e, ERR_STORE, "%s: could not %s: the server's disk is full",
			       db->path, doing);
	if (c && c->pg && !is_connected(c))
		return err_set(e, ERR_STORE,
			       "%s: the connection to the server was lost (%.*s); nothing of the "
			       "transaction is kept, try again",
			       db->path, n, why);
	return err_set(e, ERR_STORE, "%s: could not %s: %.*s", db->path, doing, n, why);
}

/* Keeps the reason of a failure, and how many rows were changed. */
static bool went_well(struct connection *c, const PGresult *r)
{
	ExecStatusType status = pq.PQresultStatus(r);
	const char *why = pq.PQresultErrorField(r, PG_DIAG_SQLSTATE);
	snprintf(c->why, sizeof c->why, "%s", why ? why : "");
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		c->lost |= !why; /* no server has said that */
		return false;
	}
	const char *changed = pq.PQcmdTuples((PGresult *)(uintptr_t)r);
	c->changes = *changed ? strtoll(changed, NULL, 10) : 0;
	return true;
}

/* Hears how the last COPY ended. */
static int settle(struct db *db, struct err *e)
{
	struct connection *c = connection_of(db);
	bool ok = true;
	if (!c->copying)
		return 0;
	c->copying = false;
	for (PGresult *r; (r = pq.PQgetResult(c->pg));) {
		ok &= went_well(c, r);
		pq.PQclear(r);
	}
	return ok ? 0 : failed(db, "write", e);
}

static int run(struct db *db, const char *sql, struct err *e)
{
	struct connection *c = connection_of(db);
	int rc = settle(db, e);
	if (rc != 0)
		return rc;
	const bool commits = strcmp(sql, "COMMIT") == 0;
	/* the server would take it for a rollback, and say that all is well */
	if (commits && pq.PQtransactionStatus(c->pg) == PQTRANS_INERROR)
		return err_set(e, ERR_STORE, "%s: a statement of the transaction had failed",
			       db->path);
	PGresult *r = pq.PQexec(c->pg, sql);
	bool ok = went_well(c, r);
	pq.PQclear(r);
	if (ok && commits)
		c->inside = false;
	if (!ok && commits && !is_connected(c))
		return err_set(e, ERR_STORE,
			       "%s: the connection to the server was lost during the commit: look "
			       "whether it was kept before you repeat it (usage that is sent again "
			       "counts once)",
			       db->path);
	return ok ? 0 : failed(db, "run a statement", e);
}

static int set_up(struct db *db, struct err *e)
{
	struct buf sql = { 0 };
	/* whatever the database, the role or the address say: what changes the text of values, what
	 * is durable, and how long anything stands still. A writer that does would hold up all
	 * others, so it has less time than a reader (WRITER_WAITS) and they wait longer for it. */
	buf_puts(&sql,
		 "SET search_path TO tally; SET synchronous_commit TO on; SET client_encoding TO "
		 "'UTF8'; SET bytea_output TO 'hex'; SET standard_conforming_strings TO on; SET "
		 "DateStyle TO 'ISO, YMD'; SET IntervalStyle TO 'postgres'; SET TimeZone TO 'UTC'; "
		 "SET extra_float_digits TO 1; SET lock_timeout TO '20s'; SET statement_timeout TO "
		 "'10min'; SET idle_in_transaction_session_timeout TO '5min'; ");
	buf_printf(&sql, "SET tally.session TO '%016llx'; ",
		   (unsigned long long)connection_of(db)->session);
	/* what a version may not know, or only a superuser may set, where it is not so anyway: what
	 * can be written, what equals NULL, whether triggers hold, and that nobody is thrown out
	 * while nothing is asked. Of a cluster each worker is spoken to by one connection: over
	 * several a transaction may not see what it has copied there itself (decision 12) */
	buf_puts(
		&sql,
		"SELECT set_config(n,v,false) FROM (VALUES('default_transaction_read_only','off'),"
		"('default_transaction_isolation','read committed'),"
		"('default_transaction_deferrable','off'),('session_replication_role','origin'),"
		"('transform_null_equals','off'),('idle_session_timeout','0'),"
		"('transaction_timeout','0'),('citus.multi_shard_modify_mode','sequential'),"
		"('citus.max_adaptive_executor_pool_size','1'),"
		"('citus.max_cached_conns_per_worker','1')) s(n,v) WHERE current_setting(n,true)<>v");
	int rc = run(db, sql.p, e);
	buf_release(&sql);
	return rc;
}

/* Reconnects when the server was away; never inside a transaction, which is lost with it. */
static int revive(struct db *db, struct err *e)
{
	struct connection *c = connection_of(db);
	if (c->inside || is_connected(c))
		return 0;
	pq.PQreset(c->pg);
	c->life++;
	c->lost = c->copying = false;
	if (!is_connected(c))
		return failed(db, "connect", e);
	int rc = set_up(db, e);
	c->lost |= rc != 0;
	if (rc == 0 && db->renewed)
		db->renewed(db->renewed_user);
	return rc;
}

static int keep_version(struct db *db, int64_t version, struct err *e)
{
	char sql[120];
	snprintf(sql, sizeof sql,
		 "INSERT INTO about VALUES('schema','%lld') ON CONFLICT(key) DO UPDATE SET "
		 "value=excluded.value",
		 (long long)version);
	return run(db, sql, e);
}

static int version_of(struct db *db, int64_t *version, struct err *e)
{
	int64_t there;
	*version = 0;
	int rc = db_read_int(db, "SELECT to_regclass('tally.about') IS NOT NULL", &there, e);
	if (rc == 0 && there)
		rc = db_read_int(db, "SELECT value::bigint FROM about WHERE key='schema'", version,
				 e);
	return rc;
}

/* Divides by zero where the transaction runs on a connection that was not set up by this one, and
 * might not be durable: behind a pooler that gives each transaction another one. */
#define CHECK_SESSION \
	"; SELECT 1/(coalesce(current_setting('tally.session',true),'')='%016llx')::int"

/* A connection that died unnoticed is noticed now, before anything was done on it. */
static int begin_with(struct db *db, const char *sql, struct err *e)
{
	struct connection *c = connection_of(db);
	struct buf all = { 0 };
	buf_puts(&all, sql);
	buf_printf(&all, CHECK_SESSION, (unsigned long long)c->session);
	int rc = revive(db, e);
	if (rc == 0)
		rc = run(db, all.p, e);
	if (rc != 0 && !is_connected(c) && revive(db, e) == 0)
		rc = run(db, all.p, e);
	buf_release(&all);
	c->inside = rc == 0 || pq.PQtransactionStatus(c->pg) == PQTRANS_INERROR;
	return rc;
}

/* What others commit while a transaction waits is seen by its next statement. */
/* A writer that stands still (a machine that sleeps) is ended, and its locks with it. */
#define WRITER_WAITS "SET LOCAL idle_in_transaction_session_timeout TO '15s'"
#define BEGIN_WRITING "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; " WRITER_WAITS
/* The lock of writers; behind it, an error of its own where a newer tally has upgraded the schema.
 */
static void put_lock(struct buf *b, struct db *db, bool shared)
{
	buf_printf(b, "SELECT pg_advisory_xact_lock%s(%d)", shared ? "_shared" : "",
		   (int)db->schema->application_id);
	if (connection_of(db)->ready)
		buf_printf(b,
			   "; SELECT sqrt(-(value<>'%d')::int) FROM tally.about WHERE key='schema'",
			   (int)db_migrations_known(db->schema->postgres_migrations));
}

static int begin(struct db *db, struct err *e)
{
	struct buf sql = { 0 };
	buf_puts(&sql, BEGIN_WRITING "; ");
	put_lock(&sql, db, false);
	int rc = begin_with(db, sql.p, e);
	buf_release(&sql);
	return rc;
}

static int begin_beside(struct db *db, struct err *e)
{
	return begin_with(db, BEGIN_WRITING, e);
}

static int lock(struct db *db, bool shared, struct err *e)
{
	struct buf sql = { 0 };
	put_lock(&sql, db, shared);
	int rc = run(db, sql.p, e);
	buf_release(&sql);
	return rc;
}

/* Whoever owns the schema can give its tables triggers that run as whoever writes to them. */
static int check_owner(struct db *db, struct err *e)
{
	int64_t foreign;
	int rc = db_read_int(db,
			     "SELECT count(*) FROM pg_namespace WHERE nspname='tally' AND NOT "
			     "pg_has_role(nspowner,'USAGE')",
			     &foreign, e);
	if (rc == 0 && foreign)
		rc = err_set(e, ERR_INVALID,
			     "%s: the schema 'tally' belongs to another role; write as its owner "
			     "or a member of it",
			     db->path);
	return rc;
}

/* A worker of a cluster has the rows of others' tables and none of its own. */
static int check_worker(struct db *db, struct err *e)
{
	int64_t n;
	int rc = db_read_int(db, "SELECT to_regclass('pg_dist_local_group') IS NOT NULL", &n, e);
	if (rc == 0 && n)
		rc = db_read_int(db, "SELECT groupid FROM pg_dist_local_group", &n, e);
	return rc != 0 || !n
		       ? rc
		       : err_set(e, ERR_INVALID, "%s is a worker's database; use its coordinator's",
				 db->path);
}

static int migrate(struct db *db, enum db_mode mode, struct err *e)
{
	int64_t version;
	const int64_t known = db_migrations_known(db->schema->postgres_migrations);
	int rc = mode == DB_READ ? 0 : check_owner(db, e);
	if (rc == 0)
		rc = version_of(db, &version, e);
	if (rc != 0)
		return rc;
	if (version > known)
		return err_set(e, ERR_INVALID,
			       "%s was written by a newer tally (schema %lld, this one knows "
			       "%lld); upgrade tally",
			       db->path, (long long)version, (long long)known);
	if (version == known)
		return 0;
	if (version == 0)
		rc = check_worker(db, e);
	if (rc != 0)
		return rc;
	if (version == 0 && mode != DB_CREATE)
		return err_set(e, ERR_NOT_FOUND,
			       "%s has no tally tables yet; the first `tally ingest` creates them",
			       db->path);
	if (mode == DB_READ)
		return err_set(e, ERR_INVALID,
			       "%s has an older schema; any command that writes upgrades it",
			       db->path);
	rc = begin(db, e);
	/* a step over many rows takes its time; another process may have been faster */
	if (rc == 0)
		rc = run(db, "SET LOCAL statement_timeout TO 0", e);
	if (rc == 0)
		rc = run(db, "CREATE SCHEMA IF NOT EXISTS tally", e);
	if (rc == 0)
		rc = version_of(db, &version, e);
	if (rc == 0)
		rc = db_migrate_from(db, db->schema->postgres_migrations, version, keep_version, e);
	if (rc == 0)
		rc = db_commit(db, e);
	if (rc != 0) {
		db_rollback(db);
		return err_context(e, "making the tables");
	}
	return 0;
}

/* The scheme as libpq knows it, which would take any other for a keyword string. */
static char *plain_address(const char *path)
{
	char *address = mem_text(path);
	const char *colon = strchr(path, ':');
	if (strncasecmp(path, "postgres", 8) == 0 && colon)
		for (char *p = address; p < address + (colon - path); p++)
			*p = (char)tolower((unsigned char)*p);
	return address;
}

/* Whether libpq would take a part of a password for the host or the database: it must not hold '@'
 * or '/' as they are. */
static bool is_ambiguous(const char *address)
{
	const char *rest = strstr(address, "://");
	if (strncmp(address, "postgres", 8) != 0 || !rest)
		return false;
	rest += 3;
	const size_t n = strcspn(rest, "?");
	const char *at = memchr(rest, '@', n), *slash = memchr(rest, '/', n);
	return at && ((slash && slash < at) || memrchr(rest, '@', n) != at);
}

/*
 * libpq repeats parts of an address that it cannot read, with the password in them: what it says is
 * shown only once it has understood the address. The sockets are watched, so that a server that is
 * gone without a word is noticed within half a minute.
 */
static int connect_to(struct db *db, const char *path, struct err *e)
{
	static const char *const keywords[] = { "connect_timeout",	     "keepalives",
						"keepalives_idle",	     "keepalives_interval",
						"keepalives_count",	     "tcp_user_timeout",
						"fallback_application_name", "dbname",
						"client_encoding",	     NULL };
	char *address = plain_address(path), *why = NULL;
	const char *const values[] = { "10",	"1",	 "10",	  "5",	  "3",
				       "30000", "tally", address, "UTF8", NULL };
	PQconninfoOption *parsed = is_ambiguous(address) ? NULL : pq.PQconninfoParse(address, &why);
	if (parsed)
		connection_of(db)->pg = pq.PQconnectdbParams(keywords, values, 1);
	pq.PQconninfoFree(parsed);
	pq.PQfreemem(why);
	free(address);
	return connection_of(db)->pg
		       ? 0
		       : err_set(e, ERR_INVALID,
				 "%s: not an address of a PostgreSQL database "
				 "(postgresql://user:password@host:port/name, with %%40 for '@', "
				 "%%2F for '/' and %%3A for ':' in a password)",
				 db->path);
}

static int open_server(struct db *db, const char *path, enum db_mode mode, struct err *e)
{
	int rc = library_need(&library, e);
	if (rc != 0)
		return rc;
	struct connection *c = mem_zalloc(sizeof *c);
	db->connection = c;
	CHECK(getrandom(&c->session, sizeof c->session, 0) == sizeof c->session);
	rc = connect_to(db, path, e);
	if (rc != 0)
		return rc;
	if (pq.PQstatus(c->pg) != CONNECTION_OK) {
		const char *why = pq.PQerrorMessage(c->pg);
		return err_set(e, ERR_STORE, "could not connect to %s: %.*s", db->path,
			       (int)strcspn(why, "\n"), why);
	}
	if (pq.PQserverVersion(c->pg) < OLDEST_SERVER)
		return err_set(e, ERR_INVALID, "%s: PostgreSQL 12 or later is needed, not %d",
			       db->path, pq.PQserverVersion(c->pg) / 10000);
	const char *encoding = pq.PQparameterStatus(c->pg, "server_encoding");
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return err_set(e, ERR_INVALID,
			       "%s: the database's encoding is %s, and only UTF8 holds every text "
			       "(createdb -E UTF8 -T template0)",
			       db->path, encoding ? encoding : "unknown");
	pq.PQsetNoticeProcessor(c->pg, ignore, NULL);
	rc = set_up(db, e);
	if (rc == 0)
		rc = migrate(db, mode, e);
	connection_of(db)->ready = rc == 0;
	return rc;
}

static void close_server(struct db *db)
{
	struct connection *c = db->connection;
	if (!c)
		return;
	if (c->pg)
		pq.PQfinish(c->pg);
	free(c);
}

/* What only SQLite understands and PostgreSQL does not need; returns what follows it. */
static const char *pass_over(const char *p)
{
	if (strncmp(p, "OR FAIL ", 8) == 0)
		return p + 8;
	if (strncmp(p, "INDEXED BY ", 11) == 0) {
		p += 11;
		while (isalnum((unsigned char)*p) || *p == '_')
			p++;
		return p;
	}
	return p;
}

static size_t parameter_of(struct pg_query *q, const char *name, size_t n)
{
	for (size_t i = 0; name && i < q->parameters; i++)
		if (strncmp(q->parameter[i].name, name, n) == 0 && !q->parameter[i].name[n])
			return i + 1;
	q->parameter = mem_grow(q->parameter, (q->parameters + 1) * sizeof *q->parameter);
	q->parameter[q->parameters] =
		(struct parameter){ .name = name ? arena_text(&q->arena, name, n) : NULL };
	return ++q->parameters;
}

/* ":name" and "?" become $1, $2, ... */
static void translate(struct pg_query *q, const char *sql)
{
	struct buf b = { 0 };
	for (const char *p = sql, *end; *p; p = end) {
		end = p + 1;
		if (*p == '\'' || *p == '"') {
			end = strchr(end, *p);
			end = end ? end + 1 : p + strlen(p);
		} else if (*p == ':' && p[1] == ':') {
			end = p + 2;
		} else if (*p == ':' && isalpha((unsigned char)p[1])) {
			while (isalnum((unsigned char)*end) || *end == '_')
				end++;
			buf_printf(&b, "$%zu", parameter_of(q, p, (size_t)(end - p)));
			continue;
		} else if (*p == '?') {
			buf_printf(&b, "$%zu", parameter_of(q, NULL, 0));
			continue;
		} else if (isalpha((unsigned char)*p)) {
			const char *after = pass_over(p);
			if (after != p) {
				end = after;
				continue;
			}
			while (isalnum((unsigned char)*end) || *end == '_')
				end++;
		}
		buf_add(&b, p, (size_t)(end - p));
	}
	q->sql = b.p;
}

static int prepare(struct db *db, const char *sql, bool kept, struct query **out, struct err *e)
{
	struct connection *c = connection_of(db);
	struct pg_query *q = mem_zalloc(sizeof *q);
	*q = (struct pg_query){ .query = { &db_postgres }, .connection = c, .kept = kept };
	translate(q, sql);
	(void)e;
	*out = &q->query;
	return 0;
}

static void reset(struct query *base)
{
	struct pg_query *q = query_of(base);
	if (q->result)
		pq.PQclear(q->result);
	q->result = NULL;
	q->row = 0;
}

static void drop(struct query *base)
{
	struct pg_query *q = query_of(base);
	reset(base);
	free(q->sql);
	for (size_t i = 0; i < q->parameters; i++)
		buf_release(&q->parameter[i].text);
	free(q->parameter);
	buf_release(&q->bytes[0]);
	buf_release(&q->bytes[1]);
	arena_release(&q->arena);
	free(q);
}

static int execute_once(struct db *db, struct pg_query *q, struct err *e)
{
	struct connection *c = q->connection;
	enum { MOST = 512 };
	const char *values[MOST];
	int lengths[MOST], formats[MOST];
	CHECK(q->parameters <= MOST);
	int rc = settle(db, e);
	if (rc == 0)
		rc = revive(db, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < q->parameters; i++) {
		const struct parameter *p = &q->parameter[i];
		values[i] = p->value;
		lengths[i] = p->n;
		formats[i] = p->binary;
	}
	if (q->kept && (!*q->name || q->life != c->life)) {
		q->life = c->life;
		snprintf(q->name, sizeof q->name, "tally_%016llx_%llu",
			 (unsigned long long)c->session, (unsigned long long)++c->prepared);
		PGresult *r = pq.PQprepare(c->pg, q->name, q->sql, 0, NULL);
		bool ok = went_well(c, r);
		pq.PQclear(r);
		if (!ok) {
			*q->name = 0;
			return failed(db, "prepare a statement", e);
		}
	}
	q->result = q->kept ? pq.PQexecPrepared(c->pg, q->name, (int)q->parameters, values, lengths,
						formats, 0)
			    : pq.PQexecParams(c->pg, q->sql, (int)q->parameters, NULL, values,
					      lengths, formats, 0);
	if (went_well(c, q->result))
		return 0;
	rc = failed(db, "read or write", e);
	reset(&q->query);
	return rc;
}

static int execute(struct db *db, struct pg_query *q, struct err *e)
{
	int rc = execute_once(db, q, e);
	/* a question may be asked again */
	if (rc != 0 && !q->connection->inside && strncmp(q->sql, "SELECT", 6) == 0 &&
	    !is_connected(q->connection))
		rc = execute_once(db, q, e);
	return rc;
}

static int step(struct db *db, struct query *base, struct err *e)
{
	struct pg_query *q = query_of(base);
	if (!q->result) {
		int rc = execute(db, q, e);
		if (rc != 0)
			return rc;
	}
	return q->row < pq.PQntuples(q->result) ? (q->row++, 1) : 0;
}

static int place(struct query *base, const char *name)
{
	const struct pg_query *q = query_of(base);
	for (size_t i = 0; i < q->parameters; i++)
		if (q->parameter[i].name && strcmp(q->parameter[i].name, name) == 0)
			return (int)i + 1;
	return 0;
}

static struct parameter *parameter_at(struct query *base, int at)
{
	struct pg_query *q = query_of(base);
	CHECK(at > 0 && (size_t)at <= q->parameters);
	return &q->parameter[at - 1];
}

static void bind_int(struct query *q, int at, int64_t v)
{
	struct parameter *p = parameter_at(q, at);
	p->n = snprintf(p->number, sizeof p->number, "%lld", (long long)v);
	p->value = p->number;
	p->binary = false;
}

/* The server takes only UTF-8: what is none, in a file's name or a message that quotes it, becomes
 * U+FFFD. */
static void bind_text(struct query *q, int at, struct text v)
{
	struct parameter *p = parameter_at(q, at);
	p->text.n = 0;
	buf_need(&p->text, v.n);
	p->text.p[0] = 0;
	buf_add_utf8(&p->text, v);
	p->value = p->text.p;
	p->n = (int)p->text.n;
	p->binary = false;
}

static void bind_blob(struct query *q, int at, const void *bytes, size_t n)
{
	struct parameter *p = parameter_at(q, at);
	p->value = n ? bytes : "";
	p->n = (int)n;
	p->binary = true;
}

static void bind_null(struct query *q, int at)
{
	struct parameter *p = parameter_at(q, at);
	p->value = NULL;
	p->n = 0;
	p->binary = false;
}

static bool is_null(struct query *base, int column)
{
	const struct pg_query *q = query_of(base);
	return pq.PQgetisnull(q->result, q->row - 1, column);
}

static bool is_blob(struct query *base, int column)
{
	return pq.PQftype(query_of(base)->result, column) == OID_BYTEA;
}

static int64_t integer(struct query *base, int column)
{
	const struct pg_query *q = query_of(base);
	const char *s = pq.PQgetvalue(q->result, q->row - 1, column);
	char *end;
	if (pq.PQftype(q->result, column) == OID_BOOL)
		return *s == 't';
	int64_t v = strtoll(s, &end, 10);
	CHECK(end != s && !*end);
	return v;
}

static int nibble(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* BYTEA arrives as \x and hexadecimal digits. */
static struct text text(struct query *base, int column)
{
	struct pg_query *q = query_of(base);
	const char *s = pq.PQgetvalue(q->result, q->row - 1, column);
	size_t n = (size_t)pq.PQgetlength(q->result, q->row - 1, column);
	if (!is_blob(base, column))
		return (struct text){ s, n };
	struct buf *b = &q->bytes[q->turn ^= 1];
	b->n = 0;
	for (size_t i = 2; i + 1 < n; i += 2) {
		char byte = (char)(nibble(s[i]) << 4 | nibble(s[i + 1]));
		buf_add(b, &byte, 1);
	}
	return (struct text){ b->n ? b->p : "", b->n };
}

static int copy(struct db *db, const char *table, struct text lines, struct err *e)
{
	enum { AT_ONCE = 1 << 20 };
	struct connection *c = connection_of(db);
	struct buf sql = { 0 };
	int rc = settle(db, e);
	if (rc != 0)
		return rc;
	buf_printf(&sql, "COPY %s FROM STDIN", table);
	PGresult *r = pq.PQexec(c->pg, sql.p);
	buf_release(&sql);
	bool ok = pq.PQresultStatus(r) == PGRES_COPY_IN;
	if (!ok)
		went_well(c, r);
	pq.PQclear(r);
	if (!ok)
		return failed(db, "write", e);
	for (size_t at = 0; ok && at < lines.n; at += AT_ONCE) {
		size_t n = lines.n - at < AT_ONCE ? lines.n - at : AT_ONCE;
		ok = pq.PQputCopyData(c->pg, lines.p + at, (int)n) == 1;
	}
	/* the server takes them in while the next ones are made */
	c->copying = true;
	ok &= pq.PQputCopyEnd(c->pg, ok ? NULL : "given up") == 1;
	return ok ? 0 : failed(db, "write", e);
}

static int64_t changes(struct db *db)
{
	return connection_of(db)->changes;
}

static int begin_reading(struct db *db, struct err *e)
{
	return begin_with(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", e);
}

static bool in_transaction(struct db *db)
{
	const struct connection *c = db->connection;
	return c && c->inside;
}

static void rollback(struct db *db)
{
	struct connection *c = connection_of(db);
	settle(db, NULL);
	if (is_connected(c))
		pq.PQclear(pq.PQexec(c->pg, "ROLLBACK"));
	c->inside = false;
}

/* The server watches over its pages and references itself. */
static int check(struct db *db, void (*take)(void *user, struct text fault), void *user,
		 struct err *e)
{
	(void)db;
	(void)take;
	(void)user;
	(void)e;
	return 0;
}

/* The server has no word for it: rows that are kept aside while a query runs, on the disk of the
 * database once they are more than work_mem, are refused where that is full. */
static int room(struct db *db, struct err *e)
{
	enum { ROW_BYTES = 8000 };
	struct buf sql = { 0 };
	buf_printf(
		&sql,
		"SAVEPOINT room; SET LOCAL work_mem TO '64kB'; SET LOCAL temp_tablespaces TO "
		"''; WITH w AS MATERIALIZED (SELECT repeat('-',%d) t FROM generate_series(1,%d)) "
		"SELECT sum(length(t)) FROM w; ROLLBACK TO room",
		ROW_BYTES, DB_ROOM_BYTES / ROW_BYTES + 1);
	int rc = run(db, sql.p, e);
	buf_release(&sql);
	/* the others of the transaction may still find room */
	return rc == 0 ? 0 : (run(db, "ROLLBACK TO room", NULL), rc);
}

static int backup(struct db *db, const char *path,
		  void (*progress)(void *user, int64_t done, int64_t total), void *user,
		  struct err *e)
{
	(void)path;
	(void)progress;
	(void)user;
	return err_set(e, ERR_USAGE,
		       "%s is on a server: copy it with `pg_dump --schema=tally`, which sees one "
		       "moment while others write",
		       db->path);
}

const struct db_driver db_postgres = {
	.open = open_server,
	.close = close_server,
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
	.copy = copy,
	.copied = settle,
	.changes = changes,
	.begin = begin,
	.begin_beside = begin_beside,
	.lock = lock,
	.begin_reading = begin_reading,
	.in_transaction = in_transaction,
	.rollback = rollback,
	.room = room,
	.check = check,
	.backup = backup,
};
