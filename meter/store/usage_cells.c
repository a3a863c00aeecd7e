#include <stdlib.h>

#include "meter/store/day_cells.h"
#include "meter/store/piles.h"
#include "meter/store/rollup.h"
#include "meter/store/sums_sql.h"
#include "meter/store/usage_parts.h"

/* Where the cells of a UTC day are told, and which of its rows belong elsewhere. */
static const struct split *split_day(struct usage_result *r, int64_t day)
{
	const int64_t from = day * US_PER_DAY, to = from + US_PER_DAY;
	struct split *s = &r->split;
	if (s->cell_us && s->day == day)
		return s;
	*s = (struct split){ day, from, from, from };
	if (usage_same_labels(r, from, to - 1))
		return s;
	const int64_t first = zone_day(r->zone, (struct instant){ from }),
		      last = zone_day(r->zone, (struct instant){ to - 1 }),
		      border = zone_midnight(r->zone, last).us;
	if (last != first + 1 || border <= from || border >= to)
		s->to_us = to; /* no plain border: every row goes where it belongs */
	else if (border - from <= to - border)
		*s = (struct split){ day, to - 1, from, border };
	else
		*s = (struct split){ day, from, border, to };
	return s;
}

/* Places of a rollup's columns. */
enum { AT_CELL, AT_WHO, AT_PRICE, AT_SUMS };

static bool by_hour(const struct usage_result *r)
{
	for (size_t i = 0; i < r->dim_count; i++)
		if (r->dim[i] == BY_HOUR)
			return true;
	return false;
}

/* Cells of rollups on their way into the result. */
struct adding {
	struct usage_result *r;
	bool by_day, timeless;
	bool apart;	 /* each cell for itself: whoever takes them asks when it was */
	int64_t at_us;	 /* of the cells in the piles */
	int64_t span_us; /* when the day begins whose cells are told by subject */
	struct piles piles;
	struct dict groups; /* labels and subject to a series that stands for all of them */
	struct buf key;
	int64_t **stands_for; /* by series, in blocks: that series; 0: not known yet, -1: not wanted
			       */
	size_t blocks;	      /* a customer's series are few, and may have any numbers */
	struct err *e;
};

static struct adding adding_of(struct usage_result *r, bool by_day, struct err *e)
{
	return (struct adding){ .r = r,
				.by_day = by_day,
				.timeless = !usage_by_time(r),
				.apart = r->take != NULL,
				.at_us = INT64_MIN,
				.e = e };
}

static void adding_release(struct adding *x)
{
	piles_release(&x->piles);
	dict_release(&x->groups);
	buf_release(&x->key);
	for (size_t i = 0; i < x->blocks; i++)
		free(x->stands_for[i]);
	free(x->stands_for);
}

static int take_pile(const struct adding *x, const struct pile *p)
{
	struct usage_result *r = x->r;
	struct cell c = { .time_us = x->timeless ? p->cell : x->at_us, .price = p->price };
	int64_t subject = p->who;
	int rc = 0;
	if (x->by_day) {
		rc = store_series_names(r->store, p->who, &c.series, x->e);
		subject = rc == 0 ? c.series->subject : 0;
	}
	if (rc == 0)
		rc = store_subject_names(r->store, subject, &c.subject, x->e);
	if (rc != 0)
		return rc;
	c.sums.records = p->sum[0];
	c.sums.requests = p->sum[1];
	memcpy(c.sums.tokens, p->sum + 2, BUCKET_COMMON * sizeof *p->sum);
	return usage_take_cell(r, &c, x->e);
}

static int take_piles(struct adding *x)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < x->piles.count; i++)
		rc = take_pile(x, &x->piles.pile[i]);
	piles_clear(&x->piles);
	return rc;
}

/* One series of those that have the same labels and subject, whose cells of a price are one. */
static int find_group(struct adding *x, int64_t series, int64_t *stands_for)
{
	static const struct stored_price no_price; /* labels of series ask for none */
	struct cell c = { 0 };
	int rc = store_series_names(x->r->store, series, &c.series, x->e);
	if (rc == 0)
		rc = store_subject_names(x->r->store, c.series->subject, &c.subject, x->e);
	if (rc != 0)
		return rc;
	*stands_for = -1;
	if (!usage_is_wanted(x->r, &c))
		return 0;
	x->key.n = 0;
	buf_int(&x->key, c.series->subject);
	for (size_t i = 0; i < x->r->dim_count; i++)
		if (usage_is_of_series(x->r->dim[i])) {
			const struct text t = usage_text_label(&c, &no_price, x->r->dim[i]);
			buf_add(&x->key, "", 1);
			buf_add(&x->key, t.p, t.n);
		}
	uint64_t *at = dict_need(&x->groups, (struct text){ x->key.p, x->key.n }, NULL);
	if (!*at)
		*at = (uint64_t)series;
	*stands_for = (int64_t)*at;
	return 0;
}

static int group_of_series(struct adding *x, int64_t series, int64_t *stands_for)
{
	enum { SERIES_KEPT_MOST = 1 << 24, BLOCK = 512 };
	const size_t block = (size_t)series / BLOCK;
	if (series < 0 || series >= SERIES_KEPT_MOST)
		return find_group(x, series, stands_for);
	if (block >= x->blocks) {
		const size_t room = block * 2 + 8;
		x->stands_for = mem_grow(x->stands_for, room * sizeof *x->stands_for);
		memset(x->stands_for + x->blocks, 0, (room - x->blocks) * sizeof *x->stands_for);
		x->blocks = room;
	}
	if (!x->stands_for[block])
		x->stands_for[block] = mem_zalloc(BLOCK * sizeof **x->stands_for);
	int64_t *known = &x->stands_for[block][series % BLOCK];
	int rc = *known ? 0 : find_group(x, series, known);
	*stands_for = *known;
	return rc;
}

/* A cell that is told of an instant. */
static int add_cell_at(struct adding *x, struct pile *p, int64_t at_us)
{
	struct usage_result *r = x->r;
	int rc = x->by_day ? group_of_series(x, p->who, &p->who) : 0;
	if (rc != 0 || p->who == -1)
		return rc;
	p->cell = at_us;
	if (!x->timeless && at_us != x->at_us) {
		if (x->piles.count && (x->apart || !usage_same_labels(r, at_us, x->at_us)))
			rc = take_piles(x);
		x->at_us = at_us;
	}
	if (rc != 0 || piles_add(&x->piles, p))
		return rc;
	return take_pile(x, p);
}

static int add_cell(struct adding *x, struct pile *p)
{
	struct usage_result *r = x->r;
	return add_cell_at(x, p,
			   !x->by_day  ? p->cell * QUARTER_US
			   : r->splits ? split_day(r, p->cell)->cell_us
				       : p->cell * US_PER_DAY);
}

static int add_day_cell(void *user, const struct day_cell *c)
{
	struct pile p = { c->day, c->series, c->price, { 0 } };
	memcpy(p.sum, c->sum, sizeof p.sum);
	return add_cell(user, &p);
}

static int add_subject_cell(void *user, const struct day_cell *c)
{
	struct adding *x = user;
	struct pile p = { c->day, c->series, c->price, { 0 } };
	memcpy(p.sum, c->sum, sizeof p.sum);
	return add_cell_at(x, &p, x->span_us);
}

static const struct sql sql_cells_quarter = {
	.text = "SELECT quarter,subject,price," SUM_COLUMNS
		" FROM rollup_quarter WHERE quarter>=:from AND quarter<:to",
};
static const struct sql sql_cells_day_of = {
	.text = "WITH RECURSIVE d(day) AS (SELECT :from UNION ALL SELECT day+1 FROM d "
		"WHERE day+1<:to) SELECT r.day,r.series,r.price,records,requests,input,"
		"cache_read,cache_write_5m,cache_write_1h,output,reasoning FROM d CROSS "
		"JOIN series s CROSS JOIN rollup_day r ON r.day=d.day AND r.series=s.id "
		"WHERE s.customer=:customer",
	.postgres =
		"SELECT r.day,r.series,r.price,records,requests,input,cache_read,cache_write_5m,"
		"cache_write_1h,output,reasoning FROM rollup_day r JOIN series s "
		"ON s.id=r.series WHERE r.day>=:from AND r.day<:to AND s.customer=:customer "
		"ORDER BY r.day",
};

/* The cells [from, to) that a statement reads. */
static int add_cells(struct adding *x, const struct sql *which, int64_t from, int64_t to)
{
	struct db *db = store_db(x->r->store);
	struct query *q;
	int rc = db_statement(db, which, &q, x->e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
	if (which == &sql_cells_day_of)
		db_bind_text(q, ":customer", text_of(x->r->filter->customer));
	while ((rc = db_step(db, q, x->e)) == 1) {
		struct pile p = {
			db_int(q, AT_CELL), db_int(q, AT_WHO), db_int(q, AT_PRICE), { 0 }
		};
		for (int i = 0; i < DAY_SUMS; i++)
			p.sum[i] = db_int(q, AT_SUMS + i);
		if ((rc = add_cell(x, &p)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

/* One customer of many is sought day by day, where days are not remembered. */
static int add_days_of(struct adding *x, int64_t from, int64_t to)
{
	enum { SOUGHT_ONE_BY_ONE = 4000 };
	int64_t first, last;
	int rc = day_cells_span(x->r->store, &first, &last, x->e);
	from = from > first ? from : first;
	to = to < last + 1 ? to : last + 1;
	if (rc != 0 || from >= to)
		return rc;
	return to - from < SOUGHT_ONE_BY_ONE
		       ? add_cells(x, &sql_cells_day_of, from, to)
		       : day_cells_each(x->r->store, from, to, add_day_cell, x, x->e);
}

/* From a quarter of an hour to the end of its day: the local one where labels of time are asked
 * for. *begins: whether it is the first of the day. */
static int64_t day_ends(const struct adding *x, int64_t quarter, bool *begins)
{
	const struct instant at = { quarter * QUARTER_US };
	if (x->timeless) {
		*begins = quarter % QUARTERS_A_DAY == 0;
		return (floor_div(quarter, QUARTERS_A_DAY) + 1) * QUARTERS_A_DAY;
	}
	const int64_t day = zone_day(x->r->zone, at);
	*begins = zone_midnight(x->r->zone, day).us == at.us;
	return zone_midnight(x->r->zone, day + 1).us / QUARTER_US;
}

/* Quarters of an hour where whole days are remembered by subject: those, and quarters at both ends.
 */
static int add_subject_days(struct adding *x, int64_t from, int64_t to)
{
	struct store *s = x->r->store;
	int64_t first, last;
	int rc = day_cells_span(s, &first, &last, x->e);
	if (rc != 0 || last - first >= REMEMBERED_DAYS_MOST)
		return rc ? rc : add_cells(x, &sql_cells_quarter, from, to);
	from = from > first * QUARTERS_A_DAY ? from : first * QUARTERS_A_DAY;
	to = to < (last + 1) * QUARTERS_A_DAY ? to : (last + 1) * QUARTERS_A_DAY;
	for (int64_t next; rc == 0 && from < to; from = next) {
		bool begins;
		next = day_ends(x, from, &begins);
		if (begins && next > from && next <= to) {
			x->span_us = from * QUARTER_US;
			rc = day_subjects_each(s, from * QUARTER_US, next * QUARTER_US,
					       add_subject_cell, x, x->e);
			continue;
		}
		next = next > from && next < to ? next : to;
		rc = add_cells(x, &sql_cells_quarter, from, next);
	}
	return rc;
}

int usage_take_rollup(struct usage_result *r, int64_t from, int64_t to, bool by_day, struct err *e)
{
	struct adding x = adding_of(r, by_day, e);
	int rc;
	if (!by_day)
		rc = store_shared_days(r->store) && !by_hour(r)
			     ? add_subject_days(&x, from, to)
			     : add_cells(&x, &sql_cells_quarter, from, to);
	else if (r->filter->customer && !store_shared_days(r->store))
		rc = add_days_of(&x, from, to);
	else
		rc = day_cells_each(r->store, from, to, add_day_cell, &x, e);
	if (rc == 0)
		rc = take_piles(&x);
	adding_release(&x);
	return rc;
}

/* How many rows are read to move those of the days [from, to) that are told of another local day.
 */
static int rows_to_move(struct usage_result *r, int64_t from, int64_t to, int64_t *rows,
			struct err *e)
{
	int rc = 0;
	*rows = 0;
	for (int64_t day = from; rc == 0 && day < to; day++) {
		const struct split *s = split_day(r, day);
		int64_t lowest, highest;
		if (s->from_us == s->to_us)
			continue;
		rc = usage_rows_of_quarters(r, floor_div(s->from_us, QUARTER_US),
					    floor_div(s->to_us - 1, QUARTER_US) + 1, &lowest,
					    &highest, e);
		*rows += highest - lowest + 1;
	}
	return rc;
}

/* Cells that are told of another local day than the rest of their UTC day. */
struct moved {
	struct pile *cell;
	size_t count;
};

static int take_moved(void *user, const struct day_cell *c)
{
	struct moved *m = user;
	if ((m->count & (m->count - 1)) == 0)
		m->cell = mem_grow(m->cell, (m->count ? m->count * 2 : 1) * sizeof *m->cell);
	struct pile *p = &m->cell[m->count++];
	*p = (struct pile){ c->day, c->series, c->price, { 0 } };
	memcpy(p->sum, c->sum, sizeof p->sum);
	return 0;
}

/* They leave the cells of their UTC day for the local day that they are of. */
static int move_part(struct adding *x, const struct split *s, int64_t rolled_to)
{
	struct day_part part = { .from_us = s->from_us, .to_us = s->to_us };
	struct moved m = { 0 };
	int rc = usage_rows_of_quarters(x->r, floor_div(part.from_us, QUARTER_US),
					floor_div(part.to_us - 1, QUARTER_US) + 1, &part.lowest,
					&part.highest, x->e);
	part.highest = part.highest < rolled_to ? part.highest : rolled_to;
	if (rc == 0)
		rc = day_part_each(x->r->store, &part, take_moved, &m, x->e);
	for (size_t i = 0; rc == 0 && i < m.count; i++) {
		struct pile less = m.cell[i];
		for (int k = 0; k < DAY_SUMS; k++)
			less.sum[k] = -less.sum[k];
		rc = add_cell_at(x, &less, s->cell_us);
	}
	for (size_t i = 0; rc == 0 && i < m.count; i++)
		rc = add_cell_at(x, &m.cell[i], s->from_us);
	free(m.cell);
	return rc;
}

static int move_rows(struct usage_result *r, int64_t from, int64_t to, int64_t rolled_to,
		     struct err *e)
{
	struct adding x = adding_of(r, true, e);
	int rc = 0;
	for (int64_t day = from; rc == 0 && day < to; day++) {
		const struct split s = *split_day(r, day);
		if (s.from_us == s.to_us)
			continue;
		if (s.to_us - s.from_us < US_PER_DAY) {
			rc = move_part(&x, &s, rolled_to);
			continue;
		}
		/* no plain border: each row goes where it belongs */
		r->moving = true;
		rc = usage_take_edge(r, s.from_us, s.to_us, rolled_to, e);
		r->moving = false;
	}
	if (rc == 0)
		rc = take_piles(&x);
	adding_release(&x);
	return rc;
}

int usage_move_days(struct usage_result *r, int64_t from, int64_t to, int64_t rolled_to,
		    struct err *e)
{
	int64_t first, last;
	int rc = day_cells_span(r->store, &first, &last, e);
	return rc == 0 ? move_rows(r, first > from ? first : from, last < to - 1 ? last + 1 : to,
				   rolled_to, e)
		       : rc;
}

int usage_can_split(struct usage_result *r, int64_t from, int64_t to, int64_t rolled, bool *out,
		    struct err *e)
{
	enum { DAYS_MOST = 4000 };
	int64_t first, last, rows;
	int rc = day_cells_span(r->store, &first, &last, e);
	from = from > first ? from : first;
	to = to < last + 1 ? to : last + 1;
	*out = false;
	if (rc != 0 || to - from > DAYS_MOST)
		return rc;
	rc = rows_to_move(r, from, to, &rows, e);
	*out = rc == 0 && rows <= rolled / 2;
	return rc;
}
