/*
 * cards: the price cards that a database knows: those that rated its records, and those that were
 * installed for it.
 *
 * Which card stated a price is noted where the price is stored (dictionary); what was rated before
 * that was kept has no card.
 */
#ifndef TALLY_METER_STORE_CARDS_H
#define TALLY_METER_STORE_CARDS_H

#include "meter/store/store.h"

struct rated_card {
	struct text name, kind, checked, sha256; /* kind: book, file or database */
	struct instant at;			 /* when it first rated a record here */
	int64_t prices;				 /* stored ones that it states */
};
/* Every card that rated a record, or (price other than 0) that states that stored price; in the
 * order in which they first did. Stops when take returns non-zero and returns that. */
int cards_each(struct store *s, int64_t price, int (*take)(void *user, const struct rated_card *c),
	       void *user, struct err *e);

/* Whether a card that states the stored price is among those of the book, under its name or
 * another; also where no card of it is known. *name then stays; else it is one that is missing. */
int cards_at_hand(struct store *s, int64_t price, const struct book *b, bool *out, struct buf *name,
		  struct err *e);

/* Adds to out those cards that rated records and are not what the book has now, for people; nothing
 * where there are none. */
int cards_differ(struct store *s, const struct book *b, struct buf *out, struct err *e);

/* Cards of the database itself: added to the book as one more layer. */
int own_cards_add(struct db *db, struct book *b, struct err *e);
struct own_card {
	struct text name, content;
	struct instant at; /* when it was installed */
};
/* By name. Stops when take returns non-zero and returns that. */
int own_cards_each(struct store *s, int (*take)(void *user, const struct own_card *c), void *user,
		   struct err *e);
/* Adds to out what changes whenever one of them does. */
int own_cards_trace(struct db *db, struct buf *out, struct err *e);
/* Inside a transaction. content: of a card that was checked. Errors: ERR_INVALID where it
 * contradicts another; the transaction is then to be rolled back. */
int own_card_put(struct store *s, struct text name, struct text content, struct err *e);
/* ERR_NOT_FOUND where there is none of that name. */
int own_card_remove(struct store *s, struct text name, struct err *e);

#endif
