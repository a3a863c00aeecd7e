#include "sim/hosting.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

int128 hosting_work_us(int64_t tokens, struct decimal rate)
{
	int128 per_rate = US_PER_SECOND;
	for (int i = 0; i < rate.scale; i++)
		per_rate *= 10;
	return rate.digits ? (2 * tokens * per_rate + rate.digits) / (2 * rate.digits) : 0;
}

static int by_time(const void *a, const void *b)
{
	const struct hosted_call *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return (x->work_us > y->work_us) - (x->work_us < y->work_us);
}

/* Places for calls: when each is free, as a heap whose first is free first. */
struct places {
	int64_t *free_us;
	size_t count, room;
};

static void need_room(struct places *p, size_t room)
{
	if (room <= p->room)
		return;
	p->room = room * 2;
	p->free_us = mem_grow(p->free_us, p->room * sizeof *p->free_us);
}

static void sink(struct places *p, size_t at)
{
	for (size_t next; (next = 2 * at + 1) < p->count; at = next) {
		if (next + 1 < p->count && p->free_us[next + 1] < p->free_us[next])
			next++;
		if (p->free_us[at] <= p->free_us[next])
			return;
		const int64_t swap = p->free_us[at];
		p->free_us[at] = p->free_us[next];
		p->free_us[next] = swap;
	}
}

struct rental {
	const struct hosting *h;
	const struct hosted_call *call;
	size_t calls;
	struct places places, trial; /* places: those at work when the hour begins */
	int64_t *wait_us;	     /* by call */
	int64_t far_us;		     /* later than may be */
};

/* The calls [from, to) on so many replicas from that hour on; false where one waits too long. */
static bool try_hour(struct rental *r, size_t from, size_t to, int64_t begin_us, int64_t replicas)
{
	struct places *p = &r->trial;
	if (from < to && replicas == 0)
		return false;
	const size_t count = (size_t)(replicas * r->h->slots);
	need_room(p, count + r->places.count);
	p->count = count > r->places.count ? count : r->places.count;
	for (size_t i = 0; i < p->count; i++)
		p->free_us[i] = i < r->places.count ? r->places.free_us[i] : begin_us;
	for (size_t i = p->count / 2; i-- > 0;)
		sink(p, i);
	for (size_t i = from; i < to; i++) {
		const struct hosted_call *c = &r->call[i];
		const int64_t start = p->free_us[0] > c->time_us ? p->free_us[0] : c->time_us;
		r->wait_us[i] = start - c->time_us;
		if (!r->h->replicas && r->wait_us[i] > r->h->wait_us)
			return false;
		const int64_t end = start + c->work_us * r->h->slots;
		p->free_us[0] = end < r->far_us ? end : r->far_us;
		sink(p, 0);
	}
	return true;
}

/* As few as it takes: doubled until they suffice, then halved between. -1: too many. */
static int64_t replicas_for(struct rental *r, size_t from, size_t to, int64_t begin_us,
			    int64_t least)
{
	int64_t high = least, low = least - 1;
	while (!try_hour(r, from, to, begin_us, high)) {
		low = high;
		high = high * 2 + (high == 0);
		if (high > HOSTING_REPLICAS_MOST)
			return -1;
	}
	while (high - low > 1) {
		const int64_t mid = low + (high - low) / 2;
		if (try_hour(r, from, to, begin_us, mid))
			high = mid;
		else
			low = mid;
	}
	try_hour(r, from, to, begin_us, high);
	return high;
}

/* What is still at work when the hour ends goes on into the next one. */
static void end_hour(struct rental *r, int64_t end_us)
{
	const struct places *from = &r->trial;
	need_room(&r->places, from->count + 1);
	r->places.count = 0;
	for (size_t i = 0; i < from->count; i++) {
		if (from->free_us[i] > end_us)
			r->places.free_us[r->places.count++] = from->free_us[i];
	}
}

static int rent_hours(struct rental *r, struct hosted *out, struct err *e)
{
	const struct hosting *h = r->h;
	size_t from = 0;
	int64_t begin_us = r->call[0].time_us;
	r->far_us = begin_us + (HOSTING_HOURS_MOST + INT64_C(2)) * US_PER_HOUR;
	for (; from < r->calls || r->places.count; begin_us += US_PER_HOUR) {
		size_t to = from;
		while (to < r->calls && r->call[to].time_us < begin_us + US_PER_HOUR)
			to++;
		int64_t least = ((int64_t)r->places.count + h->slots - 1) / h->slots;
		least = least > h->replicas_least ? least : h->replicas_least;
		const int64_t replicas =
			replicas_for(r, from, to, begin_us, h->replicas ? h->replicas : least);
		if (replicas < 0)
			return err_set(e, ERR_RANGE,
				       "the calls of an hour take more than %d replicas",
				       HOSTING_REPLICAS_MOST);
		out->replica_hours += replicas;
		out->replicas = replicas > out->replicas ? replicas : out->replicas;
		if (++out->hours > HOSTING_HOURS_MOST)
			return err_set(e, ERR_RANGE, "the machines work for more than %d hours",
				       HOSTING_HOURS_MOST);
		end_hour(r, begin_us + US_PER_HOUR);
		from = to;
	}
	return 0;
}

static int by_span(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static struct span_spread spread_of(int64_t *us, size_t n)
{
	int128 sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += us[i];
	qsort(us, n, sizeof *us, by_span);
	return (struct span_spread){ .mean = (int64_t)((sum + (int128)(n / 2)) / (int128)n),
				     .median = us[(n + 1) / 2 - 1],
				     .most_of_20 = us[(n * 19 + 19) / 20 - 1],
				     .longest = us[n - 1] };
}

int hosting_run(struct hosted *out, const struct hosting *h, struct hosted_call *call, size_t calls,
		struct err *e)
{
	*out = (struct hosted){ 0 };
	if (calls == 0)
		return 0;
	qsort(call, calls, sizeof *call, by_time);
	struct rental r = { .h = h, .call = call, .calls = calls };
	r.wait_us = mem_alloc(calls * sizeof *r.wait_us);
	for (size_t i = 0; i < calls; i++)
		out->busy_us += call[i].work_us;
	int rc = rent_hours(&r, out, e);
	if (rc == 0) {
		int64_t *answer = mem_alloc(calls * sizeof *answer);
		for (size_t i = 0; i < calls; i++)
			answer[i] = r.wait_us[i] + call[i].work_us * h->slots;
		out->wait = spread_of(r.wait_us, calls);
		out->answer = spread_of(answer, calls);
		free(answer);
	}
	free(r.wait_us);
	free(r.places.free_us);
	free(r.trial.free_us);
	return rc;
}
