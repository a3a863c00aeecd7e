/*
 * whatif: one workload under several scenarios, each replayed call by call with a cache of its own
 * for every model, and priced by the same rater that metering uses.
 *
 * What a scenario costs is never an average times a count: a call that another model answers finds
 * that model's cache as the scenario left it. Results are exact and do not depend on the number of
 * threads.
 */
#ifndef TALLY_SIM_WHATIF_H
#define TALLY_SIM_WHATIF_H

#include "pricing/plan.h"
#include "sim/count_cache.h"
#include "sim/hosting.h"
#include "sim/losses.h"
#include "sim/prefix_cache.h"
#include "sim/resample.h"
#include "sim/route.h"
#include "sim/sample.h"

enum whatif_cache {
	/* The trace's own counts hold on every model. */
	WHATIF_CACHE_NONE,
	/* A model finds what it had seen of the conversation: no more than the recorded hit of the
	   call, nor of any call since the model's own last one. */
	WHATIF_CACHE_RECORDED,
	/* What a model found is rebuilt from the conversation (sim/count_cache). */
	WHATIF_CACHE_REBUILT,
	/* Prompts are replayed block by block (traces that name their blocks). */
	WHATIF_CACHE_BLOCKS,
};

/* Attempts that fail and are made again: a seeded share of calls, and what the failed one bills. */
enum retry_bill { RETRY_BILLS_NOTHING, RETRY_BILLS_PROMPT, RETRY_BILLS_ALL };
struct retry {
	uint64_t share; /* of 2^64 */
	bool all;
	enum retry_bill bill;
};

struct scenario {
	const char *name, *spec;
	struct route route;
	/* What the target model makes of the recorded counts, by target; rounded half up a call. */
	struct decimal input_factor[ROUTE_TARGETS_MAX], output_factor[ROUTE_TARGETS_MAX];
	/* thinking effort: reasoning tokens, which are a part of the output */
	struct decimal reasoning_factor[ROUTE_TARGETS_MAX];
	bool has_factors;
	struct retry retry[ROUTE_TARGETS_MAX];
	bool has_retries;
	struct hosting hosting[ROUTE_TARGETS_MAX];
	/* of a sensitivity analysis: multiples of what the scenario assumes; 0: as it is */
	struct decimal vary_prompt, vary_output, vary_hits;
	struct cache_rules cache; /* what it says otherwise than the options, see `asked` */
	/* by target; 0: what the model's card says */
	struct decimal first_token_seconds[ROUTE_TARGETS_MAX], tokens_per_second[ROUTE_TARGETS_MAX];
};

struct whatif_options {
	const struct workload *workload;
	struct scenario *scenario;
	size_t scenarios, baseline;
	const struct book *book;
	const struct plan *plan; /* NULL: no credits */
	const char *currency;
	enum whatif_cache cache;
	struct cache_rules rules; /* every model has a cache of its own */
	uint64_t seed;
	int64_t resamples;	     /* 0: no intervals */
	const struct sample *sample; /* only its conversations are replayed; NULL: all */
	bool has_budget;	     /* how many resamples come to more? */
	struct money_total budget;
	int level_permille; /* of the intervals: 950 */
	int threads;
	/* Hears how many of so many units of work are done; may be NULL. */
	void (*progress)(void *user, int64_t done, int64_t of);
	void *progress_user;
	/* Asked now and then, by every thread; when it says so, the run ends with ERR_BUSY. NULL:
	 * it goes on. */
	bool (*stops)(void *user);
	void *stops_user;
};

/* One model (of one vendor) in a scenario. */
struct whatif_model {
	struct text provider, model;
	int64_t records, tokens[BUCKET_COMMON];
	struct money_total cost;
	struct credits_total credits;
	int64_t unpriced, uncredited;
	int64_t placeholders; /* calls with only the output count of their answer's start, or */
	int64_t unsaid;	      /* (of them) that do not tell what their price depends on */
	int64_t moving;	      /* calls priced by a name that moves to newer models */
	int64_t token_hours;  /* of storage, where caches bill it */
	int64_t context_tokens, over_context; /* the model's limit (0: not known), calls above it */
	int64_t output_tokens_max, does_not_fit; /* limit of an answer (0: not known); calls above
						    either limit, each once */
	struct decimal first_token_seconds, tokens_per_second; /* 0: not known */
	/* where it is hosted: what its calls would cost at the vendor's price, and the machines */
	const struct hosting *hosting; /* NULL: not */
	struct money_total at_vendor;
	int64_t vendor_unpriced;
	struct hosted hosted;
};

/* Of a scenario's cost, what fell on a day (UTC, since 1970) or into a tariff window. */
struct whatif_part {
	int64_t day;
	const char *window;
	int64_t records;
	struct money_total cost;
};

struct whatif_reason {
	const char *model, *why;
	int64_t records;
};

struct whatif_result {
	struct whatif_model *model; /* in the order of first use */
	size_t models;
	int64_t records, tokens[BUCKET_COMMON], prompt_tokens;
	struct money_total cost;
	struct credits_total credits;
	int64_t unpriced, uncredited, placeholders, unsaid;
	/* where hits are rebuilt from counts: calls as recorded, calls whose hits are not certain,
	   and what the cost would be with the fewest and the most, and is where sessions rewrite
	   what was said as often as recorded ones do */
	int64_t calls_recorded, calls_uncertain, calls_unproven;
	struct money_total cost_low, cost_high, cost_expected;
	struct losses losses; /* of calls without proof; in cost_high once all plays are known */
	struct misses missed; /* where hits are rebuilt, or found block by block */
	struct whatif_part *by_day, *by_window; /* days in order; without what is fixed */
	size_t days, windows;
	struct whatif_reason *reason;
	size_t reasons;
	/* of routes that wait for a cheaper hour */
	int64_t moved, waited_us, longest_us;
	struct money_total without_waiting;
	int64_t escalated;	       /* calls that were run on a second model too */
	bool decides[ROUTE_RULES_MAX]; /* rules that decided a call */
	int64_t retried, retries_billed;
	struct money_total retry_cost;
	struct money_total fixed; /* of `cost`: what does not depend on the calls */
	int64_t over_budget;	  /* resamples */
	bool has_intervals;
	struct interval total,
		difference;	     /* of the cost, and of its difference from the baseline */
	struct interval ratio_micro; /* of cost / the baseline's, in millionths */
	bool has_ratio;
	struct sample_estimate estimate; /* of the whole, where only a sample was replayed */
	/* costs of the conversations, those beyond resample_clusters added round; of a sample:
	   each has its own place */
	struct money_total *by_conversation;
	/* private */
	struct arena arena;
};
/* Whether what they cost, and draw, is a lower bound. */
static inline bool whatif_at_least(const struct whatif_result *w)
{
	return w->unpriced || w->placeholders;
}
/* Whether it has no amount at all: none of its calls has a price. */
static inline bool whatif_is_unpriced(const struct whatif_result *w)
{
	return w->unpriced && w->unpriced >= w->records && !w->cost.atto;
}
static inline bool whatif_draws_at_least(const struct whatif_result *w)
{
	return w->uncredited || w->placeholders;
}

/* Whether hits that are not certain move the cost. */
static inline bool whatif_has_bounds(const struct whatif_result *w)
{
	return (w->calls_uncertain || w->calls_unproven) && !w->fixed.atto;
}
/* The figure to take: what is expected where hits are not certain, else the cost. Models, days and
 * windows add up to the cost. */
static inline struct money_total whatif_headline(const struct whatif_result *w)
{
	return whatif_has_bounds(w) ? w->cost_expected : w->cost;
}
/* Below, at or above 0 as a scenario is cheaper than another one, as dear or dearer, whether as
 * much is rewritten as is expected, as the most hits have it or as the fewest do. */
enum whatif_verdict { WHATIF_CHEAPER = -1, WHATIF_SAME, WHATIF_DEARER, WHATIF_NOT_CERTAIN };
enum whatif_verdict whatif_verdict(const struct whatif_result *w, const struct whatif_result *base);

/* The serial time of the model's calls in milliseconds, half up; -1 when its speed is not known. */
int64_t whatif_busy_ms(const struct whatif_model *m);

/* One result a scenario, in order. Errors: ERR_USAGE (cache and workload do not fit), ERR_RANGE. */
int whatif_run(struct whatif_result **out, const struct whatif_options *o, struct err *e);
void whatif_results_close(struct whatif_result *r, size_t count);

#endif
