#include "meter/read/record.h"

#include <pthread.h>
#include <stdlib.h>

static const char *const text_names[] = {
#define X(id, name) [id] = name,
	RECORD_TEXTS(X)
#undef X
};

const char *record_field_name(enum record_field f)
{
	if (f < FIELD_TEXTS)
		return text_names[f];
	if (f >= FIELD_COUNTS && f < FIELD_UNITS)
		return count_name((int)(f - FIELD_COUNTS));
	if (f >= FIELD_UNITS && f < FIELD_REQUESTS)
		return unit_field((enum unit)(f - FIELD_UNITS));
	switch (f) {
	case FIELD_TIME:
		return "time";
	case FIELD_COMPLETED:
		return "completed";
	case FIELD_REQUESTS:
		return "requests";
	case FIELD_PROMPT:
		return "prompt";
	case FIELD_TOTAL:
		return "total";
	default:
		return "?";
	}
}

static struct text field_names[FIELD_END];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void measure_names(void)
{
	for (int f = 0; f < FIELD_END; f++)
		field_names[f] = text_of(record_field_name((enum record_field)f));
}

enum record_field record_field_by_name(struct text name)
{
	pthread_once(&once, measure_names);
	for (int f = 0; f < FIELD_END; f++)
		if (field_names[f].n == name.n && name.n && *field_names[f].p == *name.p &&
		    memcmp(field_names[f].p, name.p, name.n) == 0)
			return (enum record_field)f;
	static const char prefix[] = "unit_";
	const size_t n = strlen(prefix);
	if (name.n > n && memcmp(name.p, prefix, n) == 0)
		return record_field_of_unit((struct text){ name.p + n, name.n - n });
	int b = bucket_by_name(name.p, name.n);
	return b < 0 ? FIELD_NONE : (enum record_field)(FIELD_COUNTS + b);
}

enum record_field record_field_of_unit(struct text name)
{
	const int u = unit_by_name(name.p, name.n);
	return u < 0 ? FIELD_NONE : (enum record_field)(FIELD_UNITS + u);
}

void record_clear(struct record *r)
{
	*r = (struct record){ .time_us = TIME_ABSENT, .completed_us = TIME_ABSENT, .requests = 1 };
}

static int refuse(struct err *e, enum record_field f, struct text v, const char *why)
{
	int shown = v.n > 40 ? 40 : (int)v.n;
	return err_set(e, ERR_INVALID, "field '%s': '%.*s%s' %s", record_field_name(f), shown,
		       v.p ? v.p : "", v.n > 40 ? "..." : "", why);
}

static int parse_count(int64_t *out, enum record_field f, struct text v, struct err *e)
{
	int64_t n = 0;
	if (v.n == 0) {
		*out = f == FIELD_REQUESTS ? 1 : 0;
		return 0;
	}
	/* "1000.0": what tables of numbers with gaps write */
	if (v.n > 2 && v.p[v.n - 1] == '0' && v.p[v.n - 2] == '.')
		v.n -= 2;
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];
		if (c < '0' || c > '9') {
			if (i == 0 && c == '-' && v.n > 1)
				return refuse(e, f, v,
					      "is negative; a count is a whole number from 0");
			bool number = i > 0 && (c == '.' || c == 'e' || c == 'E');
			return refuse(
				e, f, v,
				number ? "has a fraction or exponent; a count is a whole number"
				       : "is not a whole number");
		}
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, c - '0', &n)) {
			refuse(e, f, v, "is larger than 63 bits can hold");
			if (e)
				e->code = ERR_RANGE;
			return -ERR_RANGE;
		}
	}
	*out = n;
	return 0;
}

int record_set(struct record *r, enum record_field f, struct text v, enum value_kind kind,
	       enum time_kind time, struct err *e)
{
	struct err inner;
	if (f >= FIELD_END)
		return 0;
	if (kind == VALUE_OTHER)
		return err_set(e, ERR_INVALID, "field '%s' must be text or a number",
			       record_field_name(f));
	if (f < FIELD_TEXTS) {
		if (kind == VALUE_NULL)
			return 0;
		if (v.n > RECORD_TEXT_MAX)
			return err_set(e, ERR_INVALID, "field '%s' is longer than %d bytes",
				       record_field_name(f), RECORD_TEXT_MAX);
		r->text[f] = v;
		r->present |= (uint64_t)1 << f;
		return 0;
	}
	if (f == FIELD_TIME || f == FIELD_COMPLETED) {
		int64_t us;
		if (kind == VALUE_NULL || v.n == 0) {
			if (f == FIELD_COMPLETED)
				return 0;
			return err_set(e, ERR_INVALID,
				       "field 'time' is empty, and without its instant a call has "
				       "no price");
		}
		if (time == TIME_INSTANT) {
			struct instant t;
			if (instant_parse_lenient(&t, v, &inner) != 0)
				return err_set(e, ERR_INVALID, "field '%s': %s",
					       record_field_name(f), inner.message);
			us = t.us;
		} else if (span_parse(&us, v, time == TIME_SECONDS ? US_PER_SECOND : 1000,
				      &inner) != 0) {
			return err_set(e, ERR_INVALID, "field '%s': %s", record_field_name(f),
				       inner.message);
		}
		*(f == FIELD_TIME ? &r->time_us : &r->completed_us) = us;
		r->present |= (uint64_t)1 << f;
		return 0;
	}
	if (kind == VALUE_NULL)
		return err_set(e, ERR_INVALID,
			       "field '%s' is null, which is not zero (leave it out, or write 0)",
			       record_field_name(f));
	int64_t *slot = f < FIELD_REQUESTS    ? &r->counts[f - FIELD_COUNTS]
			: f == FIELD_REQUESTS ? &r->requests
			: f == FIELD_PROMPT   ? &r->prompt
					      : &r->total;
	int rc = parse_count(slot, f, v, e);
	if (rc == 0 && v.n)
		r->present |= (uint64_t)1 << f;
	return rc;
}

int record_finish(struct record *r, struct err *e)
{
	int64_t *t = r->tokens;
	if (r->present >> FIELD_PROMPT & 1) {
		int64_t cached = 0;
		if (r->present >> (FIELD_COUNTS + BUCKET_INPUT) & 1)
			return err_set(e, ERR_INVALID,
				       "fields 'prompt' and 'input' are both given; 'prompt' "
				       "contains 'input'");
		if (__builtin_add_overflow(t[BUCKET_CACHE_READ], t[BUCKET_CACHE_WRITE_5M],
					   &cached) ||
		    __builtin_add_overflow(cached, t[BUCKET_CACHE_WRITE_1H], &cached) ||
		    cached > r->prompt)
			return err_set(e, ERR_INVALID,
				       "field 'prompt' (%lld) is smaller than the cache parts that "
				       "it must contain",
				       (long long)r->prompt);
		t[BUCKET_INPUT] = r->prompt - cached;
		r->present |= (uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
	}
	if (t[BUCKET_REASONING] > t[BUCKET_OUTPUT])
		return err_set(e, ERR_INVALID,
			       "field 'reasoning' (%lld) is larger than 'output' (%lld), which "
			       "must contain it",
			       (long long)t[BUCKET_REASONING], (long long)t[BUCKET_OUTPUT]);
	if (r->requests < 1)
		return err_set(e, ERR_INVALID, "field 'requests' must be 1 or more");
	if (r->present & FIELDS_OF_PARTS) {
		struct usage u = { .requests = r->requests };
		usage_set_counts(&u, r->counts);
		int rc = usage_check(&u, e);
		if (rc != 0)
			return rc;
	}
	if (r->present >> FIELD_TOTAL & 1) {
		int64_t sum = 0;
		for (int b = 0; b < BUCKET_COUNT; b++)
			if (b != BUCKET_REASONING && __builtin_add_overflow(sum, t[b], &sum))
				return err_set(e, ERR_RANGE,
					       "the token counts add up to more than 63 bits");
		if (sum != r->total)
			return err_set(e, ERR_INVALID,
				       "field 'total' (%lld) contradicts its parts (%lld)",
				       (long long)r->total, (long long)sum);
	}
	return 0;
}

#define HAS(columns, f) ((columns) >> (f)&1)
#define FIELDS_OF_TEXTS (((uint64_t)1 << FIELD_TEXTS) - 1)
#define FIELDS_OF_COUNTS (((uint64_t)1 << FIELD_REQUESTS) - ((uint64_t)1 << FIELD_COUNTS))

void record_from_batch(struct record *r, const struct record_batch *b, size_t i)
{
	record_clear(r);
	r->at = b->at[i];
	r->present = b->columns;
	for (uint64_t left = b->columns & FIELDS_OF_TEXTS; left; left &= left - 1) {
		const int f = __builtin_ctzll(left);
		r->text[f] = b->text[f][i];
	}
	if (HAS(b->columns, FIELD_TIME))
		r->time_us = b->time_us[i];
	if (HAS(b->columns, FIELD_COMPLETED))
		r->completed_us = b->completed_us[i];
	for (uint64_t left = b->columns & FIELDS_OF_COUNTS; left; left &= left - 1) {
		const int k = __builtin_ctzll(left) - FIELD_COUNTS;
		r->counts[k] = b->counts[k][i];
	}
	if (HAS(b->columns, FIELD_REQUESTS))
		r->requests = b->requests[i];
}

void record_batch_single(struct record_batch *b, const struct record *r)
{
	b->n = 1;
	b->at[0] = r->at;
	b->columns = r->present & (((uint64_t)1 << FIELD_PROMPT) - 1);
	for (int f = 0; f < FIELD_TEXTS; f++)
		b->text[f][0] = r->text[f];
	b->time_us[0] = r->time_us;
	b->completed_us[0] = r->completed_us;
	for (int k = 0; k < COUNT_KINDS; k++)
		b->counts[k][0] = r->counts[k];
	b->requests[0] = r->requests;
	b->has_asides = b->has_units = false;
	b->unread = NULL;
	b->stated = NULL;
	b->charge = NULL;
	b->aggregate = false;
}

void record_batch_drop(struct record_batch *b, const uint8_t drop[BATCH_ROWS])
{
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (drop[i])
			continue;
		b->at[n] = b->at[i];
		for (int f = 0; f < FIELD_TEXTS; f++)
			if (HAS(b->columns, f))
				b->text[f][n] = b->text[f][i];
		b->time_us[n] = b->time_us[i];
		b->completed_us[n] = b->completed_us[i];
		for (int k = 0; k < COUNT_KINDS; k++)
			if (HAS(b->columns, FIELD_COUNTS + k))
				b->counts[k][n] = b->counts[k][i];
		b->requests[n] = b->requests[i];
		for (int k = 0; k < ASIDES && b->has_asides; k++)
			b->aside[k][n] = b->aside[k][i];
		if (b->has_units)
			b->unit[n] = b->unit[i];
		n++;
	}
	b->n = n;
}
