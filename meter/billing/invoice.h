/*
 * invoice: what a customer's period comes to, line by line, as a document.
 *
 * A bill is a difference. The whole of a period is computed afresh from facts, in this order: usage
 * at the prices that rated it (in credits: as the ledger drew it) with its markup, metered items,
 * fixed items, minimum and maximum, discounts, credits up to what is payable, and taxes on the
 * rest. What is in another currency is exchanged at the last rate up to the period's last day,
 * which the document keeps. Every line is rounded once, as the terms say. What standing documents
 * charged for the period (standing.h) is taken from that; what is left of an earlier period is an
 * adjustment. Knows nothing of drafts and numbers (invoice_store.h).
 */
#ifndef TALLY_METER_BILLING_INVOICE_H
#define TALLY_METER_BILLING_INVOICE_H

#include "base/zone.h"
#include "meter/billing/exchange.h"
#include "meter/billing/terms.h"
#include "meter/ledger/draw.h"
#include "meter/store/usage_query.h"

enum line_kind {
	LINE_USAGE,
	LINE_METERED,
	LINE_FIXED,
	LINE_MINIMUM,
	LINE_MAXIMUM,
	LINE_DISCOUNT,
	LINE_COUPON,
	LINE_ROUNDING, /* of the document, where lines are not what is rounded */
	LINE_INCLUDED, /* taxes that the prices hold, which are shown as such */
	LINE_NOTED,    /* what notes have credited of it, and is not given back once more */
	LINE_KINDS
};
#define LINE_KIND_NAMES \
	{ \
		"usage", "metered", "fixed", "minimum", "maximum", "discount", "coupon", \
			"rounding", "included", "noted" \
	}

struct invoice_line {
	enum line_kind kind;
	struct text description, provider, project, model, bucket, unit_price;
	struct text why;  /* why its price is another than that of the line beside it: JSON */
	struct text item; /* of an adjustment that is not of usage: what it corrects */
	struct quantity quantity;
	struct money_total exact, amount; /* rounded */
	size_t period;			  /* of the document's periods: 0 is its own */
};

struct invoice_tax {
	struct text name;
	struct decimal percent;
	struct money_total amount;
};

enum { INVOICE_RATES_MOST = 8 };

/* What credits are worth by the plan: so many for one of the currency. */
struct credit_worth {
	struct text currency; /* empty: it did not matter */
	struct decimal per;
};

/* What a document charges for one period. */
struct invoice_period {
	struct instant from, to;
	struct text corrects; /* the number of the period's own invoice; empty in that itself */
	bool advance;	      /* items of the next period that are asked for in advance */
	struct text terms;    /* JSON */
	struct money_total credits_applied;
	struct invoice_tax tax[TERMS_ITEMS_MAX];
	size_t taxes;
	struct exchange_rate rate[INVOICE_RATES_MOST];
	size_t rates;
	struct credit_worth worth;
};

/* Which document of its period it is. */
enum invoice_part {
	INVOICE_OWN,	    /* the period's own */
	INVOICE_INTERIM,    /* before that: usage so far */
	INVOICE_SUPPLEMENT, /* after it: what has changed since */
	INVOICE_ADVANCE,    /* no document: what the one before it asks for already */
};

struct invoice {
	enum invoice_part part;
	struct text customer, currency, plan, zone;
	char from_day[16], last_day[16]; /* local: the first day, and the last one that is in it */
	struct instant from, to, due;	 /* due: from the day it is final */
	struct terms terms;
	struct invoice_line *line;
	size_t lines;
	struct invoice_period *period; /* its own first, then those that it corrects */
	size_t periods;
	struct invoice_tax tax[TERMS_ITEMS_MAX];
	size_t taxes;
	struct exchange_rate rate[INVOICE_RATES_MOST]; /* of its own period */
	size_t rates;
	struct credit_worth worth;
	struct money_total subtotal, residual, credits_applied, taxable, tax_total, total;
	struct nano_credits counted; /* credits that cover usage of the period */
	struct nano_credits overage; /* of the account, that this invoice asks for */
	int64_t elsewhere; /* earlier periods in other currencies that have changed since */
	int64_t unpriced;  /* records without a price or not covered: the total is a lower bound */
	struct lower_bound bound; /* what the sources of its usage cannot tell */
	int64_t usage_to;	  /* row up to which usage is in it */
	struct arena arena;
};

struct invoicer;
int invoicer_open(struct invoicer **out, struct ledger *l, struct drawer *d, struct err *e);
void invoicer_close(struct invoicer *v);
struct ledger *invoicer_ledger(const struct invoicer *v);
/* Usage of all customers is read once for a period (faster for many of them). */
void invoicer_for_all(struct invoicer *v);

/* Rates for what is not in the currency of the invoice; they outlive the invoicer. */
void invoicer_exchange(struct invoicer *v, const struct exchange_rates *rates);
/* A document may become final although some usage has no price or is not covered. */
void invoicer_accept_uncovered(struct invoicer *v);
bool invoicer_accepts_uncovered(const struct invoicer *v);
/* What is drafted from now on. */
void invoicer_part(struct invoicer *v, enum invoice_part part);
enum invoice_part invoicer_part_of(const struct invoicer *v);

struct standing_list;
struct invoice_basis {
	struct period period;
	struct text currency; /* of the period's own invoice, whose supplement it is; else that of
				 the terms */
	const struct standing_list *standing; /* NULL: nothing was charged */
	struct instant now; /* rates of later days are not known yet; 0: the period is over */
};
/*
 * What the period and the earlier ones that were invoiced come to, less what standing documents
 * charged for them. Errors: ERR_NOT_FOUND (no
 * account), ERR_INVALID (terms, or usage priced in a currency that is not the invoice's),
 * ERR_RANGE.
 */
int invoice_compute(struct invoicer *v, struct invoice *out, const struct account *a,
		    const struct invoice_basis *of, struct err *e);
void invoice_release(struct invoice *i);

/* The document "tally.invoice/1". number is NULL and status "draft" until it is final. */
void invoice_put(struct buf *out, const struct invoice *i, const char *status, const char *number,
		 struct instant issued);

#endif
