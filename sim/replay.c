#include "sim/replay.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "sim/replay_run.h"

static void report_progress(struct run *run)
{
	const struct replay_options *o = run->o;
	int64_t done = 0, total = 0;
	for (size_t i = 0; i < run->in.traces; i++) {
		done += trace_progress(run->in.trace[i]);
		total += trace_size(run->in.trace[i]);
	}
	o->progress(o->progress_user, done, total);
}

/* Runs all workers over all files once. */
static int run_pass(struct run *run, struct worker *worker, int threads, bool in_order,
		    struct err *e)
{
	const struct replay_options *o = run->o;
	atomic_store(&run->torn, false);
	atomic_store(&run->stop, false);
	run->failure.code = ERR_NONE;
	for (size_t i = 0; i < run->in.traces; i++) {
		int rc = trace_rewind(run->in.trace[i], in_order, e);
		if (rc != 0)
			return rc;
	}
	atomic_store(&run->running, threads);
	for (int i = 0; i < threads; i++) {
		struct worker *w = &worker[i];
		replay_start_worker(run, w, i);
		CHECK(pthread_create(&w->thread, NULL, replay_work, w) == 0);
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
	/* what can be read only once must be read in order at once */
	bool in_order = false;
	for (size_t i = 0; i < run->in.traces; i++)
		in_order |= trace_is_pipe(run->in.trace[i]);
	int rc = run_pass(run, worker, threads, in_order, e);
	if (rc == 0 && atomic_load(&run->torn)) {
		/* a quoted field spans lines somewhere: only reading in order tells where records
		 * begin */
		for (int i = 0; i < threads; i++)
			replay_worker_release(&worker[i]);
		rc = run_pass(run, worker, threads, true, e);
	}
	return rc;
}

static void run_release(struct run *run)
{
	call_source_close(&run->in);
	conversations_close(run->conversations);
	doubts_release(&run->doubts);
	replay_names_release(&run->models);
	replay_names_release(&run->windows);
	pthread_mutex_destroy(&run->lock);
	pthread_cond_destroy(&run->done);
	pthread_mutex_destroy(&run->models.lock);
	pthread_mutex_destroy(&run->windows.lock);
}

/* The buckets that some file can fill. */
static struct group_layout layout_of(const struct run *run)
{
	struct group_layout l = { .credits = run->o->plan != NULL };
	for (int k = 0; run->in.log && k < BUCKET_COMMON; k++)
		l.bucket[l.bucket_count++] = (uint8_t)k;
	for (int k = 0; !run->in.log && k < BUCKET_COMMON; k++) {
		bool may = false;
		for (size_t i = 0; i < run->in.traces; i++)
			may |= trace_may_have(run->in.trace[i],
					      (enum record_field)(FIELD_COUNTS + k)) ||
			       (k == BUCKET_INPUT &&
				trace_may_have(run->in.trace[i], FIELD_PROMPT));
		if (may)
			l.bucket[l.bucket_count++] = (uint8_t)k;
	}
	return l;
}

static bool groups_by_answer(const struct replay_options *o)
{
	bool all = true;
	for (size_t i = 0; i < o->dim_count; i++)
		all &= o->dim[i] == BY_MODEL || o->dim[i] == BY_WINDOW;
	return all;
}

static int replay_calls(struct replay_result **out, struct run *run, struct worker *w,
			struct err *e)
{
	run->layout = layout_of(run);
	call_times_begin(&run->times, false, call_source_first_us(&run->in));
	run->pass = PASS_PRICE;
	replay_start_worker(run, w, 0);
	replay_work_calls(w);
	int rc = replay_collect(out, run, w, 1, e);
	replay_worker_release(w);
	return rc;
}

static int replay_passes(struct replay_result **out, struct run *run, struct worker *worker,
			 int threads, struct err *e)
{
	const struct replay_options *o = run->o;
	int rc = 0;
	bool by_task = false;
	for (size_t i = 0; i < o->dim_count; i++)
		by_task |= o->dim[i] == BY_TASK;
	for (size_t i = 0; i < run->in.traces; i++)
		run->by_conversation |= strcmp(trace_shape(run->in.trace[i])->name, "bailian") == 0;
	run->by_conversation &= by_task;
	run->layout = layout_of(run);
	int64_t first_us = INT64_MAX;
	if (o->has_at && !run->in.relative) {
		run->pass = PASS_FIRST_INSTANT;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++) {
			if (worker[i].span.first_us < first_us)
				first_us = worker[i].span.first_us;
			replay_worker_release(&worker[i]);
		}
	}
	call_times_begin(&run->times, run->in.relative, first_us);
	if (rc == 0 && run->by_conversation) {
		run->conversations = conversations_open();
		run->pass = PASS_CONVERSATIONS;
		rc = run_pass_or_in_order(run, worker, threads, e);
		for (int i = 0; rc == 0 && i < threads; i++)
			replay_worker_release(&worker[i]);
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
		rc = err_set(e, ERR_USAGE, TRACE_HAS_NO_INSTANTS, file_title(o->path[0]));
	if (rc == 0)
		rc = replay_collect(out, run, worker, threads, e);
	for (int i = 0; i < threads; i++)
		replay_worker_release(&worker[i]);
	return rc;
}

/* Whether calls say how long after the one before in their session they came: only the whole trace
 * in its order tells when that was. */
static bool calls_wait(const struct run *run)
{
	bool wait = false;
	for (size_t i = 0; i < run->in.traces; i++)
		wait |= strcmp(trace_shape(run->in.trace[i])->name, "sessions") == 0;
	return wait;
}

int replay_run(struct replay_result **out, const struct replay_options *o, struct err *e)
{
	struct run run = { .o = o, .times = { o->has_at, o->at, o->since, o->until, 0 } };
	pthread_mutex_init(&run.lock, NULL);
	pthread_cond_init(&run.done, NULL);
	pthread_mutex_init(&run.models.lock, NULL);
	pthread_mutex_init(&run.windows.lock, NULL);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int threads = o->threads > 0 ? o->threads : cores > 0 ? (int)cores : 1;
	threads = threads > THREADS_MAX ? THREADS_MAX : threads;
	const struct call_source_options in = { .path = o->path,
						.path_count = o->path_count,
						.format = o->format,
						.map = o->map,
						.map_count = o->map_count,
						.has_at = o->has_at,
						.spool = o->has_at,
						.threads = threads };
	int rc = o->has_cache ? 0 : call_source_open(&run.in, &in, e);
	if (rc == 0 && getrandom(run.seed, sizeof run.seed, 0) != sizeof run.seed)
		rc = err_set(e, ERR_SYSTEM, "could not read random bytes");
	run.group_by_answer = !run.in.log && groups_by_answer(o);
	if (rc == 0) {
		struct worker *worker = mem_zalloc((size_t)threads * sizeof *worker);
		rc = o->has_cache || calls_wait(&run) ? replay_blocks(out, &run, worker, e)
		     : run.in.packs		      ? replay_packs(out, &run, worker, threads, e)
		     : run.in.log		      ? replay_calls(out, &run, worker, e)
				  : replay_passes(out, &run, worker, threads, e);
		free(worker);
	}
	run_release(&run);
	return rc;
}
