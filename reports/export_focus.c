#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/billing/charge.h"
#include "reports/export.h"
#include "reports/focus.h"

struct writer {
	const struct export_options *o;
	struct buf b;
	struct export_told told;
};

/* Whose account it is: usage without a customer is the issuer's own. */
static struct text account_of(const struct writer *w, struct text customer)
{
	if (customer.n)
		return customer;
	return text_of(w->o->issuer ? w->o->issuer : "own");
}

static void put_row(struct writer *w, const struct focus_row *row)
{
	focus_put(&w->b, row);
	if (w->b.n > 1 << 16) {
		fwrite(w->b.p, 1, w->b.n, w->o->out);
		w->b.n = 0;
	}
}

/* The UTC month that holds a day: the billing period. */
static void month_of(int64_t day, struct instant *from, struct instant *to)
{
	struct civil c = civil_from_day(day);
	c.day = 1;
	from->us = civil_to_day(c) * US_PER_DAY;
	c.month = c.month == 12 ? 1 : c.month + 1;
	c.year += c.month == 1;
	to->us = civil_to_day(c) * US_PER_DAY;
}

static struct money_total per_unit(struct money price, int64_t per)
{
	return (struct money_total){ (int128)price.pico * 1000000 / per };
}

/* What decides the price; keys that FOCUS does not name begin with x_. */
static void put_details(struct buf *b, const struct stored_price *p, const char *bucket)
{
	buf_puts(b, "{\"x_Model\":");
	json_put_string(b, p->model);
	buf_puts(b, ",\"x_TokenKind\":");
	json_put_string(b, text_of(bucket));
	if (p->window.n) {
		buf_puts(b, ",\"x_Window\":");
		json_put_string(b, p->window);
	}
	buf_puts(b, "}");
}

static void usage_row(struct writer *w, const struct usage_result *r, size_t i, int64_t day,
		      const struct stored_price *p, const struct charge_part *part)
{
	struct text customer = usage_label(r, i, 1), project = usage_label(r, i, 2),
		    model = usage_label(r, i, 3);
	char what[300], sku[200], price_id[300], unit[DECIMAL_TEXT_MAX], currency[16], service[80];
	struct buf details = { 0 };
	bool fee = part->per != PER_MILLION;
	snprintf(service, sizeof service, "%.*s API", (int)(p->vendor.n < 60 ? p->vendor.n : 60),
		 p->vendor.p);
	put_details(&details, p, part->bucket);
	snprintf(currency, sizeof currency, "%.*s", (int)p->currency.n, p->currency.p);
	snprintf(what, sizeof what, "%.*s, %s%s", (int)model.n, model.p, part->bucket,
		 fee ? "" : " tokens");
	/* what is sold outlives its price; a price's id leads to one price, at peak and off it */
	snprintf(sku, sizeof sku, "%.*s/%.*s/%s", (int)(p->vendor.n < 60 ? p->vendor.n : 60),
		 p->vendor.p, (int)(p->model.n < 100 ? p->model.n : 100), p->model.p, part->bucket);
	snprintf(price_id, sizeof price_id, "%.*s/%s/%s", (int)(p->ref.n < 120 ? p->ref.n : 120),
		 p->ref.p, part->bucket,
		 money_total_format(per_unit(part->price, part->per), unit));
	struct focus_row row = { .account_id = account_of(w, customer),
				 .account_name = account_of(w, customer),
				 .sub_account_id = project,
				 .region = usage_label(r, i, 5),
				 .billing_currency = currency,
				 .pricing_currency = currency,
				 .charge_category = "Usage",
				 .charge_frequency = "Usage-Based",
				 .charge_description = what,
				 .pricing_category = "Standard",
				 .pricing_unit = fee ? "Requests" : "Tokens",
				 .consumed_unit = fee ? "Requests" : "Tokens",
				 .provider = p->vendor,
				 .publisher = p->vendor,
				 .invoice_issuer = w->o->issuer ? text_of(w->o->issuer) : p->vendor,
				 .service_name = text_of(service),
				 .sku_id = text_of(sku),
				 .sku_price_id = text_of(price_id),
				 .sku_price_details = { details.p, details.n },
				 .sku_meter = part->bucket,
				 .charge_from = { day * US_PER_DAY },
				 .charge_to = { (day + 1) * US_PER_DAY },
				 .has_quantity = true,
				 .pricing_quantity = { (int128)part->quantity * 1000000000 },
				 .consumed_quantity = { (int128)part->quantity * 1000000000 },
				 .list_unit = per_unit(part->price, part->per),
				 .contracted_unit = per_unit(part->price, part->per),
				 .has_pricing_amounts = true,
				 .pricing_list_unit = per_unit(part->price, part->per),
				 .pricing_contracted_unit = per_unit(part->price, part->per),
				 .pricing_effective = part->amount,
				 .list = part->amount,
				 .contracted = part->amount,
				 .billed = part->amount,
				 .effective = part->amount,
				 .tags = TEXT("{}") };
	month_of(day, &row.billing_from, &row.billing_to);
	put_row(w, &row);
	buf_release(&details);
}

static int usage_rows(struct writer *w, struct store *s, struct err *e)
{
	static const enum grouping dims[] = { BY_DAY,	BY_CUSTOMER, BY_PROJECT,
					      BY_MODEL, BY_PRICE,    BY_REGION };
	const struct usage_filter f = { .since = w->o->since,
					.until = w->o->until,
					.customer = w->o->customer };
	struct usage_result *r;
	struct zone *utc;
	int rc = zone_open(&utc, "UTC", e);
	if (rc != 0)
		return rc;
	rc = usage_query(&r, s, &f, &(struct usage_grouping){ dims, 6, utc }, e);
	zone_close(utc);
	if (rc != 0)
		return rc;
	w->told.unpriced = usage_total(r)->unpriced;
	w->told.placeholders = usage_total(r)->placeholders;
	w->told.unsaid = usage_total(r)->unsaid;
	for (size_t i = 0; rc == 0 && i < usage_group_count(r); i++) {
		struct charge_part part[CHARGE_PARTS_MAX];
		const struct stored_price *p = NULL;
		struct civil day;
		size_t n = 0;
		rc = civil_parse(&day, usage_label(r, i, 0), e);
		if (rc == 0)
			rc = store_stored_price(s, strtoll(usage_label(r, i, 4).p, NULL, 10), &p,
						e);
		if (rc == 0)
			rc = charge_parts(p, usage_group(r, i), part, &n, e);
		for (size_t k = 0; rc == 0 && k < n; k++)
			usage_row(w, r, i, civil_to_day(day), p, &part[k]);
	}
	usage_result_close(r);
	return rc;
}

/* --- credits: a virtual currency --- */

struct credits {
	struct writer *w;
	struct ledger *l;
	const struct account *account;
	const struct ledger_txn *txn;
	struct err *e;
};

static int grant_row(void *user, const struct grant *g)
{
	struct credits *x = user;
	const struct export_options *o = x->w->o;
	struct focus_row row;
	char currency[16], what[200];
	int64_t day = floor_div(g->effective.us, US_PER_DAY);
	if (g->effective.us < o->since.us || g->effective.us >= o->until.us)
		return 0;
	snprintf(currency, sizeof currency, "%.*s", (int)g->currency.n,
		 g->currency.n ? g->currency.p : "");
	snprintf(what, sizeof what, "%s credits: %.*s", g->kind == LOT_PAID ? "bought" : "granted",
		 (int)(g->name.n < 120 ? g->name.n : 120), g->name.p);
	/* what was given costs nothing; what was bought is billed now and effective when it is used
	 */
	struct money_total unit = { (int128)g->cost_basis.pico * 1000000 };
	int rc = focus_purchase(&row, (struct quantity){ g->amount.nano }, unit, "Credits",
				*currency ? currency : "USD", x->e);
	row.account_id = row.account_name = x->account->customer;
	row.charge_description = what;
	row.provider = row.publisher = row.invoice_issuer =
		text_of(o->issuer ? o->issuer : "tally");
	row.service_name = x->account->plan;
	char price_id[80], basis[DECIMAL_TEXT_MAX];
	snprintf(price_id, sizeof price_id, "credits/%s/%s", row.billing_currency,
		 money_total_format(unit, basis));
	row.sku_id = TEXT("credits");
	row.sku_price_id = text_of(price_id);
	row.sku_meter = "Credits";
	row.charge_from = g->effective;
	row.charge_to = (struct instant){ (day + 1) * US_PER_DAY };
	month_of(day, &row.billing_from, &row.billing_to);
	if (rc == 0)
		put_row(x->w, &row);
	return rc;
}

/* Bought credits were billed when they were bought, and become a cost as they are used. */
static int cost_of_use(struct credits *x, const struct ledger_entry *en, char currency[16],
		       struct money_total *out)
{
	struct grant g;
	int rc = ledger_find_grant(x->l, x->account->id, en->grant, &g, x->e);
	if (rc != 0 || g.kind != LOT_PAID || !g.has_cost_basis)
		return rc;
	if (g.currency.n)
		snprintf(currency, 16, "%.*s", (int)g.currency.n, g.currency.p);
	return amount_of((struct money_total){ (int128)g.cost_basis.pico * 1000000 },
			 (struct quantity){ -en->amount.nano }, (struct quantity){ 1000000000 },
			 out, x->e);
}

static int draw_entry(void *user, const struct ledger_entry *en)
{
	struct credits *x = user;
	const struct ledger_txn *t = x->txn;
	int64_t day = floor_div(t->at.us, US_PER_DAY);
	if (!text_is(en->pot, "grant") && !text_is(en->pot, "overage"))
		return 0;
	bool lot = text_is(en->pot, "grant");
	char currency[16] = "USD";
	struct money_total effective = { 0 };
	int rc = lot ? cost_of_use(x, en, currency, &effective) : 0;
	if (rc != 0)
		return rc;
	/* credits are the pricing currency; in money nothing is billed, the purchase was */
	const struct money_total used = { (int128)-en->amount.nano * 1000000000 };
	struct focus_row row = { .account_id = x->account->customer,
				 .account_name = x->account->customer,
				 .billing_currency = currency,
				 .pricing_currency = "Credits",
				 .charge_category = "Usage",
				 .charge_frequency = "Usage-Based",
				 .charge_description =
					 lot ? "credits drawn" : "credits drawn beyond the balance",
				 .pricing_category = "Standard",
				 .pricing_unit = "Credits",
				 .consumed_unit = "Credits",
				 .provider = text_of(x->w->o->issuer ? x->w->o->issuer : "tally"),
				 .publisher = text_of(x->w->o->issuer ? x->w->o->issuer : "tally"),
				 .invoice_issuer =
					 text_of(x->w->o->issuer ? x->w->o->issuer : "tally"),
				 .service_name = x->account->plan,
				 .sku_id = TEXT("credits"),
				 .sku_price_id = TEXT("credits/drawn"),
				 .sku_meter = "Credits",
				 .effective = effective,
				 .charge_from = { day * US_PER_DAY },
				 .charge_to = { (day + 1) * US_PER_DAY },
				 .has_quantity = true,
				 .has_pricing_amounts = true,
				 .pricing_quantity = { -en->amount.nano },
				 .consumed_quantity = { -en->amount.nano },
				 .pricing_list_unit = { 1000000000000000000 },
				 .pricing_contracted_unit = { 1000000000000000000 },
				 .pricing_effective = used,
				 .tags = TEXT("{}") };
	month_of(day, &row.billing_from, &row.billing_to);
	put_row(x->w, &row);
	return 0;
}

static int draw_txn(void *user, const struct ledger_txn *t)
{
	struct credits *x = user;
	x->txn = t;
	if (!text_is(t->kind, "draw") && !text_is(t->kind, "refund"))
		return 0;
	return ledger_each_entry(x->l, t->id, draw_entry, x, x->e);
}

static int credit_rows(void *user, const struct account *a)
{
	struct credits *x = user;
	const struct export_options *o = x->w->o;
	x->account = a;
	if (o->customer && !text_is(a->customer, o->customer))
		return 0;
	int rc = ledger_each_grant(x->l, a->id, o->until, grant_row, x, x->e);
	if (rc == 0)
		rc = ledger_each_txn(x->l, a->id, (struct period){ o->since, o->until }, draw_txn,
				     x, x->e);
	return rc;
}

static int export_usage(struct ledger *l, const struct export_options *o, struct export_told *told,
			struct err *e)
{
	struct writer w = { .o = o };
	struct credits x = { .w = &w, .l = l, .e = e };
	focus_put_header(&w.b);
	int rc = usage_rows(&w, ledger_store(l), e);
	if (rc == 0)
		rc = ledger_each_account(l, credit_rows, &x, e);
	fwrite(w.b.p, 1, w.b.n, o->out);
	buf_release(&w.b);
	*told = w.told;
	return rc;
}

int export_focus(struct ledger *l, const struct export_options *o, struct export_told *told,
		 struct err *e)
{
	return o->source == FOCUS_INVOICES ? export_focus_invoices(l, o, told, e)
					   : export_usage(l, o, told, e);
}
