/* left_out: records and files that a report could not count: how many, and the first of them with
 * the reason. */
#ifndef TALLY_REPORTS_LEFT_OUT_H
#define TALLY_REPORTS_LEFT_OUT_H

#include "meter/read/doubts.h"
#include "reports/json_out.h"

enum { LEFT_OUT_NAMED = 3 };

struct left_out_named {
	const char *where, *why;
};
struct left_out {
	int64_t quarantined, unread; /* records; files */
	struct left_out_named record[LEFT_OUT_NAMED], file[LEFT_OUT_NAMED];
	size_t records, files; /* how many of each are named */
	bool in_database;      /* `tally quarantine list` has the records */
	bool partial;	       /* a page of an answer is missing */
	struct text columns;   /* columns in doubt (meter/read/doubts) */
};

static inline bool left_out_any(const struct left_out *l)
{
	return l->quarantined || l->unread || l->partial || l->columns.n;
}
/* Nothing where all was counted; else how many lines. */
int print_left_out(const struct left_out *l);
/* The members "quarantined", "unread" and "not_counted", "partial" and "columns_in_doubt". */
void put_left_out(struct json_out *j, const struct left_out *l);
/* The member "columns_in_doubt": the names in a list of such columns (meter/read/doubts). */
void put_columns_in_doubt(struct json_out *j, struct text columns);
/* The members "partial" (a page of an answer is missing) and "columns_in_doubt". */
void put_doubts(struct json_out *j, const struct doubts *doubts);

#endif
