/*
 * The ledger against a naive model of it (lists, searched from the front), operation by operation;
 * what the journal notices; pools of recurring grants; draws from usage by any grouping.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/hold.h"
#include "meter/ledger/afresh.h"
#include "meter/ledger/batch.h"
#include "meter/ledger/draw.h"
#include "meter/billing/invoice_store.h"
#include "tests/support/failing_vfs.h"
#include "tests/support/test_database.h"

static struct store *store;
static struct ledger *ledger;
static char path[64];

static const struct instant start = { INT64_C(1704067200000000) };

static void check(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", e->message);
}

static int64_t one_number(const char *sql)
{
	int64_t n = -1;
	return db_read_int(store_db(store), sql, &n, NULL) == 0 ? n : -1;
}

static int open_all(void **state)
{
	(void)state;
	struct err e = { 0 };
	snprintf(path, sizeof path, "/tmp/tally-ledger-%d.db", (int)getpid());
	test_database_forget(path);
	check(store_open(&store, test_database(path), DB_CREATE, &e), &e);
	check(ledger_open(&ledger, store, &e), &e);
	check(store_begin(store, start, &e), &e);
	check(ledger_begin(ledger, &e), &e);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	store_rollback(store);
	ledger_close(ledger);
	store_close(store);
	test_database_forget(path);
	return 0;
}

static int64_t new_account(const char *name, enum overage_policy overage)
{
	struct err e = { 0 };
	const struct account *a;
	check(ledger_set_account(ledger,
				 &(struct account){ .customer = text_of(name),
						    .plan = TEXT("vm0"),
						    .plan_text = TEXT(""),
						    .zone = TEXT("UTC"),
						    .terms = TEXT("{}"),
						    .burn_order =
							    TEXT("priority,expiry,class,cost-basis,"
								 "effective,created,id"),
						    .overage = overage,
						    .anchor_day = 1,
						    .since = start,
						    .opened = start },
				 start, &e),
	      &e);
	check(ledger_account(ledger, text_of(name), &a, &e), &e);
	return a->id;
}

/* --- the model: everything that was done, done once more from the beginning, in its order --- */

enum { LOTS = 200, DONE = 600, USES = 20000, POLICIES = 16 };

struct model_lot {
	int64_t amount, left, priority, effective, expires; /* nano; microseconds */
	int kind;
	char id[16];
};
enum done_kind { MODEL_END, MODEL_BEGIN, MODEL_USE, MODEL_REFUND };
struct model {
	struct model_lot lot[LOTS];
	int lots;
	struct {
		enum done_kind kind;
		int64_t at, amount;
		int lot, order;
	} done[DONE + 2 * LOTS + POLICIES];
	int count;
	struct {
		int lot;
		int64_t amount;
	} use[USES]; /* what draws took, oldest first; refunds shrink the newest */
	int uses;
	int64_t owed, used, expired;
	struct {
		int64_t from;
		bool repays;
	} policy[POLICIES]; /* one after the other */
	int policies;
};

static bool repays(const struct model *m, int64_t at)
{
	int i = m->policies - 1;
	while (i > 0 && at < m->policy[i].from)
		i--;
	return m->policy[i].repays;
}

/* Whether lot a is used before lot b. */
static bool before(const struct model_lot *a, const struct model_lot *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->expires != b->expires)
		return a->expires < b->expires;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	if (a->effective != b->effective)
		return a->effective < b->effective;
	return strcmp(a->id, b->id) < 0;
}

static int best_lot(const struct model *m, int64_t at)
{
	int best = -1;
	for (int i = 0; i < m->lots; i++) {
		const struct model_lot *l = &m->lot[i];
		if (l->left > 0 && l->effective <= at && at < l->expires &&
		    (best < 0 || before(l, &m->lot[best])))
			best = i;
	}
	return best;
}

static int64_t model_take(struct model *m, int64_t amount, int64_t at)
{
	int i;
	while (amount > 0 && (i = best_lot(m, at)) >= 0) {
		int64_t take = amount < m->lot[i].left ? amount : m->lot[i].left;
		m->lot[i].left -= take;
		assert_true(m->uses < USES);
		m->use[m->uses].lot = i;
		m->use[m->uses++].amount = take;
		amount -= take;
	}
	return amount;
}

static void model_refund(struct model *m, int64_t amount, int64_t at)
{
	int64_t owed = amount < m->owed ? amount : m->owed;
	m->owed -= owed > 0 ? owed : 0;
	amount -= owed > 0 ? owed : 0;
	while (amount > 0 && m->uses > 0) {
		int64_t *top = &m->use[m->uses - 1].amount, back = amount < *top ? amount : *top;
		struct model_lot *l = &m->lot[m->use[m->uses - 1].lot];
		if (l->expires <= at)
			m->expired += back;
		else
			l->left += back;
		*top -= back;
		amount -= back;
		m->uses -= *top == 0;
	}
	m->owed -= amount; /* what is used next is paid */
}

static void model_do(struct model *m, enum done_kind kind, int64_t at, int64_t amount)
{
	assert_true(m->count < DONE);
	m->done[m->count].kind = kind;
	m->done[m->count].at = at;
	m->done[m->count++].amount = amount;
}

static int by_time(const void *a, const void *b)
{
	const struct model *none = NULL;
	const __typeof__(*none->done) *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->order - y->order;
}

static void model_use(struct model *m, int64_t amount, int64_t at)
{
	const int64_t paid = repays(m, at) || m->owed >= 0 ? 0
			     : -m->owed < amount	   ? -m->owed
							   : amount;
	m->owed += paid;
	m->owed += model_take(m, amount - paid, at);
}

static void model_run(struct model *m, int64_t now)
{
	static struct model x;
	x = *m;
	for (int i = 0; i < m->lots; i++) {
		m->lot[i].left = m->lot[i].amount;
		for (int end = 0; end < 2; end++) {
			const int64_t at = end ? m->lot[i].expires : m->lot[i].effective;
			x.done[x.count].kind = end ? MODEL_END : MODEL_BEGIN;
			x.done[x.count].at = at;
			x.done[x.count].lot = i;
			x.count += at <= now;
		}
	}
	for (int i = 1; i < m->policies;
	     i++, x.count++) { /* what is owed is carried from then on */
		x.done[x.count].kind = MODEL_BEGIN;
		x.done[x.count].at = m->policy[i].from;
	}
	for (int i = 0; i < x.count; i++)
		x.done[i].order = i;
	qsort(x.done, (size_t)x.count, sizeof *x.done, by_time);
	m->uses = 0;
	m->owed = m->used = m->expired = 0;
	for (int i = 0; i < x.count; i++) {
		const int64_t amount = x.done[i].amount, at = x.done[i].at;
		struct model_lot *l = &m->lot[x.done[i].lot];
		switch (x.done[i].kind) {
		case MODEL_END:
			m->expired += l->left;
			l->left = 0;
			break;
		case MODEL_BEGIN:
			if (repays(m, at) && m->owed > 0)
				m->owed = model_take(m, m->owed, at);
			break;
		case MODEL_USE:
			m->used += amount;
			model_use(m, amount, at);
			break;
		case MODEL_REFUND:
			m->used -= amount;
			model_refund(m, amount, at);
			break;
		}
	}
}

static void compare(struct model *m, int64_t account, struct text customer, int64_t now)
{
	struct err e = { 0 };
	struct balance b;
	struct past_balance p;
	const struct account *a;
	int64_t available = 0;
	check(ledger_redo_all(ledger, NULL, &e), &e);
	model_run(m, now);
	for (int i = 0; i < m->lots; i++) {
		struct grant g;
		check(ledger_find_grant(ledger, account, text_of(m->lot[i].id), &g, &e), &e);
		if (now >= m->lot[i].expires)
			continue; /* it has expired, which is booked or not */
		if (g.left.nano != m->lot[i].left)
			fail_msg("%.*s: lot %s: %lld, not %lld", (int)customer.n, customer.p,
				 m->lot[i].id, (long long)g.left.nano, (long long)m->lot[i].left);
		available += m->lot[i].left;
	}
	check(ledger_account(ledger, customer, &a, &e), &e);
	check(ledger_balance(ledger, a, (struct instant){ now }, &b, &e), &e);
	assert_int_equal(b.available.nano, available);
	assert_int_equal(b.owed.nano, m->owed);
	check(ledger_balance_at(ledger, account, (struct instant){ now }, &p, &e), &e);
	assert_int_equal(p.left.nano, available);
	assert_int_equal(p.used.nano, m->used);
	assert_int_equal(p.expired.nano, m->expired);
}

static void new_lot(struct model *m, int64_t account, int64_t amount, int64_t now, uint64_t *seed)
{
	struct err e = { 0 };
	struct model_lot *l = &m->lot[m->lots++];
	int64_t id;
	/* some are dated back, and some have ended already */
	const int64_t from =
		now -
		(unit_random(seed) % 4 ? 0 : (int64_t)(unit_random(seed) % 9000) * US_PER_SECOND);
	*l = (struct model_lot){
		.amount = amount,
		.priority = (int64_t)(unit_random(seed) % 3),
		.effective = from,
		.expires = unit_random(seed) % 3
				   ? from + (int64_t)(unit_random(seed) % 40000 + 1) * US_PER_SECOND
				   : INSTANT_MAX.us,
		.kind = (int)(unit_random(seed) % 2)
	};
	snprintf(l->id, sizeof l->id, "g%03d", m->lots);
	check(ledger_grant(ledger,
			   &(struct grant){ .account = account,
					    .name = text_of(l->id),
					    .amount = { amount },
					    .priority = l->priority,
					    .kind = (enum lot_class)l->kind,
					    .effective = { from },
					    .expires = { l->expires },
					    .currency = TEXT(""),
					    .note = TEXT("") },
			   (struct instant){ now }, &id, &e),
	      &e);
}

/* Nothing may be owed, which some other histories are helped to by a grant. */
static void change_policy(struct model *m, const char *name, int64_t account, int64_t now,
			  uint64_t *seed)
{
	struct err e = { 0 }, why = { 0 };
	const struct account *a;
	if (m->policies == POLICIES)
		return;
	model_run(m, now);
	if (m->owed > 0 && repays(m, now) && m->lots < LOTS && unit_random(seed) % 2) {
		new_lot(m, account, m->owed + 1000, now, seed);
		model_run(m, now);
	}
	check(ledger_account(ledger, text_of(name), &a, &e), &e);
	struct account changed = *a;
	changed.overage = a->overage == OVERAGE_DEBT ? OVERAGE_LIMIT : OVERAGE_DEBT;
	const int rc = ledger_set_account(ledger, &changed, (struct instant){ now }, &why);
	if ((rc == 0) != (m->owed == 0))
		fail_msg("%s: owes %lld: %s", name, (long long)m->owed, why.message);
	if (rc != 0)
		return;
	m->policy[m->policies].from = now + 1;
	m->policy[m->policies++].repays = changed.overage == OVERAGE_DEBT;
}

static void test_random_operations_against_a_naive_model(void **state)
{
	(void)state;
	uint64_t seed = unit_seed();
	const int rounds = test_on_server() ? 6 : 24; /* the same code, by slower statements */
	for (int round = 0; round < rounds; round++) {
		static struct model m;
		char name[20];
		struct err e = { 0 };
		struct drawn out;
		snprintf(name, sizeof name, "model-%d", round);
		const enum overage_policy policy = round % 2 ? OVERAGE_DEBT : OVERAGE_LIMIT;
		const int64_t account = new_account(name, policy);
		int64_t now = start.us;
		memset(&m, 0, sizeof m);
		m.policies = 1;
		m.policy[0].repays = policy == OVERAGE_DEBT;
		for (int step = 0; step < 250; step++) {
			uint64_t dice = unit_random(&seed) % 100;
			int64_t amount = (int64_t)(unit_random(&seed) % 5000 + 1) * 1000;
			now += (int64_t)(1 + unit_random(&seed) % 600) * US_PER_SECOND;
			struct draw d = { .at = { now },
					  .now = { now },
					  .policy = SHORT_PARTIAL,
					  .note = TEXT("") };
			if (unit_random(&seed) % 20 == 0) {
				change_policy(&m, name, account, now, &seed);
			} else if (dice < 25 && m.lots < LOTS) {
				new_lot(&m, account, amount * 4, now, &seed);
			} else if (dice < 75) { /* often late */
				if (dice < 40)
					d.at.us -= (int64_t)(unit_random(&seed) % 9000) *
						   US_PER_SECOND;
				check(ledger_draw(ledger, account, (struct nano_credits){ amount },
						  &d, &out, &e),
				      &e);
				model_do(&m, MODEL_USE, d.at.us, amount);
			} else if (dice < 88 && m.used > 0) {
				amount = amount < m.used ? amount : m.used;
				check(ledger_refund(ledger, account,
						    (struct nano_credits){ amount }, &d, NULL, &e),
				      &e);
				model_do(&m, MODEL_REFUND, now, amount);
			} else {
				check(ledger_expire(ledger, account, d.at, &e), &e);
			}
			compare(&m, account, text_of(name), now);
		}
	}
	char fault[200];
	struct err e = { 0 };
	check(ledger_verify(ledger, fault, &e), &e);
	assert_string_equal(fault, "");
}

static void test_grouping_of_draws_changes_nothing(void **state)
{
	(void)state;
	struct err e = { 0 };
	uint64_t seed = unit_seed();
	const int64_t one = new_account("one", OVERAGE_DEBT),
		      many = new_account("many", OVERAGE_DEBT);
	struct credits_total sum = { 0 };
	struct drawn out;
	struct past_balance a, b;
	const struct draw how = {
		.at = start, .now = start, .policy = SHORT_PARTIAL, .note = TEXT("")
	};
	for (int i = 0; i < 500; i++) {
		/* finer than a billionth, so that parts of it are carried on */
		struct credits_total c = { (int128)(unit_random(&seed) >> 20) };
		sum.atto += c.atto;
		check(ledger_draw_exact(ledger, many, c, &how, &out, &e), &e);
	}
	check(ledger_draw_exact(ledger, one, sum, &how, &out, &e), &e);
	check(ledger_balance_at(ledger, one, start, &a, &e), &e);
	check(ledger_balance_at(ledger, many, start, &b, &e), &e);
	assert_int_equal(a.used.nano, b.used.nano);
	assert_true((int128)a.used.nano == sum.atto / 1000000000);
}

static void test_the_database_refuses_what_does_not_balance(void **state)
{
	(void)state;
	struct err e = { 0 };
	static const char *const bad[] = {
		/* a transaction whose entries do not sum to zero, and one without any */
		("INSERT INTO ledger_entry VALUES(900001,0,'used',NULL,5);"
		 "INSERT INTO ledger_txn VALUES(900001,1,0,0,'draw',NULL,NULL,NULL,'')"),
		"INSERT INTO ledger_txn VALUES(900002,1,0,0,'draw',NULL,NULL,NULL,'')",
		/* one more entry for a transaction that stands */
		"INSERT INTO ledger_entry SELECT id,99,'used',NULL,1 FROM ledger_txn LIMIT 1",
		"UPDATE ledger_entry SET amount=amount+1",
		"DELETE FROM ledger_entry",
		"UPDATE ledger_txn SET at=0",
		"DELETE FROM ledger_txn",
		"UPDATE credit_grant SET amount=1",
		"DELETE FROM journal",
		"UPDATE journal SET ref=1",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		check(db_run(store_db(store), "SAVEPOINT x", &e), &e);
		if (db_run(store_db(store), bad[i], &e) == 0)
			fail_msg("it was taken: %s", bad[i]);
		check(db_run(store_db(store), "ROLLBACK TO x", &e), &e);
		check(db_run(store_db(store), "RELEASE x", &e), &e);
	}
}

static int content_of(void *user, const char *kind, int64_t ref, struct buf *out, bool *there,
		      struct err *e)
{
	(void)kind;
	return ledger_txn_text(user, ref, out, there, e);
}

static void verify(char fault[200])
{
	struct err e = { 0 };
	int64_t links;
	check(journal_verify(store, content_of, store, &links, fault, &e), &e);
}

/* Whoever changes the file by hand takes the triggers away first. */
static void test_the_journal_notices(void **state)
{
	(void)state;
	struct err e = { 0 };
	char fault[200];
	static const struct {
		const char *sql, *says;
	} tampered[] = {
		{ "UPDATE ledger_entry SET amount=amount*2 WHERE txn=(SELECT max(id)/2 FROM "
		  "ledger_txn)",
		  "is not what it was" },
		{ "UPDATE ledger_txn SET note='another' WHERE id=(SELECT max(id)/3 FROM "
		  "ledger_txn)",
		  "is not what it was" },
		{ "DELETE FROM journal WHERE seq=(SELECT max(seq) FROM journal)", "cut off" },
		{ "DELETE FROM journal WHERE seq=(SELECT max(seq)/2 FROM journal)", "is missing" },
		{ "DELETE FROM ledger_entry WHERE txn=(SELECT max(id) FROM ledger_txn);"
		  "DELETE FROM ledger_txn WHERE id=(SELECT max(id) FROM ledger_txn)",
		  "is missing" },
		{ "UPDATE about SET value='1:00' WHERE key='journal_head'", "should end" },
	};
	check(ledger_end(ledger, &e), &e);
	verify(fault);
	assert_string_equal(fault, "");
	for (size_t i = 0; i < COUNT(tampered); i++) {
		check(db_run(store_db(store),
			     test_on_server()
				     ? "SAVEPOINT x; SET LOCAL session_replication_role=replica"
				     : "SAVEPOINT x; DROP TRIGGER entry_is_never_changed; DROP "
				       "TRIGGER "
				       "entry_is_never_deleted; DROP TRIGGER txn_is_never_changed; "
				       "DROP "
				       "TRIGGER txn_is_never_deleted; DROP TRIGGER "
				       "journal_is_never_deleted",
			     &e),
		      &e);
		check(db_run(store_db(store), tampered[i].sql, &e), &e);
		verify(fault);
		if (!strstr(fault, tampered[i].says))
			fail_msg("case %zu: '%s'", i, fault);
		check(db_run(store_db(store), "ROLLBACK TO x; RELEASE x", &e), &e);
	}
	verify(fault);
	assert_string_equal(fault, "");
}

static int any_content(void *user, const char *kind, int64_t ref, struct buf *out, bool *there,
		       struct err *e)
{
	if (strcmp(kind, "txn") == 0)
		return ledger_txn_text(user, ref, out, there, e);
	return invoice_text(user, ref, strcmp(kind, "void") == 0, out, there, e);
}

static void everything_fits(void)
{
	struct err e = { 0 };
	int64_t links;
	char fault[200];
	check(ledger_verify(ledger, fault, &e), &e);
	assert_string_equal(fault, "");
	check(invoice_verify(store, fault, &e), &e);
	assert_string_equal(fault, "");
	check(journal_verify(store, any_content, store, &links, fault, &e), &e);
	assert_string_equal(fault, "");
}

/* One month's invoice: drafted and made final in one transaction. */
static int invoice_month(struct book *book, int month, struct err *e)
{
	struct drawer *d;
	struct invoicer *v;
	const struct account *a;
	struct draft made;
	const struct period of = { { civil_to_day((struct civil){ 2024, month, 1 }) * US_PER_DAY },
				   { civil_to_day((struct civil){ 2024, month + 1, 1 }) *
				     US_PER_DAY } };
	const struct instant now = { of.to.us + US_PER_DAY };
	struct drawn out;
	check(drawer_open(&d, ledger, book, e), e);
	check(invoicer_open(&v, ledger, d, e), e);
	int rc = store_begin(store, now, e);
	bool begun = rc == 0;
	if (rc == 0)
		rc = ledger_begin(ledger, e);
	if (rc == 0)
		rc = ledger_account(ledger, TEXT("disk"), &a, e);
	if (rc == 0)
		rc = ledger_draw(ledger, a->id, (struct nano_credits){ 7000000000 },
				 &(struct draw){ .at = of.from,
						 .now = now,
						 .policy = SHORT_PARTIAL,
						 .note = TEXT("") },
				 &out, e);
	if (rc == 0)
		rc = invoice_draft(v, a, of, now, &made, e);
	if (rc == 0)
		rc = invoice_finalize(v, made.id, now, e);
	if (rc == 0)
		rc = ledger_end(ledger, e);
	if (rc == 0)
		rc = store_commit(store, e);
	else if (begun)
		store_rollback(store);
	if (rc != 0)
		ledger_forget(ledger);
	invoicer_close(v);
	drawer_close(d);
	return rc;
}

/* Every write and sync in turn fails: an invoice is final with all that belongs to it, or is not.
 */
static void test_a_failing_disk_leaves_no_half_invoice(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct book *book;
	int failures = 0, month = 1;
	check(book_open(&book, &e), &e);
	new_account("disk", OVERAGE_LIMIT);
	check(ledger_end(ledger, &e), &e);
	check(store_commit(store, &e), &e);
	for (int at = 1; month < 9; at++) {
		int64_t before = one_number("SELECT count(*) FROM invoice WHERE status='final'");
		failing_vfs_fail_at(at);
		int rc = invoice_month(book, month, &e);
		bool done = failing_vfs_calls() < at;
		failing_vfs_fail_at(0);
		int64_t after = one_number("SELECT count(*) FROM invoice WHERE status='final'");
		assert_int_equal(after, before + (rc == 0));
		failures += rc != 0;
		everything_fits();
		/* it went through: the next month, from the first write on */
		if (rc == 0) {
			month++;
			at = done ? 0 : at;
		}
		if (done && month > 3)
			break;
	}
	assert_true(failures > 3);
	assert_int_equal(
		one_number("SELECT count(DISTINCT number) FROM invoice WHERE number IS NOT NULL"),
		one_number("SELECT last FROM invoice_series WHERE series='2024'"));
	print_message("# %d failing writes and syncs\n", failures);
	book_close(book);
	check(store_begin(store, start, &e), &e);
}

/* --- many operations at once --- */

struct left_of {
	struct buf text;
};

static int add_left(void *user, const struct grant *g)
{
	buf_printf(&((struct left_of *)user)->text, "%.*s %lld %lld\n", (int)g->name.n, g->name.p,
		   (long long)g->left.nano, (long long)g->lapsed.nano);
	return 0;
}

static void put_operation(struct buf *b, const char *customer, int i, int span_s, uint64_t *seed)
{
	const uint64_t dice = i < 2 ? 0 : unit_random(seed) % 100;
	const int64_t at =
		start.us + (int64_t)(unit_random(seed) % (uint64_t)span_s) * US_PER_SECOND;
	char from[INSTANT_TEXT_MAX], to[INSTANT_TEXT_MAX];
	instant_format((struct instant){ at }, from);
	instant_format(
		(struct instant){ at + (int64_t)(unit_random(seed) % (uint64_t)(span_s * 2) + 1) *
					       US_PER_SECOND },
		to);
	buf_printf(b, "{\"customer\":\"%s\",\"id\":\"%d\",%s", customer,
		   dice >= 94 ? (int)(unit_random(seed) % (uint64_t)i) : i,
		   dice < 94 && unit_random(seed) % 9 == 0 ? "\"linked\":true," : "");
	if (dice < 28)
		buf_printf(
			b,
			"\"op\":\"grant\",\"amount\":\"%d\",\"priority\":%d,\"effective\":\"%s\"%s%s%s",
			(int)(unit_random(seed) % 60 + 5), (int)(unit_random(seed) % 3), from,
			dice % 2 ? ",\"expires\":\"" : "", dice % 2 ? to : "",
			dice % 2 ? "\"" : "");
	else if (dice < 94)
		buf_printf(b, "\"op\":\"%s\",\"amount\":\"%d\",\"at\":\"%s\"",
			   dice < 82 ? "draw" : "refund", (int)(unit_random(seed) % 25 + 1), from);
	else
		buf_puts(b, "\"op\":\"void\"");
	buf_puts(b, "}\n");
}

/* Runs so many lines; with `settled`, whatever came late is redone after each chain, and what has
 * ended is booked as expired. Adds which were done, and what is left of each grant. */
static void run_operations(const char *customer, const struct buf *lines, bool settled,
			   struct left_of *out)
{
	const struct instant now = { start.us + 5 * US_PER_DAY };
	struct err e = { 0 };
	const struct account *a;
	check(ledger_account(ledger, text_of(customer), &a, &e), &e);
	const int64_t account = a->id;
	for (const char *p = lines->p, *end = p + lines->n, *to; p < end; p = to) {
		struct batch_result *r;
		size_t n;
		to = settled ? p : end;
		for (bool linked = settled; linked && to < end;) {
			const char *nl = (const char *)memchr(to, '\n', (size_t)(end - to)) + 1;
			linked = memmem(to, (size_t)(nl - to), "linked", 6) != NULL;
			to = nl;
		}
		check(batch_run(ledger, (struct text){ p, (size_t)(to - p) }, now, &r, &n, &e), &e);
		for (size_t i = 0; i < n; i++)
			buf_puts(&out->text, r[i].done ? "+" : "-");
		free(r);
		check(ledger_redo_all(ledger, NULL, &e), &e);
		if (settled)
			check(ledger_expire(ledger, account, now, &e), &e);
	}
	check(ledger_each_grant(ledger, account, now, add_left, out, &e), &e);
}

/* An account, of whose overage an invoice has asked for some, where it is billed: nothing is
 * certain of it any more. */
static void make_account(const char *name, enum overage_policy overage, bool billed)
{
	static const int64_t credit = 1000000000;
	struct err e = { 0 };
	struct drawn out;
	const int64_t id = new_account(name, overage);
	const struct instant later = { start.us + US_PER_HOUR };
	if (!billed || overage == OVERAGE_DEBT) /* what is carried is never asked for */
		return;
	check(ledger_draw(ledger, id, (struct nano_credits){ 30 * credit },
			  &(struct draw){ .at = start,
					  .now = start,
					  .policy = SHORT_PARTIAL,
					  .note = TEXT(""),
					  .usage_from = 1,
					  .usage_to = 1,
					  .part_from = start,
					  .part_to = later },
			  &out, &e),
	      &e);
	check(ledger_bill_overage(ledger, id, (struct nano_credits){ 20 * credit }, TEXT(""), later,
				  &e),
	      &e);
}

/* What the account owes is given to it, and its policy becomes another one. Adds whether it may. */
static void change_between(const char *name, int nth, enum overage_policy to, struct left_of *out)
{
	const struct instant now = { start.us + 5 * US_PER_DAY };
	struct err e = { 0 }, why = { 0 };
	const struct account *a;
	char grant[20];
	int64_t id;
	snprintf(grant, sizeof grant, "repays %d", nth);
	check(ledger_account(ledger, text_of(name), &a, &e), &e);
	if (a->owed.nano > 0)
		check(ledger_grant(ledger,
				   &(struct grant){ .account = a->id,
						    .name = text_of(grant),
						    .amount = a->owed,
						    .effective = now,
						    .expires = INSTANT_MAX,
						    .currency = TEXT(""),
						    .note = TEXT("") },
				   now, &id, &e),
		      &e);
	check(ledger_account(ledger, text_of(name), &a, &e), &e);
	struct account changed = *a;
	changed.overage = to;
	const int rc = ledger_set_account(ledger, &changed, now, &why);
	buf_printf(&out->text, "%s\n", rc == 0 ? "changed" : "refused");
}

/* Both ways of one history, each on an account of its own. */
static void run_both(uint64_t seed, int round, bool billed, bool changes)
{
	static const int spans[] = { 20, 7200, 4 * 86400 };
	struct buf lines[2] = { 0 };
	struct left_of left[2] = { 0 };
	char name[2][60];
	for (int k = 0; k < 2; k++) {
		uint64_t same = seed + (uint64_t)round;
		snprintf(name[k], sizeof name[k], "%s %llu %d %d %d", k ? "settled" : "at once",
			 (unsigned long long)seed, round, billed, changes);
		make_account(name[k], (enum overage_policy)(round % 3), billed);
		for (int i = 0; i < 40; i++) {
			put_operation(&lines[k], name[k], i, spans[round / 3 % 3], &same);
			if (i % 10 != 9 || !changes)
				continue;
			run_operations(name[k], &lines[k], k, &left[k]);
			lines[k].n = 0;
			change_between(name[k], i, (enum overage_policy)(unit_random(&same) % 3),
				       &left[k]);
		}
		run_operations(name[k], &lines[k], k, &left[k]);
	}
	buf_add(&left[0].text, "", 1);
	buf_add(&left[1].text, "", 1);
	if (strcmp(left[0].text.p, left[1].text.p) != 0)
		fail_msg("round %d of seed %llu%s%s:\n%s\n%s\n%.*s", round,
			 (unsigned long long)seed, billed ? ", billed" : "",
			 changes ? ", changed" : "", left[0].text.p, left[1].text.p,
			 (int)lines[0].n, lines[0].p);
	for (int k = 0; k < 2; k++) {
		buf_release(&lines[k]);
		buf_release(&left[k].text);
	}
}

/*
 * Draws that surely find their credits wait for what came late to be redone; a step that is undone
 * undoes no redoing of what came before it; whether an expiry is booked changes nothing. Where an
 * invoice has asked for overage, draws wait by what is foreseen with that.
 */
static void test_operations_at_once_end_as_those_that_are_settled_one_by_one(void **state)
{
	/* an expiry that was booked or not; a refund beyond what was drawn by then, under debt */
	static const struct {
		uint64_t seed;
		int round;
	} known[] = { { 11, 60 }, { 12, 81 }, { 13, 58 }, { 21, 72 }, { 1, 47 }, { 35, 71 } };
	(void)state;
	struct err e = { 0 };
	const uint64_t seed = unit_seed();
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		run_both(known[i].seed, known[i].round, false, false);
	const int rounds = test_on_server() ? 60 : 240;
	for (int round = 0; round < rounds; round++)
		run_both(seed, round / 4, round % 2, round / 2 % 2);
	check(ledger_end(ledger, &e), &e);
	everything_fits();
}

int main(void)
{
	failing_vfs_install();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_against_a_naive_model),
		cmocka_unit_test(test_grouping_of_draws_changes_nothing),
		cmocka_unit_test(test_the_database_refuses_what_does_not_balance),
		cmocka_unit_test(test_operations_at_once_end_as_those_that_are_settled_one_by_one),
		cmocka_unit_test(test_the_journal_notices),
	};
	const struct CMUnitTest of_files[] = {
		cmocka_unit_test(test_a_failing_disk_leaves_no_half_invoice),
	};
	int failed = cmocka_run_group_tests_name("ledger", tests, open_all, close_all);
	if (!test_on_server())
		failed += cmocka_run_group_tests_name("ledger in a file", of_files, open_all,
						      close_all);
	return failed;
}
