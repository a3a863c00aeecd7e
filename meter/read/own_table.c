#include "meter/read/own_table.h"

#include <stdlib.h>

#include "base/arena.h"
#include "meter/read/exports.h"

#define F(bucket) ((enum record_field)(FIELD_COUNTS + (bucket)))

/* FIELD_NONE: a trace has no field for it. */
static enum record_field field_of_role(uint8_t role, enum containment cache)
{
	static const struct {
		uint8_t role, field;
	} fields[] = {
		{ ROLE_ID, FIELD_ID },
		{ ROLE_START, FIELD_TIME },
		{ ROLE_END, FIELD_COMPLETED },
		{ ROLE_MODEL, FIELD_MODEL },
		{ ROLE_PROVIDER, FIELD_PROVIDER },
		{ ROLE_CUSTOMER, FIELD_CUSTOMER },
		{ ROLE_PROJECT, FIELD_PROJECT },
		{ ROLE_SESSION, FIELD_SESSION },
		{ ROLE_TASK, FIELD_TASK },
		{ ROLE_TIER, FIELD_SERVICE_TIER },
		{ ROLE_GEO, FIELD_REGION },
		{ ROLE_REQUESTS, FIELD_REQUESTS },
		{ ROLE_COUNT + RAW_PROMPT, FIELD_PROMPT },
		{ ROLE_COUNT + RAW_COMPLETION, F(BUCKET_OUTPUT) },
		{ ROLE_COUNT + RAW_TOTAL, FIELD_TOTAL },
		{ ROLE_COUNT + RAW_CACHE_READ, F(BUCKET_CACHE_READ) },
		{ ROLE_COUNT + RAW_CACHE_WRITE, F(BUCKET_CACHE_WRITE_5M) },
		{ ROLE_COUNT + RAW_CACHE_WRITE_5M, F(BUCKET_CACHE_WRITE_5M) },
		{ ROLE_COUNT + RAW_CACHE_WRITE_1H, F(BUCKET_CACHE_WRITE_1H) },
		{ ROLE_COUNT + RAW_REASONING, F(BUCKET_REASONING) },
	};
	if (role == ROLE_COUNT + RAW_PROMPT && cache == CACHE_BESIDE)
		return F(BUCKET_INPUT);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].role == role)
			return (enum record_field)fields[i].field;
	return FIELD_NONE;
}

/* The general entry that the columns fit; a time and a model may be told beside the file. */
static const struct export_format *entry_of(const struct text *name, size_t count)
{
	struct text *all = mem_alloc((count + 2) * sizeof *all);
	for (size_t i = 0; i < count; i++)
		all[i] = name[i];
	all[count] = TEXT("time");
	all[count + 1] = TEXT("model");
	const struct export_format *f = export_of_columns(all, count + 2, EXPORT_AS_CALLS);
	free(all);
	return f;
}

static enum record_field field_in(const struct export_format *f, struct text name)
{
	for (const struct export_column *c = f->column; c->name; c++)
		if (export_is_named(name, c->name))
			return field_of_role(c->role, f->cache);
	return FIELD_NONE;
}

static bool counts(enum record_field f)
{
	return f >= FIELD_COUNTS && f <= FIELD_TOTAL && f != FIELD_REQUESTS;
}

static bool takes_counts(const struct field_map *map, size_t n)
{
	bool takes = false;
	for (size_t i = 0; i < n; i++)
		takes |= counts(map[i].field);
	return takes;
}

bool own_table_fields(enum record_field *field, const struct text *name, size_t count,
		      const struct field_map *map, size_t map_count)
{
	const struct export_format *f = takes_counts(map, map_count) ? NULL : entry_of(name, count);
	enum record_field *found = mem_alloc(count * sizeof *found);
	uint64_t given = 0;
	/* a trace has no sum of two columns */
	bool fits = f && !f->thoughts_beside;
	for (size_t i = 0; i < count; i++)
		if (field[i] < FIELD_END)
			given |= (uint64_t)1 << field[i];
	for (size_t m = 0; m < map_count; m++)
		given |= map[m].field < FIELD_END ? (uint64_t)1 << map[m].field : 0;
	for (size_t i = 0; fits && i < count; i++) {
		bool mapped = false;
		for (size_t m = 0; m < map_count; m++)
			mapped |= text_is(name[i], map[m].column);
		found[i] = field[i] < FIELD_END || mapped ? field[i] : field_in(f, name[i]);
		if (found[i] == FIELD_NONE)
			found[i] = field[i];
		if (found[i] >= FIELD_END || found[i] == field[i])
			continue;
		/* a name that is told already is one more name; two counts of one kind are a doubt
		 */
		if (given >> found[i] & 1) {
			fits = !counts(found[i]);
			found[i] = FIELD_NONE;
			continue;
		}
		given |= (uint64_t)1 << found[i];
	}
	for (size_t i = 0; fits && i < count; i++)
		field[i] = found[i];
	free(found);
	return fits;
}
