/*
 * decision: which model for which work, from scores and speeds that somebody measured and prices
 * that the book states.
 *
 * Scores, speeds and the tokens of a task are inputs with source and date; what is not known stays
 * unknown and decides nothing. Costs are those of the planner.
 */
#ifndef TALLY_SIM_DECISION_H
#define TALLY_SIM_DECISION_H

#include "base/json.h"
#include "sim/planner.h"

enum { DECISION_ROUTES_MAX = 32, SCORE_UNIT = 1000000 };

/* Something measured: a score, tokens a second, or money that a run cost. */
struct measured {
	const char *name, *source, *date; /* source and date as written */
	struct decimal value;
};

struct decision_model {
	const char *name;
	struct measured *score;
	size_t scores;
	struct measured speed;	    /* tokens a second; value 0: not known */
	struct decimal first_token; /* seconds; 0: not known */
	const char **has;	    /* what it offers: "open weights", "web search" */
	size_t has_count;
};

struct decision_work {
	const char *name, *measure, *tokens_from; /* where the tokens of a task come from */
	const char *needs;			  /* NULL: nothing */
	int64_t calls, cached, input, output;	  /* of a task; tokens of each call */
	int64_t hit_ratio;			  /* millionths */
	bool has_floor, has_speed_least;
	struct decimal floor, speed_least;
	const char *note;
	struct planner_scenario route[DECISION_ROUTES_MAX];
	int routes;
	json_value *cost; /* what the task cost as published, by model; NULL: computed */
};

enum decision_verdict { KEEPS_FLOOR, BELOW_FLOOR, NOT_KNOWN, NOT_POSSIBLE };

struct decision_answer {
	struct money_total cost;		/* of a task */
	const char *cost_source;		/* published, not computed; NULL: computed */
	bool priced, fits, has_score, at_least; /* the score is a lower bound (escalations) */
	int64_t score;				/* in millionths of a point */
	int64_t milliseconds;	 /* of a task, one call after another; -1: not known */
	int64_t inferred_tokens; /* where the cost is published: of output alone; -1: none */
	enum decision_verdict verdict;
	const char *why; /* of the last two */
	struct money_total per_point;
};

struct decision {
	struct arena arena;
	struct json_document *file;
	struct instant at;
	struct decision_model *model;
	size_t models;
	struct decision_work *work;
	struct decision_answer (*answer)[DECISION_ROUTES_MAX]; /* of each work */
	int *cheapest; /* route of each work, -1: none keeps the floor */
	size_t works;
};

/* Errors: those of json_open_file, ERR_INVALID with the place. */
int decision_read(struct decision *out, const char *path, struct err *e);
/* Prices at d->at, averaged over that day (UTC) as the planner does. Errors: ERR_RANGE. */
int decision_run(struct decision *d, const struct book *book, const char *currency, struct err *e);
void decision_release(struct decision *d);

const struct decision_model *decision_model(const struct decision *d, const char *name);
const struct measured *decision_score(const struct decision_model *m, const char *measure);

#endif
