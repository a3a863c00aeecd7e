/*
 * outcomes: what models made of the same tasks, and what each attempt cost.
 *
 * Three shapes: CSV with the columns task, model, solved, cost and any signal columns (a row an
 * attempt); CSV with a row a task and columns MODEL_correct (or MODEL_solved) and MODEL_cost; and
 * JSON Lines with a task's attempts in a list (as coding-agent benchmarks write them).
 */
#ifndef TALLY_SIM_OUTCOMES_H
#define TALLY_SIM_OUTCOMES_H

#include "base/arena.h"
#include "base/dict.h"
#include "base/money.h"
#include "pricing/model_names.h"

enum { OUTCOME_MODELS_MAX = 32 };

/* One model on one task; all its attempts together. */
struct outcome {
	bool tried, solved, has_cost, has_signal;
	struct money_total cost;
	struct decimal signal; /* of the column that was asked for; the last attempt's */
};

struct outcomes {
	struct text model[OUTCOME_MODELS_MAX];
	size_t models;
	struct model_names *names; /* of outcomes_options */
	struct instant at;
	const char **task;	 /* names */
	struct outcome *outcome; /* tasks x OUTCOME_MODELS_MAX */
	size_t tasks;
	int64_t attempts;
	/* attempts that name no model are counted here, and their cost is in `cost` */
	int64_t without_model;
	struct money_total cost, cost_without_model;
	/* where the file tells how the whole run of a task ended (lists of attempts) */
	bool has_runs;
	int64_t run_solved, accepted, accepted_solved; /* accepted: an attempt of a named model
							  passed the file's own gate */
	struct arena arena;
	struct dict task_dict;
};

struct outcomes_options {
	const char *signal; /* a column (or key of an attempt) to keep; NULL: none */
	/* which names mean one model, and when; the caller's, for as long as the outcomes are
	 * asked. NULL: names are compared as they stand */
	struct model_names *names;
	struct instant at;
};
/* A model is one under all its names, and is called by the first of them. Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE, ERR_INVALID with file, line and field. */
int outcomes_read(struct outcomes **out, const char *path, const struct outcomes_options *how,
		  struct err *e);
/* The same from memory; path is for messages. */
int outcomes_parse(struct outcomes **out, struct text all, const char *path,
		   const struct outcomes_options *how, struct err *e);
void outcomes_close(struct outcomes *o);
/* The place of that model under any of its names, -1 when there is none. */
int outcomes_model(const struct outcomes *o, struct text model);
static inline const struct outcome *outcome_at(const struct outcomes *o, size_t task, int model)
{
	return &o->outcome[task * OUTCOME_MODELS_MAX + (size_t)model];
}

#endif
