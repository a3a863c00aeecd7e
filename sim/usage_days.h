/*
 * usage_days: what was used on past days, and what each of them would cost on another day.
 *
 * Usage is kept by quarter of an hour of local time, model and price, so that the same work on a
 * coming day is priced by the book at the same hours of that day: a dated rise, the end of a
 * promotion, peak hours and holidays are in it. What was metered at a price that is not the book's
 * (negotiated, stated by the seller), or has none in the book then, keeps the price that it had.
 * Amounts are tokens times prices, exact.
 */
#ifndef TALLY_SIM_USAGE_DAYS_H
#define TALLY_SIM_USAGE_DAYS_H

#include "base/zone.h"
#include "meter/store/usage_query.h"
#include "pricing/tariffs.h"

/* Prices of days further away than two years and some are those of the same weekday then. */
enum { USAGE_DAYS_FAR = 800 };

struct usage_days;

/*
 * From a day on, what ran on a model (empty: everything) runs on another one, or on two as a route
 * has it: each takes its share of the cost that all of it would have there, in millionths, rounded
 * once at the last place of sums. Shares of an escalation are more than the whole.
 */
enum { USAGE_MOVE_PARTS = 2, USAGE_MOVE_WHOLE = 1000000 };
struct usage_move {
	struct text model;	 /* by any of its spellings; empty: every one */
	const struct book *book; /* that knows them, at `at`; NULL: the name as it stands */
	struct instant at;
	struct {
		struct text to, service_tier;
		int64_t share;
	} part[USAGE_MOVE_PARTS];
	int parts;   /* 0: no move */
	size_t from; /* counted from the first past day */
};

/* Whether calls of that model are moved. */
bool usage_move_takes(const struct usage_move *m, const struct subject_names *of);

/* Local days of the zone from first_day (since 1970) on; both outlive it. book NULL: every price is
 * as it was. */
struct usage_days *usage_days_open(const struct book *book, const struct zone *zone,
				   int64_t first_day, size_t days);
void usage_days_close(struct usage_days *u);
/* Customers of whom cells by day and customer are then taken, beside those of all: they are 1 to
 * count below, and 0 is all. What they used lies at a quarter of an hour of that day at which most
 * was used at the same price. */
void usage_days_customers(struct usage_days *u, const struct text *customer, size_t count);
int usage_days_take_customer(void *user, const struct usage_call *cell);
/* At least 1: all. */
size_t usage_days_whos(const struct usage_days *u);
/* Takes a cell of usage_each_cell; user is a struct usage_days. Returns an error of its own code,
 * which usage_days_error tells. */
int usage_days_take(void *user, const struct usage_call *cell);
const struct err *usage_days_error(const struct usage_days *u);
/* Before usage_days_ready: hits stay as they were recorded, cache writes are input where the target
 * does not bill them; what it has no price for keeps its own. The texts outlive u. */
void usage_days_move(struct usage_days *u, const struct usage_move *move);
/* After the last cell: the currency of the prices. Cells may not be taken any more. */
void usage_days_ready(struct usage_days *u, const char *currency);
/* Days at the front without usage. */
size_t usage_days_empty(const struct usage_days *u);

size_t usage_days_models(const struct usage_days *u);
struct text usage_days_model(const struct usage_days *u, size_t model);
/* What past day i was metered at. */
struct money_total usage_days_metered(const struct usage_days *u, size_t who, size_t i);
/* Tokens of a model on past day i, by bucket. */
const int64_t *usage_days_tokens(const struct usage_days *u, size_t who, size_t i, size_t model);
/* What past day i would cost on day t, both counted from the first past day; of one model, and
 * together. Sums that do not fit are as large as they can be. */
struct money_total usage_days_cost_of(struct usage_days *u, size_t who, size_t i, size_t t,
				      size_t model);
struct money_total usage_days_cost(struct usage_days *u, size_t who, size_t i, size_t t);
/* Whether days t and s have the same prices. */
bool usage_days_same_prices(struct usage_days *u, size_t t, size_t s);

/* Calls whose price is not the book's, so far as days have been asked for: of how many, and of
 * those the model with the most. */
struct usage_days_kept {
	int64_t records;
	struct text model;
};
struct usage_days_kept usage_days_kept(const struct usage_days *u);

#endif
