/* plan_report: what `tally plan` shows: a table of scenarios with what each month costs, one JSON
 * document, or CSV by day. */
#ifndef TALLY_REPORTS_PLAN_REPORT_H
#define TALLY_REPORTS_PLAN_REPORT_H

#include "reports/memo.h"
#include "sim/plan_moves.h"

struct plan_report {
	const struct planner_work *work;
	const struct planner_scenario *scenario;
	const struct planner_result *result; /* of each scenario */
	/* what each assumption moves, of each scenario */
	const struct plan_moves *moves;
	size_t count;
	const struct plan *plan; /* of credits; may be NULL */
	const char *currency, *timezone;
	const char *note; /* of the file; may be NULL */
	bool quiet;	  /* without what moves it */
	int64_t turns;	  /* calls of a conversation; 1: calls are alone */
};

void plan_report_table(const struct plan_report *r);
struct json_out;
/* The whole document; the caller opens and closes j. */
void plan_report_put(struct json_out *j, const struct plan_report *r);
void plan_report_csv(const struct plan_report *r);
/* With charts of the scenarios and of their months or days. */
void plan_report_memo(struct memo *out, const struct plan_report *r);

#endif
