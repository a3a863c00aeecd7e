/*
 * standing_rows: every record that stands, as it counts now: what was reversed is not there, and a
 * corrected one is there once.
 */
#ifndef TALLY_REPORTS_STANDING_ROWS_H
#define TALLY_REPORTS_STANDING_ROWS_H

#include "meter/store/store.h"

/* Which, in the order in which they were stored. */
struct standing_question {
	struct store *store;
	struct instant since, until;
	const char *customer; /* NULL: all */
};

struct standing_rows;

/* Looks through all rows once. counts: NULL, or room for COUNT_KINDS: whether any row counts such a
 * thing; flags: those that any row has. Errors as store_each_row. */
int standing_rows_open(struct standing_rows **out, const struct standing_question *q, bool *counts,
		       unsigned *flags, struct err *e);
/* Each of them; stops when take returns non-zero and returns that. Errors likewise. */
int standing_rows_each(struct standing_rows *x,
		       int (*take)(void *user, const struct usage_row *row), void *user,
		       struct err *e);
void standing_rows_close(struct standing_rows *x);

#endif
