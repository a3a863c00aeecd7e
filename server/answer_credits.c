/* Balances of customers, and every movement of their credits. */
#include <stdlib.h>

#include "reports/credit_report.h"
#include "server/answers.h"

int answer_balance(struct reader *r, const struct http_question *q, struct http_reply *out,
		   struct err *e)
{
	struct balance_report report;
	struct json_out j;
	int rc = question_is_of(q, q->rest, e);
	if (rc == 0)
		rc = balance_report_read(&report, r->ledger, q->rest, r->now, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = balance_report_put(&j, &report, r->ledger, e);
	json_out_take(&j, &out->body);
	return rc;
}

/* Names of accounts. */
struct names {
	const char *only; /* NULL: all */
	struct text *name;
	size_t count;
	struct arena arena;
};

static int add_name(void *user, const struct account *a)
{
	struct names *n = user;
	if (n->only && !text_is(a->customer, n->only))
		return 0;
	if ((n->count & (n->count - 1)) == 0)
		n->name = mem_grow(n->name, (n->count ? n->count * 2 : 1) * sizeof *n->name);
	n->name[n->count++] =
		(struct text){ arena_text(&n->arena, a->customer.p, a->customer.n), a->customer.n };
	return 0;
}

int answer_balances(struct reader *r, const struct http_question *q, struct http_reply *out,
		    struct err *e)
{
	struct json_out j;
	struct names n = { 0 };
	struct balance_report report;
	int rc = question_customer(q, &n.only, e);
	if (rc == 0)
		rc = ledger_each_account(r->ledger, add_name, &n, e);
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.balances/1");
	json_out_array(&j, "accounts");
	for (size_t i = 0; rc == 0 && i < n.count; i++) {
		rc = balance_report_read(&report, r->ledger, n.name[i], r->now, e);
		if (rc == 0)
			rc = balance_report_put(&j, &report, r->ledger, e);
	}
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	free(n.name);
	arena_release(&n.arena);
	return rc;
}

int answer_ledger(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct period of = { INSTANT_MIN, INSTANT_MAX };
	const struct account *account;
	const char *customer, *name;
	struct zone *z = NULL;
	struct json_out j;
	int rc = question_customer(q, &customer, e);
	if (rc == 0 && !customer)
		rc = err_set(e, ERR_USAGE, "'customer' is missing");
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	if (rc == 0)
		rc = question_instant(q, "since", z, &of.from, e);
	if (rc == 0)
		rc = question_instant(q, "until", z, &of.to, e);
	zone_close(z);
	if (rc == 0)
		rc = ledger_account(r->ledger, text_of(customer), &account, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = ledger_report_put(&j, r->ledger, account, of, e);
	json_out_take(&j, &out->body);
	return rc;
}
