/*
 * claims: whose is an id? On a server, where writers work side by side.
 *
 * A transaction claims the ids of the records that it is about to bring before it waits for its
 * turn to write: one statement, in the order of their keys, so that no two transactions wait for
 * each other. Whoever claims first has the id; the other one waits until that is certain, and finds
 * it known. Rows get their numbers only in their turn, so a key says of which claim it is and its
 * place there, and the claim where its rows are.
 */
#ifndef TALLY_METER_STORE_CLAIMS_H
#define TALLY_METER_STORE_CLAIMS_H

#include "base/db.h"
#include "meter/store/store.h"

/* The row that a key k of the claim c leads to. */
#define CLAIM_ROW "c.first+coalesce(c.places[k.place],k.place-1)"

struct claims;
struct claims *claims_open(void);
void claims_close(struct claims *c);

/* Notes an id that the transaction will ask for. Outside of one it is kept for the next. */
void claims_want(struct claims *c, struct text id);
bool claims_wanted(const struct claims *c);
/* At the beginning of a transaction: claims what is wanted; waits for others that have claimed the
 * same. Errors: ERR_BUSY where it must begin again. */
int claims_take(struct claims *c, struct db *db, struct err *e);
/* How many of the ids are new and this transaction's; *all: every one. */
size_t claims_new(const struct claims *c, bool *all);
/* In turn: what of it was known, and which rows its ids stand for now. */
int claims_look(struct claims *c, struct db *db, struct err *e);
/* The transaction was reversed: everything is wanted again. */
void claims_again(struct claims *c);

/* In turn. first 0: the id is new, and claimed. */
int claims_find(struct claims *c, struct db *db, struct text id, struct known_id *out,
		struct err *e);
/* In turn: whether an id is known, without claiming it. Those that are wanted are read at once. */
void claims_want_look(struct claims *c, struct text id);
int claims_look_for(struct claims *c, struct db *db, struct text id, struct known_id *out,
		    struct err *e);
/* Outside of a transaction: the row of the id's record as it was committed, 0 for none. */
int claims_search(struct db *db, struct text id, int64_t *first, struct err *e);
/* A row of that id was appended. Errors: ERR_STORE when it is a record of a known id. */
int claims_note(struct claims *c, struct db *db, const struct usage_row *row, struct err *e);
/* Appends the rows of known ids as an array of the server; nothing where there are none. */
void claims_put_known_rows(const struct claims *c, struct buf *array);

/* Before the commit: writes where the rows are, from `first` on, and gives back what was claimed
 * for nothing. */
int claims_settle(struct claims *c, struct db *db, int64_t first, struct err *e);
void claims_forget(struct claims *c);
/* The numbers that it was given may be another one's: the server is not the one that gave them. */
void claims_drop_numbers(struct claims *c);

#endif
