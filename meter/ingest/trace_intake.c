#include "meter/ingest/trace_intake.h"

#include <stdlib.h>

/* The line of a place in the block at work; blocks come in order. */
static int64_t line_of(struct trace_intake *x, const char *at)
{
	if (!x->line_at || at < x->line_at) {
		x->line_at = x->block->p;
		x->line = x->lines_before;
	}
	while (x->line_at < at) {
		const char *nl = memchr(x->line_at, '\n', (size_t)(at - x->line_at));
		if (!nl)
			break;
		x->line_at = nl + 1;
		x->line++;
	}
	return x->line;
}

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
			m.record.time_us += x->shift_us;
		m.line = line_of(x, b->at[i]);
		intake_take(x->to, &m, m.line, &x->to->failure);
	}
}

static void trace_refuse(void *user, const char *at, size_t n, const struct err *why)
{
	struct trace_intake *x = user;
	intake_refuse_later(x->to, line_of(x, at), (struct text){ at, n },
			    (struct text){ x->header.p, x->header.n }, why->message);
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
	struct trace *t = x->trace;
	struct err *failure = &x->to->failure;
	struct trace_block b = { 0 };
	const struct record_sink sink = { x, trace_take, trace_refuse };
	int rc = 0;
	*torn = false;
	x->lines_before = line;
	while (!*torn && (rc = trace_next(t, &b, e)) > 0) {
		struct record_block block = { b.p, b.n, b.in_order, b.span, b.span_count };
		x->block = &b; /* cppcheck-suppress autoVariables */
		x->line_at = NULL;
		x->to->bytes_done = trace_progress(t);
		if (b.cut) {
			const char *nl = memrchr(b.p, '\n', b.n);
			block.n = nl ? (size_t)(nl + 1 - b.p) : 0;
		}
		if (x->csv)
			*torn = !csv_reader_run(x->csv, &block, &sink);
		else
			jsonl_reader_run(x->jsonl, &block, &sink);
		if (b.cut && failure->code == ERR_NONE) {
			struct err why;
			err_set(&why, ERR_INVALID, "the line is longer than %d bytes",
				TRACE_RECORD_MAX);
			trace_refuse(x, b.p + block.n, b.n - block.n, &why);
		}
		if (failure->code != ERR_NONE) {
			*e = *failure;
			rc = -(int)e->code;
			break;
		}
		x->lines_before = line_of(x, b.p + b.n);
	}
	x->block = NULL;
	trace_block_release(&b);
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
	to->bytes_total = trace_size(t);
	/* traces that count from their start begin at --at */
	if (shape->time != TIME_INSTANT) {
		if (!o->options.has_at)
			return err_set(e, ERR_USAGE, TRACE_NEEDS_AT, path, shape->name);
		x->shift_us = o->options.at.us;
	}
	if (shape->container == CONTAINER_CSV) {
		put_header(x);
		const struct csv_layout layout = trace_csv_layout(t, 0, false);
		x->csv = csv_reader_open(&layout);
	} else {
		x->jsonl = jsonl_reader_open(
			&(struct jsonl_layout){ shape, o->map, o->map_count, false });
	}
	return 0;
}

void trace_intake_close(struct trace_intake *x)
{
	csv_reader_close(x->csv);
	jsonl_reader_close(x->jsonl);
	buf_release(&x->header);
	trace_close(x->trace);
}
