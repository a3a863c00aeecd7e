#include "meter/billing/paid.h"

#include "base/instant.h"
#include "meter/store/store_sql.h"

int paid_usage(struct store *s, struct text customer, const struct ledger_txn *t,
	       int (*take)(void *user, const struct paid_line *l), void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	if (!t->usage_from)
		return 0;
	int rc = db_statement(db, LEDGER_PAID_USAGE, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":first", t->usage_from);
	db_bind_int(q, ":last", t->usage_to);
	db_bind_text(q, ":customer", customer);
	db_bind_int(q, ":since", floor_div(t->at.us, US_PER_HOUR) * US_PER_HOUR);
	db_bind_int(q, ":at", t->at.us);
	while ((rc = db_step(db, q, e)) == 1) {
		const struct paid_line l = { db_text(q, 0), db_text(q, 1), db_int(q, 2) };
		if ((rc = take(user, &l)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int paid_invoices(struct store *s, struct text customer, const struct ledger_txn *t,
		  int (*take)(void *user, struct text number), void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, INVOICE_SHOWS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	db_bind_int(q, ":at", t->at.us);
	db_bind_int(q, ":booked", t->booked.us);
	while ((rc = db_step(db, q, e)) == 1)
		if ((rc = take(user, db_text(q, 0))) != 0)
			break;
	db_reset(q);
	return rc;
}
