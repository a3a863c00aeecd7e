#include "meter/billing/paid.h"

#include "base/instant.h"
#include "meter/store/archived.h"

static const struct sql sql_paid_usage = {
	.text = "SELECT s.project,p.model,sum(CASE u.kind WHEN 1 THEN -1 ELSE 1 END) "
		"FROM usage u JOIN series s ON s.id=u.series JOIN price p ON p.id=u.price "
		"WHERE u.seq BETWEEN :first AND :last AND u.time BETWEEN :since AND :at "
		"AND s.customer=:customer GROUP BY s.project,p.model ORDER BY s.project,p.model",
};

int paid_usage(struct store *s, struct text customer, const struct ledger_txn *t,
	       int (*take)(void *user, const struct paid_line *l), void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	if (!t->usage_from)
		return 0;
	int rc = archived_need_rows(
		store_archived(s),
		&(struct row_span){ t->usage_from, t->usage_to,
				    floor_div(t->at.us, US_PER_HOUR) * US_PER_HOUR, t->at.us + 1 },
		e);
	if (rc == 0)
		rc = db_statement(db, &sql_paid_usage, &q, e);
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

/* of each currency the period's own invoice, if it became final after the movement was
booked; else the first document after that, which adjusts the period */
static const struct sql sql_invoice_shows = {
	.text = "SELECT number FROM invoice i WHERE customer=:customer AND kind='invoice' "
		"AND status='final' AND period_to>:at AND finalized>=:booked AND NOT "
		"EXISTS(SELECT 1 FROM invoice o WHERE o.customer=i.customer "
		"AND o.currency=i.currency AND o.kind='invoice' AND o.status='final' "
		"AND o.period_to>:at AND o.finalized>=:booked AND o.id<>i.id "
		"AND CASE WHEN (o.period_from<=:at)<>(i.period_from<=:at) "
		"THEN o.period_from<=:at ELSE o.finalized<i.finalized "
		"OR (o.finalized=i.finalized AND o.id<i.id) END) ORDER BY finalized,id",
};

int paid_invoices(struct store *s, struct text customer, const struct ledger_txn *t,
		  int (*take)(void *user, struct text number), void *user, struct err *e)
{
	struct db *db = store_db(s);
	struct query *q;
	int rc = db_statement(db, &sql_invoice_shows, &q, e);
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
