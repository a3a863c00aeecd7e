/* row_text: rows of usage as text: their rarer counts as JSON, and lines of a server's COPY. */
#ifndef TALLY_METER_STORE_ROW_TEXT_H
#define TALLY_METER_STORE_ROW_TEXT_H

#include "meter/read/recorded_cost.h"
#include "meter/store/store.h"

/* Names of what a source says that the call cost, in whole 1e-12 dollars; no rollup holds them. */
#define ROW_CHARGED "charged"
#define ROW_ESTIMATED "estimated"
/* Not of a row: how many rows of a cell have only the output count of their answer's start. */
#define ROLLED_PLACEHOLDERS "placeholders"
/* Before the shape of a source of lower_bound.h: how many rows of a cell come from it. */
#define ROLLED_SOURCE "from "
bool row_is_recorded_cost(const char *name);

/* Appends the rarer buckets and units, and the recorded cost; nothing when there are none. */
void row_put_more(struct buf *b, const struct usage_row *row);
/* stated: NULL where the recorded cost is not asked for. Errors: those of JSON that is none, and of
 * row_count_kind. */
int row_read_more(int64_t *counts, struct stated_cost *stated, struct text more, struct err *e);
/* Which count a stored name means. Errors: ERR_STORE, for it would be priced at nothing. */
int row_count_kind(struct text name, struct err *e);

/* Appends a column's text as COPY's text format has it. */
void copy_put_text(struct buf *b, struct text t);
/* Appends the row as a line of it, its columns in the order of the table. scratch: any buffer. */
void row_put_copy_line(struct buf *b, const struct usage_row *row, struct buf *scratch);

#endif
