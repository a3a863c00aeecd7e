/* status_report: what a database holds, and whether all of it is counted. */
#ifndef TALLY_REPORTS_STATUS_REPORT_H
#define TALLY_REPORTS_STATUS_REPORT_H

#include "meter/store/store.h"
#include "reports/json_out.h"

/*
 * The document "tally.status/1", or its lines. *lacks (NULL: not asked): whether records are
 * without a price, with a part of their count or in quarantine, or credits are not drawn for some:
 * the total, or what was drawn, is a lower bound.
 */
int status_report_put(struct json_out *j, struct store *s, struct instant now, bool *lacks,
		      struct err *e);
int status_report_print(struct store *s, struct instant now, bool *lacks, struct err *e);

#endif
