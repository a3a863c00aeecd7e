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
 *   an instant as instant_parse does, `now`, Nh and Nmin (before now)
 *   a day: YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD, today, yesterday, tomorrow, monday ... sunday or mon
 *     ... sun (the last one, which may be today; last-monday: before today), Nd, Nw, Nmo and Ny
 * (the day so long before today; +Nd or "in N days" after it) a week: this-week, last-week,
 * next-week (Monday to Sunday), YYYY-Wnn; a month: YYYY-MM, this-month, last-month, next-month,
 * january or jan (the last that has begun), jan 2026; a quarter: YYYY-Qn, Qn (the last that has
 * begun), this-quarter, last-quarter, next-quarter; a year: YYYY, this-year, last-year; wtd, mtd,
 * ytd: from its beginning until now Capitals do not matter, nor what divides the words: "Last 7
 * days", last_month, "7 days ago". Days, weeks and months are those of zone z; an instant without
 * an offset is civil time there. Errors: ERR_INVALID, with what can be written.
 */
int when_parse(struct when *out, struct text s, struct instant now, const struct zone *z,
	       struct err *e);

/* --period: the period that is named; Nd, Nw, Nmo and Ny are the last so many days, today included,
 * without an end. Errors: as when_parse; ERR_INVALID for an instant. */
int when_parse_period(struct when *out, struct text s, struct instant now, const struct zone *z,
		      struct err *e);

#endif
