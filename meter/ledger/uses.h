/*
 * uses: what draws of an account took from grants and have not given back, the latest first, as
 * they were booked. It is read from the end, as far as it is asked for, and kept while transactions
 * are booked, so that many refunds read it once.
 * Internal to meter/ledger.
 */
#ifndef TALLY_METER_LEDGER_USES_H
#define TALLY_METER_LEDGER_USES_H

#include "base/db.h"
#include "base/dict.h"

struct use_left {
	int64_t grant, nano;
};

struct uses {
	struct use_left *use; /* the latest is the last */
	size_t count;
	int64_t from_txn; /* those from this transaction on; 0: none is read yet */
	bool whole;
	struct dict back; /* of grants: given back, of uses that are not read yet */
};

/* At least `count` of them are read, if there are so many. Errors: ERR_STORE. */
int uses_need(struct uses *u, struct db *db, int64_t account, size_t count, struct err *e);
/* A transaction books that of a grant: less than 0 is taken from it, more is given back. */
void uses_note(struct uses *u, int64_t grant, int64_t nano);
void uses_release(struct uses *u);

#endif
