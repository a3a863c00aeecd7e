/*
 * scenario_hosting: the machines of a scenario's models, stated with it or taken from a table of
 * GPUs and throughputs, each figure of which names its source (docs/whatif.md).
 */
#ifndef TALLY_SIM_SCENARIO_HOSTING_H
#define TALLY_SIM_SCENARIO_HOSTING_H

#include "base/arena.h"
#include "base/json.h"
#include "pricing/model_names.h"
#include "sim/hosting.h"

/* Keys of what states it, ended by NULL. */
extern const char *const scenario_hosting_keys[];
/* {"machines": .., "throughput": ..}, or NULL, and what names of models mean then. */
struct machines {
	json_value *table;
	struct model_names *names;
	struct instant at;
};
/* o: of the model, which the table may have under another of its names. Errors: ERR_INVALID. */
int scenario_hosting_read(struct hosting *out, const char *model, json_value *o,
			  const struct machines *m, struct arena *a, struct err *e);
/* Every figure of a table names its source. Errors: ERR_INVALID. */
int scenario_hosting_check(json_value *table, struct err *e);

#endif
