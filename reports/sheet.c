#include "reports/sheet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/instant.h"

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
	spreadsheet.format_set_bold(s->bold);
	spreadsheet.format_set_num_format(s->number, "#,##0.############");
	spreadsheet.format_set_num_format(s->amount, "#,##0.00##########");
	spreadsheet.format_set_num_format(s->date, "yyyy\\-mm\\-dd");
	return 0;
}

void sheet_page(struct sheet *s, const char *name)
{
	s->page = spreadsheet.workbook_add_worksheet(s->book, name);
}

static void put_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t, lxw_format *f)
{
	char *text = mem_alloc(t.n + 1);
	memcpy(text, t.n ? t.p : "", t.n);
	text[t.n] = 0;
	spreadsheet.worksheet_write_string(s->page, row, col, text, f);
	free(text);
}

void sheet_head(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text)
{
	put_text(s, row, col, text_of(text), s->bold);
}

void sheet_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t)
{
	put_text(s, row, col, t, NULL);
}

static void put_number(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain,
		       lxw_format *f)
{
	char text[DECIMAL_TEXT_MAX];
	size_t digits = 0;
	snprintf(text, sizeof text, "%.*s", (int)plain.n, plain.n ? plain.p : "");
	bool any = false;
	for (const char *p = text; *p; p++) {
		any |= *p >= '0' && *p <= '9';
		digits += (*p >= '1' && *p <= '9') || (*p == '0' && digits);
	}
	if (any && digits <= EXACT_DIGITS)
		spreadsheet.worksheet_write_number(s->page, row, col, strtod(text, NULL), f);
	else if (any)
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

void sheet_freeze(struct sheet *s, lxw_row_t row)
{
	spreadsheet.worksheet_freeze_panes(s->page, row, 0);
}

int sheet_close(struct sheet *s, const char *path, struct err *e)
{
	lxw_error failed = spreadsheet.workbook_close(s->book);
	return failed ? err_set(e, ERR_SYSTEM, "could not write '%s': %s", path,
				spreadsheet.lxw_strerror(failed))
		      : 0;
}
