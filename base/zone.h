/*
 * zone: local time in an IANA time zone or at a fixed offset.
 *
 * Reads the system's TZif files (RFC 8536), version 2 data and the POSIX rule behind it; owns no
 * global state, so that many zones can be used at once and from several threads.
 */
#ifndef TALLY_BASE_ZONE_H
#define TALLY_BASE_ZONE_H

#include "base/instant.h"

struct zone;

/* name: "UTC", "+08:00", "-03:30", an IANA name such as "Asia/Shanghai", or one that changes with a
 * day: "Europe/Berlin, America/New_York from 2026-07-01". That day begins where it would have begun
 * without the change. Errors: ERR_NOT_FOUND, ERR_UNREADABLE, ERR_INVALID (a change). */
int zone_open(struct zone **out, const char *name, struct err *e);
void zone_close(struct zone *z);

/* Seconds to add to UTC at t. *until (may be NULL): the first later instant at which that may
 * change. */
int32_t zone_offset(const struct zone *z, struct instant t, struct instant *until);
/* The instant at which clocks there show that local time (as if it were UTC); where it is skipped,
 * the instant at which the clock is put forward; where it comes twice, the first. */
struct instant zone_instant(const struct zone *z, int64_t local_us);
/* The first instant of a civil day (days since 1970-01-01) there; where its midnight is skipped,
 * the instant at which the clock is put forward; where midnight comes twice, the first. */
struct instant zone_midnight(const struct zone *z, int64_t day);
/* The civil day of an instant there. */
int64_t zone_day(const struct zone *z, struct instant t);

enum { ZONE_NAME_MAX = 256 };
/* The machine's own zone: TZ, else what /etc/localtime links to, else UTC. Points into room or at
 * a constant; zone_open takes it. */
const char *zone_local_name(char room[ZONE_NAME_MAX]);

#endif
