/*
 * advice: three questions that people ask of caches, each answered by the engine of the what-if and
 * the rater, none by an average times a count.
 *
 * cache: what a client should pay for, nothing, five minutes, an hour, or pings that keep a prompt
 * warm. switch: whether to stay with a model that knows the prompt or to go to one that does not.
 * hits: the share of hits at which two models cost the same. Amounts are exact.
 */
#ifndef TALLY_SIM_ADVICE_H
#define TALLY_SIM_ADVICE_H

#include "sim/scenario.h"

enum { ADVICE_TURNS_MOST = 1000, ADVICE_PINGS_MOST = 1000 };

/* --- cache --- */

struct advice_cache_asked {
	const struct whatif_options *options; /* workload, book, currency, cache, rules, seed */
	struct text provider, model;
	int64_t every_us;    /* between pings; 0: ten seconds less than the cache lives */
	int64_t pings;	     /* at most so many in a pause; 0: several are tried */
	int64_t ping_output; /* tokens that a ping is answered with */
};

struct advice_choice {
	const char *name;
	struct money_total total, pings_cost; /* the first has the second in it */
	int64_t pings_most, pings, every_us, unpriced;
	int64_t hits, prompt;
};

enum { ADVICE_CHOICES = 3 + 2 * 8 };
struct advice_cache {
	struct advice_choice choice[ADVICE_CHOICES];
	size_t choices, cheapest;
	bool can_be_warmed; /* reading a prompt makes it live longer */
	/* of the short lifetime and of the long one (life_us 0: there is none) */
	struct advice_life {
		int64_t life_us, every_us;
		int64_t break_even_pings; /* as many cost less than writing the prompt once more;
					     -1: of no price */
	} life[CACHE_LIFETIMES];
};
/* Errors: ERR_NOT_FOUND (no card says how the model's cache works) and those of whatif_run. */
int advice_cache_run(struct advice_cache *out, const struct advice_cache_asked *asked,
		     struct err *e);

/* --- switch --- */

struct advice_switch_asked {
	const struct book *book;
	const char *currency;
	const char *from, *to; /* routes: MODEL or VENDOR/MODEL */
	const struct cache_rules *rules;
	int64_t prompt, output; /* of the call that `from` has answered, tokens */
	int64_t added;		/* beside the answer, each turn */
	int64_t turns, gap_us;
	int64_t at_us; /* of the answered call */
};
struct advice_switch {
	struct money_total *stay, *move; /* by turn, from 0: all turns up to that one */
	int64_t turns;
	int64_t pays_from; /* 1 + the first turn from which moving is cheaper on; 0: never */
	int64_t unpriced;
	bool knows_cache[2]; /* whether a card says how the cache of from, and of to, works */
};
int advice_switch_run(struct advice_switch *out, const struct advice_switch_asked *asked,
		      struct err *e);
void advice_switch_release(struct advice_switch *s);

/* --- hits --- */

struct advice_side {
	struct text provider, model;
	struct money_total missed, hit; /* every prompt token read uncached (and written), or hit */
	int64_t unpriced;
};
struct advice_hits {
	struct advice_side side[2];
	int64_t calls, prompt, output, recorded_hits;
};
/* The calls of the workload on both; pays_writes: what is missed is written where that is billed.
 */
int advice_hits_run(struct advice_hits *out, const struct workload *w, const struct book *book,
		    const char *currency, bool pays_writes, struct err *e);

/* One call, as often as it is asked for. */
struct workload *advice_workload(int64_t prompt, int64_t output, int64_t at_us);

#endif
