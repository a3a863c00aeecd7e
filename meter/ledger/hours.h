/*
 * hours: how the hours of an account are divided, so that within a part of one no credits begin or
 * end and it is one local day. Usage is summed, drawn and given back by such parts.
 */
#ifndef TALLY_METER_LEDGER_HOURS_H
#define TALLY_METER_LEDGER_HOURS_H

#include "base/zone.h"
#include "meter/store/store.h"

struct hours {
	struct zone *zone; /* the caller's */
	int64_t zone_from_us, zone_to_us, zone_offset_us;
	int64_t *border; /* where credits begin or end within hours */
	size_t borders;
};

/* The borders of an account's credits as they are now; hours_release frees them. */
int hours_read(struct hours *h, struct db *db, int64_t account, struct err *e);
void hours_release(struct hours *h);

/* The part that an instant is in. */
void hours_part(struct hours *h, int64_t us, struct instant *from, struct instant *to);
/* The local day that it is in. */
int64_t hours_day(struct hours *h, int64_t us);

#endif
