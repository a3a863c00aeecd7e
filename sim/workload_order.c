#include "sim/workload_order.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- calls as they were written --- */

/* A walk through them. A part's calls follow each other in all stretches, so that a block is done
 * with when the walk comes to the next one. */
struct walk {
	struct workload *w;
	const struct written *how;
	size_t stretch, part, at, to;
	bool gives_up; /* blocks that are done with */
};

static struct walk walk_of(struct workload *w, const struct written *how, bool gives_up)
{
	return (struct walk){ .w = w,
			      .how = how,
			      .to = !how->stretches && w->parts ? w->part->count : 0,
			      .gives_up = gives_up };
}

static bool next_stretch(struct walk *k)
{
	if (k->stretch == k->how->stretches)
		return false;
	const struct stretch *s = &k->how->stretch[k->stretch++];
	k->part = s->part;
	k->at = s->from;
	k->to = s->to;
	return true;
}

/* NULL: that was the last. What it returned before may be gone. */
static const struct packed_call *next_call(struct walk *k)
{
	while (k->at == k->to)
		if (!next_stretch(k))
			return NULL;
	struct work_part *p = &k->w->part[k->part];
	const size_t i = k->at++, block = i / WORK_BLOCK;
	if (k->gives_up && i % WORK_BLOCK == 0 && block)
		work_part_give_up(p, block - 1);
	return work_part_call(p, i);
}

void workload_as_written(struct workload *w, const struct written *how)
{
	struct work_call *call = mem_alloc((w->count + 1) * sizeof *call);
	struct walk k = walk_of(w, how, true);
	const struct packed_call *p;
	for (uint32_t n = 0; (p = next_call(&k)) != NULL; n++)
		workload_take_out(w, p, p->conversation, n, &call[n]);
	w->call = call;
	workload_drop_parts(w);
}

/* --- the order of time, which is what a cache and a position in a conversation mean --- */

struct instant_of {
	int64_t time_us;
	uint32_t written;
};

static int by_time(const void *a, const void *b)
{
	const struct instant_of *x = a, *y = b;
	return x->time_us != y->time_us	 ? x->time_us < y->time_us ? -1 : 1
	       : x->written < y->written ? -1
					 : x->written > y->written;
}

/* The place in the order of time of each call as it was written; NULL: they are in that order. */
static uint32_t *order_of_time(struct workload *w, const struct written *how)
{
	struct instant_of *at = mem_alloc((w->count + 1) * sizeof *at);
	uint32_t *order = mem_alloc((w->count + 1) * sizeof *order);
	struct walk k = walk_of(w, how, false);
	const struct packed_call *p;
	for (uint32_t n = 0; (p = next_call(&k)) != NULL; n++)
		at[n] = (struct instant_of){ p->time_us, n };
	qsort(at, w->count, sizeof *at, by_time);
	for (size_t i = 0; i < w->count; i++)
		order[at[i].written] = (uint32_t)i;
	free(at);
	return order;
}

/* Counts the calls of each conversation into w->first; whether they were written in the order of
 * time. */
static bool count_calls(struct workload *w, const struct written *how)
{
	const size_t all = w->conversations;
	struct walk k = walk_of(w, how, false);
	int64_t last_us = INT64_MIN;
	size_t count = 0;
	bool in_time = true;
	const struct packed_call *p;
	w->first = mem_zalloc((all + 2) * sizeof *w->first);
	for (; (p = next_call(&k)) != NULL; count++) {
		w->first[p->conversation + 1]++;
		in_time &= last_us <= p->time_us;
		last_us = p->time_us;
	}
	CHECK(count == w->count);
	for (size_t c = 0; c < all; c++)
		w->first[c + 1] += w->first[c];
	return in_time;
}

/* --- by conversation --- */

/* Conversations that follow each other, so many that the processor's cache can hold the calls that
 * are written to all of the bundles, and those of one. */
enum { BUNDLES = 256 };

static int bundle_shift(size_t conversations)
{
	int shift = 0;
	while (conversations >> shift > BUNDLES)
		shift++;
	return shift;
}

/* All calls to their bundles, in each as they were written, and their places in the order of time
 * into `order`. */
static void fill_bundles(struct workload *w, const struct written *how, const uint32_t *in_time,
			 uint32_t *order)
{
	const int shift = bundle_shift(w->conversations);
	uint32_t next[BUNDLES + 1], n = 0;
	struct walk k = walk_of(w, how, true);
	const struct packed_call *p;
	for (size_t b = 0; b << shift < w->conversations; b++)
		next[b] = w->first[b << shift];
	for (; (p = next_call(&k)) != NULL; n++) {
		const uint32_t at = next[p->conversation >> shift]++;
		w->packed[at] = *p;
		order[at] = in_time ? in_time[n] : n;
	}
}

/* Calls from `from` until `to` each to its place, place[i] of call i, where they lie. */
static void settle(struct packed_call *call, uint32_t *place, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		while (place[i] != i) {
			const uint32_t at = place[i];
			const struct packed_call there = call[at];
			call[at] = call[i];
			call[i] = there;
			place[i] = place[at];
			place[at] = at;
		}
}

static int by_order(const void *a, const void *b)
{
	const struct packed_call *x = a, *y = b;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The calls of a bundle by conversation; `next` is where the next of each conversation goes. From
 * then on a call has its place in the order of time instead of its conversation. */
static void divide_bundle(struct workload *w, size_t from, size_t to, uint32_t *order,
			  uint32_t *next)
{
	for (size_t i = from; i < to; i++) {
		struct packed_call *p = &w->packed[i];
		const uint32_t at = next[p->conversation]++;
		p->order = order[i];
		order[i] = at;
	}
	settle(w->packed, order, from, to);
}

static void *in_order(void *array, size_t size, const struct packed_call *call,
		      const uint32_t *written, size_t count)
{
	char *out = mem_alloc((count + 1) * size);
	for (size_t i = 0; i < count; i++)
		memcpy(out + i * size, (char *)array + written[call[i].order] * size, size);
	free(array);
	return out;
}

/* What calls cost as they were metered goes where they went. */
static void order_metered(struct workload *w, const uint32_t *in_time)
{
	uint32_t *written = mem_alloc((w->count + 1) * sizeof *written);
	for (size_t i = 0; i < w->count; i++)
		written[in_time ? in_time[i] : i] = (uint32_t)i;
	w->metered = in_order(w->metered, sizeof *w->metered, w->packed, written, w->count);
	w->metered_lacks =
		in_order(w->metered_lacks, sizeof *w->metered_lacks, w->packed, written, w->count);
	free(written);
}

/* Bundles that wait to be divided, of which each thread takes the next. */
struct dividing {
	struct workload *w;
	uint32_t *order, *next; /* as divide_bundle has them */
	bool in_time;		/* calls were written in the order of time */
	atomic_size_t bundle;
};

static void *divide_bundles(void *user)
{
	struct dividing *d = user;
	struct workload *w = d->w;
	const int shift = bundle_shift(w->conversations);
	size_t from, to;
	while ((from = atomic_fetch_add(&d->bundle, 1) << shift) < w->conversations) {
		to = from + ((size_t)1 << shift);
		to = to < w->conversations ? to : w->conversations;
		divide_bundle(w, w->first[from], w->first[to], d->order, d->next);
		for (size_t c = from; !d->in_time && c < to; c++)
			qsort(w->packed + w->first[c], w->first[c + 1] - w->first[c],
			      sizeof *w->packed, by_order);
	}
	return NULL;
}

/* In as many threads as read the calls. */
static void divide_all(struct dividing *d, size_t threads)
{
	pthread_t *thread = mem_alloc((threads + 1) * sizeof *thread);
	for (size_t i = 1; i < threads; i++)
		CHECK(pthread_create(&thread[i], NULL, divide_bundles, d) == 0);
	divide_bundles(d);
	for (size_t i = 1; i < threads; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

void workload_group(struct workload *w, const struct written *how)
{
	const size_t all = w->conversations, threads = w->parts;
	uint32_t *in_time = count_calls(w, how) ? NULL : order_of_time(w, how);
	uint32_t *order = mem_alloc((w->count + 1) * sizeof *order);
	uint32_t *next = mem_alloc((all + 1) * sizeof *next);
	w->packed = mem_pages((w->count + 1) * sizeof *w->packed);
	memcpy(next, w->first, all * sizeof *next);
	fill_bundles(w, how, in_time, order);
	workload_drop_parts(w);
	divide_all(&(struct dividing){ .w = w, .order = order, .next = next, .in_time = !in_time },
		   threads);
	if (w->metered)
		order_metered(w, in_time);
	free(in_time);
	free(order);
	free(next);
}
