/* Balances of customers, every movement of their credits, and what posts many of them. */
#include <stdlib.h>

#include "reports/credit_report.h"
#include "reports/trace_report.h"
#include "server/action.h"
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

/* What a grant paid for. */
int answer_trace(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	struct trace_question t = { .ledger = r->ledger, .with_usage = question_flag(q, "usage") };
	const char *customer, *grant = q->parameter(q, "grant");
	struct json_out j;
	int rc = question_customer(q, &customer, e);
	if (rc == 0 && !(customer && *customer && grant && *grant))
		rc = err_set(e, ERR_USAGE, "'%s' is missing",
			     customer && *customer ? "grant" : "customer");
	if (rc != 0)
		return rc;
	t.customer = text_of(customer);
	t.grant = text_of(grant);
	json_out_open(&j, NULL);
	rc = trace_report_put(&j, &t, e);
	json_out_take(&j, &out->body);
	return rc;
}

/* The operations, a line each, as a file of `tally credit post` has them. */
static int operations_of(struct action *a, struct buf *lines, int64_t *count, struct err *e)
{
	json_value *list = setting(a->q, "operations");
	if (json_kind(list) != JSON_ARRAY || !json_first(list))
		return err_set(e, ERR_USAGE, "'operations' is a list of objects, at least one");
	for (json_value *v = json_first(list); v; v = json_next(v)) {
		json_put_value(lines, v);
		buf_puts(lines, "\n");
		++*count;
	}
	return 0;
}

static int credit_post(struct action *a, struct err *e)
{
	struct buf lines = { 0 };
	struct batch_result *list = NULL;
	size_t n = 0;
	int64_t count = 0;
	int rc = operations_of(a, &lines, &count, e);
	if (rc == 0)
		rc = batch_run(a->c.ledger, (struct text){ lines.p, lines.n }, a->c.now, &list, &n,
			       e);
	a->about = text_of(arena_printf(&a->arena, "%lld operations", (long long)count));
	if (rc == 0) {
		struct json_out j;
		json_out_open(&j, NULL);
		batch_report_put(&j, list, n);
		json_out_take(&j, &a->out->body);
	}
	free(list);
	buf_release(&lines);
	return rc;
}

int answer_credit_post(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return act(r, q, out, "credit post", credit_post, e);
}
