/*
 * statement_report: a customer's statement of account: what was owed at its beginning, every
 * invoice, credit note, void and payment with the balance after it, what is owed at its end, and
 * what is open.
 */
#ifndef TALLY_REPORTS_STATEMENT_REPORT_H
#define TALLY_REPORTS_STATEMENT_REPORT_H

#include "base/zone.h"
#include "meter/billing/payment.h"
#include "reports/json_out.h"
#include "reports/memo.h"

struct statement_question {
	struct store *store;
	const char *customer;
	struct instant since, until; /* until: not included; up to now at most */
	struct instant now;
	const struct zone *zone; /* of the days that are shown */
	const char *language;	 /* of its labels; NULL: of the newest invoice */
};

struct statement;
/* Errors: those of the store; ERR_USAGE (there is no such language). */
int statement_open(struct statement **out, const struct statement_question *q, struct err *e);
void statement_close(struct statement *s);
/* The document "tally.statement/1". */
void statement_put(struct json_out *j, const struct statement *s);
/* To print as text, HTML or PDF. */
void statement_memo(struct memo *out, const struct statement *s);

#endif
