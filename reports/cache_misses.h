/* cache_misses: what calls did not find in a cache, by cause, as every report tells it. */
#ifndef TALLY_REPORTS_CACHE_MISSES_H
#define TALLY_REPORTS_CACHE_MISSES_H

#include "reports/json_out.h"
#include "sim/cache_miss.h"

/* "misses": [{"cause", "calls", "tokens"}], without causes that there are not. */
void put_misses(struct json_out *j, const struct misses *m);
/* Adds " 3 because they came too late; 2 because .."; rounding is no news. */
void misses_say(struct buf *b, const struct misses *m);

#endif
