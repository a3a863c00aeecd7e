/*
 * held: what open holds reserve within a scope.
 *
 * Of scopes with many open holds the sums are kept in the database, with each hold that begins or
 * ends, so that no question adds up all that is open; of others the few holds are added up. Belongs
 * to `spending`.
 */
#ifndef TALLY_METER_BILLING_HELD_H
#define TALLY_METER_BILLING_HELD_H

#include "meter/ledger/ledger.h"
#include "meter/store/store.h"

struct held;
struct held *held_open(struct store *s);
void held_close(struct held *h);
/* From now on sums are kept of the scopes that are asked for. */
void held_keep(struct held *h);

/* Whose open holds, on what; empty: any. */
struct held_scope {
	struct text customer, project, model;
};

struct held_sums {
	int128 pico, foreign; /* of the currency that was asked for, and of all others */
	int128 nano;	      /* credits */
	int64_t count;	      /* of holds, or of sums that are kept */
};
/* Of holds that have not expired. Errors: ERR_STORE. */
int held_sum(struct held *h, const struct held_scope *of, struct text currency, struct instant now,
	     struct held_sums *out, struct err *e);

/* Open holds of one scope that begin (sign 1) or end (-1). */
struct held_part {
	struct held_scope of;
	struct text currency;
	int64_t millions, rest, credit_millions, credit_rest; /* of 1e-12 and of nano-credits */
};
struct held_part held_part_of(struct money amount, struct nano_credits credits);
/* Inside a transaction. Errors: ERR_STORE. */
int held_changed(struct held *h, const struct held_part *p, int sign, struct err *e);
/* Those whose time is over end now. */
int held_expires(struct held *h, struct instant now, struct err *e);
/* Kept sums are added up again when they are asked for. */
int held_rebuild(struct store *s, struct err *e);

#endif
