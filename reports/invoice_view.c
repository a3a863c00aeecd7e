#include "reports/invoice_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/instant.h"
#include "meter/billing/tiers.h"
#include "reports/table.h"

static const char *text_at(struct invoice_view *v, json_value *o, const char *key)
{
	struct text t = json_string(json_member(o, key));
	return arena_text(&v->arena, t.n ? t.p : "", t.n);
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* "1234.5" as "1,234.50" at two places. */
static const char *placed(struct invoice_view *v, struct text plain, int places)
{
	struct decimal d;
	char text[DECIMAL_TEXT_MAX * 2], grouped[DECIMAL_TEXT_MAX * 2];
	if (decimal_parse(&d, plain, NULL) != 0)
		return arena_text(&v->arena, plain.n ? plain.p : "", plain.n);
	decimal_format(d, text);
	if (places > 0) {
		char *point = strchr(text, '.');
		int have = point ? (int)strlen(point + 1) : 0;
		if (!point)
			strcat(text, ".");
		while (have++ < places)
			strcat(text, "0");
	}
	number_grouped(grouped, text);
	return arena_text(&v->arena, grouped, strlen(grouped));
}

static const char *amount(struct invoice_view *v, struct text plain, int places)
{
	const char *n = placed(v, plain, places);
	bool negative = *n == '-';
	if (same(v->currency, "USD"))
		return arena_printf(&v->arena, "%s$%s", negative ? "-" : "", n + negative);
	return n;
}

static const char *day_of(struct invoice_view *v, const char *instant)
{
	return arena_text(&v->arena, instant, strlen(instant) < 10 ? strlen(instant) : 10);
}

/* {"name": .., "address": ["..", ".."], "tax_id": .., "email": ..} as lines. */
static void party(struct invoice_view *v, json_value *p, const char *lines[10])
{
	size_t n = 0;
	static const char *const keys[] = { "name", "address", "country", "tax_id", "email" };
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		json_value *m = json_member(p, keys[k]);
		if (json_kind(m) == JSON_STRING && n < 9) {
			struct text t = json_string(m);
			lines[n++] = arena_text(&v->arena, t.p, t.n);
		}
		for (json_value *l = json_kind(m) == JSON_ARRAY ? json_first(m) : NULL; l && n < 9;
		     l = json_next(l)) {
			struct text t = json_string(l);
			lines[n++] = arena_text(&v->arena, t.n ? t.p : "", t.n);
		}
	}
	lines[n] = NULL;
}

static const char *bucket_title(const char *b)
{
	static const char *const titles[][2] = {
		{ "input", "input tokens" },
		{ "cache_read", "cached input tokens" },
		{ "cache_write_5m", "cache writes (5 minutes)" },
		{ "cache_write_1h", "cache writes (1 hour)" },
		{ "output", "output tokens" },
		{ "reasoning", "reasoning tokens" },
		{ "request", "calls" },
		{ "record", "calls, rounded one by one" },
	};
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (same(b, titles[i][0]))
			return titles[i][1];
	return b;
}

static void take_line(struct invoice_view *v, json_value *o, int places)
{
	struct view_line *l = &v->line[v->lines++];
	const char *bucket = text_at(v, o, "bucket");
	struct text unit = json_string(json_member(o, "unit"));
	l->description = text_at(v, o, "description");
	l->bucket = bucket_title(bucket);
	l->kind = json_string(json_member(o, "kind"));
	l->project = json_string(json_member(o, "project"));
	l->model = json_string(json_member(o, "model"));
	l->plain_quantity = json_string(json_member(o, "quantity"));
	l->plain_price = json_string(json_member(o, "unit_price"));
	l->plain_exact = json_string(json_member(o, "exact"));
	l->plain_amount = json_string(json_member(o, "amount"));
	l->amount = amount(v, l->plain_amount, places);
	bool counted = !text_is(l->kind, "fixed") && !text_is(l->kind, "discount") &&
		       !text_is(l->kind, "minimum") && !text_is(l->kind, "maximum") &&
		       !text_is(l->kind, "coupon") && !text_is(l->kind, "rounding") &&
		       !text_is(l->kind, "note");
	l->quantity = counted ? placed(v, l->plain_quantity, 0) : "";
	l->unit_price = "";
	if (counted && l->plain_price.n) {
		const char *price = amount(v, l->plain_price, 0);
		l->unit_price = text_is(unit, "million tokens")
					? arena_printf(&v->arena, "%s / 1M", price)
					: price;
	}
}

static int places_of(const struct invoice_view *v)
{
	json_value *p = json_member(json_member(v->root, "rounding"), "places");
	struct decimal d;
	int64_t places = 2;
	if (p && decimal_parse(&d, json_number(p), NULL) == 0)
		decimal_to_int64(d, 0, &places);
	return (int)places;
}

static const char *total_text(struct invoice_view *v, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	return amount(v, text_of(money_total_format(m, text)), places_of(v));
}

/* Lines under one heading make a group; its sum is that of the amounts that are printed. */
static int take_groups(struct invoice_view *v, struct err *e)
{
	int rc = 0;
	v->group = mem_zalloc((v->lines + 1) * sizeof *v->group);
	for (size_t i = 0; rc == 0 && i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		struct money_total m = { 0 };
		struct decimal d;
		if (i == 0 || !*l->bucket || !*v->line[i - 1].bucket ||
		    !same(l->description, v->line[i - 1].description))
			v->group[v->groups++].description = l->description;
		if (l->plain_amount.n)
			rc = decimal_parse(&d, l->plain_amount, e);
		if (rc == 0 && l->plain_amount.n)
			rc = amount_from_decimal(&m, d, e);
		if (rc == 0 && !money_total_add(&v->group[v->groups - 1].sum, m))
			rc = err_set(e, ERR_RANGE, "the lines of an invoice come to too much");
	}
	for (size_t i = 0; i < v->groups; i++)
		v->group[i].amount = total_text(v, v->group[i].sum);
	return rc;
}

const char *invoice_view_rest(struct invoice_view *v, size_t first)
{
	struct money_total m = { 0 };
	for (size_t i = first; i < v->groups; i++)
		CHECK(money_total_add(&m, v->group[i].sum));
	return total_text(v, m);
}

static void add_sum(struct invoice_view *v, const char *name, const char *text, bool strong)
{
	if (v->sums < sizeof v->sum / sizeof *v->sum)
		v->sum[v->sums++] = (struct view_sum){ name, text, strong };
}

static bool is_zero(struct text plain)
{
	return plain.n == 0 || text_is(plain, "0");
}

static void take_sums(struct invoice_view *v, int places)
{
	struct text applied = json_string(json_member(v->root, "credits_applied"));
	bool plain = is_zero(applied) && !json_first(json_member(v->root, "taxes"));
	if (!plain)
		add_sum(v, "Subtotal",
			amount(v, json_string(json_member(v->root, "subtotal")), places), false);
	if (!is_zero(applied))
		/* a minus of its own means that credits were given back */
		add_sum(v, *applied.p == '-' ? "Credits given back" : "Credits applied",
			*applied.p == '-'
				? amount(v, (struct text){ applied.p + 1, applied.n - 1 }, places)
				: arena_printf(&v->arena, "-%s", amount(v, applied, places)),
			false);
	for (json_value *t = json_first(json_member(v->root, "taxes")); t; t = json_next(t))
		add_sum(v,
			arena_printf(&v->arena, "%s %s %%", text_at(v, t, "name"),
				     text_at(v, t, "percent")),
			amount(v, json_string(json_member(t, "amount")), places), false);
	const char *total = amount(v, json_string(json_member(v->root, "total")), places);
	const char *bound = json_member(v->root, "unpriced") ? ">= " : "";
	add_sum(v, "Total",
		same(v->currency, "USD")
			? arena_printf(&v->arena, "%s%s", bound, total)
			: arena_printf(&v->arena, "%s%s %s", bound, total, v->currency),
		true);
}

static void take_small_print(struct invoice_view *v, int places)
{
	json_value *rounding = json_member(v->root, "rounding"),
		   *unpriced = json_member(v->root, "unpriced");
	struct text residual = json_string(json_member(v->root, "residual"));
	const char *a = "", *b = "";
	if (rounding)
		a = arena_printf(&v->arena,
				 "%s is rounded %s to %d decimals; the roundings add up to %.*s.",
				 text_is(json_string(json_member(rounding, "of")), "document")
					 ? "The sum"
					 : "Every line",
				 text_at(v, rounding, "mode"), places, (int)residual.n,
				 residual.n ? residual.p : "0");
	if (unpriced)
		b = arena_printf(
			&v->arena,
			" %.*s records have no price or are not covered by the plan, and are not "
			"in the total, which is a "
			"lower bound.",
			(int)json_number(unpriced).n, json_number(unpriced).p);
	v->small_print = arena_printf(&v->arena, "%s%s", a, b);
	if (json_true(json_member(v->root, "reverse_charge")))
		v->small_print =
			arena_printf(&v->arena,
				     "Reverse charge: the recipient of the service owes the "
				     "tax. %s",
				     v->small_print);
	for (json_value *p = json_first(json_member(v->root, "periods")); p; p = json_next(p))
		for (json_value *r = json_first(json_member(p, "rates")); r; r = json_next(r))
			v->small_print =
				arena_printf(&v->arena, "%s%sExchanged at %s.", v->small_print,
					     *v->small_print ? " " : "", text_at(v, r, "rate"));
}

int invoice_view_open(struct invoice_view **out, struct text document, const char *status,
		      struct err *e)
{
	struct invoice_view *v = mem_zalloc(sizeof *v);
	struct instant issued;
	size_t n = 0;
	int rc = json_open(&v->json, document, e);
	if (rc != 0) {
		free(v);
		return rc;
	}
	v->root = json_root(v->json);
	bool note = text_is(json_string(json_member(v->root, "kind")), "note");
	v->status = arena_text(&v->arena, status, strlen(status));
	v->title = note ? "Credit note" : same(status, "draft") ? "Draft invoice" : "Invoice";
	v->number = text_at(v, v->root, "number");
	v->customer = text_at(v, v->root, "customer");
	v->currency = text_at(v, v->root, "currency");
	v->corrects = text_at(v, v->root, "corrects");
	v->note = text_at(v, v->root, "note");
	json_value *period = json_member(v->root, "period");
	v->period = arena_printf(&v->arena, "%s to %s", text_at(v, period, "first_day"),
				 text_at(v, period, "last_day"));
	v->zone = text_at(v, period, "timezone");
	const char *issued_text = text_at(v, v->root, "issued");
	v->issued = day_of(v, issued_text);
	v->due = day_of(v, text_at(v, v->root, "due"));
	if (*issued_text && instant_parse(&issued, text_of(issued_text), NULL) == 0)
		v->issued_us = issued.us;
	party(v, json_member(v->root, "issuer"), v->issuer);
	party(v, json_member(v->root, "bill_to"), v->bill_to);
	if (!v->bill_to[0]) {
		v->bill_to[0] = v->customer;
		v->bill_to[1] = NULL;
	}
	json_value *lines = json_member(v->root, "lines");
	for (json_value *l = json_first(lines); l; l = json_next(l))
		n++;
	v->line = mem_zalloc((n + 1) * sizeof *v->line);
	for (json_value *l = json_first(lines); l; l = json_next(l))
		take_line(v, l, places_of(v));
	take_sums(v, places_of(v));
	take_small_print(v, places_of(v));
	v->asked = "";
	rc = take_groups(v, e);
	if (rc != 0) {
		invoice_view_close(v);
		return rc;
	}
	*out = v;
	return 0;
}

/* --- what is paid and due --- */

static int take_payment(void *user, const struct payment *p)
{
	struct invoice_view *v = user;
	char text[INSTANT_TEXT_MAX];
	v->payment = mem_grow(v->payment, (v->payments + 1) * sizeof *v->payment);
	instant_format(p->at, text);
	v->payment[v->payments++] =
		(struct view_payment){ day_of(v, text),
				       arena_text(&v->arena, p->reference.n ? p->reference.p : "",
						  p->reference.n),
				       p->at, p->amount };
	return 0;
}

static void add_amount(struct invoice_view *v, const char *name, struct money_total m, int places)
{
	char text[DECIMAL_TEXT_MAX];
	add_sum(v, name, amount(v, text_of(money_total_format(m, text)), places), false);
}

static void take_settlement(struct invoice_view *v, int places)
{
	const struct settlement *x = &v->settlement;
	if (x->credited.atto)
		add_amount(v, "Credit notes", (struct money_total){ -x->credited.atto }, places);
	if (v->payments == 1)
		add_amount(v, arena_printf(&v->arena, "Paid on %s", v->payment[0].day),
			   (struct money_total){ -x->paid.atto }, places);
	else if (v->payments)
		add_amount(v, arena_printf(&v->arena, "Paid (%zu payments)", v->payments),
			   (struct money_total){ -x->paid.atto }, places);
	if (x->credited.atto || v->payments)
		add_amount(v, x->due.atto < 0 ? "Credit balance" : "Amount due",
			   (struct money_total){ x->due.atto < 0 ? -x->due.atto : x->due.atto },
			   places);
}

/* What the first page says in large letters: how much, and by when. */
static void take_asked(struct invoice_view *v)
{
	const bool bound = json_member(v->root, "unpriced");
	if (v->settlement.state == SETTLEMENT_NONE || v->settlement.due.atto <= 0)
		return;
	v->asked =
		arena_printf(&v->arena, "%s%s%s%s%s%s", bound ? ">= " : "",
			     total_text(v, v->settlement.due), same(v->currency, "USD") ? "" : " ",
			     same(v->currency, "USD") ? "" : v->currency, *v->due ? " by " : "",
			     v->due);
}

int invoice_view_of(struct invoice_view **out, struct store *s, const struct stored_invoice *i,
		    struct instant at, struct err *e)
{
	char status[16];
	struct invoice_view *v;
	snprintf(status, sizeof status, "%.*s", (int)i->status.n, i->status.p);
	int rc = invoice_view_open(&v, i->document, status, e);
	if (rc != 0)
		return rc;
	rc = settlement_read(s, i, at, &v->settlement, e);
	if (rc == 0 && v->settlement.state != SETTLEMENT_NONE)
		rc = payments_each(s, i->id, take_payment, v, e);
	if (rc != 0) {
		invoice_view_close(v);
		return rc;
	}
	take_settlement(v, places_of(v));
	take_asked(v);
	*out = v;
	return 0;
}

void invoice_view_close(struct invoice_view *v)
{
	if (!v)
		return;
	json_close(v->json);
	free(v->line);
	free(v->group);
	free(v->payment);
	arena_release(&v->arena);
	free(v);
}

static void list_amount(struct json_out *j, const char *key, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	json_out_string(j, key, money_total_format(m, text));
}

void invoice_list_item(struct json_out *j, const struct stored_invoice *i,
		       const struct settlement *x)
{
	json_out_object(j, NULL);
	json_out_int(j, "id", i->id);
	if (i->number.n)
		json_out_text(j, "number", i->number);
	else
		json_out_null(j, "number");
	json_out_text(j, "kind", i->kind);
	json_out_text(j, "status", i->status);
	json_out_text(j, "customer", i->customer);
	json_out_instant(j, "from", i->from);
	json_out_instant(j, "to", i->to);
	json_out_text(j, "first_day", i->first_day);
	json_out_text(j, "last_day", i->last_day);
	json_out_text(j, "currency", i->currency);
	json_out_text(j, "total", i->total);
	if (i->unpriced) {
		json_out_int(j, "unpriced", i->unpriced);
		json_out_bool(j, "lower_bound", true);
	}
	if (x->state != SETTLEMENT_NONE) {
		json_out_string(j, "payment", settlement_name(x->state));
		list_amount(j, "credited", x->credited);
		list_amount(j, "paid", x->paid);
		list_amount(j, "amount_due", x->due);
		if (x->due_at.us)
			json_out_instant(j, "due", x->due_at);
	}
	json_out_end(j, '}');
}

/* --- text --- */

static size_t longest(const struct invoice_view *v, const char *(*of)(const struct view_line *l),
		      size_t least)
{
	for (size_t i = 0; i < v->lines; i++)
		if (strlen(of(&v->line[i])) > least)
			least = strlen(of(&v->line[i]));
	return least;
}

static const char *quantity_of(const struct view_line *l)
{
	return l->quantity;
}
static const char *price_of(const struct view_line *l)
{
	return l->unit_price;
}
static const char *amount_of_line(const struct view_line *l)
{
	return l->amount;
}

static void put_rule(struct buf *b, int width)
{
	for (int i = 0; i < width; i++)
		buf_puts(b, "-");
	buf_puts(b, "\n");
}

static void put_text_form(struct buf *b, const struct invoice_view *v, int width)
{
	const int q = (int)longest(v, quantity_of, 8), p = (int)longest(v, price_of, 10),
		  a = (int)longest(v, amount_of_line, 6);
	int what = width - q - p - a - 6;
	what = what < 24 ? 24 : what > 60 ? 60 : what;
	width = what + q + p + a + 6;
	buf_printf(b, "%s%s%s%s\n\n", v->title, *v->number ? " " : "", v->number,
		   same(v->status, "void") ? "  (VOID)" : "");
	for (int i = 0; v->issuer[i]; i++)
		buf_printf(b, "%s%s\n", i ? "          " : "From      ", v->issuer[i]);
	for (int i = 0; v->bill_to[i]; i++)
		buf_printf(b, "%s%s\n", i ? "          " : "To        ", v->bill_to[i]);
	buf_printf(b, "Period    %s (%s)\n", v->period, v->zone);
	if (*v->issued)
		buf_printf(b, "Issued    %s\n", v->issued);
	if (*v->due)
		buf_printf(b, "Due       %s\n", v->due);
	if (v->settlement.state != SETTLEMENT_NONE)
		buf_printf(b, "Payment   %s\n", settlement_name(v->settlement.state));
	if (*v->corrects)
		buf_printf(b, "Corrects  %s\n", v->corrects);
	buf_printf(b, "Currency  %s\n\n", v->currency);
	buf_printf(b, "%-*s  %*s  %*s  %*s\n", what, "Description", q, "Quantity", p, "Unit price",
		   a, "Amount");
	put_rule(b, width);
	for (size_t i = 0; i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		/* a long description goes on in lines of its own */
		const char *d = *l->bucket ? l->bucket : l->description;
		bool group = *l->bucket &&
			     (i == 0 || strcmp(l->description, v->line[i - 1].description) != 0);
		if (group)
			buf_printf(b, "%s\n", l->description);
		buf_printf(b, "%s%-*.*s  %*s  %*s  %*s\n", *l->bucket ? "  " : "",
			   what - (*l->bucket ? 2 : 0), what - (*l->bucket ? 2 : 0), d, q,
			   l->quantity, p, l->unit_price, a, l->amount);
	}
	put_rule(b, width);
	for (size_t i = 0; i < v->sums; i++)
		buf_printf(b, "%*s  %*s\n", width - 22, v->sum[i].name, 20, v->sum[i].amount);
	if (*v->note)
		buf_printf(b, "\n%s\n", v->note);
	if (*v->small_print)
		buf_printf(b, "\n%s\n", v->small_print);
}

void invoice_text_put(struct buf *b, const struct invoice_view *v, int width)
{
	struct buf raw = { 0 };
	put_text_form(&raw, v, width);
	buf_add_plain(b, (struct text){ raw.p, raw.n });
	buf_release(&raw);
}

/* --- CSV and JSON --- */

/* One row: what stands in every row, around what is the row's. */
static void put_csv_row(struct buf *b, const struct invoice_view *v, const struct text row[9])
{
	enum { FIGURES = 5 }; /* the first column of the row that is no text */
	json_value *period = json_member(v->root, "period");
	const struct text before[] = { text_of(v->number), text_of(v->status), text_of(v->customer),
				       text_of(v->currency) },
			  behind[] = { text_of(v->issued), text_of(v->due),
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
			    (const struct text[]){ text_of(l->description), l->kind, l->project,
						   l->model, json_string(json_member(o, "bucket")),
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

static void put_json_form(struct buf *b, const struct invoice_view *v)
{
	/* the document as it stands, but for the status that it has now */
	const char *sep = "{";
	for (json_value *m = json_first(v->root); m; m = json_next(m), sep = ",") {
		bool lines = same(json_key(m), "lines");
		buf_puts(b, sep);
		if (*sep == ',')
			buf_puts(b, "\n ");
		json_put_string(b, text_of(json_key(m)));
		buf_puts(b, ": ");
		if (same(json_key(m), "status")) {
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
	buf_puts(b, "}\n");
}

void invoice_json_put(struct buf *b, const struct invoice_view *v)
{
	struct buf raw = { 0 };
	put_json_form(&raw, v);
	buf_add_plain(b, (struct text){ raw.p, raw.n });
	buf_release(&raw);
}
