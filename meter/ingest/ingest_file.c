#include "meter/ingest/ingest_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "meter/read/read_ahead.h"
#include "meter/read/source.h"
#include "meter/store/rollup.h"
#include "meter/ingest/trace_intake.h"

/* Calls of a table of one's own that --map has read before are known as what it stored. */
static void name_as_mapped(struct intake *x, struct parsed_file *f, struct trace_intake *t)
{
	struct err none;
	const size_t n = assembly_count(f->calls);
	*t = (struct trace_intake){ 0 };
	if (!n || strcmp(assembly_call(f->calls, 0)->shape, OWN_TABLE_SHAPE) != 0 ||
	    trace_intake_open(t, x, f->path, &none) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct metered *m = assembly_call(f->calls, i);
		const struct text id = mapped_id(&t->mapped, m->line);
		if (id.n)
			m->record.text[FIELD_ID] = id;
	}
}

static int ingest_parsed(struct intake *x, struct parsed_file *f, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < f->refused_count; i++)
		rc = intake_refuse(x, &f->refused[i], e);
	struct trace_intake mapped;
	x->bytes_done = f->bytes;
	name_as_mapped(x, f, &mapped);
	if (rc == 0)
		rc = intake_take_calls(x, f->calls, e);
	trace_intake_close(&mapped);
	ingest_add_passed_over(x->in, f->passed_over);
	if (x->o->doubts)
		doubts_append(x->o->doubts, &f->doubts);
	if (f->not_read) {
		ingest_add_unread(x->in);
		if (x->o->on_refusal)
			x->o->on_refusal(x->o->user, x->path, -1, f->not_read);
	}
	if (rc == 0 && f->failure.code != ERR_NONE) {
		rc = err_pass(e, &f->failure);
	}
	return rc;
}

static int ingest_trace(struct intake *to, const char *path, struct err *e)
{
	struct trace_intake x;
	bool torn = false;
	int rc = trace_intake_open(&x, to, path, e);
	if (rc == 0)
		rc = trace_rewind(x.trace, false, e);
	if (rc == 0)
		rc = trace_intake_run(&x, trace_body_line(x.trace), &torn, e);
	if (rc == 0 && torn) {
		/* a quoted field spans lines somewhere: what was taken so far is met again, and
		 * known */
		intake_start_again(to);
		rc = trace_rewind(x.trace, true, e);
		if (rc == 0)
			rc = trace_intake_run(&x, trace_body_line(x.trace), &torn, e);
	}
	if (rc == 0)
		rc = trace_intake_end(&x, e);
	trace_intake_close(&x);
	return rc;
}

bool ingest_is_log_format(const char *format)
{
	return format && (strcmp(format, "claude") == 0 || strcmp(format, "codex") == 0 ||
			  strcmp(format, "payload") == 0);
}

/* A file of a directory is taken for a log unless it is a trace. */
static bool is_log(const struct ingest_files *o, const char *path, bool found)
{
	bool any = !o->format || strcmp(o->format, "auto") == 0;
	return ingest_is_log_format(o->format) ||
	       (any &&
		(found ? !source_is_trace(path) : source_is_payload(path, o->map_count > 0)));
}

static int64_t file_bytes(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* One file; parsed: what was read of it already, NULL for traces. */
static int ingest_one(struct intake *x, const char *path, const char *name,
		      struct parsed_file *parsed, struct err *e)
{
	intake_set_source(x, name);
	int rc = parsed ? ingest_parsed(x, parsed, e) : ingest_trace(x, path, e);
	x->bytes_before += file_bytes(path);
	x->bytes_done = 0;
	return rc == 0 ? intake_end_source(x, e) : rc;
}

/* Files in their order; shown: the name of a single one, NULL: its path. Logs that follow each
 * other are parsed by other threads meanwhile. */
static int ingest_list(struct store *s, const struct ingest_files *o, const struct path_list *list,
		       const char *shown, struct ingest_counts *counts, struct err *e)
{
	const char *const *const path = list->path, *const *const name = shown ? &shown : path;
	const size_t count = list->count;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct intake x;
	int rc = 0;
	intake_open(&x, s, o, "");
	for (size_t i = 0; rc == 0 && o->progress && i < count; i++)
		x.bytes_total += file_bytes(path[i]);
	for (size_t i = 0; rc == 0 && o->map_count && i < count; i++)
		if (is_log(o, path[i], list->found[i]))
			rc = payload_check_map(o->map, o->map_count, name[i], e);
	for (size_t i = 0; rc == 0 && i < count;) {
		size_t n = 0;
		while (i + n < count && is_log(o, path[i + n], list->found[i + n]))
			n++;
		if (n == 0) {
			rc = ingest_one(&x, path[i], name[i], NULL, e);
			i++;
			continue;
		}
		const struct reading how = { .map = o->map, .map_count = o->map_count };
		struct read_ahead *ahead =
			read_ahead_open(path + i, list->found + i, n, &how, (int)cores);
		for (size_t k = 0; rc == 0 && k < n; k++)
			rc = ingest_one(&x, path[i + k], name[i + k], read_ahead_file(ahead, k), e);
		read_ahead_close(ahead);
		i += n;
	}
	/* what was read before a damage stays */
	bool store_failed = rc != 0 && (e->code == ERR_STORE || e->code == ERR_BUSY);
	struct err other;
	int ended = intake_end(&x, store_failed ? rc : 0, rc == 0 ? e : &other);
	rc = rc != 0 ? rc : ended;
	ingest_counts_add(counts, ingest_counts(x.in));
	intake_close(&x);
	return rc;
}

/* The rollups too; what was read before a failure is in them. */
static int end_with_rollups(struct store *s, int rc, struct err *e)
{
	struct err other;
	int rolled = rollup_catch_up_beside(s, 0, clock_now(), rc == 0 ? e : &other);
	return rc != 0 ? rc : rolled;
}

int ingest_found(struct store *s, const struct ingest_files *o, const struct path_list *list,
		 struct ingest_counts *counts, struct err *e)
{
	return end_with_rollups(s, ingest_list(s, o, list, NULL, counts, e), e);
}

int ingest_path(struct store *s, const struct ingest_files *o, const char *path,
		struct ingest_counts *counts, struct err *e)
{
	struct path_list list = { 0 };
	int rc;
	if (strcmp(path, "-") == 0) {
		char *file;
		rc = file_of_standard_input(&file, e);
		if (rc != 0)
			return rc;
		const struct path_list spooled = { .path = &(const char *){ file },
						   .found = &(bool){ false },
						   .count = 1 };
		rc = ingest_list(s, o, &spooled, file_title(file), counts, e);
	} else {
		rc = path_list_add(&list, path, e);
		if (rc == 0)
			rc = ingest_list(s, o, &list, NULL, counts, e);
		path_list_release(&list);
	}
	return end_with_rollups(s, rc, e);
}
