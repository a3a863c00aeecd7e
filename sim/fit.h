/*
 * fit: what a recorded workload looks like, for a synthetic one that resembles it (sim/generate).
 *
 * Classes are workloads by model, sessions are conversations; the class of a session is that of its
 * first call.
 */
#ifndef TALLY_SIM_FIT_H
#define TALLY_SIM_FIT_H

#include "sim/workload.h"

enum { FIT_CLASSES_MOST = 200 };

struct fit_values {
	int64_t *v; /* ascending */
	size_t n, room;
};
struct fit_class {
	uint32_t workload, subject; /* of the workload that was read */
	size_t sessions;
	bool cached; /* some call read from a cache */
	/* added: to what was said before and answered; gap: between the begins of two calls */
	struct fit_values calls, first_prompt, added, output, reasoning, gap_seconds;
};
struct fit {
	struct fit_class *fitted;
	size_t classes;
	int64_t first_day, days;      /* since 1970, UTC */
	int64_t hour[24], weekday[7]; /* sessions that began then; 0: Monday */
};

/* Errors: ERR_INVALID (more than FIT_CLASSES_MOST classes). */
int fit_run(struct fit *out, const struct workload *w, struct err *e);
void fit_release(struct fit *f);

#endif
