/*
 * bill_tokens: the tokens that a bill says it charged for beside those that were metered, by kind.
 *
 * A bill says them in columns of counts, or as the quantity of each of its lines, in tokens,
 * thousands or millions. They are compared only where every line of a day and model says how many
 * of which kind; a bill that knows no cache counts what was read from one as input.
 */
#ifndef TALLY_METER_BILLING_BILL_TOKENS_H
#define TALLY_METER_BILLING_BILL_TOKENS_H

#include "meter/billing/reconcile.h"
#include "pricing/tariffs.h"

const char *token_kind_name(enum token_kind k);

/* Sets tokens and tokens_differ of a line of r. */
void bill_tokens_compare(const struct reconciliation *r, struct reconciled *l);

/* What the billed tokens of a line of one day cost by the cards, at one tier for each line of the
 * bill. False: the bill does not say them, or no single price holds for them. */
bool bill_tokens_price(const struct reconciliation *r, const struct reconciled *l,
		       struct tariffs *tariffs, int64_t from_us, int64_t to_us,
		       struct money_total *cost);

#endif
