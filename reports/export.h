/*
 * export: what the database holds, in formats of others: FOCUS 1.2, plain-text journals that
 * hledger and beancount read, CSV, XLSX.
 */
#ifndef TALLY_REPORTS_EXPORT_H
#define TALLY_REPORTS_EXPORT_H

#include <stdio.h>

#include "base/zone.h"
#include "meter/billing/exchange.h"
#include "meter/ledger/ledger.h"
#include "meter/store/usage_query.h"
#include "reports/plain.h"

struct export_options {
	FILE *out;
	struct instant since, until;
	const char *customer; /* NULL: all */
	const struct zone *zone;
	bool declare;	    /* accounts of an hledger journal, for its check --strict */
	const char *issuer; /* of FOCUS rows: who charges; NULL: the vendor */
};

/* What a file of sums is short of. */
struct export_lacks {
	int64_t unpriced;     /* records without a price: in no row */
	int64_t placeholders; /* records of which it holds a part only */
};
/* Usage by UTC day, customer, project, model, price and bucket, and the credits: what was bought
 * (paid grants), what was granted, and what usage drew. */
int export_focus(struct ledger *l, const struct export_options *o, struct export_lacks *lacks,
		 struct err *e);
/* Final invoices and credit notes whose period begins in [since, until): the rows of a document add
 * up to its total. *left_out: documents in credits, which are no currency. */
int export_focus_invoices(struct ledger *l, const struct export_options *o, int64_t *left_out,
			  struct err *e);
enum journal_style { JOURNAL_HLEDGER, JOURNAL_BEANCOUNT };
/* Every transaction of the ledger in credits, and every invoice and credit note in money; what was
 * voided is reversed on that day. */
int export_journal(struct ledger *l, const struct export_options *o, enum journal_style style,
		   struct err *e);
enum book_profile { BOOK_XERO, BOOK_QUICKBOOKS, BOOK_DATEV };
/* Accounts as the bookkeeping program numbers them. */
struct book_settings {
	enum book_profile profile;
	const char *revenue, *tax, *prepaid, *receivable, *bank;
	bool payments; /* Xero, QuickBooks: what was paid, as a bank statement, and no invoices */
	bool notes;    /* QuickBooks: what gives back, and no invoices */
	const char *tax_type;		 /* of Xero's rows: taxes are rows, so nothing is added */
	const char *consultant, *client; /* of DATEV */
	const char *base;		 /* of DATEV: the currency in which the books are kept */
	const struct exchange_rates *rates; /* into it; NULL: nothing is in another one */
};
/* What is to be said of such a file. */
struct books_told {
	int64_t in_credits; /* documents that are left out: credits are no money */
	int64_t cut;	    /* texts that are longer than the program takes */
	int64_t notes;	    /* documents that give back, left out of a file of invoices */
};
/* Final invoices and credit notes of the period, and for DATEV what was paid in it. Errors:
 * ERR_RANGE beyond what the program imports at once, ERR_INVALID where it cannot take an amount, a
 * number or a name. */
int export_invoices(struct ledger *l, const struct export_options *o,
		    const struct book_settings *settings, struct books_told *told, struct err *e);
/* Every record that stands, in the native format: it can be read in again. */
int export_csv(struct ledger *l, const struct export_options *o, struct err *e);
/* Usage by day, customer, project and model, as a workbook at `path`. */
int export_xlsx(struct ledger *l, const struct export_options *o, const char *path, struct err *e);

#endif
