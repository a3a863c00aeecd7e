/*
 * ingest_file: files, directories and standard input into the store.
 *
 * Traces of equal rows go through the fast readers, logs and payloads through theirs. Whatever is
 * read twice is stored once, so every way of cutting, ordering or repeating the files gives the
 * same store.
 */
#ifndef TALLY_METER_INGEST_INGEST_FILE_H
#define TALLY_METER_INGEST_INGEST_FILE_H

#include "meter/read/shape.h"
#include "meter/ingest/ingest.h"

struct doubts;
struct ingest_files {
	struct ingest_options options;
	const char *format; /* NULL: by content */
	const struct field_map *map;
	size_t map_count;
	/* a first problem of each kind is told at once (line -1: the whole file); may be NULL */
	void (*on_refusal)(void *user, const char *path, int64_t line, const char *why);
	/* of all files together; total 0: not known */
	void (*progress)(void *user, int64_t records, int64_t done_bytes, int64_t total_bytes);
	void *user;
	struct doubts *doubts; /* those of the sources are added; NULL: not wanted */
};

/* Adds to *counts. Errors: those of reading (what was committed before stays), and the store's. */
int ingest_path(struct store *s, const struct ingest_files *o, const char *path,
		struct ingest_counts *counts, struct err *e);

/* The same of files that a walk found: what cannot be read or understood is counted and told, and
 * the rest goes on. */
struct path_list;
int ingest_found(struct store *s, const struct ingest_files *o, const struct path_list *list,
		 struct ingest_counts *counts, struct err *e);

/* Whether that format is of logs and payloads rather than of traces; NULL is not. */
bool ingest_is_log_format(const char *format);

#endif
