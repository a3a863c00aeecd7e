#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "base/instant.h"
#include "base/library.h"
#include "reports/invoice_view.h"

#define FUNCTIONS(X) \
	X(cairo_create) \
	X(cairo_destroy) \
	X(cairo_line_to) \
	X(cairo_move_to) \
	X(cairo_pdf_surface_create_for_stream) \
	X(cairo_pdf_surface_set_metadata) \
	X(cairo_set_line_width) \
	X(cairo_set_source_rgb) \
	X(cairo_show_page) \
	X(cairo_status_to_string) \
	X(cairo_stroke) \
	X(cairo_surface_destroy) \
	X(cairo_surface_finish) \
	X(cairo_surface_status) \
	X(g_object_unref) \
	X(pango_cairo_create_layout) \
	X(pango_cairo_show_layout) \
	X(pango_font_description_free) \
	X(pango_font_description_from_string) \
	X(pango_layout_get_size) \
	X(pango_layout_set_alignment) \
	X(pango_layout_set_font_description) \
	X(pango_layout_set_text) \
	X(pango_layout_set_width) \
	X(pango_layout_set_wrap)
static struct {
	FUNCTIONS(LIBRARY_POINTER)
} pdf;
static const char *const names[] = { FUNCTIONS(LIBRARY_NAME) };
static struct library library = LIBRARY(library_pangocairo, names, &pdf);

/* Points: 72 to the inch. Where things stand is no amount, so floating point is right here. */
struct page {
	cairo_t *cr;
	double width, height, margin, y, bottom;
	int number, pages;
	const struct invoice_view *view;
	bool measuring; /* counts pages, draws nothing */
};

static const double soft[3] = { .38, .42, .48 }, ink[3] = { .1, .11, .13 },
		    line[3] = { .8, .82, .85 };

static void colour(struct page *p, const double c[3])
{
	pdf.cairo_set_source_rgb(p->cr, c[0], c[1], c[2]);
}

/* Draws text at (x, y) within width (0: as long as it is); align -1 left, 1 right. Returns its
 * height. */
static double put(struct page *p, double x, double y, double width, int align, const char *font,
		  const double c[3], const char *text)
{
	PangoLayout *l = pdf.pango_cairo_create_layout(p->cr);
	PangoFontDescription *d = pdf.pango_font_description_from_string(font);
	int w, h;
	struct buf plain = { 0 };
	buf_add_plain(&plain, text_of(text));
	pdf.pango_layout_set_font_description(l, d);
	pdf.pango_font_description_free(d);
	if (width > 0) {
		pdf.pango_layout_set_width(l, (int)(width * PANGO_SCALE));
		pdf.pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
	}
	pdf.pango_layout_set_alignment(l, align > 0 ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
	pdf.pango_layout_set_text(l, plain.p, (int)plain.n);
	buf_release(&plain);
	pdf.pango_layout_get_size(l, &w, &h);
	if (!p->measuring) {
		colour(p, c);
		pdf.cairo_move_to(p->cr, width > 0 || align <= 0 ? x : x - (double)w / PANGO_SCALE,
				  y);
		pdf.pango_cairo_show_layout(p->cr, l);
	}
	pdf.g_object_unref(l);
	return (double)h / PANGO_SCALE;
}

static void rule(struct page *p, double y, double thick)
{
	if (p->measuring)
		return;
	colour(p, line);
	pdf.cairo_set_line_width(p->cr, thick);
	pdf.cairo_move_to(p->cr, p->margin, y);
	pdf.cairo_line_to(p->cr, p->width - p->margin, y);
	pdf.cairo_stroke(p->cr);
}

static void footer(struct page *p)
{
	char text[100];
	snprintf(text, sizeof text, "%s %.40s    page %d of %d", p->view->title, p->view->number,
		 p->number, p->pages);
	put(p, p->width - p->margin, p->height - 36, 0, 1, "Sans 8", soft, text);
}

/* Columns of figures, as shares of the width; a quantity of 16 digits fits. */
static const double quantity_at = .38, quantity_wide = .23, price_at = .61, price_wide = .21,
		    amount_at = .82, amount_wide = .18;

static void header_row(struct page *p)
{
	const double inner = p->width - 2 * p->margin, x = p->margin;
	put(p, x, p->y, 0, -1, "Sans Bold 8.5", soft, "Description");
	put(p, x + quantity_at * inner, p->y, quantity_wide * inner, 1, "Sans Bold 8.5", soft,
	    "Quantity");
	put(p, x + price_at * inner, p->y, price_wide * inner, 1, "Sans Bold 8.5", soft,
	    "Unit price");
	put(p, x + amount_at * inner, p->y, amount_wide * inner, 1, "Sans Bold 8.5", soft,
	    "Amount");
	p->y += 14;
	rule(p, p->y, 1.2);
	p->y += 5;
}

static void next_page(struct page *p)
{
	footer(p);
	if (!p->measuring)
		pdf.cairo_show_page(p->cr);
	p->number++;
	p->y = p->margin;
}

static void need(struct page *p, double height, bool table)
{
	if (p->y + height <= p->bottom)
		return;
	next_page(p);
	if (table)
		header_row(p);
}

static double party(struct page *p, double x, double width, const char *label,
		    const char *const *lines)
{
	double y = p->y;
	if (!lines[0])
		return y;
	y += put(p, x, y, 0, -1, "Sans 7.5", soft, label) + 2;
	for (int i = 0; lines[i]; i++)
		y += put(p, x, y, width, -1, i ? "Sans 9.5" : "Sans Bold 9.5", ink, lines[i]) + 1;
	return y;
}

static void pair(struct page *p, double x, double *y, const char *name, const char *value)
{
	if (!*value)
		return;
	put(p, x, *y, 0, -1, "Sans 9", soft, name);
	*y += put(p, x + 60, *y, p->width - p->margin - x - 60, 1, "Sans 9", ink, value) + 3;
}

static void head(struct page *p)
{
	const struct invoice_view *v = p->view;
	const double inner = p->width - 2 * p->margin, right = p->margin + inner * .52;
	double left = p->y, y;
	left += put(p, p->margin, p->y, inner * .5, -1, "Sans Bold 21", ink, v->title);
	left += put(p, p->margin, left, inner * .5, -1, "Sans 11", soft, v->number);
	if (strcmp(v->status, "void") == 0) {
		static const double red[3] = { .7, .15, .12 };
		left += put(p, p->margin, left + 2, 0, -1, "Sans Bold 14", red, "VOID") + 2;
	}
	y = party(p, right, inner * .48, "FROM", v->issuer);
	p->y = (left > y ? left : y) + 24;
	left = party(p, p->margin, inner * .48, "BILL TO", v->bill_to);
	y = p->y;
	pair(p, right, &y, "Period", v->period);
	pair(p, right, &y, "Time zone", v->zone);
	pair(p, right, &y, "Issued", v->issued);
	pair(p, right, &y, "Due", v->due);
	pair(p, right, &y, "Corrects", v->corrects);
	pair(p, right, &y, "Currency", v->currency);
	p->y = (left > y ? left : y) + 26;
}

static void lines(struct page *p)
{
	const struct invoice_view *v = p->view;
	const double inner = p->width - 2 * p->margin, x = p->margin;
	header_row(p);
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		bool part = *l->bucket != 0;
		if (part && (i == 0 || strcmp(l->description, v->line[i - 1].description) != 0)) {
			need(p, 34, true);
			p->y += put(p, x, p->y + 3, inner, -1, "Sans Bold 9", ink, l->description) +
				6;
		}
		need(p, 16, true);
		double h = put(p, x + (part ? 12 : 0), p->y, inner * quantity_at - (part ? 12 : 0),
			       -1, "Sans 9", part ? soft : ink, part ? l->bucket : l->description);
		put(p, x + quantity_at * inner, p->y, quantity_wide * inner, 1, "Sans 9", ink,
		    l->quantity);
		put(p, x + price_at * inner, p->y, price_wide * inner, 1, "Sans 9", ink,
		    l->unit_price);
		put(p, x + amount_at * inner, p->y, amount_wide * inner, 1, "Sans 9", ink,
		    l->amount);
		p->y += h + 3;
		rule(p, p->y, .4);
		p->y += 3;
	}
}

static void sums(struct page *p)
{
	const struct invoice_view *v = p->view;
	const double inner = p->width - 2 * p->margin, x = p->margin + inner * .5;
	need(p, 20 * (double)v->sums + 20, false);
	p->y += 10;
	for (size_t i = 0; i < v->sums; i++) {
		const char *font = v->sum[i].strong ? "Sans Bold 12" : "Sans 9.5";
		if (v->sum[i].strong && !p->measuring) {
			colour(p, ink);
			pdf.cairo_set_line_width(p->cr, 1.2);
			pdf.cairo_move_to(p->cr, x, p->y + 2);
			pdf.cairo_line_to(p->cr, p->width - p->margin, p->y + 2);
			pdf.cairo_stroke(p->cr);
		}
		p->y += v->sum[i].strong ? 8 : 0;
		put(p, x, p->y, 0, -1, font, v->sum[i].strong ? ink : soft, v->sum[i].name);
		p->y += put(p, x, p->y, p->width - p->margin - x, 1, font, ink, v->sum[i].amount) +
			4;
	}
	for (int i = 0; i < 2; i++) {
		const char *text = i ? v->small_print : v->note;
		if (!*text)
			continue;
		need(p, 40, false);
		p->y += 14;
		p->y += put(p, p->margin, p->y, inner, -1, i ? "Sans 7.5" : "Sans 9.5",
			    i ? soft : ink, text);
	}
	footer(p);
}

static cairo_status_t take_bytes(void *closure, const unsigned char *data, unsigned int n)
{
	buf_add(closure, data, n);
	return CAIRO_STATUS_SUCCESS;
}

static void draw(struct page *p)
{
	p->number = 1;
	p->y = p->margin;
	head(p);
	lines(p);
	sums(p);
}

int invoice_pdf_put(struct buf *out, const struct invoice_view *v, bool letter, struct err *e)
{
	const double width = letter ? 612 : 595.276, height = letter ? 792 : 841.89;
	int rc = library_need(&library, e);
	if (rc != 0)
		return rc;
	cairo_surface_t *s =
		pdf.cairo_pdf_surface_create_for_stream(take_bytes, out, width, height);
	struct page p = { .cr = pdf.cairo_create(s),
			  .width = width,
			  .height = height,
			  .margin = 50,
			  .bottom = height - 60,
			  .view = v,
			  .measuring = true };
	char text[INSTANT_TEXT_MAX + 120];
	snprintf(text, sizeof text, "%s %.60s", v->title, v->number);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, text);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR, "tally");
	/* the day of issue, so that the same invoice has the same bytes */
	instant_format((struct instant){ v->issued_us }, text);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, text);
	draw(&p);
	p.pages = p.number;
	p.measuring = false;
	draw(&p);
	pdf.cairo_show_page(p.cr);
	pdf.cairo_destroy(p.cr);
	pdf.cairo_surface_finish(s);
	cairo_status_t status = pdf.cairo_surface_status(s);
	pdf.cairo_surface_destroy(s);
	return status == CAIRO_STATUS_SUCCESS
		       ? 0
		       : err_set(e, ERR_SYSTEM, "the PDF could not be drawn: %s",
				 pdf.cairo_status_to_string(status));
}
