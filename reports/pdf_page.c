#include "reports/pdf_page.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdio.h>

#include "base/instant.h"
#include "base/library.h"
#include "reports/plain.h"

#define FUNCTIONS(X) \
	X(cairo_create) \
	X(cairo_destroy) \
	X(cairo_line_to) \
	X(cairo_fill) \
	X(cairo_move_to) \
	X(cairo_pdf_surface_create_for_stream) \
	X(cairo_pdf_surface_set_metadata) \
	X(cairo_rectangle) \
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

const double pdf_soft[3] = { .38, .42, .48 }, pdf_ink[3] = { .1, .11, .13 },
	     pdf_pale[3] = { .8, .82, .85 };

static void colour(struct pdf_page *p, const double c[3])
{
	pdf.cairo_set_source_rgb(p->cr, c[0], c[1], c[2]);
}

static PangoLayout *layout_of(struct pdf_page *p, const char *font, const char *text)
{
	PangoLayout *l = pdf.pango_cairo_create_layout(p->cr);
	PangoFontDescription *d = pdf.pango_font_description_from_string(font);
	struct buf plain = { 0 };
	buf_add_plain(&plain, text_of(text));
	pdf.pango_layout_set_font_description(l, d);
	pdf.pango_font_description_free(d);
	pdf.pango_layout_set_text(l, plain.n ? plain.p : "", (int)plain.n);
	buf_release(&plain);
	return l;
}

double pdf_width(struct pdf_page *p, const char *font, const char *text)
{
	PangoLayout *l = layout_of(p, font, text);
	int w, h;
	pdf.pango_layout_get_size(l, &w, &h);
	pdf.g_object_unref(l);
	return (double)w / PANGO_SCALE;
}

double pdf_put(struct pdf_page *p, double x, double y, double width, int align, const char *font,
	       const double c[3], const char *text)
{
	PangoLayout *l = layout_of(p, font, text);
	int w, h;
	if (width > 0) {
		pdf.pango_layout_set_width(l, (int)(width * PANGO_SCALE));
		pdf.pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
	}
	pdf.pango_layout_set_alignment(l, align > 0 ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
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

void pdf_line(struct pdf_page *p, double from, double to, double y, double thick, const double c[3])
{
	if (p->measuring)
		return;
	colour(p, c);
	pdf.cairo_set_line_width(p->cr, thick);
	pdf.cairo_move_to(p->cr, from, y);
	pdf.cairo_line_to(p->cr, to, y);
	pdf.cairo_stroke(p->cr);
}

void pdf_rule(struct pdf_page *p, double y, double thick)
{
	pdf_line(p, p->margin, p->width - p->margin, y, thick, pdf_pale);
}

void pdf_bar(struct pdf_page *p, double x, double y, double width, double height, const double c[3])
{
	if (p->measuring)
		return;
	colour(p, c);
	pdf.cairo_rectangle(p->cr, x, y, width, height);
	pdf.cairo_fill(p->cr);
}

static void pdf_footer(struct pdf_page *p)
{
	char text[160];
	snprintf(text, sizeof text, "%.120s    page %d of %d", p->title, p->number, p->pages);
	pdf_put(p, p->width - p->margin, p->height - 36, 0, 1, "Sans 8", pdf_soft, text);
}

void pdf_next_page(struct pdf_page *p)
{
	pdf_footer(p);
	if (!p->measuring)
		pdf.cairo_show_page(p->cr);
	p->number++;
	p->y = p->margin;
}

static cairo_status_t take_bytes(void *closure, const unsigned char *data, unsigned int n)
{
	buf_add(closure, data, n);
	return CAIRO_STATUS_SUCCESS;
}

static void draw(struct pdf_page *p, const struct pdf_document *d)
{
	p->number = 1;
	p->y = p->margin;
	d->draw(p, d->user);
	pdf_footer(p);
}

int pdf_write(struct buf *out, const struct pdf_document *d, struct err *e)
{
	const double width = d->letter ? 612 : 595.276, height = d->letter ? 792 : 841.89;
	int rc = library_need(&library, e);
	if (rc != 0)
		return rc;
	cairo_surface_t *s =
		pdf.cairo_pdf_surface_create_for_stream(take_bytes, out, width, height);
	struct pdf_page p = { .cr = pdf.cairo_create(s),
			      .width = width,
			      .height = height,
			      .margin = 50,
			      .bottom = height - 60,
			      .title = d->title,
			      .measuring = true };
	char text[INSTANT_TEXT_MAX];
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, d->title);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR, "tally");
	/* not the hour of printing, so that the same document has the same bytes */
	instant_format(d->dated, text);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, text);
	draw(&p, d);
	p.pages = p.number;
	p.measuring = false;
	draw(&p, d);
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
