/* unpriced_report: what has no price, told below a table by its reasons, and what would mend it;
 * and what has the price of a model's maker in place of its seller's. */
#ifndef TALLY_REPORTS_UNPRICED_REPORT_H
#define TALLY_REPORTS_UNPRICED_REPORT_H

#include "base/text.h"
#include "pricing/stand_ins.h"
#include "reports/json_out.h"

struct unpriced_reason {
	struct text model; /* empty: none is named */
	const char *why;
	int64_t records;
};

struct unpriced {
	int64_t records;
	const char *noun; /* "record", "call" */
	size_t reasons;
	struct unpriced_reason (*reason)(const void *of, size_t i);
	const void *of;
	/* what names the model where none is named, and what to do with newer prices and cards of
	 * one's own; NULL: not said */
	const char *name_it, *mend;
};

/* Nothing where there is none. */
void print_unpriced(const struct unpriced *u);
void print_stand_ins(const struct named_calls *s);
/* The member "stand_ins": records, cost, sellers. */
void put_stand_ins(struct json_out *j, const struct named_calls *s);

/* The same of calls whose name moves to newer models (price.moves): records, cost, names. */
void print_moving_names(const struct named_calls *m);
void put_moving_names(struct json_out *j, const struct named_calls *m);

#endif
