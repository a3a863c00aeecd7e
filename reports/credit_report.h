/* credit_report: balances, grants and the ledger of a customer, for people and for programs. */
#ifndef TALLY_REPORTS_CREDIT_REPORT_H
#define TALLY_REPORTS_CREDIT_REPORT_H

#include "meter/ledger/batch.h"
#include "meter/ledger/ledger.h"
#include "reports/json_out.h"

/* One customer's balance now. */
struct balance_report {
	const struct account *account;
	struct balance balance;
	struct instant at;
	int64_t waiting;   /* rows of usage that have not drawn yet, of all customers */
	int64_t uncovered; /* records that the plan does not cover */
};
int balance_report_read(struct balance_report *out, struct ledger *l, struct text customer,
			struct instant now, struct err *e);
bool balance_is_low(const struct balance_report *r);
/* The document "tally.balance/1". Errors: those of the store (it lists the open grants). */
int balance_report_put(struct json_out *j, const struct balance_report *r, struct ledger *l,
		       struct err *e);
int balance_report_table(const struct balance_report *r, struct ledger *l, struct err *e);

/* The members of an account: plan, overage, zone, terms, ... */
void account_put(struct json_out *j, const struct account *a);

/* Every transaction of a period with its entries: the document "tally.credit-ledger/1". */
int ledger_report_put(struct json_out *j, struct ledger *l, const struct account *a,
		      struct period of, struct err *e);
int ledger_report_csv(struct ledger *l, const struct account *a, struct period of, struct err *e);
int ledger_report_table(struct ledger *l, const struct account *a, struct period of, struct err *e);

/* tally.credit-post/1: what became of each operation of a batch. */
void batch_report_put(struct json_out *j, const struct batch_result *r, size_t count);

#endif
