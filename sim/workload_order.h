/*
 * workload_order: lays the calls of a workload in order, as build_finish asks: by conversation and
 * time, or as they were written. Internal to sim/.
 *
 * Calls come in blocks, in the order in which they were written, and each block is given up when
 * its calls are placed: hardly more memory is needed than the calls take.
 */
#ifndef TALLY_SIM_WORKLOAD_ORDER_H
#define TALLY_SIM_WORKLOAD_ORDER_H

#include "sim/workload.h"

/* Calls of one part that follow each other in one trace, from that byte on. */
struct stretch {
	int64_t trace, offset;
	size_t part, from, to;
};

/* How calls were written: by stretches, or, where there are none, in the order of one part. Those
 * of a part follow each other. */
struct written {
	const struct stretch *stretch;
	size_t stretches;
};

/* By conversation, of each in the order of time: w->packed and w->first. */
void workload_group(struct workload *w, const struct written *how);
/* All calls into w->call, as they were written. */
void workload_as_written(struct workload *w, const struct written *how);

#endif
