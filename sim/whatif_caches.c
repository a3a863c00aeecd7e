#include "sim/whatif_run.h"

#include <stdlib.h>

#include "sim/count_cache.h"

struct cache_rules whatif_asked_rules(const struct whatif_options *o, const struct scenario *s)
{
	struct cache_rules rules = o->rules;
	cache_rules_over(&rules, &s->cache);
	return rules;
}

static bool is_hosted(const struct run *r, uint32_t target)
{
	return !is_recorded(r, target) && r->s->hosting[target].gpu_hour.pico != 0;
}

/* --- prompts block by block --- */

static uint32_t block_cache(struct run *r, const struct play *p)
{
	const struct work_call *c = call_of(r, p);
	struct numbered *memo = &r->numbered[whatif_subject_place(r, p->target, c)];
	struct subject *s = whatif_subject(r, p->target, c);
	const struct tariff_answer *a = tariffs_ask(r->tariffs, s, p->time_us);
	if (memo->answer != a)
		*memo = (struct numbered){ a, model_caches_number(&r->caches, s, a,
								  is_hosted(r, p->target)) };
	return memo->number;
}

int whatif_hit_blocks(struct run *r, struct err *e)
{
	const struct workload *w = r->o->workload;
	struct block_trace view = *w->blocks;
	struct cache_rules rules = r->stage->asked;
	struct cache_result sums;
	uint32_t *model = mem_alloc((r->plays + 1) * sizeof *model);
	const struct cache_rules **each = mem_alloc((r->plays + 1) * sizeof *each);
	int64_t *hits = mem_alloc((r->plays + 1) * sizeof *hits),
		*hours = mem_alloc((r->plays + 1) * sizeof *hours);
	rules.scope = cache_scope_by_model(rules.scope);
	bool same = r->plays == w->count && !r->out->moved;
	if (!same) {
		view.request = mem_alloc((r->plays + 1) * sizeof *view.request);
		view.count = r->plays;
	}
	r->caches = (struct model_caches){ .book = r->o->book, .asked = r->stage->asked };
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		model[i] = p->cache = block_cache(r, p);
		if (!same) {
			view.request[i] = w->blocks->request[p->call];
			view.request[i].time_us += p->time_us - call_of(r, p)->time_us;
		}
	}
	for (size_t i = 0; i < r->plays; i++)
		each[i] = &model_cache_at(&r->caches.cache[model[i]], r->play[i].time_us)->rules;
	const struct each_request per = { each, model, hits, hours };
	int rc = prefix_cache_run_each(&view, &rules, &per, &sums, e);
	for (size_t i = 0; rc == 0 && i < r->plays; i++) {
		r->play[i].hit = r->caches.cache[model[i]].finds_nothing ? 0 : hits[i];
		r->play[i].token_hours = hours[i];
	}
	r->stage->cache = r->caches.cache;
	if (!same)
		free(view.request);
	free(each);
	free(model);
	free(hits);
	free(hours);
	return rc;
}

/* --- which caches there are, and when they are in use --- */

/* Numbers are the scenario's; which thread gives them does not matter. */
static uint32_t register_cache(struct run *r, uint32_t target, const struct subject *s,
			       const struct tariff_answer *a)
{
	struct stage *st = r->stage;
	struct buf key = { 0 };
	model_cache_key(&key, s, a, is_hosted(r, target));
	pthread_mutex_lock(&st->lock);
	uint64_t *n = dict_need(&st->numbers, (struct text){ key.p, key.n }, NULL);
	if (!*n)
		*n = st->numbers.count;
	const uint32_t number = (uint32_t)(*n < NO_CACHE ? *n - 1 : NO_CACHE - 1);
	pthread_mutex_unlock(&st->lock);
	buf_release(&key);
	if (number >= r->seens) {
		const size_t room = (number + (size_t)1) * 2;
		r->seen = mem_grow(r->seen, room * sizeof *r->seen);
		for (size_t k = r->seens; k < room; k++)
			r->seen[k].key = ~(uint128)0;
		r->seens = room;
	}
	return number;
}

/* Windows of one price have one cache. */
static bool same_cache(const struct tariff_answer *a, const struct tariff_answer *b)
{
	return a == b || (a && b && a->price && a->price == b->price);
}

static uint32_t cache_of(struct run *r, uint32_t target, const struct work_call *c,
			 const struct subject *s, const struct tariff_answer *a)
{
	struct numbered *memo = &r->numbered[whatif_subject_place(r, target, c)];
	if (!same_cache(memo->answer, a))
		*memo = (struct numbered){ a, register_cache(r, target, s, a) };
	return memo->number;
}

uint32_t whatif_note_cache(struct run *r, uint32_t target, const struct work_call *c,
			   int64_t time_us, uint128 key)
{
	struct subject *s = whatif_subject(r, target, c);
	const struct tariff_answer *a = tariffs_ask(r->tariffs, s, time_us);
	const uint32_t number = cache_of(r, target, c, s, a);
	struct seen_cache *seen = &r->seen[number];
	if (key < seen->key)
		*seen = (struct seen_cache){ key, a, is_hosted(r, target) };
	return number;
}

static void take_caches(struct stage *st, const struct run *run, int runs)
{
	st->caches = (uint32_t)st->numbers.count;
	st->cache = mem_zalloc((st->caches + (size_t)1) * sizeof *st->cache);
	for (uint32_t k = 0; k < st->caches; k++) {
		struct seen_cache first = { .key = ~(uint128)0 };
		for (int i = 0; i < runs; i++)
			if (k < run[i].seens && run[i].seen[k].key < first.key)
				first = run[i].seen[k];
		if (first.answer)
			st->cache[k] =
				model_cache_of(st->o->book, &st->asked, first.answer, first.hosted);
	}
}

static int by_wait(const void *a, const void *b)
{
	const struct waited *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static size_t gather_waited(struct waited **out, const struct run *run, int runs)
{
	size_t n = 0, count = 0;
	for (int i = 0; i < runs; i++)
		count += run[i].waits;
	*out = mem_alloc((count + 1) * sizeof **out);
	for (int i = 0; i < runs; i++) {
		if (run[i].waits)
			memcpy(*out + n, run[i].waited, run[i].waits * sizeof **out);
		n += run[i].waits;
	}
	if (n)
		qsort(*out, n, sizeof **out, by_wait);
	return n;
}

/* When each cache was last used; where it ends at the customer, by each of them. */
struct last_uses {
	const struct stage *st;
	int64_t *us;
	bool *any;
	uint32_t *customer; /* by order */
	struct dict of_customers;
};

static bool was_warm(struct last_uses *l, uint32_t cache, size_t order, int64_t now_us)
{
	const struct model_cache *of = &l->st->cache[cache];
	int64_t *us = &l->us[cache];
	bool any = l->any[cache];
	if (model_cache_at(of, now_us)->rules.scope & CACHE_CUSTOMER) {
		const uint32_t key[2] = { cache, l->customer[order] };
		uint64_t *last = dict_need(&l->of_customers,
					   (struct text){ (const char *)key, sizeof key }, NULL);
		any = *last != 0; /* 1 + the time */
		const int64_t then_us = (int64_t)(*last - 1);
		*last = (uint64_t)now_us + 1;
		return any && count_cache_warm(of, then_us, now_us);
	}
	const bool warm = any && count_cache_warm(of, *us, now_us);
	*us = now_us;
	l->any[cache] = true;
	return warm;
}

/* NULL where no cache ends at the customer. */
static uint32_t *customers_in_order(const struct stage *st)
{
	const struct workload *w = st->o->workload;
	bool apart = false;
	for (uint32_t k = 0; k < st->caches; k++)
		for (const struct model_cache *c = &st->cache[k]; c; c = c->later)
			apart |= (c->rules.scope & CACHE_CUSTOMER) != 0;
	if (!apart)
		return NULL;
	uint32_t *customer = mem_alloc((w->count + 1) * sizeof *customer);
	for (size_t i = 0; i < w->count; i++) {
		struct work_call room;
		const struct work_call *c = workload_calls(w, i, 1, &room);
		customer[c->order] = c->customer;
	}
	return customer;
}

int whatif_find_warm(struct stage *st, const struct run *run, int runs, struct err *e)
{
	struct waited *waited;
	const size_t count = st->o->workload->count;
	if (st->numbers.count >= NO_CACHE)
		return err_set(e, ERR_RANGE,
			       "%zu models with caches of their own are too many for one what-if; "
			       "choose a shorter period",
			       st->numbers.count);
	take_caches(st, run, runs);
	const size_t waits = gather_waited(&waited, run, runs);
	struct last_uses last = { st,
				  mem_zalloc((st->caches + (size_t)1) * sizeof *last.us),
				  mem_zalloc((st->caches + (size_t)1) * sizeof *last.any),
				  customers_in_order(st),
				  { 0 } };
	size_t at = 0;
	for (size_t i = 0; i <= count; i++) {
		for (; at < waits && (i == count || waited[at].time_us < st->when[i] ||
				      (waited[at].time_us == st->when[i] && waited[at].order < i));
		     at++)
			st->warm[waited[at].order] = was_warm(&last, waited[at].cache,
							      waited[at].order, waited[at].time_us);
		if (i == count)
			break;
		if (st->used[0][i] != NO_CACHE)
			st->warm[i] = was_warm(&last, st->used[0][i], i, st->when[i]);
		if (st->used[1] && st->used[1][i] != NO_CACHE)
			st->warm[i] |=
				(uint8_t)(was_warm(&last, st->used[1][i], i, st->when[i]) << 1);
	}
	free(last.us);
	free(last.any);
	free(last.customer);
	dict_release(&last.of_customers);
	free(waited);
	return 0;
}

/* --- what is found of a conversation --- */

static void make_room(struct run *r)
{
	if (r->calls <= r->recorded_room && r->recorded)
		return;
	free(r->recorded);
	r->recorded_room = r->calls * 2;
	r->recorded = mem_alloc((r->recorded_room + 1) * sizeof *r->recorded);
}

static void hit_rebuilt(struct run *r)
{
	struct stage *st = r->stage;
	make_room(r);
	for (size_t i = 0; i < r->calls; i++) {
		const struct work_call *c = &r->call[i];
		const uint32_t target = r->s->route.targets + c->subject;
		struct subject *s = whatif_subject(r, target, c);
		r->recorded[i] = cache_of(r, target, c, s, tariffs_ask(r->tariffs, s, c->time_us));
	}
	count_cache_begin(r->counts, r->call, r->calls, r->recorded);
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		const struct work_call *c = call_of(r, p);
		struct subject *s = whatif_subject(r, p->target, c);
		p->cache = cache_of(r, p->target, c, s, tariffs_ask(r->tariffs, s, p->time_us));
		const struct count_found f = count_cache_find(
			r->counts, &(struct count_call){ p->call, p->cache, p->time_us,
							 p->time_us != c->time_us,
							 st->warm[c->order] >> p->again & 1 });
		p->low = f.least;
		p->hit = f.hit;
		p->high = f.most;
		p->as_recorded = f.recorded;
		p->token_hours = f.token_hours;
		p->records_writes = st->cache[r->recorded[p->call]].bills_writes;
		r->out->calls_recorded += f.recorded;
		r->out->missed_calls[f.miss] += f.missed > 0;
		r->out->missed_tokens[f.miss] += f.missed;
		r->out->calls_unproven += f.unproven && f.low == f.hit && f.high == f.hit;
		r->out->calls_uncertain += f.low != f.hit || f.high != f.hit;
	}
}

/* Set beside the prompt of a model's last call while it lacks nothing that came after. */
static const int64_t up_to_date = INT64_C(1) << 62;

/*
 * What a model can still find of a conversation, after a call that found `read`. Before its own
 * first call that is what every call so far had found. keeps: the call takes nothing from it.
 */
static int64_t after_call(int64_t seen, int64_t read, bool keeps)
{
	if (seen < 0)
		return read;
	if (seen & up_to_date)
		return keeps ? seen : least(seen - up_to_date, read);
	return least(seen, read);
}

static void hit_recorded(struct run *r)
{
	int64_t *of = r->found;
	/* recorded models lack nothing until a call of theirs goes to another one */
	for (uint32_t t = 0; t < r->targets; t++)
		of[t] = is_recorded(r, t) ? INT64_MAX : -1;
	for (size_t i = 0; i < r->plays; i++) {
		const struct work_call *c = call_of(r, &r->play[i]);
		const int64_t read = c->tokens[BUCKET_CACHE_READ];
		/* a second pass of a cascade over a conversation begins afresh, on its own model */
		const bool again = r->play[i].again;
		const uint32_t target = r->play[i].target;
		for (uint32_t t = 0; t < r->targets && !again; t++)
			of[t] = after_call(of[t], read,
					   t == target ||
						   (is_recorded(r, t) && is_recorded(r, target)));
		if (again && of[target] < 0)
			of[target] = read;
		r->play[i].hit = of[target] & up_to_date ? read : least(of[target], read);
		of[target] = work_prompt(c) | up_to_date;
	}
}

void whatif_hits(struct run *r)
{
	if (r->o->cache == WHATIF_CACHE_RECORDED)
		hit_recorded(r);
	else if (r->o->cache == WHATIF_CACHE_REBUILT)
		hit_rebuilt(r);
}
