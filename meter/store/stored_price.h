/*
 * stored_price: the rates that a record was priced with, kept so that its amount can be had again
 * after the cards have changed.
 *
 * One entry stands for one price under one window and context tier, so amounts are linear in
 * tokens: sums of records are priced like one record.
 */
#ifndef TALLY_METER_STORE_STORED_PRICE_H
#define TALLY_METER_STORE_STORED_PRICE_H

#include "base/arena.h"
#include "pricing/book.h"
#include "pricing/rate.h"

struct stored_price {
	struct text ref, vendor, model, window, currency;
	struct rates rates;
	struct fee *fee;
	size_t fee_count;
	struct text reason;	 /* why there is no price; empty when there is one */
	const struct card *card; /* that states it, with its digest; on the way in, or NULL */
};

/* What one record is priced with: u under p and t. Errors as rate_usage; the caller then stores the
 * message as the reason. */
int stored_price_of(struct stored_price *out, const struct usage *u, const struct price *p,
		    const struct tariff *t, struct err *e);
/* What the seller says that it charged for this record of so many requests (at least one), where no
 * card has a price; fee: room for it.
 */
#define STATED_PRICE "stated by the seller"
struct stored_price stored_price_stated(struct fee *fee, struct text vendor, struct text model,
					struct money amount, int64_t requests);
/* A price that is none. */
struct stored_price stored_price_none(struct text model, const char *reason);

/* JSON for the dictionary, and back; texts and fees in the arena. */
void stored_price_put_rates(struct buf *b, const struct stored_price *p);
void stored_price_put_fees(struct buf *b, const struct stored_price *p);
int stored_price_read(struct stored_price *p, struct text rates, struct text fees, struct arena *a,
		      struct err *e);

/* What sums of counts and requests (which may be negative, where records were reversed) come to.
 * Zero for a price that is none. Errors: ERR_RANGE. */
int stored_price_amount(const struct stored_price *p, const int64_t *counts, int64_t requests,
			struct money_total *out, struct err *e);

#endif
