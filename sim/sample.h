/*
 * sample: what a whole workload would cost, from some of its conversations.
 *
 * Some conversations are drawn, without replacement, and replayed. Of every conversation some
 * figures are known without a replay (tokens read uncached, from the cache, and written, the
 * longest prompt, the calls); they are the control variates: the estimate is the sample's mean cost
 * times the number of conversations, corrected by the regression's slopes times how far the
 * sample's means of those figures lie from the means of all. Slopes are rounded to whole
 * atto-units, so that amounts stay whole numbers.
 */
#ifndef TALLY_SIM_SAMPLE_H
#define TALLY_SIM_SAMPLE_H

#include "sim/resample.h"
#include "sim/workload.h"

enum { SAMPLE_CONTROLS = 5, SAMPLE_LEAST = 10 };

struct sample {
	bool *in; /* by conversation */
	int64_t (*control)[SAMPLE_CONTROLS];
	size_t of, count;
};

struct sample_estimate {
	struct money_total total;
	struct interval interval; /* of the estimate, by resampling the sample */
	struct interval plain;	  /* the same without the control variate */
};

/* count conversations of the workload's. Errors: ERR_USAGE (fewer than SAMPLE_LEAST, or not fewer
 * than there are). */
int sample_draw(struct sample *out, const struct workload *w, int64_t count, uint64_t seed,
		struct err *e);
void sample_release(struct sample *s);
struct resampling {
	uint64_t seed;
	int64_t resamples;
	int level_permille; /* of the intervals */
};
/* cost: of each conversation of the workload; those that are not drawn do not matter. fixed: what
 * does not depend on conversations. Errors: ERR_RANGE. */
int sample_estimate(struct sample_estimate *out, const struct sample *s,
		    const struct money_total *cost, struct money_total fixed,
		    const struct resampling *how, struct err *e);

#endif
