/* price_report: the prices in force, those of a model as they were, and the week of one that
 * depends on the hour. */
#ifndef TALLY_REPORTS_PRICE_REPORT_H
#define TALLY_REPORTS_PRICE_REPORT_H

#include "base/zone.h"
#include "pricing/book.h"
#include "reports/json_out.h"

struct price_question {
	const struct book *book;
	struct instant at, now;
	const char *model;    /* of lists: a part of the name, or NULL */
	const char *provider; /* NULL: any */
	const char *currency; /* NULL: any */
	bool resellers, history, quiet;
};
/* The document "tally.price-list/1". */
void price_list_put(struct json_out *j, const struct price_question *q);
int price_list_print(const struct price_question *q, struct err *e);
/* The documents "tally.price-show/1" and, with history, "tally.price-history/1". Errors: those of
 * book_find where no price of the model is known. */
int price_history_put(struct json_out *j, const struct price_question *q, struct err *e);
int price_history_print(const struct price_question *q, struct err *e);
/* The document "tally.price-week/1": the week of q->at from Monday on, as 24 x 7. */
int price_week_put(struct json_out *j, const struct price_question *q, const struct zone *z,
		   const char *timezone, struct err *e);

#endif
