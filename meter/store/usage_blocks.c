#include "meter/store/usage_blocks.h"

#include <stdlib.h>

#include "base/dict.h"

/* What a row adds, or the calls of a session in a quarter of an hour. No block ends and no gap lies
 * inside of one: blocks end at full hours and are hours long. */
struct entry {
	int64_t time_us, last_us, records, requests, unpriced, placeholders;
	USAGE_COUNTS;
	struct money_total cost;
	const struct subject_names *subject; /* lives as long as the store */
};

struct reading {
	struct entry *entry;
	size_t count;
};

static int take(void *user, const struct usage_call *call)
{
	struct reading *r = user;
	const struct usage_sums *s = call->sums;
	if ((r->count & (r->count - 1)) == 0)
		r->entry = mem_grow(r->entry, (r->count ? r->count * 2 : 1) * sizeof *r->entry);
	struct entry *n = &r->entry[r->count++];
	*n = (struct entry){ .time_us = call->time_us,
			     .last_us = call->last_us,
			     .records = s->records,
			     .requests = s->requests,
			     .unpriced = s->unpriced,
			     .placeholders = s->placeholders,
			     .cost = s->cost,
			     .subject = call->subject };
	memcpy(n->counts, s->counts, sizeof n->counts);
	return 0;
}

static int by_time(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	return a->time_us != b->time_us ? (a->time_us < b->time_us ? -1 : 1)
					: text_cmp(a->subject->model, b->subject->model);
}

static int add(struct usage_sums *to, const struct entry *n, struct err *e)
{
	bool bad = !money_total_add(&to->cost, n->cost);
	to->records += n->records;
	to->unpriced += n->unpriced;
	to->placeholders += n->placeholders;
	bad |= __builtin_add_overflow(to->requests, n->requests, &to->requests);
	bad |= !counts_add(to->counts, n->counts);
	return bad ? err_set(e, ERR_RANGE, "%s", USAGE_DOES_NOT_FIT) : 0;
}

/* met: names to the number of the block in which they were met last. */
static void add_model(struct usage_blocks *out, struct usage_block *b, struct text name,
		      struct dict *met)
{
	uint64_t *at = dict_need(met, name, NULL);
	if (*at == out->count)
		return;
	*at = out->count;
	if ((b->models & (b->models - 1)) == 0)
		b->model = mem_grow(b->model, (b->models ? b->models * 2 : 1) * sizeof *b->model);
	b->model[b->models++] = (struct text){ arena_text(&out->arena, name.p, name.n), name.n };
}

static struct usage_block *push(struct usage_blocks *out, struct usage_block b)
{
	if ((out->count & (out->count - 1)) == 0)
		out->block = mem_grow(out->block, (out->count ? out->count * 2 : 1) * sizeof b);
	out->block[out->count] = b;
	return &out->block[out->count++];
}

/* The block of a call at that time, the last one or a new one. */
static struct usage_block *block_for(struct usage_blocks *out, int64_t time_us, int64_t length_us)
{
	struct usage_block *last = out->count ? &out->block[out->count - 1] : NULL;
	if (last && time_us - last->start_us <= length_us && time_us - last->last_us <= length_us)
		return last;
	if (last && time_us - last->last_us > length_us)
		push(out, (struct usage_block){ .gap = true,
						.start_us = last->last_us + length_us,
						.end_us = time_us });
	const int64_t start = floor_div(time_us, US_PER_HOUR) * US_PER_HOUR;
	return push(out, (struct usage_block){ .start_us = start,
					       .end_us = start + length_us,
					       .first_us = time_us,
					       .last_us = time_us });
}

static int by_name(const void *x, const void *y)
{
	return text_cmp(*(const struct text *)x, *(const struct text *)y);
}

static int make_blocks(struct usage_blocks *out, struct reading *r, int64_t length_us,
		       struct err *e)
{
	struct dict met = { 0 };
	int rc = 0;
	if (r->count)
		qsort(r->entry, r->count, sizeof *r->entry, by_time);
	for (size_t i = 0, n; rc == 0 && i < r->count; i += n) {
		int64_t records = 0;
		for (n = 0; i + n < r->count && by_time(&r->entry[i + n], &r->entry[i]) == 0; n++)
			records += r->entry[i + n].records;
		/* all that was recorded of that instant and model was reversed */
		if (records == 0)
			continue;
		struct usage_block *b = block_for(out, r->entry[i].time_us, length_us);
		add_model(out, b, r->entry[i].subject->model, &met);
		for (size_t k = 0; rc == 0 && k < n; k++) {
			const struct entry *next = &r->entry[i + k];
			b->last_us = next->last_us > b->last_us ? next->last_us : b->last_us;
			rc = add(&b->sums, next, e);
		}
	}
	dict_release(&met);
	for (size_t i = 0; i < out->count; i++)
		if (out->block[i].models)
			qsort(out->block[i].model, out->block[i].models,
			      sizeof *out->block[i].model, by_name);
	return rc;
}

int usage_blocks_read(struct usage_blocks *out, struct store *s, const struct usage_filter *filter,
		      int hours, struct err *e)
{
	struct reading r = { 0 };
	*out = (struct usage_blocks){ 0 };
	int rc = usage_each(s, filter, out->currency, take, &r, e);
	if (rc == 0)
		rc = make_blocks(out, &r, hours * US_PER_HOUR, e);
	free(r.entry);
	if (rc != 0)
		usage_blocks_release(out);
	return rc;
}

void usage_blocks_release(struct usage_blocks *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->block[i].model);
	free(b->block);
	arena_release(&b->arena);
	*b = (struct usage_blocks){ 0 };
}

bool usage_block_active(const struct usage_block *b, int64_t now_us)
{
	return !b->gap && now_us < b->end_us && now_us - b->last_us < b->end_us - b->start_us;
}
