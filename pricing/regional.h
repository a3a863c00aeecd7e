/*
 * regional: the prices that follow from a card's rules of regions: the price without a region,
 * times a factor, in a region or in every other one.
 *
 * They are made when the card is read and stand behind what it states: a stated price of that
 * region goes before one of a rule.
 */
#ifndef TALLY_PRICING_REGIONAL_H
#define TALLY_PRICING_REGIONAL_H

#include "pricing/card.h"

/* Appends them to the card's prices, without ids. A product that cannot be held exactly is a fault.
 */
void regional_prices_make(struct card *c, struct fault_list *faults);
/* The rule of the card that names what a price is of most closely, or NULL. */
const struct region_rule *card_region_rule(const struct card *c, const struct price *p);
/* Whether that price is one of a region, stated or of a rule, that holds in this one. Of a price
 * without a region: true, for the rules decide (region_rule_holds). */
bool price_is_of_region(const struct price *p, struct text region);
/* Of a price that a rule made: the factor. */
struct decimal price_region_factor(const struct price *p);

#endif
