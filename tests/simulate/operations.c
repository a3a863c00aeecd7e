#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "meter/billing/budget.h"
#include "meter/billing/invoice_store.h"
#include "meter/billing/spending.h"
#include "meter/check_store.h"
#include "meter/ingest/correct.h"
#include "meter/ledger/draw.h"
#include "meter/move.h"
#include "meter/store/rollup.h"
#include "meter/store/usage_query.h"
#include "tests/simulate/simulate.h"
#include "tests/support/failing_vfs.h"
#include "tests/support/test_database.h"

/* A connection with all that a process keeps in memory beside it. */
struct session {
	struct store *store;
	struct ledger *ledger;
	struct drawer *drawer;
	struct spending *spending;
	struct invoicer *invoicer;
	struct ingest *in[2]; /* by book */
};

struct world {
	struct session session[SESSIONS];
	struct book *book[2];
	struct model model;
	char path[200];
	const char *folder;
	int files; /* databases made so far */
	struct counts *counts;
	bool at_fault[ACCOUNTS];
	bool again; /* the operation is repeated after a fault: it may be done already */
	struct err e;
	const struct operation *op;
};

enum { OF_ALL = 25 }; /* times what one customer's budget is, for all of them */
enum { REFUSED = 1 }; /* as the model says: it is rolled back, as the program does */

static const struct instant start = { INT64_C(1767225600000000) };

__attribute__((format(printf, 2, 3))) static int wrong(struct world *w, const char *fmt, ...)
{
	static const char *const names[] = {
#define X(id, name) name,
		OPERATIONS(X)
#undef X
	};
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "simulate: after %s: ", names[w->op->kind]);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	return 1;
}

static void close_session(struct session *s)
{
	for (int i = 0; i < 2; i++)
		ingest_close(s->in[i]);
	invoicer_close(s->invoicer);
	spending_close(s->spending);
	drawer_close(s->drawer);
	ledger_close(s->ledger);
	store_close(s->store);
	*s = (struct session){ 0 };
}

static int open_session(struct world *w, struct session *s)
{
	struct err *e = &w->e;
	int rc = store_open(&s->store, test_database(w->path), DB_CREATE, e);
	if (rc == 0)
		rc = ledger_open(&s->ledger, s->store, e);
	if (rc == 0)
		rc = drawer_open(&s->drawer, s->ledger, w->book[0], e);
	if (rc == 0)
		rc = invoicer_open(&s->invoicer, s->ledger, s->drawer, e);
	if (rc == 0)
		s->spending = spending_open(s->store);
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = ingest_open(&s->in[i], s->store,
				 &(struct ingest_options){ .book = w->book[i],
							   .currency = "USD",
							   .ahead_us_most = 3660 * US_PER_DAY,
							   .behind_us_most = 3660 * US_PER_DAY },
				 "simulation", NULL, NULL, e);
	return rc;
}

static struct session *session(struct world *w, int i)
{
	struct session *s = &w->session[i % SESSIONS];
	if (!s->store && open_session(w, s) != 0) {
		fprintf(stderr, "simulate: cannot open: %s\n", w->e.message);
		abort();
	}
	return s;
}

static void close_all(struct world *w)
{
	for (int i = 0; i < SESSIONS; i++)
		close_session(&w->session[i]);
}

static const char *customer_name(uint32_t n)
{
	static const char *const names[CUSTOMERS] = { "c0", "c1", "c2", "c3", "c4" };
	return names[n % CUSTOMERS];
}

/* --- what each operation does; inside a transaction --- */

/* The i-th record of a batch: near one another, so that batches share records. */
static uint32_t record_of(const struct operation *op, uint32_t i)
{
	return (op->number[0] + i * (op->number[2] % 3)) % RECORDS_MOST;
}
static uint32_t batch_size(const struct operation *op)
{
	return 1 + op->number[1] % 12;
}
/* A batch says something else under the same ids now and then. */
static int variant_of(const struct operation *op, uint32_t n)
{
	return model_has_id(n) && op->number[3] % 8 == 0;
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
				r->others += r->book != model->book;
				r->copies = met[n];
				w->counts->records++;
				continue;
			}
		}
		if (!r->known) {
			*r = (struct model_record){ true,     true,	   variant_of(w->op, n),
						    m.record, model->book, 1 };
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
			*r = (struct model_record){ true, true, 0, m.record, w->model.book, 1 };
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
						       .why = "simulation" },
				&w->e);
	if (rc == 0)
		rerate_result_release(&r);
	return rc;
}

static int64_t pico_of(const struct operation *op)
{
	return (int64_t)(op->number[1] % 4000 + 1) * 1000000000; /* up to 4 dollars */
}

static int do_limit(struct world *w, struct session *s)
{
	const struct spending_limit l = { text_of(customer_name(w->op->number[0])),
					  TEXT("USD"),
					  TEXT("ever"),
					  { pico_of(w->op) } };
	if (w->op->number[2] % 5 == 0) {
		int rc = limit_clear(s->store, customer_name(w->op->number[0]), &w->e);
		return rc == -ERR_NOT_FOUND ? REFUSED : rc;
	}
	return limit_set(s->store, &l, w->model.now, &w->e);
}

static int set_budget(struct world *w, struct session *s, const char *name, const char *customer)
{
	if (w->op->number[2] % 5 == 0) {
		int rc = budget_clear(s->store, name, &w->e);
		return rc == -ERR_NOT_FOUND ? REFUSED : rc;
	}
	const struct budget b = { .name = text_of(name),
				  .customer = text_of(customer),
				  .project = TEXT(""),
				  .model = TEXT(""),
				  .currency = TEXT("USD"),
				  .period = TEXT("ever"),
				  .zone = TEXT("UTC"),
				  .hook = TEXT(""),
				  .amount = { (*customer ? 1 : OF_ALL) * pico_of(w->op) },
				  .soft = { 50 },
				  .soft_count = 1,
				  .hard = true };
	return budget_set(s->store, &b, w->model.now, &w->e);
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
/* Holds of customers without an account: what the credits allow is the ledger's test. */
static int hold_customer(uint32_t n)
{
	return ACCOUNTS + (int)(n % (CUSTOMERS - ACCOUNTS));
}

/* Whether limit and budget leave room for it. */
static bool model_admits(const struct model *m, int customer, int64_t pico)
{
	struct model_sums u;
	model_sum(m, customer, &u);
	const int128 wanted = u.atto + ((int128)model_held(m, customer) + pico) * 1000000;
	struct model_sums all;
	model_sum(m, -1, &all);
	if (m->all_budgeted && all.atto + ((int128)model_held(m, -1) + pico) * 1000000 >
				       (int128)m->all_budget * 1000000)
		return false;
	return !((m->limited[customer] && wanted > (int128)m->limit[customer] * 1000000) ||
		 (m->budgeted[customer] && wanted > (int128)m->budget[customer] * 1000000));
}

static int do_hold(struct world *w, struct session *s)
{
	char id[24], request[40];
	const uint32_t n = hold_of(w->op);
	const int customer = hold_customer(n);
	const struct model_hold *known = &w->model.hold[n];
	struct standing st;
	snprintf(id, sizeof id, "hold-%u", n);
	snprintf(request, sizeof request, "%lld", (long long)pico_of(w->op));
	const struct hold h = {
		.id = text_of(id),
		.customer = text_of(customer_name((uint32_t)customer)),
		.currency = TEXT("USD"),
		.request = text_of(request),
		.amount = { pico_of(w->op) },
		.created = w->model.now,
		.expires = { w->model.now.us + 600 * US_PER_SECOND },
		.project = TEXT(""),
		.model = TEXT(""),
	};
	int rc = hold_open(s->spending, s->ledger, &h, w->model.now, &st, &w->e);
	if (rc == 0 && w->again)
		return 0;
	if (known->known)
		return rc == -ERR_CONFLICT || (rc == 0 && known->pico == h.amount.pico &&
					       known->state == 'o')
			       ? 0
			       : err_set(&w->e, ERR_STORE,
					 "a hold that is known was answered %d: %s", rc,
					 w->e.message);
	const bool admits = model_admits(&w->model, customer, h.amount.pico);
	if (rc == (admits ? 0 : -ERR_LIMIT))
		return rc == 0 ? 0 : REFUSED;
	return err_set(&w->e, ERR_STORE, "a hold of customer c%d that %s was answered %d", customer,
		       admits ? "fits" : "does not fit", rc);
}

static void model_hold(struct world *w)
{
	const uint32_t n = hold_of(w->op);
	struct model_hold *h = &w->model.hold[n];
	const int customer = hold_customer(n);
	if (h->known)
		return;
	if (!model_admits(&w->model, customer, pico_of(w->op))) {
		w->counts->refused_holds++;
		return;
	}
	w->counts->holds++;
	*h = (struct model_hold){ true, 'o', customer, pico_of(w->op),
				  w->model.now.us + 600 * US_PER_SECOND };
}

static void settlement_of(struct metered *m, uint32_t n, char id[40])
{
	model_make(m, n * 4, 0, id);
	snprintf(id, 40, "settles-%u", n);
	m->record.text[FIELD_ID] = text_of(id);
	m->record.present |= (uint64_t)1 << FIELD_ID;
	m->record.text[FIELD_MODEL] = TEXT("sim-beta");
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
	if (h->state == 'r')
		return rc == -ERR_CONFLICT ? REFUSED
					   : err_set(&w->e, ERR_STORE, "a released hold settles");
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
	if (!h->known || h->state == 'r')
		return;
	if (h->state != 's') {
		settlement_of(&m, n, ids[n]);
		w->model.settlement[n] =
			(struct model_record){ true, true, 0, m.record, w->model.book, 1 };
		w->counts->settlements++;
	}
	h->state = 's';
}

static int do_release(struct world *w, struct session *s)
{
	char hold[24];
	const struct model_hold *h = &w->model.hold[hold_of(w->op)];
	snprintf(hold, sizeof hold, "hold-%u", hold_of(w->op));
	int rc = hold_end(s->spending, text_of(hold), "released", TEXT(""), w->model.now, &w->e);
	if (!h->known || h->state == 's' || h->state == 'e')
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
	const uint32_t n = w->op->number[1];
	snprintf(name, sizeof name, "g%u", n);
	const bool ends = n % 3 == 0;
	const struct grant g = {
		.account = a->id,
		.name = text_of(name),
		.amount = { (int64_t)(n % 4000 + 1) * 10000000 },
		.kind = n % 2 ? LOT_PAID : LOT_GRANTED,
		.priority = n % 4,
		.effective = { start.us + (int64_t)(n % 30) * US_PER_DAY },
		.expires = ends ? (struct instant){ w->model.now.us / US_PER_DAY * US_PER_DAY +
						    US_PER_DAY * (int64_t)(1 + n % 50) }
				: INSTANT_MAX,
		.currency = TEXT("USD"),
		.note = TEXT("")
	};
	rc = ledger_grant(s->ledger, &g, w->model.now, &id, &w->e);
	return rc == -ERR_CONFLICT ? REFUSED : rc;
}

static int do_void_grant(struct world *w, struct session *s)
{
	char name[32];
	snprintf(name, sizeof name, "g%u", w->op->number[1]);
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
					 .key = text_of(key),
					 .note = TEXT(""),
					 .policy = n % 2 ? SHORT_REFUSE : SHORT_PARTIAL },
			 w->model.now, &out, &w->e);
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
	rc = ledger_refund(
		s->ledger, a->id,
		(struct nano_credits){ 1 + (int64_t)n * (n % 2 ? 1234567 : 40000000) },
		&(struct draw){ .at = w->model.now, .key = text_of(key), .note = TEXT("") },
		w->model.now, &txn, &w->e);
	return rc == -ERR_LIMIT || rc == -ERR_CONFLICT || rc == -ERR_INVALID || rc == -ERR_RANGE
		       ? REFUSED
		       : rc;
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
	const struct instant from = { civil_to_day((struct civil){ 2026, m, 1 }) * US_PER_DAY },
			     to = { civil_to_day((struct civil){ 2026, m + 1, 1 }) * US_PER_DAY };
	if (rc == 0)
		rc = invoice_draft(s->invoicer, s->ledger, a, from, to, w->model.now, &made, &w->e);
	return rc == -ERR_CONFLICT ? REFUSED : rc;
}

static int do_finalize(struct world *w, struct session *s)
{
	const int64_t id = 1 + w->op->number[0] % 12;
	int rc = invoice_finalize(s->invoicer, s->ledger, id, w->model.now, &w->e);
	if (rc == 0)
		w->counts->invoices++;
	return rc == -ERR_CONFLICT || rc == -ERR_UNPRICED || rc == -ERR_NOT_FOUND ||
			       rc == -ERR_INVALID
		       ? REFUSED
		       : rc;
}

static int do_void_invoice(struct world *w, struct session *s)
{
	int rc = invoice_void(s->ledger, 1 + w->op->number[0] % 12, "simulation", w->model.now,
			      &w->e);
	return rc == -ERR_CONFLICT || rc == -ERR_NOT_FOUND || rc == -ERR_INVALID ? REFUSED : rc;
}

static int do_inside(struct world *w, struct session *s)
{
	int64_t n;
	switch (w->op->kind) {
	case OP_BATCH:
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
	case OP_DRAFT:
		return do_draft(w, s);
	case OP_FINALIZE:
		return do_finalize(w, s);
	case OP_VOID_INVOICE:
		return do_void_invoice(w, s);
	case OP_REBUILD:
		return rollup_rebuild(s->store, &w->e);
	default:
		return 0;
	}
}

/* What a process of the program does for it, from begin to commit. What is refused is rolled back
 * to where it began, as the program does. */
static int transact(struct world *w, struct session *s)
{
	struct draw_counts drawn;
	struct err *e = &w->e;
	int rc = store_begin(s->store, w->model.now, e);
	const bool begun = rc == 0;
	for (int i = 0; i < 2; i++)
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
		for (int i = 0; i < 2; i++)
			ingest_back_to_mark(s->in[i]);
		ledger_forget(s->ledger);
		drawer_forget(s->drawer);
	}
	return rc;
}

/* --- what must be true afterwards --- */

static void model_apply(struct world *w)
{
	struct model *m = &w->model;
	const uint32_t *n = w->op->number;
	struct model_record *r = &m->record[one_record(w->op)];
	struct model_hold *h = &m->hold[hold_of(w->op)];
	switch (w->op->kind) {
	case OP_BATCH:
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
			r->book = m->book;
		}
		break;
	case OP_RERATE:
		for (int i = 0; i < RECORDS_MOST; i++)
			m->record[i].book = m->own[i].book = (int)(n[0] % 2),
			m->record[i].others = 0;
		for (int i = 0; i < HOLDS_MOST; i++)
			m->settlement[i].book = (int)(n[0] % 2);
		break;
	case OP_LIMIT:
		m->limited[n[0] % CUSTOMERS] = n[2] % 5 != 0;
		m->limit[n[0] % CUSTOMERS] = pico_of(w->op);
		break;
	case OP_BUDGET:
		m->budgeted[n[0] % CUSTOMERS] = n[2] % 5 != 0;
		m->budget[n[0] % CUSTOMERS] = pico_of(w->op);
		break;
	case OP_BUDGET_ALL:
		m->all_budgeted = n[2] % 5 != 0;
		m->all_budget = OF_ALL * pico_of(w->op);
		break;
	case OP_HOLD:
		model_hold(w);
		break;
	case OP_SETTLE:
		model_settle(w);
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
	default:
		break;
	}
}

static int compare_sums(struct world *w, const char *what, const struct usage_sums *u, int customer)
{
	struct model_sums m;
	model_sum(&w->model, customer, &m);
	if (u->records != m.records || u->unpriced != m.unpriced || u->requests != m.requests)
		return wrong(w,
			     "%s c%d: %lld records, %lld unpriced, %lld requests; the model has "
			     "%lld, %lld, %lld",
			     what, customer, (long long)u->records, (long long)u->unpriced,
			     (long long)u->requests, (long long)m.records, (long long)m.unpriced,
			     (long long)m.requests);
	for (int b = 0; b < BUCKET_COUNT; b++)
		if (u->tokens[b] != m.tokens[b])
			return wrong(w, "%s c%d: %lld tokens of bucket %d; the model has %lld",
				     what, customer, (long long)u->tokens[b], b,
				     (long long)m.tokens[b]);
	if (u->cost.atto != m.atto) {
		char text[2][DECIMAL_TEXT_MAX];
		return wrong(w, "%s c%d: cost %s; the model has %s", what, customer,
			     money_total_format(u->cost, text[0]),
			     money_total_format((struct money_total){ m.atto }, text[1]));
	}
	return 0;
}

/* Sums by customer, and by days of a zone. */
static int check_usage(struct world *w, struct store *s)
{
	static const char *const zones[] = { "UTC", "Asia/Kolkata", "America/St_Johns",
					     "Pacific/Apia" };
	static const struct usage_filter everything = {
		{ INT64_MIN / 2 }, { INT64_MAX / 2 }, NULL, NULL, NULL, 0
	};
	const enum usage_dim by_customer = USAGE_BY_CUSTOMER;
	const enum usage_dim by_day = USAGE_BY_DAY;
	struct usage_result *r;
	struct zone *z;
	if (zone_open(&z, zones[w->op->number[2] % 4], &w->e) != 0)
		return wrong(w, "%s", w->e.message);
	int bad = usage_query(&r, s, &by_customer, 1, &everything, z, &w->e) != 0;
	if (bad)
		wrong(w, "usage: %s", w->e.message);
	for (size_t i = 0; !bad && i < usage_group_count(r); i++)
		bad = compare_sums(w, "usage of", usage_group(r, i),
				   usage_label(r, i, 0).p[1] - '0');
	if (!bad)
		bad = compare_sums(w, "usage of all", usage_total(r), -1);
	usage_result_close(r);
	r = NULL;
	if (!bad && (bad = usage_query(&r, s, &by_day, 1, &everything, z, &w->e) != 0))
		wrong(w, "usage by day: %s", w->e.message);
	struct model_sums m, sum = { 0 };
	model_sum(&w->model, -1, &m);
	for (size_t i = 0; !bad && i < usage_group_count(r); i++) {
		sum.records += usage_group(r, i)->records;
		sum.atto += usage_group(r, i)->cost.atto;
	}
	if (!bad && (sum.records != m.records || sum.atto != m.atto))
		bad = wrong(w, "days do not add up to the model's sums");
	usage_result_close(r);
	zone_close(z);
	return bad;
}

static int check_standing(struct world *w, struct session *s)
{
	struct standing st;
	struct model_sums m;
	for (int c = ACCOUNTS; c < CUSTOMERS; c++) {
		model_sum(&w->model, c, &m);
		if (standing_of(s->spending, text_of(customer_name((uint32_t)c)), TEXT("USD"),
				w->model.now, &st, &w->e) != 0)
			return wrong(w, "standing: %s", w->e.message);
		if (st.of.spent.atto != m.atto ||
		    st.of.held.atto != (int128)model_held(&w->model, c) * 1000000)
			return wrong(w,
				     "c%d stands at %.9g spent, %.9g held; the model at %.9g, %.9g",
				     c, (double)st.of.spent.atto / 1e18,
				     (double)st.of.held.atto / 1e18, (double)m.atto / 1e18,
				     (double)model_held(&w->model, c) / 1e12);
	}
	return 0;
}

static int note_fault(void *user, const struct account_fault *f)
{
	struct world *w = user;
	for (int c = 0; c < ACCOUNTS; c++)
		w->at_fault[c] |= text_is(f->customer, customer_name((uint32_t)c));
	return 0;
}

static int64_t read_credits(struct world *w, struct store *s, const char *what, int customer)
{
	char sql[300];
	int64_t out = 0;
	snprintf(sql, sizeof sql,
		 "SELECT CAST(coalesce(%s,0) AS BIGINT) FROM %s c JOIN credit_account a "
		 "ON a.id=c.account WHERE a.customer='c%d'",
		 what, strstr(what, "nano") ? "credit_day" : "credit_uncovered", customer);
	if (db_read_int(store_db(s), sql, &out, &w->e) != 0)
		wrong(w, "%s: %s", sql, w->e.message);
	return out;
}

/* What usage drew is what the model says, record by record; what is not covered waits. */
static int check_credits(struct world *w, struct store *s)
{
	struct model_sums m;
	memset(w->at_fault, 0, sizeof w->at_fault);
	if (ledger_each_fault(s, note_fault, w, &w->e) != 0)
		return wrong(w, "accounts at fault: %s", w->e.message);
	for (int c = 0; c < ACCOUNTS; c++) {
		model_sum(&w->model, c, &m);
		w->counts->faulty_accounts += w->at_fault[c];
		if (w->at_fault[c])
			continue;
		const int64_t nano = read_credits(w, s, "sum(c.nano)", c),
			      waits = read_credits(w, s, "count(*)", c);
		if (nano != m.credits || waits != m.uncovered)
			return wrong(w,
				     "c%d drew %lld billionths and %lld wait; the model has %lld "
				     "and %lld",
				     c, (long long)nano, (long long)waits, (long long)m.credits,
				     (long long)m.uncovered);
	}
	return 0;
}

static int check_clean(struct world *w, struct store *s, const char *of)
{
	struct store_check c;
	w->counts->checks++;
	if (store_check(s, &c, &w->e) != 0)
		return wrong(w, "fsck of %s: %s", of, w->e.message);
	return c.faults ? wrong(w, "fsck of %s: %s", of, c.fault[0]) : 0;
}

static int check_all(struct world *w, struct session *s)
{
	int rc = store_begin(s->store, w->model.now, &w->e);
	if (rc == 0)
		rc = ledger_begin(s->ledger, &w->e);
	if (rc != 0)
		return wrong(w, "a transaction cannot begin: %s", w->e.message);
	rc = check_standing(w, s);
	store_rollback(s->store);
	ledger_forget(s->ledger);
	drawer_forget(s->drawer);
	if (rc == 0)
		rc = check_usage(w, s->store);
	if (rc == 0)
		rc = check_credits(w, s->store);
	return rc == 0 ? check_clean(w, s->store, "the database") : rc;
}

/* --- faults --- */

/* In a process of its own, which is killed at that write. */
static void in_a_killed_process(struct world *w)
{
	int status;
	close_all(w);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct session s = { 0 };
		if (open_session(w, &s) != 0)
			_exit(1);
		if (test_on_server())
			ualarm((useconds_t)w->op->fault_at * 50, 0);
		else
			failing_vfs_kill_at(w->op->fault_at);
		_exit(transact(w, &s) < 0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		w->counts->kills++;
}

/* All the server's connections end. */
static void lose_connections(void)
{
	char command[400];
	snprintf(
		command, sizeof command,
		"psql -qAt -h %s -U tally -d postgres -c \"SELECT pg_terminate_backend(pid) FROM "
		"pg_stat_activity WHERE pid<>pg_backend_pid() AND datname LIKE 'u_%%'\" >/dev/null "
		"2>&1",
		getenv("TALLY_TEST_SERVER"));
	if (system(command) != 0)
		abort();
}

static int with_fault(struct world *w, struct session *s)
{
	if (w->op->fault == FAULT_MEMORY && !test_on_server())
		sqlite3_hard_heap_limit64(sqlite3_memory_used() + w->op->fault_at * 256);
	if (w->op->fault == FAULT_WRITE && !test_on_server())
		failing_vfs_fail_at(w->op->fault_at);
	else if (w->op->fault == FAULT_WRITE)
		lose_connections();
	int rc = transact(w, s);
	failing_vfs_fail_at(0);
	sqlite3_hard_heap_limit64(0);
	if (rc < 0 && (w->op->fault == FAULT_WRITE || w->op->fault == FAULT_MEMORY)) {
		if (w->op->fault == FAULT_WRITE)
			w->counts->failed_writes++;
		else
			w->counts->no_memory++;
		if (test_on_server())
			close_all(w);
		w->again = true;
		rc = transact(w, session(w, w->op->session));
	}
	return rc;
}

static void next_file(struct world *w, char path[200])
{
	snprintf(path, 200, "%s/s%d.db", w->folder, ++w->files);
	test_database_forget(path);
}

/* A copy, or the same in another database, is as true; and it is gone on with. */
static int copy(struct world *w, struct session *s)
{
	char path[200], before[200];
	struct move_counts moved;
	if (w->op->kind == OP_BACKUP && test_on_server())
		return 0;
	next_file(w, path);
	int rc = w->op->kind == OP_BACKUP ? store_backup(s->store, path, NULL, NULL, &w->e)
					  : move_database(test_database(w->path),
							  test_database(path), NULL, &moved, &w->e);
	if (rc != 0)
		return wrong(w, "%s", w->e.message);
	w->counts->moves++;
	close_all(w);
	snprintf(before, sizeof before, "%s", w->path);
	snprintf(w->path, sizeof w->path, "%s", path);
	if (!test_on_server())
		test_database_forget(before);
	return 0;
}

static int step(struct world *w)
{
	w->again = false;
	struct session *s = session(w, w->op->session);
	int rc = 0;
	w->counts->operations++;
	switch (w->op->kind) {
	case OP_CLOCK:
		/* steps back too */
		w->model.now.us += ((int64_t)(w->op->number[0] % 2000) - 400) * US_PER_SECOND;
		w->model.book = (int)(w->op->number[1] % 2);
		return 0;
	case OP_BACKUP:
	case OP_MOVE:
		return copy(w, s) || check_all(w, session(w, w->op->session));
	case OP_REOPEN:
		close_session(s);
		return 0;
	default:
		break;
	}
	if (w->op->fault == FAULT_KILL) {
		in_a_killed_process(w);
		w->again = true;
		s = session(w, w->op->session);
	}
	rc = with_fault(w, s);
	if (rc < 0)
		return wrong(w, "%s", w->e.message);
	model_apply(w);
	return check_all(w, session(w, w->op->session + (int)(w->op->number[3] % SESSIONS)));
}

static int open_accounts(struct world *w)
{
	struct session *s = session(w, 0);
	int rc = store_begin(s->store, start, &w->e);
	if (rc == 0)
		rc = ledger_begin(s->ledger, &w->e);
	for (uint32_t i = 0; rc == 0 && i < ACCOUNTS; i++)
		rc = ledger_set_account(
			s->ledger,
			&(struct account){ .customer = text_of(customer_name(i)),
					   .plan = TEXT("flat"),
					   .plan_text = text_of(model_plan),
					   .zone = TEXT("UTC"),
					   .terms = TEXT("{}"),
					   .burn_order = TEXT("priority,expiry,class,cost-basis,"
							      "effective,created,id"),
					   .overage = i ? OVERAGE_LIMIT : OVERAGE_DEBT,
					   .anchor_day = 1,
					   .since = start,
					   .opened = start },
			&w->e);
	if (rc == 0)
		rc = ledger_end(s->ledger, &w->e);
	return rc == 0 ? store_commit(s->store, &w->e) : rc;
}

int operations_run(const struct operation *op, int count, const char *folder, struct counts *counts,
		   int *at)
{
	static struct world w;
	w = (struct world){ .folder = folder, .counts = counts, .op = op };
	w.model.now.us = INT64_C(1793000000000000);
	for (int i = 0; i < 2; i++) {
		struct card *c;
		struct fault_list faults = { 0 };
		if (book_open(&w.book[i], &w.e) != 0 ||
		    card_parse(&c, text_of(model_card(i)), "simulation", &faults) != 0)
			return wrong(&w, "the price card: %s",
				     faults.count ? faults.fault[0].message : w.e.message);
		book_add_card(w.book[i], c);
	}
	next_file(&w, w.path);
	int bad = open_accounts(&w) != 0 ? wrong(&w, "accounts: %s", w.e.message) : 0;
	for (*at = 0; !bad && *at < count; ++*at) {
		w.op = &op[*at];
		bad = step(&w);
		if (bad)
			break;
	}
	close_all(&w);
	for (int i = 0; i < 2; i++)
		book_close(w.book[i]);
	return bad;
}
