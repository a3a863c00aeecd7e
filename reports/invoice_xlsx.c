#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "reports/invoice_view.h"
#include "reports/spreadsheet.h"

/*
 * Spreadsheets keep numbers as binary floating point. Amounts are written as numbers where 15
 * digits hold them, which people sum, and as text otherwise; the exact amounts stand beside as
 * text.
 */
static void put_number(lxw_worksheet *w, lxw_row_t row, lxw_col_t col, struct text plain,
		       lxw_format *f)
{
	char text[DECIMAL_TEXT_MAX];
	size_t digits = 0;
	snprintf(text, sizeof text, "%.*s", (int)(plain.n < 90 ? plain.n : 90),
		 plain.n ? plain.p : "");
	for (const char *p = text; *p; p++)
		digits += *p >= '0' && *p <= '9';
	if (digits == 0)
		return;
	if (digits <= 15)
		spreadsheet.worksheet_write_number(w, row, col, strtod(text, NULL), f);
	else
		spreadsheet.worksheet_write_string(w, row, col, text, f);
}

static void put_text(lxw_worksheet *w, lxw_row_t row, lxw_col_t col, struct text t, lxw_format *f)
{
	char *s = mem_alloc(t.n + 1);
	memcpy(s, t.n ? t.p : "", t.n);
	s[t.n] = 0;
	spreadsheet.worksheet_write_string(w, row, col, s, f);
	free(s);
}

static void put_head(lxw_worksheet *w, const struct invoice_view *v, lxw_format *bold)
{
	const char *const pairs[][2] = { { v->title, v->number },     { "Customer", v->customer },
					 { "Period", v->period },     { "Time zone", v->zone },
					 { "Issued", v->issued },     { "Due", v->due },
					 { "Currency", v->currency }, { "Status", v->status } };
	for (lxw_row_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		spreadsheet.worksheet_write_string(w, i, 0, pairs[i][0], bold);
		spreadsheet.worksheet_write_string(w, i, 1, pairs[i][1], NULL);
	}
}

int invoice_xlsx_put(struct buf *out, const struct invoice_view *v, struct err *e)
{
	static const char *const titles[] = {
		"Description", "Project",    "Model",	     "Bucket",
		"Quantity",    "Unit price", "Exact amount", "Amount"
	};
	char path[] = "/tmp/tally-xlsx-XXXXXX";
	int rc = spreadsheet_need(e);
	if (rc != 0)
		return rc;
	int fd = mkstemp(path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "no temporary file could be made");
	fclose(fdopen(fd, "w"));
	lxw_workbook *book = spreadsheet.workbook_new(path);
	/* a fixed day, so that the same invoice has the same bytes */
	char title[100];
	snprintf(title, sizeof title, "%s %.60s", v->title, v->number);
	lxw_doc_properties about = { .title = title, .created = (time_t)(v->issued_us / 1000000) };
	about.created = about.created ? about.created : 1;
	spreadsheet.workbook_set_properties(book, &about);
	lxw_worksheet *w = spreadsheet.workbook_add_worksheet(book, "Invoice");
	lxw_format *bold = spreadsheet.workbook_add_format(book),
		   *number = spreadsheet.workbook_add_format(book),
		   *amount = spreadsheet.workbook_add_format(book);
	spreadsheet.format_set_bold(bold);
	spreadsheet.format_set_num_format(number, "#,##0.############");
	spreadsheet.format_set_num_format(amount, "#,##0.00##########");
	put_head(w, v, bold);
	const lxw_row_t first = 9;
	for (lxw_col_t c = 0; c < sizeof titles / sizeof *titles; c++)
		spreadsheet.worksheet_write_string(w, first, c, titles[c], bold);
	lxw_row_t row = first + 1;
	json_value *o = json_first(json_member(v->root, "lines"));
	for (size_t i = 0; i < v->lines && o; i++, o = json_next(o), row++) {
		const struct view_line *l = &v->line[i];
		put_text(w, row, 0, text_of(l->description), NULL);
		put_text(w, row, 1, l->project, NULL);
		put_text(w, row, 2, l->model, NULL);
		put_text(w, row, 3, json_string(json_member(o, "bucket")), NULL);
		put_number(w, row, 4, l->plain_quantity, number);
		put_number(w, row, 5, l->plain_price, number);
		put_text(w, row, 6, l->plain_exact, NULL);
		put_number(w, row, 7, l->plain_amount, amount);
	}
	static const char *const sums[][2] = { { "subtotal", "Subtotal" },
					       { "credits_applied", "Credits applied" },
					       { "total", "Total" } };
	row++;
	for (size_t i = 0; i < 3; i++, row++) {
		spreadsheet.worksheet_write_string(w, row, 6, sums[i][1], bold);
		put_number(w, row, 7, json_string(json_member(v->root, sums[i][0])), amount);
	}
	spreadsheet.worksheet_set_column(w, 0, 0, 44, NULL);
	spreadsheet.worksheet_set_column(w, 1, 3, 18, NULL);
	spreadsheet.worksheet_set_column(w, 4, 7, 20, NULL);
	spreadsheet.worksheet_freeze_panes(w, first + 1, 0);
	lxw_error failed = spreadsheet.workbook_close(book);
	rc = failed ? err_set(e, ERR_SYSTEM, "the spreadsheet could not be written: %s",
			      spreadsheet.lxw_strerror(failed))
		    : file_read(out, path, 256 << 20, e);
	remove(path);
	return rc;
}
