/*
 * price_spans: the price book laid out as a table: for every name that it knows, the stretches of
 * time in which its answer does not change.
 *
 * What other engines need that cannot ask the book themselves. Knows nothing of SQL.
 */
#ifndef TALLY_PRICING_PRICE_SPANS_H
#define TALLY_PRICING_PRICE_SPANS_H

#include "pricing/book.h"

/* A price under one window, or why there is none. */
struct span_answer {
	const struct price *price; /* NULL: unpriced */
	const struct tariff *tariff;
	const char *reason; /* "" when there is a price */
};

/* The region of every name that no card mentions. */
#define SPAN_OTHER_REGION "(any other)"

/* As usage names them, in lower case; service_tier is empty for standard, region where none is
 * stated. */
struct span_name {
	const char *provider, *model, *service_tier, *region;
};

struct price_span {
	const struct span_name *name;
	struct instant from, until;
	size_t answer; /* of price_spans.answer */
	bool guess;    /* the holidays that would decide are not known */
};

struct price_spans {
	struct arena arena;
	struct span_answer *answer;
	size_t answer_count;
	struct price_span *span; /* by name, and in the order of time without gaps */
	size_t count;
	const char **service_tier, **region; /* every one that some card names */
	size_t tier_count, region_count;
};

struct spans_wanted {
	const char *currency;
	struct instant since, until;
	bool tiers, regions;	  /* usage names them */
	const char *const *model; /* only these names, ignoring case; all when there are none */
	size_t model_count;
};

/*
 * Errors: ERR_NOT_FOUND when a wanted model is not known; ERR_AMBIGUOUS when two names that differ
 * only in case have different prices, which such a table cannot tell apart.
 */
int price_spans_make(struct price_spans *out, const struct book *book,
		     const struct spans_wanted *wanted, struct err *e);
void price_spans_release(struct price_spans *s);

#endif
