/*
 * session_calls: the calls of one session that are stored. Read from the rows when a sum of the
 * session asks, from the first of them on, and kept up to date from there.
 */
#ifndef TALLY_METER_INGEST_SESSION_CALLS_H
#define TALLY_METER_INGEST_SESSION_CALLS_H

#include "meter/formats/session_run.h"
#include "meter/store/store.h"

struct session_calls {
	struct buf session; /* empty: none is read */
	struct session_run run;
};
void session_calls_release(struct session_calls *x);
/* Whether they are of that session. */
bool session_calls_are_of(const struct session_calls *x, struct text session);
/* They are read again when somebody asks. */
void session_calls_forget(struct session_calls *x);
/* A call that was stored. */
void session_calls_add(struct session_calls *x, const struct metered *m);
/* Makes x->run the calls of the session, of which that is the first row; what runs printed is none.
 * Errors: the store's. */
int session_calls_read(struct session_calls *x, struct store *s, struct text session, int64_t first,
		       struct err *e);

#endif
