/*
 * read_ahead: log and payload files parsed by several threads, handed over in their order.
 *
 * Used where files must be taken one after the other (storing, merging) and parsing is most of the
 * work. At most a few files are held in memory beyond the one that is wanted.
 */
#ifndef TALLY_METER_READ_READ_AHEAD_H
#define TALLY_METER_READ_READ_AHEAD_H

#include "meter/formats/assemble.h"
#include "meter/read/doubts.h"
#include "meter/read/source.h"

/* What one file holds. */
struct parsed_file {
	const char *path;
	struct assembly *calls;
	struct refused_line *refused;
	size_t refused_count;
	int64_t passed_over, bytes;
	int64_t asked;	   /* of what was skipped: requests of a batch */
	int64_t added_up;  /* and sums of what other files tell */
	int64_t unclaimed; /* of the refused: in no form that is known */
	struct doubts doubts;
	struct err failure;   /* the file could not be read to its end */
	const char *not_read; /* why the file as a whole yields nothing; a run goes on behind it */
	struct arena arena;
};

/* How files are read. */
struct reading {
	bool every;		     /* as assembly_open */
	const struct field_map *map; /* as payload_set_map; checked */
	size_t map_count;
};
/* One file, at once; into a zeroed one. found: as read_ahead_open. */
void parsed_file_read(struct parsed_file *f, const char *path, bool found,
		      const struct reading *how);
void parsed_file_release(struct parsed_file *f);

struct read_ahead;
/* found: of each path, whether it was found in a directory: such a file that cannot be
 * opened is `not_read` instead of a failure, and one that is no log is nothing. Paths, flags and
 * the map must live as long. */
struct read_ahead *read_ahead_open(const char *const *path, const bool *found, size_t count,
				   const struct reading *how, int threads);
void read_ahead_close(struct read_ahead *r);
/* File number i, which must be asked for in order; valid until the next one is asked for. */
struct parsed_file *read_ahead_file(struct read_ahead *r, size_t i);

#endif
