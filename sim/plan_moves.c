#include "sim/plan_moves.h"

#include <string.h>

enum { PARTS = 10, TENTH = SHARE_WHOLE / PARTS };

/* A tenth more; false where that is no whole number more. */
static bool grow(int64_t *n)
{
	return *n >= PARTS && !__builtin_add_overflow(*n, *n / PARTS, n);
}

static bool is_there(const struct plan_moves *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->move[i].name, name) == 0)
			return true;
	return false;
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
	const bool moves[PLAN_MOVES] = { grow(&more[0].per_day), grow(&more[1].cached),
					 grow(&more[2].input), grow(&more[3].output),
					 w->cached && w->hit_ratio >= TENTH };
	const struct planner_prices money = { .book = prices->book, .currency = prices->currency };
	int rc = 0;
	more[4].hit_ratio -= TENTH;
	for (size_t i = 0; rc == 0 && i < PLAN_MOVES; i++) {
		struct planner_result r;
		if (!moves[i] || is_there(out, words[i][0]))
			continue;
		rc = planner_run(&r, &more[i], s, &money, e);
		if (rc != 0)
			break;
		out->move[out->count++] = (struct plan_move){ .name = words[i][0],
							      .words = words[i][1],
							      .cost = r.total.cost };
		planner_release(&r);
	}
	return rc;
}
