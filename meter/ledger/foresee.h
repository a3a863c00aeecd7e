/*
 * foresee: what lots will have once what waits is redone, without booking it. Draws by hand that
 * come in any order to an account that is nearly empty each ask for that: what is booked of the
 * account is read once (foresight.h), and a pass over it answers. Internal to meter/ledger.
 */
#ifndef TALLY_METER_LEDGER_FORESEE_H
#define TALLY_METER_LEDGER_FORESEE_H

#include "meter/ledger/ledger_parts.h"

/*
 * What the lots that count at that instant will have left, in billionths, where what waits may wait
 * on (ledger_may_wait). *known: whether that could be told; else redo. Errors: ERR_STORE.
 */
int foresee_left(struct ledger *l, struct state *s, struct instant at, int128 *nano, bool *known,
		 struct err *e);

#endif
