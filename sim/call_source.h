/*
 * call_source: opens what a command names as the calls that it reads: traces, logs and payload
 * files, or packs, one kind at a time, and checks that their instants can be told.
 *
 * The one chooser between these kinds, for the replay, what-ifs, packs and caches. Owns what it
 * opens; reads no call of it.
 */
#ifndef TALLY_SIM_CALL_SOURCE_H
#define TALLY_SIM_CALL_SOURCE_H

#include "meter/read/call_times.h"
#include "sim/block_trace.h"
#include "sim/call_log.h"
#include "sim/pack.h"

struct call_source_options {
	const char *const *path;
	size_t path_count;
	const char *format; /* NULL: by content */
	const struct field_map *map;
	size_t map_count;
	bool has_at;
	bool from_zero; /* times that count from the start need no --at: they begin at 0 */
	bool spool;	/* the traces are read more than once */
	int threads;	/* that read logs */
};

/* One of these, by what is not NULL. */
struct call_source {
	const char *path; /* of the first file */
	struct trace **trace;
	size_t traces;
	struct call_log *log;
	struct pack **pack;
	size_t packs;
	bool relative; /* times count from the start */
	bool blocks;   /* requests of the first file name the blocks of their prompts */
};

/* Errors: as the readers; ERR_USAGE where the kinds are mixed or instants are missing. */
int call_source_open(struct call_source *out, const struct call_source_options *o, struct err *e);
void call_source_close(struct call_source *s);

/* Adds what its readers found so far that says that it may not tell all: once they are done, the
 * whole of it. */
void call_source_doubts(const struct call_source *s, struct doubts *out);

/* The first call's instant of logs and packs, INT64_MAX where there is none. */
int64_t call_source_first_us(const struct call_source *s);

/* The blocks of its first file, of which there must be some. Errors: as block_trace_read, and
 * ERR_INVALID where it names none. */
int call_source_blocks(struct block_trace **out, const struct call_source *s,
		       const struct block_trace_options *o, struct err *e);

#endif
