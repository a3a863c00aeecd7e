/*
 * sensitivity: which assumption of a scenario moves its cost most.
 *
 * Each scenario is replayed with one assumption lower and higher by the same part, all others as
 * they were; the recorded side stays. What is varied are assumptions about models that did not
 * answer: how many tokens their tokenizers make of the prompts, how much they write, and how much
 * of the prompts their caches have.
 */
#ifndef TALLY_SIM_SENSITIVITY_H
#define TALLY_SIM_SENSITIVITY_H

#include "sim/whatif.h"

enum { VARY_PROMPT, VARY_OUTPUT, VARY_HITS, VARIED };

struct sensitivity {
	struct money_total low[VARIED], high[VARIED]; /* the cost with less of it, and with more */
	bool at_least;				      /* all of them are lower bounds */
	bool no_low[VARIED], no_high[VARIED]; /* calls had no price then: there is no cost */
	int order[VARIED];		      /* the widest first */
};

const char *varied_name(int assumption);
/* One of each scenario. permille: 100 varies by a tenth. free() *out. Errors: as whatif_run. */
int sensitivity_run(struct sensitivity **out, const struct whatif_options *o, int permille,
		    struct err *e);

#endif
