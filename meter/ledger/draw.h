/*
 * draw: usage into credits, by the plan of each customer's account.
 *
 * Reads the rows of usage that have not drawn yet, rates each one under its account's plan (the
 * plan names the rounding), and draws the sum of every hour. Rows that took others back give their
 * credits back. A row that the plan does not cover draws nothing and is kept on a list. Own keys
 * draw nothing.
 */
#ifndef TALLY_METER_LEDGER_DRAW_H
#define TALLY_METER_LEDGER_DRAW_H

#include "meter/ledger/ledger.h"
#include "pricing/plan.h"

struct drawer;
int drawer_open(struct drawer **out, struct ledger *l, const struct book *book, struct err *e);
void drawer_close(struct drawer *d);
/* Rates by that book from now on, outside a transaction; it lives as long as the drawer. */
void drawer_use_book(struct drawer *d, const struct book *book);
/* Sweeps take usage that no card or plan covered when it came, as soon as one does. */
void drawer_look_again(struct drawer *d);
/* Sweeps try that account again if it is at fault, and where usage of it was reversed give back at
 * most what was not given back yet. */
void drawer_repair(struct drawer *d, int64_t account);
/* After ledger_forget. */
void drawer_forget(struct drawer *d);

struct draw_counts {
	int64_t rows, uncovered, transactions;
	int64_t at_fault, left_out; /* accounts whose usage waits; those of this time */
	struct nano_credits drawn, overage, refunded;
};
/* Inside a transaction: everything that has not drawn yet. What one account cannot do is noted as
 * its fault (ledger_each_fault) and its usage waits; it does not stop the others. Forgets accounts
 * that the ledger gave. */
int drawer_sweep(struct drawer *d, struct instant now, struct draw_counts *out, struct err *e);
/* Whether there are accounts, so that usage draws credits; cheap. */
int drawer_has_accounts(struct drawer *d, bool *any, struct err *e);
/* Whether usage or recurring grants wait; cheap. */
int drawer_is_behind(struct drawer *d, struct instant now, bool *behind, struct err *e);

/* drawer_sweep in a transaction of its own, when there is anything to do. */
int draw_all(struct store *s, const struct book *book, struct instant now, struct draw_counts *out,
	     struct err *e);

/* What a row draws, or would draw. Errors: ERR_UNPRICED with the reason when the plan does not
 * cover it. */
int drawer_credits(struct drawer *d, const struct account *a, const struct usage_row *row,
		   struct credits_total *out, struct err *e);
/* The rates behind that. */
int drawer_rates(struct drawer *d, const struct account *a, const struct usage_row *row,
		 struct credit_rates *out, struct err *e);
/* The credits that an amount of the plan's currency is worth. Errors: ERR_INVALID (another one). */
int drawer_credits_for(struct drawer *d, const struct account *a, struct money amount,
		       struct text currency, struct credits_total *out, struct err *e);
/* The account's plan at that instant; lives as long as the drawer, or until drawer_forget. */
int drawer_plan(struct drawer *d, const struct account *a, struct instant at,
		const struct plan **out, struct err *e);

#endif
