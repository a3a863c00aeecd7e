/*
 * stand_ins: calls of sellers whom a log names and of whom no card has prices (SOLD_VIA), which
 * have the price of the model's maker: how many, what they come to, and who sold them.
 */
#ifndef TALLY_PRICING_STAND_INS_H
#define TALLY_PRICING_STAND_INS_H

#include "pricing/named_calls.h"

/* Counts calls that the vendor's price stands in for, if it does: not where the seller has a price
 * of its own (vendor) or said what the calls cost. False: the sum does not fit. */
bool stand_ins_add(struct named_calls *to, struct text provider, struct text vendor,
		   int64_t records, struct money_total cost);

#endif
