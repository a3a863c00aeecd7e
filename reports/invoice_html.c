#include <string.h>

#include "reports/html.h"
#include "reports/invoice_view.h"

/* One file, no other: fonts of the system, a sheet on the screen, plain on paper. */
static const char style[] =
	":root{--ink:#1c1f24;--soft:#667080;--line:#dfe3e8;--sheet:#fff;--back:#f2f4f7;--accent:#"
	"1f5f8b}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--line:#343b45;"
	"--sheet:#1b1f26;--back:#111419;--accent:#7cc0ea}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
	"Neue',Arial,sans-serif}\n"
	"main{max-width:60rem;margin:2rem "
	"auto;background:var(--sheet);padding:3rem;border-radius:8px;"
	"box-shadow:0 1px 8px rgba(0,0,0,.12)}\n"
	"h1{font-size:1.9rem;margin:0;letter-spacing:-.01em}.number{color:var(--soft);font-size:1."
	"1rem}\n"
	".top{display:flex;justify-content:space-between;gap:2rem;flex-wrap:wrap;margin-bottom:"
	"2rem}\n"
	".parties>div{flex:1;min-width:14rem;overflow-wrap:anywhere}.logo{max-width:200px;max-height:64px}.label{color:var(--soft);font-size:.8rem;text-transform:"
	"uppercase;"
	"letter-spacing:.06em}\n"
	"dl{display:flex;flex-wrap:wrap;gap:.6rem "
	"1.6rem;margin:0}dt{color:var(--soft);font-size:.8rem}"
	"dd{margin:0}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin-top:1rem}"
	"th{text-align:left;color:var(--soft);font-weight:600;font-size:.85rem;border-bottom:2px "
	"solid "
	"var(--line);padding:.4rem .5rem}\n"
	"td{padding:.35rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}"
	".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	".per{color:var(--soft);white-space:nowrap;padding-left:0}.n+.per:empty{padding:0}.pay{margin-top:1.6rem}\n"
	"tr.group td{font-weight:600;border-bottom:0;padding-top:.9rem}tr.part "
	"td:first-child{padding-left:"
	"1.5rem;color:var(--soft)}\n"
	".asked{display:flex;gap:1rem;flex-wrap:wrap;justify-content:space-between;align-items:baseline;border-"
	"block:1px solid;padding:.5rem 0;margin:1.2rem 0}.asked strong{font-size:1.35rem}"
	".sums{margin:1.2rem 0 0 auto;width:auto;min-width:18rem}.sums td{border:0;padding:.15rem "
	".5rem}"
	".sums tr.strong td{font-weight:700;font-size:1.15rem;border-top:2px solid "
	"var(--ink);padding-top:"
	".5rem}\n"
	".note{margin-top:2rem}.small{color:var(--soft);font-size:.85rem;margin-top:1.5rem}\n"
	".stamp{color:#b3261e;border:3px solid #b3261e;border-radius:6px;padding:.1rem "
	".8rem;font-weight:700;"
	"display:inline-block;transform:rotate(-4deg);margin-left:1rem}\n"
	"@media (max-width:40rem){main{margin:0;padding:1.2rem;border-radius:0}}\n"
	"@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--sheet:#fff;--back:#fff}"
	"main{box-shadow:none;margin:0;padding:0;max-width:none}tr{break-inside:avoid}"
	"thead{display:table-header-group}}\n";

static void put_party(struct buf *b, const char *name, const char *const *lines)
{
	if (!lines[0])
		return;
	buf_printf(b, "<div><div class=\"label\">%s</div>", name);
	for (int i = 0; lines[i]; i++) {
		buf_puts(b, i ? "<div dir=\"auto\">" : "<div dir=\"auto\"><strong>");
		html_put(b, text_of(lines[i]));
		buf_puts(b, i ? "</div>" : "</strong></div>");
	}
	buf_puts(b, "</div>\n");
}

static void put_pair(struct buf *b, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_printf(b, "<div><dt>%s</dt><dd>", name);
	html_put(b, text_of(value));
	buf_puts(b, "</dd></div>");
}

static void put_cell(struct buf *b, const char *class, const char *text)
{
	buf_printf(b, "<td%s>", class);
	html_put(b, text_of(text));
	buf_puts(b, "</td>");
}

/* Figure spaces are as wide as a digit, so that decimal points stand one below the other. */
static void put_price(struct buf *b, const struct view_line *l)
{
	buf_puts(b, "<td class=\"n\">");
	html_put(b, text_of(l->unit_price));
	for (size_t i = 0; i < l->fraction_room; i++)
		/* the one in place of the point is narrower */
		buf_puts(b, i == 0 && l->fraction == 0 ? "\u2008" : "\u2007");
	buf_puts(b, "</td>");
	put_cell(b, " class=\"per\"", l->per);
}

static void put_lines(struct buf *b, const struct invoice_view *v)
{
	const struct labels *l = v->labels;
	buf_printf(b,
		   "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">%s</th><th "
		   "scope=\"col\" class=\"n\">%s</th><th scope=\"col\" class=\"n\" "
		   "colspan=\"2\">%s</th><th scope=\"col\" class=\"n\">%s</th></tr></thead>"
		   "<tbody>\n",
		   label(l, "description"), label(l, "quantity"), label(l, "unit-price"),
		   label(l, "amount"));
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *line = &v->line[i];
		if (*line->bucket &&
		    (i == 0 || strcmp(line->description, v->line[i - 1].description) != 0)) {
			buf_puts(b, "<tr class=\"group\"><td colspan=\"5\" dir=\"auto\">");
			html_put(b, text_of(line->description));
			buf_puts(b, "</td></tr>\n");
		}
		buf_puts(b, *line->bucket ? "<tr class=\"part\">" : "<tr>");
		put_cell(b, "", *line->bucket ? line->bucket : line->description);
		put_cell(b, " class=\"n\"", line->quantity);
		put_price(b, line);
		put_cell(b, " class=\"n\"", line->amount);
		buf_puts(b, "</tr>\n");
	}
	buf_puts(b, "</tbody></table></div>\n<table class=\"sums\"><tbody>\n");
	for (size_t i = 0; i < v->sums; i++) {
		buf_puts(b, v->sum[i].strong ? "<tr class=\"strong\">" : "<tr>");
		put_cell(b, "", v->sum[i].name);
		put_cell(b, " class=\"n\"", v->sum[i].amount);
		buf_puts(b, "</tr>\n");
	}
	buf_puts(b, "</tbody></table>\n");
}

static void put_head(struct buf *b, const struct invoice_view *v)
{
	const struct labels *l = v->labels;
	buf_puts(b, "<div class=\"top\"><div><h1>");
	html_put(b, text_of(v->title));
	if (strcmp(v->status, "final") != 0)
		buf_printf(b, " <span class=\"stamp\">%s</span>", v->mark);
	buf_puts(b, "</h1><div class=\"number\">");
	html_put(b, text_of(v->number));
	buf_puts(b, "</div></div>");
	if (v->logo.n) {
		buf_puts(b, "<img class=\"logo\" alt=\"\" src=\"");
		html_put(b, v->logo);
		buf_puts(b, "\">");
	}
	buf_puts(b, "</div>\n<div class=\"top parties\">");
	put_party(b, label(l, "from"), v->issuer);
	put_party(b, label(l, v->is_note ? "to" : "bill-to"), v->bill_to);
	buf_puts(b, "</div>\n<dl>");
	put_pair(b, label(l, "issued"), v->issued);
	put_pair(b, label(l, "due"), v->due);
	put_pair(b, label(l, "period"), v->period);
	put_pair(b, label(l, "zone"), v->zone);
	put_pair(b, label(l, "corrects"), v->corrects);
	put_pair(b, label(l, "currency"), v->currency);
	buf_puts(b, "</dl>\n");
	if (*v->asked && strcmp(v->status, "void") != 0) {
		buf_printf(b, "<p class=\"asked\"><span>%s</span> <strong>",
			   label(l, "amount-due"));
		html_put(b, text_of(v->asked));
		buf_puts(b, "</strong></p>\n");
	}
}

static void put_paragraph(struct buf *b, const char *class, const char *text)
{
	if (!*text)
		return;
	buf_printf(b, "<p class=\"%s\" dir=\"auto\">", class);
	html_put(b, text_of(text));
	buf_puts(b, "</p>\n");
}

void invoice_html_put(struct buf *b, const struct invoice_view *v)
{
	buf_printf(b,
		   "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta "
		   "name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>",
		   labels_language(v->labels));
	html_put(b, text_of(v->title));
	buf_puts(b, " ");
	html_put(b, text_of(v->number));
	buf_printf(b, "</title>\n<style>%s</style></head>\n<body><main>\n", style);
	put_head(b, v);
	put_lines(b, v);
	if (v->pay_to[0] && (*v->asked || strcmp(v->status, "draft") == 0)) {
		buf_puts(b, "<div class=\"pay\">");
		put_party(b, label(v->labels, "pay-to"), v->pay_to);
		buf_puts(b, "</div>\n");
	}
	put_paragraph(b, "note", v->note);
	put_paragraph(b, "small", v->small_print);
	buf_puts(b, "</main></body></html>\n");
}
