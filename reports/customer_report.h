/* customer_report: the customers that there are, and one of them with everything that is kept of
 * it: usage, credits and how they went down, grants, limits, budgets, invoices, terms. */
#ifndef TALLY_REPORTS_CUSTOMER_REPORT_H
#define TALLY_REPORTS_CUSTOMER_REPORT_H

#include "meter/store/usage_query.h"
#include "meter/ledger/ledger.h"
#include "reports/json_out.h"

struct customer_question {
	struct ledger *ledger;
	struct usage_filter
		filter; /* of what was used; its customer: the one, or whose list it is */
	const struct zone *zone;
	struct instant now;
};
/* The document "tally.customers/1": everybody who used something in the period or has an account.
 */
int customer_list_put(struct json_out *j, const struct customer_question *q, struct err *e);
/* The members of "tally.customer/1", without the braces. Errors: ERR_NOT_FOUND for a name that is
 * not known at all. */
int customer_put(struct json_out *j, const struct customer_question *q, struct err *e);

#endif
