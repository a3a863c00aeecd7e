#include "meter/hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/dict.h"
#include "meter/store/store_sql.h"

/* What a customer spent in the current period, and up to which row that is known. */
struct spent {
	int64_t period_from_us;
	struct money_total amount;
	int64_t unpriced;
	int64_t seq; /* rows up to that one are in it */
	bool known;
};

struct spending {
	struct store *store;
	struct dict index; /* customer to 1 + place */
	struct spent *spent;
	size_t count;
};

struct spending *spending_open(struct store *s)
{
	struct spending *sp = mem_zalloc(sizeof *sp);
	sp->store = s;
	return sp;
}

void spending_close(struct spending *sp)
{
	if (!sp)
		return;
	dict_release(&sp->index);
	free(sp->spent);
	free(sp);
}

int limit_set(struct store *s, const struct spending_limit *l, struct instant now, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), STORE_SET_LIMIT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", l->customer);
	db_bind_text(q, ":currency", l->currency);
	db_bind_text(q, ":period", l->period);
	db_bind_int(q, ":pico", l->amount.pico);
	db_bind_int(q, ":now", now.us);
	return db_done(store_db(s), q, e);
}

int limit_clear(struct store *s, const char *customer, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), STORE_CLEAR_LIMIT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", text_of(customer));
	return db_done(store_db(s), q, e);
}

int limits_each(struct store *s, int (*take)(void *user, const struct spending_limit *l),
		void *user, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), STORE_LIMITS, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct spending_limit l = {
			db_text(q, 0), db_text(q, 1), db_text(q, 3), { db_int(q, 2) }
		};
		if ((rc = take(user, &l)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static int64_t period_start(struct text period, struct instant now)
{
	int64_t day = floor_div(now.us, US_PER_DAY);
	if (text_is(period, "day"))
		return day * US_PER_DAY;
	if (text_is(period, "month")) {
		struct civil c = civil_from_day(day);
		c.day = 1;
		return civil_to_day(c) * US_PER_DAY;
	}
	return INSTANT_MIN.us;
}

/* Adds what the statement's rows (price, sums) come to. */
static int add_cells(struct spending *sp, struct query *q, struct spent *to, struct err *e)
{
	struct db *db = store_db(sp->store);
	int rc;
	while ((rc = db_step(db, q, e)) == 1) {
		const struct stored_price *price;
		struct money_total amount;
		int64_t tokens[BUCKET_COUNT] = { 0 };
		int64_t records = db_is_null(q, 1) ? 0 : db_int(q, 1), requests = db_int(q, 2);
		for (int b = 0; b < BUCKET_COMMON; b++)
			tokens[b] = db_int(q, 3 + b);
		rc = store_stored_price(sp->store, db_int(q, 0), &price, e);
		if (rc == 0)
			rc = stored_price_amount(price, tokens, requests, 0, &amount, e);
		if (rc == 0 && !money_total_add(&to->amount, amount))
			rc = err_set(e, ERR_RANGE, "the spending is larger than a total can hold");
		if (rc != 0)
			break;
		to->unpriced += price->reason.n ? records : 0;
	}
	db_reset(q);
	return rc;
}

/* Rows of the customer after the last known one, or of the whole period at first. */
static int catch_up(struct spending *sp, struct text customer, struct spent *s, int64_t from_us,
		    struct err *e)
{
	struct db *db = store_db(sp->store);
	struct query *q;
	int64_t last = store_last_seq(sp->store), from = s->seq + 1;
	int rc = store_flush(sp->store, e);
	if (rc != 0)
		return rc;
	if (!s->known || s->period_from_us != from_us) {
		*s = (struct spent){ .period_from_us = from_us, .known = true };
		struct query *r;
		int64_t rolled = 0;
		rc = db_statement(db, STORE_ROLLED_TO, &r, e);
		if (rc == 0 && (rc = db_step(db, r, e)) == 1) {
			rolled = db_int(r, 0);
			rc = 0;
		}
		if (rc < 0)
			return rc;
		db_reset(r);
		/* periods begin where UTC days do, so whole days of the rollup make them up */
		rc = db_statement(db, STORE_SPENT_DAYS, &q, e);
		if (rc != 0)
			return rc;
		db_bind_text(q, ":customer", customer);
		db_bind_int(q, ":from", floor_div(from_us, US_PER_DAY));
		rc = add_cells(sp, q, s, e);
		if (rc != 0)
			return rc;
		from = rolled + 1;
	}
	if (from <= last) {
		rc = db_statement(db, STORE_SPENT_ROWS, &q, e);
		if (rc != 0)
			return rc;
		db_bind_text(q, ":customer", customer);
		db_bind_int(q, ":from", from);
		db_bind_int(q, ":to", last);
		db_bind_int(q, ":since", from_us);
		rc = add_cells(sp, q, s, e);
	}
	s->seq = last;
	return rc;
}

static int read_held(struct spending *sp, struct text customer, struct instant now, int64_t *out,
		     struct nano_credits *credits, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(sp->store), STORE_HELD_SUM, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	db_bind_int(q, ":now", now.us);
	rc = db_step(store_db(sp->store), q, e);
	*out = rc == 1 && !db_is_null(q, 0) ? db_int(q, 0) : 0;
	credits->nano = rc == 1 && !db_is_null(q, 1) ? db_int(q, 1) : 0;
	db_reset(q);
	return rc < 0 ? rc : 0;
}

int standing_of(struct spending *sp, struct text customer, struct instant now, struct standing *out,
		struct err *e)
{
	struct db *db = store_db(sp->store);
	struct query *q;
	int64_t held, from_us = INSTANT_MIN.us;
	int rc = db_statement(db, STORE_LIMIT_OF, &q, e);
	if (rc != 0)
		return rc;
	*out = (struct standing){ 0 };
	db_bind_text(q, ":customer", customer);
	rc = db_step(db, q, e);
	if (rc == 1) {
		out->limited = true;
		out->limit = (struct money){ db_int(q, 0) };
		from_us = period_start(db_text(q, 1), now);
	}
	db_reset(q);
	if (rc < 0)
		return rc;
	uint64_t *at = dict_need(&sp->index, customer, NULL);
	if (!*at) {
		if ((sp->count & (sp->count - 1)) == 0)
			sp->spent = mem_grow(sp->spent,
					     (sp->count ? sp->count * 2 : 1) * sizeof *sp->spent);
		sp->spent[sp->count] = (struct spent){ 0 };
		*at = ++sp->count;
	}
	struct spent *s = &sp->spent[*at - 1];
	rc = catch_up(sp, customer, s, from_us, e);
	if (rc == 0)
		rc = read_held(sp, customer, now, &held, &out->held_credits, e);
	if (rc != 0)
		return rc;
	out->spent = s->amount;
	out->unpriced = s->unpriced;
	money_total_add_units(&out->held, (struct money){ held }, 1, 1);
	return 0;
}

/* Picos that hold an exact amount, rounded up: a hold must cover what it is for. */
static int picos_up(struct money_total t, struct money *out, struct err *e)
{
	int128 atto = t.atto, pico = atto / 1000000;
	pico += atto % 1000000 > 0;
	if (pico > INT64_MAX)
		return err_set(e, ERR_RANGE, "the estimate is larger than an amount can hold");
	out->pico = (int64_t)pico;
	return 0;
}

int hold_estimate(struct ingest *in, struct store *s, const struct record *r, struct money *out,
		  struct text *currency, struct err *e)
{
	const struct stored_price *p;
	struct money_total amount;
	int64_t price;
	bool unpriced;
	const struct rated what = { .record = r };
	int rc = ingest_price(in, &what, &price, &unpriced, e);
	if (rc == 0)
		rc = store_stored_price(s, price, &p, e);
	if (rc == 0 && unpriced)
		rc = err_set(e, ERR_UNPRICED, "no hold can be estimated: %.*s", (int)p->reason.n,
			     p->reason.p);
	if (rc == 0)
		rc = stored_price_amount(p, r->tokens, r->requests, 0, &amount, e);
	if (rc == 0)
		rc = picos_up(amount, out, e);
	if (rc == 0)
		*currency = p->currency;
	return rc;
}

static void read_hold(struct query *q, struct hold *out)
{
	*out = (struct hold){ .id = db_text(q, 0),
			      .customer = db_text(q, 1),
			      .currency = db_text(q, 2),
			      .amount = { db_int(q, 3) },
			      .request = db_text(q, 4),
			      .created = { db_int(q, 5) },
			      .expires = { db_int(q, 6) },
			      .state = db_text(q, 7),
			      .usage = db_text(q, 8),
			      .credits = { db_int(q, 9) } };
}

int hold_each_open(struct store *s, const char *customer, struct instant now,
		   int (*take)(void *user, const struct hold *h), void *user, struct err *e)
{
	struct query *q;
	struct hold h;
	int rc = db_statement(store_db(s), STORE_HOLDS_OPEN, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", text_of(customer ? customer : ""));
	db_bind_int(q, ":now", now.us);
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		read_hold(q, &h);
		if ((rc = take(user, &h)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

static void keep_texts(struct hold *h, struct arena *texts)
{
	struct text *const each[] = { &h->id,	 &h->customer, &h->currency,
				      &h->state, &h->request,  &h->usage };
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		each[i]->p = arena_text(texts, each[i]->n ? each[i]->p : "", each[i]->n);
}

int hold_find(struct store *s, struct text id, struct hold *out, struct arena *texts, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), STORE_HOLD_AT, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":id", id);
	rc = db_step(store_db(s), q, e);
	if (rc == 1) {
		read_hold(q, out);
		keep_texts(out, texts);
	}
	db_reset(q);
	if (rc == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no hold '%.*s'", (int)id.n, id.p);
	return rc < 0 ? rc : 0;
}

/* A hold whose time is over is over, marked or not. */
static int check_open(const struct hold *h, struct instant now, struct err *e)
{
	bool late = text_is(h->state, "open") && h->expires.us <= now.us;
	if (text_is(h->state, "open") && !late)
		return 0;
	return err_set(e, ERR_CONFLICT, "the hold '%.*s' is %.*s already", (int)h->id.n, h->id.p,
		       late ? 7 : (int)h->state.n, late ? "expired" : h->state.p);
}

/* The same hold asked for again: 0 while it is open. */
static int check_known(const struct hold *known, const struct hold *asked, struct instant now,
		       struct err *e)
{
	if (!text_eq(known->request, asked->request) || !text_eq(known->customer, asked->customer))
		return err_set(e, ERR_CONFLICT, "the hold '%.*s' exists with another request",
			       (int)asked->id.n, asked->id.p);
	return check_open(known, now, e);
}

/* Whether the customer's account allows so many credits more. */
static int check_credits(struct ledger *l, const struct hold *h, const struct standing *st,
			 struct instant now, struct err *e)
{
	const struct account *a;
	struct balance b;
	char text[3][DECIMAL_TEXT_MAX];
	int rc = ledger_find_account(l, h->customer, &a, e);
	if (rc != 0 || !a || a->byo)
		return rc;
	rc = ledger_balance_with(l, a, st->held_credits, now, &b, e);
	if (rc != 0 || b.unlimited || h->credits.nano <= b.spendable.nano)
		return rc;
	return err_set(e, ERR_LIMIT,
		       "'%.*s' is out of credit: %s credits are there, %s held, %s asked",
		       (int)h->customer.n, h->customer.p, nano_credits_format(b.available, text[0]),
		       nano_credits_format(b.held, text[1]),
		       nano_credits_format(h->credits, text[2]));
}

int hold_open(struct spending *sp, struct ledger *l, const struct hold *h, struct instant now,
	      struct standing *after, struct err *e)
{
	struct hold known;
	struct err none;
	struct query *q;
	struct arena texts = { 0 };
	char text[4][DECIMAL_TEXT_MAX];
	int rc = standing_of(sp, h->customer, now, after, e);
	if (rc != 0)
		return rc;
	rc = hold_find(sp->store, h->id, &known, &texts, &none);
	const bool is_new = rc == -ERR_NOT_FOUND;
	if (rc == 0)
		rc = check_known(&known, h, now, e);
	else if (!is_new)
		*e = none;
	arena_release(&texts);
	if (!is_new)
		return rc;
	struct money_total all = after->spent;
	bool fits =
		money_total_add(&all, after->held) && money_total_add_units(&all, h->amount, 1, 1);
	struct money_total limit = { 0 };
	money_total_add_units(&limit, after->limit, 1, 1);
	if (after->limited && (!fits || all.atto > limit.atto))
		return err_set(
			e, ERR_LIMIT,
			"the limit of '%.*s' does not allow it: limit %s, spent %s, held %s, "
			"asked %s",
			(int)h->customer.n, h->customer.p, money_format(after->limit, text[0]),
			money_total_format(after->spent, text[1]),
			money_total_format(after->held, text[2]), money_format(h->amount, text[3]));
	rc = check_credits(l, h, after, now, e);
	if (rc == 0)
		rc = db_statement(store_db(sp->store), STORE_ADD_HOLD, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":credits", h->credits.nano);
	db_bind_text(q, ":id", h->id);
	db_bind_text(q, ":customer", h->customer);
	db_bind_text(q, ":currency", h->currency);
	db_bind_int(q, ":pico", h->amount.pico);
	db_bind_text(q, ":request", h->request);
	db_bind_int(q, ":created", now.us);
	db_bind_int(q, ":expires", h->expires.us);
	rc = db_done(store_db(sp->store), q, e);
	if (rc == 0)
		money_total_add_units(&after->held, h->amount, 1, 1);
	return rc;
}

static int write_end(struct spending *sp, struct text id, const char *state, struct text usage,
		     struct instant now, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(sp->store), STORE_END_HOLD, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":id", id);
	db_bind_text(q, ":state", text_of(state));
	db_bind_int(q, ":now", now.us);
	if (usage.n)
		db_bind_text(q, ":usage", usage);
	else
		db_bind_null(q, ":usage");
	return db_done(store_db(sp->store), q, e);
}

int hold_end(struct spending *sp, struct text id, const char *state, struct text usage,
	     struct instant now, struct err *e)
{
	struct hold h;
	struct arena texts = { 0 };
	int rc = hold_find(sp->store, id, &h, &texts, e);
	if (rc == 0) {
		bool same = text_is(h.state, state) && text_eq(h.usage, usage);
		/* the record counts; the reservation had ended already */
		bool late = text_is(h.state, "expired") && strcmp(state, "settled") == 0;
		if (!same && !late)
			rc = text_is(h.state, "open")
				     ? write_end(sp, id, state, usage, now, e)
				     : err_set(e, ERR_CONFLICT, "the hold '%.*s' is %.*s already",
					       (int)id.n, id.p, (int)h.state.n, h.state.p);
	}
	arena_release(&texts);
	return rc;
}

int hold_expire(struct spending *sp, struct instant now, int64_t *count, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(sp->store), STORE_EXPIRE_HOLDS, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":now", now.us);
	rc = db_done(store_db(sp->store), q, e);
	*count = rc == 0 ? db_changes(store_db(sp->store)) : 0;
	return rc;
}

/* The draw of a hold that is settled by credits. */
static int settle_found(struct spending *sp, struct ledger *l, const struct hold *h,
			struct nano_credits used, bool strict, struct instant now,
			struct drawn *out, struct err *e)
{
	const struct account *a;
	char key[RECORD_TEXT_MAX + 16], text[2][DECIMAL_TEXT_MAX];
	int rc = check_open(h, now, e);
	if (rc == 0 && used.nano < 0)
		rc = err_set(e, ERR_INVALID, "what was used is not negative");
	if (rc == 0 && strict && used.nano > h->credits.nano)
		rc = err_set(e, ERR_LIMIT, "the hold '%.*s' is of %s credits, and %s were used",
			     (int)h->id.n, h->id.p, nano_credits_format(h->credits, text[0]),
			     nano_credits_format(used, text[1]));
	if (rc == 0)
		rc = ledger_account(l, h->customer, &a, e);
	if (rc != 0)
		return rc;
	snprintf(key, sizeof key, "hold:%.*s", (int)h->id.n, h->id.p);
	const int64_t account = a->id;
	/* that a hold ends once is what keeps this from happening twice */
	rc = write_end(sp, h->id, "settled", text_of(key), now, e);
	if (rc == 0)
		rc = ledger_draw(
			l, account, used,
			&(struct draw){ .at = now, .note = text_of(key), .policy = SHORT_PARTIAL },
			now, out, e);
	return rc;
}

int hold_settle_credits(struct spending *sp, struct ledger *l, struct text id,
			struct nano_credits used, bool strict, struct instant now,
			struct drawn *out, struct err *e)
{
	struct hold h;
	struct arena texts = { 0 };
	int rc = hold_find(sp->store, id, &h, &texts, e);
	*out = (struct drawn){ 0 };
	if (rc == 0)
		rc = settle_found(sp, l, &h, used, strict, now, out, e);
	arena_release(&texts);
	return rc;
}
