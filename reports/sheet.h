/*
 * sheet: a workbook for people's spreadsheets: days are dates, amounts and counts numbers where a
 * spreadsheet holds them exactly, texts are texts and never formulas.
 *
 * Spreadsheets keep numbers as binary floating point: 15 digits. What has more is written as text,
 * and so never rounded in silence.
 */
#ifndef TALLY_REPORTS_SHEET_H
#define TALLY_REPORTS_SHEET_H

#include "base/money.h"
#include "reports/spreadsheet.h"

struct sheet {
	lxw_workbook *book;
	lxw_worksheet *page;
	lxw_format *bold, *number, *amount, *date;
};

/* created: a fixed day, so that the same data make the same bytes; title: NULL: none. long_one:
 * rows are written in order and not kept in memory. Errors: ERR_SYSTEM. */
int sheet_open(struct sheet *s, const char *path, const char *title, int64_t created_us,
	       bool long_one, struct err *e);
void sheet_page(struct sheet *s, const char *name);
void sheet_head(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text);
void sheet_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t);
void sheet_amount(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain);
void sheet_money(struct sheet *s, lxw_row_t row, lxw_col_t col, struct money_total m);
void sheet_quantity(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text plain);
void sheet_count(struct sheet *s, lxw_row_t row, lxw_col_t col, int64_t n);
/* A day since 1970. */
void sheet_day(struct sheet *s, lxw_row_t row, lxw_col_t col, int64_t day);
/* A text that is a day (2026-06-15) as such, any other as text. */
void sheet_day_text(struct sheet *s, lxw_row_t row, lxw_col_t col, struct text t);
void sheet_width(struct sheet *s, lxw_col_t from, lxw_col_t to, int characters);
/* Rows above this one stay in view. */
void sheet_freeze(struct sheet *s, lxw_row_t row);
/* Writes the file. Errors: ERR_SYSTEM. */
int sheet_close(struct sheet *s, const char *path, struct err *e);

#endif
