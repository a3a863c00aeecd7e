#include "meter/read/stripe_invoice.h"

#include <string.h>

/* docs.stripe.com/api: The Invoice object, The Invoice Line Item object, The Credit Note object;
 * names of both the older and the newer versions of the interface. */

/* What the lines of one invoice have in common. */
struct invoice {
	json_value *all; /* the invoice; NULL: lines alone */
	json_value *last_line;
	bool note; /* a credit note: its amounts are given back */
};

static bool is_object(json_value *v, const char *name)
{
	return json_kind(v) == JSON_OBJECT && text_is(json_string(json_member(v, "object")), name);
}

static void put_text(struct buf *out, const char *name, struct text s)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_string(out, s);
}

static json_value *either(json_value *v, const char *name, json_value *other, const char *instead)
{
	json_value *own = json_member(v, name);
	return json_number_or_string(own).n || !other ? own : json_member(other, instead);
}

/* The latest instant of a line, so that a tax below the lines is of their last day. */
static json_value *end_of(json_value *line)
{
	json_value *period = json_member(line, "period");
	return json_member(period, "end");
}

struct charge {
	struct text words;
	const char *kind;
	json_value *amount;
	bool minus; /* the other sign than the amount is written with */
};

static bool is_usage(const struct charge *c)
{
	return strcmp(c->kind, "usage") == 0;
}

static void put_line(struct buf *out, const struct invoice *in, json_value *line,
		     const struct charge *c)
{
	json_value *period = json_member(line, "period");
	const bool minus = c->minus != in->note;
	struct text n = json_number_or_string(c->amount);
	const bool negative = n.n && *n.p == '-';
	buf_puts(out, "{\"object\":\"line\"");
	put_text(out, "invoice",
		 json_string(json_member(in->all ? in->all : line, in->all ? "id" : "invoice")));
	put_text(out, "id", json_string(json_member(line, "id")));
	put_text(out, "description", c->words);
	put_text(out, "kind", text_of(in->note && is_usage(c) ? "credit" : c->kind));
	put_text(out, "currency", json_string(either(line, "currency", in->all, "currency")));
	put_text(out, "quantity",
		 json_number_or_string(minus ? NULL : json_member(line, "quantity")));
	if (in->note && line) {
		json_value *effective = json_member(in->all, "effective_at");
		put_text(out, "start",
			 json_number_or_string(json_number_or_string(effective).n
						       ? effective
						       : json_member(in->all, "created")));
	} else if (line) {
		put_text(out, "start",
			 json_number_or_string(either(period, "start", in->all, "period_start")));
		put_text(out, "end",
			 json_number_or_string(either(period, "end", in->all, "period_end")));
	}
	buf_printf(out, ",\"amount\":\"%s%.*s\"},", minus && !negative ? "-" : "",
		   (int)(n.n - (minus && negative)), n.n ? n.p + (minus && negative) : "");
}

static bool is_inside(json_value *tax)
{
	return json_true(json_member(tax, "inclusive")) ||
	       text_is(json_string(json_member(tax, "tax_behavior")), "inclusive");
}

static bool is_credit(json_value *given)
{
	return text_is(json_string(json_member(given, "type")), "credit_balance_transaction");
}

/* Which of the lists the object has, by the names of newer and of older versions. */
static json_value *first_of(json_value *v, const char *name, const char *older)
{
	json_value *list = json_member(v, name);
	return json_kind(list) == JSON_ARRAY ? list : json_member(v, older);
}

/* What lies beside the amounts of a line, or of the lines of an invoice. */
struct beside {
	json_value *taxes, *credits, *discounts;
};

/* v: the line itself, or the invoice. */
static void put_beside(struct buf *out, const struct invoice *in, json_value *line, json_value *v,
		       const struct beside *b)
{
	const bool own = v == line;
	const struct text words = json_string(json_member(v, "description"));
	for (json_value *d = json_first(b->discounts); d; d = json_next(d))
		put_line(out, in, line,
			 &(struct charge){ own ? words : TEXT("Discount"),
					   own ? "usage" : "discount", json_member(d, "amount"),
					   true });
	for (json_value *t = json_first(b->taxes); t; t = json_next(t)) {
		json_value *amount = json_member(t, "amount");
		if (is_inside(t) && !own)
			continue; /* within the lines, which say of how much */
		if (is_inside(t))
			put_line(out, in, line, &(struct charge){ words, "usage", amount, true });
		put_line(out, in, line, &(struct charge){ TEXT("Tax"), "tax", amount, false });
	}
	for (json_value *c = json_first(b->credits); c; c = json_next(c))
		if (is_credit(c))
			put_line(out, in, line,
				 &(struct charge){ TEXT("Credit"), "credit",
						   json_member(c, "amount"), true });
}

static bool any_has(json_value *lines, const char *name, const char *older)
{
	for (json_value *l = json_first(lines); l; l = json_next(l))
		if (json_first(first_of(l, name, older)))
			return true;
	return false;
}

static void put_lines(struct buf *out, struct invoice *in, json_value *lines)
{
	for (json_value *l = json_first(lines); l; l = json_next(l)) {
		const struct beside beside = { first_of(l, "taxes", "tax_amounts"),
					       json_member(l, "pretax_credit_amounts"),
					       json_member(l, "discount_amounts") };
		put_line(out, in, l,
			 &(struct charge){ json_string(json_member(l, "description")), "usage",
					   json_member(l, "amount"), false });
		put_beside(out, in, l, l, &beside);
		json_value *end = end_of(l), *before = end_of(in->last_line);
		if (!before ||
		    text_cmp(json_number_or_string(end), json_number_or_string(before)) > 0)
			in->last_line = l;
	}
}

/* What the invoice says that no line of it does, and its total. */
static void put_below(struct buf *out, const struct invoice *in, json_value *lines)
{
	json_value *v = in->all, *at = in->last_line, *tax = json_member(v, "tax"),
		   *total = json_member(v, "total");
	struct beside beside = {
		first_of(v, "total_taxes", in->note ? "tax_amounts" : "total_tax_amounts"),
		json_member(v, in->note ? "pretax_credit_amounts" : "total_pretax_credit_amounts"),
		json_member(v, in->note ? "discount_amounts" : "total_discount_amounts")
	};
	if (json_kind(beside.taxes) != JSON_ARRAY && json_number_or_string(tax).n)
		put_line(out, in, at, &(struct charge){ TEXT("Tax"), "tax", tax, false });
	/* these are the sums of what lines say */
	if (any_has(lines, "taxes", "tax_amounts"))
		beside.taxes = NULL;
	if (any_has(lines, "pretax_credit_amounts", ""))
		beside.credits = NULL;
	if (any_has(lines, "discount_amounts", ""))
		beside.discounts = NULL;
	put_beside(out, in, at, v, &beside);
	if (json_number_or_string(total).n)
		put_line(out, in, NULL, &(struct charge){ TEXT("Total"), "total", total, false });
}

/* True: it has more lines than are here, which only a page of its own lines can hold; *document is
 * then its id. */
static bool put_invoice(struct buf *out, json_value *v, struct text *document)
{
	struct invoice in = { .all = v, .note = is_object(v, "credit_note") };
	json_value *list = json_member(v, "lines"), *lines = json_member(list, "data");
	if (text_is(json_string(json_member(v, "status")), "void"))
		return false;
	put_lines(out, &in, lines);
	put_below(out, &in, lines);
	if (!json_true(json_member(list, "has_more")))
		return false;
	*document = json_string(json_member(v, "id"));
	return true;
}

static bool is_document(json_value *v)
{
	return is_object(v, "invoice") || is_object(v, "credit_note");
}

bool stripe_put_page(struct buf *out, json_value *v)
{
	if (is_object(v, "event"))
		v = json_member(json_member(v, "data"), "object");
	json_value *items = is_object(v, "list") ? json_member(v, "data") : NULL;
	const bool invoices = is_document(json_first(items));
	bool more = json_true(json_member(v, "has_more"));
	if (!is_document(v) && !invoices && !is_object(json_first(items), "line_item"))
		return false;
	struct text document =
		json_string(invoices ? NULL : json_member(json_first(items), "invoice"));
	buf_puts(out, "{\"data\":[");
	if (!items)
		more = put_invoice(out, v, &document);
	for (json_value *one = invoices ? json_first(items) : NULL; one; one = json_next(one))
		more |= put_invoice(out, one, &document);
	if (items && !invoices)
		put_lines(out, &(struct invoice){ 0 }, items);
	out->n -= out->p[out->n - 1] == ',';
	buf_puts(out, "]");
	if (document.n)
		put_text(out, "of_document", document);
	buf_printf(out, ",\"has_more\":%s}", more ? "true" : "false");
	return true;
}
