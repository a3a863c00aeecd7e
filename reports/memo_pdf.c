#include <stdio.h>
#include <string.h>

#include "reports/memo.h"
#include "reports/pdf_page.h"

static void need(struct pdf_page *p, double height)
{
	if (p->y + height > p->bottom)
		pdf_next_page(p);
}

enum { PAD = 7 };
/* Of tables, the largest first: the one in which no word breaks is taken. */
static const struct table_font {
	const char *head, *cell;
} fonts[] = { { "Sans Bold 8", "Sans 8.5" },
	      { "Sans Bold 7", "Sans 7.5" },
	      { "Sans Bold 6", "Sans 6.5" },
	      { "Sans Bold 5.5", "Sans 6" } };

/* The width of the widest word, for figures of the whole text: they never break. */
static double least_width(struct pdf_page *p, const char *font, const char *text, bool whole)
{
	char word[300];
	double widest = 0;
	if (whole)
		return pdf_width(p, font, text);
	while (*text) {
		const size_t n = strcspn(text, " ");
		snprintf(word, sizeof word, "%.*s", (int)n, text);
		const double width = pdf_width(p, font, word);
		widest = width > widest ? width : widest;
		text += n + strspn(text + n, " ");
	}
	return widest;
}

static void widen(double *to, double width)
{
	*to = width > *to ? width : *to;
}

/* Widths of columns: what their cells need, else what their words need and a share of the rest.
 * Returns whether no word breaks. */
static bool lay_out(struct pdf_page *p, const struct memo_part *t, const struct table_font *f,
		    double wide[MEMO_COLUMNS_MAX])
{
	const double inner = p->width - 2 * p->margin;
	double whole[MEMO_COLUMNS_MAX] = { 0 }, least[MEMO_COLUMNS_MAX] = { 0 }, all = 0, few = 0;
	for (size_t i = 0; i < t->columns; i++) {
		widen(&whole[i], least_width(p, f->head, t->column[i].title, false));
		least[i] = whole[i];
		for (size_t k = i; k < t->cells; k += t->columns) {
			widen(&whole[i], pdf_width(p, f->cell, t->cell[k]));
			widen(&least[i], least_width(p, f->cell, t->cell[k], t->column[i].right));
		}
		all += whole[i] += PAD;
		few += least[i] += PAD;
	}
	for (size_t i = 0; i < t->columns; i++) {
		if (all <= inner)
			wide[i] = whole[i] + (inner - all) / (double)t->columns;
		else if (few < inner)
			wide[i] = least[i] + (whole[i] - least[i]) * (inner - few) / (all - few);
		else
			wide[i] = least[i] * inner / few;
	}
	return few <= inner;
}

/* One row of a table. */
static void draw_row(struct pdf_page *p, const struct memo_part *t, const struct table_font *f,
		     const double *wide, const char *const *cell)
{
	const bool head = !cell;
	double x = p->margin, height = 0;
	need(p, 30);
	for (size_t i = 0; i < t->columns; i++) {
		const double h = pdf_put(
			p,
			(struct pdf_place){ x, p->y, wide[i] - (i + 1 < t->columns ? PAD - 1 : 0),
					    t->column[i].right },
			head ? f->head : f->cell, head ? pdf_soft : pdf_ink,
			head ? t->column[i].title : cell[i]);
		height = h > height ? h : height;
		x += wide[i];
	}
	p->y += height + 3;
	pdf_rule(p, p->y, head ? 1.2 : .4);
	p->y += 3;
}

static void draw_table(struct pdf_page *p, const struct memo_part *t)
{
	double wide[MEMO_COLUMNS_MAX];
	size_t f = 0;
	while (!lay_out(p, t, &fonts[f], wide) && f + 1 < sizeof fonts / sizeof *fonts)
		f++;
	p->y += 4;
	draw_row(p, t, &fonts[f], wide, NULL);
	for (size_t i = 0; i + t->columns <= t->cells; i += t->columns) {
		const int page = p->number;
		need(p, 30);
		if (p->number != page)
			draw_row(p, t, &fonts[f], wide, NULL);
		draw_row(p, t, &fonts[f], wide, t->cell + i);
	}
	p->y += 6;
}

static void draw_bars(struct pdf_page *p, const struct memo_part *t)
{
	static const double accent[3] = { .12, .37, .55 };
	const double inner = p->width - 2 * p->margin, from = p->margin + inner * .28,
		     wide = inner * .5;
	need(p, 60);
	p->y += pdf_put(p, pdf_in(p->margin, p->y, inner), "Sans 8", pdf_soft, t->text) + 4;
	for (size_t i = 0; i + 1 < t->cells; i += 2) {
		need(p, 20);
		pdf_bar(p, from, p->y + 1, wide * t->permille[i / 2] / 1000, 9, accent);
		pdf_put(p, pdf_up_to(p->width - p->margin, p->y), "Sans 8.5", pdf_ink,
			t->cell[i + 1]);
		p->y += pdf_put(p, pdf_in(p->margin, p->y, inner * .27), "Sans 8.5", pdf_ink,
				t->cell[i]) +
			4;
	}
	p->y += 6;
}

static void draw(struct pdf_page *p, const void *user)
{
	const struct memo *m = user;
	const double inner = p->width - 2 * p->margin;
	p->y += pdf_put(p, pdf_in(p->margin, p->y, inner), "Sans Bold 18", pdf_ink, m->title) + 2;
	if (m->subtitle)
		p->y += pdf_put(p, pdf_in(p->margin, p->y, inner), "Sans 10", pdf_soft,
				m->subtitle);
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
			p->y += pdf_put(p, pdf_in(p->margin, p->y, inner), "Sans Bold 12", pdf_ink,
					t->text) +
				5;
		} else {
			need(p, 45);
			if (indent > 0)
				pdf_put(p, pdf_from(p->margin, p->y), "Sans 9.5", pdf_soft,
					"\u2022");
			p->y += pdf_put(p, pdf_in(p->margin + indent, p->y, inner - indent),
					"Sans 9.5", pdf_ink, t->text) +
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
