/*
 * credit_days: the credits that past days drew, and what each of them would draw on another day.
 *
 * What was drawn comes from the ledger, exact. On a coming day the same usage has the rates of that
 * day at the same hours: those of the plan that holds then, and of the prices behind it; a day that
 * would draw twice as much by its rates draws twice what it drew. Usage that no plan covers on a
 * day keeps the rates that it had. From the day of a move on, what is moved has the rates of its
 * targets.
 */
#ifndef TALLY_SIM_CREDIT_DAYS_H
#define TALLY_SIM_CREDIT_DAYS_H

#include "base/zone.h"
#include "meter/ledger/draw.h"
#include "meter/store/usage_query.h"
#include "sim/usage_days.h"

/* Rates of days further away than two years and some are those of the same weekday then. */
enum { CREDIT_DAYS_FAR = 800 };

struct credit_days;
struct credit_days_of {
	struct drawer *drawer; /* NULL: rates stay as they were */
	const struct account *account;
	const struct zone *zone;
	int64_t first_day; /* local, since 1970 */
	size_t days;
};

/* What it is of outlives it. */
struct credit_days *credit_days_open(const struct credit_days_of *of);
void credit_days_close(struct credit_days *c);
/* Before the first question: hits stay as they were recorded, cache writes are input where the
 * target does not bill them. The texts outlive c. */
void credit_days_move(struct credit_days *c, const struct usage_move *move);
/* Takes a cell of usage_each_cell; user is a struct credit_days. */
int credit_days_take(void *user, const struct usage_call *cell);
/* Credits that past day i drew, added. */
void credit_days_drew(struct credit_days *c, size_t i, struct nano_credits n);
/* After the last cell, where the account is none of the ledger's: what each past day comes to at
 * its own rates, not rounded. *uncovered: records that the plan does not cover, which come to
 * nothing. */
void credit_days_rate(struct credit_days *c, int64_t *uncovered);
/* Records whose move was left out on some day, since the target has no rates for all of it. */
int64_t credit_days_kept(const struct credit_days *c);
/* In units of 1e-18: what past day i drew, and what it would draw on day t, both counted from the
 * first. */
struct money_total credit_days_drawn(const struct credit_days *c, size_t i);
struct money_total credit_days_cost(struct credit_days *c, size_t i, size_t t);
/* Whether what was used has the same rates on days t and s. */
bool credit_days_same_rates(struct credit_days *c, size_t t, size_t s);

#endif
