/* progress: a bar with the time that is left, for what takes more than half a second; on a terminal
 * only, and gone before the answer is printed. */
#ifndef TALLY_CLI_PROGRESS_H
#define TALLY_CLI_PROGRESS_H

#include "cli/command.h"

struct progress {
	const char *what; /* "reading logs", or "" */
	bool wanted, shown;
	int64_t began_us, drawn_us;
};

/* Wanted on a terminal without --quiet. */
struct progress progress_begin(const struct cli *cli, const char *what);
/* `of` 0: how much there is is not known; note: what else is told, or "". */
void progress_show(struct progress *p, int64_t done, int64_t of, const char *note);
/* The same as a callback: user is the progress. */
void progress_tell(void *user, int64_t done, int64_t of);
void progress_end(struct progress *p);

#endif
