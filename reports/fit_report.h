/* fit_report: a fitted workload as a specification for sim/generate. */
#ifndef TALLY_REPORTS_FIT_REPORT_H
#define TALLY_REPORTS_FIT_REPORT_H

#include <stdio.h>

#include "sim/fidelity.h"

/* fidelity NULL: it is not known yet. */
void fit_report_put(struct buf *out, const struct fit *f, const struct workload *w,
		    const struct fidelity *fidelity);
/* One line for people. */
void fit_report_fidelity(const struct fidelity *f, FILE *to);

#endif
