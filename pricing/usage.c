#include "pricing/usage.h"

#include <string.h>

static const char *const names[BUCKET_COUNT] = {
#define X(id, name) [id] = name,
	USAGE_BUCKETS(X)
#undef X
};

const char *bucket_name(enum bucket b)
{
	return names[b];
}

int bucket_by_name(const char *name, size_t n)
{
	if (n == strlen("cache_write") && memcmp(name, "cache_write", n) == 0)
		return BUCKET_CACHE_WRITE_5M;
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (strlen(names[b]) == n && memcmp(names[b], name, n) == 0)
			return b;
	return -1;
}

static const struct {
	const char *name, *field;
} unit_names[UNIT_COUNT] = {
#define X(id, name, field) [id] = { name, field },
	USAGE_UNITS(X)
#undef X
};

const char *unit_name(enum unit u)
{
	return unit_names[u].name;
}

const char *unit_field(enum unit u)
{
	return unit_names[u].field;
}

int unit_by_name(const char *name, size_t n)
{
	for (int u = 0; u < UNIT_COUNT; u++)
		if (strlen(unit_names[u].name) == n && memcmp(unit_names[u].name, name, n) == 0)
			return u;
	return -1;
}

int64_t unit_count_of(const int64_t units[UNIT_COUNT], const char *name)
{
	const int u = unit_by_name(name, strlen(name));
	return u < 0 ? 0 : units[u];
}

static const struct {
	const char *name;
	enum bucket whole, apart;
} parts[PART_COUNT] = {
#define X(id, name, whole, apart) [id] = { name, whole, apart },
	USAGE_PARTS(X)
#undef X
};

enum bucket part_whole(enum usage_part p)
{
	return parts[p].whole;
}

enum bucket part_apart(enum usage_part p)
{
	return parts[p].apart;
}

/* What the whole holds beyond its parts; below 0 where these are too large. */
static int64_t room_of(const int64_t *counts, enum bucket whole)
{
	int64_t room = counts[whole];
	for (int p = 0; p < PART_COUNT; p++)
		if (parts[p].whole == whole &&
		    __builtin_sub_overflow(room, counts[BUCKET_COUNT + p], &room))
			return INT64_MIN;
	return room;
}

void parts_fit(int64_t *counts)
{
	static const enum usage_part pairs[][2] = { { PART_INPUT_IMAGE, PART_CACHE_READ_IMAGE },
						    { PART_INPUT_VIDEO, PART_CACHE_READ_VIDEO } };
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		for (int k = 0; k < 2; k++) {
			int64_t *from = &counts[BUCKET_COUNT + pairs[i][k]],
				*to = &counts[BUCKET_COUNT + pairs[i][!k]];
			const int64_t lacks = -room_of(counts, parts[pairs[i][k]].whole),
				      over = lacks > *from ? *from : lacks;
			if (over <= 0)
				continue;
			const int64_t room = room_of(counts, parts[pairs[i][!k]].whole);
			*from -= over;
			*to += room < 0 ? 0 : room < over ? room : over;
		}
	/* pictures of an answer have nowhere else to be */
	int64_t *shown = &counts[BUCKET_COUNT + PART_OUTPUT_IMAGE];
	const int64_t over = -room_of(counts, BUCKET_OUTPUT);
	if (over > 0)
		*shown -= over > *shown ? *shown : over;
}

const char *count_name(int kind)
{
	return kind < BUCKET_COUNT   ? names[kind]
	       : kind < COUNT_TOKENS ? parts[kind - BUCKET_COUNT].name
				     : unit_names[kind - COUNT_TOKENS].name;
}

int count_by_name(const char *name, size_t n)
{
	const int b = bucket_by_name(name, n), u = b < 0 ? unit_by_name(name, n) : -1;
	for (int p = 0; b < 0 && u < 0 && p < PART_COUNT; p++)
		if (strlen(parts[p].name) == n && memcmp(parts[p].name, name, n) == 0)
			return BUCKET_COUNT + p;
	return u < 0 ? b : COUNT_TOKENS + u;
}

bool counts_add(int64_t *to, const int64_t *more)
{
	bool bad = false;
	for (int k = 0; k < COUNT_KINDS; k++)
		bad |= __builtin_add_overflow(to[k], more[k], &to[k]);
	return !bad;
}

void usage_set_counts(struct usage *u, const int64_t *counts)
{
	memcpy(u->counts, counts, sizeof u->counts);
	u->unit_count = 0;
	for (int k = COUNT_TOKENS; k < COUNT_KINDS; k++)
		if (counts[k])
			u->unit[u->unit_count++] = (struct usage_unit){ count_name(k), counts[k] };
}

int usage_check(const struct usage *u, struct err *e)
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (u->tokens[b] < 0)
			return err_set(e, ERR_INVALID, "field '%s' is negative", names[b]);
	if (u->tokens[BUCKET_REASONING] > u->tokens[BUCKET_OUTPUT])
		return err_set(e, ERR_INVALID,
			       "field 'reasoning' (%lld) is larger than 'output' (%lld), which "
			       "must contain it",
			       (long long)u->tokens[BUCKET_REASONING],
			       (long long)u->tokens[BUCKET_OUTPUT]);
	for (int p = 0; p < PART_COUNT; p++)
		if (u->parts[p] < 0 || room_of(u->counts, parts[p].whole) < 0)
			return err_set(e, ERR_INVALID,
				       "field '%s' (%lld) is larger than '%s' (%lld), which must "
				       "contain it",
				       parts[p].name, (long long)u->parts[p], names[parts[p].whole],
				       (long long)u->tokens[parts[p].whole]);
	if (u->requests < 1)
		return err_set(e, ERR_INVALID, "field 'requests' must be 1 or more");
	return 0;
}

bool bucket_is_prompt(enum bucket b)
{
	switch (b) {
	case BUCKET_INPUT:
	case BUCKET_CACHE_READ:
	case BUCKET_CACHE_WRITE_5M:
	case BUCKET_CACHE_WRITE_1H:
	case BUCKET_INPUT_AUDIO:
	case BUCKET_INPUT_IMAGE:
	case BUCKET_INPUT_VIDEO:
	case BUCKET_CACHE_READ_AUDIO:
	case BUCKET_CACHE_READ_IMAGE:
	case BUCKET_CACHE_READ_VIDEO:
		return true;
	default:
		return false;
	}
}

int usage_prompt(const struct usage *u, int64_t *out, struct err *e)
{
	int64_t sum = 0;
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (bucket_is_prompt((enum bucket)b) &&
		    __builtin_add_overflow(sum, u->tokens[b], &sum))
			return err_set(e, ERR_RANGE,
				       "the prompt's token counts add up to more than 63 bits");
	*out = sum;
	return 0;
}
