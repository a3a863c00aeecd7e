/*
 * mapped: rows without ids that another --map read before. Their ids are made of what was read, so
 * that the same row would count again under another one; here it is found as what it is stored as.
 *
 * The maps that read tables of the same columns are kept among the other ids:
 * "map:COLUMNS/N" is the N-th.
 */
#ifndef TALLY_METER_INGEST_MAPPED_H
#define TALLY_METER_INGEST_MAPPED_H

#include "meter/read/trace.h"
#include "meter/store/store.h"

struct mapped {
	struct field_map *field; /* of the map that mapped_next gave */
	size_t fields;
	/* private */
	struct buf columns, map, earlier;
	int place; /* of the last map that there is */
	bool noted;
	struct mapped_row *row; /* by line */
	size_t count;
	bool sorted;
};
/* Of a trace that is read with that map. */
void mapped_init(struct mapped *x, const struct trace *t, const struct field_map *map,
		 size_t map_count);
void mapped_release(struct mapped *x);
/* Another map that read such a table, in x->field; those that were noted since, when it is asked
 * again. Returns 1, 0 where there is no more, or the store's error. */
int mapped_next(struct mapped *x, struct store *s, struct err *e);
/* Behind the last of them: keeps that this map reads such tables, in a transaction. Errors: the
 * store's. */
int mapped_note(struct mapped *x, struct store *s, struct err *e);
/* The row that x->field reads with that id: kept where a record that stands has it. Errors: the
 * store's. */
int mapped_see(struct mapped *x, struct store *s, int64_t line, struct text id, struct err *e);
/* The id under which the row of that line is stored; empty: under none. */
struct text mapped_id(struct mapped *x, int64_t line);
/* How many rows are stored as other maps read them, by `now`, and were not when x looked. */
size_t mapped_beside(struct mapped *x, const struct mapped *now);

#endif
