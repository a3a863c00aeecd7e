/* workload_store: the calls that the metered database holds, as a workload. */
#ifndef TALLY_SIM_WORKLOAD_STORE_H
#define TALLY_SIM_WORKLOAD_STORE_H

#include "meter/store/store.h"
#include "sim/workload.h"

struct workload_of {
	const char *customer, *project; /* only theirs; NULL: of all */
	enum work_order order;
	struct instant since, until;
	/* Hears of every row that is left out; may be NULL. */
	void (*refused)(void *user, const char *path, int64_t line, const char *why);
	void *refused_user;
};

/* The records that stand in the database now (amended ones as amended, voided ones not). Errors:
 * ERR_STORE, ERR_NOT_FOUND when there are none, ERR_USAGE where they are of several currencies. */
int workload_of_store(struct workload **out, struct store *s, const struct workload_of *of,
		      struct err *e);

#endif
