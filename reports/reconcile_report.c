#include "reports/reconcile_report.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "meter/billing/bill_tokens.h"
#include "reports/amount.h"
#include "reports/html.h"
#include "reports/json_out.h"
#include "reports/sheet.h"
#include "reports/table.h"
#include "reports/web.h"

/* A day, or the first and the last of those that were compared as one. */
static void days_text(const struct reconciled *l, char out[32])
{
	day_format(l->day, out);
	if (l->end > l->day + 1) {
		memcpy(out + 10, "/", 1);
		day_format(l->end - 1, out + 11);
	}
}

static void put_others(struct json_out *j, const struct reconciliation *r)
{
	char day[16];
	json_out_array(j, "other");
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *o = &r->other[i];
		day_format(o->day, day);
		json_out_object(j, NULL);
		json_out_string(j, "day", day);
		json_out_string(j, "kind", bill_kind_name(o->kind));
		json_out_text(j, "what", o->what);
		json_out_money(j, "billed", o->cost);
		json_out_text(j, "place", o->place);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

void reconcile_report_csv(const struct reconcile_report *o)
{
	const struct reconciliation *r = o->r;
	const char *currency = o->currency;
	char day[32], text[4][DECIMAL_TEXT_MAX];
	struct buf b = { 0 };
	buf_puts(
		&b,
		"day,model,result,billed,metered,difference,currency,records,cause,list,rows,place\n");
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		days_text(l, day);
		buf_printf(&b, "%s,", day);
		csv_put_text(&b, l->model);
		buf_printf(&b, ",%s,%s,%s,%s,%s,%lld,%s,%s,%lld,", match_name(l->match),
			   l->billed.has_cost ? money_total_format(l->billed.cost, text[0]) : "",
			   money_total_format(l->metered.cost, text[1]),
			   money_total_format(l->difference, text[2]), currency,
			   (long long)l->metered.records, cause_name(l->cause),
			   l->billed.has_list ? money_total_format(l->billed.list, text[3]) : "",
			   (long long)l->billed.rows);
		csv_put_text(&b, l->billed.place);
		buf_puts(&b, "\n");
	}
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *x = &r->other[i];
		day_format(x->day, day);
		buf_printf(&b, "%s,", day);
		csv_put_text(&b, x->what);
		buf_printf(&b, ",%s,%s,0,%s,%s,0,no usage,,,", bill_kind_name(x->kind),
			   money_total_format(x->cost, text[0]),
			   money_total_format(x->cost, text[1]), currency);
		csv_put_text(&b, x->place);
		buf_puts(&b, "\n");
	}
	fwrite(b.p, 1, b.n, stdout);
	buf_release(&b);
}

/* What the bill says of the day and model, line by line, where it divides it. */
static void put_parts(struct json_out *j, const struct reconciliation *r,
		      const struct reconciled *l)
{
	char text[DECIMAL_TEXT_MAX];
	if (!l->parts)
		return;
	json_out_array(j, "parts");
	for (size_t at = l->parts; at; at = r->part[at - 1].next) {
		const struct bill_line *b = r->part[at - 1].line;
		json_out_object(j, NULL);
		json_out_text(j, "model", b->model);
		json_out_text(j, "project", b->project);
		json_out_text(j, "tier", b->tier);
		json_out_text(j, "tokens", b->tokens);
		if (b->has_quantity)
			json_out_string(j, "quantity", decimal_format(b->quantity, text));
		json_out_text(j, "unit", b->unit);
		json_out_money(j, "billed", b->cost);
		json_out_int(j, "rows", b->rows);
		json_out_text(j, "place", b->place);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

static void put_tokens(struct json_out *j, const char *name, const int64_t tokens[TOKEN_KINDS])
{
	json_out_object(j, name);
	for (int k = 0; k < TOKEN_KINDS; k++)
		json_out_int(j, token_kind_name((enum token_kind)k), tokens[k]);
	json_out_end(j, '}');
}

static void put_line(struct json_out *j, const struct reconciliation *r, const struct reconciled *l)
{
	char day[16];
	day_format(l->day, day);
	json_out_object(j, NULL);
	json_out_string(j, "day", day);
	if (l->end > l->day + 1) {
		day_format(l->end - 1, day);
		json_out_string(j, "last_day", day);
	}
	json_out_text(j, "model", l->model);
	json_out_string(j, "result", match_name(l->match));
	if (l->billed.has_cost)
		json_out_money(j, "billed", l->billed.cost);
	else
		json_out_null(j, "billed");
	if (l->billed.has_list)
		json_out_money(j, "list", l->billed.list);
	if (l->billed.place.n) {
		json_out_int(j, "rows", l->billed.rows);
		json_out_text(j, "place", l->billed.place);
	}
	json_out_money(j, "metered", l->metered.cost);
	json_out_money(j, "difference", l->difference);
	if (l->cause != CAUSE_NONE)
		json_out_string(j, "cause", cause_name(l->cause));
	if (l->factor)
		json_out_string(j, "factor", l->factor);
	if (l->partner.n)
		json_out_text(j, "other_name", l->partner);
	if (l->cause == CAUSE_TIER && l->tier.n)
		json_out_text(j, "tier", l->tier);
	put_parts(j, r, l);
	json_out_int(j, "records", l->metered.records);
	json_out_int(j, "unpriced", l->metered.unpriced);
	json_out_int(j, "placeholders", l->metered.placeholders);
	if (l->tokens.known) {
		put_tokens(j, "billed_tokens", l->tokens.billed);
		put_tokens(j, "metered_tokens", l->tokens.metered);
	}
	json_out_end(j, '}');
}

static enum amount_bound metered_bound(const struct reconciled *l)
{
	return at_least(usage_sums_at_least(&l->metered));
}

static enum amount_bound difference_bound(const struct reconciled *l)
{
	return bound_of_difference(EXACTLY, metered_bound(l));
}

/* Of a sum of differences: of the lines of a cause, or of every one that differs. */
static enum amount_bound sum_bound(const struct reconciliation *r, int cause)
{
	enum amount_bound bound = EXACTLY;
	for (size_t i = 0; i < r->lines && bound == EXACTLY; i++)
		if (cause < 0 ||
		    (r->line[i].cause == (enum cause)cause && r->line[i].match != MATCHES))
			bound = difference_bound(&r->line[i]);
	return bound;
}

/* The causes and their sums, in the order in which they are told. */
struct cause_sum {
	const char *key, *words;
	struct money_total sum;
	enum amount_bound bound;
};
enum { CAUSE_SUMS = 10 };

static void sums_of(const struct reconciliation *r, struct cause_sum out[CAUSE_SUMS])
{
	const struct cause_sum sums[CAUSE_SUMS] = {
		{ .key = "rounding", .words = "rounding", .sum = r->rounding },
		{ .key = "not_usage", .words = "lines that are no usage", .sum = r->not_usage },
		{ "moved_by_a_day", "the same amount one day on", r->moved,
		  sum_bound(r, CAUSE_MOVED) },
		{ "name", "another name", r->by_cause[CAUSE_NAME], sum_bound(r, CAUSE_NAME) },
		{ "price", "another price", r->by_cause[CAUSE_PRICE], sum_bound(r, CAUSE_PRICE) },
		{ "tier", "a tier's factor", r->by_cause[CAUSE_TIER], sum_bound(r, CAUSE_TIER) },
		{ "tokens", "other tokens at the same price", r->by_cause[CAUSE_TOKENS],
		  sum_bound(r, CAUSE_TOKENS) },
		{ "unpriced", "unpriced calls", r->by_cause[CAUSE_UNPRICED],
		  sum_bound(r, CAUSE_UNPRICED) },
		{ "page", "days of a page that is missing", r->by_cause[CAUSE_PAGE],
		  sum_bound(r, CAUSE_PAGE) },
		{ "missing_days", "days that the bill lacks", r->by_cause[CAUSE_SILENT],
		  sum_bound(r, CAUSE_SILENT) },
	};
	memcpy(out, sums, sizeof sums);
}

/* How the bill was read. */
static void put_reading(struct json_out *j, const struct reconcile_report *o)
{
	char day[16];
	json_out_object(j, "bill");
	json_out_string(j, "format", o->bill->title);
	if (o->bill->cost.n)
		json_out_text(j, "cost_column", o->bill->cost);
	json_out_string(j, "zone", o->zone);
	day_format(o->r->from, day);
	json_out_string(j, "first_day", day);
	day_format(o->r->to - 1, day);
	json_out_string(j, "last_day", day);
	if (o->project)
		json_out_string(j, "project", o->project);
	json_out_text(j, "unread_columns", o->bill->unread);
	json_out_text(j, "doubtful", o->bill->doubtful);
	json_out_end(j, '}');
}

void reconcile_report_put(struct json_out *j, const struct reconcile_report *o)
{
	const struct reconciliation *r = o->r;
	struct cause_sum sums[CAUSE_SUMS];
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.reconcile/1");
	json_out_string(j, "currency", o->currency);
	put_reading(j, o);
	json_out_int(j, "matching", r->count[MATCHES]);
	json_out_int(j, "differing", r->count[DIFFERS]);
	json_out_int(j, "billed_only", r->count[BILLED_ONLY]);
	json_out_int(j, "metered_only", r->count[METERED_ONLY]);
	json_out_money(j, "billed", r->billed);
	json_out_money(j, "metered", r->metered);
	json_out_money(j, "difference", r->difference);
	json_out_int(j, "unpriced", r->unpriced);
	json_out_int(j, "placeholders", r->placeholders);
	json_out_object(j, "causes");
	sums_of(r, sums);
	for (size_t i = 0; i < CAUSE_SUMS; i++)
		json_out_money(j, sums[i].key, sums[i].sum);
	json_out_end(j, '}');
	json_out_money(j, "unexplained", r->unexplained);
	json_out_int(j, "missing_days", r->silent_days);
	if (r->has_list)
		json_out_money(j, "billed_at_list", r->list);
	json_out_bool(j, "total_is_wrong", r->total_is_wrong);
	if (r->total_is_wrong)
		json_out_money(j, "total_less_rows", o->bill->total_off);
	json_out_bool(j, "partial", o->bill->partial);
	if (o->bill->pages) {
		json_out_int(j, "pages", o->bill->pages);
		json_out_int(j, "pages_missing", o->bill->pages_missing);
	}
	put_others(j, r);
	json_out_array(j, "lines");
	for (size_t i = 0; i < r->lines; i++)
		put_line(j, r, &r->line[i]);
	json_out_end(j, ']');
	json_out_end(j, '}');
}

void reconcile_report_json(const struct reconcile_report *o)
{
	struct json_out j;
	json_out_open(&j, stdout);
	reconcile_report_put(&j, o);
	json_out_close(&j);
}

static void token_remark(struct buf *b, const struct reconciled *l)
{
	const struct token_counts *t = &l->tokens;
	b->n = 0;
	buf_puts(b, "");
	for (int k = 0; l->tokens_differ && k < TOKEN_KINDS; k++)
		if (t->billed[k] != t->metered[k])
			buf_printf(b, "%s%+lld %s", b->n ? ", " : "",
				   (long long)(t->billed[k] - t->metered[k]),
				   token_kind_name((enum token_kind)k));
}

/* "metered 1,200,000 input tokens, billed 1,300,000" */
static void print_tokens(const struct reconciled *l)
{
	const struct token_counts *t = &l->tokens;
	struct buf metered = { 0 }, billed = { 0 };
	for (int k = 0; k < TOKEN_KINDS; k++) {
		if (t->billed[k] == t->metered[k])
			continue;
		put_count(&metered, t->metered[k]);
		put_count(&billed, t->billed[k]);
		print_note("    metered %s %s tokens, billed %s", metered.p,
			   token_kind_name((enum token_kind)k), billed.p);
	}
	buf_release(&metered);
	buf_release(&billed);
}

/* The first and the last of the days that the bill lacks. */
static const char *silent_days_text(const struct reconciliation *r, char out[32])
{
	days_text(&(struct reconciled){ .day = r->silent_from, .end = r->silent_to + 1 }, out);
	return out;
}

/* What makes the difference, by cause, and what is left. */
static void put_causes(const struct reconcile_report *report, struct buf *b)
{
	const struct reconciliation *r = report->r;
	const char *currency = report->currency;
	char day[32];
	for (size_t i = 0; i < r->others; i++) {
		const struct other_line *o = &r->other[i];
		put_shown_money(b, o->cost, currency, EXACTLY);
		day_format(o->day, day);
		print_note("  %s, no usage: %.*s, %s  %s  (%.*s)", bill_kind_name(o->kind),
			   (int)o->what.n, o->what.p, day, b->p, (int)o->place.n, o->place.p);
	}
	if (r->rounding.atto) {
		put_shown_money(b, r->rounding, currency, EXACTLY);
		print_note("  rounding  %s", b->p);
	}
	if (r->moved.atto) {
		put_shown_money(b, r->moved, currency, sum_bound(r, CAUSE_MOVED));
		print_note("  the same amount one day on (another zone?)  %s", b->p);
	}
	if (r->by_cause[CAUSE_PAGE].atto) {
		put_shown_money(b, r->by_cause[CAUSE_PAGE], currency, sum_bound(r, CAUSE_PAGE));
		print_note("  days of a page that is missing  %s", b->p);
	}
	if (r->silent_days) {
		put_shown_money(b, r->by_cause[CAUSE_SILENT], currency, sum_bound(r, CAUSE_SILENT));
		print_note("  days that the bill lacks (%lld of them, %s)  %s",
			   (long long)r->silent_days, silent_days_text(r, day), b->p);
	}
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		if (l->cause == CAUSE_NONE || l->cause == CAUSE_MOVED || l->cause == CAUSE_PAGE ||
		    l->cause == CAUSE_SILENT ||
		    (l->cause == CAUSE_NAME && l->match == METERED_ONLY))
			continue;
		bool name = l->cause == CAUSE_NAME;
		put_shown_money(b, name ? l->billed.cost : l->difference, currency,
				name ? EXACTLY : difference_bound(l));
		days_text(l, day);
		const bool tier = l->factor && l->tier.n;
		print_note("  %s%s%s%s%.*s: %.*s%s%.*s, %s  %s", cause_name(l->cause),
			   l->factor ? " " : "", l->factor ? l->factor : "",
			   tier ? ", billed as " : "", tier ? (int)l->tier.n : 0,
			   tier ? l->tier.p : "", (int)l->model.n, l->model.p, name ? " is " : "",
			   (int)l->partner.n, l->partner.n ? l->partner.p : "", day, b->p);
		if (l->cause == CAUSE_TOKENS)
			print_tokens(l);
	}
	put_shown_money(b, r->unexplained, currency, sum_bound(r, CAUSE_NONE));
	print_note("unexplained %s", b->p);
	if (r->total_is_wrong) {
		put_shown_money(b, report->bill->total_off, currency, EXACTLY);
		print_note("the bill's row of totals is not the sum of its rows: it says %s more",
			   b->p);
	}
}

/* One line says how both halves were cut: whose file, which amount of it, days, currency, scope. */
static void put_scope(struct buf *b, const struct reconcile_report *o)
{
	const struct bill *bill = o->bill;
	const struct reconciled days = { .day = o->r->from, .end = o->r->to };
	char text[32];
	days_text(&days, text);
	b->n = 0;
	buf_puts(b, bill->title);
	if (bill->cost.n)
		buf_printf(b, "; %.*s", (int)bill->cost.n, bill->cost.p);
	buf_printf(b, "; %s; %s (%s)", o->currency, text, o->zone);
	if (o->project)
		buf_printf(b, "; project %s", o->project);
}

void reconcile_report_table(const struct reconcile_report *o)
{
	const struct reconciliation *r = o->r;
	const char *currency = o->currency;
	static const struct table_column columns[] = {
		{ "DAY" },
		{ "MODEL", .may_shrink = true },
		{ "RESULT", .wraps = true },
		{ "BILLED", true, .money = true, .leaves = 4 },
		{ "METERED", true, .money = true, .leaves = 5 },
		{ "DIFFERENCE", true, .money = true },
		{ "RECORDS", true, .leaves = 1 },
		{ "TOKENS OFF", .may_shrink = true, .leaves = 2 },
		{ "PLACE", .may_shrink = true, .leaves = 3 },
	};
	struct table *t = table_open(columns, sizeof columns / sizeof *columns);
	struct buf b = { 0 };
	char day[32];
	size_t shown = 0;
	for (size_t i = 0; i < r->lines; i++) {
		const struct reconciled *l = &r->line[i];
		if (l->match == MATCHES && !o->all)
			continue;
		shown++;
		days_text(l, day);
		table_cell(t, day);
		table_cell(t, l->model.n ? l->model.p : "all");
		table_cell(t, match_name(l->match));
		put_money(&b, l->billed.cost, currency, EXACTLY);
		table_cell(t, l->billed.has_cost ? b.p : "-");
		put_cost(&b, &l->metered, currency);
		table_cell(t, b.p);
		put_money(&b, l->difference, currency, difference_bound(l));
		table_cell(t, b.p);
		put_count(&b, l->metered.records);
		table_cell(t, b.p);
		token_remark(&b, l);
		table_cell(t, b.p);
		table_cell(t, l->billed.place.n ? l->billed.place.p : "-");
	}
	if (shown)
		table_print(t);
	table_close(t);
	put_scope(&b, o);
	print_note("%sread as     %s", shown ? "\n" : "", b.p);
	put_shown_money(&b, r->billed, currency, EXACTLY);
	printf("billed      %s\n", b.p);
	if (r->has_list) {
		put_shown_money(&b, r->list, currency, EXACTLY);
		printf("at list     %s\n", b.p);
	}
	put_shown_money(&b, r->metered, currency, at_least(r->unpriced || r->placeholders));
	printf("metered     %s\n", b.p);
	put_shown_money(&b, r->difference, currency, sum_bound(r, -1));
	printf("difference  %s\n", b.p);
	put_causes(o, &b);
	print_note("%lld %s, %lld %s, %lld billed and never metered, %lld metered and never billed",
		   (long long)r->count[MATCHES], r->count[MATCHES] == 1 ? "matches" : "match",
		   (long long)r->count[DIFFERS], r->count[DIFFERS] == 1 ? "differs" : "differ",
		   (long long)r->count[BILLED_ONLY], (long long)r->count[METERED_ONLY]);
	buf_release(&b);
}

/* --- a page --- */

static void put_cell(struct buf *b, const char *text, bool number)
{
	buf_puts(b, number ? "<td class=\"n\">" : "<td>");
	html_put(b, text_of(text));
	buf_puts(b, "</td>");
}

static void put_text_cell(struct buf *b, struct text t)
{
	struct buf plain = { 0 };
	buf_puts(b, "<td>");
	buf_add_plain(&plain, t);
	html_put(b, (struct text){ plain.n ? plain.p : "", plain.n });
	buf_puts(b, "</td>");
	buf_release(&plain);
}

static void put_money_cell(struct buf *b, struct money_total m, const char *currency,
			   enum amount_bound bound)
{
	struct buf text = { 0 };
	put_money(&text, m, currency, bound);
	put_cell(b, text.p, true);
	buf_release(&text);
}

static void put_sum_row(struct buf *b, const char *words, struct money_total m,
			const struct reconcile_report *o, enum amount_bound bound)
{
	buf_puts(b, "<tr>");
	put_cell(b, words, false);
	put_money_cell(b, m, o->currency, bound);
	buf_puts(b, "</tr>\n");
}

static void put_sums(struct buf *b, const struct reconcile_report *o)
{
	const struct reconciliation *r = o->r;
	struct cause_sum sums[CAUSE_SUMS];
	sums_of(r, sums);
	buf_puts(b, "<section class=\"sheet\"><h2>Why they differ</h2><table>\n");
	put_sum_row(b, "billed", r->billed, o, EXACTLY);
	if (r->has_list)
		put_sum_row(b, "billed, at list prices", r->list, o, EXACTLY);
	put_sum_row(b, "metered", r->metered, o, at_least(r->unpriced || r->placeholders));
	put_sum_row(b, "difference", r->difference, o, sum_bound(r, -1));
	for (size_t i = 0; i < CAUSE_SUMS; i++)
		if (sums[i].sum.atto)
			put_sum_row(b, sums[i].words, sums[i].sum, o, sums[i].bound);
	put_sum_row(b, "unexplained", r->unexplained, o, sum_bound(r, CAUSE_NONE));
	buf_puts(b, "</table>");
	if (r->total_is_wrong)
		buf_puts(b, "<p>The bill's row of totals is not the sum of its rows.</p>");
	if (o->bill->partial)
		buf_puts(b, "<p>The bill is one page of several.</p>");
	buf_puts(b, "</section>\n");
}

static void put_days(struct buf *b, const struct reconcile_report *o)
{
	char text[32];
	buf_puts(b, "<section class=\"sheet scroll\"><h2>Day by day</h2><table>\n<tr><th>Day</th>"
		    "<th>Model</th><th>Result</th><th class=\"n\">Billed</th><th class=\"n\">"
		    "Metered</th><th class=\"n\">Difference</th><th class=\"n\">Records</th>"
		    "<th>Cause</th><th>Place</th></tr>\n");
	for (size_t i = 0; i < o->r->lines; i++) {
		const struct reconciled *l = &o->r->line[i];
		days_text(l, text);
		buf_puts(b, "<tr>");
		put_cell(b, text, false);
		put_text_cell(b, l->model.n ? l->model : TEXT("all"));
		put_cell(b, match_name(l->match), false);
		if (l->billed.has_cost)
			put_money_cell(b, l->billed.cost, o->currency, EXACTLY);
		else
			put_cell(b, "-", true);
		put_money_cell(b, l->metered.cost, o->currency, metered_bound(l));
		put_money_cell(b, l->difference, o->currency, difference_bound(l));
		snprintf(text, sizeof text, "%lld", (long long)l->metered.records);
		put_cell(b, text, true);
		put_cell(b, cause_name(l->cause), false);
		put_text_cell(b, l->billed.place);
		buf_puts(b, "</tr>\n");
	}
	for (size_t i = 0; i < o->r->others; i++) {
		const struct other_line *x = &o->r->other[i];
		day_format(x->day, text);
		buf_puts(b, "<tr>");
		put_cell(b, text, false);
		put_text_cell(b, x->what);
		put_cell(b, bill_kind_name(x->kind), false);
		put_money_cell(b, x->cost, o->currency, EXACTLY);
		put_cell(b, "-", true);
		put_money_cell(b, x->cost, o->currency, EXACTLY);
		put_cell(b, "-", true);
		put_cell(b, "no usage", false);
		put_text_cell(b, x->place);
		buf_puts(b, "</tr>\n");
	}
	buf_puts(b, "</table></section>\n");
}

void reconcile_report_html_put(struct buf *out, const struct reconcile_report *o)
{
	struct buf scope = { 0 };
	put_scope(&scope, o);
	buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<title>A bill beside the meter</title>\n<style>\n");
	web_put(out, "report.css");
	buf_puts(out, "</style>\n</head>\n<body>\n<main>\n<h1>A bill beside the meter</h1>\n"
		      "<p class=\"soft\">");
	html_put(out, (struct text){ scope.p, scope.n });
	buf_puts(out, "</p>\n");
	put_sums(out, o);
	put_days(out, o);
	buf_puts(out, "</main>\n</body>\n</html>\n");
	buf_release(&scope);
}

int reconcile_report_html(const struct reconcile_report *o, const char *path, struct err *e)
{
	struct buf b = { 0 };
	reconcile_report_html_put(&b, o);
	int rc = file_write(path, (struct text){ b.p, b.n }, e);
	buf_release(&b);
	return rc;
}

/* --- a workbook --- */

static const char title[] = "A bill beside the meter";

static void put_sum_sheet(struct sheet *w, const struct reconcile_report *o)
{
	const struct reconciliation *r = o->r;
	const struct cause_sum first[] = {
		{ .words = "billed", .sum = r->billed },
		{ .words = "metered",
		  .sum = r->metered,
		  .bound = at_least(r->unpriced || r->placeholders) },
		{ .words = "difference", .sum = r->difference, .bound = sum_bound(r, -1) }
	};
	struct cause_sum sums[CAUSE_SUMS];
	struct buf scope = { 0 };
	char exact[DECIMAL_TEXT_MAX], words[64];
	lxw_row_t row = 2;
	sums_of(r, sums);
	put_scope(&scope, o);
	sheet_page(w, "Causes");
	sheet_text(w, 0, 0, (struct text){ scope.p, scope.n });
	buf_release(&scope);
	for (size_t i = 0; i < 3 + CAUSE_SUMS + 1; i++, row++) {
		const struct cause_sum last = { .words = "unexplained",
						.sum = r->unexplained,
						.bound = sum_bound(r, CAUSE_NONE) };
		const struct cause_sum *s = i < 3		 ? &first[i]
					    : i < 3 + CAUSE_SUMS ? &sums[i - 3]
								 : &last;
		snprintf(words, sizeof words, "%s%s", s->words, bound_words(s->bound));
		sheet_head(w, row, 0, words);
		sheet_money(w, row, 1, s->sum);
		sheet_text(w, row, 2, text_of(money_total_format(s->sum, exact)));
	}
	sheet_width(w, 0, 0, 30);
	sheet_width(w, 1, 2, 22);
}

static void put_line_sheet(struct sheet *w, const struct reconcile_report *o)
{
	static const char *const heads[] = { "Day",	"Model",      "Result",	   "Billed",
					     "Metered", "Difference", "Records",   "Unpriced",
					     "Cause",	"Place",      "Start only" };
	lxw_row_t row = 1;
	sheet_page(w, "Days");
	for (lxw_col_t c = 0; c < sizeof heads / sizeof *heads; c++)
		sheet_title(w, 0, c, heads[c], (c >= 3 && c <= 7) || c == 10);
	for (size_t i = 0; i < o->r->lines; i++, row++) {
		const struct reconciled *l = &o->r->line[i];
		sheet_day(w, row, 0, l->day);
		sheet_text(w, row, 1, l->model.n ? l->model : TEXT("all"));
		sheet_text(w, row, 2, text_of(match_name(l->match)));
		if (l->billed.has_cost)
			sheet_money(w, row, 3, l->billed.cost);
		sheet_money(w, row, 4, l->metered.cost);
		sheet_money(w, row, 5, l->difference);
		sheet_count(w, row, 6, l->metered.records);
		sheet_count(w, row, 7, l->metered.unpriced);
		sheet_text(w, row, 8, text_of(cause_name(l->cause)));
		sheet_text(w, row, 9, l->billed.place);
		sheet_count(w, row, 10, l->metered.placeholders);
	}
	for (size_t i = 0; i < o->r->others; i++, row++) {
		const struct other_line *x = &o->r->other[i];
		sheet_day(w, row, 0, x->day);
		sheet_text(w, row, 1, x->what);
		sheet_text(w, row, 2, text_of(bill_kind_name(x->kind)));
		sheet_money(w, row, 3, x->cost);
		sheet_money(w, row, 5, x->cost);
		sheet_text(w, row, 8, TEXT("no usage"));
		sheet_text(w, row, 9, x->place);
	}
	sheet_width(w, 0, 0, 12);
	sheet_width(w, 1, 1, 34);
	sheet_width(w, 2, 8, 16);
	sheet_width(w, 9, 9, 34);
	sheet_table(w, 0, row ? row - 1 : 0, 10);
}

static void put_bill_sheet(struct sheet *w, const struct bill *bill)
{
	static const char *const heads[] = { "Day",	"Last day", "Kind", "Model",   "Tier",
					     "Tokens",	"Quantity", "Unit", "Project", "Billed",
					     "At list", "Rows",	    "Place" };
	char text[DECIMAL_TEXT_MAX];
	sheet_page(w, "Bill");
	for (lxw_col_t c = 0; c < sizeof heads / sizeof *heads; c++)
		sheet_title(w, 0, c, heads[c], c == 6 || (c >= 9 && c <= 11));
	for (size_t i = 0; i < bill->lines; i++) {
		const struct bill_line *b = &bill->line[i];
		const lxw_row_t row = (lxw_row_t)(i + 1);
		sheet_day(w, row, 0, b->day);
		sheet_day(w, row, 1, b->end - 1);
		sheet_text(w, row, 2, text_of(bill_kind_name(b->kind)));
		sheet_text(w, row, 3, b->model);
		sheet_text(w, row, 4, b->tier);
		sheet_text(w, row, 5, b->tokens);
		if (b->has_quantity)
			sheet_quantity(w, row, 6, text_of(decimal_format(b->quantity, text)));
		sheet_text(w, row, 7, b->unit);
		sheet_text(w, row, 8, b->project);
		if (b->has_cost)
			sheet_money(w, row, 9, b->cost);
		if (b->has_list)
			sheet_money(w, row, 10, b->list);
		sheet_count(w, row, 11, b->rows);
		sheet_text(w, row, 12, b->place);
	}
	sheet_width(w, 0, 2, 12);
	sheet_width(w, 3, 3, 34);
	sheet_width(w, 4, 11, 14);
	sheet_width(w, 12, 12, 34);
	sheet_table(w, 0, (lxw_row_t)bill->lines, 12);
}

static int check_rows(const struct reconcile_report *o, struct err *e)
{
	enum { ROWS_MOST = 1048000 };
	return o->r->lines + o->r->others <= ROWS_MOST && o->bill->lines <= ROWS_MOST
		       ? 0
		       : err_set(e, ERR_RANGE,
				 "more than %d rows; a spreadsheet holds no more: choose a period",
				 ROWS_MOST);
}

static void put_sheets(struct sheet *w, const struct reconcile_report *o)
{
	put_sum_sheet(w, o);
	put_line_sheet(w, o);
	put_bill_sheet(w, o->bill);
}

int reconcile_report_xlsx(const struct reconcile_report *o, const char *path, struct err *e)
{
	struct sheet w;
	int rc = check_rows(o, e);
	if (rc == 0)
		rc = sheet_open(&w, path, title, 0, false, e);
	if (rc != 0)
		return rc;
	put_sheets(&w, o);
	return sheet_close(&w, path, e);
}

int reconcile_report_xlsx_put(struct buf *out, const struct reconcile_report *o, struct err *e)
{
	struct sheet w;
	char path[SHEET_PATH_MAX];
	int rc = check_rows(o, e);
	if (rc == 0)
		rc = sheet_open_buffer(&w, path, title, 0, false, e);
	if (rc != 0)
		return rc;
	put_sheets(&w, o);
	return sheet_close_buffer(&w, path, out, e);
}
