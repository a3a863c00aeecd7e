#include "sim/whatif_run.h"

#include <stdlib.h>
#include <string.h>

#include "sim/block_misses.h"
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
	struct asked *of = p->asked;
	if (of->cached != p->answer) {
		of->cached = p->answer;
		of->cache = model_caches_number(&r->caches, of->subject, p->answer,
						is_hosted(r, p->target));
	}
	return of->cache;
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
	uint32_t *shared = mem_alloc((r->plays + 1) * sizeof *shared);
	uint8_t *why = mem_alloc(r->plays + 1);
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
	const struct each_request per = { each, model, hits, hours, shared, why };
	int rc = prefix_cache_run_each(&view, &rules, &per, &sums, e);
	for (size_t i = 0; rc == 0 && i < r->plays; i++) {
		r->play[i].hit = hits[i];
		r->play[i].token_hours = hours[i];
	}
	if (rc == 0)
		block_misses_add(&r->out->missed, &view, &rules, &per);
	r->stage->cache = r->caches.cache;
	if (!same)
		free(view.request);
	free(each);
	free(model);
	free(hits);
	free(hours);
	free(why);
	free(shared);
	return rc;
}

/* --- which caches there are, and when they are in use --- */

static void see(struct seen_caches *l, uint32_t number, const struct seen_cache *now)
{
	if (number >= l->count) {
		const size_t room = (number + (size_t)1) * 2;
		l->of = mem_grow(l->of, room * sizeof *l->of);
		for (size_t k = l->count; k < room; k++)
			l->of[k].key = ~(uint128)0;
		l->count = room;
	}
	if (now->key < l->of[number].key)
		l->of[number] = *now;
}

/* Numbers are those of all scenarios; which thread gives them does not matter. */
static uint32_t register_cache(struct run *r, uint32_t target, const struct subject *s,
			       const struct tariff_answer *a)
{
	struct cache_numbers *numbers = r->stage->numbers;
	struct buf key = { 0 };
	const bool hosted = is_hosted(r, target);
	model_cache_key(&key, s, a, hosted);
	pthread_mutex_lock(&numbers->lock);
	uint64_t *n = dict_need(&numbers->dict, (struct text){ key.p, key.n }, NULL);
	if (!*n)
		*n = numbers->dict.count;
	const uint32_t number = (uint32_t)(*n - 1);
	pthread_mutex_unlock(&numbers->lock);
	if (!cache_uses_knows(&r->uses, number)) {
		bool apart;
		const int64_t shortest_us =
			model_cache_shortest(r->o->book, &r->stage->asked, &key, hosted, &apart);
		cache_uses_learn(&r->uses, number, shortest_us, apart);
	}
	buf_release(&key);
	return number;
}

/* Windows of one price have one cache. */
static bool same_cache(const struct tariff_answer *a, const struct tariff_answer *b)
{
	return a == b || (a && b && a->price && a->price == b->price);
}

static uint32_t cache_of(struct run *r, uint32_t target, struct asked *of, struct tariff_answer *a)
{
	if (same_cache(of->cached, a))
		return of->cache;
	if (!a->group)
		a->group = arena_alloc(&r->desk->arena, sizeof(struct answer_caches));
	uint32_t *number = &((struct answer_caches *)a->group)->number[is_hosted(r, target)];
	if (!*number || !cache_uses_knows(&r->uses, *number - 1))
		*number = register_cache(r, target, of->subject, a) + 1;
	of->cache = *number - 1;
	of->cached = a;
	return of->cache;
}

static void make_room(struct run *r)
{
	if (r->calls <= r->recorded_room && r->recorded)
		return;
	free(r->recorded);
	free(r->answered);
	r->recorded_room = r->calls * 2;
	r->recorded = mem_alloc((r->recorded_room + 1) * sizeof *r->recorded);
	r->answered = mem_alloc((r->recorded_room + 1) * sizeof *r->answered);
}

void whatif_recorded(struct run *r)
{
	if (r->like != r)
		return;
	make_room(r);
	for (size_t i = 0; i < r->calls; i++) {
		const struct work_call *c = &r->call[i];
		const uint32_t target = r->s->route.targets + c->subject;
		struct asked *of = whatif_ask(r, target, c);
		r->answered[i] = tariffs_ask(r->tariffs, of->subject, c->time_us);
		r->recorded[i] = cache_of(r, target, of, r->answered[i]);
	}
}

void whatif_survey_recorded(struct run *r)
{
	if (r->like != r)
		return;
	whatif_recorded(r);
	for (size_t i = 0; i < r->calls; i++)
		see(&r->seen_recorded, r->recorded[i],
		    &(struct seen_cache){ r->call[i].order, r->answered[i], false });
}

/* The cache that a play uses; its uses can be noted then. */
static uint32_t cache_of_play(struct run *r, const struct play *p)
{
	if (!whatif_as_recorded(r, p))
		return cache_of(r, p->target, p->asked, p->answer);
	const uint32_t cache = r->like->recorded[p->call];
	if (!cache_uses_knows(&r->uses, cache))
		register_cache(r, p->target, p->asked->subject, p->answer);
	return cache;
}

void whatif_survey_caches(struct run *r)
{
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		const uint32_t cache = p->cache = cache_of_play(r, p);
		if (cache >= r->seen.count || !play_is_after(r->seen.of[cache].key, p->time_us))
			see(&r->seen, cache,
			    &(struct seen_cache){ play_key(r, p), p->answer,
						  is_hosted(r, p->target) });
		if (!cache_uses_tell(&r->uses, cache, p->time_us))
			cache_uses_note(&r->uses,
					&(struct cache_use){ cache, call_of(r, p)->customer,
							     p->time_us, play_number(r, p) });
	}
}

static void first_seen(struct seen_cache *first, const struct seen_caches *l, uint32_t number)
{
	if (number < l->count && l->of[number].key < first->key)
		*first = l->of[number];
}

static void take_caches(struct stage *st, const struct run *run, const struct run *like, int runs)
{
	st->caches = (uint32_t)st->numbers->dict.count;
	st->cache = mem_zalloc((st->caches + (size_t)1) * sizeof *st->cache);
	for (uint32_t k = 0; k < st->caches; k++) {
		struct seen_cache first = { .key = ~(uint128)0 };
		for (int i = 0; i < runs; i++) {
			first_seen(&first, &like[i].seen_recorded, k);
			first_seen(&first, &run[i].seen, k);
		}
		if (first.answer)
			st->cache[k] =
				model_cache_of(st->o->book, &st->asked, first.answer, first.hosted);
	}
}

void whatif_find_cold(struct stage *st, const struct run *run, const struct run *like, int runs)
{
	const struct cache_uses **each = mem_alloc(((size_t)runs + 1) * sizeof *each);
	for (int i = 0; i < runs; i++)
		each[i] = &run[i].uses;
	take_caches(st, run, like, runs);
	cold_uses_find(&st->cold, each, (size_t)runs, st->cache);
	free(each);
}

void whatif_tell_kinds(struct stage *st, size_t stages)
{
	st->kind = mem_alloc((st->caches + (size_t)1) * sizeof *st->kind);
	for (uint32_t k = 0; k < st->caches; k++) {
		size_t i = 0;
		while (i < stages &&
		       ((st - stages + i)->like != st->like ||
			!model_cache_same(&(st - stages + i)->cache[k], &st->cache[k])))
			i++;
		st->kind[k] = (uint32_t)i;
	}
}

/* --- what is found of a conversation --- */

static void hit_rebuilt(struct run *r)
{
	struct stage *st = r->stage;
	const uint32_t *recorded = r->like->recorded;
	count_cache_begin(r->counts, r->call, r->calls, recorded,
			  r->like != r ? r->like->counts : NULL);
	for (size_t i = 0; i < r->plays; i++) {
		struct play *p = &r->play[i];
		const struct work_call *c = call_of(r, p);
		p->cache = cache_of_play(r, p);
		const struct count_found *f = count_cache_find(
			r->counts, &(struct count_call){
					   p->call, p->cache, p->time_us, p->time_us != c->time_us,
					   !cold_uses_has(&st->cold, play_number(r, p)) });
		p->hit = f->hit;
		p->as_recorded = f->recorded;
		p->token_hours = f->token_hours;
		p->bounded = count_has_bounds(f);
		if (p->bounded)
			r->desk->bounds[i] =
				(struct play_bounds){ f->floor,	   f->least,	   f->most,
						      f->expected, f->hours_least, f->hours_most };
		p->unmarked = f->unmarked;
		r->out->calls_recorded += f->recorded;
		r->out->missed.calls[f->miss] += f->missed > 0;
		r->out->missed.tokens[f->miss] += f->missed;
		r->out->calls_unproven += count_is_unproven(f);
		r->out->calls_uncertain += count_is_uncertain(f);
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
