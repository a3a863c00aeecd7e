/*
 * attention_report: what somebody should look at, and nothing else: usage without a price or a
 * plan, what was refused, accounts at fault, budgets that are used up, balances that are low,
 * invoices that are overdue, prices that are old.
 */
#ifndef TALLY_REPORTS_ATTENTION_REPORT_H
#define TALLY_REPORTS_ATTENTION_REPORT_H

#include "meter/ledger/ledger.h"
#include "reports/json_out.h"

/* From which age on prices are told of. */
enum { PRICES_OLD_DAYS = 45 };

struct attention_question {
	struct store *store;
	struct ledger *ledger;
	const char *customer;  /* only what is this one's; NULL: everything */
	const char *prices_of; /* the day of the price book; NULL: not told */
	struct instant now;
};
/* The document "tally.attention/1"; its items are empty when nothing needs a look. */
int attention_report_put(struct json_out *j, const struct attention_question *q, struct err *e);

#endif
