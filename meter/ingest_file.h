/*
 * ingest_file: files, directories and standard input into the store, once or as they grow.
 *
 * Traces of equal rows go through the fast readers, logs and payloads through theirs. Whatever is
 * read twice is stored once, so every way of cutting, ordering or repeating the files gives the
 * same store.
 */
#ifndef TALLY_METER_INGEST_FILE_H
#define TALLY_METER_INGEST_FILE_H

#include <stdatomic.h>

#include "meter/formats/shape.h"
#include "meter/ingest.h"

struct ingest_files {
	struct ingest_options options;
	const char *format; /* NULL: by content */
	const struct field_map *map;
	size_t map_count;
	/* a first problem of each kind is told at once; may be NULL */
	void (*on_refusal)(void *user, const char *path, int64_t line, const char *why);
	void (*progress)(void *user, int64_t records, int64_t done_bytes, int64_t total_bytes);
	void *user;
};

/* Adds to *counts. Errors: those of reading (what was committed before stays), and the store's. */
int ingest_path(struct store *s, const struct ingest_files *o, const char *path,
		struct ingest_counts *counts, struct err *e);

/*
 * Reads what the paths hold beyond what was read before, and goes on with it as they grow, until
 * *stop. Files that are replaced (rotated) are read to their end and then anew. idle is called when
 * there is nothing to do; it returns whether to go on.
 */
int ingest_follow(struct store *s, const struct ingest_files *o, const char *const *path,
		  size_t count, struct ingest_counts *counts, atomic_bool *stop,
		  bool (*idle)(void *user, const struct ingest_counts *counts), struct err *e);

#endif
