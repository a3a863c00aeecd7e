/*
 * grouping: the keys that calls are grouped by, which source has which, and the one parser of them.
 *
 * Knows no group: what a key's label is belongs to whoever adds up.
 */
#ifndef TALLY_METER_READ_GROUPING_H
#define TALLY_METER_READ_GROUPING_H

#include "meter/read/record.h"

/* Whose calls they are. */
enum grouping_source {
	GROUPS_OF_USAGE = 1,  /* of the database */
	GROUPS_OF_REPLAY = 2, /* of traces, logs and packs */
	GROUPS_OF_SERIES = 4, /* of a series over time */
	GRAINS_OF_SERIES = 8, /* the steps of its time */
};

/* key, name in --by and in reports, the sources that have it, its text in a record, what it makes
 * of a time (grouping.c; NULL of what is none) */
#define GROUPINGS(X) \
	X(BY_DAY, "day", U | R | G, FIELD_NONE, &day)	 /* local, as all times are */ \
	X(BY_WEEK, "week", U | R | G, FIELD_NONE, &week) /* of ISO 8601 */ \
	X(BY_MONTH, "month", U | R | G, FIELD_NONE, &month) \
	X(BY_HOUR, "hour", U | R | G, FIELD_NONE, &hour) \
	X(BY_MODEL, "model", U | R | S, FIELD_NONE, NULL) /* recorded, or as it is asked for */ \
	X(BY_PROVIDER, "provider", U | S, FIELD_NONE, NULL) \
	X(BY_CUSTOMER, "customer", U | R | S, FIELD_CUSTOMER, NULL) \
	X(BY_PROJECT, "project", U | R | S, FIELD_PROJECT, NULL) \
	X(BY_WORKLOAD, "workload", U | R | S, FIELD_WORKLOAD, NULL) \
	X(BY_EFFORT, "effort", U | R | S, FIELD_EFFORT, NULL) /* as the source states it */ \
	X(BY_TASK, "task", U | R | S, FIELD_TASK, NULL) /* a replay: else the conversation */ \
	X(BY_SESSION, "session", U | R | S, FIELD_SESSION, NULL) \
	X(BY_WINDOW, "window", U | R | S, FIELD_NONE, \
	  NULL) /* of the tariff: flat, peak, off-peak */ \
	X(BY_REGION, "region", U, FIELD_NONE, NULL) \
	X(BY_PRICE, "price", U, FIELD_NONE, NULL)

enum grouping {
#define X(id, ...) id,
	GROUPINGS(X)
#undef X
		GROUPING_COUNT
};

const char *grouping_name(enum grouping g);
/* The field of a record whose text is the key; FIELD_NONE of one that is worked out. */
enum record_field grouping_field(enum grouping g);
bool grouping_is_time(enum grouping g);
/* Of a time: the local hour, since 1970, at which the group of a local instant begins. */
int32_t grouping_begins(enum grouping g, int64_t local_us);
/* Of a time: whether the zone's offset tells groups apart, as it does the hour that comes twice. */
bool grouping_has_offset(enum grouping g);
/* Appends how the group of a local instant is written; offset_us: what was added to UTC for it. */
void grouping_put_time(enum grouping g, int64_t local_us, int64_t offset_us, struct buf *b);
/* False where the source has no such key: then *out is left as it was. */
bool grouping_find(enum grouping *out, struct text name, enum grouping_source source);

enum { GROUPING_CHOICES_MAX = 160 };
/* "day, week, month": the keys of a source, for messages. Returns room. */
const char *grouping_choices(enum grouping_source source, char room[GROUPING_CHOICES_MAX]);

/* "task,model" into keys, none of them twice; daily, weekly and monthly are understood as well.
 * Errors: ERR_USAGE. */
int groupings_parse(enum grouping out[GROUPING_COUNT], size_t *count, const char *list,
		    enum grouping_source source, struct err *e);

#endif
