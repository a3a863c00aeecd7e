/* plan_moves: what each assumption of a plan moves: the same plan with a tenth more of one of them.
 */
#ifndef TALLY_SIM_PLAN_MOVES_H
#define TALLY_SIM_PLAN_MOVES_H

#include "sim/planner.h"

enum { PLAN_MOVES = 5 };

struct plan_move {
	const char *name;  /* "per_day", "cached", "input", "output", "hit_ratio" */
	const char *words; /* "10 % more calls" */
	struct money_total cost;
};
struct plan_moves {
	struct plan_move move[PLAN_MOVES];
	size_t count;
};

/* Of what the plan has; the hit ratio ten points lower. Errors: as planner_run. */
int plan_moves(struct plan_moves *out, const struct planner_work *w,
	       const struct planner_scenario *s, const struct book *book, const char *currency,
	       struct err *e);

#endif
