/*
 * session_sums: what the output of a run sums up of a session (`claude -p`, `codex exec --json`)
 * and the session's calls are one usage. Whichever comes first, the calls count: they say more.
 * While calls are missing that the sum counts it stays, without a price, so that it is told.
 * An answer in the output of a run that lacks its end is a part of the sum that holds its id, and
 * gives way to it; it stands again when that sum gives way to calls.
 *
 * Both are found by names in the table of other ids (assemble.h, session_name).
 */
#ifndef TALLY_METER_INGEST_SESSION_SUMS_H
#define TALLY_METER_INGEST_SESSION_SUMS_H

#include "base/dict.h"
#include "meter/ingest/session_calls.h"

struct session_sums {
	/* names of calls (session_name) that are noted, and of which no sum stands: most calls are
	 * of a session and model that was just told */
	struct dict told;
	struct buf id, held;
	struct session_calls calls; /* of the session that a sum asked for */
	struct session_places {
		struct buf of; /* the last session, and how many of it are known */
		int count;
	} parts, shared; /* answers of its runs, and calls of other sessions */
};
void session_sums_release(struct session_sums *x);
enum session_met {
	MET_NOTHING,
	MET_AGAIN,   /* what it counts is stored */
	MET_IN_PART, /* calls of the session are stored, but not all that it counts */
	MET_UNSURE /* a sum and an answer of its session, of which nobody knows whether it holds it
		    */
};
/* Whether what the others ask of the record's session or run is at hand. Errors: ERR_ARCHIVED where
 * it is archived, so that nobody can say whether the record counts already; the store's. */
int session_sums_need(struct store *s, const struct metered *m, struct err *e);
/* Before a record that is new is stored. Errors: the store's. */
int session_sums_meet(struct session_sums *x, struct store *s, const struct metered *m,
		      enum session_met *met, struct err *e);
/* After it was stored under that id; the sums of a call's session give way. Errors: the store's. */
int session_sums_note(struct session_sums *x, struct store *s, const struct metered *m,
		      struct text id, struct err *e);
/* The counts of a stored call have changed. */
void session_sums_grown(struct session_sums *x);
/* Both of a record that is stored already: the log of another session may repeat it. One that gave
 * way to a sum stands again, and *known says so. Errors: the store's. */
int session_sums_again(struct session_sums *x, struct store *s, const struct metered *m,
		       struct known_id *known, struct err *e);
/* A transaction begins: others may have written a sum. */
void session_sums_begin(struct session_sums *x);
/* What was noted last may be gone. */
void session_sums_forget(struct session_sums *x);

#endif
