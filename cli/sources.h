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

/*
 * Makes each "-" of the arguments the path of a file of standard input, which can be looked at and
 * read again as any other. Errors: as file_of_standard_input.
 */
int cli_standard_input(struct cli *cli, struct err *e);

/*
 * Says on standard error that something waits on standard input that a command without arguments
 * did not read: once it is done, for what is piped in may come late. Nothing with --quiet.
 */
void cli_tell_unread_input(const struct cli *cli);

#endif
