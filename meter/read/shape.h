/*
 * shape: the trace formats that are a table of columns or keys, and how to tell them apart.
 *
 * A shape maps a file's own names onto record fields and says how it writes instants. Formats with
 * logic of their own are readers beside this file.
 */
#ifndef TALLY_METER_READ_SHAPE_H
#define TALLY_METER_READ_SHAPE_H

#include "meter/read/record.h"

struct cJSON;
enum container { CONTAINER_CSV, CONTAINER_JSONL };

struct shape_column {
	const char *column;
	enum record_field field;
};

struct shape {
	const char *name, *title;
	enum container container;
	enum time_kind time;
	const struct shape_column *column; /* NULL: the native names */
	const char *const *needs;	   /* columns that tell the shape; NULL-ended */
	bool blocks; /* requests name the blocks of their prompts, and record no hits */
};

/* By the name of --format; "csv" and "jsonl" are the native ones. NULL when there is none. */
const struct shape *shape_by_name(const char *name);
/* The first shape of that container whose needed names all stand among `names`; the native one when
 * none fits. */
const struct shape *shape_detect(enum container container, const struct text *names, size_t count);

/* The shape for a native trace whose first record has that time: where it is a number that can be
 * no instant (0, 0.531, 86400), times are seconds from the trace's start; else the shape itself. */
const struct shape *shape_of_seconds(const struct shape *s, struct text time);

/* Whether an object counts tokens by the native names, and so is a native record. */
bool shape_is_native(const struct cJSON *object);

/* One --map FIELD=COLUMN; this as the field says that the column costs nothing of its own. */
#define FIELD_MAP_NONE "none"
struct field_map {
	enum record_field field;
	const char *column;
};
/* Of shapes whose instants count from their start; takes the path and the shape's name. */
#define TRACE_NEEDS_AT \
	"%s: the times of its shape (%s) count from the start of the trace; say when that was with " ASKED( \
		"at") ", for " \
		      "example " ASKED("at") " 2026-06-15"
int field_map_parse(struct field_map *out, const char *spec, struct err *e);
/* Whether one of them names a field, and not a column that costs nothing. */
bool field_map_names(const struct field_map *map, size_t count);

/* The field that a column or key of that name feeds. */
enum record_field shape_field(const struct shape *s, const struct field_map *map, size_t map_count,
			      struct text name);

#endif
