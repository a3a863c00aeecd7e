/*
 * session_sums: what the output of a run sums up of a session (`claude -p`, `codex exec --json`)
 * and the session's calls are one usage. Whichever comes first, the calls count: they say more.
 *
 * Both are found by names in the table of other ids (assemble.h, session_name).
 */
#ifndef TALLY_METER_INGEST_SESSION_SUMS_H
#define TALLY_METER_INGEST_SESSION_SUMS_H

#include "base/text.h"
#include "meter/formats/payload.h"
#include "meter/store/store.h"

struct session_sums {
	struct buf last; /* the session of the last call, which most calls share */
	struct buf id;
};
void session_sums_release(struct session_sums *x);
/* Before a record that is new is stored. A call takes the sums of its session back; *told: it is a
 * sum whose calls are stored, and must not be. Errors: the store's. */
int session_sums_meet(struct session_sums *x, struct store *s, const struct metered *m, bool *told,
		      struct err *e);
/* After it was stored under that id. Errors: the store's. */
int session_sums_note(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct err *e);
/* Both of a record that is stored already, whose first row that is: the log of another session may
 * repeat it. Errors: the store's. */
int session_sums_again(struct session_sums *x, struct store *s, const struct metered *m,
		       int64_t first, struct err *e);
/* What was noted last may be gone. */
void session_sums_forget(struct session_sums *x);

#endif
