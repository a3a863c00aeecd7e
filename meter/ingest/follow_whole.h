/*
 * follow_whole: files that are rewritten instead of appended to, while they are followed: databases
 * of agents, JSON documents, exports. Such a file is read again as a whole when it has changed, and
 * what it said before is not taken again.
 */
#ifndef TALLY_METER_INGEST_FOLLOW_WHOLE_H
#define TALLY_METER_INGEST_FOLLOW_WHOLE_H

#include "meter/ingest/intake.h"

/* Whether a file is of that kind, by its beginning or, of JSON, by its name. */
bool follow_whole_wants(const char *path);

struct follow_whole;
struct follow_whole *follow_whole_open(const char *path);
void follow_whole_close(struct follow_whole *w);
/* Reads the file if it has changed since the last look and, but for a database, has been left alone
 * for a moment: it may be half written. *any: it was read. What cannot be read is tried again, and
 * told when that did not help. Errors: the store's. */
int follow_whole_look(struct follow_whole *w, struct intake *run, bool *any, struct err *e);
/* The pages of answers in parts that it held when it was read last. */
struct doubts;
const struct doubts *follow_whole_doubts(const struct follow_whole *w);

#endif
