/*
 * move: a whole database into a new one, of the same engine or another.
 *
 * Every table that says what happened is copied row by row, with its numbers; what an engine keeps
 * for itself (the index of ids of a file, the keys of a server) is rebuilt. Before the copy
 * counts, every row is read back and compared. Knows tables by their names and nothing of what they
 * mean, but for ids of records and what was refused, which the engines keep differently.
 */
#ifndef TALLY_METER_MOVE_H
#define TALLY_METER_MOVE_H

#include "base/err.h"

struct move_counts {
	int64_t tables, rows, records; /* records: rows of usage */
};

struct move_progress {
	void *user;
	/* what: "copying" or "reading back" */
	void (*show)(void *user, const char *what, const char *table, int64_t done, int64_t total);
};

/*
 * As of one moment; what is written to the source meanwhile is not in it. Nothing is kept of a move
 * that fails. Errors: ERR_CONFLICT where the destination holds records already; those of store_open
 * of both.
 */
int move_database(const char *from, const char *to, const struct move_progress *progress,
		  struct move_counts *out, struct err *e);

#endif
