#include "meter/store/price_dates.h"

#include <stdlib.h>
#include <string.h>

/* A stored price that a later one may have replaced before it ended. */
struct hinge {
	const struct stored_price *stored;
	struct stored_price later; /* what the same calls cost by it */
	const struct price *next;  /* which that is */
	struct instant since;	   /* the stored one was last seen then */
	struct usage_sums sums;
};

struct search {
	const struct book *book;
	struct hinge *hinge;
	size_t count;
};

static bool same_rates(const struct rates *a, const struct rates *b)
{
	for (int k = 0; k < BUCKET_COUNT; k++)
		if (((a->known ^ b->known) >> k & 1) ||
		    (a->known >> k & 1 && a->per_million[k].pico != b->per_million[k].pico))
			return false;
	return true;
}

/* The rates of `next` for prompts of the length that had the stored ones under p. */
static const struct rates *later_rates(const struct price *p, const struct price *next,
				       const struct stored_price *stored)
{
	const struct tariff *to = &next->tariff[next->tariff_count - 1];
	for (size_t i = 0; i < next->tariff_count; i++)
		if (text_is(stored->window, next->tariff[i].window))
			to = &next->tariff[i];
	for (size_t i = 0; i < p->tariff_count; i++)
		for (size_t k = 0; k < p->tariff[i].tier_count; k++)
			if (same_rates(&p->tariff[i].tier[k].rates, &stored->rates))
				return tariff_rates(to, p->tariff[i].tier[k].above + 1);
	return &to->rates;
}

static int note_price(struct search *x, struct store *s, int64_t number, struct err *e)
{
	const struct stored_price *stored;
	const struct price *p = NULL, *next = NULL;
	const int rc = store_stored_price(s, number, &stored, e);
	if (rc == 0 && stored->ref.n)
		p = book_price_in_doubt(x->book, stored->vendor, stored->model, stored->ref, &next);
	if (!p)
		return rc;
	if ((x->count & (x->count - 1)) == 0)
		x->hinge = mem_grow(x->hinge, (x->count ? x->count * 2 : 1) * sizeof *x->hinge);
	x->hinge[x->count++] = (struct hinge){
		.stored = stored,
		.later = { .rates = *later_rates(p, next, stored), .fee = next->fee },
		.next = next,
		.since = next->old_seen,
	};
	return 0;
}

static int find_hinges(struct search *x, struct store *s, struct err *e)
{
	int64_t numbers[64], last = 0;
	size_t n = 0;
	int rc = 0;
	/* a few at a time: what is asked of each needs the connection */
	do {
		struct query *q = NULL;
		n = 0;
		rc = db_prepare(
			store_db(s),
			"SELECT id FROM price WHERE id>:last AND ref<>'' ORDER BY id LIMIT 64", &q,
			e);
		if (rc == 0)
			db_bind_int(q, ":last", last);
		while (rc == 0 && (rc = db_step(store_db(s), q, e)) == 1) {
			last = numbers[n++] = db_int(q, 0);
			rc = 0;
		}
		db_drop(q);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = note_price(x, s, numbers[i], e);
	} while (rc == 0 && n == sizeof numbers / sizeof *numbers);
	return rc;
}

static int add_cell(void *user, const struct usage_call *c)
{
	struct search *x = user;
	for (size_t i = 0; i < x->count; i++)
		if (x->hinge[i].stored == c->price && c->time_us >= x->hinge[i].since.us)
			return usage_sums_add(&x->hinge[i].sums, c->sums, NULL);
	return 0;
}

static int add_up(struct price_dates *out, const struct search *x, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < x->count; i++) {
		const struct hinge *h = &x->hinge[i];
		struct money_total later = { 0 };
		struct stored_price later_price = h->later;
		bool stated = true;
		for (int b = 0; b < BUCKET_COUNT; b++)
			stated &= rate_billed_tokens(&h->later.rates, h->sums.tokens, b) == 0 ||
				  h->later.rates.known >> b & 1;
		if (!stated) {
			out->unknown += h->sums.records;
			continue;
		}
		later_price.fee_count = rate_fees_of_sums(h->next, h->sums.units);
		rc = stored_price_amount(&later_price, h->sums.counts, h->sums.requests, &later, e);
		const struct money_total change = money_total_minus(later, h->sums.cost);
		if (rc == 0 && !money_total_add(&out->difference, change))
			rc = err_set(e, ERR_RANGE, USAGE_DOES_NOT_FIT);
		out->records += change.atto ? h->sums.records : 0;
	}
	return rc;
}

int price_dates_of(struct price_dates *out, struct store *s, const struct book *b,
		   const struct usage_filter *f, struct err *e)
{
	struct search x = { .book = b };
	*out = (struct price_dates){ 0 };
	int rc = find_hinges(&x, s, e);
	struct instant first = INSTANT_MAX;
	for (size_t i = 0; i < x.count; i++)
		first.us = x.hinge[i].since.us < first.us ? x.hinge[i].since.us : first.us;
	struct usage_filter within = *f;
	within.since.us = first.us > f->since.us ? first.us : f->since.us;
	if (rc == 0 && x.count && within.since.us < within.until.us) {
		struct zone *utc = NULL;
		rc = zone_open(&utc, "UTC", e);
		struct usage_cells c = {
			.store = s, .filter = &within, .zone = utc, .take = add_cell, .user = &x
		};
		if (rc == 0)
			rc = usage_each_cell(&c, e);
		zone_close(utc);
	}
	if (rc == 0)
		rc = add_up(out, &x, e);
	free(x.hinge);
	return rc;
}
