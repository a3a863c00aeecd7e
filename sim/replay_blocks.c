/* The replay of a trace that names the blocks of its prompts, through a cache. */
#include <stdlib.h>

#include "sim/replay_run.h"
#include "sim/workload.h"

/* The hits of each call. Under --remodel all calls are of one model. */
static int find_hits(const struct replay_options *o, const struct workload *w, int64_t *hit,
		     struct err *e)
{
	struct cache_rules rules = o->cache;
	struct cache_result sums;
	uint32_t *model = mem_zalloc((w->count + 1) * sizeof *model);
	rules.scope = cache_scope_by_model(rules.scope);
	for (size_t i = 0; i < w->count && !o->remodel; i++)
		model[i] = w->call[i].subject;
	int rc = prefix_cache_run(w->blocks, &rules, model, hit, &sums, e);
	free(model);
	return rc;
}

static void fill(struct record_batch *b, const struct workload *w, const int64_t *hit, size_t from)
{
	static const enum record_field columns[] = {
		FIELD_TIME,
		FIELD_PROVIDER,
		FIELD_MODEL,
		FIELD_TASK,
		FIELD_SESSION,
		(enum record_field)(FIELD_COUNTS + BUCKET_INPUT),
		(enum record_field)(FIELD_COUNTS + BUCKET_CACHE_READ),
		(enum record_field)(FIELD_COUNTS + BUCKET_OUTPUT),
	};
	b->columns = 0;
	for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
		b->columns |= (uint64_t)1 << columns[k];
	for (size_t i = 0; i < b->n; i++) {
		const struct work_call *c = &w->call[from + i];
		const struct work_subject *s = &w->subject[c->subject];
		const char *conversation = w->conversation_name[c->conversation];
		b->time_us[i] = c->time_us;
		b->tokens[BUCKET_INPUT][i] = c->tokens[BUCKET_INPUT] - hit[from + i];
		b->tokens[BUCKET_CACHE_READ][i] = hit[from + i];
		b->tokens[BUCKET_OUTPUT][i] = c->tokens[BUCKET_OUTPUT];
		b->text[FIELD_PROVIDER][i] = s->provider;
		b->text[FIELD_MODEL][i] = s->model;
		b->text[FIELD_TASK][i] = b->text[FIELD_SESSION][i] =
			text_of(conversation ? conversation : "");
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
	run->group_by_answer = replay_groups_by_answer(o);
	run->layout =
		(struct group_layout){ .bucket = { BUCKET_INPUT, BUCKET_CACHE_READ, BUCKET_OUTPUT },
				       .bucket_count = 3,
				       .credits = o->plan != NULL };
	replay_start_worker(run, w, 0);
	int rc = workload_read(&workload, &read, e);
	if (rc != 0) {
		replay_worker_release(w);
		return rc;
	}
	int64_t *hit = mem_alloc((workload->count + 1) * sizeof *hit);
	if (!workload->blocks)
		rc = err_set(e, ERR_USAGE,
			     WORKLOAD_HAS_NO_BLOCKS "; without --cache its recorded hits count",
			     workload->shape);
	if (rc == 0)
		rc = find_hits(o, workload, hit, e);
	if (rc == 0) {
		struct record_batch *b = mem_zalloc(sizeof *b);
		w->block = &(struct trace_block){ .offset = -1, .line = -1 };
		for (size_t from = 0; from < workload->count; from += BATCH_ROWS) {
			b->n = workload->count - from;
			b->n = b->n < BATCH_ROWS ? b->n : BATCH_ROWS;
			fill(b, workload, hit, from);
			replay_accept(w, b);
		}
		w->block = NULL;
		replay_settle(w);
		rc = replay_collect(out, run, w, 1, e);
		free(b);
	}
	replay_worker_release(w);
	free(hit);
	workload_close(workload);
	return rc;
}
