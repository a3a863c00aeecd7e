/*
 * fidelity: how far what is generated from a fitted specification is from what it was fitted to.
 *
 * The specification is generated once for each seed and set beside the recorded calls. Both are
 * priced call by call at their own instants. Counts and money are exact; errors are parts of the
 * recorded figure, to a millionth.
 */
#ifndef TALLY_SIM_FIDELITY_H
#define TALLY_SIM_FIDELITY_H

#include "pricing/book.h"
#include "sim/fit.h"
#include "sim/full_caches.h"
#include "sim/generate.h"

enum { FIDELITY_SEEDS = 20 };
enum fidelity_measure {
	FIDELITY_CALLS,
	FIDELITY_PROMPT,
	FIDELITY_OUTPUT,
	FIDELITY_COST,	 /* units of 1e-18 */
	FIDELITY_HITS,	 /* millionths of the prompt tokens */
	FIDELITY_LENGTH, /* calls of a session, in millionths */
	FIDELITY_MEASURES,
};
const char *fidelity_name(enum fidelity_measure m);

struct fidelity {
	int128 recorded[FIDELITY_MEASURES], least[FIDELITY_MEASURES], most[FIDELITY_MEASURES];
	int64_t unpriced; /* recorded calls that have no price; the cost leaves them out */
	const char *currency;
	struct full_caches full;
};

struct fidelity_of {
	const struct fit *fit;
	const struct workload *workload;
	json_value *spec; /* as it was fitted */
	const struct book *book;
	const char *currency;
};
/* Errors: those of synthetic_generate and full_caches. */
int fidelity_run(struct fidelity *out, const struct fidelity_of *of, struct err *e);
/* The largest error of a seed, in millionths of what was recorded; -1: nothing was. */
int64_t fidelity_error(const struct fidelity *f, enum fidelity_measure m);

#endif
