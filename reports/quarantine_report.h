/* quarantine_report: what was refused, and ids that came again with other content. */
#ifndef TALLY_REPORTS_QUARANTINE_REPORT_H
#define TALLY_REPORTS_QUARANTINE_REPORT_H

#include "meter/store/store.h"
#include "reports/json_out.h"

/* The document "tally.quarantine/1"; all: also what was retried or dropped. */
int quarantine_report_put(struct json_out *j, struct store *s, bool all, struct err *e);
int quarantine_report_print(struct store *s, bool all, struct err *e);

#endif
