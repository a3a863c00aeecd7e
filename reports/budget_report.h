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
	int64_t lacks; /* records that are not in what is spent, or in part: it is more */
};
/* The document "tally.budget-status/1". */
int budget_report_put(struct json_out *j, const struct budget_question *q,
		      struct budget_verdict *verdict, struct err *e);
/* Its budgets alone, inside an array. */
int budget_each_put(struct json_out *j, const struct budget_question *q,
		    struct budget_verdict *verdict, struct err *e);
int budget_report_print(const struct budget_question *q, struct budget_verdict *verdict,
			struct err *e);
/* A note below a table of what is spent; nothing where no record is left out of it. */
void print_spent_bound(int64_t lacks);

#endif
