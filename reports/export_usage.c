#include <stdio.h>

#include "base/csv.h"
#include "reports/export.h"
#include "reports/sheet.h"
#include "reports/standing_rows.h"

/* --- CSV of the records that stand --- */

struct records {
	const struct export_options *o;
	struct store *store;
	struct buf b;
	/* Columns that few files need: parts and units, a bucket of time, which stays one, an
	 * answer of which a part is known, which stays a lower bound, and what has no price for
	 * what was not understood, which keeps none. */
	bool has[COUNT_KINDS];
	unsigned flags;
};

/* The last columns: calls, and what few files need. */
static void put_beside(struct records *x, const struct usage_row *row)
{
	const struct stored_price *p = NULL;
	buf_puts(&x->b, ",");
	if (row->record.requests || !(row->flags & USAGE_AGGREGATE))
		buf_int(&x->b, row->record.requests);
	for (int k = BUCKET_COUNT; k < COUNT_KINDS; k++)
		if (x->has[k]) {
			buf_puts(&x->b, ",");
			buf_int(&x->b, row->record.counts[k]);
		}
	if (x->flags & USAGE_AGGREGATE)
		buf_puts(&x->b, row->flags & USAGE_AGGREGATE ? ",true" : ",");
	if (x->flags & USAGE_BROKEN_OFF)
		buf_puts(&x->b, row->flags & USAGE_BROKEN_OFF ? ",true" : ",");
	if (x->flags & USAGE_UNREAD) {
		buf_puts(&x->b, ",");
		if (row->flags & USAGE_UNREAD &&
		    store_stored_price(x->store, row->price, &p, NULL) == 0)
			csv_put_text(&x->b, p->reason);
	}
	buf_puts(&x->b, "\n");
}

static int put_record(void *user, const struct usage_row *row)
{
	static const enum record_field texts[] = {
		FIELD_ID,	    FIELD_PROVIDER, FIELD_MODEL, FIELD_CUSTOMER,
		FIELD_PROJECT,	    FIELD_WORKLOAD, FIELD_TASK,	 FIELD_SESSION,
		FIELD_SERVICE_TIER, FIELD_REGION,   FIELD_EFFORT
	};
	struct records *x = user;
	const struct record *r = &row->record;
	char at[INSTANT_TEXT_MAX];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		csv_put_text(&x->b, r->text[texts[i]]);
		buf_puts(&x->b, ",");
	}
	buf_puts(&x->b, instant_format((struct instant){ r->time_us }, at));
	buf_puts(&x->b, ",");
	if (r->completed_us != TIME_ABSENT)
		buf_puts(&x->b, instant_format((struct instant){ r->completed_us }, at));
	for (int b = 0; b < BUCKET_COUNT; b++) {
		buf_puts(&x->b, ",");
		buf_int(&x->b, r->tokens[b]);
	}
	put_beside(x, row);
	if (x->b.n > 1 << 16) {
		fwrite(x->b.p, 1, x->b.n, x->o->out);
		x->b.n = 0;
	}
	return 0;
}

int export_csv(struct ledger *l, const struct export_options *o, struct export_told *told,
	       struct err *e)
{
	(void)told;
	struct records x = { .o = o, .store = ledger_store(l) };
	struct standing_rows *rows;
	int rc = standing_rows_open(
		&rows, &(struct standing_question){ x.store, o->since, o->until, o->customer },
		x.has, &x.flags, e);
	buf_puts(&x.b,
		 "id,provider,model,customer,project,workload,task,session,service_tier,region,"
		 "effort,time,completed");
	for (int b = 0; b < BUCKET_COUNT; b++)
		buf_printf(&x.b, ",%s", bucket_name((enum bucket)b));
	buf_puts(&x.b, ",requests");
	for (int k = BUCKET_COUNT; k < COUNT_KINDS; k++)
		if (x.has[k])
			buf_printf(&x.b, ",%s",
				   record_field_name((enum record_field)(FIELD_COUNTS + k)));
	buf_printf(&x.b, "%s%s%s\n", x.flags & USAGE_AGGREGATE ? ",aggregate" : "",
		   x.flags & USAGE_BROKEN_OFF ? ",broken_off" : "",
		   x.flags & USAGE_UNREAD ? ",unknown_cost" : "");
	if (rc == 0)
		rc = standing_rows_each(rows, put_record, &x, e);
	fwrite(x.b.p, 1, x.b.n, o->out);
	buf_release(&x.b);
	standing_rows_close(rows);
	return rc;
}

/* --- a workbook --- */

static void put_heads(struct sheet *w, const enum grouping *dims, lxw_col_t count,
		      const char *currency)
{
	char text[DECIMAL_TEXT_MAX];
	lxw_col_t at = 0;
	for (; at < count; at++)
		sheet_title(w, 0, at, grouping_name(dims[at]), false);
	sheet_title(w, 0, at++, "records", true);
	for (int b = 0; b < BUCKET_COMMON; b++)
		sheet_title(w, 0, at++, bucket_name((enum bucket)b), true);
	snprintf(text, sizeof text, "cost (%s)", currency);
	sheet_title(w, 0, at++, text, true);
	sheet_title(w, 0, at++, "cost, exact", true);
	sheet_title(w, 0, at++, "unpriced", true);
	sheet_title(w, 0, at, "placeholders", true);
}

int export_xlsx(struct ledger *l, const struct export_options *o, struct export_told *told,
		struct err *e)
{
	static const enum grouping dims[] = { BY_DAY, BY_CUSTOMER, BY_PROJECT, BY_MODEL };
	enum { DIMS = 4, ROWS_MOST = 1048000 };
	const struct usage_filter f = { .since = o->since,
					.until = o->until,
					.customer = o->customer };
	struct usage_result *r;
	struct sheet w;
	char text[DECIMAL_TEXT_MAX];
	int rc = usage_query(&r, ledger_store(l), &f,
			     &(struct usage_grouping){ dims, DIMS, o->zone }, e);
	if (rc != 0)
		return rc;
	if (usage_group_count(r) > ROWS_MOST)
		rc = err_set(e, ERR_RANGE,
			     "more than %d rows; a spreadsheet holds no more: choose a period",
			     ROWS_MOST);
	if (rc == 0)
		rc = sheet_open(&w, o->path, NULL, 0, true, e);
	if (rc != 0) {
		usage_result_close(r);
		return rc;
	}
	sheet_page(&w, "Usage");
	sheet_width(&w, 0, 3, 20);
	sheet_width(&w, 4, 14, 15);
	sheet_table(&w, 0, (lxw_row_t)usage_group_count(r), DIMS + BUCKET_COMMON + 4);
	put_heads(&w, dims, DIMS, usage_currency(r));
	for (size_t i = 0; i < usage_group_count(r); i++) {
		const struct usage_sums *s = usage_group(r, i);
		const lxw_row_t row = (lxw_row_t)i + 1;
		lxw_col_t at = 1;
		sheet_day_text(&w, row, 0, usage_label(r, i, 0));
		for (; at < DIMS; at++)
			sheet_text(&w, row, at, usage_label(r, i, at));
		sheet_count(&w, row, at++, s->records);
		for (int b = 0; b < BUCKET_COMMON; b++)
			sheet_count(&w, row, at++, s->tokens[b]);
		sheet_money(&w, row, at++, s->cost);
		sheet_text(&w, row, at++, text_of(money_total_format(s->cost, text)));
		sheet_count(&w, row, at++, s->unpriced);
		sheet_count(&w, row, at, s->placeholders);
	}
	told->no_amount = usage_total(r)->unpriced;
	told->placeholders = usage_total(r)->placeholders;
	told->unsaid = usage_total(r)->unsaid;
	usage_result_close(r);
	return sheet_close(&w, o->path, e);
}
