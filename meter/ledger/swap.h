/*
 * swap: usage that lacks credits gets them from lots of its day that paid other usage, where
 * that can be paid by other lots of its own day; in chains as long as they must be.
 *
 * What is exchanged is what drawing everything again, in the order of usage, would have drawn
 * otherwise: usage gives a lot up to earlier usage, or for a lot that burns before. Credits that
 * roll over stay with what they paid, for what they left has been trimmed since.
 * Internal to meter/ledger.
 */
#ifndef TALLY_METER_LEDGER_SWAP_H
#define TALLY_METER_LEDGER_SWAP_H

#include "meter/ledger/hours.h"
#include "meter/ledger/ledger_parts.h"

struct swap;

/* Reads what there is to exchange, which may be nothing. Lots do not change by others until
 * swap_close, which takes NULL. Errors: ERR_STORE. */
int swap_open(struct swap **out, struct ledger *l, struct state *s, struct instant now,
	      struct err *e);
void swap_close(struct swap *x);

/* From when to when lots count that have something left or lapsed, and lots that can be swapped
 * with these; to is not after from where there are none. */
int swap_span(struct ledger *l, struct state *s, struct instant *from, struct instant *to,
	      struct err *e);

/* What a lot can give, for the caller to enter: nano is 0 where nothing can be had. */
struct swapped {
	int64_t grant, nano;
};
/* At most so much, for usage at that instant; what moves elsewhere for it is posted. Usage is asked
 * for in order, and again until it has all, or gets nothing. */
int swap_for(struct swap *x, struct instant at, int64_t most, struct swapped *out, struct err *e);

#endif
