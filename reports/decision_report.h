/* decision_report: which model for which work, as a memo or one JSON document. */
#ifndef TALLY_REPORTS_DECISION_REPORT_H
#define TALLY_REPORTS_DECISION_REPORT_H

#include "reports/memo.h"
#include "sim/decision.h"

struct decision_report {
	const struct decision *decision;
	const char *currency, *file;
};

void decision_report_put(struct buf *out, const struct decision_report *r);
void decision_report_memo(struct memo *out, const struct decision_report *r);

#endif
