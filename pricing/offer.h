/*
 * offer: what a platform sells: credits once or every month, under which plan, and how accounts on
 * it behave. An offer is data (pricing/offers/), not code.
 */
#ifndef TALLY_PRICING_OFFER_H
#define TALLY_PRICING_OFFER_H

#include "base/decimal.h"
#include "base/json.h"

struct offer {
	/* texts live as long as the list */
	struct text name, title, plan, currency, class, every, lasts; /* every: empty when once;
									 lasts: empty for no end */
	struct decimal price, credits, cost_basis;		      /* of a period, or of one */
	bool has_cost_basis;
	/* of accounts that are opened for it; empty: as any account is */
	struct text burn_order, overage, overage_limit, low_balance;
};

struct offer_list {
	struct json_document **json;
	size_t documents;
	struct offer *offer;
	size_t count;
};

/* Everything that is shipped. */
int offers_open(struct offer_list *out, struct err *e);
/* Those of a file more; offers_close also after an error. Errors: ERR_INVALID. */
int offers_add(struct offer_list *out, struct text file, struct err *e);
void offers_close(struct offer_list *l);
/* Errors: ERR_NOT_FOUND. */
int offers_find(const struct offer_list *l, const char *name, const struct offer **out,
		struct err *e);

#endif
