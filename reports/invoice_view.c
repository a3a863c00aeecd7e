#include "reports/invoice_view.h"

#include <stdio.h>
#include <stdlib.h>

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

const char *paper_number(const struct labels *l, struct arena *a, struct text plain, int places)
{
	struct decimal d;
	char text[DECIMAL_TEXT_MAX * 2], grouped[DECIMAL_TEXT_MAX * 2];
	if (decimal_parse(&d, plain, NULL) != 0)
		return arena_text(a, plain.n ? plain.p : "", plain.n);
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
	return label_number(l, a, grouped);
}

const char *paper_dollars(const struct labels *l, struct arena *a, const char *number)
{
	const bool negative = *number == '-';
	const char *const with[3] = { number + negative, "", "" };
	return arena_printf(a, "%s%s", negative ? "-" : "", label_with(l, a, "dollars", with));
}

static const char *placed(struct invoice_view *v, struct text plain, int places)
{
	return paper_number(v->labels, &v->arena, plain, places);
}

static const char *words(struct invoice_view *v, const char *key, const char *a, const char *b,
			 const char *c)
{
	const char *const with[3] = { a, b, c };
	return label_with(v->labels, &v->arena, key, with);
}

static const char *amount(struct invoice_view *v, struct text plain, int places)
{
	const char *n = placed(v, plain, places);
	return same(v->currency, "USD") ? paper_dollars(v->labels, &v->arena, n) : n;
}

static const char *day_of(struct invoice_view *v, const char *instant)
{
	return label_day(v->labels, &v->arena, instant);
}

/* The label of a name in documents, "window.peak"; the name itself where there is none. */
static const char *named(struct invoice_view *v, const char *kind, const char *name)
{
	const char *known = label_find(v->labels, arena_printf(&v->arena, "%s.%s", kind, name));
	return known ? known : name;
}

/* A text or a list of them, behind n lines; returns how many there are now. */
static size_t put_lines_of(struct invoice_view *v, json_value *m, const char *lines[12], size_t n)
{
	enum { LINES_MOST = 10 };
	if (json_kind(m) == JSON_STRING && n < LINES_MOST) {
		const struct text t = json_string(m);
		lines[n++] = arena_text(&v->arena, t.n ? t.p : "", t.n);
	}
	for (json_value *l = json_kind(m) == JSON_ARRAY ? json_first(m) : NULL; l && n < LINES_MOST;
	     l = json_next(l)) {
		const struct text t = json_string(l);
		lines[n++] = arena_text(&v->arena, t.n ? t.p : "", t.n);
	}
	return n;
}

/* {"name": .., "address": ["..", ".."], "tax_id": .., "email": ..} as lines. */
static void party(struct invoice_view *v, json_value *p, const char *lines[12])
{
	size_t n = 0;
	static const char *const keys[] = {
		"name", "address", "country", "tax_id", "phone", "email"
	};
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
		n = put_lines_of(v, json_member(p, keys[k]), lines, n);
	lines[n] = NULL;
}

/* "100 x 0 + 200 x 0.01 + 5", with the numbers as people there write them. */
static const char *tiers_of(struct invoice_view *v, const char *sum)
{
	struct buf b = { 0 };
	while (*sum) {
		const size_t n = strcspn(sum, " ");
		const char *part = arena_text(&v->arena, sum, n);
		buf_puts(&b, same(part, "x")   ? "\u00d7"
			     : same(part, "+") ? part
					       : placed(v, text_of(part), 0));
		buf_puts(&b, sum[n] ? " " : "");
		sum += n + (sum[n] == ' ');
	}
	const char *out = arena_text(&v->arena, b.p ? b.p : "", b.n);
	buf_release(&b);
	return out;
}

/* Why the unit price is another than that of the line beside it: "peak hours, price since ..". */
static const char *why_of(struct invoice_view *v, json_value *why)
{
	struct buf b = { 0 };
	for (json_value *m = json_first(why); m; m = json_next(m)) {
		const struct text t = json_string(m);
		const char *key = json_key(m), *value = arena_text(&v->arena, t.n ? t.p : "", t.n);
		if (same(key, "last_day"))
			continue;
		const char *said =
			same(key, "first_day") ? words(v, "why.days", day_of(v, value),
						       day_of(v, text_at(v, why, "last_day")), "")
			: same(key, "since")   ? words(v, "why.since", day_of(v, value), "", "")
			: same(key, "step")    ? words(v, "why.step", value, "", "")
			: same(key, "tiers")   ? tiers_of(v, value)
			: same(key, "package")
				? words(v, "why.package", placed(v, text_of(value), 0), "", "")
			: same(key, "free")
				? words(v, "why.free", placed(v, text_of(value), 0), "", "")
				: named(v, key, value);
		buf_puts(&b, b.n ? ", " : "");
		buf_puts(&b, said);
	}
	const char *out = arena_text(&v->arena, b.n ? b.p : "", b.n);
	buf_release(&b);
	return out;
}

/* What a line says: in the language of the paper where it is of the engine's own words. */
static const char *description_of(struct invoice_view *v, json_value *o, struct text kind)
{
	const char *item = text_at(v, o, "item"), *said = text_at(v, o, "description");
	const char *corrects = text_at(v, o, "corrects");
	const struct text of = json_string(json_member(o, "of"));
	const char *name = arena_printf(&v->arena, "kind.%.*s", (int)(of.n ? of.n : kind.n),
					of.n	 ? of.p
					: kind.n ? kind.p
						 : "");
	const char *own = label_find(v->labels, name), *inner = *item ? item : said;
	const char *percent = strstr(inner, " % discount");
	const char *before = arena_printf(&v->arena, "adjustment of %s: ", corrects);
	if (*corrects && !*item && strncmp(said, before, strlen(before)) == 0)
		inner = said + strlen(before);
	if (text_is(kind, "note")) {
		const char *why = strstr(said, ": ");
		return why ? words(v, "credit-for", v->corrects, why + 2, "") : said;
	}
	if (own && same(name, "kind.discount"))
		inner = percent ? words(v, "kind.discount",
					label_number(v->labels, &v->arena,
						     arena_text(&v->arena, inner,
								(size_t)(percent - inner))),
					"", "")
				: inner;
	else if (own)
		inner = own;
	return *corrects ? words(v, "adjustment", corrects, inner, "") : own ? inner : said;
}

/* How many letters a price has from its decimal point on. */
static size_t fraction_of(struct text plain)
{
	const char *point = plain.n ? memchr(plain.p, '.', plain.n) : NULL;
	return point ? plain.n - (size_t)(point - plain.p) : 0;
}

static void take_line(struct invoice_view *v, json_value *o, int places)
{
	struct view_line *l = &v->line[v->lines++];
	const char *bucket = text_at(v, o, "bucket");
	struct text unit = json_string(json_member(o, "unit"));
	const char *why = why_of(v, json_member(o, "why"));
	l->kind = json_string(json_member(o, "kind"));
	l->raw = text_at(v, o, "description");
	l->description = description_of(v, o, l->kind);
	l->bucket = !*bucket ? ""
		    : *why   ? arena_printf(&v->arena, "%s (%s)", named(v, "bucket", bucket), why)
			     : named(v, "bucket", bucket);
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
		       !text_is(l->kind, "included") && !text_is(l->kind, "noted") &&
		       !text_is(l->kind, "note");
	/* an adjusted amount that is of no quantity */
	counted &= !(text_is(l->kind, "adjustment") && text_is(l->plain_quantity, "0"));
	l->quantity = counted ? placed(v, l->plain_quantity, 0) : "";
	/* money with its cents, credits as they are */
	const int cents = same(v->currency, "credits") ? 0 : places < 2 ? places : 2;
	l->unit_price = counted && l->plain_price.n ? amount(v, l->plain_price, cents) : "";
	l->fraction = fraction_of(l->plain_price);
	if (cents && l->fraction < (size_t)cents + 1)
		l->fraction = (size_t)cents + 1;
	l->per = *l->unit_price && text_is(unit, "million tokens") ? label(v->labels, "per-million")
								   : "";
}

/* So that the points of all prices stand one below the other. */
static void align_prices(struct invoice_view *v)
{
	size_t longest = 0;
	for (size_t i = 0; i < v->lines; i++)
		if (*v->line[i].unit_price && v->line[i].fraction > longest)
			longest = v->line[i].fraction;
	for (size_t i = 0; i < v->lines; i++)
		if (*v->line[i].unit_price)
			v->line[i].fraction_room = longest - v->line[i].fraction;
}

int invoice_view_places(const struct invoice_view *v)
{
	json_value *p = json_member(json_member(v->root, "rounding"), "places");
	struct decimal d;
	/* credit notes of before have none of their own */
	int64_t places = currency_places(text_of(v->currency));
	if (p && decimal_parse(&d, json_number(p), NULL) == 0)
		decimal_to_int64(d, 0, &places);
	return (int)places;
}

static const char *total_text(struct invoice_view *v, struct money_total m)
{
	char text[DECIMAL_TEXT_MAX];
	return amount(v, text_of(money_total_format(m, text)), invoice_view_places(v));
}

static int largest_first(const void *x, const void *y)
{
	const struct view_group *a = *(struct view_group *const *)x,
				*b = *(struct view_group *const *)y;
	const int128 p = a->sum.atto < 0 ? -a->sum.atto : a->sum.atto,
		     q = b->sum.atto < 0 ? -b->sum.atto : b->sum.atto;
	return p != q ? (p > q ? -1 : 1) : (a > b) - (a < b);
}

static void rank_groups(struct invoice_view *v)
{
	struct view_group **list = mem_alloc((v->groups + 1) * sizeof *list);
	for (size_t i = 0; i < v->groups; i++)
		list[i] = &v->group[i];
	if (v->groups)
		qsort(list, v->groups, sizeof *list, largest_first);
	for (size_t i = 0; i < v->groups; i++)
		list[i]->rank = i;
	free(list);
}

/* Lines under one heading make a group; its sum is that of the amounts that are printed. */
static int take_groups(struct invoice_view *v, struct err *e)
{
	int rc = 0;
	v->group = mem_zalloc((v->lines + 1) * sizeof *v->group);
	for (size_t i = 0; rc == 0 && i < v->lines; i++) {
		const struct view_line *l = &v->line[i];
		struct money_total m;
		if (i == 0 || !*l->bucket || !*v->line[i - 1].bucket ||
		    !same(l->description, v->line[i - 1].description))
			v->group[v->groups++].description = l->description;
		rc = amount_if_stated(&m, l->plain_amount, e);
		if (rc == 0 && !money_total_add(&v->group[v->groups - 1].sum, m))
			rc = err_set(e, ERR_RANGE, "the lines of an invoice come to too much");
	}
	for (size_t i = 0; i < v->groups; i++)
		v->group[i].amount = total_text(v, v->group[i].sum);
	if (rc == 0)
		rank_groups(v);
	return rc;
}

const char *invoice_view_rest(struct invoice_view *v, size_t shown)
{
	struct money_total m = { 0 };
	for (size_t i = 0; i < v->groups; i++)
		if (v->group[i].rank >= shown)
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

static const char *in_currency(struct invoice_view *v, const char *amount)
{
	return same(v->currency, "USD") ? amount
					: arena_printf(&v->arena, "%s %s", amount, v->currency);
}

static bool is_lower_bound(const struct invoice_view *v)
{
	return json_member(v->root, "unpriced") || json_member(v->root, "placeholders");
}

static void take_sums(struct invoice_view *v, int places)
{
	struct text applied = json_string(json_member(v->root, "credits_applied"));
	bool plain = is_zero(applied) && !json_first(json_member(v->root, "taxes"));
	if (!plain)
		add_sum(v, label(v->labels, "subtotal"),
			amount(v, json_string(json_member(v->root, "subtotal")), places), false);
	if (!is_zero(applied))
		/* a minus of its own means that credits were given back */
		add_sum(v,
			label(v->labels,
			      *applied.p == '-' ? "credits-returned" : "credits-applied"),
			*applied.p == '-'
				? amount(v, (struct text){ applied.p + 1, applied.n - 1 }, places)
				: arena_printf(&v->arena, "-%s", amount(v, applied, places)),
			false);
	for (json_value *t = json_first(json_member(v->root, "taxes")); t; t = json_next(t))
		add_sum(v,
			words(v, "tax", text_at(v, t, "name"),
			      label_number(v->labels, &v->arena, text_at(v, t, "percent")), ""),
			amount(v, json_string(json_member(t, "amount")), places), false);
	const char *total = amount(v, json_string(json_member(v->root, "total")), places);
	const char *bound = is_lower_bound(v) ? ">= " : "";
	add_sum(v, label(v->labels, "total"),
		in_currency(v, arena_printf(&v->arena, "%s%s", bound, total)), true);
}

/* Another sentence of the small print. */
static void say(struct invoice_view *v, const char *sentence)
{
	v->small_print = arena_printf(&v->arena, "%s%s%s", v->small_print,
				      *v->small_print ? " " : "", sentence);
}

/* How many records its total lacks, or holds a part of. */
static void say_count(struct invoice_view *v, const char *name)
{
	json_value *count = json_member(v->root, name);
	const struct text n = json_number(count);
	if (count)
		say(v, words(v, name, arena_text(&v->arena, n.n ? n.p : "", n.n), "", ""));
}

static void take_small_print(struct invoice_view *v, int places)
{
	json_value *rounding = json_member(v->root, "rounding"),
		   *residual = json_member(v->root, "residual");
	v->small_print = "";
	if (json_true(json_member(v->root, "reverse_charge")))
		say(v, label(v->labels, "reverse-charge"));
	struct decimal rest;
	/* what is not there needs no words */
	if (rounding && residual &&
	    !(decimal_parse(&rest, json_string(residual), NULL) == 0 && rest.digits == 0))
		say(v, words(v,
			     text_is(json_string(json_member(rounding, "of")), "document")
				     ? "rounded.document"
				     : "rounded.line",
			     named(v, "mode", text_at(v, rounding, "mode")),
			     arena_printf(&v->arena, "%d", places),
			     placed(v, json_string(residual), 0)));
	say_count(v, "unpriced");
	say_count(v, "placeholders");
	for (json_value *g = json_first(json_member(v->root, "left_out")); g; g = json_next(g))
		say(v,
		    words(v,
			  json_true(json_member(g, "cache_untold")) ? "cache-untold" : "left-out",
			  text_at(v, g, "agent"), "", ""));
	for (json_value *p = json_first(json_member(v->root, "periods")); p; p = json_next(p))
		for (json_value *r = json_first(json_member(p, "rates")); r; r = json_next(r))
			say(v, words(v, "exchanged", text_at(v, r, "rate"), "", ""));
}

/* Who, when and in what: the head of the paper. */
static void take_head(struct invoice_view *v)
{
	struct instant issued;
	json_value *period = json_member(v->root, "period"),
		   *issuer = json_member(v->root, "issuer");
	const char *issued_text = text_at(v, v->root, "issued");
	const bool draft = same(v->status, "draft");
	v->is_note = text_is(json_string(json_member(v->root, "kind")), "note");
	v->title = label(v->labels, v->is_note ? "note" : draft ? "draft" : "invoice");
	v->mark = draft			    ? label(v->labels, "mark.draft")
		  : same(v->status, "void") ? label(v->labels, "mark.void")
					    : "";
	v->number = text_at(v, v->root, "number");
	v->customer = text_at(v, v->root, "customer");
	v->currency = text_at(v, v->root, "currency");
	v->corrects = text_at(v, v->root, "corrects");
	v->note = text_at(v, v->root, "note");
	v->period = words(v, "days", day_of(v, text_at(v, period, "first_day")),
			  day_of(v, text_at(v, period, "last_day")), "");
	v->zone = text_at(v, period, "timezone");
	v->issued = day_of(v, issued_text);
	v->due = day_of(v, text_at(v, v->root, "due"));
	if (*issued_text && instant_parse(&issued, text_of(issued_text), NULL) == 0)
		v->issued_us = issued.us;
	party(v, issuer, v->issuer);
	party(v, json_member(v->root, "bill_to"), v->bill_to);
	v->logo = json_string(json_member(issuer, "logo"));
	if (!v->bill_to[0]) {
		v->bill_to[0] = v->customer;
		v->bill_to[1] = NULL;
	}
}

/* How to pay, as terms say it, and what to write with it. */
static void take_pay_to(struct invoice_view *v)
{
	size_t n = put_lines_of(v, json_member(v->root, "payment_lines"), v->pay_to, 0);
	if (n && *v->number)
		v->pay_to[n++] =
			arena_printf(&v->arena, "%s: %s", label(v->labels, "reference"), v->number);
	v->pay_to[n] = NULL;
}

int paper_labels(const struct labels **out, const char *language, struct text own, struct err *e)
{
	const struct labels *l = labels_of(language ? text_of(language) : own);
	if (!l && !language) /* of a later version */
		l = labels_of(TEXT(""));
	if (!l)
		return err_set(e, ERR_USAGE, "there are no labels in '%s', only in %s", language,
			       labels_known());
	*out = l;
	return 0;
}

int invoice_view_open(struct invoice_view **out, struct text document, const char *status,
		      const char *language, struct err *e)
{
	struct invoice_view *v = mem_zalloc(sizeof *v);
	size_t n = 0;
	int rc = json_open(&v->json, document, e);
	if (rc == 0) {
		v->root = json_root(v->json);
		rc = paper_labels(&v->labels, language,
				  json_string(json_member(v->root, "language")), e);
	}
	if (rc != 0) {
		invoice_view_close(v);
		return rc;
	}
	v->status = arena_text(&v->arena, status, strlen(status));
	take_head(v);
	take_pay_to(v);
	json_value *lines = json_member(v->root, "lines");
	for (json_value *l = json_first(lines); l; l = json_next(l))
		n++;
	v->line = mem_zalloc((n + 1) * sizeof *v->line);
	for (json_value *l = json_first(lines); l; l = json_next(l))
		take_line(v, l, invoice_view_places(v));
	align_prices(v);
	take_sums(v, invoice_view_places(v));
	take_small_print(v, invoice_view_places(v));
	v->asked = v->state = "";
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
		(struct view_payment){ arena_text(&v->arena, text, 10),
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
	if (x->state != SETTLEMENT_NONE)
		v->state = named(v, "state", settlement_name(x->state));
	if (x->credited.atto)
		add_amount(v, label(v->labels, "credit-notes"),
			   (struct money_total){ -x->credited.atto }, places);
	if (v->payments == 1)
		add_amount(v, words(v, "paid-on", day_of(v, v->payment[0].day), "", ""),
			   (struct money_total){ -x->paid.atto }, places);
	else if (v->payments)
		add_amount(v, words(v, "paid", arena_printf(&v->arena, "%zu", v->payments), "", ""),
			   (struct money_total){ -x->paid.atto }, places);
	if (x->credited.atto || v->payments)
		add_amount(v, label(v->labels, x->due.atto < 0 ? "credit-balance" : "amount-due"),
			   (struct money_total){ x->due.atto < 0 ? -x->due.atto : x->due.atto },
			   places);
}

/* What the first page says in large letters: how much, and by when. */
static void take_asked(struct invoice_view *v)
{
	const bool bound = is_lower_bound(v);
	if (v->settlement.state == SETTLEMENT_NONE || v->settlement.due.atto <= 0)
		return;
	v->asked = in_currency(v, arena_printf(&v->arena, "%s%s", bound ? ">= " : "",
					       total_text(v, v->settlement.due)));
	if (*v->due)
		v->asked = words(v, "due-by", v->asked, v->due, "");
}

int invoice_view_of(struct invoice_view **out, struct store *s, const struct stored_invoice *i,
		    struct instant at, const char *language, struct err *e)
{
	char status[16];
	struct invoice_view *v;
	snprintf(status, sizeof status, "%.*s", (int)i->status.n, i->status.p);
	int rc = invoice_view_open(&v, i->document, status, language, e);
	if (rc != 0)
		return rc;
	rc = settlement_read(s, i, at, &v->settlement, e);
	if (rc == 0 && v->settlement.state != SETTLEMENT_NONE)
		rc = payments_each(s, i->id, take_payment, v, e);
	if (rc != 0) {
		invoice_view_close(v);
		return rc;
	}
	take_settlement(v, invoice_view_places(v));
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
	if (i->unpriced)
		json_out_int(j, "unpriced", i->unpriced);
	if (i->placeholders)
		json_out_int(j, "placeholders", i->placeholders);
	if (i->unpriced || i->placeholders)
		json_out_bool(j, "lower_bound", true);
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
