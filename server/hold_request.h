/*
 * hold_request: what a hold is asked for, as the body of POST /v1/holds says it: an amount, or the
 * counts of the call to come, which are priced. The set of its members is closed.
 */
#ifndef TALLY_SERVER_HOLD_REQUEST_H
#define TALLY_SERVER_HOLD_REQUEST_H

#include "base/arena.h"
#include "base/json.h"
#include "meter/hold.h"
#include "meter/ingest/ingest.h"
#include "meter/ledger/draw.h"

struct hold_asked {
	struct ingest *in;
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	const char *currency; /* of amounts that say none */
	const char *customer; /* that the token is bound to; NULL: any */
	struct instant now;
	struct arena *arena; /* holds what is made here */
};

/* Texts of *h are of the arena or of v. Errors: ERR_INVALID for a member that is not known or says
 * nothing usable, ERR_DENIED for another customer, ERR_UNPRICED, ERR_RANGE. */
int hold_request_read(const struct hold_asked *a, json_value *v, struct hold *h, struct err *e);

#endif
