/*
 * series: prices of one thing, one after the other: a vendor's model in one currency, service tier
 * and region, its list prices and its promotions apart.
 *
 * Tells where two prices of a series would hold at one instant, in one card or between cards of
 * which none goes before another.
 */
#ifndef TALLY_PRICING_SERIES_H
#define TALLY_PRICING_SERIES_H

#include "base/json.h"
#include "pricing/card.h"

/* Prices of one series of a card must follow each other without overlap; a gap must be declared
 * under "gaps". An alias must not mean two models at once. Every fault is added. */
void series_check(const struct card *c, json_value *gaps, struct fault_list *faults);

/*
 * Every place where two of these cards say something different of the same instant: a price of one
 * series, or what an alias means. Each is added as a fault with the later card and its place. What
 * several cards state alike contradicts nothing. Returns how many there are.
 */
size_t cards_contradict(const struct card *const *cards, size_t count, struct fault_list *faults);

#endif
