/*
 * stripe_invoice: invoices as Stripe's interface hands them out, which is how many vendors of
 * models bill, made into a page of lines.
 *
 * A line is what was charged for it: its discounts, and taxes that its amount includes, are lines
 * of the same words with the other sign. Taxes and credits are lines of their own, and so is the
 * total, as a check. What is void was charged to nobody.
 */
#ifndef TALLY_METER_READ_STRIPE_INVOICE_H
#define TALLY_METER_READ_STRIPE_INVOICE_H

#include "base/json.h"

/* Appends {"data":[LINE,..],"has_more":..} to out where v is an invoice, the event of one, a list
 * of invoices or a list of lines. Amounts stay in the currency's smallest unit. False: it is none.
 */
bool stripe_put_page(struct buf *out, json_value *v);

#endif
