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
