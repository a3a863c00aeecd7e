/*
 * paid: from a movement of credits to the usage that it paid and the invoice that shows it.
 *
 * A draw is for the calls of one customer in one hour, up to its instant, among some rows of usage.
 * An invoice applies all credits that were taken up to the end of its period and that no earlier
 * one has applied; so a movement is shown by the first invoice of each currency that became final
 * after the movement was booked and whose period ends after it.
 */
#ifndef TALLY_METER_BILLING_PAID_H
#define TALLY_METER_BILLING_PAID_H

#include "meter/ledger/ledger.h"

struct paid_line {
	struct text project, model; /* as invoice lines name them */
	int64_t calls;		    /* less those that were reversed */
};

/* The texts are valid during the call. A movement that names no usage has no lines. */
int paid_usage(struct store *s, struct text customer, const struct ledger_txn *t,
	       int (*take)(void *user, const struct paid_line *l), void *user, struct err *e);
int paid_invoices(struct store *s, struct text customer, const struct ledger_txn *t,
		  int (*take)(void *user, struct text number), void *user, struct err *e);

#endif
