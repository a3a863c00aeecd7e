/*
 * standing: what the documents that stand (final and not void) have charged, by period.
 *
 * A document says of every line which period it is for; this adds up what all of them say of one,
 * and takes it from what the period comes to as a whole. What is left is what the next document
 * shows. Documents are the only record of it, so a void one reverses exactly what it charged.
 * Credit notes are no charge, and end with their invoice. But nobody is given back more than was
 * asked for: a note credits the parts of its invoice, its own period last, and what a period comes
 * to is never less than the notes on it.
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
	struct money_total noted;  /* by notes, with their taxes */
	struct invoice_tax noted_tax[TERMS_ITEMS_MAX];
	size_t noted_taxes;
};

/* A document that stands; left: what notes have not credited yet of each of its periods. */
struct standing_document {
	struct json_document *json;
	struct text number, currency;
	struct money_total *left; /* NULL: of an older one, which does not name its periods */
	size_t periods;
};

struct standing_list {
	struct standing *period; /* ascending */
	size_t count;
	struct arena arena;
	struct standing_document *document;
	size_t documents;
};

/* Of every currency: a period and a currency are one entry. */
int standing_read(struct standing_list *out, struct store *s, struct text customer, struct err *e);
void standing_release(struct standing_list *l);
const struct standing *standing_find(const struct standing_list *l, struct instant from,
				     struct instant to, struct text currency);
/* Whether it asks for anything, or is what a final invoice says of its period. */
bool standing_counts(const struct standing *s);

/* What a note on that invoice may still credit: what it asked for, less notes, and no more than
 * what still stands of its periods; *known is false for an older document, which says neither. */
struct money_total standing_creditable(const struct standing_list *l, struct text number,
				       bool *known);

/* Takes what stands from the period's whole; lines that come to nothing leave it. */
int standing_subtract(struct invoice *whole, const struct standing *s, struct err *e);

#endif
