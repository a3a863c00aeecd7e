/* explain_report: one record: how its counts were read, its price, every step, and what it drew. */
#ifndef TALLY_REPORTS_EXPLAIN_REPORT_H
#define TALLY_REPORTS_EXPLAIN_REPORT_H

#include "meter/ledger/draw.h"
#include "reports/json_out.h"

struct explain_question {
	const char *id;
	int64_t row;	      /* one of its rows, which is found at once; 0: by its id */
	const char *customer; /* whose record it must be; NULL: anybody's */
	struct ledger *ledger;
	struct drawer *drawer;
	const struct book *book; /* for people */
};
/* The document "tally.explain/1". Errors: ERR_NOT_FOUND. */
int explain_report_put(struct json_out *j, const struct explain_question *q, struct err *e);
int explain_report_print(const struct explain_question *q, struct err *e);

#endif
