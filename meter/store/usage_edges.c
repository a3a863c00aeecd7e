#include "meter/store/own_rows.h"
#include "meter/store/rollup.h"
#include "meter/store/row_text.h"
#include "meter/store/session_cells.h"
#include "meter/store/source_counts.h"
#include "meter/store/usage_parts.h"

static const struct sql sql_cells_more = {
	.text = "SELECT quarter,series,price,name,count FROM rollup_more WHERE quarter>=:from "
		"AND quarter<:to",
};

/* A cell's records of a source, if they are wanted. */
static int take_source(struct usage_result *r, const struct cell *c, int place, int64_t records,
		       struct err *e)
{
	const struct stored_price *price;
	bool wanted;
	int rc = usage_find_wanted(r, c, &price, &wanted, e);
	if (rc == 0 && wanted &&
	    __builtin_add_overflow(r->from_source[place], records, &r->from_source[place]))
		rc = err_set(e, ERR_RANGE, "%s", USAGE_DOES_NOT_FIT);
	return rc;
}

/* A rare sum by its name. */
static int take_named(struct usage_result *r, struct cell *c, struct text name, int64_t n,
		      struct err *e)
{
	enum { BEFORE = sizeof ROLLED_SOURCE - 1 };
	if (name.n > BEFORE && memcmp(name.p, ROLLED_SOURCE, BEFORE) == 0) {
		const int place =
			log_source_place((struct text){ name.p + BEFORE, name.n - BEFORE });
		/* a source that was in gaps.def once leaves nothing out any more */
		return place < 0 ? 0 : take_source(r, c, place, n, e);
	}
	const bool placeholders = text_is(name, ROLLED_PLACEHOLDERS);
	const int kind = placeholders ? 0 : row_count_kind(name, e);
	if (kind < 0)
		return kind;
	*(placeholders ? &c->sums.placeholders : &c->sums.counts[kind]) = n;
	return usage_take_cell(r, c, e);
}

int usage_take_more(struct usage_result *r, int64_t from, int64_t to, struct err *e)
{
	struct db *db = store_db(r->store);
	struct query *q;
	int rc = db_statement(db, &sql_cells_more, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	while ((rc = db_step(db, q, e)) == 1) {
		struct cell c = { .time_us = db_int(q, 0) * QUARTER_US, .price = db_int(q, 2) };
		rc = store_series_names(r->store, db_int(q, 1), &c.series, e);
		if (rc == 0)
			rc = store_subject_names(r->store, c.series->subject, &c.subject, e);
		if (rc == 0)
			rc = take_named(r, &c, db_text(q, 3), db_int(q, 4), e);
		if (rc != 0)
			break;
	}
	db_reset(q);
	return rc;
}

#define CELLS_ROWS_SQL \
	"SELECT time,series,price,kind,requests,input,cache_read,cache_write_5m,cache_write_1h," \
	"output,reasoning,more,task,session,flags,origin FROM usage WHERE seq BETWEEN :from AND :to AND " \
	"time>=:since AND time<:until"
static const struct sql sql_cells_rows = { .text = CELLS_ROWS_SQL };
static const struct sql sql_own_cells_rows = { .text = CELLS_ROWS_SQL OWN_ROWS_SQL };

/* The rows [from, to], of others than the filter's customer, project and workload as few as may be.
 */
static int begin_rows(struct usage_result *r, int64_t from, int64_t to, struct query **out,
		      struct err *e)
{
	int64_t own_from;
	int rc = own_rows_from(r->store, r->filter, &own_from, e);
	if (rc != 0)
		return rc;
	const bool own = to - from >= own_from;
	rc = db_statement(store_db(r->store), own ? &sql_own_cells_rows : &sql_cells_rows, out, e);
	if (rc != 0)
		return rc;
	if (own)
		own_rows_bind(*out, r->filter);
	db_bind_int(*out, ":from", from);
	db_bind_int(*out, ":to", to);
	return 0;
}

/* A row that is moved leaves the cell of its day. */
static int take_away(struct usage_result *r, const struct cell *c, struct err *e)
{
	struct cell less = *c;
	less.time_us = r->split.cell_us;
	less.sums.records = -c->sums.records;
	less.sums.requests = -c->sums.requests;
	for (int b = 0; b < BUCKET_COMMON; b++)
		less.sums.tokens[b] = -c->sums.tokens[b];
	return usage_take_cell(r, &less, e);
}

static bool wants_texts(const struct usage_result *r)
{
	bool texts = r->filter->session != NULL;
	for (size_t i = 0; i < r->dim_count; i++)
		texts |= r->dim[i] == BY_TASK || r->dim[i] == BY_SESSION;
	return texts;
}

int usage_take_rows(struct usage_result *r, int64_t from, int64_t to, int64_t since, int64_t until,
		    struct err *e)
{
	enum {
		R_TIME,
		R_SERIES,
		R_PRICE,
		R_KIND,
		R_REQUESTS,
		R_TOKENS,
		R_MORE = R_TOKENS + BUCKET_COMMON,
		R_TASK,
		R_SESSION,
		R_FLAGS,
		R_ORIGIN
	};
	struct db *db = store_db(r->store);
	struct query *q;
	if (from > to || since >= until)
		return 0;
	int rc = begin_rows(r, from, to, &q, e);
	if (rc != 0)
		return rc;
	const bool texts = wants_texts(r);
	db_bind_int(q, ":since", since);
	db_bind_int(q, ":until", until);
	while ((rc = db_step(db, q, e)) == 1) {
		struct cell c = { .time_us = db_int(q, R_TIME),
				  .last_us = db_int(q, R_TIME),
				  .price = db_int(q, R_PRICE) };
		rc = store_series_names(r->store, db_int(q, R_SERIES), &c.series, e);
		if (rc == 0)
			rc = store_subject_names(r->store, c.series->subject, &c.subject, e);
		if (rc != 0)
			break;
		if (texts) {
			c.task = db_text(q, R_TASK);
			c.session = db_text(q, R_SESSION);
		}
		const struct stored_price *price;
		bool wanted;
		if ((rc = usage_find_wanted(r, &c, &price, &wanted, e)) != 0)
			break;
		if (!wanted)
			continue;
		c.sums.records = db_int(q, R_KIND) == USAGE_REVERSAL ? -1 : 1;
		c.sums.requests = db_int(q, R_REQUESTS);
		for (int b = 0; b < BUCKET_COMMON; b++)
			c.sums.tokens[b] = db_int(q, R_TOKENS + b);
		/* these, rarer ones and sources are told of their quarters already, which need no
		 * moving */
		int source = -1;
		if (!r->moving &&
		    (rc = store_source(r->store, db_int(q, R_ORIGIN), &source, e)) != 0)
			break;
		if (source >= 0)
			r->from_source[source] += c.sums.records;
		if (!db_is_null(q, R_FLAGS) && db_int(q, R_FLAGS) & USAGE_BROKEN_OFF && !r->moving)
			c.sums.placeholders = c.sums.records;
		if (!db_is_null(q, R_MORE) && !r->moving &&
		    (rc = row_read_more(c.sums.counts, r->filter->recorded ? &c.stated : NULL,
					db_text(q, R_MORE), e)) != 0)
			break;
		if (r->moving && (rc = take_away(r, &c, e)) != 0)
			break;
		if ((rc = usage_take_cell(r, &c, e)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_span_rows = {
	.text = "SELECT min(lowest),max(highest) FROM rollup_quarter WHERE quarter>=:from "
		"AND quarter<:to",
};

int usage_rows_of_quarters(struct usage_result *r, int64_t from, int64_t to, int64_t *lowest,
			   int64_t *highest, struct err *e)
{
	struct db *db = store_db(r->store);
	struct query *q;
	int rc = db_statement(db, &sql_span_rows, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	rc = db_step(db, q, e);
	bool any = rc == 1 && !db_is_null(q, 0);
	*lowest = any ? db_int(q, 0) : 1;
	*highest = any ? db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

struct archived_part {
	struct usage_result *r;
	struct err *e;
};

static int take_archived_cell(void *user, const struct archived_cell *a)
{
	struct archived_part *p = user;
	struct usage_result *r = p->r;
	struct cell c = { .time_us = a->quarter * QUARTER_US,
			  .last_us = a->quarter * QUARTER_US,
			  .price = a->price,
			  .sums = { .records = a->records, .requests = a->requests } };
	memcpy(c.sums.tokens, a->tokens, BUCKET_COMMON * sizeof *a->tokens);
	int rc = store_series_names(r->store, a->series, &c.series, p->e);
	if (rc == 0)
		rc = store_subject_names(r->store, c.series->subject, &c.subject, p->e);
	if (rc == 0 && r->moving)
		rc = take_away(r, &c, p->e);
	return rc == 0 ? usage_take_cell(r, &c, p->e) : rc;
}

/* What is archived of [since, until): its sums by quarter, where those say all that is asked for.
 */
static int take_archived(struct usage_result *r, int64_t since, int64_t until, int64_t rolled_to,
			 struct err *e)
{
	const struct archived *a = store_archived(r->store);
	const struct row_span all = { 1, INT64_MAX, since, until };
	struct archived_part part = { r, e };
	if (!archived_lacks(store_archived(r->store), &all, NULL))
		return 0;
	int rc = wants_texts(r) || r->filter->recorded
			 ? archived_need_rows(store_archived(r->store), &all, e)
			 : archived_need_rows(
				   store_archived(r->store),
				   &(struct row_span){ rolled_to + 1, INT64_MAX, since, until }, e);
	if (rc == 0)
		rc = archived_each_cell(a, store_db(r->store), &all, take_archived_cell, &part, e);
	/* rarer counts of those months are in the rollups, and no row of them is elsewhere */
	for (size_t i = 0; rc == 0 && i < a->count && !r->moving; i++) {
		const int64_t from = month_begins_us(a->list[i].month),
			      to = month_begins_us(a->list[i].month + 1);
		const int64_t first = from > since ? from : since, end = to < until ? to : until;
		if (first < end)
			rc = usage_take_more(r, first / QUARTER_US, end / QUARTER_US, e);
	}
	return rc;
}

int usage_take_edge(struct usage_result *r, int64_t since, int64_t until, int64_t rolled_to,
		    struct err *e)
{
	int64_t lowest, highest;
	if (since >= until)
		return 0;
	int rc = usage_rows_of_quarters(r, floor_div(since, QUARTER_US),
					floor_div(until - 1, QUARTER_US) + 1, &lowest, &highest, e);
	highest = highest < rolled_to ? highest : rolled_to;
	if (rc == 0)
		rc = take_archived(r, since, until, rolled_to, e);
	return rc == 0 ? usage_take_rows(r, lowest, highest, since, until, e) : rc;
}

int64_t usage_round_up(int64_t us, int64_t unit)
{
	return floor_div(us + unit - 1, unit);
}

static int take_session(void *user, const struct session_cell *cell, struct err *e)
{
	struct usage_result *r = user;
	struct cell c = { .time_us = cell->first_us,
			  .last_us = cell->last_us,
			  .price = cell->price,
			  .session = cell->session };
	int rc = store_series_names(r->store, cell->series, &c.series, e);
	if (rc == 0)
		rc = store_subject_names(r->store, c.series->subject, &c.subject, e);
	if (rc != 0)
		return rc;
	c.sums.records = cell->records;
	c.sums.requests = cell->requests;
	c.sums.placeholders = cell->placeholders;
	memcpy(c.sums.counts, cell->counts, sizeof c.sums.counts);
	for (int place = 0; rc == 0 && place < LOG_SOURCES; place++)
		if (cell->from_source[place])
			rc = take_source(r, &c, place, cell->from_source[place], e);
	return rc == 0 ? usage_take_cell(r, &c, e) : rc;
}

int usage_take_sessions(struct usage_result *r, int64_t last, struct err *e)
{
	const struct usage_filter *f = r->filter;
	const struct instant from = { usage_round_up(f->since.us, QUARTER_US) * QUARTER_US },
			     to = { floor_div(f->until.us, QUARTER_US) * QUARTER_US };
	if (from.us >= to.us)
		return usage_take_edge(r, f->since.us, f->until.us, last, e);
	int rc = session_cells_each(r->store, from, to, take_session, r, e);
	if (rc == 0)
		rc = usage_take_edge(r, f->since.us, from.us, last, e);
	return rc == 0 ? usage_take_edge(r, to.us, f->until.us, last, e) : rc;
}
