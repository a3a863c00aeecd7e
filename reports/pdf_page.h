/*
 * pdf_page: pages of a PDF: text, rules and bars at a place, and the pages' numbers.
 *
 * A document is drawn twice, first to count its pages. The library is loaded when it is needed.
 */
#ifndef TALLY_REPORTS_PDF_PAGE_H
#define TALLY_REPORTS_PDF_PAGE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/instant.h"
#include "base/text.h"

/* Points: 72 to the inch. Where things stand is no amount, so floating point is right here. */
struct pdf_page {
	struct _cairo *cr;
	double width, height, margin, y, bottom;
	int number, pages;
	const struct pdf_document *of;
	bool measuring; /* counts pages, draws nothing */
	struct _cairo_surface *picture;
};

struct pdf_document {
	const char *title;
	struct instant dated;
	bool letter;	      /* US letter, else A4 */
	const char *language; /* of its texts, for the forms of letters: "ja"; NULL: any */
	const char *footer;   /* on the left of each page; NULL: none */
	const char *page;     /* the label of pages: "page {1} of {2}" */
	const char *mark;    /* large and pale across each page, below its text; NULL or "": none */
	struct text picture; /* a PNG file, for pdf_picture; empty: none */
	/* where it is not NULL: a text of which no font of this machine has every letter, so that
	 * boxes stand for them; empty where there is none. */
	struct buf *unknown;
	void (*draw)(struct pdf_page *p, const void *user);
	const void *user;
};

extern const double pdf_soft[3], pdf_ink[3], pdf_pale[3];

/* Where a text stands: from x on; up to x; or within a width, where it wraps, on the left or on the
 * right of it. */
struct pdf_place {
	double x, y, width; /* 0: as wide as it is */
	bool right;
};
static inline struct pdf_place pdf_from(double x, double y)
{
	return (struct pdf_place){ x, y, 0, false };
}
static inline struct pdf_place pdf_up_to(double x, double y)
{
	return (struct pdf_place){ x, y, 0, true };
}
static inline struct pdf_place pdf_in(double x, double y, double width)
{
	return (struct pdf_place){ x, y, width, false };
}
static inline struct pdf_place pdf_right_in(double x, double y, double width)
{
	return (struct pdf_place){ x, y, width, true };
}
/* Draws text there. Returns its height. */
double pdf_put(struct pdf_page *p, struct pdf_place at, const char *font, const double c[3],
	       const char *text);
/* How wide the text is on one line. */
double pdf_width(struct pdf_page *p, const char *font, const char *text);
void pdf_line(struct pdf_page *p, double from, double to, double y, double thick,
	      const double c[3]);
/* A pale line over the whole width. */
void pdf_rule(struct pdf_page *p, double y, double thick);
void pdf_bar(struct pdf_page *p, double x, double y, double width, double height,
	     const double c[3]);
/* Draws the document's picture with its right upper corner there, no larger than that and never
 * enlarged; returns its height, 0 where there is none. */
double pdf_picture(struct pdf_page *p, double right, double y, double width, double height);
/* Ends this page with its footer; p->y is the top of the next. */
void pdf_next_page(struct pdf_page *p);
/* Errors: ERR_SYSTEM, ERR_NOT_FOUND (the library). */
int pdf_write(struct buf *out, const struct pdf_document *d, struct err *e);

#endif
