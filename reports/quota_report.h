/* quota_report: what `tally quota` shows of the windows of subscriptions. */
#ifndef TALLY_REPORTS_QUOTA_REPORT_H
#define TALLY_REPORTS_QUOTA_REPORT_H

#include "meter/formats/quota.h"
#include "meter/store/usage_query.h"

struct quota_row {
	struct quota quota;
	/* what the calls on this machine in the window so far come to at list price */
	bool has_worth;
	struct usage_sums worth;
};
struct quota_report {
	const struct quota_row *row;
	size_t rows;
	struct instant now;
	const char *currency;
};
void quota_report_table(const struct quota_report *r);
void quota_report_json(const struct quota_report *r);

/* 42 or 42.5 */
void put_percent(struct buf *b, int64_t millionths);

/* From this much use on, tokens a percent mean something: percentages are rounded. */
#define QUOTA_ENOUGH (QUOTA_WHOLE / 20)

#endif
