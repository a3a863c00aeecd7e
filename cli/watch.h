/* watch: a view that is drawn again and again in place on a terminal, until ^C. */
#ifndef TALLY_CLI_WATCH_H
#define TALLY_CLI_WATCH_H

#include "cli/command.h"

/* --interval, 2 seconds when absent, as text like 5 or 0.5. */
#define OPTION_INTERVAL \
	{ \
		"interval", 0, "SECONDS", "seconds between two looks (default 2)", false \
	}

/*
 * Calls draw, which prints to standard output and returns an exit status or an error, every
 * --interval seconds. On a terminal the last picture stays; elsewhere each is printed that differs
 * from the one before. ^C ends it with the last exit status. Errors: those of draw, ERR_USAGE.
 */
int watch(struct cli *cli, int (*draw)(struct cli *cli, struct err *e), struct err *e);

#endif
