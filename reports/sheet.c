#include "reports/sheet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/instant.h"

#define AMOUNT "#,##0.00##########"

enum { EXACT_DIGITS = 15, EPOCH = 25569 /* 1970-01-01 in the days of spreadsheets */ };

int sheet_open(struct sheet *s, const char *path, const char *title, int64_t created_us,
	       bool long_one, struct err *e)
{
	lxw_workbook_options options = { .constant_memory = long_one ? LXW_TRUE : LXW_FALSE };
	const time_t created = (time_t)(created_us / US_PER_SECOND);
	lxw_doc_properties about = { .title = (char *)(uintptr_t)title,
				     .created = created ? created : 1 };
	int rc = spreadsheet_need(e);
	if (rc != 0)
		return rc;
	s->book = spreadsheet.workbook_new_opt(path, &options);
	spreadsheet.workbook_set_properties(s->book, &about);
	s->bold = spreadsheet.workbook_add_format(s->book);
	s->number = spreadsheet.workbook_add_format(s->book);
	s->amount = spreadsheet.workbook_add_format(s->book);
	s->date = spreadsheet.workbook_add_format(s->book);
	s->title = spreadsheet.workbook_add_format(s->book);
	s->figure_title = spreadsheet.workbook_add_format(s->book);
	s->total = spreadsheet.workbook_add_format(s->book);
	s->total_name = spreadsheet.workbook_add_format(s->book);
	lxw_format *const titles[] = { s->title, s->figure_title };
	for (int i = 0; i < 2; i++) {
		spreadsheet.format_set_bold(titles[i]);
		spreadsheet.format_set_bg_color(titles[i], 0xEEF1F5);
		spreadsheet.format_set_bottom(titles[i], LXW_BORDER_THIN);
	}
	spreadsheet.format_set_align(s->figure_title, LXW_ALIGN_RIGHT);
	lxw_format *const totals[] = { s->total, s->total_name };
	for (int i = 0; i < 2; i++) {
		spreadsheet.format_set_bold(totals[i]);
		spreadsheet.format_set_top(totals[i], LXW_BORDER_THIN);
	}
	spreadsheet.format_set_num_format(s->total, AMOUNT);
	spreadsheet.format_set_bold(s->bold);
	spreadsheet.format_set_num_format(s->number, "#,##0.############");
	spreadsheet.format_set_num_format(s->amount, AMOUNT);
	spreadsheet.format_set_num_format(s->date, "yyyy\\-mm\\-dd");
	return 0;
}

void sheet_page(struct sheet *s, const char *name)
{
	enum { A4 = 9 };
	s->page = spreadsheet.workbook_add_worksheet(s->book, name);
	/* on paper: as wide as the page, however long */
	spreadsheet.worksheet_set_landscape(s->page);
	spreadsheet.worksheet_set_paper(s->page, A4);
	spreadsheet.worksheet_fit_to_pages(s->page, 1, 0);
}

static void put_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t, lxw_format *f)
{
	struct buf plain = { 0 };
	buf_add_plain(&plain, t);
	spreadsheet.worksheet_write_string(s->page, row, col, plain.p ? plain.p : "", f);
	buf_release(&plain);
}

void sheet_head(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text)
{
	put_text(s, row, col, text_of(text), s->bold);
}

void sheet_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t)
{
	put_text(s, row, col, t, NULL);
}

void sheet_title(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text, bool figure)
{
	put_text(s, row, col, text_of(text), figure ? s->figure_title : s->title);
}

void sheet_total_name(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text)
{
	put_text(s, row, col, text_of(text), s->total_name);
}

void sheet_table(struct sheet *s, lxw_row_t titles, lxw_row_t last, lxw_col_t last_col)
{
	spreadsheet.worksheet_freeze_panes(s->page, titles + 1, 0);
	spreadsheet.worksheet_repeat_rows(s->page, titles, titles);
	if (last > titles)
		spreadsheet.worksheet_autofilter(s->page, titles, 0, last, last_col);
}

void sheet_places(struct sheet *s, int places)
{
	char format[40] = "#,##0";
	if (places > 0) {
		strcat(format, ".");
		strncat(format, "000000000000", places < 12 ? (size_t)places : 12);
	}
	s->amount = spreadsheet.workbook_add_format(s->book);
	spreadsheet.format_set_num_format(s->amount, format);
	spreadsheet.format_set_num_format(s->total, format);
}

static size_t digits_of(struct text plain)
{
	size_t digits = 0;
	for (size_t i = 0; i < plain.n; i++)
		digits += (plain.p[i] >= '1' && plain.p[i] <= '9') || (plain.p[i] == '0' && digits);
	return digits;
}

bool sheet_holds(struct text plain)
{
	return digits_of(plain) <= EXACT_DIGITS;
}

void sheet_formula(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *formula,
		   struct text value)
{
	char text[DECIMAL_TEXT_MAX];
	snprintf(text, sizeof text, "%.*s", (int)value.n, value.n ? value.p : "0");
	if (sheet_holds(value))
		spreadsheet.worksheet_write_formula_num(s->page, row, col, formula, s->total,
							strtod(text, NULL));
	else
		put_text(s, row, col, value, s->total_name);
}

static void put_number(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain,
		       lxw_format *f)
{
	char text[DECIMAL_TEXT_MAX];
	snprintf(text, sizeof text, "%.*s", (int)plain.n, plain.n ? plain.p : "");
	if (!strpbrk(text, "0123456789"))
		return;
	if (sheet_holds(plain))
		spreadsheet.worksheet_write_number(s->page, row, col, strtod(text, NULL), f);
	else
		put_text(s, row, col, text_of(text), f);
}

void sheet_amount(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain)
{
	put_number(s, row, col, plain, s->amount);
}

void sheet_money(struct sheet *s, lxw_row_t row, lxw_col_t col, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	sheet_amount(s, row, col, text_of(money_total_format(m, text)));
}

void sheet_quantity(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain)
{
	put_number(s, row, col, plain, s->number);
}

void sheet_count(struct sheet *s, lxw_row_t row, lxw_col_t col, int64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)n);
	put_number(s, row, col, text_of(text), NULL);
}

void sheet_day(struct sheet *s, lxw_row_t row, lxw_col_t col, int64_t day)
{
	spreadsheet.worksheet_write_number(s->page, row, col, (double)(day + EPOCH), s->date);
}

void sheet_day_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t)
{
	struct civil c;
	if (t.n == 10 && civil_parse(&c, t, NULL) == 0)
		sheet_day(s, row, col, civil_to_day(c));
	else
		sheet_text(s, row, col, t);
}

void sheet_width(struct sheet *s, lxw_col_t from, lxw_col_t to, int characters)
{
	spreadsheet.worksheet_set_column(s->page, from, to, characters, NULL);
}

int sheet_close(struct sheet *s, const char *path, struct err *e)
{
	lxw_error failed = spreadsheet.workbook_close(s->book);
	return failed ? err_set(e, ERR_SYSTEM, "could not write '%s': %s", path,
				spreadsheet.lxw_strerror(failed))
		      : 0;
}

int sheet_open_buffer(struct sheet *s, char path[SHEET_PATH_MAX], const char *title,
		      int64_t created_us, bool long_one, struct err *e)
{
	int rc = spreadsheet_need(e);
	if (rc != 0)
		return rc;
	strcpy(path, "/tmp/tally-xlsx-XXXXXX");
	const int fd = mkstemp(path);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "no temporary file could be made");
	close(fd);
	rc = sheet_open(s, path, title, created_us, long_one, e);
	if (rc != 0)
		remove(path);
	return rc;
}

int sheet_close_buffer(struct sheet *s, const char *path, struct buf *out, struct err *e)
{
	int rc = sheet_close(s, "the spreadsheet", e);
	if (rc == 0)
		rc = file_read(out, path, 256 << 20, e);
	remove(path);
	return rc;
}
