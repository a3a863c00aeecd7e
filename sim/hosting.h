/*
 * hosting: calls on machines that are rented by the hour.
 *
 * Calls are taken in the order in which they come, by the first place that is free; they wait where
 * none is. From hour to hour, counted from the first call, there are as many whole replicas as it
 * takes for no call of that hour to wait longer than it may, or a fixed number. What is at work at
 * the end of an hour is rented for the next one as well. Time is whole microseconds.
 */
#ifndef TALLY_SIM_HOSTING_H
#define TALLY_SIM_HOSTING_H

#include "base/err.h"
#include "base/instant.h"
#include "base/money.h"

struct hosting {
	struct money gpu_hour;			 /* one GPU, one hour; 0: not hosted */
	int64_t gpus;				 /* of one replica */
	struct decimal prompt_rate, output_rate; /* tokens a second of one replica: read uncached,
						    and written */
	int64_t slots;		/* calls that a replica answers at a time, sharing its rates */
	int64_t replicas;	/* always so many; 0: as many as it takes */
	int64_t replicas_least; /* in every hour, from the first call to the last answer */
	int64_t wait_us;	/* the longest that a call may wait where replicas are added */
	const char *gpu_source, *rate_source; /* whose figures they are; NULL: the user's */
};

/* A call, and how long one replica would work on it alone. */
struct hosted_call {
	int64_t time_us, work_us;
	uint32_t order; /* tells calls of one instant apart */
	uint32_t model;
};

struct span_spread {
	int64_t mean, median, most_of_20, longest; /* microseconds; most_of_20: 95 of 100 are not
						      longer */
};

struct hosted {
	int64_t hours;			 /* from the first call to the last answer */
	int64_t replica_hours;		 /* that are paid */
	int64_t replicas;		 /* the most at a time */
	int128 busy_us;			 /* work on one replica */
	struct span_spread wait, answer; /* until a call begins, and until it is answered */
};

/* tokens at so many a second, in microseconds, half up. */
int128 hosting_work_us(int64_t tokens, struct decimal rate);
/* Sorts the calls; none of them takes a century.  Errors: ERR_RANGE (more than
 * HOSTING_REPLICAS_MOST replicas, or hours). */
/* Of one call, a century. */
#define HOSTED_WORK_MOST_US (INT64_C(36525) * US_PER_DAY)
enum { HOSTING_REPLICAS_MOST = 100000, HOSTING_HOURS_MOST = 1000000 };
int hosting_run(struct hosted *out, const struct hosting *h, struct hosted_call *call, size_t calls,
		struct err *e);

#endif
