#include "reports/memo.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/html.h"
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

void memo_plain_table(struct memo *m, const struct memo_column *columns, size_t count)
{
	memo_table(m, columns, count);
	m->part[m->parts - 1].plain = true;
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

void memo_figure(struct memo *m, const char *what, const char *figure)
{
	add(m, MEMO_FIGURE, keep(m, what))->columns = 1;
	memo_cell(m, figure);
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
						   .may_shrink = !p->column[i].right &&
								 !p->column[i].wraps,
						   .wraps = p->column[i].wraps };
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
		case MEMO_FIGURE:
			print_note("%s: %s", p->text, p->cell[0]);
			break;
		case MEMO_BARS:
			break;
		}
	}
}

static void put_html_table(struct buf *b, const struct memo_part *p)
{
	buf_puts(b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	html_put(b, text_of(p->columns > 1 ? p->column[p->columns - 1].title : ""));
	buf_printf(b, "\"><table%s><thead><tr>", p->plain ? " class=\"plain\"" : " class=\"rows\"");
	for (size_t i = 0; i < p->columns; i++) {
		if (!*p->column[i].title) {
			buf_puts(b, "<td></td>");
			continue;
		}
		buf_printf(b, "<th scope=\"col\"%s>", p->column[i].right ? " class=\"n\"" : "");
		html_put(b, text_of(p->column[i].title));
		buf_puts(b, "</th>");
	}
	buf_puts(b, "</tr></thead><tbody>");
	for (size_t i = 0; i < p->cells; i++) {
		const size_t k = i % p->columns;
		buf_puts(b, k ? "" : "\n<tr>");
		buf_puts(b, p->column[k].right ? "<td class=\"n\"" : "<td");
		/* on a phone a row is a list of these */
		if (k && !p->plain && *p->column[k].title) {
			buf_puts(b, " data-of=\"");
			html_put(b, text_of(p->column[k].title));
			buf_puts(b, "\"");
		}
		buf_puts(b, ">");
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
	} else if (p->kind == MEMO_FIGURE) {
		buf_puts(b, "<p class=\"figure\"><span class=\"soft\">");
		html_put(b, text_of(p->text));
		buf_puts(b, "</span> <strong>");
		html_put(b, text_of(p->cell[0]));
		buf_puts(b, "</strong></p>\n");
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
	buf_printf(b,
		   "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta "
		   "name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>",
		   m->language ? m->language : "en");
	html_put(b, text_of(m->title));
	buf_puts(b, "</title>\n<style>\n");
	web_put(b, "report.css");
	buf_puts(
		b,
		"main{max-width:60rem}td:first-child,td.n{white-space:nowrap}h2{margin:1.6rem 0 .5rem}figure{margin:1rem 0}"
		"figcaption{color:var(--soft);font-size:.85rem;margin-bottom:.4rem}"
		".row{display:grid;grid-template-columns:12rem 1fr 9rem;gap:.6rem;"
		"align-items:center}.bar{background:var(--line);border-radius:3px}"
		".bar i{display:block;height:.9rem;background:var(--accent);border-radius:3px;"
		"min-width:1px;print-color-adjust:exact}.plain th,.plain td{border:0;padding-top:0;padding-bottom:0}"
		".figure{display:flex;justify-content:space-between;align-items:baseline;border-bottom:1px solid var(--line)}"
		".figure strong{font-size:1.5rem}"
		"@media screen and (max-width:40rem){.row{grid-template-columns:minmax(0,1fr) "
		"auto;gap:.1rem .6rem}.row .bar{grid-column:1/-1;grid-row:2}.rows,.rows tbody{"
		"display:block}.rows thead{display:none}.rows tr{display:block;padding:.35rem 0;"
		"border-bottom:1px solid var(--line)}.rows td{display:flex;gap:1rem;justify-content:"
		"space-between;border:0;padding:.1rem 0;white-space:normal!important}.rows "
		"td:first-child{font-weight:600}.rows td:empty{display:none}.rows td[data-of]::before{content:attr(data-of);"
		"color:var(--soft)}}\n"
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
