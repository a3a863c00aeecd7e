/*
 * labels: the words that papers (invoices, credit notes, statements) are printed in, a file a
 * language in meter/billing/labels/, with how it writes numbers and days.
 */
#ifndef TALLY_METER_BILLING_LABELS_H
#define TALLY_METER_BILLING_LABELS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"

struct labels;
/* By its code ("de"); NULL where there are none. An empty name: English. */
const struct labels *labels_of(struct text language);
const char *labels_language(const struct labels *l);
/* The codes, as a list for messages: "de, en, ja, zh". */
const char *labels_known(void);
/* NULL where there is no such label. */
const char *label_find(const struct labels *l, const char *key);
/* Of a key that every language has. */
const char *label(const struct labels *l, const char *key);
/* The label with {1}, {2} and {3} replaced. */
const char *label_with(const struct labels *l, struct arena *a, const char *key,
		       const char *const with[3]);
/* "2026-10-31" (or an instant that begins with it) as the language writes days; what is no day as
 * it is. */
const char *label_day(const struct labels *l, struct arena *a, const char *day);
/* "-1,234.50" as the language writes numbers. */
const char *label_number(const struct labels *l, struct arena *a, const char *number);

#endif
