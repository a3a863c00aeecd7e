#include "meter/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "meter/store/record_id.h"
#include "meter/store/rollup.h"
#include "meter/store/row_text.h"
#include "meter/store/sums_sql.h"

enum { COPY_AT_ONCE = 1 << 20 };
#define QUARTER_US (900 * US_PER_SECOND)

/* --- notes --- */

#define NOTED "month,file,bytes,sha256,content,rows,records,first,last," NOTED_SUMS
#define NOTED_SUMS "requests,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning"
static const struct sql sql_notes = {
	.text = "SELECT " NOTED " FROM archive ORDER BY month",
};

static void keep_text(char *out, size_t room, struct text t)
{
	snprintf(out, room, "%.*s", (int)t.n, t.p);
}

static void read_note(struct query *q, struct retained *r)
{
	*r = (struct retained){ .month = db_int(q, 0),
				.bytes = db_int(q, 2),
				.rows = db_int(q, 5),
				.records = db_int(q, 6),
				.first = db_int(q, 7),
				.last = db_int(q, 8),
				.requests = db_int(q, 9) };
	keep_text(r->file, sizeof r->file, db_text(q, 1));
	keep_text(r->sha256, sizeof r->sha256, db_text(q, 3));
	keep_text(r->content, sizeof r->content, db_text(q, 4));
	for (int b = 0; b < BUCKET_COMMON; b++)
		r->tokens[b] = db_int(q, 10 + b);
}

/* All of them, in memory: what is done with each may ask the database. */
struct notes {
	struct retained *list;
	size_t count;
};

static int read_notes(struct store *s, struct notes *out, struct err *e)
{
	struct query *q;
	*out = (struct notes){ 0 };
	int rc = db_statement(store_db(s), &sql_notes, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		if ((out->count & (out->count - 1)) == 0)
			out->list = mem_grow(out->list,
					     (out->count ? out->count * 2 : 1) * sizeof *out->list);
		read_note(q, &out->list[out->count++]);
	}
	db_reset(q);
	return rc;
}

static const struct retained *note_of(const struct notes *n, int64_t month)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->list[i].month == month)
			return &n->list[i];
	return NULL;
}

/* A statement of a month: @m is its number, @a the instant at which it begins, @b its end. */
static struct text of_month(struct buf *b, const char *sql, int64_t month)
{
	const char *at = sql, *mark;
	b->n = 0;
	for (; (mark = strchr(at, '@')); at = mark + 2) {
		buf_add(b, at, (size_t)(mark - at));
		buf_int(b, mark[1] == 'm' ? month : month_begins_us(month + (mark[1] == 'b')));
	}
	buf_puts(b, at);
	return (struct text){ b->p, b->n };
}

static int run_of_month(struct store *s, const char *sql, int64_t month, struct err *e)
{
	struct buf text = { 0 };
	int rc = db_run(store_db(s), of_month(&text, sql, month).p, e);
	buf_release(&text);
	return rc;
}

static int count_of_month(struct store *s, const char *sql, int64_t month, int64_t *out,
			  struct err *e)
{
	struct buf text = { 0 };
	int rc = db_read_int(store_db(s), of_month(&text, sql, month).p, out, e);
	buf_release(&text);
	return rc;
}

/* Readers see that the notes are others. */
static int note_change(struct store *s, struct err *e)
{
	return db_run(store_db(s),
		      "INSERT INTO about VALUES('archives','1') ON CONFLICT(key) DO UPDATE SET "
		      "value=CAST(CAST(about.value AS bigint)+1 AS text)",
		      e);
}

/* --- which months --- */

#define OF_MONTH(t) t "time>=@a AND " t "time<@b"
/* What a month may not have: its rows are needed for it. */
static const struct {
	const char *what, *sql;
} rules[] = {
	{ "rows are not in the sums yet (tally fsck)",
	  "SELECT count(*) FROM usage WHERE " OF_MONTH(
		  "") " AND seq>(SELECT "
		      "coalesce(max(CAST(value AS bigint)),0) FROM about WHERE key='rolled_to')" },
	{ "credit accounts have yet to draw it",
	  "SELECT count(*) FROM credit_state WHERE drawn_to<(SELECT coalesce(max(seq),0) FROM "
	  "usage WHERE " OF_MONTH("") ")" },
	{ "rows wait for a plan or a card that covers them",
	  "SELECT count(*) FROM credit_uncovered c JOIN usage u ON u.seq=c.seq WHERE " OF_MONTH(
		  "u.") },
	{ "draft invoices are of it",
	  "SELECT count(*) FROM invoice WHERE status='draft' AND period_to>@a AND "
	  "period_from<@b" },
	{ "settled holds are counted apart from their usage",
	  "SELECT count(*) FROM settled_apart a JOIN usage u ON u.seq=a.first WHERE " OF_MONTH(
		  "u.") },
	{ "corrections moved records into or out of it",
	  /* LIMIT: a cluster joins its rows by their series only, but any with a result */
	  "SELECT count(*) FROM (SELECT of,time FROM usage WHERE of IS NOT NULL LIMIT "
	  "9223372036854775807) c JOIN usage r ON r.seq=c.of WHERE (" OF_MONTH(
		  "c.") ")<>(" OF_MONTH("r.") ")" },
	{ "sums of calls reach beyond its end",
	  "SELECT count(*) FROM usage WHERE (flags & 8)<>0 AND " OF_MONTH("") " AND completed>@b" },
};

/* *why is empty where its rows may go. */
static int may_go(struct store *s, int64_t month, char why[200], struct err *e)
{
	int rc = 0;
	*why = 0;
	for (size_t i = 0; rc == 0 && !*why && i < sizeof rules / sizeof *rules; i++) {
		int64_t n = 0;
		rc = count_of_month(s, rules[i].sql, month, &n, e);
		if (rc == 0 && n)
			snprintf(why, 200, "%s: %lld", rules[i].what, (long long)n);
	}
	return rc;
}

/* --- into files --- */

static const struct sql sql_note = {
	.text = "INSERT INTO archive(at," NOTED ") VALUES(:at,:month,:file,:bytes,:sha256,"
		":content,:rows,:records,:first,:last,:requests,:input,:cache_read,"
		":cache_write_5m,:cache_write_1h,:output,:reasoning)",
};

static int write_note(struct store *s, const struct retained *r, struct instant now, struct err *e)
{
	static const char *const tokens[BUCKET_COMMON] = { ":input",	      ":cache_read",
							   ":cache_write_5m", ":cache_write_1h",
							   ":output",	      ":reasoning" };
	struct query *q;
	int rc = db_statement(store_db(s), &sql_note, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":at", now.us);
	db_bind_int(q, ":month", r->month);
	db_bind_text(q, ":file", text_of(r->file));
	db_bind_int(q, ":bytes", r->bytes);
	db_bind_text(q, ":sha256", text_of(r->sha256));
	db_bind_text(q, ":content", text_of(r->content));
	db_bind_int(q, ":rows", r->rows);
	db_bind_int(q, ":records", r->records);
	db_bind_int(q, ":first", r->first);
	db_bind_int(q, ":last", r->last);
	db_bind_int(q, ":requests", r->requests);
	for (int b = 0; b < BUCKET_COMMON; b++)
		db_bind_int(q, tokens[b], r->tokens[b]);
	return db_done(store_db(s), q, e);
}

/* What stays of the rows: ids and sums. */
static const char keep_rest[] = "INSERT INTO archived_id SELECT seq,id,@m FROM usage WHERE " OF_MONTH(
	"") " AND kind=0; "
	    "INSERT INTO archived_cell SELECT (time-((time%900000000+900000000)%900000000))/900000000,"
	    "series,price,sum(CASE kind WHEN 1 THEN -1 ELSE 1 END),sum(requests),sum(input),"
	    "sum(cache_read),sum(cache_write_5m),sum(cache_write_1h),sum(output),sum(reasoning) FROM "
	    "usage WHERE " OF_MONTH("") " GROUP BY 1,2,3";

/* On a cluster the trigger asks on the workers. */
static const char may_delete[] = "SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL "
				 "tally.archiving TO 'on'";

static int delete_rows(struct store *s, const struct retained *r, struct err *e)
{
	struct db *db = store_db(s);
	int64_t left = 0;
	int rc = db_on_server(db) ? db_run(db, may_delete, e) : 0;
	if (rc == 0)
		rc = run_of_month(s, "DELETE FROM usage WHERE " OF_MONTH(""), r->month, e);
	if (rc == 0 && db_on_server(db))
		rc = db_run(db, "SET LOCAL tally.archiving TO 'off'", e);
	if (rc == 0)
		rc = count_of_month(s, "SELECT count(*) FROM usage WHERE " OF_MONTH(""), r->month,
				    &left, e);
	return rc == 0 && left ? err_set(e, ERR_STORE, "rows of %s stay", r->file) : rc;
}

/* The file is there: its note and its rows change places, if these are still the same. */
static int change_places(struct store *s, struct retention_step *step, struct instant now,
			 struct err *e)
{
	const struct retained *r = &step->file;
	int64_t rows = 0, last = 0;
	int rc = store_begin(s, now, e);
	if (rc != 0)
		return rc;
	rc = may_go(s, r->month, step->why, e);
	if (rc == 0)
		rc = count_of_month(s, "SELECT count(*) FROM usage WHERE " OF_MONTH(""), r->month,
				    &rows, e);
	if (rc == 0)
		rc = count_of_month(s, "SELECT max(seq) FROM usage WHERE " OF_MONTH(""), r->month,
				    &last, e);
	if (rc == 0 && !*step->why && (rows != r->rows || last != r->last))
		snprintf(step->why, sizeof step->why, "records of it came meanwhile: once more");
	if (rc != 0 || *step->why) {
		store_rollback(s);
		return rc;
	}
	rc = write_note(s, r, now, e);
	if (rc == 0)
		rc = run_of_month(s, keep_rest, r->month, e);
	if (rc == 0)
		rc = delete_rows(s, r, e);
	if (rc == 0)
		rc = note_change(s, e);
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return rc;
}

static int archive_month(struct store *s, const struct retention_wish *w,
			 const struct retained_folder *to, struct retention_step *step,
			 struct err *e)
{
	int rc = db_begin_reading(store_db(s), e);
	if (rc == 0)
		rc = may_go(s, step->file.month, step->why, e);
	if (rc == 0 && !*step->why)
		rc = retained_write(&step->file, s, to, e);
	db_rollback(store_db(s));
	if (rc == 0 && !*step->why && step->file.rows)
		rc = change_places(s, step, w->now, e);
	return rc;
}

/* What tells this database's files from those of others in the same folder. */
static int read_tag(struct store *s, char tag[9], struct err *e)
{
	uint8_t bytes[4];
	char sql[120];
	struct query *q;
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return err_set(e, ERR_SYSTEM, "could not read random bytes");
	snprintf(sql, sizeof sql,
		 "INSERT INTO about VALUES('archive_tag','%02x%02x%02x%02x') ON CONFLICT DO "
		 "NOTHING",
		 bytes[0], bytes[1], bytes[2], bytes[3]);
	int rc = db_run(store_db(s), sql, e);
	if (rc == 0)
		rc = db_prepare(store_db(s), "SELECT value FROM about WHERE key='archive_tag'", &q,
				e);
	if (rc != 0)
		return rc;
	rc = db_step(store_db(s), q, e);
	if (rc == 1)
		keep_text(tag, 9, db_text(q, 0));
	db_drop(q);
	return rc < 0 ? rc : 0;
}

/* Whose rows can go at all; all that is stored is in the sums behind it. */
static int prepare(struct store *s, struct instant now, char tag[9], struct err *e)
{
	int rc = store_begin(s, now, e);
	if (rc != 0)
		return rc;
	rc = rollup_catch_up(s, 0, e);
	if (rc == 0)
		rc = read_tag(s, tag, e);
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return rc;
}

int retention_archive(struct store *s, const struct retention_wish *w, struct err *e)
{
	struct retained_folder to = { NULL, -1 };
	struct notes notes = { 0 };
	struct instant before = w->before.us < w->now.us ? w->before : w->now;
	int64_t first = 0;
	char tag[9] = "", text[MONTH_TEXT_MAX];
	int rc = prepare(s, w->now, tag, e);
	if (rc == 0)
		rc = retained_folder_open(&to, w->folder, true, e);
	if (rc == 0)
		rc = read_notes(s, &notes, e);
	if (rc == 0)
		rc = db_read_int(store_db(s), "SELECT min(quarter) FROM rollup_quarter", &first, e);
	for (int64_t m = month_of(first * QUARTER_US);
	     rc == 0 && first && month_begins_us(m + 1) <= before.us; m++) {
		const struct retained *note = note_of(&notes, m);
		struct retention_step step = { .file = { .month = m }, .known = note != NULL };
		if (note)
			step.file = *note;
		snprintf(step.file.file, sizeof step.file.file, "%s", note ? note->file : "");
		if (!note) {
			snprintf(step.file.file, sizeof step.file.file, "usage-%s-%s.parquet",
				 month_format(m, text), tag);
			rc = archive_month(s, w, &to, &step, e);
		}
		if (rc == 0 && (step.file.rows || *step.why))
			w->told(w->user, &step);
	}
	free(notes.list);
	retained_folder_close(&to);
	return rc;
}

/* --- back --- */

/* Rows into a table of the columns of usage. */
struct putting {
	struct store *store;
	const char *table;
	struct query *insert; /* into a file */
	struct buf lines;     /* for a server */
};

static int send_lines(struct putting *p, struct err *e)
{
	const struct text lines = { p->lines.p, p->lines.n };
	p->lines.n = 0;
	return lines.n ? db_copy(store_db(p->store), p->table, lines, e) : 0;
}

static int put_line(struct putting *p, const struct retained_value row[USAGE_COLUMNS],
		    struct err *e)
{
	for (size_t i = 0; i < USAGE_COLUMNS; i++) {
		if (i)
			buf_puts(&p->lines, "\t");
		if (row[i].null)
			buf_puts(&p->lines, "\\N");
		else if (usage_column_is_text(i))
			copy_put_text(&p->lines, row[i].text);
		else
			buf_int(&p->lines, row[i].number);
	}
	buf_puts(&p->lines, "\n");
	return p->lines.n > COPY_AT_ONCE ? send_lines(p, e) : 0;
}

static int put_row(void *user, const struct retained_value row[USAGE_COLUMNS], struct err *e)
{
	enum { ID = 1 };
	struct putting *p = user;
	uint8_t uuid[RECORD_UUID_BYTES];
	if (!p->insert)
		return put_line(p, row, e);
	db_reset(p->insert);
	for (int i = 0; i < USAGE_COLUMNS; i++)
		if (row[i].null)
			db_bind_null_at(p->insert, i + 1);
		else if (i == ID && record_id_uuid(row[i].text, uuid))
			db_bind_blob_at(p->insert, i + 1, uuid, sizeof uuid);
		else if (usage_column_is_text((size_t)i))
			db_bind_text_at(p->insert, i + 1, row[i].text);
		else
			db_bind_int_at(p->insert, i + 1, row[i].number);
	return db_done(store_db(p->store), p->insert, e);
}

static int put_rows(struct store *s, const char *table, const struct retained *r,
		    const struct retained_folder *from, struct err *e)
{
	struct putting p = { .store = s, .table = table };
	struct buf sql = { 0 };
	int rc = 0;
	if (!db_on_server(store_db(s))) {
		buf_printf(&sql, "INSERT INTO %s VALUES(?", table);
		for (int i = 1; i < USAGE_COLUMNS; i++)
			buf_puts(&sql, ",?");
		buf_puts(&sql, ")");
		rc = db_prepare(store_db(s), sql.p, &p.insert, e);
	}
	if (rc == 0)
		rc = retained_read(r, from, &(struct retained_take){ put_row, &p }, e);
	if (rc == 0)
		rc = send_lines(&p, e);
	db_drop(p.insert);
	buf_release(&p.lines);
	buf_release(&sql);
	return rc;
}

static const char forget_note[] =
	"DELETE FROM archived_cell WHERE quarter*900000000>=@a AND quarter*900000000<@b; DELETE FROM "
	"archived_id WHERE month=@m; DELETE FROM archive WHERE month=@m";

static int restore(struct store *s, const struct retained *r, const struct retained_folder *from,
		   struct instant now, struct err *e)
{
	int64_t rows = 0;
	int rc = store_begin(s, now, e);
	if (rc != 0)
		return rc;
	rc = put_rows(s, "usage", r, from, e);
	if (rc == 0)
		rc = count_of_month(s, "SELECT count(*) FROM usage WHERE " OF_MONTH(""), r->month,
				    &rows, e);
	if (rc == 0 && rows != r->rows)
		rc = err_set(e, ERR_MISMATCH, "%s has %lld rows, and %lld came back", r->file,
			     (long long)r->rows, (long long)rows);
	if (rc == 0)
		rc = run_of_month(s, forget_note, r->month, e);
	if (rc == 0)
		rc = note_change(s, e);
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return rc;
}

int retention_restore(struct store *s, int64_t month, const char *folder, struct instant now,
		      struct retained *out, struct err *e)
{
	struct retained_folder from = { NULL, -1 };
	struct notes notes;
	char text[MONTH_TEXT_MAX];
	int rc = read_notes(s, &notes, e);
	const struct retained *note = rc == 0 ? note_of(&notes, month) : NULL;
	if (rc == 0 && !note)
		rc = err_set(e, ERR_NOT_FOUND, "%s is not archived", month_format(month, text));
	if (rc == 0)
		rc = retained_folder_open(&from, folder, false, e);
	if (rc == 0)
		rc = restore(s, note, &from, now, e);
	if (rc == 0)
		*out = *note;
	retained_folder_close(&from);
	free(notes.list);
	return rc;
}

/* --- beside the database --- */

static const char columns_of_rows[] =
	"seq,id,kind,of,time,completed,series,price,origin,input,cache_read,cache_write_5m,"
	"cache_write_1h,output,reasoning,requests,task,session,raw,more,flags";

/* Names without a schema mean what is temporary first, on both engines. */
static int open_beside(struct store *s, struct err *e)
{
	return db_run(
		store_db(s),
		db_on_server(store_db(s))
			? "CREATE TEMP TABLE archived_row (LIKE tally.usage); CREATE INDEX ON "
			  "archived_row(seq)"
			: "PRAGMA temp_store=FILE; CREATE TEMP TABLE archived_row(seq "
			  "INTEGER PRIMARY KEY,id,kind INTEGER,of INTEGER,time INTEGER,"
			  "completed INTEGER,series INTEGER,price INTEGER,origin INTEGER,"
			  "input INTEGER,cache_read INTEGER,cache_write_5m INTEGER,"
			  "cache_write_1h INTEGER,output INTEGER,reasoning INTEGER,"
			  "requests INTEGER,task TEXT,session TEXT,raw TEXT,more TEXT,"
			  "flags INTEGER)",
		e);
}

static int show_beside(struct store *s, struct err *e)
{
	struct buf sql = { 0 };
	const bool server = db_on_server(store_db(s));
	buf_printf(
		&sql,
		"CREATE INDEX %sarchived_row_of ON archived_row(of) WHERE of IS NOT NULL; CREATE "
		"TEMP VIEW usage AS SELECT %s FROM %s.usage UNION ALL SELECT %s FROM archived_row",
		server ? "" : "temp.", columns_of_rows, server ? "tally" : "main", columns_of_rows);
	int rc = db_run(store_db(s), sql.p, e);
	/* what was prepared before means the table; a cluster's rows come to its coordinator, to
	 * lie beside these */
	if (rc == 0 && server)
		rc = db_run(store_db(s),
			    "ANALYZE archived_row; DISCARD PLANS; SET "
			    "citus.max_intermediate_result_size TO -1",
			    e);
	buf_release(&sql);
	return rc;
}

int retention_attach(struct store *s, const char *folder, struct err *e)
{
	struct retained_folder from = { NULL, -1 };
	struct notes notes = { 0 };
	int rc = retained_folder_open(&from, folder, false, e);
	if (rc == 0)
		rc = read_notes(s, &notes, e);
	if (rc == 0 && notes.count)
		rc = open_beside(s, e);
	if (rc == 0 && notes.count && !db_on_server(store_db(s)))
		rc = db_run(store_db(s), "BEGIN", e);
	for (size_t i = 0; rc == 0 && i < notes.count; i++)
		rc = put_rows(s, "archived_row", &notes.list[i], &from, e);
	if (rc == 0 && notes.count && !db_on_server(store_db(s)))
		rc = db_run(store_db(s), "COMMIT", e);
	if (rc == 0 && notes.count)
		rc = show_beside(s, e);
	if (rc == 0)
		store_has_archive(s);
	free(notes.list);
	retained_folder_close(&from);
	return rc;
}

/* --- what must hold --- */

static int check_month(struct store *s, const struct retained *r, struct buf *fault, struct err *e)
{
	static const char *const columns[] = { "records",    "requests",       "input",
					       "cache_read", "cache_write_5m", "cache_write_1h",
					       "output",     "reasoning" };
	char sql[200], text[MONTH_TEXT_MAX];
	int64_t n = 0;
	int rc = 0;
	fault->n = 0;
	for (size_t i = 0; rc == 0 && i < sizeof columns / sizeof *columns; i++) {
		const int64_t noted = i == 0 ? r->records : i == 1 ? r->requests : r->tokens[i - 2];
		snprintf(sql, sizeof sql,
			 "SELECT sum(%s) FROM archived_cell WHERE quarter*900000000>=@a AND "
			 "quarter*900000000<@b",
			 columns[i]);
		rc = count_of_month(s, sql, r->month, &n, e);
		if (rc == 0 && n != noted)
			buf_printf(
				fault,
				"%sthe sum of %s that is kept of the archived month %s is %lld, and its note says %lld",
				fault->n ? "; " : "", columns[i], month_format(r->month, text),
				(long long)n, (long long)noted);
	}
	return rc;
}

static const struct {
	const char *what, *sql;
} laws[] = {
	{ "ids are kept of months that are not archived",
	  "SELECT count(*) FROM archived_id WHERE month NOT IN (SELECT month FROM archive)" },
	{ "ids are kept of records that are not archived",
	  "SELECT count(*) FROM archived_id i JOIN usage u ON u.seq=i.seq" },
	{ "conflicts are with no record",
	  "SELECT count(*) FROM (SELECT first FROM conflict EXCEPT SELECT c.first FROM conflict c "
	  "JOIN usage u ON u.seq=c.first EXCEPT SELECT c.first FROM conflict c JOIN archived_id a "
	  "ON a.seq=c.first) x" },
};

int retention_check(struct store *s, void (*take)(void *user, struct text fault), void *user,
		    struct err *e)
{
	const bool attached = store_archived(s)->attached;
	struct buf fault = { 0 };
	struct notes notes;
	int rc = read_notes(s, &notes, e);
	for (size_t i = 0; rc == 0 && i < notes.count; i++) {
		rc = check_month(s, &notes.list[i], &fault, e);
		if (rc == 0 && fault.n)
			take(user, (struct text){ fault.p, fault.n });
	}
	for (size_t i = 0; rc == 0 && i < sizeof laws / sizeof *laws; i++) {
		int64_t n = 0;
		if (attached && i == 1)
			continue; /* they are at hand */
		rc = db_read_int(store_db(s), laws[i].sql, &n, e);
		fault.n = 0;
		buf_printf(&fault, "%s: %lld", laws[i].what, (long long)n);
		if (rc == 0 && n)
			take(user, (struct text){ fault.p, fault.n });
	}
	buf_release(&fault);
	free(notes.list);
	return rc;
}
