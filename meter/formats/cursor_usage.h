/*
 * cursor_usage: the usage that Cursor's dashboard exports as CSV. The four columns of tokens are
 * disjoint and add up to the total. Rows have no id: a call is known by what its row says, and
 * equal rows by how many there were, so that exports may overlap.
 */
#ifndef TALLY_METER_FORMATS_CURSOR_USAGE_H
#define TALLY_METER_FORMATS_CURSOR_USAGE_H

#include "meter/formats/payload.h"

/* Whether the file begins with the header of such an export. */
bool cursor_usage_known(const char *path);
/* Errors: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_INVALID. */
int cursor_usage_read(const char *path, struct payload_reader *r, struct err *e);

#endif
