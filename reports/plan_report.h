/* plan_report: what `tally plan` shows: a table of scenarios with what each month costs, one JSON
 * document, or CSV by day. */
#ifndef TALLY_REPORTS_PLAN_REPORT_H
#define TALLY_REPORTS_PLAN_REPORT_H

#include "reports/memo.h"
#include "sim/plan_interval.h"
#include "sim/plan_moves.h"

/* What a plan counts: a ticket, a document, a session, a user's day of work. */
struct plan_unit {
	const char *name;
	int64_t calls; /* of one */
};
enum plan_by { PLAN_BY_DEFAULT, PLAN_BY_DAY, PLAN_BY_MONTH, PLAN_BY_QUARTER };

struct plan_report {
	const struct planner_work *work;
	const struct planner_scenario *scenario;
	const struct planner_result *result;  /* of each scenario */
	const struct plan_interval *interval; /* of each scenario */
	/* what each assumption moves, of each scenario */
	const struct plan_moves *moves;
	size_t count;
	const struct plan *plan; /* of credits; may be NULL */
	const char *currency, *timezone;
	const char *note; /* of the file; may be NULL */
	bool quiet;	  /* without what moves it */
	int64_t turns;	  /* calls of a conversation; 1: calls are alone */
	const struct plan_unit *unit;
	size_t units;
	int64_t users; /* 0: not asked */
	/* the rows of tables and charts: months, or quarters where there are more than twelve; of
	 * CSV: days */
	enum plan_by by;
};

void plan_report_table(const struct plan_report *r);
struct json_out;
/* The whole document; the caller opens and closes j. */
void plan_report_put(struct json_out *j, const struct plan_report *r);
void plan_report_csv(const struct plan_report *r);
/* With charts of the scenarios and of their months or days. */
void plan_report_memo(struct memo *out, const struct plan_report *r);

#endif
