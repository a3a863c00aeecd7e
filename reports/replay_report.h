/* replay_report: a replay's result as a table for people, one JSON document, or CSV. */
#ifndef TALLY_REPORTS_REPLAY_REPORT_H
#define TALLY_REPORTS_REPLAY_REPORT_H

#include "sim/replay.h"

enum report_order { ORDER_KEY, ORDER_COST, ORDER_RECORDS };

struct replay_report {
	const struct replay_options *options;
	const struct replay_result *result;
	enum report_order order;
	int64_t limit; /* groups to show; 0: all */
	bool byo;      /* bring your own key: no credits are drawn */
	bool quiet;
	bool recorded;	      /* what sources say of costs is shown, too */
	const char *timezone; /* of days and hours */
};

void replay_report_json(const struct replay_report *r);
void replay_report_csv(const struct replay_report *r);
void replay_report_table(const struct replay_report *r);

#endif
