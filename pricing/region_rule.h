/*
 * region_rule: where the price that names no region holds too, and where it holds times a factor.
 *
 * A card states it under "regions" (docs/card-format.md). A call that states a region has the price
 * of that region, or the price without one where a rule says that it costs the same there; else it
 * has none. What costs a factor becomes prices of their own when the card is read
 * (pricing/regional).
 */
#ifndef TALLY_PRICING_REGION_RULE_H
#define TALLY_PRICING_REGION_RULE_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/json.h"

struct fault_list;

/* The region of a price that holds in every one for which there is nothing closer. */
#define REGION_ANY_OTHER "*"

struct region_factor {
	const char *region; /* or REGION_ANY_OTHER */
	struct decimal times;
};

struct region_rule {
	const char *provider;	 /* NULL: any */
	const char *models;	 /* a model, the beginning of names (ends in a star), or "*" */
	const char *const *same; /* ended by NULL; "*": any, of a model without regional prices */
	const struct region_factor *times; /* of every token price and no fee; ended by no region */
	/* who calls it chooses a region always, and what a call that names none has cost is at
	 * least the price without a region, or less or more than that */
	enum { UNSAID_IS_SAME, UNSAID_IS_LEAST, UNSAID_IS_OPEN } unsaid;
	const char *doubt;  /* what is uncertain of those factors, or NULL */
	const char *source; /* or NULL */
};

/* One object of a card's "regions", for each of its models. Faults are added with their place. */
void region_rule_parse(struct region_rule **list, size_t *count, json_value *v, const char *place,
		       struct arena *a, struct fault_list *faults);
/* How closely the rule names that model: 0 not at all, an exact name most. */
size_t region_rule_names(const struct region_rule *r, const char *model);
/* Whether it costs the same in that region. has_regional_prices: the card states some. */
bool region_rule_holds(const struct region_rule *r, struct text region, bool has_regional_prices);

/* Whether it says so by the name of that region. */
bool region_rule_names_same(const struct region_rule *r, struct text region);

#endif
