/*
 * store: where metered usage is kept permanently.
 *
 * Owns the database file, its dictionaries and the index of ids. Rows are facts: they are appended,
 * and corrected by further rows, never changed. Everything is written inside begin and commit, and
 * is durable when commit returns. Knows nothing of shapes or prices beyond what it is given.
 */
#ifndef TALLY_METER_STORE_STORE_H
#define TALLY_METER_STORE_STORE_H

#include "base/db.h"
#include "meter/read/record.h"
#include "meter/store/stored_price.h"

enum usage_kind { USAGE_RECORD, USAGE_REVERSAL, USAGE_CORRECTION };
enum usage_flag {
	USAGE_CUMULATIVE = 1,
	USAGE_BROKEN_OFF = 2,
	USAGE_TIME_ASSUMED = 4,
	USAGE_AGGREGATE = 8,
	USAGE_UNREAD = 16,	  /* it has no price, for a member of it is of no known meaning */
	USAGE_BY_COMPLETION = 32, /* its completion decides prices and credits, not its start */
	/* its source does not say how long its cache writes stay; where its price depends on that,
	 * it is USAGE_BROKEN_OFF, too */
	USAGE_UNSPLIT = 64,
	USAGE_CUT = 128, /* it is broken off, however long those stay; older versions do not say */
	/* its source does not say which of its answer was text; where its price depends on that, it
	 * is USAGE_BROKEN_OFF, too */
	USAGE_UNDIVIDED = 256
};
enum { RECORD_ID_MAX = RECORD_TEXT_MAX };

/* One row. Texts are the caller's on the way in; on the way out they live until the next call. */
struct usage_row {
	int64_t seq, of; /* of: 0 when it stands for itself */
	enum usage_kind kind;
	struct record record;
	struct stated_cost stated; /* of a reversal: below zero */
	int64_t series, price, origin;
	struct text raw;
	unsigned flags;
	/* on the way out: */
	struct text source, shape, rule;
	int64_t written_us;
};

/* The instant at which prices and credit rates are asked for. */
static inline int64_t usage_row_decides_us(const struct usage_row *row)
{
	return row->flags & USAGE_BY_COMPLETION ? row->record.completed_us : row->record.time_us;
}

struct store;

/* In a file: the last number that a row was given; those that were skipped are nobody's.
 */
#define FILE_LAST_NUMBER \
	"max(coalesce((SELECT max(seq) FROM usage),0)," \
	"coalesce((SELECT max(first+rows-1) FROM skipped),0)," \
	"coalesce((SELECT max(last) FROM archive),0))"

/* DB_CREATE makes the file and the folders above it. Errors as db_open. */
int store_open(struct store **out, const char *path, enum db_mode mode, struct err *e);
void store_close(struct store *s);
struct db *store_db(struct store *s);
const char *store_path(const struct store *s);

/* Another number when another process has written since. */
int store_data_version(struct store *s, int64_t *out, struct err *e);

/* Takes the write lock and sees what other processes wrote. now: when this is written. */
int store_begin(struct store *s, struct instant now, struct err *e);
/* To append records and nothing else. On a server, where the ids that were prefetched are all new,
 * others do the same at the same time: then *beside, and rows get numbers that others lie between;
 * what must see all rows before its own (corrections, rollups, draws of credits) is refused with
 * ERR_BUSY or must wait for a transaction of its own. Else as store_begin. */
int store_begin_beside(struct store *s, struct instant now, bool *beside, struct err *e);
/* Durable when it returns 0; after a failure everything since begin is gone. */
int store_commit(struct store *s, struct err *e);
/* NULL: nothing was begun. */
void store_rollback(struct store *s);

/* Numbers of dictionary entries, made when they are new. */
int store_series(struct store *s, const struct record *r, int64_t *out, struct err *e);
/* On a server, where each entry would be a statement or two: the series of a record that is about
 * to be appended, and all that were wanted at once. The record's texts must live until then. */
int store_want_series(struct store *s, const struct record *r, struct err *e);
int store_make_series(struct store *s, struct err *e);
int store_origin(struct store *s, const char *source, const char *shape, const char *rule,
		 int64_t *out, struct err *e);
int store_price(struct store *s, const struct stored_price *p, int64_t *out, struct err *e);

/* The row that an id stands for now: the last correction of it, or the record itself; false when
 * the id is unknown or its record was reversed. `first` is the record's own row, 0 when unknown.
 */
struct known_id {
	int64_t first, current; /* current: 0 when it was voided */
};
int store_find(struct store *s, struct text id, struct known_id *out, struct err *e);
/* The same of a record's own row. */
int store_find_row(struct store *s, int64_t first, struct known_id *out, struct err *e);
/* The same of a call that another source names by that id (store_also); copies too: or that may be
 * a copy of it. 0 and out->first 0 when there is none. */
int store_find_also(struct store *s, struct text also, bool copies, struct known_id *out,
		    struct err *e);
/* What stands there as the id; empty where there is none. */
int store_also_text(struct store *s, struct text also, struct buf *out, struct err *e);
/* From now on `also` means the record of that id, too. */
int store_also(struct store *s, struct text also, struct text id, bool copy, struct err *e);
/* Brings the memory of that id near, ahead of store_find. */
void store_prefetch(struct store *s, struct text id);
/* The same of an id that will not be appended: on a server store_find claims what it does not find.
 */
int store_look_for(struct store *s, struct text id, struct known_id *out, struct err *e);
void store_prefetch_look(struct store *s, struct text id);
/* Whether any record has an id of a customer's own space (record_id_put_own), and that one has. */
int store_has_own_ids(struct store *s, bool *out, struct err *e);
int store_set_own_ids(struct store *s, struct err *e);

/* Appends; row->seq is set. Records of new ids only, and reversals and corrections of known ones.
 */
int store_append(struct store *s, struct usage_row *row, struct err *e);
/* Hears of every row as it is appended, so that sums need not be read back; one a store. */
struct store_listener {
	void *user;
	void (*appended)(void *user, const struct usage_row *row);
	void (*rolled_back)(void *user);
	void (*closed)(void *user);
};
void store_listen(struct store *s, const struct store_listener *l);
const struct store_listener *store_listener(const struct store *s);

/* Hears that another server may answer than before (db_on_renewal); one a store. */
void store_on_renewal(struct store *s, void (*renewed)(void *user), void *user);

/* The memory of sums by day that this store shares with others of the process; one that writes has
 * none. */
struct day_cells;
void store_share_days(struct store *s, struct day_cells *d);
struct day_cells *store_shared_days(const struct store *s);
/* And that of what its rows come to at most (row_peaks). */
struct row_peaks;
void store_share_peaks(struct store *s, struct row_peaks *p);
struct row_peaks *store_shared_peaks(const struct store *s);
/* Who has the index of ids, which a store that reads lacks: finds the first row of an id, 0 where
 * there is none. Where it fails, the rows are searched. */
struct store_finder {
	int (*find)(void *user, struct text id, int64_t *first, struct err *e);
	void *user;
};
void store_find_through(struct store *s, struct store_finder f);

/* Where store_models keeps what it knows; closed with the store. */
struct store_beside {
	void *what; /* NULL: nothing yet */
	void (*close)(void *what);
};
struct store_beside *store_models_slot(struct store *s);

/* Rows are written a few at a time: what is still held back, now. The functions below do it
 * themselves. */
int store_flush(struct store *s, struct err *e);
/* Why the rows from here on reverse and correct. */
int store_note_change(struct store *s, const char *what, const char *why, struct err *e);

/* Texts live until the next call. Errors: ERR_NOT_FOUND. */
int store_row(struct store *s, int64_t seq, struct usage_row *out, struct err *e);
/* Every row of those numbers, in order, where what has an instant of the span matters: take sees
 * others, too. Stops when take returns non-zero and returns that. Errors: ERR_ARCHIVED where rows
 * of the span are (archived.h). */
struct row_span;
int store_each_row(struct store *s, const struct row_span *span,
		   int (*take)(void *user, const struct usage_row *row), void *user, struct err *e);
/* What a row counts, without its texts. */
struct usage_counts {
	int64_t seq, series, time_us, completed_us; /* completed: or TIME_ABSENT */
	int64_t tokens[BUCKET_COMMON], requests;
	enum usage_kind kind;
	unsigned flags;
	bool more; /* it counts something else as well, see store_row */
};
/* The same rows as store_each_row, many times as fast. */
int store_each_counts(struct store *s, const struct row_span *span,
		      int (*take)(void *user, const struct usage_counts *c), void *user,
		      struct err *e);
/* The rows of one id, in order. */
int store_each_row_of(struct store *s, int64_t first,
		      int (*take)(void *user, const struct usage_row *row), void *user,
		      struct err *e);
/* The last row that begin, refresh or append saw. */
int64_t store_last_seq(const struct store *s);
int store_refresh(struct store *s, struct err *e);
/* Which months are archived, as begin or refresh saw it. */
struct archived;
const struct archived *store_archived(const struct store *s);
/* From now on nothing lacks: what is archived is among the rows that this connection sees. */
void store_has_archive(struct store *s);
/* The number up to which no row can appear any more; asked outside the look that relies on it. */
int store_settled_to(struct store *s, int64_t *out, struct err *e);
/* Whether others append during this transaction, whose rows it does not see. */
bool store_is_beside(const struct store *s);
/* Up to which of the rows to `last` a sum may read them back: on a server not what the transaction
 * under way has written itself. */
int64_t store_committed_to(const struct store *s, int64_t last);
/* Whether none can appear any more among the rows up to the last one; else what is summed now must
 * not be gone on with from there. */
bool store_rows_are_settled(const struct store *s);
/* Which source of lower_bound.h records of that origin come from; -1: none. */
int store_source(struct store *s, int64_t origin, int *place, struct err *e);
/* The price as it was stored; lives as long as the store. Errors: ERR_STORE. */
int store_stored_price(struct store *s, int64_t price, const struct stored_price **out,
		       struct err *e);
/* Texts of a series, from memory; valid as long as the store. */
struct series_names {
	struct text customer, project, workload, effort;
	int64_t subject;
};
int store_series_names(struct store *s, int64_t series, const struct series_names **out,
		       struct err *e);
struct subject_names {
	struct text provider, model, service_tier, region;
};
int store_subject_names(struct store *s, int64_t subject, const struct subject_names **out,
			struct err *e);
/* Both of a series. */
int store_names_of(struct store *s, int64_t series, const struct series_names **names,
		   const struct subject_names **subject, struct err *e);
/* The same, as the texts of a record. */
int store_take_names(struct store *s, int64_t series, struct record *r, struct err *e);

/* Reads and writes something that nobody asks for, inside a transaction: with its commit it is
 * known that the database can do both. Errors: ERR_STORE, ERR_BUSY. */
int store_probe(struct store *s, struct instant now, struct err *e);
/* A whole copy while others write (SQLite's online backup). */
int store_backup(struct store *s, const char *path,
		 void (*progress)(void *user, int64_t done, int64_t total), void *user,
		 struct err *e);
/* The index of ids knows every row from now on, so that the first transaction that asks it does not
 * have to read the youngest ones. */
int store_read_ids(struct store *s, struct err *e);
/* Rebuilds the index of ids. */
int store_index_ids(struct store *s, struct err *e);

#endif
