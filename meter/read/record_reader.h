/*
 * record_reader: blocks of CSV or JSON Lines text into usage records, fast where the text is plain
 * and strictly elsewhere.
 *
 * The fast readers take only what they are certain of; every other line goes to the strict path
 * over libcsv or cJSON, which alone decides what is refused and why. With `strict_only` the fast
 * readers are switched off; both ways must give the same records and the same refusals, and a test
 * holds them to it.
 */
#ifndef TALLY_METER_READ_RECORD_READER_H
#define TALLY_METER_READ_RECORD_READER_H

#include "base/csv.h"
#include "meter/read/columns.h"

struct record_span {
	size_t from, to;
};

/* Whole lines, each ending in '\n'; 64 readable bytes lie before and after. */
struct record_block {
	const char *p;
	size_t n;
	bool in_order; /* the CSV records that span lines are known and listed in span */
	const struct record_span *span;
	size_t span_count;
};

struct record_sink {
	void *user;
	/* The batch and what it points to are valid during the call only; the callee may change the
	 * batch. */
	void (*accept)(void *user, struct record_batch *b);
	/* at: the first byte of the refused record in the block. */
	void (*refuse)(void *user, const char *at, size_t n, const struct err *why);
};

struct csv_layout {
	const struct shape *shape;
	char separator;
	size_t columns;
	const enum record_field *field; /* of each column */
	const char *const *name;	/* of each column, as the header has it */
	uint64_t unneeded;		/* text fields whose values do not matter to the sink */
	bool strict_only;
	bool lacks; /* columns for prompts or answers: a number of no known meaning may be these */
	column_doubt *doubt; /* of others; NULL: not wanted. May be called by several threads */
	void *doubt_user;
};

struct csv_reader;
struct csv_reader *csv_reader_open(const struct csv_layout *layout);
void csv_reader_close(struct csv_reader *r);
/* False when a record may span lines and the block is not in order: nothing can be trusted then,
 * read the file in order. */
bool csv_reader_run(struct csv_reader *r, const struct record_block *b,
		    const struct record_sink *sink);

struct jsonl_layout {
	const struct shape *shape;
	const struct field_map *map;
	size_t map_count;
	bool strict_only;
	bool unpriced; /* nobody prices the records: a key that may be billed is a doubt, no more */
	column_doubt *doubt; /* as above */
	void *doubt_user;
};

struct jsonl_reader;
struct jsonl_reader *jsonl_reader_open(const struct jsonl_layout *layout);
void jsonl_reader_close(struct jsonl_reader *r);
/* Records come in the order of their lines. */
void jsonl_reader_run(struct jsonl_reader *r, const struct record_block *b,
		      const struct record_sink *sink);

#endif
