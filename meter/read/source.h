/*
 * source: files, directories and standard input as lines of text, for logs and payloads.
 *
 * Plain and gzip. Remembers where each line ends, so that a growing log can be read on from there.
 * Traces of millions of equal rows are read by trace.h instead.
 */
#ifndef TALLY_METER_READ_SOURCE_H
#define TALLY_METER_READ_SOURCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "meter/formats/payload.h"

enum { SOURCE_LINE_MAX = 64 << 20 };

/* What the user named, directories replaced by the logs in them (*.jsonl, *.json, *.ndjson, and
 * these with .gz; databases and exports of agents that are known), in the order of their names. */
struct path_list {
	struct arena arena;
	const char **path;
	bool *found; /* in a directory: what cannot be read there does not end a run */
	size_t count, room;
};
/* PLACES_OF_AGENTS (places.h) is the logs of the agents of this machine, which may be none.
 * Folders whose names begin with a dot are skipped, except where agents keep their logs in a home.
 * Links to directories are followed, each directory once; what a directory holds that cannot be
 * opened is in the list, for whoever opens it to name. Errors: ERR_NOT_FOUND, ERR_UNREADABLE; a
 * directory without logs is an error. */
int path_list_add(struct path_list *list, const char *path, struct err *e);
/* One that a walk found, as it is. */
void path_list_add_found(struct path_list *list, const char *path);
void path_list_release(struct path_list *list);
/* Whether the path can stand for several files: a directory, or the places of agents. */
bool path_is_many(const char *path);

struct source;
/* "-" is standard input. Errors: ERR_NOT_FOUND, ERR_UNREADABLE. */
int source_open(struct source **out, const char *path, struct err *e);
void source_close(struct source *s);
/* 1: a line without its end, valid until the next call; 0: no more; negative: it could not be read
 * on. A last line without its end is handed out too, unless whole_only. */
int source_line(struct source *s, struct text *line, bool whole_only, struct err *e);
/* Number of the line handed out last, from 1. */
int64_t source_number(const struct source *s);
/* Bytes of the (decompressed) text up to the end of that line. */
int64_t source_offset(const struct source *s);
/* Reads on from there; plain files only. */
int source_seek(struct source *s, int64_t offset, int64_t number, struct err *e);

/* The same of a file by its path, which may also be an agent's database or a table that a dashboard
 * exported; *bytes: its size, 0 where it is unknown. */
int source_read_path(const char *path, struct payload_reader *r, int64_t *bytes, struct err *e);
/* Whether it is of a kind without lines to wait for, which is read again when it has changed: such
 * a database or table. */
bool source_is_whole(const char *path);
/* Whether its tables or its header tell what it is, so that nothing in it is beside the matter. */
bool source_is_known(const char *path);
/* Whether the file's beginning looks like something for payload readers rather than a trace, or it
 * is an empty file with the name of a log; false when it cannot be read. mapped: what its columns
 * mean is said by --map, so that a table of calls is a trace. */
bool source_is_payload(const char *path, bool mapped);
/* Whether its beginning is that of a trace of native records. */
bool source_is_trace(const char *path);
/* Whether the file has a member whose name speaks of tokens and that counts some: a file of that
 * kind which yields no record is not understood. objects: also one that is an object which does, or
 * that speaks of usage, as of a file that could not be parsed; in one that could, these are known.
 */
bool source_counts_tokens(const char *path, bool objects);

#endif
