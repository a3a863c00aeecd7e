/* A step within a transaction, which may be undone. */
#include "meter/ledger/foresight.h"

int ledger_mark(struct ledger *l, struct err *e)
{
	for (size_t i = 0; i < l->states; i++)
		l->state[i]->before = l->state[i]->redo;
	l->marked = true;
	l->redid = l->booked = false;
	foresight_mark(l);
	return db_run(l->db, "SAVEPOINT ledger_step", e);
}

/* What it redid waits again, and what it would have had redone does not. */
int ledger_undo(struct ledger *l, struct err *e)
{
	int rc = db_run(l->db, "ROLLBACK TO ledger_step", e);
	for (size_t i = 0; i < l->states; i++)
		l->state[i]->redo = l->state[i]->before;
	ledger_forget_states(l);
	foresight_undo(l);
	return rc;
}

bool ledger_redid(const struct ledger *l)
{
	return l->redid;
}

int ledger_pass(struct ledger *l, struct err *e)
{
	l->marked = false;
	return db_run(l->db, "RELEASE ledger_step", e);
}
