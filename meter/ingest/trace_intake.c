#include "meter/ingest/trace_intake.h"

#include <stdio.h>
#include <stdlib.h>

#include "meter/read/read_ahead.h"

static int look(struct trace_intake *x, struct mapped *into, struct err *e);

/* The id of a row that has none, where it is stored as another --map read it. The first one that is
 * not is asked for once more where nobody else writes: another map may read the table, too. */
static void find_mapped(struct trace_intake *x, struct metered *m)
{
	struct err *e = &x->to->failure;
	if (m->record.text[FIELD_ID].n)
		return;
	struct text id = mapped_id(&x->mapped, m->line);
	if (!id.n && !x->mapped.noted && intake_hold(x->to, e) == 0 &&
	    look(x, &x->mapped, e) == 0 && mapped_note(&x->mapped, x->to->store, e) == 0)
		id = mapped_id(&x->mapped, m->line);
	if (id.n) {
		m->record.text[FIELD_ID] = id;
		m->record.present |= (uint64_t)1 << FIELD_ID;
	}
}

static void trace_take(void *user, struct record_batch *b)
{
	struct trace_intake *x = user;
	const bool has_id = b->columns >> FIELD_ID & 1;
	struct metered m = { .shape = trace_shape(x->trace)->name,
			     .rule = "as-given",
			     .unread = b->unread };
	for (size_t i = 0; has_id && !x->looks && i < b->n; i++)
		intake_prefetch(x->to, b->text[FIELD_ID][i]);
	for (size_t i = 0; i < b->n && x->to->failure.code == ERR_NONE; i++) {
		record_from_batch(&m.record, b, i);
		if (m.record.time_us != TIME_ABSENT)
			m.record.time_us += x->times.shift_us;
		if (m.record.completed_us != TIME_ABSENT)
			m.record.completed_us += x->times.shift_us;
		m.line = trace_reader_line(x->reader, b->at[i]);
		if (x->looks) {
			if (!m.record.text[FIELD_ID].n)
				mapped_see(&x->mapped, x->to->store, m.line,
					   ingest_id(x->looks, &m), &x->to->failure);
			continue;
		}
		find_mapped(x, &m);
		if (x->to->failure.code == ERR_NONE)
			intake_take(x->to, &m, m.line, &x->to->failure);
	}
}

static void trace_refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct trace_intake *x = user;
	if (!x->looks)
		intake_refuse_later(
			x->to, &(struct refused_line){ .line = trace_reader_line(x->reader, at),
						       .raw = { at, n },
						       .header = { x->header.p, x->header.n },
						       .why = why->message });
}

static void put_header(struct trace_intake *x)
{
	char separator = trace_separator(x->trace);
	for (size_t i = 0; i < trace_columns(x->trace); i++) {
		if (i)
			buf_add(&x->header, &separator, 1);
		/* as the program itself names the fields, so that it can be read again */
		enum record_field f = trace_column_field(x->trace, i);
		csv_put_field(&x->header, text_of(f >= FIELD_END ? trace_column_name(x->trace, i)
								 : record_field_name(f)));
	}
}

int trace_intake_run(struct trace_intake *x, int64_t line, bool *torn, struct err *e)
{
	const struct ingest_files *o = x->to->o;
	const struct trace_reading how = { .map = x->looks ? x->mapped.field : o->map,
					   .map_count =
						   x->looks ? x->mapped.fields : o->map_count };
	const struct err *failure = &x->to->failure;
	int rc = 1;
	x->reader = trace_reader_open(x->trace, &how,
				      &(struct record_sink){ x, trace_take, trace_refuse });
	trace_reader_count_from(x->reader, line);
	while (rc == 1) {
		rc = trace_reader_next(x->reader, e);
		if (!x->looks)
			x->to->bytes_done = trace_progress(x->trace);
		if (failure->code != ERR_NONE) {
			rc = err_pass(e, failure);
		}
	}
	*torn = rc == TRACE_TORN;
	trace_reader_close(x->reader);
	if (o->doubts && !x->looks)
		doubts_append(o->doubts, trace_doubts(x->trace));
	x->reader = NULL;
	return *torn ? 0 : rc;
}

/* Opens it with that map. */
static int open_with(struct trace_intake *x, const char *path, const struct field_map *map,
		     size_t map_count, struct err *e)
{
	const struct ingest_files *o = x->to->o;
	const struct trace_options wanted = { o->format, map, map_count, true };
	int rc = trace_open(&x->trace, path, &wanted, e);
	if (rc != 0)
		return rc;
	const struct shape *shape = trace_shape(x->trace);
	const bool relative = shape->time != TIME_INSTANT;
	x->times =
		(struct call_times){ .has_at = relative && o->options.has_at, .at = o->options.at };
	call_times_begin(&x->times, relative, INT64_MAX);
	return call_times_need_at(path, shape->name, relative, o->options.has_at, e);
}

/* The rows that are stored as an earlier map read them. */
static int look_with(struct trace_intake *x, struct mapped *into, struct err *e)
{
	struct trace_intake own = { .to = x->to, .mapped = *into };
	const char *path = x->path;
	bool torn = false;
	int rc = open_with(&own, path, into->field, into->fields, e);
	for (int again = 0; rc == 0 && (again == 0 || (again == 1 && torn)); again++) {
		own.looks = ingest_open(x->to->store, &x->to->o->options, path, NULL, NULL);
		rc = trace_rewind(own.trace, again, e);
		if (rc == 0)
			rc = trace_intake_run(&own, trace_body_line(own.trace), &torn, e);
		ingest_close(own.looks);
	}
	*into = own.mapped;
	trace_close(own.trace);
	return rc;
}

/* The same with each map that was noted since *into looked. */
static int look(struct trace_intake *x, struct mapped *into, struct err *e)
{
	struct err none;
	int rc;
	while ((rc = mapped_next(into, x->to->store, e)) == 1)
		/* one with which it cannot be read has read none of it */
		if (look_with(x, into, &none) != 0 && x->to->failure.code != ERR_NONE)
			return err_pass(e, &x->to->failure);
	return rc;
}

/* The same of rows that are read as usage objects where no map says otherwise. */
static int look_without_map(struct trace_intake *x, const char *path, struct err *e)
{
	static const struct reading plain = { 0 };
	struct parsed_file f = { 0 };
	struct ingest *looks = ingest_open(x->to->store, &x->to->o->options, path, NULL, NULL);
	int rc = 0;
	parsed_file_read(&f, path, false, &plain);
	for (size_t i = 0; rc == 0 && f.calls && i < assembly_count(f.calls); i++) {
		const struct metered *m = assembly_call(f.calls, i);
		rc = mapped_see(&x->mapped, x->to->store, m->line, ingest_id(looks, m), e);
	}
	parsed_file_release(&f);
	ingest_close(looks);
	return rc;
}

int trace_intake_open(struct trace_intake *x, struct intake *to, const char *path, struct err *e)
{
	const struct ingest_files *o = to->o;
	*x = (struct trace_intake){ .to = to, .path = path };
	int rc = open_with(x, path, o->map, o->map_count, e);
	if (rc != 0)
		return rc;
	if (trace_shape(x->trace)->container == CONTAINER_CSV)
		put_header(x);
	mapped_init(&x->mapped, x->trace, o->map, o->map_count);
	rc = look(x, &x->mapped, e);
	if (rc == 0 && o->map_count && source_is_payload(path, false))
		rc = look_without_map(x, path, e);
	return rc;
}

int trace_intake_end(struct trace_intake *x, struct err *e)
{
	struct mapped now;
	char why[200];
	/* nothing of it is new */
	if (!x->mapped.noted || x->to->failure.code != ERR_NONE)
		return 0;
	mapped_init(&now, x->trace, x->to->o->map, x->to->o->map_count);
	int rc = intake_hold(x->to, e);
	if (rc == 0)
		rc = look(x, &now, e);
	const size_t twice = rc == 0 ? mapped_beside(&x->mapped, &now) : 0;
	mapped_release(&now);
	if (!twice)
		return rc;
	snprintf(why, sizeof why,
		 "%zu of its rows are stored as another map read them at the same time, and count "
		 "twice: void one of both",
		 twice);
	return intake_refuse(x->to, &(struct refused_line){ .raw = TEXT("{}"), .why = why }, e);
}

void trace_intake_close(struct trace_intake *x)
{
	buf_release(&x->header);
	mapped_release(&x->mapped);
	trace_close(x->trace);
}
