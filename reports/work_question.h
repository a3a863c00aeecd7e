/* work_question: work that does not exist yet, as it is asked for by options, a file or over HTTP.
 */
#ifndef TALLY_REPORTS_WORK_QUESTION_H
#define TALLY_REPORTS_WORK_QUESTION_H

#include "base/json.h"
#include "base/zone.h"
#include "reports/plan_report.h"

enum { PLAN_SCENARIOS_MOST = 64 };

struct work_question {
	/* what is said under the name of an option ("per-day"), or NULL */
	const char *(*asked)(void *user, const char *name);
	void *user;
	struct instant now;
	const char *timezone;
	struct planner_prices prices; /* book and plan: from work_question_answer on */
	/* filled in */
	struct arena arena;
	struct zone *zone;
	struct planner_work work;
	struct planner_scenario scenario[PLAN_SCENARIOS_MOST];
	const char *spec[PLAN_SCENARIOS_MOST]; /* of each, with its name or without */
	size_t scenarios;
	int64_t retries, turns, users;
	struct plan_unit unit[2];
	size_t units;
	enum plan_by by;
	/* at which ends of the ranges the work is read */
	struct plan_corner {
		const char *only; /* the one range that is not as is likely, or NULL: all */
		enum plan_end amounts, hits, shares;
	} corner;
	/* the ranges that were given */
	const char *uncertain[PLAN_RANGES_MOST];
	size_t uncertains;
};
/* Reads the work; timezone and what is asked must be there. Errors: ERR_USAGE. */
int work_question_open(struct work_question *q, struct err *e);
/* One scenario, NAME=SPEC; a model, with escalate P:MODEL (may be NULL); those of an object. */
int work_question_add(struct work_question *q, const char *spec, struct err *e);
int work_question_add_model(struct work_question *q, const char *model, const char *escalate,
			    struct err *e);
int work_question_add_all(struct work_question *q, json_value *scenarios, struct err *e);
/* Calls show with the report. *incomplete: calls had no price, or no credits under the plan. */
int work_question_answer(struct work_question *q,
			 int (*show)(void *user, const struct plan_report *r, struct err *e),
			 void *user, bool *incomplete, struct err *e);
void work_question_release(struct work_question *q);

#endif
