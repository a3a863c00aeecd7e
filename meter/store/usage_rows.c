#include "meter/store/usage_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/archived.h"
#include "meter/store/day_cells.h"
#include "meter/store/own_rows.h"
#include "meter/store/rollup.h"
#include "meter/store/row_peaks.h"
#include "meter/store/row_text.h"
#include "meter/store/store_models.h"

#define QUARTER_US (900 * US_PER_SECOND)

struct search {
	struct store *s;
	const struct rows_question *q;
	struct rows_page *page;
	size_t room;		 /* one more than the page, to know whether there is more */
	struct dict series_fits; /* number of a series to 1: no, 2: yes */
	struct query *rows;
	struct query *own; /* the same of the filter's customer alone (own_rows.h), or NULL */
	int64_t own_from;  /* from how many rows on it is used */
	struct query *now; /* which of the two is read */
	struct instant asked;
	struct err *e;
};

/* Whether a comes before b in the order asked for. */
static bool comes_before(const struct rows_question *q, struct row_place a, struct row_place b)
{
	if (a.value != b.value)
		return (a.value > b.value) != q->ascending;
	return a.seq != b.seq && (a.seq > b.seq) != q->ascending;
}

static void keep(struct search *x, struct row_place p)
{
	struct rows_page *page = x->page;
	if (x->q->goes_on && !comes_before(x->q, x->q->after, p))
		return;
	if (page->count == x->room && !comes_before(x->q, p, page->row[page->count - 1]))
		return;
	size_t at = page->count < x->room ? page->count++ : page->count - 1;
	while (at > 0 && comes_before(x->q, p, page->row[at - 1])) {
		page->row[at] = page->row[at - 1];
		at--;
	}
	page->row[at] = p;
}

static bool matches(const char *wanted, struct text have)
{
	return !wanted || text_is(have, wanted);
}

static int series_fits(struct search *x, int64_t series, const struct subject_names **subject,
		       bool *fits)
{
	const struct usage_filter *f = &x->q->filter;
	const struct series_names *n;
	uint64_t *known = dict_need(&x->series_fits,
				    (struct text){ (const char *)&series, sizeof series }, NULL);
	int rc = store_names_of(x->s, series, &n, subject, x->e);
	if (rc != 0)
		return rc;
	if (!*known)
		*known = matches(f->customer, n->customer) && matches(f->project, n->project) &&
					 matches(f->workload, n->workload) &&
					 matches(f->effort, n->effort)
				 ? 2
				 : 1;
	*fits = *known == 2;
	return 0;
}

static int model_fits(struct search *x, const struct stored_price *p,
		      const struct subject_names *subject, bool *fits)
{
	const char *model = x->q->filter.model;
	*fits = !model;
	return model ? store_is_model(x->s, text_of(model),
				      &(struct recorded_model){ subject, p, x->asked }, fits, x->e)
		     : 0;
}

/* Whether rows of that subject and price can be wanted. */
static int price_fits(struct search *x, const struct stored_price *p,
		      const struct subject_names *subject, bool *fits)
{
	const struct rows_question *q = x->q;
	const bool unpriced = p->reason.n != 0;
	*fits = matches(q->filter.provider, p->vendor.n ? p->vendor : subject->provider) &&
		(!q->filter.currency || unpriced || text_is(p->currency, q->filter.currency)) &&
		(q->priced == ROWS_ANY || unpriced == (q->priced == ROWS_UNPRICED));
	return *fits ? model_fits(x, p, subject, fits) : 0;
}

enum { AT_SEQ, AT_TIME, AT_SERIES, AT_PRICE, AT_KIND, AT_REQUESTS, AT_TOKENS };
enum { AT_MORE = AT_TOKENS + BUCKET_COMMON, AT_SESSION, AT_TASK };

static int read_counts(struct search *x, int64_t counts[COUNT_KINDS])
{
	memset(counts, 0, COUNT_KINDS * sizeof *counts);
	for (int b = 0; b < BUCKET_COMMON; b++)
		counts[b] = db_int(x->now, AT_TOKENS + b);
	return db_is_null(x->now, AT_MORE)
		       ? 0
		       : row_read_more(counts, NULL, db_text(x->now, AT_MORE), x->e);
}

static int measure(struct search *x, enum peak_kind k, const struct stored_price *price,
		   const int64_t counts[COUNT_KINDS], int128 *out)
{
	struct money_total cost = { 0 };
	int rc = 0;
	*out = 0;
	for (int b = 0; k == PEAK_TOKENS && b < BUCKET_COUNT; b++)
		*out += b == BUCKET_REASONING ? 0 : counts[b];
	if (k == PEAK_COST) {
		rc = stored_price_amount(price, counts, db_int(x->now, AT_REQUESTS), &cost, x->e);
		*out = cost.atto;
	}
	return rc;
}

/* By cost or by tokens. */
static enum peak_kind measured(const struct search *x)
{
	return x->q->order == ROWS_BY_COST ? PEAK_COST : PEAK_TOKENS;
}

/* What the order goes by. */
static int value_of(struct search *x, const struct stored_price *price, int128 *out)
{
	int64_t counts[COUNT_KINDS];
	*out = x->q->order == ROWS_BY_TIME ? db_int(x->now, AT_TIME) : 0;
	if (x->q->order == ROWS_BY_STORED || x->q->order == ROWS_BY_TIME)
		return 0;
	int rc = read_counts(x, counts);
	return rc == 0 ? measure(x, measured(x), price, counts, out) : rc;
}

static int take_row(struct search *x)
{
	const struct rows_question *q = x->q;
	const struct subject_names *subject;
	const struct stored_price *price;
	struct row_place p = { .seq = db_int(x->now, AT_SEQ) };
	bool fits;
	int rc = series_fits(x, db_int(x->now, AT_SERIES), &subject, &fits);
	if (rc != 0 || !fits || (q->kind >= 0 && db_int(x->now, AT_KIND) != q->kind) ||
	    !matches(q->session, db_text(x->now, AT_SESSION)) ||
	    !matches(q->task, db_text(x->now, AT_TASK)))
		return rc;
	rc = store_stored_price(x->s, db_int(x->now, AT_PRICE), &price, x->e);
	if (rc == 0)
		rc = price_fits(x, price, subject, &fits);
	if (rc != 0 || !fits)
		return rc;
	rc = value_of(x, price, &p.value);
	if (rc == 0)
		keep(x, p);
	return rc;
}

static void begin_rows(struct search *x, struct query *q, int64_t from, int64_t to)
{
	x->now = q;
	db_reset(q);
	db_bind_int(q, ":from", from);
	db_bind_int(q, ":to", to);
}

/* The rows [from, to] whose instants lie in [since, until). */
static int look_at(struct search *x, int64_t from, int64_t to, int64_t since, int64_t until)
{
	struct db *db = store_db(x->s);
	if (from > to || since >= until)
		return 0;
	begin_rows(x, x->own && to - from >= x->own_from ? x->own : x->rows, from, to);
	db_bind_int(x->now, ":since", since);
	db_bind_int(x->now, ":until", until);
	int rc;
	while ((rc = db_step(db, x->now, x->e)) == 1 && (rc = take_row(x)) == 0)
		;
	db_reset(x->now);
	return rc;
}

static bool is_full(const struct search *x)
{
	return x->page->count == x->room;
}

/* The rows [from, to] by their numbers, a stretch at a time, until the page is full. */
static int look_through(struct search *x, int64_t from, int64_t to)
{
	enum { AT_ONCE = 16384 };
	const struct rows_question *q = x->q;
	int rc = 0;
	while (rc == 0 && from <= to && !is_full(x)) {
		const int64_t n = to - from < AT_ONCE ? to - from + 1 : AT_ONCE;
		rc = look_at(x, q->ascending ? from : to - n + 1, q->ascending ? from + n - 1 : to,
			     q->filter.since.us, q->filter.until.us);
		from += q->ascending ? n : 0;
		to -= q->ascending ? 0 : n;
	}
	return rc;
}

/* A quarter of an hour, and the rows among which its own are. */
struct quarter {
	int64_t quarter, lowest, highest;
};

struct quarters {
	struct quarter *list;
	size_t count, next;
};

/* Whether rows of that subject and price can be wanted. */
static int cell_fits(struct search *x, int64_t subject, int64_t price, bool *fits)
{
	const struct subject_names *names = NULL;
	const struct stored_price *p = NULL;
	int rc = store_subject_names(x->s, subject, &names, x->e);
	if (rc == 0)
		rc = store_stored_price(x->s, price, &p, x->e);
	return rc == 0 ? price_fits(x, p, names, fits) : rc;
}

/* Those of [since, until) in which there is anything of the filter, as far as its subject and its
 * price say. */
static int read_quarters(struct search *x, int64_t since, int64_t until, struct quarters *out)
{
	struct query *q = NULL;
	size_t n = 0;
	int rc = db_prepare(store_db(x->s),
			    "SELECT quarter,subject,price,lowest,highest FROM rollup_quarter WHERE "
			    "quarter>=:from AND quarter<:to ORDER BY quarter",
			    &q, x->e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":from", floor_div(since, QUARTER_US));
	db_bind_int(q, ":to", floor_div(until - 1, QUARTER_US) + 1);
	while (rc == 0 && (rc = db_step(store_db(x->s), q, x->e)) == 1) {
		const int64_t quarter = db_int(q, 0), lowest = db_int(q, 3), highest = db_int(q, 4);
		bool fits;
		rc = cell_fits(x, db_int(q, 1), db_int(q, 2), &fits);
		if (rc != 0 || !fits)
			continue;
		if (n && out->list[n - 1].quarter == quarter) {
			struct quarter *k = &out->list[n - 1];
			k->lowest = lowest < k->lowest ? lowest : k->lowest;
			k->highest = highest > k->highest ? highest : k->highest;
			continue;
		}
		if ((n & (n - 1)) == 0)
			out->list = mem_grow(out->list, (n ? n * 2 : 1) * sizeof *out->list);
		out->list[n++] = (struct quarter){ quarter, lowest, highest };
	}
	db_drop(q);
	out->count = n;
	return rc;
}

/* Whether a filter can be true of rows of that day at all, by the rollup of days. */
struct days {
	bool any; /* there is such a filter */
	struct dict of;
};

struct seen_days {
	struct search *x;
	struct days *days;
};

static int see_day_cell(void *user, const struct day_cell *c)
{
	const struct seen_days *seen = user;
	const struct subject_names *subject;
	const struct stored_price *price;
	bool fits;
	int rc = series_fits(seen->x, c->series, &subject, &fits);
	if (rc == 0 && fits)
		rc = store_stored_price(seen->x->s, c->price, &price, seen->x->e);
	if (rc == 0 && fits)
		rc = model_fits(seen->x, price, subject, &fits);
	if (rc == 0 && fits)
		dict_need(&seen->days->of, (struct text){ (const char *)&c->day, sizeof c->day },
			  NULL);
	return rc;
}

static int read_days(struct search *x, struct days *d)
{
	const struct usage_filter *f = &x->q->filter;
	d->any = f->customer || f->project || f->workload || f->effort || f->model;
	return d->any ? day_cells_each(x->s, INT64_MIN / 2, INT64_MAX / 2, see_day_cell,
				       &(struct seen_days){ x, d }, x->e)
		      : 0;
}

static bool day_fits(const struct days *d, int64_t quarter)
{
	const int64_t day = floor_div(quarter * QUARTER_US, US_PER_DAY);
	return !d->any || dict_find(&d->of, (struct text){ (const char *)&day, sizeof day });
}

static int by_lowest(const void *a, const void *b)
{
	const struct quarter *x = a, *y = b;
	return x->lowest < y->lowest ? -1 : x->lowest > y->lowest;
}

/* Those of [from, to] that can be of the filter at all, by what the rollups know: stretches of rows
 * between which there is nothing of it. */
static int look_where_it_is(struct search *x, int64_t from, int64_t to)
{
	const struct usage_filter *f = &x->q->filter;
	struct quarters all = { 0 };
	struct days days = { 0 };
	size_t n = 0;
	int rc = read_quarters(x, f->since.us, f->until.us, &all);
	if (rc == 0)
		rc = read_days(x, &days);
	if (all.count)
		qsort(all.list, all.count, sizeof *all.list, by_lowest);
	for (size_t i = 0; rc == 0 && i < all.count; i++) {
		const struct quarter k = all.list[i];
		if (!day_fits(&days, k.quarter))
			continue;
		if (n && k.lowest <= all.list[n - 1].highest + 1) {
			if (k.highest > all.list[n - 1].highest)
				all.list[n - 1].highest = k.highest;
		} else {
			all.list[n++] = k;
		}
	}
	for (size_t i = 0; rc == 0 && i < n && !is_full(x); i++) {
		const struct quarter *k = &all.list[x->q->ascending ? i : n - 1 - i];
		rc = look_through(x, k->lowest > from ? k->lowest : from,
				  k->highest < to ? k->highest : to);
	}
	dict_release(&days.of);
	free(all.list);
	return rc;
}

/* By their numbers. Most pages are full after the first rows, a thousand for each one asked for;
 * where a page is not, the rollups say where the others lie. */
static int look_by_number(struct search *x, int64_t rolled, int64_t last)
{
	const struct rows_question *q = x->q;
	const int64_t eager = 1024 * q->limit;
	int64_t from = 1, to = last;
	if (q->goes_on && q->ascending)
		from = q->after.seq + 1;
	else if (q->goes_on)
		to = q->after.seq - 1;
	if (q->ascending) {
		const int64_t first = to - from < eager ? to : from + eager - 1,
			      known = to < rolled ? to : rolled;
		int rc = look_through(x, from, first);
		if (rc == 0 && !is_full(x) && first < known)
			rc = look_where_it_is(x, first + 1, known);
		return rc == 0 ? look_through(x, (first > rolled ? first : rolled) + 1, to) : rc;
	}
	const int64_t known = (to < rolled ? to : rolled) - eager + 1,
		      first = known > from ? known : from;
	int rc = look_through(x, first, to);
	return rc == 0 && !is_full(x) && first > from ? look_where_it_is(x, from, first - 1) : rc;
}

/* Whether no row of that quarter or of those behind it can enter the page any more. */
static bool is_settled(const struct search *x, int64_t quarter)
{
	if (!is_full(x))
		return false;
	const int128 last = x->page->row[x->page->count - 1].value;
	return x->q->ascending ? last < (int128)quarter * QUARTER_US
			       : last >= (int128)(quarter + 1) * QUARTER_US;
}

/* Some quarters, and the rows among which theirs are. */
struct span {
	int64_t early, late, lowest, highest;
};

/* The next quarters in the order of the page, at most so many, but for days on which there is
 * nothing of the filter. False: none is left. */
static bool next_quarters(const struct search *x, struct quarters *all, const struct days *d,
			  size_t most, struct span *out)
{
	size_t n = 0;
	while (n < most && all->next < all->count) {
		const size_t i = all->next++;
		const struct quarter k = all->list[x->q->ascending ? i : all->count - 1 - i];
		if (!day_fits(d, k.quarter))
			continue;
		if (n++ == 0)
			*out = (struct span){ k.quarter, k.quarter, k.lowest, k.highest };
		out->early = k.quarter < out->early ? k.quarter : out->early;
		out->late = k.quarter > out->late ? k.quarter : out->late;
		out->lowest = k.lowest < out->lowest ? k.lowest : out->lowest;
		out->highest = k.highest > out->highest ? k.highest : out->highest;
	}
	return n > 0;
}

/* Quarter by quarter, and of a filter that may leave few rows ever more of them at once. Where the
 * rows of many quarters lie mixed, all are read at once instead. */
static int look_by_quarters(struct search *x, int64_t since, int64_t until, int64_t rolled)
{
	struct quarters all = { 0 };
	struct days days = { 0 };
	struct span k;
	int64_t read = 0;
	size_t most = 1;
	int rc = read_quarters(x, since, until, &all);
	if (rc == 0)
		rc = read_days(x, &days);
	while (rc == 0 && next_quarters(x, &all, &days, most, &k) &&
	       !is_settled(x, x->q->ascending ? k.early : k.late)) {
		const int64_t from = k.early * QUARTER_US, to = (k.late + 1) * QUARTER_US;
		read += k.highest - k.lowest + 1;
		if (read > 2 * rolled) {
			x->page->count = 0;
			rc = look_at(x, 1, rolled, since, until);
			break;
		}
		rc = look_at(x, k.lowest, k.highest < rolled ? k.highest : rolled,
			     from < since ? since : from, to > until ? until : to);
		most *= x->own ? 2 : 1;
	}
	dict_release(&days.of);
	free(all.list);
	return rc;
}

static int look_by_time(struct search *x, int64_t rolled, int64_t last)
{
	const struct rows_question *q = x->q;
	int64_t since = q->filter.since.us, until = q->filter.until.us;
	if (q->goes_on && q->ascending && (int64_t)q->after.value > since)
		since = (int64_t)q->after.value;
	else if (q->goes_on && !q->ascending && (int64_t)q->after.value < until)
		until = (int64_t)q->after.value + 1;
	int rc = look_by_quarters(x, since, until, rolled);
	/* what came after the rollups may be of any time */
	return rc == 0 ? look_at(x, rolled + 1, last, since, until) : rc;
}

/* --- by cost and by tokens, which no rollup knows --- */

/* A stretch of rows that may be of the page: where the best and the worst of them can stand. */
struct candidate {
	size_t stretch;
	struct row_place best, worst;
};

static int64_t first_row_of(size_t stretch)
{
	return 1 + (int64_t)stretch * ROWS_A_STRETCH;
}

static void see_value(struct row_peak *peak, enum peak_kind k, int128 v, bool first)
{
	peak->least[k] = first || v < peak->least[k] ? v : peak->least[k];
	peak->most[k] = first || v > peak->most[k] ? v : peak->most[k];
}

/* Reads a stretch whose rows are all stored; what lies in the period is looked at on the way. */
static int learn(struct search *x, size_t stretch, struct row_peak *peak)
{
	const struct usage_filter *f = &x->q->filter;
	struct db *db = store_db(x->s);
	bool first = true;
	int rc;
	*peak = (struct row_peak){ 0 };
	begin_rows(x, x->rows, first_row_of(stretch), first_row_of(stretch + 1) - 1);
	db_bind_int(x->rows, ":since", INT64_MIN);
	db_bind_int(x->rows, ":until", INT64_MAX);
	while ((rc = db_step(db, x->rows, x->e)) == 1) {
		const struct stored_price *price;
		const int64_t time = db_int(x->rows, AT_TIME);
		int64_t counts[COUNT_KINDS];
		int128 value;
		rc = store_stored_price(x->s, db_int(x->rows, AT_PRICE), &price, x->e);
		if (rc == 0)
			rc = read_counts(x, counts);
		for (int k = 0; rc == 0 && k < PEAK_KINDS; k++) {
			rc = measure(x, (enum peak_kind)k, price, counts, &value);
			see_value(peak, (enum peak_kind)k, value, first);
		}
		peak->first_us = first || time < peak->first_us ? time : peak->first_us;
		peak->last_us = first || time > peak->last_us ? time : peak->last_us;
		first = false;
		if (rc == 0 && time >= f->since.us && time < f->until.us)
			rc = take_row(x);
		if (rc != 0)
			break;
	}
	db_reset(x->rows);
	return rc;
}

static struct candidate candidate_of(const struct search *x, size_t stretch,
				     const struct row_peak *p)
{
	const enum peak_kind k = measured(x);
	const struct row_place low = { p->least[k], first_row_of(stretch) },
			       high = { p->most[k], first_row_of(stretch + 1) - 1 };
	return x->q->ascending ? (struct candidate){ stretch, low, high }
			       : (struct candidate){ stretch, high, low };
}

static int best_first(const void *a, const void *b, void *question)
{
	const struct candidate *x = a, *y = b;
	return comes_before(question, x->best, y->best)	  ? -1
	       : comes_before(question, y->best, x->best) ? 1
							  : 0;
}

/* The rows [from, to] by whole stretches, of which those that are known are left for later where a
 * row of theirs can be of the page. */
static int look_by_stretches(struct search *x, struct row_peaks *peaks, int64_t from, int64_t to)
{
	const struct rows_question *q = x->q;
	const int64_t since = q->filter.since.us, until = q->filter.until.us;
	const size_t begin = (size_t)((from - 1) / ROWS_A_STRETCH),
		     end = (size_t)(to / ROWS_A_STRETCH);
	struct candidate *list = mem_alloc(((end > begin ? end - begin : 0) + 1) * sizeof *list);
	size_t n = 0;
	/* those at the end are not all stored yet */
	int rc = look_at(x, first_row_of(end > begin ? end : begin), to, since, until);
	for (size_t i = begin; rc == 0 && i < end; i++) {
		struct row_peak p;
		if (!row_peaks_known(peaks, i, &p)) {
			rc = learn(x, i, &p);
			if (rc == 0)
				row_peaks_note(peaks, i, &p);
			continue;
		}
		const struct candidate c = candidate_of(x, i, &p);
		if (p.last_us >= since && p.first_us < until &&
		    (!q->goes_on || comes_before(q, q->after, c.worst)))
			list[n++] = c;
	}
	if (n)
		qsort_r(list, n, sizeof *list, best_first, (void *)(uintptr_t)q);
	/* of a filter that leaves few rows the best of a stretch says little: all are read at once
	 */
	const size_t tries = x->own ? n / 8 + 16 : n;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (is_full(x) && !comes_before(q, list[i].best, x->page->row[x->page->count - 1]))
			break;
		if (i == tries) {
			x->page->count = 0;
			rc = look_at(x, from, to, since, until);
			break;
		}
		rc = look_at(x, first_row_of(list[i].stretch),
			     first_row_of(list[i].stretch + 1) - 1, since, until);
	}
	free(list);
	return rc;
}

/* All of the filter: one stretch, from the first row to the last that may be of it. */
static int look_at_all(struct search *x, int64_t rolled, int64_t last)
{
	const int64_t since = x->q->filter.since.us, until = x->q->filter.until.us;
	struct row_peaks *peaks = store_shared_peaks(x->s);
	struct quarters all = { 0 };
	int64_t from = INT64_MAX, to = 0;
	int rc = read_quarters(x, since, until, &all);
	for (size_t i = 0; i < all.count; i++) {
		from = all.list[i].lowest < from ? all.list[i].lowest : from;
		to = all.list[i].highest > to ? all.list[i].highest : to;
	}
	free(all.list);
	/* nothing of the rollups, or what came after them */
	from = from < rolled + 1 ? from : rolled + 1;
	if (rc == 0 && peaks && !db_on_server(store_db(x->s)))
		return look_by_stretches(x, peaks, from, rolled < last ? last : to);
	if (rc == 0)
		rc = look_at(x, from, to < rolled ? to : rolled, since, until);
	return rc == 0 ? look_at(x, rolled + 1, last, since, until) : rc;
}

#define ROWS_SQL \
	"SELECT seq,time,series,price,kind,requests,input,cache_read,cache_write_5m," \
	"cache_write_1h,output,reasoning,more,session,task FROM usage WHERE seq BETWEEN :from AND " \
	":to AND time>=:since AND time<:until"
static const char rows_sql[] = ROWS_SQL;
static const char own_rows_sql[] = ROWS_SQL OWN_ROWS_SQL;

static int prepare_own_rows(struct search *x)
{
	int rc = own_rows_from(x->s, &x->q->filter, &x->own_from, x->e);
	if (rc != 0 || x->own_from == INT64_MAX)
		return rc;
	rc = db_prepare(store_db(x->s), own_rows_sql, &x->own, x->e);
	if (rc == 0)
		own_rows_bind(x->own, &x->q->filter);
	return rc;
}

int usage_rows_warm(struct store *s, int64_t *next, struct err *e)
{
	enum { STRETCHES_AT_ONCE = 128, STRETCHES_MOST = (16 << 20) / ROWS_A_STRETCH };
	/* of no time: nothing is taken of it */
	const struct rows_question none = { .filter = { .since = INSTANT_MAX,
							.until = INSTANT_MIN } };
	struct row_peaks *peaks = store_shared_peaks(s);
	struct search x = { .s = s, .q = &none, .e = e };
	int64_t to = *next;
	*next = 0;
	if (!peaks || db_on_server(store_db(s)))
		return 0;
	int rc = store_refresh(s, e);
	const int64_t whole = rc == 0 ? store_last_seq(s) / ROWS_A_STRETCH : 0;
	to = to < whole ? to : whole;
	int64_t from = whole - STRETCHES_MOST;
	from = from > to - STRETCHES_AT_ONCE ? from : to - STRETCHES_AT_ONCE;
	from = from > 0 ? from : 0;
	if (rc == 0 && from < to)
		rc = db_prepare(store_db(s), rows_sql, &x.rows, e);
	for (int64_t i = from; rc == 0 && i < to; i++) {
		struct row_peak p;
		if (row_peaks_known(peaks, (size_t)i, &p))
			continue;
		rc = learn(&x, (size_t)i, &p);
		if (rc == 0)
			row_peaks_note(peaks, (size_t)i, &p);
	}
	db_drop(x.rows);
	*next = from < to ? from : 0;
	return rc;
}

/* What is archived where rows of the page may be. */
static void see_lack(struct rows_page *page, const struct store *s, const struct rows_question *q)
{
	struct row_span span = { 1, INT64_MAX, q->filter.since.us, q->filter.until.us };
	const struct row_place *last = page->more ? &page->row[page->count - 1] : NULL,
			       *before = q->goes_on ? &q->after : NULL,
			       *from = q->ascending ? before : last,
			       *to = q->ascending ? last : before;
	if (q->order == ROWS_BY_STORED) {
		span.from = from ? from->seq : span.from;
		span.to = to ? to->seq : span.to;
	} else if (q->order == ROWS_BY_TIME) {
		span.since_us =
			from && from->value > span.since_us ? (int64_t)from->value : span.since_us;
		span.until_us =
			to && to->value < span.until_us ? (int64_t)to->value + 1 : span.until_us;
	}
	archived_lacks(store_archived(s), &span, &page->lack);
}

int usage_rows(struct rows_page *out, struct store *s, const struct rows_question *q, struct err *e)
{
	struct search x = { .s = s,
			    .q = q,
			    .page = out,
			    .room = (size_t)q->limit + 1,
			    .asked = usage_filter_asked(&q->filter),
			    .e = e };
	struct db *db = store_db(s);
	const bool inside = db_in_transaction(db);
	int64_t rolled = 0;
	*out = (struct rows_page){ .row = mem_alloc((size_t)(q->limit + 1) * sizeof *out->row) };
	int rc = inside ? 0 : db_begin_reading(db, e);
	if (rc == 0)
		rc = store_refresh(s, e);
	if (rc == 0)
		rc = rollup_rolled_to(s, &rolled, e);
	if (rc == 0)
		rc = db_prepare(db, rows_sql, &x.rows, e);
	if (rc == 0)
		rc = prepare_own_rows(&x);
	if (rc == 0 && q->order == ROWS_BY_STORED)
		rc = look_by_number(&x, rolled, store_last_seq(s));
	else if (rc == 0 && q->order == ROWS_BY_TIME)
		rc = look_by_time(&x, rolled, store_last_seq(s));
	else if (rc == 0)
		rc = look_at_all(&x, rolled, store_last_seq(s));
	db_drop(x.own);
	db_drop(x.rows);
	dict_release(&x.series_fits);
	if (!inside && db_in_transaction(db))
		db_rollback(db);
	if (rc != 0) {
		rows_page_release(out);
		return rc;
	}
	out->more = out->count > (size_t)q->limit;
	out->count -= out->more ? 1 : 0;
	see_lack(out, s, q);
	return 0;
}

void rows_page_release(struct rows_page *p)
{
	free(p->row);
	*p = (struct rows_page){ 0 };
}

char *row_place_format(struct row_place p, char text[ROW_PLACE_TEXT_MAX])
{
	const size_t n = decimal_format_fixed(text, p.value, 0);
	snprintf(text + n, ROW_PLACE_TEXT_MAX - n, "_%lld", (long long)p.seq);
	return text;
}

int row_place_parse(struct row_place *out, const char *text, struct err *e)
{
	const char *line = strchr(text, '_');
	struct decimal value, seq;
	int64_t n;
	if (!line ||
	    decimal_parse(&value, (struct text){ text, (size_t)(line - text) }, NULL) != 0 ||
	    decimal_parse(&seq, text_of(line + 1), NULL) != 0 || value.scale != 0 ||
	    !decimal_to_int64(seq, 0, &n))
		return err_set(e, ERR_USAGE, "'%s' leads to no page", text);
	*out = (struct row_place){ value.digits, n };
	return 0;
}
