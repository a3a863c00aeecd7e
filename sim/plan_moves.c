#include "sim/plan_moves.h"

#include <string.h>

enum { PARTS = 10, TENTH = SHARE_WHOLE / PARTS };

static bool is_there(const struct plan_moves *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->move[i].name, name) == 0)
			return true;
	return false;
}

/* What the work costs with a tenth more of a number of it: between the whole numbers around it
 * costs grow evenly. `at` is in `more`, which is a copy of the work. */
static int tenth_more(struct planner_work *more, int64_t *at, const struct planner_scenario *s,
		      const struct planner_prices *prices, struct money_total *out, struct err *e)
{
	const int64_t n = *at, part = n % PARTS;
	struct planner_result r;
	struct money_total above = { 0 };
	if (__builtin_add_overflow(n, n / PARTS, at))
		return err_set(e, ERR_RANGE, "the plan is larger than a total can hold");
	int rc = planner_run(&r, more, s, prices, e);
	if (rc != 0)
		return rc;
	*out = r.total.cost;
	planner_release(&r);
	if (!part)
		return 0;
	++*at;
	rc = planner_run(&r, more, s, prices, e);
	if (rc != 0)
		return rc;
	above = r.total.cost;
	planner_release(&r);
	const int128 by = above.atto - out->atto;
	out->atto += by / PARTS * part + (by % PARTS * part + PARTS / 2) / PARTS;
	return 0;
}

int plan_moves(struct plan_moves *out, const struct planner_work *w,
	       const struct planner_scenario *s, const struct planner_prices *prices, struct err *e)
{
	struct planner_work more[PLAN_MOVES] = { *w, *w, *w, *w, *w };
	static const char *const words[PLAN_MOVES][2] = {
		{ "per_day", "10 % more calls" },
		{ "cached", "10 % more cached tokens" },
		{ "input", "10 % more other prompt tokens" },
		{ "output", "10 % more output tokens" },
		{ "hit_ratio", "hits 10 points fewer" },
	};
	int64_t *const at[PLAN_MOVES] = { &more[0].per_day, &more[1].cached, &more[2].input,
					  &more[3].output, &more[4].hit_ratio };
	const struct planner_prices money = { .book = prices->book, .currency = prices->currency };
	int rc = 0;
	more[4].hit_ratio -= TENTH;
	for (size_t i = 0; rc == 0 && i < PLAN_MOVES; i++) {
		const bool hits = at[i] == &more[4].hit_ratio;
		struct money_total cost = { 0 };
		struct planner_result r;
		if (is_there(out, words[i][0]) || (hits ? !w->cached || *at[i] < 0 : *at[i] < 1))
			continue;
		if (hits && (rc = planner_run(&r, &more[i], s, &money, e)) == 0) {
			cost = r.total.cost;
			planner_release(&r);
		} else if (!hits) {
			rc = tenth_more(&more[i], at[i], s, &money, &cost, e);
		}
		if (rc == 0)
			out->move[out->count++] = (struct plan_move){ .name = words[i][0],
								      .words = words[i][1],
								      .cost = cost };
	}
	return rc;
}
