/*
 * ingest_follow: files into the store as they grow.
 *
 * How far each file was read is kept with what was read, so that the next run goes on from there;
 * where records have no ids of their own a file is read from its start again, and what is known is
 * not counted twice. Files that are replaced (rotated) are read to their end and their successors
 * from the start; one that was cut and grew again is known by what stands where reading stopped,
 * and read from its start. What is rewritten as a whole is follow_whole's.
 */
#ifndef TALLY_METER_INGEST_INGEST_FOLLOW_H
#define TALLY_METER_INGEST_INGEST_FOLLOW_H

#include <stdatomic.h>

#include "meter/ingest/ingest_file.h"

/* What is followed, and how long. */
struct follow {
	const char *const *path;
	size_t count;
	const atomic_bool *stop;
	/* after each look at all files, some five times a second, with the user of ingest_files; it
	 * may be NULL; a negative answer ends all */
	int (*pass)(void *user, const struct ingest_counts *counts, struct err *e);
};

/*
 * Reads what the paths hold beyond what was read before, and goes on with it as they grow, until
 * *stop. Plain CSV and JSON Lines, and logs. Errors: those of reading, of the store and of pass.
 */
int ingest_follow(struct store *s, const struct ingest_files *o, const struct follow *what,
		  struct ingest_counts *counts, struct err *e);

#endif
