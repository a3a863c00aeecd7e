/* cascade_report: what a cascade of two models costs and solves, as a table or one JSON document.
 */
#ifndef TALLY_REPORTS_CASCADE_REPORT_H
#define TALLY_REPORTS_CASCADE_REPORT_H

#include "sim/cascade.h"

struct cascade_report {
	const struct outcomes *outcomes;
	const struct cascade_options *options; /* NULL: only what the file observed */
	const struct cascade_result *result;
	const char *sweep; /* the signal's name, or NULL */
	const char *currency;
	bool quiet;
};

/* The document tally.cascade/1. */
void cascade_report_put(struct buf *out, const struct cascade_report *r);
void cascade_report_csv(const struct cascade_report *r); /* the sweep, or the policies */
void cascade_report_table(const struct cascade_report *r);

#endif
