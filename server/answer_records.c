/* Records, a page at a time, what a word finds, and what needs a look. */
#include "reports/attention_report.h"
#include "reports/record_report.h"
#include "reports/search_report.h"
#include "server/answers.h"

static int read_order(const struct http_question *q, struct rows_question *out, struct err *e)
{
	static const char *const orders[] = { "stored", "time", "cost", "tokens", NULL };
	static const char *const ways[] = { "desc", "asc", NULL };
	static const char *const kinds[] = { "", "record", "reversal", "correction", NULL };
	static const char *const states[] = { "", "priced", "unpriced", NULL };
	const char *after = q->parameter(q, "after");
	int order, way, kind, state;
	int rc = question_choice(q, "sort", orders, &order, e);
	if (rc == 0)
		rc = question_choice(q, "order", ways, &way, e);
	if (rc == 0)
		rc = question_choice(q, "kind", kinds, &kind, e);
	if (rc == 0)
		rc = question_choice(q, "status", states, &state, e);
	if (rc != 0)
		return rc;
	out->order = (enum rows_order)order;
	out->ascending = way == 1;
	out->kind = kind - 1;
	out->priced = question_flag(q, "unpriced") ? ROWS_UNPRICED : (enum rows_priced)state;
	out->goes_on = after && *after;
	return out->goes_on ? row_place_parse(&out->after, after, e) : 0;
}

int answer_records(struct reader *r, const struct http_question *q, struct http_reply *out,
		   struct err *e)
{
	enum { LIMIT_DEFAULT = 50 };
	struct rows_question rows = { .session = q->parameter(q, "session"),
				      .task = q->parameter(q, "task") };
	static const char *const formats[] = { "json", "xlsx", NULL };
	struct zone *zone = NULL;
	const char *name;
	struct json_out j;
	int format;
	int rc = question_zone(q, &zone, &name, e);
	if (rc == 0)
		rc = question_filter(q, zone, &rows.filter, e);
	zone_close(zone);
	if (rc == 0)
		rc = question_choice(q, "format", formats, &format, e);
	if (rc == 0)
		rc = question_count(q, "limit", LIMIT_DEFAULT, ROWS_PAGE_MOST, &rows.limit, e);
	if (rc == 0 && rows.limit == 0)
		rc = err_set(e, ERR_USAGE, "limit is from 1 to %d", ROWS_PAGE_MOST);
	if (rc == 0)
		rc = read_order(q, &rows, e);
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc != 0)
		return rc;
	if (format == 1) {
		out->type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
		out->filename = "records.xlsx";
		return record_report_xlsx(&out->body, r->store, &rows, e);
	}
	json_out_open(&j, NULL);
	rc = record_report_put(&j, r->store, &rows, question_flag(q, "facets"), NULL, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_search(struct reader *r, const struct http_question *q, struct http_reply *out,
		  struct err *e)
{
	const char *words = q->parameter(q, "q");
	struct json_out j;
	struct search_question s = { .words = words ? words : "", .ids = question_flag(q, "ids") };
	int rc = question_customer(q, &s.customer, e);
	if (rc == 0)
		rc = question_count(q, "limit", SEARCH_DEFAULT, SEARCH_MOST, &s.limit, e);
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = search_report_put(&j, r->store, &s, e);
	json_out_take(&j, &out->body);
	return rc;
}

int answer_attention(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	struct attention_question a = { .store = r->store,
					.ledger = r->ledger,
					.prices_of = book_released(r->book),
					.now = r->now };
	struct json_out j;
	int rc = question_customer(q, &a.customer, e);
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc != 0)
		return rc;
	json_out_open(&j, NULL);
	rc = attention_report_put(&j, &a, e);
	json_out_take(&j, &out->body);
	return rc;
}
