/*
 * trace: opening trace files and handing out their bytes in blocks of whole records.
 *
 * A file may be plain, gzip or zstd, or standard input. What it contains is recognised from its
 * first bytes. Blocks of a plain file are read independently by any number of threads; everything
 * else is read in order under a lock. Owns the files and what is known of their columns; never
 * interprets a value.
 */
#ifndef TALLY_METER_READ_TRACE_H
#define TALLY_METER_READ_TRACE_H

#include "base/csv.h"
#include "meter/read/doubts.h"
#include "meter/read/record_reader.h"

enum {
	TRACE_BLOCK = 128 << 10, /* bytes of a block, not counting the rest of its last record */
	TRACE_RECORD_MAX = CSV_RECORD_MAX,
	TRACE_SLACK = 64, /* readable bytes before and after a block */
};

struct trace_options {
	const char *format; /* name of a shape, or NULL / "auto" */
	const struct field_map *map;
	size_t map_count;
	bool spool; /* the trace is read more than once: keep standard input in a temporary file */
};

struct trace;

/* Opens path ("-" is standard input) and reads its head. Errors: ERR_NOT_FOUND, ERR_UNREADABLE,
 * ERR_INVALID (empty, no usable column), ERR_USAGE (unknown format). */
int trace_open(struct trace **out, const char *path, const struct trace_options *o, struct err *e);
void trace_close(struct trace *t);

const char *trace_path(const struct trace *t);
const struct shape *trace_shape(const struct trace *t);
char trace_separator(const struct trace *t);
/* Field of each column of a CSV file. */
size_t trace_columns(const struct trace *t);
enum record_field trace_column_field(const struct trace *t, size_t column);
const char *trace_column_name(const struct trace *t, size_t column);
/* For csv_reader_open; what it points to lives as long as the trace. */
struct csv_layout trace_csv_layout(const struct trace *t, uint64_t unneeded, bool strict_only);
/* Keeps that a column may count and nobody knows what; the columns that the readers told it of. Of
 * a trace whose counts were mapped there are none: who maps says what counts. */
void trace_doubt(void *trace, struct text column);
const struct doubts *trace_doubts(const struct trace *t);
/* Whether the CSV header feeds the field (always true for JSON Lines: any line may). */
bool trace_may_have(const struct trace *t, enum record_field f);
/* Bytes on disk, 0 when not known. */
int64_t trace_size(const struct trace *t);
/* Bytes consumed so far, of the file as it lies on disk. */
int64_t trace_progress(const struct trace *t);

/* Starts (again) at the first record. in_order: blocks follow each other and records may span lines
 * (see trace_next). */
int trace_rewind(struct trace *t, bool in_order, struct err *e);
/* Goes to the record at that offset (0: the first) and from there on in order, as the file grows:
 * trace_next gives whole records only, and after a 0 may be asked again. Plain files only (else
 * ERR_USAGE). */
int trace_read_on(struct trace *t, int64_t offset, int64_t line, struct err *e);
/* Where the next record begins (-1: not known yet, inside one that is too long), and its line; of a
 * trace that is read in order. */
int64_t trace_next_offset(const struct trace *t);
int64_t trace_next_line(const struct trace *t);
/* Whether it can be read only once. */
bool trace_is_pipe(const struct trace *t);

struct trace_block {
	char *p;	/* TRACE_SLACK readable bytes lie before p and after p + n */
	size_t n;	/* ends with '\n' unless `cut` */
	int64_t offset; /* of p in the file, or -1 */
	int64_t line;	/* number of the first line, or -1 when only the offset is known */
	bool cut;	/* the last record is longer than TRACE_RECORD_MAX; its rest is not here */
	bool in_order;	/* CSV records that span lines are whole, and listed in `span` */
	struct record_span *span; /* records of several lines, ascending */
	size_t span_count, span_room;
	/* private */
	char *memory;
	size_t room;
};
void trace_block_release(struct trace_block *b);

/*
 * The next block, for any thread. 1: a block; 0: no more; negative: the file could not be read on
 * (ERR_UNREADABLE). Blocks of a plain file that is not read in order end at line ends; a CSV record
 * that spans lines may be torn then.
 */
int trace_next(struct trace *t, struct trace_block *b, struct err *e);

/* The line number of the byte at offset, by counting (for messages about plain files). */
int64_t trace_body_line(const struct trace *t); /* of the first record */
int64_t trace_line_at(const struct trace *t, int64_t offset);
/* The same, where the byte at `at` is known to lie in that line. */
int64_t trace_line_from(const struct trace *t, int64_t at, int64_t line, int64_t offset);

#endif
