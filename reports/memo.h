/*
 * memo: a report of headings, paragraphs, points, tables and bars that is written once and printed
 * as text, HTML or PDF.
 *
 * Owns copies of everything it was given. The HTML is one file without scripts.
 */
#ifndef TALLY_REPORTS_MEMO_H
#define TALLY_REPORTS_MEMO_H

#include "base/arena.h"
#include "base/err.h"
#include "base/instant.h"
#include "base/text.h"

enum memo_kind { MEMO_HEADING, MEMO_TEXT, MEMO_POINT, MEMO_TABLE, MEMO_BARS, MEMO_FIGURE };
enum { MEMO_COLUMNS_MAX = 24 };

struct memo_column {
	const char *title;
	bool right; /* figures */
	int leaves; /* as table_column */
	bool wraps;
};

struct memo_part {
	enum memo_kind kind;
	const char
		*text; /* of a heading, a paragraph, a point; the title of bars; what a figure is */
	const struct memo_column *column;
	size_t columns; /* of bars: 2, a name and an amount */
	bool plain;	/* a table without lines: texts side by side */
	const char **cell;
	size_t cells, room;
	int *permille; /* of bars: how long each is */
};

struct memo {
	struct arena arena;
	const char *title, *subtitle;
	const char *language, *page; /* of its words, and "page {1} of {2}" in it; NULL: English */
	struct instant dated;
	struct memo_part *part;
	size_t parts, room;
};

void memo_heading(struct memo *m, const char *text);
void memo_text(struct memo *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void memo_point(struct memo *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Columns outlive the memo. Cells follow, one call a cell, in order. */
void memo_table(struct memo *m, const struct memo_column *columns, size_t count);
/* The same, of texts side by side. */
void memo_plain_table(struct memo *m, const struct memo_column *columns, size_t count);
void memo_cell(struct memo *m, const char *text);
/* The one that the reader looks for: large. */
void memo_figure(struct memo *m, const char *what, const char *figure);
/* A chart of bars; drawn in HTML and PDF, for the terminal has the table. */
void memo_bars(struct memo *m, const char *title);
void memo_bar(struct memo *m, const char *name, const char *amount, int permille);
void memo_release(struct memo *m);

/* To standard output. */
void memo_print(const struct memo *m);
void memo_html_put(struct buf *out, const struct memo *m);
/* Errors: as pdf_write. */
int memo_pdf_put(struct buf *out, const struct memo *m, bool letter, struct err *e);

#endif
