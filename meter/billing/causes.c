#include "meter/billing/causes.h"

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

/* What was billed on one day and metered to the digit on the next or the one before has moved. */
static void find_moved(struct reconciliation *r, struct reconciled *a, struct reconciled *b)
{
	if (b->day != a->day + 1 || !text_eq(a->model, b->model) || a->difference.atto == 0 ||
	    a->difference.atto + b->difference.atto != 0)
		return;
	r->moved.atto += a->difference.atto > 0 ? a->difference.atto : b->difference.atto;
	a->cause = b->cause = CAUSE_MOVED;
}

/* What was billed under one name and metered under another. */
static void find_name(struct reconciled *a, struct reconciled *b)
{
	struct reconciled *billed = a->match == BILLED_ONLY ? a : b;
	struct reconciled *metered = billed == a ? b : a;
	if (a->day != b->day || billed->match != BILLED_ONLY || metered->match != METERED_ONLY ||
	    !billed->billed.has_cost || billed->billed.cost.atto == 0 ||
	    !within(billed->billed.cost.atto, metered->metered.cost.atto, billed->bound.atto))
		return;
	billed->cause = metered->cause = CAUSE_NAME;
	billed->partner = metered->model;
	metered->partner = billed->model;
}

static void find_pairs(struct reconciliation *r)
{
	for (size_t i = 0; i < r->lines; i++)
		for (size_t k = i + 1; k < r->lines && r->line[k].day <= r->line[i].day + 1; k++) {
			struct reconciled *a = &r->line[i], *b = &r->line[k];
			if (is_open(a) && is_open(b))
				find_moved(r, a, b);
			if (is_open(a) && is_open(b))
				find_name(a, b);
		}
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

/* Whether the bill says what the day's usage cost, or that there was none. What is no usage (a tax,
 * a credit) may stand on any day. */
static bool speaks_of(const struct bill *bill, int64_t day)
{
	for (size_t i = 0; i < bill->quiets; i++)
		if (bill->quiet[i] == day)
			return true;
	for (size_t i = 0; i < bill->lines; i++) {
		const struct bill_line *l = &bill->line[i];
		const bool used =
			l->kind == BILL_USAGE || l->kind == BILL_FEE || l->kind == BILL_OTHER;
		if (used && l->day <= day && day < l->end)
			return true;
	}
	return false;
}

/* Days of which the bill says nothing: those of a page, or of a file, that is missing. */
static void find_silent(struct reconciliation *r, const struct bill *bill, enum cause cause)
{
	for (size_t from = 0, to; from < r->lines; from = to) {
		const int64_t day = r->line[from].day;
		bool found = false;
		for (to = from; to < r->lines && r->line[to].day == day; to++)
			found |= is_open(&r->line[to]) && r->line[to].match == METERED_ONLY &&
				 r->line[to].metered.cost.atto != 0;
		if (!found || speaks_of(bill, day))
			continue;
		for (size_t i = from; i < to; i++)
			if (is_open(&r->line[i]))
				r->line[i].cause = cause;
		if (cause != CAUSE_SILENT)
			continue;
		r->silent_from = r->silent_days++ ? r->silent_from : day;
		r->silent_to = day;
	}
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
