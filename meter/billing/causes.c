#include "meter/billing/causes.h"

#include <stdlib.h>

#include "base/dict.h"

const char *cause_name(enum cause c)
{
	static const char *const names[] = { "",
					     "moved by a day",
					     "another name",
					     "another price",
					     "a tier's factor",
					     "other tokens",
					     "unpriced calls",
					     "on no page",
					     "a day that the bill lacks" };
	return names[c];
}

static bool within(int128 a, int128 b, int128 bound)
{
	return a - b <= bound && b - a <= bound;
}

static bool is_open(const struct reconciled *l)
{
	return l->match != MATCHES && l->cause == CAUSE_NONE;
}

/* --- moved by a day --- */

static struct text day_and_model(const struct reconciled *l, int64_t day, struct buf *key)
{
	key->n = 0;
	buf_add(key, &day, sizeof day);
	buf_add(key, l->model.p, l->model.n);
	return (struct text){ key->p, key->n };
}

/* What was billed on one day and metered to the digit on the next or the one before has moved. */
static void find_moved(struct reconciliation *r)
{
	struct dict index = { 0 }; /* day and model to 1 + place */
	struct buf key = { 0 };
	for (size_t i = 0; i < r->lines; i++)
		*dict_need(&index, day_and_model(&r->line[i], r->line[i].day, &key), NULL) = i + 1;
	for (size_t i = 0; i < r->lines; i++) {
		struct reconciled *a = &r->line[i];
		const uint64_t *at = dict_find(&index, day_and_model(a, a->day + 1, &key));
		struct reconciled *b = at ? &r->line[*at - 1] : NULL;
		if (!b || !is_open(a) || !is_open(b) || a->difference.atto == 0 ||
		    a->difference.atto + b->difference.atto != 0)
			continue;
		r->moved.atto += a->difference.atto > 0 ? a->difference.atto : b->difference.atto;
		a->cause = b->cause = CAUSE_MOVED;
	}
	buf_release(&key);
	dict_release(&index);
}

/* --- billed under one name and metered under another --- */

/* Lines of a day that only the meter has, by what they cost; next: the first open one from there
 * on. */
struct metered_alone {
	struct reconciled *line;
	size_t next;
};

static int by_cost(const void *x, const void *y)
{
	const struct metered_alone *a = x, *b = y;
	const int128 c = a->line->metered.cost.atto, d = b->line->metered.cost.atto;
	if (c != d)
		return c < d ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* The first open one from that place on; each look shortens the way of the next ones. */
static size_t open_from(struct metered_alone *m, size_t at)
{
	size_t end = at;
	while (m[end].next != end)
		end = m[end].next;
	while (m[at].next != end) {
		const size_t next = m[at].next;
		m[at].next = end;
		at = next;
	}
	return end;
}

/* The first that costs at least so much. */
static size_t costs_from(const struct metered_alone *m, size_t count, int128 cost)
{
	size_t low = 0, high = count;
	while (low < high) {
		const size_t mid = (low + high) / 2;
		if (m[mid].line->metered.cost.atto < cost)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Of the day's lines [from, to): of several that cost as much, the cheapest is the partner. */
static void find_names(struct reconciliation *r, size_t from, size_t to, struct metered_alone *m)
{
	size_t count = 0;
	for (size_t i = from; i < to; i++)
		if (is_open(&r->line[i]) && r->line[i].match == METERED_ONLY)
			m[count++].line = &r->line[i];
	if (count)
		qsort(m, count, sizeof *m, by_cost);
	for (size_t i = 0; i <= count; i++)
		m[i].next = i;
	for (size_t i = from; i < to; i++) {
		struct reconciled *billed = &r->line[i];
		const int128 cost = billed->billed.cost.atto;
		if (!is_open(billed) || billed->match != BILLED_ONLY || !billed->billed.has_cost ||
		    cost == 0)
			continue;
		const size_t at = open_from(m, costs_from(m, count, cost - billed->bound.atto));
		if (at == count || !within(m[at].line->metered.cost.atto, cost, billed->bound.atto))
			continue;
		struct reconciled *metered = m[at].line;
		m[at].next = at + 1;
		billed->cause = metered->cause = CAUSE_NAME;
		billed->partner = metered->model;
		metered->partner = billed->model;
	}
}

static void find_pairs(struct reconciliation *r)
{
	struct metered_alone *m = mem_alloc((r->lines + 1) * sizeof *m);
	for (size_t from = 0, to; from < r->lines; from = to) {
		for (to = from; to < r->lines && r->line[to].day == r->line[from].day;)
			to++;
		find_names(r, from, to, m);
	}
	free(m);
	find_moved(r);
}

/* Batches cost half, some places a tenth more, a faster tier twice as much. */
static void find_factor(struct reconciled *l)
{
	static const struct {
		const char *name;
		int times, parts;
	} factors[] = { { "0.5", 1, 2 },  { "2", 2, 1 },    { "1.1", 11, 10 },
			{ "0.9", 9, 10 }, { "1.25", 5, 4 }, { "2.5", 5, 2 } };
	for (size_t i = 0; i < sizeof factors / sizeof *factors && is_open(l); i++)
		if (within(l->billed.cost.atto * factors[i].parts,
			   l->metered.cost.atto * factors[i].times,
			   l->bound.atto * factors[i].parts)) {
			l->cause = CAUSE_TIER;
			l->factor = factors[i].name;
		}
}

/* More or fewer tokens at the price at which the others were metered: by the cards as they are now
 * both halves are what they are. */
static void find_tokens(struct reconciled *l)
{
	const bool same_price = !l->has_at_cards || l->at_cards.atto == l->metered.cost.atto;
	if (l->has_at_billed_tokens && same_price && l->difference.atto != 0 &&
	    within(l->billed.cost.atto, l->at_billed_tokens.atto, l->bound.atto))
		l->cause = CAUSE_TOKENS;
}

static void find_alone(struct reconciled *l)
{
	/* calls without a price: the bill may hold them in its other lines */
	if (is_open(l) && l->match == METERED_ONLY && l->metered.unpriced &&
	    l->metered.cost.atto == 0)
		l->cause = CAUSE_UNPRICED;
	if (!is_open(l) || l->match != DIFFERS || !l->billed.has_cost)
		return;
	if (l->metered.unpriced && l->difference.atto > 0) {
		l->cause = CAUSE_UNPRICED;
		return;
	}
	if (l->tokens_differ)
		find_tokens(l);
	if (l->tokens_differ || l->metered.cost.atto <= 0)
		return;
	if (l->has_at_cards && l->at_cards.atto != l->metered.cost.atto &&
	    within(l->billed.cost.atto, l->at_cards.atto, l->bound.atto))
		l->cause = CAUSE_PRICE;
	else
		find_factor(l);
}

/* --- days of which the bill says nothing --- */

/* Days of which it says something: [from, to). */
struct said {
	int64_t from, to;
};

static int by_first_day(const void *x, const void *y)
{
	const struct said *a = x, *b = y;
	return a->from < b->from ? -1 : a->from > b->from;
}

/* Those of which the bill says what the usage cost, or that there was none. What is no usage (a
 * tax, a credit) may stand on any day. */
static struct said *days_said(const struct bill *bill, size_t *count)
{
	struct said *list = mem_alloc((bill->lines + bill->quiets + 1) * sizeof *list);
	size_t n = 0;
	for (size_t i = 0; i < bill->quiets; i++)
		list[n++] = (struct said){ bill->quiet[i], bill->quiet[i] + 1 };
	for (size_t i = 0; i < bill->lines; i++) {
		const struct bill_line *l = &bill->line[i];
		if (l->kind == BILL_USAGE || l->kind == BILL_FEE || l->kind == BILL_OTHER)
			list[n++] = (struct said){ l->day, l->end };
	}
	if (n)
		qsort(list, n, sizeof *list, by_first_day);
	*count = n;
	return list;
}

/* Those of a page, or of a file, that is missing. Lines are in the order of their days. */
static void find_silent(struct reconciliation *r, const struct bill *bill, enum cause cause)
{
	size_t count, next = 0;
	struct said *said = days_said(bill, &count);
	int64_t said_to = INT64_MIN;
	for (size_t from = 0, to; from < r->lines; from = to) {
		const int64_t day = r->line[from].day;
		bool found = false;
		for (to = from; to < r->lines && r->line[to].day == day; to++)
			found |= is_open(&r->line[to]) && r->line[to].match == METERED_ONLY &&
				 r->line[to].metered.cost.atto != 0;
		for (; next < count && said[next].from <= day; next++)
			said_to = said[next].to > said_to ? said[next].to : said_to;
		if (!found || day < said_to)
			continue;
		for (size_t i = from; i < to; i++)
			if (is_open(&r->line[i]))
				r->line[i].cause = cause;
		if (cause != CAUSE_SILENT)
			continue;
		r->silent_from = r->silent_days++ ? r->silent_from : day;
		r->silent_to = day;
	}
	free(said);
}

void causes_find(struct reconciliation *r, const struct bill *bill)
{
	if (bill->partial)
		find_silent(r, bill, CAUSE_PAGE);
	find_pairs(r);
	find_silent(r, bill, CAUSE_SILENT);
	for (size_t i = 0; i < r->lines; i++)
		find_alone(&r->line[i]);
	r->unexplained = money_total_minus(
		money_total_minus(money_total_minus(r->billed, r->metered), r->rounding),
		r->not_usage);
	for (size_t i = 0; i < r->lines; i++) {
		struct reconciled *l = &r->line[i];
		if (is_open(l))
			r->open++;
		if (l->cause == CAUSE_NONE)
			continue;
		money_total_add(&r->by_cause[l->cause], l->difference);
		r->unexplained = money_total_minus(r->unexplained, l->difference);
	}
}
