/*
 * bill_parts: what the two halves of the reader of bills share. Internal to meter/billing/.
 *
 * bill_rows.c makes rows of files, whatever their container; bill.c makes lines of rows.
 */
#ifndef TALLY_METER_BILLING_BILL_PARTS_H
#define TALLY_METER_BILLING_BILL_PARTS_H

#include "base/dict.h"
#include "meter/billing/bill.h"

enum { BILL_WORDS = 12 };

/* What one row says, by the meaning of its columns. */
struct bill_row {
	struct text value[EXPORT_ROLES];
	struct text words[BILL_WORDS]; /* every column that may say what was charged */
	int word_count;
	struct text first;     /* the row's first field */
	struct text whole;     /* the row as it was written */
	struct text cost_name; /* the column of the cost, as the file spells it */
};

struct bill_page {
	int64_t from_us, to_us; /* of its buckets */
	bool more;
};

struct bill_reader {
	int (*take)(struct bill_reader *r, const struct bill_row *row, struct err *e);
	struct bill *bill;
	const struct bill_options *o;
	struct dict index; /* what a line stands for to 1 + line */
	struct dict seen;  /* contents of files, and days and models with the file that had them */
	struct dict rows;  /* rows of bills in parts: the file that had them */
	const char *path;
	char name[256]; /* of the file at work, an archive's entry too */
	uint64_t file;
	const struct export_format *format; /* of the file at work */
	bool comma_decimals;
	struct bill_page *page;
	size_t pages;
	int64_t charges, deductions; /* rows by their sign, where the majority decides */
};

/* Hands the rows of the file at work to r->take, rows of totals too. Errors name line or item, and
 * those of take. */
int bill_rows(struct bill_reader *r, struct text all, struct err *e);

#endif
