/* hosting_report: the machines of a what-if's hosted model, and when they pay. */
#ifndef TALLY_REPORTS_HOSTING_REPORT_H
#define TALLY_REPORTS_HOSTING_REPORT_H

#include "reports/json_out.h"
#include "sim/whatif.h"

/* The object "self_hosted". */
void hosting_report_put(struct json_out *j, const struct whatif_model *m);
/* One remark below the table; name: of the scenario. */
void hosting_report_print(const char *name, const struct whatif_model *m, const char *currency);

#endif
