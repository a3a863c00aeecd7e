/*
 * redo: an account's draws as if everything had come in time. What came late, was reversed, or
 * was dated back changes what all usage since would have drawn: that is computed afresh as a whole
 * (afresh.h), and what differs from what is booked is booked. So the lots end the same in whatever
 * order things came, those that expire, recur and roll over included.
 *
 * What was done by hand at its instant (refunds, what is void) is a fact, and so is what an invoice
 * has asked for: credits that came after that do not pay it, for a grant is no payout.
 * Internal to meter/ledger.
 */
#ifndef TALLY_METER_LEDGER_REDO_H
#define TALLY_METER_LEDGER_REDO_H

#include "meter/ledger/afresh.h"
#include "meter/ledger/asked.h"

/* What happened at one instant, or usage of one part of an hour, as it is booked. */
struct redo_slot {
	enum afresh_kind kind;
	int64_t key_us, of;	     /* of: which of those of that kind and instant */
	int64_t part_us;	     /* where its part of an hour begins */
	struct instant at;	     /* its latest */
	int64_t used, lacks, billed; /* booked; billed: of a refund, that an invoice asked for */
	int64_t first, last;	     /* rows of usage */
	bool by_hand;
	size_t lot;    /* TRIM, END, VOID */
	int64_t asked; /* as in afresh.h */
	size_t event;
};

struct redo {
	struct ledger *l;
	struct state *s;
	struct instant from, now;
	struct hours hours;
	struct redo_slot *slot;
	size_t slots;
	struct afresh_move *booked; /* event: the slot */
	size_t booked_count;
	struct afresh afresh;
	struct asked asked;
};

/* What is booked from `from` on. Errors: ERR_STORE. */
int redo_read(struct redo *r, struct ledger *l, struct state *s, struct instant from,
	      struct err *e);
/* When each lot came. Errors: ERR_STORE. */
int redo_read_booked(struct redo *r, struct err *e);
/* That lot, with what it has now; one more. Errors: ERR_STORE. */
int redo_read_lot(struct redo *r, int64_t grant, struct err *e);
void redo_release(struct redo *r);
/* The events in order, from what is booked of them and what invoices have asked for, for
 * afresh_run. Errors: ERR_STORE. */
int redo_list(struct redo *r, struct err *e);
/* Books where what was computed afresh differs. Errors: ERR_STORE. */
int redo_post(struct redo *r, struct err *e);

#endif
