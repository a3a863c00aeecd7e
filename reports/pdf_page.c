#include "reports/pdf_page.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <string.h>

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
	X(cairo_image_surface_create_from_png_stream) \
	X(cairo_image_surface_get_height) \
	X(cairo_image_surface_get_width) \
	X(cairo_paint) \
	X(cairo_rectangle) \
	X(cairo_restore) \
	X(cairo_rotate) \
	X(cairo_save) \
	X(cairo_scale) \
	X(cairo_set_source_surface) \
	X(cairo_translate) \
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
	X(pango_context_set_language) \
	X(pango_context_set_base_dir) \
	X(pango_font_description_free) \
	X(pango_font_description_from_string) \
	X(pango_language_from_string) \
	X(pango_layout_get_context) \
	X(pango_layout_get_size) \
	X(pango_layout_get_unknown_glyphs_count) \
	X(pango_layout_set_alignment) \
	X(pango_layout_set_auto_dir) \
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

/* Whether the first letter is one of a script that is written from the right (Hebrew, Arabic and
 * their kin): bytes D6 to DF begin U+0580 to U+07FF, E0 A0 to E0 A3 what follows up to U+08FF. */
static bool reads_from_right(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if ((*p >= 0xD6 && *p <= 0xDF) || (*p == 0xE0 && p[1] >= 0xA0 && p[1] <= 0xA3))
			return true;
		if (*p >= 0xC3 || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
			return false;
	}
	return false;
}

static PangoLayout *layout_of(struct pdf_page *p, const char *font, const char *text)
{
	PangoLayout *l = pdf.pango_cairo_create_layout(p->cr);
	PangoFontDescription *d = pdf.pango_font_description_from_string(font);
	struct buf plain = { 0 };
	buf_add_plain(&plain, text_of(text));
	if (p->of->language)
		pdf.pango_context_set_language(pdf.pango_layout_get_context(l),
					       pdf.pango_language_from_string(p->of->language));
	/* the order of letters is the text's, the side that it stands on the paper's */
	pdf.pango_layout_set_auto_dir(l, FALSE);
	if (reads_from_right(text))
		pdf.pango_context_set_base_dir(pdf.pango_layout_get_context(l),
					       PANGO_DIRECTION_RTL);
	pdf.pango_layout_set_font_description(l, d);
	pdf.pango_font_description_free(d);
	pdf.pango_layout_set_text(l, plain.n ? plain.p : "", (int)plain.n);
	buf_release(&plain);
	struct buf *unknown = p->of->unknown;
	if (unknown && !unknown->n && pdf.pango_layout_get_unknown_glyphs_count(l) > 0)
		buf_puts(unknown, text);
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

double pdf_put(struct pdf_page *p, struct pdf_place at, const char *font, const double c[3],
	       const char *text)
{
	PangoLayout *l = layout_of(p, font, text);
	int w, h;
	if (at.width > 0) {
		pdf.pango_layout_set_width(l, (int)(at.width * PANGO_SCALE));
		pdf.pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
	}
	pdf.pango_layout_set_alignment(l, at.right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
	pdf.pango_layout_get_size(l, &w, &h);
	if (!p->measuring) {
		const bool ends = at.width <= 0 && at.right;
		colour(p, c);
		pdf.cairo_move_to(p->cr, ends ? at.x - (double)w / PANGO_SCALE : at.x, at.y);
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

/* The page's mark, below what is drawn after it. */
static void pdf_mark(struct pdf_page *p)
{
	static const double faint[3] = { .91, .92, .94 };
	const char *mark = p->of->mark;
	if (p->measuring || !mark || !*mark)
		return;
	const double wide = pdf_width(p, "Sans Bold 100", mark), room = p->width * .8;
	PangoLayout *l = layout_of(p, "Sans Bold 100", mark);
	int w, h;
	pdf.pango_layout_get_size(l, &w, &h);
	pdf.cairo_save(p->cr);
	pdf.cairo_translate(p->cr, p->width / 2, p->height / 2);
	pdf.cairo_rotate(p->cr, -.7);
	pdf.cairo_scale(p->cr, room / wide > 1 ? 1 : room / wide,
			room / wide > 1 ? 1 : room / wide);
	colour(p, faint);
	pdf.cairo_move_to(p->cr, -(double)w / PANGO_SCALE / 2, -(double)h / PANGO_SCALE / 2);
	pdf.pango_cairo_show_layout(p->cr, l);
	pdf.cairo_restore(p->cr);
	pdf.g_object_unref(l);
}

double pdf_picture(struct pdf_page *p, double right, double y, double width, double height)
{
	if (!p->picture)
		return 0;
	const double w = pdf.cairo_image_surface_get_width(p->picture),
		     h = pdf.cairo_image_surface_get_height(p->picture);
	double scale = width / w < height / h ? width / w : height / h;
	scale = scale > 1 ? 1 : scale;
	if (!p->measuring) {
		pdf.cairo_save(p->cr);
		pdf.cairo_translate(p->cr, right - w * scale, y);
		pdf.cairo_scale(p->cr, scale, scale);
		pdf.cairo_set_source_surface(p->cr, p->picture, 0, 0);
		pdf.cairo_paint(p->cr);
		pdf.cairo_restore(p->cr);
	}
	return h * scale;
}

/* "page {1} of {2}" */
static void put_page_number(struct buf *b, const struct pdf_page *p)
{
	const char *pattern = p->of->page ? p->of->page : "page {1} of {2}";
	for (const char *c = pattern; *c; c++) {
		if (*c == '{' && (c[1] == '1' || c[1] == '2') && c[2] == '}') {
			buf_printf(b, "%d", c[1] == '1' ? p->number : p->pages);
			c += 2;
		} else {
			buf_add(b, c, 1);
		}
	}
}

static void pdf_footer(struct pdf_page *p)
{
	struct buf text = { 0 };
	const double y = p->height - 36;
	buf_printf(&text, "%.120s    ", p->of->title);
	put_page_number(&text, p);
	buf_add(&text, "", 1);
	const double wide = pdf_width(p, "Sans 8", text.p);
	pdf_put(p, pdf_up_to(p->width - p->margin, y), "Sans 8", pdf_soft, text.p);
	if (p->of->footer &&
	    pdf_width(p, "Sans 8", p->of->footer) < p->width - 2 * p->margin - wide - 20)
		pdf_put(p, pdf_from(p->margin, y), "Sans 8", pdf_soft, p->of->footer);
	buf_release(&text);
}

void pdf_next_page(struct pdf_page *p)
{
	pdf_footer(p);
	if (!p->measuring)
		pdf.cairo_show_page(p->cr);
	p->number++;
	p->y = p->margin;
	pdf_mark(p);
}

struct bytes {
	struct text left;
};

static cairo_status_t give_bytes(void *closure, unsigned char *data, unsigned int n)
{
	struct bytes *b = closure;
	if (b->left.n < n)
		return CAIRO_STATUS_READ_ERROR;
	memcpy(data, b->left.p, n);
	b->left = (struct text){ b->left.p + n, b->left.n - n };
	return CAIRO_STATUS_SUCCESS;
}

static int open_picture(struct pdf_page *p, struct err *e)
{
	struct bytes bytes = { p->of->picture };
	if (p->of->picture.n == 0)
		return 0;
	p->picture = pdf.cairo_image_surface_create_from_png_stream(give_bytes, &bytes);
	const cairo_status_t status = pdf.cairo_surface_status(p->picture);
	return status == CAIRO_STATUS_SUCCESS
		       ? 0
		       : err_set(e, ERR_INVALID, "the picture could not be drawn: %s",
				 pdf.cairo_status_to_string(status));
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
	pdf_mark(p);
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
			      .of = d,
			      .measuring = true };
	char text[INSTANT_TEXT_MAX];
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, d->title);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR, "tally");
	/* not the hour of printing, so that the same document has the same bytes */
	instant_format(d->dated, text);
	pdf.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, text);
	rc = open_picture(&p, e);
	if (rc == 0) {
		draw(&p, d);
		p.pages = p.number;
		p.measuring = false;
		draw(&p, d);
	}
	pdf.cairo_show_page(p.cr);
	pdf.cairo_destroy(p.cr);
	if (p.picture)
		pdf.cairo_surface_destroy(p.picture);
	pdf.cairo_surface_finish(s);
	cairo_status_t status = pdf.cairo_surface_status(s);
	pdf.cairo_surface_destroy(s);
	if (rc != 0)
		return rc;
	return status == CAIRO_STATUS_SUCCESS
		       ? 0
		       : err_set(e, ERR_SYSTEM, "the PDF could not be drawn: %s",
				 pdf.cairo_status_to_string(status));
}
