/*
 * invoice_view: an invoice's document as the formats show it: text, HTML, PDF, CSV, JSON, XLSX.
 *
 * The document and what was paid for it decide what is shown, so the same invoice gives the same
 * bytes again until something more is paid; only text and JSON say whether it is overdue. Amounts
 * keep the places that the invoice rounded to.
 */
#ifndef TALLY_REPORTS_INVOICE_VIEW_H
#define TALLY_REPORTS_INVOICE_VIEW_H

#include "base/arena.h"
#include "base/json.h"
#include "meter/billing/invoice_store.h"
#include "meter/billing/labels.h"
#include "meter/billing/payment.h"
#include "reports/json_out.h"

struct view_line {
	/* as people read them: grouped, with the invoice's places */
	const char *description, *bucket, *quantity, *unit_price, *amount;
	const char *per;      /* of the unit price: "/ 1M", or "" */
	const char *raw;      /* the description as the document has it */
	size_t fraction;      /* letters of the price from its decimal point on */
	size_t fraction_room; /* letters that the price is short of the longest fraction */
	struct text kind, project, model, plain_quantity, plain_price, plain_exact, plain_amount;
};

/* What belongs under one heading: the parts of a model's usage, or one line of its own. */
struct view_group {
	const char *description, *amount;
	struct money_total sum;
	size_t rank; /* by size, the largest is 0 */
};

struct view_sum {
	const char *name, *amount;
	bool strong;
};

struct view_payment {
	const char *day, *reference;
	struct instant at;
	struct money_total amount;
};

struct invoice_view {
	struct json_document *json;
	json_value *root;
	bool is_note;
	const char *title;			/* "Invoice", "Draft invoice", "Credit note" */
	const char *number;			/* "" for drafts */
	const char *status;			/* "draft", "final", "void" */
	const char *customer, *currency, *unit; /* unit: "$", "credits" ... behind or before */
	const char *period, *zone, *issued, *due, *corrects, *note;
	const char *issuer[12], *bill_to[12], *pay_to[12]; /* lines; NULL-ended */
	struct text logo;				   /* a PNG as data:, or empty */
	const char *mark; /* across every page: a draft, or void; "" for none */
	const struct labels *labels;
	struct view_line *line;
	size_t lines;
	struct view_group *group;
	size_t groups;
	const char *state; /* "partly paid"; "" where that is not known */
	const char *asked; /* what is owed, and by when: "$12.00 by 2026-12-12"; "" for nothing */
	struct view_sum sum[TERMS_ITEMS_MAX + 8];
	size_t sums;
	const char *small_print;      /* rounding and what is left out */
	int64_t issued_us;	      /* 0 for drafts */
	struct settlement settlement; /* what is paid and due; of no state for a bare document */
	const struct draft *drafted;  /* what making this draft said; NULL where it is only shown */
	struct view_payment *payment;
	size_t payments;
	struct arena arena;
};

/* status: of the row (a voided invoice's document still says final). language: of its words; NULL:
 * the document's own. Errors: ERR_INVALID; ERR_USAGE (there is no such language). */
int invoice_view_open(struct invoice_view **out, struct text document, const char *status,
		      const char *language, struct err *e);
/* A stored invoice with its payments and what is due, as of `at`. */
int invoice_view_of(struct invoice_view **out, struct store *s, const struct stored_invoice *i,
		    struct instant at, const char *language, struct err *e);
void invoice_view_close(struct invoice_view *v);

/* What papers have in common: the labels of a language (NULL: of the terms, `own`), a number as it
 * writes them ("1234.5" as "1,234.50" at two places), that as an amount in dollars. Errors:
 * ERR_USAGE. */
int paper_labels(const struct labels **out, const char *language, struct text own, struct err *e);
const char *paper_number(const struct labels *l, struct arena *a, struct text plain, int places);
const char *paper_dollars(const struct labels *l, struct arena *a, const char *number);
/* Decimals of its amounts. */
int invoice_view_places(const struct invoice_view *v);
/* What the groups beyond the `shown` largest come to, as people read it. */
const char *invoice_view_rest(struct invoice_view *v, size_t shown);
/* An element of a list of invoices. */
void invoice_list_item(struct json_out *j, const struct stored_invoice *i,
		       const struct settlement *x);

/* Each appends to out. */
void invoice_text_put(struct buf *out, const struct invoice_view *v, int width);
void invoice_csv_put(struct buf *out, const struct invoice_view *v);
void invoice_json_put(struct buf *out, const struct invoice_view *v);
void invoice_html_put(struct buf *out, const struct invoice_view *v);
/* letter: US Letter instead of A4. unknown: as in pdf_page.h. Errors: ERR_SYSTEM. */
int invoice_pdf_put(struct buf *out, struct invoice_view *v, bool letter, struct buf *unknown,
		    struct err *e);
int invoice_xlsx_put(struct buf *out, struct invoice_view *v, struct err *e);

#endif
