/*
 * cascade: try the cheap model, ask a gate, and on rejection pay the strong model as well.
 *
 * Works on the joint outcomes and the costs of each task, never on averages: tasks that fail on the
 * cheap model cost more on the strong one. A gate accepts a right answer with probability
 * `sensitivity` and a wrong one with `false_accept`; what it then costs and solves on average has a
 * closed form, which is computed exactly. Rounding: none in counts and costs, once in ratios.
 * APGR and CPT follow RouteLLM, AIQ follows RouterBench.
 */
#ifndef TALLY_SIM_CASCADE_H
#define TALLY_SIM_CASCADE_H

#include "sim/outcomes.h"
#include "sim/resample.h"

struct cascade_options {
	const struct outcomes *outcomes;
	int cheap, strong;
	struct decimal sensitivity, false_accept; /* from 0 to 1; 1 and 0 is the perfect gate */
	bool sweep;				  /* over the outcomes' signal */
	uint64_t seed;
	int64_t resamples;
	int level_permille, threads;
	bool high_escalates; /* the signal says how hard a task is, not how sure the answer is */
};

/* What a policy costs and solves. Parts of tasks are possible where a gate decides by chance:
 * counts are in billionths. */
struct cascade_policy {
	int128 solved_nano, escalated_nano;
	struct money_total cost;
};

struct cascade_point {
	struct decimal threshold; /* answers with a signal at or above it are accepted, or, where
				     a high one escalates, sent on */
	int64_t escalated, solved;
	struct money_total cost;
	bool on_hull; /* of cost and solved tasks */
};

struct cascade_result {
	int64_t tasks, incomplete; /* incomplete: not tried by both, and in no figure below */
	int64_t both, cheap_only, strong_only, neither;
	bool has_costs;
	struct cascade_policy cheap, strong, cascade, oracle;
	bool has_interval; /* of the cost per solved task, in the cascade */
	struct interval cost_per_solved;
	/* 0 to 1; the share of escalations at which the cascade costs what the strong model alone
	   does, by average costs and by those of the tasks that are escalated */
	bool has_break_even;
	int128 break_even_nano, break_even_escalated_nano;
	struct cascade_point *sweep; /* from many escalations to few */
	size_t sweeps;
	bool has_apgr, has_aiq;
	int128 apgr_nano, aiq_nano;
	bool has_cpt50, has_cpt80;
	int128 cpt50_nano, cpt80_nano;
	/* statistics, not money */
	int64_t mcnemar_p_nano;	   /* exact, two-sided */
	int64_t wilson_nano[3][2]; /* of the share that is solved: cheap, strong, cascade */
};

/* Errors: ERR_USAGE, ERR_INVALID (no task that both tried, a signal that is missing). */
int cascade_run(struct cascade_result *out, const struct cascade_options *o, struct err *e);
void cascade_release(struct cascade_result *r);

#endif
