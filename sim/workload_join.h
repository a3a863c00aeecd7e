/*
 * workload_join: one workload of parts that threads read, as if one had read them all.
 *
 * Names, subjects and conversations are numbered in the order in which they first come in the
 * traces, so that the number of threads changes nothing. Internal to sim/.
 */
#ifndef TALLY_SIM_WORKLOAD_JOIN_H
#define TALLY_SIM_WORKLOAD_JOIN_H

#include "sim/workload_build.h"

/* to: without calls; takes over the parts' calls where they lie, and the stretches, which it sorts.
 */
void workload_join(struct workload_build *to, struct workload_build *const *part, size_t parts,
		   struct stretch *stretch, size_t stretches);

#endif
