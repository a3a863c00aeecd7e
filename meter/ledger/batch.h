/*
 * batch: many movements of credits at once, each with a result of its own.
 *
 * An operation that is `linked` belongs together with the next one; a chain of them is done as a
 * whole or not at all, and the others stand whatever becomes of it.
 */
#ifndef TALLY_METER_LEDGER_BATCH_H
#define TALLY_METER_LEDGER_BATCH_H

#include "base/json.h"
#include "meter/ledger/ledger.h"

struct batch_result {
	bool done;
	bool undone;	/* another operation of its chain failed */
	struct err why; /* when it failed itself */
};

/* Why it was not done. */
const char *batch_reason(const struct batch_result *r);

/*
 * Inside a transaction. Each line of JSON is one operation: {"op": "grant", "customer", "id",
 * "amount", "class", "priority", "effective", "expires", "cost_basis", "currency", "note"}, {"op":
 * "draw" or "refund", "customer", "id", "amount", "at", "note"} or {"op": "void", "customer", "id",
 * "note"}; any with "linked". free() *results. Errors: those of the store; what is wrong with an
 * operation is its result.
 */
int batch_run(struct ledger *l, struct text lines, struct instant now,
	      struct batch_result **results, size_t *count, struct err *e);

#endif
