/* fit_report: a fitted workload as a specification that `tally sim generate` reads. */
#ifndef TALLY_REPORTS_FIT_REPORT_H
#define TALLY_REPORTS_FIT_REPORT_H

#include "sim/fit.h"

/* Spreads are written as the means of at most 100 bins, so that their means are the recorded ones.
 */
void fit_report_put(struct buf *out, const struct fit *f, const struct workload *w);

#endif
