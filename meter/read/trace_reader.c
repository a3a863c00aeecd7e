#include "meter/read/trace_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct trace_reader {
	struct trace *trace;
	struct record_sink sink;
	struct csv_reader *csv; /* or */
	struct jsonl_reader *jsonl;
	struct trace_block block;
	/* the line of a byte of the block, and the block's first line where all are counted, else
	   -1 */
	const char *line_at;
	int64_t line, counted;
};

struct trace_reader *trace_reader_open(struct trace *t, const struct trace_reading *how,
				       const struct record_sink *sink)
{
	struct trace_reader *r = mem_zalloc(sizeof *r);
	const struct shape *shape = trace_shape(t);
	r->trace = t;
	r->sink = *sink;
	r->counted = -1;
	if (shape->container == CONTAINER_CSV) {
		struct csv_layout layout = trace_csv_layout(t, how->unneeded, how->strict_only);
		layout.doubt = trace_doubt;
		layout.doubt_user = t;
		r->csv = csv_reader_open(&layout);
	} else {
		r->jsonl = jsonl_reader_open(
			&(struct jsonl_layout){ shape, how->map, how->map_count, how->strict_only,
						how->unpriced, trace_doubt, t });
	}
	return r;
}

void trace_reader_close(struct trace_reader *r)
{
	if (!r)
		return;
	csv_reader_close(r->csv);
	jsonl_reader_close(r->jsonl);
	trace_block_release(&r->block);
	free(r);
}

void trace_reader_count_from(struct trace_reader *r, int64_t line)
{
	r->counted = line;
}

int64_t trace_reader_line(struct trace_reader *r, const char *at)
{
	const struct trace_block *b = &r->block;
	if (!r->line_at || at < r->line_at) {
		r->line_at = b->p;
		r->line = r->counted >= 0 ? r->counted : b->line;
	}
	if (r->line < 0)
		return -1;
	while (r->line_at < at) {
		const char *nl = memchr(r->line_at, '\n', (size_t)(at - r->line_at));
		if (!nl)
			break;
		r->line_at = nl + 1;
		r->line++;
	}
	return r->line;
}

int64_t trace_reader_offset(const struct trace_reader *r, const char *at)
{
	return r->block.offset < 0 ? -1 : r->block.offset + (at - r->block.p);
}

int trace_reader_next(struct trace_reader *r, struct err *e)
{
	struct trace_block *b = &r->block;
	const int rc = trace_next(r->trace, b, e);
	if (rc <= 0)
		return rc;
	struct record_block block = { b->p, b->n, b->in_order, b->span, b->span_count };
	r->line_at = NULL;
	if (b->cut) {
		/* all but the torn last record */
		const char *nl = memrchr(b->p, '\n', b->n);
		block.n = nl ? (size_t)(nl + 1 - b->p) : 0;
	}
	if (r->jsonl)
		jsonl_reader_run(r->jsonl, &block, &r->sink);
	else if (!csv_reader_run(r->csv, &block, &r->sink))
		return TRACE_TORN;
	if (b->cut) {
		struct err why = { 0 };
		err_set(&why, ERR_INVALID, "the line is longer than %d bytes", TRACE_RECORD_MAX);
		r->sink.refuse(r->sink.user, b->p + block.n, b->n - block.n, &why);
	}
	if (r->counted >= 0)
		r->counted = trace_reader_line(r, b->p + b->n);
	return 1;
}
