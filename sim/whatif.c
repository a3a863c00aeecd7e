#include "sim/whatif.h"

#include <stdlib.h>

#include "base/processor.h"
#include "sim/count_cache.h"
#include "sim/whatif_run.h"

enum {
	THREADS_MAX = 64,
	PART_CALLS = 2048 /* about what a thread takes at a time */
};

static int side_of(struct money_total a, struct money_total b)
{
	return a.atto < b.atto ? -1 : a.atto > b.atto;
}

enum whatif_verdict whatif_verdict(const struct whatif_result *w, const struct whatif_result *base)
{
	const int expected = side_of(whatif_headline(w), whatif_headline(base));
	if (whatif_at_least(w) || whatif_at_least(base))
		return WHATIF_NOT_CERTAIN;
	const bool here = whatif_has_bounds(w), there = whatif_has_bounds(base);
	const int low = side_of(here ? w->cost_low : w->cost, there ? base->cost_low : base->cost),
		  high = side_of(here ? w->cost_high : w->cost,
				 there ? base->cost_high : base->cost);
	return low == expected && high == expected ? (enum whatif_verdict)expected
						   : WHATIF_NOT_CERTAIN;
}

int64_t whatif_busy_ms(const struct whatif_model *m)
{
	const struct decimal first = m->first_token_seconds, rate = m->tokens_per_second;
	int128 ten = 1, per_rate = 1000;
	if (rate.digits <= 0 || rate.scale > 9 || first.scale > 9)
		return -1;
	for (int i = 0; i < first.scale; i++)
		ten *= 10;
	for (int i = 0; i < rate.scale; i++)
		per_rate *= 10;
	int128 waiting = (2 * (int128)m->records * first.digits * 1000 + ten) / (2 * ten);
	int128 speaking =
		(2 * (int128)m->tokens[BUCKET_OUTPUT] * per_rate + rate.digits) / (2 * rate.digits);
	return (int64_t)(waiting + speaking);
}

/* --- a thread's part --- */

static void run_begin(struct run *r, struct stage *st, struct desk *d)
{
	const struct workload *w = st->o->workload;
	const size_t places = (st->s->route.targets + (size_t)1) * w->subjects * 2 + 1;
	if (!d->tariffs)
		d->tariffs = tariffs_open(st->o->book, st->o->plan, st->o->currency);
	*r = (struct run){ .desk = d,
			   .like = r,
			   .stage = st,
			   .o = st->o,
			   .s = st->s,
			   .targets = st->targets,
			   .tariffs = d->tariffs };
	r->out = &r->part;
	r->asked = mem_zalloc(places * sizeof *r->asked);
	r->first = mem_alloc((st->targets + (size_t)1) * sizeof *r->first);
	r->found = mem_alloc((st->targets + (size_t)1) * sizeof *r->found);
	for (uint32_t t = 0; t < st->targets; t++)
		r->first[t] = (struct first_use){ ~(uint128)0, NULL };
}

static void result_release(struct whatif_result *r)
{
	free(r->model);
	free(r->reason);
	free(r->by_day);
	free(r->by_window);
	free(r->by_conversation);
	arena_release(&r->arena);
}

/* The part's sums too, unless they are the result. */
static void run_end(struct run *r)
{
	if (r->out == &r->part)
		result_release(&r->part);
	model_caches_release(&r->caches);
	count_cache_close(r->counts);
	free(r->asked);
	free(r->first);
	free(r->found);
	free(r->seen.of);
	free(r->seen_recorded.of);
	cache_uses_release(&r->uses);
	free(r->reason_key);
	free(r->window_key);
	free(r->window_at);
	free(r->recorded);
	free(r->answered);
	free(r->hosted);
	free(r->hour);
}

static void desk_close(struct desk *d)
{
	/* the names of models are the workload's or the route's, the tariffs' are not needed */
	tariffs_close(d->tariffs);
	arena_release(&d->arena);
	free(d->window);
	free(d->play);
	free(d->bounds);
	count_memo_close(d->memo);
	free(d->work);
}

/* --- scenarios, conversation by conversation --- */

static void survey(struct run *r)
{
	const bool rebuilt = r->o->cache == WHATIF_CACHE_REBUILT;
	if (rebuilt)
		whatif_survey_recorded(r);
	whatif_choose(r);
	for (size_t i = 0; i < r->plays; i++) {
		const struct play *p = &r->play[i];
		struct first_use *first = &r->first[p->target];
		if (play_is_after(first->key, p->time_us))
			continue;
		const uint128 key = play_key(r, p);
		if (key < first->key)
			*first = (struct first_use){ key, p->answer->resolved };
	}
	if (rebuilt)
		whatif_survey_caches(r);
}

static void replay(struct run *r)
{
	if (r->o->cache == WHATIF_CACHE_REBUILT)
		whatif_recorded(r);
	whatif_choose(r);
	whatif_hits(r);
	whatif_add_plays(r, &r->failure);
}

enum { STAGES_AT_ONCE = 16 };

/* The threads of all scenarios, of which some are replayed at a time: each conversation is taken
 * out once for all of them. */
struct crew {
	const struct whatif_options *o;
	struct desk *desk; /* a thread's each */
	int threads;
	struct stage stage[STAGES_AT_ONCE];
	struct run *run; /* threads of the first stage, of the second... */
	size_t stages;
	struct cache_numbers numbers;
	void (*take)(struct run *r);
	atomic_size_t next; /* part of the work */
	atomic_bool failed;
	_Atomic int64_t done; /* calls, of both passes of every scenario */
	int64_t of;
};

static struct run *run_of(const struct crew *crew, size_t stage, int thread)
{
	return &crew->run[stage * (size_t)crew->threads + (size_t)thread];
}

static void stop_if_asked(struct crew *crew, struct run *r)
{
	const struct whatif_options *o = crew->o;
	if (atomic_load(&crew->failed) || !o->stops || !o->stops(o->stops_user))
		return;
	err_set(&r->failure, ERR_BUSY,
		"it took longer than it may here; use the command line for it");
	atomic_store(&crew->failed, true);
}

static const struct work_call *take_out(struct desk *d, const struct workload *w, size_t k,
					size_t calls)
{
	if (calls > d->work_room) {
		free(d->work);
		d->work_room = calls * 2;
		d->work = mem_alloc(d->work_room * sizeof *d->work);
	}
	return workload_calls(w, k, d->work);
}

static void take_conversation(struct desk *d, const struct workload *w, size_t k)
{
	struct crew *crew = d->crew;
	const size_t from = workload_first_call(w, k), calls = workload_first_call(w, k + 1) - from;
	const struct work_call *call = take_out(d, w, k, calls);
	if (d->memo)
		count_memo_begin(d->memo, calls);
	for (size_t i = 0; i < crew->stages; i++) {
		struct run *r = run_of(crew, i, d->index);
		r->from = from;
		r->calls = calls;
		r->call = call;
		if (r->failure.code == ERR_NONE)
			crew->take(r);
		if (r->failure.code != ERR_NONE)
			atomic_store(&crew->failed, true);
	}
}

static void *take_parts(void *user)
{
	struct desk *d = user;
	struct crew *crew = d->crew;
	const struct workload *w = crew->o->workload;
	size_t part;
	if (crew->threads > 1)
		processor_pin(d->index);
	while ((part = atomic_fetch_add(&crew->next, 1)) * PART_CALLS < w->count) {
		const size_t to = (part + 1) * PART_CALLS;
		size_t k = workload_conversation_from(w, part * PART_CALLS);
		stop_if_asked(crew, run_of(crew, 0, d->index));
		for (; k < w->conversations && workload_first_call(w, k) < to; k++)
			if (!atomic_load(&crew->failed))
				take_conversation(d, w, k);
		atomic_fetch_add(&crew->done, PART_CALLS * (int64_t)crew->stages);
	}
	return NULL;
}

static void tell_progress(void *user)
{
	const struct crew *crew = user;
	const struct whatif_options *o = crew->o;
	if (o->progress)
		o->progress(o->progress_user, atomic_load(&crew->done), crew->of);
}

static void each_conversation(struct crew *crew, void (*take)(struct run *r))
{
	pthread_t thread[THREADS_MAX];
	crew->take = take;
	atomic_store(&crew->next, 0);
	if (crew->threads == 1 && !crew->o->progress) {
		take_parts(&crew->desk[0]);
		return;
	}
	for (int i = 0; i < crew->threads; i++)
		CHECK(pthread_create(&thread[i], NULL, take_parts, &crew->desk[i]) == 0);
	for (int i = 0; i < crew->threads; i++)
		processor_wait(thread[i], tell_progress, crew);
}

/* The first failure of the first scenario that has one. */
static int crew_failure(const struct crew *crew, struct err *e)
{
	for (size_t i = 0; i < crew->stages * (size_t)crew->threads; i++)
		if (crew->run[i].failure.code != ERR_NONE) {
			return err_pass(e, &crew->run[i].failure);
		}
	return 0;
}

/* The models in the order of their first use, which says what limits they have. */
static void make_lines(struct stage *st, const struct run *run, int runs)
{
	struct first_use first;
	do {
		uint32_t target = 0;
		first = (struct first_use){ ~(uint128)0, NULL };
		for (uint32_t t = 0; t < st->targets; t++)
			for (int i = 0; i < runs; i++)
				if (st->line_of[t] < 0 && run[i].first[t].key < first.key) {
					first = run[i].first[t];
					target = t;
				}
		if (first.key != ~(uint128)0)
			whatif_line(st, &st->plan, target, first.resolved);
	} while (first.key != ~(uint128)0);
}

static void stage_begin(struct stage *st, const struct whatif_options *o, const struct scenario *s,
			bool waits)
{
	const size_t conversations = o->workload->conversations;
	*st = (struct stage){ .o = o,
			      .s = s,
			      .waits = waits,
			      .assumes = s->has_factors || s->vary_prompt.digits ||
					 s->vary_output.digits || s->vary_hits.digits,
			      .targets = s->route.targets + (uint32_t)o->workload->subjects,
			      .asked = whatif_asked_rules(o, s),
			      .clusters = o->sample ? conversations
						    : resample_clusters(conversations) };
	st->line_of = mem_alloc((st->targets + (size_t)1) * sizeof *st->line_of);
	for (uint32_t t = 0; t < st->targets; t++)
		st->line_of[t] = -1;
}

static void stage_end(struct stage *st)
{
	result_release(&st->plan);
	free(st->line_of);
	cold_uses_release(&st->cold);
}

/* The survey said what there is; now what it costs. */
static void stage_plan(struct crew *crew, size_t i)
{
	const struct whatif_options *o = crew->o;
	struct stage *st = &crew->stage[i];
	struct run *run = run_of(crew, i, 0);
	make_lines(st, run, crew->threads);
	if (o->cache == WHATIF_CACHE_REBUILT) {
		whatif_find_cold(st, run, run_of(crew, st->like, 0), crew->threads);
		whatif_tell_kinds(st, i);
	}
	for (int k = 0; k < crew->threads; k++) {
		struct whatif_result *part = &run[k].part;
		cache_uses_forget(&run[k].uses);
		*part = (struct whatif_result){ .models = st->plan.models };
		part->model = mem_alloc((part->models + 1) * sizeof *part->model);
		if (part->models)
			memcpy(part->model, st->plan.model, part->models * sizeof *part->model);
		if (!o->sample)
			part->by_conversation =
				mem_zalloc((st->clusters + 1) * sizeof *part->by_conversation);
		if (o->cache == WHATIF_CACHE_REBUILT)
			run[k].counts = count_cache_open(st->cache, st->kind, st->caches,
							 crew->desk[k].memo);
	}
}

/* What is said of a stage is that of the first that fails. */
static int stage_finish(struct crew *crew, size_t i, struct err *e)
{
	struct stage *st = &crew->stage[i];
	struct run *run = run_of(crew, i, 0);
	int rc = whatif_merge(st, st->out, run, crew->threads, e);
	return rc == 0 ? whatif_rent(st->s, st->out, run, crew->threads, e) : rc;
}

/* Two scenarios see the recorded calls alike where neither has them made in another service tier
 * and both go by the vendors' contracts, or neither does. */
static size_t like_of(const struct crew *crew, size_t i)
{
	const struct stage *st = &crew->stage[i];
	for (size_t k = 0; k < i; k++)
		if (!st->s->route.service_tier.n && !crew->stage[k].s->route.service_tier.n &&
		    st->asked.vendor == crew->stage[k].asked.vendor)
			return k;
	return i;
}

static void stage_join(struct crew *crew, struct whatif_result *out, const struct scenario *s,
		       bool waits)
{
	const struct whatif_options *o = crew->o;
	const size_t i = crew->stages++;
	struct stage *st = &crew->stage[i];
	stage_begin(st, o, s, waits);
	st->out = out;
	st->numbers = &crew->numbers;
	st->like = like_of(crew, i);
	out->by_conversation = mem_zalloc((st->clusters + 1) * sizeof *out->by_conversation);
	if (o->sample)
		st->by_conversation = out->by_conversation;
	for (int k = 0; k < crew->threads; k++) {
		run_begin(run_of(crew, i, k), st, &crew->desk[k]);
		run_of(crew, i, k)->like = run_of(crew, st->like, k);
	}
}

/* Replays the scenarios that joined. */
static int run_stages(struct crew *crew, struct err *e)
{
	each_conversation(crew, survey);
	int rc = crew_failure(crew, e);
	for (size_t i = 0; rc == 0 && i < crew->stages; i++)
		stage_plan(crew, i);
	if (rc == 0) {
		each_conversation(crew, replay);
		rc = crew_failure(crew, e);
	}
	for (size_t i = 0; rc == 0 && i < crew->stages; i++)
		rc = stage_finish(crew, i, e);
	for (size_t i = 0; i < crew->stages * (size_t)crew->threads; i++)
		run_end(&crew->run[i]);
	for (size_t i = 0; i < crew->stages; i++) {
		struct stage *st = &crew->stage[i];
		for (uint32_t k = 0; k < st->caches; k++)
			model_cache_release(&st->cache[k]);
		free(st->cache);
		free(st->kind);
		stage_end(st);
	}
	crew->stages = 0;
	return rc;
}

/* Calls on machines by the hour are noted one by one, so such scenarios are replayed alone. */
static bool is_hosting(const struct scenario *s)
{
	bool hosts = false;
	for (uint32_t t = 0; t < s->route.targets; t++)
		hosts |= s->hosting[t].gpu_hour.pico != 0;
	return hosts;
}

static int run_scenarios(struct crew *crew, struct whatif_result *result,
			 struct whatif_result *at_once, struct err *e)
{
	const struct whatif_options *o = crew->o;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < o->scenarios; i++) {
		const struct scenario *s = &o->scenario[i];
		const bool alone = is_hosting(s);
		if (crew->stages + 2 > STAGES_AT_ONCE || (alone && crew->stages))
			rc = run_stages(crew, e);
		if (rc != 0)
			break;
		stage_join(crew, &result[i], s, true);
		/* what waiting buys is the same route without it */
		if (alone)
			rc = run_stages(crew, e);
		if (rc == 0 && s->route.kind == ROUTE_OFFPEAK)
			stage_join(crew, &at_once[i], s, false);
		if (rc == 0 && alone && crew->stages)
			rc = run_stages(crew, e);
	}
	return rc == 0 && crew->stages ? run_stages(crew, e) : rc;
}

static int run_with_crew(struct whatif_result *result, const struct whatif_options *o, int threads,
			 struct err *e)
{
	const struct workload *w = o->workload;
	const size_t parts = (w->count + PART_CALLS - 1) / PART_CALLS;
	struct crew crew = { .o = o, .threads = parts < (size_t)threads ? (int)parts : threads };
	struct whatif_result *at_once = mem_zalloc((o->scenarios + 1) * sizeof *at_once);
	pthread_mutex_init(&crew.numbers.lock, NULL);
	crew.desk = mem_zalloc((size_t)crew.threads * sizeof *crew.desk);
	crew.run = mem_alloc((size_t)crew.threads * STAGES_AT_ONCE * sizeof *crew.run);
	for (int i = 0; i < crew.threads; i++) {
		crew.desk[i].crew = &crew;
		crew.desk[i].index = i;
		if (o->scenarios > 2) /* of two, little is alike */
			crew.desk[i].memo = count_memo_open();
	}
	for (size_t i = 0; i < o->scenarios; i++)
		crew.of += (int64_t)w->count * (o->scenario[i].route.kind == ROUTE_OFFPEAK ? 4 : 2);
	int rc = run_scenarios(&crew, result, at_once, e);
	for (size_t i = 0; i < o->scenarios; i++) {
		result[i].without_waiting = at_once[i].cost;
		result_release(&at_once[i]);
	}
	for (int i = 0; i < crew.threads; i++)
		desk_close(&crew.desk[i]);
	pthread_mutex_destroy(&crew.numbers.lock);
	dict_release(&crew.numbers.dict);
	free(crew.desk);
	free(crew.run);
	free(at_once);
	return rc;
}

/* --- scenarios over prompts in blocks, which share a cache --- */

static int run_blocks(struct whatif_result *out, const struct whatif_options *o,
		      const struct scenario *s, bool waits, struct err *e)
{
	const struct workload *w = o->workload;
	struct stage st;
	struct desk d = { 0 };
	struct run r;
	int rc = 0;
	stage_begin(&st, o, s, waits);
	run_begin(&r, &st, &d);
	r.out = out;
	r.call = w->call;
	r.calls = w->count;
	out->by_conversation = mem_zalloc((st.clusters + 1) * sizeof *out->by_conversation);
	whatif_choose(&r);
	if (o->cache == WHATIF_CACHE_BLOCKS)
		rc = whatif_hit_blocks(&r, e);
	if (rc == 0)
		rc = whatif_add_plays(&r, e);
	if (rc == 0)
		rc = whatif_sum(&st, out, e);
	if (rc == 0)
		rc = whatif_rent(s, out, &r, 1, e);
	run_end(&r);
	desk_close(&d);
	stage_end(&st);
	return rc;
}

struct pool {
	const struct whatif_options *o;
	struct whatif_result *result;
	atomic_size_t next;
	pthread_mutex_t lock;
	struct err failure;
};

static void *work(void *user)
{
	struct pool *p = user;
	for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->o->scenarios;) {
		const struct scenario *s = &p->o->scenario[i];
		struct whatif_result at_once = { 0 };
		struct err e = { 0 };
		int rc = run_blocks(&p->result[i], p->o, s, true, &e);
		if (rc == 0 && s->route.kind == ROUTE_OFFPEAK)
			rc = run_blocks(&at_once, p->o, s, false, &e);
		p->result[i].without_waiting = at_once.cost;
		result_release(&at_once);
		if (rc == 0)
			continue;
		pthread_mutex_lock(&p->lock);
		if (p->failure.code == ERR_NONE)
			p->failure = e;
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

static int run_pool(struct whatif_result *result, const struct whatif_options *o, int threads,
		    struct err *e)
{
	pthread_t thread[THREADS_MAX];
	struct pool p = { .o = o, .result = result };
	pthread_mutex_init(&p.lock, NULL);
	for (int i = 0; i < threads; i++)
		CHECK(pthread_create(&thread[i], NULL, work, &p) == 0);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&p.lock);
	if (p.failure.code == ERR_NONE)
		return 0;
	return err_pass(e, &p.failure);
}

/* --- intervals --- */

/* False where the baseline costs nothing in some resample. */
static bool add_ratio(struct whatif_result *r, const struct money_total *own,
		      const struct money_total *base, size_t draws, int level_permille)
{
	const int128 million = 1000000, most = ((int128)1 << 126) / million / 2;
	struct money_total *ratio = mem_alloc(draws * sizeof *ratio);
	bool ok = true;
	for (size_t k = 0; ok && k < draws; k++) {
		ok = base[k].atto > 0 && own[k].atto >= 0 && own[k].atto < most;
		if (ok)
			ratio[k].atto =
				(2 * own[k].atto * million + base[k].atto) / (2 * base[k].atto);
	}
	if (ok)
		r->ratio_micro = resample_interval(ratio, draws, level_permille);
	free(ratio);
	return ok;
}

/* Columns: each scenario's cost by conversation, and its difference from the baseline's. */
static void add_intervals(struct whatif_result *result, const struct whatif_options *o)
{
	const size_t n = resample_clusters(o->workload->conversations), count = o->scenarios;
	const size_t draws = (size_t)o->resamples;
	const struct money_total **column = mem_alloc(count * sizeof *column);
	struct money_total *sums, *difference = mem_alloc(draws * sizeof *difference);
	for (size_t i = 0; i < count; i++)
		column[i] = result[i].by_conversation;
	resample_sums(&(struct resample){ column, count, n, o->seed, o->resamples, o->threads },
		      &sums);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < draws; k++)
			sums[i * draws + k].atto += result[i].fixed.atto;
	for (size_t i = 0; i < count; i++) {
		const struct money_total *base = sums + o->baseline * draws,
					 *own = sums + i * draws;
		for (size_t k = 0; k < draws; k++)
			difference[k] = money_total_minus(own[k], base[k]);
		for (size_t k = 0; k < draws; k++)
			result[i].over_budget += o->has_budget && own[k].atto > o->budget.atto;
		result[i].has_ratio = add_ratio(&result[i], own, base, draws, o->level_permille);
		result[i].total = resample_interval(own, draws, o->level_permille);
		result[i].difference = resample_interval(difference, draws, o->level_permille);
		result[i].has_intervals = true;
	}
	free(sums);
	free(difference);
	free(column);
}

static bool names_customers(const struct workload *w)
{
	bool named = false;
	for (size_t i = 0; w->call && i < w->count; i++)
		named |= w->call[i].customer != 0;
	for (size_t i = 0; !w->call && i < w->whos; i++)
		named |= w->who[i].customer != 0;
	return named;
}

static int check_options(const struct whatif_options *o, struct err *e)
{
	const struct workload *w = o->workload;
	if (o->cache == WHATIF_CACHE_BLOCKS && !w->blocks)
		return err_set(e, ERR_USAGE,
			       WORKLOAD_HAS_NO_BLOCKS
			       "; " ASKED("cache") " recorded divides its own hits, " ASKED(
				       "cache") " none keeps them",
			       w->shape);
	if ((o->cache == WHATIF_CACHE_RECORDED || o->cache == WHATIF_CACHE_REBUILT) && w->blocks)
		return err_set(e, ERR_USAGE,
			       "a %s trace records no hits; replay a cache with " ASKED(
				       "cache") " infinite or " ASKED("cache") " N",
			       w->shape);
	for (size_t i = 0; o->cache == WHATIF_CACHE_REBUILT && i < o->scenarios; i++)
		if (whatif_asked_rules(o, &o->scenario[i]).scope & CACHE_CUSTOMER &&
		    !names_customers(w))
			return err_set(e, ERR_USAGE,
				       "scope customer: the trace names no customers");
	if (o->sample && w->blocks && !(o->rules.scope & CACHE_CONVERSATION) &&
	    o->cache == WHATIF_CACHE_BLOCKS)
		return err_set(e, ERR_USAGE,
			       ASKED("sample") " needs conversations that share no cache: " ASKED(
				       "scope") " "
						"conversation");
	if (o->sample && o->resamples == 0)
		return err_set(e, ERR_USAGE, ASKED("sample") " needs " ASKED("resamples"));
	if (o->resamples > RESAMPLES_MAX)
		return err_set(e, ERR_USAGE, "at most %d resamples", RESAMPLES_MAX);
	return 0;
}

int whatif_run(struct whatif_result **out, const struct whatif_options *o, struct err *e)
{
	const int threads = o->threads < 1	       ? 1
			    : o->threads > THREADS_MAX ? THREADS_MAX
						       : o->threads;
	int rc = check_options(o, e);
	if (rc != 0)
		return rc;
	struct whatif_result *result = mem_zalloc((o->scenarios + 1) * sizeof *result);
	rc = o->workload->blocks ? run_pool(result, o, threads, e)
				 : run_with_crew(result, o, threads, e);
	if (rc == 0 && o->sample)
		for (size_t i = 0; rc == 0 && i < o->scenarios; i++)
			rc = sample_estimate(&result[i].estimate, o->sample,
					     result[i].by_conversation, result[i].fixed,
					     &(struct resampling){ o->seed, o->resamples,
								   o->level_permille },
					     e);
	else if (rc == 0 && o->resamples > 0 && o->workload->conversations > 1)
		add_intervals(result, o);
	if (rc != 0) {
		whatif_results_close(result, o->scenarios);
		return rc;
	}
	*out = result;
	return 0;
}

void whatif_results_close(struct whatif_result *r, size_t count)
{
	for (size_t i = 0; r && i < count; i++)
		result_release(&r[i]);
	free(r);
}
