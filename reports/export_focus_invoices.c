#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/billing/invoice_store.h"
#include "reports/export.h"
#include "reports/focus.h"

/*
 * Documents as rows of FOCUS: each line, what credits paid, and each tax. BilledCost is what the
 * document asks for, so that the rows of a document add up to its total; ListCost and
 * ContractedCost are the price of a unit times the quantity, before rounding.
 */
struct documents {
	const struct export_options *o;
	struct buf b;
	int64_t left_out;
	struct err *e;
	/* of the document at work */
	const struct stored_invoice *of;
	json_value *root;
	char currency[16];
};

static struct text text_at(json_value *v, const char *key)
{
	return json_string(json_member(v, key));
}

static int amount_at(json_value *v, const char *key, struct money_total *out, struct err *e)
{
	return amount_if_stated(out, text_at(v, key), e);
}

/* What every row of the document says. */
static struct focus_row row_of(const struct documents *x, const char *category)
{
	struct text issuer = text_at(json_member(x->root, "issuer"), "name"),
		    name = text_at(json_member(x->root, "bill_to"), "name");
	if (x->o->issuer)
		issuer = text_of(x->o->issuer);
	else if (issuer.n == 0)
		issuer = TEXT("own");
	return (struct focus_row){ .account_id = text_at(x->root, "customer"),
				   .account_name = name.n ? name : text_at(x->root, "customer"),
				   .billing_currency = x->currency,
				   .pricing_currency = x->currency,
				   .charge_category = category,
				   .charge_frequency = "One-Time",
				   .consumed_unit = "",
				   .provider = issuer,
				   .publisher = issuer,
				   .invoice_issuer = issuer,
				   .invoice_id = text_at(x->root, "number"),
				   .service_name = TEXT("Invoice"),
				   .billing_from = x->of->from,
				   .billing_to = x->of->to,
				   .charge_from = x->of->from,
				   .charge_to = x->of->to,
				   .has_no_price = true,
				   .tags = TEXT("{}") };
}

static void put_amount_row(struct documents *x, struct focus_row *row, struct money_total amount)
{
	row->billed = row->effective = row->list = row->contracted = amount;
	focus_put(&x->b, row);
}

/* The price of a unit and how many; tokens are priced by the million. */
static int price_row(struct focus_row *row, json_value *line, struct err *e)
{
	struct decimal d;
	struct money_total unit;
	const bool tokens = text_is(text_at(line, "unit"), "million tokens");
	int rc = decimal_parse(&d, text_at(line, "quantity"), e);
	if (rc == 0)
		rc = quantity_from_decimal(&row->pricing_quantity, d, e);
	if (rc == 0)
		rc = amount_at(line, "unit_price", &unit, e);
	if (rc == 0 && tokens)
		unit.atto /= 1000000;
	if (rc == 0)
		rc = amount_of(unit, row->pricing_quantity, (struct quantity){ 1000000000 },
			       &row->list, e);
	if (rc != 0)
		return rc;
	row->has_no_price = false;
	row->has_quantity = row->has_pricing_amounts = true;
	row->contracted = row->list;
	row->list_unit = row->contracted_unit = unit;
	row->pricing_list_unit = row->pricing_contracted_unit = unit;
	row->pricing_unit = tokens ? "Tokens" : "Units";
	row->pricing_category = "Standard";
	return 0;
}

/* Of a line without a price of a unit, its whole is one unit. */
static void price_whole(struct focus_row *row, struct money_total amount)
{
	row->has_no_price = false;
	row->has_quantity = row->has_pricing_amounts = true;
	row->pricing_quantity.nano = 1000000000;
	row->list_unit = row->contracted_unit = row->list = row->contracted = amount;
	row->pricing_list_unit = row->pricing_contracted_unit = amount;
	row->pricing_unit = "Units";
	row->pricing_category = "Standard";
}

static const char *category_of(struct text kind)
{
	if (text_is(kind, "usage") || text_is(kind, "metered"))
		return "Usage";
	if (text_is(kind, "fixed"))
		return "Purchase";
	return text_is(kind, "coupon") || text_is(kind, "note") ? "Credit" : "Adjustment";
}

/* An adjustment is of the days that it corrects, and what is asked for in advance of those. */
static int take_period(struct documents *x, struct focus_row *row, json_value *line, struct err *e)
{
	struct decimal d;
	int64_t n = 0;
	json_value *p = json_first(json_member(x->root, "periods"));
	if (decimal_parse(&d, json_number(json_member(line, "period")), NULL) == 0)
		decimal_to_int64(d, 0, &n);
	while (p && n-- > 0)
		p = json_next(p);
	if (text_at(line, "corrects").n || text_is(text_at(line, "kind"), "note"))
		row->charge_class = "Correction";
	if (!p)
		return 0;
	int rc = instant_parse(&row->charge_from, text_at(p, "from"), e);
	return rc == 0 ? instant_parse(&row->charge_to, text_at(p, "to"), e) : rc;
}

static int line_row(struct documents *x, json_value *line, struct err *e)
{
	char sku[300], price[400], unit[DECIMAL_TEXT_MAX];
	struct text kind = text_at(line, "of"), model = text_at(line, "model"),
		    bucket = text_at(line, "bucket");
	if (kind.n == 0)
		kind = text_at(line, "kind");
	struct focus_row row = row_of(x, category_of(kind));
	struct money_total amount;
	const bool sold = text_is(text_of(row.charge_category), "Usage") ||
			  text_is(text_of(row.charge_category), "Purchase");
	int rc = amount_at(line, "amount", &amount, e);
	row.charge_description = text_at(line, "description").p;
	row.sub_account_id = text_at(line, "project");
	if (rc == 0 &&
	    (text_at(line, "corrects").n || text_is(kind, "note") || json_member(line, "period")))
		rc = take_period(x, &row, line, e);
	if (rc != 0 || !sold) {
		if (rc == 0)
			put_amount_row(x, &row, amount);
		return rc;
	}
	const struct text what = model.n ? model : text_at(line, "description");
	snprintf(sku, sizeof sku, "%.*s/%.*s", (int)(what.n < 150 ? what.n : 150), what.p,
		 (int)(bucket.n < 60 ? bucket.n : 60), bucket.n ? bucket.p : "");
	row.sku_id = text_of(sku);
	row.sku_meter = bucket.n ? bucket.p : "Items";
	row.service_name = model.n ? TEXT("Language models") : TEXT("Invoice");
	price_whole(&row, amount);
	if (text_is(kind, "usage") && text_at(line, "unit_price").n)
		rc = price_row(&row, line, e);
	const bool usage = text_is(text_of(row.charge_category), "Usage");
	row.charge_frequency = usage ? "Usage-Based" : "Recurring";
	if (usage) {
		row.consumed_unit = row.pricing_unit;
		row.consumed_quantity = row.pricing_quantity;
	}
	snprintf(price, sizeof price, "%s@%s", sku, focus_value(&row, "ListUnitPrice", unit));
	row.sku_price_id = text_of(price);
	row.billed = row.effective = row.pricing_effective = amount;
	if (rc == 0)
		focus_put(&x->b, &row);
	return rc;
}

static int tax_rows(struct documents *x, struct err *e)
{
	int rc = 0;
	for (json_value *t = json_first(json_member(x->root, "taxes")); rc == 0 && t;
	     t = json_next(t)) {
		struct focus_row row = row_of(x, "Tax");
		struct money_total amount;
		rc = amount_at(t, "amount", &amount, e);
		row.charge_description = text_at(t, "name").p;
		if (rc == 0 && text_is(x->of->kind, "note"))
			row.charge_class = "Correction";
		if (rc == 0 && amount.atto)
			put_amount_row(x, &row, amount);
	}
	return rc;
}

static int put_document(struct documents *x, struct err *e)
{
	struct money_total credits;
	int rc = amount_at(x->root, "credits_applied", &credits, e);
	for (json_value *v = json_first(json_member(x->root, "lines")); rc == 0 && v;
	     v = json_next(v))
		rc = line_row(x, v, e);
	if (rc == 0 && credits.atto) {
		struct focus_row row = row_of(x, "Credit");
		row.charge_description = "credits applied";
		put_amount_row(x, &row, (struct money_total){ -credits.atto });
	}
	return rc == 0 ? tax_rows(x, e) : rc;
}

static int take_document(void *user, const struct stored_invoice *i)
{
	struct documents *x = user;
	struct json_document *doc;
	if (!text_is(i->status, "final") || i->from.us < x->o->since.us ||
	    i->from.us >= x->o->until.us)
		return 0;
	if (text_is(i->currency, "credits")) {
		x->left_out++;
		return 0;
	}
	int rc = json_open(&doc, i->document, x->e);
	if (rc != 0)
		return rc;
	x->of = i;
	x->root = json_root(doc);
	snprintf(x->currency, sizeof x->currency, "%.*s", (int)i->currency.n, i->currency.p);
	rc = put_document(x, x->e);
	json_close(doc);
	return rc;
}

int export_focus_invoices(struct ledger *l, const struct export_options *o,
			  struct export_told *told, struct err *e)
{
	struct documents x = { .o = o, .e = e };
	focus_put_header(&x.b);
	int rc = invoice_each(ledger_store(l), o->customer, take_document, &x, e);
	fwrite(x.b.p, 1, x.b.n, o->out);
	buf_release(&x.b);
	told->in_credits = x.left_out;
	return rc;
}
