/*
 * A bill is a difference: random histories of usage, late usage, voids of usage, grants, invoices
 * in any order, voids, reissues and payments, with coupons, pauses and exchanged currencies. In the
 * end the standing documents of a customer sum to what its periods come to as a whole; and where
 * nothing but usage is charged, to the usage less the credits that its grants gave. TALLY_HISTORIES
 * says how many (100 without it).
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/billing/payment.h"
#include "meter/ingest/correct.h"
#include "meter/ingest/ingest.h"
#include "tests/support/test_database.h"

static struct store *store;
static struct ledger *ledger;
static struct ingest *in;
static struct book *book;
static struct exchange_rates *rates; /* of every other day, all different */
static char path[64];

/* 2026-05-01 and, after all periods, 2026-11-01 */
static const struct instant start = { INT64_C(1777593600000000) },
			    now = { INT64_C(1793491200000000) };

enum { MONTHS = 4, RECORDS = 40 };

/* One credit is one million tokens of any model. */
static const char plan[] =
	"{\"schema\":\"tally.plans/1\",\"plans\":[{\"plan\":\"flat\",\"rule\":\"token-priced\","
	"\"credits_per_unit\":\"1\",\"categories\":{\"input\":[\"input\"]},\"tables\":[{\"table\":\"t\"}],\"rounding\":{\"scope\":"
	"\"none\"}}],\"tables\":{\"t\":{\"values\":{\"deepseek-v4-pro\":{\"input\":\"1\","
	"\"output\":\"1\",\"cache_read\":\"1\"}}}}}";

static const char *const terms[] = {
	"{\"places\":9}",
	"{\"items\":[{\"description\":\"Seat\",\"amount\":\"3.33\"}],\"discount_percent\":\"12.5\","
	"\"taxes\":[{\"name\":\"VAT\",\"percent\":\"19\"}]}",
	"{\"minimum\":\"5\",\"maximum\":\"9\",\"discount_percent\":\"7\"}",
	"{\"metered\":[{\"description\":\"Tokens\",\"of\":\"input\",\"pricing\":{\"volume\":[{"
	"\"up_to\":\"4000000\",\"unit\":\"0.000001\"},{\"unit\":\"0.0000007\"}]}},{\"description\":"
	"\"Calls\",\"of\":\"requests\",\"pricing\":{\"graduated\":[{\"up_to\":\"2\",\"unit\":\"0\"}"
	",{\"unit\":\"0.015\"}]}}],\"places\":2}",
	"{\"currency\":\"USD\",\"markup\":[{\"percent\":\"10\"}],\"taxes\":[{\"name\":\"A\","
	"\"percent\":\"7.7\"},{\"name\":\"B\",\"percent\":\"2\"}],\"rounding\":\"half-even\"}",
	"{\"rounding_of\":\"document\",\"items\":[{\"description\":\"Seat\",\"amount\":\"3.335\","
	"\"pauses\":[{\"from\":\"2026-06-03\",\"to\":\"2026-06-20\"}]}],\"coupons\":[{\"description\":"
	"\"HALF\",\"percent\":\"50\",\"from\":\"2026-06-05\",\"periods\":2},{\"description\":\"TEN\","
	"\"amount\":\"1.5\"}],\"taxes\":[{\"name\":\"VAT\",\"percent\":\"19\"}]}",
	"{\"currency\":\"EUR\",\"taxes\":[{\"name\":\"VAT\",\"percent\":\"19\"}],\"coupons\":[{"
	"\"description\":\"FIRST\",\"amount\":\"0.7\",\"from\":\"2026-05-20\",\"periods\":1}]}",
	"{\"currency\":\"JPY\",\"credit_price\":\"3.3\",\"rounding_of\":\"document\"}",
};

static void check(int rc, const struct err *e)
{
	if (rc != 0)
		fail_msg("%s", e->message);
}

static int open_all(void **state)
{
	(void)state;
	struct err e = { 0 };
	snprintf(path, sizeof path, "/tmp/tally-bills-%d.db", (int)getpid());
	test_database_forget(path);
	check(book_open(&book, &e), &e);
	check(store_open(&store, test_database(path), DB_CREATE, &e), &e);
	check(ledger_open(&ledger, store, &e), &e);
	char file[80];
	snprintf(file, sizeof file, "/tmp/tally-rates-%d.csv", (int)getpid());
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs("Date,USD,JPY\n", f);
	for (int day = 0; day < 250; day += 2) {
		struct civil c = civil_from_day(start.us / US_PER_DAY - 10 + day);
		fprintf(f, "%04d-%02d-%02d,1.%03d,%d.7\n", c.year, c.month, c.day, day + 1,
			150 + day);
	}
	fclose(f);
	check(exchange_read(&rates, file, &e), &e);
	unlink(file);
	const struct ingest_options o = { .book = book,
					  .currency = "USD",
					  .ahead_us_most = US_PER_DAY,
					  .behind_us_most = 3660 * US_PER_DAY };
	check(ingest_open(&in, store, &o, "test", NULL, NULL, &e), &e);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	ingest_close(in);
	exchange_close(rates);
	ledger_close(ledger);
	store_close(store);
	book_close(book);
	test_database_forget(path);
	return 0;
}

struct history {
	uint64_t seed;
	char customer[24];
	const struct account *account;
	struct drawer *drawer;
	struct invoicer *invoicer;
	int64_t record[RECORDS]; /* input tokens; 0: void */
	int records;
	int64_t granted; /* nano */
	struct money_total paid;
	bool past_grants;
	size_t terms;
};

static uint64_t pick(struct history *h, uint64_t n)
{
	return unit_random(&h->seed) % n;
}

static struct instant month(int m)
{
	return (struct instant){ civil_to_day((struct civil){ 2026, 5 + m, 1 }) * US_PER_DAY };
}

static void sweep(struct history *h, struct err *e)
{
	struct draw_counts n;
	check(drawer_sweep(h->drawer, now, &n, e), e);
}

static void use(struct history *h, struct err *e)
{
	struct metered m = { .shape = "test", .rule = "as-given", .line = 1 };
	char id[60];
	if (h->records == RECORDS)
		return;
	record_clear(&m.record);
	snprintf(id, sizeof id, "%s-%d", h->customer, h->records);
	m.record.text[FIELD_ID] = text_of(id);
	m.record.text[FIELD_CUSTOMER] = text_of(h->customer);
	m.record.text[FIELD_MODEL] = TEXT("deepseek-v4-pro");
	m.record.text[FIELD_PROVIDER] = TEXT("deepseek");
	m.record.time_us = month((int)pick(h, MONTHS)).us + (int64_t)pick(h, 28) * US_PER_DAY +
			   (int64_t)pick(h, 86400) * US_PER_SECOND;
	m.record.requests = 1;
	m.record.tokens[BUCKET_INPUT] = 1 + (int64_t)pick(h, 3000000);
	h->record[h->records++] = m.record.tokens[BUCKET_INPUT];
	check(ingest_take(in, &m, now, e), e);
	sweep(h, e);
}

static void take_back(struct history *h, struct err *e)
{
	char id[60];
	int which = h->records ? (int)pick(h, (uint64_t)h->records) : 0;
	if (h->records == 0 || h->record[which] == 0)
		return;
	snprintf(id, sizeof id, "%s-%d", h->customer, which);
	h->record[which] = 0;
	check(correct_void(store, id, "test", e), e);
	sweep(h, e);
}

static void give(struct history *h, struct err *e)
{
	char name[40];
	int64_t id;
	snprintf(name, sizeof name, "g%llu", (unsigned long long)unit_random(&h->seed));
	const int64_t nano = 1 + (int64_t)pick(h, 4000000000);
	check(ledger_grant(ledger,
			   &(struct grant){ .account = h->account->id,
					    .name = text_of(name),
					    .amount = { nano },
					    .effective = start,
					    .expires = INSTANT_MAX,
					    .currency = TEXT("USD"),
					    .note = TEXT("") },
			   now, &id, e),
	      e);
	h->granted += nano;
}

/* Of a month that is invoiced already, nothing. */
static void invoice(struct history *h, int m, struct err *e)
{
	int64_t id, unpriced;
	struct err why = { 0 };
	int rc = invoice_draft(h->invoicer, ledger, h->account, month(m), month(m + 1), now, &id,
			       &unpriced, &why);
	if (rc != 0 && why.code == ERR_CONFLICT)
		return;
	check(rc, &why);
	check(invoice_finalize(h->invoicer, ledger, id, now, e), e);
}

struct documents {
	int64_t id[64];
	size_t count;
	struct money_total sum;
	struct err *e;
};

static int add_document(void *user, const struct stored_invoice *i)
{
	struct documents *d = user;
	struct decimal x;
	struct money_total total;
	if (!text_is(i->status, "final"))
		return 0;
	check(decimal_parse(&x, i->total, d->e), d->e);
	check(amount_from_decimal(&total, x, d->e), d->e);
	d->sum.atto += total.atto;
	assert_true(d->count < 64);
	d->id[d->count++] = i->id;
	return 0;
}

static struct documents documents_of(const struct history *h, struct err *e)
{
	struct documents d = { .e = e };
	check(invoice_each(store, h->customer, add_document, &d, e), e);
	return d;
}

static void take_back_invoice(struct history *h, struct err *e)
{
	struct documents d = documents_of(h, e);
	if (d.count)
		check(invoice_void(ledger, d.id[pick(h, d.count)], "test", now, e), e);
}

/* Money moves: paid, too much at times, paid back, or moved between documents. */
static void pay(struct history *h, struct err *e)
{
	struct documents d = documents_of(h, e);
	struct err why = { 0 };
	bool again;
	if (d.count < 2)
		return;
	const int64_t from = d.id[pick(h, d.count)];
	struct payment p = { .invoice = d.id[pick(h, d.count)],
			     .amount = { (int128)(pick(h, 9) + 1) * 1000000000000000000 },
			     .at = now };
	const uint64_t how = pick(h, 4);
	if (how == 0)
		p.amount.atto = -p.amount.atto;
	int rc = how == 1 ? payment_move(ledger, from, &p, now, &why)
			  : payment_add(ledger, &p, now, &again, &why);
	if (rc != 0 && why.code != ERR_LIMIT && why.code != ERR_CONFLICT)
		fail_msg("%s", why.message);
	if (rc == 0 && how != 1)
		h->paid.atto += p.amount.atto;
}

struct dues {
	struct money_total asked, due, paid;
	struct err *e;
};

static int add_due(void *user, const struct stored_invoice *i)
{
	struct dues *d = user;
	struct settlement x;
	struct decimal total;
	struct money_total m;
	check(settlement_read(store, i, INSTANT_MAX, &x, d->e), d->e);
	if (text_is(i->status, "final")) {
		check(decimal_parse(&total, i->total, d->e), d->e);
		check(amount_from_decimal(&m, total, d->e), d->e);
		d->asked.atto += m.atto;
	}
	d->due.atto += x.due.atto;
	d->paid.atto += x.paid.atto;
	return 0;
}

static void one_step(struct history *h, struct err *e)
{
	switch (pick(h, 9)) {
	case 8:
		pay(h, e);
		break;
	case 0:
	case 1:
	case 2:
		use(h, e);
		break;
	case 3:
		take_back(h, e);
		break;
	case 4:
		give(h, e);
		break;
	case 5:
		take_back_invoice(h, e);
		break;
	default:
		invoice(h, (int)pick(h, MONTHS), e);
	}
}

static void compare(const char *what, uint64_t seed, struct money_total a, struct money_total b)
{
	char text[2][DECIMAL_TEXT_MAX];
	if (a.atto != b.atto)
		fail_msg("history %llu: standing documents sum to %s, %s is %s",
			 (unsigned long long)seed, money_total_format(a, text[0]), what,
			 money_total_format(b, text[1]));
}

/* Everything is invoiced in the end, and the month after adjusts it. */
static void settle(struct history *h, uint64_t seed, struct err *e)
{
	struct money_total wholes = { 0 };
	for (int m = 0; m < MONTHS; m++)
		invoice(h, m, e);
	invoice(h, MONTHS, e);
	for (int m = 0; m <= MONTHS; m++) {
		struct invoice w;
		check(invoice_compute(h->invoicer, &w, h->account, month(m), month(m + 1), NULL, e),
		      e);
		wholes.atto += w.total.atto;
		assert_true(w.total.atto >= 0);
		invoice_release(&w);
	}
	struct documents d = documents_of(h, e);
	compare("the whole of its periods", seed, d.sum, wholes);
	/* what is due is what is asked for less what was paid, whichever documents it was paid for
	 */
	struct dues dues = { .e = e };
	check(invoice_each(store, h->customer, add_due, &dues, e), e);
	compare("what its payments are of", seed, dues.paid, h->paid);
	compare("what is due and paid", seed, dues.asked,
		(struct money_total){ dues.due.atto + dues.paid.atto });
	if (h->terms == 0) {
		struct balance b;
		struct money_total owed = { 0 };
		for (int i = 0; i < h->records; i++)
			owed.atto += (int128)h->record[i] * 1000000000000;
		check(ledger_balance(ledger, h->account, now, &b, e), e);
		/* under debt it is carried to the balance */
		int64_t paid =
			h->account->overage == OVERAGE_DEBT ? 0 : h->granted - b.available.nano;
		owed.atto -= (int128)paid * 1000000000;
		if (h->account->overage == OVERAGE_DEBT)
			owed.atto = 0;
		compare("its usage less its credits", seed, d.sum, owed);
	}
}

static void one_history(uint64_t seed)
{
	struct err e = { 0 };
	struct history h = { .seed = seed * 0x9E3779B97F4A7C15u + 1 };
	snprintf(h.customer, sizeof h.customer, "c%llu", (unsigned long long)seed);
	check(store_begin(store, now, &e), &e);
	check(ledger_begin(ledger, &e), &e);
	check(drawer_open(&h.drawer, ledger, book, &e), &e);
	check(invoicer_open(&h.invoicer, ledger, h.drawer, &e), &e);
	invoicer_exchange(h.invoicer, rates);
	h.terms = pick(&h, sizeof terms / sizeof *terms);
	check(ledger_set_account(
		      ledger,
		      &(struct account){ .customer = text_of(h.customer),
					 .plan = TEXT("flat"),
					 .plan_text = text_of(plan),
					 .zone = TEXT("UTC"),
					 .terms = text_of(terms[h.terms]),
					 .burn_order = TEXT("priority,expiry,class,cost-basis,"
							    "effective,created,id"),
					 .overage = pick(&h, 4) ? OVERAGE_LIMIT : OVERAGE_DEBT,
					 .anchor_day = 1,
					 .since = start,
					 .opened = start },
		      &e),
	      &e);
	check(ledger_account(ledger, text_of(h.customer), &h.account, &e), &e);
	const int steps = 5 + (int)pick(&h, 25);
	for (int i = 0; i < steps; i++)
		one_step(&h, &e);
	settle(&h, seed, &e);
	invoicer_close(h.invoicer);
	drawer_close(h.drawer);
	check(ledger_end(ledger, &e), &e);
	check(store_commit(store, &e), &e);
}

static void test_any_order_ends_at_the_same_sum(void **state)
{
	(void)state;
	char fault[200];
	struct err e = { 0 };
	const char *many = getenv("TALLY_HISTORIES");
	const long histories = many ? strtol(many, NULL, 10) : 100;
	for (long i = 1; i <= histories; i++)
		one_history((uint64_t)i);
	check(ledger_verify(ledger, fault, &e), &e);
	assert_string_equal(fault, "");
	check(invoice_verify(store, fault, &e), &e);
	assert_string_equal(fault, "");
	check(payments_verify(store, fault, &e), &e);
	assert_string_equal(fault, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order_ends_at_the_same_sum),
	};
	return cmocka_run_group_tests_name("bills", tests, open_all, close_all);
}
