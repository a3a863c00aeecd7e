/*
 * bill_parts: what the two halves of the reader of bills share. Internal to meter/billing/.
 *
 * bill_rows.c makes rows of files, whatever their container; bill.c makes lines of rows.
 */
#ifndef TALLY_METER_BILLING_BILL_PARTS_H
#define TALLY_METER_BILLING_BILL_PARTS_H

#include "base/dict.h"
#include "meter/billing/bill.h"
#include "meter/read/page_list.h"

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

/* What a row of totals says; day: of that day, INT64_MIN: of all. */
struct bill_total {
	int64_t day;
	struct money_total cost;
};

struct bill_reader {
	int (*take)(struct bill_reader *r, const struct bill_row *row, struct err *e);
	struct bill *bill;
	const struct bill_options *o;
	struct dict index; /* what a line stands for to 1 + line */
	struct dict seen;  /* contents of files, and days and models with the file that had them */
	struct dict rows;  /* rows of bills in parts: the file that had them */
	struct dict names; /* of the file at work, and what is said of them already */
	const char *path;
	char name[256]; /* of the file at work, an archive's entry too */
	uint64_t file;
	/* of its rows, by a digest of each: how many are different, and how many came again */
	struct dict same;
	int64_t different, repeated;
	int64_t line;			    /* of the row at work; 0: it is in a document, at: */
	char item[128];			    /* "data[3].results[0]" */
	const struct export_format *format; /* of the file at work */
	bool comma_decimals;
	bool undated; /* no column of it says of which days a row is */
	int minor;    /* decimals of the currency of the row at work, where its coins are counted */
	/* of a file of documents: which names of --map it has */
	bool has_column[EXPORT_ROLES], has_none[BILL_NONE_MAX];
	struct page_list pages;
	struct bill_total *total; /* rows of totals, as they come */
	size_t totals;
	int64_t charges, deductions; /* rows by their sign, where the majority decides */
};

/* What stands where a model would, whole: a tax, a credit; BILL_USAGE where it is none of these. */
enum bill_kind bill_kind_of_words(struct text s);
/* What the name of a column says that its amounts are: "tax_amount" a tax; else BILL_USAGE. */
enum bill_kind bill_kind_of_name(struct text name);

/* Which meanings the file at work has a column for. */
struct bill_seen {
	bool role[EXPORT_ROLES];
	bool net; /* its costs are what is left after discounts, where they may be */
};
/* A column, or a key, that the registry does not list and its value in a row: named where it speaks
 * of money, and where it may be what no column of the file is known to say. Errors: ERR_INVALID
 * for a currency. */
int bill_judge(struct bill_reader *r, const struct bill_seen *seen, struct text name,
	       struct text value, struct err *e);
/* A column of the file that is read. */
void bill_is_read(struct bill_reader *r, struct text name);
/* The same of a row that says nowhere what was charged. */
void bill_judge_words(struct bill_reader *r, const struct bill_seen *seen,
		      const struct bill_row *row);

/* Words beside the table, which may say in which currency it is. */
void bill_note_words(struct bill_reader *r, struct text words);

/* Hands the rows of the file at work to r->take, rows of totals too. Errors name line or item, and
 * those of take. */
int bill_rows(struct bill_reader *r, struct text all, struct err *e);

#endif
