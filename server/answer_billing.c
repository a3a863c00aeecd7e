/* Invoices. */
#include "reports/billing_report.h"
#include "reports/invoice_view.h"
#include "reports/statement_report.h"
#include "server/answers.h"

int answer_invoices(struct reader *r, const struct http_question *q, struct http_reply *out,
		    struct err *e)
{
	struct billing_question b = { .store = r->store,
				      .state = q->parameter(q, "state"),
				      .at = r->now };
	struct json_out j;
	struct zone *z = NULL;
	const char *name;
	int rc = question_customer(q, &b.customer, e);
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	if (rc == 0)
		rc = question_instant(q, "at", z, &b.at, e);
	zone_close(z);
	if (rc != 0)
		return rc;
	b.state = b.state && *b.state ? b.state : NULL;
	json_out_open(&j, NULL);
	rc = billing_report_put(&j, &b, e);
	json_out_take(&j, &out->body);
	return rc;
}

enum { FORMAT_JSON, FORMAT_HTML, FORMAT_PDF, FORMAT_TEXT, FORMAT_CSV, FORMAT_XLSX };

static int put_invoice(struct http_reply *out, int format, bool letter, struct invoice_view *v,
		       struct err *e)
{
	enum { COLUMNS = 100 };
	static const char *const types[] = {
		"application/json",
		"text/html; charset=utf-8",
		"application/pdf",
		"text/plain; charset=utf-8",
		"text/csv; charset=utf-8",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	};
	out->type = types[format];
	switch (format) {
	case FORMAT_HTML:
		invoice_html_put(&out->body, v);
		return 0;
	case FORMAT_PDF:
		return invoice_pdf_put(&out->body, v, letter, NULL, e);
	case FORMAT_TEXT:
		invoice_text_put(&out->body, v, COLUMNS);
		return 0;
	case FORMAT_CSV:
		invoice_csv_put(&out->body, v);
		return 0;
	case FORMAT_XLSX:
		out->filename = "invoice.xlsx";
		return invoice_xlsx_put(&out->body, v, e);
	default:
		invoice_json_put(&out->body, v);
		return 0;
	}
}

/* In a format: /v1/invoices/2026-000017?format=pdf&paper=letter&language=de */
int answer_invoice(struct reader *r, const struct http_question *q, struct http_reply *out,
		   struct err *e)
{
	static const char *const formats[] = { "json", "html", "pdf", "text", "csv", "xlsx", NULL };
	static const char *const papers[] = { "a4", "letter", NULL };
	struct stored_invoice i;
	struct invoice_view *v = NULL;
	struct arena texts = { 0 };
	const char *language = q->parameter(q, "language");
	int format, paper;
	int rc = question_choice(q, "format", formats, &format, e);
	if (rc == 0)
		rc = question_choice(q, "paper", papers, &paper, e);
	if (rc == 0)
		rc = invoice_find(r->store, q->rest.p, &texts, &i, e);
	if (rc == 0)
		rc = question_is_of(q, i.customer, e);
	if (rc == 0)
		rc = invoice_view_of(&v, r->store, &i, r->now, language, e);
	arena_release(&texts);
	if (rc == 0)
		rc = put_invoice(out, format, paper == 1, v, e);
	if (v)
		invoice_view_close(v);
	return rc;
}

static int put_statement(struct http_reply *out, int format, bool letter, const struct statement *s,
			 struct err *e)
{
	struct memo m;
	struct json_out j;
	int rc = 0;
	if (format == FORMAT_JSON) {
		json_out_open(&j, NULL);
		statement_put(&j, s);
		json_out_take(&j, &out->body);
		return 0;
	}
	statement_memo(&m, s);
	if (format == FORMAT_HTML) {
		out->type = "text/html; charset=utf-8";
		memo_html_put(&out->body, &m);
	} else {
		out->type = "application/pdf";
		rc = memo_pdf_put(&out->body, &m, letter, e);
	}
	memo_release(&m);
	return rc;
}

/* /v1/statement?customer=acme&since=2026-01-01&format=pdf */
int answer_statement(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	static const char *const formats[] = { "json", "html", "pdf", NULL };
	static const char *const papers[] = { "a4", "letter", NULL };
	struct statement_question s = { .store = r->store,
					.since = INSTANT_MIN,
					.until = INSTANT_MAX,
					.language = q->parameter(q, "language"),
					.now = r->now };
	struct statement *statement = NULL;
	struct zone *z = NULL;
	const char *name;
	int format, paper;
	int rc = question_customer(q, &s.customer, e);
	if (rc == 0 && !s.customer)
		rc = err_set(e, ERR_USAGE, "'customer' is missing");
	if (rc == 0)
		rc = question_choice(q, "format", formats, &format, e);
	if (rc == 0)
		rc = question_choice(q, "paper", papers, &paper, e);
	if (rc == 0)
		rc = question_zone(q, &z, &name, e);
	s.zone = z;
	if (rc == 0)
		rc = question_instant(q, "since", z, &s.since, e);
	if (rc == 0)
		rc = question_instant(q, "until", z, &s.until, e);
	if (rc == 0)
		rc = db_begin_reading(store_db(r->store), e);
	if (rc == 0)
		rc = statement_open(&statement, &s, e);
	if (rc == 0)
		rc = put_statement(out, format, paper == 1, statement, e);
	if (statement)
		statement_close(statement);
	zone_close(z);
	return rc;
}
