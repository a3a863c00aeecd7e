/* quarantine_report: what was refused, and ids that came again with other content. */
#ifndef TALLY_REPORTS_QUARANTINE_REPORT_H
#define TALLY_REPORTS_QUARANTINE_REPORT_H

#include "meter/store/store.h"
#include "reports/json_out.h"

struct quarantine_question {
	bool all;	    /* also what was retried or dropped */
	const char *reason; /* only what was refused for it; NULL: anything */
	int64_t after;	    /* only what comes behind that number */
	int64_t most;	    /* so many of each kind; 0: all */
};
/* The document "tally.quarantine/1"; `causes` counts all that is held by its reason. */
int quarantine_report_put(struct json_out *j, struct store *s, const struct quarantine_question *q,
			  struct err *e);
int quarantine_report_print(struct store *s, bool all, struct err *e);

#endif
