#include "pricing/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_series(const struct price *a, const struct price *b)
{
	return same_text(a->provider, b->provider) && same_text(a->model, b->model) &&
	       same_text(a->currency, b->currency) && same_text(a->service_tier, b->service_tier) &&
	       same_text(a->region, b->region) && a->promotion == b->promotion;
}

static int series_order(const struct price *a, const struct price *b)
{
	int c = strcmp(a->provider, b->provider);
	c = c ? c : strcmp(a->model, b->model);
	c = c ? c : strcmp(a->currency, b->currency);
	c = c ? c : strcmp(a->service_tier, b->service_tier);
	c = c ? c : strcmp(a->region ? a->region : "", b->region ? b->region : "");
	return c ? c : a->promotion - b->promotion;
}

/* A price, and which of the cards states it. */
struct stated {
	const struct price *price;
	size_t card;
};

static int stated_order(const void *x, const void *y)
{
	const struct stated *a = x, *b = y;
	const int c = series_order(a->price, b->price);
	if (c)
		return c;
	if (a->price->from.us != b->price->from.us)
		return a->price->from.us < b->price->from.us ? -1 : 1;
	return (a->card > b->card) - (a->card < b->card);
}

/* Those that are used, in the order of their series and times; of mem_alloc. */
static struct stated *sorted_prices(const struct card *const *cards, size_t count, size_t *n)
{
	size_t all = 0;
	for (size_t i = 0; i < count; i++)
		all += cards[i]->price_count;
	struct stated *sorted = mem_alloc((all + 1) * sizeof *sorted);
	*n = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < cards[i]->price_count; k++)
			if (!cards[i]->price[k].withdrawn)
				sorted[(*n)++] = (struct stated){ &cards[i]->price[k], i };
	qsort(sorted, *n, sizeof *sorted, stated_order);
	return sorted;
}

/* An alias, and which of the cards states it. */
struct stated_alias {
	const struct alias *alias;
	size_t card, at;
};

static int alias_order(const void *x, const void *y)
{
	const struct stated_alias *a = x, *b = y;
	int c = strcmp(a->alias->alias, b->alias->alias);
	c = c ? c : strcmp(a->alias->provider, b->alias->provider);
	c = c ? c : (a->card > b->card) - (a->card < b->card);
	return c ? c : (a->at > b->at) - (a->at < b->at);
}

static bool same_alias(const struct alias *a, const struct alias *b)
{
	return strcmp(a->alias, b->alias) == 0 && strcmp(a->provider, b->provider) == 0;
}

static struct instant later(struct instant a, struct instant b)
{
	return a.us > b.us ? a : b;
}

static const char *from_words(struct instant t, char text[INSTANT_TEXT_MAX])
{
	return t.us == INSTANT_MIN.us ? "all times" : instant_format(t, text);
}

/* The file of a card and the place in it; of one card alone just the place. */
static void add_fault(struct fault_list *faults, const struct card *c, const char *place,
		      const char *message)
{
	char both[400];
	snprintf(both, sizeof both, "%.200s%s%s", c ? card_name(c) : "", c ? ": " : "", place);
	fault_add(faults, both, "%s", message);
}

/* x and y, in that order, mean two models at one instant. */
static void aliases_differ(const struct card *const *cards, const struct stated_alias *x,
			   const struct stated_alias *y, struct fault_list *faults)
{
	const struct alias *a = x->alias, *b = y->alias;
	const bool between = x->card != y->card;
	char place[40], text[INSTANT_TEXT_MAX];
	struct buf m = { 0 };
	if (between)
		buf_printf(&m, "contradicts %.100s: ", card_name(cards[x->card]));
	buf_printf(&m, "'%.100s' of %.60s means '%.100s' there and '%.100s' here at %s", b->alias,
		   b->provider, a->model, b->model, from_words(later(a->from, b->from), text));
	if (!between)
		buf_printf(&m, " (there: aliases[%zu])", x->at);
	snprintf(place, sizeof place, "aliases[%zu]", y->at);
	add_fault(faults, between ? cards[y->card] : NULL, place, m.p);
	buf_release(&m);
}

/* Aliases that mean two models at once: within a card, or between two. */
static void find_aliases(const struct card *const *cards, size_t count, struct fault_list *faults)
{
	size_t all = 0, n = 0;
	for (size_t i = 0; i < count; i++)
		all += cards[i]->alias_count;
	struct stated_alias *sorted = mem_alloc((all + 1) * sizeof *sorted);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < cards[i]->alias_count; k++)
			sorted[n++] = (struct stated_alias){ &cards[i]->alias[k], i, k };
	qsort(sorted, n, sizeof *sorted, alias_order);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n && same_alias(sorted[i].alias, sorted[k].alias); k++) {
			const struct alias *a = sorted[i].alias, *b = sorted[k].alias;
			if ((sorted[i].card != sorted[k].card) == (count > 1) &&
			    a->from.us < b->to.us && b->from.us < a->to.us &&
			    strcmp(a->model, b->model) != 0)
				aliases_differ(cards, &sorted[i], &sorted[k], faults);
		}
	free(sorted);
}

/* --- one card --- */

static bool gap_is_declared(json_value *gaps, const struct price *p, struct instant from,
			    struct instant to)
{
	for (json_value *g = json_first(gaps); g; g = json_next(g)) {
		struct instant a = INSTANT_MIN, b = INSTANT_MAX;
		instant_parse(&a, json_string(json_member(g, "from")), NULL);
		instant_parse(&b, json_string(json_member(g, "to")), NULL);
		if (text_is(json_string(json_member(g, "model")), p->model) &&
		    text_is(json_string(json_member(g, "currency")), p->currency) &&
		    a.us <= from.us && b.us >= to.us)
			return true;
	}
	return false;
}

/* Without the file: "prices[3]". */
static const char *place_in_card(const struct price *p)
{
	const char *place = strstr(p->place, ": prices[");
	return place ? place + 2 : p->place;
}

void series_check(const struct card *c, json_value *gaps, struct fault_list *faults)
{
	size_t n;
	struct stated *sorted = sorted_prices(&c, 1, &n);
	for (size_t i = 1; i < n; i++) {
		const struct price *a = sorted[i - 1].price, *b = sorted[i].price;
		char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
		if (!same_series(a, b))
			continue;
		if (a->to.us > b->from.us)
			fault_add(faults, place_in_card(b),
				  "overlaps %s of %s in %s: both would hold at %s", a->id, b->model,
				  b->currency, from_words(b->from, from));
		else if (a->to.us < b->from.us && !a->promotion &&
			 !gap_is_declared(gaps, b, a->to, b->from))
			fault_add(faults, place_in_card(b),
				  "gap: no price of %s in %s from %s to %s (declare it under "
				  "\"gaps\" if it is meant)",
				  b->model, b->currency, instant_format(a->to, from),
				  instant_format(b->from, to));
	}
	free(sorted);
	find_aliases(&c, 1, faults);
}

/* --- several cards --- */

/* The first bucket of which they say something different, or -1. */
static int rates_differ(const struct rates *a, const struct rates *b)
{
	for (int k = 0; k < BUCKET_COUNT; k++)
		if ((a->known >> k & 1) != (b->known >> k & 1) ||
		    (a->known >> k & 1 && a->per_million[k].pico != b->per_million[k].pico))
			return k;
	return -1;
}

static bool same_hours(const struct calendar *a, const struct calendar *b)
{
	if (!a || !b)
		return a == b;
	bool same = strcmp(a->zone_name, b->zone_name) == 0 && a->hour_count == b->hour_count &&
		    a->period_count == b->period_count;
	for (size_t i = 0; same && i < a->hour_count; i++)
		same = a->hours[i].from_min == b->hours[i].from_min &&
		       a->hours[i].to_min == b->hours[i].to_min;
	for (size_t i = 0; same && i < a->period_count; i++) {
		const struct calendar_period *p = &a->period[i], *q = &b->period[i];
		const struct holidays *h = p->except, *g = q->except;
		same = p->from.us == q->from.us && p->to.us == q->to.us &&
		       p->weekdays == q->weekdays && !h == !g &&
		       (!h || (h->count == g->count && h->covers.first == g->covers.first &&
			       h->covers.last == g->covers.last));
		for (size_t k = 0; same && h && k < h->count; k++)
			same = h->range[k].first == g->range[k].first &&
			       h->range[k].last == g->range[k].last;
	}
	return same;
}

static bool same_tariff(const struct tariff *a, const struct tariff *b)
{
	bool same = a->tier_count == b->tier_count && rates_differ(&a->rates, &b->rates) < 0 &&
		    same_hours(a->calendar, b->calendar);
	for (size_t i = 0; same && i < a->tier_count; i++)
		same = a->tier[i].above == b->tier[i].above &&
		       a->tier[i].inclusive == b->tier[i].inclusive &&
		       rates_differ(&a->tier[i].rates, &b->tier[i].rates) < 0;
	return same;
}

static bool has_fee(const struct price *p, const struct fee *f)
{
	for (size_t i = 0; i < p->fee_count; i++)
		if (strcmp(p->fee[i].unit, f->unit) == 0 && p->fee[i].per == f->per &&
		    p->fee[i].amount.pico == f->amount.pico && !p->fee[i].unless == !f->unless)
			return true;
	return false;
}

/* Whether a call costs the same by both. */
static bool same_price(const struct price *a, const struct price *b)
{
	bool same = a->tariff_count == b->tariff_count && a->fee_count == b->fee_count;
	for (size_t i = 0; same && i < a->tariff_count; i++)
		same = same_tariff(&a->tariff[i], &b->tariff[i]);
	for (size_t i = 0; same && i < a->fee_count; i++)
		same = has_fee(b, &a->fee[i]);
	return same;
}

static void put_rate(struct buf *out, const struct rates *r, int bucket)
{
	char text[DECIMAL_TEXT_MAX];
	if (r->known >> bucket & 1)
		buf_printf(out, "%s %s", bucket_name((enum bucket)bucket),
			   money_format(r->per_million[bucket], text));
	else
		buf_printf(out, "no price of %s", bucket_name((enum bucket)bucket));
}

/* " (input 3 there, input 5 here)": where they differ first. */
static void put_difference(struct buf *out, const struct price *there, const struct price *here)
{
	const struct rates *a = &there->tariff[there->tariff_count - 1].rates,
			   *b = &here->tariff[here->tariff_count - 1].rates;
	const int bucket = rates_differ(a, b);
	if (bucket < 0) {
		buf_puts(out, " (their windows, tiers or fees differ)");
		return;
	}
	buf_puts(out, " (");
	put_rate(out, a, bucket);
	buf_puts(out, " there, ");
	put_rate(out, b, bucket);
	buf_puts(out, " here)");
}

static void prices_contradict(const struct card *const *cards, const struct stated *x,
			      const struct stated *y, struct fault_list *faults)
{
	const struct stated *there = x->card < y->card ? x : y, *here = there == x ? y : x;
	const struct price *a = there->price, *b = here->price;
	char text[INSTANT_TEXT_MAX];
	struct buf m = { 0 };
	buf_printf(&m, "contradicts %.100s: both state a price of %.60s/%.100s",
		   card_name(cards[there->card]), b->provider, b->model);
	if (strcmp(b->service_tier, "standard") != 0)
		buf_printf(&m, " (%.40s)", b->service_tier);
	if (b->region)
		buf_printf(&m, " in region '%.40s'", b->region);
	buf_printf(&m, " in %s at %s", b->currency, from_words(later(a->from, b->from), text));
	put_difference(&m, a, b);
	add_fault(faults, cards[here->card], place_in_card(b), m.p);
	buf_release(&m);
}

/* Prices of a series that overlap: all those that begin before an earlier one ends. */
static void find_prices(const struct card *const *cards, size_t count, struct fault_list *faults)
{
	size_t n;
	struct stated *sorted = sorted_prices(cards, count, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n && same_series(sorted[i].price, sorted[k].price); k++)
			if (sorted[i].card != sorted[k].card &&
			    sorted[k].price->from.us < sorted[i].price->to.us &&
			    !same_price(sorted[i].price, sorted[k].price))
				prices_contradict(cards, &sorted[i], &sorted[k], faults);
	free(sorted);
}

/* Where the prices of that name begin among the sorted ones. */
static size_t first_of_name(const struct stated *sorted, size_t n, const char *provider,
			    const char *model)
{
	size_t low = 0;
	while (low < n) {
		const size_t mid = (low + n) / 2;
		int c = strcmp(sorted[mid].price->provider, provider);
		c = c ? c : strcmp(sorted[mid].price->model, model);
		if (c < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

/* A name that is an alias in one card and has a price of its own in another. */
static void find_both(const struct card *const *cards, size_t count, struct fault_list *faults)
{
	size_t n;
	struct stated *sorted = sorted_prices(cards, count, &n);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < cards[i]->alias_count; k++) {
			const struct alias *a = &cards[i]->alias[k];
			char place[40], message[500], text[INSTANT_TEXT_MAX];
			size_t at = first_of_name(sorted, n, a->provider, a->alias);
			for (; at < n; at++) {
				const struct price *p = sorted[at].price;
				if (strcmp(p->provider, a->provider) != 0 ||
				    strcmp(p->model, a->alias) != 0)
					break;
				if (sorted[at].card == i || p->from.us >= a->to.us ||
				    a->from.us >= p->to.us)
					continue;
				snprintf(place, sizeof place, "aliases[%zu]", k);
				snprintf(message, sizeof message,
					 "contradicts %.100s: '%.80s' of %.60s has a price of its "
					 "own there and means '%.80s' here at %s",
					 card_name(cards[sorted[at].card]), a->alias, a->provider,
					 a->model, from_words(later(a->from, p->from), text));
				add_fault(faults, cards[i], place, message);
				break;
			}
		}
	free(sorted);
}

size_t cards_contradict(const struct card *const *cards, size_t count, struct fault_list *faults)
{
	const size_t before = faults->count;
	find_prices(cards, count, faults);
	find_aliases(cards, count, faults);
	find_both(cards, count, faults);
	return faults->count - before;
}
