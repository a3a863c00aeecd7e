/* sources: what a command reads when it is told no path: the logs of this machine's agents. */
#ifndef TALLY_CLI_SOURCES_H
#define TALLY_CLI_SOURCES_H

#include "cli/command.h"

/*
 * The paths of the command line; without any, the places of agents (places.h). What was found there
 * is told on standard error, unless --quiet. may_come: that nothing is there yet is no error.
 * Errors: ERR_NOT_FOUND, no agent has logs here; ERR_USAGE.
 */
int cli_paths(const struct cli *cli, bool may_come, const char *const **path, size_t *count,
	      struct err *e);

#endif
