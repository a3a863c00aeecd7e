/*
 * stand_ins: calls of sellers whom a log names and of whom no card has prices (SOLD_VIA), which
 * have the price of the model's maker: how many, what they come to, and who sold them.
 */
#ifndef TALLY_PRICING_STAND_INS_H
#define TALLY_PRICING_STAND_INS_H

#include "base/money.h"
#include "base/text.h"

enum { SELLERS_NAMED = 8 };

struct stand_ins {
	int64_t records;
	struct money_total cost;
	/* the first that were met; one of which no record is left (a reversal) is not named */
	struct stood_in_for {
		char name[48];
		int64_t records;
	} seller[SELLERS_NAMED];
	size_t sellers;
	bool others; /* there were more of them */
};

/* Counts calls that the vendor's price stands in for, if it does: not where the seller has a price
 * of its own (vendor) or said what the calls cost. False: the sum does not fit. */
bool stand_ins_add(struct stand_ins *to, struct text provider, struct text vendor, int64_t records,
		   struct money_total cost);
bool stand_ins_merge(struct stand_ins *to, const struct stand_ins *from);

#endif
