/* A step within a transaction, which may be undone. */
#include "meter/ledger/ledger_parts.h"

int ledger_mark(struct ledger *l, struct err *e)
{
	for (size_t i = 0; i < l->states; i++)
		l->state[i]->before = l->state[i]->redo;
	l->marked = true;
	return db_run(l->db, "SAVEPOINT ledger_step", e);
}

/* What it redid waits again, and what it would have had redone does not. */
int ledger_undo(struct ledger *l, struct err *e)
{
	int rc = db_run(l->db, "ROLLBACK TO ledger_step", e);
	for (size_t i = 0; i < l->states; i++)
		l->state[i]->redo = l->state[i]->before;
	ledger_reload(l);
	return rc;
}

int ledger_pass(struct ledger *l, struct err *e)
{
	l->marked = false;
	return db_run(l->db, "RELEASE ledger_step", e);
}
