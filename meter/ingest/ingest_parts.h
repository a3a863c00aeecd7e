/*
 * ingest_parts: what the parts of an ingest share. Internal to meter/ingest/.
 */
#ifndef TALLY_METER_INGEST_INGEST_PARTS_H
#define TALLY_METER_INGEST_INGEST_PARTS_H

#include "base/dict.h"
#include "meter/ingest/ingest.h"
#include "meter/ingest/session_sums.h"
#include "meter/ingest/spans.h"
#include "pricing/tariffs.h"

struct occurrence;

struct ingest {
	struct store *store;
	struct ingest_options o;
	char *source;
	struct tariffs *tariffs;
	struct session_sums sums;
	struct spans *spans; /* what is counted already; opened with the first record */
	void (*on_item)(void *user, const struct ingest_item *item);
	void *user;
	struct ingest_counts counts, counts_at_mark, counts_at_source;
	struct occurrence *occurrence;
	size_t occurrences, occurrence_room;
	struct buf id, text, told;
	struct dict customers;	/* that sources were sent for: their names outlive the requests */
	struct buf full, other; /* ids in the spaces of customers */
	struct text stored;	/* and as it is stored */
	bool looks_at_own;	/* there are such ids: they are looked for ahead */
	struct text shown;	/* the id of the record at work as its sender knows it */
	struct buf also;	/* an id of another call under the same name */
	struct buf mapped;	/* that of the record as --map names it */
	struct buf unread;	/* why a call that is known has no price */
	int twin; /* which of the calls that say the same the record is; 0: no matter */
	/* of the last record: most follow each other with the same shape */
	char shape[72],
		rule[72]; /* of `origin`: copies, for one place may hold another name later */
	int64_t origin;
	int gap; /* place of the last record's shape among the gaps, or -1 */
};

/* --- ingest.c: an ingest and what it tells --- */

/* The one who sends is told what became of a record. */
void ingest_tell(struct ingest *in, enum ingest_result result, struct text id, const char *reason);

/* As JSON, for what is kept of a call that is refused. */
void ingest_put_record(struct buf *b, const struct record *r);

/* The number of the source, shape and rule together. */
int ingest_origin_of(struct ingest *in, const char *shape, const char *rule, int64_t *out,
		     struct err *e);

/* Counts one more occurrence of that content in this source. */
int64_t ingest_count_occurrence(struct ingest *in, uint64_t hash);

/* Which of the equal ones of its source what is held is; 0: that does not matter. */
int64_t ingest_place_of(struct ingest *in, struct text raw);

/* --- ingest_id.c: the id that a record is stored with --- */

/* The id in the space of that customer, until b changes. */
struct text ingest_own_id(struct buf *b, struct text customer, struct text id);

/* The record with what the caller said of all. */
struct record ingest_with_defaults(struct ingest *in, const struct metered *m);

/* What a vendor tells of a bucket beside its count is no part of what a call is known by: earlier
 * versions did not read it. */
bool ingest_is_part_of_count(int kind);

/* --- ingest_price.c: whether a record can be stored, and its price --- */

/* Why a record cannot be stored, or NULL. */
const char *ingest_check_record(struct ingest *in, struct record *r, unsigned *flags,
				struct instant now, char why[200]);

/* --- ingest_find.c: the record that a call is another sighting of --- */

/*
 * An id that a customer's token sends is that customer's own. One of an operator or a file is of
 * the common space, and there of whatever customer its first record names. The same id of the same
 * customer in both is the same call, whoever tells of it first. *id becomes the one that the record
 * is, or will be, stored with.
 */
int ingest_find_id(struct ingest *in, struct text customer, struct text *id, struct known_id *known,
		   struct err *e);

/* The record that this is another sighting of, where its id does not tell; r gets the id under
 * which it is kept where it is new. What a customer's token sends is sought in that customer's
 * space alone. */
int ingest_find_call(struct ingest *in, const struct metered *m, struct record *r,
		     struct known_id *known, struct err *e);

/* The other ids of a new record. */
int ingest_note_other_ids(struct ingest *in, const struct metered *m, struct text id,
			  struct err *e);

/* --- ingest_sums.c: what calls and sums count alike --- */

/* What the record counts, and of when. */
struct span ingest_span_of(const struct metered *m, const struct record *r);

/* Whether the record is a sum of a metric that another one of its series counts in part. */
int ingest_look_for_crossing(struct ingest *in, const struct span *span, const char **why,
			     struct err *e);

/* Whether what the record counts is counted already, by calls or by a bucket; *why then says so. */
int ingest_look_for_double(struct ingest *in, const struct metered *m, const struct span *span,
			   const char **why, struct err *e);

/* A metric's sum that has grown over calls that are stored gives way to them, too. */
int ingest_grow_sum(struct ingest *in, const struct metered *m, const struct record *grown,
		    bool *gone, struct err *e);

/* --- ingest_known.c: what another sighting adds --- */

/* The id is stored already: what this sighting adds, or a conflict. */
int ingest_take_known(struct ingest *in, const struct metered *m, const struct record *r,
		      const struct known_id *known, struct instant now, struct err *e);

/* Of the row that the call becomes. */
unsigned ingest_flags_of(const struct metered *m);

/* Of agents' logs and telemetry and of what agents print. */
bool ingest_may_be_of_session(const struct ingest *in, const struct metered *m);

#endif
