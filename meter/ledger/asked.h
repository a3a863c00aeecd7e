/*
 * asked: which usage invoices have asked for. The ledger enters what an invoice asks for as one
 * sum; it is of what no lot had paid before it, the earliest first, and is owed again when it is
 * void. Internal to meter/ledger.
 */
#ifndef TALLY_METER_LEDGER_ASKED_H
#define TALLY_METER_LEDGER_ASKED_H

#include "meter/ledger/hours.h"
#include "meter/ledger/ledger_parts.h"

/* What invoices have asked for of usage of a part of an hour, or of a draw by hand. */
struct asked_of {
	int64_t from_us; /* where the part begins, or of the draw */
	bool by_hand;
	int64_t at_us;	     /* its latest */
	int64_t owed, asked; /* of what it lacks */
	int64_t by;	     /* the transaction of the last invoice that asked for it */
};
struct asked {
	struct asked_of *of; /* by from_us and by_hand */
	size_t count;
};

/* All of the account's. Errors: ERR_STORE. */
int asked_read(struct asked *out, struct ledger *l, struct state *s, struct hours *hours,
	       struct err *e);
const struct asked_of *asked_find(const struct asked *a, int64_t from_us, bool by_hand);
void asked_release(struct asked *a);

#endif
