/*
 * trace_reader: the one way from a trace to batches of records.
 *
 * Opens the reader of the trace's shape, hands it block after block, refuses records that are too
 * long, and tells where a refused record stands. Any number of readers may share a trace, a thread
 * each. Never interprets a value.
 */
#ifndef TALLY_METER_READ_TRACE_READER_H
#define TALLY_METER_READ_TRACE_READER_H

#include "meter/read/trace.h"

struct trace_reading {
	const struct field_map *map;
	size_t map_count;
	uint64_t unneeded; /* text fields whose values do not matter to the sink */
	bool strict_only;
	bool unpriced; /* nobody prices the records: a key that may be billed is a doubt, no more */
};

struct trace_reader;
/* The trace must live as long as the reader, and be rewound before the first block. */
struct trace_reader *trace_reader_open(struct trace *t, const struct trace_reading *how,
				       const struct record_sink *sink);
void trace_reader_close(struct trace_reader *r);

enum { TRACE_TORN = 2 };
/*
 * One block into the sink. 1: it was read; 0: there are no more, or none yet of a trace that grows;
 * TRACE_TORN: a quoted field spans lines and blocks do not come in order, so that nothing can be
 * trusted: rewind in order; negative: the file could not be read on.
 */
int trace_reader_next(struct trace_reader *r, struct err *e);

/* For a reader that shares its trace with nobody: the first block begins on that line, and all
 * lines are counted. */
void trace_reader_count_from(struct trace_reader *r, int64_t line);
/* During a call of the sink, of a byte of the block at work: its line, or -1 when only its offset
 * is known; and its offset in the file, or -1. Lines are asked for in the order of the file. */
int64_t trace_reader_line(struct trace_reader *r, const char *at);
int64_t trace_reader_offset(const struct trace_reader *r, const char *at);

#endif
