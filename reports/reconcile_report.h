/* reconcile_report: what `tally reconcile` shows: a table, one JSON document, CSV, a page of HTML
 * or a workbook; the same figures in each. */
#ifndef TALLY_REPORTS_RECONCILE_REPORT_H
#define TALLY_REPORTS_RECONCILE_REPORT_H

#include "meter/billing/reconcile.h"
#include "reports/json_out.h"

struct reconcile_report {
	const struct reconciliation *r;
	const struct bill *bill;
	const char *currency;
	const char *zone;    /* of the days of both halves */
	const char *project; /* both halves are narrowed to it; NULL: not */
	bool all;	     /* also what matches */
};

void reconcile_report_table(const struct reconcile_report *o);
void reconcile_report_put(struct json_out *j, const struct reconcile_report *o);
void reconcile_report_json(const struct reconcile_report *o);
void reconcile_report_csv(const struct reconcile_report *o);
/* Into memory. Errors: ERR_RANGE, ERR_SYSTEM. */
void reconcile_report_html_put(struct buf *out, const struct reconcile_report *o);
int reconcile_report_xlsx_put(struct buf *out, const struct reconcile_report *o, struct err *e);
/* Errors: ERR_SYSTEM. */
int reconcile_report_html(const struct reconcile_report *o, const char *path, struct err *e);
int reconcile_report_xlsx(const struct reconcile_report *o, const char *path, struct err *e);

#endif
