/* cost_report: what a kind of call costs at an instant, and why. */
#ifndef TALLY_REPORTS_COST_REPORT_H
#define TALLY_REPORTS_COST_REPORT_H

#include "pricing/plan.h"
#include "reports/json_out.h"

struct cost_question {
	const struct book *book;
	struct price_query price;
	struct usage usage;	 /* of one request */
	int64_t requests;	 /* so many equal ones, 1 or more */
	const struct plan *plan; /* NULL: no credits */
	bool byo;
};
/* The document "tally.cost/1". *lacking: the plan says nothing of it, or the call pays a fee of
 * which it does not say how much. Errors: those of book_find and rate_usage. */
int cost_report_put(struct json_out *j, const struct cost_question *q, bool *lacking,
		    struct err *e);
int cost_report_print(const struct cost_question *q, bool quiet, bool *lacking, struct err *e);
/* The same call under several models, a row each, or (j) the document "tally.costs/1" with their
 * documents. Differences are from the first. Errors: those of the first that has no answer. */
int cost_report_compare(struct json_out *j, const struct cost_question *q, const struct text *model,
			size_t count, bool *lacking, struct err *e);

#endif
