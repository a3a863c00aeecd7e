#include "meter/ingest/quota_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "meter/read/places.h"
#include "meter/read/source.h"

enum { LOG_BYTES_MAX = 1 << 18, NEWEST = 12, TAIL = 1 << 18 };
/* The same reset is told with a jitter of seconds. */
#define SAME_RESET_US (300 * US_PER_SECOND)
#define KEEP_EVERY_US (60 * US_PER_SECOND)

/* false where there is no home. */
static bool log_path(struct buf *path)
{
	const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
	if (state && *state)
		buf_printf(path, "%s/tally/quota.jsonl", state);
	else if (home && *home)
		buf_printf(path, "%s/.local/state/tally/quota.jsonl", home);
	return path->n > 0;
}

static void each_line(struct text all, void (*take)(struct quota_list *l, struct text line),
		      struct quota_list *l)
{
	while (all.n) {
		const char *nl = memchr(all.p, '\n', all.n);
		const size_t n = nl ? (size_t)(nl - all.p) : all.n;
		take(l, (struct text){ all.p, n });
		all = (struct text){ all.p + n + (nl != NULL), all.n - n - (nl != NULL) };
	}
}

static void take_kept(struct quota_list *l, struct text line)
{
	struct quota q;
	if (quota_read(&q, line))
		quota_add(l, &q);
}

void quota_log_read(struct quota_list *l)
{
	struct buf path = { 0 }, content = { 0 };
	struct err none;
	if (log_path(&path) && file_read(&content, path.p, 4 * LOG_BYTES_MAX, &none) == 0)
		each_line((struct text){ content.p, content.n }, take_kept, l);
	buf_release(&content);
	buf_release(&path);
}

static bool is_news(const struct quota_list *kept, const struct quota *q)
{
	for (size_t i = 0; i < kept->count; i++) {
		const struct quota *w = &kept->window[i];
		if (strcmp(w->provider, q->provider) != 0 || strcmp(w->limit, q->limit) != 0 ||
		    w->length_us != q->length_us)
			continue;
		const bool same_reset =
			w->resets_us == q->resets_us ||
			(w->resets_us != TIME_UNKNOWN && q->resets_us != TIME_UNKNOWN &&
			 llabs(w->resets_us - q->resets_us) < SAME_RESET_US);
		return q->observed_us - w->observed_us >= KEEP_EVERY_US &&
		       (w->used != q->used || !same_reset);
	}
	return true;
}

void quota_log_keep(const struct quota_list *l)
{
	struct quota_list kept = { 0 };
	struct buf path = { 0 }, lines = { 0 };
	struct stat st;
	struct err none;
	quota_log_read(&kept);
	for (size_t i = 0; i < l->count; i++)
		if (is_news(&kept, &l->window[i]))
			quota_put(&lines, &l->window[i]);
	if (lines.n && log_path(&path)) {
		file_make_folders(path.p, 0700, &none);
		/* of a long history the newest observations suffice */
		const bool full = stat(path.p, &st) == 0 && st.st_size > LOG_BYTES_MAX;
		int fd = open(path.p,
			      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (full ? O_TRUNC : 0),
			      0600);
		for (size_t i = 0; full && i < kept.count; i++)
			quota_put(&lines, &kept.window[i]);
		/* one write a call: lines of several sessions do not mix */
		if (fd >= 0 && write(fd, lines.p, lines.n) < 0)
			errno = 0;
		if (fd >= 0)
			close(fd);
	}
	buf_release(&lines);
	buf_release(&path);
}

struct dated {
	const char *path;
	int64_t changed_ns;
};

static int newest_first(const void *x, const void *y)
{
	const struct dated *a = x, *b = y;
	return (a->changed_ns < b->changed_ns) - (a->changed_ns > b->changed_ns);
}

static void read_tail(struct quota_list *l, const char *path, char *room)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		const int64_t from = st.st_size > TAIL ? st.st_size - TAIL : 0;
		ssize_t n = pread(fd, room, TAIL, from);
		if (n > 0)
			each_line((struct text){ room, (size_t)n }, quota_of_codex_line, l);
	}
	close(fd);
}

void quota_log_codex(struct quota_list *l)
{
	struct path_list list = { 0 };
	struct err none;
	struct stat st;
	if (path_list_add(&list, PLACES_OF_AGENTS "codex", &none) == 0) {
		struct dated *log = mem_zalloc((list.count + 1) * sizeof *log);
		char *room = mem_alloc(TAIL);
		for (size_t i = 0; i < list.count; i++) {
			log[i].path = list.path[i];
			if (stat(list.path[i], &st) == 0)
				log[i].changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
						    st.st_mtim.tv_nsec;
		}
		qsort(log, list.count, sizeof *log, newest_first);
		for (size_t i = 0; i < list.count && i < NEWEST; i++)
			read_tail(l, log[i].path, room);
		free(room);
		free(log);
	}
	path_list_release(&list);
}
