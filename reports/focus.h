/*
 * focus: rows of the FinOps Open Cost and Usage Specification, version 1.2 (focus.finops.org).
 *
 * Usage in money is a Usage row; credits are a virtual currency: buying them is a Purchase row, and
 * what usage draws is a Usage row priced in them. An amount that does not apply is null.
 */
#ifndef TALLY_REPORTS_FOCUS_H
#define TALLY_REPORTS_FOCUS_H

#include "base/instant.h"
#include "meter/billing/tiers.h"

struct focus_row {
	struct text account_id, account_name, sub_account_id;
	const char *billing_currency, *charge_category, *charge_description, *charge_frequency;
	const char *charge_class; /* "Correction" of an earlier period, or NULL */
	const char *sku_meter;	  /* what is counted */
	struct text region;	  /* where it ran, as the record says */
	struct text sku_price_id;
	struct text sku_price_details; /* JSON: what decides the price */
	const char *pricing_category, *pricing_currency, *pricing_unit, *consumed_unit;
	struct text provider, publisher, invoice_issuer, invoice_id, sku_id;
	struct text service_name; /* what the vendor sells; the model is part of the SKU */
	struct instant billing_from, billing_to, charge_from, charge_to;
	bool has_quantity, has_pricing_amounts;
	bool has_no_price; /* no unit was sold: taxes, credits, adjustments */
	struct quantity pricing_quantity, consumed_quantity;
	struct money_total billed, list, contracted, effective, list_unit, contracted_unit;
	/* in the pricing currency, when that is another one than the billing currency */
	struct money_total pricing_list_unit, pricing_contracted_unit, pricing_effective;
	struct text tags; /* JSON */
};

/* A purchase in advance: billed now, of no effective cost until it is used. Errors: ERR_RANGE. */
int focus_purchase(struct focus_row *row, struct quantity q, struct money_total unit_price,
		   const char *unit, const char *currency, struct err *e);

/* The value of a column as CSV has it; "" for null; NULL when there is no such column. */
const char *focus_value(const struct focus_row *row, const char *column,
			char buf[DECIMAL_TEXT_MAX]);
struct buf;
/* The header, and a row, as lines of CSV. */
void focus_put_header(struct buf *out);
void focus_put(struct buf *out, const struct focus_row *row);
/* The columns' names, in order; NULL-ended. */
extern const char *const focus_columns[];

#endif
