#include "sim/plan_interval.h"

#include <string.h>

static struct planner_sums *copy_sums(const struct planner_sums *s, size_t count)
{
	struct planner_sums *copy = mem_zalloc((count + 1) * sizeof *copy);
	memcpy(copy, s, count * sizeof *copy);
	return copy;
}

static struct planner_result copy_result(const struct planner_result *r)
{
	struct planner_result copy = *r;
	copy.day = copy_sums(r->day, r->days);
	copy.month = copy_sums(r->month, r->months);
	copy.quarter = copy_sums(r->quarter, r->quarters);
	return copy;
}

static void widen(struct planner_sums *low, struct planner_sums *high, const struct planner_sums *s,
		  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		low[i].calls = s[i].calls < low[i].calls ? s[i].calls : low[i].calls;
		high[i].calls = s[i].calls > high[i].calls ? s[i].calls : high[i].calls;
		if (s[i].cost.atto < low[i].cost.atto)
			low[i].cost = s[i].cost;
		if (s[i].cost.atto > high[i].cost.atto)
			high[i].cost = s[i].cost;
		if (s[i].credits.atto < low[i].credits.atto)
			low[i].credits = s[i].credits;
		if (s[i].credits.atto > high[i].credits.atto)
			high[i].credits = s[i].credits;
	}
}

void plan_interval_add(struct plan_interval *i, const struct planner_result *r)
{
	if (!i->known) {
		*i = (struct plan_interval){ true, copy_result(r), copy_result(r) };
		return;
	}
	widen(&i->low.total, &i->high.total, &r->total, 1);
	widen(i->low.day, i->high.day, r->day, r->days);
	widen(i->low.month, i->high.month, r->month, r->months);
	widen(i->low.quarter, i->high.quarter, r->quarter, r->quarters);
}

void plan_interval_release(struct plan_interval *i)
{
	if (i->known) {
		planner_release(&i->low);
		planner_release(&i->high);
	}
	i->known = false;
}
