#include "reports/series.h"

#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "meter/ledger/credit_sums.h"
#include "reports/json_out.h"
#include "reports/lower_bound_report.h"
#include "reports/usage_report.h"

enum { KEYS_MOST = 200000, SPOTS_MOST = 2000000 };

static const char *const measure_names[SERIES_MEASURE_COUNT] = {
#define X(id, name) [id] = name,
	SERIES_MEASURES(X)
#undef X
};

int series_measure_parse(enum series_measure *out, const char *text, struct err *e)
{
	*out = SERIES_COST;
	for (int m = 0; text && m < SERIES_MEASURE_COUNT; m++)
		if (strcmp(text, measure_names[m]) == 0) {
			*out = (enum series_measure)m;
			return 0;
		}
	return text ? err_set(e, ERR_USAGE,
			      "there is no measure '%s'; choose from cost, tokens, calls, credits, "
			      "hit_share",
			      text)
		    : 0;
}

int series_grain_parse(enum grouping *out, const char *text, struct err *e)
{
	char room[GROUPING_CHOICES_MAX];
	*out = BY_DAY;
	return !text || grouping_find(out, text_of(text), GRAINS_OF_SERIES)
		       ? 0
		       : err_set(e, ERR_USAGE, "there is no grain '%s'; choose from %s", text,
				 grouping_choices(GRAINS_OF_SERIES, room));
}

int series_by_parse(struct series_question *q, const char *text, struct err *e)
{
	char room[GROUPING_CHOICES_MAX];
	q->has_by = text && *text;
	return !q->has_by || grouping_find(&q->by, text_of(text), GROUPS_OF_SERIES)
		       ? 0
		       : err_set(e, ERR_USAGE,
				 "by: a series has no key '%s'; choose from %s (time is its grain)",
				 text, grouping_choices(GROUPS_OF_SERIES, room));
}

/* Of one key, and of one key in one bucket. base: what a share is of. */
struct amount {
	int128 value, base;
	int64_t records, unpriced, placeholders, uncovered;
};

struct key {
	struct text label;
	struct amount all;
	struct usage_sums sums;
	struct credits_total credits;
	uint32_t last_spot; /* 1 + place of the one that was added to last; 0: none was */
};

struct spot {
	uint32_t key, bucket;
	struct amount amount;
};

struct series {
	const struct series_question *q;
	struct instant since, until;
	int64_t *from;			   /* of each bucket, and the end of the last */
	size_t buckets, stride, first;	   /* first: those before it are not shown */
	struct dict key_index, spot_index; /* to 1 + place */
	struct key *key;
	struct spot *spot;
	size_t keys, spots;
	size_t last_key, last_bucket; /* what is told often follows itself */
	char currency[16];
	struct lower_bound bound;
	struct err *e;
};

static void series_release(struct series *x)
{
	dict_release(&x->key_index);
	dict_release(&x->spot_index);
	free(x->from);
	free(x->key);
	free(x->spot);
}

/* --- buckets --- */

/* The first local day of the bucket of a day. */
static int64_t first_day_of(enum grouping grain, int64_t day)
{
	return grouping_begins(grain, day * US_PER_DAY) / 24;
}

/* The first day of the bucket after it. */
static int64_t first_day_after(enum grouping grain, int64_t day)
{
	const int64_t first = first_day_of(grain, day);
	while (first_day_of(grain, day) == first)
		day++;
	return day;
}

static bool same_hour(const struct series *x, int64_t a_us, int64_t b_us)
{
	struct buf a = { 0 }, b = { 0 };
	usage_time_label(BY_HOUR, x->q->zone, (struct instant){ a_us }, &a);
	usage_time_label(BY_HOUR, x->q->zone, (struct instant){ b_us }, &b);
	const bool same = strcmp(a.p, b.p) == 0;
	buf_release(&a);
	buf_release(&b);
	return same;
}

/* Where the hour of an instant begins, and where it ends: an hour of local time is no whole hour
 * where the clock is put forward by a part of one. */
static int64_t hour_begins(const struct series *x, int64_t us)
{
	const int64_t quarter = 900 * US_PER_SECOND;
	int64_t at = floor_div(us, quarter) * quarter;
	while (same_hour(x, at, at - quarter))
		at -= quarter;
	return at;
}

static int64_t hour_ends(const struct series *x, int64_t from_us)
{
	const int64_t quarter = 900 * US_PER_SECOND;
	int64_t at = from_us + quarter;
	while (same_hour(x, from_us, at))
		at += quarter;
	return at;
}

static int64_t next_bucket(const struct series *x, int64_t from_us)
{
	const struct zone *z = x->q->zone;
	if (grouping_has_offset(x->q->grain))
		return hour_ends(x, from_us);
	const int64_t day = zone_day(z, (struct instant){ from_us });
	return zone_midnight(z, first_day_after(x->q->grain, day)).us;
}

static int make_buckets(struct series *x)
{
	enum { AT_ONCE = 64 };
	const struct zone *z = x->q->zone;
	if (x->since.us >= x->until.us)
		return 0;
	x->from = mem_alloc(AT_ONCE * sizeof *x->from);
	x->from[0] =
		grouping_has_offset(x->q->grain)
			? hour_begins(x, x->since.us)
			: zone_midnight(z, first_day_of(x->q->grain, zone_day(z, x->since))).us;
	for (size_t n = 1;; n++) {
		if (n % AT_ONCE == 0)
			x->from = mem_grow(x->from, (n + AT_ONCE) * sizeof *x->from);
		x->from[n] = next_bucket(x, x->from[n - 1]);
		x->buckets = n;
		if (x->from[n] >= x->until.us)
			return 0;
		if (n == SERIES_BUCKETS_MOST)
			return err_set(
				x->e, ERR_USAGE,
				"the period has more than %d buckets of that grain; choose a "
				"longer grain or a shorter period",
				SERIES_BUCKETS_MOST);
	}
}

/* Ends that are not given: where the records begin; where they end, or now. */
static int read_ends(struct series *x, struct store *s)
{
	const struct usage_filter *f = &x->q->filter;
	const bool open = f->since.us <= INSTANT_MIN.us, endless = f->until.us >= INSTANT_MAX.us;
	struct instant first = { 0 }, last = { 0 };
	bool any = false;
	x->since = f->since;
	x->until = f->until;
	int rc = open || endless ? usage_span(s, &first, &last, &any, x->e) : 0;
	if (rc != 0)
		return rc;
	if (!any && open)
		x->since = x->until = x->q->now; /* nothing */
	else if (open)
		x->since = first;
	if (endless && !(open && !any))
		x->until.us =
			(any && (open || last.us > x->q->now.us) ? last.us : x->q->now.us) + 1;
	return 0;
}

static size_t bucket_at(struct series *x, int64_t us)
{
	size_t low = 0, high = x->buckets;
	if (us >= x->from[x->last_bucket] && us < x->from[x->last_bucket + 1])
		return x->last_bucket;
	while (high - low > 1) {
		const size_t middle = (low + high) / 2;
		if (x->from[middle] <= us)
			low = middle;
		else
			high = middle;
	}
	x->last_bucket = low;
	return low;
}

/* --- adding up --- */

static int too_large(struct series *x)
{
	return err_set(x->e, ERR_RANGE, "the records add up to more than a total can hold");
}

static int add_amount(struct series *x, struct amount *to, const struct amount *more)
{
	bool bad = __builtin_add_overflow(to->value, more->value, &to->value);
	bad |= __builtin_add_overflow(to->base, more->base, &to->base);
	bad |= __builtin_add_overflow(to->records, more->records, &to->records);
	bad |= __builtin_add_overflow(to->unpriced, more->unpriced, &to->unpriced);
	bad |= __builtin_add_overflow(to->placeholders, more->placeholders, &to->placeholders);
	bad |= __builtin_add_overflow(to->uncovered, more->uncovered, &to->uncovered);
	return bad ? too_large(x) : 0;
}

static int find_key(struct series *x, struct text label, struct key **out)
{
	if (x->keys && text_eq(x->key[x->last_key].label, label)) {
		*out = &x->key[x->last_key];
		return 0;
	}
	uint64_t *at = dict_need(&x->key_index, label, NULL);
	if (!*at) {
		if (x->keys == KEYS_MOST)
			return err_set(x->e, ERR_USAGE,
				       "there are more than %d keys; choose a shorter period or "
				       "another key",
				       KEYS_MOST);
		if ((x->keys & (x->keys - 1)) == 0)
			x->key = mem_grow(x->key, (x->keys ? x->keys * 2 : 1) * sizeof *x->key);
		x->key[x->keys] = (struct key){ .label = dict_key(&x->key_index, label) };
		*at = ++x->keys;
	}
	x->last_key = (size_t)*at - 1;
	*out = &x->key[x->last_key];
	return 0;
}

/* 1 + its place, or 0 where it is another one. */
static uint32_t last_spot_of(const struct series *x, const struct key *k, size_t bucket)
{
	return k->last_spot && x->spot[k->last_spot - 1].bucket == bucket ? k->last_spot : 0;
}

static int add_at(struct series *x, struct key *k, size_t bucket, const struct amount *more)
{
	const uint32_t place[2] = { (uint32_t)(k - x->key), (uint32_t)bucket };
	const struct text name = { (const char *)place, sizeof place };
	if (!last_spot_of(x, k, bucket)) {
		uint64_t *at = dict_need(&x->spot_index, name, NULL);
		if (!*at) {
			if (x->spots == SPOTS_MOST)
				return err_set(x->e, ERR_USAGE,
					       "there are more than %d figures; choose a longer "
					       "grain, a shorter period or another key",
					       SPOTS_MOST);
			if ((x->spots & (x->spots - 1)) == 0)
				x->spot = mem_grow(x->spot,
						   (x->spots ? x->spots * 2 : 1) * sizeof *x->spot);
			x->spot[x->spots] = (struct spot){ .key = place[0], .bucket = place[1] };
			*at = ++x->spots;
		}
		k->last_spot = (uint32_t)*at;
	}
	int rc = add_amount(x, &x->spot[k->last_spot - 1].amount, more);
	return rc == 0 ? add_amount(x, &k->all, more) : rc;
}

/* The whole prompt, cache included, and what of it was read from the cache. */
static void share_of(const struct usage_sums *s, struct amount *a)
{
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (bucket_is_prompt((enum bucket)b))
			a->base += s->tokens[b];
	a->value = s->tokens[BUCKET_CACHE_READ];
}

static struct amount amount_of(const struct series *x, const struct usage_sums *s)
{
	struct amount a = { .records = s->records,
			    .unpriced = s->unpriced,
			    .placeholders = s->placeholders };
	switch (x->q->measure) {
	case SERIES_COST:
		a.value = s->cost.atto;
		break;
	case SERIES_TOKENS:
		for (int b = 0; b < BUCKET_COUNT; b++)
			a.value += b == BUCKET_REASONING ? 0 : s->tokens[b]; /* part of output */
		break;
	case SERIES_CALLS:
		a.value = s->requests;
		break;
	case SERIES_HIT_SHARE:
		share_of(s, &a);
		break;
	case SERIES_CREDITS: /* come from the ledger */
	case SERIES_MEASURE_COUNT:
		break;
	}
	return a;
}

static int key_of_call(struct series *x, const struct usage_call *c, struct key **out)
{
	return find_key(x, x->q->has_by ? usage_call_label(c, x->q->by) : TEXT(""), out);
}

static int take_call(void *user, const struct usage_call *c)
{
	struct series *x = user;
	struct key *k;
	const struct amount a = amount_of(x, c->sums);
	int rc = key_of_call(x, c, &k);
	if (rc == 0)
		rc = usage_sums_add(&k->sums, c->sums, x->e);
	return rc == 0 ? add_at(x, k, bucket_at(x, c->time_us), &a) : rc;
}

static int take_uncovered(void *user, const struct usage_call *c)
{
	struct series *x = user;
	struct key *k;
	const struct amount a = { .uncovered = 1 };
	int rc = key_of_call(x, c, &k);
	return rc == 0 ? add_at(x, k, bucket_at(x, c->time_us), &a) : rc;
}

static struct text label_of_day(const struct credit_day_sum *d, enum grouping by)
{
	return usage_call_label(&(struct usage_call){ .series = d->series, .subject = d->subject },
				by);
}

static int take_credits(void *user, const struct credit_day_sum *d)
{
	struct series *x = user;
	struct key *k;
	const struct amount a = { .value = d->credits.atto };
	int rc = find_key(x, x->q->has_by ? label_of_day(d, x->q->by) : TEXT(""), &k);
	/* a day of the account's zone stands in the bucket in which that date begins */
	const int64_t begins = zone_midnight(x->q->zone, d->day).us;
	if (rc == 0 && !credits_add(&k->credits, d->credits))
		rc = too_large(x);
	return rc == 0 ? add_at(x, k, bucket_at(x, begins), &a) : rc;
}

static int add_credits(struct series *x, struct store *s)
{
	const struct series_question *q = x->q;
	if (grouping_has_offset(q->grain))
		return err_set(x->e, ERR_USAGE,
			       "credits are kept by day; choose day, week or month as the grain");
	if (q->filter.provider ||
	    (q->has_by && q->by != BY_MODEL && q->by != BY_CUSTOMER && q->by != BY_PROJECT &&
	     q->by != BY_WORKLOAD && q->by != BY_EFFORT))
		return err_set(x->e, ERR_USAGE,
			       "credits are kept by model, customer, project, workload and effort");
	const struct day_range days = { zone_day(q->zone, x->since),
					zone_day(q->zone, (struct instant){ x->until.us - 1 }) };
	return credit_sums_each_day(s, &q->filter, days, take_credits, x, x->e);
}

static int add_up(struct series *x, struct store *s)
{
	const enum grouping dims[2] = { x->q->grain, x->q->by };
	struct usage_filter f = x->q->filter;
	f.since = x->since;
	f.until = x->until;
	struct usage_cells cells = { .store = s,
				     .filter = &f,
				     .dim = dims,
				     .dim_count = x->q->has_by ? 2 : 1,
				     .zone = x->q->zone,
				     .take = take_call,
				     .user = x };
	struct usage_sums all = { 0 };
	int rc = make_buckets(x);
	if (rc != 0 || x->buckets == 0)
		return rc;
	rc = usage_each_cell(&cells, x->e);
	for (size_t k = 0; rc == 0 && k < x->keys; k++)
		rc = usage_sums_add(&all, &x->key[k].sums, x->e);
	memcpy(x->currency, cells.currency, sizeof x->currency);
	x->bound = cells.bound;
	x->bound.placeholders = all.placeholders;
	x->bound.unsaid = all.unsaid;
	if (rc == 0)
		rc = credit_sums_each_uncovered(s, &f, take_uncovered, x, x->e);
	if (rc == 0 && x->q->measure == SERIES_CREDITS)
		rc = add_credits(x, s);
	return rc;
}

/* --- the document --- */

static int largest_first(const void *a, const void *b, void *user)
{
	const struct series *x = user;
	const struct key *k = &x->key[*(const uint32_t *)a], *l = &x->key[*(const uint32_t *)b];
	const bool share = x->q->measure == SERIES_HIT_SHARE;
	const int128 m = share ? k->all.base : k->all.value, n = share ? l->all.base : l->all.value;
	if (m != n)
		return m < n ? 1 : -1;
	if (k->all.records != l->all.records)
		return k->all.records < l->all.records ? 1 : -1;
	return text_cmp(k->label, l->label);
}

/* Keys of which everything was reversed say nothing. */
static bool is_empty(const struct key *k)
{
	bool any = k->all.value || k->all.base || k->all.records || k->all.uncovered ||
		   k->sums.requests || k->sums.cost.atto;
	for (int n = 0; n < COUNT_KINDS; n++)
		any |= k->sums.counts[n] != 0;
	return !any;
}

static void format_value(const struct series *x, const struct amount *a,
			 char text[DECIMAL_TEXT_MAX])
{
	enum { SHARE_PLACES = 6, MILLION = 1000000 };
	switch (x->q->measure) {
	case SERIES_COST:
		money_total_format((struct money_total){ a->value }, text);
		break;
	case SERIES_CREDITS:
		credits_format((struct credits_total){ a->value }, text);
		break;
	case SERIES_HIT_SHARE: /* half up */
		decimal_format_fixed(text, (a->value * MILLION + a->base / 2) / a->base,
				     SHARE_PLACES);
		break;
	case SERIES_TOKENS:
	case SERIES_CALLS:
	case SERIES_MEASURE_COUNT:
		decimal_format_fixed(text, a->value, 0);
		break;
	}
}

/* null: nothing was recorded then, by whomever; of a share also: there was no prompt. */
static void put_value(struct json_out *j, const struct series *x, const char *key,
		      const struct amount *a, bool recorded)
{
	char text[DECIMAL_TEXT_MAX];
	if (!recorded || (x->q->measure == SERIES_HIT_SHARE && a->base <= 0)) {
		json_out_null(j, key);
		return;
	}
	format_value(x, a, text);
	json_out_string(j, key, text);
}

static bool is_lower(const struct series *x, const struct amount *a)
{
	return (x->q->measure == SERIES_COST && (a->unpriced || a->placeholders)) ||
	       (x->q->measure == SERIES_CREDITS && a->uncovered > 0);
}

static bool is_recorded(const struct amount *a)
{
	return a->records || a->value || a->base || a->uncovered || a->unpriced || a->placeholders;
}

/* One line of the chart. whole: the total's, which tells what are gaps. */
static void put_line(struct json_out *j, const struct series *x, const struct amount *line,
		     const struct amount *whole)
{
	const char *const counts[] = { "records", "unpriced", "placeholders", "uncovered" };
	json_out_array(j, "values");
	for (size_t i = x->first; i < x->buckets; i++)
		put_value(j, x, NULL, &line[i], is_recorded(&whole[i]));
	json_out_end(j, ']');
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		json_out_array(j, counts[c]);
		for (size_t i = x->first; i < x->buckets; i++)
			json_out_int(j, NULL,
				     c == 0   ? line[i].records
				     : c == 1 ? line[i].unpriced
				     : c == 2 ? line[i].placeholders
					      : line[i].uncovered);
		json_out_end(j, ']');
	}
	if (x->q->measure != SERIES_HIT_SHARE)
		return;
	for (int c = 0; c < 2; c++) {
		json_out_array(j, c ? "prompt" : "cache_read");
		for (size_t i = x->first; i < x->buckets; i++)
			json_out_int(j, NULL, (int64_t)(c ? line[i].base : line[i].value));
		json_out_end(j, ']');
	}
}

/* What a key comes to over all buckets. */
static void put_whole(struct json_out *j, const struct series *x, const struct key *k)
{
	put_value(j, x, "value", &k->all, true);
	json_out_bool(j, "at_least", is_lower(x, &k->all));
	json_out_object(j, "sums");
	put_usage_sums(j, &k->sums);
	json_out_int(j, "uncovered", k->all.uncovered);
	if (x->q->filter.currency)
		json_out_int(j, "foreign", k->sums.foreign);
	if (x->q->measure == SERIES_CREDITS)
		json_out_credits(j, "credits", k->credits);
	json_out_end(j, '}');
}

static int merge_key(struct series *x, struct key *to, const struct key *k)
{
	int rc = add_amount(x, &to->all, &k->all);
	if (rc == 0)
		rc = usage_sums_add(&to->sums, &k->sums, x->e);
	if (rc == 0 && !credits_add(&to->credits, k->credits))
		rc = too_large(x);
	return rc;
}

/* The lines that are shown: total, the largest keys, and the rest of them. */
struct lines {
	uint32_t *order; /* keys, the largest first */
	size_t count;	 /* of keys */
	size_t shown;	 /* of them, by themselves */
	uint32_t *place; /* of a key its line */
	struct amount *amount;
	struct key total, other;
};

static struct amount *line_of(const struct series *x, const struct lines *l, size_t place)
{
	return l->amount + place * x->stride;
}

static int make_lines(struct series *x, struct lines *l)
{
	int rc = 0;
	l->order = mem_alloc((x->keys + 1) * sizeof *l->order);
	l->place = mem_zalloc((x->keys + 1) * sizeof *l->place);
	for (size_t i = 0; i < x->keys; i++)
		if (!is_empty(&x->key[i]))
			l->order[l->count++] = (uint32_t)i;
	qsort_r(l->order, l->count, sizeof *l->order, largest_first, x);
	const size_t top = (size_t)x->q->top;
	l->shown = !x->q->has_by ? 0 : l->count <= top + 1 ? l->count : top;
	/* the total is line 0, the rest the last one */
	x->stride = x->buckets + 1;
	l->amount = mem_zalloc((l->shown + 2) * x->stride * sizeof *l->amount);
	for (size_t i = 0; rc == 0 && i < l->count; i++) {
		const struct key *k = &x->key[l->order[i]];
		l->place[l->order[i]] = (uint32_t)(i < l->shown ? i + 1 : l->shown + 1);
		rc = merge_key(x, &l->total, k);
		if (rc == 0 && i >= l->shown)
			rc = merge_key(x, &l->other, k);
	}
	for (size_t i = 0; rc == 0 && i < x->spots; i++) {
		const struct spot *s = &x->spot[i];
		const uint32_t place = l->place[s->key];
		rc = add_amount(x, &line_of(x, l, 0)[s->bucket], &s->amount);
		if (rc == 0 && place)
			rc = add_amount(x, &line_of(x, l, place)[s->bucket], &s->amount);
	}
	return rc;
}

static void lines_release(struct lines *l)
{
	free(l->order);
	free(l->place);
	free(l->amount);
}

/* Without ends of its own a series begins and ends where there is something of it. */
static void trim(struct series *x, const struct lines *l)
{
	const struct amount *whole = line_of(x, l, 0);
	if (x->q->filter.since.us > INSTANT_MIN.us)
		return;
	while (x->first < x->buckets && !is_recorded(&whole[x->first]))
		x->first++;
	while (x->q->filter.until.us >= INSTANT_MAX.us && x->buckets > x->first &&
	       !is_recorded(&whole[x->buckets - 1]))
		x->buckets--;
}

static void put_buckets(struct json_out *j, const struct series *x)
{
	struct buf label = { 0 };
	json_out_array(j, "buckets");
	for (size_t i = x->first; i < x->buckets; i++) {
		const int64_t from = x->from[i] < x->since.us ? x->since.us : x->from[i],
			      until = x->from[i + 1] > x->until.us ? x->until.us : x->from[i + 1];
		usage_time_label(x->q->grain, x->q->zone, (struct instant){ x->from[i] }, &label);
		json_out_object(j, NULL);
		json_out_string(j, "label", label.p);
		json_out_instant(j, "from", (struct instant){ from });
		json_out_instant(j, "until", (struct instant){ until });
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	buf_release(&label);
}

static void put_keys(struct json_out *j, const struct series *x, const struct lines *l)
{
	json_out_array(j, "keys");
	for (size_t i = 0; i < l->shown; i++) {
		const struct key *k = &x->key[l->order[i]];
		json_out_object(j, NULL);
		if (k->label.n)
			json_out_text(j, "key", k->label);
		else
			json_out_null(j, "key");
		json_out_bool(j, "other", false);
		put_whole(j, x, k);
		put_line(j, x, line_of(x, l, i + 1), line_of(x, l, 0));
		json_out_end(j, '}');
	}
	if (x->q->has_by && l->count > l->shown) {
		json_out_object(j, NULL);
		json_out_null(j, "key");
		json_out_bool(j, "other", true);
		json_out_int(j, "keys", (int64_t)(l->count - l->shown));
		put_whole(j, x, &l->other);
		put_line(j, x, line_of(x, l, l->shown + 1), line_of(x, l, 0));
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_document(struct buf *out, const struct series *x, const struct lines *l)
{
	const struct series_question *q = x->q;
	struct json_out j;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.series/1");
	json_out_string(&j, "measure", measure_names[q->measure]);
	json_out_string(&j, "by", q->has_by ? grouping_name(q->by) : NULL);
	json_out_string(&j, "grain", grouping_name(q->grain));
	json_out_string(&j, "timezone", q->timezone);
	json_out_string(&j, "currency",
			*x->currency	     ? x->currency
			: q->filter.currency ? q->filter.currency
					     : "USD");
	json_out_int(&j, "key_count", q->has_by ? (int64_t)l->count : 0);
	put_buckets(&j, x);
	put_keys(&j, x, l);
	json_out_object(&j, "total");
	put_whole(&j, x, &l->total);
	put_line(&j, x, line_of(x, l, 0), line_of(x, l, 0));
	json_out_end(&j, '}');
	put_lower_bound(&j, &x->bound);
	json_out_end(&j, '}');
	json_out_take(&j, out);
}

int series_put(struct buf *out, struct store *s, const struct series_question *q, struct err *e)
{
	struct series x = { .q = q, .e = e };
	struct lines l = { 0 };
	int rc = read_ends(&x, s);
	if (rc == 0)
		rc = add_up(&x, s);
	if (rc == 0)
		rc = make_lines(&x, &l);
	if (rc == 0) {
		trim(&x, &l);
		put_document(out, &x, &l);
	}
	lines_release(&l);
	series_release(&x);
	return rc;
}
