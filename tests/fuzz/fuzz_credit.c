/*
 * Any lines as operations of `tally credit post`: each has a result, none is half done, and
 * afterwards the ledger's balances are what its entries add up to. Each input meets the same
 * ledger, which keeps nothing of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "meter/ledger/batch.h"
#include "meter/store/store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct instant now = { INT64_C(1767225600000000) };
static struct store *store;
static struct ledger *ledger;
static char path[80];

static void need(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "fuzz_credit: %s\n", e->message);
	abort();
}

static void clean_up(void)
{
	char command[200];
	snprintf(command, sizeof command, "rm -rf %s %s-*", path, path);
	if (system(command) != 0)
		_exit(1);
}

static void begin(void)
{
	struct err e = { 0 };
	need(store_begin(store, now, &e), &e);
	need(ledger_begin(ledger, &e), &e);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char start[] =
		"{\"op\":\"grant\",\"customer\":\"a\",\"id\":\"g1\",\"amount\":\"100\"}\n"
		"{\"op\":\"grant\",\"customer\":\"a\",\"id\":\"g2\",\"amount\":\"50.5\","
		"\"class\":\"paid\",\"expires\":\"2026-03-01\"}\n"
		"{\"op\":\"draw\",\"customer\":\"a\",\"id\":\"d1\",\"amount\":\"120\"}\n"
		"{\"op\":\"refund\",\"customer\":\"a\",\"id\":\"r1\",\"amount\":\"1\"}\n";
	static const enum overage_policy policies[] = { OVERAGE_REFUSE, OVERAGE_DEBT,
							OVERAGE_LIMIT };
	static const char *const names[] = { "a", "b", "c" };
	struct err e = { 0 };
	struct batch_result *r;
	size_t n;
	(void)argc, (void)argv;
	snprintf(path, sizeof path, "%s/tally-fuzz-credit-%d.db",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	atexit(clean_up);
	need(store_open(&store, path, DB_CREATE, &e), &e);
	need(ledger_open(&ledger, store, &e), &e);
	begin();
	for (int i = 0; i < 3; i++)
		need(ledger_set_account(
			     ledger,
			     &(struct account){ .customer = text_of(names[i]),
						.plan = TEXT("vm0"),
						.plan_text = TEXT(""),
						.zone = TEXT("UTC"),
						.terms = TEXT("{}"),
						.burn_order =
							TEXT("priority,expiry,class,cost-basis,"
							     "effective,created,id"),
						.overage = policies[i],
						.anchor_day = 1,
						.since = now,
						.opened = now },
			     now, &e),
		     &e);
	need(batch_run(ledger, text_of(start), now, &r, &n, &e), &e);
	free(r);
	need(ledger_end(ledger, &e), &e);
	need(store_commit(store, &e), &e);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct batch_result *r = NULL;
	char fault[200] = "";
	size_t n = 0, done = 0;
	if (size > 8192)
		return 0;
	char *copy = mem_alloc(size + 1);
	memcpy(copy, data, size);
	copy[size] = 0;
	begin();
	/* what is wrong with an operation is its result, never the store's trouble */
	need(batch_run(ledger, (struct text){ copy, size }, now, &r, &n, &e), &e);
	for (size_t i = 0; i < n; i++) {
		if (r[i].done == (r[i].undone || r[i].why.code != ERR_NONE))
			abort();
		done += r[i].done;
	}
	need(ledger_end(ledger, &e), &e);
	if (done) {
		const int rc = ledger_verify(ledger, fault, &e);
		need(rc, &e);
		if (*fault) {
			fprintf(stderr, "fuzz_credit: %s\n", fault);
			abort();
		}
	}
	free(r);
	store_rollback(store);
	ledger_forget(ledger);
	free(copy);
	return 0;
}
