/*
 * Durable inserts of records with random UUIDs in batches, into a database that holds many already:
 *
 *   bench_store ours|plain|bare FILE ROWS BATCHES BATCH
 *
 * ours: the store with its index of ids and rollups; plain: INSERT ... ON CONFLICT DO NOTHING with
 * a UNIQUE text id, as a developer would write; bare: the same table without any index. FILE is
 * filled up to ROWS first (not timed). Prints rows a second over the timed batches, and on standard
 * error what they took of the processor, which other work on the machine changes less.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "meter/ingest/ingest.h"
#include "meter/store/rollup.h"

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545F4914F6CDD1Du;
}

struct row {
	char id[37];
	int64_t time_us;
	int model, customer;
	int64_t input, cache_read, output;
};

static const char *const models[] = { "deepseek-v4-flash", "deepseek-v4-pro", "claude-sonnet-4-6",
				      "claude-haiku-4-5", "glm-5.1" };

static void make(struct row *r, int64_t i)
{
	uint64_t a = next(), b = next();
	snprintf(r->id, sizeof r->id, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)a,
		 (unsigned)(a >> 32) & 0xFFFF, (unsigned)(a >> 48) & 0xFFF, (unsigned)b & 0xFFF,
		 (unsigned long long)(b >> 16) & 0xFFFFFFFFFFFFull);
	/* 200 records a second from 2026-08-01 on */
	r->time_us = INT64_C(1785542400000000) + i * 5000;
	r->model = (int)(next() % 5);
	r->customer = (int)(next() % 1000);
	r->input = (int64_t)(next() % 9000);
	r->cache_read = (int64_t)(next() % 90000);
	r->output = (int64_t)(next() % 2000);
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

/* --- what the timed batches took --- */

struct timing {
	int64_t began_us;
	struct rusage used;
};

static struct timing start(void)
{
	struct timing t = { .began_us = clock_monotonic_us() };
	getrusage(RUSAGE_SELF, &t.used);
	return t;
}

static double us_between(struct timeval a, struct timeval b)
{
	return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_usec - a.tv_usec);
}

static void stop(const struct timing *t, int64_t rows)
{
	const double n = (double)rows;
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	printf("%.0f\n", n * 1e6 / (double)(clock_monotonic_us() - t->began_us));
	fprintf(stderr, "processor: %.2f us a row in the program, %.2f in the kernel\n",
		us_between(t->used.ru_utime, used.ru_utime) / n,
		us_between(t->used.ru_stime, used.ru_stime) / n);
}

/* --- ours --- */

static int batch_of_ours(struct store *s, struct ingest *in, int64_t from, int64_t n, struct err *e)
{
	struct instant now = { INT64_C(1785542400000000) + (from + n) * 5000 };
	struct row *row = malloc((size_t)n * sizeof *row);
	char customer[16];
	int rc = store_begin(s, now, e);
	for (int64_t i = 0; i < n; i++)
		make(&row[i], from + i);
	for (int64_t i = 0; rc == 0 && i < n; i++) {
		struct metered m = { .shape = "bench", .rule = "as-given" };
		if (i + 16 < n)
			store_prefetch(s, (struct text){ row[i + 16].id, 36 });
		record_clear(&m.record);
		snprintf(customer, sizeof customer, "c%03d", row[i].customer);
		m.record.text[FIELD_ID] = (struct text){ row[i].id, 36 };
		m.record.text[FIELD_MODEL] = text_of(models[row[i].model]);
		m.record.text[FIELD_CUSTOMER] = text_of(customer);
		m.record.time_us = row[i].time_us;
		m.record.tokens[BUCKET_INPUT] = row[i].input;
		m.record.tokens[BUCKET_CACHE_READ] = row[i].cache_read;
		m.record.tokens[BUCKET_OUTPUT] = row[i].output;
		rc = ingest_take(in, &m, now, e);
	}
	free(row);
	if (rc == 0)
		rc = rollup_catch_up(s, ROLLUP_LAG_MOST, e);
	return rc == 0 ? store_commit(s, e) : rc;
}

static void ours(const char *path, int64_t rows, int64_t batches, int64_t batch)
{
	struct book *book;
	struct store *s;
	struct err e;
	if (book_open(&book, &e) != 0 || store_open(&s, path, DB_CREATE, &e) != 0)
		fail(e.message);
	struct ingest_options o = { .book = book,
				    .currency = "USD",
				    .ahead_us_most = INT64_MAX / 4,
				    .behind_us_most = INT64_MAX / 4 };
	struct ingest *in = ingest_open(s, &o, "bench", NULL, NULL);
	int64_t have = store_last_seq(s);
	state += (uint64_t)have * 2654435761u;
	while (have < rows) {
		int64_t n = rows - have < 20000 ? rows - have : 20000;
		if (batch_of_ours(s, in, have, n, &e) != 0)
			fail(e.message);
		have += n;
	}
	const struct timing began = start();
	for (int64_t i = 0; i < batches; i++, have += batch)
		if (batch_of_ours(s, in, have, batch, &e) != 0)
			fail(e.message);
	stop(&began, batches * batch);
	if (ingest_counts(in)->accepted != store_last_seq(s) - 0 && ingest_counts(in)->duplicates)
		fail("random ids were taken for duplicates");
	ingest_close(in);
	store_close(s);
	book_close(book);
}

/* --- what a developer would write --- */

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail(why);
}

static void batch_of_rows(sqlite3 *db, sqlite3_stmt *q, int64_t from, int64_t n)
{
	run(db, "BEGIN IMMEDIATE");
	for (int64_t i = 0; i < n; i++) {
		struct row r;
		char customer[16];
		make(&r, from + i);
		snprintf(customer, sizeof customer, "c%03d", r.customer);
		sqlite3_bind_text(q, 1, r.id, 36, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, r.time_us);
		sqlite3_bind_text(q, 3, customer, -1, SQLITE_STATIC);
		sqlite3_bind_text(q, 4, models[r.model], -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 5, r.input);
		sqlite3_bind_int64(q, 6, r.cache_read);
		sqlite3_bind_int64(q, 7, r.output);
		if (sqlite3_step(q) != SQLITE_DONE)
			fail(sqlite3_errmsg(db));
		sqlite3_reset(q);
	}
	run(db, "COMMIT");
}

static void plain(const char *path, int64_t rows, int64_t batches, int64_t batch, bool unique)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t have = 0;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536");
	run(db, "CREATE TABLE IF NOT EXISTS usage(id TEXT NOT NULL, time INTEGER, customer TEXT, "
		"model TEXT, input INTEGER, cache_read INTEGER, output INTEGER)");
	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM usage", -1, &q, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	if (sqlite3_step(q) == SQLITE_ROW)
		have = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	state += (uint64_t)have * 2654435761u;
	const char *insert = "INSERT INTO usage VALUES(?,?,?,?,?,?,?)";
	if (sqlite3_prepare_v2(db, insert, -1, &q, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	for (; have < rows; have += 20000)
		batch_of_rows(db, q, have, 20000);
	sqlite3_finalize(q);
	if (unique) {
		/* made at once, which is faster than row by row and gives the same tree */
		run(db, "CREATE UNIQUE INDEX IF NOT EXISTS usage_id ON usage(id)");
		insert = "INSERT INTO usage VALUES(?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";
	}
	run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	if (sqlite3_prepare_v2(db, insert, -1, &q, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	const struct timing began = start();
	for (int64_t i = 0; i < batches; i++, have += batch)
		batch_of_rows(db, q, have, batch);
	stop(&began, batches * batch);
	sqlite3_finalize(q);
	sqlite3_close(db);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		fail("usage: bench_store ours|plain|bare FILE ROWS BATCHES BATCH");
	int64_t rows = atoll(argv[3]), batches = atoll(argv[4]), batch = atoll(argv[5]);
	if (strcmp(argv[1], "ours") == 0)
		ours(argv[2], rows, batches, batch);
	else
		plain(argv[2], rows, batches, batch, strcmp(argv[1], "plain") == 0);
	return 0;
}
