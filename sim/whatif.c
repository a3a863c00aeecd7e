#include "sim/whatif.h"

#include <stdlib.h>
#include <time.h>

#include "base/processor.h"
#include "sim/count_cache.h"
#include "sim/whatif_run.h"

enum {
	THREADS_MAX = 64,
	PART_CALLS = 2048 /* about what a thread takes at a time */
};

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

static void run_begin(struct run *r, struct stage *st)
{
	const struct workload *w = st->o->workload;
	const size_t places = (st->s->route.targets + (size_t)1) * w->subjects * 2 + 1;
	r->stage = st;
	r->o = st->o;
	r->s = st->s;
	r->part = (struct whatif_result){ 0 };
	r->out = &r->part;
	r->targets = st->targets;
	r->subject = mem_zalloc(places * sizeof *r->subject);
	r->numbered = mem_zalloc(places * sizeof *r->numbered);
	r->first = mem_alloc((st->targets + (size_t)1) * sizeof *r->first);
	r->found = mem_alloc((st->targets + (size_t)1) * sizeof *r->found);
	for (uint32_t t = 0; t < st->targets; t++)
		r->first[t] = (struct first_use){ ~(uint128)0, NULL };
	for (size_t i = 0; i < r->window_room; i++)
		r->window_at[i] = 0;
	r->waits = 0;
	r->day = 0;
	r->hosteds = 0;
	if (!r->tariffs)
		r->tariffs = tariffs_open(st->o->book, st->o->plan, st->o->currency);
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

/* What belongs to the scenario; the part's sums, unless they are the result. */
static void run_end(struct run *r)
{
	if (r->out == &r->part)
		result_release(&r->part);
	model_caches_release(&r->caches);
	count_cache_close(r->counts);
	free(r->subject);
	free(r->numbered);
	free(r->first);
	free(r->found);
	free(r->seen);
	free(r->reason_key);
	free(r->window_key);
	r->caches = (struct model_caches){ 0 };
	r->counts = NULL;
	r->seen = NULL;
	r->seens = 0;
	r->reason_key = r->window_key = NULL;
}

static void run_close(struct run *r)
{
	/* the names of models are the workload's or the route's, the tariffs' are not needed */
	tariffs_close(r->tariffs);
	free(r->window);
	free(r->window_at);
	free(r->waited);
	free(r->play);
	free(r->work);
	free(r->recorded);
	free(r->hour);
	free(r->hosted);
}

/* --- a scenario, conversation by conversation --- */

static void note_waited(struct run *r, const struct play *p, uint32_t cache)
{
	if (r->waits == r->waited_room) {
		r->waited_room = r->waited_room ? r->waited_room * 2 : 256;
		r->waited = mem_grow(r->waited, r->waited_room * sizeof *r->waited);
	}
	r->waited[r->waits++] =
		(struct waited){ p->time_us, call_of(r, p)->order, (uint16_t)cache };
}

static void survey_caches(struct run *r)
{
	struct stage *st = r->stage;
	for (size_t i = 0; i < r->plays; i++) {
		const struct play *p = &r->play[i];
		const struct work_call *c = call_of(r, p);
		const uint32_t cache =
			whatif_note_cache(r, p->target, c, p->time_us, play_key(r, p));
		if (p->time_us == c->time_us)
			st->used[p->again][c->order] = (uint16_t)cache;
		else if (i == 0 || !p[-1].failed || p[-1].call != p->call)
			note_waited(r, p, cache);
	}
}

static void survey(struct run *r)
{
	const bool rebuilt = r->o->cache == WHATIF_CACHE_REBUILT;
	const uint32_t recorded = r->s->route.targets;
	for (size_t i = 0; rebuilt && i < r->calls; i++)
		whatif_note_cache(r, recorded + r->call[i].subject, &r->call[i], r->call[i].time_us,
				  r->call[i].order);
	whatif_choose(r);
	for (size_t i = 0; i < r->plays; i++) {
		const struct play *p = &r->play[i];
		struct first_use *first = &r->first[p->target];
		const uint128 key = play_key(r, p);
		if (key >= first->key)
			continue;
		struct subject *s = whatif_subject(r, p->target, call_of(r, p));
		*first =
			(struct first_use){ key, tariffs_ask(r->tariffs, s, p->time_us)->resolved };
	}
	if (rebuilt)
		survey_caches(r);
}

static void replay(struct run *r)
{
	whatif_choose(r);
	whatif_hits(r);
	whatif_add_plays(r, &r->failure);
}

static void stop_if_asked(struct run *r)
{
	const struct whatif_options *o = r->stage->o;
	if (r->failure.code == ERR_NONE && o->stops && o->stops(o->stops_user))
		err_set(&r->failure, ERR_BUSY,
			"it took longer than it may here; use the command line for it");
}

static void take_out(struct run *r, const struct workload *w)
{
	if (r->calls > r->work_room) {
		free(r->work);
		r->work_room = r->calls * 2;
		r->work = mem_alloc(r->work_room * sizeof *r->work);
	}
	r->call = workload_calls(w, r->from, r->calls, r->work);
}

static void *take_parts(void *user)
{
	struct run *r = user;
	struct stage *st = r->stage;
	const struct workload *w = st->o->workload;
	size_t part;
	if (r->pinned)
		processor_pin(r->index);
	while ((part = atomic_fetch_add(&st->next, 1)) * PART_CALLS < w->count) {
		const size_t to = (part + 1) * PART_CALLS;
		size_t k = workload_conversation_from(w, part * PART_CALLS);
		stop_if_asked(r);
		for (; k < w->conversations && workload_first_call(w, k) < to; k++) {
			r->from = workload_first_call(w, k);
			r->calls = workload_first_call(w, k + 1) - r->from;
			take_out(r, w);
			if (r->failure.code == ERR_NONE)
				st->take(r);
		}
		atomic_fetch_add(st->done, PART_CALLS);
	}
	return NULL;
}

/* The threads of all scenarios. */
struct crew {
	const struct whatif_options *o;
	struct run *run;
	int threads;
	_Atomic int64_t done; /* calls, of both passes of every scenario */
	int64_t of;
};

static void wait_for(struct crew *crew, pthread_t thread)
{
	const struct whatif_options *o = crew->o;
	struct timespec until;
	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 100000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (o->progress)
			o->progress(o->progress_user, atomic_load(&crew->done), crew->of);
	} while (pthread_timedjoin_np(thread, NULL, &until) != 0);
}

static void each_conversation(struct crew *crew, struct stage *st, void (*take)(struct run *r))
{
	pthread_t thread[THREADS_MAX];
	st->take = take;
	st->done = &crew->done;
	atomic_store(&st->next, 0);
	for (int i = 0; i < crew->threads; i++) {
		crew->run[i].index = i;
		crew->run[i].pinned = crew->threads > 1;
	}
	if (crew->threads == 1 && !crew->o->progress) {
		take_parts(&crew->run[0]);
		return;
	}
	for (int i = 0; i < crew->threads; i++)
		CHECK(pthread_create(&thread[i], NULL, take_parts, &crew->run[i]) == 0);
	for (int i = 0; i < crew->threads; i++)
		wait_for(crew, thread[i]);
}

/* The first failure of a thread. */
static int crew_failure(const struct crew *crew, struct err *e)
{
	for (int i = 0; i < crew->threads; i++)
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
			      .targets = s->route.targets + (uint32_t)o->workload->subjects,
			      .asked = whatif_asked_rules(o, s),
			      .clusters = o->sample ? conversations
						    : resample_clusters(conversations) };
	pthread_mutex_init(&st->lock, NULL);
	st->line_of = mem_alloc((st->targets + (size_t)1) * sizeof *st->line_of);
	for (uint32_t t = 0; t < st->targets; t++)
		st->line_of[t] = -1;
}

static void stage_end(struct stage *st)
{
	pthread_mutex_destroy(&st->lock);
	dict_release(&st->numbers);
	result_release(&st->plan);
	free(st->line_of);
	free(st->used[0]);
	free(st->used[1]);
	free(st->warm);
}

static void cache_tables(struct stage *st)
{
	const size_t count = st->o->workload->count;
	st->warm = mem_zalloc(count + 1);
	for (int k = 0; k < (st->s->route.escalates ? 2 : 1); k++) {
		st->used[k] = mem_alloc((count + 1) * sizeof *st->used[k]);
		memset(st->used[k], 0xff, count * sizeof *st->used[k]);
	}
}

/* The survey said what there is; now what it costs. */
static int replay_all(struct crew *crew, struct stage *st, struct whatif_result *out, struct err *e)
{
	const struct whatif_options *o = crew->o;
	struct run *run = crew->run;
	int rc = crew_failure(crew, e);
	if (rc != 0)
		return rc;
	make_lines(st, run, crew->threads);
	if (o->cache == WHATIF_CACHE_REBUILT)
		rc = whatif_find_warm(st, run, crew->threads, e);
	if (rc != 0)
		return rc;
	for (int i = 0; i < crew->threads; i++) {
		struct whatif_result *part = &run[i].part;
		*part = (struct whatif_result){ .models = st->plan.models };
		part->model = mem_alloc((part->models + 1) * sizeof *part->model);
		if (part->models)
			memcpy(part->model, st->plan.model, part->models * sizeof *part->model);
		if (!o->sample)
			part->by_conversation =
				mem_zalloc((st->clusters + 1) * sizeof *part->by_conversation);
		if (o->cache == WHATIF_CACHE_REBUILT)
			run[i].counts = count_cache_open(st->cache, st->caches);
	}
	each_conversation(crew, st, replay);
	rc = crew_failure(crew, e);
	return rc == 0 ? whatif_merge(st, out, run, crew->threads, e) : rc;
}

static int run_conversations(struct crew *crew, struct whatif_result *out, const struct scenario *s,
			     bool waits, const int64_t *when, struct err *e)
{
	const struct whatif_options *o = crew->o;
	struct run *run = crew->run;
	struct stage st;
	stage_begin(&st, o, s, waits);
	st.when = when;
	out->by_conversation = mem_zalloc((st.clusters + 1) * sizeof *out->by_conversation);
	if (o->sample)
		st.by_conversation = out->by_conversation;
	if (o->cache == WHATIF_CACHE_REBUILT)
		cache_tables(&st);
	for (int i = 0; i < crew->threads; i++)
		run_begin(&run[i], &st);
	each_conversation(crew, &st, survey);
	int rc = replay_all(crew, &st, out, e);
	if (rc == 0)
		rc = whatif_rent(s, out, run, crew->threads, e);
	for (int i = 0; i < crew->threads; i++)
		run_end(&run[i]);
	for (uint32_t k = 0; k < st.caches; k++)
		model_cache_release(&st.cache[k]);
	free(st.cache);
	stage_end(&st);
	return rc;
}

/* By the order of time, for what the caches saw. */
static int64_t *times_in_order(const struct workload *w)
{
	int64_t *when = mem_alloc((w->count + 1) * sizeof *when);
	for (size_t i = 0; i < w->count; i++) {
		struct work_call room;
		const struct work_call *c = workload_calls(w, i, 1, &room);
		when[c->order] = c->time_us;
	}
	return when;
}

static int run_with_crew(struct whatif_result *result, const struct whatif_options *o, int threads,
			 struct err *e)
{
	const struct workload *w = o->workload;
	const size_t parts = (w->count + PART_CALLS - 1) / PART_CALLS;
	struct crew crew = { .o = o, .threads = parts < (size_t)threads ? (int)parts : threads };
	int64_t *when = o->cache == WHATIF_CACHE_REBUILT ? times_in_order(w) : NULL;
	int rc = 0;
	crew.run = mem_zalloc((size_t)crew.threads * sizeof *crew.run);
	for (size_t i = 0; i < o->scenarios; i++)
		crew.of += (int64_t)w->count * (o->scenario[i].route.kind == ROUTE_OFFPEAK ? 4 : 2);
	for (size_t i = 0; rc == 0 && i < o->scenarios; i++) {
		const struct scenario *s = &o->scenario[i];
		struct whatif_result at_once = { 0 };
		rc = run_conversations(&crew, &result[i], s, true, when, e);
		/* what waiting buys is the same route without it */
		if (rc != 0 || s->route.kind != ROUTE_OFFPEAK)
			continue;
		rc = run_conversations(&crew, &at_once, s, false, when, e);
		result[i].without_waiting = at_once.cost;
		result_release(&at_once);
	}
	for (int i = 0; i < crew.threads; i++)
		run_close(&crew.run[i]);
	free(crew.run);
	free(when);
	return rc;
}

/* --- scenarios over prompts in blocks, which share a cache --- */

static int run_blocks(struct whatif_result *out, const struct whatif_options *o,
		      const struct scenario *s, bool waits, struct err *e)
{
	const struct workload *w = o->workload;
	struct stage st;
	struct run r = { 0 };
	int rc = 0;
	stage_begin(&st, o, s, waits);
	run_begin(&r, &st);
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
		rc = whatif_rent(s, out, &r, 1, e);
	run_end(&r);
	run_close(&r);
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
			       "; --cache recorded divides its own hits, --cache none keeps them",
			       w->shape);
	if ((o->cache == WHATIF_CACHE_RECORDED || o->cache == WHATIF_CACHE_REBUILT) && w->blocks)
		return err_set(
			e, ERR_USAGE,
			"a %s trace records no hits; replay a cache with --cache infinite or "
			"--cache N",
			w->shape);
	for (size_t i = 0; o->cache == WHATIF_CACHE_REBUILT && i < o->scenarios; i++)
		if (whatif_asked_rules(o, &o->scenario[i]).scope & CACHE_CUSTOMER &&
		    !names_customers(w))
			return err_set(e, ERR_USAGE,
				       "scope customer: the trace names no customers");
	if (o->sample && w->blocks && !(o->rules.scope & CACHE_CONVERSATION) &&
	    o->cache == WHATIF_CACHE_BLOCKS)
		return err_set(e, ERR_USAGE,
			       "--sample needs conversations that share no cache: --scope "
			       "conversation");
	if (o->sample && o->resamples == 0)
		return err_set(e, ERR_USAGE, "--sample needs --resamples");
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
					     result[i].by_conversation, result[i].fixed, o->seed,
					     o->resamples, o->level_permille, e);
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
