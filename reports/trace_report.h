/* trace_report: a grant followed to the usage that it paid and to the invoices that show it. */
#ifndef TALLY_REPORTS_TRACE_REPORT_H
#define TALLY_REPORTS_TRACE_REPORT_H

#include "meter/ledger/ledger.h"
#include "reports/json_out.h"

struct trace_question {
	struct ledger *ledger;
	struct text customer, grant;
	bool with_usage; /* with projects and models of the calls, whose rows are read for it */
};
/* tally.credit-trace/1, or a table. Errors: ERR_NOT_FOUND, those of the store. */
int trace_report_put(struct json_out *j, const struct trace_question *q, struct err *e);
int trace_report_print(const struct trace_question *q, struct err *e);

#endif
