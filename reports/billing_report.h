/* billing_report: drafts, invoices and credit notes with what is paid and due, by how they stand.
 */
#ifndef TALLY_REPORTS_BILLING_REPORT_H
#define TALLY_REPORTS_BILLING_REPORT_H

#include "meter/billing/payment.h"
#include "reports/json_out.h"

struct billing_question {
	struct store *store;
	const char *customer; /* NULL: everybody's */
	const char *state; /* NULL: any; "draft", "open", "partly paid", "paid", "overdue", ... */
	struct instant at; /* what was paid and overdue then */
};
/* The document "tally.invoice-list/1"; `states` and `due` are of all, whatever the state asked for.
 */
int billing_report_put(struct json_out *j, const struct billing_question *q, struct err *e);

#endif
