/* plan_interval: what a plan costs between the ends of its uncertain assumptions, as a whole and in
 * each of its days, months and quarters. */
#ifndef TALLY_SIM_PLAN_INTERVAL_H
#define TALLY_SIM_PLAN_INTERVAL_H

#include "sim/planner.h"

struct plan_interval {
	bool known; /* something is uncertain */
	/* calls, cost and credits are the least and the most of all ends; nothing else counts */
	struct planner_result low, high;
};

/* Of one and the same days; the result may be released afterwards. */
void plan_interval_add(struct plan_interval *i, const struct planner_result *r);
void plan_interval_release(struct plan_interval *i);

#endif
