/*
 * own_table: which fields the columns of a table of one's own give, where it names them as usage
 * objects do ("Prompt Tokens", cached_tokens) and none by our own names.
 *
 * The names are those of the general entries of exports.h, so that a table says the same whether it
 * is a file, comes through a pipe, or has some of its columns named by hand. All of its counts are
 * taken by one entry or none of them is: what an entry cannot tell apart is left alone.
 */
#ifndef TALLY_METER_READ_OWN_TABLE_H
#define TALLY_METER_READ_OWN_TABLE_H

#include "meter/read/shape.h"

/* field: of each column, as column_field tells it; what the entry knows better is set. False, and
 * nothing set: no entry fits, or the map takes the counts itself. */
bool own_table_fields(enum record_field *field, const struct text *name, size_t count,
		      const struct field_map *map, size_t map_count);

#endif
