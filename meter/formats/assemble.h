/*
 * assemble: the sightings of calls in one source, or in many, into calls.
 *
 * A call that is seen several times under one id counts once. Of sightings that may grow
 * (`cumulative`) the one that is at least as large in every count is kept, whatever the order in
 * which they come. Sightings that contradict each other, and repeated records that do not grow, are
 * all handed on: the store decides and shows them.
 */
#ifndef TALLY_METER_FORMATS_ASSEMBLE_H
#define TALLY_METER_FORMATS_ASSEMBLE_H

#include "meter/formats/payload.h"

/* How the counts of two sightings of one call compare. */
enum sighting { SIGHTING_SAME, SIGHTING_SMALLER, SIGHTING_LARGER, SIGHTING_OTHER };
/* Of b beside a. */
enum sighting sighting_compare(const int64_t a[BUCKET_COUNT], const int64_t b[BUCKET_COUNT]);

/* Whether b asked for something else than a: another input side. */
bool sighting_is_other_request(const int64_t a[BUCKET_COUNT], const int64_t b[BUCKET_COUNT]);
/* The whole prompt, whatever was cached and of whatever kind it is. */
int128 sighting_prompt(const struct record *r);
/* Whether two answers of one id, whose instants are when they were made, are two: vendors and
 * gateways give some ids again. While an answer is streamed its prompt stays. */
bool sighting_is_other_answer(const struct record *a, const struct record *b);
/* Whether two sightings of a call name different models, however they are spelled. */
bool sighting_is_other_model(struct text a, struct text b);
/* Where one of two sightings tells what was read from the cache, what was written to it or what was
 * reasoning, and the other does not (the prompts are the same), both get it, whichever of them
 * tells which. Writes that both tell keep the lifetimes that each has, so that it may come before
 * sighting_share_split() or behind it.
 */
void sighting_share_cached(int64_t a[BUCKET_COUNT], int64_t b[BUCKET_COUNT]);
/* Parts and units only grow: the larger of both. */
void sighting_share_others(int64_t *to, const int64_t *more);
/* Where one side tells its cache writes by lifetime and the other only their sum, both get the
 * split. */
void sighting_share_split(int64_t a[BUCKET_COUNT], int64_t b[BUCKET_COUNT]);
/* Whether what both say together is a part of the call only: the larger of them tells, and of equal
 * ones either may know that it is all. s: of the second beside the first. */
bool sighting_is_part(enum sighting s, bool first, bool second);
/* One side of a call's sightings, as it was before the two shared anything. */
struct sighting_lifetimes {
	int64_t written; /* to the cache, for however long */
	bool unsplit;	 /* it does not say how long that stays */
};
/* Whether nobody says how long cache writes stay that two sightings count together: a side without
 * writes says nothing of them, and of equal ones either may know. s: of the second beside the
 * first. */
bool sighting_is_unsplit(enum sighting s, struct sighting_lifetimes first,
			 struct sighting_lifetimes second);
/* The same where what one of them says proves nothing against the other: it is not understood (its
 * call has no price whichever came first), or an early snapshot of the stream whose end the other
 * tells. */
static inline enum sighting sighting_beside_weak(enum sighting s, bool first_weak, bool second_weak)
{
	return s != SIGHTING_OTHER || first_weak == second_weak ? s
	       : first_weak					? SIGHTING_LARGER
								: SIGHTING_SMALLER;
}
/* What was written to the cache, for however long it stays. */
int64_t sighting_writes(const int64_t tokens[BUCKET_COUNT]);
/* A call is as early as its earliest sighting and ended with its latest. */
void sighting_span(int64_t *time_us, int64_t *completed_us, const struct record *r);

/*
 * What the calls of a session and their sum have in common: the session and, unless any, the model,
 * without the window and the day that only one of both may name. calls: the name of the calls, else
 * of the sum. A sum gives way to its calls, which say more; empty: the record is neither.
 */
enum { SESSION_ROOM = 400 };
struct text session_name(char room[SESSION_ROOM], const struct metered *m, bool any_model,
			 bool calls);

/* The next of the calls that a sum holds, out of *rest: its id and how else it is known; false:
 * there is no more. */
bool held_next(struct text *rest, struct text *id, struct text *also);
/* Whether both are names of one model. */
bool model_is_same(struct text a, struct text b);

/* What calls of a session count, or a sum of them. */
struct session_tally {
	int128 prompt, output;
};
void session_tally_add(struct session_tally *t, const int64_t tokens[BUCKET_COUNT]);
/* Whether sums of that shape count all calls of their session so far, and not those of one run. */
bool session_sum_is_of_thread(struct text shape);
/* Why a sum whose session is told by calls has no price beside them. */
#define CALLS_ARE_MISSING \
	"the run counts more than the calls of its session that are here do: add the whole log of " \
	"the session, or leave it out"

/* Why an answer beside a sum of its session that may hold it, or not, is refused. */
#define MAY_BE_HELD \
	"it may be a call that the result of another run of its session has counted: add the " \
	"whole output of that run, from its first line on"

/* How a call is known to the agent's other source: as the place-th that says the same there. */
enum { TWIN_ROOM = 400 };
struct text twin_name(char room[TWIN_ROOM], const struct metered *m, int place, bool in_log);

struct assembly;
/* every: records that cannot grow are merged too when they are the same, and marked `conflict` when
 * they are not; else they are all kept. */
struct assembly *assembly_open(bool every);
void assembly_close(struct assembly *a);
/* Keeps a copy. */
void assembly_add(struct assembly *a, const struct metered *m);
/* The i-th time that a call was met in another session than the one it is kept in, each such
 * session once; NULL: it was not. */
const struct metered *assembly_shared(const struct assembly *a, size_t i, struct text *session);
/* Whether a call is known by that id, its own or that of another source. */
bool assembly_knows(const struct assembly *a, struct text id);
/* The calls so far, in the order in which they were first seen; valid until they are cleared. */
size_t assembly_count(const struct assembly *a);
struct metered *assembly_call(const struct assembly *a, size_t i);
/* How many of them are marked `conflict`. */
size_t assembly_conflicts(const struct assembly *a);
void assembly_clear(struct assembly *a);

#endif
