/* lower_bound_report: that sums of logs are lower bounds, said once, for people and programs. */
#ifndef TALLY_REPORTS_LOWER_BOUND_REPORT_H
#define TALLY_REPORTS_LOWER_BOUND_REPORT_H

#include "meter/formats/lower_bound.h"
#include "reports/json_out.h"

/* What calls that are known in part have: "3 calls have %s". */
const char *known_part(int64_t placeholders, int64_t unsaid);

/* "lower_bound": {...}; nothing where there is nothing to say. */
void put_lower_bound(struct json_out *j, const struct lower_bound *b);
/* What a source leaves out, in a sentence; untold: what of its prompts was cached. */
void put_log_gap(struct buf *b, struct text agent, struct text left_out, struct text completed_by,
		 bool untold);
/* A line each; returns how many. */
int print_lower_bound(const struct lower_bound *b);

#endif
