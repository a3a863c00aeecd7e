/* completion: what may follow on a command line, for bash, zsh and fish: commands, options, and
 * values such as models, plans and customers. */
#ifndef TALLY_CLI_COMPLETION_H
#define TALLY_CLI_COMPLETION_H

#include "cli/command.h"

/* The script of a shell, that asks `tally help --candidates`. Errors: ERR_USAGE. */
int cli_print_completion(const char *shell, FILE *out, struct err *e);
/* What may take the place of the last word, a line each; the words follow `tally`. Nothing where
 * a file is meant. */
void cli_print_candidates(int count, char **word, FILE *out);

#endif
