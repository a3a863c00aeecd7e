/*
 * budget: how much may be spent by whom, on what, in a period; thresholds and their alarms.
 *
 * A budget covers everything, or a customer, a project, a model, or any of them together. At every
 * soft threshold an alarm is raised once a period. A hard budget refuses holds that would pass it.
 * What was spent is exact: rollups once, then only the rows that came since.
 */
#ifndef TALLY_METER_BILLING_BUDGET_H
#define TALLY_METER_BILLING_BUDGET_H

#include "base/zone.h"
#include "meter/store/store.h"

enum { BUDGET_SOFT_MAX = 8, BUDGET_HOOK_TRIES = 20 };

struct budget {
	int64_t id;
	struct text name, customer, project, model, currency, period, zone, hook;
	struct money amount;
	int soft[BUDGET_SOFT_MAX], soft_count; /* percent, ascending */
	bool hard;
};

struct budget_state {
	struct instant from, to; /* of the period; INSTANT_MIN and _MAX for "ever" */
	struct money_total spent;
	int64_t unpriced; /* records that `spent` does not hold */
	int percent;	  /* of the amount, whole, cut */
};

/* "50,80,100". Errors: ERR_USAGE. */
int budget_soft_parse(struct budget *b, const char *list, struct err *e);
int budget_set(struct store *s, const struct budget *b, struct instant now, struct err *e);
int budget_clear(struct store *s, const char *name, struct err *e);

/* Spending of budgets, remembered between questions; belongs to the thread that asks. */
struct budgets;
struct budgets *budgets_open(struct store *s);
void budgets_close(struct budgets *b);
/* The texts of a budget live as long as the handle. */
int budgets_each(struct budgets *b, int (*take)(void *user, const struct budget *b), void *user,
		 struct err *e);
int budget_state_of(struct budgets *all, const struct budget *b, struct instant now,
		    struct budget_state *out, struct err *e);
/* Whether hard budgets allow so much more on top of what is held. Errors: ERR_LIMIT. */
int budgets_allow(struct budgets *b, struct text customer, struct text project, struct text model,
		  struct text currency, struct money more, struct money_total held,
		  struct instant now, struct err *e);

struct budget_alarm {
	struct budget budget;
	struct instant period_from, raised;
	int percent;
	struct text spent;
};
/* Inside a transaction: raises what has been passed. */
int budgets_raise(struct budgets *b, struct instant now, int64_t *raised, struct err *e);
/*
 * Outside of one: tells the hooks of alarms that wait, each until it succeeds once, and marks it.
 * tell returns whether the hook took it.
 */
int budgets_tell(struct budgets *b, struct instant now,
		 bool (*tell)(void *user, const struct budget_alarm *a), void *user, struct err *e);

/* Runs a hook: a shell command that gets the alarm as JSON on standard input, or an http(s) address
 * that it is posted to (with curl). True when it ended well. */
bool budget_hook(const struct budget_alarm *a);

#endif
