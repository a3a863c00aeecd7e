#include "meter/store/usage_query.h"

#include <stdlib.h>

#include "meter/store/refused.h"
#include "meter/store/rollup.h"
#include "meter/store/session_cells.h"
#include "meter/store/source_counts.h"
#include "meter/store/usage_parts.h"

struct needs {
	bool series, hours; /* columns that rollups lack; hours and minutes of local time */
	bool sessions,
		rows; /* what only rows tell; sessions: or their cells, where they are kept */
};

static struct needs needs_of(const struct usage_result *r)
{
	const struct usage_filter *f = r->filter;
	struct needs n = { .series = f->customer || f->project || f->workload || f->effort,
			   .sessions = f->session != NULL };
	for (size_t i = 0; i < r->dim_count; i++) {
		enum grouping d = r->dim[i];
		n.series |= usage_is_of_series(d);
		n.sessions |= d == BY_SESSION;
		n.rows |= d == BY_TASK;
		n.hours |= d == BY_HOUR;
	}
	n.rows |= f->seq_until != 0 || f->recorded;
	return n;
}

/* Whether local days begin where UTC days do (and hours where quarters do) all over the period. */
static bool has_offset(const struct usage_result *r, int64_t unit_us)
{
	const int64_t step = 30 * US_PER_DAY;
	int64_t since = r->filter->since.us, until = r->filter->until.us;
	/* prices exist since 2020; a zone that moved before does not matter */
	since = since < INT64_C(1577836800000000) ? INT64_C(1577836800000000) : since;
	until = until > INT64_C(4102444800000000) ? INT64_C(4102444800000000) : until;
	for (int64_t t = since; t < until; t += step)
		if (zone_offset(r->zone, (struct instant){ t }, NULL) * US_PER_SECOND % unit_us)
			return true;
	return false;
}

static int run(struct usage_result *r, struct err *e)
{
	const struct usage_filter *f = r->filter;
	const struct needs n = needs_of(r);
	int64_t rolled_to;
	bool counted[LOG_SOURCES];
	int rc = store_refresh(r->store, e);
	if (rc == 0)
		rc = source_counts_known(r->store, counted, e);
	for (int place = 0; rc == 0 && place < LOG_SOURCES; place++)
		r->from_source[place] += !counted[place];
	if (rc == 0)
		rc = rollup_rolled_to(r->store, &rolled_to, e);
	int64_t last = store_last_seq(r->store);
	int64_t until_seq = f->seq_until && f->seq_until < last ? f->seq_until : last;
	bool day_cells = n.series;
	int64_t unit = day_cells ? US_PER_DAY : QUARTER_US;
	if (rc == 0 && f->seq_from)
		rc = archived_need_rows(
			store_archived(r->store),
			&(struct row_span){ f->seq_from, until_seq, f->since.us, f->until.us }, e);
	if (rc == 0 && f->seq_from)
		return usage_take_rows(r, f->seq_from, until_seq, f->since.us, f->until.us, e);
	const bool offset = usage_by_time(r) && has_offset(r, unit);
	bool rows_only = n.rows || n.sessions || (offset && !day_cells) || (day_cells && n.hours);
	bool whole = false;
	if (rc == 0 && n.sessions && !n.rows && !(usage_by_time(r) && has_offset(r, QUARTER_US)))
		rc = session_cells_are_whole(r->store, &whole, e);
	if (rc != 0 || whole)
		return rc ? rc : usage_take_sessions(r, last, e);
	/* cells [from, to) lie within the period; what is left at both ends is read from the rows
	 */
	int64_t from = usage_round_up(f->since.us, unit), to = floor_div(f->until.us, unit);
	int64_t rolled = rolled_to < until_seq ? rolled_to : until_seq;
	if (offset && !rows_only) {
		rc = usage_can_split(r, from, to, rolled, &r->splits, e);
		rows_only = !r->splits;
	}
	if (rc != 0)
		return rc;
	if (rows_only || from >= to) {
		rc = usage_take_edge(r, f->since.us, f->until.us, rolled, e);
	} else {
		int64_t quarters = day_cells ? QUARTERS_A_DAY : 1;
		rc = usage_take_rollup(r, from, to, day_cells, e);
		if (rc == 0 && r->splits)
			rc = usage_move_days(r, from, to, rolled, e);
		if (rc == 0)
			rc = usage_take_more(r, from * quarters, to * quarters, e);
		if (rc == 0)
			rc = usage_take_edge(r, f->since.us, from * unit, rolled, e);
		if (rc == 0)
			rc = usage_take_edge(r, to * unit, f->until.us, rolled, e);
		if (rc == 0)
			rc = rollup_check_cluster(r->store, e);
	}
	/* what came after the rollups */
	return rc == 0 ? usage_take_rows(r, rolled + 1, until_seq, f->since.us, f->until.us, e)
		       : rc;
}

/* A report as of a row must always give the same answer. */
static int check_settled(struct store *s, int64_t seq, struct err *e)
{
	int64_t settled;
	int rc = store_settled_to(s, &settled, e);
	if (rc != 0 || seq <= settled)
		return rc;
	return err_set(e, ERR_USAGE,
		       "row %lld is not settled yet; reports as of a row up to %lld no longer "
		       "change",
		       (long long)seq, (long long)settled);
}

int usage_query(struct usage_result **out, struct store *s, const struct usage_filter *filter,
		const struct usage_grouping *by, struct err *e)
{
	struct usage_result *r = mem_zalloc(sizeof *r);
	if (by->count)
		memcpy(r->dim, by->dim, by->count * sizeof *by->dim);
	r->dim_count = by->count;
	r->store = s;
	r->filter = filter;
	r->asked = usage_filter_asked(filter);
	r->zone = by->zone;
	/* one look at the database, whatever others write meanwhile */
	const bool inside = db_in_transaction(store_db(s));
	int rc = filter->seq_until ? check_settled(s, filter->seq_until, e) : 0;
	if (rc == 0 && !inside)
		rc = db_begin_reading(store_db(s), e);
	if (rc == 0) {
		rc = run(r, e);
		if (rc == 0)
			rc = refused_count(s, filter, &r->total.refused, e);
		if (!inside)
			db_rollback(store_db(s));
	}
	if (rc == 0)
		rc = usage_settle(r, e);
	dict_release(&r->index);
	dict_release(&r->reason_index);
	buf_release(&r->key);
	if (rc == 0)
		*out = r;
	else
		usage_result_close(r);
	return rc;
}

int usage_each(struct store *s, const struct usage_filter *filter, char currency[16],
	       int (*take)(void *user, const struct usage_call *call), void *user, struct err *e)
{
	struct usage_result r = { .store = s,
				  .filter = filter,
				  .asked = usage_filter_asked(filter),
				  .take = take,
				  .user = user };
	const bool inside = db_in_transaction(store_db(s));
	int rc = inside ? 0 : db_begin_reading(store_db(s), e);
	if (rc != 0)
		return rc;
	bool whole = false;
	rc = store_refresh(s, e);
	if (rc == 0)
		rc = session_cells_are_whole(s, &whole, e);
	if (rc == 0 && whole)
		rc = usage_take_sessions(&r, store_last_seq(s), e);
	else if (rc == 0)
		rc = archived_need_rows(store_archived(s),
					&(struct row_span){ 1, store_last_seq(s), filter->since.us,
							    filter->until.us },
					e);
	if (rc == 0 && !whole)
		rc = usage_take_rows(&r, 1, store_last_seq(s), filter->since.us, filter->until.us,
				     e);
	if (!inside)
		db_rollback(store_db(s));
	memcpy(currency, *r.currency ? r.currency : "USD", *r.currency ? sizeof r.currency : 4);
	dict_release(&r.reason_index);
	free(r.reason);
	arena_release(&r.arena);
	return rc;
}

int usage_each_cell(struct usage_cells *c, struct err *e)
{
	struct usage_result r = { .store = c->store,
				  .filter = c->filter,
				  .asked = usage_filter_asked(c->filter),
				  .zone = c->zone,
				  .dim_count = c->dim_count,
				  .take = c->take,
				  .user = c->user };
	if (c->dim_count)
		memcpy(r.dim, c->dim, c->dim_count * sizeof *c->dim);
	const bool inside = db_in_transaction(store_db(c->store));
	int rc = inside ? 0 : db_begin_reading(store_db(c->store), e);
	if (rc != 0)
		return rc;
	rc = run(&r, e);
	if (!inside)
		db_rollback(store_db(c->store));
	usage_see_sources(&c->bound, &r);
	if (*r.currency)
		memcpy(c->currency, r.currency, sizeof r.currency);
	dict_release(&r.reason_index);
	free(r.reason);
	arena_release(&r.arena);
	return rc;
}

int usage_span(struct store *s, struct instant *first, struct instant *last, bool *any,
	       struct err *e)
{
	struct query *q = NULL;
	int64_t rolled_to;
	int rc = rollup_rolled_to(s, &rolled_to, e);
	if (rc != 0)
		return rc;
	rc = db_prepare(store_db(s),
			/* each end by itself: SQLite goes through the whole table for both */
			"SELECT min(a),max(b) FROM (SELECT (SELECT min(quarter) FROM "
			"rollup_quarter)*900000000 AS a,((SELECT max(quarter) FROM "
			"rollup_quarter)+1)*900000000-1 AS b UNION ALL SELECT min(time),"
			"max(time) FROM usage WHERE seq>:rolled_to) x",
			&q, e);
	if (rc == 0)
		db_bind_int(q, ":rolled_to", rolled_to);
	if (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
		*any = !db_is_null(q, 0);
		first->us = *any ? db_int(q, 0) : 0;
		last->us = *any ? db_int(q, 1) : 0;
		rc = 0;
	}
	db_drop(q);
	return rc;
}
