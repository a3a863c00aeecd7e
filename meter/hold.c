#include "meter/hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "meter/billing/budget.h"
#include "meter/billing/window.h"
#include "meter/store/record_id.h"
#include "meter/store/store_models.h"

static const struct sql sql_set_limit = {
	.text = "INSERT INTO spending_limit(customer,currency,pico,period,set_at,zone) "
		"VALUES(:customer,:currency,:pico,:period,:now,:zone) "
		"ON CONFLICT(customer,period) DO UPDATE SET currency=excluded.currency,"
		"pico=excluded.pico,set_at=excluded.set_at,zone=excluded.zone",
};
static const struct sql sql_other_limits = {
	.text = "SELECT count(*) FROM spending_limit WHERE customer=:customer AND period<>:period",
};

/* A limit that could not judge its first hold is refused when it is set. */
static int can_judge(struct store *s, const struct spending_limit *l, struct instant now,
		     struct err *e)
{
	struct scope_state state;
	struct spending *sp = spending_open(s);
	int rc = limit_state(sp, l, now, &state, e);
	spending_close(sp);
	if (rc == 0 && (state.foreign || state.held_foreign))
		rc = err_set(e, ERR_INVALID,
			     "the limit of '%.*s' is in %.*s, and %s of its period in another "
			     "currency",
			     (int)l->customer.n, l->customer.p, (int)l->currency.n, l->currency.p,
			     state.foreign ? "there are records" : "there are open holds");
	return rc;
}

int limit_set(struct store *s, const struct spending_limit *l, struct instant now, struct err *e)
{
	struct query *q;
	struct window w;
	struct zone *z = NULL;
	char zone[ZONE_NAME_MAX];
	snprintf(zone, sizeof zone, "%.*s", (int)l->zone.n, l->zone.n ? l->zone.p : "");
	int rc = window_parse(&w, l->period, e);
	if (rc == 0 && zone[0])
		rc = zone_open(&z, zone, e);
	zone_close(z);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_other_limits, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", l->customer);
	db_bind_text(q, ":period", text_of(w.text));
	rc = db_step(store_db(s), q, e);
	const int64_t others = rc == 1 ? db_int(q, 0) : 0;
	db_reset(q);
	if (rc == 1 && others >= LIMITS_MOST)
		return err_set(e, ERR_INVALID, "'%.*s' has %d limits already", (int)l->customer.n,
			       l->customer.p, LIMITS_MOST);
	rc = rc < 0 ? rc : can_judge(s, l, now, e);
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_set_limit, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", l->customer);
	db_bind_text(q, ":currency", l->currency);
	db_bind_text(q, ":period", text_of(w.text));
	db_bind_text(q, ":zone", text_of(zone));
	db_bind_int(q, ":pico", l->amount.pico);
	db_bind_int(q, ":now", now.us);
	return db_done(store_db(s), q, e);
}

static const struct sql sql_clear_limit = {
	.text = "DELETE FROM spending_limit WHERE customer=:customer AND :period IN ('',period)",
};

int limit_clear(struct store *s, const char *customer, const char *period, struct err *e)
{
	struct query *q;
	struct window w = { 0 };
	int rc = period ? window_parse(&w, text_of(period), e) : 0;
	if (rc == 0)
		rc = db_statement(store_db(s), &sql_clear_limit, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", text_of(customer));
	db_bind_text(q, ":period", text_of(w.text));
	rc = db_done(store_db(s), q, e);
	if (rc == 0 && period && db_changes(store_db(s)) == 0)
		rc = err_set(e, ERR_NOT_FOUND, "'%s' has no limit for '%s'", customer, w.text);
	return rc;
}

#define LIMIT "SELECT customer,currency,pico,period,zone FROM spending_limit "

static struct spending_limit read_limit(struct query *q)
{
	return (struct spending_limit){ .customer = db_text(q, 0),
					.currency = db_text(q, 1),
					.amount = { db_int(q, 2) },
					.period = db_text(q, 3),
					.zone = db_text(q, 4) };
}

static const struct sql sql_limits = {
	.text = LIMIT "ORDER BY customer,period",
};

int limits_each(struct store *s, int (*take)(void *user, const struct spending_limit *l),
		void *user, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_limits, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct spending_limit l = read_limit(q);
		if ((rc = take(user, &l)) != 0)
			break;
	}
	db_reset(q);
	return rc;
}

int limit_state(struct spending *sp, const struct spending_limit *l, struct instant now,
		struct scope_state *out, struct err *e)
{
	return spending_of(sp,
			   &(struct spending_scope){ .customer = l->customer,
						     .currency = l->currency,
						     .period = l->period,
						     .zone = l->zone },
			   now, out, e);
}

static const struct sql sql_limits_of = {
	.text = LIMIT "WHERE customer=:customer ORDER BY period",
};

static int list_limits(struct db *db, struct text customer, struct arena *texts,
		       struct spending_limit limit[LIMITS_MOST], size_t *n, struct err *e)
{
	struct query *q;
	int rc = db_statement(db, &sql_limits_of, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":customer", customer);
	while ((rc = db_step(db, q, e)) == 1 && *n < LIMITS_MOST) {
		struct spending_limit *l = &limit[*n];
		*l = read_limit(q);
		struct text *const each[] = { &l->customer, &l->currency, &l->period, &l->zone };
		for (size_t i = 0; i < sizeof each / sizeof *each; i++)
			each[i]->p = arena_text(texts, each[i]->n ? each[i]->p : "", each[i]->n);
		++*n;
	}
	db_reset(q);
	return rc < 0 ? rc : 0;
}

/* What a limit leaves; below everything where it cannot be told. */
static int128 left_of(const struct standing *st)
{
	const struct scope_state *s = &st->of;
	return s->foreign || s->held_foreign
		       ? INT64_MIN * (int128)1000000000
		       : (int128)st->limit.pico * 1000000 - s->spent.atto - s->held.atto;
}

int standings_of(struct spending *sp, struct text customer, struct instant now,
		 struct standings *out, struct err *e)
{
	struct arena texts = { 0 };
	struct spending_limit limit[LIMITS_MOST];
	*out = (struct standings){ 0 };
	int rc = list_limits(store_db(spending_store(sp)), customer, &texts, limit, &out->count, e);
	for (size_t i = 0; rc == 0 && i < out->count; i++) {
		struct standing *st = &out->of[i];
		st->limited = true;
		st->limit = limit[i].amount;
		snprintf(st->currency, sizeof st->currency, "%s", limit[i].currency.p);
		snprintf(st->period, sizeof st->period, "%s", limit[i].period.p);
		rc = limit_state(sp, &limit[i], now, &st->of, e);
		if (left_of(st) < left_of(&out->of[out->least]))
			out->least = i;
	}
	arena_release(&texts);
	return rc;
}

static struct spending_scope ever_of(struct text customer, struct text currency)
{
	return (struct spending_scope){
		.customer = customer,
		.currency = currency,
		.period = TEXT("ever"),
		.zone = TEXT("UTC"),
	};
}

/* Without a limit: of ever. */
static int standing_from(struct spending *sp, const struct standings *all,
			 const struct spending_scope *ever, struct instant now,
			 struct standing *out, struct err *e)
{
	*out = all->count ? all->of[all->least] : (struct standing){ 0 };
	return all->count ? 0 : spending_of(sp, ever, now, &out->of, e);
}

int standing_of(struct spending *sp, struct text customer, struct text currency, struct instant now,
		struct standing *out, struct err *e)
{
	const struct spending_scope ever = ever_of(customer, currency);
	struct standings all;
	int rc = standings_of(sp, customer, now, &all, e);
	return rc == 0 ? standing_from(sp, &all, &ever, now, out, e) : rc;
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
		rc = stored_price_amount(p, r->counts, r->requests, &amount, e);
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
			      .credits = { db_int(q, 9) },
			      .project = db_text(q, 10),
			      .model = db_text(q, 11) };
}

#define OPEN_HOLDS \
	"SELECT id,customer,currency,pico,request,created,expires,state,usage,credits,project," \
	"model FROM hold WHERE state='open' AND expires>:now "
static const struct sql sql_holds_open = { .text = OPEN_HOLDS "ORDER BY created,id" };
static const struct sql sql_holds_open_of = {
	.text = OPEN_HOLDS "AND customer=:customer ORDER BY created,id",
};

int hold_each_open(struct store *s, const char *customer, struct instant now,
		   int (*take)(void *user, const struct hold *h), void *user, struct err *e)
{
	struct query *q;
	struct hold h;
	const bool all = !customer || !*customer;
	int rc = db_statement(store_db(s), all ? &sql_holds_open : &sql_holds_open_of, &q, e);
	if (rc != 0)
		return rc;
	if (!all)
		db_bind_text(q, ":customer", text_of(customer));
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
	struct text *const each[] = { &h->id,	   &h->customer, &h->currency, &h->state,
				      &h->request, &h->usage,	 &h->project,  &h->model };
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		each[i]->p = arena_text(texts, each[i]->n ? each[i]->p : "", each[i]->n);
}

static const struct sql sql_hold_at = {
	.text = "SELECT id,customer,currency,pico,request,created,expires,state,usage,credits,"
		"project,model FROM hold WHERE id=:id",
};

int hold_find(struct store *s, struct text id, struct hold *out, struct arena *texts, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_hold_at, &q, e);
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
		return err_set(e, ERR_NOT_FOUND, "no hold '%.*s'", (int)id.n, id.p);
	return rc < 0 ? rc : 0;
}

/* A hold whose time is over is over, marked or not. */
static int check_open(const struct hold *h, struct instant now, struct err *e)
{
	bool late = text_is(h->state, "open") && h->expires.us <= now.us;
	if (text_is(h->state, "open") && !late)
		return 0;
	const struct text id = record_id_as_sent(h->customer, h->id);
	return err_set(e, ERR_CONFLICT, "the hold '%.*s' is already %.*s", (int)id.n, id.p,
		       late ? 7 : (int)h->state.n, late ? "expired" : h->state.p);
}

/* The same hold asked for again: 0 while it is open. */
static int check_known(const struct hold *known, const struct hold *asked, struct instant now,
		       struct err *e)
{
	const struct text id = record_id_as_sent(asked->customer, asked->id);
	if (!text_eq(known->request, asked->request) || !text_eq(known->customer, asked->customer))
		return err_set(e, ERR_CONFLICT, "the hold '%.*s' exists with another request",
			       (int)id.n, id.p);
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
	rc = ledger_balance_with(l, a, st->of.held_credits, now, &b, e);
	/* credits may have expired since usage was drawn */
	if (rc == 0 && a->top_up.on && !b.unlimited && h->credits.nano > b.spendable.nano) {
		rc = ledger_top_up(l, a->id, &(struct topping){ .at = now, .now = now }, e);
		if (rc == 0)
			rc = ledger_balance_with(l, a, st->of.held_credits, now, &b, e);
	}
	if (rc != 0 || b.unlimited || h->credits.nano <= b.spendable.nano)
		return rc;
	return err_set(e, ERR_LIMIT,
		       "'%.*s' is out of credit: %s credits available, %s held, %s requested",
		       (int)h->customer.n, h->customer.p, nano_credits_format(b.available, text[0]),
		       nano_credits_format(b.held, text[1]),
		       nano_credits_format(h->credits, text[2]));
}

/* Whether the customer's limit allows so much more. */
static int check_limit(const struct hold *h, const struct standing *st, struct err *e)
{
	const struct scope_state *s = &st->of;
	struct money_total all = s->spent, limit = { 0 };
	char text[4][DECIMAL_TEXT_MAX];
	if (!st->limited)
		return 0;
	if ((h->amount.pico && !text_is(h->currency, st->currency)) || s->foreign ||
	    s->held_foreign)
		return err_set(e, ERR_LIMIT,
			       "the limit of '%.*s' is in %s and cannot judge the hold: %s",
			       (int)h->customer.n, h->customer.p, st->currency,
			       s->foreign	 ? "usage of its period is in another currency"
			       : s->held_foreign ? "open holds are in another currency"
						 : "it is in another currency");
	money_total_add_units(&limit, st->limit, 1, 1);
	if (money_total_add(&all, s->held) && money_total_add_units(&all, h->amount, 1, 1) &&
	    all.atto <= limit.atto)
		return 0;
	return err_set(e, ERR_LIMIT,
		       "the limit of '%.*s' does not allow it: limit %s, spent %s, held %s, "
		       "requested %s (period %s)",
		       (int)h->customer.n, h->customer.p, money_format(st->limit, text[0]),
		       money_total_format(s->spent, text[1]), money_total_format(s->held, text[2]),
		       money_format(h->amount, text[3]), st->period);
}

static int check_limits(const struct hold *h, const struct standings *all, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < all->count; i++)
		rc = check_limit(h, &all->of[i], e);
	return rc;
}

/* What is held of the scopes around it. */
static int count_held(struct spending *sp, const struct hold *h, int sign, struct err *e)
{
	struct held_part p = held_part_of(h->amount, h->credits);
	p.of = (struct held_scope){ h->customer, h->project, h->model };
	p.currency = h->currency;
	return held_changed(spending_held(sp), &p, sign, e);
}

static const struct sql sql_add_hold = {
	.text = "INSERT OR FAIL INTO hold(id,customer,currency,pico,request,created,expires,"
		"state,credits,project,model) VALUES(:id,:customer,:currency,:pico,:request,"
		":created,:expires,'open',:credits,:project,:model)",
};

/* The model that its name means, in room. */
static int name_model(struct store *s, struct hold *h, struct instant now, struct buf *room,
		      struct err *e)
{
	struct text means;
	int rc = h->model.n
			 ? store_model_name(s, &(struct named_model){ h->provider, h->model, now },
					    &means, e)
			 : 0;
	if (rc != 0 || !h->model.n)
		return rc;
	buf_add(room, means.p, means.n);
	h->model = (struct text){ room->p, room->n };
	return 0;
}

static const struct sql sql_open_models = {
	.text = "SELECT id,model,request FROM hold WHERE state='open' AND model<>''",
};
static const struct sql sql_rename_hold = {
	.text = "UPDATE hold SET model=:means WHERE id=:id",
};

struct renamed {
	struct text id, means;
};

/* What the name means now that the hold was asked for with; one that is not told any more means
 * what it did. */
static int renamed_model(struct store *s, struct text model, struct text request,
			 struct instant now, struct text *means, struct err *e)
{
	struct json_document *doc = NULL;
	struct err none;
	struct named_model asked = { TEXT(""), model, now };
	if (json_open(&doc, request, &none) == 0) {
		json_value *v = json_root(doc);
		const struct text sent = json_string(json_member(v, "model"));
		asked.model = sent.n ? sent : model;
		asked.provider = sent.n ? json_string(json_member(v, "provider")) : TEXT("");
	}
	int rc = store_model_name(s, &asked, means, e);
	json_close(doc);
	return rc;
}

/* Those whose model is another one now, in the arena. */
static int list_renamed(struct store *s, struct instant now, struct arena *a, struct renamed **list,
			size_t *count, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(s), &sql_open_models, &q, e);
	if (rc != 0)
		return rc;
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct text id = db_text(q, 0), model = db_text(q, 1);
		struct text means;
		rc = renamed_model(s, model, db_text(q, 2), now, &means, e);
		if (rc != 0)
			break;
		if (text_eq(means, model))
			continue;
		if ((*count & (*count - 1)) == 0)
			*list = mem_grow(*list, (*count ? *count * 2 : 1) * sizeof **list);
		(*list)[(*count)++] =
			(struct renamed){ { arena_text(a, id.p, id.n), id.n },
					  { arena_text(a, means.p, means.n), means.n } };
	}
	db_reset(q);
	return rc;
}

int hold_rename(struct store *s, struct instant now, struct err *e)
{
	struct arena texts = { 0 };
	struct renamed *list = NULL;
	size_t count = 0;
	int rc = list_renamed(s, now, &texts, &list, &count, e);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct query *q;
		rc = db_statement(store_db(s), &sql_rename_hold, &q, e);
		if (rc != 0)
			break;
		db_bind_text(q, ":means", list[i].means);
		db_bind_text(q, ":id", list[i].id);
		rc = db_done(store_db(s), q, e);
	}
	free(list);
	arena_release(&texts);
	return rc == 0 && count ? held_rebuild(s, e) : rc;
}

static int add_hold(struct spending *sp, const struct hold *h, struct instant now, struct err *e)
{
	struct store *s = spending_store(sp);
	struct query *q;
	int rc = db_statement(store_db(s), &sql_add_hold, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":credits", h->credits.nano);
	db_bind_text(q, ":id", h->id);
	db_bind_text(q, ":customer", h->customer);
	db_bind_text(q, ":project", h->project);
	db_bind_text(q, ":model", h->model);
	db_bind_text(q, ":currency", h->currency);
	db_bind_int(q, ":pico", h->amount.pico);
	db_bind_text(q, ":request", h->request);
	db_bind_int(q, ":created", now.us);
	db_bind_int(q, ":expires", h->expires.us);
	rc = db_done(store_db(s), q, e);
	return rc == 0 ? count_held(sp, h, 1, e) : rc;
}

/* Who is asked for a hold, and how its customer stands. */
struct asking {
	struct spending *spending;
	struct ledger *ledger;
	const struct standings *limits;
	const struct standing *standing;
	struct instant now;
};

/* One that is not there yet: by limits, budgets and credits. */
static int admit(const struct asking *x, struct hold h, struct err *e)
{
	struct store *s = spending_store(x->spending);
	struct buf means = { 0 };
	int rc = check_limits(&h, x->limits, e);
	if (rc == 0)
		rc = name_model(s, &h, x->now, &means, e);
	if (rc == 0)
		rc = budgets_allow(x->spending,
				   &(struct budget_call){ h.customer, h.project, h.model,
							  h.currency, h.amount },
				   x->now, e);
	if (rc == 0)
		rc = check_credits(x->ledger, &h, x->standing, x->now, e);
	if (rc == 0)
		rc = add_hold(x->spending, &h, x->now, e);
	buf_release(&means);
	return rc;
}

int hold_open(struct spending *sp, struct ledger *l, const struct hold *h, struct instant now,
	      struct standing *after, struct err *e)
{
	struct hold known;
	struct err none;
	struct arena texts = { 0 };
	struct standings limits;
	const struct spending_scope ever = ever_of(h->customer, h->currency);
	int rc = standings_of(sp, h->customer, now, &limits, e);
	if (rc == 0)
		rc = standing_from(sp, &limits, &ever, now, after, e);
	if (rc != 0)
		return rc;
	rc = hold_find(spending_store(sp), h->id, &known, &texts, &none);
	const bool is_new = rc == -ERR_NOT_FOUND;
	if (rc == 0)
		rc = check_known(&known, h, now, e);
	else if (!is_new)
		*e = none;
	arena_release(&texts);
	if (!is_new)
		return rc;
	rc = admit(&(struct asking){ sp, l, &limits, after, now }, *h, e);
	if (rc == 0)
		money_total_add_units(&after->of.held, h->amount, 1, 1);
	return rc;
}

static const struct sql sql_end_hold = {
	.text = "UPDATE OR FAIL hold SET state=:state,ended=:now,usage=:usage WHERE id=:id",
};

static int write_end(struct spending *sp, const struct hold *h, const char *state,
		     struct text usage, struct instant now, struct err *e)
{
	struct query *q;
	int rc = db_statement(store_db(spending_store(sp)), &sql_end_hold, &q, e);
	if (rc != 0)
		return rc;
	db_bind_text(q, ":id", h->id);
	db_bind_text(q, ":state", text_of(state));
	db_bind_int(q, ":now", now.us);
	if (usage.n)
		db_bind_text(q, ":usage", usage);
	else
		db_bind_null(q, ":usage");
	rc = db_done(store_db(spending_store(sp)), q, e);
	return rc == 0 ? count_held(sp, h, -1, e) : rc;
}

/* *writes: whether the hold's state changes; it may have ended so already, or have expired. */
static int check_end(const struct hold *h, const char *state, struct text usage, bool *writes,
		     struct err *e)
{
	const struct text id = record_id_as_sent(h->customer, h->id);
	bool same = text_is(h->state, state) && text_eq(record_id_as_sent(h->customer, h->usage),
							record_id_as_sent(h->customer, usage));
	/* the record counts; the reservation had ended already */
	bool late = text_is(h->state, "expired") && strcmp(state, "settled") == 0;
	*writes = !same && !late;
	if (!*writes || text_is(h->state, "open"))
		return 0;
	return err_set(e, ERR_CONFLICT, "the hold '%.*s' is already %.*s", (int)id.n, id.p,
		       (int)h->state.n, h->state.p);
}

int hold_can_end(struct spending *sp, struct text id, const char *state, struct text usage,
		 struct err *e)
{
	struct hold h;
	struct arena texts = { 0 };
	bool writes;
	int rc = hold_find(spending_store(sp), id, &h, &texts, e);
	if (rc == 0)
		rc = check_end(&h, state, usage, &writes, e);
	arena_release(&texts);
	return rc;
}

/* The settlement counts where its hold did. */
static int count_settled(struct spending *sp, const struct hold *h, struct text usage,
			 struct err *e)
{
	return spending_settled(spending_store(sp),
				&(struct settled_hold){ .id = h->id,
							.customer = h->customer,
							.project = h->project,
							.model = h->model,
							.currency = h->currency,
							.estimate = h->amount,
							.created = h->created,
							.usage = usage },
				e);
}

int hold_end(struct spending *sp, struct text id, const char *state, struct text usage,
	     struct instant now, struct err *e)
{
	struct hold h;
	struct arena texts = { 0 };
	bool writes = false;
	int rc = hold_find(spending_store(sp), id, &h, &texts, e);
	if (rc == 0)
		rc = check_end(&h, state, usage, &writes, e);
	if (rc == 0 && writes)
		rc = write_end(sp, &h, state, usage, now, e);
	if (rc == 0 && strcmp(state, "settled") == 0)
		rc = count_settled(sp, &h, usage, e);
	arena_release(&texts);
	return rc;
}

static const struct sql sql_expire_holds = {
	.text = "UPDATE hold SET state='expired',ended=:now WHERE state='open' AND expires<=:now",
};

int hold_expire(struct spending *sp, struct instant now, int64_t *count, struct err *e)
{
	struct query *q;
	int rc = held_expires(spending_held(sp), now, e);
	if (rc == 0)
		rc = db_statement(store_db(spending_store(sp)), &sql_expire_holds, &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":now", now.us);
	rc = db_done(store_db(spending_store(sp)), q, e);
	*count = rc == 0 ? db_changes(store_db(spending_store(sp))) : 0;
	return rc;
}

/* Whether that settles the hold. */
static int check_settlement(const struct hold *h, const struct hold_settlement *s,
			    struct instant now, struct err *e)
{
	char text[2][DECIMAL_TEXT_MAX];
	int rc = check_open(h, now, e);
	if (rc == 0 && s->used.nano < 0)
		rc = err_set(e, ERR_INVALID, "the settled amount must not be negative");
	if (rc == 0 && s->strict && s->used.nano > h->credits.nano)
		rc = err_set(e, ERR_LIMIT, "the hold '%.*s' has %s credits, but %s were used",
			     (int)h->id.n, h->id.p, nano_credits_format(h->credits, text[0]),
			     nano_credits_format(s->used, text[1]));
	return rc;
}

int hold_settle_credits(struct spending *sp, struct ledger *l, const struct hold_settlement *s,
			struct instant now, struct drawn *out, struct err *e)
{
	struct hold h;
	struct arena texts = { 0 };
	const struct account *a;
	char key[RECORD_TEXT_MAX + 16];
	int64_t account = 0;
	*out = (struct drawn){ 0 };
	int rc = hold_find(spending_store(sp), s->hold, &h, &texts, e);
	if (rc == 0)
		rc = check_settlement(&h, s, now, e);
	if (rc == 0)
		rc = ledger_account(l, h.customer, &a, e);
	if (rc == 0) {
		account = a->id;
		snprintf(key, sizeof key, "hold:%.*s", (int)h.id.n, h.id.p);
		/* that a hold ends once is what keeps this from happening twice */
		rc = write_end(sp, &h, "settled", text_of(key), now, e);
	}
	if (rc == 0)
		rc = count_settled(sp, &h, TEXT(""), e);
	if (rc == 0)
		rc = ledger_draw(l, account, s->used,
				 &(struct draw){ .at = now,
						 .now = now,
						 .note = text_of(key),
						 .policy = SHORT_PARTIAL },
				 out, e);
	arena_release(&texts);
	return rc;
}
