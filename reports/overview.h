/* overview: what `tally` alone shows: today, this week and this month, the month by model, and what
 * needs a look. */
#ifndef TALLY_REPORTS_OVERVIEW_H
#define TALLY_REPORTS_OVERVIEW_H

#include "base/zone.h"
#include "reports/look.h"

enum { OVERVIEW_PERIODS = 4 }; /* today, yesterday, this week, this month */

struct overview {
	const struct look *days; /* by day and model, of this month and this week */
	int64_t today;		 /* days since 1970, where the clocks are */
	const char *timezone, *source;
	const struct left_out *left_out;
	bool has_newest; /* where no record is of these periods */
	int64_t newest;	 /* the day of the newest one */
	bool no_hint;	 /* of what else there is */
};
/* Whether something is not in its amounts. */
bool overview_is_lower_bound(const struct overview *o);
/* The first day that it speaks of. */
int64_t overview_first_day(const struct overview *o);
void overview_print(const struct overview *o);
void overview_json(const struct overview *o);

#endif
