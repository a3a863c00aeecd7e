#include "sim/call_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One file: what one thread read of it. */
struct log_file {
	const char *path;
	struct assembly *calls;
	struct arena arena;
	struct call_refusal *refusal;
	size_t refusal_count;
	struct err failure;
};

struct call_log {
	struct path_list paths;
	struct log_file *file;
	struct assembly *calls;
	const char **path; /* of each call */
	struct call_refusal *refusal;
	size_t refusal_count;
	struct arena arena;
	atomic_size_t next;
};

bool call_log_wanted(const char *path, const char *format)
{
	if (format && (strcmp(format, "claude") == 0 || strcmp(format, "codex") == 0 ||
		       strcmp(format, "payload") == 0))
		return true;
	if (format && strcmp(format, "auto") != 0)
		return false;
	return path_is_directory(path) || source_is_payload(path);
}

static void take(void *user, const struct metered *m)
{
	struct log_file *f = user;
	assembly_add(f->calls, m);
}

static void add_refusal(struct arena *arena, struct call_refusal **list, size_t *count,
			struct call_refusal r)
{
	if ((*count & (*count - 1)) == 0)
		*list = mem_grow(*list, (*count ? *count * 2 : 1) * sizeof **list);
	r.message = arena_text(arena, r.message, strlen(r.message));
	(*list)[(*count)++] = r;
}

static void refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct log_file *f = user;
	(void)raw;
	add_refusal(&f->arena, &f->refusal, &f->refusal_count,
		    (struct call_refusal){ f->path, line, why->message });
}

static void *work(void *arg)
{
	struct call_log *l = arg;
	size_t i;
	while ((i = atomic_fetch_add(&l->next, 1)) < l->paths.count) {
		struct log_file *f = &l->file[i];
		struct source *s;
		f->path = l->paths.path[i];
		f->calls = assembly_open(true);
		if (source_open(&s, f->path, &f->failure) != 0)
			continue;
		struct payload_reader *r = payload_open(&(struct payload_sink){ f, take, refuse });
		source_read(s, r, &f->failure);
		payload_close(r);
		source_close(s);
	}
	return NULL;
}

/* The files' calls, in their order, each once. */
static void collect(struct call_log *l)
{
	size_t room = 0;
	l->calls = assembly_open(true);
	for (size_t i = 0; i < l->paths.count; i++) {
		struct log_file *f = &l->file[i];
		for (size_t k = 0; k < f->refusal_count; k++)
			add_refusal(&l->arena, &l->refusal, &l->refusal_count, f->refusal[k]);
		for (size_t k = 0; k < assembly_count(f->calls); k++) {
			struct metered *m = assembly_call(f->calls, k);
			m->conflict = false;
			assembly_add(l->calls, m);
			if (assembly_count(l->calls) > room) {
				room = room ? room * 2 : 256;
				l->path = mem_grow(l->path, room * sizeof *l->path);
			}
			l->path[assembly_count(l->calls) - 1] = f->path;
		}
		assembly_close(f->calls);
		f->calls = NULL;
	}
	for (size_t i = 0; i < assembly_count(l->calls); i++) {
		const struct metered *m = assembly_call(l->calls, i);
		if (!m->conflict)
			continue;
		struct err e;
		err_set(&e, ERR_CONFLICT,
			"the id '%.100s' stands for other counts elsewhere; the first ones count",
			m->record.text[FIELD_ID].p);
		add_refusal(&l->arena, &l->refusal, &l->refusal_count,
			    (struct call_refusal){ l->path[i], m->line, e.message });
	}
}

int call_log_open(struct call_log **out, const char *const *path, size_t count, int threads,
		  struct err *e)
{
	enum { THREADS_MOST = 64 };
	struct call_log *l = mem_zalloc(sizeof *l);
	pthread_t helper[THREADS_MOST];
	int rc = 0, started = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = path_list_add(&l->paths, path[i], e);
	l->file = mem_zalloc((l->paths.count + 1) * sizeof *l->file);
	if (rc == 0) {
		while (started < threads - 1 && started < THREADS_MOST &&
		       (size_t)started + 1 < l->paths.count &&
		       pthread_create(&helper[started], NULL, work, l) == 0)
			started++;
		work(l);
		while (started > 0)
			pthread_join(helper[--started], NULL);
		/* a file that cannot be read is an error before any result */
		for (size_t i = 0; rc == 0 && i < l->paths.count; i++)
			if (l->file[i].failure.code != ERR_NONE) {
				*e = l->file[i].failure;
				rc = -(int)e->code;
			}
	}
	if (rc == 0)
		collect(l);
	if (rc != 0) {
		call_log_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void call_log_close(struct call_log *l)
{
	if (!l)
		return;
	for (size_t i = 0; l->file && i < l->paths.count; i++) {
		assembly_close(l->file[i].calls);
		arena_release(&l->file[i].arena);
		free(l->file[i].refusal);
	}
	free(l->file);
	assembly_close(l->calls);
	free(l->path);
	free(l->refusal);
	arena_release(&l->arena);
	path_list_release(&l->paths);
	free(l);
}

size_t call_log_count(const struct call_log *l)
{
	return assembly_count(l->calls);
}

const struct metered *call_log_call(const struct call_log *l, size_t i, const char **path)
{
	*path = l->path[i];
	return assembly_call(l->calls, i);
}

size_t call_log_refusal_count(const struct call_log *l)
{
	return l->refusal_count;
}

const struct call_refusal *call_log_refusal(const struct call_log *l, size_t i)
{
	return &l->refusal[i];
}
