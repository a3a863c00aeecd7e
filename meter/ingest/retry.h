/* retry: what was quarantined, read again: after a fix of the program, a card, or with what it
 * lacked. */
#ifndef TALLY_METER_INGEST_RETRY_H
#define TALLY_METER_INGEST_RETRY_H

#include "meter/ingest/ingest.h"
#include "meter/ingest/quarantine.h"

/* Those of that list; refused hears of each that is refused again. */
struct retry_list {
	const int64_t *id;
	size_t count;
	void (*refused)(void *user, int64_t id, const char *why);
	void *user;
};
int retry_all(struct store *s, const struct ingest_options *o, const struct retry_list *list,
	      int64_t *taken, struct instant now, struct err *e);

#endif
