/*
 * doubts: what a reader found that says its sources may not tell all: pages of answers that may be
 * missing, columns of numbers that nothing is known of, and what crashes left. They refuse no
 * record; who asked for the records names them, and ends with another status than 0.
 */
#ifndef TALLY_METER_READ_DOUBTS_H
#define TALLY_METER_READ_DOUBTS_H

#include "base/text.h"
#include "meter/read/page_list.h"

struct doubts {
	struct page_list pages;
	struct buf columns; /* their names, ", " between, each once */
	int64_t zeros;	    /* bytes of zero in lines, which crashes leave; no record is in doubt */
};

/* A column or key that may count, of which nothing is known; some names are enough. */
void doubts_add_column(struct doubts *d, struct text name);
/* Why a column that is known says less than it should. */
#define DOUBT_DAYS "days without hours"
#define DOUBT_NO_CHARGE "no charge in dollars"
/* A column that is known, and whose values say less than it should: why, one of these. */
void doubts_add_reading(struct doubts *d, const char *name, const char *why);
/* Sentences that say what such a list of columns means, a line each: columns of which nothing is
 * known together, with a hint behind them, and each reading by itself. Returns how many. */
int doubts_put_sentences(struct buf *out, struct text columns, const char *hint);
void doubts_append(struct doubts *to, const struct doubts *from);
/* The name that begins at byte *at of such a list of columns, and *at moved behind it; false: no
 * more. */
bool doubts_next_column(struct text columns, size_t *at, struct text *name);
void doubts_release(struct doubts *d);

#endif
