/* budget_report: what is spent of budgets. */
#ifndef TALLY_REPORTS_BUDGET_REPORT_H
#define TALLY_REPORTS_BUDGET_REPORT_H

#include "meter/billing/budget.h"
#include "reports/json_out.h"

struct budget_question {
	struct budgets *budgets;
	const char *only;     /* its name; NULL: all */
	const char *customer; /* whose they are; NULL: anybody's */
	struct instant now;
	/* hears of each that cannot be evaluated; may be NULL */
	void (*failed)(void *user, const struct budget *b, const struct err *why);
	void *user;
};
struct budget_verdict {
	bool any, over, failed;
};
/* The document "tally.budget-status/1". */
int budget_report_put(struct json_out *j, const struct budget_question *q,
		      struct budget_verdict *verdict, struct err *e);
/* Its budgets alone, inside an array. */
int budget_each_put(struct json_out *j, const struct budget_question *q,
		    struct budget_verdict *verdict, struct err *e);
int budget_report_print(const struct budget_question *q, struct budget_verdict *verdict,
			struct err *e);

#endif
