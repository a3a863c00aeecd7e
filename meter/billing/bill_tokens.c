#include "meter/billing/bill_tokens.h"

#include <string.h>
#include <strings.h>

#include "pricing/rate.h"

static const char *const kinds[TOKEN_KINDS] = { "input", "cache_read", "cache_write", "output" };

const char *token_kind_name(enum token_kind k)
{
	return kinds[k];
}

/* How many decimal places a unit of tokens is wide; negative where it is none. */
static int places_of(struct text unit)
{
	static const struct {
		const char *unit;
		int places;
	} units[] = { { "tokens", 0 },	    { "token", 0 }, { "count", 0 },	{ "1", 0 },
		      { "1 token", 0 },	    { "1K", 3 },    { "1K tokens", 3 }, { "1K token", 3 },
		      { "1000 tokens", 3 }, { "1M", 6 },    { "1M tokens", 6 }, { "1M token", 6 } };
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (unit.n == strlen(units[i].unit) &&
		    strncasecmp(unit.p, units[i].unit, unit.n) == 0)
			return units[i].places;
	return -1;
}

static enum token_kind kind_of(struct text words)
{
	int k = 0;
	while (k < TOKEN_KINDS && !text_is(words, kinds[k]))
		k++;
	return (enum token_kind)k;
}

/* The tokens of one line of the bill, added to those of their kind. */
static bool add_line(int64_t billed[TOKEN_KINDS], const struct bill_line *b)
{
	const int places = places_of(b->unit);
	const enum token_kind k = kind_of(b->tokens);
	int64_t n;
	return b->has_quantity && places >= 0 && k < TOKEN_KINDS &&
	       decimal_to_int64(decimal_shift(b->quantity, places), 0, &n) &&
	       !__builtin_add_overflow(billed[k], n, &billed[k]);
}

static bool billed_by_lines(const struct reconciliation *r, const struct reconciled *l,
			    int64_t billed[TOKEN_KINDS])
{
	bool all = l->parts != 0;
	for (size_t at = l->parts; all && at; at = r->part[at - 1].next)
		all = add_line(billed, r->part[at - 1].line);
	return all;
}

void bill_tokens_compare(const struct reconciliation *r, struct reconciled *l)
{
	struct token_counts *t = &l->tokens;
	const int64_t *m = l->metered.tokens;
	const int64_t written = m[BUCKET_CACHE_WRITE_5M] + m[BUCKET_CACHE_WRITE_1H];
	*t = (struct token_counts){ .known = l->billed.has_tokens };
	if (t->known) {
		t->billed[TOKENS_INPUT] = l->billed.input;
		t->billed[TOKENS_CACHE_READ] = l->billed.cache_read;
		t->billed[TOKENS_OUTPUT] = l->billed.output;
	} else {
		t->known = billed_by_lines(r, l, t->billed);
	}
	t->metered[TOKENS_INPUT] = m[BUCKET_INPUT];
	t->metered[TOKENS_CACHE_READ] = m[BUCKET_CACHE_READ];
	t->metered[TOKENS_CACHE_WRITE] = written;
	t->metered[TOKENS_OUTPUT] = m[BUCKET_OUTPUT];
	/* columns and lines that tell no writes count them as input, and those that tell no cache
	 * all of the prompt */
	if (!t->billed[TOKENS_CACHE_WRITE] && t->billed[TOKENS_INPUT] != m[BUCKET_INPUT]) {
		t->metered[TOKENS_INPUT] += written;
		t->metered[TOKENS_CACHE_WRITE] = 0;
	}
	if (!l->billed.has_tokens && !t->billed[TOKENS_CACHE_READ] &&
	    !t->billed[TOKENS_CACHE_WRITE] &&
	    t->billed[TOKENS_INPUT] == t->metered[TOKENS_INPUT] + m[BUCKET_CACHE_READ]) {
		t->metered[TOKENS_INPUT] += m[BUCKET_CACHE_READ];
		t->metered[TOKENS_CACHE_READ] = 0;
	}
	l->tokens_differ = t->known && l->metered.records &&
			   memcmp(t->billed, t->metered, sizeof t->billed) != 0;
}

/* The tokens of one line, or of one row of counts, by the price that holds for its tier. */
static bool add_price(struct tariffs *tariffs, const struct reconciled *l, struct text tier,
		      const int64_t tokens[TOKEN_KINDS], struct money_total *cost)
{
	const struct text none = { "", 0 };
	const int64_t noon = l->day * US_PER_DAY + US_PER_DAY / 2;
	struct subject *s = tariffs_subject(tariffs, none, l->model, tier, none);
	const struct tariff_answer *a = tariffs_ask(tariffs, s, noon);
	struct usage u = { .requests = 1 };
	struct rating rating;
	u.tokens[BUCKET_INPUT] = tokens[TOKENS_INPUT];
	u.tokens[BUCKET_CACHE_READ] = tokens[TOKENS_CACHE_READ];
	u.tokens[BUCKET_CACHE_WRITE_5M] = tokens[TOKENS_CACHE_WRITE];
	u.tokens[BUCKET_OUTPUT] = tokens[TOKENS_OUTPUT];
	return a->price && rate_usage(&rating, &u, a->price, a->tariff, NULL) == 0 &&
	       money_total_add(cost, rating.total);
}

bool bill_tokens_price(const struct reconciliation *r, const struct reconciled *l,
		       struct tariffs *tariffs, int64_t from_us, int64_t to_us,
		       struct money_total *cost)
{
	const struct text none = { "", 0 };
	struct subject *s = tariffs_subject(tariffs, none, l->model, none, none);
	*cost = (struct money_total){ 0 };
	if (!l->tokens.known || tariffs_divided(tariffs, s, from_us, to_us))
		return false;
	if (l->billed.has_tokens)
		return add_price(tariffs, l, l->tier, l->tokens.billed, cost);
	bool all = true;
	for (size_t at = l->parts; all && at; at = r->part[at - 1].next) {
		int64_t one[TOKEN_KINDS] = { 0 };
		const struct bill_line *b = r->part[at - 1].line;
		all = add_line(one, b) && add_price(tariffs, l, b->tier, one, cost);
	}
	return all;
}
