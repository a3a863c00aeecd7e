/* status_report: what a database holds, and whether all of it is counted. */
#ifndef TALLY_REPORTS_STATUS_REPORT_H
#define TALLY_REPORTS_STATUS_REPORT_H

#include "meter/store/store.h"
#include "reports/json_out.h"

/* The document "tally.status/1". */
int status_report_put(struct json_out *j, struct store *s, struct instant now, struct err *e);
int status_report_print(struct store *s, struct instant now, struct err *e);

#endif
