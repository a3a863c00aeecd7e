/* How things stand: the database, a record in full, budgets, what is to come, prices, what was
 * refused, and who changed what. */
#include "base/clock.h"
#include "meter/store/trail.h"
#include "reports/budget_report.h"
#include "reports/cost_report.h"
#include "reports/explain_report.h"
#include "reports/forecast_report.h"
#include "reports/quarantine_report.h"
#include "reports/status_report.h"
#include "server/answers.h"

int answer_status(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	struct json_out j;
	(void)q;
	json_out_open(&j, NULL);
	int rc = status_report_put(&j, r->store, r->now, NULL, e);
	json_out_take(&j, &out->body);
	return rc;
}

/* What must be said. */
static int needed(const struct http_question *q, const char *name, const char **out, struct err *e)
{
	*out = q->parameter(q, name);
	return *out && **out ? 0 : err_set(e, ERR_USAGE, "'%s' is missing", name);
}

int answer_explain(struct reader *r, const struct http_question *q, struct http_reply *out,
		   struct err *e)
{
	struct explain_question x = { .ledger = r->ledger, .drawer = r->drawer };
	struct json_out j;
	int rc = question_count(q, "row", 0, INT64_MAX, &x.row, e);
	if (rc == 0 && !x.row)
		rc = needed(q, "id", &x.id, e);
	if (rc == 0)
		rc = question_customer(q, &x.customer, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = explain_report_put(&j, &x, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_budgets(struct reader *r, const struct http_question *q, struct http_reply *out,
		   struct err *e)
{
	struct budget_question b = { .now = r->now };
	struct budget_verdict verdict;
	struct json_out j;
	int rc = question_customer(q, &b.customer, e);
	if (rc != 0)
		return rc;
	b.budgets = budgets_open(r->store);
	json_out_open(&j, NULL);
	rc = budget_report_put(&j, &b, &verdict, e);
	json_out_take(&j, &out->body);
	budgets_close(b.budgets);
	return rc;
}

int answer_forecast(struct reader *r, const struct http_question *q, struct http_reply *out,
		    struct err *e)
{
	struct zone *z = NULL;
	struct forecast_verdict verdict;
	struct forecast_question f = { 0 };
	struct json_out j;
	const char *name, *budget = q->parameter(q, "budget"), *move = q->parameter(q, "move");
	int rc = question_zone(q, &z, &name, e);
	if (rc == 0) {
		f = forecast_question_of(r->ledger, z, r->now);
		f.book = r->book;
		f.project = q->parameter(q, "project");
		f.model = q->parameter(q, "model");
		rc = question_customer(q, &f.customer, e);
	}
	f.credits = f.of_balance = question_flag(q, "credits");
	if (rc == 0)
		rc = question_instant(q, "since", z, &f.since, e);
	if (rc == 0)
		rc = question_instant(q, "by", z, &f.by, e);
	if (rc == 0 && budget && *budget)
		rc = forecast_budget_parse(&f, budget, e);
	if (rc == 0)
		rc = question_instant(q, "move_on", z, &f.move_on, e);
	if (rc == 0 && f.move_on.us && !(move && *move))
		rc = err_set(e, ERR_USAGE, "move_on needs move");
	if (rc == 0 && move && *move)
		rc = forecast_move_parse(&f, move, r->o->currency, e);
	if (rc == 0)
		rc = forecast_question_check(&f, e);
	if (rc == 0) {
		json_out_open(&j, NULL);
		rc = forecast_report_put(&j, &f, &verdict, e);
		json_out_take(&j, &out->body);
	}
	forecast_question_release(&f);
	zone_close(z);
	return rc;
}

/* The price of a model at an instant, on a call of one token. */
int answer_tariff(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	const char *model, *provider = q->parameter(q, "provider"),
			   *currency = q->parameter(q, "currency");
	struct cost_question c = { .book = r->book,
				   .price = { .currency = currency ? currency : r->o->currency,
					      .at = r->now },
				   .usage = { .tokens = { [BUCKET_INPUT] = 1 }, .requests = 1 },
				   .requests = 1 };
	struct zone *z = NULL;
	struct json_out j;
	bool uncovered;
	const char *name;
	int rc = needed(q, "model", &model, e);
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	c.price.at.us -= c.price.at.us % US_PER_SECOND;
	if (rc == 0)
		rc = question_instant(q, "at", z, &c.price.at, e);
	zone_close(z);
	if (rc != 0)
		return rc;
	c.price.model = text_of(model);
	c.price.provider = text_of(provider ? provider : "");
	c.price.service_tier = c.price.region = TEXT("");
	json_out_open(&j, NULL);
	rc = cost_report_put(&j, &c, &uncovered, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_quarantine(struct reader *r, const struct http_question *q, struct http_reply *out,
		      struct err *e)
{
	enum { LIMIT_DEFAULT = 200, LIMIT_MOST = 2000 };
	struct quarantine_question x = { .all = question_flag(q, "all"),
					 .reason = q->parameter(q, "reason") };
	struct json_out j;
	int rc = question_count(q, "limit", LIMIT_DEFAULT, LIMIT_MOST, &x.most, e);
	if (rc == 0)
		rc = question_count(q, "after", 0, INT64_MAX, &x.after, e);
	if (rc == 0 && x.most == 0)
		rc = err_set(e, ERR_USAGE, "limit is from 1 to %d", LIMIT_MOST);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = quarantine_report_put(&j, r->store, &x, e);
	json_out_take(&j, &out->body);
	return rc;
}

struct trail_list {
	struct json_out *j;
	int64_t last, count;
};

static int put_trail(void *user, const struct trail_entry *t)
{
	struct trail_list *x = user;
	json_out_object(x->j, NULL);
	json_out_int(x->j, "id", t->id);
	json_out_instant(x->j, "at", t->at);
	if (t->who.n)
		json_out_text(x->j, "who", t->who);
	else
		json_out_null(x->j, "who");
	json_out_text(x->j, "what", t->what);
	json_out_text(x->j, "customer", t->customer);
	json_out_text(x->j, "about", t->about);
	json_out_text(x->j, "detail", t->detail);
	json_out_end(x->j, '}');
	x->last = t->id;
	x->count++;
	return 0;
}

int answer_trail(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	enum { LIMIT_DEFAULT = 50, LIMIT_MOST = 1000 };
	struct json_out j;
	struct trail_list x = { .j = &j };
	const char *customer;
	int64_t limit, before;
	int rc = question_customer(q, &customer, e);
	if (rc == 0)
		rc = question_count(q, "limit", LIMIT_DEFAULT, LIMIT_MOST, &limit, e);
	if (rc == 0)
		rc = question_count(q, "after", 0, INT64_MAX, &before, e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.trail/1");
	json_out_array(&j, "changes");
	rc = trail_each(r->store, &(struct trail_question){ customer, before, limit }, put_trail,
			&x, e);
	json_out_end(&j, ']');
	if (x.count == limit && limit)
		json_out_int(&j, "next", x.last);
	else
		json_out_null(&j, "next");
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	return rc;
}
