/* search_report: what a word finds: customers, projects, models, invoices, and the record of an id.
 */
#ifndef TALLY_REPORTS_SEARCH_REPORT_H
#define TALLY_REPORTS_SEARCH_REPORT_H

#include "meter/store/store.h"
#include "reports/json_out.h"

enum { SEARCH_DEFAULT = 8, SEARCH_MOST = 100 };

struct search_question {
	const char *words;    /* a part of the name, in any case of ASCII letters */
	const char *customer; /* whose it is; NULL: anybody's */
	int64_t limit;	      /* of each kind */
	bool ids; /* a record is sought by its id even where names have the word: that may take long
		   */
};
/* The document "tally.search/1"; nothing is found for the empty word. */
int search_report_put(struct json_out *j, struct store *s, const struct search_question *q,
		      struct err *e);

#endif
