/*
 * serve_commands: commands of this program over HTTP, for the page.
 *
 * What the page shows beyond the meter's own answers, and what it does, is what the command line
 * does: the program runs itself with fixed arguments and the document of --json is the answer. A
 * value from the request is one argument behind a fixed name, never an option of its own.
 */
#ifndef TALLY_CLI_SERVE_COMMANDS_H
#define TALLY_CLI_SERVE_COMMANDS_H

#include "cli/command.h"
#include "server/http.h"

struct serve_commands {
	const char *const *price; /* cards and folders of --prices */
	int prices;
};

/* The scope that it needs; 0: there is no such command. */
unsigned serve_command_scope(const char *method, const char *path);
void serve_command_run(const struct serve_commands *c, const struct http_question *q,
		       struct http_reply *out);

#endif
