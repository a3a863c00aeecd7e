#include "meter/ingest/ingest_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dict.h"
#include "meter/formats/assemble.h"
#include "meter/formats/payload.h"
#include "meter/ingest/follow_whole.h"
#include "meter/ingest/quarantine.h"
#include "meter/read/doubts.h"
#include "meter/read/source.h"
#include "meter/store/rollup.h"
#include "meter/ingest/trace_intake.h"

enum { HEAD_MOST = 1 << 16 };

/* A file that is followed, with the reader that knows what it has seen. */
struct followed {
	char *path;
	struct intake run;
	dev_t device;
	ino_t inode;
	/* rows of a trace; */
	bool is_trace;
	struct trace_intake trace;
	/* or logs and payloads, line by line */
	struct source *source;
	struct payload_reader *reader;
	struct assembly *calls;
	/* or what is read again as a whole */
	struct follow_whole *whole;
	/* of the other two: when it was looked at last, and what it held there */
	bool compressed; /* has no lines to go on from: what changed is read again */
	int64_t size, changed_us;
	uint8_t mark[16];
};

static void log_take(void *user, const struct metered *m)
{
	struct followed *f = user;
	assembly_add(f->calls, m);
}

static void log_refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct followed *f = user;
	intake_refuse_later(
		&f->run, &(struct refused_line){ .line = line, .raw = raw, .why = why->message });
}

/* Up to where it was read; -1: in the middle of a record. */
static int64_t offset_of(const struct followed *f)
{
	return f->is_trace ? trace_next_offset(f->trace.trace) : source_offset(f->source);
}

/* The file's beginning, up to `room` bytes. */
static struct text read_head(const char *path, char *head, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, room, 0);
	if (fd >= 0)
		close(fd);
	return (struct text){ head, n > 0 ? (size_t)n : 0 };
}

/* The first line, as far as it is short, and what stands before the offset up to which the file was
 * read: the same file holds the same there, however it grew; one that was cut and grew again does
 * not. */
static void mark_of(const char *path, int64_t offset, uint8_t out[16])
{
	char room[256], before[256];
	struct text head = read_head(path, room, sizeof room), tail = { before, 0 };
	/* up to the first line's end: more may come later */
	const char *nl = head.n ? memchr(head.p, '\n', head.n) : NULL;
	head.n = nl ? (size_t)(nl - head.p) : head.n == sizeof room ? head.n : 0;
	int fd = offset > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		const int64_t n = offset < (int64_t)sizeof before ? offset : (int64_t)sizeof before;
		ssize_t got = pread(fd, before, (size_t)n, offset - n);
		tail.n = got > 0 ? (size_t)got : 0;
		close(fd);
	}
	content_hash(out, (struct text[]){ head, tail }, 2);
}

static void unfollow(struct followed *f, const struct ingest_files *o)
{
	if (o->doubts && f->whole)
		doubts_append(o->doubts, follow_whole_doubts(f->whole));
	else if (o->doubts && f->reader)
		doubts_append(o->doubts, payload_doubts(f->reader));
	intake_close(&f->run);
	if (f->is_trace)
		trace_intake_close(&f->trace);
	payload_close(f->reader);
	assembly_close(f->calls);
	source_close(f->source);
	follow_whole_close(f->whole);
	free(f->path);
	free(f);
}

static const struct sql sql_followed = {
	.text = "SELECT device,inode,bytes,line,head FROM followed WHERE path=:path",
};

/* Where reading stopped the last time, when it is the same file still; else 0. */
static int last_stop(struct followed *f, int64_t size, int64_t *bytes, int64_t *line, struct err *e)
{
	struct query *q;
	uint8_t head[16];
	int rc = db_statement(store_db(f->run.store), &sql_followed, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":path", text_of(f->path));
	rc = db_step(store_db(f->run.store), q, e);
	mark_of(f->path, rc == 1 ? db_int(q, 2) : 0, head);
	bool same = rc == 1 && db_int(q, 0) == (int64_t)f->device &&
		    db_int(q, 1) == (int64_t)f->inode && db_int(q, 2) <= size &&
		    text_eq(db_text(q, 4), (struct text){ (const char *)head, sizeof head });
	*bytes = same ? db_int(q, 2) : 0;
	*line = same ? db_int(q, 3) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

static const struct sql sql_set_followed = {
	.text = "INSERT INTO followed VALUES(:path,:device,:inode,:bytes,:line,:head) "
		"ON CONFLICT(path) DO UPDATE SET device=excluded.device,inode=excluded.inode,"
		"bytes=excluded.bytes,line=excluded.line,head=excluded.head",
};

/* Records without ids are told apart by their places, which only who reads from the start knows. */
static int remember(struct followed *f, struct err *e)
{
	struct db *db = store_db(f->run.store);
	struct query *q;
	uint8_t head[16];
	int rc = db_statement(db, &sql_set_followed, &q, e);
	if (rc != 0)
		return rc;
	mark_of(f->path, f->run.anonymous ? 0 : offset_of(f), head);
	db_bind_text(q, ":path", text_of(f->path));
	db_bind_int(q, ":device", (int64_t)f->device);
	db_bind_int(q, ":inode", (int64_t)f->inode);
	db_bind_int(q, ":bytes", f->run.anonymous ? 0 : offset_of(f));
	db_bind_int(q, ":line",
		    f->run.anonymous ? 0
		    : f->is_trace    ? trace_next_line(f->trace.trace)
				     : source_number(f->source));
	db_bind_blob(q, ":head", head, sizeof head);
	return db_done(db, q, e);
}

/* Logs whose lines hang on those before them (the running totals of Codex, the model that Kimi is
 * asked for, the session that a header names) are understood only by who reads them from their
 * start. */
static bool hangs_together(struct text head)
{
	static const char *const types[] = { "\"session_meta\"", "\"turn_context\"",
					     "\"event_msg\"",	 "\"llm.request\"",
					     "\"turn.prompt\"",	 "\"profile.bind\"",
					     "\"projectHash\"",	 "\"type\":\"session\"",
					     "\"message_start\"" };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_holds(head, types[i]))
			return true;
	return false;
}

static bool like_table(struct text head)
{
	if (head.n > 3 && memcmp(head.p, "\xEF\xBB\xBF", 3) == 0)
		head = (struct text){ head.p + 3, head.n - 3 };
	return !strchr("{[:de\n\r \t\x1f", head.p[0]) && memchr(head.p, ',', head.n);
}

/* gzip or zstd, which have no lines to wait for */
static bool like_compressed(struct text head)
{
	return head.n >= 4 &&
	       (memcmp(head.p, "\x1f\x8b", 2) == 0 || memcmp(head.p, "\x28\xb5\x2f\xfd", 4) == 0);
}

static int follow_trace(struct followed *f, int64_t size, struct err *e)
{
	int64_t bytes, line;
	f->is_trace = true;
	int rc = trace_intake_open(&f->trace, &f->run, f->path, e);
	if (rc == 0)
		rc = last_stop(f, size, &bytes, &line, e);
	return rc == 0 ? trace_read_on(f->trace.trace, bytes, line, e) : rc;
}

static int follow_log(struct followed *f, int64_t size, struct text head, struct err *e)
{
	int64_t bytes = 0, line = 0;
	f->calls = assembly_open(false);
	f->reader = payload_open(&(struct payload_sink){ f, log_take, log_refuse });
	payload_set_path(f->reader, f->path);
	int rc = source_open(&f->source, f->path, e);
	if (rc == 0 && !hangs_together(head))
		rc = last_stop(f, size, &bytes, &line, e);
	/* what a compressed file or a pipe held is met again, and known */
	if (rc == 0 && bytes)
		source_seek(f->source, bytes, line, NULL);
	return rc;
}

static int64_t changed_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* What the file holds up to where it was read, at a look that found it so. */
static void set_mark(struct followed *f, const struct stat *st)
{
	f->size = st->st_size;
	f->changed_us = changed_us(st);
	mark_of(f->path, offset_of(f), f->mark);
}

/* *out stays NULL while the file has no whole line, which tells what it is. */
static int follow(struct followed **out, struct store *s, const struct ingest_files *o,
		  const char *path, struct err *e)
{
	const bool by_content = !o->format || strcmp(o->format, "auto") == 0;
	struct stat st;
	char room[HEAD_MOST];
	struct text head = read_head(path, room, sizeof room);
	const bool whole = by_content && !o->map_count && follow_whole_wants(path);
	if (!whole && head.n < sizeof room && !memchr(room, '\n', head.n) && !like_compressed(head))
		return 0;
	if (stat(path, &st) != 0)
		return err_set(e, ERR_UNREADABLE, "%s: %s", path, strerror(errno));
	struct followed *f = mem_zalloc(sizeof *f);
	f->path = mem_text(path);
	f->device = st.st_dev;
	f->inode = st.st_ino;
	f->compressed = like_compressed(head);
	intake_open(&f->run, s, o, f->path);
	int rc = 0;
	if (whole) {
		f->whole = follow_whole_open(f->path);
	} else {
		const bool trace = by_content ? o->map_count || like_table(head)
					      : !ingest_is_log_format(o->format);
		if (o->map_count && source_is_payload(path, true))
			rc = err_set(
				e, ERR_USAGE,
				"'%s' holds logs or answers, which " ASKED("follow") " reads without " ASKED(
					"map") ": read it once with it instead",
				path);
		else
			rc = trace ? follow_trace(f, st.st_size, e)
				   : follow_log(f, st.st_size, head, e);
	}
	if (rc != 0) {
		unfollow(f, o);
		return rc;
	}
	if (!whole)
		set_mark(f, &st);
	*out = f;
	return 0;
}

static int read_lines(struct followed *f, struct err *e)
{
	struct text line;
	int rc;
	while ((rc = source_line(f->source, &line, true, e)) > 0)
		payload_line(f->reader, line, source_number(f->source));
	return rc == 0 ? intake_take_calls(&f->run, f->calls, e) : rc;
}

/* Reads what has come; *any says whether there was something. */
static int read_on(struct followed *f, bool *any, struct err *e)
{
	const int64_t before = offset_of(f);
	bool torn;
	int rc = f->is_trace
			 ? trace_intake_run(&f->trace, trace_next_line(f->trace.trace), &torn, e)
			 : read_lines(f, e);
	if (rc != 0 || offset_of(f) == before)
		return rc != 0 ? intake_end(&f->run, rc, e) : 0;
	*any = true;
	mark_of(f->path, offset_of(f), f->mark);
	/* how far the file was read is kept with what was read */
	if (offset_of(f) >= 0) {
		rc = intake_hold(&f->run, e);
		if (rc == 0)
			rc = remember(f, e);
	}
	return intake_end(&f->run, rc, e);
}

enum fate { FATE_GROWS, FATE_MOVED, FATE_REWRITTEN };

/* Another file of that name, of which the rest is read first; or the same one, cut and perhaps
 * grown again, of which nothing that was known holds. */
static enum fate fate_of(struct followed *f)
{
	struct stat st;
	uint8_t mark[16];
	if (stat(f->path, &st) != 0 || st.st_dev != f->device || st.st_ino != f->inode)
		return FATE_MOVED;
	if (st.st_size == f->size && changed_us(&st) == f->changed_us)
		return FATE_GROWS;
	if (f->compressed || st.st_size < offset_of(f))
		return FATE_REWRITTEN;
	mark_of(f->path, offset_of(f), mark);
	f->size = st.st_size;
	f->changed_us = changed_us(&st);
	return memcmp(mark, f->mark, sizeof mark) == 0 ? FATE_GROWS : FATE_REWRITTEN;
}

/* The files by their paths. */
struct following {
	struct store *store;
	const struct ingest_files *o;
	const struct follow *what;
	struct dict known; /* path to 1 + place */
	struct followed **file;
	size_t files;
	struct ingest_counts gone; /* of those that are no longer followed */
};

static struct followed **file_of(struct following *x, const char *path)
{
	uint64_t *at = dict_need(&x->known, text_of(path), NULL);
	if (!*at) {
		if ((x->files & (x->files - 1)) == 0)
			x->file =
				mem_grow(x->file, (x->files ? x->files * 2 : 1) * sizeof *x->file);
		x->file[x->files] = NULL;
		*at = ++x->files;
	}
	return &x->file[*at - 1];
}

static int read_whole(struct followed *f, bool *any, struct err *e)
{
	bool read = false;
	int rc = follow_whole_look(f->whole, &f->run, &read, e);
	*any |= read;
	return rc != 0 || read ? intake_end(&f->run, rc, e) : 0;
}

static int look_at(struct following *x, const char *path, bool *any, struct err *e)
{
	struct followed **f = file_of(x, path);
	struct stat st;
	if (!*f) {
		int rc = stat(path, &st) == 0 ? follow(f, x->store, x->o, path, e) : 0;
		/* one that went away meanwhile may come again */
		if (rc != 0 || !*f)
			return access(path, F_OK) == 0 ? rc : 0;
	}
	if ((*f)->whole)
		return read_whole(*f, any, e);
	const enum fate fate = fate_of(*f);
	int rc = fate == FATE_REWRITTEN ? 0 : read_on(*f, any, e);
	if (rc == 0 && fate != FATE_GROWS) {
		ingest_counts_add(&x->gone, ingest_counts((*f)->run.in));
		unfollow(*f, x->o);
		*f = NULL;
		*any = true;
	}
	return rc;
}

static int look_at_all(struct following *x, bool *any, struct err *e)
{
	struct path_list list = { 0 };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < x->what->count; i++) {
		struct err missing;
		/* a file that is not there yet may come */
		if (path_list_add(&list, x->what->path[i], &missing) != 0 &&
		    missing.code != ERR_NOT_FOUND) {
			*e = missing;
			rc = -(int)missing.code;
		}
	}
	for (size_t i = 0; rc == 0 && i < list.count && !atomic_load(x->what->stop); i++)
		rc = look_at(x, list.path[i], any, e);
	path_list_release(&list);
	return rc;
}

int ingest_follow(struct store *s, const struct ingest_files *o, const struct follow *what,
		  struct ingest_counts *counts, struct err *e)
{
	struct following x = { .store = s, .o = o, .what = what };
	int rc = 0;
	while (rc == 0 && !atomic_load(what->stop)) {
		bool any = false;
		rc = look_at_all(&x, &any, e);
		*counts = x.gone;
		for (size_t i = 0; i < x.files; i++)
			if (x.file[i])
				ingest_counts_add(counts, ingest_counts(x.file[i]->run.in));
		if (rc == 0 && !any)
			rc = rollup_catch_up_beside(s, 0, clock_now(), e);
		if (rc == 0 && what->pass)
			rc = what->pass(o->user, counts, e);
		if (rc == 0 && !any)
			nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
	}
	for (size_t i = 0; i < x.files; i++)
		if (x.file[i])
			unfollow(x.file[i], o);
	free(x.file);
	dict_release(&x.known);
	return rc;
}
