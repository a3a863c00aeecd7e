/* size_sweep: every scenario at several sizes of the prefix cache, for a chart. */
#ifndef TALLY_SIM_SIZE_SWEEP_H
#define TALLY_SIM_SIZE_SWEEP_H

#include "sim/whatif.h"

struct size_point {
	int64_t capacity;	      /* blocks; -1: without limit */
	struct whatif_result *result; /* one a scenario */
};
struct size_sweep {
	struct size_point *point;
	size_t points, scenarios;
};

/* Powers of two up to the blocks that there are, and no limit. Errors: as whatif_run. */
int size_sweep_run(struct size_sweep *out, const struct whatif_options *o, struct err *e);
void size_sweep_release(struct size_sweep *s);

#endif
