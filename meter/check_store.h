/* check_store: what a store says of itself, and whether all of it fits together. */
#ifndef TALLY_METER_CHECK_STORE_H
#define TALLY_METER_CHECK_STORE_H

#include "meter/store/store.h"

enum { STORE_FAULTS_KEPT = 20 };
struct store_check {
	int64_t rows, journal; /* entries of the journal */
	int faults;
	char fault[STORE_FAULTS_KEPT][300];
};
/* Reads everything. The store must be open to write (its index is checked too). */
int store_check(struct store *s, struct store_check *out, struct err *e);
/* Notes that all of the store was checked at that instant, and how many faults were found. */
int store_note_check(struct store *s, struct instant now, int faults, struct err *e);

struct store_status {
	int64_t rows, quarantined, conflicts, last_minute, last_hour, rollup_lag, bytes;
	struct instant last_time, last_written;
	struct instant checked; /* when all of it was checked last; INSTANT_MIN: never */
	int64_t check_faults;	/* that were found then */
};
int store_status(struct store *s, struct instant now, struct store_status *out, struct err *e);

#endif
