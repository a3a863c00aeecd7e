/* The replay of a trace that names the blocks of its prompts, through a cache; and of sessions
 * whose calls say how long they waited, with a cache or without. */
#include <stdlib.h>
#include <string.h>

#include "sim/model_cache.h"
#include "sim/replay_run.h"
#include "sim/workload_read.h"

/* What the caches found of the calls, and what they leave of each prompt. */
struct replayed {
	struct tariffs *tariffs;
	struct model_caches caches;
	uint32_t *cache; /* by call */
	int64_t *hit, *token_hours;
};

/* The cache of call i, as it is then. */
static const struct model_cache *cache_of(const struct replayed *p, const struct workload *w,
					  size_t i)
{
	return model_cache_at(&p->caches.cache[p->cache[i]], w->call[i].time_us);
}

/* Under --remodel all calls are of one model. */
static const struct tariff_answer *answer_of(const struct replayed *p,
					     const struct replay_options *o,
					     const struct workload *w, size_t i,
					     struct subject **of)
{
	struct work_subject s = w->subject[w->call[i].subject];
	if (o->remodel)
		s = (struct work_subject){ .model = text_of(o->remodel),
					   .provider = text_of(o->provider ? o->provider : "") };
	*of = tariffs_subject(p->tariffs, s.provider, s.model, s.service_tier, s.region);
	return tariffs_ask(p->tariffs, *of, w->call[i].time_us);
}

static int find_hits(struct replayed *p, const struct replay_options *o, const struct workload *w,
		     struct err *e)
{
	struct cache_rules rules = o->cache;
	struct cache_result sums;
	struct subject *s;
	rules.scope = cache_scope_by_model(rules.scope);
	p->caches = (struct model_caches){ .book = o->book, .asked = rules };
	p->tariffs = tariffs_open(o->book, NULL, o->currency);
	p->cache = mem_zalloc((w->count + 1) * sizeof *p->cache);
	p->hit = mem_alloc((w->count + 1) * sizeof *p->hit);
	p->token_hours = mem_alloc((w->count + 1) * sizeof *p->token_hours);
	for (size_t i = 0; i < w->count; i++) {
		const struct tariff_answer *a = answer_of(p, o, w, i, &s);
		p->cache[i] = model_caches_number(&p->caches, s, a, false);
	}
	const struct cache_rules **each = mem_alloc((w->count + 1) * sizeof *each);
	for (size_t i = 0; i < w->count; i++)
		each[i] = &cache_of(p, w, i)->rules;
	const struct each_request per = { each, p->cache, p->hit, p->token_hours };
	int rc = prefix_cache_run_each(w->blocks, &rules, &per, &sums, e);
	free(each);
	return rc;
}

static void release(struct replayed *p)
{
	model_caches_release(&p->caches);
	if (p->tariffs)
		tariffs_close(p->tariffs);
	free(p->cache);
	free(p->hit);
	free(p->token_hours);
}

/* The buckets of call i. */
static void split(const struct replayed *p, const struct replay_options *o,
		  const struct workload *w, size_t i, int64_t tokens[BUCKET_COUNT])
{
	struct subject *s;
	memset(tokens, 0, BUCKET_COUNT * sizeof *tokens);
	memcpy(tokens, w->call[i].tokens, sizeof w->call[i].tokens);
	if (!o->has_cache)
		return;
	const struct model_cache *m = cache_of(p, w, i);
	model_cache_split(m, answer_of(p, o, w, i, &s), false,
			  prefix_cache_reach(w->blocks, &m->rules, &w->blocks->request[i]),
			  p->hit[i], tokens);
}

static void fill(struct record_batch *b, const struct workload *w, const struct replayed *p,
		 const struct replay_options *o, size_t from)
{
	static const enum record_field columns[] = {
		FIELD_TIME,
		FIELD_PROVIDER,
		FIELD_MODEL,
		FIELD_TASK,
		FIELD_SESSION,
		FIELD_CUSTOMER,
		(enum record_field)(FIELD_COUNTS + BUCKET_INPUT),
		(enum record_field)(FIELD_COUNTS + BUCKET_CACHE_READ),
		(enum record_field)(FIELD_COUNTS + BUCKET_CACHE_WRITE_5M),
		(enum record_field)(FIELD_COUNTS + BUCKET_CACHE_WRITE_1H),
		(enum record_field)(FIELD_COUNTS + BUCKET_OUTPUT),
	};
	b->columns = 0;
	b->has_units = false;
	for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
		b->columns |= (uint64_t)1 << columns[k];
	for (size_t i = 0; i < b->n; i++) {
		const struct work_call *c = &w->call[from + i];
		const struct work_subject *s = &w->subject[c->subject];
		const char *conversation = w->conversation_name[c->conversation];
		b->time_us[i] = c->time_us;
		int64_t tokens[BUCKET_COUNT];
		split(p, o, w, from + i, tokens);
		for (int k = 0; k <= BUCKET_OUTPUT; k++)
			b->tokens[k][i] = tokens[k];
		if (o->has_cache) {
			b->unit[i] = (struct batch_unit){ cache_of(p, w, from + i)->rules.storage,
							  p->token_hours[from + i] };
			b->has_units |= p->token_hours[from + i] != 0;
		}
		b->text[FIELD_PROVIDER][i] = s->provider;
		b->text[FIELD_MODEL][i] = s->model;
		b->text[FIELD_SESSION][i] = text_of(conversation ? conversation : "");
		b->text[FIELD_TASK][i] =
			w->blocks ? b->text[FIELD_SESSION][i] : (struct text){ "", 0 };
		b->text[FIELD_CUSTOMER][i] = text_of(c->customer ? w->name[c->customer] : "");
	}
}

static void refuse(void *user, const char *path, int64_t line, const char *why)
{
	struct worker *w = user;
	(void)path;
	w->refused++;
	if (*why && w->refusal_count < REFUSALS_KEPT)
		w->refusal[w->refusal_count++] = (struct refusal){ 0, -1, line, mem_text(why) };
}

int replay_blocks(struct replay_result **out, struct run *run, struct worker *w, struct err *e)
{
	const struct replay_options *o = run->o;
	const struct workload_options read = { .path = o->path,
					       .path_count = o->path_count,
					       .format = o->format,
					       .map = o->map,
					       .map_count = o->map_count,
					       .model = o->model,
					       .provider = o->provider,
					       .has_at = o->has_at,
					       .at = o->at,
					       .since = INSTANT_MIN,
					       .until = INSTANT_MAX,
					       .block_tokens = o->block_tokens,
					       .refused = refuse,
					       .refused_user = w };
	struct workload *workload;
	run->pass = PASS_PRICE;
	run->layout = (struct group_layout){ .bucket = { BUCKET_INPUT, BUCKET_CACHE_READ,
							 BUCKET_CACHE_WRITE_5M,
							 BUCKET_CACHE_WRITE_1H, BUCKET_OUTPUT },
					     .bucket_count = 5,
					     .credits = o->plan != NULL };
	replay_start_worker(run, w, 0);
	int rc = workload_read(&workload, &read, e);
	if (rc != 0) {
		replay_worker_release(w);
		return rc;
	}
	struct replayed played = { 0 };
	doubts_append(&run->doubts, &workload->doubts);
	if (o->has_cache && !workload->blocks)
		rc = err_set(e, ERR_USAGE,
			     WORKLOAD_HAS_NO_BLOCKS
			     "; without " ASKED("cache") " its recorded hits count",
			     workload->shape);
	if (rc == 0 && o->has_cache)
		rc = find_hits(&played, o, workload, e);
	if (rc == 0) {
		struct record_batch *b = mem_zalloc(sizeof *b);
		for (size_t from = 0; from < workload->count; from += BATCH_ROWS) {
			b->n = workload->count - from;
			b->n = b->n < BATCH_ROWS ? b->n : BATCH_ROWS;
			fill(b, workload, &played, o, from);
			replay_accept(w, b);
		}
		replay_settle(w);
		rc = replay_collect(out, run, w, 1, e);
		free(b);
	}
	replay_worker_release(w);
	release(&played);
	workload_close(workload);
	return rc;
}
