/*
 * retained: rows of usage in the file of their month, as Parquet: every column of theirs, so that
 * they can be put back as they were, and what people ask such a file for (names, exact cost).
 */
#ifndef TALLY_METER_RETAINED_H
#define TALLY_METER_RETAINED_H

#include "base/digest.h"
#include "meter/store/archived.h"
#include "meter/store/store.h"

/* A file, by what is known of it. */
struct retained {
	int64_t month, rows, records, first, last;
	int64_t requests, tokens[BUCKET_COMMON]; /* sums */
	int64_t bytes;
	char file[64]; /* its name, in a folder */
	char sha256[DIGEST_TEXT_MAX], content[DIGEST_TEXT_MAX];
};

/* Where the files are. */
struct retained_folder {
	const char *path;
	int fd;
};
/* make: it and the folders above it, for the owner alone. Errors: ERR_NOT_FOUND, ERR_SYSTEM. */
int retained_folder_open(struct retained_folder *out, const char *path, bool make, struct err *e);
void retained_folder_close(struct retained_folder *f);

/*
 * The rows of r->month into the file r->file, which is replaced; all of *r that they say is filled
 * in. On the disk and read back, each column compared, when it returns 0. For the owner alone; no
 * link is followed. Errors: ERR_SYSTEM, ERR_MISMATCH.
 */
int retained_write(struct retained *r, struct store *s, const struct retained_folder *to,
		   struct err *e);

/* A column of usage. */
struct retained_value {
	bool null;
	int64_t number;
	struct text text; /* ids as text, a UUID's too */
};
enum { USAGE_COLUMNS = 21 };
extern const char *const usage_columns[USAGE_COLUMNS]; /* their names, in the order of the table */
bool usage_column_is_text(size_t column);

/* Every row, in their order; the last of them is no proof before it returns 0: all of the file is
 * what *r says then. Errors: ERR_NOT_FOUND; ERR_INVALID and ERR_MISMATCH, which name the file. */
struct retained_take {
	int (*row)(void *user, const struct retained_value row[USAGE_COLUMNS], struct err *e);
	void *user;
};
int retained_read(const struct retained *r, const struct retained_folder *from,
		  const struct retained_take *take, struct err *e);

#endif
