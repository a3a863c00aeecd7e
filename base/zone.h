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

/* name: "UTC", "+08:00", "-03:30", or an IANA name such as "Asia/Shanghai". Errors: ERR_NOT_FOUND,
 * ERR_UNREADABLE. */
int zone_open(struct zone **out, const char *name, struct err *e);
void zone_close(struct zone *z);

/* Seconds to add to UTC at t. *until (may be NULL): the first later instant at which that may
 * change. */
int32_t zone_offset(const struct zone *z, struct instant t, struct instant *until);

#endif
