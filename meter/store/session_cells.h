/*
 * session_cells: sums of usage rows by session, series, price and quarter of an hour, with the
 * first and the last instant of each, kept where reports by session and in blocks must be quick: in
 * the cache of agents' logs.
 *
 * They hold no fact of their own and answer only while they are of all rows. An instant at which a
 * quarter begins is a cell by itself, so that it can be told of either side.
 */
#ifndef TALLY_METER_STORE_SESSION_CELLS_H
#define TALLY_METER_STORE_SESSION_CELLS_H

#include "meter/formats/lower_bound.h"
#include "meter/store/store.h"

struct session_cell {
	int64_t first_us, last_us; /* of the calls in it that were not reversed */
	int64_t series, price, records, requests, placeholders;
	int64_t counts[COUNT_KINDS];
	int64_t from_source[LOG_SOURCES]; /* records of it, by place (lower_bound.h) */
	struct text session;		  /* lives until the next cell */
};

/* Inside a transaction: takes in what lies behind, as far as the rollups hold; from the first call
 * on the store keeps cells. Only where it is a file. Errors: ERR_RANGE, the store's. */
int session_cells_catch_up(struct store *s, struct err *e);
/* Whether there are cells, and of all rows. */
int session_cells_are_whole(struct store *s, bool *out, struct err *e);
/* The cells of [since, until), both at the begin of a quarter, in no order. Stops when take returns
 * non-zero, and returns that. */
int session_cells_each(struct store *s, struct instant since, struct instant until,
		       int (*take)(void *user, const struct session_cell *cell, struct err *e),
		       void *user, struct err *e);

#endif
