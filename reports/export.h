/*
 * export: what the database holds, in formats of others: FOCUS 1.2, plain-text journals that
 * hledger and beancount read, CSV, Parquet, XLSX.
 */
#ifndef TALLY_REPORTS_EXPORT_H
#define TALLY_REPORTS_EXPORT_H

#include <stdio.h>

#include "base/zone.h"
#include "meter/billing/exchange.h"
#include "meter/ledger/ledger.h"
#include "meter/store/usage_query.h"
#include "reports/plain.h"

enum journal_style { JOURNAL_HLEDGER, JOURNAL_BEANCOUNT };
enum focus_source { FOCUS_USAGE, FOCUS_INVOICES };
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

struct export_options {
	FILE *out;
	const char *path; /* of a file that an export writes by itself */
	struct instant since, until;
	const char *customer; /* NULL: all */
	const struct zone *zone;
	enum focus_source source;
	const char *issuer; /* of FOCUS rows: who charges; NULL: the vendor */
	enum journal_style style;
	bool declare; /* accounts of an hledger journal, for its check --strict */
	struct book_settings books;
};
/* What is to be said of the file. */
struct export_told {
	int64_t unpriced;     /* records without a price, which are in no row */
	int64_t no_amount;    /* records without a price, which are in it without an amount */
	int64_t placeholders; /* records of which it holds a part only */
	int64_t unsaid;	      /* of them: those that do not tell what their price depends on */
	int64_t in_credits;   /* documents that are left out: credits are no money */
	int64_t cut;	      /* texts that are longer than the program takes */
	int64_t notes;	      /* documents that give back, left out of a file of invoices */
};

/* Writes to o->out, or to o->path. Errors: ERR_RANGE beyond what the program that it is for imports
 * at once, ERR_INVALID where that cannot take an amount, a number or a name. */
typedef int export_function(struct ledger *l, const struct export_options *o,
			    struct export_told *told, struct err *e);

/* The exports: name, function, whether it writes a file by itself, and what is in it.
 *
 * focus: usage by UTC day, customer, project, model, price and bucket, and the credits; or final
 * invoices and credit notes whose period begins in [since, until), of which the rows of a document
 * add up to its total. journal: every transaction of the ledger in credits, and every invoice and
 * credit note in money; what was voided is reversed on that day. invoices: final invoices and
 * credit notes of the period, and for DATEV what was paid in it. csv: it can be read in again.
 * parquet: costs are decimals of 18 places, and absent where there is no price. */
#define EXPORTS(X) \
	X("focus", export_focus, false, \
	  "usage in money by day, customer, project, model, price and bucket, and credits as a " \
	  "virtual currency (what was bought or granted, and what usage drew)") \
	X("journal", export_journal, false, \
	  "the credit ledger and the invoices in money, for hledger or beancount") \
	X("invoices", export_invoices, false, \
	  "invoices and credit notes, as a bookkeeping program imports them (--profile)") \
	X("csv", export_csv, false, "every record that stands, in the native format") \
	X("parquet", export_parquet, false, \
	  "the same with exact costs, for DuckDB, ClickHouse, Spark or pandas") \
	X("xlsx", export_xlsx, true, "usage by day, customer, project and model")
#define X(name, function, to_path, what) export_function function;
EXPORTS(X)
#undef X
/* That of FOCUS, of FOCUS_INVOICES. */
export_function export_focus_invoices;

#endif
