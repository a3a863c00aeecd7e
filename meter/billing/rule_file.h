/* rule_file: whether a file of plans, offers, invoice terms or prices can be used, before it is. */
#ifndef TALLY_METER_BILLING_RULE_FILE_H
#define TALLY_METER_BILLING_RULE_FILE_H

#include "base/err.h"
#include "base/text.h"

/* *kind: "plans", "offers", "card" or "terms", by its schema. name: of the file, for messages.
 * *faults, which is empty, gets every fault with place and key. Returns what the last one says. */
int rule_file_check(struct text json, const char *name, const char **kind, struct err_list *faults);

#endif
