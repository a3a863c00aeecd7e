/*
 * standing: what the documents that stand (final and not void) have charged, by period.
 *
 * A document says of every line which period it is for; this adds up what all of them say of one,
 * and takes it from what the period comes to as a whole. What is left is what the next document
 * shows. Documents are the only record of it, so a void one reverses exactly what it charged.
 * Credit notes are no charge: they are left out, and end with their invoice.
 */
#ifndef TALLY_METER_BILLING_STANDING_H
#define TALLY_METER_BILLING_STANDING_H

#include "meter/billing/invoice.h"

struct standing {
	struct instant from, to;
	struct text currency;
	struct text number; /* of its own invoice; empty when that is void or was never made */
	struct text terms;  /* of its own invoice, JSON; empty when not known */
	bool usage_only;    /* documents older than this reckoning: only their usage is compared */
	struct invoice_line *line;
	size_t lines;
	struct money_total credits;
	struct invoice_tax tax[TERMS_ITEMS_MAX];
	size_t taxes;
	struct exchange_rate rate[INVOICE_RATES_MOST]; /* that its documents went by */
	size_t rates;
	struct credit_worth worth; /* by the plan of then */
};

struct standing_list {
	struct standing *period; /* ascending */
	size_t count;
	struct arena arena;
	struct json_document **json;
	size_t documents;
};

/* Of every currency: a period and a currency are one entry. */
int standing_read(struct standing_list *out, struct store *s, struct text customer, struct err *e);
void standing_release(struct standing_list *l);
const struct standing *standing_find(const struct standing_list *l, struct instant from,
				     struct instant to, struct text currency);
/* Whether it asks for anything, or is what a final invoice says of its period. */
bool standing_counts(const struct standing *s);

/* Takes what stands from the period's whole; lines that come to nothing leave it. */
int standing_subtract(struct invoice *whole, const struct standing *s, struct err *e);

#endif
