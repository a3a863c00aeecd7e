#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/billing/budget.h"
#include "meter/ingest/correct.h"
#include "meter/store/rollup.h"
#include "tests/simulate/world.h"

/* --- what each operation does; inside a transaction --- */

/* The i-th record of a batch: near one another, so that batches share records. */
static uint32_t record_of(const struct operation *op, uint32_t i)
{
	return (op->number[0] + i * (op->number[2] % 3)) % RECORDS_MOST;
}
static uint32_t batch_size(const struct operation *op)
{
	return 1 + op->number[1] % BATCH_MOST;
}
/* A batch says something else under the same ids now and then. */
static int variant_of(const struct operation *op, uint32_t n)
{
	return op->kind == OP_BATCH && model_has_id(n) && op->number[3] % 8 == 0;
}

static int do_batch(struct world *w, struct session *s)
{
	struct ingest *in = s->in[w->model.book];
	struct metered m;
	char id[40];
	int rc = 0;
	ingest_next_source(in, NULL, w->model.now, NULL);
	for (uint32_t i = 0; rc == 0 && i < batch_size(w->op); i++) {
		model_make(&m, record_of(w->op, i), variant_of(w->op, record_of(w->op, i)), id);
		rc = ingest_take(in, &m, w->model.now, &w->e);
	}
	if (rc == 0 && w->op->number[3] % 4 == 1)
		rc = rollup_catch_up(s->store, 0, &w->e);
	return rc;
}

static struct model_record first_copy(const struct world *w, const struct metered *m, int variant)
{
	return (struct model_record){ true,
				      true,
				      variant,
				      m->record,
				      m->record.units[UNIT_WEB_SEARCH],
				      1,
				      { (signed char)w->model.book } };
}

static void model_batch(struct world *w)
{
	struct metered m;
	char id[40];
	struct model *model = &w->model;
	int met[RECORDS_MOST] = { 0 };
	for (uint32_t i = 0; i < batch_size(w->op); i++) {
		const uint32_t n = record_of(w->op, i);
		struct model_record *r = &model->record[n];
		model_make(&m, n, variant_of(w->op, n), id);
		/* one without an id is told apart by its content */
		if (model_too_large(n))
			continue;
		if (!model_has_id(n)) {
			if (++met[n] > r->copies && r->known) {
				r->book[r->copies++] = (signed char)model->book;
				w->counts->records++;
				continue;
			}
		}
		if (!r->known) {
			*r = first_copy(w, &m, variant_of(w->op, n));
			w->counts->records++;
		}
	}
}

/* The record of that number as the next customer sends it with a token of its own. */
static bool own_record(struct metered *m, uint32_t n, char id[40], const char **customer)
{
	model_make(m, n, 0, id);
	*customer = customer_name((uint32_t)(m->record.text[FIELD_CUSTOMER].p[1] - '0') + 1);
	m->record.text[FIELD_CUSTOMER] = text_of(*customer);
	return model_has_id(n) && !model_too_large(n);
}

static int do_tenant(struct world *w, struct session *s)
{
	struct ingest *in = s->in[w->model.book];
	struct metered m;
	char id[40];
	const char *customer;
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < batch_size(w->op); i++) {
		if (!own_record(&m, record_of(w->op, i), id, &customer))
			continue;
		ingest_next_source(in, customer, w->model.now, NULL);
		rc = ingest_take(in, &m, w->model.now, &w->e);
	}
	return rc;
}

static void model_tenant(struct world *w)
{
	struct metered m;
	char id[40];
	const char *customer;
	for (uint32_t i = 0; i < batch_size(w->op); i++) {
		const uint32_t n = record_of(w->op, i);
		struct model_record *r = &w->model.own[n];
		if (own_record(&m, n, id, &customer) && !r->known) {
			*r = first_copy(w, &m, 0);
			w->counts->records++;
		}
	}
}

static uint32_t one_record(const struct operation *op)
{
	return op->number[0] % RECORDS_MOST;
}

static int do_void(struct world *w, struct session *s)
{
	char id[40];
	struct metered m;
	const uint32_t n = one_record(w->op);
	if (!model_has_id(n))
		return 0;
	model_make(&m, n, 0, id);
	const struct model_record *r = &w->model.record[n];
	int rc = correct_void(s->store, id, "simulation", &w->e);
	if ((!r->known && rc == -ERR_NOT_FOUND) || (!r->present && rc == -ERR_INVALID) ||
	    (w->again && rc == -ERR_INVALID))
		return REFUSED;
	return rc == 0 && !r->present ? err_set(&w->e, ERR_STORE, "a void of nothing was done")
				      : rc;
}

static int do_amend(struct world *w, struct session *s)
{
	char id[40];
	struct metered m;
	struct amendment a = { .why = "simulation" };
	const uint32_t n = one_record(w->op);
	const struct model_record *r = &w->model.record[n];
	if (!model_has_id(n))
		return 0;
	model_make(&m, n, 0, id);
	record_clear(&a.record);
	a.record.tokens[BUCKET_INPUT] = w->op->number[1] % 5000;
	a.record.present = (uint64_t)1 << (FIELD_COUNTS + BUCKET_INPUT);
	int rc = correct_amend(s->store, s->in[w->model.book], id, &a, &w->e);
	if (!r->present && (rc == -ERR_NOT_FOUND || rc == -ERR_INVALID))
		return REFUSED;
	return rc;
}

static int do_rerate(struct world *w, struct session *s)
{
	struct rerate_result r = { 0 };
	int rc = correct_rerate(&r, s->store, s->in[w->op->number[0] % 2],
				&(struct rerate_wish){ .since = { INT64_MIN / 2 },
						       .until = { INT64_MAX / 2 },
						       .why = "simulation",
						       .currency = TEXT("USD") },
				&w->e);
	if (rc == 0)
		rerate_result_release(&r);
	return rc;
}

static int64_t pico_of(const struct operation *op)
{
	return (int64_t)(op->number[1] % 4000 + 1) * 1000000000; /* up to 4 dollars */
}

/* What the operation sets for that customer (negative: all): mostly a bit more than what is spent
 * and held, so that the next few holds meet it. */
static struct model_bound bound_of(const struct world *w, int customer, int period, int zone)
{
	const uint32_t *n = w->op->number;
	struct model_bound b = { n[2] % 5 != 0, period, zone, pico_of(w->op) };
	const int128 used = model_spent(&w->model, customer, period, zone).atto / 1000000 +
			    model_held(&w->model, customer);
	if (n[3] % 3 && used < INT64_MAX / 2)
		b.pico += (int64_t)used;
	return b;
}
static struct model_bound budget_of(const struct world *w, int customer)
{
	const uint32_t *n = w->op->number;
	return bound_of(w, customer, (int)(n[3] / 3 % MODEL_PERIODS),
			(int)(n[2] / 5 % MODEL_ZONES));
}

/* A bound is set exactly where what is spent in its period can be judged. */
static bool judged(const struct model *m, const struct model_bound *b, int customer)
{
	return !b->set || !model_spent(m, customer, b->period, b->zone).foreign;
}
static int set_where_judged(struct world *w, const struct model_bound *b, int customer, int rc)
{
	const bool can = judged(&w->model, b, customer);
	if (rc == (can ? 0 : -ERR_INVALID))
		return can ? 0 : REFUSED;
	return rc != 0 && rc != -ERR_INVALID
		       ? rc
		       : err_set(&w->e, ERR_STORE, "a bound that %s be judged was answered %d",
				 can ? "can" : "cannot", rc);
}

static int do_limit(struct world *w, struct session *s)
{
	const int customer = (int)(w->op->number[0] % CUSTOMERS);
	const struct model_bound b = budget_of(w, customer);
	const struct spending_limit l = { .customer = text_of(customer_name(w->op->number[0])),
					  .currency = TEXT("USD"),
					  .period = text_of(model_periods[b.period]),
					  .zone = text_of(model_zones[b.zone]),
					  .amount = { b.pico } };
	if (w->op->number[2] % 5 == 0) {
		int rc = limit_clear(s->store, l.customer.p, l.period.p, &w->e);
		return rc == -ERR_NOT_FOUND ? REFUSED : rc;
	}
	return set_where_judged(w, &b, customer, limit_set(s->store, &l, w->model.now, &w->e));
}

static int set_budget(struct world *w, struct session *s, const char *name, const char *customer)
{
	if (w->op->number[2] % 5 == 0) {
		int rc = budget_clear(s->store, name, &w->e);
		return rc == -ERR_NOT_FOUND ? REFUSED : rc;
	}
	const struct model_bound bound = budget_of(w, *customer ? customer[1] - '0' : -1);
	const struct budget b = { .name = text_of(name),
				  .customer = text_of(customer),
				  .project = TEXT(""),
				  .model = TEXT(""),
				  .currency = TEXT("USD"),
				  .period = text_of(model_periods[bound.period]),
				  .zone = text_of(model_zones[bound.zone]),
				  .hook = TEXT(""),
				  .amount = { bound.pico },
				  .soft = { 50 },
				  .soft_count = 1,
				  .hard = true };
	return set_where_judged(w, &bound, *customer ? customer[1] - '0' : -1,
				budget_set(s->store, &b, w->model.now, &w->e));
}

static int do_budget(struct world *w, struct session *s)
{
	char name[16];
	snprintf(name, sizeof name, "b%u", w->op->number[0] % CUSTOMERS);
	return set_budget(w, s, name, customer_name(w->op->number[0]));
}

static uint32_t hold_of(const struct operation *op)
{
	return op->number[0] % HOLDS_MOST;
}
/* What it asks for: mostly the same whenever it is asked for. */
static int64_t hold_pico(const struct operation *op)
{
	const struct operation same = { .number = { 0, op->number[0] * 2654435761u >> 7 } };
	return pico_of(op->number[1] % 8 ? &same : op);
}
static int hold_customer(uint32_t n)
{
	return (int)(n % CUSTOMERS);
}
/* The credits that it asks for of its customer's account. */
static int64_t hold_nano(const struct operation *op)
{
	return hold_customer(hold_of(op)) < ACCOUNTS ? hold_pico(op) / 100 : 0;
}

/* What is in another currency cannot be judged, and is refused. */
static bool has_room(const struct model *m, const struct model_bound *b, int customer, int64_t pico)
{
	const struct model_spending spent = model_spent(m, customer, b->period, b->zone);
	return !b->set ||
	       (!spent.foreign && spent.atto + ((int128)model_held(m, customer) + pico) * 1000000 <=
					  (int128)b->pico * 1000000);
}

/* Whether the account has so many credits, by its journal and not by what the ledger keeps of it:
 * those of the first owe without bound, the second's end with its grants. */
static int has_credits(struct world *w, struct session *s, int customer, int64_t nano, bool *out)
{
	char sql[700];
	int64_t left = 0;
	*out = customer != 1;
	if (*out)
		return 0;
	/* what is owed for usage lies below zero in the overage */
	snprintf(sql, sizeof sql,
		 "SELECT CAST(coalesce(sum(e.amount),0) AS BIGINT) FROM ledger_txn t "
		 "JOIN ledger_entry e ON e.txn=t.id JOIN credit_account a ON a.id=t.account "
		 "LEFT JOIN credit_grant g ON g.id=e.grant_id WHERE a.customer='c%d' "
		 "AND (e.pot='overage' OR (g.effective<=%lld AND (g.expires IS NULL OR "
		 "g.expires>%lld)))",
		 customer, (long long)w->model.now.us, (long long)w->model.now.us);
	int rc = db_read_int(store_db(s->store), sql, &left, &w->e);
	*out = left - model_held_credits(&w->model, customer) >= nano;
	return rc;
}

/* Whether limit and budgets leave room for it. */
static bool model_admits(const struct model *m, int customer, int64_t pico)
{
	for (int i = 0; i < MODEL_PERIODS; i++)
		if (!has_room(m, &m->limit[customer][i], customer, pico))
			return false;
	return has_room(m, &m->budget[customer], customer, pico) &&
	       has_room(m, &m->all_budget, -1, pico);
}

static int do_hold(struct world *w, struct session *s)
{
	char id[24], request[40];
	const uint32_t n = hold_of(w->op);
	const int customer = hold_customer(n);
	const struct model_hold *known = &w->model.hold[n];
	struct standing st;
	bool credits;
	int rc = has_credits(w, s, customer, hold_nano(w->op), &credits);
	if (rc != 0)
		return rc;
	w->admitted = credits && model_admits(&w->model, customer, hold_pico(w->op));
	snprintf(id, sizeof id, "hold-%u", n);
	snprintf(request, sizeof request, "%lld", (long long)hold_pico(w->op));
	const struct hold h = {
		.id = text_of(id),
		.customer = text_of(customer_name((uint32_t)customer)),
		.currency = TEXT("USD"),
		.request = text_of(request),
		.amount = { hold_pico(w->op) },
		.credits = { hold_nano(w->op) },
		.created = w->model.now,
		.expires = { w->model.now.us + 600 * US_PER_SECOND },
		.project = TEXT(""),
		.model = TEXT(""),
	};
	rc = hold_open(s->spending, s->ledger, &h, w->model.now, &st, &w->e);
	/* one that buys what is missing for the hold has it now */
	if (customer < ACCOUNTS && w->model.tops_up[customer] && !credits &&
	    has_credits(w, s, customer, hold_nano(w->op), &credits) == 0)
		w->admitted = credits && model_admits(&w->model, customer, hold_pico(w->op));
	if (rc == 0 && w->again)
		return 0;
	if (known->known)
		return rc == -ERR_CONFLICT ||
				       (rc == 0 && known->pico == h.amount.pico &&
					known->state == 'o' && known->expires_us > w->model.now.us)
			       ? 0
			       : err_set(&w->e, ERR_STORE, "a hold that is known was answered %d",
					 rc);
	if (rc == (w->admitted ? 0 : -ERR_LIMIT))
		return rc == 0 ? 0 : REFUSED;
	return err_set(&w->e, ERR_STORE, "a hold of customer c%d that %s was answered %d", customer,
		       w->admitted ? "fits" : "does not fit", rc);
}

static void model_hold(struct world *w)
{
	const uint32_t n = hold_of(w->op);
	struct model_hold *h = &w->model.hold[n];
	const int customer = hold_customer(n);
	if (h->known)
		return;
	if (!w->admitted) {
		w->counts->refused_holds++;
		return;
	}
	w->counts->holds++;
	*h = (struct model_hold){ true,
				  'o',
				  customer,
				  hold_pico(w->op),
				  hold_nano(w->op),
				  w->model.now.us,
				  w->model.now.us + 600 * US_PER_SECOND };
}

static void settlement_of(struct metered *m, uint32_t n, char id[40])
{
	model_make(m, n * 4, 0, id);
	snprintf(id, 40, "settles-%u", n);
	m->record.text[FIELD_ID] = text_of(id);
	m->record.present |= (uint64_t)1 << FIELD_ID;
	/* at any time, and now and then without a price */
	m->record.text[FIELD_MODEL] = n % 3 ? TEXT("sim-beta") : TEXT("nobody-knows");
	m->record.text[FIELD_CUSTOMER] = text_of(customer_name((uint32_t)hold_customer(n)));
	m->record.tokens[BUCKET_INPUT] = n * 100;
}

static int do_settle(struct world *w, struct session *s)
{
	char id[40], hold[24];
	struct metered m;
	const uint32_t n = hold_of(w->op);
	const struct model_hold *h = &w->model.hold[n];
	struct ingest *in = s->in[w->model.book];
	snprintf(hold, sizeof hold, "hold-%u", n);
	settlement_of(&m, n, id);
	int rc = hold_can_end(s->spending, text_of(hold), "settled", text_of(id), &w->e);
	if (!h->known)
		return rc == -ERR_NOT_FOUND ? REFUSED
					    : err_set(&w->e, ERR_STORE, "an unknown hold ends");
	if (h->state == 'r' || h->state == 'c')
		return rc == -ERR_CONFLICT ? REFUSED
					   : err_set(&w->e, ERR_STORE, "a hold ends twice");
	ingest_next_source(in, NULL, w->model.now, NULL);
	if (rc == 0)
		rc = ingest_take(in, &m, w->model.now, &w->e);
	return rc == 0 ? hold_end(s->spending, text_of(hold), "settled", text_of(id), w->model.now,
				  &w->e)
		       : rc;
}

static void model_settle(struct world *w)
{
	static char ids[HOLDS_MOST][40];
	struct metered m;
	const uint32_t n = hold_of(w->op);
	struct model_hold *h = &w->model.hold[n];
	if (!h->known || h->state == 'r' || h->state == 'c')
		return;
	if (h->state != 's') {
		settlement_of(&m, n, ids[n]);
		w->model.settlement[n] = first_copy(w, &m, 0);
		w->counts->settlements++;
	}
	h->state = 's';
}

/* Whether so many credits settle the hold; *used and *strict are what the operation says. */
static bool settles_by_credits(const struct world *w, int64_t *used, bool *strict)
{
	const struct model_hold *h = &w->model.hold[hold_of(w->op)];
	*used = (int64_t)(w->op->number[1] % 5000) * 10000000;
	*strict = w->op->number[2] % 2;
	return h->known && h->customer < ACCOUNTS && h->state == 'o' &&
	       h->expires_us > w->model.now.us && (!*strict || *used <= h->nano);
}

static int do_settle_credits(struct world *w, struct session *s)
{
	char hold[24];
	int64_t used;
	bool strict;
	struct drawn out;
	const bool settles = settles_by_credits(w, &used, &strict);
	if (w->model.hold[hold_of(w->op)].known && hold_customer(hold_of(w->op)) >= ACCOUNTS)
		return 0;
	snprintf(hold, sizeof hold, "hold-%u", hold_of(w->op));
	int rc = hold_settle_credits(
		s->spending, s->ledger,
		&(struct hold_settlement){ text_of(hold), (struct nano_credits){ used }, strict },
		w->model.now, &out, &w->e);
	if (settles)
		return rc == -ERR_CONFLICT && w->again ? 0 : rc;
	if (rc == -ERR_NOT_FOUND || rc == -ERR_CONFLICT || rc == -ERR_LIMIT)
		return REFUSED;
	return rc < 0 ? rc : err_set(&w->e, ERR_STORE, "a hold ends by credits that must not");
}

static void model_settle_credits(struct world *w)
{
	int64_t used;
	bool strict;
	if (settles_by_credits(w, &used, &strict))
		w->model.hold[hold_of(w->op)].state = 'c';
}

static int do_release(struct world *w, struct session *s)
{
	char hold[24];
	const struct model_hold *h = &w->model.hold[hold_of(w->op)];
	snprintf(hold, sizeof hold, "hold-%u", hold_of(w->op));
	int rc = hold_end(s->spending, text_of(hold), "released", TEXT(""), w->model.now, &w->e);
	if (!h->known || h->state == 's' || h->state == 'c' || h->state == 'e')
		return rc == -ERR_NOT_FOUND || rc == -ERR_CONFLICT || h->state == 'e' ? REFUSED
										      : rc;
	return rc;
}

static int account_of(struct world *w, struct session *s, uint32_t n, const struct account **out)
{
	return ledger_account(s->ledger, text_of(customer_name(n % ACCOUNTS)), out, &w->e);
}

static int do_grant(struct world *w, struct session *s)
{
	const struct account *a;
	char name[32];
	int64_t id;
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	/* the content is the name's, so that the same one again is the same */
	const uint32_t n = w->op->number[1] % GRANTS_MOST;
	const struct model_grant g_of = model_grant(n);
	snprintf(name, sizeof name, "g%u", n);
	const bool ends = n % 3 == 0;
	const struct grant g = {
		.account = a->id,
		.name = text_of(name),
		.amount = { g_of.nano },
		.has_price = g_of.pico != 0,
		.price = { g_of.pico },
		.kind = n % 2 ? LOT_PAID : LOT_GRANTED,
		.priority = n % 4,
		.effective = g_of.effective,
		.expires = ends ? (struct instant){ w->model.now.us / US_PER_DAY * US_PER_DAY +
						    US_PER_DAY * (int64_t)(1 + n % 50) }
				: INSTANT_MAX,
		.currency = TEXT("USD"),
		.note = TEXT("")
	};
	if (g.expires.us <= g.effective.us)
		return REFUSED;
	rc = ledger_grant(s->ledger, &g, w->model.now, &id, &w->e);
	w->done = rc == 0;
	return rc == -ERR_CONFLICT ? REFUSED : rc;
}

static int do_void_grant(struct world *w, struct session *s)
{
	char name[32];
	snprintf(name, sizeof name, "g%u", w->op->number[1] % GRANTS_MOST);
	int rc = ledger_void_grant(s->ledger, text_of(customer_name(w->op->number[0] % ACCOUNTS)),
				   text_of(name), w->model.now, "simulation", &w->e);
	return rc == -ERR_NOT_FOUND || rc == -ERR_CONFLICT || rc == -ERR_INVALID ? REFUSED : rc;
}

static int do_draw(struct world *w, struct session *s)
{
	const struct account *a;
	struct drawn out;
	char key[32];
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	const uint32_t n = w->op->number[1] % 200;
	snprintf(key, sizeof key, "d%u", n);
	rc = ledger_draw(s->ledger, a->id, (struct nano_credits){ 1 + n * 7654321 },
			 &(struct draw){ .at = w->model.now,
					 .now = w->model.now,
					 .key = text_of(key),
					 .note = TEXT(""),
					 .policy = n % 2 ? SHORT_REFUSE : SHORT_PARTIAL },
			 &out, &w->e);
	return rc == -ERR_LIMIT || rc == -ERR_CONFLICT ? REFUSED : rc;
}

static int do_refund(struct world *w, struct session *s)
{
	const struct account *a;
	int64_t txn;
	char key[32];
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	const uint32_t n = w->op->number[1] % 200;
	snprintf(key, sizeof key, "r%u", n);
	rc = ledger_refund(s->ledger, a->id,
			   (struct nano_credits){ 1 + (int64_t)n * (n % 2 ? 1234567 : 40000000) },
			   &(struct draw){ .at = w->model.now,
					   .now = w->model.now,
					   .key = text_of(key),
					   .note = TEXT("") },
			   &txn, &w->e);
	return rc == -ERR_LIMIT || rc == -ERR_CONFLICT || rc == -ERR_INVALID || rc == -ERR_RANGE
		       ? REFUSED
		       : rc;
}

/* Credits every day, week or month, some of which roll over. */
static int do_rule(struct world *w, struct session *s)
{
	static const char *const every[] = { "day", "week", "month" };
	const struct account *a;
	char name[32];
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	const uint32_t n = w->op->number[1] % 40;
	const int64_t day = w->model.now.us / US_PER_DAY * US_PER_DAY;
	snprintf(name, sizeof name, "rule%u", n);
	const struct credit_rule r = { .account = a->id,
				       .name = text_of(name),
				       .every = text_of(every[n % 3]),
				       .currency = TEXT("USD"),
				       .lasts = TEXT(""),
				       .amount = { (int64_t)(n + 1) * 5000000 },
				       .kind = n % 2 ? LOT_PAID : LOT_GRANTED,
				       .priority = n % 4,
				       .anchor = { day },
				       .next = { day },
				       .until = INSTANT_MAX,
				       .has_price = n % 4 == 2,
				       .price = { n % 4 == 2 ? MODEL_RULE_PICO : 0 },
				       .rollover = { n % 5 == 0 ? 3000000 : 0 } };
	rc = ledger_add_rule(s->ledger, &r, &w->e);
	return rc == -ERR_CONFLICT || rc == -ERR_INVALID ? REFUSED : rc;
}

static int do_end_rule(struct world *w, struct session *s)
{
	const struct account *a;
	char name[32];
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc != 0)
		return rc;
	snprintf(name, sizeof name, "rule%u", w->op->number[1] % 40);
	const struct instant until = { w->model.now.us / US_PER_DAY * US_PER_DAY +
				       (int64_t)(w->op->number[2] % 9) * US_PER_DAY };
	rc = ledger_end_rule(s->ledger, a, text_of(name), until, w->model.now, &w->e);
	return rc == -ERR_NOT_FOUND || rc == -ERR_INVALID || rc == -ERR_CONFLICT ? REFUSED : rc;
}

/* An account whose usage was refunded before it was reversed is at fault until then. */
static int do_repair(struct world *w, struct session *s)
{
	const struct account *a;
	int rc = account_of(w, s, w->op->number[0], &a);
	if (rc == 0)
		drawer_repair(s->drawer, a->id);
	return rc;
}

/* Documents of an account's months; which one there is matters less than that all of it fits. */
static int do_draft(struct world *w, struct session *s)
{
	const struct account *a;
	struct draft made;
	int rc = account_of(w, s, w->op->number[0], &a);
	const int m = 8 + (int)(w->op->number[1] % 3);
	const struct period of = { { civil_to_day((struct civil){ 2026, m, 1 }) * US_PER_DAY },
				   { civil_to_day((struct civil){ 2026, m + 1, 1 }) *
				     US_PER_DAY } };
	/* now and then what was used so far, or what has changed since */
	const uint32_t part = w->op->number[2] % 6;
	invoicer_part(s->invoicer, part == 0   ? INVOICE_INTERIM
				   : part == 1 ? INVOICE_SUPPLEMENT
					       : INVOICE_OWN);
	if (rc == 0)
		rc = invoice_draft(s->invoicer, a, of, w->model.now, &made, &w->e);
	invoicer_part(s->invoicer, INVOICE_OWN);
	/* usage that waits would be missing on it */
	const bool at_fault = w->at_fault[w->op->number[0] % ACCOUNTS];
	return rc == -ERR_CONFLICT || rc == -ERR_NOT_FOUND || (rc == -ERR_MISMATCH && at_fault)
		       ? REFUSED
		       : rc;
}

static int do_finalize(struct world *w, struct session *s)
{
	const int64_t id = 1 + w->op->number[0] % DOCUMENTS_MOST;
	int rc = invoice_finalize(s->invoicer, id, w->model.now, &w->e);
	if (rc == 0)
		w->counts->invoices++;
	return rc == -ERR_CONFLICT || rc == -ERR_UNPRICED || rc == -ERR_NOT_FOUND ||
			       rc == -ERR_INVALID
		       ? REFUSED
		       : rc;
}

static int do_void_invoice(struct world *w, struct session *s)
{
	int rc = invoice_void(s->ledger, 1 + w->op->number[0] % DOCUMENTS_MOST, "simulation",
			      w->model.now, &w->e);
	return rc == -ERR_CONFLICT || rc == -ERR_NOT_FOUND || rc == -ERR_INVALID ? REFUSED : rc;
}

static int do_inside(struct world *w, struct session *s)
{
	int64_t n;
	switch (w->op->kind) {
	case OP_BATCH:
	case OP_TOGETHER:
		return do_batch(w, s);
	case OP_TENANT:
		return do_tenant(w, s);
	case OP_VOID:
		return do_void(w, s);
	case OP_AMEND:
		return do_amend(w, s);
	case OP_RERATE:
		return do_rerate(w, s);
	case OP_LIMIT:
		return do_limit(w, s);
	case OP_BUDGET:
		return do_budget(w, s);
	case OP_BUDGET_ALL:
		return set_budget(w, s, "of-all", "");
	case OP_HOLD:
		return do_hold(w, s);
	case OP_SETTLE:
		return do_settle(w, s);
	case OP_SETTLE_CREDITS:
		return do_settle_credits(w, s);
	case OP_RELEASE:
		return do_release(w, s);
	case OP_EXPIRE:
		return hold_expire(s->spending, w->model.now, &n, &w->e);
	case OP_GRANT:
		return do_grant(w, s);
	case OP_VOID_GRANT:
		return do_void_grant(w, s);
	case OP_DRAW:
		return do_draw(w, s);
	case OP_REFUND:
		return do_refund(w, s);
	case OP_REPAIR:
		return do_repair(w, s);
	case OP_RULE:
		return do_rule(w, s);
	case OP_END_RULE:
		return do_end_rule(w, s);
	case OP_ADVANCE:
		return ledger_advance(s->ledger, w->model.now, &w->e);
	case OP_DRAFT:
		return do_draft(w, s);
	case OP_FINALIZE:
		return do_finalize(w, s);
	case OP_VOID_INVOICE:
		return do_void_invoice(w, s);
	case OP_TERMS:
	case OP_TOP_UP:
	case OP_BUY:
	case OP_NOTE:
	case OP_PAY:
	case OP_SETTLE_BILLS:
		return bills_do(w, s);
	case OP_REBUILD:
		return rollup_rebuild(s->store, &w->e);
	default:
		return 0;
	}
}

int operation_do(struct world *w, struct session *s)
{
	struct draw_counts drawn;
	struct err *e = &w->e;
	int rc = store_begin(s->store, w->model.now, e);
	const bool begun = rc == 0;
	for (int i = 0; i < MODEL_BOOKS; i++)
		ingest_mark(s->in[i]);
	if (rc == 0)
		rc = ledger_begin(s->ledger, e);
	if (rc == 0)
		rc = do_inside(w, s);
	if (rc == 0)
		rc = drawer_sweep(s->drawer, w->model.now, &drawn, e);
	drawer_repair(s->drawer, 0);
	if (rc == 0)
		rc = ledger_end(s->ledger, e);
	if (rc == 0)
		rc = store_commit(s->store, e);
	else if (begun)
		store_rollback(s->store);
	if (rc != 0) {
		for (int i = 0; i < MODEL_BOOKS; i++)
			ingest_back_to_mark(s->in[i]);
		ledger_forget(s->ledger);
		drawer_forget(s->drawer);
	}
	return rc;
}

/* What the other book has no price for keeps the price it has, and so does what is priced in a
 * currency that is not asked for. */
static void model_rerate(struct model_record *r, int book)
{
	int128 atto;
	for (int i = 0; i < r->copies; i++)
		if (model_cost(r, book, &atto) != MODEL_UNPRICED &&
		    model_cost(r, r->book[i], &atto) != 1)
			r->book[i] = (signed char)book;
}

static void set_bound(struct model *m, struct model_bound *to, struct model_bound b, int customer)
{
	if (judged(m, &b, customer))
		*to = b;
}

void operation_model(struct world *w)
{
	struct model *m = &w->model;
	const uint32_t *n = w->op->number;
	struct model_record *r = &m->record[one_record(w->op)];
	struct model_hold *h = &m->hold[hold_of(w->op)];
	struct model_bound bound;
	switch (w->op->kind) {
	case OP_BATCH:
	case OP_TOGETHER:
		model_batch(w);
		break;
	case OP_TENANT:
		model_tenant(w);
		break;
	case OP_VOID:
		if (model_has_id(one_record(w->op)))
			r->present = false;
		break;
	case OP_AMEND:
		if (model_has_id(one_record(w->op)) && r->present) {
			r->record.tokens[BUCKET_INPUT] = n[1] % 5000;
			r->book[0] = (signed char)m->book;
		}
		break;
	case OP_RERATE:
		for (int i = 0; i < RECORDS_MOST; i++) {
			model_rerate(&m->record[i], (int)(n[0] % 2));
			model_rerate(&m->own[i], (int)(n[0] % 2));
		}
		for (int i = 0; i < HOLDS_MOST; i++)
			model_rerate(&m->settlement[i], (int)(n[0] % 2));
		break;
	case OP_LIMIT:
		bound = budget_of(w, (int)(n[0] % CUSTOMERS));
		set_bound(m, &m->limit[n[0] % CUSTOMERS][bound.period], bound,
			  (int)(n[0] % CUSTOMERS));
		break;
	case OP_BUDGET:
		set_bound(m, &m->budget[n[0] % CUSTOMERS], budget_of(w, (int)(n[0] % CUSTOMERS)),
			  (int)(n[0] % CUSTOMERS));
		break;
	case OP_BUDGET_ALL:
		set_bound(m, &m->all_budget, budget_of(w, -1), -1);
		break;
	case OP_HOLD:
		model_hold(w);
		break;
	case OP_SETTLE:
		model_settle(w);
		break;
	case OP_SETTLE_CREDITS:
		model_settle_credits(w);
		break;
	case OP_RELEASE:
		if (h->known && h->state == 'o')
			h->state = 'r';
		break;
	case OP_EXPIRE:
		for (int i = 0; i < HOLDS_MOST; i++)
			if (m->hold[i].state == 'o' && m->hold[i].expires_us <= m->now.us)
				m->hold[i].state = 'e';
		break;
	case OP_GRANT:
		m->grant[n[0] % ACCOUNTS][n[1] % GRANTS_MOST].known |= w->done;
		break;
	case OP_VOID_GRANT:
		m->grant[n[0] % ACCOUNTS][n[1] % GRANTS_MOST].voided = true;
		break;
	case OP_TERMS:
	case OP_TOP_UP:
	case OP_BUY:
	case OP_PAY:
		bills_model(w);
		break;
	default:
		break;
	}
}
