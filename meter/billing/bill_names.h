/*
 * bill_names: two names of one model in the two halves of a comparison, where no price card says
 * so.
 *
 * Clouds bill "NovaPro" and "Llama3-3-70B" for calls of "amazon.nova-pro-v1:0" and
 * "meta.llama3-3-70b-instruct-v1:0". Names that only the bill has and names that only the meter has
 * are one model where the same letters and digits are left of them without vendor, place, date and
 * version, and of no other name.
 */
#ifndef TALLY_METER_BILLING_BILL_NAMES_H
#define TALLY_METER_BILLING_BILL_NAMES_H

#include "meter/billing/reconcile.h"

/* Puts lines of one model and day together, under the name that the bill has. */
void bill_names_join(struct reconciliation *r);

#endif
