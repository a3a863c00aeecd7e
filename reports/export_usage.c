#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/dict.h"
#include "reports/export.h"
#include "reports/spreadsheet.h"

/* --- CSV of the records that stand --- */

struct records {
	const struct export_options *o;
	struct buf b;
	uint8_t *gone;	       /* a bit a row */
	struct dict last;      /* record's own row to the row that stands for it */
	bool unit[UNIT_COUNT]; /* those that any record counts have a column */
};

static bool is_gone(const struct records *x, int64_t seq)
{
	return x->gone[seq / 8] >> (seq % 8) & 1;
}

/* First look: which rows were reversed. */
static int find_gone(void *user, const struct usage_row *row)
{
	struct records *x = user;
	for (int u = 0; u < UNIT_COUNT; u++)
		x->unit[u] |= row->record.units[u] != 0;
	if (!row->of)
		return 0;
	const int64_t first = row->of;
	uint64_t *standing =
		dict_need(&x->last, (struct text){ (const char *)&first, sizeof first }, NULL);
	if (row->kind == USAGE_REVERSAL) {
		int64_t seq = *standing ? (int64_t)*standing : first;
		x->gone[seq / 8] |= (uint8_t)(1 << seq % 8);
		x->gone[row->seq / 8] |= (uint8_t)(1 << row->seq % 8);
	} else {
		*standing = (uint64_t)row->seq;
	}
	return 0;
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
	if (is_gone(x, row->seq) || r->time_us < x->o->since.us || r->time_us >= x->o->until.us ||
	    (x->o->customer && !text_is(r->text[FIELD_CUSTOMER], x->o->customer)))
		return 0;
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
	buf_puts(&x->b, ",");
	buf_int(&x->b, r->requests);
	for (int u = 0; u < UNIT_COUNT; u++)
		if (x->unit[u]) {
			buf_puts(&x->b, ",");
			buf_int(&x->b, r->units[u]);
		}
	buf_puts(&x->b, "\n");
	if (x->b.n > 1 << 16) {
		fwrite(x->b.p, 1, x->b.n, x->o->out);
		x->b.n = 0;
	}
	return 0;
}

int export_csv(struct ledger *l, const struct export_options *o, struct err *e)
{
	struct store *s = ledger_store(l);
	struct records x = { .o = o };
	int rc = store_refresh(s, e);
	const int64_t last = store_last_seq(s);
	x.gone = mem_zalloc((size_t)last / 8 + 1);
	if (rc == 0)
		rc = store_each_row(s, 1, last, find_gone, &x, e);
	buf_puts(&x.b,
		 "id,provider,model,customer,project,workload,task,session,service_tier,region,"
		 "effort,time,completed");
	for (int b = 0; b < BUCKET_COUNT; b++)
		buf_printf(&x.b, ",%s", bucket_name((enum bucket)b));
	buf_puts(&x.b, ",requests");
	for (int u = 0; u < UNIT_COUNT; u++)
		if (x.unit[u])
			buf_printf(&x.b, ",%s", unit_field((enum unit)u));
	buf_puts(&x.b, "\n");
	if (rc == 0)
		rc = store_each_row(s, 1, last, put_record, &x, e);
	fwrite(x.b.p, 1, x.b.n, o->out);
	buf_release(&x.b);
	dict_release(&x.last);
	free(x.gone);
	return rc;
}

/* --- a workbook --- */

static void put_text(lxw_worksheet *w, lxw_row_t row, lxw_col_t col, struct text t)
{
	char *s = mem_alloc(t.n + 1);
	memcpy(s, t.n ? t.p : "", t.n);
	s[t.n] = 0;
	spreadsheet.worksheet_write_string(w, row, col, s, NULL);
	free(s);
}

static void put_number(lxw_worksheet *w, lxw_row_t row, lxw_col_t col, const char *text)
{
	/* numbers of a spreadsheet hold 15 digits; the exact text stands in the last column */
	spreadsheet.worksheet_write_number(w, row, col, strtod(text, NULL), NULL);
}

int export_xlsx(struct ledger *l, const struct export_options *o, const char *path, struct err *e)
{
	static const enum usage_dim dims[] = { USAGE_BY_DAY, USAGE_BY_CUSTOMER, USAGE_BY_PROJECT,
					       USAGE_BY_MODEL };
	enum { DIMS = 4, ROWS_MOST = 1048000 };
	const struct usage_filter f = { .since = o->since,
					.until = o->until,
					.customer = o->customer };
	struct usage_result *r;
	char text[DECIMAL_TEXT_MAX];
	int rc = spreadsheet_need(e);
	if (rc == 0)
		rc = usage_query(&r, ledger_store(l), dims, DIMS, &f, o->zone, e);
	if (rc != 0)
		return rc;
	if (usage_group_count(r) > ROWS_MOST) {
		usage_result_close(r);
		return err_set(e, ERR_RANGE,
			       "more than %d rows; a spreadsheet holds no more: choose a period",
			       ROWS_MOST);
	}
	lxw_workbook_options options = { .constant_memory = LXW_TRUE };
	lxw_workbook *book = spreadsheet.workbook_new_opt(path, &options);
	lxw_doc_properties about = { .created = 1 };
	spreadsheet.workbook_set_properties(book, &about);
	lxw_worksheet *w = spreadsheet.workbook_add_worksheet(book, "Usage");
	lxw_format *bold = spreadsheet.workbook_add_format(book);
	spreadsheet.format_set_bold(bold);
	spreadsheet.worksheet_set_column(w, 0, 3, 20, NULL);
	spreadsheet.worksheet_set_column(w, 4, 14, 15, NULL);
	spreadsheet.worksheet_freeze_panes(w, 1, 0);
	for (lxw_col_t d = 0; d < DIMS; d++)
		spreadsheet.worksheet_write_string(w, 0, d, usage_dim_name(dims[d]), bold);
	spreadsheet.worksheet_write_string(w, 0, DIMS, "records", bold);
	for (int b = 0; b < BUCKET_COMMON; b++)
		spreadsheet.worksheet_write_string(w, 0, (lxw_col_t)(DIMS + 1 + b),
						   bucket_name((enum bucket)b), bold);
	const lxw_col_t cost = DIMS + 1 + BUCKET_COMMON;
	snprintf(text, sizeof text, "cost (%s)", usage_currency(r));
	spreadsheet.worksheet_write_string(w, 0, cost, text, bold);
	spreadsheet.worksheet_write_string(w, 0, cost + 1, "cost, exact", bold);
	spreadsheet.worksheet_write_string(w, 0, cost + 2, "unpriced", bold);
	for (size_t i = 0; i < usage_group_count(r); i++) {
		const struct usage_sums *s = usage_group(r, i);
		const lxw_row_t row = (lxw_row_t)i + 1;
		for (lxw_col_t d = 0; d < DIMS; d++)
			put_text(w, row, d, usage_label(r, i, d));
		spreadsheet.worksheet_write_number(w, row, DIMS, (double)s->records, NULL);
		for (int b = 0; b < BUCKET_COMMON; b++)
			spreadsheet.worksheet_write_number(w, row, (lxw_col_t)(DIMS + 1 + b),
							   (double)s->tokens[b], NULL);
		put_number(w, row, cost, money_total_format(s->cost, text));
		spreadsheet.worksheet_write_string(w, row, cost + 1, text, NULL);
		spreadsheet.worksheet_write_number(w, row, cost + 2, (double)s->unpriced, NULL);
	}
	usage_result_close(r);
	lxw_error failed = spreadsheet.workbook_close(book);
	return failed ? err_set(e, ERR_SYSTEM, "could not write '%s': %s", path,
				spreadsheet.lxw_strerror(failed))
		      : 0;
}
