/* record_report: the records behind the sums, a page at a time, with how many there are of what. */
#ifndef TALLY_REPORTS_RECORD_REPORT_H
#define TALLY_REPORTS_RECORD_REPORT_H

#include "meter/store/usage_rows.h"
#include "reports/json_out.h"

/* The document "tally.records/1"; facets: also the counts by model, customer, ... of all records
 * under the filters. */
/* lack: what is archived of what was looked through; NULL: nobody asks. */
int record_report_put(struct json_out *j, struct store *s, const struct rows_question *q,
		      bool facets, struct archived_lack *lack, struct err *e);
/* The same rows, of every page, as a workbook; its sums are formulas. Errors: ERR_RANGE beyond
 * RECORD_SHEET_MOST rows. */
enum { RECORD_SHEET_MOST = 100000 };
int record_report_xlsx(struct buf *out, struct store *s, const struct rows_question *q,
		       struct err *e);
int record_report_table(struct store *s, const struct rows_question *q, bool quiet,
			struct archived_lack *lack, struct err *e);

#endif
