#include "meter/ingest/trace_intake.h"

#include <stdlib.h>

static void trace_take(void *user, struct record_batch *b)
{
	struct trace_intake *x = user;
	const bool has_id = b->columns >> FIELD_ID & 1;
	struct metered m = { .shape = trace_shape(x->trace)->name,
			     .rule = "as-given",
			     .unread = b->unread };
	for (size_t i = 0; has_id && i < b->n; i++)
		intake_prefetch(x->to, b->text[FIELD_ID][i]);
	for (size_t i = 0; i < b->n && x->to->failure.code == ERR_NONE; i++) {
		record_from_batch(&m.record, b, i);
		if (m.record.time_us != TIME_ABSENT)
			m.record.time_us += x->times.shift_us;
		if (m.record.completed_us != TIME_ABSENT)
			m.record.completed_us += x->times.shift_us;
		m.line = trace_reader_line(x->reader, b->at[i]);
		intake_take(x->to, &m, m.line, &x->to->failure);
	}
}

static void trace_refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct trace_intake *x = user;
	intake_refuse_later(x->to, &(struct refused_line){ .line = trace_reader_line(x->reader, at),
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
	const struct trace_reading how = { .map = o->map, .map_count = o->map_count };
	const struct err *failure = &x->to->failure;
	int rc = 1;
	x->reader = trace_reader_open(x->trace, &how,
				      &(struct record_sink){ x, trace_take, trace_refuse });
	trace_reader_count_from(x->reader, line);
	while (rc == 1) {
		rc = trace_reader_next(x->reader, e);
		x->to->bytes_done = trace_progress(x->trace);
		if (failure->code != ERR_NONE) {
			rc = err_pass(e, failure);
		}
	}
	*torn = rc == TRACE_TORN;
	trace_reader_close(x->reader);
	if (o->doubts)
		doubts_append(o->doubts, trace_doubts(x->trace));
	x->reader = NULL;
	return *torn ? 0 : rc;
}

int trace_intake_open(struct trace_intake *x, struct intake *to, const char *path, struct err *e)
{
	const struct ingest_files *o = to->o;
	const struct trace_options wanted = { o->format, o->map, o->map_count, true };
	*x = (struct trace_intake){ .to = to };
	int rc = trace_open(&x->trace, path, &wanted, e);
	if (rc != 0)
		return rc;
	const struct trace *t = x->trace;
	const struct shape *shape = trace_shape(t);
	const bool relative = shape->time != TIME_INSTANT;
	x->times =
		(struct call_times){ .has_at = relative && o->options.has_at, .at = o->options.at };
	call_times_begin(&x->times, relative, INT64_MAX);
	if (shape->container == CONTAINER_CSV)
		put_header(x);
	return call_times_need_at(path, shape->name, relative, o->options.has_at, e);
}

void trace_intake_close(struct trace_intake *x)
{
	buf_release(&x->header);
	trace_close(x->trace);
}
