/*
 * book_pack: a book of cards that was installed, in the form in which the shipped cards are
 * compiled in: compressed cards and one sorted table of the names that they know, so that nothing
 * is parsed before a model asks for it.
 *
 * The file is for this machine only. It is made from a released book, a ZIP archive of cards and of
 * book.json: {"schema": "tally.book/1", "released": "2026-12-01"}; every card is checked then.
 */
#ifndef TALLY_PRICING_BOOK_PACK_H
#define TALLY_PRICING_BOOK_PACK_H

#include "base/err.h"
#include "base/text.h"
#include "pricing/shipped.h"

struct card_table shipped_table(void);

/* What a released book holds. */
struct book_summary {
	size_t cards, prices;
	char released[11];
};

/* Makes the bytes of a pack of a released book. Errors: ERR_INVALID, with the card and its fault.
 */
int book_pack_make(struct buf *out, struct text released_book, struct book_summary *summary,
		   struct err *e);

struct book_pack;
/* Errors: ERR_NOT_FOUND, ERR_INVALID (damaged, or made by another version). */
int book_pack_open(struct book_pack **out, const char *path, struct err *e);
void book_pack_close(struct book_pack *p);
struct card_table book_pack_table(const struct book_pack *p);

#endif
