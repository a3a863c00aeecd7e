/*
 * subscription: a customer on an offer: its account is opened as the offer's platform has it, and
 * its credits are granted, once or every period, until it ends.
 */
#ifndef TALLY_METER_LEDGER_SUBSCRIPTION_H
#define TALLY_METER_LEDGER_SUBSCRIPTION_H

#include "meter/ledger/ledger.h"
#include "pricing/offer.h"

struct subscription {
	struct text customer;
	const struct offer *offer;
	struct instant from, now;
	int64_t quantity;
	const char *id;	  /* of its grants; NULL: the offer's name */
	const char *zone; /* of an account that is opened; NULL: UTC */
};

/* Inside a transaction. The same id with the same content changes nothing. Errors: ERR_RANGE, those
 * of the ledger. */
int subscription_begin(struct ledger *l, const struct subscription *s, struct err *e);
/* Ends the subscription of that customer to the offer of that name (or to what has it as its id):
 * no grants from then on, and unused credits that were granted for later days are void. Errors:
 * ERR_NOT_FOUND when there is none that goes on so long. */
int subscription_end(struct ledger *l, struct text customer, struct text offer, struct instant at,
		     struct instant now, struct err *e);

#endif
