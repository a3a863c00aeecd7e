/* fit_report: a fitted workload as a specification that `tally sim generate` reads. */
#ifndef TALLY_REPORTS_FIT_REPORT_H
#define TALLY_REPORTS_FIT_REPORT_H

#include "sim/fit.h"

/* Sessions as lists of calls: seconds since the call before, prompt, cache read, output, reasoning,
 * written for five minutes and for an hour; zeros at the end are left out. */
void fit_report_put(struct buf *out, const struct fit *f, const struct workload *w);

#endif
