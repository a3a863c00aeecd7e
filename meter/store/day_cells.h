/*
 * day_cells: the sums by day as they are read, and a memory of them that many stores of one
 * process share: a server is asked for the same days again and again, and packed cells are read in
 * a tenth of the time that the table takes.
 *
 * What is remembered is of the rollups as they were at a row. A look that sees later rollups
 * forgets the days that the rows since then lie in, and one that sees earlier ones reads the table;
 * so an answer never differs from the table's.
 */
#ifndef TALLY_METER_STORE_DAY_CELLS_H
#define TALLY_METER_STORE_DAY_CELLS_H

#include "meter/store/store.h"

enum { DAY_SUMS = 2 + BUCKET_COMMON }; /* records, requests, tokens */

struct day_cell {
	int64_t day, series, price, sum[DAY_SUMS];
};

/* Of a longer time nothing is remembered, for it may hold as many empty days. */
enum { REMEMBERED_DAYS_MOST = 4000 };

struct day_cells;
/* bytes_most: of packed cells; where more are there, the oldest days are read from the table. */
struct day_cells *day_cells_open(int64_t bytes_most);
void day_cells_close(struct day_cells *d);
/* What is remembered is of another database than the one that answers now. */
void day_cells_forget(struct day_cells *d);

/* Every cell of the days [from, to), by day, inside a transaction that reads. The store's memory
 * (store_share_days) serves where there is one. Stops when take returns non-zero, and returns that.
 */
int day_cells_each(struct store *s, int64_t from, int64_t to,
		   int (*take)(void *user, const struct day_cell *c), void *user, struct err *e);
/* Rows [from_us, to_us) of one UTC day, less than all of it, that the rollups hold; they are among
 * the rows lowest to highest. */
struct day_part {
	int64_t from_us, to_us, lowest, highest;
};
/* The sums of a part, added up from its rows where it is not remembered; a series and price may be
 * told in pieces. */
int day_part_each(struct store *s, const struct day_part *p,
		  int (*take)(void *user, const struct day_cell *c), void *user, struct err *e);
/* The sums by subject (told as c->series) of a span of whole quarters of an hour that the rollups
 * hold, at most two days of them: mostly a local day. Added up from the quarters where it is not
 * remembered; a subject and price may be told in pieces. */
int day_subjects_each(struct store *s, int64_t from_us, int64_t to_us,
		      int (*take)(void *user, const struct day_cell *c), void *user, struct err *e);
/* Reads the days before *next that are not remembered, the latest ones first; some at a call, then
 * *next is the first that was read. Done when that is INT64_MIN: all are, or the memory is full. */
int day_cells_warm(struct store *s, int64_t *next, struct err *e);
/* The first and the last day of which there are cells; none: the first lies behind the last. */
int day_cells_span(struct store *s, int64_t *first, int64_t *last, struct err *e);

#endif
