/*
 * archive: exports that come in a ZIP, as DeepSeek's do. Each entry is read as a file by itself;
 * what is a bill beside the usage is skipped, for a number counts once.
 */
#ifndef TALLY_METER_READ_ARCHIVE_H
#define TALLY_METER_READ_ARCHIVE_H

#include "meter/formats/payload.h"

/* Told by its first bytes. */
bool archive_known(const char *path);
/* Errors: those of unpack, ERR_INVALID where all of it are bills, or nothing is read. */
int archive_read(const char *path, struct payload_reader *r, struct err *e);

#endif
