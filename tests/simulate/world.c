#include "tests/simulate/world.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter/move.h"
#include "tests/simulate/wire.h"
#include "tests/support/failing_memory.h"
#include "tests/support/failing_vfs.h"
#include "tests/support/test_database.h"

const struct instant world_start = { INT64_C(1767225600000000) };

int wrong(struct world *w, const char *fmt, ...)
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

const char *customer_name(uint32_t n)
{
	static const char *const names[CUSTOMERS] = { "c0", "c1", "c2", "c3", "c4" };
	return names[n % CUSTOMERS];
}

static void close_session(struct session *s)
{
	for (int i = 0; i < MODEL_BOOKS; i++)
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
	if (rc == 0) {
		s->spending = spending_open(s->store);
		invoicer_exchange(s->invoicer, w->rates);
		/* some ask for what is known, some refuse while usage has no price */
		if (s != &w->session[SESSIONS - 1])
			invoicer_accept_uncovered(s->invoicer);
	}
	/* as a server does; a command adds the holds up */
	if (rc == 0 && s != &w->session[SESSIONS - 1])
		spending_keep_held(s->spending);
	for (int i = 0; rc == 0 && i < MODEL_BOOKS; i++)
		s->in[i] =
			ingest_open(s->store,
				    &(struct ingest_options){ .book = w->book[i],
							      .currency = model_currency(i),
							      .ahead_us_most = 3660 * US_PER_DAY,
							      .behind_us_most = 3660 * US_PER_DAY },
				    "simulation", NULL, NULL);
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

/* --- faults --- */

/* The operation in a process of its own; `armed`: which is killed at a write or message. */
static pid_t in_a_process(struct world *w, const struct operation *op, bool armed)
{
	fflush(NULL);
	pid_t child = fork();
	if (child != 0)
		return child;
	struct session s = { 0 };
	w->op = op;
	if (armed && test_on_server())
		wire_fail_at(op->fault_at, true);
	else if (armed)
		failing_vfs_kill_at(op->fault_at);
	int rc = open_session(w, &s);
	if (rc == 0)
		rc = operation_do(w, &s);
	if (rc < 0)
		fprintf(stderr, "simulate: in a process of its own: %s\n", w->e.message);
	_exit(rc < 0);
}

/* Whether it ended well; that it was killed is counted. */
static bool ended_well(struct world *w, pid_t child)
{
	int status;
	waitpid(child, &status, 0);
	const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	w->counts->kills += killed;
	return killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void arm(const struct operation *op)
{
	if (op->fault == FAULT_MEMORY && !test_on_server())
		failing_memory_fail_at(op->fault_at, op->once);
	else if (op->fault == FAULT_WRITE && !test_on_server() && op->once)
		failing_vfs_fail_once_at(op->fault_at);
	else if (op->fault == FAULT_WRITE && !test_on_server())
		failing_vfs_fail_at(op->fault_at);
	else if (op->fault == FAULT_WRITE || op->fault == FAULT_MEMORY)
		wire_fail_at(op->fault_at, false);
}
static void disarm(void)
{
	failing_memory_fail_at(0, false);
	failing_vfs_fail_at(0);
	wire_fail_at(0, false);
}

static void count_fault(struct world *w)
{
	if (test_on_server())
		w->counts->lost_connections++;
	else if (w->op->fault == FAULT_WRITE)
		w->counts->failed_writes++;
	else
		w->counts->no_memory++;
}

static int with_fault(struct world *w)
{
	struct session *s = session(w, w->op->session);
	arm(w->op);
	int rc = operation_do(w, s);
	const bool lost = wire_failed();
	disarm();
	if (lost || (rc < 0 && (w->op->fault == FAULT_WRITE || w->op->fault == FAULT_MEMORY))) {
		count_fault(w);
		if (lost)
			close_session(s);
		w->again = true;
		rc = operation_do(w, session(w, w->op->session));
	}
	return rc;
}

/* Batches that processes write at the same moment; they share records, and one may be killed. */
static int together(struct world *w)
{
	enum { PROCESSES = 3 };
	const struct operation *whole = w->op;
	struct operation part[PROCESSES];
	pid_t child[PROCESSES];
	bool well = true;
	close_all(w);
	for (int i = 0; i < PROCESSES; i++) {
		part[i] = *whole;
		part[i].number[0] += (uint32_t)i * 3;
		child[i] = in_a_process(w, &part[i], i == 1 && whole->fault != FAULT_NONE);
	}
	for (int i = 0; i < PROCESSES; i++)
		well &= ended_well(w, child[i]);
	if (!well)
		return wrong(w, "one of several processes failed");
	w->counts->together++;
	w->again = true;
	int rc = 0;
	for (int i = 0; rc >= 0 && i < PROCESSES; i++) {
		w->op = &part[i];
		if (i == 1)
			rc = operation_do(w, session(w, i));
		operation_model(w);
	}
	w->op = whole;
	return rc < 0 ? wrong(w, "%s", w->e.message) : 0;
}

/* Bytes of a part of the folder of ids change while nobody has it open; what was there before is
 * known nevertheless. */
static int damage_ids(struct world *w)
{
	char path[600];
	struct dirent *entry;
	int at = (int)(w->op->number[1] % 8);
	close_all(w);
	if (test_on_server())
		return 0;
	snprintf(path, sizeof path, "%s-ids", w->path);
	DIR *d = opendir(path);
	if (!d)
		return 0;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' && at-- <= 0)
			break;
	if (entry)
		snprintf(path, sizeof path, "%s-ids/%s", w->path, entry->d_name);
	FILE *f = entry ? fopen(path, "r+b") : NULL;
	closedir(d);
	if (!f)
		return 0;
	fseek(f, 0, SEEK_END);
	const long size = ftell(f);
	fseek(f, size > 0 ? (long)w->op->number[2] * 31 % size : 0, SEEK_SET);
	for (int i = 0; i < 1 + (int)(w->op->number[3] % 64) && ftell(f) < size; i++)
		fputc(w->op->number[3] % 2 ? 0 : 0x5A, f);
	fclose(f);
	w->counts->damaged_ids++;
	return 0;
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

/* Seconds, or now and then days, forwards and backwards. */
static void step_clock(struct world *w)
{
	const uint32_t *n = w->op->number;
	w->model.now.us += ((int64_t)(n[0] % 2000) - 400) * US_PER_SECOND;
	if (n[2] % 5 == 0)
		w->model.now.us += ((int64_t)(n[3] % 20) - 5) * US_PER_DAY;
	/* now and then one in a currency that limits and budgets cannot judge */
	w->model.book = n[3] % 8 == 0 ? 2 : (int)(n[1] % 2);
}

static int step(struct world *w)
{
	int rc = 0;
	w->again = w->done = false;
	w->counts->operations++;
	switch (w->op->kind) {
	case OP_CLOCK:
		step_clock(w);
		return 0;
	case OP_REOPEN:
		close_session(session(w, w->op->session));
		return 0;
	case OP_BACKUP:
	case OP_MOVE:
		rc = copy(w, session(w, w->op->session));
		break;
	case OP_DAMAGE_IDS:
		rc = damage_ids(w);
		break;
	case OP_TOGETHER:
		rc = together(w);
		break;
	default:
		if (w->op->fault == FAULT_KILL) {
			close_all(w);
			if (!ended_well(w, in_a_process(w, w->op, true)))
				return wrong(w, "a process to be killed failed");
			w->again = true;
		}
		rc = with_fault(w);
		if (rc < 0)
			return wrong(w, "%s", w->e.message);
		operation_model(w);
		rc = 0;
	}
	return rc || check_all(w, session(w, w->op->session + (int)(w->op->number[3] % SESSIONS)));
}

static int open_accounts(struct world *w)
{
	struct session *s = session(w, 0);
	int rc = store_begin(s->store, world_start, &w->e);
	if (rc == 0)
		rc = ledger_begin(s->ledger, &w->e);
	for (uint32_t i = 0; rc == 0 && i < ACCOUNTS; i++)
		rc = ledger_set_account(
			s->ledger,
			&(struct account){ .customer = text_of(customer_name(i)),
					   .plan = TEXT("flat"),
					   .plan_text = text_of(model_plan),
					   .zone = TEXT("UTC"),
					   .terms = TEXT("{\"places\":9}"),
					   .burn_order = TEXT("priority,expiry,class,cost-basis,"
							      "effective,created,id"),
					   .overage = i ? OVERAGE_LIMIT : OVERAGE_DEBT,
					   .anchor_day = 1,
					   .since = world_start,
					   .opened = world_start },
			world_start, &w->e);
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
	for (int i = 0; i < MODEL_BOOKS; i++) {
		struct card *c;
		struct fault_list faults = { 0 };
		if (book_open(&w.book[i], &w.e) != 0 ||
		    card_parse(&c, text_of(model_card(i)), "simulation", &faults) != 0)
			return wrong(&w, "the price card: %s",
				     faults.count ? faults.fault[0].message : w.e.message);
		book_add_card(w.book[i], c);
	}
	if (bills_read_rates(&w) != 0)
		return wrong(&w, "%s", w.e.message);
	next_file(&w, w.path);
	int bad = open_accounts(&w) != 0 ? wrong(&w, "accounts: %s", w.e.message) : 0;
	for (*at = 0; !bad && *at < count; ++*at) {
		w.op = &op[*at];
		bad = step(&w);
		if (bad)
			break;
	}
	close_all(&w);
	for (int i = 0; i < MODEL_BOOKS; i++)
		book_close(w.book[i]);
	exchange_close(w.rates);
	return bad;
}
