/*
 * source_counts: how many rows come from the sources that leave something out (lower_bound.h), in
 * rollup_more beside the other rare sums, so that a report speaks of its own rows alone.
 *
 * about.sources lists the shapes that are counted. One that is new in gaps.def is counted by the
 * next writer; until then reports speak of it wherever the database has it.
 */
#ifndef TALLY_METER_STORE_SOURCE_COUNTS_H
#define TALLY_METER_STORE_SOURCE_COUNTS_H

#include "meter/formats/lower_bound.h"
#include "meter/store/store.h"

/* By place: whether the rollups count it; 0 and not in the database at all is counted, too. */
int source_counts_known(struct store *s, bool known[LOG_SOURCES], struct err *e);
/* Inside a writer's transaction, before rows behind `done` are summed: counts what is new, as far
 * as the rollups hold. Cells of sessions are made again. */
int source_counts_catch_up(struct store *s, int64_t done, struct err *e);
/* On a server: of the rows [from, to], which no rollup has. */
int source_counts_roll(struct store *s, int64_t from, int64_t to, struct err *e);

#endif
