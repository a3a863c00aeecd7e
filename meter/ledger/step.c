/* A step within a transaction, which may be undone. */
#include "meter/ledger/ledger_parts.h"

int ledger_mark(struct ledger *l, struct err *e)
{
	l->redones = 0;
	l->marked = true;
	return db_run(l->db, "SAVEPOINT ledger_step", e);
}

int ledger_undo(struct ledger *l, struct err *e)
{
	int rc = db_run(l->db, "ROLLBACK TO ledger_step", e);
	ledger_reload(l);
	ledger_redo_again(l);
	return rc;
}

int ledger_pass(struct ledger *l, struct err *e)
{
	l->redones = 0;
	l->marked = false;
	return db_run(l->db, "RELEASE ledger_step", e);
}
