/* clock: the only place that asks the system what time it is; everything else takes instants as
 * parameters. */
#ifndef TALLY_BASE_CLOCK_H
#define TALLY_BASE_CLOCK_H

#include "base/instant.h"

struct instant clock_now(void);
/* Monotonic microseconds, for progress and durations. */
int64_t clock_monotonic_us(void);

#endif
