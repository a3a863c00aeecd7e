/*
 * totals: what all records and those of today (UTC) come to, kept up with the rows as they come:
 * for the stream of events. Belongs to one thread.
 */
#ifndef TALLY_SERVER_TOTALS_H
#define TALLY_SERVER_TOTALS_H

#include "server/reader.h"

struct totals;
/* Nothing is opened yet. The options are the caller's and live as long. */
struct totals *totals_open(const struct reader_options *o);
void totals_close(struct totals *t);
/* Appends `"totals":{...},"today":{...}`; null where the database cannot be read. rows: how many
 * there are, as far as the caller knows; where that and the day are as before nothing is read. */
void totals_put(struct totals *t, int64_t rows, struct buf *out);

#endif
