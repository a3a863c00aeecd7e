/*
 * table: text tables for people, over libsmartcols.
 *
 * In a pipe every cell is printed as it was given. On a terminal a table fits its width: money is
 * rounded to the cent, prose wraps, long names lose their middle (paths their beginning), the
 * widest first, counts become 4.2M, and columns leave in the order that was declared, which a last
 * line says. Dates are never cut.
 */
#ifndef TALLY_REPORTS_TABLE_H
#define TALLY_REPORTS_TABLE_H

#include "base/err.h"
#include "base/money.h"
#include "reports/plain.h"

struct table;
struct table_column {
	const char *title;
	bool right;	 /* numbers */
	bool may_shrink; /* text that may be cut when the terminal is narrow */
	bool money;	 /* amounts, to the cent on a terminal unless exact digits are asked for */
	bool wraps;	 /* prose: goes on below where the terminal is narrow */
	bool bar;	 /* bars or sparklines: on a UTF-8 terminal with room for everything else */
	int leaves;	 /* where the terminal is narrow, 1 leaves first; 0: it stays */
};

/* Every digit on terminals too (--exact); for all tables of the program. */
void table_show_exact(bool exact);
/* Which options of the command show what a table has no room for; for all tables of the program. */
void table_show_elsewhere(bool csv, bool json);
/* What is not ASCII is printed as it is in every locale that is not another code set's; once, at
 * the start of the program. */
void table_use_locale(void);

enum { TABLE_HEADING = 40 };
/* A word as the heading of a column: in capitals, cut where it is too long for room. */
char *table_heading(char room[TABLE_HEADING], const char *word);

/* Columns of a terminal that a text takes. */
int table_text_width(const char *s);

struct table *table_open(const struct table_column *columns, size_t count);
void table_close(struct table *t);
/* Cells are copied; one call a cell, in order; a row begins with the first. */
void table_cell(struct table *t, const char *text);
void table_text(struct table *t, struct text text);
void table_int(struct table *t, int64_t n);
__attribute__((format(printf, 2, 3))) void table_put(struct table *t, const char *format, ...);
/* A cell of a column of bars, as long as `part` is of `most`; nothing where most is not above 0. */
void table_bar(struct table *t, int128 part, int128 most);
/* A cell of a column of bars: a sparkline of the values, each as high as it is of the largest, a
 * dot for one that is not above 0. */
void table_sparkline(struct table *t, const int128 *value, size_t count);
/* The last cell is drawn in that colour where colours are shown: on a terminal without NO_COLOR and
 * --no-color. What it says must be said by its text as well. */
enum table_colour { TABLE_PLAIN, TABLE_RED, TABLE_YELLOW };
void table_colour(struct table *t, enum table_colour colour);
/* --no-color; for all tables of the program. */
void table_show_no_colours(void);
/* The last cell is about how its row is to be read ("withdrawn, never used"): where its column has
 * no room, the row is marked, and a line below the table says what the mark means. */
void table_noted(struct table *t, const char *note);
/* An empty line. */
void table_blank(struct table *t);
/* Prints to standard output. */
void table_print(struct table *t);
/* The same; a table without a row is that line instead. */
void table_print_or(struct table *t, const char *none);

/* Whether amounts are shown to the cent: on a terminal, unless every digit was asked for. */
bool table_to_the_cent(void);
/* What is printed from now on is for a terminal of that width, whatever standard output is. */
void table_draw_for(int width);
/* Columns of the terminal, or of what is printed elsewhere. */
int table_room(int otherwise);

/* A line of text below a table: wrapped at words on a terminal, as it is elsewhere. A newline in
 * front is an empty line. */
/* An empty line above notes. */
void print_gap(void);
/* Until NULL is given: notes are added to b, a line each, instead of being printed. */
void take_notes(struct buf *b);
__attribute__((format(printf, 1, 2))) void print_note(const char *format, ...);
/* What is told beside the output, on standard error: lines that each end with a newline, given
 * whole or in pieces; wrapped at words on a terminal. */
__attribute__((format(printf, 1, 2))) void print_notice(const char *format, ...);

/* 1234567 as "1,234,567"; buf of 40. Digits after a point are left alone. */
char *number_grouped(char buf[DECIMAL_TEXT_MAX * 2], const char *plain);
/* An amount to the smallest coin of its currency ("$12.345" as "$12.35", "$5.6" as "$5.60", "3.5
 * JPY" as "4 JPY"), half away from zero, and with at most two decimals where none is named; what
 * would become zero as "<$0.01" (">-$0.01" below zero). Text around the number stays. */
char *amount_to_the_cent(char *out, size_t room, const char *amount);

#endif
