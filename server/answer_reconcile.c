/* A provider's bill that somebody uploads, beside what was metered. */
#include <string.h>

#include "base/when.h"
#include "meter/billing/reconcile.h"
#include "meter/billing/tiers.h"
#include "reports/reconcile_report.h"
#include "server/answers.h"

enum { FILES_MOST = 20, NAME_MOST = 100 };

/* The files of the body. */
struct upload {
	struct bill_file file[FILES_MOST];
	size_t count;
};

struct asked {
	const struct http_question *q;
	struct zone *zone;
	struct bill_options reading;
	struct reconcile_options o;
	const char *format;
	struct arena texts;
};

/* --- the files --- */

/* The name as it was sent, without what it says of folders. */
static const char *plain_name(struct asked *a, struct text given)
{
	const char *slash = given.n ? memrchr(given.p, '/', given.n) : NULL;
	const size_t n = slash ? (size_t)(given.p + given.n - slash - 1) : given.n;
	return n ? arena_printf(&a->texts, "%.*s", n > NAME_MOST ? NAME_MOST : (int)n,
				given.p + given.n - n)
		 : "bill";
}

/* "files": [{"name": "cost.csv", "bytes": 1234}, ...], one behind the other in the body. */
static int find_files(struct upload *u, struct asked *a, struct err *e)
{
	const struct text body = a->q->body;
	size_t at = 0;
	for (json_value *f = json_first(setting(a->q, "files")); f; f = json_next(f)) {
		struct decimal d;
		int64_t bytes;
		if (decimal_parse(&d, json_number_or_string(json_member(f, "bytes")), NULL) != 0 ||
		    !decimal_to_int64(d, 0, &bytes) || bytes < 0 || (uint64_t)bytes > body.n - at)
			return err_set(e, ERR_USAGE, "'files' says how long each file is");
		if (u->count == FILES_MOST)
			return err_set(e, ERR_USAGE, "at most %d files at once", FILES_MOST);
		u->file[u->count++] =
			(struct bill_file){ plain_name(a, json_string(json_member(f, "name"))),
					    { body.p + at, (size_t)bytes } };
		at += (size_t)bytes;
	}
	return u->count == 0 || at != body.n
		       ? err_set(e, ERR_USAGE,
				 "'files' lists the files of the body: [{\"name\": "
				 "\"bill.csv\", \"bytes\": 1234}]")
		       : 0;
}

/* --- what is asked --- */

static int text_of_setting(struct asked *a, const char *name, const char **out, struct err *e)
{
	struct text t;
	int rc = setting_text(a->q, name, false, &t, e);
	*out = rc == 0 && t.n ? arena_text(&a->texts, t.p, t.n) : NULL;
	return rc;
}

static int read_when(struct asked *a, const char *name, struct instant now, struct instant *out,
		     struct err *e)
{
	const char *text;
	int rc = text_of_setting(a, name, &text, e);
	return rc == 0 && text ? asked_instant(name, text, now, a->zone, out, e) : rc;
}

/* "map": {"cost": "Total (USD)", "none": ["Notes", "Owner"]}: columns of a CSV, as --map names
 * them. */
static int read_map(struct asked *a, struct err *e)
{
	json_value *map = setting(a->q, "map");
	for (json_value *m = json_first(map); m; m = json_next(m)) {
		const bool several = json_kind(m) == JSON_ARRAY;
		for (json_value *v = several ? json_first(m) : m; v;
		     v = several ? json_next(v) : NULL) {
			const struct text column = json_string(v);
			if (!bill_map(&a->reading, text_of(json_key(m)),
				      arena_text(&a->texts, column.p, column.n)))
				return err_set(e, ERR_USAGE, "'map' has %s, each with a column",
					       BILL_MAP_NAMES);
		}
	}
	return 0;
}

static int read_tolerance(struct asked *a, struct err *e)
{
	const char *text;
	struct decimal d;
	int rc = text_of_setting(a, "tolerance", &text, e);
	a->o.tolerance.atto = (int128)5 * 1000000000000000;
	if (rc != 0 || !text)
		return rc;
	a->o.exact = true;
	if (decimal_parse(&d, text_of(text), NULL) != 0 || d.digits < 0 ||
	    amount_from_decimal(&a->o.tolerance, d, NULL) != 0)
		return err_set(e, ERR_USAGE, "tolerance: '%s' is not an amount", text);
	return 0;
}

static int read_asked(struct asked *a, struct reader *r, struct err *e)
{
	const char *zone;
	int rc = text_of_setting(a, "timezone", &zone, e);
	if (rc == 0)
		rc = zone_open(&a->zone, zone ? zone : "UTC", e);
	a->o.zone = zone ? a->zone : NULL; /* else the bill's own */
	a->o.zone_name = zone;
	if (rc == 0)
		rc = read_when(a, "since", r->now, &a->o.since, e);
	if (rc == 0)
		rc = read_when(a, "until", r->now, &a->o.until, e);
	if (rc == 0)
		rc = text_of_setting(a, "customer", &a->o.customer, e);
	if (rc == 0)
		rc = text_of_setting(a, "project", &a->o.project, e);
	if (rc == 0)
		rc = text_of_setting(a, "provider", &a->o.provider, e);
	if (rc == 0)
		rc = text_of_setting(a, "currency", &a->o.currency, e);
	if (rc == 0)
		rc = text_of_setting(a, "format", &a->format, e);
	if (rc == 0)
		rc = read_tolerance(a, e);
	return rc == 0 ? read_map(a, e) : rc;
}

/* --- the answer --- */

static int put_file(struct http_reply *out, const char *format,
		    const struct reconcile_report *report, struct err *e)
{
	if (strcmp(format, "html") == 0) {
		out->type = "text/html; charset=utf-8";
		out->filename = "reconcile.html";
		reconcile_report_html_put(&out->body, report);
		return 0;
	}
	if (strcmp(format, "xlsx") != 0)
		return err_set(e, ERR_USAGE, "format is json, html or xlsx, not '%s'", format);
	out->type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
	out->filename = "reconcile.xlsx";
	return reconcile_report_xlsx_put(&out->body, report, e);
}

static int compare(struct reader *r, struct asked *a, const struct upload *u,
		   struct http_reply *out, struct err *e)
{
	struct bill bill = { 0 };
	struct reconciliation x = { 0 };
	a->o.book = a->reading.book = r->book;
	int rc = bill_parse(&bill, u->file, u->count, &a->reading, e);
	if (rc == 0 && !a->o.provider)
		a->o.provider = bill.provider;
	if (rc == 0)
		rc = reconcile(&x, r->store, &bill, &a->o, e);
	if (rc == 0) {
		const struct reconcile_report report = { .r = &x,
							 .bill = &bill,
							 .currency = *bill.currency
									     ? bill.currency
									     : r->o->currency,
							 .zone = x.zone,
							 .project = a->o.project,
							 .all = true };
		struct json_out j;
		if (a->format && strcmp(a->format, "json") != 0) {
			rc = put_file(out, a->format, &report, e);
		} else {
			json_out_open(&j, NULL);
			reconcile_report_put(&j, &report);
			json_out_take(&j, &out->body);
		}
	}
	reconciliation_release(&x);
	bill_release(&bill);
	return rc;
}

int answer_reconcile(struct reader *r, const struct http_question *q, struct http_reply *out,
		     struct err *e)
{
	struct upload u = { 0 };
	struct asked a = { .q = q, .o = { .since = INSTANT_MIN, .until = INSTANT_MAX } };
	int rc = q->uploaded
			 ? read_asked(&a, r, e)
			 : err_set(e, ERR_USAGE,
				   "send the bill as the body, and what is asked as 'settings'");
	if (rc == 0)
		rc = find_files(&u, &a, e);
	if (rc == 0)
		rc = compare(r, &a, &u, out, e);
	zone_close(a.zone);
	arena_release(&a.texts);
	return rc;
}
