/*
 * session_database: sessions that agents keep in SQLite databases. A row of the table is an agent,
 * known by its tables.
 */
#ifndef TALLY_METER_FORMATS_SESSION_DATABASE_H
#define TALLY_METER_FORMATS_SESSION_DATABASE_H

#include "meter/formats/payload.h"

/* Whether the file is a database of an agent that is known. */
bool session_database_known(const char *path);
/* All its calls into the reader, whose path it is. Errors: ERR_UNREADABLE; ERR_INVALID, it is of no
 * agent that is known. */
int session_database_read(const char *path, struct payload_reader *r, struct err *e);

#endif
