/* forecast_report: what will be spent, and when a budget or credits run out. */
#ifndef TALLY_REPORTS_FORECAST_REPORT_H
#define TALLY_REPORTS_FORECAST_REPORT_H

#include "base/zone.h"
#include "meter/ledger/ledger.h"
#include "pricing/book.h"
#include "reports/json_out.h"
#include "sim/planner.h"

struct forecast_question {
	struct ledger *ledger;
	const struct book *book; /* of coming days; NULL: prices stay as they were */
	const struct zone *zone;
	struct instant now, since, by;
	int64_t history, draws, seed; /* days to draw from */
	const char *customer, *project, *model;
	struct money_total budget; /* from since to by */
	bool has_budget;
	/* from the local day move_on everything of move_model (empty: of all) runs on move_to, a
	 * model or a route as `route` has it; NULL: no move */
	const char *move_to;
	struct planner_scenario route;
	struct arena texts; /* of the route */
	struct text move_model;
	struct instant move_on;
	bool credits, of_balance; /* of_balance: what the account has, else credits_left */
	struct nano_credits credits_left;
	/* in credits of that plan, a name or a file (plan_open), whoever's usage it is; NULL: the
	 * customer's own */
	const char *plan;
};
/* The month of the zone, 56 days, 10,000 draws. */
struct forecast_question forecast_question_of(struct ledger *l, const struct zone *z,
					      struct instant now);
int forecast_budget_parse(struct forecast_question *q, const char *text, struct err *e);
/* What forecast_move_parse has kept. */
void forecast_question_release(struct forecast_question *q);
/* TO or MODEL=TO, where TO is a scenario of planner.h with one share; move_on is what was asked, or
 * 0: tomorrow. Each model must have a price then. Errors: ERR_USAGE, those of
 * planner_scenario_parse and book_find. */
int forecast_move_parse(struct forecast_question *q, const char *move, const char *currency,
			struct err *e);
/* Errors: ERR_USAGE. */
int forecast_question_check(const struct forecast_question *q, struct err *e);

struct forecast_verdict {
	bool overrun_is_likely;
	bool lacks; /* calls lack a price, a part of it, or credits: it is a lower bound */
};
/* The document "tally.forecast/1". */
int forecast_report_put(struct json_out *j, const struct forecast_question *q,
			struct forecast_verdict *verdict, struct err *e);
int forecast_report_print(const struct forecast_question *q, struct forecast_verdict *verdict,
			  struct err *e);

#endif
