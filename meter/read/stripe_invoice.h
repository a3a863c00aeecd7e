/*
 * stripe_invoice: invoices and credit notes as Stripe's interface hands them out, which is how many
 * vendors of models bill, made into a page of lines.
 *
 * A line is what was charged for it: its discounts, and taxes that its amount includes, are lines
 * of the same words with the other sign. Taxes and credits are lines of their own, and so is the
 * total, as a check. What is void or a draft was charged to nobody. A credit note gives back: its
 * lines are credits of the day on which it was made.
 */
#ifndef TALLY_METER_READ_STRIPE_INVOICE_H
#define TALLY_METER_READ_STRIPE_INVOICE_H

#include "base/json.h"

/* Appends {"data":[LINE,..],"has_more":..} to out where v is an invoice or a credit note, the
 * event of one, a list of them or a list of lines of invoices. Amounts stay in the currency's
 * smallest unit. False: it is none.
 */
bool stripe_put_page(struct buf *out, json_value *v);

#endif
