/*
 * rollup: sums of usage rows by quarter of an hour and by day, kept beside the rows.
 *
 * Rollups lag behind: they hold the rows up to about.rolled_to, and a query adds the rows behind it
 * one by one. So they are exact at any time, cost little while rows stream in, and can be rebuilt
 * from the rows, bit for bit.
 */
#ifndef TALLY_METER_STORE_ROLLUP_H
#define TALLY_METER_STORE_ROLLUP_H

#include "meter/store/store.h"

/* While a file is loaded into a server, where taking in a cell costs more than reading a row. */
enum { ROLLUP_LAG_MOST = 50000, ROLLUP_LAG_LOADING = 250000 };

/* The row up to which the rollups hold. */
int rollup_rolled_to(struct store *s, int64_t *out, struct err *e);
/* Whether they hold as many records, reversed ones being one less, as were counted apart from them
 * when they were taken in; nothing is known of what an older version summed last. check_cluster:
 * where the rows lie on several servers. Errors: ERR_MISMATCH. */
int rollup_check(struct store *s, struct err *e);
int rollup_check_cluster(struct store *s, struct err *e);
/* From now on the rows that the store appends are gathered. */
void rollup_follow(struct store *s);
/* How many times they were thrown away and made again. */
int rollup_made(struct store *s, int64_t *out, struct err *e);
/* Inside a transaction: takes in what lies behind, when that is more than `lag` rows. Rows whose
 * sums do not fit (older versions took records above the bound) stay behind, and so do, on a
 * server, rows of the transaction itself that were not gathered as they were appended. */
int rollup_catch_up(struct store *s, int64_t lag, struct err *e);
/* Whether the last time they did not fit. */
bool rollup_is_left_behind(struct store *s);
/* The same as a transaction of its own, which on a server lets others append meanwhile. */
int rollup_catch_up_beside(struct store *s, int64_t lag, struct instant now, struct err *e);
/* Inside a transaction: throws the rollups away and makes them from the rows. */
int rollup_rebuild(struct store *s, struct err *e);
/* Whether the rollups are what the rows up to rolled_to add up to; *difference names the first cell
 * that is not. */
int rollup_verify(struct store *s, bool *same, char difference[200], struct err *e);

#endif
