/* lower_bound_report: that sums of logs are lower bounds, said once, for people and programs. */
#ifndef TALLY_REPORTS_LOWER_BOUND_REPORT_H
#define TALLY_REPORTS_LOWER_BOUND_REPORT_H

#include "meter/formats/lower_bound.h"
#include "reports/json_out.h"

/* What calls that are known in part have: "3 calls have %s". */
const char *known_part(int64_t placeholders, int64_t unsaid);

/* "lower_bound": {...}; nothing where there is nothing to say. */
void put_lower_bound(struct json_out *j, const struct lower_bound *b);
/* A line each; returns how many. */
int print_lower_bound(const struct lower_bound *b);

#endif
