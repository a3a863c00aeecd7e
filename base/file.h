/* file: a whole small file (a card, a plan, a report) from and to the disk. Traces are read by
 * meter/trace. */
#ifndef TALLY_BASE_FILE_H
#define TALLY_BASE_FILE_H

#include "base/err.h"
#include "base/text.h"

/*
 * Appends the file to *out, which the caller releases in any case. Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE (a directory, a failing disk), ERR_RANGE (more than bytes_max).
 */
int file_read(struct buf *out, const char *path, size_t bytes_max, struct err *e);
/* Replaces the file; NULL: standard output. Errors: ERR_SYSTEM. */
int file_write(const char *path, struct text content, struct err *e);
/* Makes the folders above the file that are missing. Errors: ERR_SYSTEM. */
int file_make_folders(const char *path, unsigned mode, struct err *e);

#endif
