/*
 * invoice: what a customer's period comes to, line by line, as a document.
 *
 * In a currency, lines are the metered usage at the prices that rated it; in credits they are the
 * usage under the account's plan, as the ledger drew it. Every line is rounded once, as the terms
 * say; what the roundings add up to is shown as the residual. Usage of an earlier period that
 * changed after its invoice was final becomes an adjustment. Knows nothing of drafts and numbers
 * (invoice_store.h).
 */
#ifndef TALLY_METER_BILLING_INVOICE_H
#define TALLY_METER_BILLING_INVOICE_H

#include "base/zone.h"
#include "meter/billing/terms.h"
#include "meter/ledger/draw.h"
#include "meter/store/usage_query.h"

/* What usage was charged for: the same key again is the same line. */
struct charge {
	struct text project, model, bucket;
	struct text unit_price; /* for a million tokens or one call; "" where there is none */
	int64_t quantity;
	struct money_total amount; /* exact, before any markup's rounding */
};

enum line_kind {
	LINE_USAGE,
	LINE_ADJUSTMENT,
	LINE_METERED,
	LINE_FIXED,
	LINE_DISCOUNT,
	LINE_MINIMUM,
	LINE_MAXIMUM
};

struct invoice_line {
	enum line_kind kind;
	struct text description, project, model, bucket, unit_price;
	struct quantity quantity;
	struct money_total exact, amount; /* rounded */
	struct text charge_price;	  /* of usage and adjustments: before the markup */
	struct money_total charge_amount;
	int64_t of_period; /* of usage and adjustments: the invoice whose period it is; 0: this one
			    */
	struct text corrects; /* its number */
};

struct invoice_tax {
	struct text name;
	struct decimal percent;
	struct money_total amount;
};

/* An earlier final invoice, and what it and later adjustments charged for its period. */
struct billed_period {
	int64_t invoice;
	struct text number;
	struct instant from, to;
	struct charge *charge;
	size_t charges;
};

struct invoice {
	struct text customer, currency, plan, zone;
	char from_day[16], last_day[16]; /* local: the first day, and the last one that is in it */
	struct instant from, to, due;	 /* due: from the day it is final */
	struct terms terms;
	struct invoice_line *line;
	size_t lines;
	struct invoice_tax tax[TERMS_ITEMS_MAX];
	size_t taxes;
	struct money_total subtotal, residual, credits_applied, taxable, tax_total, total;
	struct nano_credits counted; /* credits behind credits_applied */
	struct nano_credits overage; /* of the account, that this invoice asks for */
	int64_t unpriced; /* records without a price or not covered: the total is a lower bound */
	int64_t usage_to; /* row up to which usage is in it */
	struct arena arena;
};

struct invoicer;
int invoicer_open(struct invoicer **out, struct ledger *l, struct drawer *d, struct err *e);
void invoicer_close(struct invoicer *v);
/* Usage of all customers is read once for a period (faster for many of them). */
void invoicer_for_all(struct invoicer *v);

/* earlier: the final invoices that adjustments may refer to. Errors: ERR_NOT_FOUND (no account),
 * ERR_INVALID (terms), ERR_RANGE. */
int invoice_compute(struct invoicer *v, struct invoice *out, const struct account *a,
		    struct instant from, struct instant to, const struct billed_period *earlier,
		    size_t earlier_count, struct err *e);
void invoice_release(struct invoice *i);

/* The document "tally.invoice/1". number is NULL and status "draft" until it is final. */
void invoice_put(struct buf *out, const struct invoice *i, const char *status, const char *number,
		 struct instant issued);

#endif
