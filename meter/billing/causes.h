/*
 * causes: why a day and model of the bill and of the meter differ, where one reason explains the
 * difference to the digit (or within what rounding can make).
 */
#ifndef TALLY_METER_BILLING_CAUSES_H
#define TALLY_METER_BILLING_CAUSES_H

#include "meter/billing/reconcile.h"

/* After every line is judged, by day: gives the lines that differ a cause and adds up the causes.
 * The bill says which days it is of, and whether a page of it is missing. */
void causes_find(struct reconciliation *r, const struct bill *bill);

#endif
