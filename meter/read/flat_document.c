#include "meter/read/flat_document.h"

#include <stdio.h>
#include <string.h>

#include "meter/read/nested_rows.h"
#include "meter/read/stripe_invoice.h"

/* Where a document of named columns has the names, the rows, and what says that there are more. */
static const struct {
	const char *in; /* "": the document itself */
	const char *names, *rows, *more;
} tables[] = {
	/* learn.microsoft.com, Cost Management, Query - Usage: QueryResult */
	{ "properties", "columns", "rows", "nextLink" },
	{ "", "columns", "rows", "next" },
	{ "", "columns", "data", "next" }, /* data frames, "split" */
	{ "", "meta", "data", "next" },	   /* ClickHouse, JSONCompact */
};

static bool is_list(json_value *v)
{
	return json_kind(v) == JSON_ARRAY && json_first(v);
}

static size_t count_of(json_value *list)
{
	size_t n = 0;
	for (json_value *v = json_first(list); v; v = json_next(v))
		n++;
	return n;
}

/* A name, or an object with one. */
static struct text name_in(json_value *v)
{
	return json_kind(v) == JSON_OBJECT ? json_string(json_member(v, "name")) : json_string(v);
}

static void begin_page(struct buf *out)
{
	buf_puts(out, "{\"data\":[");
}

static void end_page(struct buf *out, json_value *more)
{
	const bool has_more = json_string(more).n > 0;
	buf_printf(out, "],\"has_more\":%s}", has_more ? "true" : "false");
}

static void put_member(struct buf *out, bool first, struct text name)
{
	buf_puts(out, first ? "" : ",");
	json_put_string(out, name);
	buf_puts(out, ":");
}

static int put_table(struct buf *out, json_value *names, json_value *rows, struct err *e)
{
	const size_t columns = count_of(names);
	size_t at = 0;
	for (json_value *row = json_first(rows); row; row = json_next(row), at++) {
		if (json_kind(row) != JSON_ARRAY || count_of(row) != columns)
			return err_set(e, ERR_INVALID,
				       "%s[%zu]: %zu values, and %zu columns are named",
				       json_key(rows), at, count_of(row), columns);
		buf_puts(out, at ? ",{" : "{");
		json_value *name = json_first(names);
		for (json_value *v = json_first(row); v; v = json_next(v), name = json_next(name)) {
			put_member(out, v == json_first(row), name_in(name));
			json_put_value(out, v);
		}
		buf_puts(out, "}");
	}
	return 0;
}

/* --- AWS Cost Explorer, GetCostAndUsage: docs.aws.amazon.com, API_GetCostAndUsage --- */

/* What the keys of a group are called: the dimension, or what a label or a category is of. */
static void put_key(struct buf *out, json_value *definition, struct text key, size_t at)
{
	struct buf name = { 0 };
	const struct text what = json_string(json_member(definition, "Key"));
	const bool dimension = text_is(json_string(json_member(definition, "Type")), "DIMENSION");
	if (what.n)
		buf_printf(&name, "%s%.*s", dimension ? "" : "tag:", (int)what.n, what.p);
	else
		buf_printf(&name, "Keys.%zu", at);
	put_member(out, false, (struct text){ name.p, name.n });
	/* "project$acme": the label and its value */
	const char *value = dimension || !what.n ? NULL : memchr(key.p, '$', key.n);
	json_put_string(out, value ? (struct text){ value + 1, (size_t)(key.p + key.n - value - 1) }
				   : key);
	buf_release(&name);
}

static void put_group(struct buf *out, json_value *period, json_value *definitions,
		      json_value *keys, json_value *metrics)
{
	size_t at = 0;
	json_value *definition = json_first(definitions);
	buf_puts(out, "{\"TimePeriod\":");
	json_put_value(out, period);
	for (json_value *k = json_first(keys); k; k = json_next(k), at++) {
		put_key(out, definition, json_string(k), at);
		definition = definition ? json_next(definition) : NULL;
	}
	for (json_value *m = json_first(metrics); m; m = json_next(m)) {
		put_member(out, false, text_of(json_key(m)));
		json_put_value(out, m);
	}
	buf_puts(out, "}");
}

static void put_results(struct buf *out, json_value *root)
{
	json_value *definitions = json_member(root, "GroupDefinitions");
	bool first = true;
	for (json_value *item = json_first(json_member(root, "ResultsByTime")); item;
	     item = json_next(item)) {
		json_value *period = json_member(item, "TimePeriod");
		json_value *groups = json_member(item, "Groups"),
			   *total = json_member(item, "Total");
		for (json_value *g = json_first(groups); g; g = json_next(g), first = false) {
			buf_puts(out, first ? "" : ",");
			put_group(out, period, definitions, json_member(g, "Keys"),
				  json_member(g, "Metrics"));
		}
		if (json_first(groups) || !json_first(total))
			continue;
		buf_puts(out, first ? "" : ",");
		put_group(out, period, NULL, NULL, total);
		first = false;
	}
}

/* --- xAI, POST /v1/billing/teams/{team}/usage: docs.x.ai, Get historical usage of the API --- */

static void put_numbered(struct buf *out, const char *name, json_value *list)
{
	char key[40];
	size_t at = 0;
	for (json_value *v = json_first(list); v; v = json_next(v), at++) {
		const struct text s = json_string(v);
		snprintf(key, sizeof key, "%s.%zu", name, at);
		put_member(out, false, text_of(key));
		if (s.n > 5 && memcmp(s.p, "Chat ", 5) == 0) /* "Chat grok-4-0709" */
			json_put_string(out, (struct text){ s.p + 5, s.n - 5 });
		else
			json_put_value(out, v);
	}
}

/* Each point of each series; its values have no names, but are in the order in which they were
 * asked for. */
static void put_series(struct buf *out, json_value *series)
{
	bool first = true;
	for (json_value *one = json_first(series); one; one = json_next(one))
		for (json_value *p = json_first(json_member(one, "dataPoints")); p;
		     p = json_next(p), first = false) {
			buf_puts(out, first ? "{\"timestamp\":" : ",{\"timestamp\":");
			json_put_string(out, json_string(json_member(p, "timestamp")));
			put_numbered(out, "groupLabels", json_member(one, "groupLabels"));
			put_numbered(out, "values", json_member(p, "values"));
			buf_puts(out, "}");
		}
}

/* 1: a page was written; 0: the document is none of these; negative: an error. */
static int put_page(struct buf *out, json_value *v, struct err *e)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		json_value *in = *tables[i].in ? json_member(v, tables[i].in) : v;
		json_value *names = json_member(in, tables[i].names),
			   *rows = json_member(in, tables[i].rows);
		if (!is_list(names) || !is_list(rows) || !name_in(json_first(names)).n ||
		    json_kind(json_first(rows)) != JSON_ARRAY)
			continue;
		begin_page(out);
		int rc = put_table(out, names, rows, e);
		end_page(out, json_member(in, tables[i].more));
		return rc < 0 ? rc : 1;
	}
	if (stripe_put_page(out, v))
		return 1;
	json_value *series = json_member(v, "timeSeries");
	if (json_kind(json_member(json_first(series), "dataPoints")) == JSON_ARRAY) {
		begin_page(out);
		put_series(out, series);
		buf_printf(out, "],\"has_more\":%s}",
			   json_true(json_member(v, "limitReached")) ? "true" : "false");
		return 1;
	}
	if (json_kind(json_member(v, "ResultsByTime")) != JSON_ARRAY)
		return 0;
	begin_page(out);
	put_results(out, v);
	end_page(out, json_member(v, "NextPageToken"));
	return 1;
}

/* One document, or a list of pages. */
static int put_document(struct buf *out, json_value *root, struct err *e)
{
	int rc = 1;
	if (nested_put_page(out, root))
		return 1;
	if (json_kind(root) != JSON_ARRAY)
		return put_page(out, root, e);
	buf_puts(out, "[");
	for (json_value *v = json_first(root); rc == 1 && v; v = json_next(v)) {
		buf_puts(out, v == json_first(root) ? "" : ",");
		rc = json_kind(v) == JSON_OBJECT ? put_page(out, v, e) : 0;
	}
	buf_puts(out, "]");
	return json_first(root) ? rc : 0;
}

int flat_document_open(struct json_document **out, struct text all, struct err *e)
{
	struct buf b = { 0 };
	struct json_document *d;
	int rc = json_open(&d, all, e);
	if (rc != 0)
		return rc;
	rc = put_document(&b, json_root(d), e);
	if (rc == 1) {
		json_close(d);
		d = NULL;
		rc = json_open(&d, (struct text){ b.p, b.n }, e);
	}
	buf_release(&b);
	if (rc == 0)
		*out = d;
	else
		json_close(d);
	return rc;
}
