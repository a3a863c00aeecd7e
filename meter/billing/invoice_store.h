/*
 * invoice_store: drafts, final invoices, voids and credit notes, and their numbers.
 *
 * A number is given in the transaction that makes the invoice final, so that no number is left out
 * or given twice whatever dies in between. What is final never changes; the journal has its hash.
 */
#ifndef TALLY_METER_BILLING_INVOICE_STORE_H
#define TALLY_METER_BILLING_INVOICE_STORE_H

#include "meter/billing/invoice.h"

struct stored_invoice {
	int64_t id, corrects;
	int64_t unpriced;     /* records that the total leaves out: it is a lower bound */
	int64_t placeholders; /* records of which it holds a part only: likewise */
	struct text kind, status, number, customer, currency, document, total, why;
	struct text first_day, last_day, zone; /* of the period, local */
	struct text due;		       /* an instant; empty when it has none */
	enum invoice_part part;
	struct instant from, to, created, finalized, voided; /* 0 when not */
};

/* Inside a transaction, all of them. */

struct draft {
	int64_t id;	  /* 0: there is nothing to ask for in an interim invoice or a supplement */
	int64_t unpriced; /* records without a price or not covered: the total is a lower bound */
	int64_t refused;  /* records in quarantine that may be of it: it may be a lower bound */
	int64_t elsewhere; /* earlier periods in other currencies that need a supplement */
	/* local days before it that no invoice has and no period of the billing day, for that has
	   changed; empty where there are none */
	char gap_from[DAY_TEXT_MAX], gap_last[DAY_TEXT_MAX];
};
/* Computes the draft of the period; an earlier draft of it is replaced. Errors: ERR_CONFLICT when
 * the period overlaps another invoice, or stands in another currency. */
int invoice_draft(struct invoicer *v, const struct account *a, struct period period,
		  struct instant now, struct draft *out, struct err *e);
/* Computes it again, numbers it, and books the overage that it asks for. Errors: ERR_UNPRICED,
 * unless the invoicer accepts that some usage is not in it. */
int invoice_finalize(struct invoicer *v, int64_t id, struct instant now, struct err *e);
/* Keeps its number; its period can be invoiced again. Its credit notes end with it. */
int invoice_void(struct ledger *l, int64_t id, const char *why, struct instant now, struct err *e);
/* A credit note over an amount of a final invoice. */
struct note_asked {
	int64_t invoice;
	const struct money_total *amount; /* NULL: all that is left of it */
	const char *why;
};
int invoice_note(struct ledger *l, const struct note_asked *n, struct instant now, int64_t *note,
		 struct err *e);

/* By number, or by id ("#12" or "12"). Texts live in the arena. Errors: ERR_NOT_FOUND. */
int invoice_find(struct store *s, const char *name, struct arena *keep_in,
		 struct stored_invoice *out, struct err *e);
int invoice_each(struct store *s, const char *customer,
		 int (*take)(void *user, const struct stored_invoice *i), void *user,
		 struct err *e);
/* The canonical text of an invoice (journal_content for the kinds "invoice" and "void"). */
int invoice_text(struct store *s, int64_t id, bool voided, struct buf *out, bool *there,
		 struct err *e);
/* Numbers without gaps, and documents that say what their rows say; *fault is empty then. */
int invoice_verify(struct store *s, char fault[200], struct err *e);

#endif
