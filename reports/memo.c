#include "reports/memo.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/html.h"
#include "reports/pdf_page.h"
#include "reports/table.h"
#include "reports/web.h"

static struct memo_part *add(struct memo *m, enum memo_kind kind, const char *text)
{
	if (m->parts == m->room) {
		m->room = m->room ? m->room * 2 : 32;
		m->part = mem_grow(m->part, m->room * sizeof *m->part);
	}
	struct memo_part *p = &m->part[m->parts++];
	*p = (struct memo_part){ .kind = kind, .text = text };
	return p;
}

static const char *keep(struct memo *m, const char *text)
{
	return arena_text(&m->arena, text, strlen(text));
}

void memo_heading(struct memo *m, const char *text)
{
	add(m, MEMO_HEADING, keep(m, text));
}

static void add_printed(struct memo *m, enum memo_kind kind, const char *fmt, va_list args)
{
	char text[2000];
	vsnprintf(text, sizeof text, fmt, args);
	add(m, kind, keep(m, text));
}

void memo_text(struct memo *m, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add_printed(m, MEMO_TEXT, fmt, args);
	va_end(args);
}

void memo_point(struct memo *m, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add_printed(m, MEMO_POINT, fmt, args);
	va_end(args);
}

void memo_table(struct memo *m, const struct memo_column *columns, size_t count)
{
	struct memo_part *p = add(m, MEMO_TABLE, NULL);
	CHECK(count <= MEMO_COLUMNS_MAX);
	p->column = columns;
	p->columns = count;
}

void memo_cell(struct memo *m, const char *text)
{
	struct memo_part *p = &m->part[m->parts - 1];
	if (p->cells == p->room) {
		p->room = p->room ? p->room * 2 : 32;
		p->cell = mem_grow(p->cell, p->room * sizeof *p->cell);
		p->permille = mem_grow(p->permille, p->room * sizeof *p->permille);
	}
	p->cell[p->cells++] = keep(m, text);
}

void memo_bars(struct memo *m, const char *title)
{
	add(m, MEMO_BARS, keep(m, title))->columns = 2;
}

void memo_bar(struct memo *m, const char *name, const char *amount, int permille)
{
	memo_cell(m, name);
	memo_cell(m, amount);
	struct memo_part *p = &m->part[m->parts - 1];
	p->permille[p->cells / 2 - 1] = permille < 0 ? 0 : permille > 1000 ? 1000 : permille;
}

void memo_release(struct memo *m)
{
	for (size_t i = 0; i < m->parts; i++) {
		free(m->part[i].cell);
		free(m->part[i].permille);
	}
	free(m->part);
	arena_release(&m->arena);
	*m = (struct memo){ 0 };
}

static void print_table(const struct memo_part *p)
{
	struct table_column column[MEMO_COLUMNS_MAX];
	for (size_t i = 0; i < p->columns; i++)
		column[i] = (struct table_column){ .title = p->column[i].title,
						   .right = p->column[i].right,
						   .leaves = p->column[i].leaves,
						   .may_shrink = !p->column[i].right };
	struct table *t = table_open(column, p->columns);
	for (size_t i = 0; i < p->cells; i++)
		table_cell(t, p->cell[i]);
	table_print(t);
	table_close(t);
}

void memo_print(const struct memo *m)
{
	print_note("%s", m->title);
	if (m->subtitle)
		print_note("%s", m->subtitle);
	printf("\n");
	for (size_t i = 0; i < m->parts; i++) {
		const struct memo_part *p = &m->part[i];
		switch (p->kind) {
		case MEMO_HEADING:
			print_note("\n%s", p->text);
			break;
		case MEMO_TEXT:
			print_note("%s", p->text);
			break;
		case MEMO_POINT:
			print_note("- %s", p->text);
			break;
		case MEMO_TABLE:
			print_table(p);
			break;
		case MEMO_BARS:
			break;
		}
	}
}

static void put_html_table(struct buf *b, const struct memo_part *p)
{
	buf_puts(b, "<div class=\"scroll\"><table><thead><tr>");
	for (size_t i = 0; i < p->columns; i++) {
		buf_printf(b, "<th scope=\"col\"%s>", p->column[i].right ? " class=\"n\"" : "");
		html_put(b, text_of(p->column[i].title));
		buf_puts(b, "</th>");
	}
	buf_puts(b, "</tr></thead><tbody>");
	for (size_t i = 0; i < p->cells; i++) {
		const size_t k = i % p->columns;
		buf_puts(b, k ? "" : "\n<tr>");
		buf_puts(b, p->column[k].right ? "<td class=\"n\">" : "<td>");
		html_put(b, text_of(p->cell[i]));
		buf_puts(b, k + 1 == p->columns ? "</td></tr>" : "</td>");
	}
	buf_puts(b, "\n</tbody></table></div>\n");
}

static void put_html_bars(struct buf *b, const struct memo_part *p)
{
	buf_puts(b, "<figure><figcaption>");
	html_put(b, text_of(p->text));
	buf_puts(b, "</figcaption>");
	for (size_t i = 0; i + 1 < p->cells; i += 2) {
		buf_puts(b, "\n<div class=\"row\"><span>");
		html_put(b, text_of(p->cell[i]));
		buf_printf(b, "</span><span class=\"bar\"><i style=\"width:%d.%d%%\"></i></span>",
			   p->permille[i / 2] / 10, p->permille[i / 2] % 10);
		buf_puts(b, "<span class=\"n\">");
		html_put(b, text_of(p->cell[i + 1]));
		buf_puts(b, "</span></div>");
	}
	buf_puts(b, "\n</figure>\n");
}

static void put_html_part(struct buf *b, const struct memo_part *p, bool first, bool last)
{
	static const char *const open[] = { "<h2>", "<p>", "<li>" };
	static const char *const end[] = { "</h2>\n", "</p>\n", "</li>\n" };
	if (p->kind == MEMO_TABLE) {
		put_html_table(b, p);
	} else if (p->kind == MEMO_BARS) {
		put_html_bars(b, p);
	} else {
		buf_puts(b, first ? "<ul>\n" : "");
		buf_puts(b, open[p->kind]);
		html_put(b, text_of(p->text));
		buf_puts(b, end[p->kind]);
		buf_puts(b, last ? "</ul>\n" : "");
	}
}

void memo_html_put(struct buf *b, const struct memo *m)
{
	buf_puts(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
		    "name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
	html_put(b, text_of(m->title));
	buf_puts(b, "</title>\n<style>\n");
	buf_puts(b, web_asset("report.css"));
	buf_puts(b, "main{max-width:60rem}h2{margin:1.6rem 0 .5rem}figure{margin:1rem 0}"
		    "figcaption{color:var(--soft);font-size:.85rem;margin-bottom:.4rem}"
		    ".row{display:grid;grid-template-columns:12rem 1fr 9rem;gap:.6rem;"
		    "align-items:center}.bar{background:var(--line);border-radius:3px}"
		    ".bar i{display:block;height:.9rem;background:var(--accent);border-radius:3px;"
		    "min-width:1px;print-color-adjust:exact}\n"
		    "</style></head>\n<body><main class=\"sheet\">\n<h1>");
	html_put(b, text_of(m->title));
	buf_puts(b, "</h1>\n");
	if (m->subtitle) {
		buf_puts(b, "<p class=\"soft\">");
		html_put(b, text_of(m->subtitle));
		buf_puts(b, "</p>\n");
	}
	for (size_t i = 0; i < m->parts; i++) {
		const bool point = m->part[i].kind == MEMO_POINT;
		put_html_part(b, &m->part[i],
			      point && (i == 0 || m->part[i - 1].kind != MEMO_POINT),
			      point && (i + 1 == m->parts || m->part[i + 1].kind != MEMO_POINT));
	}
	buf_puts(b, "</main></body></html>\n");
}

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
