/* An invoice as text, CSV and JSON. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "reports/invoice_view.h"
#include "reports/table.h"

/* --- text --- */

enum { GAP = 2 };

struct text_form {
	struct buf *out;
	const struct invoice_view *v;
	int label, what, quantity, price, per, amount; /* widths of columns */
};

static void put_padded(struct buf *b, const char *text, int columns, bool right)
{
	const int wide = table_text_width(text);
	for (int i = wide; right && i < columns; i++)
		buf_puts(b, " ");
	buf_puts(b, text);
	for (int i = wide; !right && i < columns; i++)
		buf_puts(b, " ");
}

static void widen(int *width, int to)
{
	*width = to > *width ? to : *width;
}

static const char *price_of(const struct text_form *f, size_t i, char room[80])
{
	const struct view_line *l = &f->v->line[i];
	snprintf(room, 80, "%s%*s", l->unit_price, (int)l->fraction_room, "");
	return room;
}

static void measure(struct text_form *f, int width)
{
	static const char *const heads[] = { "from",	"to",	  "period",   "issued",	  "due",
					     "payment", "pay-to", "corrects", "currency", NULL };
	const struct labels *l = f->v->labels;
	char room[80];
	for (int i = 0; heads[i]; i++)
		if (f->v->pay_to[0] || strcmp(heads[i], "pay-to") != 0)
			widen(&f->label, table_text_width(label(l, heads[i])) + GAP);
	f->quantity = table_text_width(label(l, "quantity"));
	f->amount = table_text_width(label(l, "amount"));
	for (size_t i = 0; i < f->v->lines; i++) {
		const struct view_line *line = &f->v->line[i];
		widen(&f->quantity, table_text_width(line->quantity));
		widen(&f->price, table_text_width(price_of(f, i, room)));
		widen(&f->per, *line->per ? 1 + table_text_width(line->per) : 0);
		widen(&f->amount, table_text_width(line->amount));
	}
	widen(&f->price, table_text_width(label(l, "unit-price")) - f->per);
	f->what = width - f->quantity - f->price - f->per - f->amount - 3 * GAP;
	f->what = f->what < 24 ? 24 : f->what > 60 ? 60 : f->what;
}

static int whole_width(const struct text_form *f)
{
	return f->what + f->quantity + f->price + f->per + f->amount + 3 * GAP;
}

static void put_pair(const struct text_form *f, const char *name, const char *value)
{
	if (!*value)
		return;
	put_padded(f->out, name, f->label, false);
	buf_printf(f->out, "%s\n", value);
}

static void put_lines_under(const struct text_form *f, const char *name, const char *const *lines)
{
	for (int i = 0; lines[i]; i++)
		put_pair(f, i ? "" : name, lines[i]);
}

static void put_head(const struct text_form *f)
{
	const struct invoice_view *v = f->v;
	const struct labels *l = v->labels;
	struct buf *b = f->out;
	buf_printf(b, "%s%s%s", v->title, *v->number ? " " : "", v->number);
	if (strcmp(v->status, "void") == 0)
		buf_printf(b, "  (%s)", v->mark);
	buf_puts(b, "\n\n");
	put_lines_under(f, label(l, "from"), v->issuer);
	put_lines_under(f, label(l, "to"), v->bill_to);
	put_padded(b, label(l, "period"), f->label, false);
	buf_printf(b, "%s (%s)\n", v->period, v->zone);
	put_pair(f, label(l, "issued"), v->issued);
	put_pair(f, label(l, "due"), v->due);
	put_pair(f, label(l, "payment"), v->state);
	put_pair(f, label(l, "corrects"), v->corrects);
	put_pair(f, label(l, "currency"), v->currency);
	put_lines_under(f, label(l, "pay-to"), v->pay_to);
	buf_puts(b, "\n");
}

static void put_rule(const struct text_form *f)
{
	for (int i = whole_width(f); i > 0; i--)
		buf_puts(f->out, "-");
	buf_puts(f->out, "\n");
}

static void put_gap(struct buf *b)
{
	buf_printf(b, "%*s", GAP, "");
}

/* A long description takes its line, and the figures follow below it. */
static void put_what(const struct text_form *f, const char *what, int indent)
{
	buf_printf(f->out, "%*s", indent, "");
	if (table_text_width(what) > f->what - indent)
		buf_printf(f->out, "%s\n%*s", what, f->what, "");
	else
		put_padded(f->out, what, f->what - indent, false);
}

static void put_line(const struct text_form *f, size_t i)
{
	const struct view_line *l = &f->v->line[i];
	char room[80];
	struct buf *b = f->out;
	if (*l->bucket && (i == 0 || strcmp(l->description, f->v->line[i - 1].description) != 0))
		buf_printf(b, "%s\n", l->description);
	put_what(f, *l->bucket ? l->bucket : l->description, *l->bucket ? 2 : 0);
	put_gap(b);
	put_padded(b, l->quantity, f->quantity, true);
	put_gap(b);
	put_padded(b, price_of(f, i, room), f->price, true);
	buf_puts(b, *l->per ? " " : "");
	put_padded(b, l->per, *l->per ? f->per - 1 : f->per, false);
	put_gap(b);
	put_padded(b, l->amount, f->amount, true);
	buf_puts(b, "\n");
}

/* A paragraph, its lines broken at words where they are wider than that. */
static void put_paragraph(struct buf *b, const char *text, int width)
{
	int column = 0;
	buf_puts(b, "\n");
	while (*text) {
		const size_t n = strcspn(text, " \n");
		char word[512];
		snprintf(word, sizeof word, "%.*s", (int)n, text);
		const int wide = table_text_width(word);
		if (column && column + 1 + wide > width) {
			buf_puts(b, "\n");
			column = 0;
		}
		buf_printf(b, "%s%.*s", column ? " " : "", (int)n, text);
		column += wide + (column > 0);
		text += n;
		if (*text == '\n') {
			buf_puts(b, "\n");
			column = 0;
		}
		text += *text != 0;
	}
	buf_puts(b, "\n");
}

static void put_text_form(struct buf *b, const struct invoice_view *v, int width)
{
	struct text_form f = { .out = b, .v = v };
	const struct labels *l = v->labels;
	measure(&f, width);
	put_head(&f);
	put_padded(b, label(l, "description"), f.what, false);
	put_gap(b);
	put_padded(b, label(l, "quantity"), f.quantity, true);
	put_gap(b);
	put_padded(b, label(l, "unit-price"), f.price + f.per, true);
	put_gap(b);
	put_padded(b, label(l, "amount"), f.amount, true);
	buf_puts(b, "\n");
	put_rule(&f);
	for (size_t i = 0; i < v->lines; i++)
		put_line(&f, i);
	put_rule(&f);
	for (size_t i = 0; i < v->sums; i++) {
		put_padded(b, v->sum[i].name, whole_width(&f) - 22, true);
		put_gap(b);
		put_padded(b, v->sum[i].amount, 20, true);
		buf_puts(b, "\n");
	}
	if (*v->note)
		put_paragraph(b, v->note, width);
	if (*v->small_print)
		put_paragraph(b, v->small_print, width);
}

void invoice_text_put(struct buf *b, const struct invoice_view *v, int width)
{
	struct buf raw = { 0 };
	put_text_form(&raw, v, width);
	buf_add_plain(b, (struct text){ raw.p, raw.n });
	buf_release(&raw);
}

/* --- CSV and JSON --- */

static bool is_zero(struct text plain)
{
	return plain.n == 0 || text_is(plain, "0");
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The day of an instant of the document, as data has it. */
static struct text day_at(const struct invoice_view *v, const char *key)
{
	const struct text t = json_string(json_member(v->root, key));
	return t.n > 10 ? (struct text){ t.p, 10 } : t;
}

/* One row: what stands in every row, around what is the row's. */
static void put_csv_row(struct buf *b, const struct invoice_view *v, const struct text row[9])
{
	enum { FIGURES = 5 }; /* the first column of the row that is no text */
	json_value *period = json_member(v->root, "period");
	const struct text before[] = { text_of(v->number), text_of(v->status), text_of(v->customer),
				       text_of(v->currency) },
			  behind[] = { day_at(v, "issued"), day_at(v, "due"),
				       json_string(json_member(period, "first_day")),
				       json_string(json_member(period, "last_day")) };
	for (size_t k = 0; k < 4; k++) {
		csv_put_text(b, before[k]);
		buf_puts(b, ",");
	}
	for (size_t k = 0; k < 9; k++) {
		(k < FIGURES ? csv_put_text : csv_put_field)(b, row[k]);
		buf_puts(b, ",");
	}
	for (size_t k = 0; k < 4; k++) {
		csv_put_field(b, behind[k]);
		buf_puts(b, k < 3 ? "," : "\n");
	}
}

/* Credits and taxes are rows as well, so that the amounts add up to the total. */
void invoice_csv_put(struct buf *b, const struct invoice_view *v)
{
	const struct text none = TEXT("");
	struct text applied = json_string(json_member(v->root, "credits_applied"));
	buf_puts(b, "number,status,customer,currency,description,kind,project,model,bucket,"
		    "quantity,unit_price,exact,amount,issued,due,first_day,last_day\n");
	size_t i = 0;
	for (json_value *o = json_first(json_member(v->root, "lines")); o; o = json_next(o), i++) {
		const struct view_line *l = &v->line[i];
		put_csv_row(b, v,
			    (const struct text[]){ text_of(l->raw), l->kind, l->project, l->model,
						   json_string(json_member(o, "bucket")),
						   l->plain_quantity, l->plain_price,
						   l->plain_exact, l->plain_amount });
	}
	if (!is_zero(applied)) {
		char negative[DECIMAL_TEXT_MAX];
		bool back = *applied.p == '-';
		snprintf(negative, sizeof negative, "%s%.*s", back ? "" : "-",
			 (int)applied.n - back, applied.p + back);
		put_csv_row(b, v,
			    (const struct text[]){ TEXT("credits applied"), TEXT("credits"), none,
						   none, none, none, none, text_of(negative),
						   text_of(negative) });
	}
	for (json_value *t = json_first(json_member(v->root, "taxes")); t; t = json_next(t)) {
		struct text amount = json_string(json_member(t, "amount"));
		put_csv_row(b, v,
			    (const struct text[]){ json_string(json_member(t, "name")), TEXT("tax"),
						   none, none, none, none,
						   json_string(json_member(t, "percent")), amount,
						   amount });
	}
}

static void put_json_amount(struct buf *b, const char *key, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	buf_printf(b, ",\"%s\":\"%s\"", key, money_total_format(m, text));
}

static void put_json_payment(struct buf *b, const struct invoice_view *v)
{
	const struct settlement *x = &v->settlement;
	if (x->state == SETTLEMENT_NONE)
		return;
	buf_printf(b, ",\n \"payment\": {\"status\":\"%s\"", settlement_name(x->state));
	put_json_amount(b, "credited", x->credited);
	put_json_amount(b, "paid", x->paid);
	put_json_amount(b, "amount_due", x->due);
	buf_puts(b, ",\"payments\":[");
	for (size_t i = 0; i < v->payments; i++) {
		buf_printf(b, "%s{\"day\":\"%s\"", i ? "," : "", v->payment[i].day);
		put_json_amount(b, "amount", v->payment[i].amount);
		buf_puts(b, ",\"reference\":");
		json_put_string(b, text_of(v->payment[i].reference));
		buf_puts(b, "}");
	}
	buf_puts(b, "]}");
}

static void put_json_drafted(struct buf *b, const struct draft *d)
{
	if (d->elsewhere)
		buf_printf(b, ",\n \"supplements_due\": %lld", (long long)d->elsewhere);
	if (*d->gap_from)
		buf_printf(b, ",\n \"uninvoiced\": {\"first_day\":\"%s\",\"last_day\":\"%s\"}",
			   d->gap_from, d->gap_last);
}

static void put_json_form(struct buf *b, const struct invoice_view *v)
{
	/* the document as it stands, but for the status that it has now */
	const char *sep = "{";
	for (json_value *m = json_first(v->root); m; m = json_next(m), sep = ",") {
		bool lines = is_same(json_key(m), "lines");
		buf_puts(b, sep);
		if (*sep == ',')
			buf_puts(b, "\n ");
		json_put_string(b, text_of(json_key(m)));
		buf_puts(b, ": ");
		if (is_same(json_key(m), "status")) {
			json_put_string(b, text_of(v->status));
		} else if (lines && json_first(m)) {
			const char *comma = "[\n  ";
			for (json_value *l = json_first(m); l; l = json_next(l), comma = ",\n  ") {
				buf_puts(b, comma);
				json_put_value(b, l);
			}
			buf_puts(b, "\n ]");
		} else {
			json_put_value(b, m);
		}
	}
	put_json_payment(b, v);
	if (v->drafted)
		put_json_drafted(b, v->drafted);
	buf_puts(b, "}\n");
}

void invoice_json_put(struct buf *b, const struct invoice_view *v)
{
	struct buf raw = { 0 };
	put_json_form(&raw, v);
	buf_add_plain(b, (struct text){ raw.p, raw.n });
	buf_release(&raw);
}
