/*
 * forecast: what the coming days may cost, from what past days did.
 *
 * Coming days are drawn from past ones (from those of the same weekday where the weekdays differ),
 * many times over; quantiles are members of the sorted sample. Nothing is fitted, so a spike weighs
 * no more than its share of the days. Draws come from GSL's Mersenne Twister.
 */
#ifndef TALLY_SIM_FORECAST_H
#define TALLY_SIM_FORECAST_H

#include "base/err.h"
#include "base/money.h"

enum { FORECAST_DAYS_LEAST = 7, FORECAST_DAYS_FAR = 3650 };

struct forecast_options {
	const struct money_total *day; /* whole past days, oldest first */
	size_t days;
	int first_weekday; /* of day[0], 0 = Monday */
	/* the future: what is left of today in seconds, and how many whole days after it */
	int64_t rest_of_today_s;
	int64_t horizon_days;
	struct money_total left; /* what may still be spent, for the day on which it is gone */
	uint64_t seed;
	int64_t draws;
};

struct forecast {
	bool seasonal;		 /* the weekdays differ (Kruskal-Wallis, p < 0.01) */
	int trend;		 /* -1, 0, 1: the days fall or rise (Mann-Kendall, p < 0.01) */
	struct money_total *sum; /* by rank: the coming days together */
	int64_t *gone_in;	 /* by rank: whole days after today until `left` is gone;
				    FORECAST_DAYS_FAR:        not within ten years */
	int64_t draws;
	int64_t over; /* draws in which the coming days cost more than `left` */
};

/* Errors: ERR_INVALID when there are fewer than FORECAST_DAYS_LEAST past days. */
int forecast_run(struct forecast *out, const struct forecast_options *o, struct err *e);
void forecast_release(struct forecast *f);
/* The value that at least that part of the draws does not exceed. */
struct money_total forecast_sum_at(const struct forecast *f, int permille);
int64_t forecast_gone_at(const struct forecast *f, int permille);

#endif
