#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "reports/invoice_view.h"
#include "reports/sheet.h"

static void put_head(struct sheet *w, const struct invoice_view *v)
{
	const char *const pairs[][2] = { { v->title, v->number },     { "Customer", v->customer },
					 { "Period", v->period },     { "Time zone", v->zone },
					 { "Issued", v->issued },     { "Due", v->due },
					 { "Currency", v->currency }, { "Status", v->status } };
	for (lxw_row_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		sheet_head(w, i, 0, pairs[i][0]);
		sheet_day_text(w, i, 1, text_of(pairs[i][1]));
	}
}

int invoice_xlsx_put(struct buf *out, const struct invoice_view *v, struct err *e)
{
	static const char *const titles[] = {
		"Description", "Project",    "Model",	     "Bucket",
		"Quantity",    "Unit price", "Exact amount", "Amount"
	};
	static const char *const sums[][2] = { { "subtotal", "Subtotal" },
					       { "credits_applied", "Credits applied" },
					       { "total", "Total" } };
	const lxw_row_t first = 9;
	struct sheet w;
	char path[] = "/tmp/tally-xlsx-XXXXXX", title[100];
	int rc = spreadsheet_need(e);
	if (rc != 0)
		return rc;
	int fd = mkstemp(path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "no temporary file could be made");
	fclose(fdopen(fd, "w"));
	snprintf(title, sizeof title, "%s %.60s", v->title, v->number);
	rc = sheet_open(&w, path, title, v->issued_us, false, e);
	if (rc != 0) {
		remove(path);
		return rc;
	}
	sheet_page(&w, "Invoice");
	put_head(&w, v);
	for (lxw_col_t c = 0; c < sizeof titles / sizeof *titles; c++)
		sheet_head(&w, first, c, titles[c]);
	lxw_row_t row = first + 1;
	json_value *o = json_first(json_member(v->root, "lines"));
	for (size_t i = 0; i < v->lines && o; i++, o = json_next(o), row++) {
		const struct view_line *l = &v->line[i];
		sheet_text(&w, row, 0, text_of(l->description));
		sheet_text(&w, row, 1, l->project);
		sheet_text(&w, row, 2, l->model);
		sheet_text(&w, row, 3, json_string(json_member(o, "bucket")));
		sheet_quantity(&w, row, 4, l->plain_quantity);
		sheet_quantity(&w, row, 5, l->plain_price);
		sheet_text(&w, row, 6, l->plain_exact);
		sheet_amount(&w, row, 7, l->plain_amount);
	}
	row++;
	for (size_t i = 0; i < 3; i++, row++) {
		sheet_head(&w, row, 6, sums[i][1]);
		sheet_amount(&w, row, 7, json_string(json_member(v->root, sums[i][0])));
	}
	sheet_width(&w, 0, 0, 44);
	sheet_width(&w, 1, 3, 18);
	sheet_width(&w, 4, 7, 20);
	sheet_freeze(&w, first + 1);
	rc = sheet_close(&w, "the spreadsheet", e);
	if (rc == 0)
		rc = file_read(out, path, 256 << 20, e);
	remove(path);
	return rc;
}
