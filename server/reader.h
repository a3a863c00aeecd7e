/*
 * reader: what answers questions: a connection to the database that reads, with its ledger. A few
 * of them are shared by the threads that answer; each belongs to one question at a time.
 */
#ifndef TALLY_SERVER_READER_H
#define TALLY_SERVER_READER_H

#include <stdatomic.h>

#include "meter/ledger/draw.h"
#include "pricing/shelf.h"

struct reader_options {
	const char *path;    /* of the database */
	struct shelf *shelf; /* of prices */
	const char *currency;
	bool by_completion;
	const char *const
		*rates;	       /* files of exchange rates, read for each document; ends with NULL */
	struct tokens *tokens; /* NULL: none are asked for */
	struct day_cells *days; /* what the readers remember together */
	struct row_peaks *peaks;
	struct store_finder ids;   /* who finds records by their ids for them */
	const atomic_bool *ending; /* what takes long stops then; NULL: never */
};

struct reader {
	const struct reader_options *o;
	const struct book *book; /* that of the last time it was taken */
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	struct instant now;
};

struct readers;
/* The options are the caller's and live as long. Nothing is opened yet. */
struct readers *readers_open(const struct reader_options *o, int count);
void readers_close(struct readers *r);
/* Waits for one that is free, and opens it when needed. Errors: those of store_open. */
int readers_take(struct readers *r, struct reader **out, struct err *e);
/* failed: its database could not be read; it is opened again next time. */
void readers_give(struct readers *r, struct reader *x, bool failed);
/* Reads the sums by day, and what rows come to at most, into what the readers remember, so that the
 * first question finds them. */
void readers_warm(struct readers *r);

/*
 * A change that somebody asks for: a connection of its own that writes, inside a transaction until
 * change_end. What is changed stands in the trail of changes with the name of who asked.
 */
struct change {
	const struct reader_options *o;
	const struct book *book;
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	struct instant now;
	bool begun;
};
int change_begin(struct change *c, const struct reader_options *o, struct err *e);
/* Commits when rc is 0 and rolls back otherwise; returns rc or the failure to commit. */
int change_end(struct change *c, int rc, struct err *e);
/* Nothing of it is kept. */
void change_drop(struct change *c);

#endif
