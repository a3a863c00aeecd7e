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
	lxw_format *bold, *number, *amount, *date, *title, *figure_title, *total, *total_name;
};

/* created: a fixed day, so that the same data make the same bytes; title: NULL: none. long_one:
 * rows are written in order and not kept in memory. Errors: ERR_SYSTEM. */
int sheet_open(struct sheet *s, const char *path, const char *title, int64_t created_us,
	       bool long_one, struct err *e);
/* The same into memory: path is the file in between, which sheet_close_buffer appends to out and
 * removes. */
enum { SHEET_PATH_MAX = 32 };
int sheet_open_buffer(struct sheet *s, char path[SHEET_PATH_MAX], const char *title,
		      int64_t created_us, bool long_one, struct err *e);
int sheet_close_buffer(struct sheet *s, const char *path, struct buf *out, struct err *e);
void sheet_page(struct sheet *s, const char *name);
void sheet_head(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text);
/* The title of a column: figures stand on the right. */
void sheet_title(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text, bool figure);
/* Titles of columns from 0 to the last one, in that row, stay in view, on every page of paper too,
 * and filter the rows below. */
void sheet_table(struct sheet *s, lxw_row_t titles, lxw_row_t last, lxw_col_t last_col);
/* How many decimals amounts show from here on; those that have more keep them in the cell. */
void sheet_places(struct sheet *s, int places);
/* What rows come to, as a formula whose value is known: "ROUND(SUM(H11:H14),2)". Where the value
 * has more digits than a spreadsheet holds, the value as text. */
void sheet_formula(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *formula,
		   struct text value);
void sheet_total_name(struct sheet *s, lxw_row_t row, lxw_col_t col, const char *text);
/* Whether a spreadsheet holds the number exactly. */
bool sheet_holds(struct text plain);
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
/* Writes the file. Errors: ERR_SYSTEM. */
int sheet_close(struct sheet *s, const char *path, struct err *e);

#endif
