/*
 * ingest: records into the store, each once.
 *
 * Every record that is read is accepted, a duplicate, a conflict or quarantined, and counted as
 * just one of them. A record without an id is told apart by its content and by how often that
 * content stands in its source. Records are rated as they come in; what has no price is stored and
 * counted as unpriced.
 */
#ifndef TALLY_METER_INGEST_INGEST_H
#define TALLY_METER_INGEST_INGEST_H

#include "meter/formats/lower_bound.h"
#include "meter/formats/payload.h"
#include "meter/store/store.h"

struct ingest_options {
	const struct book *book;
	const char *currency;
	/* for records that do not say it themselves; NULL: nothing */
	const char *customer, *project, *model, *provider;
	bool has_at;
	struct instant at; /* of records without an instant of their own */
	/* instants further from now than this are refused; microseconds */
	int64_t ahead_us_most, behind_us_most;
	bool by_completion; /* the completion decides the price */
	bool by_start;	    /* told, so that rows that were priced by completion are no longer */
	/* records are of `customer` alone, who sent them, and so are their ids (record_id_put_own)
	 */
	bool own_ids;
	bool held_by_place; /* what is refused counts as often as its source holds it */
};
enum { AHEAD_DAYS_MOST = 1, BEHIND_DAYS_MOST = 3660 };

/* Why a record of another customer than the token's is refused. */
#define INGEST_FOREIGN "the token is limited to another customer"

struct ingest_counts {
	int64_t read, accepted, duplicates, conflicts, quarantined;
	struct lower_bound bound; /* of the accepted */
	int64_t unpriced;	  /* of the accepted */
	int64_t archived; /* of the duplicates: of archived records, with which nothing is compared
			   */
	int64_t grown; /* of the duplicates: a later sighting of a call, larger than the stored one
			*/
	int64_t passed_over; /* documents that carry no usage; not among read */
	int64_t unread;	     /* files that could not be read or understood; not among read */
};

void ingest_counts_add(struct ingest_counts *to, const struct ingest_counts *c);

/* The most that a record may count of anything, tokens of a bucket as well as requests; what counts
 * more is quarantined. With it nine million of the largest records fit into a sum of 63 bits;
 * two records that are sent by mistake or malice cannot make sums impossible. */
#define RECORD_COUNT_MOST INT64_C(1000000000000)
_Static_assert(RECORD_COUNT_MOST < INT64_MAX / 9000000, "sums of millions of records fit");
/* NULL, or which count is too large to be that of a call (in `why`). */
const char *ingest_check_size(const struct record *r, char why[200]);

enum ingest_result { INGEST_ACCEPTED, INGEST_DUPLICATE, INGEST_CONFLICT, INGEST_QUARANTINED };
const char *ingest_result_name(enum ingest_result r);

struct ingest_item {
	enum ingest_result result;
	struct text id;	    /* as it was sent, or made; valid during the call */
	const char *reason; /* of conflicts and what is quarantined; else NULL */
};

struct ingest;
/* source: its name, for messages and explanations. on_item (may be NULL) hears of every record. */
struct ingest *ingest_open(struct store *s, const struct ingest_options *o, const char *source,
			   void (*on_item)(void *user, const struct ingest_item *item), void *user);
void ingest_close(struct ingest *in);
/* Prices by that book from now on, outside a transaction; it lives as long. */
void ingest_use_book(struct ingest *in, const struct book *book);

/* The record's id: its own, or one that is made for it now; valid until the next call. */
struct text ingest_id(struct ingest *in, const struct metered *m);
/* Its other id: m->also, or, where --map named it, the one that earlier versions made of those
 * names. Asked before ingest_id; valid until the next call. */
struct text ingest_mapped_id(struct ingest *in, const struct metered *m);
/* Ahead of ingest_take_as: what it will look up, at once for many records. */
void ingest_prefetch(struct ingest *in, const struct metered *m, struct text id);
/* Within a transaction that the ids were prefetched for, before the records are taken: the series
 * of those that are new; store_make_series then makes them at once. */
int ingest_want_series(struct ingest *in, const struct metered *m, struct text id, struct err *e);

/* All inside a transaction of the store. Errors are the store's alone: the caller rolls back. */
int ingest_take(struct ingest *in, const struct metered *m, struct instant now, struct err *e);
/* The same with the id that ingest_id gave. */
int ingest_take_as(struct ingest *in, const struct metered *m, struct text id, struct instant now,
		   struct err *e);
/* The id that the last record taken is stored with; valid until the next call. */
struct text ingest_last_id(const struct ingest *in);
int ingest_refuse(struct ingest *in, const struct refused_line *r, struct instant now,
		  struct err *e);
/* The same of a call: what is held is all that is known of it, so that it can be released. */
int ingest_refuse_call(struct ingest *in, const struct metered *m, const char *why,
		       struct instant now, struct err *e);
/* After rollback: forgets what this source was seen to hold since the mark. */
void ingest_mark(struct ingest *in);
void ingest_back_to_mark(struct ingest *in);

/* The source is read from its start once more, after a rollback: what is met again was counted. */
void ingest_start_again(struct ingest *in);
/* From now on records come from that source: another name, and what it was seen to hold begins
 * again. The counts go on. */
void ingest_set_source(struct ingest *in, const char *source);
/* The next source of the same kind, such as another body: counts and what was seen begin again;
 * records that name no customer get this one (its name is copied), those without an instant
 * `at`. user is handed to
 * on_item. */
void ingest_next_source(struct ingest *in, const char *customer, struct instant at, void *user);

const struct ingest_counts *ingest_counts(const struct ingest *in);
void ingest_add_passed_over(struct ingest *in, int64_t n);
void ingest_add_unread(struct ingest *in);
/* What is rated: a call, or all calls of a bucket of time. */
struct rated {
	const struct record *record;
	unsigned flags;	    /* of its row: USAGE_AGGREGATE, USAGE_BY_COMPLETION */
	const char *unread; /* as of struct metered */
	struct stated_cost stated;
};
/* That of its options. */
const struct book *ingest_book(const struct ingest *in);
/* The flags of a row with what decides its price: the completion, where that is asked for and
 * known.
 */
unsigned ingest_boundary(const struct ingest *in, const struct record *r, unsigned flags);
/* The price that it would be stored with now. What hours of different prices share has none, nor
 * what may lie in several tiers of context. */
int ingest_price(struct ingest *in, const struct rated *what, int64_t *price, bool *unpriced,
		 struct err *e);
/* The flags of a row at that price: whether it is the least that the call may have cost, where how
 * long cache writes stay is not told (USAGE_UNSPLIT). */
int ingest_bound(struct ingest *in, int64_t price, unsigned *flags, struct err *e);

#endif
