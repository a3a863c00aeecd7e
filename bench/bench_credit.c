/*
 * bench_credit hold DB N BATCH: N postings of credits, each with its hold, BATCH to a durable
 * commit; prints postings a second. bench_credit plain DB N BATCH: the same as a developer would
 * write it: a balance column, a row for the hold and one for the posting. bench_credit invoice DB
 * CUSTOMER FROM TO: computes one customer's invoice of a period from an open database; prints
 * microseconds (the best of 20). bench_credit balance DB CUSTOMER: microseconds of one balance.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/billing/invoice.h"
#include "meter/hold.h"

static void check(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_credit: %s\n", e->message);
	exit(1);
}

static void hold(const char *path, int64_t n, int64_t batch)
{
	enum { CUSTOMERS = 1000 };
	struct store *s;
	struct ledger *l;
	struct err e = { 0 };
	struct instant now = clock_now();
	check(store_open(&s, path, DB_CREATE, &e), &e);
	check(ledger_open(&l, s, &e), &e);
	struct spending *sp = spending_open(s);
	check(store_begin(s, now, &e), &e);
	check(ledger_begin(l, &e), &e);
	for (int c = 0; c < CUSTOMERS; c++) {
		char name[20];
		const struct account *a;
		snprintf(name, sizeof name, "c%d", c);
		check(ledger_set_account(l,
					 &(struct account){ .customer = text_of(name),
							    .plan = TEXT("vm0"),
							    .plan_text = TEXT(""),
							    .zone = TEXT("UTC"),
							    .terms = TEXT("{}"),
							    .burn_order = TEXT("priority,expiry"),
							    .anchor_day = 1,
							    .since = now,
							    .opened = now },
					 now, &e),
		      &e);
		check(ledger_account(l, text_of(name), &a, &e), &e);
		for (int g = 0; g < 3; g++) {
			char grant[20];
			int64_t id;
			snprintf(grant, sizeof grant, "g%d", g);
			check(ledger_grant(l,
					   &(struct grant){ .account = a->id,
							    .name = text_of(grant),
							    .amount = { INT64_C(1000000000000) },
							    .effective = now,
							    .expires = INSTANT_MAX,
							    .currency = TEXT(""),
							    .note = TEXT("") },
					   now, &id, &e),
			      &e);
		}
	}
	check(ledger_end(l, &e), &e);
	check(store_commit(s, &e), &e);
	int64_t began_us = clock_monotonic_us();
	for (int64_t i = 0; i < n;) {
		check(store_begin(s, now, &e), &e);
		check(ledger_begin(l, &e), &e);
		for (int64_t k = 0; k < batch && i < n; k++, i++) {
			char name[20], id[24];
			struct standing after;
			struct drawn out;
			snprintf(name, sizeof name, "c%d", (int)(i * 7919 % CUSTOMERS));
			snprintf(id, sizeof id, "h%lld", (long long)i);
			const struct hold h = { .id = text_of(id),
						.customer = text_of(name),
						.currency = TEXT("USD"),
						.request = TEXT("{}"),
						.credits = { 5000000 },
						.expires = { now.us + US_PER_HOUR } };
			check(hold_open(sp, l, &h, now, &after, &e), &e);
			check(hold_settle_credits(sp, l,
						  &(struct hold_settlement){
							  text_of(id),
							  (struct nano_credits){ 3000000 }, false },
						  now, &out, &e),
			      &e);
		}
		check(ledger_end(l, &e), &e);
		check(store_commit(s, &e), &e);
	}
	printf("%lld\n", (long long)(n * US_PER_SECOND / (clock_monotonic_us() - began_us)));
	spending_close(sp);
	ledger_close(l);
	store_close(s);
}

static void plain(const char *path, int64_t n, int64_t batch)
{
	sqlite3 *db;
	sqlite3_stmt *q[5];
	static const char *const sql[5] = {
		"SELECT balance-held FROM account WHERE customer=?1",
		"INSERT INTO hold VALUES(?2,?1,5000000,'open')",
		"UPDATE account SET held=held+5000000 WHERE customer=?1",
		"UPDATE account SET held=held-5000000,balance=balance-3000000 WHERE customer=?1",
		"INSERT INTO posting(customer,hold,amount) VALUES(?1,?2,3000000)",
	};
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	sqlite3_exec(
		db,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE account(customer "
		"TEXT PRIMARY KEY, balance INTEGER, held INTEGER); CREATE TABLE hold(id TEXT "
		"PRIMARY KEY, customer TEXT, amount INTEGER, state TEXT); CREATE TABLE posting(id "
		"INTEGER PRIMARY KEY, customer TEXT, hold TEXT, amount INTEGER); WITH RECURSIVE "
		"c(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM c WHERE i<999) INSERT INTO account "
		"SELECT 'c'||i, 3000000000000, 0 FROM c",
		NULL, NULL, NULL);
	for (int k = 0; k < 5; k++)
		if (sqlite3_prepare_v2(db, sql[k], -1, &q[k], NULL) != SQLITE_OK)
			exit(1);
	int64_t began_us = clock_monotonic_us();
	for (int64_t i = 0; i < n;) {
		sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		for (int64_t k = 0; k < batch && i < n; k++, i++) {
			char name[20], id[24];
			snprintf(name, sizeof name, "c%d", (int)(i * 7919 % 1000));
			snprintf(id, sizeof id, "h%lld", (long long)i);
			for (int x = 0; x < 5; x++) {
				sqlite3_bind_text(q[x], 1, name, -1, SQLITE_STATIC);
				if (sqlite3_bind_parameter_count(q[x]) > 1)
					sqlite3_bind_text(q[x], 2, id, -1, SQLITE_STATIC);
				sqlite3_step(q[x]);
				sqlite3_reset(q[x]);
			}
		}
		sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	printf("%lld\n", (long long)(n * US_PER_SECOND / (clock_monotonic_us() - began_us)));
	for (int k = 0; k < 5; k++)
		sqlite3_finalize(q[k]);
	sqlite3_close(db);
}

static void read_one(const char *what, const char *path, const char *customer, const char *from,
		     const char *to)
{
	struct store *s;
	struct ledger *l;
	struct book *book;
	struct drawer *d;
	struct invoicer *v;
	struct err e = { 0 };
	struct instant since = { 0 }, until = { 0 };
	const struct account *a;
	int64_t best = INT64_MAX;
	check(book_open(&book, &e), &e);
	check(store_open(&s, path, DB_READ, &e), &e);
	check(ledger_open(&l, s, &e), &e);
	check(drawer_open(&d, l, book, &e), &e);
	check(invoicer_open(&v, l, d, &e), &e);
	check(ledger_account(l, text_of(customer), &a, &e), &e);
	if (from && (instant_parse(&since, text_of(from), &e) != 0 ||
		     instant_parse(&until, text_of(to), &e) != 0))
		check(-1, &e);
	for (int i = 0; i < 20; i++) {
		int64_t began_us = clock_monotonic_us(), spent_us;
		if (strcmp(what, "invoice") == 0) {
			struct invoice x;
			check(invoice_compute(v, &x, a,
					      &(struct invoice_basis){ .period = { since, until } },
					      &e),
			      &e);
			invoice_release(&x);
		} else {
			struct balance b;
			check(ledger_balance(l, a, clock_now(), &b, &e), &e);
		}
		spent_us = clock_monotonic_us() - began_us;
		best = spent_us < best ? spent_us : best;
	}
	printf("%lld\n", (long long)best);
	invoicer_close(v);
	drawer_close(d);
	ledger_close(l);
	store_close(s);
	book_close(book);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "hold") == 0)
		hold(argv[2], atoll(argv[3]), atoll(argv[4]));
	else if (argc == 5 && strcmp(argv[1], "plain") == 0)
		plain(argv[2], atoll(argv[3]), atoll(argv[4]));
	else if (argc == 6 && strcmp(argv[1], "invoice") == 0)
		read_one("invoice", argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 4 && strcmp(argv[1], "balance") == 0)
		read_one("balance", argv[2], argv[3], NULL, NULL);
	else
		return fprintf(stderr,
			       "bench_credit hold|plain DB N BATCH, invoice DB CUSTOMER FROM "
			       "TO, balance DB CUSTOMER\n"),
		       2;
	return 0;
}
