/*
 * simulate: the meter as a whole against a naive model of it, with faults in between.
 *
 * A history is a list of operations that are made of a seed, each from its own numbers alone, so
 * that any of them can be left out. operations.c does them with the real code and compares after
 * each one; model.c says what must be true; simulate.c makes histories and shrinks those that fail.
 */
#ifndef TALLY_TESTS_SIMULATE_H
#define TALLY_TESTS_SIMULATE_H

#include "meter/hold.h"

#define OPERATIONS(X) \
	X(OP_BATCH, "batch") \
	X(OP_TENANT, "tenant-batch") \
	X(OP_TOGETHER, "batches-at-once") \
	X(OP_VOID, "void") \
	X(OP_AMEND, "amend") \
	X(OP_RERATE, "rerate") \
	X(OP_LIMIT, "limit") \
	X(OP_BUDGET, "budget") \
	X(OP_BUDGET_ALL, "budget-of-all") \
	X(OP_HOLD, "hold") \
	X(OP_SETTLE, "settle") \
	X(OP_SETTLE_CREDITS, "settle-credits") \
	X(OP_RELEASE, "release") \
	X(OP_EXPIRE, "expire") \
	X(OP_GRANT, "grant") \
	X(OP_VOID_GRANT, "void-grant") \
	X(OP_DRAW, "draw") \
	X(OP_REFUND, "refund") \
	X(OP_REPAIR, "repair") \
	X(OP_RULE, "recurring-grant") \
	X(OP_END_RULE, "end-recurring") \
	X(OP_ADVANCE, "advance") \
	X(OP_DRAFT, "draft") \
	X(OP_FINALIZE, "finalize") \
	X(OP_VOID_INVOICE, "void-invoice") \
	X(OP_TERMS, "terms") \
	X(OP_TOP_UP, "top-up") \
	X(OP_BUY, "buy") \
	X(OP_NOTE, "note") \
	X(OP_PAY, "pay") \
	X(OP_SETTLE_BILLS, "settle-bills") \
	X(OP_CLOCK, "clock") \
	X(OP_DAMAGE_IDS, "damage-ids") \
	X(OP_REBUILD, "rebuild") \
	X(OP_BACKUP, "backup") \
	X(OP_MOVE, "move") \
	X(OP_REOPEN, "reopen")

enum operation_kind {
#define X(id, name) id,
	OPERATIONS(X)
#undef X
		OPERATION_KINDS
};

enum fault_kind { FAULT_NONE, FAULT_WRITE, FAULT_KILL, FAULT_MEMORY, FAULTS };

struct operation {
	enum operation_kind kind;
	enum fault_kind fault;
	int fault_at; /* the write, allocation or message that fails, or at which the process is
		       * killed */
	bool once;    /* those after it are well again */
	int session;  /* which of the connections does it */
	uint32_t number[4];
};

enum {
	MODEL_BOOKS = 3,
	SESSIONS = 3,
	BATCH_MOST = 12,
	CUSTOMERS = 5,
	ACCOUNTS = 2,
	RECORDS_MOST = 600,
	HOLDS_MOST = 200,
	GRANTS_MOST = 60,
	PURCHASES_MOST = 40,
	PAYMENTS_MOST = 90,
	DOCUMENTS_MOST = 14,
	BILL_FIRST = 8, /* August to October 2026, where the records are */
	BILL_MONTHS = 3
};

/* --- the model --- */

struct model_record {
	bool known, present; /* present: not voided */
	int variant;	     /* which of the texts under its id was first */
	struct record record;
	int64_t searches;
	int copies; /* of a record without an id: how often it stands in a source, at most */
	signed char book[BATCH_MOST]; /* that rated each of them */
};
struct model_hold {
	bool known;
	char state; /* 'o'pen, 's'ettled, 'c': settled by credits, 'r'eleased, 'e'xpired */
	int customer;
	int64_t pico, nano, created_us, expires_us;
};
enum { MODEL_PERIODS = 6, MODEL_ZONES = 3 };
/* What a limit or a hard budget allows in its period. */
struct model_bound {
	bool set;
	int period; /* of model_periods */
	int zone;   /* of model_zones */
	int64_t pico;
};
/* What a grant's name says of it, whoever has it. */
struct model_grant {
	int64_t nano, pico; /* pico: its price; 0: it is given */
	struct instant effective;
};
struct model_grant model_grant(uint32_t n);
#define MODEL_RULE_PICO INT64_C(7000000000000) /* of each grant of a rule that sells */
/* voided: whatever is left of it, perhaps nothing. */
struct model_sale {
	bool known, voided;
	struct instant effective; /* of a purchase */
};
struct model {
	struct model_record record[RECORDS_MOST];
	struct model_record settlement[HOLDS_MOST];
	/* sent by another customer than the record's, with that one's token: its own call, under
	 * the same id in its own space */
	struct model_record own[RECORDS_MOST];
	struct model_hold hold[HOLDS_MOST];
	struct model_bound limit[CUSTOMERS][MODEL_PERIODS], budget[CUSTOMERS], all_budget;
	struct model_sale grant[ACCOUNTS][GRANTS_MOST], purchase[ACCOUNTS][PURCHASES_MOST];
	bool tops_up[ACCOUNTS], payment[PAYMENTS_MOST];
	struct money_total paid;
	int terms[ACCOUNTS];
	int book;
	struct instant now;
};

enum { MODEL_PRICED = 2, MODEL_CURRENCIES = 2, MODEL_UNPRICED = -1 };
extern const char *const model_currencies[MODEL_CURRENCIES];

struct model_sums {
	int64_t records, unpriced, requests, tokens[BUCKET_COUNT], searches;
	int64_t priced[MODEL_CURRENCIES];
	int128 atto[MODEL_CURRENCIES];
	int64_t uncovered; /* by the plan */
	int128 credits;	   /* of the others, in billionths */
};

/* The record of that number; `id` keeps its text. variant: other counts under the
 * same id. */
void model_make(struct metered *m, uint32_t n, int variant, char id[40]);
/* Whether it counts more than any record may. */
bool model_too_large(uint32_t n);
bool model_has_id(uint32_t n);
/* What a record costs by that book; the currency's number, or MODEL_UNPRICED. */
int model_cost(const struct model_record *r, int book, int128 *atto);
/* What a record draws by the accounts' plan; false: all or a part of it is not covered. */
bool model_credits(const struct record *r, int128 *nano);
/* customer negative: all. */
void model_sum(const struct model *m, int customer, struct model_sums *out);
/* Of the instants [from, to). */
void model_sum_span(const struct model *m, int customer, int64_t from_us, int64_t to_us,
		    struct model_sums *out);
/* customer negative: of all. */
int64_t model_held(const struct model *m, int customer);
int64_t model_held_credits(const struct model *m, int customer);
extern const char *const model_periods[MODEL_PERIODS], *const model_zones[MODEL_ZONES];
struct model_spending {
	int128 atto;	 /* of the first currency */
	int64_t foreign; /* records in another one */
};
/* What a customer (negative: all) spent in the bound's period around now, settlements included that
 * count where their hold was made. */
struct model_spending model_spent(const struct model *m, int customer, int period, int zone);
/* The day in that zone, as civil_to_day counts. */
int64_t model_day(int64_t us, int zone);
/* Records and cost of a day; day by day they are all records. */
void model_sum_day(const struct model *m, int64_t day, int zone, struct model_sums *out);
/* The plan of all accounts: a token of sim-alpha is a thousand billionths of a credit; sim-beta's
 * prices are rounded to whole credits for a million, where only output is left. */
extern const char model_plan[];
/* The price card of a book, as JSON, and the currency of its prices: the last one's is another one
 * than that of limits and budgets. */
const char *model_card(int book);
const char *model_currency(int book);

/* --- the real thing --- */

struct counts {
	int64_t operations, kills, failed_writes, no_memory, lost_connections, damaged_ids,
		together, records, holds, refused_holds, settlements, invoices, moves, checks,
		faulty_accounts, notes, payments;
};

/* Does them one after another in a new database in the folder; 0, or 1 with what is wrong on
 * standard error and *at. */
int operations_run(const struct operation *op, int count, const char *folder, struct counts *counts,
		   int *at);

#endif
