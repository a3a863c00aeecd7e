#include "meter/store/session_cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "meter/store/archived.h"
#include "meter/store/rollup.h"
#include "meter/store/row_text.h"
#include "meter/store/sums_sql.h"
#include "meter/store/usage_query.h"

#define QUARTER_US (900 * US_PER_SECOND)

/* A cell as it is stored: counts are pairs of kind and count, those that are zero left out. */
enum {
	KIND_SIZE = 1,
	PAIR_SIZE = KIND_SIZE + sizeof(int64_t),
	KIND_PLACEHOLDERS = UINT8_MAX,
	/* by the places of the version that made them: another list makes them again
	 * (source_counts.h)
	 */
	KIND_SOURCES = KIND_PLACEHOLDERS - LOG_SOURCES
};
_Static_assert((int)COUNT_KINDS < (int)KIND_SOURCES, "a kind is stored in a byte");

/* Where a count of that kind is kept; NULL: no kind has that number. */
static int64_t *count_at(struct session_cell *c, int kind)
{
	if (kind < COUNT_KINDS)
		return &c->counts[kind];
	if (kind == KIND_PLACEHOLDERS)
		return &c->placeholders;
	return kind >= KIND_SOURCES ? &c->from_source[kind - KIND_SOURCES] : NULL;
}

static const char *const table =
	"CREATE TABLE IF NOT EXISTS session_cell (cell INTEGER NOT NULL, session TEXT NOT NULL,"
	" series INTEGER NOT NULL, price INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, records INTEGER NOT NULL, requests INTEGER NOT NULL,"
	" counts BLOB NOT NULL, PRIMARY KEY (cell, session, series, price)) STRICT, WITHOUT ROWID";

/* The begin of a quarter, and what lies between two of them, are numbered in turn. */
static int64_t cell_of(int64_t us)
{
	const int64_t quarter = floor_div(us, QUARTER_US);
	return 2 * quarter + (us != quarter * QUARTER_US);
}

struct gathered {
	int64_t cell;
	struct session_cell sums;
	bool reversed; /* its ends may be those of reversed calls */
};

struct gathering {
	struct dict index; /* key to 1 + place */
	struct gathered *list;
	size_t count;
	struct buf key;
	struct arena texts;
};

static struct gathered *gathered_of(struct gathering *g, int64_t cell, int64_t series,
				    int64_t price, struct text session)
{
	const int64_t fixed[] = { cell, series, price };
	g->key.n = 0;
	buf_add(&g->key, fixed, sizeof fixed);
	buf_add(&g->key, session.p, session.n);
	uint64_t *at = dict_need(&g->index, (struct text){ g->key.p, g->key.n }, NULL);
	if (!*at) {
		if ((g->count & (g->count - 1)) == 0)
			g->list =
				mem_grow(g->list, (g->count ? g->count * 2 : 1) * sizeof *g->list);
		g->list[g->count] = (struct gathered){
			.cell = cell,
			.sums = { .first_us = INT64_MAX,
				  .last_us = INT64_MIN,
				  .series = series,
				  .price = price,
				  .session = { arena_text(&g->texts, session.p, session.n),
					       session.n } },
		};
		*at = ++g->count;
	}
	return &g->list[*at - 1];
}

static int add(struct session_cell *to, const struct session_cell *more, struct err *e)
{
	bool bad = !counts_add(to->counts, more->counts);
	bad |= __builtin_add_overflow(to->records, more->records, &to->records);
	bad |= __builtin_add_overflow(to->requests, more->requests, &to->requests);
	bad |= __builtin_add_overflow(to->placeholders, more->placeholders, &to->placeholders);
	for (int k = 0; k < LOG_SOURCES; k++)
		bad |= __builtin_add_overflow(to->from_source[k], more->from_source[k],
					      &to->from_source[k]);
	to->first_us = more->first_us < to->first_us ? more->first_us : to->first_us;
	to->last_us = more->last_us > to->last_us ? more->last_us : to->last_us;
	return bad ? err_set(e, ERR_RANGE, "%s", USAGE_DOES_NOT_FIT) : 0;
}

static const struct sql sql_rows = {
	.text = "SELECT time,series,price,kind,requests,input,cache_read,cache_write_5m,"
		"cache_write_1h,output,reasoning,more,session,flags,origin FROM usage "
		"WHERE seq BETWEEN :from AND :to",
};

static int gather(struct store *s, struct gathering *g, int64_t from, int64_t to, struct err *e)
{
	enum {
		R_TIME,
		R_SERIES,
		R_PRICE,
		R_KIND,
		R_REQUESTS,
		R_TOKENS,
		R_MORE = R_TOKENS + BUCKET_COMMON,
		R_SESSION,
		R_FLAGS,
		R_ORIGIN
	};
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_rows, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	while ((rc = db_step(db, q, e)) == 1) {
		const int64_t time_us = db_int(q, R_TIME);
		const bool reversal = db_int(q, R_KIND) == USAGE_REVERSAL;
		struct session_cell row = { .first_us = time_us,
					    .last_us = time_us,
					    .records = reversal ? -1 : 1,
					    .requests = db_int(q, R_REQUESTS) };
		if (!db_is_null(q, R_FLAGS) && db_int(q, R_FLAGS) & USAGE_BROKEN_OFF)
			row.placeholders = row.records;
		int source;
		if ((rc = store_source(s, db_int(q, R_ORIGIN), &source, e)) != 0)
			break;
		if (source >= 0)
			row.from_source[source] = row.records;
		for (int b = 0; b < BUCKET_COMMON; b++)
			row.counts[b] = db_int(q, R_TOKENS + b);
		if (!db_is_null(q, R_MORE) &&
		    (rc = row_read_more(row.counts, NULL, db_text(q, R_MORE), e)) != 0)
			break;
		struct gathered *c = gathered_of(g, cell_of(time_us), db_int(q, R_SERIES),
						 db_int(q, R_PRICE), db_text(q, R_SESSION));
		c->reversed |= reversal;
		if ((rc = add(&c->sums, &row, e)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

enum { C_SERIES, C_PRICE, C_FIRST, C_LAST, C_RECORDS, C_REQUESTS, C_COUNTS, C_SESSION };
#define CELL_COLUMNS "series,price,first,last,records,requests,counts,session"

static int read_cell(struct query *q, struct session_cell *c, struct err *e)
{
	const struct text pairs = db_text(q, C_COUNTS);
	*c = (struct session_cell){ .first_us = db_int(q, C_FIRST),
				    .last_us = db_int(q, C_LAST),
				    .series = db_int(q, C_SERIES),
				    .price = db_int(q, C_PRICE),
				    .records = db_int(q, C_RECORDS),
				    .requests = db_int(q, C_REQUESTS),
				    .session = db_text(q, C_SESSION) };
	for (size_t i = 0; i + PAIR_SIZE <= pairs.n; i += PAIR_SIZE) {
		int64_t *count = count_at(c, (uint8_t)pairs.p[i]);
		if (!count)
			return err_set(e, ERR_STORE, "a sum of a session has no known meaning");
		memcpy(count, pairs.p + i + KIND_SIZE, sizeof *count);
	}
	return 0;
}

static const struct sql sql_cell_before = {
	.text = "SELECT " CELL_COLUMNS " FROM session_cell WHERE cell=:cell AND session=:session "
		"AND series=:series AND price=:price",
};

/* Adds what is stored of the cell already. */
static int add_stored(struct store *s, struct gathered *c, struct err *e)
{
	struct db *db = store_db(s);
	struct session_cell before;
	struct query *q;
	int rc = db_statement(db, &sql_cell_before, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":cell", c->cell);
	db_bind_text(q, ":session", c->sums.session);
	db_bind_int(q, ":series", c->sums.series);
	db_bind_int(q, ":price", c->sums.price);
	rc = db_step(db, q, e);
	if (rc == 1)
		rc = read_cell(q, &before, e) == 0 ? add(&c->sums, &before, e) : -ERR_STORE;
	db_reset(q);
	return rc;
}

static const struct sql sql_ends = {
	.text = "SELECT min(time),max(time) FROM (SELECT time FROM usage WHERE seq BETWEEN "
		"(SELECT min(lowest) FROM rollup_quarter WHERE quarter=:quarter) AND "
		"(SELECT max(highest) FROM rollup_quarter WHERE quarter=:quarter) AND series=:series "
		"AND price=:price AND coalesce(session,'')=:session AND time>=:first AND time<=:last "
		"GROUP BY time HAVING sum(CASE kind WHEN 1 THEN -1 ELSE 1 END)>0)",
};

/* The ends of a cell among whose calls some were reversed, from the rows. */
static int find_ends(struct store *s, struct gathered *c, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_ends, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":quarter", floor_div(c->sums.first_us, QUARTER_US));
	db_bind_int(q, ":series", c->sums.series);
	db_bind_int(q, ":price", c->sums.price);
	db_bind_text(q, ":session", c->sums.session);
	db_bind_int(q, ":first", c->sums.first_us);
	db_bind_int(q, ":last", c->sums.last_us);
	rc = db_step(db, q, e);
	if (rc == 1 && !db_is_null(q, 0)) {
		c->sums.first_us = db_int(q, 0);
		c->sums.last_us = db_int(q, 1);
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_put_cell = {
	.text = "INSERT OR REPLACE INTO session_cell(cell," CELL_COLUMNS
		") VALUES(:cell,:series,:price,:first,:last,:records,:requests,:counts,:session)",
};

static void put_pair(struct buf *pairs, int kind, int64_t count)
{
	const uint8_t byte = (uint8_t)kind;
	if (!count)
		return;
	buf_add(pairs, &byte, KIND_SIZE);
	buf_add(pairs, &count, sizeof count);
}

static int put_cell(struct store *s, const struct gathered *c, struct buf *pairs, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_put_cell, &q, e);
	if (rc != 0)
		return rc;
	pairs->n = 0;
	for (int k = 0; k < COUNT_KINDS; k++)
		put_pair(pairs, k, c->sums.counts[k]);
	put_pair(pairs, KIND_PLACEHOLDERS, c->sums.placeholders);
	for (int k = 0; k < LOG_SOURCES; k++)
		put_pair(pairs, KIND_SOURCES + k, c->sums.from_source[k]);
	db_bind_int(q, ":cell", c->cell);
	db_bind_int(q, ":series", c->sums.series);
	db_bind_int(q, ":price", c->sums.price);
	db_bind_int(q, ":first", c->sums.first_us);
	db_bind_int(q, ":last", c->sums.last_us);
	db_bind_int(q, ":records", c->sums.records);
	db_bind_int(q, ":requests", c->sums.requests);
	db_bind_blob(q, ":counts", pairs->p ? pairs->p : "", pairs->n);
	db_bind_text(q, ":session", c->sums.session);
	return db_done(store_db(s), q, e);
}

static int by_cell(const void *x, const void *y)
{
	const struct gathered *a = x, *b = y;
	return a->cell != b->cell ? (a->cell < b->cell ? -1 : 1)
				  : text_cmp(a->sums.session, b->sums.session);
}

static int put_gathering(struct store *s, struct gathering *g, bool first_time, struct err *e)
{
	struct buf pairs = { 0 };
	int rc = 0;
	/* in the order of the table, so that neighbours are written together */
	if (g->count)
		qsort(g->list, g->count, sizeof *g->list, by_cell);
	for (size_t i = 0; rc == 0 && i < g->count; i++) {
		struct gathered *c = &g->list[i];
		if (!first_time)
			rc = add_stored(s, c, e);
		if (rc == 0 && c->reversed)
			rc = find_ends(s, c, e);
		if (rc == 0)
			rc = put_cell(s, c, &pairs, e);
	}
	buf_release(&pairs);
	return rc;
}

static const struct sql sql_cells_to = {
	.text = "SELECT value FROM about WHERE key='sessions_to'",
};

/* The row up to which the cells hold; 0: there are none. */
static int cells_to(struct store *s, int64_t *out, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_cells_to, &q, e);
	if (rc == 0)
		rc = db_step(store_db(s), q, e);
	*out = rc == 1 ? db_int(q, 0) : 0;
	if (rc >= 0)
		db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_set_cells_to = {
	.text = "INSERT INTO about VALUES('sessions_to',:seq) ON CONFLICT(key) DO UPDATE SET "
		"value=excluded.value",
};

int session_cells_catch_up(struct store *s, struct err *e)
{
	struct gathering g = { 0 };
	struct query *q;
	int64_t done, to;
	int rc = cells_to(s, &done, e);
	if (rc == 0)
		rc = rollup_rolled_to(s, &to, e);
	/* cells from the start on need the rows from there: those of archived months stay as they
	 * are, or there are none */
	if (rc != 0 || to <= done ||
	    archived_lacks(store_archived(s), &(struct row_span){ done + 1, to, ROWS_OF_ANY_TIME },
			   NULL))
		return rc;
	rc = db_run(store_db(s), table, e);
	if (rc == 0)
		rc = gather(s, &g, done + 1, to, e);
	if (rc == 0)
		rc = put_gathering(s, &g, done == 0, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_set_cells_to, &q, e);
	if (rc == 0) {
		db_bind_int(q, ":seq", to);
		rc = db_done(store_db(s), q, e);
	}
	dict_release(&g.index);
	buf_release(&g.key);
	arena_release(&g.texts);
	free(g.list);
	return rc;
}

int session_cells_are_whole(struct store *s, bool *out, struct err *e)
{
	int64_t to;
	int rc = cells_to(s, &to, e);
	*out = rc == 0 && to > 0 && to == store_last_seq(s);
	return rc;
}

static const struct sql sql_cells = {
	.text = "SELECT " CELL_COLUMNS " FROM session_cell WHERE cell>=:from AND cell<:to",
};

int session_cells_each(struct store *s, struct instant since, struct instant until,
		       int (*take)(void *user, const struct session_cell *cell, struct err *e),
		       void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_cells, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", cell_of(since.us));
	db_bind_int(q, ":to", cell_of(until.us));
	while ((rc = db_step(db, q, e)) == 1) {
		struct session_cell c;
		rc = read_cell(q, &c, e);
		if (rc == 0)
			rc = take(user, &c, e);
		if (rc != 0)
			break;
	}
	db_reset(q);
	return rc;
}
