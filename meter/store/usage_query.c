#include "meter/store/usage_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/json.h"
#include "meter/store/archived.h"
#include "meter/store/own_rows.h"
#include "meter/store/piles.h"
#include "meter/store/refused.h"
#include "meter/store/rollup.h"
#include "meter/store/row_text.h"
#include "meter/store/session_cells.h"
#include "meter/store/source_counts.h"
#include "meter/store/store_models.h"
#include "meter/store/sums_sql.h"

#define QUARTER_US (900 * US_PER_SECOND)
#define QUARTERS_A_DAY 96

struct group {
	struct usage_sums sums;
	struct text label[]; /* one for each dimension */
};

/* A UTC day that two local days share: its cells are told of one of them, at cell_us, and its rows
 * of [from_us, to_us), the shorter part, are moved to the other. */
struct split {
	int64_t day, cell_us, from_us, to_us;
};

struct usage_result {
	enum grouping dim[GROUPING_COUNT];
	size_t dim_count;
	struct usage_sums total;
	struct group **group; /* in the arena */
	size_t group_count;
	struct dict index; /* labels to 1 + group */
	struct arena arena;
	char currency[16];
	struct usage_reason *reason;
	size_t reason_count;
	int64_t from_source[LOG_SOURCES]; /* records of what the filter wants */
	/* while the query runs */
	struct store *store;
	const struct usage_filter *filter;
	struct instant asked; /* what names of models mean is asked for then */
	const struct zone *zone;
	struct buf key;
	struct dict reason_index;
	int (*take)(void *user, const struct usage_call *call); /* NULL: groups are made */
	void *user;
	/* local time of the last cell */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
	/* cells of UTC days that are told by local days: see split_day */
	bool splits, moving;
	struct split split;
};

/* What a query adds up: a cell of a rollup, or a row. */
struct cell {
	int64_t time_us; /* any instant of the cell; the first one where last_us is told */
	int64_t last_us; /* of a session's calls */
	int64_t price;
	const struct subject_names *subject;
	const struct series_names *series; /* NULL: the cell is of many */
	struct text task, session;
	struct usage_sums sums;	   /* without cost */
	struct stated_cost stated; /* of a row, where it is asked for */
};

struct instant usage_filter_asked(const struct usage_filter *f)
{
	return f->names_at.us ? f->names_at : clock_now();
}

static int64_t local_us(struct usage_result *r, int64_t us)
{
	if (us < r->zone_from_us || us >= r->zone_to_us) {
		struct instant until;
		r->zone_offset_us =
			zone_offset(r->zone, (struct instant){ us }, &until) * US_PER_SECOND;
		r->zone_from_us = us;
		r->zone_to_us = until.us;
	}
	return us + r->zone_offset_us;
}

static void label_time(struct usage_result *r, enum grouping d, int64_t us, struct buf *b)
{
	const int64_t local = local_us(r, us);
	grouping_put_time(d, local, r->zone_offset_us, b);
}

void usage_time_label(enum grouping d, const struct zone *zone, struct instant at, struct buf *b)
{
	const int64_t offset_us = zone_offset(zone, at, NULL) * US_PER_SECOND;
	b->n = 0;
	grouping_put_time(d, at.us + offset_us, offset_us, b);
	buf_add(b, "", 1);
	b->n--;
}

static struct text provider_of(const struct subject_names *subject,
			       const struct stored_price *price)
{
	return price->vendor.n ? price->vendor : subject->provider;
}

static struct text text_label(const struct cell *c, const struct stored_price *price,
			      enum grouping d)
{
	switch (d) {
	case BY_MODEL:
		return c->subject->model;
	case BY_PROVIDER:
		return provider_of(c->subject, price);
	case BY_CUSTOMER:
		return c->series->customer;
	case BY_PROJECT:
		return c->series->project;
	case BY_WORKLOAD:
		return c->series->workload;
	case BY_EFFORT:
		return c->series->effort;
	case BY_REGION:
		return c->subject->region;
	case BY_TASK:
		return c->task;
	case BY_SESSION:
		return c->session;
	default:
		return price->window;
	}
}

struct text usage_call_label(const struct usage_call *c, enum grouping d)
{
	return text_label(&(struct cell){ .subject = c->subject,
					  .series = c->series,
					  .task = c->task,
					  .session = c->session },
			  c->price, d);
}

static bool is_time(enum grouping d);

/* Whether two instants have the same labels of time. */
static bool same_labels(struct usage_result *r, int64_t a_us, int64_t b_us)
{
	struct buf a = { 0 }, b = { 0 };
	for (size_t i = 0; i < r->dim_count; i++)
		if (is_time(r->dim[i])) {
			label_time(r, r->dim[i], a_us, &a);
			label_time(r, r->dim[i], b_us, &b);
		}
	const bool same = text_eq((struct text){ a.p, a.n }, (struct text){ b.p, b.n });
	buf_release(&a);
	buf_release(&b);
	return same;
}

/* Where the cells of a UTC day are told, and which of its rows belong elsewhere. */
static const struct split *split_day(struct usage_result *r, int64_t day)
{
	const int64_t from = day * US_PER_DAY, to = from + US_PER_DAY;
	struct split *s = &r->split;
	if (s->cell_us && s->day == day)
		return s;
	*s = (struct split){ day, from, from, from };
	if (same_labels(r, from, to - 1))
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

static bool is_time(enum grouping d)
{
	return grouping_is_time(d);
}

/* Whether a label is the series' own: neither its subject's nor its price's. */
static bool is_of_series(enum grouping d)
{
	return d == BY_CUSTOMER || d == BY_PROJECT || d == BY_WORKLOAD || d == BY_EFFORT;
}

int usage_sums_add(struct usage_sums *to, const struct usage_sums *more, struct err *e)
{
	bool bad = !money_total_add(&to->cost, more->cost);
	bad |= __builtin_add_overflow(to->records, more->records, &to->records);
	bad |= __builtin_add_overflow(to->requests, more->requests, &to->requests);
	bad |= __builtin_add_overflow(to->unpriced, more->unpriced, &to->unpriced);
	bad |= __builtin_add_overflow(to->placeholders, more->placeholders, &to->placeholders);
	bad |= __builtin_add_overflow(to->unsaid, more->unsaid, &to->unsaid);
	bad |= __builtin_add_overflow(to->foreign, more->foreign, &to->foreign);
	bad |= __builtin_add_overflow(to->by_seller, more->by_seller, &to->by_seller);
	bad |= !money_total_add(&to->sellers, more->sellers);
	bad |= !recorded_cost_merge(to->recorded, more->recorded);
	bad |= !counts_add(to->counts, more->counts);
	return bad ? err_set(e, ERR_RANGE, "%s", USAGE_DOES_NOT_FIT) : 0;
}

static struct group *group_of(struct usage_result *r, const struct cell *c,
			      const struct stored_price *price)
{
	size_t end[GROUPING_COUNT];
	r->key.n = 0;
	for (size_t i = 0; i < r->dim_count; i++) {
		if (is_time(r->dim[i])) {
			label_time(r, r->dim[i], c->time_us, &r->key);
		} else if (r->dim[i] == BY_PRICE) {
			buf_int(&r->key, c->price);
		} else {
			struct text t = text_label(c, price, r->dim[i]);
			buf_add(&r->key, t.p, t.n);
		}
		end[i] = r->key.n;
		buf_add(&r->key, "", 1);
	}
	uint64_t *at = dict_need(&r->index, (struct text){ r->key.p, r->key.n }, NULL);
	if (!*at) {
		if ((r->group_count & (r->group_count - 1)) == 0)
			r->group = mem_grow(r->group, (r->group_count ? r->group_count * 2 : 1) *
							      sizeof *r->group);
		struct group *g =
			arena_alloc(&r->arena, sizeof *g + r->dim_count * sizeof *g->label);
		r->group[r->group_count] = g;
		size_t from = 0;
		for (size_t i = 0; i < r->dim_count; i++) {
			g->label[i] = (struct text){
				arena_text(&r->arena, r->key.p + from, end[i] - from), end[i] - from
			};
			from = end[i] + 1;
		}
		*at = ++r->group_count;
	}
	return r->group[*at - 1];
}

static void count_reason(struct usage_result *r, const struct cell *c,
			 const struct stored_price *price)
{
	struct buf key = { 0 };
	buf_add(&key, c->subject->model.p, c->subject->model.n);
	buf_add(&key, "", 1);
	buf_add(&key, price->reason.p, price->reason.n);
	uint64_t *at = dict_need(&r->reason_index, (struct text){ key.p, key.n }, NULL);
	if (!*at) {
		if ((r->reason_count & (r->reason_count - 1)) == 0)
			r->reason =
				mem_grow(r->reason, (r->reason_count ? r->reason_count * 2 : 1) *
							    sizeof *r->reason);
		r->reason[r->reason_count] = (struct usage_reason){
			arena_text(&r->arena, c->subject->model.p, c->subject->model.n),
			arena_text(&r->arena, price->reason.p, price->reason.n), 0
		};
		*at = ++r->reason_count;
	}
	r->reason[*at - 1].records += c->sums.records;
	buf_release(&key);
}

static bool matches(const char *wanted, struct text have)
{
	return !wanted || text_is(have, wanted);
}

/* By its session and its series; its model is known once its price is. */
static bool is_wanted(const struct usage_result *r, const struct cell *c)
{
	const struct usage_filter *f = r->filter;
	return matches(f->session, c->session) &&
	       (!c->series || (matches(f->customer, c->series->customer) &&
			       matches(f->project, c->series->project) &&
			       matches(f->workload, c->series->workload) &&
			       matches(f->effort, c->series->effort)));
}

/* Its price, and whether it is wanted by all that the filter says. */
static int find_wanted(struct usage_result *r, const struct cell *c,
		       const struct stored_price **price, bool *wanted, struct err *e)
{
	const char *model = r->filter->model;
	*wanted = is_wanted(r, c);
	int rc = *wanted ? store_stored_price(r->store, c->price, price, e) : 0;
	if (rc != 0 || !*wanted)
		return rc;
	*wanted = matches(r->filter->provider, provider_of(c->subject, *price));
	return *wanted && model
		       ? store_is_model(r->store, text_of(model),
					&(struct recorded_model){ c->subject, *price, r->asked },
					wanted, e)
		       : 0;
}

static int take_cell(struct usage_result *r, struct cell *c, struct err *e)
{
	const struct stored_price *price = NULL;
	bool wanted;
	int rc = find_wanted(r, c, &price, &wanted, e);
	if (rc != 0 || !wanted)
		return rc;
	rc = stored_price_amount(price, c->sums.counts, c->sums.requests, &c->sums.cost, e);
	if (rc != 0)
		return rc;
	if (fees_at_least(price->fee, price->fee_count)) {
		c->sums.unsaid = c->sums.records;
		c->sums.placeholders += c->sums.records;
	}
	if (price->reason.n) {
		c->sums.unpriced = c->sums.records;
		count_reason(r, c, price);
	} else if (r->filter->currency) {
		if (!text_is(price->currency, r->filter->currency)) {
			c->sums.foreign = c->sums.records;
			c->sums.cost = (struct money_total){ 0 };
		}
	} else if (r->filter->costs_apart) {
		/* whoever asks looks at the price of each group */
	} else if (!*r->currency) {
		snprintf(r->currency, sizeof r->currency, "%.*s", (int)price->currency.n,
			 price->currency.p);
	} else if (!text_is(price->currency, r->currency)) {
		return err_set(e, ERR_INVALID,
			       "the records are priced in %s and in %.*s, which cannot be added; "
			       "choose a period or model with one currency",
			       r->currency, (int)price->currency.n, price->currency.p);
	}
	if (text_is(price->ref, STATED_PRICE) && !c->sums.foreign) {
		c->sums.by_seller = c->sums.records;
		c->sums.sellers = c->sums.cost;
	}
	if (c->stated.given) {
		const bool ours =
			!c->sums.unpriced && !c->sums.by_seller && text_is(price->currency, "USD");
		if (!recorded_cost_add(c->sums.recorded, &c->stated, c->sums.records,
				       ours ? &c->sums.cost : NULL))
			return err_set(e, ERR_RANGE, "%s", USAGE_DOES_NOT_FIT);
	}
	if (r->take)
		return r->take(r->user,
			       &(struct usage_call){ c->time_us, c->last_us, c->subject, c->series,
						     price, c->task, c->session, &c->sums });
	return usage_sums_add(r->dim_count ? &group_of(r, c, price)->sums : &r->total, &c->sums, e);
}

/* The total of all groups; where costs stand apart they may be of several currencies. */
static int add_groups(struct usage_result *r, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->group_count; i++) {
		struct usage_sums sums = r->group[i]->sums;
		if (r->filter->costs_apart)
			sums.cost = (struct money_total){ 0 };
		rc = usage_sums_add(&r->total, &sums, e);
	}
	if (r->filter->costs_apart)
		r->total.cost = (struct money_total){ 0 };
	return rc;
}

/* Places of a rollup's columns. */
enum { AT_CELL, AT_WHO, AT_PRICE, AT_SUMS };

static bool by_time(const struct usage_result *r)
{
	bool any = false;
	for (size_t i = 0; i < r->dim_count; i++)
		any |= is_time(r->dim[i]);
	return any;
}

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
	int64_t *stands_for; /* by series: that series; 0: not known yet, -1: not wanted */
	size_t series_known;
	struct err *e;
};

static struct adding adding_of(struct usage_result *r, bool by_day, struct err *e)
{
	return (struct adding){ .r = r,
				.by_day = by_day,
				.timeless = !by_time(r),
				.apart = r->take != NULL,
				.at_us = INT64_MIN,
				.e = e };
}

static void adding_release(struct adding *x)
{
	piles_release(&x->piles);
	dict_release(&x->groups);
	buf_release(&x->key);
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
	return take_cell(r, &c, x->e);
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
	if (!is_wanted(x->r, &c))
		return 0;
	x->key.n = 0;
	buf_int(&x->key, c.series->subject);
	for (size_t i = 0; i < x->r->dim_count; i++)
		if (is_of_series(x->r->dim[i])) {
			const struct text t = text_label(&c, &no_price, x->r->dim[i]);
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
	enum { SERIES_KEPT_MOST = 1 << 24 };
	const size_t place = (size_t)series;
	if (series < 0 || series >= SERIES_KEPT_MOST)
		return find_group(x, series, stands_for);
	if (place >= x->series_known) {
		const size_t room = place * 2 + 1024;
		x->stands_for = mem_grow(x->stands_for, room * sizeof *x->stands_for);
		memset(x->stands_for + x->series_known, 0,
		       (room - x->series_known) * sizeof *x->stands_for);
		x->series_known = room;
	}
	int rc = x->stands_for[place] ? 0 : find_group(x, series, &x->stands_for[place]);
	*stands_for = x->stands_for[place];
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
		if (x->piles.count && (x->apart || !same_labels(r, at_us, x->at_us)))
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

/* The cells [from, to) of days or quarters. */
static int take_rollup(struct usage_result *r, int64_t from, int64_t to, bool by_day, struct err *e)
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
	int rc = find_wanted(r, c, &price, &wanted, e);
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
	return take_cell(r, c, e);
}

/* Rarer buckets and units of the same quarters, placeholders and sources. */
static int take_more(struct usage_result *r, int64_t from, int64_t to, struct err *e)
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
	return take_cell(r, &less, e);
}

static bool wants_texts(const struct usage_result *r)
{
	bool texts = r->filter->session != NULL;
	for (size_t i = 0; i < r->dim_count; i++)
		texts |= r->dim[i] == BY_TASK || r->dim[i] == BY_SESSION;
	return texts;
}

/* Rows [from, to] whose instants lie in [since, until), one by one. */
static int take_rows(struct usage_result *r, int64_t from, int64_t to, int64_t since, int64_t until,
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
		if ((rc = find_wanted(r, &c, &price, &wanted, e)) != 0)
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
		if ((rc = take_cell(r, &c, e)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static const struct sql sql_span_rows = {
	.text = "SELECT min(lowest),max(highest) FROM rollup_quarter WHERE quarter>=:from "
		"AND quarter<:to",
};

/* The rows in which quarters [from, to) can be. */
static int rows_of_quarters(struct usage_result *r, int64_t from, int64_t to, int64_t *lowest,
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
	return rc == 0 ? take_cell(r, &c, p->e) : rc;
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
			rc = take_more(r, first / QUARTER_US, end / QUARTER_US, e);
	}
	return rc;
}

/* The rows up to rolled_to of [since, until), which is no whole number of cells. */
static int take_edge(struct usage_result *r, int64_t since, int64_t until, int64_t rolled_to,
		     struct err *e)
{
	int64_t lowest, highest;
	if (since >= until)
		return 0;
	int rc = rows_of_quarters(r, floor_div(since, QUARTER_US),
				  floor_div(until - 1, QUARTER_US) + 1, &lowest, &highest, e);
	highest = highest < rolled_to ? highest : rolled_to;
	if (rc == 0)
		rc = take_archived(r, since, until, rolled_to, e);
	return rc == 0 ? take_rows(r, lowest, highest, since, until, e) : rc;
}

static int64_t round_up(int64_t us, int64_t unit)
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
	return rc == 0 ? take_cell(r, &c, e) : rc;
}

/* The period from cells of sessions, which are of all rows up to `last`. */
static int take_sessions(struct usage_result *r, int64_t last, struct err *e)
{
	const struct usage_filter *f = r->filter;
	const struct instant from = { round_up(f->since.us, QUARTER_US) * QUARTER_US },
			     to = { floor_div(f->until.us, QUARTER_US) * QUARTER_US };
	if (from.us >= to.us)
		return take_edge(r, f->since.us, f->until.us, last, e);
	int rc = session_cells_each(r->store, from, to, take_session, r, e);
	if (rc == 0)
		rc = take_edge(r, f->since.us, from.us, last, e);
	return rc == 0 ? take_edge(r, to.us, f->until.us, last, e) : rc;
}

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
		n.series |= is_of_series(d);
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
		rc = rows_of_quarters(r, floor_div(s->from_us, QUARTER_US),
				      floor_div(s->to_us - 1, QUARTER_US) + 1, &lowest, &highest,
				      e);
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
	int rc = rows_of_quarters(x->r, floor_div(part.from_us, QUARTER_US),
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
		rc = take_edge(r, s.from_us, s.to_us, rolled_to, e);
		r->moving = false;
	}
	if (rc == 0)
		rc = take_piles(&x);
	adding_release(&x);
	return rc;
}

/* Of the days that there are. */
static int move_days(struct usage_result *r, int64_t from, int64_t to, int64_t rolled_to,
		     struct err *e)
{
	int64_t first, last;
	int rc = day_cells_span(r->store, &first, &last, e);
	return rc == 0 ? move_rows(r, first > from ? first : from, last < to - 1 ? last + 1 : to,
				   rolled_to, e)
		       : rc;
}

/* Whether the cells of UTC days serve local days: those of hours do not, and where rows were stored
 * in no order of time all of them are read once instead. */
static int can_split(struct usage_result *r, int64_t from, int64_t to, int64_t rolled, bool *out,
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
		return take_rows(r, f->seq_from, until_seq, f->since.us, f->until.us, e);
	const bool offset = by_time(r) && has_offset(r, unit);
	bool rows_only = n.rows || n.sessions || (offset && !day_cells) || (day_cells && n.hours);
	bool whole = false;
	if (rc == 0 && n.sessions && !n.rows && !(by_time(r) && has_offset(r, QUARTER_US)))
		rc = session_cells_are_whole(r->store, &whole, e);
	if (rc != 0 || whole)
		return rc ? rc : take_sessions(r, last, e);
	/* cells [from, to) lie within the period; what is left at both ends is read from the rows
	 */
	int64_t from = round_up(f->since.us, unit), to = floor_div(f->until.us, unit);
	int64_t rolled = rolled_to < until_seq ? rolled_to : until_seq;
	if (offset && !rows_only) {
		rc = can_split(r, from, to, rolled, &r->splits, e);
		rows_only = !r->splits;
	}
	if (rc != 0)
		return rc;
	if (rows_only || from >= to) {
		rc = take_edge(r, f->since.us, f->until.us, rolled, e);
	} else {
		int64_t quarters = day_cells ? QUARTERS_A_DAY : 1;
		rc = take_rollup(r, from, to, day_cells, e);
		if (rc == 0 && r->splits)
			rc = move_days(r, from, to, rolled, e);
		if (rc == 0)
			rc = take_more(r, from * quarters, to * quarters, e);
		if (rc == 0)
			rc = take_edge(r, f->since.us, from * unit, rolled, e);
		if (rc == 0)
			rc = take_edge(r, to * unit, f->until.us, rolled, e);
		if (rc == 0)
			rc = rollup_check_cluster(r->store, e);
	}
	/* what came after the rollups */
	return rc == 0 ? take_rows(r, rolled + 1, until_seq, f->since.us, f->until.us, e) : rc;
}

static int by_label(const void *x, const void *y, void *of)
{
	const struct usage_result *r = of;
	const struct group *a = *(struct group *const *)x, *b = *(struct group *const *)y;
	for (size_t i = 0; i < r->dim_count; i++) {
		int c = text_cmp(a->label[i], b->label[i]);
		if (c)
			return c;
	}
	return 0;
}

static int by_records(const void *x, const void *y)
{
	const struct usage_reason *a = x, *b = y;
	return (a->records < b->records) - (a->records > b->records);
}

/* Groups whose records were all reversed are gone. */
static void drop_empty(struct usage_result *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const struct usage_sums *s = &r->group[i]->sums;
		bool any = s->records || s->cost.atto || s->requests;
		for (int k = 0; k < COUNT_KINDS; k++)
			any |= s->counts[k] != 0;
		if (any)
			r->group[n++] = r->group[i];
	}
	r->group_count = n;
	n = 0;
	for (size_t i = 0; i < r->reason_count; i++)
		if (r->reason[i].records)
			r->reason[n++] = r->reason[i];
	r->reason_count = n;
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
		rc = add_groups(r, e);
	dict_release(&r->index);
	dict_release(&r->reason_index);
	buf_release(&r->key);
	if (rc != 0) {
		usage_result_close(r);
		return rc;
	}
	drop_empty(r);
	if (r->group_count)
		qsort_r(r->group, r->group_count, sizeof *r->group, by_label, r);
	if (r->reason_count)
		qsort(r->reason, r->reason_count, sizeof *r->reason, by_records);
	*out = r;
	return 0;
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
		rc = take_sessions(&r, store_last_seq(s), e);
	else if (rc == 0)
		rc = archived_need_rows(store_archived(s),
					&(struct row_span){ 1, store_last_seq(s), filter->since.us,
							    filter->until.us },
					e);
	if (rc == 0 && !whole)
		rc = take_rows(&r, 1, store_last_seq(s), filter->since.us, filter->until.us, e);
	if (!inside)
		db_rollback(store_db(s));
	memcpy(currency, *r.currency ? r.currency : "USD", *r.currency ? sizeof r.currency : 4);
	dict_release(&r.reason_index);
	free(r.reason);
	arena_release(&r.arena);
	return rc;
}

static void see_sources(struct lower_bound *out, const struct usage_result *r)
{
	for (int place = 0; place < LOG_SOURCES; place++)
		if (r->from_source[place] > 0)
			lower_bound_see(out, log_source_shape(place));
}

struct lower_bound usage_lower_bound(const struct usage_result *r)
{
	struct lower_bound b = { .placeholders = r->total.placeholders, .unsaid = r->total.unsaid };
	see_sources(&b, r);
	return b;
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
	see_sources(&c->bound, &r);
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

void usage_result_close(struct usage_result *r)
{
	if (!r)
		return;
	free(r->group);
	free(r->reason);
	arena_release(&r->arena);
	free(r);
}

const struct usage_sums *usage_total(const struct usage_result *r)
{
	return &r->total;
}

size_t usage_group_count(const struct usage_result *r)
{
	return r->dim_count ? r->group_count : 0;
}

const struct usage_sums *usage_group(const struct usage_result *r, size_t i)
{
	return &r->group[i]->sums;
}

struct text usage_label(const struct usage_result *r, size_t group, size_t d)
{
	return r->group[group]->label[d];
}

const char *usage_currency(const struct usage_result *r)
{
	return *r->currency ? r->currency : "USD";
}

size_t usage_reason_count(const struct usage_result *r)
{
	return r->reason_count;
}

const struct usage_reason *usage_reason(const struct usage_result *r, size_t i)
{
	return &r->reason[i];
}
