/*
 * session_run: the calls of a session in the order of their times, and whether the sum of a run is
 * that of some of them. A run's calls follow each other, so that others of its session, however
 * many they are, do not prove that its own are there.
 */
#ifndef TALLY_METER_FORMATS_SESSION_RUN_H
#define TALLY_METER_FORMATS_SESSION_RUN_H

#include "base/dict.h"
#include "meter/formats/assemble.h"

struct session_run {
	struct session_call *call;
	size_t count;
	struct dict models; /* each name once */
	bool sorted;
};
void session_run_release(struct session_run *x);
void session_run_clear(struct session_run *x);
void session_run_add(struct session_run *x, int64_t time_us, struct text model,
		     const struct session_tally *counts);
/* What a sum counts of a session. */
struct session_sum {
	struct text model; /* empty: any */
	struct session_tally counts;
	bool of_thread; /* of all calls up to some time, and not of one run */
	int place;	/* from 1; 2: another sum of the session counts as much, of other calls */
};
/* Whether they are there that the sum counts: calls that follow each other and count exactly that.
 */
bool session_run_holds(struct session_run *x, const struct session_sum *sum);
/* What has the place of the sum among those that count the same, with what its session and model
 * are known by; for a dict or a database. */
struct text session_sum_name(char room[SESSION_ROOM], struct text session,
			     const struct session_sum *sum);

#endif
