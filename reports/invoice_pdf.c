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

static void lines(struct pdf_page *p, const struct invoice_view *v)
{
	const double inner = p->width - 2 * p->margin, x = p->margin;
	header_row(p);
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		bool part = *l->bucket != 0;
		if (part && (i == 0 || strcmp(l->description, v->line[i - 1].description) != 0)) {
			need(p, 34, true);
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

static void draw(struct pdf_page *p, const void *user)
{
	head(p, user);
	lines(p, user);
	sums(p, user);
}

int invoice_pdf_put(struct buf *out, const struct invoice_view *v, bool letter, struct err *e)
{
	char title[120];
	snprintf(title, sizeof title, "%.50s %.60s", v->title, v->number);
	/* the day of issue */
	const struct pdf_document d = {
		.title = title, .dated = { v->issued_us }, .letter = letter, .draw = draw, .user = v
	};
	return pdf_write(out, &d, e);
}
