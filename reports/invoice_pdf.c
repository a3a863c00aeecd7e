/*
 * An invoice as a PDF. The first page says who, what, how much and by when; lines that do not fit
 * on it follow as detail, on pages that repeat the headings. What is drawn is measured first, by
 * the same functions, so that nothing is guessed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "reports/invoice_view.h"
#include "reports/pdf_page.h"

enum { LEAST_ROWS = 6 /* of the last page of detail, with headings */ };

/* A row of the table of lines: a heading of parts, a part, or a line of its own. */
struct paper_row {
	const struct view_line *line;
	bool heading, part;
	double height;
};

struct paper {
	struct invoice_view *v;
	struct paper_row *row;
	size_t rows;
	int size; /* of the letters of the table: large figures get smaller ones */
	double inner, description, quantity, price, fraction, per, amount; /* widths */
};

static const double gap = 18, indent = 12;

/* --- the table: its columns --- */

static const char *font(const struct paper *x, bool bold)
{
	static const char *const fonts[2][3] = { { "Sans 9", "Sans 8", "Sans 7" },
						 { "Sans Bold 9", "Sans Bold 8", "Sans Bold 7" } };
	return fonts[bold][x->size];
}

static void widen(double *width, double to)
{
	*width = to > *width ? to : *width;
}

/* A price up to its decimal point, and from there on. */
static void split_price(const struct paper *x, const struct view_line *l, char whole[80],
			const char **fraction)
{
	const char *point = strrchr(l->unit_price, *label(x->v->labels, "decimal"));
	const size_t n = l->fraction && point ? (size_t)(point - l->unit_price)
					      : strspn(l->unit_price, "-$0123456789.,'");
	snprintf(whole, 80, "%.*s", (int)n, l->unit_price);
	*fraction = l->unit_price + strlen(whole);
}

static void measure_columns(struct pdf_page *p, struct paper *x)
{
	const struct labels *l = x->v->labels;
	double whole = 0;
	char text[80];
	x->quantity = 0;
	x->amount = pdf_width(p, "Sans Bold 8.5", label(l, "amount"));
	x->fraction = x->per = 0;
	for (size_t i = 0; i < x->v->lines; i++) {
		const struct view_line *line = &x->v->line[i];
		const char *fraction;
		widen(&x->quantity, pdf_width(p, font(x, false), line->quantity));
		widen(&x->amount, pdf_width(p, font(x, false), line->amount));
		split_price(x, line, text, &fraction);
		widen(&whole, pdf_width(p, font(x, false), text));
		widen(&x->fraction, pdf_width(p, font(x, false), fraction));
		if (*line->per)
			widen(&x->per, 4 + pdf_width(p, font(x, false), line->per));
	}
	x->price = whole + x->fraction + x->per;
	/* a column of nothing leaves its room to the description */
	if (x->quantity > 0)
		widen(&x->quantity, pdf_width(p, "Sans Bold 8.5", label(l, "quantity")));
	if (x->price > 0)
		widen(&x->price, pdf_width(p, "Sans Bold 8.5", label(l, "unit-price")));
	x->description = x->inner - x->quantity - x->price - x->amount - gap -
			 (x->quantity > 0 ? gap : 0) - (x->price > 0 ? gap : 0);
}

/* Letters as large as leave the description a third of the page. */
static void choose_columns(struct pdf_page *p, struct paper *x)
{
	x->inner = p->width - 2 * p->margin;
	for (x->size = 0; x->size < 3; x->size++) {
		measure_columns(p, x);
		if (x->description >= x->inner / 3)
			return;
	}
	x->size = 2;
}

static double quantity_right(const struct pdf_page *p, const struct paper *x)
{
	return p->margin + x->inner - x->amount - gap - (x->price > 0 ? x->price + gap : 0);
}

static void header_row(struct pdf_page *p, const struct paper *x)
{
	const struct labels *l = x->v->labels;
	const double right = p->margin + x->inner;
	pdf_put(p, pdf_from(p->margin, p->y), "Sans Bold 8.5", pdf_soft, label(l, "description"));
	pdf_put(p, pdf_up_to(right, p->y), "Sans Bold 8.5", pdf_soft, label(l, "amount"));
	if (x->price > 0)
		pdf_put(p, pdf_up_to(right - x->amount - gap, p->y), "Sans Bold 8.5", pdf_soft,
			label(l, "unit-price"));
	if (x->quantity > 0)
		pdf_put(p, pdf_up_to(quantity_right(p, x), p->y), "Sans Bold 8.5", pdf_soft,
			label(l, "quantity"));
	p->y += 14;
	pdf_rule(p, p->y, 1.2);
	p->y += 5;
}

/* --- the table: its rows --- */

static void put_heading(struct pdf_page *p, const struct paper *x, const char *text)
{
	p->y += pdf_put(p, pdf_in(p->margin, p->y + 3, x->inner), font(x, true), pdf_ink, text) + 6;
}

static void put_price(struct pdf_page *p, const struct paper *x, const struct view_line *l,
		      double right)
{
	char whole[80];
	const char *fraction;
	const double point = right - x->per - x->fraction;
	split_price(x, l, whole, &fraction);
	pdf_put(p, pdf_up_to(point, p->y), font(x, false), pdf_ink, whole);
	pdf_put(p, pdf_from(point, p->y), font(x, false), pdf_ink, fraction);
	if (*l->per)
		pdf_put(p, pdf_from(right - x->per + 4, p->y), font(x, false), pdf_soft, l->per);
}

static void put_row(struct pdf_page *p, const struct paper *x, const struct paper_row *r)
{
	const struct view_line *l = r->line;
	const double in = r->part ? indent : 0;
	const double right = p->margin + x->inner;
	if (r->heading) {
		put_heading(p, x, l->description);
		return;
	}
	const double h =
		pdf_put(p, pdf_in(p->margin + in, p->y, x->description - in), font(x, false),
			r->part ? pdf_soft : pdf_ink, r->part ? l->bucket : l->description);
	if (*l->quantity)
		pdf_put(p, pdf_up_to(quantity_right(p, x), p->y), font(x, false), pdf_ink,
			l->quantity);
	if (*l->unit_price)
		put_price(p, x, l, right - x->amount - gap);
	pdf_put(p, pdf_up_to(right, p->y), font(x, false), pdf_ink, l->amount);
	p->y += h + 2;
	pdf_rule(p, p->y, .4);
	p->y += 2.5;
}

static void add_row(struct pdf_page *p, struct paper *x, struct paper_row row)
{
	struct pdf_page scratch = *p;
	const double before = scratch.y;
	scratch.measuring = true;
	put_row(&scratch, x, &row);
	row.height = scratch.y - before;
	x->row[x->rows++] = row;
}

static void take_rows(struct pdf_page *p, struct paper *x)
{
	const struct invoice_view *v = x->v;
	x->row = mem_zalloc((2 * v->lines + 1) * sizeof *x->row);
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		const bool part = *l->bucket != 0;
		if (part && (i == 0 || strcmp(l->description, v->line[i - 1].description) != 0))
			add_row(p, x, (struct paper_row){ .line = l, .heading = true });
		add_row(p, x, (struct paper_row){ .line = l, .part = part });
	}
}

/* --- the table: its pages --- */

/* A page may end before that row: not between a heading and its first two parts, and not before
   the last of several parts. */
static bool may_break(const struct paper *x, size_t at)
{
	const struct paper_row *r = x->row;
	if (at == 0 || at >= x->rows)
		return at >= x->rows;
	const bool last_part = r[at].part && (at + 1 == x->rows || !r[at + 1].part);
	if (!r[at].part)
		return true;
	return !r[at - 1].heading && !(at > 1 && r[at - 2].heading) && !last_part;
}

/* The row at which the next page begins, where `room` is left on this one from `first` on. A page
 * of few rows would be the last: it takes some from this one. */
static size_t page_end(const struct paper *x, size_t first, double room)
{
	size_t end = first;
	double used = 0;
	while (end < x->rows && used + x->row[end].height <= room)
		used += x->row[end++].height;
	if (end >= x->rows)
		return x->rows;
	if (x->rows - end < LEAST_ROWS)
		end = x->rows > LEAST_ROWS ? x->rows - LEAST_ROWS : end;
	size_t at = end;
	while (at > first && !may_break(x, at))
		at--;
	if (at > first)
		return at;
	/* parts without end: wherever there is room, but always one row */
	return end > first ? end : first + 1;
}

static double rows_height(const struct paper *x)
{
	double height = 19;
	for (size_t i = 0; i < x->rows; i++)
		height += x->row[i].height;
	return height;
}

static void table(struct pdf_page *p, const struct paper *x)
{
	for (size_t first = 0; first < x->rows;) {
		header_row(p, x);
		const struct paper_row *r = &x->row[first];
		if (first && r->part) {
			struct arena texts = { 0 };
			const char *const with[3] = { r->line->description, "", "" };
			put_heading(p, x, label_with(x->v->labels, &texts, "continued", with));
			arena_release(&texts);
		}
		const size_t end = page_end(x, first, p->bottom - p->y);
		for (; first < end; first++)
			put_row(p, x, &x->row[first]);
		if (first < x->rows)
			pdf_next_page(p);
	}
}

/* --- the head --- */

static double party(struct pdf_page *p, double x, const char *name, const char *const *lines)
{
	const double width = (p->width - 2 * p->margin) * .48;
	double y = p->y;
	if (!lines[0])
		return y;
	y += pdf_put(p, pdf_from(x, y), "Sans 8", pdf_soft, name) + 2;
	for (int i = 0; lines[i]; i++)
		y += pdf_put(p, pdf_in(x, y, width), i ? "Sans 9.5" : "Sans Bold 9.5", pdf_ink,
			     lines[i]) +
		     1;
	return y;
}

/* One fact of the strip: its name above its value; a new line of them where there is no room. */
static void fact(struct pdf_page *p, const struct paper *x, double *at, const char *key,
		 const char *value)
{
	const double between = 16, height = 32;
	const char *name = label(x->v->labels, key);
	double wide = pdf_width(p, "Sans 9", value);
	if (!*value)
		return;
	widen(&wide, pdf_width(p, "Sans 8", name));
	if (*at > 0 && *at + wide > x->inner) {
		*at = 0;
		p->y += height;
	}
	const double h = pdf_put(p, pdf_from(p->margin + *at, p->y), "Sans 8", pdf_soft, name);
	pdf_put(p, pdf_in(p->margin + *at, p->y + h + 1, x->inner - *at), "Sans 9", pdf_ink, value);
	*at += wide + between;
}

static void facts(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	double at = 0;
	fact(p, x, &at, "issued", v->issued);
	fact(p, x, &at, "due", v->due);
	fact(p, x, &at, "period", v->period);
	fact(p, x, &at, "zone", v->zone);
	fact(p, x, &at, "corrects", v->corrects);
	fact(p, x, &at, "currency", v->currency);
	p->y += 30;
}

static void head(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	const struct labels *l = v->labels;
	double y = p->y, from;
	y += pdf_put(p, pdf_in(p->margin, y, x->inner * .64), "Sans Bold 21", pdf_ink, v->title);
	y += pdf_put(p, pdf_in(p->margin, y, x->inner * .64), "Sans 11", pdf_soft, v->number);
	if (strcmp(v->status, "void") == 0) {
		static const double red[3] = { .7, .15, .12 };
		y += pdf_put(p, pdf_from(p->margin, y + 2), "Sans Bold 14", red, v->mark) + 2;
	}
	const double logo = p->y + pdf_picture(p, p->width - p->margin, p->y, 150, 48);
	p->y = (y > logo ? y : logo) + 18;
	from = party(p, p->margin, label(l, "from"), v->issuer);
	y = party(p, p->margin + (v->issuer[0] ? x->inner * .52 : 0),
		  label(l, v->is_note ? "to" : "bill-to"), v->bill_to);
	p->y = (from > y ? from : y) + 16;
	facts(p, x);
	p->y += 14;
}

/* How much, and by when. */
static void asked(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	if (!*v->asked || strcmp(v->status, "void") == 0)
		return;
	const char *name = label(v->labels, "amount-due");
	const double wide = pdf_width(p, "Sans 9", name) + 16;
	pdf_put(p, pdf_from(p->margin, p->y + 4), "Sans 9", pdf_soft, name);
	p->y += pdf_put(p, pdf_right_in(p->margin + wide, p->y, x->inner - wide), "Sans Bold 14",
			pdf_ink, v->asked) +
		4;
	pdf_rule(p, p->y, .8);
	p->y += 18;
}

/* --- sums, how to pay, and the small print --- */

static void need(struct pdf_page *p, double height)
{
	if (p->y + height > p->bottom)
		pdf_next_page(p);
}

static void put_sums(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	const double at = p->margin + x->inner * .5, width = x->inner * .5;
	p->y += 10;
	for (size_t i = 0; i < v->sums; i++) {
		const struct view_sum *s = &v->sum[i];
		const char *face = s->strong ? "Sans Bold 12" : "Sans 9.5";
		if (s->strong)
			pdf_line(p, at, p->width - p->margin, p->y + 2, 1.2, pdf_ink);
		p->y += s->strong ? 8 : 0;
		const double amount = pdf_width(p, face, s->amount) + 10;
		const double h = pdf_put(p, pdf_in(at, p->y, width - amount), face,
					 s->strong ? pdf_ink : pdf_soft, s->name);
		pdf_put(p, pdf_right_in(at, p->y, width), face, pdf_ink, s->amount);
		p->y += h + 4;
	}
}

static void put_pay_to(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	p->y += 14;
	p->y += pdf_put(p, pdf_from(p->margin, p->y), "Sans 8", pdf_soft,
			label(v->labels, "pay-to")) +
		2;
	for (int i = 0; v->pay_to[i]; i++)
		p->y += pdf_put(p, pdf_in(p->margin, p->y, x->inner), "Sans 9.5", pdf_ink,
				v->pay_to[i]) +
			1;
}

/* A block is not cut: it goes to the next page where it does not fit. */
static void put_block(struct pdf_page *p, const struct paper *x,
		      void (*put)(struct pdf_page *p, const struct paper *x))
{
	struct pdf_page scratch = *p;
	scratch.measuring = true;
	put(&scratch, x);
	need(p, scratch.y - p->y);
	put(p, x);
}

static void put_note(struct pdf_page *p, const struct paper *x)
{
	p->y += 14;
	p->y += pdf_put(p, pdf_in(p->margin, p->y, x->inner), "Sans 9.5", pdf_ink, x->v->note);
}

static void put_small_print(struct pdf_page *p, const struct paper *x)
{
	p->y += 14;
	p->y += pdf_put(p, pdf_in(p->margin, p->y, x->inner), "Sans 7.5", pdf_soft,
			x->v->small_print);
}

static void sums(struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	put_block(p, x, put_sums);
	if (v->pay_to[0] && (*v->asked || strcmp(v->status, "draft") == 0))
		put_block(p, x, put_pay_to);
	if (*v->note)
		put_block(p, x, put_note);
	if (*v->small_print)
		put_block(p, x, put_small_print);
}

static double sums_height(const struct pdf_page *p, const struct paper *x)
{
	struct pdf_page scratch = *p;
	const double before = scratch.y;
	scratch.measuring = true;
	scratch.bottom = 1e9;
	sums(&scratch, x);
	return scratch.y - before;
}

/* --- the first page --- */

static double summary_row(struct pdf_page *p, const struct paper *x, const char *description,
			  const char *text)
{
	const double before = p->y, wide = pdf_width(p, "Sans 9", text);
	const double h = pdf_put(p, pdf_in(p->margin, p->y, x->inner - wide - gap), "Sans 9",
				 pdf_ink, description);
	pdf_put(p, pdf_right_in(p->margin, p->y, x->inner), "Sans 9", pdf_ink, text);
	p->y += h + 3;
	pdf_rule(p, p->y, .4);
	p->y += 3;
	return p->y - before;
}

/* How many groups have room with the sums below them, and a row for the others where there are
 * any. */
static size_t summary_rows(const struct pdf_page *p, const struct paper *x)
{
	const struct invoice_view *v = x->v;
	struct pdf_page scratch = *p;
	const double row = 20;
	double left = p->bottom - p->y - sums_height(p, x) - 4;
	size_t fit = 0;
	scratch.measuring = true;
	for (; fit < v->groups; fit++) {
		const struct view_group *g = v->group;
		while (g->rank != fit)
			g++;
		const double h = summary_row(&scratch, x, g->description, g->amount);
		if (left - h < (fit + 1 < v->groups ? row : 0))
			break;
		left -= h;
	}
	return fit;
}

/* One row a group, the largest ones as far as they leave room for the sums; the others are one row,
   so that the rows come to the total whatever their number. */
static void summary(struct pdf_page *p, const struct paper *x)
{
	struct invoice_view *v = x->v;
	const struct labels *l = v->labels;
	pdf_put(p, pdf_from(p->margin, p->y), "Sans Bold 8.5", pdf_soft, label(l, "summary"));
	pdf_put(p, pdf_right_in(p->margin, p->y, x->inner), "Sans Bold 8.5", pdf_soft,
		label(l, "amount"));
	p->y += 14;
	pdf_rule(p, p->y, 1.2);
	p->y += 5;
	const size_t shown = summary_rows(p, x);
	for (size_t i = 0; i < v->groups; i++)
		if (v->group[i].rank < shown)
			summary_row(p, x, v->group[i].description, v->group[i].amount);
	if (shown < v->groups) {
		struct arena texts = { 0 };
		const char *const with[3] = { arena_printf(&texts, "%zu", v->groups - shown), "",
					      "" };
		summary_row(p, x, label_with(l, &texts, "others", with),
			    invoice_view_rest(v, shown));
		arena_release(&texts);
	}
}

static void draw(struct pdf_page *p, const void *user)
{
	struct paper x = { .v = *(struct invoice_view *const *)user };
	choose_columns(p, &x);
	take_rows(p, &x);
	head(p, &x);
	asked(p, &x);
	if (p->y + rows_height(&x) + sums_height(p, &x) <= p->bottom) {
		table(p, &x);
		sums(p, &x);
	} else {
		summary(p, &x);
		sums(p, &x);
		pdf_next_page(p);
		p->y += pdf_put(p, pdf_from(p->margin, p->y), "Sans Bold 12", pdf_ink,
				label(x.v->labels, "detail")) +
			8;
		table(p, &x);
	}
	free(x.row);
}

int invoice_pdf_put(struct buf *out, struct invoice_view *v, bool letter, struct buf *unknown,
		    struct err *e)
{
	static const char start[] = "data:image/png;base64,";
	char title[160];
	struct buf png = { 0 };
	snprintf(title, sizeof title, "%.80s%s%.60s", v->title, *v->number ? " " : "", v->number);
	if (v->logo.n > sizeof start)
		base64_decode(&png, (struct text){ v->logo.p + sizeof start - 1,
						   v->logo.n - (sizeof start - 1) });
	/* the day of issue */
	const struct pdf_document d = { .title = title,
					.dated = { v->issued_us },
					.letter = letter,
					.language = labels_language(v->labels),
					.footer = v->issuer[0],
					.page = label(v->labels, "page"),
					.mark = v->mark,
					.picture = { png.p, png.n },
					.unknown = unknown,
					.draw = draw,
					.user = &v };
	const int rc = pdf_write(out, &d, e);
	buf_release(&png);
	return rc;
}
