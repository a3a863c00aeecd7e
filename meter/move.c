#include "meter/move.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/record_id.h"
#include "meter/store/row_text.h"
#include "meter/store/store.h"

enum { COLUMNS_MOST = 40, ROWS_A_FETCH = 10000, COPY_AT_ONCE = 1 << 20, SHOW_EVERY = 1 << 16 };

/* What is moved: entries before those that refer to them, and entries of a transaction before it.
 */
static const char *const tables[] = {
	"subject",
	"series",
	"price",
	"origin",
	"usage",
	"batch",
	"change",
	"quarantine",
	"conflict",
	"call_also",
	"followed",
	"rollup_quarter",
	"rollup_day",
	"rollup_more",
	"spending_limit",
	"hold",
	"settled_apart",
	"held",
	"credit_account",
	"credit_state",
	"credit_rule",
	"credit_grant",
	"credit_lot",
	"ledger_entry",
	"ledger_txn",
	"credit_uncovered",
	"credit_fault",
	"credit_rate",
	"credit_day",
	"credit_taken",
	"journal",
	"invoice",
	"invoice_series",
	"invoice_usage",
	"budget",
	"budget_alarm",
	"skipped",
	"payment",
	"trail",
	"credit_top_up",
	"card",
	"priced_by",
	"own_card",
	"credit_plan_before",
	"credit_overage_before",
	"archive",
	"archived_id",
	"archived_cell",
};
enum { TABLES = sizeof tables / sizeof *tables };
/* What each engine keeps for itself, or is copied by key. */
static const char *const others[] = { "about", "usage_key", "usage_claim" };
/* Of `about`. */
static const char *const facts[] = { "rolled_to", "rolled_records", "journal_head", "own_ids",
				     "sources",	  "archives",	    "archive_tag" };

enum kind { KIND_INT, KIND_TEXT, KIND_BYTES, KIND_ID };

struct column {
	char name[40];
	enum kind kind;
};

struct table {
	const char *name;
	struct column column[COLUMNS_MOST];
	size_t columns;
};

/* A value, as both engines understand it. */
struct value {
	bool null;
	int64_t number;
	struct text text; /* also of bytes */
};

struct row {
	struct value value[COLUMNS_MOST];
	struct buf text[COLUMNS_MOST];
};

/* The rows of a table in any order: their number and the sums of two hashes of each. */
struct digest {
	int64_t rows;
	uint64_t sum[2];
};

struct move {
	struct db *from, *to;
	const struct move_progress *progress;
	struct move_counts *counts;
	struct row row;
	struct buf content, lines;
};

/* --- what tables there are --- */

static const char *tables_sql(const struct db *db)
{
	return db_on_server(db)
		       ? "SELECT table_name FROM information_schema.tables WHERE "
			 "table_schema='tally' AND table_type='BASE TABLE'"
		       : "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE "
			 "'sqlite_%'";
}

static bool is_among(struct text name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(name, list[i]))
			return true;
	return false;
}

/* A table that this list forgot would be lost without a word. */
static int check_list(struct db *db, struct err *e)
{
	struct query *q;
	int rc = db_prepare(db, tables_sql(db), &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1) {
		struct text name = db_text(q, 0);
		if (!is_among(name, tables, TABLES) &&
		    !is_among(name, others, sizeof others / sizeof *others)) {
			rc = err_set(e, ERR_INVALID,
				     "%s: a table '%.*s' that tally did not make; a move would "
				     "lose it",
				     db->path, (int)name.n, name.p);
			break;
		}
	}
	db_drop(q);
	return rc;
}

static enum kind kind_of(struct text table, struct text column, struct text type)
{
	static const char *const whole[] = { "INTEGER", "bigint", "integer", "smallint" };
	if ((text_is(table, "usage") || text_is(table, "archived_id")) && text_is(column, "id"))
		return KIND_ID;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		if (text_is(type, whole[i]))
			return KIND_INT;
	return text_is(type, "BLOB") || text_is(type, "bytea") ? KIND_BYTES : KIND_TEXT;
}

static int read_columns(struct db *db, const char *name, struct table *out, struct err *e)
{
	struct buf sql = { 0 };
	struct query *q;
	*out = (struct table){ .name = name };
	if (db_on_server(db))
		buf_printf(&sql,
			   "SELECT column_name,data_type FROM information_schema.columns WHERE "
			   "table_schema='tally' AND table_name='%s' ORDER BY column_name "
			   "COLLATE \"C\"",
			   name);
	else
		buf_printf(&sql, "SELECT name,type FROM pragma_table_info('%s') ORDER BY name",
			   name);
	int rc = db_prepare(db, sql.p, &q, e);
	buf_release(&sql);
	if (rc != 0)
		return rc;
	while ((rc = db_step(db, q, e)) == 1) {
		CHECK(out->columns < COLUMNS_MOST);
		struct column *c = &out->column[out->columns++];
		struct text column = db_text(q, 0);
		snprintf(c->name, sizeof c->name, "%.*s", (int)column.n, column.p);
		c->kind = kind_of(text_of(name), column, db_text(q, 1));
	}
	db_drop(q);
	return rc;
}

static int same_columns(const struct table *a, const struct table *b, const char *path,
			struct err *e)
{
	bool same = a->columns == b->columns;
	for (size_t i = 0; same && i < a->columns; i++)
		same = strcmp(a->column[i].name, b->column[i].name) == 0;
	return same ? 0
		    : err_set(e, ERR_INVALID,
			      "%s: the table '%s' has other columns there; bring both databases up "
			      "to date first",
			      path, a->name);
}

static void put_columns(struct buf *b, const struct table *t)
{
	for (size_t i = 0; i < t->columns; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", t->column[i].name);
}

/* --- reading --- */

static void read_value(struct query *q, int at, enum kind kind, struct value *v, struct buf *room)
{
	*v = (struct value){ .null = db_is_null(q, at) };
	if (v->null)
		return;
	if (kind == KIND_INT) {
		v->number = db_int(q, at);
		return;
	}
	const struct text t = db_text(q, at);
	room->n = 0;
	buf_need(room, 1);
	if (kind == KIND_ID && db_is_blob(q, at) && t.n == RECORD_UUID_BYTES)
		record_id_put_uuid(room, (const uint8_t *)t.p);
	else if (kind == KIND_TEXT)
		buf_add_utf8(room, t); /* a server takes nothing else */
	else
		buf_add(room, t.p, t.n);
	v->text = (struct text){ room->p, room->n };
}

static void put_number(struct buf *b, int64_t v)
{
	buf_add(b, &v, sizeof v);
}

static void add_to_digest(struct move *m, struct digest *d, const struct table *t)
{
	static const uint64_t seeds[2][2] = { { 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03 },
					      { 0x8CB92BA72F3D8DD7, 0xA0761D6478BD642F } };
	m->content.n = 0;
	for (size_t i = 0; i < t->columns; i++) {
		const struct value *v = &m->row.value[i];
		put_number(&m->content, v->null ? -1 : (int64_t)v->text.n);
		put_number(&m->content, v->number);
		if (v->text.n)
			buf_add(&m->content, v->text.p, v->text.n);
	}
	d->rows++;
	for (int i = 0; i < 2; i++)
		d->sum[i] += hash_bytes(m->content.p, m->content.n, seeds[i]);
}

static void show(struct move *m, const char *what, const char *table, int64_t done, int64_t total)
{
	if (m->progress && m->progress->show)
		m->progress->show(m->progress->user, what, table, done, total);
}

/* A walk over all rows of a table. */
struct walk {
	struct db *db;
	const struct table *table;
	const char *what;					/* is done, as it is shown */
	int (*take)(struct move *m, void *user, struct err *e); /* NULL: they are only added up */
	void *user;
};

/* The rows as they stand in m->row, a stretch at a time: a server sends all that was asked for at
 * once. */
static int each_row(struct move *m, const struct walk *w, struct digest *out, struct err *e)
{
	struct db *const db = w->db;
	const struct table *const t = w->table;
	struct buf sql = { 0 };
	struct query *q = NULL;
	int64_t total;
	*out = (struct digest){ 0 };
	buf_printf(&sql, "SELECT count(*) FROM \"%s\"", t->name);
	int rc = db_read_int(db, sql.p, &total, e);
	sql.n = 0;
	if (db_on_server(db))
		buf_puts(&sql, "DECLARE moved NO SCROLL CURSOR FOR ");
	buf_puts(&sql, "SELECT ");
	put_columns(&sql, t);
	buf_printf(&sql, " FROM \"%s\"", t->name);
	/* notes refer to earlier invoices; rows lie in their order */
	if (strcmp(t->name, "invoice") == 0 || strcmp(t->name, "usage") == 0)
		buf_printf(&sql, " ORDER BY %s", strcmp(t->name, "usage") == 0 ? "seq" : "id");
	if (rc == 0 && db_on_server(db)) {
		rc = db_run(db, sql.p, e);
		sql.n = 0;
		buf_printf(&sql, "FETCH %d FROM moved", ROWS_A_FETCH);
	}
	if (rc == 0)
		rc = db_prepare(db, sql.p, &q, e);
	buf_release(&sql);
	for (int64_t fetched = 1; rc == 0 && fetched;) {
		fetched = 0;
		while ((rc = db_step(db, q, e)) == 1) {
			for (size_t i = 0; i < t->columns; i++)
				read_value(q, (int)i, t->column[i].kind, &m->row.value[i],
					   &m->row.text[i]);
			add_to_digest(m, out, t);
			fetched++;
			if (out->rows % SHOW_EVERY == 0)
				show(m, w->what, t->name, out->rows, total);
			if (w->take && (rc = w->take(m, w->user, e)) != 0)
				break;
		}
		db_reset(q);
		if (!db_on_server(db))
			break;
	}
	db_drop(q);
	if (rc == 0 && db_on_server(db))
		rc = db_run(db, "CLOSE moved", e);
	return rc;
}

/* --- writing --- */

struct writing {
	const struct table *table; /* of the destination */
	struct buf target;	   /* the table with its columns, for COPY */
	struct query *insert;	   /* into a file */
};

static void put_line(struct buf *b, const struct table *t, const struct row *row)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < t->columns; i++) {
		const struct value *v = &row->value[i];
		if (i)
			buf_puts(b, "\t");
		if (v->null) {
			buf_puts(b, "\\N");
		} else if (t->column[i].kind == KIND_INT) {
			buf_int(b, v->number);
		} else if (t->column[i].kind == KIND_BYTES) {
			buf_puts(b, "\\\\x");
			for (size_t k = 0; k < v->text.n; k++) {
				const unsigned char c = (unsigned char)v->text.p[k];
				buf_add(b, (const char[]){ hex[c >> 4], hex[c & 15] }, 2);
			}
		} else {
			copy_put_text(b, v->text);
		}
	}
	buf_puts(b, "\n");
}

static int send_lines(struct move *m, struct writing *w, struct err *e)
{
	const struct text lines = { m->lines.p, m->lines.n };
	m->lines.n = 0;
	return lines.n ? db_copy(m->to, w->target.p, lines, e) : 0;
}

static int insert_row(struct move *m, struct writing *w, struct err *e)
{
	uint8_t uuid[RECORD_UUID_BYTES];
	db_reset(w->insert);
	for (size_t i = 0; i < w->table->columns; i++) {
		const struct value *v = &m->row.value[i];
		const int at = (int)i + 1;
		const enum kind kind = w->table->column[i].kind;
		if (v->null)
			db_bind_null_at(w->insert, at);
		else if (kind == KIND_INT)
			db_bind_int_at(w->insert, at, v->number);
		else if (kind == KIND_BYTES)
			db_bind_blob_at(w->insert, at, v->text.p, v->text.n);
		else if (kind == KIND_ID && record_id_uuid(v->text, uuid))
			db_bind_blob_at(w->insert, at, uuid, sizeof uuid);
		else
			db_bind_text_at(w->insert, at, v->text);
	}
	return db_done(m->to, w->insert, e);
}

static int write_row(struct move *m, void *user, struct err *e)
{
	struct writing *w = user;
	if (!db_on_server(m->to))
		return insert_row(m, w, e);
	put_line(&m->lines, w->table, &m->row);
	return m->lines.n > COPY_AT_ONCE ? send_lines(m, w, e) : 0;
}

static int open_writing(struct move *m, const struct table *t, struct writing *w, struct err *e)
{
	*w = (struct writing){ .table = t };
	m->lines.n = 0;
	buf_printf(&w->target, "%s\"%s\"(", db_on_server(m->to) ? "" : "INSERT INTO ", t->name);
	put_columns(&w->target, t);
	buf_puts(&w->target, ")");
	if (db_on_server(m->to))
		return 0;
	buf_puts(&w->target, " VALUES(");
	for (size_t i = 0; i < t->columns; i++)
		buf_puts(&w->target, i ? ",?" : "?");
	buf_puts(&w->target, ")");
	return db_prepare(m->to, w->target.p, &w->insert, e);
}

/* --- the move --- */

static int must_be_empty(struct db *db, struct err *e)
{
	for (size_t i = 0; i < TABLES; i++) {
		char sql[100];
		int64_t any;
		snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT 1 FROM \"%s\" LIMIT 1) t",
			 tables[i]);
		int rc = db_read_int(db, sql, &any, e);
		if (rc != 0)
			return rc;
		if (any)
			return err_set(e, ERR_CONFLICT,
				       "%s holds records already ('%s' is not empty); a move fills "
				       "a new database",
				       db->path, tables[i]);
	}
	return 0;
}

static int move_table(struct move *m, const char *name, struct err *e)
{
	struct table from, to;
	struct writing w = { 0 };
	struct digest copied, read_back;
	int rc = read_columns(m->from, name, &from, e);
	if (rc == 0)
		rc = read_columns(m->to, name, &to, e);
	if (rc == 0)
		rc = same_columns(&from, &to, m->to->path, e);
	if (rc != 0)
		return rc;
	/* what a file keeps as text and a server as bytes is moved as bytes */
	for (size_t i = 0; i < from.columns; i++)
		if (from.column[i].kind == KIND_BYTES || to.column[i].kind == KIND_BYTES)
			from.column[i].kind = KIND_BYTES;
	rc = open_writing(m, &to, &w, e);
	if (rc == 0)
		rc = each_row(m, &(struct walk){ m->from, &from, "copying", write_row, &w },
			      &copied, e);
	if (rc == 0 && db_on_server(m->to))
		rc = send_lines(m, &w, e);
	if (w.insert)
		db_drop(w.insert);
	buf_release(&w.target);
	if (rc == 0)
		rc = each_row(m,
			      &(struct walk){ .db = m->to, .table = &from, .what = "reading back" },
			      &read_back, e);
	if (rc != 0)
		return rc;
	if (memcmp(&copied, &read_back, sizeof copied) != 0)
		return err_set(
			e, ERR_MISMATCH,
			"%s: the table '%s' does not read back as it was written (%lld rows, "
			"%lld read back)",
			m->to->path, name, (long long)copied.rows, (long long)read_back.rows);
	m->counts->tables++;
	m->counts->rows += copied.rows;
	if (strcmp(name, "usage") == 0)
		m->counts->records = copied.rows;
	return 0;
}

static int move_fact(struct move *m, const char *key, struct err *e)
{
	struct query *q, *put;
	int rc = db_prepare(m->from, "SELECT value FROM about WHERE key=:key", &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":key", text_of(key));
	if ((rc = db_step(m->from, q, e)) == 1) {
		struct text value = db_text(q, 0);
		rc = db_prepare(m->to, "INSERT INTO about VALUES(:key,:value)", &put, e);
		if (rc == 0) {
			db_bind_text(put, ":key", text_of(key));
			if (strcmp(key, "rolled_to") == 0)
				db_bind_int(put, ":value", strtoll(value.p, NULL, 10));
			else
				db_bind_text(put, ":value", value);
			rc = db_done(m->to, put, e);
			db_drop(put);
		}
	}
	db_drop(q);
	return rc;
}

/* New entries get the numbers that follow. */
static const char advance_numbers[] =
	"DO $$ DECLARE r record; BEGIN FOR r IN SELECT table_name t,column_name c FROM "
	"information_schema.columns WHERE table_schema='tally' AND is_identity='YES' LOOP EXECUTE "
	"format('SELECT setval(pg_get_serial_sequence(%L,%L),(SELECT coalesce(max(%I),0)+1 FROM "
	"tally.%I),false)','tally.'||r.t,r.c,r.c,r.t); END LOOP; END $$";

/* The last number that a row of the source was given, whether there is a row of that number or not:
 * what was drawn and invoiced goes up to there. */
static int last_number(struct db *db, int64_t *out, struct err *e)
{
	return db_read_int(db,
			   db_on_server(db) ? "SELECT CASE WHEN is_called THEN last_value ELSE "
					      "last_value-1 END FROM usage_seq_seq"
					    : "SELECT " FILE_LAST_NUMBER,
			   out, e);
}

/* New rows get the numbers that follow; those in between that have no row are nobody's any more. */
static int go_on_behind(struct move *m, int64_t last, struct err *e)
{
	struct buf sql = { 0 };
	int rc = 0;
	if (db_on_server(m->to)) {
		rc = db_run(m->to, advance_numbers, e);
		buf_printf(&sql, "SELECT setval('usage_seq_seq',%lld,false)", (long long)last + 1);
	} else {
		buf_printf(
			&sql,
			"INSERT INTO skipped SELECT before+1,seq-before-1 FROM (SELECT seq,"
			"lag(seq,1,(SELECT coalesce(max(value),0) FROM about WHERE "
			"key='rolled_to')) OVER (ORDER BY seq) AS before FROM (SELECT seq FROM "
			"usage WHERE seq>(SELECT coalesce(max(value),0) FROM about WHERE "
			"key='rolled_to') UNION ALL SELECT %lld)) WHERE seq-before>1 ON CONFLICT "
			"DO NOTHING",
			(long long)last + 1);
	}
	if (rc == 0)
		rc = db_run(m->to, sql.p, e);
	buf_release(&sql);
	return rc;
}

static int move_all(struct move *m, struct err *e)
{
	int rc = check_list(m->from, e);
	if (rc == 0)
		rc = must_be_empty(m->to, e);
	for (size_t i = 0; rc == 0 && i < TABLES; i++)
		rc = move_table(m, tables[i], e);
	for (size_t i = 0; rc == 0 && i < sizeof facts / sizeof *facts; i++)
		rc = move_fact(m, facts[i], e);
	int64_t last;
	if (rc == 0)
		rc = last_number(m->from, &last, e);
	if (rc == 0)
		rc = go_on_behind(m, last, e);
	return rc;
}

int move_database(const char *from, const char *to, const struct move_progress *progress,
		  struct move_counts *out, struct err *e)
{
	struct store *source = NULL, *destination = NULL;
	*out = (struct move_counts){ 0 };
	int rc = store_open(&source, from, DB_READ, e);
	if (rc == 0)
		rc = store_open(&destination, to, DB_CREATE, e);
	if (rc == 0) {
		struct move m = { .from = store_db(source),
				  .to = store_db(destination),
				  .progress = progress,
				  .counts = out };
		rc = db_begin_reading(m.from, e);
		if (rc == 0)
			rc = db_begin(m.to, e);
		if (rc == 0)
			rc = move_all(&m, e);
		if (rc == 0)
			rc = store_refresh(destination, e);
		if (rc == 0)
			rc = store_index_ids(destination, e);
		if (rc == 0)
			rc = db_commit(m.to, e);
		db_rollback(m.from);
		db_rollback(m.to);
		for (size_t i = 0; i < COLUMNS_MOST; i++)
			buf_release(&m.row.text[i]);
		buf_release(&m.content);
		buf_release(&m.lines);
	}
	store_close(source);
	store_close(destination);
	return rc;
}
