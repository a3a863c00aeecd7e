#include "reports/record_report.h"

#include <stdlib.h>

#include "base/dict.h"
#include "reports/amount.h"
#include "reports/sheet.h"
#include "reports/table.h"
#include "reports/usage_report.h"

static const char *kind_name(enum usage_kind k)
{
	return k == USAGE_REVERSAL ? "reversed" : k == USAGE_RECORD ? "record" : "correction";
}

/* What a row comes to. */
struct record_amount {
	const struct stored_price *price;
	struct money_total cost;
};

static int record_amount_of(struct record_amount *out, struct store *s, const struct usage_row *row,
			    struct err *e)
{
	*out = (struct record_amount){ 0 };
	int rc = store_stored_price(s, row->price, &out->price, e);
	return rc == 0 ? stored_price_amount(out->price, row->record.counts, row->record.requests,
					     &out->cost, e)
		       : rc;
}

static void put_record(void *user, const struct usage_row *row, const struct record_amount *a)
{
	struct json_out *j = user;
	static const enum record_field texts[] = { FIELD_PROVIDER, FIELD_MODEL,	   FIELD_CUSTOMER,
						   FIELD_PROJECT,  FIELD_WORKLOAD, FIELD_TASK,
						   FIELD_SESSION,  FIELD_EFFORT };
	const struct record *r = &row->record;
	json_out_object(j, NULL);
	json_out_text(j, "id", r->text[FIELD_ID]);
	json_out_int(j, "row", row->seq);
	json_out_string(j, "kind", kind_name(row->kind));
	if (row->of)
		json_out_int(j, "of_row", row->of);
	json_out_instant(j, "time", (struct instant){ r->time_us });
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_out_text(j, record_field_name(texts[i]), r->text[texts[i]]);
	json_out_object(j, "tokens");
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (b < BUCKET_COMMON || r->tokens[b])
			json_out_int(j, bucket_name((enum bucket)b), r->tokens[b]);
	json_out_end(j, '}');
	json_out_int(j, "requests", r->requests);
	put_other_counts(j, r->counts);
	if (row->flags & USAGE_BROKEN_OFF)
		json_out_bool(j, "broken_off", true);
	if (a->price->reason.n) {
		json_out_null(j, "total");
		json_out_text(j, "unpriced", a->price->reason);
	} else {
		json_out_money(j, "total", a->cost);
		json_out_text(j, "currency", a->price->currency);
		json_out_text(j, "window", a->price->window);
	}
	json_out_end(j, '}');
}

/* --- how many there are of what --- */

enum { VALUES_SHOWN = 50 };

static const enum grouping facet_dims[] = { BY_MODEL,	BY_PROVIDER, BY_CUSTOMER,
					    BY_PROJECT, BY_WORKLOAD, BY_EFFORT };
enum { FACETS = sizeof facet_dims / sizeof *facet_dims, FACET_STATUS = FACETS };

struct value {
	struct text label;
	int64_t records;
};

struct facet {
	struct dict index; /* to 1 + place */
	struct value *value;
	size_t count;
};

struct facets {
	struct facet of[FACETS + 1];
	int64_t records;
	const struct rows_question *q;
};

static void count(struct facet *f, struct text label, int64_t records)
{
	uint64_t *at = dict_need(&f->index, label, NULL);
	if (!*at) {
		if ((f->count & (f->count - 1)) == 0)
			f->value = mem_grow(f->value,
					    (f->count ? f->count * 2 : 1) * sizeof *f->value);
		f->value[f->count] = (struct value){ .label = dict_key(&f->index, label) };
		*at = ++f->count;
	}
	f->value[*at - 1].records += records;
}

static int count_call(void *user, const struct usage_call *c)
{
	struct facets *x = user;
	const bool unpriced = c->price->reason.n != 0;
	if (x->q->priced != ROWS_ANY && unpriced != (x->q->priced == ROWS_UNPRICED))
		return 0;
	for (int i = 0; i < FACETS; i++)
		count(&x->of[i], usage_call_label(c, facet_dims[i]), c->sums->records);
	count(&x->of[FACET_STATUS], unpriced ? TEXT("unpriced") : TEXT("priced"), c->sums->records);
	x->records += c->sums->records;
	return 0;
}

static int most_first(const void *x, const void *y)
{
	const struct value *a = x, *b = y;
	if (a->records != b->records)
		return a->records < b->records ? 1 : -1;
	return text_cmp(a->label, b->label);
}

static void put_facet(struct json_out *j, const char *name, struct facet *f)
{
	size_t shown = 0, n = 0;
	for (size_t i = 0; i < f->count; i++)
		if (f->value[i].records) /* else all were reversed */
			f->value[n++] = f->value[i];
	if (n)
		qsort(f->value, n, sizeof *f->value, most_first);
	json_out_object(j, name);
	json_out_array(j, "values");
	for (; shown < n && shown < VALUES_SHOWN; shown++) {
		json_out_object(j, NULL);
		if (f->value[shown].label.n)
			json_out_text(j, "value", f->value[shown].label);
		else
			json_out_null(j, "value");
		json_out_int(j, "records", f->value[shown].records);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	json_out_int(j, "more", (int64_t)(n - shown));
	json_out_end(j, '}');
}

/* Of what the rollups know: sessions, tasks and kinds of rows are no part of it. */
static int put_facets(struct json_out *j, struct store *s, const struct rows_question *q,
		      struct err *e)
{
	struct facets x = { .q = q };
	struct zone *utc = NULL;
	struct usage_cells cells = { .store = s,
				     .filter = &q->filter,
				     .dim = facet_dims,
				     .dim_count = FACETS,
				     .take = count_call,
				     .user = &x };
	struct usage_filter f = q->filter;
	f.currency = f.currency ? f.currency : "any"; /* counts are of every currency */
	cells.filter = &f;
	int rc = zone_open(&utc, "UTC", e);
	cells.zone = utc;
	if (rc == 0)
		rc = usage_each_cell(&cells, e);
	if (rc == 0) {
		json_out_int(j, "count", x.records);
		json_out_object(j, "facets");
		for (int i = 0; i < FACETS; i++)
			put_facet(j, grouping_name(facet_dims[i]), &x.of[i]);
		put_facet(j, "status", &x.of[FACET_STATUS]);
		json_out_end(j, '}');
	}
	for (int i = 0; i <= FACETS; i++) {
		dict_release(&x.of[i].index);
		free(x.of[i].value);
	}
	zone_close(utc);
	return rc;
}

/* The rows of a page, each with what it comes to. */
static int each_row(struct store *s, const struct rows_page *page,
		    void (*take)(void *user, const struct usage_row *row,
				 const struct record_amount *a),
		    void *user, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < page->count; i++) {
		struct usage_row row;
		struct record_amount a;
		rc = store_row(s, page->row[i].seq, &row, e);
		if (rc == 0)
			rc = record_amount_of(&a, s, &row, e);
		if (rc == 0)
			take(user, &row, &a);
	}
	return rc;
}

/* The member "archived": rows that may be among those that were asked for. */
static void put_lack(struct json_out *j, const struct archived_lack *lack)
{
	char month[MONTH_TEXT_MAX];
	json_out_object(j, "archived");
	json_out_int(j, "rows", lack->rows);
	json_out_string(j, "first_month", month_format(lack->first_month, month));
	json_out_string(j, "last_month", month_format(lack->last_month, month));
	json_out_end(j, '}');
}

int record_report_put(struct json_out *j, struct store *s, const struct rows_question *q,
		      bool facets, struct archived_lack *lack, struct err *e)
{
	struct rows_page page;
	char place[ROW_PLACE_TEXT_MAX];
	int rc = usage_rows(&page, s, q, e);
	if (rc != 0)
		return rc;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.records/1");
	json_out_array(j, "records");
	rc = each_row(s, &page, put_record, j, e);
	json_out_end(j, ']');
	json_out_string(j, "next",
			page.more ? row_place_format(page.row[page.count - 1], place) : NULL);
	if (rc == 0 && facets)
		rc = put_facets(j, s, q, e);
	if (page.lack.rows)
		put_lack(j, &page.lack);
	json_out_end(j, '}');
	if (lack)
		*lack = page.lack;
	rows_page_release(&page);
	return rc;
}

/* --- as a workbook --- */

enum {
	SHEET_TEXTS = 10,
	SHEET_TOKENS = SHEET_TEXTS,
	SHEET_REQUESTS = SHEET_TOKENS + BUCKET_COMMON,
	SHEET_COST,
	SHEET_EXACT,
	SHEET_CURRENCY,
	SHEET_UNPRICED
};

struct record_sheet {
	struct sheet w;
	lxw_row_t rows; /* below the titles */
	int64_t tokens[BUCKET_COMMON], requests;
	struct money_total cost;
	char currency[16];
	bool mixed; /* several currencies: no sum of costs */
};

static void put_titles(struct record_sheet *x)
{
	static const char *const texts[SHEET_TEXTS] = { "time (UTC)", "record",	  "kind",
							"provider",   "model",	  "customer",
							"project",    "workload", "task",
							"session" };
	sheet_page(&x->w, "Records");
	for (lxw_col_t i = 0; i < SHEET_TEXTS; i++)
		sheet_title(&x->w, 0, i, texts[i], false);
	for (lxw_col_t b = 0; b < BUCKET_COMMON; b++)
		sheet_title(&x->w, 0, SHEET_TOKENS + b, bucket_name((enum bucket)b), true);
	sheet_title(&x->w, 0, SHEET_REQUESTS, "requests", true);
	sheet_title(&x->w, 0, SHEET_COST, "cost", true);
	sheet_title(&x->w, 0, SHEET_EXACT, "cost, exact", true);
	sheet_title(&x->w, 0, SHEET_CURRENCY, "currency", false);
	sheet_title(&x->w, 0, SHEET_UNPRICED, "without a price because", false);
	sheet_width(&x->w, 0, 1, 22);
	sheet_width(&x->w, 2, SHEET_UNPRICED, 15);
}

static void put_sheet_cost(struct record_sheet *x, lxw_row_t at, const struct record_amount *a)
{
	char text[DECIMAL_TEXT_MAX];
	if (a->price->reason.n) {
		sheet_text(&x->w, at, SHEET_UNPRICED, a->price->reason);
		return;
	}
	if (!*x->currency)
		snprintf(x->currency, sizeof x->currency, "%.*s", (int)a->price->currency.n,
			 a->price->currency.p);
	x->mixed |= !text_is(a->price->currency, x->currency);
	x->mixed |= !money_total_add(&x->cost, a->cost);
	sheet_money(&x->w, at, SHEET_COST, a->cost);
	sheet_text(&x->w, at, SHEET_EXACT, text_of(money_total_format(a->cost, text)));
	sheet_text(&x->w, at, SHEET_CURRENCY, a->price->currency);
}

static void put_sheet_row(void *user, const struct usage_row *row, const struct record_amount *a)
{
	struct record_sheet *x = user;
	static const enum record_field texts[] = { FIELD_PROVIDER, FIELD_MODEL,	   FIELD_CUSTOMER,
						   FIELD_PROJECT,  FIELD_WORKLOAD, FIELD_TASK,
						   FIELD_SESSION };
	const struct record *r = &row->record;
	const lxw_row_t at = ++x->rows;
	char instant[INSTANT_TEXT_MAX];
	lxw_col_t col = 3;
	sheet_text(&x->w, at, 0, text_of(instant_format((struct instant){ r->time_us }, instant)));
	sheet_text(&x->w, at, 1, r->text[FIELD_ID]);
	sheet_text(&x->w, at, 2, text_of(kind_name(row->kind)));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sheet_text(&x->w, at, col++, r->text[texts[i]]);
	for (int b = 0; b < BUCKET_COMMON; b++) {
		sheet_count(&x->w, at, (lxw_col_t)(SHEET_TOKENS + b), r->tokens[b]);
		x->tokens[b] += r->tokens[b];
	}
	sheet_count(&x->w, at, SHEET_REQUESTS, r->requests);
	x->requests += r->requests;
	put_sheet_cost(x, at, a);
}

static void put_sum(struct record_sheet *x, lxw_col_t col, const char *value)
{
	char formula[64];
	snprintf(formula, sizeof formula, "SUM(%c2:%c%u)", 'A' + col, 'A' + col,
		 (unsigned)x->rows + 1);
	sheet_formula(&x->w, x->rows + 1, col, formula, text_of(value));
}

/* Below the rows: what they come to. */
static void put_sheet_sums(struct record_sheet *x)
{
	char text[DECIMAL_TEXT_MAX];
	if (!x->rows)
		return;
	sheet_total_name(&x->w, x->rows + 1, 0, "sum of these rows");
	for (lxw_col_t b = 0; b < BUCKET_COMMON; b++) {
		snprintf(text, sizeof text, "%lld", (long long)x->tokens[b]);
		put_sum(x, SHEET_TOKENS + b, text);
	}
	snprintf(text, sizeof text, "%lld", (long long)x->requests);
	put_sum(x, SHEET_REQUESTS, text);
	if (*x->currency && !x->mixed)
		put_sum(x, SHEET_COST, money_total_format(x->cost, text));
}

/* Every page behind the one that is asked for. */
static int put_sheet_pages(struct record_sheet *x, struct store *s, struct rows_question q,
			   struct err *e)
{
	struct rows_page page = { .more = true };
	int rc = 0;
	q.limit = ROWS_PAGE_MOST;
	while (rc == 0 && page.more) {
		rc = usage_rows(&page, s, &q, e);
		if (rc != 0)
			return rc;
		if (page.lack.rows)
			rc = archived_need_rows(store_archived(s),
						&(struct row_span){ 1, INT64_MAX, q.filter.since.us,
								    q.filter.until.us },
						e);
		if (rc == 0 && x->rows + page.count > RECORD_SHEET_MOST)
			rc = err_set(e, ERR_RANGE,
				     "more than %d records; choose a shorter period or take CSV",
				     RECORD_SHEET_MOST);
		if (rc == 0)
			rc = each_row(s, &page, put_sheet_row, x, e);
		q.goes_on = true;
		if (page.count)
			q.after = page.row[page.count - 1];
		rows_page_release(&page);
	}
	return rc;
}

int record_report_xlsx(struct buf *out, struct store *s, const struct rows_question *q,
		       struct err *e)
{
	struct record_sheet x = { 0 };
	char path[SHEET_PATH_MAX];
	int rc = sheet_open_buffer(&x.w, path, "Records", 0, true, e);
	if (rc != 0)
		return rc;
	put_titles(&x);
	rc = put_sheet_pages(&x, s, *q, e);
	put_sheet_sums(&x);
	sheet_table(&x.w, 0, x.rows, SHEET_UNPRICED);
	const int closed = sheet_close_buffer(&x.w, path, out, rc == 0 ? e : &(struct err){ 0 });
	return rc != 0 ? rc : closed;
}

/* --- for people --- */

struct record_table {
	struct table *t;
	struct buf text;
};

static void put_row(void *user, const struct usage_row *row, const struct record_amount *a)
{
	struct record_table *x = user;
	struct table *t = x->t;
	struct buf *b = &x->text;
	static const enum record_field texts[] = { FIELD_ID, FIELD_MODEL, FIELD_CUSTOMER,
						   FIELD_PROJECT };
	const struct record *r = &row->record;
	char at[INSTANT_TEXT_MAX], text[DECIMAL_TEXT_MAX], currency[16];
	int64_t prompt = 0;
	/* to the second; the documents have all digits */
	const int64_t second_us = floor_div(r->time_us, US_PER_SECOND) * US_PER_SECOND;
	table_cell(t, instant_format((struct instant){ second_us }, at));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		b->n = 0;
		buf_add(b, r->text[texts[i]].p, r->text[texts[i]].n);
		table_cell(t, b->n ? b->p : "");
	}
	for (int k = 0; k < BUCKET_OUTPUT; k++)
		prompt += r->tokens[k];
	put_count(b, prompt);
	table_cell(t, b->p);
	put_count(b, r->tokens[BUCKET_OUTPUT]);
	table_cell(t, b->p);
	if (a->price->reason.n) {
		table_cell(t, "no price");
	} else {
		snprintf(currency, sizeof currency, "%.*s", (int)a->price->currency.n,
			 a->price->currency.p);
		put_amount(b, money_total_format(a->cost, text), currency,
			   at_least(row->flags & USAGE_BROKEN_OFF));
		table_cell(t, b->p);
	}
	table_cell(t, row->kind == USAGE_RECORD ? "" : kind_name(row->kind));
}

int record_report_table(struct store *s, const struct rows_question *q, bool quiet,
			struct archived_lack *lack, struct err *e)
{
	static const struct table_column columns[] = {
		{ "TIME" },
		{ "ID", .may_shrink = true },
		{ "MODEL", .may_shrink = true, .leaves = 5 },
		{ "CUSTOMER", .may_shrink = true, .leaves = 4 },
		{ "PROJECT", .may_shrink = true, .leaves = 3 },
		{ "PROMPT", .right = true, .leaves = 2 },
		{ "OUTPUT", .right = true, .leaves = 1 },
		{ "COST", .right = true },
		{ "" },
	};
	struct rows_page page;
	int rc = usage_rows(&page, s, q, e);
	if (rc != 0)
		return rc;
	struct record_table x = { .t = table_open(columns, sizeof columns / sizeof *columns) };
	rc = each_row(s, &page, put_row, &x, e);
	if (rc == 0 && page.count)
		table_print(x.t);
	else if (rc == 0)
		print_note("no record of that kind and period is stored");
	table_close(x.t);
	if (rc == 0 && page.count && !quiet)
		print_note("\ntally explain ID shows how a record was priced");
	buf_release(&x.text);
	*lack = page.lack;
	rows_page_release(&page);
	return rc;
}
