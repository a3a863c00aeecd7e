/*
 * usage_rows: the rows of usage a page at a time, in the order of their instant, of what they cost
 * or of their numbers, under filters. Reads only the stretches in which the page can lie, by what
 * the rollups know of them.
 */
#ifndef TALLY_METER_STORE_USAGE_ROWS_H
#define TALLY_METER_STORE_USAGE_ROWS_H

#include "meter/store/archived.h"
#include "meter/store/usage_query.h"

enum rows_order { ROWS_BY_STORED, ROWS_BY_TIME, ROWS_BY_COST, ROWS_BY_TOKENS };
enum rows_priced { ROWS_ANY, ROWS_PRICED, ROWS_UNPRICED };
enum { ROWS_PAGE_MOST = 10000 };

/* Where a row stands in the order: by its value, and among equal ones by its number. */
struct row_place {
	int128 value;
	int64_t seq;
};

struct rows_question {
	struct usage_filter filter;
	const char *session, *task; /* NULL: any */
	int kind;		    /* of enum usage_kind; -1: any */
	enum rows_priced priced;
	enum rows_order order;
	bool ascending;
	bool goes_on; /* behind `after`, the last row of the page before */
	struct row_place after;
	int64_t limit; /* 1 to ROWS_PAGE_MOST */
};

struct rows_page {
	struct row_place *row;
	size_t count;
	bool more;		   /* there are rows behind the last */
	struct archived_lack lack; /* what is archived where rows of the page may be */
};
/* Inside a transaction that reads, or outside. */
int usage_rows(struct rows_page *out, struct store *s, const struct rows_question *q,
	       struct err *e);
/* Notes what rows come to at most (row_peaks) of some stretches before *next, the latest ones
 * first; *next is then the first of them, and 0 when there is nothing more to note. */
int usage_rows_warm(struct store *s, int64_t *next, struct err *e);
void rows_page_release(struct rows_page *p);

/* The place as a text that leads on from it, and back. Errors: ERR_USAGE. */
enum { ROW_PLACE_TEXT_MAX = 128 };
char *row_place_format(struct row_place p, char text[ROW_PLACE_TEXT_MAX]);
int row_place_parse(struct row_place *out, const char *text, struct err *e);

#endif
