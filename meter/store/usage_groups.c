#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "meter/store/source_counts.h"
#include "meter/store/usage_parts.h"

struct group {
	struct usage_sums sums;
	struct text label[]; /* one for each dimension */
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

struct text usage_text_label(const struct cell *c, const struct stored_price *price,
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
	return usage_text_label(&(struct cell){ .subject = c->subject,
						.series = c->series,
						.task = c->task,
						.session = c->session },
				c->price, d);
}

static bool is_time(enum grouping d)
{
	return grouping_is_time(d);
}

bool usage_is_of_series(enum grouping d)
{
	return d == BY_CUSTOMER || d == BY_PROJECT || d == BY_WORKLOAD || d == BY_EFFORT;
}

bool usage_same_labels(struct usage_result *r, int64_t a_us, int64_t b_us)
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
			struct text t = usage_text_label(c, price, r->dim[i]);
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

bool usage_is_wanted(const struct usage_result *r, const struct cell *c)
{
	const struct usage_filter *f = r->filter;
	return matches(f->session, c->session) &&
	       (!c->series || (matches(f->customer, c->series->customer) &&
			       matches(f->project, c->series->project) &&
			       matches(f->workload, c->series->workload) &&
			       matches(f->effort, c->series->effort)));
}

int usage_find_wanted(struct usage_result *r, const struct cell *c,
		      const struct stored_price **price, bool *wanted, struct err *e)
{
	const char *model = r->filter->model;
	*wanted = usage_is_wanted(r, c);
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

int usage_take_cell(struct usage_result *r, struct cell *c, struct err *e)
{
	const struct stored_price *price = NULL;
	bool wanted;
	int rc = usage_find_wanted(r, c, &price, &wanted, e);
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

bool usage_by_time(const struct usage_result *r)
{
	bool any = false;
	for (size_t i = 0; i < r->dim_count; i++)
		any |= is_time(r->dim[i]);
	return any;
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

int usage_settle(struct usage_result *r, struct err *e)
{
	int rc = add_groups(r, e);
	if (rc != 0)
		return rc;
	drop_empty(r);
	if (r->group_count)
		qsort_r(r->group, r->group_count, sizeof *r->group, by_label, r);
	if (r->reason_count)
		qsort(r->reason, r->reason_count, sizeof *r->reason, by_records);
	return 0;
}

void usage_see_sources(struct lower_bound *out, const struct usage_result *r)
{
	for (int place = 0; place < LOG_SOURCES; place++)
		if (r->from_source[place] > 0)
			lower_bound_see(out, log_source_shape(place));
}

struct lower_bound usage_lower_bound(const struct usage_result *r)
{
	struct lower_bound b = { .placeholders = r->total.placeholders, .unsaid = r->total.unsaid };
	usage_see_sources(&b, r);
	return b;
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
