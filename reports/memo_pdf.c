#include "reports/memo.h"
#include "reports/pdf_page.h"

static void need(struct pdf_page *p, double height)
{
	if (p->y + height > p->bottom)
		pdf_next_page(p);
}

/* One row of a table; the first column has twice the width of the others. */
static void draw_row(struct pdf_page *p, const struct memo_part *t, const char *const *cell,
		     bool head)
{
	const double inner = p->width - 2 * p->margin,
		     unit = inner / (double)(t->columns + (t->columns > 1)),
		     pad = t->columns > 1 ? 8 : 0;
	double x = p->margin, height = 0;
	need(p, 30);
	for (size_t i = 0; i < t->columns; i++) {
		const double wide = i ? unit : t->columns > 1 ? 2 * unit : inner;
		const double h =
			pdf_put(p, x, p->y, wide - (i + 1 < t->columns ? pad : 0),
				t->column[i].right ? 1 : -1, head ? "Sans Bold 8" : "Sans 8.5",
				head ? pdf_soft : pdf_ink, cell[i]);
		height = h > height ? h : height;
		x += wide;
	}
	p->y += height + 3;
	pdf_rule(p, p->y, head ? 1.2 : .4);
	p->y += 3;
}

static void draw_table(struct pdf_page *p, const struct memo_part *t)
{
	const char *title[MEMO_COLUMNS_MAX];
	for (size_t i = 0; i < t->columns; i++)
		title[i] = t->column[i].title;
	draw_row(p, t, title, true);
	for (size_t i = 0; i + t->columns <= t->cells; i += t->columns) {
		const int page = p->number;
		need(p, 30);
		if (p->number != page)
			draw_row(p, t, title, true);
		draw_row(p, t, t->cell + i, false);
	}
	p->y += 6;
}

static void draw_bars(struct pdf_page *p, const struct memo_part *t)
{
	static const double accent[3] = { .12, .37, .55 };
	const double inner = p->width - 2 * p->margin, from = p->margin + inner * .28,
		     wide = inner * .5;
	need(p, 60);
	p->y += pdf_put(p, p->margin, p->y, inner, -1, "Sans 8", pdf_soft, t->text) + 4;
	for (size_t i = 0; i + 1 < t->cells; i += 2) {
		need(p, 20);
		pdf_bar(p, from, p->y + 1, wide * t->permille[i / 2] / 1000, 9, accent);
		pdf_put(p, p->width - p->margin, p->y, 0, 1, "Sans 8.5", pdf_ink, t->cell[i + 1]);
		p->y += pdf_put(p, p->margin, p->y, inner * .27, -1, "Sans 8.5", pdf_ink,
				t->cell[i]) +
			4;
	}
	p->y += 6;
}

static void draw(struct pdf_page *p, const void *user)
{
	const struct memo *m = user;
	const double inner = p->width - 2 * p->margin;
	p->y += pdf_put(p, p->margin, p->y, inner, -1, "Sans Bold 18", pdf_ink, m->title) + 2;
	if (m->subtitle)
		p->y += pdf_put(p, p->margin, p->y, inner, -1, "Sans 10", pdf_soft, m->subtitle);
	p->y += 12;
	for (size_t i = 0; i < m->parts; i++) {
		const struct memo_part *t = &m->part[i];
		const double indent = t->kind == MEMO_POINT ? 12 : 0;
		if (t->kind == MEMO_TABLE) {
			draw_table(p, t);
		} else if (t->kind == MEMO_BARS) {
			draw_bars(p, t);
		} else if (t->kind == MEMO_HEADING) {
			need(p, 70);
			p->y += 10;
			p->y += pdf_put(p, p->margin, p->y, inner, -1, "Sans Bold 12", pdf_ink,
					t->text) +
				5;
		} else {
			need(p, 45);
			if (indent > 0)
				pdf_put(p, p->margin, p->y, 0, -1, "Sans 9.5", pdf_soft, "\u2022");
			p->y += pdf_put(p, p->margin + indent, p->y, inner - indent, -1, "Sans 9.5",
					pdf_ink, t->text) +
				4;
		}
	}
}

int memo_pdf_put(struct buf *out, const struct memo *m, bool letter, struct err *e)
{
	const struct pdf_document d = {
		.title = m->title, .dated = m->dated, .letter = letter, .draw = draw, .user = m
	};
	return pdf_write(out, &d, e);
}
