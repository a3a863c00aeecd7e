/* simulate SECONDS SEED: histories made of consecutive seeds, each in a process of its own; the
 * first that fails is shrunk to the fewest operations, printed, and ends the program with 1. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "tests/simulate/simulate.h"
#include "tests/support/failing_memory.h"
#include "tests/support/failing_vfs.h"

enum { HISTORY = 120 };

static char folder[64];

/* What a history's process tells the one that started it. */
struct told {
	struct counts counts;
	int at;
};
static struct told *told;

static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static const char *name_of(enum operation_kind k)
{
	static const char *const names[] = {
#define X(id, name) name,
		OPERATIONS(X)
#undef X
	};
	return names[k];
}

static void make_history(struct operation op[HISTORY], uint64_t seed)
{
	/* how often, of 83; what is left are batches */
	static const unsigned char often[OPERATION_KINDS] = {
		[OP_TENANT] = 4,       [OP_RULE] = 1,	  [OP_END_RULE] = 1,
		[OP_ADVANCE] = 2,      [OP_TOGETHER] = 1, [OP_DAMAGE_IDS] = 1,
		[OP_BUDGET_ALL] = 1,   [OP_VOID] = 3,	  [OP_AMEND] = 3,
		[OP_RERATE] = 1,       [OP_LIMIT] = 3,	  [OP_BUDGET] = 2,
		[OP_HOLD] = 9,	       [OP_SETTLE] = 4,	  [OP_SETTLE_CREDITS] = 1,
		[OP_RELEASE] = 2,      [OP_EXPIRE] = 1,	  [OP_GRANT] = 3,
		[OP_VOID_GRANT] = 1,   [OP_DRAW] = 2,	  [OP_REFUND] = 3,
		[OP_REPAIR] = 1,       [OP_DRAFT] = 3,	  [OP_FINALIZE] = 5,
		[OP_VOID_INVOICE] = 2, [OP_TERMS] = 2,	  [OP_TOP_UP] = 2,
		[OP_BUY] = 1,	       [OP_NOTE] = 2,	  [OP_PAY] = 5,
		[OP_SETTLE_BILLS] = 1, [OP_CLOCK] = 2,	  [OP_REBUILD] = 1,
		[OP_BACKUP] = 1,       [OP_MOVE] = 1,	  [OP_REOPEN] = 1,
	};
	uint64_t state = seed;
	/* small ranges in some histories, so that things meet */
	const uint64_t range = next(&state) % 3 == 0 ? 8 : next(&state) % 2 ? 60 : 600;
	const uint64_t faults = next(&state) % 4;
	for (int i = 0; i < HISTORY; i++) {
		uint64_t which = next(&state) % 83;
		op[i] = (struct operation){ .kind = OP_BATCH };
		for (int k = 0; k < OPERATION_KINDS; k++) {
			if (which < often[k]) {
				op[i].kind = (enum operation_kind)k;
				break;
			}
			which -= often[k];
		}
		op[i].session = (int)(next(&state) % SESSIONS);
		op[i].number[0] = (uint32_t)(next(&state) % range);
		for (int k = 1; k < 4; k++)
			op[i].number[k] = (uint32_t)(next(&state) % 10007);
		if (next(&state) % 8 < faults)
			op[i].fault = (enum fault_kind)(1 + next(&state) % (FAULTS - 1));
		/* each order of magnitude as often; there are far more allocations than writes */
		const int most = op[i].fault == FAULT_MEMORY ? 13 : 6;
		const uint64_t span = (uint64_t)1 << next(&state) % (uint64_t)most;
		op[i].fault_at = (int)(span + next(&state) % span);
		op[i].once = next(&state) % 2;
	}
}

/* 0 when all of it holds. */
static int run_apart(const struct operation *op, int count, bool quiet)
{
	int status;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		if (quiet && !freopen("/dev/null", "w", stderr))
			_exit(2);
		_exit(operations_run(op, count, folder, &told->counts, &told->at));
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status) && !quiet)
		fprintf(stderr, "simulate: ended by signal %d\n", WTERMSIG(status));
	return status;
}

/* Leaves out pieces, large ones first, as long as it still fails. */
static int shrink(struct operation *op, int count)
{
	struct operation *fewer = mem_alloc(sizeof *op * HISTORY);
	for (int size = count / 2; size >= 1; size /= 2)
		for (int from = count - size; from >= 0; from -= size) {
			memcpy(fewer, op, (size_t)from * sizeof *op);
			memcpy(fewer + from, op + from + size,
			       (size_t)(count - from - size) * sizeof *op);
			if (run_apart(fewer, count - size, true) == 0)
				continue;
			count -= size;
			memcpy(op, fewer, (size_t)count * sizeof *op);
			if (from > count)
				from = count;
		}
	for (int i = 0; i < count; i++) {
		const enum fault_kind f = op[i].fault;
		op[i].fault = FAULT_NONE;
		if (f && run_apart(op, count, true) == 0)
			op[i].fault = f;
	}
	free(fewer);
	return count;
}

static void print(const struct operation *op, int count)
{
	static const char *const faults[] = { "", "failing write", "kill", "no memory" };
	for (int i = 0; i < count; i++)
		printf("  %2d %-12s %u %u %u %u, connection %d%s%s %d%s\n", i + 1,
		       name_of(op[i].kind), op[i].number[0], op[i].number[1], op[i].number[2],
		       op[i].number[3], op[i].session, op[i].fault ? ", fault: " : "",
		       faults[op[i].fault], op[i].fault_at, op[i].once ? " once" : "");
}

static int clean_up(int rc)
{
	char command[100];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command) != 0 ? 2 : rc;
}

int main(int argc, char **argv)
{
	static struct operation op[HISTORY];
	const long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 60;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	int histories = 0;
	const time_t end = time(NULL) + seconds;
	/* in memory, where there is such a place: what a process wrote outlives its end there, too
	 */
	snprintf(folder, sizeof folder, "%s/tally-simulate-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!mkdtemp(folder) || told == MAP_FAILED)
		return 2;
	failing_memory_install();
	failing_vfs_install();
	do {
		make_history(op, seed);
		if (run_apart(op, HISTORY, false) != 0) {
			printf("not ok seed %llu, operation %d; shrinking\n",
			       (unsigned long long)seed, told->at + 1);
			int count = shrink(op, told->at < HISTORY ? told->at + 1 : HISTORY);
			printf("# seed %llu fails with %d operations:\n", (unsigned long long)seed,
			       count);
			print(op, count);
			run_apart(op, count, false);
			return clean_up(1);
		}
		histories++;
		seed++;
	} while (time(NULL) < end);
	const struct counts *c = &told->counts;
	printf("ok %d histories\n# simulate: %lld operations, %lld kills, %lld failed writes, %lld "
	       "without memory, %lld lost connections, %lld damaged indexes; %lld records, %lld at once, %lld holds (%lld refused), %lld settled, %lld "
	       "invoices, %lld notes, %lld payments, %lld copies, %lld checks\n",
	       histories, (long long)c->operations, (long long)c->kills,
	       (long long)c->failed_writes, (long long)c->no_memory, (long long)c->lost_connections,
	       (long long)c->damaged_ids, (long long)c->records, (long long)c->together,
	       (long long)c->holds, (long long)c->refused_holds, (long long)c->settlements,
	       (long long)c->invoices, (long long)c->notes, (long long)c->payments,
	       (long long)c->moves, (long long)c->checks);
	return clean_up(0);
}
