/* plan_moves: what each assumption of a plan moves: the same plan with a tenth more of one of them.
 */
#ifndef TALLY_SIM_PLAN_MOVES_H
#define TALLY_SIM_PLAN_MOVES_H

#include "sim/planner.h"

enum { PLAN_MOVES = 5, PLAN_RANGES_MOST = 14 };

struct plan_move {
	const char *name;  /* "per_day", "cached", "input", "output", "hit_ratio" */
	const char *words; /* "10 % more calls", "100 to 200 output tokens" */
	/* of a range: at its ends, everything else as is likely */
	bool is_range;
	struct money_total cost, cost_low; /* cost: at the high end, or with a tenth more */
};
struct plan_moves {
	struct plan_move move[PLAN_MOVES + PLAN_RANGES_MOST];
	size_t count;
};

/* Adds to *out what a tenth more of what the plan has would cost, and the hit ratio ten points
 * lower, but for assumptions whose names are there. Errors: as planner_run. */
int plan_moves(struct plan_moves *out, const struct planner_work *w,
	       const struct planner_scenario *s, const struct planner_prices *prices,
	       struct err *e);

#endif
