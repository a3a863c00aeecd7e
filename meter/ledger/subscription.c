#include "meter/ledger/subscription.h"

#include <stdio.h>
#include <string.h>

#include "base/zone.h"

static int read_credits(struct text t, struct nano_credits *out, struct err *e)
{
	struct decimal d;
	int rc = decimal_parse(&d, t, e);
	return rc == 0 ? nano_credits_from_decimal(out, d, e) : rc;
}

/* The account that the offer needs, opened when there is none. */
static int need_account(struct ledger *l, const struct subscription *s, const struct account **out,
			struct err *e)
{
	const struct offer *o = s->offer;
	int rc = ledger_find_account(l, s->customer, out, e);
	if (rc != 0 || *out)
		return rc;
	struct account a = { .customer = s->customer,
			     .plan = o->plan,
			     .plan_text = TEXT(""),
			     .zone = text_of(s->zone ? s->zone : "UTC"),
			     .terms = TEXT("{}"),
			     .burn_order =
				     o->burn_order.n ? o->burn_order : TEXT(BURN_ORDER_DEFAULT),
			     .overage = text_is(o->overage, "debt")    ? OVERAGE_DEBT
					: text_is(o->overage, "limit") ? OVERAGE_LIMIT
								       : OVERAGE_REFUSE,
			     .anchor_day = 1,
			     .since = s->from,
			     .opened = s->now,
			     .has_low_balance = o->low_balance.n > 0 };
	if (a.has_low_balance)
		rc = read_credits(o->low_balance, &a.low_balance, e);
	if (rc == 0 && o->overage_limit.n)
		rc = read_credits(o->overage_limit, &a.overage_limit, e);
	if (rc == 0)
		rc = ledger_set_account(l, &a, s->now, e);
	return rc == 0 ? ledger_account(l, s->customer, out, e) : rc;
}

struct rule_search {
	struct text name;
	struct instant from;
	bool ended, goes_on;
};

static int look_at_rule(void *user, const struct credit_rule *r)
{
	struct rule_search *x = user;
	if (!text_eq(r->name, x->name))
		return 0;
	x->ended |= r->until.us <= x->from.us;
	x->goes_on |= r->until.us > x->from.us;
	return 0;
}

/* A subscription that comes back after it ended has a name of its own. */
static int name_rule(struct ledger *l, const struct account *a, struct text wanted,
		     struct instant from, char out[120], struct err *e)
{
	struct rule_search x = { .name = wanted, .from = from };
	char at[INSTANT_TEXT_MAX];
	int rc = ledger_each_rule(l, a->id, look_at_rule, &x, e);
	snprintf(out, 120, "%.60s", wanted.p);
	if (rc == 0 && x.ended && !x.goes_on)
		snprintf(out, 120, "%.60s from %.10s", wanted.p, instant_format(from, at));
	return rc;
}

/* When credits that last so long (empty: no expiry) end, in the zone of their account. */
static int expiry_of(struct instant *out, struct text lasting, struct instant from,
		     struct text zone_name, struct err *e)
{
	struct recurrence lasts;
	struct zone *zone = NULL;
	*out = INSTANT_MAX;
	if (!lasting.n)
		return 0;
	int rc = recurrence_parse(&lasts, lasting, from, e);
	if (rc == 0)
		rc = zone_open(&zone, zone_name.p, e);
	lasts.zone = zone;
	if (rc == 0)
		*out = recurrence_from(&lasts, (struct instant){ from.us + 1 });
	zone_close(zone);
	return rc;
}

static int give(struct ledger *l, const struct subscription *s, const struct account *a,
		struct err *e)
{
	const struct offer *o = s->offer;
	const struct instant from = s->from;
	const int64_t quantity = s->quantity;
	const char *id = s->id;
	struct nano_credits amount;
	struct money basis = { 0 }, price;
	char name[120], at[INSTANT_TEXT_MAX];
	int64_t number;
	int rc = nano_credits_from_decimal(&amount, o->credits, e);
	if (rc == 0 && __builtin_mul_overflow(amount.nano, quantity, &amount.nano))
		rc = err_set(e, ERR_RANGE, "more credits than an account can hold");
	if (rc == 0 && o->has_cost_basis)
		rc = money_from_decimal(&basis, o->cost_basis, e);
	if (rc == 0)
		rc = money_from_decimal(&price, o->price, e);
	if (rc == 0 && __builtin_mul_overflow(price.pico, quantity, &price.pico))
		rc = err_set(e, ERR_RANGE, "a price larger than an amount can hold");
	if (rc != 0)
		return rc;
	const enum lot_class class = text_is(o->class, "paid") ? LOT_PAID : LOT_GRANTED;
	if (o->every.n) {
		rc = name_rule(l, a, id ? text_of(id) : o->name, from, name, e);
		if (rc != 0)
			return rc;
		rc = ledger_add_rule(l,
				     &(struct credit_rule){ .account = a->id,
							    .name = text_of(name),
							    .every = o->every,
							    .lasts = o->lasts,
							    .amount = amount,
							    .kind = class,
							    .anchor = from,
							    .next = from,
							    .until = INSTANT_MAX,
							    .has_cost_basis = o->has_cost_basis,
							    .cost_basis = basis,
							    .has_price = price.pico != 0,
							    .price = price,
							    .currency = o->currency },
				     e);
		return rc == 0 ? ledger_recur(l, s->now, s->now, e) : rc;
	}
	struct instant expires;
	rc = expiry_of(&expires, o->lasts, from, a->zone, e);
	snprintf(name, sizeof name, "%.40s %s", o->name.p, instant_format(from, at));
	if (rc == 0)
		rc = ledger_grant(l,
				  &(struct grant){ .account = a->id,
						   .name = text_of(id ? id : name),
						   .amount = amount,
						   .kind = class,
						   .effective = from,
						   .expires = expires,
						   .has_cost_basis = o->has_cost_basis,
						   .cost_basis = basis,
						   .has_price = price.pico != 0,
						   .price = price,
						   .currency = o->currency,
						   .note = o->title },
				  s->now, &number, e);
	return rc;
}

/* The last rule of a subscription that goes on: the offer's, or that of one which came back. */
struct subscribed {
	struct text offer;
	struct instant at;
	char name[120];
};

static int look_for_end(void *user, const struct credit_rule *r)
{
	static const char from[] = " from ";
	struct subscribed *x = user;
	const size_t n = x->offer.n;
	const bool same = text_eq(r->name, x->offer),
		   back = r->name.n > n + sizeof from - 1 &&
			  memcmp(r->name.p, x->offer.p, n) == 0 &&
			  memcmp(r->name.p + n, from, sizeof from - 1) == 0;
	if ((same || back) && r->until.us > x->at.us)
		snprintf(x->name, sizeof x->name, "%.*s", (int)r->name.n, r->name.p);
	return 0;
}

int subscription_end(struct ledger *l, struct text customer, struct text offer, struct instant at,
		     struct instant now, struct err *e)
{
	const struct account *a;
	struct subscribed x = { .offer = offer, .at = at };
	int rc = ledger_account(l, customer, &a, e);
	if (rc == 0)
		rc = ledger_each_rule(l, a->id, look_for_end, &x, e);
	return rc == 0 ? ledger_end_rule(l, a, x.name[0] ? text_of(x.name) : offer, at, now, e)
		       : rc;
}

int subscription_begin(struct ledger *l, const struct subscription *s, struct err *e)
{
	const struct account *a;
	int rc = need_account(l, s, &a, e);
	return rc == 0 ? give(l, s, a, e) : rc;
}
