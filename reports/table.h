/*
 * table: text tables for people, over libsmartcols. They fit the terminal; wide text columns are
 * cut there, never in a pipe.
 */
#ifndef TALLY_REPORTS_TABLE_H
#define TALLY_REPORTS_TABLE_H

#include "base/err.h"
#include "base/money.h"

struct table;
struct table_column {
	const char *title;
	bool right;	 /* numbers */
	bool may_shrink; /* text that may be cut when the terminal is narrow */
};

struct table *table_open(const struct table_column *columns, size_t count);
void table_close(struct table *t);
/* Cells are copied; one call a cell, in order; a row begins with the first. */
void table_cell(struct table *t, const char *text);
/* An empty line. */
void table_blank(struct table *t);
/* Prints to standard output. */
void table_print(struct table *t);

/* 1234567 as "1,234,567"; buf of 40. Digits after a point are left alone. */
char *number_grouped(char buf[DECIMAL_TEXT_MAX * 2], const char *plain);

#endif
