#include "meter/billing/invoice_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/billing/cycle.h"
#include "meter/billing/standing.h"

int invoicer_open(struct invoicer **out, struct ledger *l, struct drawer *d, struct err *e)
{
	(void)e;
	struct invoicer *v = mem_zalloc(sizeof *v);
	v->ledger = l;
	v->drawer = d;
	*out = v;
	return 0;
}

void invoicer_close(struct invoicer *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->cached; i++)
		usage_result_close(v->cache[i].usage);
	free(v->cache);
	zone_close(v->zone);
	free(v);
}

struct ledger *invoicer_ledger(const struct invoicer *v)
{
	return v->ledger;
}

void invoicer_for_all(struct invoicer *v)
{
	v->for_all = true;
}

void invoicer_exchange(struct invoicer *v, const struct exchange_rates *rates)
{
	v->exchange = rates;
}

void invoicer_accept_uncovered(struct invoicer *v)
{
	v->accept_uncovered = true;
}

bool invoicer_accepts_uncovered(const struct invoicer *v)
{
	return v->accept_uncovered;
}

void invoicer_part(struct invoicer *v, enum invoice_part part)
{
	v->part = part;
}

enum invoice_part invoicer_part_of(const struct invoicer *v)
{
	return v->part;
}

static int zone_of(struct invoicer *v, const struct account *a, struct err *e)
{
	if (v->zone && text_is(a->zone, v->zone_name))
		return 0;
	zone_close(v->zone);
	v->zone = NULL;
	snprintf(v->zone_name, sizeof v->zone_name, "%.*s", (int)a->zone.n, a->zone.p);
	return zone_open(&v->zone, v->zone_name, e);
}

/* --- currencies --- */

/* The day up to which rates count: the period's last one, or today where it goes on. */
static int64_t rate_day(const struct invoicer *v, const struct invoice *i)
{
	const struct instant last = { i->to.us - 1 };
	return zone_day(v->zone, v->now.us && v->now.us < last.us ? v->now : last);
}

/* The rate of the period from that currency: one that a standing document went by, or the last one
 * up to that day. */
static int rate_from(struct invoicer *v, struct invoice *i, struct text from,
		     const struct exchange_rate **out, struct err *e)
{
	struct err why;
	size_t k = 0;
	while (k < i->rates &&
	       !(text_eq(i->rate[k].from, from) && text_eq(i->rate[k].to, i->terms.currency)))
		k++;
	*out = &i->rate[k];
	if (k < i->rates)
		return 0;
	if (k == INVOICE_RATES_MOST)
		return err_set(e, ERR_RANGE, "an invoice converts at most %d currencies",
			       INVOICE_RATES_MOST);
	struct exchange_rate *r = &i->rate[k];
	if (!v->exchange)
		return err_set(
			e, ERR_INVALID,
			"the usage of '%.*s' is priced in %.*s, its terms bill in %.*s, and no exchange rate is known: give a file of rates with " ASKED(
				"rates"),
			(int)i->customer.n, i->customer.p, (int)from.n, from.p, (int)i->currency.n,
			i->currency.p);
	if (exchange_find(v->exchange, from, i->terms.currency, rate_day(v, i), r, &why) != 0)
		return err_set(e, ERR_INVALID,
			       "the usage of '%.*s' is priced in %.*s, its terms bill in %.*s: %s",
			       (int)i->customer.n, i->customer.p, (int)from.n, from.p,
			       (int)i->currency.n, i->currency.p, why.message);
	r->from = invoice_keep(&i->arena, r->from);
	r->to = invoice_keep(&i->arena, r->to);
	r->source = invoice_keep(&i->arena, r->source);
	i->rates++;
	return 0;
}

/* An amount of credits in money: at the price that the terms say, or at the plan's worth. */
static int credits_in_money(struct invoicer *v, struct invoice *i, const struct account *a,
			    struct money_total *amount, struct text *currency, struct err *e)
{
	static const struct quantity one = { 1000000000 };
	const struct plan *plan;
	struct decimal d;
	struct quantity per, times;
	int rc;
	if (i->terms.credit_price.n && !text_is(i->terms.credit_price, "plan")) {
		*currency = i->terms.currency;
		rc = decimal_parse(&d, i->terms.credit_price, e);
		if (rc == 0)
			rc = quantity_from_decimal(&times, d, e);
		return rc == 0 ? amount_of(*amount, times, one, amount, e) : rc;
	}
	if (!i->worth.currency.n) { /* else as documents of the period have it */
		rc = drawer_plan(v->drawer, a, i->from, &plan, e);
		if (rc != 0)
			return rc;
		i->worth = (struct credit_worth){ invoice_keep(&i->arena,
							       text_of(plan_currency(plan))),
						  plan_credits_per_unit(plan) };
	}
	*currency = i->worth.currency;
	if (currency->n == 0)
		return err_set(e, ERR_INVALID,
			       "the plan of '%.*s' does not say what a credit is "
			       "worth",
			       (int)a->customer.n, a->customer.p);
	rc = quantity_from_decimal(&per, i->worth.per, e);
	return rc == 0 ? amount_of(*amount, one, per, amount, e) : rc;
}

/* Into the currency of the invoice. */
static int exchange(struct invoicer *v, struct invoice *i, const struct account *a,
		    struct text currency, struct money_total *amount, struct err *e)
{
	const struct exchange_rate *r;
	int rc = 0;
	if (text_eq(currency, i->terms.currency))
		return 0;
	if (text_is(currency, "credits"))
		rc = credits_in_money(v, i, a, amount, &currency, e);
	if (rc != 0 || amount->atto == 0 || text_eq(currency, i->terms.currency))
		return rc;
	rc = rate_from(v, i, currency, &r, e);
	return rc == 0 ? exchange_amount(r, *amount, amount, e) : rc;
}

/* --- lines --- */

static struct invoice_line *add_line(struct invoice *i, enum line_kind kind, struct text what)
{
	if ((i->lines & (i->lines - 1)) == 0)
		i->line = mem_grow(i->line, (i->lines ? i->lines * 2 : 16) * sizeof *i->line);
	struct invoice_line *l = &i->line[i->lines++];
	*l = (struct invoice_line){ .kind = kind, .description = invoice_keep(&i->arena, what) };
	return l;
}

static void round_line(const struct invoice *i, struct invoice_line *l)
{
	l->amount = amount_round(l->exact, i->terms.round);
}

/* By the number; where there is none, and of the same number, by the text. */
static int price_cmp(struct text a, struct text b)
{
	struct decimal x, y;
	int c = 0;
	if (decimal_parse(&x, a, NULL) == 0 && decimal_parse(&y, b, NULL) == 0)
		c = decimal_cmp(x, y);
	return c ? c : text_cmp(a, b);
}

static int by_key(const void *a, const void *b)
{
	const struct charge *x = a, *y = b;
	int c = text_cmp(x->project, y->project);
	c = c ? c : text_cmp(x->model, y->model);
	c = c ? c : text_cmp(x->bucket, y->bucket);
	c = c ? c : price_cmp(x->unit_price, y->unit_price);
	c = c ? c : text_cmp(x->currency, y->currency);
	c = c ? c : text_cmp(x->provider, y->provider);
	return c ? c : decimal_cmp(x->markup, y->markup);
}

static int mark_up(struct invoice *i, struct invoice_line *l, struct decimal percent, struct err *e)
{
	struct money_total more;
	struct decimal price, factor = percent;
	char text[DECIMAL_TEXT_MAX];
	int128 hundred = 100;
	for (int k = 0; k < percent.scale; k++)
		hundred *= 10;
	factor.digits += hundred;
	factor.scale += 2;
	int rc = amount_percent(l->exact, percent, ROUND_EXACT, &more, e);
	if (rc == 0 && !money_total_add(&l->exact, more))
		rc = err_set(e, ERR_RANGE, "a line is out of range");
	if (rc == 0 && l->unit_price.n && decimal_parse(&price, l->unit_price, NULL) == 0 &&
	    decimal_multiply(price, factor, &price))
		l->unit_price = invoice_keep(&i->arena, text_of(decimal_format(price, text)));
	return rc;
}

/* A price of a unit as it is shown, in the currency of the invoice. */
static int exchange_price(struct invoicer *v, struct invoice *i, const struct account *a,
			  const struct charge *c, struct text *out, struct err *e)
{
	enum { PRICE_PLACES = 12 };
	struct decimal d;
	struct money_total price;
	char text[DECIMAL_TEXT_MAX];
	*out = invoice_keep(&i->arena, c->unit_price);
	if (c->unit_price.n == 0 || text_eq(c->currency, i->terms.currency))
		return 0;
	int rc = decimal_parse(&d, c->unit_price, e);
	if (rc == 0)
		rc = amount_from_decimal(&price, d, e);
	if (rc == 0)
		rc = exchange(v, i, a, c->currency, &price, e);
	if (rc == 0)
		*out = invoice_keep(&i->arena,
				    text_of(money_total_format(
					    amount_round(price, (struct rounding){ PRICE_PLACES,
										   ROUND_HALF_UP }),
					    text)));
	return rc;
}

/* A charge in the invoice's currency, with its markup. */
static int usage_line(struct invoicer *v, struct invoice *i, const struct account *a,
		      const struct charge *c, struct err *e)
{
	struct buf what = { 0 };
	int rc = 0;
	buf_add(&what, c->model.p, c->model.n);
	if (c->project.n)
		buf_printf(&what, ", %.*s", (int)c->project.n, c->project.p);
	struct invoice_line *l = add_line(i, LINE_USAGE, (struct text){ what.p, what.n });
	buf_release(&what);
	l->provider = invoice_keep(&i->arena, c->provider);
	l->project = invoice_keep(&i->arena, c->project);
	l->model = invoice_keep(&i->arena, c->model);
	l->bucket = invoice_keep(&i->arena, c->bucket);
	l->quantity.nano = (int128)c->quantity * 1000000000;
	l->exact = c->amount;
	rc = exchange(v, i, a, c->currency, &l->exact, e);
	if (rc == 0)
		rc = exchange_price(v, i, a, c, &l->unit_price, e);
	if (rc == 0 && c->markup.digits)
		rc = mark_up(i, l, c->markup, e);
	round_line(i, l);
	return rc;
}

/* How many charges from here on are of the same project, model and bucket. */
static size_t charges_alike(const struct charges *all, size_t from)
{
	size_t n = 1;
	const struct charge *c = &all->charge[from];
	while (from + n < all->count && text_eq(c[n].project, c->project) &&
	       text_eq(c[n].model, c->model) && text_eq(c[n].bucket, c->bucket))
		n++;
	return n;
}

static int usage_lines(struct invoicer *v, struct invoice *i, const struct account *a,
		       struct charges *all, struct err *e)
{
	int rc = 0;
	if (all->count)
		qsort(all->charge, all->count, sizeof *all->charge, by_key);
	for (size_t k = 0, alike = 0, at = 0; rc == 0 && k < all->count; k++, at++) {
		if (at == alike) {
			alike = charges_alike(all, k);
			at = 0;
		}
		if (!all->charge[k].quantity && !all->charge[k].amount.atto)
			continue;
		rc = usage_line(v, i, a, &all->charge[k], e);
		if (rc == 0)
			i->line[i->lines - 1].why =
				charge_reason(&all->charge[k - at], alike, at, &i->arena);
	}
	return rc;
}

/* The quantity that a metered item charges for. */
static struct quantity metered_quantity(const struct metered_item *m, const struct charges *all,
					int64_t requests)
{
	int128 sum = 0;
	if (text_is(m->of, "requests"))
		return (struct quantity){ (int128)requests * 1000000000 };
	for (size_t k = 0; k < all->count; k++) {
		const struct charge *c = &all->charge[k];
		const struct priced_use of = { c->provider, c->model, c->bucket, all->names,
					       all->names_at };
		if (!terms_name_model(m->model, &of) ||
		    (m->project.n && !text_eq(m->project, c->project)) ||
		    (!text_is(m->of, "tokens") && !text_eq(m->of, c->bucket)))
			continue;
		/* units are no tokens; records and requests are neither */
		const int kind = count_by_name(c->bucket.p, c->bucket.n);
		if (kind >= 0 && (kind < BUCKET_COUNT || !text_is(m->of, "tokens")))
			sum += c->quantity;
	}
	return (struct quantity){ sum * 1000000000 };
}

/* A quantity at the price of a tier. */
static void put_product(struct buf *b, struct quantity q, const struct tier *t)
{
	char text[DECIMAL_TEXT_MAX];
	buf_printf(b, "%s x ", quantity_format(q, text));
	buf_puts(b, money_total_format(t->unit, text));
	if (t->flat.atto)
		buf_printf(b, " + %s", money_total_format(t->flat, text));
}

static struct text keep_tiers(struct invoice *i, const struct buf *products)
{
	struct buf b = { 0 };
	buf_printf(&b, "{\"tiers\":\"%.*s\"}", (int)products->n, products->p);
	const struct text why = invoice_keep(&i->arena, (struct text){ b.p, b.n });
	buf_release(&b);
	return why;
}

/* What is multiplied: "100 x 0 + 200 x 0.01 + 5", as JSON. */
static struct text graduated_why(struct invoice *i, const struct metered_item *m, struct quantity q)
{
	struct buf b = { 0 };
	struct quantity below = { 0 };
	for (size_t k = 0; k < m->tiers && (k == 0 || q.nano > below.nano); k++) {
		const struct tier *t = &m->tier[k];
		struct quantity part = { t->bounded && t->up_to.nano < q.nano ? t->up_to.nano
									      : q.nano };
		part.nano -= below.nano;
		buf_puts(&b, k ? " + " : "");
		put_product(&b, part, t);
		below = t->up_to;
		if (!t->bounded)
			break;
	}
	const struct text why = keep_tiers(i, &b);
	buf_release(&b);
	return why;
}

/* The same of a volume price that has a flat part; one without is its unit price times the volume.
 */
static struct text volume_why(struct invoice *i, const struct tier *t, struct quantity q)
{
	struct buf b = { 0 };
	if (!t->flat.atto)
		return TEXT("");
	put_product(&b, q, t);
	const struct text why = keep_tiers(i, &b);
	buf_release(&b);
	return why;
}

static struct text package_why(struct invoice *i, const struct metered_item *m)
{
	struct buf b = { 0 };
	char text[DECIMAL_TEXT_MAX];
	buf_printf(&b, "{\"package\":\"%s\"", quantity_format(m->package, text));
	if (m->free_units.nano)
		buf_printf(&b, ",\"free\":\"%s\"", quantity_format(m->free_units, text));
	buf_puts(&b, "}");
	const struct text why = invoice_keep(&i->arena, (struct text){ b.p, b.n });
	buf_release(&b);
	return why;
}

static int metered_line(struct invoice *i, const struct metered_item *m, struct quantity q,
			struct err *e)
{
	struct invoice_line *l = add_line(i, LINE_METERED, m->description);
	struct money_total part[TIERS_MAX];
	char text[DECIMAL_TEXT_MAX];
	size_t which = 0;
	int rc = 0;
	l->quantity = q;
	l->bucket = invoice_keep(&i->arena, m->of);
	l->model = invoice_keep(&i->arena, m->model);
	l->project = invoice_keep(&i->arena, m->project);
	switch (m->kind) {
	case PRICING_UNIT:
		rc = amount_of(m->price, q, (struct quantity){ 1000000000 }, &l->exact, e);
		l->unit_price =
			invoice_keep(&i->arena, text_of(money_total_format(m->price, text)));
		break;
	case PRICING_GRADUATED:
		rc = tiers_graduated(m->tier, m->tiers, q, part, &l->exact, e);
		if (q.nano > 0)
			l->why = graduated_why(i, m, q);
		break;
	case PRICING_VOLUME:
		rc = tiers_volume(m->tier, m->tiers, q, &which, &l->exact, e);
		if (rc == 0)
			l->unit_price = invoice_keep(
				&i->arena, text_of(money_total_format(m->tier[which].unit, text)));
		if (rc == 0)
			l->why = volume_why(i, &m->tier[which], q);
		break;
	case PRICING_PACKAGE:
		rc = package_amount(m->package, m->price, m->free_units, q, &l->exact, e);
		l->why = package_why(i, m);
		l->unit_price =
			invoice_keep(&i->arena, text_of(money_total_format(m->price, text)));
		break;
	}
	if (rc == 0)
		round_line(i, l);
	return rc;
}

static int count_requests(struct invoicer *v, const struct account *a, const struct invoice *i,
			  const struct metered_item *m, int64_t *out, struct err *e)
{
	struct usage_result *r;
	const struct usage_filter f = { .since = i->from,
					.until = i->to,
					.customer = a->customer.p,
					.project = m->project.n ? m->project.p : NULL,
					.model = m->model.n ? m->model.p : NULL,
					.names_at = i->to,
					.costs_apart = true };
	int rc = usage_query(&r, ledger_store(v->ledger), &f,
			     &(struct usage_grouping){ .zone = v->zone }, e);
	if (rc == 0) {
		*out = usage_total(r)->requests;
		usage_result_close(r);
	}
	return rc;
}

/* --- fixed items --- */

/* The part of the period for which an item counts. */
static int fixed_line(struct invoicer *v, struct invoice *i, const struct fixed_item *f,
		      struct err *e)
{
	const bool shared = !f->whole && !f->once;
	/* what is charged whole counts from the first second on */
	const struct dated_part part =
		dated_part(&f->when, &i->terms.contract, v->zone, i->from, i->to,
			   shared ? i->terms.proration : PRORATE_SECOND);
	struct money_total amount;
	if (part.counted <= 0 || (f->once && dated_begins_before(&f->when, v->zone, i->from)))
		return 0;
	struct invoice_line *l = add_line(i, LINE_FIXED, f->description);
	l->quantity = f->quantity;
	int rc = amount_of(f->amount, f->quantity, (struct quantity){ 1000000000 }, &amount, e);
	if (rc == 0 && shared)
		rc = amount_share(amount, part.counted, part.of, ROUND_EXACT, &amount, e);
	l->exact = amount;
	round_line(i, l);
	return rc;
}

/* All of them are asked for by the period's own invoice, some of them before that. */
static int fixed_lines(struct invoicer *v, struct invoice *i, struct err *e)
{
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < i->terms.fixed_count; k++)
		if (i->part == INVOICE_OWN || i->part == INVOICE_SUPPLEMENT ||
		    i->terms.fixed[k].advance)
			rc = fixed_line(v, i, &i->terms.fixed[k], e);
	return rc;
}

/* --- credits that were sold --- */

struct sales {
	struct invoicer *v;
	struct invoice *i;
	const struct account *a;
	struct err *e;
};

/* What is void of them is not asked for. */
static int sale_line(void *user, const struct credit_sale *s)
{
	struct sales *x = user;
	struct buf what = { 0 };
	struct money_total amount = { (int128)s->price.pico * 1000000 };
	const int64_t kept = s->amount.nano - s->voided.nano;
	int rc = s->voided.nano == 0
			 ? 0
			 : amount_share(amount, kept, s->amount.nano, ROUND_EXACT, &amount, x->e);
	if (rc == 0)
		rc = exchange(x->v, x->i, x->a, s->currency, &amount, x->e);
	if (rc != 0 || amount.atto == 0)
		return rc;
	buf_add(&what, s->grant.p, s->grant.n);
	if (s->note.n && !s->recurs)
		buf_printf(&what, ", %.*s", (int)s->note.n, s->note.p);
	struct invoice_line *l = add_line(x->i, LINE_FIXED, (struct text){ what.p, what.n });
	buf_release(&what);
	l->quantity.nano = 1000000000;
	l->exact = amount;
	round_line(x->i, l);
	return 0;
}

static int sale_lines(struct invoicer *v, struct invoice *i, const struct account *a, struct err *e)
{
	struct sales x = { v, i, a, e };
	if (!i->terms.sales || invoice_in_credits(i))
		return 0;
	const struct sales_asked of = { a->id, i->from, i->to };
	return ledger_each_sale(v->ledger, &of, sale_line, &x, e);
}

static int other_lines(struct invoicer *v, struct invoice *i, const struct account *a,
		       const struct charges *all, struct err *e)
{
	int rc = 0;
	for (size_t k = 0; rc == 0 && i->part != INVOICE_ADVANCE && k < i->terms.metered_count;
	     k++) {
		const struct metered_item *m = &i->terms.metered[k];
		int64_t requests = 0;
		if (text_is(m->of, "requests"))
			rc = count_requests(v, a, i, m, &requests, e);
		if (rc == 0)
			rc = metered_line(i, m, metered_quantity(m, all, requests), e);
	}
	if (rc == 0)
		rc = fixed_lines(v, i, e);
	if (rc == 0 && i->part != INVOICE_INTERIM && i->part != INVOICE_ADVANCE)
		rc = sale_lines(v, i, a, e);
	return rc;
}

static struct money_total sum_of(const struct invoice *i)
{
	struct money_total sum = { 0 };
	for (size_t k = 0; k < i->lines; k++)
		money_total_add(&sum, i->line[k].amount);
	return sum;
}

/* What the lines so far come to: as they are rounded, or where the document is, exactly. */
static struct money_total so_far(const struct invoice *i)
{
	struct money_total sum = { 0 };
	for (size_t k = 0; k < i->lines; k++)
		money_total_add(&sum, i->terms.by_document ? i->line[k].exact : i->line[k].amount);
	return sum;
}

static void closing_line(struct invoice *i, enum line_kind kind, struct text what,
			 struct money_total exact)
{
	struct invoice_line *l = add_line(i, kind, what);
	l->exact = exact;
	round_line(i, l);
}

/* Whether the period is one of the coupon's, counted from the one that holds its first day. */
static bool coupon_counts(const struct invoicer *v, const struct invoice *i,
			  const struct account *a, const struct coupon *c)
{
	const int64_t day = zone_day(v->zone, i->from);
	if (day >= c->to || c->from >= c->to)
		return false;
	if (c->from == INT64_MIN / 2)
		return true;
	struct period p = cycle_period(v->zone, a->anchor_day, zone_midnight(v->zone, c->from));
	if (i->from.us < p.from.us)
		return false;
	if (!c->periods)
		return true;
	for (int64_t n = 1; n < c->periods && p.to.us <= i->from.us; n++)
		p = cycle_period(v->zone, a->anchor_day, p.to);
	return i->from.us < p.to.us;
}

/* One after another, each of what the ones before leave; never more than that. */
static int coupon_lines(struct invoicer *v, struct invoice *i, const struct account *a,
			struct err *e)
{
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < i->terms.coupon_count; k++) {
		const struct coupon *c = &i->terms.coupon[k];
		const struct money_total left = so_far(i);
		struct money_total off = c->amount;
		if (left.atto <= 0 || !coupon_counts(v, i, a, c))
			continue;
		if (c->is_percent)
			rc = amount_percent(left, c->percent, ROUND_EXACT, &off, e);
		if (off.atto > left.atto)
			off = left;
		closing_line(i, LINE_COUPON, c->description, (struct money_total){ -off.atto });
	}
	return rc;
}

/* What of a minimum or maximum counts in the period; *any: whether it does at all. */
static int bound_of(struct invoicer *v, const struct invoice *i, const struct bound *b,
		    struct money_total *out, bool *any, struct err *e)
{
	const enum proration by = b->whole ? PRORATE_SECOND : i->terms.proration;
	*any = b->set;
	*out = b->amount;
	if (!b->set)
		return 0;
	const struct dated_part part =
		dated_part(&b->when, &i->terms.contract, v->zone, i->from, i->to, by);
	*any = part.counted > 0;
	return b->whole || !*any || part.counted == part.of
		       ? 0
		       : amount_share(b->amount, part.counted, part.of, i->terms.round, out, e);
}

/* Minimum and maximum, then discounts, coupons, and what rounding the sum changes. */
static int closing_lines(struct invoicer *v, struct invoice *i, const struct account *a,
			 struct err *e)
{
	const struct terms *t = &i->terms;
	char text[DECIMAL_TEXT_MAX + 20];
	struct money_total sum = so_far(i), off, least, most;
	bool has_least, has_most;
	int rc = bound_of(v, i, &t->minimum, &least, &has_least, e);
	if (rc == 0)
		rc = bound_of(v, i, &t->maximum, &most, &has_most, e);
	if (rc != 0)
		return rc;
	if (has_least && i->part != INVOICE_INTERIM && i->part != INVOICE_ADVANCE &&
	    minimum_topup(sum, least).atto)
		closing_line(i, LINE_MINIMUM, TEXT("up to the agreed minimum"),
			     minimum_topup(sum, least));
	if (has_most && sum.atto > most.atto)
		closing_line(i, LINE_MAXIMUM, TEXT("down to the agreed maximum"),
			     money_total_minus(most, sum));
	if (t->discount_percent.digits) {
		decimal_format(t->discount_percent, text);
		strcat(text, " % discount");
		rc = amount_percent(so_far(i), t->discount_percent, ROUND_EXACT, &off, e);
		closing_line(i, LINE_DISCOUNT, text_of(text), (struct money_total){ -off.atto });
	}
	if (rc == 0)
		rc = coupon_lines(v, i, a, e);
	if (rc == 0 && t->by_document) {
		struct money_total more =
			money_total_minus(amount_round(so_far(i), t->round), sum_of(i));
		if (more.atto)
			add_line(i, LINE_ROUNDING, TEXT("rounding of the sum"))->amount = more;
	}
	return rc;
}

/* --- what credits paid --- */

/* What those credits are worth in the invoice's currency. */
static int worth_of(struct invoicer *v, struct invoice *i, const struct account *a,
		    struct nano_credits n, struct money_total *out, struct err *e)
{
	*out = (struct money_total){ (int128)n.nano * 1000000000 };
	return n.nano ? exchange(v, i, a, TEXT("credits"), out, e) : 0;
}

/* The usage lines as they are rounded, and exactly. */
static struct money_total usage_sum(const struct invoice *i, struct money_total *exact)
{
	struct money_total sum = { 0 };
	*exact = (struct money_total){ 0 };
	for (size_t k = 0; k < i->lines; k++)
		if (i->line[k].kind == LINE_USAGE) {
			money_total_add(&sum, i->line[k].amount);
			money_total_add(exact, i->line[k].exact);
		}
	if (i->terms.by_document)
		return amount_round(*exact, i->terms.round);
	return sum;
}

/* The most that credits can pay: of what is asked for, the share that is usage. */
static struct money_total payable(const struct invoice *i, struct money_total usage)
{
	struct money_total charged = { 0 };
	for (size_t k = 0; k < i->lines; k++)
		if (i->line[k].kind <= LINE_MINIMUM)
			money_total_add(&charged, i->terms.by_document ? i->line[k].exact
								       : i->line[k].amount);
	charged = amount_round(charged, i->terms.round);
	if (usage.atto <= 0 || i->subtotal.atto <= 0)
		return (struct money_total){ 0 };
	if (i->subtotal.atto >= charged.atto)
		return usage;
	return amount_ratio(usage, i->subtotal, charged,
			    (struct rounding){ i->terms.round.places, ROUND_DOWN });
}

/*
 * Credits pay what they are worth of the exact usage; the customer pays the rest of it, rounded, so
 * that usage which is covered leaves nothing over from the rounding of lines.
 */
static int apply_credits(struct invoicer *v, struct invoice *i, const struct account *a,
			 struct err *e)
{
	struct ledger_use use;
	struct money_total worth, exact, dust = { 0 }, usage = usage_sum(i, &exact);
	struct nano_credits by_hand = { 0 };
	int rc = ledger_days(v->ledger, a->id, zone_day(v->zone, i->from), zone_day(v->zone, i->to),
			     &use, e);
	if (rc == 0)
		rc = ledger_by_hand(v->ledger, a, i->from, i->to, &by_hand, e);
	use.covered.nano -= by_hand.nano;
	if (rc == 0)
		rc = worth_of(v, i, a, use.covered, &worth, e);
	/* the ledger knows nothing finer than a billionth */
	if (rc == 0 && use.covered.nano)
		rc = worth_of(v, i, a, (struct nano_credits){ 1 }, &dust, e);
	if (rc != 0)
		return rc;
	i->counted = use.covered;
	const struct money_total most = payable(i, usage);
	struct money_total unpaid = money_total_minus(exact, worth);
	if (unpaid.atto < 0 || unpaid.atto < dust.atto)
		unpaid.atto = 0;
	struct money_total applied = money_total_minus(usage, amount_round(unpaid, i->terms.round));
	if (worth.atto <= 0 || applied.atto < 0)
		applied.atto = 0;
	i->credits_applied = applied.atto < most.atto ? applied : most;
	return 0;
}

/* Overage of usage before the period's end that no invoice has asked for yet. */
static int take_overage(struct invoicer *v, struct invoice *i, const struct account *a,
			struct err *e)
{
	struct ledger_use after;
	struct nano_credits by_hand = { 0 }, lacked = { 0 };
	int rc = ledger_days(v->ledger, a->id, zone_day(v->zone, i->to), INT64_MAX, &after, e);
	if (rc == 0)
		rc = ledger_by_hand(v->ledger, a, i->to, INSTANT_MAX, &by_hand, e);
	if (rc == 0)
		rc = ledger_lacked_by_hand(v->ledger, a->id, &lacked, e);
	if (rc != 0 || a->overage == OVERAGE_DEBT)
		return rc;
	int64_t later = after.used.nano - (after.covered.nano - by_hand.nano);
	i->overage.nano = a->owed.nano - lacked.nano - (later > 0 ? later : 0);
	if (i->overage.nano < 0)
		i->overage.nano = 0;
	return 0;
}

/* The part of what is asked for that is this tax, where prices hold all of them. */
static int tax_within(const struct invoice *i, struct money_total gross, struct decimal percent,
		      struct money_total *out, struct err *e)
{
	struct quantity own, all = { 100 * (int128)1000000000 };
	int rc = quantity_from_decimal(&own, percent, e);
	for (size_t k = 0; rc == 0 && k < i->terms.tax_count; k++) {
		struct quantity one;
		rc = quantity_from_decimal(&one, i->terms.tax[k].percent, e);
		all.nano += one.nano;
	}
	if (rc == 0)
		rc = amount_of(gross, own, all, out, e);
	if (rc == 0)
		*out = amount_round(*out, i->terms.round);
	return rc;
}

/* On what credits do not pay. Taxes that prices hold leave the subtotal as a line of their own, so
 * that lines, credits and taxes add up to the total in every document alike. */
static int add_taxes(struct invoice *i, struct err *e)
{
	int rc = 0;
	struct money_total within = { 0 };
	const struct money_total taxable = money_total_minus(i->subtotal, i->credits_applied);
	for (size_t k = 0; rc == 0 && k < i->terms.tax_count; k++) {
		struct invoice_tax t = { invoice_keep(&i->arena, i->terms.tax[k].name),
					 i->terms.tax[k].percent,
					 { 0 } };
		rc = i->terms.tax_inclusive
			     ? tax_within(i, taxable, t.percent, &t.amount, e)
			     : amount_percent(taxable, t.percent, i->terms.round, &t.amount, e);
		within.atto += t.amount.atto;
		if (!i->terms.reverse_charge)
			i->tax[i->taxes++] = t;
	}
	if (rc == 0 && i->terms.tax_inclusive && within.atto) {
		struct invoice_line *l =
			add_line(i, LINE_INCLUDED, TEXT("taxes that the prices include"));
		l->exact.atto = l->amount.atto = -within.atto;
		i->subtotal = sum_of(i);
	}
	return rc;
}

/* --- the whole of a period --- */

static int find_bound(struct invoicer *v, struct invoice *i, const struct account *a, struct err *e)
{
	struct usage_result *r;
	const struct usage_filter f = {
		.since = i->from, .until = i->to, .customer = a->customer.p, .costs_apart = true
	};
	int rc = usage_query(&r, ledger_store(v->ledger), &f,
			     &(struct usage_grouping){ .zone = v->zone }, e);
	if (rc == 0) {
		i->bound = usage_lower_bound(r);
		usage_result_close(r);
	}
	return rc;
}

/* usage_only: as documents were compared that do not say what their other lines were for. */
static int whole(struct invoicer *v, struct invoice *i, const struct account *a, struct text terms,
		 bool usage_only, struct err *e)
{
	struct charges all = { .arena = &i->arena, .terms = &i->terms };
	int rc = terms_read(&i->terms, terms, zone_day(v->zone, i->from), e);
	if (rc != 0)
		return err_context(e, "the terms of '%.*s'", (int)a->customer.n, a->customer.p);
	if (i->terms.from_account)
		i->terms.contract.from =
			(struct moment){ .day = zone_day(v->zone, a->since),
					 .at = a->since,
					 .exact = i->terms.proration == PRORATE_SECOND };
	i->customer = invoice_keep(&i->arena, a->customer);
	i->currency = i->terms.currency;
	const bool usage = i->part != INVOICE_ADVANCE;
	rc = usage ? charges_of(v, i, &all, a, e) : 0;
	i->unpriced = all.unpriced;
	if (rc == 0 && usage)
		rc = find_bound(v, i, a, e);
	if (rc == 0 && usage && invoice_by_credits(i))
		rc = ledger_uncovered_in(v->ledger, a->id, i->from, i->to, &i->unpriced, e);
	if (rc == 0 && i->terms.usage)
		rc = usage_lines(v, i, a, &all, e);
	if (rc == 0 && !usage_only)
		rc = other_lines(v, i, a, &all, e);
	if (rc == 0 && !usage_only)
		rc = closing_lines(v, i, a, e);
	charges_release(&all);
	i->subtotal = sum_of(i);
	if (rc == 0 && usage && !usage_only)
		rc = apply_credits(v, i, a, e);
	if (rc == 0 && !usage_only)
		rc = add_taxes(i, e);
	return rc;
}

/* --- the document's periods --- */

static struct invoice_period *add_period(struct invoice *to, const struct invoice *w,
					 const struct standing *s)
{
	struct buf terms = { 0 };
	to->period = mem_grow(to->period, (to->periods + 1) * sizeof *to->period);
	struct invoice_period *p = &to->period[to->periods++];
	*p = (struct invoice_period){ .from = w->from,
				      .to = w->to,
				      .credits_applied = w->credits_applied,
				      .taxes = w->taxes };
	for (size_t k = 0; k < w->taxes; k++)
		p->tax[k] = (struct invoice_tax){ invoice_keep(&to->arena, w->tax[k].name),
						  w->tax[k].percent, w->tax[k].amount };
	for (size_t k = 0; k < w->rates; k++) {
		p->rate[p->rates] = w->rate[k];
		p->rate[p->rates].from = invoice_keep(&to->arena, w->rate[k].from);
		p->rate[p->rates].to = invoice_keep(&to->arena, w->rate[k].to);
		p->rate[p->rates++].source = invoice_keep(&to->arena, w->rate[k].source);
	}
	p->worth =
		(struct credit_worth){ invoice_keep(&to->arena, w->worth.currency), w->worth.per };
	json_put_value(&terms, w->terms.version);
	p->terms = invoice_keep(&to->arena, (struct text){ terms.p, terms.n });
	buf_release(&terms);
	if (s)
		p->corrects = invoice_keep(&to->arena, s->number);
	return p;
}

static bool is_nothing(const struct invoice *w)
{
	bool any = w->lines || w->credits_applied.atto;
	for (size_t k = 0; k < w->taxes; k++)
		any |= w->tax[k].amount.atto != 0;
	return !any;
}

/* Lines of another period than the document's: of one that it corrects, or of days to come. */
static void append_lines(struct invoice *to, const struct invoice *w, struct text corrects,
			 const char *days)
{
	for (size_t k = 0; k < w->lines; k++) {
		const struct invoice_line *from = &w->line[k];
		struct buf what = { 0 };
		if (corrects.n)
			buf_printf(&what, "adjustment of %.*s: ", (int)corrects.n, corrects.p);
		buf_add(&what, from->description.p, from->description.n);
		if (days)
			buf_printf(&what, ", %s", days);
		struct invoice_line *l = add_line(to, from->kind, (struct text){ what.p, what.n });
		buf_release(&what);
		l->item = invoice_keep(&to->arena, from->item.n ? from->item : from->description);
		l->provider = invoice_keep(&to->arena, from->provider);
		l->project = invoice_keep(&to->arena, from->project);
		l->model = invoice_keep(&to->arena, from->model);
		l->bucket = invoice_keep(&to->arena, from->bucket);
		l->unit_price = invoice_keep(&to->arena, from->unit_price);
		l->why = invoice_keep(&to->arena, from->why);
		l->quantity = from->quantity;
		l->exact = from->exact;
		l->amount = from->amount;
		l->period = to->periods - 1;
	}
}

/* A period keeps the rates that its documents went by, and what its credits were worth. */
static void take_rates(struct invoice *w, const struct standing *s)
{
	w->worth = s->worth;
	for (size_t k = 0; k < s->rates; k++)
		w->rate[w->rates++] = s->rate[k];
}

/* A period comes to no less than the notes on it: what they credited is not given back again. */
static void keep_notes(struct invoice *w, const struct standing *s)
{
	struct money_total more = s->noted;
	for (size_t k = 0; k < w->lines; k++)
		more.atto -= w->line[k].amount.atto;
	for (size_t k = 0; k < w->taxes; k++)
		more.atto -= w->tax[k].amount.atto;
	more.atto += w->credits_applied.atto;
	if (s->usage_only || more.atto <= 0)
		return;
	const struct money_total all = more.atto < s->noted.atto ? more : s->noted;
	struct invoice_line *l = add_line(w, LINE_NOTED, TEXT("credited by notes already"));
	l->amount = more;
	for (size_t k = 0; k < s->noted_taxes; k++) {
		size_t t = 0;
		const struct money_total tax =
			amount_ratio(s->noted_tax[k].amount, all, s->noted,
				     (struct rounding){ w->terms.round.places, ROUND_HALF_UP });
		while (t < w->taxes &&
		       !(text_eq(w->tax[t].name, s->noted_tax[k].name) &&
			 decimal_cmp(w->tax[t].percent, s->noted_tax[k].percent) == 0))
			t++;
		if (t == TERMS_ITEMS_MAX)
			continue;
		if (t == w->taxes)
			w->tax[w->taxes++] =
				(struct invoice_tax){ invoice_keep(&w->arena, s->noted_tax[k].name),
						      s->noted_tax[k].percent,
						      { 0 } };
		w->tax[t].amount.atto += tax.atto;
		l->amount.atto -= tax.atto;
	}
	l->exact = l->amount;
}

/* What has changed in a period since it was invoiced. */
static int change_of(struct invoicer *v, struct invoice *w, const struct account *a,
		     const struct standing *s, struct err *e)
{
	*w = (struct invoice){ .from = s->from, .to = s->to };
	take_rates(w, s);
	int rc = whole(v, w, a, s->terms.n ? s->terms : a->terms, s->usage_only, e);
	if (rc == 0)
		keep_notes(w, s);
	if (rc == 0)
		rc = standing_subtract(w, s, e);
	if (rc == 0 && s->usage_only) {
		w->subtotal = sum_of(w);
		rc = add_taxes(w, e);
	}
	return rc;
}

/* As lines of the document, or, where that is in another currency, as a hint only. */
static int adjust(struct invoicer *v, struct invoice *to, const struct account *a,
		  const struct standing *s, struct err *e)
{
	struct invoice *w = mem_zalloc(sizeof *w);
	int rc = change_of(v, w, a, s, e);
	if (rc == 0 && !is_nothing(w) && !text_eq(s->currency, to->currency)) {
		to->elsewhere++;
	} else if (rc == 0 && !is_nothing(w)) {
		add_period(to, w, s);
		append_lines(to, w, s->number, NULL);
	}
	invoice_release(w);
	free(w);
	return rc;
}

/* Terms of one version say at once that nothing is. */
static bool may_ask_in_advance(const struct terms *t)
{
	bool any = t->version != json_root(t->json);
	for (size_t k = 0; k < t->fixed_count; k++)
		any |= t->fixed[k].advance;
	return any;
}

/*
 * What of the next period is asked for in advance, under the terms of that: a part of its
 * difference, as an interim invoice is. Where documents have begun to ask for that period already,
 * they ask for these items as well.
 */
static int ask_in_advance(struct invoicer *v, struct invoice *to, const struct account *a,
			  const struct standing_list *standing, struct err *e)
{
	struct invoice *w = mem_zalloc(sizeof *w);
	bool begun = false, any = false;
	const struct period next = cycle_period(v->zone, a->anchor_day, to->to);
	w->part = INVOICE_ADVANCE;
	w->from = next.from;
	w->to = next.to;
	for (size_t k = 0; standing && k < standing->count; k++)
		begun |= standing->period[k].from.us < w->to.us &&
			 standing->period[k].to.us > w->from.us &&
			 standing_counts(&standing->period[k]);
	int rc = begun || w->from.us != to->to.us ? 0 : whole(v, w, a, a->terms, false, e);
	for (size_t k = 0; rc == 0 && k < w->lines; k++)
		any |= w->line[k].kind == LINE_FIXED;
	if (any && text_eq(w->currency, to->currency)) {
		char days[DAYS_TEXT_MAX];
		days_format(zone_day(v->zone, w->from),
			    zone_day(v->zone, (struct instant){ w->to.us - 1 }), days);
		add_period(to, w, NULL)->advance = true;
		append_lines(to, w, (struct text){ 0 }, days);
	}
	invoice_release(w);
	free(w);
	return rc;
}

static int add_up(struct invoice *i, struct err *e)
{
	i->subtotal = sum_of(i);
	for (size_t k = 0; k < i->lines; k++)
		i->residual.atto += i->line[k].exact.atto - i->line[k].amount.atto;
	i->credits_applied.atto = 0;
	i->taxes = 0;
	for (size_t p = 0; p < i->periods; p++) {
		const struct invoice_period *of = &i->period[p];
		i->credits_applied.atto += of->credits_applied.atto;
		for (size_t t = 0; t < of->taxes; t++) {
			size_t k = 0;
			while (k < i->taxes &&
			       !(text_eq(i->tax[k].name, of->tax[t].name) &&
				 decimal_cmp(i->tax[k].percent, of->tax[t].percent) == 0))
				k++;
			if (k == TERMS_ITEMS_MAX)
				return err_set(e, ERR_RANGE, "an invoice has more than %d taxes",
					       TERMS_ITEMS_MAX);
			if (k == i->taxes)
				i->tax[i->taxes++] = (struct invoice_tax){ of->tax[t].name,
									   of->tax[t].percent,
									   { 0 } };
			i->tax[k].amount.atto += of->tax[t].amount.atto;
			i->tax_total.atto += of->tax[t].amount.atto;
		}
	}
	i->taxable = money_total_minus(i->subtotal, i->credits_applied);
	i->total = i->taxable;
	if (!money_total_add(&i->total, i->tax_total))
		return err_set(e, ERR_RANGE, "the total is out of range");
	return 0;
}

/* The period's own charges, less what parts of it that stand have asked for already. */
static int compute_own(struct invoicer *v, struct invoice *i, const struct account *a,
		       const struct standing *own, const struct standing_list *standing,
		       struct err *e)
{
	if (own)
		take_rates(i, own);
	int rc = whole(v, i, a, a->terms, false, e);
	if (rc == 0)
		rc = take_overage(v, i, a, e);
	if (rc == 0 && own)
		keep_notes(i, own);
	if (rc == 0 && own)
		rc = standing_subtract(i, own, e);
	if (rc == 0)
		add_period(i, i, NULL);
	return rc == 0 && i->part == INVOICE_OWN && may_ask_in_advance(&i->terms)
		       ? ask_in_advance(v, i, a, standing, e)
		       : rc;
}

/* Nothing but what has changed since the period was invoiced, under the terms of then. */
static int compute_supplement(struct invoicer *v, struct invoice *i, const struct account *a,
			      const struct standing *own, struct err *e)
{
	int rc = terms_read(&i->terms, own->terms.n ? own->terms : a->terms,
			    zone_day(v->zone, i->from), e);
	i->customer = invoice_keep(&i->arena, a->customer);
	i->currency = i->terms.currency;
	if (rc == 0)
		rc = take_overage(v, i, a, e);
	return rc == 0 ? adjust(v, i, a, own, e) : rc;
}

static int compute_parts(struct invoicer *v, struct invoice *i, const struct account *a,
			 const struct invoice_basis *of, struct err *e)
{
	const struct standing_list *standing = of->standing;
	*i = (struct invoice){ .part = v->part, .from = of->period.from, .to = of->period.to };
	const struct standing *own =
		standing ? standing_find(standing, i->from, i->to, of->currency) : NULL;
	v->now = of->now;
	int rc = zone_of(v, a, e);
	if (rc == 0)
		rc = store_refresh(ledger_store(v->ledger), e);
	if (rc == 0) {
		day_format(zone_day(v->zone, i->from), i->from_day);
		day_format(zone_day(v->zone, (struct instant){ i->to.us - 1 }), i->last_day);
		i->usage_to = store_last_seq(ledger_store(v->ledger));
		i->plan = invoice_keep(&i->arena, a->plan);
		i->zone = invoice_keep(&i->arena, a->zone);
		rc = i->part == INVOICE_SUPPLEMENT && own ? compute_supplement(v, i, a, own, e)
							  : compute_own(v, i, a, own, standing, e);
	}
	for (size_t k = 0; rc == 0 && standing && i->part == INVOICE_OWN && k < standing->count;
	     k++)
		if (standing->period[k].number.n && standing->period[k].from.us < i->from.us)
			rc = adjust(v, i, a, &standing->period[k], e);
	if (rc == 0)
		rc = add_up(i, e);
	if (rc != 0)
		invoice_release(i);
	return rc;
}

int invoice_compute(struct invoicer *v, struct invoice *i, const struct account *a,
		    const struct invoice_basis *of, struct err *e)
{
	/* one look at the database, whatever others write meanwhile */
	struct db *db = store_db(ledger_store(v->ledger));
	const bool inside = db_in_transaction(db);
	int rc = inside ? 0 : db_begin_reading(db, e);
	*i = (struct invoice){ 0 };
	if (rc == 0)
		rc = compute_parts(v, i, a, of, e);
	if (!inside)
		db_rollback(db);
	return rc;
}

void invoice_release(struct invoice *i)
{
	free(i->line);
	i->line = NULL;
	free(i->period);
	i->period = NULL;
	terms_release(&i->terms);
	arena_release(&i->arena);
}
