#include <stdio.h>

#include "reports/invoice_view.h"
#include "reports/sheet.h"

enum { COLUMNS = 8, AMOUNT = 7, TITLES = 9 /* the row */ };

/* A day of the document as a day of the sheet, in whichever language its labels are. */
static struct text day_at(const struct invoice_view *v, const char *key)
{
	const struct text t = json_string(json_member(v->root, key));
	return t.n > 10 ? (struct text){ t.p, 10 } : t;
}

static void put_head(struct sheet *w, const struct invoice_view *v)
{
	const struct labels *l = v->labels;
	const struct {
		const char *name;
		struct text value;
	} pairs[] = {
		{ v->title, text_of(v->number) },
		{ label(l, "customer"), text_of(v->customer) },
		{ label(l, "period"), text_of(v->period) },
		{ label(l, "zone"), text_of(v->zone) },
		{ label(l, "issued"), day_at(v, "issued") },
		{ label(l, "due"), day_at(v, "due") },
		{ label(l, "currency"), text_of(v->currency) },
		{ label(l, "status"), text_of(v->status) },
	};
	for (lxw_row_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		sheet_head(w, i, 0, pairs[i].name);
		sheet_day_text(w, i, 1, pairs[i].value);
	}
}

static void put_titles(struct sheet *w, const struct labels *l)
{
	static const char *const titles[COLUMNS] = {
		"description", "project",    "model", "bucket",
		"quantity",    "unit-price", "exact", "amount"
	};
	for (lxw_col_t c = 0; c < COLUMNS; c++)
		sheet_title(w, TITLES, c, label(l, titles[c]), c >= 4);
}

/* Whether the sheet can add the lines up itself: each is a number there. */
static bool adds_up(const struct invoice_view *v)
{
	for (size_t i = 0; i < v->lines; i++)
		if (!sheet_holds(v->line[i].plain_amount))
			return false;
	return v->lines > 0;
}

/* Subtotal, credits, taxes, total: formulas of the rows above, so that they can be followed. */
static void put_sums(struct sheet *w, struct invoice_view *v, lxw_row_t first, lxw_row_t last)
{
	const struct labels *l = v->labels;
	const struct text applied = json_string(json_member(v->root, "credits_applied"));
	const bool formulas = adds_up(v);
	char text[DECIMAL_TEXT_MAX];
	lxw_row_t row = last + 2;
	const lxw_row_t subtotal = row;
	const int places = invoice_view_places(v);
	struct buf f = { 0 };
	const struct text sum = json_string(json_member(v->root, "subtotal"));
	sheet_total_name(w, row, AMOUNT - 1, label(l, "subtotal"));
	buf_printf(&f, "=ROUND(SUM(H%u:H%u),%d)", first + 1, last + 1, places);
	if (formulas)
		sheet_formula(w, row, AMOUNT, f.p, sum);
	else
		sheet_amount(w, row, AMOUNT, sum);
	row++;
	if (applied.n && !text_is(applied, "0")) {
		const bool back = *applied.p == '-';
		sheet_head(w, row, AMOUNT - 1,
			   label(l, back ? "credits-returned" : "credits-applied"));
		snprintf(text, sizeof text, "%s%.*s", back ? "" : "-", (int)applied.n - back,
			 applied.p + back);
		sheet_amount(w, row++, AMOUNT, text_of(text));
	}
	for (json_value *t = json_first(json_member(v->root, "taxes")); t; t = json_next(t)) {
		const struct text name = json_string(json_member(t, "name")),
				  percent = json_string(json_member(t, "percent"));
		struct buf both = { 0 };
		buf_printf(&both, "%.*s %.*s %%", (int)name.n, name.n ? name.p : "", (int)percent.n,
			   percent.n ? percent.p : "");
		sheet_head(w, row, AMOUNT - 1, both.p);
		sheet_amount(w, row++, AMOUNT, json_string(json_member(t, "amount")));
		buf_release(&both);
	}
	f.n = 0;
	buf_printf(&f, "=ROUND(SUM(H%u:H%u),%d)", subtotal + 1, row, places);
	const struct text total = json_string(json_member(v->root, "total"));
	const char *bound = json_member(v->root, "unpriced") ? ">= " : "";
	struct buf name = { 0 };
	buf_printf(&name, "%s%s", bound, label(l, "total"));
	sheet_total_name(w, row, AMOUNT - 1, name.p);
	if (formulas && sheet_holds(sum) && sheet_holds(applied))
		sheet_formula(w, row, AMOUNT, f.p, total);
	else
		sheet_amount(w, row, AMOUNT, total);
	buf_release(&name);
	buf_release(&f);
}

static void put_sheet(struct sheet *w, struct invoice_view *v)
{
	lxw_row_t row = TITLES + 1;
	json_value *o = json_first(json_member(v->root, "lines"));
	sheet_page(w, "Invoice");
	sheet_places(w, invoice_view_places(v));
	put_head(w, v);
	put_titles(w, v->labels);
	for (size_t i = 0; i < v->lines && o; i++, o = json_next(o), row++) {
		const struct view_line *l = &v->line[i];
		sheet_text(w, row, 0, text_of(l->description));
		sheet_text(w, row, 1, l->project);
		sheet_text(w, row, 2, l->model);
		sheet_text(w, row, 3, text_of(l->bucket));
		sheet_quantity(w, row, 4, l->plain_quantity);
		sheet_quantity(w, row, 5, l->plain_price);
		sheet_quantity(w, row, 6, l->plain_exact);
		sheet_amount(w, row, AMOUNT, l->plain_amount);
	}
	put_sums(w, v, TITLES + 1, row - 1);
	sheet_width(w, 0, 0, 44);
	sheet_width(w, 1, 2, 20);
	sheet_width(w, 3, 3, 28);
	sheet_width(w, 4, AMOUNT, 20);
	sheet_table(w, TITLES, row - 1, COLUMNS - 1);
}

int invoice_xlsx_put(struct buf *out, struct invoice_view *v, struct err *e)
{
	struct sheet w;
	char path[SHEET_PATH_MAX], title[160];
	snprintf(title, sizeof title, "%.80s %.60s", v->title, v->number);
	int rc = sheet_open_buffer(&w, path, title, v->issued_us, false, e);
	if (rc != 0)
		return rc;
	put_sheet(&w, v);
	return sheet_close_buffer(&w, path, out, e);
}
