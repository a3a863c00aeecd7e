#include "sim/workload_order.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* --- calls as they were written --- */

/* A walk through some stretches that follow each other. */
struct walk {
	struct workload *w;
	const struct stretch *next, *end;
	size_t part, at, to;
	bool places; /* it is the last one, and blocks are given up */
};

/* Calls that follow each other in a block. */
struct piece {
	const struct packed_call *call;
	size_t calls, part, block;
};

static struct walk walk_all(struct workload *w, const struct written *how)
{
	return (struct walk){ .w = w, .next = how->stretch, .end = how->stretch + how->stretches };
}

/* The next piece in place of the one before, which may be gone; it begins with none. */
static bool next_piece(struct walk *k, struct piece *p)
{
	if (k->places && p->calls)
		work_part_placed(&k->w->part[p->part], p->block, (uint32_t)p->calls);
	while (k->at == k->to) {
		if (k->next == k->end)
			return false;
		k->part = k->next->part;
		k->at = k->next->from;
		k->to = k->next++->to;
	}
	const size_t block = k->at / WORK_BLOCK, end = (block + 1) * WORK_BLOCK,
		     calls = (k->to < end ? k->to : end) - k->at;
	*p = (struct piece){ work_part_call(&k->w->part[k->part], k->at), calls, k->part, block };
	k->at += calls;
	return true;
}

/* The calls of all parts will be placed. */
static void begin_to_place(struct workload *w)
{
	for (size_t i = 0; i < w->parts; i++)
		w->part[i].placed = mem_zalloc((w->part[i].blocks + 1) * sizeof *w->part->placed);
}

/* All calls of one part, where nothing else is said. */
static struct written stretches_of(const struct workload *w, const struct written *how,
				   struct stretch *whole)
{
	*whole = (struct stretch){ .to = w->count };
	return how->stretches ? *how : (struct written){ whole, w->count ? 1 : 0 };
}

void workload_as_written(struct workload *w, const struct written *how)
{
	struct work_call *call = mem_alloc((w->count + 1) * sizeof *call);
	struct stretch whole;
	const struct written all = stretches_of(w, how, &whole);
	struct walk k = walk_all(w, &all);
	struct piece p = { 0 };
	uint32_t n = 0;
	begin_to_place(w);
	for (k.places = true; next_piece(&k, &p);)
		for (size_t i = 0; i < p.calls; i++, n++)
			workload_take_out(w, &p.call[i], p.call[i].conversation, n, &call[n]);
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

/* The place in the order of time of each call as it was written. */
static uint32_t *order_of_time(struct workload *w, const struct written *how)
{
	struct instant_of *at = mem_alloc((w->count + 1) * sizeof *at);
	uint32_t *order = mem_alloc((w->count + 1) * sizeof *order), n = 0;
	struct walk k = walk_all(w, how);
	for (struct piece p = { 0 }; next_piece(&k, &p);)
		for (size_t i = 0; i < p.calls; i++, n++)
			at[n] = (struct instant_of){ p.call[i].time_us, n };
	qsort(at, w->count, sizeof *at, by_time);
	for (size_t i = 0; i < w->count; i++)
		order[at[i].written] = (uint32_t)i;
	free(at);
	return order;
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

/* All at work, or what one thread has of it: the calls of some stretches, and every bundle that no
 * other thread has taken. */
struct laying {
	struct workload *w;
	struct walk walk;
	size_t first, calls;	   /* of those stretches, as calls were written */
	int64_t first_us, last_us; /* of them */
	bool in_time;		   /* they were written in the order of time */
	uint32_t at[BUNDLES + 2];  /* how many go to each bundle; then where the next one goes */
	int shift;
	/* of all threads */
	const uint32_t *bundle;	 /* where each begins */
	uint32_t *order;	 /* by call: its place in the order of time, then where it goes */
	uint32_t *next;		 /* by conversation: where the next call of it goes */
	const uint32_t *by_time; /* by call as they were written; NULL: in that order */
	atomic_size_t *taken;	 /* bundles */
	pthread_t thread;
};

static void in_threads(struct laying *l, size_t threads, void *(*work)(void *))
{
	for (size_t i = 1; i < threads; i++)
		CHECK(pthread_create(&l[i].thread, NULL, work, &l[i]) == 0);
	work(&l[0]);
	for (size_t i = 1; i < threads; i++)
		pthread_join(l[i].thread, NULL);
}

/* How many calls go to each bundle. */
static void *count_calls(void *user)
{
	struct laying *l = user;
	struct walk k = l->walk;
	int64_t last_us = INT64_MIN;
	l->in_time = true;
	for (struct piece p = { 0 }; next_piece(&k, &p);) {
		if (!l->calls)
			l->first_us = p.call->time_us;
		for (size_t i = 0; i < p.calls; i++) {
			l->at[p.call[i].conversation >> l->shift]++;
			l->in_time &= last_us <= p.call[i].time_us;
			last_us = p.call[i].time_us;
		}
		l->calls += p.calls;
	}
	l->last_us = last_us;
	return NULL;
}

/* All calls to their bundles, in each as they were written, and their places in the order of time
 * into `order`. */
static void *fill_bundles(void *user)
{
	struct laying *l = user;
	struct workload *w = l->w;
	struct walk k = l->walk;
	size_t n = l->first;
	k.places = true;
	for (struct piece p = { 0 }; next_piece(&k, &p);)
		for (size_t i = 0; i < p.calls; i++, n++) {
			const uint32_t at = l->at[p.call[i].conversation >> l->shift]++;
			w->packed[at] = p.call[i];
			l->order[at] = l->by_time ? l->by_time[n] : (uint32_t)n;
		}
	return NULL;
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

/* The calls of conversations that make up a bundle, by conversation. From then on a call has its
 * place in the order of time instead of its conversation. */
static void divide_bundle(const struct laying *l, size_t conversation, size_t until, size_t from,
			  size_t to)
{
	struct workload *w = l->w;
	for (size_t i = from; i < to; i++)
		l->next[w->packed[i].conversation]++;
	uint32_t first = (uint32_t)from;
	for (size_t c = conversation; c < until; c++) {
		const uint32_t calls = l->next[c];
		w->first[c] = l->next[c] = first;
		first += calls;
	}
	for (size_t i = from; i < to; i++) {
		struct packed_call *p = &w->packed[i];
		const uint32_t at = l->next[p->conversation]++;
		p->order = l->order[i];
		l->order[i] = at;
	}
	settle(w->packed, l->order, from, to);
	for (size_t c = conversation; l->by_time && c < until; c++)
		qsort(w->packed + w->first[c], l->next[c] - w->first[c], sizeof *w->packed,
		      by_order);
}

static void *divide_bundles(void *user)
{
	const struct laying *l = user;
	const size_t all = l->w->conversations;
	size_t b;
	while ((b = atomic_fetch_add(l->taken, 1)) << l->shift < all) {
		const size_t until = (b + 1) << l->shift;
		divide_bundle(l, b << l->shift, until < all ? until : all, l->bundle[b],
			      l->bundle[b + 1]);
	}
	return NULL;
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

/* As many stretches for each of the threads. */
static void share_stretches(struct laying *l, size_t threads, struct workload *w,
			    const struct written *how)
{
	for (size_t i = 0; i < threads; i++) {
		l[i] = (struct laying){ .w = w, .shift = bundle_shift(w->conversations) };
		l[i].walk = walk_all(w, how);
		l[i].walk.end = how->stretch + how->stretches * (i + 1) / threads;
		l[i].walk.next += how->stretches * i / threads;
	}
}

/* What all have counted: where each bundle begins, and where each thread begins to fill it. Whether
 * calls were written in the order of time. */
static bool add_counts(struct laying *l, size_t threads, uint32_t bundle[BUNDLES + 2])
{
	uint32_t at = 0;
	for (size_t b = 0; b < BUNDLES + 2; b++) {
		bundle[b] = at;
		for (size_t i = 0; i < threads; i++) {
			const uint32_t calls = l[i].at[b];
			l[i].at[b] = at;
			at += calls;
		}
	}
	bool in_time = true;
	size_t first = 0;
	int64_t last_us = INT64_MIN;
	for (size_t i = 0; i < threads; i++) {
		l[i].first = first;
		first += l[i].calls;
		if (!l[i].calls)
			continue;
		in_time &= l[i].in_time && last_us <= l[i].first_us;
		last_us = l[i].last_us;
	}
	CHECK(first == l->w->count && at == first);
	return in_time;
}

/* In as many threads as read the calls. */
void workload_group(struct workload *w, const struct written *how)
{
	const size_t all = w->conversations, threads = w->parts ? w->parts : 1;
	uint32_t bundle[BUNDLES + 2];
	struct stretch whole;
	const struct written stretches = stretches_of(w, how, &whole);
	struct laying *l = mem_alloc(threads * sizeof *l);
	share_stretches(l, threads, w, &stretches);
	in_threads(l, threads, count_calls);
	uint32_t *by_time = add_counts(l, threads, bundle) ? NULL : order_of_time(w, &stretches);
	uint32_t *order = mem_alloc((w->count + 1) * sizeof *order);
	uint32_t *next = mem_zalloc((all + 1) * sizeof *next);
	atomic_size_t taken = 0;
	w->first = mem_alloc((all + 2) * sizeof *w->first);
	w->first[all] = w->first[all + 1] = (uint32_t)w->count;
	w->packed = mem_pages_as_used((w->count + 1) * sizeof *w->packed);
	begin_to_place(w);
	for (size_t i = 0; i < threads; i++) {
		l[i].bundle = bundle;
		l[i].order = order;
		l[i].next = next;
		l[i].by_time = by_time;
		l[i].taken = &taken;
	}
	in_threads(l, threads, fill_bundles);
	workload_drop_parts(w);
	in_threads(l, threads, divide_bundles);
	if (w->metered)
		order_metered(w, by_time);
	free(by_time);
	free(order);
	free(next);
	free(l);
}
