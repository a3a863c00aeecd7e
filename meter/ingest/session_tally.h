/*
 * session_tally: what the calls that are stored count, by session and by session and model. Read
 * from the rows when somebody asks first, and kept up to date from there.
 */
#ifndef TALLY_METER_INGEST_SESSION_TALLY_H
#define TALLY_METER_INGEST_SESSION_TALLY_H

#include "base/dict.h"
#include "meter/formats/assemble.h"
#include "meter/store/store.h"

struct session_tallies {
	struct dict by_name; /* 1 + place in: */
	struct session_tally *tally;
	size_t count;
	bool read;
};
void session_tallies_release(struct session_tallies *x);
/* They are read again when somebody asks. */
void session_tallies_forget(struct session_tallies *x);
/* A call that was stored. */
void session_tallies_add(struct session_tallies *x, const struct metered *m);
/* Of the calls by that name (session_name); what runs printed is none. Errors: the store's. */
int session_tallies_find(struct session_tallies *x, struct store *s, struct text name,
			 struct session_tally *out, struct err *e);

#endif
