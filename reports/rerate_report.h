/* rerate_report: what repricing stored records changes, or would: the document of it. */
#ifndef TALLY_REPORTS_RERATE_REPORT_H
#define TALLY_REPORTS_RERATE_REPORT_H

#include "meter/ingest/correct.h"
#include "reports/json_out.h"

/* The document "tally.rerate/1". dry: nothing was kept; currency: of its amounts; cards: those that
 * rated the records and are others now, or NULL. */
void rerate_report_put(struct json_out *j, const struct rerate_result *r, bool dry,
		       struct text currency, const char *cards);
/* A price of a line in words, in the place of what b held. */
void rerate_report_price(struct buf *b, struct text ref, struct text window, struct text why);

#endif
