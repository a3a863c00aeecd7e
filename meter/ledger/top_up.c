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
		rc = err_set(e, ERR_INVALID,
			     "a top-up is up to at least the balance below which it is made");
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

static int ends_at(struct state *s, struct instant now, struct instant *out, struct err *e)
{
	struct recurrence lasts;
	*out = INSTANT_MAX;
	if (s->account.top_up.lasts.n == 0)
		return 0;
	int rc = recurrence_parse(&lasts, s->account.top_up.lasts, now, e);
	if (rc == 0)
		rc = ledger_need_zone(s, e);
	if (rc == 0) {
		lasts.zone = s->zone;
		*out = recurrence_from(&lasts, (struct instant){ now.us + 1 });
	}
	return rc;
}

static int buy(struct ledger *l, struct state *s, const struct topping *x, int64_t nano,
	       int64_t grants, struct err *e)
{
	const struct top_up *t = &s->account.top_up;
	char name[80], at[INSTANT_TEXT_MAX];
	int64_t id;
	struct grant g = { .account = s->account.id,
			   .amount = { nano },
			   .kind = t->has_price ? LOT_PAID : LOT_GRANTED,
			   .effective = x->at,
			   .has_cost_basis = t->has_price,
			   .cost_basis = t->price,
			   .has_price = t->has_price,
			   .currency = t->currency,
			   .note = TEXT(TOP_UP_NOTE) };
	int rc = t->has_price ? price_of(t, nano, &g.price, e) : 0;
	if (rc == 0)
		rc = ends_at(s, x->at, &g.expires, e);
	if (rc != 0)
		return rc;
	snprintf(name, sizeof name, "top-up %.10s #%lld", instant_format(x->at, at),
		 (long long)grants + 1);
	g.name = text_of(name);
	return ledger_grant(l, &g, x->now, &id, e);
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
