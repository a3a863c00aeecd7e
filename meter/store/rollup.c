#include "meter/store/rollup.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "base/json.h"
#include "meter/store/archived.h"
#include "meter/store/source_counts.h"
#include "meter/store/sums_sql.h"
#include "meter/store/row_text.h"

#define QUARTER_US (900 * US_PER_SECOND)

enum { SUM_RECORDS, SUM_REQUESTS, SUM_TOKENS, SUM_COUNT = SUM_TOKENS + BUCKET_COMMON };
enum { GATHERED_AT_ONCE = 100000 };

struct cell {
	int64_t cell, who, price; /* quarter and subject, or day and series */
	int64_t subject;	  /* of a day's series */
	/* what is reversed among the rows may pass 63 bits on the way; what is stored fits */
	int128 sum[SUM_COUNT];
	int64_t lowest, highest;
};

struct more_cell {
	int64_t quarter, series, price, count;
	char name[40];
};

enum { RECENT = 1 << 14 };

struct cells {
	struct dict index; /* key to 1 + place */
	struct cell *list;
	size_t count, room;
	/* the same of the cells that were asked for last, by their series or subject: most rows
	   follow another one of their cell, which is then found without its key */
	uint32_t recent[RECENT];
};

/* Cells of the rows that are being taken in. */
struct gathering {
	struct store *store;
	int64_t from, to; /* rows that they hold, when valid */
	bool valid;
	struct buf more_text; /* of one row */
	int64_t unfit_to;     /* rows up to that one do not fit; 0: they do */
	int64_t twice;	      /* a number that two rows have; 0: none was met */
	bool corrected;	      /* since then */
	struct cells quarter, day;
	struct dict more_index; /* key to 1 + place */
	struct more_cell *more;
	size_t mores, last_more;
};

static void cells_release(struct cells *c)
{
	dict_release(&c->index);
	mem_block_free(c->list, c->room * sizeof *c->list);
}

static void gathering_close(struct gathering *g)
{
	cells_release(&g->quarter);
	cells_release(&g->day);
	dict_release(&g->more_index);
	buf_release(&g->more_text);
	free(g->more);
	free(g);
}

static struct cell *cell_of(struct cells *c, int64_t cell, int64_t who, int64_t price)
{
	uint32_t *recent = &c->recent[(uint64_t)who % RECENT];
	if (*recent) {
		struct cell *last = &c->list[*recent - 1];
		if (last->cell == cell && last->who == who && last->price == price)
			return last;
	}
	const int64_t key[3] = { cell, who, price };
	uint64_t *at = dict_need(&c->index, (struct text){ (const char *)key, sizeof key }, NULL);
	if (!*at) {
		CHECK(c->count < UINT32_MAX);
		if (c->count == c->room) {
			const size_t had = c->room * sizeof *c->list;
			c->room = c->room ? c->room * 2 : 1;
			c->list = mem_block_grow(c->list, had, c->room * sizeof *c->list);
		}
		c->list[c->count] = (struct cell){ .cell = cell,
						   .who = who,
						   .price = price,
						   .lowest = INT64_MAX,
						   .highest = INT64_MIN };
		*at = ++c->count;
	}
	*recent = (uint32_t)*at;
	return &c->list[*at - 1];
}

static void cells_clear(struct cells *c)
{
	dict_clear(&c->index);
	memset(c->recent, 0, sizeof c->recent);
	c->count = 0;
}

static bool add(struct cell *c, const int64_t sum[SUM_COUNT], int64_t seq)
{
	bool bad = false;
	for (int k = 0; k < SUM_COUNT; k++)
		bad |= __builtin_add_overflow(c->sum[k], sum[k], &c->sum[k]);
	c->lowest = seq < c->lowest ? seq : c->lowest;
	c->highest = seq > c->highest ? seq : c->highest;
	return !bad;
}

static void put_more_key(struct buf *key, const struct more_cell *m)
{
	key->n = 0;
	buf_add(key, m, offsetof(struct more_cell, count));
	buf_puts(key, m->name);
}

static struct more_cell *more_of(struct gathering *g, const struct more_cell *m)
{
	struct more_cell *last = g->mores ? &g->more[g->last_more] : NULL;
	if (last && last->quarter == m->quarter && last->series == m->series &&
	    last->price == m->price && strcmp(last->name, m->name) == 0)
		return last;
	struct buf key = { 0 };
	put_more_key(&key, m);
	uint64_t *at = dict_need(&g->more_index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((g->mores & (g->mores - 1)) == 0)
			g->more =
				mem_grow(g->more, (g->mores ? g->mores * 2 : 1) * sizeof *g->more);
		g->more[g->mores] = *m;
		*at = ++g->mores;
	}
	g->last_more = (size_t)*at - 1;
	return &g->more[g->last_more];
}

static int add_count(struct gathering *g, struct more_cell m, int64_t n, struct err *e)
{
	struct more_cell *c = more_of(g, &m);
	return __builtin_add_overflow(c->count, n, &c->count)
		       ? err_set(e, ERR_RANGE, "a sum of '%s' no longer fits", m.name)
		       : 0;
}

static int add_more(struct gathering *g, int64_t quarter, int64_t series, int64_t price,
		    struct text json, struct err *e)
{
	struct json_document *d;
	int rc = json_open(&d, json, e);
	if (rc != 0)
		return rc;
	for (json_value *v = json_first(json_root(d)); v && rc == 0; v = json_next(v)) {
		if (row_is_recorded_cost(json_key(v)))
			continue;
		struct more_cell m = { quarter, series, price, 0, { 0 } };
		int64_t n = strtoll(json_number(v).p, NULL, 10);
		snprintf(m.name, sizeof m.name, "%s", json_key(v));
		rc = add_count(g, m, n, e);
	}
	json_close(d);
	return rc;
}

static void gathering_clear(struct gathering *g, int64_t from)
{
	cells_clear(&g->quarter);
	cells_clear(&g->day);
	dict_clear(&g->more_index);
	g->mores = g->last_more = 0;
	g->from = from;
	g->to = from - 1;
	g->valid = true;
}

/* One row into its cells. */
struct summed_row {
	int64_t seq, time, series, price, sum[SUM_COUNT];
	bool placeholder;
	int64_t origin;
};

/* What it adds to a rare sum of that name. */
static int add_named(struct gathering *g, const struct summed_row *r, const char *before,
		     const char *name, struct err *e)
{
	struct more_cell m = { floor_div(r->time, QUARTER_US), r->series, r->price, 0, { 0 } };
	snprintf(m.name, sizeof m.name, "%s%s", before, name);
	return add_count(g, m, r->sum[SUM_RECORDS], e);
}

static int gather_sums(struct store *s, struct gathering *g, const struct summed_row *r,
		       struct err *e)
{
	struct cell *day = cell_of(&g->day, floor_div(r->time, US_PER_DAY), r->series, r->price);
	if (!day->subject) {
		const struct series_names *names;
		int rc = store_series_names(s, r->series, &names, e);
		if (rc != 0)
			return rc;
		day->subject = names->subject;
	}
	if (!add(day, r->sum, r->seq) ||
	    !add(cell_of(&g->quarter, floor_div(r->time, QUARTER_US), day->subject, r->price),
		 r->sum, r->seq))
		return err_set(e, ERR_RANGE, "the sums of a quarter of an hour no longer fit");
	return 0;
}

static int gather_row(struct store *s, struct gathering *g, const struct summed_row *r,
		      struct err *e)
{
	int source, rc = gather_sums(s, g, r, e);
	if (rc == 0)
		rc = store_source(s, r->origin, &source, e);
	if (rc == 0 && source >= 0)
		rc = add_named(g, r, ROLLED_SOURCE, log_source_shape(source), e);
	return rc == 0 && r->placeholder ? add_named(g, r, ROLLED_PLACEHOLDERS, "", e) : rc;
}

static int gather_appended(struct gathering *g, const struct usage_row *row)
{
	struct summed_row r = { row->seq,
				row->record.time_us,
				row->series,
				row->price,
				{ row->kind == USAGE_REVERSAL ? -1 : 1, row->record.requests },
				row->flags & USAGE_BROKEN_OFF,
				row->origin };
	memcpy(&r.sum[SUM_TOKENS], row->record.counts, BUCKET_COMMON * sizeof *r.sum);
	int rc = gather_row(g->store, g, &r, NULL);
	if (rc != 0 || !counts_any_rare(row->record.counts))
		return rc;
	g->more_text.n = 0;
	row_put_more(&g->more_text, row);
	return add_more(g, floor_div(r.time, QUARTER_US), r.series, r.price,
			(struct text){ g->more_text.p, g->more_text.n }, NULL);
}

/* Rows as they are appended. What is gathered is one stretch; beside others, whose numbers lie in
 * between, it is given up, and the rows are read back once they are committed. */
static void row_appended(void *user, const struct usage_row *row)
{
	struct gathering *g = user;
	g->corrected |= row->kind != USAGE_RECORD;
	if (!g->valid || row->seq != g->to + 1) {
		g->valid = false;
		if (store_is_beside(g->store))
			return;
		gathering_clear(g, row->seq);
	}
	g->to = row->seq;
	g->valid = gather_appended(g, row) == 0;
}

static void rows_gone(void *user)
{
	struct gathering *g = user;
	g->valid = false;
}

static void store_gone(void *user)
{
	gathering_close(user);
}

/* The gathering that listens to this store: from its opening on where it writes, so that what a
 * transaction has written itself is known and need not be seen by it. */
static struct gathering *gathering_of(struct store *s)
{
	const struct store_listener *l = store_listener(s);
	if (l->user)
		return l->user;
	struct gathering *g = mem_zalloc(sizeof *g);
	g->store = s;
	store_listen(s, &(struct store_listener){ g, row_appended, rows_gone, store_gone });
	return g;
}

static const struct sql sql_roll_rows = {
	.text = "SELECT seq,time,series,price,kind,requests,input,cache_read,cache_write_5m,"
		"cache_write_1h,output,reasoning,more,flags,origin FROM usage WHERE seq BETWEEN :from AND :to "
		"ORDER BY seq",
};

/* Rows of one statement, whose results a server's client has in memory. before: the last row that
 * was gathered. */
static int gather_some(struct store *s, int64_t from, int64_t to, struct gathering *g,
		       int64_t *before, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_roll_rows, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	while ((rc = db_step(db, q, e)) == 1) {
		if (db_int(q, 0) == *before)
			g->twice = *before;
		*before = db_int(q, 0);
		struct summed_row r = {
			db_int(q, 0), db_int(q, 1),
			db_int(q, 2), db_int(q, 3),
			{ 0 },	      !db_is_null(q, 13) && db_int(q, 13) & USAGE_BROKEN_OFF,
			db_int(q, 14)
		};
		/* a reversed record is one less */
		r.sum[SUM_RECORDS] = db_int(q, 4) == USAGE_REVERSAL ? -1 : 1;
		for (int k = SUM_REQUESTS; k < SUM_COUNT; k++)
			r.sum[k] = db_int(q, 4 + k);
		if ((rc = gather_row(s, g, &r, e)) != 0)
			break;
		if (!db_is_null(q, 12) && (rc = add_more(g, floor_div(r.time, QUARTER_US), r.series,
							 r.price, db_text(q, 12), e)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static int gather(struct store *s, int64_t from, int64_t to, struct gathering *g, struct err *e)
{
	int64_t before = 0;
	int rc = 0;
	for (int64_t end; rc == 0 && from <= to; from = end + 1) {
		end = to - from < GATHERED_AT_ONCE ? to : from + GATHERED_AT_ONCE - 1;
		rc = gather_some(s, from, end, g, &before, e);
	}
	return rc;
}

static int by_cell(const void *x, const void *y)
{
	const struct cell *a = *(const struct cell *const *)x, *b = *(const struct cell *const *)y;
	return a->cell != b->cell ? (a->cell < b->cell ? -1 : 1)
	       : a->who != b->who ? (a->who < b->who ? -1 : 1)
				  : (a->price > b->price) - (a->price < b->price);
}

/* In the order of the table, so that neighbours are written together. The cells stay where the
 * index says that they are: if they do not fit yet, more rows are added to them. */
static const struct cell **in_order(const struct cells *c)
{
	const struct cell **list = mem_alloc((c->count + 1) * sizeof *list);
	for (size_t i = 0; i < c->count; i++)
		list[i] = &c->list[i];
	qsort(list, c->count, sizeof *list, by_cell);
	return list;
}

/* On a server: into a table of the transaction's own first, and on from there in one statement. */
static int put_cells_at_once(struct store *s, const struct sql *which,
			     const struct cell *const *list, size_t count, struct err *e)
{
	struct db *db = store_db(s);
	struct buf lines = { 0 };
	struct query *q;
	for (size_t i = 0; i < count; i++) {
		const struct cell *c = list[i];
		const int64_t ends[] = { c->lowest, c->highest };
		buf_int(&lines, c->cell);
		buf_puts(&lines, "\t");
		buf_int(&lines, c->who);
		buf_puts(&lines, "\t");
		buf_int(&lines, c->price);
		for (int k = 0; k < SUM_COUNT + 2; k++) {
			buf_puts(&lines, "\t");
			buf_int(&lines, k < SUM_COUNT ? (int64_t)c->sum[k] : ends[k - SUM_COUNT]);
		}
		buf_puts(&lines, "\n");
	}
	int rc = db_run(db,
			"CREATE TEMP TABLE IF NOT EXISTS rolled(cell BIGINT,who BIGINT,price "
			"BIGINT,records BIGINT,requests BIGINT,input BIGINT,cache_read BIGINT,"
			"cache_write_5m BIGINT,cache_write_1h BIGINT,output BIGINT,reasoning "
			"BIGINT,lowest BIGINT,highest BIGINT); TRUNCATE rolled",
			e);
	if (rc == 0)
		rc = db_copy(db, "rolled", (struct text){ lines.p, lines.n }, e);
	if (rc == 0)
		rc = db_statement(db, which, &q, e);
	buf_release(&lines);
	return rc == 0 ? db_done(db, q, e) : rc;
}

static const struct sql sql_rolled_quarter = {
	.postgres =
		"INSERT INTO rollup_quarter(quarter,subject,price," SUM_COLUMNS
		",lowest,highest) SELECT cell,who,price," SUM_COLUMNS
		",lowest,highest FROM rolled ON CONFLICT(quarter,subject,price) DO UPDATE SET " ADD_SUMS(
			"rollup_quarter") ",lowest=LEAST(rollup_quarter.lowest,excluded.lowest),"
					  "highest=GREATEST(rollup_quarter.highest,excluded.highest)",
};
static const struct sql sql_rolled_day = {
	.postgres =
		"INSERT INTO rollup_day(day,series,price," SUM_COLUMNS
		") SELECT cell,who,price," SUM_COLUMNS
		" FROM rolled ON CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS("rollup_day"),
};
static const struct sql sql_roll_day = {
	.text = "INSERT INTO rollup_day(day,series,price," SUM_COLUMNS
		") VALUES(:cell,:who,:price," SUM_VALUES
		") ON CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS("rollup_day"),
};

static int put_cells_in_turn(struct store *s, const struct sql *which,
			     const struct cell *const *list, size_t count, struct err *e)
{
	/* the parameters of both statements, in the order in which they first appear */
	enum { CELL = 1, WHO, PRICE, SUMS, LOWEST = SUMS + SUM_COUNT, HIGHEST };
	struct db *db = store_db(s);
	struct query *q;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if ((rc = db_statement(db, which, &q, e)) != 0)
			break;
		db_bind_int_at(q, CELL, list[i]->cell);
		db_bind_int_at(q, WHO, list[i]->who);
		db_bind_int_at(q, PRICE, list[i]->price);
		for (int k = 0; k < SUM_COUNT; k++)
			db_bind_int_at(q, SUMS + k, (int64_t)list[i]->sum[k]);
		if (which != &sql_roll_day) {
			db_bind_int_at(q, LOWEST, list[i]->lowest);
			db_bind_int_at(q, HIGHEST, list[i]->highest);
		}
		rc = db_done(db, q, e);
	}
	return rc;
}

static int put_cells(struct store *s, const struct sql *which, const struct cells *cells,
		     struct err *e)
{
	const struct cell **list = in_order(cells);
	int rc;
	if (cells->count && db_on_server(store_db(s)))
		rc = put_cells_at_once(
			s, which == &sql_roll_day ? &sql_rolled_day : &sql_rolled_quarter, list,
			cells->count, e);
	else
		rc = put_cells_in_turn(s, which, list, cells->count, e);
	free(list);
	return rc;
}

static const struct sql sql_roll_more = {
	.text = "INSERT INTO rollup_more VALUES(:quarter,:series,:price,:name,:count) "
		"ON CONFLICT(quarter,series,price,name) DO UPDATE SET " ADD("rollup_more", count),
};

static int put_more(struct store *s, const struct gathering *g, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->mores; i++) {
		if ((rc = db_statement(db, &sql_roll_more, &q, e)) != 0)
			break;
		db_bind_int(q, ":quarter", g->more[i].quarter);
		db_bind_int(q, ":series", g->more[i].series);
		db_bind_int(q, ":price", g->more[i].price);
		db_bind_text(q, ":name", text_of(g->more[i].name));
		db_bind_int(q, ":count", g->more[i].count);
		rc = db_done(db, q, e);
	}
	return rc;
}

static const struct sql sql_set_about = {
	.text = "INSERT INTO about VALUES(:key,:value) ON CONFLICT(key) DO UPDATE "
		"SET value=excluded.value",
};

static int set_about(struct store *s, const char *key, int64_t value, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_set_about, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":key", text_of(key));
	db_bind_int(q, ":value", value);
	return db_done(store_db(s), q, e);
}

static const struct sql sql_about = {
	.text = "SELECT value FROM about WHERE key=:key",
};

/* 0 where it does not say. */
static int read_about(struct store *s, const char *key, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_about, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":key", text_of(key));
	rc = db_step(store_db(s), q, e);
	*out = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* What the rollups must hold, kept beside them: "RECORDS ROLLED_TO". A tally that does not know it
 * moves rolled_to alone, and then nothing is promised. */
static int read_promise(struct store *s, int64_t *records, bool *known, struct err *e)
{
	struct query *q;
	int64_t done;
	*known = false;
	int rc = rollup_rolled_to(s, &done, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_about, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":key", text_of("rolled_records"));
	if ((rc = db_step(store_db(s), q, e)) == 1) {
		char text[50], *end;
		const struct text value = db_text(q, 0);
		snprintf(text, sizeof text, "%.*s", (int)value.n, value.p);
		*records = strtoll(text, &end, 10);
		*known = strtoll(end, NULL, 10) == done;
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static int set_promise(struct store *s, int64_t records, int64_t to, struct err *e)
{
	char text[50];
	struct query *q;
	int rc = set_about(s, "rolled_to", to, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_set_about, &q, e);
	if (rc != 0)
		return rc;
	snprintf(text, sizeof text, "%lld %lld", (long long)records, (long long)to);
	db_bind_text(q, ":key", text_of("rolled_records"));
	db_bind_text(q, ":value", text_of(text));
	return db_done(store_db(s), q, e);
}

/* The rollups hold the rows up to `to` from now on, and so many records more than before: by what
 * was counted apart from the sums. */
static int set_rolled(struct store *s, int64_t to, int64_t more, struct err *e)
{
	int64_t records;
	bool known;
	int rc = read_promise(s, &records, &known, e);
	/* a database of before */
	if (rc == 0 && !known) {
		more = 0;
		rc = db_read_int(store_db(s), "SELECT sum(records) FROM rollup_day", &records, e);
	}
	return rc == 0 ? set_promise(s, records + more, to, e) : rc;
}

int rollup_rolled_to(struct store *s, int64_t *out, struct err *e)
{
	return read_about(s, "rolled_to", out, e);
}

static int records_differ(int64_t held, int64_t promised, const char *by, struct err *e)
{
	return err_set(
		e, ERR_MISMATCH,
		"the rollups hold %lld records%s where there are %lld (`tally fsck --rebuild` "
		"rebuilds them)",
		(long long)held, by, (long long)promised);
}

int rollup_check(struct store *s, struct err *e)
{
	int64_t promised, held;
	bool known;
	int rc = read_promise(s, &promised, &known, e);
	if (rc != 0 || !known)
		return rc;
	rc = db_read_int(store_db(s), "SELECT sum(records) FROM rollup_quarter", &held, e);
	if (rc == 0 && held != promised)
		return records_differ(held, promised, " by quarter of an hour", e);
	if (rc == 0)
		rc = db_read_int(store_db(s), "SELECT sum(records) FROM rollup_day", &held, e);
	return rc == 0 && held != promised ? records_differ(held, promised, " by day", e) : rc;
}

int rollup_check_cluster(struct store *s, struct err *e)
{
	int64_t cluster = 0;
	int rc = db_on_server(store_db(s)) ? read_about(s, "cluster", &cluster, e) : 0;
	return rc == 0 && cluster ? rollup_check(s, e) : rc;
}

int rollup_made(struct store *s, int64_t *out, struct err *e)
{
	return read_about(s, "rollups_made", out, e);
}

static int check_fit(const struct cells *c, struct err *e)
{
	for (size_t i = 0; i < c->count; i++)
		for (int k = 0; k < SUM_COUNT; k++)
			if (c->list[i].sum[k] > INT64_MAX || c->list[i].sum[k] < INT64_MIN)
				return err_set(
					e, ERR_RANGE,
					"the sums of a quarter of an hour or a day do not fit "
					"(`tally fsck` names the records)");
	return 0;
}

static const struct sql sql_roll_quarter = {
	.text = "INSERT INTO rollup_quarter(quarter,subject,price," SUM_COLUMNS
		",lowest,highest) VALUES(:cell,:who,:price," SUM_VALUES
		",:lowest,:highest) ON CONFLICT(quarter,subject,price) DO UPDATE SET " ADD_SUMS(
			"rollup_quarter") ",lowest=CASE WHEN excluded.lowest<rollup_quarter.lowest THEN excluded.lowest "
					  "ELSE rollup_quarter.lowest END,highest=CASE WHEN "
					  "excluded.highest>rollup_quarter.highest THEN excluded.highest "
					  "ELSE rollup_quarter.highest END",
};

static int put_gathering(struct store *s, const struct gathering *g, struct err *e)
{
	int rc = check_fit(&g->quarter, e);
	if (rc == 0)
		rc = check_fit(&g->day, e);
	if (rc == 0)
		rc = put_cells(s, &sql_roll_quarter, &g->quarter, e);
	if (rc == 0)
		rc = put_cells(s, &sql_roll_day, &g->day, e);
	return rc == 0 ? put_more(s, g, e) : rc;
}

static int run_over(struct store *s, const struct sql *which, int64_t from, int64_t to,
		    struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), which, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	return db_done(store_db(s), q, e);
}

/* the same of rows that lie there; a reversed record is one less */
#define CELL_OF(us) "(u.time-((u.time%" us "+" us ")%" us "))/" us
#define SUMS_OF_ROWS \
	"sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END)::bigint,sum(u.requests)::bigint," \
	"sum(u.input)::bigint,sum(u.cache_read)::bigint,sum(u.cache_write_5m)::bigint," \
	"sum(u.cache_write_1h)::bigint,sum(u.output)::bigint,sum(u.reasoning)::bigint"
static const struct sql sql_roll_all_quarters = {
	.postgres =
		"INSERT INTO rollup_quarter(quarter,subject,price," SUM_COLUMNS
		",lowest,highest) SELECT " CELL_OF(
			"900000000") ",s.subject,u.price," SUMS_OF_ROWS
				     ",min(u.seq),max(u.seq) FROM usage u JOIN series s ON s.id=u.series "
				     "WHERE u.seq BETWEEN :from AND :to GROUP BY 1,2,3 "
				     "ON CONFLICT(quarter,subject,price) DO UPDATE SET " ADD_SUMS(
					     "rollup_quarter") ",lowest=LEAST(rollup_quarter.lowest,excluded.lowest),"
							       "highest=GREATEST(rollup_quarter.highest,excluded.highest)",
};
static const struct sql sql_roll_all_days = {
	.postgres = "INSERT INTO rollup_day(day,series,price," SUM_COLUMNS ") SELECT " CELL_OF(
		"86400000000") ",u.series,u.price," SUMS_OF_ROWS
			       " FROM usage u WHERE u.seq BETWEEN :from AND :to GROUP BY 1,2,3 "
			       "ON CONFLICT(day,series,price) DO UPDATE SET " ADD_SUMS(
				       "rollup_day"),
};
static const struct sql sql_roll_all_more = {
	.postgres = "INSERT INTO rollup_more SELECT " CELL_OF(
		"900000000") ",u.series,u.price,m.key,sum(m.value::bigint)::bigint FROM usage u CROSS "
			     "JOIN LATERAL json_each_text(u.more::json) m WHERE u.seq BETWEEN :from AND :to "
			     "AND u.more IS NOT NULL AND m.key NOT IN ('" ROW_CHARGED
			     "','" ROW_ESTIMATED
			     "') GROUP BY 1,2,3,4 ON CONFLICT(quarter,series,price,name) "
			     "DO UPDATE SET " ADD("rollup_more", count),
};

static const struct sql sql_roll_all_placeholders = {
	.postgres = "INSERT INTO rollup_more SELECT " CELL_OF(
		"900000000") ",u.series,u.price,'" ROLLED_PLACEHOLDERS
			     "',sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END)::bigint FROM usage u "
			     "WHERE u.seq BETWEEN :from AND :to AND (u.flags & 2) <> 0 GROUP BY "
			     "1,2,3 ON CONFLICT(quarter,series,price,name) "
			     "DO UPDATE SET " ADD("rollup_more", count),
};

/* On a server the rows stay where they are. */
static int roll_there(struct store *s, int64_t from, int64_t to, struct err *e)
{
	int rc = run_over(s, &sql_roll_all_quarters, from, to, e);
	if (rc == 0)
		rc = run_over(s, &sql_roll_all_days, from, to, e);
	if (rc == 0)
		rc = run_over(s, &sql_roll_all_more, from, to, e);
	if (rc == 0)
		rc = run_over(s, &sql_roll_all_placeholders, from, to, e);
	return rc == 0 ? source_counts_roll(s, from, to, e) : rc;
}

static int roll_here(struct store *s, int64_t from, int64_t to, struct err *e)
{
	struct gathering *g = mem_zalloc(sizeof *g);
	int rc = gather(s, from, to, g, e);
	if (rc == 0)
		rc = put_gathering(s, g, e);
	gathering_close(g);
	return rc;
}

static const struct sql sql_roll_count = {
	.text = "SELECT count(*),sum(CASE kind WHEN 1 THEN -1 ELSE 1 END) FROM usage WHERE seq "
		"BETWEEN :from AND :to",
};

/* Rows that are there, and the records that they are: a reversed one is one less. */
struct row_count {
	int64_t rows, records;
};

static int count_rows(struct store *s, int64_t from, int64_t to, struct row_count *out,
		      struct err *e)
{
	struct query *q;
	*out = (struct row_count){ 0 };
	int rc = db_statement(store_db(s), &sql_roll_count, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	if ((rc = db_step(store_db(s), q, e)) == 1)
		*out = (struct row_count){ db_int(q, 0), db_is_null(q, 1) ? 0 : db_int(q, 1) };
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* Reads the rows back. */
static int roll(struct store *s, int64_t from, int64_t to, struct err *e)
{
	enum { ROWS_AT_ONCE = 2000000 };
	const bool there = db_on_server(store_db(s));
	int rc = 0;
	for (int64_t next; rc == 0 && from <= to; from = next) {
		next = to - from < ROWS_AT_ONCE ? to + 1 : from + ROWS_AT_ONCE;
		rc = (there ? roll_there : roll_here)(s, from, next - 1, e);
	}
	return rc;
}

static const struct sql sql_roll_skipped = {
	.postgres = "INSERT INTO skipped SELECT before+1,seq-before-1 "
		    "FROM (SELECT seq,lag(seq,1,CAST(:from AS bigint)-1) OVER (ORDER BY seq) AS "
		    "before FROM (SELECT seq FROM usage WHERE seq BETWEEN :from AND :to UNION ALL "
		    "SELECT CAST(:to AS bigint)+1) n) t WHERE seq-before>1 ON CONFLICT DO NOTHING",
};

static const struct sql sql_roll_turn = {
	.postgres = "SELECT 1 FROM pg_advisory_xact_lock(1952541817,2)",
};
static const struct sql sql_roll_try_turn = {
	.postgres = "SELECT pg_try_advisory_xact_lock(1952541817,2)",
};

/* Whoever sums on a server does so alone, though others append meanwhile. */
static int take_turn(struct store *s, bool wait, bool *mine, struct err *e)
{
	struct query *q;
	int64_t got = 1;
	int rc = 0;
	if (db_on_server(store_db(s))) {
		rc = db_statement(store_db(s), wait ? &sql_roll_turn : &sql_roll_try_turn, &q, e);
		if (rc == 0)
			rc = db_returned(store_db(s), q, &got, e);
	}
	*mine = rc == 0 && got;
	return rc;
}

static const struct sql sql_recover = {
	.postgres = "SELECT recover_prepared_transactions()",
};

/*
 * Where numbers have no row, the transaction that had them was given up; or, on a cluster, it was
 * committed and a worker died before it heard of that: its rows are seen once the worker is told.
 * It is told now, before the numbers are noted as nobody's. *back: whether rows came back.
 */
static int recover(struct store *s, bool *back, struct err *e)
{
	struct query *q;
	int64_t cluster, n = 0;
	int rc = read_about(s, "cluster", &cluster, e);
	if (rc == 0 && cluster && (rc = db_statement(store_db(s), &sql_recover, &q, e)) == 0)
		rc = db_returned(store_db(s), q, &n, e);
	*back = n > 0;
	return rc;
}

static int64_t gathered_records(const struct gathering *g)
{
	int128 n = 0;
	for (size_t i = 0; i < g->day.count; i++)
		n += g->day.list[i].sum[SUM_RECORDS];
	return (int64_t)n;
}

/* Rows that were committed; numbers of them that have no row are known for good now. */
static int roll_committed(struct store *s, int64_t from, int64_t to, struct row_count *n,
			  struct err *e)
{
	bool back = false;
	int rc = count_rows(s, from, to, n, e);
	const bool skipped = db_on_server(store_db(s)) && n->rows <= to - from;
	if (rc == 0 && skipped)
		rc = recover(s, &back, e);
	if (rc == 0 && back)
		rc = count_rows(s, from, to, n, e);
	if (rc == 0)
		rc = roll(s, from, to, e);
	return rc == 0 && skipped ? run_over(s, &sql_roll_skipped, from, to, e) : rc;
}

/*
 * The rows behind `done`: those that were gathered as they were written, and those before them as
 * they are read back. A transaction on a server never reads back what it has written itself: behind
 * one address may be several servers, and what went there by one connection is not seen by another
 * until the commit. What is neither gathered nor committed stays behind the rollups. *to: how far
 * it came.
 */
static int sum_up(struct store *s, const struct gathering *g, int64_t done, int64_t *to,
		  struct err *e)
{
	const int64_t last = *to, committed = store_committed_to(s, last);
	/* what did not fit by itself may fit with what corrects it: it is read as a whole */
	const bool gathered = g->valid && g->to == last && g->from > done && g->from <= last &&
			      g->from - 1 <= committed && !(g->unfit_to && committed == last);
	const int64_t back = gathered ? g->from - 1 : committed;
	struct row_count n = { 0 };
	int rc = source_counts_catch_up(s, done, e);
	if (rc == 0 && done < back)
		rc = roll_committed(s, done + 1, back, &n, e);
	if (rc == 0 && gathered)
		rc = put_gathering(s, g, e);
	*to = gathered ? last : back > done ? back : done;
	if (rc != 0 || *to == done)
		return rc;
	return set_rolled(s, *to, n.records + (gathered ? gathered_records(g) : 0), e);
}

/* Sums that do not fit stop nobody from writing: the rows stay behind the rollups until what is too
 * large is reversed. */
static int sum_up_or_leave(struct store *s, struct gathering *g, int64_t done, int64_t last,
			   struct err *e)
{
	struct err why = { 0 };
	int rc = db_run(store_db(s), "SAVEPOINT sums", e);
	if (rc != 0)
		return rc;
	int64_t to = last;
	rc = sum_up(s, g, done, &to, &why);
	g->unfit_to = rc == -ERR_RANGE ? last : 0;
	/* those that are not committed yet were not read with what they correct */
	g->corrected &= rc == -ERR_RANGE && store_committed_to(s, last) < last;
	if (rc == -ERR_RANGE) {
		rc = db_run(store_db(s), "ROLLBACK TO sums", e);
	} else {
		/* a rollback makes it invalid */
		gathering_clear(g, last + 1);
		g->valid = to == last;
		if (rc != 0 && e)
			*e = why;
	}
	return rc == 0 ? db_run(store_db(s), "RELEASE sums", e) : rc;
}

/* Whether it is too early to try again what did not fit: all that lies behind would be read again.
 */
static bool is_too_early(const struct gathering *g, int64_t done, int64_t last)
{
	return g->unfit_to && !g->corrected && last - done < 2 * (g->unfit_to - done);
}

bool rollup_is_left_behind(struct store *s)
{
	return gathering_of(s)->unfit_to != 0;
}

/* Rows up to `last`, all of which are decided. */
static int catch_up(struct store *s, int64_t last, int64_t lag, bool wait, struct err *e)
{
	struct gathering *g = gathering_of(s);
	int64_t done;
	bool mine;
	int rc = rollup_rolled_to(s, &done, e);
	if (rc == 0)
		rc = store_flush(s, e);
	if (rc != 0 || last - done <= lag || last <= done || is_too_early(g, done, last))
		return rc;
	rc = take_turn(s, wait, &mine, e);
	if (rc != 0 || !mine)
		return rc;
	/* another one may have been faster */
	if (db_on_server(store_db(s)))
		rc = rollup_rolled_to(s, &done, e);
	if (rc != 0 || last <= done)
		return rc;
	return sum_up_or_leave(s, g, done, last, e);
}

int rollup_catch_up(struct store *s, int64_t lag, struct err *e)
{
	return catch_up(s, store_last_seq(s), lag, true, e);
}

int rollup_catch_up_beside(struct store *s, int64_t lag, struct instant now, struct err *e)
{
	struct db *db = store_db(s);
	int64_t done, last = store_last_seq(s);
	int rc = rollup_rolled_to(s, &done, e);
	if (rc != 0 || last - done <= lag)
		return rc;
	if (!db_on_server(db)) {
		rc = store_begin(s, now, e);
		if (rc == 0)
			rc = rollup_catch_up(s, lag, e);
	} else {
		rc = db_begin_beside(db, e);
		if (rc == 0)
			rc = store_settled_to(s, &last, e);
		/* who only keeps up need not wait for who does just that */
		if (rc == 0)
			rc = catch_up(s, last, lag, lag == 0, e);
	}
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return rc;
}

void rollup_follow(struct store *s)
{
	gathering_of(s);
}

int rollup_rebuild(struct store *s, struct err *e)
{
	struct row_count n = { 0 };
	int64_t made;
	int rc = archived_need_rows(store_archived(s),
				    &(struct row_span){ 1, INT64_MAX, ROWS_OF_ANY_TIME }, e);
	/* who writes alone has the turn of summing, too */
	if (rc == 0)
		rc = db_run(store_db(s),
			    "DELETE FROM rollup_quarter; DELETE FROM rollup_day; DELETE FROM "
			    "rollup_more",
			    e);
	if (rc == 0)
		rc = rollup_made(s, &made, e);
	if (rc == 0)
		rc = set_about(s, "rollups_made", made + 1, e);
	if (rc == 0)
		rc = source_counts_catch_up(s, 0, e);
	if (rc == 0)
		rc = count_rows(s, 1, store_last_seq(s), &n, e);
	if (rc == 0)
		rc = roll(s, 1, store_last_seq(s), e);
	return rc == 0 ? set_promise(s, n.records, store_last_seq(s), e) : rc;
}

/* Cells as they are stored and as they were gathered. */
struct both_cells {
	const char *sql, *what;
	const struct cells *gathered;
};

/* Takes the stored cells from the gathered ones; what is left is a difference. */
static int subtract(struct store *s, const struct both_cells *c, bool *same, char difference[200],
		    struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	size_t matched = 0;
	int rc = db_prepare(db, c->sql, &q, e);
	if (rc != 0)
		return rc;
	while (*same && (rc = db_step(db, q, e)) == 1) {
		const int64_t key[3] = { db_int(q, 0), db_int(q, 1), db_int(q, 2) };
		uint64_t *at = dict_find(&c->gathered->index,
					 (struct text){ (const char *)key, sizeof key });
		*same = at != NULL;
		for (int k = 0; *same && k < SUM_COUNT; k++)
			*same = c->gathered->list[*at - 1].sum[k] == db_int(q, 3 + k);
		if (!*same)
			snprintf(difference, 200, "the rollup of %s %lld (entry %lld, price %lld)",
				 c->what, (long long)key[0], (long long)key[1], (long long)key[2]);
		matched++;
	}
	db_drop(q);
	if (rc < 0)
		return rc;
	if (*same && matched != c->gathered->count) {
		*same = false;
		snprintf(difference, 200, "%zu cells of the %s rollup are missing",
			 c->gathered->count - matched, c->what);
	}
	return 0;
}

/* Sources that the rollups do not count yet are no difference. */
static int leave_uncounted(struct store *s, struct gathering *g, struct err *e)
{
	bool known[LOG_SOURCES];
	char name[sizeof g->more->name];
	int rc = source_counts_known(s, known, e);
	for (int k = 0; rc == 0 && k < LOG_SOURCES; k++) {
		if (known[k])
			continue;
		snprintf(name, sizeof name, ROLLED_SOURCE "%s", log_source_shape(k));
		for (size_t i = 0; i < g->mores; i++)
			if (strcmp(g->more[i].name, name) == 0)
				g->more[i].count = 0;
	}
	return rc;
}

/* The same of rarer counts and placeholders, where a count of nothing may be stored or not. */
static int subtract_more(struct store *s, struct gathering *g, bool *same, char difference[200],
			 struct err *e)
{
	struct buf key = { 0 };
	struct query *q;
	int rc = leave_uncounted(s, g, e);
	if (rc != 0)
		return rc;
	rc = db_prepare(store_db(s), "SELECT quarter,series,price,name,count FROM rollup_more", &q,
			e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct text name = db_text(q, 3);
		const int64_t us = db_int(q, 0) * QUARTER_US;
		if (archived_lacks(store_archived(s),
				   &(struct row_span){ 1, INT64_MAX, us, us + 1 }, NULL))
			continue; /* it takes the files to say */
		struct more_cell m = { db_int(q, 0), db_int(q, 1), db_int(q, 2), 0, { 0 } };
		snprintf(m.name, sizeof m.name, "%.*s", (int)name.n, name.p);
		put_more_key(&key, &m);
		const uint64_t *at = dict_find(&g->more_index, (struct text){ key.p, key.n });
		if (at) {
			g->more[*at - 1].count -= db_int(q, 4);
		} else if (db_int(q, 4)) {
			*same = false;
			snprintf(difference, 200, "the rollup of %s in quarter %lld", m.name,
				 (long long)m.quarter);
		}
	}
	db_drop(q);
	buf_release(&key);
	for (size_t i = 0; *same && i < g->mores; i++) {
		*same = g->more[i].count == 0;
		if (!*same)
			snprintf(difference, 200, "the rollup of %s in quarter %lld",
				 g->more[i].name, (long long)g->more[i].quarter);
	}
	return rc < 0 ? rc : 0;
}

/* Cells of archived months, which stand for their rows. */
struct archived_part {
	struct store *store;
	struct gathering *gathering;
	struct err *e;
};

static int gather_archived(void *user, const struct archived_cell *c)
{
	const struct archived_part *p = user;
	struct summed_row r = { .time = c->quarter * QUARTER_US,
				.series = c->series,
				.price = c->price,
				.sum = { c->records, c->requests } };
	memcpy(&r.sum[SUM_TOKENS], c->tokens, BUCKET_COMMON * sizeof *r.sum);
	return gather_sums(p->store, p->gathering, &r, p->e);
}

int rollup_verify(struct store *s, bool *same, char difference[200], struct err *e)
{
	struct gathering *g = mem_zalloc(sizeof *g);
	int64_t done;
	*same = true;
	int rc = rollup_rolled_to(s, &done, e);
	if (rc == 0)
		rc = gather(s, 1, done, g, e);
	if (rc == 0)
		rc = archived_each_cell(store_archived(s), store_db(s),
					&(struct row_span){ 1, INT64_MAX,
							    month_begins_us(-1970 * 12),
							    month_begins_us(8029 * 12) },
					gather_archived, &(struct archived_part){ s, g, e }, e);
	if (rc == 0 && g->twice) {
		*same = false;
		snprintf(difference, 200, "row %lld, which is there twice,", (long long)g->twice);
	}
	const struct both_cells cells[] = {
		{ "SELECT quarter,subject,price," SUM_COLUMNS " FROM rollup_quarter", "quarter",
		  &g->quarter },
		{ "SELECT day,series,price," SUM_COLUMNS " FROM rollup_day", "day", &g->day },
	};
	for (size_t i = 0; rc == 0 && i < sizeof cells / sizeof *cells; i++)
		rc = subtract(s, &cells[i], same, difference, e);
	if (rc == 0 && *same)
		rc = subtract_more(s, g, same, difference, e);
	gathering_close(g);
	return rc;
}
