#include "meter/billing/reconcile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "base/zone.h"
#include "meter/billing/bill_names.h"
#include "meter/billing/bill_tokens.h"
#include "meter/billing/causes.h"
#include "meter/store/archived.h"
#include "pricing/rate.h"
#include "pricing/tariffs.h"

const char *match_name(enum match m)
{
	static const char *const names[] = { "matches", "differs", "billed only", "metered only" };
	return names[m];
}

struct work {
	struct reconciliation *out;
	const struct bill *bill;
	const struct zone *zone;
	struct dict index;
	const struct reconcile_options *o;
	bool by_model;	   /* the bill names models */
	struct span *span; /* days that are compared as one, in order */
	size_t spans;
};

/* Days that a row of the bill is of, and what overlaps them. */
struct span {
	int64_t from, to;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

static void find_spans(struct work *w)
{
	const struct bill *bill = w->bill;
	size_t n = 0;
	w->span = mem_alloc((bill->lines + 1) * sizeof *w->span);
	for (size_t i = 0; i < bill->lines; i++)
		if (bill->line[i].kind == BILL_USAGE && bill->line[i].end > bill->line[i].day + 1)
			w->span[n++] = (struct span){ bill->line[i].day, bill->line[i].end };
	if (n)
		qsort(w->span, n, sizeof *w->span, by_start);
	for (size_t i = 0; i < n; i++) {
		struct span *last = w->spans ? &w->span[w->spans - 1] : NULL;
		if (!last || w->span[i].from >= last->to)
			w->span[w->spans++] = w->span[i];
		else if (w->span[i].to > last->to)
			last->to = w->span[i].to;
	}
}

/* The days that a day is compared with. */
static struct span span_of(const struct work *w, int64_t day)
{
	size_t low = 0, high = w->spans; /* of those that begin on that day or before, the last */
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (w->span[mid].from <= day)
			low = mid + 1;
		else
			high = mid;
	}
	return low && day < w->span[low - 1].to ? w->span[low - 1] : (struct span){ day, day + 1 };
}

/* A bill and a meter may call a model by different names that mean the same at that time. */
static struct text resolved(struct work *w, struct text model, int64_t day)
{
	struct price_query q = { .model = model,
				 .currency = "USD",
				 .at = { day * US_PER_DAY + US_PER_DAY / 2 } };
	struct price_match m;
	if (!w->o->book || model.n == 0 || book_find(w->o->book, &q, &m, NULL) != 0)
		return model;
	return text_of(m.price->model);
}

static struct reconciled *line_of(struct work *w, int64_t day, struct text model)
{
	struct reconciliation *r = w->out;
	const struct span span = span_of(w, day);
	struct buf key = { 0 };
	/* shown as the half that names it first spells it: the bill */
	struct text same = w->by_model ? resolved(w, model, day) : (struct text){ "", 0 };
	model = w->by_model ? model : same;
	buf_int(&key, span.from);
	buf_puts(&key, " ");
	buf_add(&key, same.p, same.n);
	uint64_t *at = dict_need(&w->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((r->lines & (r->lines - 1)) == 0)
			r->line =
				mem_grow(r->line, (r->lines ? r->lines * 2 : 64) * sizeof *r->line);
		r->line[r->lines] = (struct reconciled){
			.day = span.from,
			.end = span.to,
			.model = { arena_text(&r->arena, model.n ? model.p : "", model.n), model.n }
		};
		*at = ++r->lines;
	}
	return &r->line[*at - 1];
}

/* Half a unit of the last place that the bill writes; nothing where it is not rounded to one. */
static struct money_total half_unit(const struct bill *bill)
{
	enum { PLACES_MIN = 2, PLACES_MAX = 6 };
	int128 half = (int128)500000000000000000;
	if (bill->places < PLACES_MIN || bill->places > PLACES_MAX)
		return (struct money_total){ 0 };
	for (int i = 0; i < bill->places; i++)
		half /= 10;
	return (struct money_total){ half };
}

static void add_other(struct reconciliation *r, const struct bill_line *b)
{
	if ((r->others & (r->others - 1)) == 0)
		r->other = mem_grow(r->other, (r->others ? r->others * 2 : 16) * sizeof *r->other);
	r->other[r->others++] =
		(struct other_line){ b->day,
				     b->kind,
				     { arena_text(&r->arena, b->model.p, b->model.n), b->model.n },
				     b->place,
				     b->cost };
	money_total_add(&r->not_usage, b->cost);
	money_total_add(&r->billed, b->cost);
}

/* Behind the other lines of the bill for the same day and model. */
static void add_part(struct reconciliation *r, struct reconciled *l, const struct bill_line *b)
{
	const bool first = !l->parts;
	if ((r->parts & (r->parts - 1)) == 0)
		r->part = mem_grow(r->part, (r->parts ? r->parts * 2 : 64) * sizeof *r->part);
	r->part[r->parts++] = (struct reconciled_part){ .line = b };
	*(first ? &l->parts : &r->part[l->last_part - 1].next) = r->parts;
	l->last_part = r->parts;
	if (first)
		l->tier = b->tier;
	else if (!text_eq(l->tier, b->tier))
		l->tier = (struct text){ "", 0 };
}

static void add_bill(struct work *w, int64_t from, int64_t to)
{
	const struct bill *bill = w->bill;
	const struct money_total half = half_unit(bill);
	bool any = false, all = true;
	for (size_t i = 0; i < bill->lines; i++) {
		const struct bill_line *b = &bill->line[i];
		if (b->day < from || b->day >= to ||
		    (w->o->project && !text_is(b->project, w->o->project)))
			continue;
		if (b->kind != BILL_USAGE) {
			add_other(w->out, b);
			continue;
		}
		struct reconciled *l = line_of(w, b->day, b->model);
		add_part(w->out, l, b);
		money_total_add(&l->billed.cost, b->cost);
		money_total_add(&l->billed.list, b->list);
		money_total_add(&w->out->list, b->list);
		l->billed.has_list |= b->has_list;
		l->billed.rows += b->rows;
		if (!l->billed.place.n || b->order < l->billed.order) {
			l->billed.place = b->place;
			l->billed.order = b->order;
		}
		any |= b->has_list;
		all &= b->has_list || !b->cost.atto;
		l->bound.atto += half.atto * b->rows;
		l->billed.has_cost |= b->has_cost;
		l->billed.has_tokens |= b->has_tokens;
		l->billed.input += b->input;
		l->billed.cache_read += b->cache_read;
		l->billed.output += b->output;
	}
	w->out->has_list = any && all;
}

/* The whole fits, and so does each part of it. */
static void add_metered(struct reconciled *l, const struct usage_sums *s)
{
	usage_sums_add(&l->metered, s, NULL);
}

/* --- the metered half in a currency of the cards that it was not stored in --- */

struct repricing {
	struct work *w;
	struct tariffs *tariffs;
	const struct usage_filter *filter;
	bool beside; /* what was stored: as the cards say it now */
	struct err *e;
};

/* What the row costs in that currency; false where the cards do not say. */
static bool reprice(struct repricing *x, const struct usage_row *row, struct text *vendor,
		    struct money_total *cost)
{
	const struct record *r = &row->record;
	const bool bucket = row->flags & USAGE_AGGREGATE;
	struct subject *s =
		tariffs_subject(x->tariffs, r->text[FIELD_PROVIDER], r->text[FIELD_MODEL],
				r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION]);
	const struct tariff_answer *a = tariffs_ask(x->tariffs, s, r->time_us);
	struct usage u = { .requests = r->requests < 0 ? -r->requests : r->requests };
	struct rating rating;
	if (!a->price)
		return false;
	*vendor = text_of(a->price->provider);
	if (u.requests < 1 + bucket)
		u.requests = 1 + bucket;
	int64_t counts[COUNT_KINDS];
	for (int k = 0; k < COUNT_KINDS; k++) /* reversals are priced like what they reverse */
		counts[k] = r->counts[k] < 0 ? -r->counts[k] : r->counts[k];
	usage_set_counts(&u, counts);
	const struct price *price = a->price;
	const struct tariff *tariff = a->tariff;
	if ((bucket && tariffs_divided(x->tariffs, s, r->time_us, r->completed_us)) ||
	    rate_usage(&rating, &u, price, tariff, NULL) != 0)
		return false;
	*cost = rating.total;
	if (row->kind == USAGE_REVERSAL)
		cost->atto = -cost->atto;
	return true;
}

static int add_repriced(void *user, const struct usage_row *row)
{
	struct repricing *x = user;
	const struct record *r = &row->record;
	struct work *w = x->w;
	struct usage_sums one = { .records = row->kind == USAGE_REVERSAL ? -1 : 1 };
	struct text vendor = { "", 0 };
	if (r->time_us < x->filter->since.us || r->time_us >= x->filter->until.us ||
	    (w->o->customer && !text_is(r->text[FIELD_CUSTOMER], w->o->customer)) ||
	    (w->o->project && !text_is(r->text[FIELD_PROJECT], w->o->project)))
		return 0;
	bool priced = reprice(x, row, &vendor, &one.cost);
	if (w->o->provider && vendor.n && !text_is(vendor, w->o->provider))
		return 0;
	one.unpriced = priced ? 0 : one.records;
	memcpy(one.counts, r->counts, sizeof one.counts);
	struct reconciled *l =
		line_of(w, zone_day(w->zone, (struct instant){ r->time_us }), r->text[FIELD_MODEL]);
	if (x->beside) {
		l->has_at_cards = true;
		money_total_add(&l->at_cards, one.cost);
		return 0;
	}
	add_metered(l, &one);
	return 0;
}

static int read_repriced(struct work *w, struct store *s, const struct usage_filter *f, bool beside,
			 struct err *e)
{
	const char *currency = w->o->currency	    ? w->o->currency
			       : *w->bill->currency ? w->bill->currency
						    : "USD";
	struct repricing x = { w, tariffs_open(w->o->book, NULL, currency), f, beside, e };
	int rc =
		store_each_row(s,
			       &(struct row_span){ 1, store_last_seq(s), f->since.us, f->until.us },
			       add_repriced, &x, e);
	tariffs_close(x.tariffs);
	return rc;
}

static int read_metered(struct work *w, struct store *s, int64_t from, int64_t to, struct err *e)
{
	const struct bill *bill = w->bill;
	static const enum grouping dims[] = { BY_DAY, BY_PROVIDER, BY_MODEL };
	const struct usage_filter f = { .since = zone_midnight(w->zone, from),
					.until = zone_midnight(w->zone, to),
					.customer = w->o->customer,
					.project = w->o->project };
	struct usage_result *r;
	if (!w->o->currency && !*bill->currency && bill->unclear)
		return err_set(
			e, ERR_INVALID,
			"the bill does not say its currency: %s; name it with " ASKED("currency"),
			bill->unclear);
	if (w->o->currency && *bill->currency && strcmp(bill->currency, w->o->currency) != 0)
		return err_set(e, ERR_INVALID,
			       "the bill is in %s, and " ASKED("currency") " asks for %s",
			       bill->currency, w->o->currency);
	if (w->o->currency)
		return read_repriced(w, s, &f, false, e);
	int rc = usage_query(&r, s, &f, &(struct usage_grouping){ dims, 3, w->zone }, e);
	if (rc != 0)
		return rc;
	const struct usage_sums *total = usage_total(r);
	if (*bill->currency && total->records > total->unpriced &&
	    strcmp(bill->currency, usage_currency(r)) != 0)
		rc = err_set(e, ERR_INVALID,
			     "the bill is in %s and the metered half in %s; if the cards state "
			     "prices in %s, compare with " ASKED("currency") " %s",
			     bill->currency, usage_currency(r), bill->currency, bill->currency);
	for (size_t i = 0; rc == 0 && i < usage_group_count(r); i++) {
		struct civil c;
		if (w->o->provider && !text_is(usage_label(r, i, 1), w->o->provider))
			continue;
		rc = civil_parse(&c, usage_label(r, i, 0), e);
		if (rc == 0)
			add_metered(line_of(w, civil_to_day(c), usage_label(r, i, 2)),
				    usage_group(r, i));
	}
	usage_result_close(r);
	return rc;
}

/* The same by the cards as they are now, where some line differs: a price may have changed since.
 */
static int read_at_cards(struct work *w, struct store *s, int64_t from, int64_t to, struct err *e)
{
	const struct usage_filter f = { .since = zone_midnight(w->zone, from),
					.until = zone_midnight(w->zone, to) };
	bool differs = false;
	for (size_t i = 0; i < w->out->lines; i++) {
		const struct reconciled *l = &w->out->line[i];
		differs |= l->billed.has_cost && l->metered.records &&
			   l->billed.cost.atto != l->metered.cost.atto;
	}
	return differs ? read_repriced(w, s, &f, true, e) : 0;
}

static int by_day(const void *a, const void *b)
{
	const struct reconciled *x = a, *y = b;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return text_cmp(x->model, y->model);
}

static void judge(struct work *w, struct reconciled *l)
{
	struct reconciliation *r = w->out;
	const int128 most = w->o->tolerance.atto;
	bool billed = l->billed.has_cost || l->billed.has_tokens;
	l->difference = money_total_minus(l->billed.cost, l->metered.cost);
	bill_tokens_compare(r, l);
	bool rounded = !w->o->exact && l->bound.atto > most;
	int128 bound = rounded ? l->bound.atto : most;
	bool far =
		l->billed.has_cost && (l->difference.atto > bound || l->difference.atto < -bound);
	if (billed && l->metered.records)
		l->match = far || l->tokens_differ ? DIFFERS : MATCHES;
	else
		l->match = billed ? BILLED_ONLY : METERED_ONLY;
	/* a day of nothing on either side is no finding */
	if (l->match == BILLED_ONLY && l->billed.cost.atto == 0 && !l->billed.input &&
	    !l->billed.output && !l->billed.cache_read)
		l->match = MATCHES;
	if (l->match == METERED_ONLY && l->metered.cost.atto == 0 && !l->metered.unpriced &&
	    !l->metered.placeholders)
		l->match = MATCHES; /* calls that cost nothing, and were not billed */
	if (l->match == MATCHES)
		money_total_add(&r->rounding, l->difference);
	r->count[l->match]++;
	r->unpriced += l->metered.unpriced;
	r->placeholders += l->metered.placeholders;
	money_total_add(&r->billed, l->billed.cost);
	money_total_add(&r->metered, l->metered.cost);
}

/* Where tokens differ, what the billed ones cost by the cards: whether they are the difference. */
static void price_tokens(struct work *w)
{
	struct reconciliation *r = w->out;
	const char *currency = w->o->currency	    ? w->o->currency
			       : *w->bill->currency ? w->bill->currency
						    : "USD";
	struct tariffs *tariffs = w->o->book ? tariffs_open(w->o->book, NULL, currency) : NULL;
	for (size_t i = 0; tariffs && i < r->lines; i++) {
		struct reconciled *l = &r->line[i];
		if (l->tokens_differ && l->billed.has_cost && l->end == l->day + 1)
			l->has_at_billed_tokens =
				bill_tokens_price(r, l, tariffs, zone_midnight(w->zone, l->day).us,
						  zone_midnight(w->zone, l->end).us,
						  &l->at_billed_tokens);
	}
	tariffs_close(tariffs);
}

static void name_zone(struct work *w, const char *name)
{
	snprintf(w->out->zone, sizeof w->out->zone, "%s", name);
}

/* The zone of the days: the one asked for, the one whose offset the bill states, that of its kind,
 * or UTC. */
static int open_zone(struct work *w, struct zone **own, struct err *e)
{
	const struct bill *bill = w->bill;
	char name[32];
	long long hours = bill->offset_us / US_PER_HOUR;
	if (w->o->zone) {
		w->zone = w->o->zone;
		name_zone(w, w->o->zone_name);
		return 0;
	}
	if (bill->offset_us % US_PER_HOUR != 0)
		return err_set(e, ERR_USAGE,
			       "the bill's days are not at whole hours from UTC; name their zone "
			       "with -z");
	/* the signs of these names are reversed */
	snprintf(name, sizeof name, "Etc/GMT%+lld", -hours);
	bool of_kind = bill->zone && !bill->has_offset;
	int rc = zone_open(own, of_kind ? bill->zone : hours ? name : "UTC", e);
	w->zone = *own;
	snprintf(name, sizeof name, "UTC%+lld", hours);
	name_zone(w, of_kind ? bill->zone : hours ? name : "UTC");
	return rc;
}

/* The first day that begins at or after t, which must begin one. */
static int day_at(struct work *w, struct instant t, int64_t *out, struct err *e)
{
	*out = zone_day(w->zone, t);
	if (zone_midnight(w->zone, *out).us == t.us)
		return 0;
	return err_set(e, ERR_USAGE,
		       "a bill covers whole days: " ASKED("since") " and " ASKED(
			       "until") " must be days in its zone "
					"(-z names another)");
}

static int days_of(struct work *w, int64_t *from, int64_t *to, struct err *e)
{
	const struct bill *bill = w->bill;
	int rc = 0;
	/* the days of the bill, unless others are asked for */
	*from = bill->line[0].day;
	*to = bill->line[0].end;
	for (size_t i = 0; i < bill->lines; i++) /* of a tax or a fee its first day says enough */
		if (bill->line[i].kind == BILL_USAGE && bill->line[i].end > *to)
			*to = bill->line[i].end;
		else if (bill->line[i].day >= *to)
			*to = bill->line[i].day + 1;
	for (size_t i = 0; i < bill->quiets; i++) {
		*from = bill->quiet[i] < *from ? bill->quiet[i] : *from;
		*to = bill->quiet[i] >= *to ? bill->quiet[i] + 1 : *to;
	}
	if (w->o->since.us != INSTANT_MIN.us)
		rc = day_at(w, w->o->since, from, e);
	if (rc == 0 && w->o->until.us != INSTANT_MAX.us)
		rc = day_at(w, w->o->until, to, e);
	if (rc == 0 && *from >= *to)
		rc = err_set(e, ERR_USAGE, "the bill has no day in that period");
	w->out->from = *from;
	w->out->to = *to;
	return rc;
}

static int look_at_lines(struct work *w, struct err *e)
{
	const struct bill *bill = w->bill;
	bool projects = false;
	for (size_t i = 0; i < bill->lines; i++) {
		w->by_model |= bill->line[i].kind == BILL_USAGE && bill->line[i].model.n > 0;
		projects |= bill->line[i].project.n > 0;
	}
	w->out->total_is_wrong = bill->total_is_wrong;
	if (w->o->project && !projects)
		return err_set(
			e, ERR_USAGE,
			"the bill names no projects: " ASKED("project") " would narrow the metered "
									"half only");
	return 0;
}

/* A period that begins or ends within the days of a row asks for a part of what it says. */
static int check_spans(struct work *w, int64_t from, int64_t to, struct err *e)
{
	find_spans(w);
	for (size_t i = 0; i < w->spans; i++)
		if ((w->span[i].from < from && w->span[i].to > from) ||
		    (w->span[i].from < to && w->span[i].to > to))
			return err_set(e, ERR_USAGE,
				       "a row of the bill covers %lld days: " ASKED(
					       "since") " and " ASKED("until") " must "
									       "not divide them",
				       (long long)(w->span[i].to - w->span[i].from));
	return 0;
}

/* Both halves are here: what differs, and why. */
static void find_causes(struct work *w)
{
	struct reconciliation *out = w->out;
	bill_names_join(out);
	if (out->lines)
		qsort(out->line, out->lines, sizeof *out->line, by_day);
	for (size_t i = 0; i < out->lines; i++)
		judge(w, &out->line[i]);
	price_tokens(w);
	causes_find(out, w->bill);
	out->difference = money_total_minus(out->billed, out->metered);
}

int reconcile(struct reconciliation *out, struct store *s, const struct bill *bill,
	      const struct reconcile_options *o, struct err *e)
{
	struct work w = { .out = out, .o = o, .bill = bill };
	struct zone *own = NULL;
	int64_t from, to;
	*out = (struct reconciliation){ 0 };
	int rc = open_zone(&w, &own, e);
	if (rc == 0)
		rc = days_of(&w, &from, &to, e);
	if (rc == 0)
		rc = look_at_lines(&w, e);
	if (rc == 0)
		rc = check_spans(&w, from, to, e);
	if (rc == 0) {
		add_bill(&w, from, to);
		rc = read_metered(&w, s, from, to, e);
	}
	if (rc == 0 && !o->currency && o->book)
		rc = read_at_cards(&w, s, from, to, e);
	if (rc == 0)
		find_causes(&w);
	else
		reconciliation_release(out);
	zone_close(own);
	dict_release(&w.index);
	free(w.span);
	return rc;
}

void reconciliation_release(struct reconciliation *r)
{
	free(r->line);
	free(r->part);
	free(r->other);
	arena_release(&r->arena);
	*r = (struct reconciliation){ 0 };
}
