/*
 * shelf: the book of prices that is in use, for threads that ask while another replaces it.
 *
 * Who asks takes the book and gives it back; a book that was replaced is closed when the last gives
 * it back. Safe for any number of threads.
 */
#ifndef TALLY_PRICING_SHELF_H
#define TALLY_PRICING_SHELF_H

#include "pricing/book.h"

struct shelf;
/* Takes ownership of the book. */
struct shelf *shelf_open(struct book *first);
/* Every book was given back. */
void shelf_close(struct shelf *s);
/* The book that is in use now. */
const struct book *shelf_take(struct shelf *s);
void shelf_give(struct shelf *s, const struct book *b);
/* Puts a book in the place of the one in use, and takes ownership of it. */
void shelf_put(struct shelf *s, struct book *b);
/* How many books were put so far; waits until it is more than that, at most so many seconds. */
int64_t shelf_turn(struct shelf *s);
bool shelf_wait(struct shelf *s, int64_t turn, int seconds_most);

#endif
