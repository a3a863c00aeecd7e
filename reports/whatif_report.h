/* whatif_report: scenarios side by side, as a table of differences, one JSON document, or CSV. */
#ifndef TALLY_REPORTS_WHATIF_REPORT_H
#define TALLY_REPORTS_WHATIF_REPORT_H

#include "reports/whatif_compare.h"
#include "sim/sensitivity.h"
#include "sim/size_sweep.h"

struct json_out;
struct whatif_report {
	const struct whatif_options *options;
	const struct whatif_result *result;
	const char *cache;		       /* as it was asked for, or chosen */
	const struct whatif_changes *against;  /* NULL: nothing to compare with */
	const struct size_sweep *sizes;	       /* NULL: not asked for */
	const struct sensitivity *sensitivity; /* one a scenario; NULL: not asked for */
	int vary_permille;		       /* by which it varies assumptions */
	bool byo;			       /* bring your own key: no credits are drawn */
	bool quiet;
	/* writes further members of the document; NULL: there are none */
	void (*more)(struct json_out *j, const void *user);
	const void *more_user;
};

/* The document tally.whatif/1. */
void whatif_report_put(struct buf *out, const struct whatif_report *r);
void whatif_report_csv(const struct whatif_report *r);
void whatif_report_table(const struct whatif_report *r);

#endif
