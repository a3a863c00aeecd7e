#include "sim/whatif_run.h"

#include <stdlib.h>

struct work_subject whatif_target(const struct stage *st, uint32_t target)
{
	const struct route *route = &st->s->route;
	if (target >= route->targets)
		return st->o->workload->subject[target - route->targets];
	return (struct work_subject){ .provider = route->target[target].provider,
				      .model = route->target[target].model };
}

static bool retiers(const struct run *r, const struct work_call *c)
{
	return route_retiers(&r->s->route, r->o->workload, c);
}

/* The call on its target: another model keeps the call's service tier and region. */
static struct work_subject names_of(const struct run *r, uint32_t target, const struct work_call *c)
{
	const struct work_subject *was = &r->o->workload->subject[c->subject];
	struct work_subject names = whatif_target(r->stage, target);
	names.service_tier = retiers(r, c) ? r->s->route.service_tier : was->service_tier;
	names.region = was->region;
	return names;
}

void whatif_ask_first(struct run *r, struct asked *a, uint32_t target, const struct work_call *c)
{
	const struct work_subject n = names_of(r, target, c);
	a->subject = tariffs_subject(r->tariffs, n.provider, n.model, n.service_tier, n.region);
}

/* --- waiting for a cheaper hour --- */

/* What an hour costs for a model: memory of one answer, and of when it gets cheaper. */
struct hour {
	const struct subject *of;
	int64_t from_us, until_us;
	int64_t cheaper_us; /* INT64_MAX: not within reach */
};

enum { HOURS = 1 << 13 };
#define HOUR_KEPT_US (900 * US_PER_SECOND)

static int128 price_level(const struct price_match *m)
{
	return (int128)m->tariff->rates.per_million[BUCKET_INPUT].pico +
	       m->tariff->rates.per_million[BUCKET_OUTPUT].pico;
}

static void look_ahead(const struct run *r, const struct subject *s, int64_t us, struct hour *h)
{
	struct price_query q = { s->provider, s->model,	      s->service_tier,
				 s->region,   r->o->currency, { us } };
	struct price_match now, then;
	*h = (struct hour){ s, us, us + 1, INT64_MAX };
	if (book_find(r->o->book, &q, &now, NULL) != 0)
		return;
	h->until_us = now.until.us;
	for (q.at = now.until; q.at.us - h->until_us <= r->s->route.delay_us; q.at = then.until) {
		if (book_find(r->o->book, &q, &then, NULL) != 0)
			return;
		if (price_level(&then) < price_level(&now)) {
			h->cheaper_us = q.at.us;
			return;
		}
	}
}

/* Conversations come one after the other, so that many hours are asked for again. */
static const struct hour *hour_of(struct run *r, const struct subject *s, int64_t us)
{
	if (!r->hour)
		r->hour = mem_zalloc(HOURS * sizeof *r->hour);
	const uint64_t key[2] = { (uint64_t)floor_div(us, HOUR_KEPT_US), (uint64_t)(uintptr_t)s },
		       mixed = (key[0] ^ key[1] >> 4) * 0x9E3779B97F4A7C15u;
	struct hour *h = &r->hour[mixed >> 51];
	if (h->of != s || us < h->from_us || us >= h->until_us)
		look_ahead(r, s, us, h);
	return h;
}

static void wait_for_cheaper(struct run *r, struct play *p)
{
	const int64_t most_us = r->s->route.delay_us;
	const struct hour *hour = hour_of(r, p->asked->subject, p->time_us);
	if (hour->cheaper_us == INT64_MAX || hour->cheaper_us - p->time_us > most_us)
		return;
	int64_t waits_us = hour->cheaper_us - p->time_us;
	p->time_us = hour->cheaper_us;
	r->out->moved++;
	r->out->waited_us += waits_us;
	if (waits_us > r->out->longest_us)
		r->out->longest_us = waits_us;
}

/* --- the plays --- */

static int by_time(const void *a, const void *b)
{
	const struct play *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	if (x->again != y->again)
		return x->again ? 1 : -1;
	return y->failed - x->failed;
}

/* A play that fails comes twice; which do is the same in every scenario of a seed. */
static void add_retry(struct run *r, struct play *p)
{
	const uint64_t seeds[2] = { r->o->seed, 0x7265747279 };
	const uint64_t key = (uint64_t)call_of(r, p)->order << 1 | p->again;
	if (is_recorded(r, p->target))
		return;
	const struct retry *t = &r->s->retry[p->target];
	if (!t->all && hash_bytes(&key, sizeof key, seeds) >= t->share)
		return;
	r->out->retried++;
	if (t->bill == RETRY_BILLS_NOTHING) /* it was turned away: nothing was read or kept */
		return;
	r->play[r->plays++] = *p;
	p->failed = true;
}

/* What is tried on one model and run on another as well. */
static void add_second_passes(struct run *r)
{
	const struct route *route = &r->s->route;
	const size_t first = r->plays;
	for (size_t i = 0; i < first; i++) {
		const struct play *p = &r->play[i];
		if (p->failed ||
		    !route_escalates(route, r->o->workload, call_of(r, p), p->target, r->o->seed))
			continue;
		struct play *second = &r->play[r->plays++];
		*second = (struct play){ .call = p->call,
					 .target = route->escalate_to,
					 .time_us = p->time_us,
					 .asked = whatif_ask(r, route->escalate_to, call_of(r, p)),
					 .again = true };
		second->answer = tariffs_ask(r->tariffs, second->asked->subject, second->time_us);
		if (r->s->has_retries)
			add_retry(r, second);
		r->out->escalated++;
	}
}

static void make_room(struct run *r)
{
	struct desk *d = r->desk;
	if (r->calls * 4 > d->play_room || !d->play) {
		free(d->play);
		free(d->bounds);
		d->play_room = r->calls * 4;
		d->play = mem_alloc((d->play_room + 1) * sizeof *d->play);
		d->bounds = mem_alloc((d->play_room + 1) * sizeof *d->bounds);
	}
	r->play = d->play;
}

void whatif_choose(struct run *r)
{
	const struct workload *w = r->o->workload;
	const struct route *route = &r->s->route;
	const struct sample *sample = r->o->sample;
	const int64_t were_moved = r->out->moved, were_escalated = r->out->escalated;
	const bool waits = r->stage->waits && route->kind == ROUTE_OFFPEAK;
	make_room(r);
	const bool by_call = route_is_by_call(route);
	uint32_t chosen = ROUTE_AS_RECORDED;
	r->plays = 0;
	for (size_t i = 0; i < r->calls; i++) {
		const struct work_call *c = &r->call[i];
		if (sample && !sample->in[c->conversation])
			continue;
		if (by_call || !i || c->conversation != c[-1].conversation)
			chosen = route_target(route, w, c, r->o->seed, r->out->decides);
		struct play *p = &r->play[r->plays++];
		const uint32_t target =
			chosen == ROUTE_AS_RECORDED ? route->targets + c->subject : chosen;
		*p = (struct play){ .call = (uint32_t)i,
				    .target = target,
				    .time_us = c->time_us,
				    .asked = whatif_ask(r, target, c) };
		if (waits && route_may_wait(route, w, c))
			wait_for_cheaper(r, p);
		p->answer = r->like->answered && whatif_as_recorded(r, p)
				    ? r->like->answered[i]
				    : tariffs_ask(r->tariffs, p->asked->subject, p->time_us);
		if (r->s->has_retries)
			add_retry(r, p);
	}
	if (route->escalates)
		add_second_passes(r);
	/* a cache sees what happens in the order of time, second passes too */
	if (r->out->moved != were_moved || r->out->escalated != were_escalated)
		qsort(r->play, r->plays, sizeof *r->play, by_time);
}
