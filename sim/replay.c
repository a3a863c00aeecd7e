#include "sim/replay.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "meter/formats/record_reader.h"
#include "pricing/rate.h"
#include "sim/conversation.h"
#include "sim/tariffs.h"

enum { BATCH = 128, KEY_ROOM = BATCH * 160, REFUSALS_KEPT = 200, THREADS_MAX = 64 };
#define LAST_INSTANT_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */
#define RARE_FIELDS (((uint64_t)1 << FIELD_REQUESTS) - ((uint64_t)1 << (FIELD_COUNTS + BUCKET_COMMON)))

static const char *const dim_names[DIM_COUNT] = {
#define X(id, name, what) [id] = name,
	REPLAY_DIMS(X)
#undef X
};

/* The record field of a text dimension, FIELD_NONE of the others. */
static enum record_field dim_field(enum replay_dim d)
{
	switch (d) {
	case DIM_TASK:
		return FIELD_TASK;
	case DIM_WORKLOAD:
		return FIELD_WORKLOAD;
	case DIM_CUSTOMER:
		return FIELD_CUSTOMER;
	case DIM_PROJECT:
		return FIELD_PROJECT;
	case DIM_SESSION:
		return FIELD_SESSION;
	default:
		return FIELD_NONE;
	}
}

const char *replay_dim_name(enum replay_dim d)
{
	return dim_names[d];
}

int replay_dims_parse(enum replay_dim out[DIM_COUNT], size_t *count, const char *list, struct err *e)
{
	*count = 0;
	while (*list) {
		size_t n = strcspn(list, ",");
		int found = -1;
		for (int d = 0; d < DIM_COUNT; d++)
			if (text_is((struct text){ list, n }, dim_names[d]))
				found = d;
		if (found < 0)
			return err_set(e, ERR_USAGE,
				       "--by: there is no grouping '%.*s'; choose from task, workload, model, customer, project, session, day, week, month, hour, window",
				       (int)n, list);
		for (size_t i = 0; i < *count; i++)
			if (out[i] == (enum replay_dim)found)
				return err_set(e, ERR_USAGE, "--by: '%.*s' is named twice", (int)n, list);
		out[(*count)++] = (enum replay_dim)found;
		list += n;
		if (*list == ',' && *++list == 0)
			return err_set(e, ERR_USAGE, "--by: a grouping is missing after the last comma");
	}
	return 0;
}

/* Names that threads must agree on: models and windows. Ids begin at 1. */
struct names {
	pthread_mutex_t lock;
	struct arena arena;
	struct text *name;
	uint32_t count;
};

static uint32_t name_id(struct names *n, struct text name)
{
	pthread_mutex_lock(&n->lock);
	uint32_t id = 0;
	for (uint32_t i = 0; i < n->count && !id; i++)
		if (text_eq(n->name[i], name))
			id = i + 1;
	if (!id) {
		if ((n->count & (n->count - 1)) == 0)
			n->name = mem_grow(n->name, (n->count ? n->count * 2 : 1) * sizeof *n->name);
		n->name[n->count++] = (struct text){ arena_text(&n->arena, name.p, name.n), name.n };
		id = n->count;
	}
	pthread_mutex_unlock(&n->lock);
	return id;
}

struct refusal {
	size_t file;
	int64_t offset, line; /* line is -1 when only the offset is known */
	char *message;
};

struct reasons {
	struct arena arena;
	struct replay_reason *reason;
	size_t count;
};

enum pass { PASS_FIRST_INSTANT, PASS_CONVERSATIONS, PASS_PRICE };

/* One record on its way into its group. */
struct pending {
	uint64_t hash;
	uint32_t key_at, key_n;
	struct sums sums;
};

struct run {
	const struct replay_options *o;
	struct trace **trace;
	size_t trace_count;
	enum pass pass;
	int64_t shift_us;
	bool by_conversation;
	struct names models, windows;
	struct conversations *conversations;
	uint64_t seed[2];
	atomic_bool torn, stop;
	atomic_int running;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct err failure;
};

struct worker {
	struct run *run;
	int index;
	pthread_t thread;
	struct tariffs *tariffs;
	struct groups *groups;
	struct sums total; /* when there is no grouping */
	struct pending pending[BATCH];
	size_t pending_count;
	char *key;
	size_t key_n, key_room;
	struct reasons unpriced, uncredited;
	struct refusal refusal[REFUSALS_KEPT];
	size_t refusal_count;
	int64_t refused, without_time, accepted, outside;
	int64_t first_us, last_us;
	int64_t completion_known, hinging;
	struct money_total hinging_difference;
	/* the block at work */
	size_t file;
	const struct trace_block *block;
	bool overflow;
	/* offset of the zone, valid in [zone_from_us, zone_to_us) */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
};

static uint32_t reason_id(struct reasons *r, struct text model, const char *why)
{
	for (size_t i = 0; i < r->count; i++)
		if (text_eq(r->reason[i].model, model) && strcmp(r->reason[i].why, why) == 0)
			return (uint32_t)i + 1;
	if ((r->count & (r->count - 1)) == 0)
		r->reason = mem_grow(r->reason, (r->count ? r->count * 2 : 1) * sizeof *r->reason);
	r->reason[r->count++] = (struct replay_reason){ { arena_text(&r->arena, model.p, model.n), model.n },
							arena_text(&r->arena, why, strlen(why)), 0 };
	return (uint32_t)r->count;
}

static void count_reason(struct reasons *r, uint32_t *id, struct text model, const char *why)
{
	if (!*id)
		*id = reason_id(r, model, why);
	r->reason[*id - 1].records++;
}

static void refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct worker *w = user;
	(void)n;
	if (w->run->pass != PASS_PRICE)
		return;
	w->refused++;
	if (w->refusal_count == REFUSALS_KEPT)
		return;
	struct refusal *r = &w->refusal[w->refusal_count++];
	r->file = w->file;
	r->offset = w->block->offset < 0 ? -1 : w->block->offset + (at - w->block->p);
	r->line = w->block->line;
	for (const char *p = w->block->p; r->line >= 0 && p < at; p++)
		r->line += *p == '\n';
	r->message = strcpy(mem_alloc(strlen(why->message) + 1), why->message);
}

static void flush(struct worker *w)
{
	for (size_t i = 0; i < w->pending_count; i++)
		groups_prefetch_group(w->groups, w->pending[i].hash);
	for (size_t i = 0; i < w->pending_count; i++) {
		struct pending *p = &w->pending[i];
		struct group *g = groups_need(w->groups, p->hash, w->key + p->key_at, p->key_n);
		w->overflow |= !sums_add(&g->sums, &p->sums);
		free(p->sums.rare);
	}
	w->pending_count = 0;
	w->key_n = 0;
}

static inline char *key_room(struct worker *w, size_t n)
{
	if (w->key_n + n + 8 > w->key_room) {
		w->key_room = (w->key_n + n + 8) * 2;
		w->key = mem_grow(w->key, w->key_room);
	}
	return w->key + w->key_n;
}

static void put_bytes(struct worker *w, const void *p, size_t n)
{
	memcpy(key_room(w, n), p, n);
	w->key_n += n;
}

static void put_text(struct worker *w, struct text s)
{
	uint16_t n = (uint16_t)s.n;
	char *k = key_room(w, s.n + 16);
	memcpy(k, &n, 2);
	memcpy(k + 2, s.p ? s.p : "", s.n);
	w->key_n += 2 + s.n;
}

static int64_t local_us(struct worker *w, int64_t us)
{
	if (us < w->zone_from_us || us >= w->zone_to_us) {
		struct instant until;
		w->zone_offset_us = zone_offset(w->run->o->zone, (struct instant){ us }, &until) * US_PER_SECOND;
		w->zone_from_us = us;
		w->zone_to_us = until.us;
	}
	return us + w->zone_offset_us;
}

static void put_key(struct worker *w, const struct record *r, const struct subject *s, const struct tariff_answer *a, int64_t us)
{
	const struct replay_options *o = w->run->o;
	for (size_t i = 0; i < o->dim_count; i++) {
		int64_t day;
		int32_t v;
		switch (o->dim[i]) {
		case DIM_MODEL:
			put_bytes(w, &s->model_id, 4);
			break;
		case DIM_WINDOW:
			put_bytes(w, &a->window_id, 4);
			break;
		case DIM_DAY:
			v = (int32_t)floor_div(local_us(w, us), US_PER_DAY);
			put_bytes(w, &v, 4);
			break;
		case DIM_WEEK: /* the Monday */
			day = floor_div(local_us(w, us), US_PER_DAY);
			v = (int32_t)(day - weekday_of_day(day));
			put_bytes(w, &v, 4);
			break;
		case DIM_MONTH: {
			struct civil c = civil_from_day(floor_div(local_us(w, us), US_PER_DAY));
			v = c.year * 12 + c.month - 1;
			put_bytes(w, &v, 4);
			break;
		}
		case DIM_HOUR: { /* the UTC instant of the local hour's start, and the offset for the label */
			int64_t hour_us = floor_div(local_us(w, us), US_PER_HOUR) * US_PER_HOUR - w->zone_offset_us;
			int32_t offset_s = (int32_t)(w->zone_offset_us / US_PER_SECOND);
			put_bytes(w, &hour_us, 8);
			put_bytes(w, &offset_s, 4);
			break;
		}
		default: {
			enum record_field f = dim_field(o->dim[i]);
			CHECK(f < FIELD_TEXTS);
			struct text t = r->text[f];
			if (o->dim[i] == DIM_TASK && w->run->by_conversation && t.n == 0)
				t = conversations_root(w->run->conversations, r->text[FIELD_CHAT]);
			put_text(w, t);
		}
		}
	}
}

/* Cost of r under a; false and a reason when there is none. */
static bool price_record(const struct record *r, const struct tariff_answer *a, struct money_total *cost, int *why_bucket,
			 struct err *why)
{
	*why_bucket = -1;
	if (__builtin_expect((r->present & RARE_FIELDS) || a->request_fee || (r->requests > 1 && a->tariff->tier_count), 0)) {
		struct usage u = { .requests = r->requests };
		struct rating rating;
		memcpy(u.tokens, r->tokens, sizeof u.tokens);
		if (rate_usage(&rating, &u, a->price, a->tariff, why) != 0)
			return false;
		*cost = rating.total;
		return true;
	}
	const struct rates *rates = &a->tariff->rates;
	if (a->tariff->tier_count) {
		struct usage u = { .requests = 1 };
		memcpy(u.tokens, r->tokens, sizeof u.tokens);
		if (rate_tier(&rates, &u, a->tariff, why) != 0)
			return false;
	}
	struct money_total sum = { 0 };
	bool ok = true;
	for (int b = 0; b < BUCKET_COMMON; b++) {
		int64_t n = rate_billed_tokens(rates, r->tokens, b);
		if (n && !(rates->known >> b & 1)) {
			*why_bucket = b;
			return false;
		}
		ok &= money_total_add(&sum, money_of_tokens(rates->per_million[b], n));
	}
	if (!ok) {
		err_set(why, ERR_RANGE, "the amount is larger than a total can hold");
		return false;
	}
	*cost = sum;
	return true;
}

static void add_credits(struct worker *w, const struct record *r, struct subject *s, struct tariff_answer *a, int64_t us,
			struct sums *sums)
{
	struct err e;
	struct credit_rates by_prompt;
	const struct credit_rates *rates = &a->credits;
	int rc = 0;
	if (!a->has_credits) {
		count_reason(&w->uncredited, &a->why_credits_id, s->model, a->uncredited);
		sums->uncredited = 1;
		return;
	}
	if (a->credits_by_prompt) {
		struct usage u = { .requests = r->requests };
		int64_t prompt = 0;
		memcpy(u.tokens, r->tokens, sizeof u.tokens);
		rc = usage_prompt(&u, &prompt, &e);
		if (rc == 0)
			rc = tariffs_credits(w->tariffs, s, a, us, prompt, &by_prompt, &e);
		rates = &by_prompt;
	}
	if (rc == 0)
		rc = credits_of(rates, r->tokens, r->requests, &sums->credits, &e);
	if (rc != 0) {
		uint32_t id = 0;
		count_reason(&w->uncredited, &id, s->model, e.message);
		sums->uncredited = 1;
	}
}

static void price_and_group(struct worker *w, const struct record *r, int64_t us)
{
	struct run *run = w->run;
	const struct replay_options *o = run->o;
	struct text model = r->text[FIELD_MODEL], provider = r->text[FIELD_PROVIDER];
	if (o->remodel) {
		model = text_of(o->remodel);
		provider = (struct text){ 0 };
	} else if (model.n == 0 && o->model) {
		model = text_of(o->model);
	}
	if (provider.n == 0 && o->provider)
		provider = text_of(o->provider);
	struct subject *s = tariffs_subject(w->tariffs, provider, model, r->text[FIELD_SERVICE_TIER], r->text[FIELD_REGION]);
	struct tariff_answer *a = tariffs_ask(w->tariffs, s, us);
	if (!s->model_id)
		s->model_id = name_id(&run->models, s->model);
	if (!a->window_id && a->price)
		a->window_id = name_id(&run->windows, text_of(a->tariff->window));

	struct pending *p = &w->pending[w->pending_count];
	struct sums *sums = &p->sums;
	struct err why = { 0 };
	int why_bucket;
	sums->records = 1;
	memcpy(sums->tokens, r->tokens, sizeof sums->tokens);
	sums->cost = (struct money_total){ 0 };
	sums->credits = (struct credits_total){ 0 };
	sums->unpriced = sums->uncredited = 0;
	sums->rare = NULL;
	if (!a->price) {
		count_reason(&w->unpriced, &a->why_id, s->model, a->unpriced);
		sums->unpriced = 1;
	} else if (!price_record(r, a, &sums->cost, &why_bucket, &why)) {
		uint32_t none = 0, *id = why_bucket >= 0 ? &a->why_bucket_id[why_bucket] : &none;
		if (why_bucket >= 0 && !*id)
			err_set(&why, ERR_UNPRICED, "%s/%s states no price for %s", a->price->provider, a->price->model,
				bucket_name((enum bucket)why_bucket));
		count_reason(&w->unpriced, id, s->model, why.message);
		sums->unpriced = 1;
	}
	if (o->plan)
		add_credits(w, r, s, a, us, sums);
	if (r->present & RARE_FIELDS) {
		sums->rare = mem_alloc((BUCKET_COUNT - BUCKET_COMMON) * sizeof *sums->rare);
		memcpy(sums->rare, r->tokens + BUCKET_COMMON, (BUCKET_COUNT - BUCKET_COMMON) * sizeof *sums->rare);
	}
	if (r->completed_us != TIME_ABSENT && r->time_us != TIME_ABSENT) {
		w->completion_known++;
		int64_t other_us = run->shift_us + (o->boundary == BOUNDARY_START ? r->completed_us : r->time_us);
		struct tariff_answer *other = tariffs_ask(w->tariffs, s, other_us);
		struct money_total cost;
		if (other != a && a->price && other->price && !sums->unpriced && price_record(r, other, &cost, &why_bucket, &why) &&
		    cost.atto != sums->cost.atto) {
			w->hinging++;
			w->overflow |= !money_total_add(&w->hinging_difference, money_total_minus(cost, sums->cost));
		}
	}
	if (o->dim_count == 0) {
		w->overflow |= !sums_add(&w->total, sums);
		free(sums->rare);
		return;
	}
	p->key_at = (uint32_t)w->key_n;
	put_key(w, r, s, a, us);
	p->key_n = (uint32_t)w->key_n - p->key_at;
	size_t pad = -(size_t)p->key_n & 7;
	memset(key_room(w, 8), 0, 8);
	w->key_n += pad;
	p->hash = groups_hash(w->groups, w->key + p->key_at, p->key_n + pad);
	groups_prefetch_slot(w->groups, p->hash);
	if (++w->pending_count == BATCH)
		flush(w);
}

static void accept(void *user, const struct record *r)
{
	struct worker *w = user;
	struct run *run = w->run;
	const struct replay_options *o = run->o;
	if (run->pass == PASS_CONVERSATIONS) {
		conversations_add(run->conversations, r->text[FIELD_CHAT], r->text[FIELD_PARENT]);
		return;
	}
	int64_t us = o->boundary == BOUNDARY_COMPLETION && r->completed_us != TIME_ABSENT ? r->completed_us : r->time_us;
	if (run->pass == PASS_FIRST_INSTANT) {
		if (r->time_us != TIME_ABSENT && r->time_us < w->first_us)
			w->first_us = r->time_us;
		return;
	}
	if (us != TIME_ABSENT) {
		us += run->shift_us;
	} else if (o->has_at) {
		us = o->at.us;
	} else {
		struct err e;
		w->without_time++;
		err_set(&e, ERR_INVALID, "field 'time' is missing, and without its instant a call has no price (see --at)");
		refuse(w, r->at, 0, &e);
		return;
	}
	if (us > LAST_INSTANT_US || us < -LAST_INSTANT_US / 4) {
		struct err e;
		err_set(&e, ERR_RANGE, "field 'time': the instant lies outside the years 1 to 9999");
		refuse(w, r->at, 0, &e);
		return;
	}
	if (us < o->since.us || us >= o->until.us) {
		w->outside++;
		return;
	}
	w->accepted++;
	if (us < w->first_us)
		w->first_us = us;
	if (us > w->last_us)
		w->last_us = us;
	price_and_group(w, r, us);
}

/* Two threads that share a core waste the other one. */
static void pin(int index)
{
	cpu_set_t all, one;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return;
	int n = CPU_COUNT(&all), skip = n ? index % n : 0;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &all) && skip-- == 0) {
			CPU_ZERO(&one);
			CPU_SET(c, &one);
			pthread_setaffinity_np(pthread_self(), sizeof one, &one);
			return;
		}
}

static void read_file(struct worker *w, struct trace *t, struct trace_block *b)
{
	struct run *run = w->run;
	const struct record_sink sink = { w, accept, refuse };
	const struct shape *shape = trace_shape(t);
	struct csv_reader *csv = NULL;
	struct jsonl_reader *jsonl = NULL;
	enum record_field *field = NULL;
	struct err e = { 0 };
	int rc;
	if (shape->container == CONTAINER_CSV) {
		field = mem_alloc(trace_columns(t) * sizeof *field);
		for (size_t i = 0; i < trace_columns(t); i++)
			field[i] = trace_column_field(t, i);
		csv = csv_reader_open(&(struct csv_layout){ shape, trace_separator(t), trace_columns(t), field, run->o->strict_only });
	} else {
		jsonl = jsonl_reader_open(
			&(struct jsonl_layout){ shape, run->o->map, run->o->map_count, run->o->strict_only });
	}
	while (!atomic_load_explicit(&run->stop, memory_order_relaxed) && (rc = trace_next(t, b, &e)) != 0) {
		if (rc < 0) {
			pthread_mutex_lock(&run->lock);
			if (run->failure.code == ERR_NONE)
				run->failure = e;
			pthread_mutex_unlock(&run->lock);
			break;
		}
		w->block = b;
		struct record_block block = { b->p, b->n, b->in_order, b->span, b->span_count };
		if (b->cut) {
			/* all but the torn last record */
			const char *nl = memrchr(b->p, '\n', b->n);
			block.n = nl ? (size_t)(nl + 1 - b->p) : 0;
		}
		if (csv) {
			if (!csv_reader_run(csv, &block, &sink)) {
				atomic_store(&run->torn, true);
				atomic_store(&run->stop, true);
			}
		} else {
			jsonl_reader_run(jsonl, &block, &sink);
		}
		if (b->cut) {
			err_set(&e, ERR_INVALID, "the line is longer than %d bytes", TRACE_RECORD_MAX);
			refuse(w, b->p + block.n, b->n - block.n, &e);
		}
	}
	csv_reader_close(csv);
	jsonl_reader_close(jsonl);
	free(field);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct run *run = w->run;
	struct trace_block block = { 0 };
	pin(w->index);
	for (w->file = 0; w->file < run->trace_count; w->file++)
		read_file(w, run->trace[w->file], &block);
	if (w->groups)
		flush(w);
	trace_block_release(&block);
	pthread_mutex_lock(&run->lock);
	atomic_fetch_sub(&run->running, 1);
	pthread_cond_signal(&run->done);
	pthread_mutex_unlock(&run->lock);
	return NULL;
}

struct sorted_group {
	uint64_t first; /* of the first dimension, so that most comparisons end here */
	const struct group *group;
};

struct replay_result {
	enum replay_dim dim[DIM_COUNT];
	size_t dim_count;
	struct sums total;
	struct groups *groups;
	struct sorted_group *sorted;
	size_t group_count;
	struct text *model, *window; /* by id - 1 */
	uint32_t model_count, window_count;
	uint32_t *model_rank, *window_rank;
	struct arena arena;
	struct reasons unpriced, uncredited;
	struct replay_refusal *refusal;
	size_t refusal_count;
	int64_t refused, outside, first_us, last_us, completion_known, hinging;
	struct money_total hinging_difference;
	const char *damage, *unused_columns;
};

static void worker_release(struct worker *w)
{
	tariffs_close(w->tariffs);
	groups_close(w->groups);
	free(w->total.rare);
	free(w->key);
	free(w->unpriced.reason);
	free(w->uncredited.reason);
	arena_release(&w->unpriced.arena);
	arena_release(&w->uncredited.arena);
	for (size_t i = 0; i < w->refusal_count; i++)
		free(w->refusal[i].message);
}

static void report_progress(struct run *run)
{
	const struct replay_options *o = run->o;
	int64_t done = 0, total = 0;
	for (size_t i = 0; i < run->trace_count; i++) {
		done += trace_progress(run->trace[i]);
		total += trace_size(run->trace[i]);
	}
	o->progress(o->progress_user, done, total);
}

/* Runs all workers over all files once. */
static int run_pass(struct run *run, struct worker *worker, int threads, bool in_order, struct err *e)
{
	const struct replay_options *o = run->o;
	atomic_store(&run->torn, false);
	atomic_store(&run->stop, false);
	run->failure.code = ERR_NONE;
	for (size_t i = 0; i < run->trace_count; i++) {
		int rc = trace_rewind(run->trace[i], in_order, e);
		if (rc != 0)
			return rc;
	}
	atomic_store(&run->running, threads);
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		*w = (struct worker){ .run = run, .index = i, .first_us = INT64_MAX, .last_us = INT64_MIN };
		if (run->pass == PASS_PRICE) {
			w->tariffs = tariffs_open(o->book, o->plan, o->currency);
			if (o->dim_count)
				w->groups = groups_open(run->seed);
		}
		CHECK(pthread_create(&w->thread, NULL, work, w) == 0);
	}
	pthread_mutex_lock(&run->lock);
	while (atomic_load(&run->running) > 0) {
		struct timespec ts;
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 100000000;
		ts.tv_sec += ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&run->done, &run->lock, &ts);
		if (o->progress && atomic_load(&run->running) > 0)
			report_progress(run);
	}
	pthread_mutex_unlock(&run->lock);
	for (int i = 0; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	return 0;
}

static int run_pass_or_in_order(struct run *run, struct worker *worker, int threads, struct err *e)
{
	int rc = run_pass(run, worker, threads, false, e);
	if (rc == 0 && atomic_load(&run->torn)) {
		/* a quoted field spans lines somewhere: only reading in order tells where records begin */
		for (int i = 0; i < threads; i++)
			worker_release(&worker[i]);
		rc = run_pass(run, worker, threads, true, e);
	}
	return rc;
}

static int refusal_order(const void *x, const void *y)
{
	const struct refusal *a = x, *b = y;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static void collect_refusals(struct replay_result *out, struct run *run, struct worker *worker, int threads)
{
	size_t n = 0;
	for (int i = 0; i < threads; i++)
		n += worker[i].refusal_count;
	struct refusal *all = mem_alloc((n + 1) * sizeof *all);
	n = 0;
	for (int i = 0; i < threads; i++) {
		for (size_t k = 0; k < worker[i].refusal_count; k++)
			all[n++] = worker[i].refusal[k];
		out->refused += worker[i].refused;
	}
	qsort(all, n, sizeof *all, refusal_order);
	out->refusal = arena_alloc(&out->arena, REPLAY_REFUSALS_SHOWN * sizeof *out->refusal);
	for (size_t i = 0; i < n && i < REPLAY_REFUSALS_SHOWN; i++) {
		struct trace *t = run->trace[all[i].file];
		out->refusal[out->refusal_count++] = (struct replay_refusal){
			arena_text(&out->arena, trace_path(t), strlen(trace_path(t))),
			all[i].line >= 0 ? all[i].line : trace_line_at(t, all[i].offset),
			arena_text(&out->arena, all[i].message, strlen(all[i].message)),
		};
	}
	free(all);
}

static int reason_order(const void *x, const void *y)
{
	const struct replay_reason *a = x, *b = y;
	if (a->records != b->records)
		return a->records > b->records ? -1 : 1;
	int c = text_cmp(a->model, b->model);
	return c ? c : strcmp(a->why, b->why);
}

static void collect_reasons(struct reasons *to, const struct reasons *from)
{
	for (size_t i = 0; i < from->count; i++)
		to->reason[reason_id(to, from->reason[i].model, from->reason[i].why) - 1].records += from->reason[i].records;
}

struct rank_item {
	struct text name;
	uint32_t id;
};

static int rank_order(const void *x, const void *y)
{
	return text_cmp(((const struct rank_item *)x)->name, ((const struct rank_item *)y)->name);
}

/* Order of the names by their text; id 0 (none) first. */
static uint32_t *ranks(const struct names *n)
{
	struct rank_item *item = mem_alloc((n->count + 1) * sizeof *item);
	uint32_t *rank = mem_zalloc((n->count + 1) * sizeof *rank);
	for (uint32_t i = 0; i < n->count; i++)
		item[i] = (struct rank_item){ n->name[i], i + 1 };
	qsort(item, n->count, sizeof *item, rank_order);
	for (uint32_t i = 0; i < n->count; i++)
		rank[item[i].id] = i + 1;
	free(item);
	return rank;
}

/* One dimension of an encoded key; moves *p. */
struct dim_value {
	struct text text;
	int64_t number; /* sorts the dimensions that are not text */
	int32_t offset_s;
};

static struct dim_value next_value(const struct replay_result *r, enum replay_dim d, const char **p)
{
	struct dim_value v = { 0 };
	uint32_t id;
	int32_t small;
	uint16_t n;
	switch (d) {
	case DIM_MODEL:
	case DIM_WINDOW:
		memcpy(&id, *p, 4);
		*p += 4;
		v.number = d == DIM_MODEL ? r->model_rank[id] : r->window_rank[id];
		if (id)
			v.text = d == DIM_MODEL ? r->model[id - 1] : r->window[id - 1];
		break;
	case DIM_DAY:
	case DIM_WEEK:
	case DIM_MONTH:
		memcpy(&small, *p, 4);
		*p += 4;
		v.number = small;
		break;
	case DIM_HOUR:
		memcpy(&v.number, *p, 8);
		memcpy(&v.offset_s, *p + 8, 4);
		*p += 12;
		break;
	default:
		memcpy(&n, *p, 2);
		v.text = (struct text){ *p + 2, n };
		*p += 2 + n;
	}
	return v;
}

static bool is_text_dim(enum replay_dim d)
{
	return dim_field(d) != FIELD_NONE;
}

static _Thread_local const struct replay_result *sorting;

static int group_order(const void *x, const void *y)
{
	const struct sorted_group *a = x, *b = y;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	const char *p = a->group->key, *q = b->group->key;
	for (size_t i = 0; i < sorting->dim_count; i++) {
		struct dim_value v = next_value(sorting, sorting->dim[i], &p), u = next_value(sorting, sorting->dim[i], &q);
		if (is_text_dim(sorting->dim[i])) {
			int c = text_cmp(v.text, u.text);
			if (c)
				return c;
		} else if (v.number != u.number) {
			return v.number < u.number ? -1 : 1;
		}
	}
	return 0;
}

/* Bytes that all texts of the first dimension begin with. */
static size_t common_prefix(const struct replay_result *r)
{
	struct text first = { 0 };
	size_t same = 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = r->sorted[i].group->key;
		struct text t = next_value(r, r->dim[0], &p).text;
		if (t.n == 0)
			continue;
		if (!first.p) {
			first = t;
			same = t.n;
		}
		size_t k = 0;
		while (k < same && k < t.n && t.p[k] == first.p[k])
			k++;
		same = k;
	}
	return same;
}

struct sort_job {
	const struct replay_result *r;
	struct sorted_group *from;
	size_t n;
};

static void *sort_part(void *arg)
{
	struct sort_job *job = arg;
	sorting = job->r;
	qsort(job->from, job->n, sizeof *job->from, group_order);
	return NULL;
}

static void sort_groups(struct replay_result *r, int threads)
{
	struct group **list = groups_list(r->groups);
	r->group_count = groups_count(r->groups);
	r->sorted = mem_alloc((r->group_count + 1) * sizeof *r->sorted);
	for (size_t i = 0; i < r->group_count; i++)
		r->sorted[i].group = list[i];
	free(list);
	bool text = is_text_dim(r->dim[0]);
	size_t skip = text ? common_prefix(r) : 0;
	for (size_t i = 0; i < r->group_count; i++) {
		const char *p = r->sorted[i].group->key;
		struct dim_value v = next_value(r, r->dim[0], &p);
		uint64_t first = (uint64_t)v.number ^ (uint64_t)1 << 63;
		if (text) {
			first = 0;
			for (size_t k = 0; k < 8; k++)
				first = first << 8 | (skip + k < v.text.n ? (unsigned char)v.text.p[skip + k] : 0);
		}
		r->sorted[i].first = first;
	}
	size_t half = r->group_count / 2;
	struct sort_job a = { r, r->sorted, half }, b = { r, r->sorted + half, r->group_count - half };
	pthread_t helper;
	if (threads < 2 || r->group_count < 10000 || pthread_create(&helper, NULL, sort_part, &a) != 0) {
		sort_part(&(struct sort_job){ r, r->sorted, r->group_count });
		return;
	}
	sort_part(&b);
	pthread_join(helper, NULL);
	struct sorted_group *merged = mem_alloc((r->group_count + 1) * sizeof *merged);
	size_t i = 0, k = half, n = 0;
	while (i < half || k < r->group_count)
		merged[n++] = k == r->group_count || (i < half && group_order(&r->sorted[i], &r->sorted[k]) <= 0) ? r->sorted[i++] :
													   r->sorted[k++];
	free(r->sorted);
	r->sorted = merged;
}

static int collect(struct replay_result *out, struct run *run, struct worker *worker, int threads, struct err *e)
{
	const struct replay_options *o = run->o;
	bool fits = true;
	out->first_us = INT64_MAX;
	out->last_us = INT64_MIN;
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		fits &= !w->overflow && sums_add(&out->total, &w->total) &&
			money_total_add(&out->hinging_difference, w->hinging_difference);
		if (i == 0) {
			out->groups = w->groups;
			w->groups = NULL;
		} else if (w->groups) {
			fits &= groups_merge(out->groups, w->groups);
			groups_close(w->groups);
			w->groups = NULL;
		}
		collect_reasons(&out->unpriced, &w->unpriced);
		collect_reasons(&out->uncredited, &w->uncredited);
		out->outside += w->outside;
		out->completion_known += w->completion_known;
		out->hinging += w->hinging;
		out->first_us = w->first_us < out->first_us ? w->first_us : out->first_us;
		out->last_us = w->last_us > out->last_us ? w->last_us : out->last_us;
	}
	out->model = run->models.name;
	out->window = run->windows.name;
	out->model_count = run->models.count;
	out->window_count = run->windows.count;
	out->model_rank = ranks(&run->models);
	out->window_rank = ranks(&run->windows);
	memcpy(out->dim, o->dim, sizeof out->dim);
	out->dim_count = o->dim_count;
	if (out->groups) {
		sort_groups(out, threads);
		for (size_t i = 0; i < out->group_count; i++)
			fits &= sums_add(&out->total, &out->sorted[i].group->sums);
	}
	if (!fits)
		return err_set(e, ERR_RANGE, "the records add up to more than a total can hold");
	qsort(out->unpriced.reason, out->unpriced.count, sizeof *out->unpriced.reason, reason_order);
	qsort(out->uncredited.reason, out->uncredited.count, sizeof *out->uncredited.reason, reason_order);
	collect_refusals(out, run, worker, threads);
	if (run->failure.code != ERR_NONE) {
		out->damage = arena_text(&out->arena, run->failure.message, strlen(run->failure.message));
		out->refused++;
	}
	return 0;
}

static void note_unused_columns(struct replay_result *out, const struct run *run)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < run->trace_count; i++) {
		const struct trace *t = run->trace[i];
		for (size_t k = 0; trace_shape(t)->column == NULL && k < trace_columns(t); k++)
			if (trace_column_field(t, k) == FIELD_NONE && b.n < 300)
				buf_printf(&b, "%s%s", b.n ? ", " : "", trace_column_name(t, k));
		if (b.n) /* files of one kind share their header */
			break;
	}
	if (b.n)
		out->unused_columns = arena_text(&out->arena, b.p, b.n);
	buf_release(&b);
}

/* Opens every file and checks that its instants can be told, before any work. */
static int open_traces(struct run *run, bool *absolute, struct err *e)
{
	const struct replay_options *o = run->o;
	struct trace_options to = { o->format, o->map, o->map_count, false };
	run->trace = mem_zalloc((o->path_count + 1) * sizeof *run->trace);
	to.spool = o->has_at;
	for (size_t i = 0; i < o->path_count; i++) {
		int rc = trace_open(&run->trace[i], o->path[i], &to, e);
		if (rc != 0)
			return rc;
		run->trace_count++;
		const struct trace *t = run->trace[i];
		const struct shape *s = trace_shape(t);
		*absolute |= s->time == TIME_INSTANT && trace_may_have(t, FIELD_TIME);
		run->by_conversation |= s->container == CONTAINER_JSONL && s->column && strcmp(s->name, "bailian") == 0;
		if (o->has_at)
			continue;
		if (s->time != TIME_INSTANT)
			return err_set(e, ERR_USAGE,
				       "%s: the times of a %s trace count from its start; say when that was with --at, for example --at 2026-06-15",
				       o->path[i], s->name);
		if (!trace_may_have(t, FIELD_TIME))
			return err_set(e, ERR_USAGE,
				       "%s: the trace has no instants, and a price without a date is not a price; give one with --at, for example --at 2026-06-15, or name the column with --map time=COLUMN",
				       o->path[i]);
	}
	return 0;
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < run->trace_count; i++)
		trace_close(run->trace[i]);
	free(run->trace);
	conversations_close(run->conversations);
	pthread_mutex_destroy(&run->lock);
	pthread_cond_destroy(&run->done);
	pthread_mutex_destroy(&run->models.lock);
	pthread_mutex_destroy(&run->windows.lock);
}

static int replay_passes(struct replay_result *out, struct run *run, struct worker *worker, int threads, bool absolute,
			 struct err *e)
{
	const struct replay_options *o = run->o;
	int rc = 0;
	bool by_task = false;
	for (size_t i = 0; i < o->dim_count; i++)
		by_task |= o->dim[i] == DIM_TASK;
	run->by_conversation &= by_task;
	if (o->has_at && absolute) {
		int64_t first_us = INT64_MAX;
		run->pass = PASS_FIRST_INSTANT;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++) {
			first_us = worker[i].first_us < first_us ? worker[i].first_us : first_us;
			worker_release(&worker[i]);
		}
		run->shift_us = first_us == INT64_MAX ? 0 : o->at.us - first_us;
	} else if (o->has_at) {
		run->shift_us = o->at.us;
	}
	if (rc == 0 && run->by_conversation) {
		run->conversations = conversations_open();
		run->pass = PASS_CONVERSATIONS;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++)
			worker_release(&worker[i]);
	}
	if (rc != 0)
		return rc;
	run->pass = PASS_PRICE;
	rc = run_pass_or_in_order(run, worker, threads, e);
	if (rc != 0)
		return rc;
	int64_t without_time = 0, accepted = 0;
	for (int i = 0; i < threads; i++) {
		without_time += worker[i].without_time;
		accepted += worker[i].accepted + worker[i].outside;
	}
	if (without_time && !accepted)
		rc = err_set(e, ERR_USAGE,
			     "%s: the trace has no instants, and a price without a date is not a price; give one with --at, for example --at 2026-06-15",
			     o->path[0]);
	if (rc == 0)
		rc = collect(out, run, worker, threads, e);
	for (int i = 0; i < threads; i++)
		worker_release(&worker[i]);
	return rc;
}

int replay_run(struct replay_result **out, const struct replay_options *o, struct err *e)
{
	struct run run = { .o = o };
	bool absolute = false;
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.done, NULL);
	pthread_mutex_init(&run.models.lock, NULL);
	pthread_mutex_init(&run.windows.lock, NULL);
	int rc = open_traces(&run, &absolute, e);
	if (rc == 0 && getrandom(run.seed, sizeof run.seed, 0) != sizeof run.seed)
		rc = err_set(e, ERR_SYSTEM, "the system gives no random bytes");
	struct replay_result *r = mem_zalloc(sizeof *r);
	if (rc == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		int threads = o->threads > 0 ? o->threads : cores > 0 ? (int)cores : 1;
		threads = threads > THREADS_MAX ? THREADS_MAX : threads;
		struct worker *worker = mem_zalloc((size_t)threads * sizeof *worker);
		rc = replay_passes(r, &run, worker, threads, absolute, e);
		free(worker);
	}
	note_unused_columns(r, &run);
	if (rc != 0) {
		free(run.models.name);
		free(run.windows.name);
	}
	/* the labels of the result live on in its arena's stead */
	struct text *lists[] = { r->model, r->window };
	const uint32_t counts[] = { r->model_count, r->window_count };
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; i < counts[k]; i++)
			lists[k][i].p = arena_text(&r->arena, lists[k][i].p, lists[k][i].n);
	arena_release(&run.models.arena);
	arena_release(&run.windows.arena);
	run_release(&run);
	if (rc != 0) {
		r->model = r->window = NULL;
		replay_result_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void replay_result_close(struct replay_result *r)
{
	if (!r)
		return;
	groups_close(r->groups);
	free(r->sorted);
	free(r->model);
	free(r->window);
	free(r->model_rank);
	free(r->window_rank);
	free(r->total.rare);
	free(r->unpriced.reason);
	free(r->uncredited.reason);
	arena_release(&r->unpriced.arena);
	arena_release(&r->uncredited.arena);
	arena_release(&r->arena);
	free(r);
}

const struct sums *replay_total(const struct replay_result *r)
{
	return &r->total;
}

size_t replay_group_count(const struct replay_result *r)
{
	return r->group_count;
}

const struct sums *replay_group_sums(const struct replay_result *r, size_t i)
{
	return &r->sorted[i].group->sums;
}

struct text replay_group_label(const struct replay_result *r, size_t i, size_t d, char buf[INSTANT_TEXT_MAX])
{
	const char *p = r->sorted[i].group->key;
	struct dim_value v = { 0 };
	for (size_t k = 0; k <= d; k++)
		v = next_value(r, r->dim[k], &p);
	struct civil c;
	int n;
	switch (r->dim[d]) {
	case DIM_DAY:
		c = civil_from_day(v.number);
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d-%02d", c.year, c.month, c.day);
		break;
	case DIM_WEEK: { /* ISO 8601: the week belongs to the year of its Thursday */
		int year = civil_from_day(v.number + 3).year;
		int64_t jan1 = civil_to_day((struct civil){ year, 1, 1 });
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-W%02d", year, (int)((v.number + 3 - jan1) / 7 + 1));
		break;
	}
	case DIM_MONTH:
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d", (int)(v.number / 12), (int)(v.number % 12 + 1));
		break;
	case DIM_HOUR: {
		int64_t us = v.number + v.offset_s * US_PER_SECOND;
		int64_t day = floor_div(us, US_PER_DAY);
		int minute = v.offset_s / 60, size = minute < 0 ? -minute : minute;
		c = civil_from_day(day);
		n = snprintf(buf, INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:00", c.year, c.month, c.day,
			     (int)((us - day * US_PER_DAY) / US_PER_HOUR));
		n += minute ? snprintf(buf + n, (size_t)(INSTANT_TEXT_MAX - n), "%c%02d:%02d", minute < 0 ? '-' : '+', size / 60,
				       size % 60) :
			      snprintf(buf + n, (size_t)(INSTANT_TEXT_MAX - n), "Z");
		break;
	}
	default:
		return v.text.n ? v.text : (struct text){ 0 };
	}
	return (struct text){ buf, (size_t)n };
}

size_t replay_unpriced_count(const struct replay_result *r)
{
	return r->unpriced.count;
}
const struct replay_reason *replay_unpriced(const struct replay_result *r, size_t i)
{
	return &r->unpriced.reason[i];
}
size_t replay_uncredited_count(const struct replay_result *r)
{
	return r->uncredited.count;
}
const struct replay_reason *replay_uncredited(const struct replay_result *r, size_t i)
{
	return &r->uncredited.reason[i];
}
int64_t replay_refused(const struct replay_result *r)
{
	return r->refused;
}
size_t replay_refusal_count(const struct replay_result *r)
{
	return r->refusal_count;
}
const struct replay_refusal *replay_refusal(const struct replay_result *r, size_t i)
{
	return &r->refusal[i];
}
const char *replay_damage(const struct replay_result *r)
{
	return r->damage;
}
int64_t replay_outside(const struct replay_result *r)
{
	return r->outside;
}

bool replay_span(const struct replay_result *r, struct instant *first, struct instant *last)
{
	first->us = r->first_us;
	last->us = r->last_us;
	return r->first_us <= r->last_us;
}

void replay_boundary(const struct replay_result *r, int64_t *known, int64_t *hinging, struct money_total *difference)
{
	*known = r->completion_known;
	*hinging = r->hinging;
	*difference = r->hinging_difference;
}

const char *replay_unused_columns(const struct replay_result *r)
{
	return r->unused_columns;
}
