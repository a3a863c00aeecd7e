/*
 * payment: what was paid for invoices and paid back, and what each still asks for.
 *
 * A payment is a fact with a day and a reference; it is only ever added, and the journal has its
 * hash. What is due of an invoice is derived: its total, less its credit notes, less its payments.
 * What was paid beyond that is the customer's credit balance: it is paid back, or moved to another
 * invoice in the same currency.
 */
#ifndef TALLY_METER_BILLING_PAYMENT_H
#define TALLY_METER_BILLING_PAYMENT_H

#include "meter/billing/invoice_store.h"

struct payment {
	int64_t id, invoice;
	struct money_total amount; /* negative: paid back */
	struct instant at, booked;
	struct text reference;
};

enum settlement_state {
	SETTLEMENT_NONE, /* of drafts and credit notes */
	SETTLEMENT_OPEN,
	SETTLEMENT_PARTLY,
	SETTLEMENT_PAID,
	SETTLEMENT_OVERDUE,
	SETTLEMENT_CREDIT /* more was paid than is asked for */
};
const char *settlement_name(enum settlement_state s);

struct settlement {
	enum settlement_state state;
	struct money_total credited, paid, due; /* due < 0: the customer's credit balance */
	struct instant due_at;			/* 0 when it has none */
};

/* As of `at`: what was paid up to then, and whether it was overdue then. */
int settlement_read(struct store *s, const struct stored_invoice *i, struct instant at,
		    struct settlement *out, struct err *e);
/* In the order of their days. The texts are valid during the call. */
int payments_each(struct store *s, int64_t invoice,
		  int (*take)(void *user, const struct payment *p), void *user, struct err *e);

/*
 * Inside a transaction. A reference that the invoice has already, with the same amount, changes
 * nothing (*again). Errors: ERR_CONFLICT (a draft, a note, a void invoice that is paid, the
 * reference with another amount), ERR_INVALID (finer than the invoice's decimals, a day to come),
 * ERR_LIMIT (more is paid back than was paid).
 */
int payment_add(struct ledger *l, const struct payment *p, struct instant now, bool *again,
		struct err *e);
/* So much of what `from` was overpaid pays p->invoice; once for each reference (without one: for
 * each pair of invoices), also when nothing of it is left (*again). Errors: also ERR_LIMIT. */
int payment_move(struct ledger *l, int64_t from, const struct payment *p, struct instant now,
		 bool *again, struct err *e);

/* The canonical text of a payment (journal_content for the kind "payment"). */
int payment_text(struct store *s, int64_t id, struct buf *out, bool *there, struct err *e);
/* Payments that are of invoices and in the journal; *fault is empty then. */
int payments_verify(struct store *s, char fault[200], struct err *e);

#endif
