#include "meter/read/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>

enum { AHEAD_MOST = 16, THREADS_MOST = 64 };

enum state { WAITING, AT_WORK, DONE };

struct slot {
	struct parsed_file file;
	enum state state;
};

struct read_ahead {
	const char *const *path;
	const bool *found;
	struct slot *slot;
	size_t count, next, wanted; /* the next to parse; the one that the caller is at */
	struct reading how;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread[THREADS_MOST];
	int threads;
};

static void take(void *user, const struct metered *m)
{
	struct parsed_file *f = user;
	assembly_add(f->calls, m);
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct parsed_file *f = user;
	if ((f->refused_count & (f->refused_count - 1)) == 0)
		f->refused = mem_grow(f->refused, (f->refused_count ? f->refused_count * 2 : 1) *
							  sizeof *f->refused);
	f->refused[f->refused_count++] = (struct refused_line){
		.line = line,
		.raw = { arena_text(&f->arena, raw.n ? raw.p : "", raw.n), raw.n },
		.why = arena_text(&f->arena, why->message, strlen(why->message))
	};
}

/* A file of a directory that cannot be read, that is not understood, or that is no log at all. */
static void judge(struct parsed_file *f, bool found)
{
	if (found && f->failure.code != ERR_NONE) {
		f->not_read = arena_printf(&f->arena, "%s", f->failure.message);
		f->failure.code = ERR_NONE;
		return;
	}
	if (f->failure.code != ERR_NONE || assembly_count(f->calls) > 0)
		return;
	/* of what is known by its tables or header, each refusal counts */
	if (source_is_known(f->path))
		return;
	/* what is refused in a form that is known is no file of another kind */
	if (f->added_up || (found && (int64_t)f->refused_count > f->unclaimed))
		return;
	if (f->asked && !f->refused_count) {
		if (!found)
			f->not_read = "it holds requests of a batch, which bill nothing: name the "
				      "file of its results";
		return;
	}
	bool counts = source_counts_tokens(f->path, f->refused_count > 0);
	const char *what = "it counts tokens, but holds no known kind of usage record";
	if (counts && found && f->refused_count)
		f->not_read = arena_printf(&f->arena, "%s (line %lld: %s)", what,
					   (long long)f->refused[0].line, f->refused[0].why);
	else if (counts && !f->refused_count)
		f->not_read = what;
	if (found)
		f->refused_count = 0; /* settings and the like are nothing to complain about */
}

void parsed_file_read(struct parsed_file *f, const char *path, bool found,
		      const struct reading *how)
{
	struct payload_reader *r = payload_open(&(struct payload_sink){ f, take, refuse });
	f->path = path;
	f->calls = assembly_open(how->every);
	payload_set_path(r, path);
	payload_set_map(r, how->map, how->map_count);
	const char *missing = source_read_path(path, r, &f->bytes, &f->failure) == 0
				      ? payload_map_missing(r)
				      : NULL;
	if (missing)
		err_set(&f->failure, ERR_INVALID,
			"%s: none of its calls has the member '%s' that " ASKED("map") " names",
			path, missing);
	f->passed_over = payload_passed_over(r);
	f->asked = payload_asked(r);
	f->added_up = payload_added_up(r);
	f->unclaimed = payload_unclaimed(r);
	doubts_append(&f->doubts, payload_doubts(r));
	payload_close(r);
	judge(f, found);
}

void parsed_file_release(struct parsed_file *f)
{
	doubts_release(&f->doubts);
	assembly_close(f->calls);
	free(f->refused);
	arena_release(&f->arena);
	*f = (struct parsed_file){ 0 };
}

/* Under the lock: parses the next file, if one may be. */
static bool parse_next(struct read_ahead *r)
{
	if (r->stop || r->next == r->count || r->next >= r->wanted + AHEAD_MOST)
		return false;
	size_t i = r->next++;
	r->slot[i].state = AT_WORK;
	pthread_mutex_unlock(&r->lock);
	parsed_file_read(&r->slot[i].file, r->path[i], r->found[i], &r->how);
	pthread_mutex_lock(&r->lock);
	r->slot[i].state = DONE;
	pthread_cond_broadcast(&r->changed);
	return true;
}

static void *work(void *arg)
{
	struct read_ahead *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!r->stop && r->next < r->count)
		if (!parse_next(r))
			pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct read_ahead *read_ahead_open(const char *const *path, const bool *found, size_t count,
				   const struct reading *how, int threads)
{
	struct read_ahead *r = mem_zalloc(sizeof *r);
	r->path = path;
	r->found = found;
	r->count = count;
	r->how = *how;
	r->slot = mem_zalloc((count + 1) * sizeof *r->slot);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	while (r->threads < threads - 1 && r->threads < THREADS_MOST &&
	       (size_t)r->threads + 1 < count &&
	       pthread_create(&r->thread[r->threads], NULL, work, r) == 0)
		r->threads++;
	return r;
}

void read_ahead_close(struct read_ahead *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	for (int i = 0; i < r->threads; i++)
		pthread_join(r->thread[i], NULL);
	for (size_t i = 0; i < r->count; i++)
		parsed_file_release(&r->slot[i].file);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r->slot);
	free(r);
}

struct parsed_file *read_ahead_file(struct read_ahead *r, size_t i)
{
	CHECK(i < r->count);
	pthread_mutex_lock(&r->lock);
	if (i > 0)
		parsed_file_release(&r->slot[i - 1].file);
	r->wanted = i;
	pthread_cond_broadcast(&r->changed);
	while (r->slot[i].state != DONE)
		/* this thread parses, too: this file or, while another is at it, the next */
		if (!parse_next(r))
			pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return &r->slot[i].file;
}
