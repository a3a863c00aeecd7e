/* whatif_answer: a what-if from question to report, for the command line and for HTTP. */
#ifndef TALLY_REPORTS_WHATIF_ANSWER_H
#define TALLY_REPORTS_WHATIF_ANSWER_H

#include "reports/whatif_report.h"
#include "sim/scenario.h"

struct whatif_question {
	/* workload, book, plan, cache, rules and numbers; scenarios and baseline are filled in */
	struct whatif_options *options;
	struct scenario_list *list;
	const char *baseline; /* a scenario, "best", or NULL: what the list says, else the first */
	const char *cache;    /* as it was asked for; NULL: it was not */
	int vary_permille;    /* of a sensitivity analysis; 0: none */
	bool samples;
	int64_t sample; /* so many conversations are replayed */
	bool byo, quiet;
};
/* Calls show with the report. *incomplete: calls had no price, or no credits under the plan.
 * Errors: those of whatif_run, and what show returns. */
int whatif_answer(const struct whatif_question *q,
		  int (*show)(void *user, const struct whatif_report *report, struct err *e),
		  void *user, bool *incomplete, struct err *e);

#endif
