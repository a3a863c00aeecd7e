#include "meter/billing/reconcile.h"

#include <stdlib.h>

#include "base/dict.h"
#include "base/zone.h"

const char *match_name(enum match m)
{
	static const char *const names[] = { "matches", "differs", "billed only", "metered only" };
	return names[m];
}

struct work {
	struct reconciliation *out;
	struct dict index;
	const struct reconcile_options *o;
	bool by_model; /* the bill names models */
};

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
	struct buf key = { 0 };
	model = w->by_model ? resolved(w, model, day) : (struct text){ "", 0 };
	buf_int(&key, day);
	buf_puts(&key, " ");
	buf_add(&key, model.p, model.n);
	uint64_t *at = dict_need(&w->index, (struct text){ key.p, key.n }, NULL);
	buf_release(&key);
	if (!*at) {
		if ((r->lines & (r->lines - 1)) == 0)
			r->line =
				mem_grow(r->line, (r->lines ? r->lines * 2 : 64) * sizeof *r->line);
		r->line[r->lines] = (struct reconciled){
			.day = day,
			.model = { arena_text(&r->arena, model.n ? model.p : "", model.n), model.n }
		};
		*at = ++r->lines;
	}
	return &r->line[*at - 1];
}

static void add_bill(struct work *w, const struct bill *bill, int64_t from, int64_t to)
{
	for (size_t i = 0; i < bill->lines; i++) {
		const struct bill_line *b = &bill->line[i];
		if (b->day < from || b->day >= to)
			continue;
		struct reconciled *l = line_of(w, b->day, b->model);
		money_total_add(&l->billed.cost, b->cost);
		l->billed.has_cost |= b->has_cost;
		l->billed.has_tokens |= b->has_tokens;
		l->billed.input += b->input;
		l->billed.cache_read += b->cache_read;
		l->billed.output += b->output;
	}
}

static void add_metered(struct reconciled *l, const struct usage_sums *s)
{
	l->metered.records += s->records;
	l->metered.unpriced += s->unpriced;
	money_total_add(&l->metered.cost, s->cost);
	for (int b = 0; b < BUCKET_COUNT; b++)
		l->metered.tokens[b] += s->tokens[b];
}

static int read_metered(struct work *w, struct store *s, const struct bill *bill, int64_t from,
			int64_t to, struct err *e)
{
	static const enum usage_dim dims[] = { USAGE_BY_DAY, USAGE_BY_PROVIDER, USAGE_BY_MODEL };
	const struct usage_filter f = { .since = { from * US_PER_DAY },
					.until = { to * US_PER_DAY },
					.customer = w->o->customer,
					.project = w->o->project };
	struct usage_result *r;
	struct zone *utc;
	int rc = zone_open(&utc, "UTC", e);
	if (rc != 0)
		return rc;
	rc = usage_query(&r, s, dims, 3, &f, utc, e);
	zone_close(utc);
	if (rc != 0)
		return rc;
	const struct usage_sums *total = usage_total(r);
	if (*bill->currency && total->records > total->unpriced &&
	    strcmp(bill->currency, usage_currency(r)) != 0)
		rc = err_set(e, ERR_INVALID, "the bill is in %s and the metered half in %s",
			     bill->currency, usage_currency(r));
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
	const int64_t *t = l->metered.tokens;
	bool billed = l->billed.has_cost || l->billed.has_tokens;
	l->difference = money_total_minus(l->billed.cost, l->metered.cost);
	int64_t written = t[BUCKET_CACHE_WRITE_5M] + t[BUCKET_CACHE_WRITE_1H];
	l->tokens_differ = l->billed.has_tokens && l->metered.records &&
			   (l->billed.input != t[BUCKET_INPUT] + written ||
			    l->billed.cache_read != t[BUCKET_CACHE_READ] ||
			    l->billed.output != t[BUCKET_OUTPUT]);
	bool far = l->billed.has_cost && (l->difference.atto > most || l->difference.atto < -most);
	if (billed && l->metered.records)
		l->match = far || l->tokens_differ ? DIFFERS : MATCHES;
	else
		l->match = billed ? BILLED_ONLY : METERED_ONLY;
	/* a day of nothing on either side is no finding */
	if (l->match == BILLED_ONLY && l->billed.cost.atto == 0 && !l->billed.input &&
	    !l->billed.output && !l->billed.cache_read)
		l->match = MATCHES;
	r->count[l->match]++;
	r->unpriced += l->metered.unpriced;
	money_total_add(&r->billed, l->billed.cost);
	money_total_add(&r->metered, l->metered.cost);
}

int reconcile(struct reconciliation *out, struct store *s, const struct bill *bill,
	      const struct reconcile_options *o, struct err *e)
{
	struct work w = { .out = out, .o = o };
	*out = (struct reconciliation){ 0 };
	/* the days of the bill, unless others are asked for */
	int64_t from = bill->line[0].day, to = bill->line[bill->lines - 1].day + 1;
	if (o->since.us != INSTANT_MIN.us)
		from = floor_div(o->since.us, US_PER_DAY);
	if (o->until.us != INSTANT_MAX.us)
		to = floor_div(o->until.us + US_PER_DAY - 1, US_PER_DAY);
	for (size_t i = 0; i < bill->lines; i++)
		w.by_model |= bill->line[i].model.n > 0;
	add_bill(&w, bill, from, to);
	int rc = from < to ? read_metered(&w, s, bill, from, to, e)
			   : err_set(e, ERR_USAGE, "the bill has no day in that period");
	dict_release(&w.index);
	if (rc != 0) {
		reconciliation_release(out);
		return rc;
	}
	if (out->lines)
		qsort(out->line, out->lines, sizeof *out->line, by_day);
	for (size_t i = 0; i < out->lines; i++)
		judge(&w, &out->line[i]);
	out->difference = money_total_minus(out->billed, out->metered);
	return 0;
}

void reconciliation_release(struct reconciliation *r)
{
	free(r->line);
	arena_release(&r->arena);
	*r = (struct reconciliation){ 0 };
}
