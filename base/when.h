/*
 * when: instants and periods as people name them: 2026-11-01, 2026-11, today, 7d, monday,
 * last-month, now.
 *
 * A name stands for a period [from, to). What is asked since a name begins with it, what is asked
 * until a name ends with it, so a day or month that is named as an end is included. An instant is
 * a period without length.
 */
#ifndef TALLY_BASE_WHEN_H
#define TALLY_BASE_WHEN_H

#include "base/zone.h"

struct when {
	struct instant from, to; /* equal for an instant */
};

/*
 * Accepts
 *   an instant as instant_parse does, `now`, and Nh (N hours before now)
 *   a day: YYYY-MM-DD, YYYYMMDD, today, yesterday, tomorrow, monday ... sunday (the last one, which
 *     may be today), Nd and Nw (the day N days or weeks before today)
 *   a week: this-week, last-week (Monday to Sunday); a month: YYYY-MM, this-month, last-month; a
 *     year: YYYY, this-year, last-year
 * Days, weeks and months are those of zone z; an instant without an offset is civil time there.
 * Errors: ERR_INVALID, with what can be written.
 */
int when_parse(struct when *out, struct text s, struct instant now, const struct zone *z,
	       struct err *e);

/* --period: the period that is named; Nd and Nw are the last so many days, today included, without
 * an end. Errors: as when_parse; ERR_INVALID for an instant. */
int when_parse_period(struct when *out, struct text s, struct instant now, const struct zone *z,
		      struct err *e);

#endif
