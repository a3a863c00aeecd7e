/*
 * refusals: how records that were refused are told on standard error, the same by every command:
 * with file and line, those of lines that follow each other for the same reason together, three of
 * a kind, and no more than REFUSALS_TOLD of them.
 */
#ifndef TALLY_CLI_REFUSALS_H
#define TALLY_CLI_REFUSALS_H

#include <limits.h>
#include <stdint.h>

#include "base/text.h"

enum { REFUSALS_TOLD = 20, REFUSALS_OF_A_KIND = 3, REFUSAL_KINDS = 32 };

/* All zero to begin with. */
struct refusals {
	int64_t met, named; /* so many were met; so many have a place in what was printed */
	int told;	    /* reasons with a place, printed */
	/* reasons that differ in what they quote, and how many were printed of each */
	uint64_t kind[REFUSAL_KINDS];
	int of_kind[REFUSAL_KINDS], kinds;
	/* the last of them, and the line up to which the ones behind it say the same */
	char path[PATH_MAX], why[600];
	int64_t line, to;
};

/* One more; line: 0 or less where it has none. user: a struct refusals. */
void refusals_add(void *user, const char *path, int64_t line, const char *why);
/* Prints what is still to say, once no more come: which were the last, and how many had no room.
 * met: how many there were in all, where not each was added. */
void refusals_end(struct refusals *r, int64_t met);
/* As refusals_end, and how many were refused in all; what: "counted" or "packed". Returns the exit
 * status: 3 when some were. */
int refusals_sum(struct refusals *r, int64_t refused, const char *what);
/* Tells of bytes of zero in logs. */
void refusals_zeros(int64_t zeros);
/* Names columns that may count what is billed, and that nothing is known of (meter/read/doubts).
 * Returns the exit status: 3 when there are some. */
int refusals_columns(struct text columns);

#endif
