#include "meter/ingest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dict.h"
#include "meter/formats/assemble.h"
#include "meter/gathered.h"
#include "meter/quarantine.h"
#include "meter/read_ahead.h"
#include "meter/source.h"
#include "meter/store/rollup.h"
#include "meter/store/store_sql.h"
#include "meter/trace.h"

enum { RECORDS_A_COMMIT = 10000, COMMIT_AFTER_US = 500000 };

/* Files on their way into the store. */
struct run {
	struct store *store;
	const struct ingest_files *o;
	struct ingest *in;
	const char *path;
	int64_t item_line; /* of the record at work; -1: its refusal is told here */
	bool open;	   /* a transaction */
	bool beside;	   /* in which others append, too */
	bool gathers;	   /* where ids are claimed ahead: all of a transaction are taken at once */
	struct gathered gathered; /* for the next one */
	int64_t since_commit, began_us, bytes_done, bytes_total, shown_us;
	struct instant now;
	struct err failure;
	/* of a trace */
	const struct trace *trace;
	struct buf header;
	const struct trace_block *block;
	int64_t shift_us, lines_before, line; /* of the block; at `line_at` */
	const char *line_at;
};

static int begin(struct run *r, struct err *e)
{
	if (r->open)
		return 0;
	r->now = clock_now();
	int rc = store_begin(r->store, r->now, e);
	if (rc != 0)
		return rc;
	r->open = true;
	r->beside = false;
	ingest_mark(r->in);
	return 0;
}

static int begin_beside(struct run *r, struct err *e)
{
	r->now = clock_now();
	int rc = store_begin_beside(r->store, r->now, &r->beside, e);
	if (rc != 0)
		return rc;
	r->open = true;
	ingest_mark(r->in);
	return 0;
}

static void roll_back(struct run *r)
{
	if (!r->open)
		return;
	store_rollback(r->store);
	ingest_back_to_mark(r->in);
	r->open = false;
}

static int take_now(struct run *r, const struct metered *m, struct text id, int64_t line,
		    struct err *e)
{
	r->item_line = line;
	return ingest_take_as(r->in, m, id, r->now, e);
}

static int refuse_now(struct run *r, int64_t line, struct text raw, struct text header,
		      const char *why, struct err *e)
{
	r->item_line = -1;
	int rc = ingest_refuse(r->in, line, raw, header, why, r->now, e);
	if (rc == 0 && r->o->on_refusal)
		r->o->on_refusal(r->o->user, r->path, line, why);
	return rc;
}

static int take_each_gathered(struct run *r, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->gathered.count; i++) {
		const struct gathered_item *g = &r->gathered.item[i];
		rc = g->why ? refuse_now(r, g->line, g->raw, g->header, g->why, e)
			    : take_now(r, &g->record, g->id, g->line, e);
	}
	return rc;
}

/* Beside others where there are only new records; what turns out to be more is done in turn. */
static int take_gathered(struct run *r, struct err *e)
{
	struct err why = { 0 };
	int rc = 0;
	if (r->gathered.count) {
		rc = r->open || r->gathered.refusals ? begin(r, &why) : begin_beside(r, &why);
		if (rc == 0)
			rc = take_each_gathered(r, &why);
	}
	if (rc != 0 && why.code == ERR_BUSY && r->open && r->beside) {
		roll_back(r);
		for (size_t i = 0; i < r->gathered.count; i++)
			store_prefetch(r->store, r->gathered.item[i].id);
		why.code = ERR_NONE;
		rc = begin(r, &why);
		if (rc == 0)
			rc = take_each_gathered(r, &why);
	}
	gathered_clear(&r->gathered);
	if (rc != 0 && e)
		*e = why;
	return rc;
}

static int end(struct run *r, int rc, struct err *e)
{
	if (rc == 0)
		rc = take_gathered(r, e);
	gathered_clear(&r->gathered);
	r->since_commit = 0;
	if (rc != 0)
		roll_back(r);
	if (!r->open)
		return rc;
	r->open = false;
	if (!r->beside)
		rc = rollup_catch_up(r->store, ROLLUP_LAG_MOST, e);
	if (rc == 0)
		rc = store_commit(r->store, e);
	else
		store_rollback(r->store);
	if (rc != 0)
		ingest_back_to_mark(r->in);
	else if (r->beside)
		rc = rollup_catch_up_beside(r->store, ROLLUP_LAG_LOADING, r->now, e);
	return rc;
}

static int commit_when_due(struct run *r, struct err *e)
{
	if (r->since_commit++ == 0)
		r->began_us = clock_monotonic_us();
	if (r->since_commit < RECORDS_A_COMMIT &&
	    (r->since_commit % 64 != 0 || clock_monotonic_us() - r->began_us < COMMIT_AFTER_US))
		return 0;
	int rc = end(r, 0, e);
	if (rc == 0 && r->o->progress)
		r->o->progress(r->o->user, ingest_counts(r->in)->read, r->bytes_done,
			       r->bytes_total);
	return rc;
}

static int take(struct run *r, const struct metered *m, int64_t line, struct err *e)
{
	int rc = 0;
	if (r->gathers) {
		struct text id = ingest_id(r->in, m);
		store_prefetch(r->store, id);
		gathered_add(&r->gathered, m, id, line);
	} else {
		rc = begin(r, e);
		if (rc == 0)
			rc = take_now(r, m, ingest_id(r->in, m), line, e);
	}
	return rc == 0 ? commit_when_due(r, e) : rc;
}

static int refuse(struct run *r, int64_t line, struct text raw, struct text header, const char *why,
		  struct err *e)
{
	int rc = 0;
	if (r->gathers) {
		gathered_refuse(&r->gathered, line, raw, header, why);
	} else {
		rc = begin(r, e);
		if (rc == 0)
			rc = refuse_now(r, line, raw, header, why, e);
	}
	return rc == 0 ? commit_when_due(r, e) : rc;
}

/* What ingest itself refuses or finds in conflict is told with the line, too. */
static void tell_item(void *user, const struct ingest_item *item)
{
	struct run *r = user;
	if (item->reason && r->item_line >= 0 && r->o->on_refusal)
		r->o->on_refusal(r->o->user, r->path, r->item_line, item->reason);
}

/* --- logs and payloads --- */

static void sink_refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct run *r = user;
	if (r->failure.code == ERR_NONE)
		refuse(r, line, raw, TEXT(""), why->message, &r->failure);
}

struct log_run {
	struct run *run;
	struct assembly *calls;
};

static void log_take(void *user, const struct metered *m)
{
	struct log_run *l = user;
	assembly_add(l->calls, m);
}

static void log_refuse(void *user, int64_t line, struct text raw, const struct err *why)
{
	struct log_run *l = user;
	sink_refuse(l->run, line, raw, why);
}

/* Brings the memory of the next ids near. */
static void prefetch_calls(struct log_run *l, size_t from)
{
	const size_t n = assembly_count(l->calls);
	for (size_t i = from; i < n && i < from + BATCH_ROWS; i++) {
		const struct text id = assembly_call(l->calls, i)->record.text[FIELD_ID];
		if (id.n)
			store_prefetch(l->run->store, id);
	}
}

/* What has been assembled so far. */
static int flush_calls(struct log_run *l, struct err *e)
{
	int rc = l->run->failure.code == ERR_NONE ? 0 : -(int)l->run->failure.code;
	if (rc != 0)
		*e = l->run->failure;
	const size_t n = assembly_count(l->calls);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct metered *m = assembly_call(l->calls, i);
		if (i % BATCH_ROWS == 0 && !l->run->gathers)
			prefetch_calls(l, i);
		rc = take(l->run, m, m->line, e);
	}
	assembly_clear(l->calls);
	return rc;
}

static int ingest_parsed(struct run *r, struct parsed_file *f, struct err *e)
{
	struct log_run l = { r, f->calls };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < f->refused_count; i++)
		rc = refuse(r, f->refused[i].line, f->refused[i].raw, TEXT(""), f->refused[i].why,
			    e);
	r->bytes_done = f->bytes;
	if (rc == 0)
		rc = flush_calls(&l, e);
	ingest_add_passed_over(r->in, f->passed_over);
	if (rc == 0 && f->failure.code != ERR_NONE) {
		*e = f->failure;
		rc = -(int)e->code;
	}
	return rc;
}

/* --- traces --- */

/* The line of a place in the block at work; blocks come in order. */
static int64_t line_of(struct run *r, const char *at)
{
	if (!r->line_at || at < r->line_at) {
		r->line_at = r->block->p;
		r->line = r->lines_before;
	}
	while (r->line_at < at) {
		const char *nl = memchr(r->line_at, '\n', (size_t)(at - r->line_at));
		if (!nl)
			break;
		r->line_at = nl + 1;
		r->line++;
	}
	return r->line;
}

static void trace_take(void *user, struct record_batch *b)
{
	struct run *r = user;
	const bool has_id = b->columns >> FIELD_ID & 1;
	struct metered m = { .shape = trace_shape(r->trace)->name, .rule = "as-given" };
	for (size_t i = 0; has_id && !r->gathers && i < b->n; i++)
		if (b->text[FIELD_ID][i].n)
			store_prefetch(r->store, b->text[FIELD_ID][i]);
	for (size_t i = 0; i < b->n && r->failure.code == ERR_NONE; i++) {
		record_from_batch(&m.record, b, i);
		if (m.record.time_us != TIME_ABSENT)
			m.record.time_us += r->shift_us;
		m.line = line_of(r, b->at[i]);
		take(r, &m, m.line, &r->failure);
	}
}

static void trace_refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct run *r = user;
	if (r->failure.code != ERR_NONE)
		return;
	refuse(r, line_of(r, at), (struct text){ at, n }, (struct text){ r->header.p, r->header.n },
	       why->message, &r->failure);
}

static void put_header(struct run *r)
{
	char separator = trace_separator(r->trace);
	for (size_t i = 0; i < trace_columns(r->trace); i++) {
		if (i)
			buf_add(&r->header, &separator, 1);
		/* as the program itself names the fields, so that it can be read again */
		enum record_field f = trace_column_field(r->trace, i);
		csv_put_field(&r->header, text_of(f == FIELD_NONE ? trace_column_name(r->trace, i)
								  : record_field_name(f)));
	}
}

static int read_blocks(struct run *r, struct trace *t, struct csv_reader *csv,
		       struct jsonl_reader *jsonl, bool *torn, struct err *e)
{
	struct trace_block b = { 0 };
	const struct record_sink sink = { r, trace_take, trace_refuse };
	int rc = 0;
	*torn = false;
	r->lines_before = trace_body_line(t);
	while (!*torn && (rc = trace_next(t, &b, e)) > 0) {
		struct record_block block = { b.p, b.n, b.in_order, b.span, b.span_count };
		r->block = &b; /* cppcheck-suppress autoVariables */
		r->line_at = NULL;
		r->bytes_done = trace_progress(t);
		if (b.cut) {
			const char *nl = memrchr(b.p, '\n', b.n);
			block.n = nl ? (size_t)(nl + 1 - b.p) : 0;
		}
		if (csv)
			*torn = !csv_reader_run(csv, &block, &sink);
		else
			jsonl_reader_run(jsonl, &block, &sink);
		if (b.cut && r->failure.code == ERR_NONE) {
			struct err why;
			err_set(&why, ERR_INVALID, "the line is longer than %d bytes",
				TRACE_RECORD_MAX);
			trace_refuse(r, b.p + block.n, b.n - block.n, &why);
		}
		if (r->failure.code != ERR_NONE) {
			*e = r->failure;
			rc = -(int)e->code;
			break;
		}
		r->lines_before = line_of(r, b.p + b.n);
	}
	r->block = NULL;
	trace_block_release(&b);
	return *torn ? 0 : rc;
}

static int ingest_trace(struct run *r, const char *path, struct err *e)
{
	const struct trace_options to = { r->o->format, r->o->map, r->o->map_count, true };
	struct trace *t;
	enum record_field *field = NULL;
	struct csv_reader *csv = NULL;
	struct jsonl_reader *jsonl = NULL;
	bool torn;
	int rc = trace_open(&t, path, &to, e);
	if (rc != 0)
		return rc;
	const struct shape *shape = trace_shape(t);
	r->trace = t;
	r->bytes_total = trace_size(t);
	/* traces that count from their start begin at --at */
	if (shape->time != TIME_INSTANT) {
		if (!r->o->options.has_at) {
			trace_close(t);
			return err_set(e, ERR_USAGE,
				       "%s: the times of a %s trace count from its start; say when "
				       "that was with --at, for example --at 2026-06-15",
				       path, shape->name);
		}
		r->shift_us = r->o->options.at.us;
	}
	if (shape->container == CONTAINER_CSV) {
		put_header(r);
		field = mem_alloc(trace_columns(t) * sizeof *field);
		for (size_t i = 0; i < trace_columns(t); i++)
			field[i] = trace_column_field(t, i);
		csv = csv_reader_open(&(struct csv_layout){ shape, trace_separator(t),
							    trace_columns(t), field, 0, false });
	} else {
		jsonl = jsonl_reader_open(
			&(struct jsonl_layout){ shape, r->o->map, r->o->map_count, false });
	}
	rc = trace_rewind(t, false, e);
	if (rc == 0)
		rc = read_blocks(r, t, csv, jsonl, &torn, e);
	if (rc == 0 && torn) {
		/* a quoted field spans lines somewhere: what was taken so far is met again, and
		 * known */
		roll_back(r);
		gathered_clear(&r->gathered);
		ingest_start_again(r->in);
		rc = trace_rewind(t, true, e);
		if (rc == 0)
			rc = read_blocks(r, t, csv, jsonl, &torn, e);
	}
	csv_reader_close(csv);
	jsonl_reader_close(jsonl);
	free(field);
	buf_release(&r->header);
	r->trace = NULL;
	trace_close(t);
	return rc;
}

/* --- one path --- */

static void add_counts(struct ingest_counts *to, const struct ingest_counts *c)
{
	to->read += c->read;
	to->accepted += c->accepted;
	to->duplicates += c->duplicates;
	to->conflicts += c->conflicts;
	to->quarantined += c->quarantined;
	to->unpriced += c->unpriced;
	to->grown += c->grown;
	to->passed_over += c->passed_over;
}

static bool is_log_format(const char *format)
{
	return format && (strcmp(format, "claude") == 0 || strcmp(format, "codex") == 0 ||
			  strcmp(format, "payload") == 0);
}

static bool is_log(const struct ingest_files *o, const char *path)
{
	bool any = !o->format || strcmp(o->format, "auto") == 0;
	return is_log_format(o->format) || (any && source_is_payload(path));
}

/* One file; parsed: what was read of it already, NULL for traces. */
static int ingest_one(struct run *r, const char *path, const char *name, struct parsed_file *parsed,
		      struct err *e)
{
	r->path = name;
	r->shift_us = 0;
	r->bytes_done = r->bytes_total = 0;
	ingest_set_source(r->in, name);
	int rc = parsed ? ingest_parsed(r, parsed, e) : ingest_trace(r, path, e);
	/* it belongs to this source */
	return rc == 0 && r->gathered.count ? end(r, 0, e) : rc;
}

/* Files in their order. Logs that follow each other are parsed by other threads meanwhile. */
static int ingest_list(struct store *s, const struct ingest_files *o, const char *const *path,
		       const char *const *name, size_t count, struct ingest_counts *counts,
		       struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct run r = { .store = s, .o = o, .gathers = db_on_server(store_db(s)) };
	int rc = ingest_open(&r.in, s, &o->options, "", tell_item, &r, e);
	for (size_t i = 0; rc == 0 && i < count;) {
		size_t n = 0;
		while (i + n < count && is_log(o, path[i + n]))
			n++;
		if (n == 0) {
			rc = ingest_one(&r, path[i], name[i], NULL, e);
			i++;
			continue;
		}
		struct read_ahead *ahead = read_ahead_open(path + i, n, false, (int)cores);
		for (size_t k = 0; rc == 0 && k < n; k++)
			rc = ingest_one(&r, path[i + k], name[i + k], read_ahead_file(ahead, k), e);
		read_ahead_close(ahead);
		i += n;
	}
	/* what was read before a damage stays */
	bool store_failed = rc != 0 && (e->code == ERR_STORE || e->code == ERR_BUSY);
	struct err other;
	int ended = end(&r, store_failed ? rc : 0, rc == 0 ? e : &other);
	rc = rc != 0 ? rc : ended;
	add_counts(counts, ingest_counts(r.in));
	ingest_close(r.in);
	gathered_release(&r.gathered);
	return rc;
}

/* Standard input as a file that can be looked at and read from the start. */
static int spool_standard_input(int *fd, struct err *e)
{
	char chunk[1 << 16];
	ssize_t n;
	FILE *f = tmpfile();
	if (!f)
		return err_set(e, ERR_SYSTEM, "could not make a temporary file: %s",
			       strerror(errno));
	*fd = dup(fileno(f));
	fclose(f);
	while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0)
		for (ssize_t done = 0, w; done < n; done += w)
			if ((w = write(*fd, chunk + done, (size_t)(n - done))) < 0)
				return err_set(e, ERR_SYSTEM, "could not keep standard input: %s",
					       strerror(errno));
	return n < 0 ? err_set(e, ERR_UNREADABLE, "could not read standard input: %s",
			       strerror(errno))
		     : 0;
}

int ingest_path(struct store *s, const struct ingest_files *o, const char *path,
		struct ingest_counts *counts, struct err *e)
{
	struct path_list list = { 0 };
	int rc;
	if (strcmp(path, "-") == 0) {
		char name[40];
		int fd;
		rc = spool_standard_input(&fd, e);
		if (rc != 0)
			return rc;
		snprintf(name, sizeof name, "/dev/fd/%d", fd);
		const char *const path_of_fd[] = { name };
		const char *const shown[] = { "(standard input)" };
		rc = ingest_list(s, o, path_of_fd, shown, 1, counts, e);
		close(fd);
	} else {
		rc = path_list_add(&list, path, e);
		if (rc == 0)
			rc = ingest_list(s, o, list.path, list.path, list.count, counts, e);
		path_list_release(&list);
	}
	struct err other;
	int rolled = rollup_catch_up_beside(s, 0, clock_now(), rc == 0 ? e : &other);
	return rc != 0 ? rc : rolled;
}

/* --- growing files --- */

/* A file that is followed, with the reader that knows what it has seen. */
struct followed {
	char *path;
	struct source *source;
	struct payload_reader *reader;
	struct log_run log;
	struct run run;
	dev_t device;
	ino_t inode;
};

static void head_hash(const char *path, uint8_t out[16])
{
	char head[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof head, 0);
	/* up to the first line's end: more may come later */
	const char *nl = n > 0 ? memchr(head, '\n', (size_t)n) : NULL;
	size_t len = nl ? (size_t)(nl - head) : n == sizeof head ? sizeof head : 0;
	content_hash(out, (struct text[]){ { head, len } }, 1);
	if (fd >= 0)
		close(fd);
}

static void unfollow(struct followed *f)
{
	ingest_close(f->run.in);
	gathered_release(&f->run.gathered);
	payload_close(f->reader);
	assembly_close(f->log.calls);
	source_close(f->source);
	free(f->path);
	free(f);
}

/* Where reading stopped the last time, when it is the same file still. */
static int resume(struct followed *f, struct err *e)
{
	struct db *db = store_db(f->run.store);
	struct query *q;
	uint8_t head[16];
	int rc = db_statement(db, STORE_FOLLOWED, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":path", text_of(f->path));
	rc = db_step(db, q, e);
	head_hash(f->path, head);
	bool same = rc == 1 && db_int(q, 0) == (int64_t)f->device &&
		    db_int(q, 1) == (int64_t)f->inode && db_int(q, 2) <= source_size(f->source) &&
		    text_eq(db_text(q, 4), (struct text){ (const char *)head, sizeof head });
	int64_t bytes = same ? db_int(q, 2) : 0, line = same ? db_int(q, 3) : 0;
	db_reset(q);
	if (rc < 0)
		return rc;
	/* what a compressed file or a pipe held is met again, and known */
	if (bytes)
		source_seek(f->source, bytes, line, NULL);
	return 0;
}

static int remember(struct followed *f, struct err *e)
{
	struct db *db = store_db(f->run.store);
	struct query *q;
	uint8_t head[16];
	int rc = db_statement(db, STORE_SET_FOLLOWED, &q, e);
	if (rc != 0)
		return rc;
	head_hash(f->path, head);
	db_bind_text(q, ":path", text_of(f->path));
	db_bind_int(q, ":device", (int64_t)f->device);
	db_bind_int(q, ":inode", (int64_t)f->inode);
	db_bind_int(q, ":bytes", source_offset(f->source));
	db_bind_int(q, ":line", source_number(f->source));
	db_bind_blob(q, ":head", head, sizeof head);
	return db_done(db, q, e);
}

/* What the file begins with. */
static bool begins_like(const char *path, bool (*like)(struct text head))
{
	char head[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof head, 0);
	if (fd >= 0)
		close(fd);
	return n > 0 && like((struct text){ head, (size_t)n });
}

/* The running totals of a Codex session are known only to who reads it from its start. */
static bool like_codex(struct text head)
{
	static const char *const types[] = { "\"session_meta\"", "\"turn_context\"",
					     "\"event_msg\"" };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (memmem(head.p, head.n, types[i], strlen(types[i])))
			return true;
	return false;
}

static bool like_table(struct text head)
{
	return !strchr("{[:de\n\r \t\x1f\xef", head.p[0]) && memchr(head.p, ',', head.n);
}

static int follow(struct followed **out, struct store *s, const struct ingest_files *o,
		  const char *path, struct err *e)
{
	struct stat st;
	struct followed *f = mem_zalloc(sizeof *f);
	f->path = strcpy(mem_alloc(strlen(path) + 1), path);
	f->run = (struct run){
		.store = s, .o = o, .path = f->path, .gathers = db_on_server(store_db(s))
	};
	f->log = (struct log_run){ &f->run, assembly_open(false) };
	f->reader = payload_open(&(struct payload_sink){ &f->log, log_take, log_refuse });
	int rc = source_open(&f->source, path, e);
	if (rc == 0 && stat(path, &st) == 0) {
		f->device = st.st_dev;
		f->inode = st.st_ino;
	}
	if (rc == 0)
		rc = ingest_open(&f->run.in, s, &o->options, f->path, tell_item, &f->run, e);
	if (rc == 0 && begins_like(path, like_table))
		rc = err_set(
			e, ERR_USAGE,
			"'%s' is CSV; --follow reads JSON Lines and logs (ingest the file again "
			"when it has grown: what is known is not counted twice)",
			path);
	if (rc == 0 && !begins_like(path, like_codex))
		rc = resume(f, e);
	if (rc != 0) {
		unfollow(f);
		return rc;
	}
	*out = f;
	return 0;
}

/* Reads the lines that have come; *any says whether there were. */
static int read_on(struct followed *f, bool *any, struct err *e)
{
	struct text line;
	int rc;
	int64_t before = source_offset(f->source);
	while ((rc = source_line(f->source, &line, true, e)) > 0)
		payload_line(f->reader, line, source_number(f->source));
	if (rc != 0 || source_offset(f->source) == before)
		return rc;
	*any = true;
	rc = flush_calls(&f->log, e);
	/* how far the file was read is kept with what was read */
	if (rc == 0)
		rc = begin(&f->run, e);
	if (rc == 0)
		rc = take_gathered(&f->run, e);
	if (rc == 0)
		rc = remember(f, e);
	return end(&f->run, rc, e);
}

static bool was_replaced(const struct followed *f)
{
	struct stat st;
	return stat(f->path, &st) != 0 || st.st_dev != f->device || st.st_ino != f->inode ||
	       st.st_size < source_offset(f->source);
}

int ingest_follow(struct store *s, const struct ingest_files *o, const char *const *path,
		  size_t count, struct ingest_counts *counts, atomic_bool *stop,
		  bool (*idle)(void *user, const struct ingest_counts *counts), struct err *e)
{
	struct dict known = { 0 }; /* path to 1 + place */
	struct followed **file = NULL;
	size_t files = 0;
	struct ingest_counts gone = { 0 }; /* of files that are no longer followed */
	int rc = 0;
	while (rc == 0 && !atomic_load(stop)) {
		struct path_list list = { 0 };
		bool any = false;
		for (size_t i = 0; rc == 0 && i < count; i++) {
			struct err missing;
			/* a file that is not there yet may come */
			if (path_list_add(&list, path[i], &missing) != 0 &&
			    missing.code != ERR_NOT_FOUND) {
				*e = missing;
				rc = -(int)missing.code;
			}
		}
		for (size_t i = 0; rc == 0 && i < list.count && !atomic_load(stop); i++) {
			uint64_t *at = dict_need(&known, text_of(list.path[i]), NULL);
			if (!*at) {
				if ((files & (files - 1)) == 0)
					file = mem_grow(file,
							(files ? files * 2 : 1) * sizeof *file);
				file[files] = NULL;
				*at = ++files;
			}
			struct followed **f = &file[*at - 1];
			struct stat st;
			if (!*f && (stat(list.path[i], &st) != 0 ||
				    follow(f, s, o, list.path[i], e) != 0)) {
				rc = access(list.path[i], F_OK) == 0 ? -(int)e->code : 0;
				continue;
			}
			bool replaced = was_replaced(*f);
			rc = read_on(*f, &any, e);
			if (rc == 0 && replaced) {
				add_counts(&gone, ingest_counts((*f)->run.in));
				unfollow(*f);
				*f = NULL;
				any = true;
			}
		}
		path_list_release(&list);
		*counts = gone;
		for (size_t i = 0; i < files; i++)
			if (file[i])
				add_counts(counts, ingest_counts(file[i]->run.in));
		if (rc == 0 && !any) {
			rc = rollup_catch_up_beside(s, 0, clock_now(), e);
			if (idle && !idle(o->user, counts))
				break;
			nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
		}
	}
	for (size_t i = 0; i < files; i++)
		if (file[i])
			unfollow(file[i]);
	free(file);
	dict_release(&known);
	return rc;
}
