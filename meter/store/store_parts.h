/*
 * store_parts: what the parts of the store share. Internal to meter/store/.
 *
 * store.c opens the database and its transactions, store_find.c finds records by their ids,
 * store_append.c writes rows.
 */
#ifndef TALLY_METER_STORE_STORE_PARTS_H
#define TALLY_METER_STORE_STORE_PARTS_H

#include "meter/store/archived.h"
#include "meter/store/claims.h"
#include "meter/store/dictionary.h"
#include "meter/store/id_index.h"
#include "meter/store/row_cache.h"
#include "meter/store/store.h"

enum { APPEND_AT_ONCE = 16 }; /* rows that make one statement */

/* Names of calls that wait to be written; copy: of a call that the name's own is a copy of. */
enum { ALSO_AT_ONCE = 16 };
struct also_list {
	struct buf texts;				    /* names and ids, one after the other */
	size_t name[ALSO_AT_ONCE], id[ALSO_AT_ONCE], count; /* how long each is */
	bool copy[ALSO_AT_ONCE];
};

struct store {
	struct db db;
	int64_t renewals;     /* of the connection */
	struct id_index *ids; /* NULL when the store was opened to read, and on a server */
	bool ids_lag;	      /* there may be rows that it does not know */
	/* on a server, of this transaction */
	struct claims *claims; /* NULL on SQLite, and when the store was opened to read */
	struct row_cache known_rows;
	struct arena found_row; /* texts of the row that store_row gave last */
	bool writing;		/* between begin and its end */
	int64_t own_ids;	/* whether there are any, in this transaction; -1: not read */
	bool beside;		/* others append as well: new records only */
	int64_t numbers_to;	/* beside others: the last one that is this transaction's */
	struct buf lines;	/* rows that are appended and not yet sent, for COPY */
	int64_t last_seq, first_of_batch;
	int64_t changes_seen; /* PRAGMA data_version */
	struct instant now;
	struct dictionary *dictionary;
	struct buf more, id_text;
	/* rows that are appended and not yet written; their texts lie in `pending_text` */
	struct usage_row pending[APPEND_AT_ONCE];
	size_t pending_count;
	struct buf pending_text;
	struct also_list also;
	struct store_listener listener;
	struct day_cells *days; /* NULL: none are shared */
	void (*renewed)(void *user);
	void *renewed_user;
	struct row_peaks *peaks;
	struct archived archived;
	struct store_beside models; /* what names of models mean */
	struct store_finder finder;
	struct text look_for; /* of store_find */
	struct err *find_error;
	int find_rc;
};

/* --- store_numbers.c: how far the database is --- */

/* The number in the one row of a statement; 0: it is NULL. */
int store_read_int(struct store *s, const struct sql *which, int64_t *out, struct err *e);

/* The last row's number, as readers see it. */
int store_read_last(struct store *s, int64_t *last, struct err *e);

/* So many numbers from *first on, on a server; none: it is the next one. */
int store_ask_numbers(struct store *s, int64_t n, int64_t *first, struct err *e);

/* More numbers for the rows of a transaction beside others; a stretch that the last one does not
 * lead into begins a batch of its own. */
int store_take_numbers(struct store *s, int64_t n, struct err *e);

/* The rows since first_of_batch were written now. */
int store_add_batch(struct store *s, struct err *e);

/* --- store_index.c: the index of ids --- */

/* Opens the folder of ids beside the database, and forgets what is not of its rows. */
int store_open_index(struct store *s, struct err *e);

/* The rows behind the last file of ids, within a transaction that looks for an id or adds one: many
 * do neither. */
int store_need_ids(struct store *s, struct err *e);

/* What makes a file of them is done at once; fewer would be read again by each process, which most
 * need not. */
int store_look_at_ids(struct store *s, struct err *e);

/* Steps to a row's id and kind, also where it is archived; *q is to be reset, where there is one.
 */
int store_step_id_at(struct store *s, int64_t row, struct query **q, struct err *e);

/* The id in that column, until the next one. */
struct text store_id_of_column(struct store *s, struct query *q, int column);

/* --- store_also.c: what else a call is called --- */

/* Writes the names that wait, before anything reads them. */
int store_flush_also(struct store *s, struct err *e);

/* --- store_rows.c: rows that are read --- */

/* What the known ids of a transaction stand for, all at once: most are asked for next. */
int store_read_known_rows(struct store *s, struct err *e);

#endif
