#include "sim/size_sweep.h"

#include <stdlib.h>

int size_sweep_run(struct size_sweep *out, const struct whatif_options *o, struct err *e)
{
	enum { POINTS_MOST = 12 };
	const int64_t distinct = (int64_t)o->workload->blocks->distinct;
	struct whatif_options at = *o;
	int64_t capacity = 1;
	int rc = 0;
	*out = (struct size_sweep){ .scenarios = o->scenarios };
	out->point = mem_zalloc((POINTS_MOST + 1) * sizeof *out->point);
	at.resamples = 0;
	at.plan = NULL;
	while (capacity < distinct)
		capacity *= 2;
	/* the largest ones: small caches of a large trace all miss alike */
	for (int i = 0; i < POINTS_MOST - 2 && capacity > 1; i++)
		capacity /= 2;
	for (; rc == 0; capacity *= 2) {
		const bool last = capacity >= distinct;
		at.rules.capacity = last ? -1 : capacity;
		rc = whatif_run(&out->point[out->points].result, &at, e);
		if (rc == 0)
			out->point[out->points++].capacity = at.rules.capacity;
		if (last)
			break;
	}
	return rc;
}

void size_sweep_release(struct size_sweep *s)
{
	for (size_t i = 0; i < s->points; i++)
		whatif_results_close(s->point[i].result, s->scenarios);
	free(s->point);
}
