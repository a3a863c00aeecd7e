#include "meter/retained.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dict.h"
#include "base/file.h"
#include "base/parquet_read.h"
#include "meter/store/record_id.h"
#include "meter/store/row_columns.h"
#include "meter/store/row_text.h"

enum { ROWS_AT_ONCE = 20000 };

/* What the columns of exports do not say. */
enum {
	OWN_ROW = ROW_COLUMNS_MOST,
	OWN_KIND,
	OWN_OF,
	OWN_SERIES,
	OWN_PRICE,
	OWN_ORIGIN,
	OWN_RAW,
	OWN_MORE,
	OWN_FLAGS,
	OWN_STANDS,
	OWN_SOURCE,
	OWN_SHAPE,
	OWN_RULE,
	OWN_WRITTEN,
	COLUMNS
};
static const struct parquet_column own[COLUMNS - OWN_ROW] = {
	[OWN_ROW - OWN_ROW] = { "row", PARQUET_INT, false },
	[OWN_KIND - OWN_ROW] = { "kind", PARQUET_INT, false },
	[OWN_OF - OWN_ROW] = { "of_row", PARQUET_INT, true },
	[OWN_SERIES - OWN_ROW] = { "series", PARQUET_INT, false },
	[OWN_PRICE - OWN_ROW] = { "price_number", PARQUET_INT, false },
	[OWN_ORIGIN - OWN_ROW] = { "origin", PARQUET_INT, false },
	[OWN_RAW - OWN_ROW] = { "raw", PARQUET_TEXT, true },
	[OWN_MORE - OWN_ROW] = { "more", PARQUET_TEXT, true },
	[OWN_FLAGS - OWN_ROW] = { "flags", PARQUET_INT, true },
	/* 1: no reversal or reversed row */
	[OWN_STANDS - OWN_ROW] = { "stands", PARQUET_INT, false },
	[OWN_SOURCE - OWN_ROW] = { "source", PARQUET_TEXT, true },
	[OWN_SHAPE - OWN_ROW] = { "shape", PARQUET_TEXT, true },
	[OWN_RULE - OWN_ROW] = { "rule", PARQUET_TEXT, true },
	[OWN_WRITTEN - OWN_ROW] = { "written", PARQUET_INSTANT, true },
};

#define TOKENS(b) (ROW_COUNTS + (b))
/* name, place in the file, whether it is text */
#define USAGE(X) \
	X(SEQ, "seq", OWN_ROW, false) \
	X(ID, "id", ROW_FIELD_ID, true) \
	X(KIND, "kind", OWN_KIND, false) \
	X(OF, "of", OWN_OF, false) \
	X(TIME, "time", ROW_TIME, false) \
	X(COMPLETED, "completed", ROW_COMPLETED, false) \
	X(SERIES, "series", OWN_SERIES, false) \
	X(PRICE, "price", OWN_PRICE, false) \
	X(ORIGIN, "origin", OWN_ORIGIN, false) \
	X(INPUT, "input", TOKENS(BUCKET_INPUT), false) \
	X(CACHE_READ, "cache_read", TOKENS(BUCKET_CACHE_READ), false) \
	X(CACHE_WRITE_5M, "cache_write_5m", TOKENS(BUCKET_CACHE_WRITE_5M), false) \
	X(CACHE_WRITE_1H, "cache_write_1h", TOKENS(BUCKET_CACHE_WRITE_1H), false) \
	X(OUTPUT, "output", TOKENS(BUCKET_OUTPUT), false) \
	X(REASONING, "reasoning", TOKENS(BUCKET_REASONING), false) \
	X(REQUESTS, "requests", ROW_REQUESTS, false) \
	X(TASK, "task", ROW_FIELD_TASK, true) \
	X(SESSION, "session", ROW_FIELD_SESSION, true) \
	X(RAW, "raw", OWN_RAW, true) \
	X(MORE, "more", OWN_MORE, true) \
	X(FLAGS, "flags", OWN_FLAGS, false)
enum {
#define X(id, name, place, text) AT_##id,
	USAGE(X)
#undef X
		AT_SOURCE,
	AT_SHAPE,
	AT_RULE,
	AT_WRITTEN
};
#define X(id, name, place, text) name,
const char *const usage_columns[USAGE_COLUMNS] = { USAGE(X) };
#undef X
#define X(id, name, place, text) place,
static const size_t places[USAGE_COLUMNS] = { USAGE(X) };
#undef X
#define X(id, name, place, text) text,
static const bool are_texts[USAGE_COLUMNS] = { USAGE(X) };
#undef X

bool usage_column_is_text(size_t column)
{
	return are_texts[column];
}

static void list_columns(struct row_columns *c, struct parquet_column out[COLUMNS])
{
	CHECK(row_columns_list(c, NULL, out) == ROW_COLUMNS_MOST);
	memcpy(out + OWN_ROW, own, sizeof own);
}

/* --- folders and files --- */

int retained_folder_open(struct retained_folder *out, const char *path, bool make, struct err *e)
{
	struct buf below = { 0 };
	*out = (struct retained_folder){ path, -1 };
	buf_printf(&below, "%s/x", path);
	int rc = make ? file_make_folders(below.p, 0700, e) : 0;
	buf_release(&below);
	if (rc != 0)
		return rc;
	out->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return out->fd >= 0 ? 0
			    : err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM,
				      "could not open the folder '%s': %s", path, strerror(errno));
}

void retained_folder_close(struct retained_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int could_not(const char *what, const struct retained_folder *f, const char *name,
		     struct err *e)
{
	return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "could not %s '%s/%s': %s",
		       what, f->path, name, strerror(errno));
}

static int open_to_read(const struct retained_folder *f, const char *name, FILE **out,
			struct err *e)
{
	struct stat st;
	const int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return could_not("open", f, name, e);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !(*out = fdopen(fd, "rb"))) {
		close(fd);
		return err_set(e, ERR_INVALID, "'%s/%s' is no file", f->path, name);
	}
	return 0;
}

static int sum_of_file(FILE *in, int64_t *bytes, char text[DIGEST_TEXT_MAX], struct err *e)
{
	uint8_t sum[DIGEST_BYTES];
	struct digest_run run;
	struct buf room = { 0 };
	size_t n = 0;
	*bytes = 0;
	rewind(in);
	buf_need(&room, 1 << 16);
	int rc = digest_begin(&run, e);
	while (rc == 0 && (n = fread(room.p, 1, 1 << 16, in)) > 0) {
		*bytes += (int64_t)n;
		rc = digest_add(&run, (struct text){ room.p, n }, e);
	}
	digest_end(&run, sum);
	buf_release(&room);
	if (rc == 0 && ferror(in))
		rc = err_set(e, ERR_UNREADABLE, "the file could not be read");
	if (rc == 0)
		digest_text(sum, text);
	return rc;
}

/* --- rows and their sum --- */

/* What all rows come to. */
struct content {
	struct digest_run run;
	struct buf bytes;
	struct retained *sums;
	bool any;
};

static void put_number(struct buf *b, int64_t v)
{
	for (int i = 0; i < 8; i++)
		buf_char(b, (char)((uint64_t)v >> 8 * i));
}

static int add_row(struct content *c, const struct retained_value row[USAGE_COLUMNS], struct err *e)
{
	struct retained *sum = c->sums;
	bool bad = false;
	c->bytes.n = 0;
	for (size_t i = 0; i < USAGE_COLUMNS; i++) {
		const struct retained_value *v = &row[i];
		buf_char(&c->bytes, v->null ? 0 : are_texts[i] ? 2 : 1);
		if (v->null)
			continue;
		put_number(&c->bytes, are_texts[i] ? (int64_t)v->text.n : v->number);
		if (are_texts[i])
			buf_add(&c->bytes, v->text.p, v->text.n);
	}
	if (!c->any)
		sum->first = row[AT_SEQ].number;
	c->any = true;
	sum->last = row[AT_SEQ].number;
	sum->rows++;
	sum->records += row[AT_KIND].number == USAGE_REVERSAL ? -1 : 1;
	bad |= __builtin_add_overflow(sum->requests, row[AT_REQUESTS].number, &sum->requests);
	for (int b = 0; b < BUCKET_COMMON; b++)
		bad |= __builtin_add_overflow(sum->tokens[b], row[AT_INPUT + b].number,
					      &sum->tokens[b]);
	return bad ? err_set(e, ERR_RANGE, "the sums of a month do not fit")
		   : digest_add(&c->run, (struct text){ c->bytes.p, c->bytes.n }, e);
}

static int content_open(struct content *c, struct retained *sums, struct err *e)
{
	*c = (struct content){ .sums = sums };
	sums->rows = sums->records = sums->first = sums->last = sums->requests = 0;
	memset(sums->tokens, 0, sizeof sums->tokens);
	return digest_begin(&c->run, e);
}

static void content_close(struct content *c)
{
	uint8_t digest[DIGEST_BYTES] = { 0 };
	digest_end(&c->run, digest);
	digest_text(digest, c->sums->content);
	buf_release(&c->bytes);
}

/* --- writing --- */

static const struct sql sql_rows = {
	.text = "SELECT usage.seq,usage.id,kind,of,time,completed,series,price,origin,input,"
		"cache_read,cache_write_5m,cache_write_1h,output,reasoning,requests,task,session,"
		"raw,more,flags,origin.source,origin.shape,origin.rule,(SELECT at FROM batch WHERE "
		"first<=usage.seq ORDER BY first DESC LIMIT 1) FROM usage JOIN origin ON "
		"origin.id=usage.origin WHERE seq BETWEEN :from AND :to AND time>=:since AND "
		"time<:until ORDER BY seq",
};

struct writing {
	struct row_columns columns;
	struct store *store;
	struct parquet *file;
	struct content content;
	struct dict gone; /* rows that were reversed */
	struct buf id;
	struct err *e;
};

static void read_values(struct writing *w, struct query *q,
			struct retained_value row[USAGE_COLUMNS])
{
	for (int i = 0; i < USAGE_COLUMNS; i++) {
		row[i] = (struct retained_value){ .null = db_is_null(q, i), .text = { "", 0 } };
		if (row[i].null)
			continue;
		if (are_texts[i])
			row[i].text = db_text(q, i);
		else
			row[i].number = db_int(q, i);
	}
	if (db_is_blob(q, AT_ID) && row[AT_ID].text.n == RECORD_UUID_BYTES) {
		w->id.n = 0;
		record_id_put_uuid(&w->id, (const uint8_t *)row[AT_ID].text.p);
		row[AT_ID].text = (struct text){ w->id.p, w->id.n };
	}
}

static int to_usage_row(struct writing *w, const struct retained_value v[USAGE_COLUMNS],
			struct usage_row *row)
{
	struct record *r = &row->record;
	*row = (struct usage_row){ .seq = v[AT_SEQ].number,
				   .kind = (enum usage_kind)v[AT_KIND].number,
				   .price = v[AT_PRICE].number,
				   .flags = (unsigned)v[AT_FLAGS].number };
	record_clear(r);
	r->time_us = v[AT_TIME].number;
	r->completed_us = v[AT_COMPLETED].null ? TIME_ABSENT : v[AT_COMPLETED].number;
	r->requests = v[AT_REQUESTS].number;
	memset(r->counts, 0, sizeof r->counts);
	for (int b = 0; b < BUCKET_COMMON; b++)
		r->tokens[b] = v[AT_INPUT + b].number;
	int rc = store_take_names(w->store, v[AT_SERIES].number, r, w->e);
	if (rc != 0)
		return rc;
	r->text[FIELD_ID] = v[AT_ID].text;
	r->text[FIELD_TASK] = v[AT_TASK].text;
	r->text[FIELD_SESSION] = v[AT_SESSION].text;
	return v[AT_MORE].null ? 0 : row_read_more(r->counts, NULL, v[AT_MORE].text, w->e);
}

/* What exports do not have. */
static void put_own(struct writing *w, struct query *q,
		    const struct retained_value v[USAGE_COLUMNS])
{
	static const int texts[] = { AT_SOURCE, AT_SHAPE, AT_RULE };
	const int64_t seq = v[AT_SEQ].number;
	for (size_t i = 0; i < USAGE_COLUMNS; i++) {
		if (places[i] < OWN_ROW || v[i].null)
			continue;
		if (are_texts[i])
			parquet_text(w->file, places[i], v[i].text);
		else
			parquet_int(w->file, places[i], v[i].number);
	}
	parquet_int(w->file, OWN_STANDS,
		    v[AT_KIND].number != USAGE_REVERSAL &&
			    !dict_find(&w->gone, (struct text){ (const char *)&seq, sizeof seq }));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		parquet_text(w->file, OWN_SOURCE + i, db_text(q, texts[i]));
	if (!db_is_null(q, AT_WRITTEN))
		parquet_int(w->file, OWN_WRITTEN, db_int(q, AT_WRITTEN));
}

static int write_row(struct writing *w, struct query *q)
{
	struct retained_value v[USAGE_COLUMNS];
	struct usage_row row;
	struct row_amount said;
	read_values(w, q, v);
	int rc = to_usage_row(w, v, &row);
	if (rc == 0)
		rc = row_columns_put(&w->columns, w->file, &row, &said, w->e);
	if (rc != 0)
		return rc;
	put_own(w, q, v);
	rc = parquet_end_row(w->file, w->e);
	return rc == 0 ? add_row(&w->content, v, w->e) : rc;
}

/* Where the rows of a month lie. */
static int find_rows(struct store *s, int64_t month, struct row_span *out, struct err *e)
{
	char sql[240];
	*out = (struct row_span){ 1, 0, month_begins_us(month), month_begins_us(month + 1) };
	for (int i = 0; i < 2; i++) {
		snprintf(sql, sizeof sql,
			 "SELECT %s FROM rollup_quarter WHERE quarter>=%lld AND quarter<%lld",
			 i ? "max(highest)" : "min(lowest)",
			 (long long)(out->since_us / (900 * US_PER_SECOND)),
			 (long long)(out->until_us / (900 * US_PER_SECOND)));
		int rc = db_read_int(store_db(s), sql, i ? &out->to : &out->from, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static const struct sql sql_corrections = {
	.text = "SELECT of,seq,kind FROM usage WHERE of IS NOT NULL AND time>=:since AND "
		"time<:until ORDER BY seq",
};

/* Which rows of a month were reversed. */
static int find_gone(struct writing *w, const struct row_span *span)
{
	struct dict stands = { 0 }; /* record's own row to the row that stands for it */
	struct query *q;
	int rc = db_statement(store_db(w->store), &sql_corrections, &q, w->e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":since", span->since_us);
	db_bind_int(q, ":until", span->until_us);
	while ((rc = db_step(store_db(w->store), q, w->e)) == 1) {
		int64_t gone = db_int(q, 0);
		uint64_t *standing =
			dict_need(&stands, (struct text){ (const char *)&gone, sizeof gone }, NULL);
		if (db_int(q, 2) == USAGE_CORRECTION) {
			*standing = (uint64_t)db_int(q, 1);
			continue;
		}
		gone = *standing ? (int64_t)*standing : gone;
		dict_need(&w->gone, (struct text){ (const char *)&gone, sizeof gone }, NULL);
	}
	db_reset(q);
	dict_release(&stands);
	return rc;
}

static int write_rows(struct writing *w, const struct row_span *span)
{
	struct db *db = store_db(w->store);
	struct query *q;
	int rc = find_gone(w, span);
	for (int64_t from = span->from; rc == 0 && from <= span->to; from += ROWS_AT_ONCE) {
		if ((rc = db_statement(db, &sql_rows, &q, w->e)) != 0)
			break;
		db_bind_int(q, ":from", from);
		db_bind_int(q, ":to",
			    span->to - from < ROWS_AT_ONCE ? span->to : from + ROWS_AT_ONCE - 1);
		db_bind_int(q, ":since", span->since_us);
		db_bind_int(q, ":until", span->until_us);
		while ((rc = db_step(db, q, w->e)) == 1 && (rc = write_row(w, q)) == 0)
			;
		db_reset(q);
	}
	return rc == 0 ? parquet_finish(w->file, w->e) : rc;
}

static int read_values_back(const struct parquet_reader *p,
			    struct retained_value row[USAGE_COLUMNS])
{
	for (size_t i = 0; i < USAGE_COLUMNS; i++) {
		row[i] = (struct retained_value){ .null = !parquet_has(p, places[i]),
						  .text = { "", 0 } };
		/* what stands for many calls has none */
		row[i].null &= i != AT_REQUESTS;
		if (are_texts[i])
			row[i].text = parquet_read_text(p, places[i]);
		else
			row[i].number = parquet_read_int(p, places[i]);
	}
	return 0;
}

/* A file that is open: each row, and what all of them come to. written: NULL, or what wrote it,
 * whose columns must be the same. */
static int read_file(FILE *in, const char *name, struct retained *sums,
		     const struct parquet *written, const struct retained_take *take, struct err *e)
{
	struct parquet_column columns[COLUMNS];
	struct row_columns unused = { 0 };
	struct parquet_reader *p = NULL;
	struct retained_value row[USAGE_COLUMNS];
	struct content c;
	list_columns(&unused, columns);
	int rc = content_open(&c, sums, e);
	if (rc == 0)
		rc = parquet_read_open(&p, in, name, columns, COLUMNS, e);
	while (rc == 0 && (rc = parquet_next(p, e)) == 1) {
		rc = read_values_back(p, row);
		if (rc == 0)
			rc = add_row(&c, row, e);
		if (rc == 0 && take)
			rc = take->row(take->user, row, e);
	}
	for (size_t i = 0; rc == 0 && written && i < COLUMNS; i++)
		if (parquet_read_digest(p, i) != parquet_digest(written, i))
			rc = err_set(e, ERR_MISMATCH,
				     "%s: column '%s' does not read back as it was written", name,
				     columns[i].name);
	content_close(&c);
	parquet_read_close(p);
	return rc;
}

static int read_back(struct retained *r, const struct writing *w, const struct retained_folder *to,
		     const char *name, struct err *e)
{
	struct retained again = *r;
	FILE *in = NULL;
	int rc = open_to_read(to, name, &in, e);
	if (rc == 0)
		rc = read_file(in, r->file, &again, w->file, NULL, e);
	if (rc == 0 && (again.rows != r->rows || strcmp(again.content, r->content) != 0))
		rc = err_set(e, ERR_MISMATCH, "%s does not read back as it was written", r->file);
	if (rc == 0)
		rc = sum_of_file(in, &r->bytes, r->sha256, e);
	if (in)
		fclose(in);
	return rc;
}

/* Under a name of its own until all of it is there. */
static int write_file(struct retained *r, struct writing *w, const struct retained_folder *to,
		      const char *name)
{
	struct parquet_column columns[COLUMNS];
	struct row_span span;
	struct err *e = w->e;
	(void)unlinkat(to->fd, name, 0);
	const int fd =
		openat(to->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!out)
		return could_not("write", to, name, e);
	list_columns(&w->columns, columns);
	w->file = parquet_open(out, columns, COLUMNS);
	int rc = content_open(&w->content, r, e);
	if (rc == 0)
		rc = find_rows(w->store, r->month, &span, e);
	if (rc == 0)
		rc = write_rows(w, &span);
	content_close(&w->content);
	if (rc == 0 && (fflush(out) != 0 || fsync(fd) != 0))
		rc = could_not("write", to, name, e);
	if (fclose(out) != 0 && rc == 0)
		rc = could_not("write", to, name, e);
	return rc;
}

int retained_write(struct retained *r, struct store *s, const struct retained_folder *to,
		   struct err *e)
{
	struct writing w = { .columns = { .store = s }, .store = s, .e = e };
	char name[sizeof r->file + 8];
	snprintf(name, sizeof name, "%s.part", r->file);
	int rc = write_file(r, &w, to, name);
	if (rc == 0)
		rc = read_back(r, &w, to, name, e);
	if (rc == 0 && (renameat(to->fd, name, to->fd, r->file) != 0 || fsync(to->fd) != 0))
		rc = could_not("write", to, r->file, e);
	if (rc != 0)
		(void)unlinkat(to->fd, name, 0);
	parquet_release(w.file);
	dict_release(&w.gone);
	buf_release(&w.id);
	return rc;
}

int retained_read(const struct retained *r, const struct retained_folder *from,
		  const struct retained_take *take, struct err *e)
{
	struct retained is = *r;
	struct buf name = { 0 };
	FILE *in = NULL;
	buf_printf(&name, "%s/%s", from->path, r->file);
	int rc = open_to_read(from, r->file, &in, e);
	if (rc == 0)
		rc = sum_of_file(in, &is.bytes, is.sha256, e);
	if (rc == 0)
		rc = read_file(in, name.p, &is, NULL, take, e);
	if (rc == 0 && (is.bytes != r->bytes || strcmp(is.sha256, r->sha256) != 0 ||
			is.rows != r->rows || strcmp(is.content, r->content) != 0))
		rc = err_set(e, ERR_MISMATCH,
			     "%s is another file than the one that was archived (SHA-256 %s, it "
			     "was %s)",
			     name.p, is.sha256, r->sha256);
	if (in)
		fclose(in);
	buf_release(&name);
	return rc;
}
