/*
 * region_rule: where the price that names no region holds too.
 *
 * A card states it under "regions" (docs/card-format.md). A call that states a region has the price
 * of that region, or the price without one where a rule says that it costs the same there; else it
 * has none.
 */
#ifndef TALLY_PRICING_REGION_RULE_H
#define TALLY_PRICING_REGION_RULE_H

#include "base/arena.h"
#include "base/json.h"

struct fault_list;

struct region_rule {
	const char *provider;	 /* NULL: any */
	const char *models;	 /* a model, the beginning of names (ends in a star), or "*" */
	const char *const *same; /* ended by NULL; "*": any, of a model without regional prices */
};

/* One object of a card's "regions", for each of its models. Faults are added with their place. */
void region_rule_parse(struct region_rule **list, size_t *count, json_value *v, const char *place,
		       struct arena *a, struct fault_list *faults);
/* How closely the rule names that model: 0 not at all, an exact name most. */
size_t region_rule_names(const struct region_rule *r, const char *model);
/* Whether it costs the same in that region. */
bool region_rule_holds(const struct region_rule *r, struct text region, bool has_regional_prices);

#endif
