/* file: a whole small file (a card, a plan, a report) from and to the disk. Traces are read by
 * meter/trace. */
#ifndef TALLY_BASE_FILE_H
#define TALLY_BASE_FILE_H

#include "base/err.h"
#include "base/text.h"

/*
 * Appends the file (NULL: standard input) to *out, which the caller releases in any case. Errors:
 * ERR_NOT_FOUND, ERR_UNREADABLE (a directory, a failing disk), ERR_RANGE (more than bytes_max).
 */
int file_read(struct buf *out, const char *path, size_t bytes_max, struct err *e);
/* Replaces the file; NULL: standard output. Errors: ERR_SYSTEM. */
int file_write(const char *path, struct text content, struct err *e);
/*
 * Standard input as a file that can be looked at and read from its start as often as one likes: its
 * path, which is good until the process ends. Copied into a temporary file, once, unless it is a
 * file already. Errors: ERR_SYSTEM, ERR_UNREADABLE.
 */
int file_of_standard_input(char **path, struct err *e);
/* What messages call a file: "(standard input)" for "-" and for that path, else the path. */
const char *file_title(const char *path);
/* Makes the folders above the file that are missing. Errors: ERR_SYSTEM. */
int file_make_folders(const char *path, unsigned mode, struct err *e);

#endif
