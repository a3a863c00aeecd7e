/*
 * budget: how much may be spent by whom, on what, in a period; thresholds and their alarms.
 *
 * A budget covers everything, or a customer, a project, a model, or any of them together, in a
 * window of time (window.h). At every soft threshold, a percentage of its amount or an amount, an
 * alarm is raised once a period; in a rolling one, once what rang the last one has left it. A hard
 * budget refuses holds that would pass it, by what was spent and is held within its scope, whoever
 * spends it (spending). A budget that cannot be evaluated is told of, refuses holds if it is hard,
 * and stands in no other budget's way.
 */
#ifndef TALLY_METER_BILLING_BUDGET_H
#define TALLY_METER_BILLING_BUDGET_H

#include "meter/billing/hook.h"
#include "meter/billing/spending.h"

enum { BUDGET_SOFT_MAX = 8, BUDGET_HOOK_TRIES = 20 };

struct budget {
	int64_t id;
	struct text name, customer, project, model, currency, period, zone, hook;
	struct money amount;
	int soft[BUDGET_SOFT_MAX], soft_count; /* percent, ascending */
	struct money soft_amount[BUDGET_SOFT_MAX];
	int soft_amounts; /* ascending */
	bool hard;
	struct text damage; /* what of it cannot be read; empty: nothing */
};

struct budget_state {
	struct instant from, to; /* of the period; INSTANT_MIN and _MAX where it has no end */
	struct instant apart;	 /* as in window_span */
	struct money_total spent, held;
	int64_t unpriced; /* records that `spent` does not hold, or holds by their estimate only */
	int64_t placeholders; /* records of which it holds a part only */
	int percent;	      /* of the amount, whole, cut */
};

/* "50,80,100". Errors: ERR_USAGE. */
int budget_soft_parse(struct budget *b, const char *list, struct err *e);
/* "25,99.50", of the budget's currency. Errors: ERR_USAGE. */
int budget_soft_amounts_parse(struct budget *b, const char *list, struct err *e);
/* Inside a transaction. Refused when its spending cannot be evaluated (ERR_INVALID: records or
 * holds of its period are in another currency). */
int budget_set(struct store *s, const struct budget *b, struct instant now, struct err *e);
int budget_clear(struct store *s, const char *name, struct err *e);

/* Spending of budgets, remembered between questions, and hooks that run; belongs to the thread that
 * asks. */
struct budgets;
struct budgets *budgets_open(struct store *s);
void budgets_close(struct budgets *b);
/* The texts of a budget live until `take` returns; what it returns, if not 0, ends the rest. */
int budgets_each(struct budgets *b, int (*take)(void *user, const struct budget *b), void *user,
		 struct err *e);
/* Errors: ERR_INVALID when it cannot be evaluated; those of spending_of. */
int budget_state_of(struct budgets *all, const struct budget *b, struct instant now,
		    struct budget_state *out, struct err *e);
/* Whether a failure is the database's and no single budget's. */
bool budget_failure_is_general(const struct err *e);

struct budget_call {
	struct text customer, project, model, currency; /* model: by any name */
	struct money amount;
};
/* Whether all hard budgets that cover the call allow that amount on top of what is held. Errors:
 * ERR_LIMIT, also where one of them cannot judge it. */
int budgets_allow(struct spending *sp, const struct budget_call *c, struct instant now,
		  struct err *e);

struct budget_alarm {
	struct budget budget;
	struct instant period_from, raised;
	int percent;	     /* 0: of an amount */
	struct money amount; /* the budget's, or that of the threshold */
	struct text spent;
};
/* "80 %" or "25 USD". */
enum { BUDGET_PASSED_MAX = DECIMAL_TEXT_MAX + 16 };
char *budget_alarm_passed(const struct budget_alarm *a, char out[BUDGET_PASSED_MAX]);
/* Inside a transaction: raises what has been passed. failed hears of each budget that could not be
 * evaluated; the others go on. */
struct budget_listener {
	void *user;
	void (*failed)(void *user, const struct budget *b, const struct err *why);
	/* an alarm's hook has ended, well or not, or it has none */
	void (*told)(void *user, const struct budget_alarm *a, bool ok);
};
int budgets_raise(struct budgets *b, struct instant now, const struct budget_listener *l,
		  int64_t *raised, struct err *e);
/*
 * Outside of one: runs the hooks of alarms that wait, beside each other, each until it succeeds
 * once, and marks what has ended; tells of alarms of the last day that have no hook. wait: until
 * all of them have; else what still runs is looked at the next time.
 */
int budgets_tell(struct budgets *b, struct instant now, bool wait, const struct budget_listener *l,
		 struct err *e);

#endif
