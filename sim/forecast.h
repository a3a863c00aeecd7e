/*
 * forecast: what the coming days may cost, from what past days did.
 *
 * Coming days are drawn from past ones of the level that holds now (day_model.h), many times over,
 * each at the prices of the coming day (sim/usage_days) and multiplied by what tells the two days
 * apart: growth, and the weekday where too few past days are of its kind. Who uses much and came,
 * left or changed is a stream of its own: days of the level that he has now, beside those of all
 * others, which need not be forgotten for his sake. Quantiles are members of the sorted sample, so
 * a spike weighs no more than its share of the days. Draws come from GSL's Mersenne Twister.
 */
#ifndef TALLY_SIM_FORECAST_H
#define TALLY_SIM_FORECAST_H

#include "base/err.h"
#include "base/money.h"
#include "sim/day_model.h"

enum { FORECAST_DAYS_LEAST = 7, FORECAST_DAYS_FAR = 3650, FORECAST_ALL = 0 };

struct forecast_options {
	/* whole past days, oldest first, at one and the same prices: how much was used */
	const struct money_total *day;
	size_t days;
	/* what past day i of one of them (FORECAST_ALL: of all) costs on day t, both counted from
	 * the first past day; NULL: what it is */
	struct money_total (*at)(void *user, size_t who, size_t i, size_t t);
	void *at_user;
	/* What the days consist of, days x whos x parts; without whos: days x parts. Parts
	 * (models): a level that changed in a part which matters has changed as a whole, for other
	 * days say nothing of the mix. Whos (the first is FORECAST_ALL, the others customers): who
	 * changed is drawn apart. */
	const struct money_total *part;
	size_t parts, whos;
	const struct money_total *metered; /* what the days cost; NULL: `day` */
	int first_weekday;		   /* of day[0], 0 = Monday */
	/* The future, in days after the last past one (today is 0): from first_day, of which the
	 * share counts, to last_day, of which the other share counts (both, where they are one). */
	int64_t first_day, last_day;
	struct day_share {
		int64_t part, of; /* of 0: the whole day */
	} first_share, last_share;
	struct money_total left; /* what may still be spent, for the day on which it is gone */
	uint64_t seed;
	int64_t draws;
};

/* Those whose level changed on one and the same day, and what their days say since then. */
struct forecast_stream {
	struct day_model model;
	size_t *who, whos;
};

struct forecast {
	struct day_model model; /* of all that is in no stream */
	struct forecast_stream *stream;
	size_t streams;
	size_t *who;		 /* of the streams */
	int trend;		 /* -1, 0, 1: the days fall or rise (Mann-Kendall, p < 0.01) */
	struct money_total *sum; /* by rank: the coming days together */
	int64_t *gone_in;	 /* by rank: days after today until `left` is gone;
				    FORECAST_DAYS_FAR:        not within ten years */
	int64_t draws;
	int64_t over; /* draws in which the coming days cost more than `left` */
};

/* What the forecast of that many days would have said when they began, and what they cost; false
 * where too few days lie before them. */
struct forecast_check {
	struct money_total low, middle, high, real; /* 5, 50 and 95 % */
};
bool forecast_back_test(struct forecast_check *out, const struct forecast_options *o, size_t days);

/* Errors: ERR_INVALID when there are fewer than FORECAST_DAYS_LEAST past days, ERR_SYSTEM
 * (gsl_need). */
int forecast_run(struct forecast *out, const struct forecast_options *o, struct err *e);
void forecast_release(struct forecast *f);
/* A mean that is not divided yet, so that sums of means are exact; of 0: nothing. */
struct forecast_mean {
	int128 sum, of;
};
void forecast_mean_add(struct forecast_mean *to, struct forecast_mean more);
/* Half up. */
int128 forecast_mean_of(struct forecast_mean m);
/* What a coming day comes to on average: the mean over the past days that it is drawn from, each
 * multiplied as in the draws. tell: the values (amounts, counts) of past day i on day t, of one who
 * or of all. */
struct forecast_value {
	size_t count;
	void (*tell)(void *user, size_t who, size_t i, size_t t, int128 *out);
	void *user;
};
void forecast_means(const struct forecast *f, const struct forecast_options *o, int64_t after_today,
		    const struct forecast_value *value, struct forecast_mean *out);
/* The value that at least that part of the draws does not exceed. */
struct money_total forecast_sum_at(const struct forecast *f, int permille);
int64_t forecast_gone_at(const struct forecast *f, int permille);

#endif
