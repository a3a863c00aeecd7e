/*
 * window: the span of time that a limit or a budget counts: "5h", "day", "week", "month",
 * "quarter", "year", "ever", "rolling 30d".
 *
 * Windows of hours begin with the local day and end with it at the latest ("5h": at 0, 5, 10, 15
 * and 20 o'clock); all others but rolling ones begin with a local day. A rolling window holds the
 * last hours or days up to now, from a whole quarter of an hour on. So every window begins on a
 * quarter of an hour, in every zone of today.
 */
#ifndef TALLY_METER_BILLING_WINDOW_H
#define TALLY_METER_BILLING_WINDOW_H

#include "base/text.h"
#include "base/zone.h"

#define WINDOW_HINT \
	"a number of hours such as 5h, day, week, month, quarter, year, ever, or rolling 5h"

enum window_kind { WINDOW_EVER, WINDOW_HOURS, WINDOW_DAYS, WINDOW_MONTHS, WINDOW_ROLLING };
enum { WINDOW_TEXT_MAX = 24, WINDOW_QUARTER_US = 900000000 };

struct window {
	enum window_kind kind;
	int64_t n; /* hours, days (1, or 7: from Monday on) or months; of a rolling one: its length
		    */
	char text[WINDOW_TEXT_MAX]; /* as it is kept: "1h" for "hour", "rolling 7d" for "rolling-7d"
				     */
};
/* Errors: ERR_USAGE. */
int window_parse(struct window *out, struct text t, struct err *e);

struct window_span {
	struct instant from, to; /* INSTANT_MIN and _MAX where it has no end */
	struct instant apart; /* spans that begin after this one have something in common with it */
};
/* The span that holds `now`; zone may be NULL for "ever" and rolling ones. */
struct window_span window_span(const struct window *w, const struct zone *z, struct instant now);
bool window_needs_zone(const struct window *w);

#endif
