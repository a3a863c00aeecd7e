/* workload_options: the options of commands that read a trace, logs or block traces as a workload.
 */
#ifndef TALLY_CLI_WORKLOAD_OPTIONS_H
#define TALLY_CLI_WORKLOAD_OPTIONS_H

#include "cli/command.h"
#include "cli/refusals.h"
#include "sim/workload_read.h"
#include "sim/workload_store.h"

#define WORKLOAD_OPTIONS \
	{ "format", 'f', "FORMAT", "format of the trace (default by content)", false }, \
		{ "block",	  0, "N", "tokens of a block (default the trace's own)", false, \
		  OPTION_ADVANCED }, \
		{ "map", 0, "FIELD=COLUMN", \
		  "read a field from a column, key or member of another name (customer=metadata.team)", \
		  true }, \
		{ "model", 'm', "MODEL", "the model of records that name none", false }, \
	{ \
		"provider", 'p', "VENDOR", "the vendor of records that name none", false \
	}
#define WORKLOAD_AT \
	{ \
		"at", 0, "WHEN", "start the trace at WHEN, keeping all intervals", false \
	}

/* Lives as long as the reading. */
struct cli_workload {
	struct workload_options o;
	struct field_map map[OPTION_VALUES_MAX];
	struct refusals refusals;
};

/* Everything that the command takes of these, its arguments as files, and the period where it takes
 * one. Refusals are named as they are met. Errors: ERR_USAGE. */
int cli_workload_read(struct cli *cli, const struct zone *zone, struct cli_workload *out,
		      struct err *e);
/* What is to be said of a workload once its report is out: the records that were refused, and the
 * columns that may count what is billed. what: as refusals_sum. Returns the exit status. */
int cli_workload_told(struct refusals *r, const struct workload *w, const char *what);
/* The same as cli_workload_read of what the metered database holds. */
struct workload_of cli_workload_of(struct cli_workload *w);

#endif
