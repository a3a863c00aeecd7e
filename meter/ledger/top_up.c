#include "meter/ledger/ledger_parts.h"

#include <stdio.h>

static const struct sql sql_set_top_up = {
	.text = "INSERT INTO credit_top_up(account,below,target,most,price,currency,lasts) "
		"VALUES(:account,:below,:target,:most,:price,:currency,:lasts) ON "
		"CONFLICT(account) DO UPDATE SET below=excluded.below,target=excluded.target,"
		"most=excluded.most,price=excluded.price,currency=excluded.currency,"
		"lasts=excluded.lasts",
};
static const struct sql sql_no_top_up = {
	.text = "DELETE FROM credit_top_up WHERE account=:account",
};

int ledger_set_top_up(struct ledger *l, const struct account *a, const struct top_up *t,
		      struct err *e)
{
	struct query *q;
	struct recurrence lasts;
	int rc = t->on && t->lasts.n ? recurrence_parse(&lasts, t->lasts, a->opened, e) : 0;
	if (rc == 0 && t->on && (t->below.nano <= 0 || t->target.nano < t->below.nano))
		rc = err_set(
			e, ERR_INVALID,
			"a top-up must not be to less than the balance below which it is bought");
	if (rc == 0)
		rc = db_statement(l->db, t->on ? &sql_set_top_up : &sql_no_top_up, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", a->id);
	if (t->on) {
		db_bind_int(q, ":below", t->below.nano);
		db_bind_int(q, ":target", t->target.nano);
		db_bind_int(q, ":most", t->most.nano);
		if (t->has_price)
			db_bind_int(q, ":price", t->price.pico);
		else
			db_bind_null(q, ":price");
		db_bind_text(q, ":currency", t->currency);
		db_bind_text(q, ":lasts", t->lasts);
	}
	rc = db_done(l->db, q, e);
	ledger_reload(l);
	return rc;
}

#define TOP_UP_NOTE "automatic top-up"

/* what was bought so in the last 30 days, and how many grants there are */
static const struct sql sql_topped_up = {
	.text = "SELECT coalesce(sum(CASE WHEN note='" TOP_UP_NOTE
		"' AND effective>:since THEN amount END),0),count(*) FROM credit_grant "
		"WHERE account=:account",
};

static int topped_up(struct ledger *l, int64_t account, struct instant now, int64_t *nano,
		     int64_t *grants, struct err *e)
{
	struct query *q;
	int rc = db_statement(l->db, &sql_topped_up, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":account", account);
	db_bind_int(q, ":since", now.us - 30 * US_PER_DAY);
	rc = db_step(l->db, q, e);
	*nano = rc == 1 ? db_int(q, 0) : 0;
	*grants = rc == 1 ? db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* Whole credits for what is missing when `asked` is taken; 0: nothing is, or no more may be bought.
 * Usage that comes late finds what was bought since, too: that is not bought twice. */
static int64_t missing(const struct state *s, const struct topping *x, int64_t bought)
{
	const struct top_up *t = &s->account.top_up;
	const int64_t one = 1000000000;
	const int128 then = lots_available(s->lot, s->lots, x->at).atto / atto_per_nano,
		     today = lots_available(s->lot, s->lots, x->now).atto / atto_per_nano;
	int128 balance = (then > today ? then : today) - x->asked.nano;
	if (s->account.overage == OVERAGE_DEBT)
		balance -= s->account.owed.nano;
	if (balance >= t->below.nano)
		return 0;
	int128 nano = (t->target.nano - balance + one - 1) / one * one;
	if (t->most.nano && bought + nano > t->most.nano)
		nano = (int128)(t->most.nano - bought);
	return nano > 0 && nano <= INT64_MAX ? (int64_t)nano : 0;
}

static int price_of(const struct top_up *t, int64_t nano, struct money *out, struct err *e)
{
	const int128 pico = ((int128)t->price.pico * nano + 999999999) / 1000000000;
	*out = (struct money){ (int64_t)pico };
	return pico <= INT64_MAX
		       ? 0
		       : err_set(e, ERR_RANGE, "a top-up costs more than an amount holds");
}

static int ends_at(struct state *s, struct text lives, struct instant now, struct instant *out,
		   struct err *e)
{
	struct recurrence lasts;
	*out = INSTANT_MAX;
	if (lives.n == 0)
		return 0;
	int rc = recurrence_parse(&lasts, lives, now, e);
	if (rc == 0)
		rc = ledger_need_zone(s, e);
	if (rc == 0) {
		lasts.zone = s->zone;
		*out = recurrence_from(&lasts, (struct instant){ now.us + 1 });
	}
	return rc;
}

/* So many credits from `at` on, as `t` sells them. */
static int sell(struct ledger *l, struct state *s, const struct top_up *t, struct grant *g,
		const struct topping *x, struct err *e)
{
	int64_t id;
	g->account = s->account.id;
	g->kind = t->has_price ? LOT_PAID : LOT_GRANTED;
	g->effective = x->at;
	g->has_cost_basis = g->has_price = t->has_price;
	g->cost_basis = t->price;
	g->currency = t->currency;
	int rc = t->has_price ? price_of(t, g->amount.nano, &g->price, e) : 0;
	if (rc == 0)
		rc = ends_at(s, t->lasts, x->at, &g->expires, e);
	return rc == 0 ? ledger_grant(l, g, x->now, &id, e) : rc;
}

static int buy(struct ledger *l, struct state *s, const struct topping *x, int64_t nano,
	       int64_t grants, struct err *e)
{
	char name[80], at[INSTANT_TEXT_MAX];
	snprintf(name, sizeof name, "top-up %.10s #%lld", instant_format(x->at, at),
		 (long long)grants + 1);
	struct grant g = { .name = text_of(name), .amount = { nano }, .note = TEXT(TOP_UP_NOTE) };
	return sell(l, s, &s->account.top_up, &g, x, e);
}

int ledger_top_up(struct ledger *l, int64_t account, const struct topping *x, struct err *e)
{
	struct state *s;
	int64_t bought = 0, grants;
	int rc = ledger_state_of(l, account, &s, e);
	if (rc != 0 || !s->account.top_up.on || s->account.byo)
		return rc;
	rc = ledger_need_lots(l, s, e);
	if (rc != 0 || missing(s, x, 0) == 0)
		return rc;
	rc = topped_up(l, account, x->at, &bought, &grants, e);
	const int64_t nano = rc == 0 ? missing(s, x, bought) : 0;
	return nano ? buy(l, s, x, nano, grants, e) : rc;
}

int ledger_buy(struct ledger *l, const struct account *a, const struct purchase *p,
	       struct instant now, struct err *e)
{
	struct state *s;
	struct grant known, g = { .name = p->name, .amount = p->amount, .note = TEXT("top-up") };
	struct err none = { 0 };
	struct topping x = { .at = now, .now = now };
	int rc = ledger_state_of(l, a->id, &s, e);
	if (rc != 0)
		return rc;
	const struct top_up *t = p->by ? p->by : &s->account.top_up;
	if (!p->by && !t->on)
		return err_set(e, ERR_INVALID,
			       "'%.*s' has no top-up that says what a credit costs: give the price",
			       (int)a->customer.n, a->customer.p);
	rc = ledger_find_grant(l, a->id, p->name, &known, &none);
	if (rc == 0) /* asked for again: what it costs and when it ends was said then */
		return known.amount.nano == p->amount.nano && text_eq(known.note, g.note)
			       ? 0
			       : err_set(e, ERR_CONFLICT,
					 "'%.*s' is another purchase of this customer",
					 (int)p->name.n, p->name.p);
	if (none.code != ERR_NOT_FOUND) {
		*e = none;
		return rc;
	}
	return sell(l, s, t, &g, &x, e);
}
