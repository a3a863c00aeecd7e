#include <stdio.h>
#include <string.h>

#include "reports/invoice_view.h"
#include "reports/pdf_page.h"

/* Columns of figures, as shares of the width; a quantity of 16 digits fits. */
static const double quantity_at = .38, quantity_wide = .23, price_at = .61, price_wide = .21,
		    amount_at = .82, amount_wide = .18;

static void header_row(struct pdf_page *p)
{
	const double inner = p->width - 2 * p->margin, x = p->margin;
	pdf_put(p, x, p->y, 0, -1, "Sans Bold 8.5", pdf_soft, "Description");
	pdf_put(p, x + quantity_at * inner, p->y, quantity_wide * inner, 1, "Sans Bold 8.5",
		pdf_soft, "Quantity");
	pdf_put(p, x + price_at * inner, p->y, price_wide * inner, 1, "Sans Bold 8.5", pdf_soft,
		"Unit price");
	pdf_put(p, x + amount_at * inner, p->y, amount_wide * inner, 1, "Sans Bold 8.5", pdf_soft,
		"Amount");
	p->y += 14;
	pdf_rule(p, p->y, 1.2);
	p->y += 5;
}

static void need(struct pdf_page *p, double height, bool table)
{
	if (p->y + height <= p->bottom)
		return;
	pdf_next_page(p);
	if (table)
		header_row(p);
}

static double party(struct pdf_page *p, double x, double width, const char *label,
		    const char *const *lines)
{
	double y = p->y;
	if (!lines[0])
		return y;
	y += pdf_put(p, x, y, 0, -1, "Sans 7.5", pdf_soft, label) + 2;
	for (int i = 0; lines[i]; i++)
		y += pdf_put(p, x, y, width, -1, i ? "Sans 9.5" : "Sans Bold 9.5", pdf_ink,
			     lines[i]) +
		     1;
	return y;
}

static void pair(struct pdf_page *p, double x, double *y, const char *name, const char *value)
{
	if (!*value)
		return;
	pdf_put(p, x, *y, 0, -1, "Sans 9", pdf_soft, name);
	*y += pdf_put(p, x + 60, *y, p->width - p->margin - x - 60, 1, "Sans 9", pdf_ink, value) +
	      3;
}

static void head(struct pdf_page *p, const struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin, right = p->margin + inner * .52;
	double left = p->y, y;
	left += pdf_put(p, p->margin, p->y, inner * .5, -1, "Sans Bold 21", pdf_ink, v->title);
	left += pdf_put(p, p->margin, left, inner * .5, -1, "Sans 11", pdf_soft, v->number);
	if (strcmp(v->status, "void") == 0) {
		static const double red[3] = { .7, .15, .12 };
		left += pdf_put(p, p->margin, left + 2, 0, -1, "Sans Bold 14", red, "VOID") + 2;
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

/* A heading with its rows, which stay together unless they are many. */
static double height_of_group(const struct invoice_view *v, size_t first)
{
	size_t rows = 1;
	while (rows < 6 && first + rows < v->lines && *v->line[first + rows].bucket &&
	       strcmp(v->line[first].description, v->line[first + rows].description) == 0)
		rows++;
	return 20 + 17.5 * (double)rows;
}

static void lines(struct pdf_page *p, const struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin, x = p->margin;
	header_row(p);
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		bool part = *l->bucket != 0;
		if (part && (i == 0 || strcmp(l->description, v->line[i - 1].description) != 0)) {
			need(p, height_of_group(v, i), true);
			p->y += pdf_put(p, x, p->y + 3, inner, -1, "Sans Bold 9", pdf_ink,
					l->description) +
				6;
		}
		need(p, 16, true);
		double h = pdf_put(p, x + (part ? 12 : 0), p->y,
				   inner * quantity_at - (part ? 12 : 0), -1, "Sans 9",
				   part ? pdf_soft : pdf_ink, part ? l->bucket : l->description);
		pdf_put(p, x + quantity_at * inner, p->y, quantity_wide * inner, 1, "Sans 9",
			pdf_ink, l->quantity);
		pdf_put(p, x + price_at * inner, p->y, price_wide * inner, 1, "Sans 9", pdf_ink,
			l->unit_price);
		pdf_put(p, x + amount_at * inner, p->y, amount_wide * inner, 1, "Sans 9", pdf_ink,
			l->amount);
		p->y += h + 3;
		pdf_rule(p, p->y, .4);
		p->y += 3;
	}
}

static void sums(struct pdf_page *p, const struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin, x = p->margin + inner * .5;
	need(p, 20 * (double)v->sums + 20, false);
	p->y += 10;
	for (size_t i = 0; i < v->sums; i++) {
		const char *font = v->sum[i].strong ? "Sans Bold 12" : "Sans 9.5";
		if (v->sum[i].strong)
			pdf_line(p, x, p->width - p->margin, p->y + 2, 1.2, pdf_ink);
		p->y += v->sum[i].strong ? 8 : 0;
		pdf_put(p, x, p->y, 0, -1, font, v->sum[i].strong ? pdf_ink : pdf_soft,
			v->sum[i].name);
		p->y += pdf_put(p, x, p->y, p->width - p->margin - x, 1, font, pdf_ink,
				v->sum[i].amount) +
			4;
	}
	for (int i = 0; i < 2; i++) {
		const char *text = i ? v->small_print : v->note;
		if (!*text)
			continue;
		need(p, 40, false);
		p->y += 14;
		p->y += pdf_put(p, p->margin, p->y, inner, -1, i ? "Sans 7.5" : "Sans 9.5",
				i ? pdf_soft : pdf_ink, text);
	}
}

/* How much, and by when. */
static void asked(struct pdf_page *p, const struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin;
	if (!*v->asked || strcmp(v->status, "void") == 0)
		return;
	pdf_put(p, p->margin, p->y + 3, 0, -1, "Sans 9", pdf_soft, "Amount due");
	p->y += pdf_put(p, p->margin + inner * .2, p->y, inner * .8, 1, "Sans Bold 14", pdf_ink,
			v->asked) +
		4;
	pdf_rule(p, p->y, .8);
	p->y += 18;
}

/* What the lines take up: a row each, and a heading for each group of parts. */
static double height_of_lines(const struct invoice_view *v)
{
	return 20 + 17.5 * (double)v->lines + 20 * (double)v->groups;
}

static double height_of_sums(const struct invoice_view *v)
{
	const double text = 58, more = 12; /* points of a text, and of each 80 letters of it */
	double height = 36 + 20 * (double)v->sums;
	if (*v->note)
		height += text + more * (double)(strlen(v->note) / 80);
	if (*v->small_print)
		height += text + more * (double)(strlen(v->small_print) / 80);
	return height;
}

static void summary_row(struct pdf_page *p, const char *description, const char *text)
{
	const double inner = p->width - 2 * p->margin;
	const double h =
		pdf_put(p, p->margin, p->y, inner * .75, -1, "Sans 9", pdf_ink, description);
	pdf_put(p, p->margin + amount_at * inner, p->y, amount_wide * inner, 1, "Sans 9", pdf_ink,
		text);
	p->y += h + 3;
	pdf_rule(p, p->y, .4);
	p->y += 3;
}

/* One row a group, as many as leave room for the sums; the others are one row, so that the rows
   come to the total whatever their number. */
static void summary(struct pdf_page *p, struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin;
	const double room = p->bottom - p->y - height_of_sums(v) - 24;
	size_t rows = room > 0 ? (size_t)(room / 18) : 0;
	pdf_put(p, p->margin, p->y, 0, -1, "Sans Bold 8.5", pdf_soft, "Summary");
	pdf_put(p, p->margin + amount_at * inner, p->y, amount_wide * inner, 1, "Sans Bold 8.5",
		pdf_soft, "Amount");
	p->y += 14;
	pdf_rule(p, p->y, 1.2);
	p->y += 5;
	if (rows < 2)
		rows = 2;
	const size_t shown = v->groups <= rows ? v->groups : rows - 1;
	for (size_t i = 0; i < shown; i++)
		summary_row(p, v->group[i].description, v->group[i].amount);
	if (shown < v->groups) {
		char text[80];
		snprintf(text, sizeof text, "%zu others, see the detail", v->groups - shown);
		summary_row(p, text, invoice_view_rest(v, shown));
	}
}

/* Who, what, how much and by when stand on the first page; lines that do not fit follow it. */
static void draw(struct pdf_page *p, const void *user)
{
	struct invoice_view *v = *(struct invoice_view *const *)user;
	head(p, v);
	asked(p, v);
	if (p->y + height_of_lines(v) + height_of_sums(v) <= p->bottom) {
		lines(p, v);
		sums(p, v);
		return;
	}
	summary(p, v);
	sums(p, v);
	pdf_next_page(p);
	p->y += pdf_put(p, p->margin, p->y, 0, -1, "Sans Bold 12", pdf_ink, "Detail") + 8;
	lines(p, v);
}

int invoice_pdf_put(struct buf *out, struct invoice_view *v, bool letter, struct err *e)
{
	char title[120];
	snprintf(title, sizeof title, "%.50s %.60s", v->title, v->number);
	/* the day of issue */
	const struct pdf_document d = { .title = title,
					.dated = { v->issued_us },
					.letter = letter,
					.draw = draw,
					.user = &v };
	return pdf_write(out, &d, e);
}
