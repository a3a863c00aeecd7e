/*
 * price_store: the price cards that are remembered beside those of the command line: the book that
 * `tally price update` installed, and the cards of `tally price install`, of the machine and of the
 * user.
 *
 * Owns the folder `prices` of the user's data directory and that of the machine.
 */
#ifndef TALLY_CLI_PRICE_STORE_H
#define TALLY_CLI_PRICE_STORE_H

#include "base/text.h"
#include "cli/command.h"
#include "pricing/book.h"

/* The file `name` among what is remembered: of the machine ($TALLY_SYSTEM_PRICES, else
 * /etc/tally/prices), or of the user. */
const char *price_store_path(struct buf *room, bool machine, const char *name);

/* The installed book, the cards of the machine and of the user, in that order. Says once on
 * standard error that the book is old, unless quiet. */
int price_store_load(struct book *book, bool quiet, struct err *e);
/* Whether the card would be of one mind with those that are installed beside it, of the machine or
 * of the user; what has its own name (NULL: nothing) it would replace. Errors: ERR_INVALID with the
 * contradiction. */
int price_store_fits(bool machine, const char *name, struct text card, struct err *e);
/* Adds to out where it contradicts those that are installed for the machine, or for the user;
 * returns how many times. Cards that cannot be read are skipped. */
size_t price_store_overlaps(bool machine, struct text card, const char *name,
			    struct fault_list *out);
/* Those of $TALLY_PRICES. */
int price_store_add_named(struct book *book, struct err *e);

/* Adds to out what changes whenever a file of prices at that path does, or one of that folder. */
void price_store_trace_path(struct buf *out, const char *path);
/* The same of all that price_store_load and price_store_add_named read. */
void price_store_trace(struct buf *out);

/* What is known of the installed book; texts are empty where there is none. */
struct price_state {
	char released[11], sha256[65], etag[256];
	struct buf from;
};
/* Of the installed book, as far as it is known: where what is told beside it is unreadable, or of
 * another book, its day alone. */
void price_state_read(struct price_state *out);
int price_state_write(const struct price_state *s, struct err *e);

/* Replaces a file of ours by another as a whole, and makes its folders. */
int price_store_write(const char *path, struct text content, struct err *e);

#endif
